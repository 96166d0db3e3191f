//! Whose page it is: which app sent this browser here, in which language it reads, how its pages look, and where the
//! way back is.

use std::sync::Arc;

use actix_web::http::header::{ACCEPT_LANGUAGE, AcceptLanguage, Header as _, Quality};
use actix_web::{HttpMessage as _, HttpRequest};
use url::Url;

use super::State;
use super::body::{self, Pairs};
use super::host::asked_host;
use super::pages::{Href, Look};
use crate::pool::AppClient;
use crate::pool::ui_customization::ALL;
use crate::registry::LivePool;
use crate::words::Language;

/// Longest `Accept-Language` that is read, in bytes.
const MAX_ACCEPT: usize = 1_024;

/// What the attempt remembers of who began it: it outweighs what the address says.
#[derive(Clone)]
struct Began {
    client_id: String,
    languages: Option<String>,
}

/// Keeps with the request who began what it belongs to, for whatever page it ends in.
pub fn began_by(request: &HttpRequest, client_id: &str, languages: Option<&str>) {
    let languages = languages.map(str::to_owned);
    request.extensions_mut().insert(Began { client_id: client_id.to_owned(), languages });
}

/// The same by an authorize request.
pub fn began_with(request: &HttpRequest, asked: &Pairs) {
    if let Some(client_id) = value(asked, "client_id") {
        began_by(request, &client_id, asked_languages(asked).as_deref());
    }
}

/// Whether it is known who began what the request belongs to.
pub fn is_begun(request: &HttpRequest) -> bool {
    request.extensions().get::<Began>().is_some() || value(&body::query(request), "client_id").is_some()
}

/// A visit of a browser to a pool's host.
pub struct Visit {
    pool: Option<Arc<LivePool>>,
    client_id: Option<String>,
    /// How its pages look.
    pub look: Look,
}

impl Visit {
    /// What is known of the visit that this request belongs to.
    pub fn of(request: &HttpRequest, state: &State) -> Self {
        let pairs = body::query(request);
        let began = request.extensions().get::<Began>().cloned();
        let snapshot = state.context.registry.snapshot();
        let pool = asked_host(request, state).and_then(|host| snapshot.pool_at_host(&host).cloned());
        let (client_id, languages) = match began {
            Some(Began { client_id, languages }) => (Some(client_id), languages),
            None => (value(&pairs, "client_id"), asked_languages(&pairs)),
        };
        let mut look = Look::plain(language(request, state, languages.as_deref()));
        let client =
            pool.as_ref().zip(client_id.as_deref()).and_then(|(pool, client_id)| pool.client(client_id));
        look.app = client.map(|client| client.client_name.clone());
        let client_id = client.map(|client| client.client_id.clone());
        if let Some(dress) = pool.as_ref().and_then(|pool| pool.dress(client_id.as_deref().unwrap_or(ALL))) {
            look.wear(dress);
        }
        Self { pool, client_id, look }
    }

    /// The way back to the app: what the app client registered as the place to go when nobody is signed in, else the
    /// front page of the place where it takes its answers. Never what a request says.
    pub fn back(&self) -> Option<Href> {
        let client = self.pool.as_ref()?.client(self.client_id.as_deref()?)?;
        way_back(client)
    }
}

/// Whether this app client has registered an address to go back to.
pub fn leads_back(pool: &LivePool, client_id: &str) -> bool {
    pool.client(client_id).is_some_and(|client| way_back(client).is_some())
}

fn way_back(client: &AppClient) -> Option<Href> {
    let web = |address: &String| {
        let url = Url::parse(address).ok()?;
        matches!(url.scheme(), "https" | "http").then_some(url)
    };
    if let Some(landing) = client.logout_urls.iter().find_map(web) {
        return Href::absolute(&landing);
    }
    let callbacks = client.default_redirect_uri.iter().chain(&client.callback_urls);
    let mut front = callbacks.into_iter().find_map(web)?;
    front.set_path("/");
    front.set_query(None);
    front.set_fragment(None);
    Href::absolute(&front)
}

/// What the app asked to be spoken in: `lang`, then OpenID Connect's `ui_locales`.
pub fn asked_languages(pairs: &Pairs) -> Option<String> {
    let given: Vec<_> = ["lang", "ui_locales"].into_iter().filter_map(|name| value(pairs, name)).collect();
    (!given.is_empty()).then(|| given.join(" "))
}

fn value(pairs: &Pairs, name: &str) -> Option<String> {
    body::once(pairs, name).ok().flatten().map(str::to_owned)
}

/// The language: of those asked for the first that there is, then of those the browser reads.
fn language(request: &HttpRequest, state: &State, asked: Option<&str>) -> Arc<Language> {
    let length: usize = request.headers().get_all(ACCEPT_LANGUAGE).map(|header| header.len()).sum();
    let read = (1..=MAX_ACCEPT).contains(&length).then(|| AcceptLanguage::parse(request).ok()).flatten();
    let mut read = read.map(|AcceptLanguage(tags)| tags).unwrap_or_default();
    // What is weighed with nothing is not read at all (RFC 9110 section 12.4.2).
    read.retain(|tag| tag.quality > Quality::ZERO);
    read.sort_by_key(|tag| std::cmp::Reverse(tag.quality));
    let read: Vec<String> = read.into_iter().map(|tag| tag.item.to_string()).collect();
    let asked = asked.unwrap_or_default().split_ascii_whitespace();
    state.pages.words().choose(asked.chain(read.iter().map(String::as_str)))
}
