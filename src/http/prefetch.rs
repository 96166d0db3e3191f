//! Browsers load pages ahead of the person, when the pointer rests on a link or an address is half typed. Here nearly
//! every address does something: it ends a session, spends an attempt, asks a provider. Nobody has asked for that yet.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};

use crate::observe::labels::Step;

/// How a browser says so: in the Fetch standard's words (`Sec-Purpose: prefetch`, `prefetch;prerender`), and in older
/// ones of Chromium, Safari and Firefox.
const WORDS: [(&str, &[&str]); 4] = [
    ("sec-purpose", &["prefetch"]),
    ("purpose", &["prefetch"]),
    ("x-purpose", &["preview", "prefetch"]),
    ("x-moz", &["prefetch"]),
];

/// Answers with 403: the browser asks again once the person does. Not with 503, which browsers' makers propose: it is
/// what we are watched by, and anybody may send this header. What changes nothing is given.
///
/// # Errors
/// What the inner service fails with.
pub async fn middleware(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    if is_ahead(request.headers()) && does_something(Step::of(request.path())) {
        let response = HttpResponse::Forbidden()
            .content_type("text/plain; charset=utf-8")
            .body("Not loaded ahead: open it\n");
        return Ok(request.into_response(response).map_into_right_body());
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

fn is_ahead(headers: &HeaderMap) -> bool {
    WORDS.iter().any(|(name, words)| {
        let said = headers.get(*name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let said = said.split([';', ',']).next().unwrap_or_default().trim();
        words.iter().any(|word| said.eq_ignore_ascii_case(word))
    })
}

const fn does_something(step: Step) -> bool {
    matches!(
        step,
        Step::Authorize
            | Step::Login
            | Step::Callback
            | Step::Logout
            | Step::LogoutReturn
            | Step::ProviderLogout
    )
}
