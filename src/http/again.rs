//! `GET /again`: a sign-in that came to nothing, once more from its beginning.
//!
//! The store forgets an attempt after five minutes, or when it is used. What its app had asked stays with the browser:
//! one cookie for each attempt, named by a fingerprint of the handle, so that several tabs do not write over each
//! other and nothing is stored here. A page that ends an attempt links here; the link is a same-site GET and brings
//! the cookies along, which a provider's cross-site POST does not. What a cookie holds is believed no more than a link
//! that anybody may make: it is checked like every authorize request.

use actix_web::cookie::Cookie;
use actix_web::http::Method;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::Duration;
use url::form_urlencoded;

use super::body::{self, Pairs, once};
use super::host::PoolAtHost;
use super::pages::{Again, Href, Kind};
use super::visit::{self, Visit};
use super::{State, arrival, cookies, reply};
use crate::context::digest_name;
use crate::sign_in::attempt::{Attempt, MAX_HANDLE};
use crate::sign_in::request::{AuthorizeRequest, Rejected};

/// How long a browser remembers what it was asked for: somebody comes back to the provider's page after lunch.
pub const LIFETIME: Duration = Duration::hours(4);
/// Most attempts that a browser remembers.
const MOST: usize = 4;
/// Most bytes of their cookies, names and values together: proxies bound what a browser may send.
const MAX_BYTES: usize = 3_000;
/// Most cookies that one answer takes away.
const MOST_TAKEN: usize = 8;
/// How far the clocks of replicas may be apart: what was set later than that was not set by one of them.
const APART: i64 = 60;
/// Characters of a fingerprint: 96 bits.
const FINGERPRINT: usize = 16;
/// Parameter of `/again`.
const ATTEMPT: &str = "attempt";
/// What is remembered of an authorize request: what it is checked by, and nothing that says who the person is
/// (`login_hint`).
pub const REMEMBERED: [&str; 16] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "identity_provider",
    "idp_identifier",
    "prompt",
    "max_age",
    "acr_values",
    "resource",
    "lang",
    "ui_locales",
];

/// What this browser remembers of one attempt.
struct Memory {
    fingerprint: String,
    /// When it was set, seconds since 1970.
    at: i64,
    /// The authorize request; of an attempt that was answered, only whose it was and in which language.
    asked: Pairs,
    /// The mark of the browser that the attempt was made with, until it is answered.
    mark: Option<String>,
}

impl Memory {
    /// Whether it can be begun anew.
    fn is_whole(&self) -> bool {
        self.asked.iter().any(|(name, _)| name == "redirect_uri")
    }
}

/// What this request knows of the attempt that it belongs to.
#[derive(Clone)]
struct Belongs {
    fingerprint: String,
    /// The attempt is used up: the same request again leads nowhere.
    taken: bool,
}

/// Begins again, at `/oauth2/authorize` of this host and nowhere else, or says that there is nothing to begin.
pub async fn get(request: HttpRequest, state: web::Data<State>, pool: PoolAtHost) -> HttpResponse {
    let pairs = body::query(&request);
    let named = once(&pairs, ATTEMPT).ok().flatten();
    let Some(memory) = named.and_then(|fingerprint| find(&request, &state, fingerprint)) else {
        return reply::expired_page(&state, &request, arrival::NO_ATTEMPT, Kind::Expired);
    };
    visit::began_with(&request, &memory.asked);
    match AuthorizeRequest::check(&pool.0, &memory.asked) {
        // Good, or `/oauth2/authorize` tells the app what is not.
        Ok(_) | Err(Rejected::Redirect { .. }) => {
            let client_id = once(&memory.asked, "client_id").ok().flatten();
            reply::noted(None, client_id);
            reply::found(&format!("/oauth2/authorize?{}", written(&memory.asked)))
        }
        // The client is gone, or no longer has this callback; or the attempt was answered.
        Err(Rejected::Page(_)) => reply::expired_page(&state, &request, arrival::NO_ATTEMPT, Kind::Expired),
    }
}

