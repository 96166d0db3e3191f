//! `POST /oauth2/token` (`gateway.md` section 3).

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::client_auth::{authenticate, claimed};
use crate::audit::{note, notes};
use crate::grants::{GrantError, TokenAnswer, authorization_code, client_credentials, refresh_token};
use crate::http::State;
use crate::http::body::{self, Pairs, once};
use crate::http::host::{PoolAtHost, knowing};
use crate::http::reply::{self, OAuthError};
use crate::http::throttling;
use crate::observe::labels::{Grant, Label as _};
use crate::pool::{AppClient, OAuthFlow};
use crate::registry::LivePool;
use crate::triggers::TriggerError;

/// Exchanges a code or a refresh token, or the credentials of an app.
pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    pool: PoolAtHost,
    bytes: body::Received,
) -> HttpResponse {
    let mut grant = Grant::Other;
    let mut response = match exchange(&state, pool.0, &request, &bytes, &mut grant).await {
        Ok(answer) => reply::json(&answer),
        Err(error) => reply::oauth_error(&error),
    };
    note(|notes| notes.grant = Some(grant.as_str()));
    state.context.metrics.granted(grant, response.status().as_u16());
    reply::no_store(&mut response);
    crate::http::cors::open(&mut response);
    response
}

async fn exchange(
    state: &State,
    pool: Arc<LivePool>,
    request: &HttpRequest,
    bytes: &body::Received,
    grant: &mut Grant,
) -> Result<TokenAnswer, OAuthError> {
    let bad = |why: &str| OAuthError::bad_request("invalid_request", why);
    let form = body::oauth_form(request, bytes).map_err(bad)?;
    let grant_type = required(&form, "grant_type")?;
    let known = [Grant::AuthorizationCode, Grant::RefreshToken, Grant::ClientCredentials];
    *grant = known.into_iter().find(|known| known.as_str() == grant_type).unwrap_or(Grant::Other);
    let claimed = claimed(request, &form);
    let pool = knowing(state, pool, |pool| claimed.as_ref().is_none_or(|id| pool.client(id).is_some())).await;
    let pool = &*pool;
    let client = authenticate(pool, request, &form).map_err(|error| error.told(StatusCode::BAD_REQUEST))?;
    throttling::client_call(state, pool, client)?;
    match grant_type {
        "authorization_code" => code(state, pool, client, &form).await,
        "refresh_token" => {
            if !client.allowed_oauth_flows_user_pool_client {
                let why = "the client may not use the OAuth endpoints (AllowedOAuthFlowsUserPoolClient)";
                return Err(OAuthError::bad_request("unauthorized_client", why));
            }
            let token = required(&form, "refresh_token")?;
            Ok(refresh_token::redeem(&state.context, pool, client, token).await?)
        }
        "client_credentials" => {
            let scope = once(&form, "scope").map_err(|why| bad(&why))?;
            Ok(client_credentials::issue(&state.context, pool, client, scope).await?)
        }
        _ => {
            let allowed = "grant_type must be authorization_code, refresh_token or client_credentials";
            Err(OAuthError::bad_request("unsupported_grant_type", allowed))
        }
    }
}

async fn code(
    state: &State,
    pool: &LivePool,
    client: &AppClient,
    form: &Pairs,
) -> Result<TokenAnswer, OAuthError> {
    if !client.may_use(OAuthFlow::Code) {
        let why = "the client does not allow the authorization code grant";
        return Err(OAuthError::bad_request("unauthorized_client", why));
    }
    let redemption = authorization_code::Redemption {
        code: required(form, "code")?,
        redirect_uri: required(form, "redirect_uri")?,
        verifier: once(form, "code_verifier")
            .map_err(|why| OAuthError::bad_request("invalid_request", &why))?,
    };
    Ok(authorization_code::redeem(&state.context, pool, client, redemption).await?)
}

fn required<'a>(form: &'a Pairs, name: &str) -> Result<&'a str, OAuthError> {
    let bad = |why: &str| OAuthError::bad_request("invalid_request", why);
    once(form, name).map_err(|why| bad(&why))?.ok_or_else(|| bad(&format!("{name} is missing")))
}

impl From<GrantError> for OAuthError {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::InvalidRequest(why) => Self::bad_request("invalid_request", &why),
            GrantError::InvalidGrant(why) | GrantError::Reused(why) => {
                Self::bad_request("invalid_grant", &why)
            }
            GrantError::NoUser => Self::bad_request("invalid_grant", &error.to_string()),
            GrantError::UnauthorizedClient(why) => Self::bad_request("unauthorized_client", why),
            GrantError::InvalidScope(why) => Self::bad_request("invalid_scope", why),
            GrantError::Unavailable(why) => {
                tracing::error!(%why, "a store is away");
                Self::unavailable()
            }
            GrantError::Trigger(error) => of_trigger(&error),
            GrantError::Key(error) => {
                tracing::error!(%error, "signing failed");
                Self::internal()
            }
        }
    }
}

/// A function that refuses is final, one that cannot be asked is not: an app must not take an outage for the end of a
/// sign-in.
fn of_trigger(error: &TriggerError) -> OAuthError {
    match error {
        TriggerError::Refused { .. } => {
            // First: the audit log keeps the function's own words out.
            notes::error("invalid_grant", &error.impersonal());
            OAuthError::bad_request("invalid_grant", &error.to_string())
        }
        TriggerError::Unexpected { .. } => {
            tracing::error!(%error, "a function did not answer");
            OAuthError::unavailable()
        }
        TriggerError::InvalidResponse { .. } => {
            tracing::error!(%error, "a function answered what cannot be used");
            OAuthError::internal()
        }
    }
}
