//! Which pool answers at the host the browser asked for.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{FORWARDED, HOST};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, web};
use thiserror::Error;

use super::{State, body, reply};
use crate::audit::note;
use crate::registry::LivePool;

/// The pool whose domain this request came to. No such pool: a plain 404.
pub struct PoolAtHost(pub Arc<LivePool>);

/// No pool answers at this host.
#[derive(Debug, Error)]
#[error("not found")]
pub struct UnknownHost;

impl ResponseError for UnknownHost {
    fn error_response(&self) -> HttpResponse {
        HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("Not found\n")
    }
}

impl FromRequest for PoolAtHost {
    type Error = UnknownHost;
    type Future = Pin<Box<dyn Future<Output = Result<Self, UnknownHost>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let pool = find(&request).await.ok_or(UnknownHost)?;
            note(|notes| notes.pool_id = Some(pool.id().to_owned()));
            Ok(Self(pool))
        })
    }
}

async fn find(request: &HttpRequest) -> Option<Arc<LivePool>> {
    let state = request.app_data::<web::Data<State>>()?;
    let host = asked_host(request, state)?;
    let registry = &state.context.registry;
    let at_host = || registry.snapshot().pool_at_host(&host).cloned();
    let Some(pool) = at_host() else {
        // Another replica may have just made it.
        registry.look_again().await;
        return at_host();
    };
    if request.query_string().is_empty() {
        return Some(pool);
    }
    let pairs = body::query(request);
    Some(knowing(state, pool, |pool| knows_named(pool, &pairs)).await)
}

/// The pool, where it lacks what is asked for as every replica has written it until now: `knows` says whether the
/// pool has it. It may lack it still.
pub async fn knowing(state: &State, pool: Arc<LivePool>, knows: impl Fn(&LivePool) -> bool) -> Arc<LivePool> {
    if knows(&pool) {
        return pool;
    }
    let registry = &state.context.registry;
    registry.look_again().await;
    registry.snapshot().pool(pool.id()).cloned().unwrap_or(pool)
}

/// Whether the pool has the client and the provider that these parameters name.
fn knows_named(pool: &LivePool, pairs: &body::Pairs) -> bool {
    pairs.iter().all(|(name, value)| match name.as_str() {
        _ if value.is_empty() => true,
        "client_id" => pool.client(value).is_some(),
        "identity_provider" => value == "COGNITO" || pool.providers.contains_key(value),
        "idp_identifier" => pool.provider_by_identifier(value).is_some(),
        _ => true,
    })
}

/// The host without its port, from a trusted proxy's header or from `Host`.
pub(super) fn asked_host(request: &HttpRequest, state: &State) -> Option<String> {
    let peer = request.peer_addr().map(|address| address.ip());
    let forwarded = peer.filter(|peer| is_trusted(*peer, state)).and_then(|_| forwarded_host(request));
    let host = match forwarded {
        Some(host) => host,
        None => match request.headers().get(HOST) {
            Some(host) => host.to_str().ok()?.to_owned(),
            None => request.uri().host()?.to_owned(),
        },
    };
    Some(without_port(&host).to_owned())
}

/// A redirect to the host at which the pool's providers answer, when this is its other one.
///
/// A pool may have a prefix domain and a custom one. Cookies belong to one host, so a browser must begin, and
/// sign out, where the provider's answer will find them.
pub fn elsewhere(request: &HttpRequest, state: &State, pool: &LivePool) -> Option<HttpResponse> {
    let home = pool.domain_url(&state.context.surface)?;
    if home.host_str()?.eq_ignore_ascii_case(&asked_host(request, state)?) {
        return None;
    }
    let here = request.uri().path_and_query()?.as_str();
    Some(reply::found(&format!("{}{here}", home.as_str().trim_end_matches('/'))))
}

/// Whether the settings name this peer as a proxy of ours.
pub(super) fn is_trusted(peer: IpAddr, state: &State) -> bool {
    state.trusted_proxies.iter().any(|network| network.contains(&peer))
}

/// The host of the last hop: `Forwarded` (RFC 7239) first, then `X-Forwarded-Host`. A proxy adds to what came
/// before it, in the same line or in a line of its own: only the very last element is its word.
fn forwarded_host(request: &HttpRequest) -> Option<String> {
    let headers = request.headers();
    let standard =
        headers.get_all(FORWARDED).last().and_then(|value| value.to_str().ok()).and_then(|value| {
            let last = value.rsplit(',').next()?;
            last.split(';').find_map(|pair| {
                let (name, host) = pair.trim().split_once('=')?;
                name.eq_ignore_ascii_case("host").then(|| host.trim_matches('"').to_owned())
            })
        });
    standard.or_else(|| {
        let value = headers.get_all("x-forwarded-host").last()?.to_str().ok()?;
        Some(value.rsplit(',').next()?.trim().to_owned())
    })
}

fn without_port(host: &str) -> &str {
    if host.starts_with('[') {
        return host.split_inclusive(']').next().unwrap_or(host);
    }
    host.split(':').next().unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::without_port;

    #[test]
    fn the_port_is_not_part_of_the_match() {
        assert_eq!(without_port("acme.localhost:9229"), "acme.localhost");
        assert_eq!(without_port("acme.example"), "acme.example");
        assert_eq!(without_port("[::1]:9229"), "[::1]");
    }
}
