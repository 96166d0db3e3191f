//! `POST /oauth2/backchannel-logout` (OpenID Connect Back-Channel Logout 1.0; `gateway.md` section 4): from server to
//! server, so without a cookie, and for no browser.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use poolgate_providers::ProviderError;

use crate::http::body::{self, once};
use crate::http::host::PoolAtHost;
use crate::http::reply::{self, OAuthError};
use crate::http::{State, correlation};
use crate::observe::labels::SignOutStart;
use crate::registry::LivePool;
use crate::sign_out::backchannel;
use crate::sign_out::hearing::Refused;

/// 200 once what the provider ended has ended here, or nobody was known.
pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    pool: PoolAtHost,
    bytes: body::Received,
) -> HttpResponse {
    let mut response = match end(&state, &pool.0, &request, &bytes).await {
        Ok(()) => HttpResponse::Ok().finish(),
        Err(mut error) => {
            error.description = format!("{}; request {}", error.description, correlation::of(&request));
            reply::oauth_error(&error)
        }
    };
    state.context.metrics.signed_out(SignOutStart::Backchannel, response.status().as_u16());
    reply::no_store(&mut response);
    response
}

async fn end(
    state: &State,
    pool: &LivePool,
    request: &HttpRequest,
    bytes: &body::Received,
) -> Result<(), OAuthError> {
    let bad = |why: &str| OAuthError::bad_request("invalid_request", why);
    let form = body::oauth_form(request, bytes).map_err(bad)?;
    let token = once(&form, "logout_token").map_err(|why| bad(&why))?;
    let token = token.ok_or_else(|| bad("logout_token is missing"))?.to_owned();
    backchannel::hear(&state.context, pool, token).await.map_err(|refused| match refused {
        Refused::NotBelieved(ProviderError::StoreAway) => OAuthError::unavailable(),
        Refused::NotBelieved(error @ ProviderError::NotBelieved { .. }) => {
            bad(&format!("{} ({})", error, error.code()))
        }
        // The token may be good: it could not be looked at.
        Refused::NotBelieved(error) => {
            tracing::error!(%error, "a logout token could not be verified");
            let why = format!("{} ({}); try again later", error, error.code());
            OAuthError::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", &why)
        }
        Refused::Away(error) => {
            tracing::error!(%error, "a logout token could not be followed");
            OAuthError::unavailable()
        }
        Refused::Unasked => bad("the token answers nothing"),
    })
}
