//! `GET|POST /login`: the hosted page, and the e-mail box on it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::body::{self, once};
use super::host::{PoolAtHost, elsewhere};
use super::oauth2::authorize;
use super::pages::headers::FormTarget;
use super::pages::{EmailDiscovery, Href, LoginPage, ProviderChoice};
use super::{State, reply};
use crate::pool::{AppClient, ProviderType};
use crate::registry::{LivePool, LiveProvider};
use crate::sign_in::begin::{self, Next};
use crate::sign_in::request::AuthorizeRequest;

/// Field of the e-mail box.
const FIELD: &str = "email";
/// Longest address that is looked up, in characters.
const MAX_ADDRESS: usize = 256;
/// Said alike of every address that leads nowhere.
const UNKNOWN: &str = "No organization is known for this address.";

/// Shows the page; a request that needs none goes where it would go from `/oauth2/authorize`.
pub async fn get(request: HttpRequest, state: web::Data<State>, pool: PoolAtHost) -> HttpResponse {
    if let Some(response) = elsewhere(&request, &state, &pool.0) {
        return response;
    }
    let asked = match AuthorizeRequest::check(&pool.0, &body::query(&request)) {
        Ok(asked) => asked,
        Err(rejected) => return reply::rejected(&state, &request, &pool.0, &rejected),
    };
    let session = match authorize::live_session(&request, &state, &pool.0, &asked).await {
        Ok(session) => session,
        Err(failed) => return reply::failed(&state, &request, &pool.0, &failed),
    };
    let now = state.context.now().unix_timestamp();
    match begin::decide(&pool.0, &asked, session.as_ref(), now) {
        Next::Page => show(&request, &state, &pool.0, &asked, None),
        next => authorize::follow(&request, &state, &pool.0, &asked, session, next).await,
    }
}

/// The e-mail box was sent: to the provider that its domain names.
pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    pool: PoolAtHost,
    bytes: web::Bytes,
) -> HttpResponse {
    let mut asked = match AuthorizeRequest::check(&pool.0, &body::query(&request)) {
        Ok(asked) => asked,
        Err(rejected) => return reply::rejected(&state, &request, &pool.0, &rejected),
    };
    let form = body::form(&request, &bytes).filter(|_| bytes.len() <= body::MAX_FORM).unwrap_or_default();
    let address = once(&form, FIELD).ok().flatten().unwrap_or_default().trim().to_owned();
    let found = pool
        .0
        .client(&asked.client_id)
        .filter(|_| address.chars().count() <= MAX_ADDRESS)
        .and_then(|client| begin::discover(&pool.0, client, &address));
    match found {
        Some(provider) => {
            // What the person typed outweighs what the app guessed; a bare domain is nobody's name.
            if address.contains('@') {
                asked.asked.login_hint = Some(address);
            }
            authorize::depart(&request, &state, &pool.0, &asked, &provider).await
        }
        None => show(&request, &state, &pool.0, &asked, Some(address)),
    }
}

/// The page; `tried` is an address that led nowhere.
fn show(
    request: &HttpRequest,
    state: &State,
    pool: &LivePool,
    asked: &AuthorizeRequest,
    tried: Option<String>,
) -> HttpResponse {
    let Some(client) = pool.client(&asked.client_id) else {
        return reply::unsolicited_page(state, request, "The app client no longer exists");
    };
    let query = without_choice(request);
    let enabled = begin::enabled_providers(pool, client);
    let (socials, organisations): (Vec<_>, Vec<_>) = enabled
        .iter()
        .filter(|provider| !is_found_by_email(provider))
        .partition(|provider| !is_organisation(provider));
    let choices = |providers: &[&&LiveProvider]| -> Vec<ProviderChoice> {
        providers.iter().filter_map(|provider| choice(provider, &query)).collect()
    };
    let html = state.pages.login(&LoginPage {
        app: client.client_name.clone(),
        message: None,
        discovery: discovery(&enabled, request, tried),
        organisations: choices(&organisations),
        socials: choices(&socials),
    });
    reply::page(state, StatusCode::OK, html, &form_targets(&enabled, client, asked))
}

fn is_organisation(provider: &LiveProvider) -> bool {
    matches!(provider.config.value.provider_type, ProviderType::Saml | ProviderType::Oidc)
}

/// SAML providers with identifiers are found by e-mail, and not listed.
fn is_found_by_email(provider: &LiveProvider) -> bool {
    let config = &provider.config.value;
    config.provider_type == ProviderType::Saml && !config.idp_identifiers.is_empty()
}

fn choice(provider: &LiveProvider, query: &str) -> Option<ProviderChoice> {
    let name = &provider.config.value.provider_name;
    let named = url::form_urlencoded::Serializer::new(query.to_owned())
        .append_pair("identity_provider", name)
        .finish();
    let href = Href::local(format!("/oauth2/authorize?{named}"))?;
    Some(match known_words(provider.config.value.provider_type).filter(|_| has_name_of_its_type(provider)) {
        Some((words, brand)) => ProviderChoice::saying(words, brand, href),
        None => ProviderChoice::new(name, href),
    })
}

/// The words that people know a social provider's button by, and its name.
const fn known_words(kind: ProviderType) -> Option<(&'static str, &'static str)> {
    match kind {
        ProviderType::Google => Some(("Continue with Google", "Google")),
        ProviderType::Facebook => Some(("Continue with Facebook", "Facebook")),
        ProviderType::LoginWithAmazon => Some(("Login with Amazon", "Amazon")),
        ProviderType::SignInWithApple => Some(("Sign in with Apple", "Apple")),
        ProviderType::Saml | ProviderType::Oidc => None,
    }
}

/// Whether the provider is called as its type, which only one of the pool can be. Others keep their name: two
/// buttons may not say the same.
fn has_name_of_its_type(provider: &LiveProvider) -> bool {
    let config = &provider.config.value;
    config.provider_name == config.provider_type.as_str()
}

fn discovery(
    enabled: &[&LiveProvider],
    request: &HttpRequest,
    tried: Option<String>,
) -> Option<EmailDiscovery> {
    enabled.iter().any(|provider| is_found_by_email(provider)).then_some(())?;
    Some(EmailDiscovery {
        action: Href::local(format!("/login?{}", request.query_string()))?,
        input: FIELD.to_owned(),
        fields: Vec::new(),
        problem: tried.as_ref().map(|_| UNKNOWN.to_owned()),
        value: tried.unwrap_or_default(),
    })
}

/// What the app asked, without a provider: each button adds its own.
fn without_choice(request: &HttpRequest) -> String {
    let kept = body::query(request)
        .into_iter()
        .filter(|(name, _)| name != "identity_provider" && name != "idp_identifier");
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
}

/// Where the e-mail form may end: at a provider it can find, or back at the app with an error.
fn form_targets(enabled: &[&LiveProvider], client: &AppClient, asked: &AuthorizeRequest) -> Vec<FormTarget> {
    let known = client.callback_urls.contains(&asked.redirect_uri);
    let app = reply::form_target(&asked.redirect_uri).filter(|_| known);
    let providers = enabled
        .iter()
        .filter(|provider| !provider.config.value.idp_identifiers.is_empty())
        .filter_map(|provider| provider.adapter.as_ref().ok())
        .flat_map(|adapter| adapter.origins())
        .filter_map(|origin| FormTarget::of_origin(&origin));
    app.into_iter().chain(providers).collect()
}
