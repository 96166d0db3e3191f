//! The surfaces on which something is said: JSON, OAuth errors, redirects, pages. One failure, one code, one
//! correlation id on each.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::pages::headers::{self, FormTarget, Transport};
use super::pages::{ErrorPage, Kind, PageError};
use super::visit::Visit;
use super::{State, again, correlation, visit};
use crate::audit::notes;
use crate::diagnosis::attempts::Ending;
use crate::diagnosis::words;
use crate::observe::labels::{Outcome, Start};
use crate::registry::LivePool;
use crate::sign_in::answer;
use crate::sign_in::failure::{Cause, Failed};
use crate::sign_in::request::{Rejected, ReturnTarget};

/// An answer that belongs to no request of ours.
const NOT_OURS: &str = "invalid_response_or_state";
/// A request to sign in that is wrong in itself.
pub const INVALID_REQUEST: &str = "invalid_authorize_request";
/// A store is away.
const STORE_AWAY: &str = "store_away";

/// An error of the OAuth endpoints (RFC 6749 section 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthError {
    /// HTTP status.
    pub status: StatusCode,
    /// OAuth `error`.
    pub error: &'static str,
    /// In words, ASCII without quotes.
    pub description: String,
}

impl OAuthError {
    /// An error.
    pub fn new(status: StatusCode, error: &'static str, description: &str) -> Self {
        // RFC 6749 section 5.2 bounds the characters of a description.
        let description = description
            .chars()
            .map(|c| match c {
                '"' | '\\' => '\'',
                ' '..='~' => c,
                _ => '?',
            })
            .collect();
        Self { status, error, description }
    }

    /// Status 400.
    pub fn bad_request(error: &'static str, description: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, description)
    }

    /// A store is away.
    pub fn unavailable() -> Self {
        let description = "a store is away; try again later";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", description)
    }

    /// A fault of ours.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "internal error")
    }
}

/// 200 with JSON.
pub fn json(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(body)
}

/// Nobody may keep this.
pub fn no_store(response: &mut HttpResponse) {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// An OAuth error as JSON. `error_message` repeats the description: Amplify reads that one.
pub fn oauth_error(error: &OAuthError) -> HttpResponse {
    tracing::info!(error = error.error, description = %error.description, "refused");
    notes::error(error.error, &error.description);
    oauth_json(error)
}

/// The same without a log line.
pub fn oauth_json(error: &OAuthError) -> HttpResponse {
    let mut response = HttpResponse::build(error.status).json(serde_json::json!({
        "error": error.error,
        "error_description": error.description,
        "error_message": error.description,
    }));
    no_store(&mut response);
    response
}

/// 302.
pub fn found(location: &str) -> HttpResponse {
    let mut response = HttpResponse::Found().finish();
    match HeaderValue::from_str(location) {
        Ok(value) => {
            response.headers_mut().insert(LOCATION, value);
        }
        Err(_) => {
            tracing::error!("a location is no header value");
            response = HttpResponse::InternalServerError().finish();
        }
    }
    no_store(&mut response);
    response
}

/// Adds cookies to an answer.
///
/// # Errors
/// One that is no header value.
pub fn with_cookies(
    response: &mut HttpResponse,
    cookies: impl IntoIterator<Item = Cookie<'static>>,
) -> Result<(), actix_web::error::HttpError> {
    cookies.into_iter().try_for_each(|cookie| response.add_cookie(&cookie))
}

/// A page, with the headers every page has. `form_targets`: where its form may end, besides here.
pub fn page(
    state: &State,
    status: StatusCode,
    html: Result<String, PageError>,
    form_targets: &[FormTarget],
) -> HttpResponse {
    match html {
        Ok(html) => {
            let mut builder = HttpResponse::build(status);
            for header in headers::page(form_targets, transport(state), &public_host(state)) {
                builder.insert_header(header);
            }
            builder.body(html)
        }
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            HttpResponse::InternalServerError()
                .content_type("text/plain; charset=utf-8")
                .body("Internal error\n")
        }
    }
}

