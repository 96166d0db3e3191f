//! `POST /saml2/idpresponse`: the assertion consumer service (SAML bindings 3.5).

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use poolgate_providers::Inbound;

use crate::http::body::{self, Pairs, once};
use crate::http::host::{PoolAtHost, elsewhere};
use crate::http::{State, arrival, cookies, reply};
use crate::observe::labels::Start;
use crate::pool::ProviderType;
use crate::registry::LivePool;
use crate::sign_in::request::Rejected;
use crate::sign_in::unsolicited;

/// What the reference service says of an answer that fits no attempt.
const NOT_OURS: &str = "Invalid samlResponse or relayState from identity provider";

/// An answer comes by POST alone. A browser asks so when a person sends the address of an earlier page once more.
pub async fn get(request: HttpRequest, state: web::Data<State>, _: PoolAtHost) -> HttpResponse {
    reply::unsolicited_page(&state, &request, "A SAML response comes by POST, and this is a GET")
}

/// The answer in a form, cross-site and so without our cookie at first.
pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    pool: PoolAtHost,
    bytes: web::Bytes,
) -> HttpResponse {
    let Some(pairs) = body::form(&request, &bytes).filter(|_| bytes.len() <= body::MAX_SAML_FORM) else {
        let what = "The identity provider's answer is not a form, or too large";
        return reply::unattributable(&state, &request, &pool.0, None, what);
    };
    let (Ok(Some(handle)), Ok(Some(response))) = (once(&pairs, "RelayState"), once(&pairs, "SAMLResponse"))
    else {
        return reply::unattributable(&state, &request, &pool.0, None, NOT_OURS);
    };
    if let Some(query) = unsolicited::query(handle) {
        let inbound = Inbound::SamlResponse(response.to_owned());
        return unasked(&request, &state, &pool.0, &query, inbound).await;
    }
    let arrival = arrival::Arrival {
        handle: handle.to_owned(),
        at: None,
        speaks: |provider_type| provider_type == ProviderType::Saml,
        inbound: Inbound::SamlResponse(response.to_owned()),
        fields: Some(vec![
            ("SAMLResponse".to_owned(), response.to_owned()),
            ("RelayState".to_owned(), handle.to_owned()),
        ]),
    };
    arrival::receive(&request, &state, &pool.0, arrival).await
}

/// The provider started it. The POST is cross-site and comes without our cookies: none is needed, as no attempt
/// waits in this browser.
async fn unasked(
    request: &HttpRequest,
    state: &State,
    pool: &Arc<LivePool>,
    query: &Pairs,
    inbound: Inbound,
) -> HttpResponse {
    let who = unsolicited::named(pool, query);
    if elsewhere(request, state, pool).is_some() {
        let what = "The identity provider's answer came to another domain than the pool's own";
        return reply::unattributable(state, request, pool, who, what);
    }
    let started = match unsolicited::check(pool, query) {
        Ok(started) => started,
        Err(Rejected::Page(why)) => {
            let what = format!("The identity provider started a sign-in whose RelayState is not good. {why}");
            return reply::unattributable(state, request, pool, who, &what);
        }
        Err(rejected) => {
            reply::refused(state, request, pool, who, reply::INVALID_REQUEST, &rejected.to_string());
            return reply::rejected(state, request, pool, &rejected);
        }
    };
    let old_session = cookies::read(request, cookies::SESSION);
    let completed =
        unsolicited::complete(&state.context, pool, &started, inbound, old_session.as_deref()).await;
    arrival::settle(request, state, pool, Start::Provider, completed)
}
