//! `GET|POST /oauth2/userInfo` (`gateway.md` section 3, RFC 6750 section 3).

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use crate::audit::notes;
use crate::http::State;
use crate::http::host::PoolAtHost;
use crate::http::reply::{self, OAuthError};
use crate::registry::LivePool;
use crate::tokens::{Holder, TokenError, access, claims};
use std::sync::Arc;

/// What the access token's scopes and the client's read attributes allow.
pub async fn handle(request: HttpRequest, state: web::Data<State>, pool: PoolAtHost) -> HttpResponse {
    let mut response = match look_up(&state, &pool.0, &request).await {
        Ok(claims) => reply::json(&claims),
        Err(error) => refusal(&error),
    };
    reply::no_store(&mut response);
    crate::http::cors::open(&mut response);
    response
}

fn refusal(error: &OAuthError) -> HttpResponse {
    let mut response = reply::oauth_error(error);
    if matches!(error.status, StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST) {
        let challenge =
            format!("Bearer error=\"{}\", error_description=\"{}\"", error.error, error.description);
        if let Ok(challenge) = HeaderValue::from_str(&challenge) {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
    }
    response
}

async fn look_up(state: &State, pool: &Arc<LivePool>, request: &HttpRequest) -> Result<Value, OAuthError> {
    let token = bearer(request)?;
    let unauthorized = |why: &str| OAuthError::new(StatusCode::UNAUTHORIZED, "invalid_token", why);
    let live = access::verify(&state.context, pool, token).await.map_err(|error| match error {
        TokenError::Invalid(why) => unauthorized(why),
        error @ (TokenError::NoUser | TokenError::Reused) => unauthorized(&error.to_string()),
        TokenError::Key(error) => {
            tracing::error!(%error, "a key failed");
            OAuthError::internal()
        }
        TokenError::Trigger(error) => {
            tracing::error!(%error, "a function was asked where none is");
            OAuthError::internal()
        }
        TokenError::Directory(error) => {
            tracing::error!(%error, "the directory is away");
            OAuthError::unavailable()
        }
    })?;
    notes::user(&live.user.sub);
    notes::client(&live.client_id);
    if !live.granted.has_scope("openid") {
        return Err(unauthorized("Access token does not contain openid scope"));
    }
    let client = pool.client(&live.client_id).ok_or_else(|| unauthorized("Access token is not valid"))?;
    let holder = Holder { pool, client, user: &live.user };
    Ok(Value::Object(claims::user_info(holder, &live.granted)))
}

fn bearer(request: &HttpRequest) -> Result<&str, OAuthError> {
    let bad = |why: &str| OAuthError::bad_request("invalid_request", why);
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let header = headers.next().ok_or_else(|| bad("the Authorization header is missing"))?;
    if headers.next().is_some() {
        return Err(bad("the Authorization header was given more than once"));
    }
    let header = header.to_str().map_err(|_| bad("the Authorization header is malformed"))?;
    match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(token.trim())
        }
        _ => Err(bad("the Authorization header must be: Bearer access_token")),
    }
}
