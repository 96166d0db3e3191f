//! `GET|POST /oauth2/idpresponse`, and `/oauth2/idpresponse/{provider}` for those with `callback=own`: the answer of
//! a provider that speaks OAuth comes back through the browser.

use actix_web::{HttpRequest, HttpResponse, web};
use poolgate_providers::Inbound;

use crate::http::body::{self, Pairs, once};
use crate::http::host::PoolAtHost;
use crate::http::{State, arrival, reply};
use crate::pool::ProviderType;

/// The answer in the query.
pub async fn get(request: HttpRequest, state: web::Data<State>, pool: PoolAtHost) -> HttpResponse {
    let pairs = body::query(&request);
    receive(&request, &state, &pool, pairs, false).await
}

/// The answer in a form (`response_mode=form_post`), cross-site and so without our cookie at first.
pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    pool: PoolAtHost,
    bytes: web::Bytes,
) -> HttpResponse {
    match body::form(&request, &bytes).filter(|_| bytes.len() <= body::MAX_FORM) {
        Some(pairs) => receive(&request, &state, &pool, pairs, true).await,
        None => {
            let what = "The identity provider's answer is not a form of 64 KiB at most";
            reply::unattributable(&state, &request, &pool.0, None, what)
        }
    }
}

async fn receive(
    request: &HttpRequest,
    state: &State,
    pool: &PoolAtHost,
    pairs: Pairs,
    posted: bool,
) -> HttpResponse {
    let handle = match once(&pairs, "state") {
        Ok(Some(handle)) => handle.to_owned(),
        Ok(None) => {
            let what = "The identity provider's answer has no state";
            return reply::unattributable(state, request, &pool.0, None, what);
        }
        Err(why) => return reply::unattributable(state, request, &pool.0, None, &why),
    };
    let arrival = arrival::Arrival {
        handle,
        speaks: |provider_type| provider_type != ProviderType::Saml,
        at: request.match_info().get("provider").map(str::to_owned),
        fields: posted.then(|| pairs.clone()),
        inbound: Inbound::OAuth(pairs),
    };
    arrival::receive(request, state, &pool.0, arrival).await
}
