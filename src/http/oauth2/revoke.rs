//! `POST /oauth2/revoke` (RFC 7009, `gateway.md` section 3).

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::client_auth::{authenticate, claimed};
use crate::grants::revoke;
use crate::http::State;
use crate::http::body::{self, once};
use crate::http::host::{PoolAtHost, knowing};
use crate::http::reply::{self, OAuthError};
use crate::http::throttling;
use crate::registry::LivePool;

/// Ends the family of a refresh token: 200 with an empty body, known or not.
pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    pool: PoolAtHost,
    bytes: body::Received,
) -> HttpResponse {
    let mut response = match end(&state, pool.0, &request, &bytes).await {
        Ok(()) => HttpResponse::Ok().finish(),
        Err(error) => reply::oauth_error(&error),
    };
    reply::no_store(&mut response);
    crate::http::cors::open(&mut response);
    response
}

async fn end(
    state: &State,
    pool: Arc<LivePool>,
    request: &HttpRequest,
    bytes: &body::Received,
) -> Result<(), OAuthError> {
    let bad = |why: &str| OAuthError::bad_request("invalid_request", why);
    let form = body::oauth_form(request, bytes).map_err(bad)?;
    let claimed = claimed(request, &form);
    let pool = knowing(state, pool, |pool| claimed.as_ref().is_none_or(|id| pool.client(id).is_some())).await;
    let pool = &*pool;
    let client = authenticate(pool, request, &form).map_err(|error| error.told(StatusCode::UNAUTHORIZED))?;
    throttling::client_call(state, pool, client)?;
    let token = once(&form, "token").map_err(|why| bad(&why))?.ok_or_else(|| bad("token is missing"))?;
    if !client.revocation_enabled() {
        return Err(bad("token revocation is switched off for the client (EnableTokenRevocation)"));
    }
    if revoke::is_signed_token(token) {
        let why = "only refresh tokens can be revoked";
        return Err(OAuthError::bad_request("unsupported_token_type", why));
    }
    Ok(revoke::revoke(&state.context, pool, client, token).await?)
}