/// The cookies for an attempt that leaves now: what its app asked, and the oldest away where they become too many. Of a
/// request too large to be remembered only whose it was is.
/// `mark` is what the attempt knows its browser by ([`is_of_this_browser`]).
pub fn remember(request: &HttpRequest, state: &State, handle: &str, mark: &str) -> Vec<Cookie<'static>> {
    let Some(fingerprint) = fingerprint(handle) else { return Vec::new() };
    let mut asked = body::query(request);
    asked.retain(|(name, value)| REMEMBERED.contains(&name.as_str()) && !value.is_empty());
    let (name, mut value) = (name_of(state, &fingerprint), value_of(state, &asked, Some(mark)));
    if name.len() + value.len() > MAX_BYTES {
        // The way back at least.
        asked.retain(|(name, _)| matches!(name.as_str(), "client_id" | "lang"));
        value = value_of(state, &asked, Some(mark));
    }
    let mut bytes = name.len() + value.len();
    if bytes > MAX_BYTES {
        return Vec::new();
    }
    let mut others = kept(request, state);
    // What is not believed goes first.
    let at = |name, value| read(state, name, value).map(|memory| memory.at);
    others.sort_by_key(|(name, value)| std::cmp::Reverse(at(name, value)));
    let mut count = 1;
    let too_many = others.into_iter().filter(|(name, value)| {
        count += 1;
        bytes += name.len() + value.len();
        count > MOST || bytes > MAX_BYTES
    });
    let gone = too_many.take(MOST_TAKEN).map(|(name, _)| cookies::not_asked(state, name.to_owned()));
    let gone: Vec<_> = gone.collect();
    std::iter::once(cookies::asked(state, name, value)).chain(gone).collect()
}

/// The cookie for an attempt whose app has been answered: the app has used its `state`, so nothing is begun anew, and
/// who comes back to the provider's page is led to the app. One without a page to be led to is begun anew all the same.
pub fn answered(
    state: &State,
    handle: &str,
    client_id: &str,
    languages: Option<&str>,
) -> Option<Cookie<'static>> {
    let mut asked = vec![("client_id".to_owned(), client_id.to_owned())];
    asked.extend(languages.map(|languages| ("lang".to_owned(), languages.to_owned())));
    let name = name_of(state, &fingerprint(handle)?);
    let value = value_of(state, &asked, None);
    (name.len() + value.len() <= MAX_BYTES).then(|| cookies::asked(state, name, value))
}

/// The cookies that take all of it away from this browser.
pub fn forget(request: &HttpRequest, state: &State) -> Vec<Cookie<'static>> {
    let names = kept(request, state).into_iter().take(MOST_TAKEN);
    names.map(|(name, _)| cookies::not_asked(state, name.to_owned())).collect()
}

/// Keeps with the request which attempt it belongs to, for whatever page it ends in.
pub fn belongs_to(request: &HttpRequest, state: &State, handle: &str) {
    let Some(fingerprint) = fingerprint(handle) else { return };
    if let Some(memory) = find(request, state, &fingerprint) {
        visit::began_with(request, &memory.asked);
    }
    request.extensions_mut().insert(Belongs { fingerprint, taken: false });
}

/// Whether this browser holds the mark that the attempt was made with: in the cookie that all its tabs share, or in
/// the attempt's own. Tabs that depart at the same moment, each without a mark as yet, write over the shared one.
pub fn is_of_this_browser(request: &HttpRequest, state: &State, attempt: &Attempt) -> bool {
    let own = || find(request, state, &fingerprint(&attempt.handle)?)?.mark;
    cookies::read_browser(request).is_some_and(|mark| attempt.is_of_browser(&mark))
        || own().is_some_and(|mark| attempt.is_of_browser(&mark))
}

/// The attempt that this request belongs to is used up now.
pub fn is_taken(request: &HttpRequest) {
    if let Some(belongs) = request.extensions_mut().get_mut::<Belongs>() {
        belongs.taken = true;
    }
}

/// What is worth a second try from a page of this kind: the same request, where nothing but time was wrong with it, or
/// the sign-in from its beginning.
pub fn way_on(request: &HttpRequest, state: &State, kind: Kind) -> Option<Again> {
    match kind {
        Kind::Unavailable | Kind::TooMany => the_same(request).or_else(|| offer(request, state, kind)),
        Kind::Expired | Kind::OtherBrowser | Kind::Unsolicited => offer(request, state, kind),
        Kind::SignInLink
        | Kind::SignOutLink
        | Kind::SignOutUnknown
        | Kind::SignOutMessage
        | Kind::SignOutAddress => None,
    }
}

/// The address of this request, where a look at it does the same once more: the e-mail box was sent from a page of
/// its own address.
fn the_same(request: &HttpRequest) -> Option<Again> {
    let looked = request.method() == Method::GET || request.path() == "/login";
    let taken = request.extensions().get::<Belongs>().is_some_and(|belongs| belongs.taken);
    let here = request.uri().path_and_query().filter(|_| looked && !taken)?;
    Href::local(here.as_str()).map(Again::the_same)
}

