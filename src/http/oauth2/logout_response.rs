//! `GET /oauth2/logoutresponse`: the browser comes back from an OpenID provider's `end_session_endpoint` (OpenID
//! Connect RP-Initiated Logout 1.0 section 3; `gateway.md` section 4). It needs no cookie of ours.

use actix_web::{HttpRequest, HttpResponse, web};
use poolgate_providers::error::shown;

use crate::http::body::{self, Pairs, once};
use crate::http::host::PoolAtHost;
use crate::http::logout::{go_on, unasked};
use crate::http::{State, reply};
use crate::sign_out::hearing::Refused;
use crate::sign_out::leaving;

/// Characters of the provider's error that are logged.
const SHOWN: usize = 300;

/// On to where the sign-out was to lead, once.
pub async fn get(request: HttpRequest, state: web::Data<State>, pool: PoolAtHost) -> HttpResponse {
    let pairs = body::query(&request);
    let handle = match once(&pairs, "state") {
        Ok(Some(handle)) => handle,
        Ok(None) => return unasked(&state, &request, "The identity provider's answer has no state."),
        Err(why) => return unasked(&state, &request, &format!("In the identity provider's answer, {why}.")),
    };
    let error = error(&pairs);
    match leaving::come_back(&state.context, &pool.0, handle, error.as_deref()).await {
        Ok(onward) => go_on(&request, &state, onward),
        Err(error @ Refused::Unasked) => unasked(&state, &request, &error.to_string()),
        Err(error) => {
            tracing::error!(%error, "a sign-out could not go on");
            reply::unavailable_page(&state, &request)
        }
    }
}

/// What the provider says went wrong there, fit for the log.
fn error(pairs: &Pairs) -> Option<String> {
    let first = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let error = first("error")?;
    Some(match first("error_description") {
        Some(description) => format!("{}: {}", shown(error, SHOWN), shown(description, SHOWN)),
        None => shown(error, SHOWN),
    })
}