/// How browsers reach us.
pub fn transport(state: &State) -> Transport {
    if state.is_secure() { Transport::Tls } else { Transport::Plain }
}

/// The host of the public URL: pool domains lie below it or have certificates of their own.
pub fn public_host(state: &State) -> String {
    state.context.surface.public_url.host_str().unwrap_or_default().to_owned()
}

/// What an error page says.
pub struct Trouble<'a> {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code.
    pub code: &'a str,
    /// What the page says to the person.
    pub kind: Kind,
    /// What exactly was wrong, in English, for technical people: in the log, and on the page below the rest. Empty
    /// when there is nothing to add.
    pub detail: &'a str,
}

/// An error page.
pub fn error_page(state: &State, request: &HttpRequest, trouble: &Trouble<'_>) -> HttpResponse {
    tracing::info!(code = trouble.code, what = trouble.detail, "error page");
    // The detail may repeat what somebody else wrote: the audit log gets our own words.
    let heading = state.pages.words().default().say(trouble.kind.message(), &[]);
    notes::error(trouble.code, heading.as_deref().unwrap_or_default());
    error_html(state, request, trouble, 0)
}

/// The same without a log line; `seconds`: how long to wait, where the page says so.
pub fn error_html(state: &State, request: &HttpRequest, trouble: &Trouble<'_>, seconds: u64) -> HttpResponse {
    // First: it may find out whose page this is.
    let again = again::way_on(request, state, trouble.kind);
    let visit = Visit::of(request, state);
    let error = ErrorPage {
        kind: trouble.kind,
        seconds,
        detail: Some(trouble.detail.to_owned()).filter(|detail| !detail.is_empty()),
        code: trouble.code.to_owned(),
        correlation: correlation::of(request),
        again,
        back: visit.back(),
    };
    page(state, trouble.status, state.pages.error(&visit.look, &error), &[])
}

/// The page for a store that is away.
pub fn unavailable_page(state: &State, request: &HttpRequest) -> HttpResponse {
    let trouble = Trouble {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: STORE_AWAY,
        kind: Kind::Unavailable,
        detail: "",
    };
    error_page(state, request, &trouble)
}

/// A request that was not followed.
pub fn rejected(state: &State, request: &HttpRequest, pool: &LivePool, rejected: &Rejected) -> HttpResponse {
    match rejected {
        Rejected::Page(message) => {
            let trouble = Trouble {
                status: StatusCode::BAD_REQUEST,
                code: INVALID_REQUEST,
                kind: Kind::SignInLink,
                detail: message,
            };
            error_page(state, request, &trouble)
        }
        Rejected::Redirect { target, error, description } => {
            tracing::info!(error, description, "authorize request refused");
            app_error(state, pool, target, error, description)
        }
    }
}

/// Back to the app with an error.
pub fn app_error(
    state: &State,
    pool: &LivePool,
    target: &ReturnTarget,
    error: &str,
    description: &str,
) -> HttpResponse {
    notes::error(error, description);
    found(&answer::error(target, error, description, pool.issuer(&state.context.surface)))
}

/// A sign-in of an app that failed: back to the app where that is safe, else a page.
pub fn failed(state: &State, request: &HttpRequest, pool: &LivePool, failed: &Failed) -> HttpResponse {
    failed_from(state, request, pool, Start::App, failed)
}

/// The same, whoever began it.
pub fn failed_from(
    state: &State,
    request: &HttpRequest,
    pool: &LivePool,
    start: Start,
    failed: &Failed,
) -> HttpResponse {
    let code = failed.cause.code();
    let provider = failed.provider.as_ref().map(|(name, _)| name.as_str());
    noted(provider, Some(&failed.client_id));
    notes::error(code, &words::of(&failed.cause));
    if let Cause::Away(why) | Cause::Internal(why) = &failed.cause {
        tracing::error!(code, provider, %why, "a sign-in could not go on");
    } else {
        tracing::info!(code, provider, why = %failed.cause, "a sign-in failed");
    }
    state.attempts.failed(&ending(state, request, pool, provider, Some(&failed.client_id)), &failed.cause);
    state.context.metrics.sign_in_failed(pool.id(), provider, start, failed.cause.outcome(), code);
    if failed.cause.is_away() {
        return unavailable_page(state, request);
    }
    match &failed.target {
        Some(target) => {
            let told = failed.app_error();
            app_error(state, pool, target, told.error, &told.description)
        }
        None => unsolicited_page(state, request, &failed.cause.to_string()),
    }
}

