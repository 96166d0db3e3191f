//! The cookies: the hosted-UI session, the mark that binds an attempt to its browser, and what each attempt of this
//! browser was asked for ([`super::again`]).

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::COOKIE;

use super::{State, again};
use crate::sign_in::{attempt, session};

/// The hosted-UI session (the reference service's name).
pub const SESSION: &str = "cognito";
/// Binds attempts to this browser (the reference service's name).
pub const BROWSER: &str = "csrf-state";

fn cookie(
    state: &State,
    name: impl Into<std::borrow::Cow<'static, str>>,
    value: String,
    max_age: Duration,
) -> Cookie<'static> {
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

/// What an attempt was asked for.
pub fn asked(state: &State, name: String, value: String) -> Cookie<'static> {
    cookie(state, name, value, Duration::seconds(again::LIFETIME.whole_seconds()))
}

/// Takes it away.
pub fn not_asked(state: &State, name: String) -> Cookie<'static> {
    cookie(state, name, String::new(), Duration::ZERO)
}

/// Every cookie that is text, as it was sent: one that somebody else's site set may hold anything.
pub fn all(request: &HttpRequest) -> impl Iterator<Item = (&str, &str)> {
    let lines = request.headers().get_all(COOKIE);
    let parts = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    // Of spaces only those of ASCII: a name after any other is another name to the browser, whose rules for
    // `__Host-` do not protect it.
    parts.filter_map(|part| std::str::from_utf8(part).ok()?.trim_matches([' ', '\t']).split_once('='))
}

/// The value of a cookie.
pub fn read(request: &HttpRequest, name: &str) -> Option<String> {
    let found = all(request).find(|(known, _)| *known == name);
    found.map(|(_, value)| value.to_owned()).filter(|value| !value.is_empty())
}

/// The browser's mark, when it is one of ours by its looks: several tabs share one.
pub fn read_browser(request: &HttpRequest) -> Option<String> {
    read(request, BROWSER).filter(|value| {
        value.len() == 43 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    })
}
