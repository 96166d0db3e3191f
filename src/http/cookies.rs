//! The two cookies: the hosted-UI session, and the mark that binds an attempt to its browser.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

use super::State;
use crate::sign_in::{attempt, session};

/// The hosted-UI session (the reference service's name).
pub const SESSION: &str = "cognito";
/// Binds attempts to this browser (the reference service's name).
pub const BROWSER: &str = "csrf-state";

fn cookie(state: &State, name: &'static str, value: String, max_age: Duration) -> Cookie<'static> {
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .secure(state.is_secure())
        .same_site(SameSite::Lax)
        .max_age(max_age)
        .finish()
}

/// A new hosted-UI session.
pub fn session(state: &State, value: String) -> Cookie<'static> {
    cookie(state, SESSION, value, Duration::seconds(session::LIFETIME.whole_seconds()))
}

/// Takes the hosted-UI session away.
pub fn no_session(state: &State) -> Cookie<'static> {
    cookie(state, SESSION, String::new(), Duration::ZERO)
}

/// Marks the browser for as long as an attempt lives.
pub fn browser(state: &State, value: String) -> Cookie<'static> {
    cookie(state, BROWSER, value, Duration::seconds(attempt::LIFETIME.whole_seconds()))
}

/// The value of a cookie.
pub fn read(request: &HttpRequest, name: &str) -> Option<String> {
    request.cookie(name).map(|cookie| cookie.value().to_owned()).filter(|value| !value.is_empty())
}

/// The browser's mark, when it is one of ours by its looks: several tabs share one.
pub fn read_browser(request: &HttpRequest) -> Option<String> {
    read(request, BROWSER).filter(|value| {
        value.len() == 43 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    })
}
