//! Where the browser goes next: a redirect, a form that sends itself, or a page that leads on.
//!
//! A form of ours never ends elsewhere by a redirect. Chromium and Safari hold the whole chain of redirects behind a
//! form against its page's `form-action`, what the provider and the app add to it included (CSP 3 section 6.4.1.1;
//! w3c/webappsec-csp issue 8), and nobody can name that beforehand: an app's callback on one host that leads to its
//! front page on another would leave the person on our page for good.

use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse};
use poolgate_providers::Outbound;
use url::Url;

use super::State;
use super::pages::headers::FormTarget;
use super::pages::{AutoPostPage, Href, OnwardPage};
use super::reply::{found, page};
use super::visit::Visit;

/// Sends the browser to the provider. `then`: where redirects may lead from there, besides here.
pub fn outbound(
    state: &State,
    request: &HttpRequest,
    provider: &str,
    outbound: Outbound,
    then: Option<FormTarget>,
) -> HttpResponse {
    match outbound {
        Outbound::Redirect(url) => found(url.as_str()),
        Outbound::PostForm { action, fields } => {
            let targets: Vec<_> = FormTarget::of(&action).into_iter().chain(then).collect();
            match Href::absolute(&action) {
                Some(action) => {
                    auto_post(state, request, Some(provider.to_owned()), action, fields, &targets)
                }
                None => HttpResponse::InternalServerError().finish(),
            }
        }
    }
}

/// A page whose form sends itself.
pub fn auto_post(
    state: &State,
    request: &HttpRequest,
    to: Option<String>,
    action: Href,
    fields: Vec<(String, String)>,
    targets: &[FormTarget],
) -> HttpResponse {
    let look = Visit::of(request, state).look;
    let html = state.pages.auto_post(&look, &AutoPostPage { to, action, fields });
    page(state, StatusCode::OK, html, targets)
}

/// The answer to a form of ours: a redirect to a website, or to another page of ours, which may redirect in its turn,
/// becomes a page that leads there, with the same cookies. A redirect to an app's own scheme stays one: nothing comes
/// after it ([`form_target`] names it), and a phone opens an app more readily from there. `to` is what the page calls
/// the place; without it a sign-in is being finished.
pub fn past_our_form(
    state: &State,
    request: &HttpRequest,
    to: Option<&str>,
    response: HttpResponse,
) -> HttpResponse {
    let Some(href) = destination(&response) else { return response };
    let look = Visit::of(request, state).look;
    let html = state.pages.onward(&look, &OnwardPage { to: to.map(str::to_owned), href, by_itself: true });
    let mut led = page(state, StatusCode::OK, html, &[]);
    for cookie in response.headers().get_all(SET_COOKIE) {
        led.headers_mut().append(SET_COOKIE, cookie.clone());
    }
    led
}

/// The website, or the page of ours, that a redirect leads to.
fn destination(response: &HttpResponse) -> Option<Href> {
    let location = response.headers().get(LOCATION).filter(|_| response.status() == StatusCode::FOUND)?;
    let location = location.to_str().ok()?;
    match Url::parse(location) {
        Ok(address) => is_website(&address).then(|| Href::absolute(&address))?,
        Err(_) => Href::local(location),
    }
}

fn is_website(address: &Url) -> bool {
    matches!(address.scheme(), "http" | "https")
}

/// What `form-action` names, besides us, of a form that leads to this registered callback: an app's own scheme.
pub fn form_target(redirect_uri: &str) -> Option<FormTarget> {
    let address = Url::parse(redirect_uri).ok().filter(|address| !is_website(address))?;
    FormTarget::of(&address)
}
