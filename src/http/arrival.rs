//! A provider's answer, whichever way it came: is it of an attempt, and of the browser that started it?
//!
//! A cross-site POST comes without our `SameSite=Lax` cookie. It is answered once with a page that posts the
//! same fields again, now same-site; the main cookie is never widened.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use poolgate_providers::Inbound;

use super::body::Pairs;
use super::host::knowing;
use super::pages::{Href, Kind};
use super::{State, again, cookies, onward, reply, visit};
use crate::observe::labels::Start;
use crate::pool::ProviderType;
use crate::registry::LivePool;
use crate::sign_in::attempt::Attempt;
use crate::sign_in::complete::{self, Completed};
use crate::sign_in::failure::Failed;
use crate::sign_in::own_callback;

/// Query that tells the second, same-site POST from the first.
const MARKER: &str = "poolgate_same_site";
/// The attempt is unknown, expired or used.
pub const NO_ATTEMPT: &str = "attempt_unknown";
/// Started in another browser, or this one keeps no cookies.
const OTHER_BROWSER: &str = "other_browser";

/// A provider's raw answer.
pub struct Arrival {
    /// State or RelayState.
    pub handle: String,
    /// Which providers answer at this endpoint.
    pub speaks: fn(ProviderType) -> bool,
    /// The provider whose own address it came to; none: the one that providers share.
    pub at: Option<String>,
    /// What the adapter is to verify.
    pub inbound: Inbound,
    /// The form, when it was posted: what a same-site hop must send again.
    pub fields: Option<Pairs>,
}

/// Completes the sign-in this answer belongs to.
pub async fn receive(
    request: &HttpRequest,
    state: &State,
    pool: &Arc<LivePool>,
    arrival: Arrival,
) -> HttpResponse {
    again::belongs_to(request, state, &arrival.handle);
    let attempt = match Attempt::peek(&state.context, &arrival.handle).await {
        Ok(attempt) => attempt,
        Err(error) => {
            tracing::error!(%error, "cannot look an attempt up");
            return reply::nobodys_answer(state, request, pool);
        }
    };
    // The replica where it began may know what was made a moment ago.
    let pool = match &attempt {
        Some(attempt) if attempt.pool_id == pool.id() => {
            let has = |pool: &LivePool| {
                pool.client(&attempt.client_id).is_some() && pool.providers.contains_key(&attempt.provider)
            };
            &*knowing(state, Arc::clone(pool), has).await
        }
        _ => &**pool,
    };
    let provider_type =
        |attempt: &Attempt| pool.providers.get(&attempt.provider).map(|live| live.config.value.provider_type);
    // What comes to the address of another provider was sent there by a mix-up (RFC 9700 section 4.4).
    let address = |attempt: &Attempt| {
        let live = pool.providers.get(&attempt.provider);
        live.is_none_or(|live| own_callback(&live.config.value) == arrival.at.as_deref())
    };
    let ours = attempt.filter(|attempt| {
        attempt.pool_id == pool.id() && provider_type(attempt).is_none_or(arrival.speaks) && address(attempt)
    });
    let Some(attempt) = ours else { return expired(request, state, pool, None, NO_ATTEMPT) };
    visit::began_by(request, &attempt.client_id, attempt.languages());
    if again::is_of_this_browser(request, state, &attempt) {
        let response = finish(request, state, pool, arrival).await;
        return if is_marked(request) {
            onward::past_our_form(state, request, None, response)
        } else {
            response
        };
    }
    match (cookies::read_browser(request), arrival.fields) {
        (None, Some(fields)) if !is_marked(request) => hop(request, state, &attempt, fields),
        _ => expired(request, state, pool, Some(&attempt), OTHER_BROWSER),
    }
}

/// The answer fits no attempt of this browser; `attempt` is the one it names.
fn expired(
    request: &HttpRequest,
    state: &State,
    pool: &LivePool,
    attempt: Option<&Attempt>,
    code: &'static str,
) -> HttpResponse {
    let who = attempt.map(|attempt| (attempt.provider.as_str(), attempt.client_id.as_str()));
    let detail = match code {
        OTHER_BROWSER => "the attempt was started in another browser, or this one keeps no cookies",
        _ => "the attempt is over (five minutes have passed, or it was used), or there was none",
    };
    reply::refused(state, request, pool, who, code, detail);
    let kind = if code == OTHER_BROWSER { Kind::OtherBrowser } else { Kind::Expired };
    reply::expired_page(state, request, code, kind)
}

/// The hop was taken already: its form posts to our path with this query.
pub fn is_marked(request: &HttpRequest) -> bool {
    request.query_string() == MARKER
}

fn hop(request: &HttpRequest, state: &State, attempt: &Attempt, fields: Pairs) -> HttpResponse {
    let action = format!("{}?{MARKER}", request.path());
    let targets: Vec<_> = onward::form_target(&attempt.target.redirect_uri).into_iter().collect();
    match Href::local(action) {
        Some(action) => onward::auto_post(state, request, None, action, fields, &targets),
        None => HttpResponse::InternalServerError().finish(),
    }
}

async fn finish(request: &HttpRequest, state: &State, pool: &LivePool, arrival: Arrival) -> HttpResponse {
    let attempt = match Attempt::take(&state.context, &arrival.handle).await {
        Ok(Some(attempt)) => attempt,
        Ok(None) => return expired(request, state, pool, None, NO_ATTEMPT),
        Err(error) => {
            tracing::error!(%error, "cannot take an attempt");
            return reply::nobodys_answer(state, request, pool);
        }
    };
    again::is_taken(request);
    let old_session = cookies::read(request, cookies::SESSION);
    let completed =
        complete::complete(&state.context, pool, &attempt, arrival.inbound, old_session.as_deref()).await;
    let mut response = settle(request, state, pool, Start::App, completed);
    if response.status() == StatusCode::FOUND && visit::leads_back(pool, &attempt.client_id) {
        let (handle, client_id) = (&attempt.handle, &attempt.client_id);
        let answered = again::answered(state, handle, client_id, attempt.languages());
        // Without it, who comes back finds no way on; the sign-in is good all the same.
        if let Err(error) = reply::with_cookies(&mut response, answered) {
            tracing::error!(%error, "a cookie is no header value");
        }
    }
    response
}

/// Tells the browser how the sign-in ended: on to the app with a new session, or why not.
pub fn settle(
    request: &HttpRequest,
    state: &State,
    pool: &LivePool,
    start: Start,
    completed: Result<Completed, Failed>,
) -> HttpResponse {
    match completed {
        Ok(completed) => {
            reply::succeeded(state, request, pool, start, &completed.provider, &completed.client_id);
            let mut response = reply::found(&completed.location);
            match response.add_cookie(&cookies::session(state, completed.session_cookie)) {
                Ok(()) => response,
                Err(error) => {
                    tracing::error!(%error, "a cookie is no header value");
                    HttpResponse::InternalServerError().finish()
                }
            }
        }
        Err(failed) => reply::failed_from(state, request, pool, start, &failed),
    }
}