/// The way to begin anew what this request belongs to, where there is one or may be one.
fn offer(request: &HttpRequest, state: &State, kind: Kind) -> Option<Again> {
    let belongs = request.extensions().get::<Belongs>().cloned();
    let fingerprint = match belongs {
        Some(Belongs { fingerprint, .. }) => {
            let offered = match find(request, state, &fingerprint) {
                Some(memory) => memory.is_whole(),
                None => came_without_cookies(request, state),
            };
            offered.then_some(fingerprint)?
        }
        // It names no attempt at all: the last one of this browser stands in.
        None if kind == Kind::Unsolicited => last(request, state)?,
        None => return None,
    };
    Href::local(format!("/again?{ATTEMPT}={fingerprint}")).map(Again::from_the_start)
}

/// The last attempt of this browser, when it can be begun anew and the page says whose app it is for.
fn last(request: &HttpRequest, state: &State) -> Option<String> {
    if visit::is_begun(request) {
        return None;
    }
    let memories = kept(request, state).into_iter().filter_map(|(name, value)| read(state, name, value));
    let memory = memories.max_by_key(|memory| memory.at).filter(Memory::is_whole)?;
    visit::began_with(request, &memory.asked);
    Visit::of(request, state).back().map(|_| memory.fingerprint)
}

/// A provider's cross-site POST brings no cookie: only `/again` can see what there is.
fn came_without_cookies(request: &HttpRequest, state: &State) -> bool {
    let ours = [cookies::BROWSER, cookies::SESSION];
    request.method() == Method::POST
        && !arrival::is_marked(request)
        && ours.iter().all(|name| cookies::read(request, name).is_none())
        && kept(request, state).is_empty()
}

/// Names an attempt to its browser without its handle.
fn fingerprint(handle: &str) -> Option<String> {
    let known = !handle.is_empty() && handle.len() <= MAX_HANDLE;
    known.then(|| digest_name(&format!("again {handle}")).chars().take(FINGERPRINT).collect())
}

/// On TLS no other host can set a cookie of this name (RFC 6265bis section 4.1.3.2).
fn prefix(state: &State) -> &'static str {
    if state.is_secure() { "__Host-poolgate-again-" } else { "poolgate-again-" }
}

fn name_of(state: &State, fingerprint: &str) -> String {
    format!("{}{fingerprint}", prefix(state))
}

fn value_of(state: &State, asked: &Pairs, mark: Option<&str>) -> String {
    let at = state.context.now().unix_timestamp();
    let mark = mark.map(|mark| format!(".{mark}")).unwrap_or_default();
    format!("{at}.{}{mark}", URL_SAFE_NO_PAD.encode(written(asked)))
}

fn written(pairs: &Pairs) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Name and value of every cookie that is one of these by its name.
fn kept<'r>(request: &'r HttpRequest, state: &State) -> Vec<(&'r str, &'r str)> {
    let ours = |name: &str| name.strip_prefix(prefix(state)).is_some_and(is_fingerprint);
    cookies::all(request).filter(|(name, _)| ours(name)).collect()
}

fn is_fingerprint(text: &str) -> bool {
    text.len() == FINGERPRINT
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn find(request: &HttpRequest, state: &State, fingerprint: &str) -> Option<Memory> {
    let name = is_fingerprint(fingerprint).then(|| name_of(state, fingerprint))?;
    let value = cookies::read(request, &name)?;
    read(state, &name, &value)
}

/// What a cookie holds, unless it is none of ours or too old. What is not remembered is not read either.
fn read(state: &State, name: &str, value: &str) -> Option<Memory> {
    let fingerprint = name.strip_prefix(prefix(state))?.to_owned();
    let (at, asked) = value.split_once('.').filter(|_| value.len() <= MAX_BYTES)?;
    let (asked, mark) = asked.split_once('.').map_or((asked, None), |(asked, mark)| (asked, Some(mark)));
    let at: i64 = at.parse().ok()?;
    let age = state.context.now().unix_timestamp().saturating_sub(at);
    let asked =
        URL_SAFE_NO_PAD.decode(asked).ok().filter(|_| (-APART..LIFETIME.whole_seconds()).contains(&age))?;
    let mut asked: Pairs = form_urlencoded::parse(&asked).into_owned().collect();
    asked.retain(|(name, _)| REMEMBERED.contains(&name.as_str()));
    Some(Memory { fingerprint, at, asked, mark: mark.map(str::to_owned) })
}
