//! `GET /logout` (`gateway.md` section 3; OpenID Connect RP-Initiated Logout 1.0).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::body::{self, Pairs, once};
use super::host::{PoolAtHost, elsewhere};
use super::pages::{Kind, SignedOutPage};
use super::reply::Trouble;
use super::visit::{self, Visit};
use super::{State, again, cookies, onward, reply};
use crate::observe::labels::SignOutStart;
use crate::pool::AppClient;
use crate::registry::LivePool;
use crate::sign_out::leaving::{self, Next, Onward};
use crate::tokens::hint;

/// Ends the hosted-UI session of this browser, unless the request is not a good one: then nothing ends.
pub async fn get(request: HttpRequest, state: web::Data<State>, pool: PoolAtHost) -> HttpResponse {
    if let Some(response) = elsewhere(&request, &state, &pool.0) {
        return response;
    }
    let response = end(&request, &state, &pool).await;
    state.context.metrics.signed_out(SignOutStart::App, response.status().as_u16());
    response
}

async fn end(request: &HttpRequest, state: &State, pool: &PoolAtHost) -> HttpResponse {
    let pairs = body::query(request);
    let onward = match check(request, state, &pool.0, &pairs) {
        Ok(onward) => onward,
        Err(what) => {
            let trouble = Trouble {
                status: StatusCode::BAD_REQUEST,
                code: "invalid_logout_request",
                kind: Kind::SignOutLink,
                detail: &what,
            };
            return reply::error_page(state, request, &trouble);
        }
    };
    let then = match &onward {
        Onward::There(address) => onward::form_target(address),
        _ => None,
    };
    let left = match cookies::read(request, cookies::SESSION) {
        Some(cookie) => leaving::leave(&state.context, &pool.0, &cookie, onward).await,
        None => Ok(Next::Onward(onward)),
    };
    let mut response = match left {
        Ok(Next::Onward(onward)) => go_on(request, state, onward),
        Ok(Next::Provider(provider, outbound)) => onward::outbound(state, request, &provider, outbound, then),
        Err(error) => {
            tracing::error!(%error, "a session could not be ended");
            return reply::unavailable_page(state, request);
        }
    };
    let gone = std::iter::once(cookies::no_session(state)).chain(again::forget(request, state));
    match reply::with_cookies(&mut response, gone) {
        Ok(()) => response,
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// Where the browser goes once the session has ended.
pub(super) fn go_on(request: &HttpRequest, state: &State, onward: Onward) -> HttpResponse {
    match onward {
        Onward::There(location) => reply::found(&location),
        Onward::Login(query) => reply::found(&format!("/login?{query}")),
        Onward::Page(client_id) => {
            let languages = visit::asked_languages(&body::query(request));
            visit::began_by(request, &client_id, languages.as_deref());
            let visit = Visit::of(request, state);
            let html = state.pages.signed_out(&visit.look, &SignedOutPage { back: visit.back() });
            reply::page(state, StatusCode::OK, html, &[])
        }
    }
}

/// The page for an answer to a sign-out that nobody here waits for.
pub(super) fn unasked(state: &State, request: &HttpRequest, what: &str) -> HttpResponse {
    let trouble = Trouble {
        status: StatusCode::BAD_REQUEST,
        code: "sign_out_unknown",
        kind: Kind::SignOutUnknown,
        detail: what,
    };
    reply::error_page(state, request, &trouble)
}

fn check(request: &HttpRequest, state: &State, pool: &LivePool, pairs: &Pairs) -> Result<Onward, String> {
    let client = client(state, pool, pairs)?;
    let logout_uri = match (once(pairs, "logout_uri")?, once(pairs, "post_logout_redirect_uri")?) {
        (Some(_), Some(_)) => return Err("Give logout_uri or post_logout_redirect_uri, not both.".into()),
        (one, other) => one.or(other),
    };
    if let Some(uri) = logout_uri {
        if !client.logout_urls.iter().any(|known| known == uri) {
            return Err("The sign-out address is not one of the client's logout URLs (LogoutURLs).".into());
        }
        return Ok(Onward::There(with_state(uri, once(pairs, "state")?)));
    }
    match (once(pairs, "redirect_uri")?, once(pairs, "response_type")?) {
        (None, None) => Ok(Onward::Page(client.client_id.clone())),
        (Some(uri), Some(_)) if client.callback_urls.iter().any(|known| known == uri) => {
            Ok(Onward::Login(request.query_string().to_owned()))
        }
        (Some(_), Some(_)) => {
            Err("The redirect_uri is not one of the client's callback URLs (CallbackURLs).".into())
        }
        _ => Err("The parameters redirect_uri and response_type belong together.".into()),
    }
}

/// The client: by `client_id`, or as the audience of `id_token_hint`; both must agree.
fn client<'p>(state: &State, pool: &'p LivePool, pairs: &Pairs) -> Result<&'p AppClient, String> {
    let named = once(pairs, "client_id")?;
    let hinted = match once(pairs, "id_token_hint")? {
        None => None,
        Some(token) => Some(
            hint::audience(pool, &state.context.surface, token)
                .ok_or("The id_token_hint is not an ID token of this pool.")?,
        ),
    };
    let id = match (named, &hinted) {
        (Some(named), Some(hinted)) if named != hinted => {
            return Err("The client_id is not the audience of id_token_hint.".into());
        }
        (Some(named), _) => named,
        (None, Some(hinted)) => hinted.as_str(),
        (None, None) => return Err("The client_id is missing.".into()),
    };
    pool.client(id).ok_or_else(|| "No app client of this pool has this client_id.".into())
}

/// The registered URL as it stands, with the state behind it.
fn with_state(uri: &str, state: Option<&str>) -> String {
    let Some(state) = state else { return uri.to_owned() };
    let (base, fragment) = uri.split_once('#').map_or((uri, None), |(base, rest)| (base, Some(rest)));
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
    let joint = if base.contains('?') { "&" } else { "?" };
    let fragment = fragment.map(|rest| format!("#{rest}")).unwrap_or_default();
    format!("{base}{joint}{query}{fragment}")
}