/// Tells the audit log whose sign-in it was.
pub fn noted(provider: Option<&str>, client_id: Option<&str>) {
    provider.into_iter().for_each(notes::provider);
    client_id.into_iter().for_each(notes::client);
}

/// This request, as the one that ended a sign-in.
fn ending<'a>(
    state: &State,
    request: &HttpRequest,
    pool: &'a LivePool,
    provider: Option<&'a str>,
    client_id: Option<&'a str>,
) -> Ending<'a> {
    let request_id = correlation::of(request);
    Ending { pool_id: pool.id(), provider, client_id, request_id, at: state.context.now() }
}

/// Keeps for diagnosis that an answer was refused before any adapter saw it; `who`: provider and app client,
/// where they are known.
pub fn refused(
    state: &State,
    request: &HttpRequest,
    pool: &LivePool,
    who: Option<(&str, &str)>,
    code: &'static str,
    detail: &str,
) {
    let (provider, client_id) = who.unzip();
    noted(provider, client_id);
    notes::error(code, detail);
    // A RelayState that asks for what is not allowed was set up so at the provider; the rest fits no attempt.
    let (start, outcome) = match code {
        INVALID_REQUEST => (Start::Provider, Outcome::Failed),
        _ => (Start::App, Outcome::Unmatched),
    };
    state.context.metrics.sign_in_failed(pool.id(), provider, start, outcome, code);
    state.attempts.refused(&ending(state, request, pool, provider, client_id), code, detail);
}

/// The page for a provider's answer that belongs to no request of ours, kept for diagnosis.
pub fn unattributable(
    state: &State,
    request: &HttpRequest,
    pool: &LivePool,
    who: Option<(&str, &str)>,
    what: &str,
) -> HttpResponse {
    refused(state, request, pool, who, NOT_OURS, what);
    if let Some((_, client_id)) = who {
        visit::began_by(request, client_id, None);
    }
    unsolicited_page(state, request, what)
}

/// A store was away before the answer could be attributed to any provider.
pub fn nobodys_answer(state: &State, request: &HttpRequest, pool: &LivePool) -> HttpResponse {
    state.context.metrics.sign_in_failed(pool.id(), None, Start::App, Outcome::Unavailable, STORE_AWAY);
    unavailable_page(state, request)
}

/// A sign-in that succeeded, kept for diagnosis.
pub fn succeeded(
    state: &State,
    request: &HttpRequest,
    pool: &LivePool,
    start: Start,
    provider: &str,
    client_id: &str,
) {
    state.context.metrics.sign_ins.ended(pool.id(), Some(provider), start, Outcome::SignedIn);
    noted(Some(provider), Some(client_id));
    state.attempts.succeeded(&ending(state, request, pool, Some(provider), Some(client_id)));
}

/// The page for an answer that belongs to no request of ours.
pub fn unsolicited_page(state: &State, request: &HttpRequest, what: &str) -> HttpResponse {
    let trouble =
        Trouble { status: StatusCode::BAD_REQUEST, code: NOT_OURS, kind: Kind::Unsolicited, detail: what };
    error_page(state, request, &trouble)
}

/// The page for an attempt that is over, was used already, or was started in another browser.
pub fn expired_page(state: &State, request: &HttpRequest, code: &str, kind: Kind) -> HttpResponse {
    tracing::info!(code, "an answer without a live attempt of this browser");
    notes::error(code, "the answer fits no live attempt of this browser");
    error_html(state, request, &Trouble { status: StatusCode::BAD_REQUEST, code, kind, detail: "" }, 0)
}
