//! `GET /oauth2/authorize` (`gateway.md` section 2): where every sign-in begins.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::http::host::{PoolAtHost, elsewhere};
use crate::http::{State, again, body, cookies, onward, reply};
use crate::observe::labels::{Outcome, Start};
use crate::registry::LivePool;
use crate::sign_in::answer;
use crate::sign_in::begin::{self, Departure, Next};
use crate::sign_in::failure::{Cause, Failed};
use crate::sign_in::request::AuthorizeRequest;
use crate::sign_in::session::{self, SignedIn};

/// Checks the request, then answers from the live session, or sends the browser to a provider or to `/login`.
pub async fn get(request: HttpRequest, state: web::Data<State>, pool: PoolAtHost) -> HttpResponse {
    if let Some(response) = elsewhere(&request, &state, &pool.0) {
        return response;
    }
    let pairs = body::query(&request);
    let asked = match AuthorizeRequest::check(&pool.0, &pairs) {
        Ok(asked) => asked,
        Err(rejected) => return reply::rejected(&state, &request, &pool.0, &rejected),
    };
    let session = match live_session(&request, &state, &pool.0, &asked).await {
        Ok(session) => session,
        Err(failed) => return reply::failed(&state, &request, &pool.0, &failed),
    };
    let now = state.context.now().unix_timestamp();
    match begin::decide(&pool.0, &asked, session.as_ref(), now) {
        Next::Page => reply::found(&format!("/login?{}", request.query_string())),
        next => follow(&request, &state, &pool.0, &asked, session, next).await,
    }
}

/// The live session of this browser, if any.
///
/// # Errors
/// [`Failed`], when a store is away.
pub async fn live_session(
    request: &HttpRequest,
    state: &State,
    pool: &LivePool,
    asked: &AuthorizeRequest,
) -> Result<Option<SignedIn>, Failed> {
    let Some(cookie) = cookies::read(request, cookies::SESSION) else { return Ok(None) };
    let found = session::find(&state.context, pool, &cookie).await;
    found.map_err(|error| Failed {
        cause: error.into(),
        target: Some(Box::new(asked.target())),
        provider: None,
        client_id: asked.client_id.clone(),
    })
}

/// Carries out a decision other than showing the page.
pub async fn follow(
    request: &HttpRequest,
    state: &State,
    pool: &LivePool,
    asked: &AuthorizeRequest,
    session: Option<SignedIn>,
    next: Next,
) -> HttpResponse {
    match (next, session) {
        (Next::Provider(provider), _) => depart(request, state, pool, asked, &provider).await,
        (Next::Session, Some(signed_in)) => answer_from(request, state, pool, asked, &signed_in).await,
        _ => reply::app_error(state, pool, &asked.target(), "login_required", "nobody is signed in"),
    }
}

async fn answer_from(
    request: &HttpRequest,
    state: &State,
    pool: &LivePool,
    asked: &AuthorizeRequest,
    signed_in: &SignedIn,
) -> HttpResponse {
    let target = asked.target();
    let wanted = answer::Request {
        client_id: &asked.client_id,
        target: &target,
        challenge: asked.challenge.as_deref(),
        scopes: &asked.scopes,
        nonce: asked.nonce.as_deref(),
        resource: asked.resource.as_deref(),
        auth_time: signed_in.session.auth_time,
        provenance: signed_in.session.provenance(),
    };
    match answer::success(&state.context, pool, &signed_in.user, wanted).await {
        Ok(location) => {
            let provider = signed_in.session.provider.as_str();
            tracing::info!(client_id = %asked.client_id, provider, "single sign-on");
            reply::noted(Some(provider), Some(&asked.client_id));
            let sign_ins = &state.context.metrics.sign_ins;
            sign_ins.ended(pool.id(), Some(provider), Start::Session, Outcome::SignedIn);
            reply::found(&location)
        }
        Err(cause) => {
            let failed = Failed {
                cause,
                target: Some(Box::new(target)),
                provider: None,
                client_id: asked.client_id.clone(),
            };
            reply::failed_from(state, request, pool, Start::Session, &failed)
        }
    }
}

/// Makes an attempt, bound to this browser, and sends it to the provider.
pub async fn depart(
    request: &HttpRequest,
    state: &State,
    pool: &LivePool,
    asked: &AuthorizeRequest,
    provider: &str,
) -> HttpResponse {
    let browser = cookies::read_browser(request).unwrap_or_else(|| state.context.handle());
    match begin::begin(&state.context, pool, asked, provider, &browser).await {
        Ok(Departure { handle, outbound }) => {
            state.context.metrics.sign_ins.departed(pool.id(), provider);
            reply::noted(Some(provider), Some(&asked.client_id));
            let mut response = onward::outbound(state, request, provider, outbound, None);
            let memory = again::remember(request, state, &handle, &browser);
            let cookies = std::iter::once(cookies::browser(state, browser)).chain(memory);
            match reply::with_cookies(&mut response, cookies) {
                Ok(()) => response,
                Err(error) => {
                    let cause = Cause::Internal(error.to_string());
                    let failed = Failed {
                        cause,
                        target: Some(Box::new(asked.target())),
                        provider: None,
                        client_id: asked.client_id.clone(),
                    };
                    reply::failed(state, request, pool, &failed)
                }
            }
        }
        Err(failed) => reply::failed(state, request, pool, &failed),
    }
}
