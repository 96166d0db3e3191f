//! `GET|POST /login`: the hosted page, and the e-mail box on it.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use poolgate_providers::Prompt;

use super::again::REMEMBERED;
use super::body::{self, once};
use super::host::{PoolAtHost, elsewhere};
use super::oauth2::authorize;
use super::pages::headers::FormTarget;
use super::pages::{Account, EmailDiscovery, Href, LoginPage, ProviderChoice};
use super::visit::Visit;
use super::{State, onward, reply};
use crate::pool::{ProviderType, User};
use crate::registry::{LivePool, LiveProvider};
use crate::sign_in::begin::{self, Next};
use crate::sign_in::request::AuthorizeRequest;
use crate::sign_in::session::SignedIn;

/// Field of the e-mail box.
const FIELD: &str = "email";
/// Field of the form of the languages, which tells it from an app's request.
const OURS: &str = "poolgate_form";
/// Longest address that is looked up, in characters.
const MAX_ADDRESS: usize = 256;

/// Shows the page; a request that needs none goes where it would go from `/oauth2/authorize`.
pub async fn get(request: HttpRequest, state: web::Data<State>, pool: PoolAtHost) -> HttpResponse {
    if let Some(response) = elsewhere(&request, &state, &pool.0) {
        return response;
    }
    match open(&request, &state, &pool.0).await {
        (to, response) if is_from_our_page(&request) => {
            onward::past_our_form(&state, &request, to.as_deref(), response)
        }
        (_, response) => response,
    }
}

/// The e-mail box was sent: to the provider that its domain names.
pub async fn post(
    request: HttpRequest,
    state: web::Data<State>,
    pool: PoolAtHost,
    bytes: web::Bytes,
) -> HttpResponse {
    let (to, response) = look_up(&request, &state, &pool.0, &bytes).await;
    onward::past_our_form(&state, &request, to.as_deref(), response)
}

/// The answer, and the provider that it leads to.
type Led = (Option<String>, HttpResponse);

async fn open(request: &HttpRequest, state: &State, pool: &Arc<LivePool>) -> Led {
    let (asked, session) = match arrive(request, state, pool).await {
        Ok(arrived) => arrived,
        Err(response) => return (None, response),
    };
    let now = state.context.now().unix_timestamp();
    match begin::decide(pool, &asked, session.as_ref(), now) {
        Next::Page => {
            let here = session.filter(|session| is_offered(pool, &asked, session, now));
            (None, show(request, state, pool, &asked, here.as_ref(), None))
        }
        Next::Provider(provider) => depart(request, state, pool, &asked, provider).await,
        next => (None, authorize::follow(request, state, pool, &asked, session, next).await),
    }
}

async fn look_up(request: &HttpRequest, state: &State, pool: &Arc<LivePool>, bytes: &[u8]) -> Led {
    let (mut asked, session) = match arrive(request, state, pool).await {
        Ok(arrived) => arrived,
        Err(response) => return (None, response),
    };
    let now = state.context.now().unix_timestamp();
    let here = session.filter(|session| is_offered(pool, &asked, session, now));
    let form = body::form(request, bytes).filter(|_| bytes.len() <= body::MAX_FORM).unwrap_or_default();
    let address = once(&form, FIELD).ok().flatten().unwrap_or_default().trim().to_owned();
    let found = pool
        .client(&asked.client_id)
        .filter(|_| address.chars().count() <= MAX_ADDRESS)
        .and_then(|client| begin::discover(pool, client, &address));
    let Some(provider) = found else {
        return (None, show(request, state, pool, &asked, here.as_ref(), Some(address)));
    };
    if here.is_some() {
        anew(&mut asked);
    }
    // What the person typed outweighs what the app guessed; a bare domain is nobody's name.
    if address.contains('@') {
        asked.asked.login_hint = Some(address);
    }
    depart(request, state, pool, &asked, provider).await
}

/// What the app asks, and who is signed in already; or the answer to a request that is wrong.
async fn arrive(
    request: &HttpRequest,
    state: &State,
    pool: &Arc<LivePool>,
) -> Result<(AuthorizeRequest, Option<SignedIn>), HttpResponse> {
    let asked = AuthorizeRequest::check(pool, &body::query(request))
        .map_err(|rejected| reply::rejected(state, request, pool, &rejected))?;
    let session = authorize::live_session(request, state, pool, &asked)
        .await
        .map_err(|failed| reply::failed(state, request, pool, &failed))?;
    Ok((asked, session))
}

async fn depart(
    request: &HttpRequest,
    state: &State,
    pool: &LivePool,
    asked: &AuthorizeRequest,
    provider: String,
) -> Led {
    let response = authorize::depart(request, state, pool, asked, &provider).await;
    // Where the provider cannot be asked, the app is told so.
    let location = response.headers().get(LOCATION).map_or(&b""[..], HeaderValue::as_bytes);
    let failed = location.starts_with(asked.redirect_uri.as_bytes());
    ((!failed).then_some(provider), response)
}

/// Whether the form of the languages was sent.
fn is_from_our_page(request: &HttpRequest) -> bool {
    body::query(request).iter().any(|(name, _)| name == OURS)
}

/// Whether the person may go on with the account that is signed in.
fn is_offered(pool: &LivePool, asked: &AuthorizeRequest, session: &SignedIn, now: i64) -> bool {
    asked.asked.wants(Prompt::SelectAccount)
        && pool.client(&asked.client_id).is_some_and(|client| begin::satisfies(session, asked, client, now))
}

/// The person wants another account than the one on offer: the provider is to ask who it is.
fn anew(asked: &mut AuthorizeRequest) {
    for prompt in &mut asked.asked.prompt {
        if *prompt == Prompt::SelectAccount {
            *prompt = Prompt::Login;
        }
    }
}

/// The page; `here` is who is signed in already, `tried` is an address that led nowhere.
fn show(
    request: &HttpRequest,
    state: &State,
    pool: &LivePool,
    asked: &AuthorizeRequest,
    here: Option<&SignedIn>,
    tried: Option<String>,
) -> HttpResponse {
    let Some(client) = pool.client(&asked.client_id) else {
        return reply::unsolicited_page(state, request, "The app client no longer exists");
    };
    let account = here.and_then(|signed_in| account(request, signed_in));
    let query = without_choice(request);
    // A SAML provider knows no choice of accounts: it would let the same one in again without a word.
    let afresh = account.is_some().then(|| without_choice_but(request, "login"));
    let enabled = begin::enabled_providers(pool, client);
    let (socials, organisations): (Vec<_>, Vec<_>) = enabled
        .iter()
        .filter(|provider| !is_found_by_email(provider))
        .partition(|provider| !is_organisation(provider));
    let choices = |providers: &[&&LiveProvider]| -> Vec<ProviderChoice> {
        let query = |provider: &LiveProvider| match &afresh {
            Some(afresh) if provider.config.value.provider_type == ProviderType::Saml => afresh,
            _ => &query,
        };
        providers.iter().filter_map(|provider| choice(provider, query(provider))).collect()
    };
    let page = LoginPage {
        app: client.client_name.clone(),
        discovery: discovery(&enabled, request, tried),
        organisations: choices(&organisations),
        socials: choices(&socials),
        account,
        asked: asked_before(request),
    };
    let html = state.pages.login(&Visit::of(request, state).look, &page);
    reply::page(state, StatusCode::OK, html, &form_targets(asked))
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
    Some(match brand(provider.config.value.provider_type) {
        // Another name than the type's is said as it is: two buttons may not say the same.
        Some((_, _, brand)) if !has_name_of_its_type(provider) => {
            ProviderChoice::new(name, href).branded(brand)
        }
        Some((message, name, brand)) => ProviderChoice::new(name, href).branded(brand).saying(message),
        None => ProviderChoice::new(name, href),
    })
}

/// What a social provider's button says, the name that people know, and how it looks.
const fn brand(kind: ProviderType) -> Option<(&'static str, &'static str, &'static str)> {
    match kind {
        ProviderType::Google => Some(("continue-with", "Google", "google")),
        ProviderType::Facebook => Some(("continue-with", "Facebook", "facebook")),
        ProviderType::LoginWithAmazon => Some(("continue-with-amazon", "Amazon", "amazon")),
        ProviderType::SignInWithApple => Some(("continue-with-apple", "Apple", "apple")),
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
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(known(request)).finish();
    Some(EmailDiscovery {
        action: Href::local(format!("/login?{query}"))?,
        input: FIELD.to_owned(),
        problem: tried.is_some(),
        value: tried.filter(|tried| tried.chars().count() <= MAX_ADDRESS).unwrap_or_default(),
    })
}

/// The account of the live session, and the way on with it: what the app asked, but for the choice.
fn account(request: &HttpRequest, signed_in: &SignedIn) -> Option<Account> {
    let (name, email) = called(&signed_in.user);
    let query = without_choice_but(request, "");
    let href = Href::local(format!("/oauth2/authorize?{query}"))?;
    Some(Account::new(name, email, signed_in.session.provider.clone(), href))
}

/// What a person is called on the page, and the e-mail address where that is something else.
fn called(user: &User) -> (String, Option<String>) {
    let attribute = |name: &str| user.attributes.get(name).filter(|value| !value.trim().is_empty()).cloned();
    let email = attribute("email");
    let parts = [attribute("given_name"), attribute("family_name")];
    let whole = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    match attribute("name").or_else(|| (!whole.is_empty()).then_some(whole)) {
        Some(name) => (name, email),
        None => (email.unwrap_or_else(|| user.username.clone()), None),
    }
}

/// What the app asked, without a provider: each button adds its own.
fn without_choice(request: &HttpRequest) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(without_choice_pairs(request)).finish()
}

/// The same, with `prompt=select_account` answered: with this prompt in its place, or none.
fn without_choice_but(request: &HttpRequest, instead: &str) -> String {
    let pairs = without_choice_pairs(request).filter_map(|(name, value)| {
        if name != "prompt" {
            return Some((name, value));
        }
        let prompts =
            value.split(' ').map(|prompt| if prompt == "select_account" { instead } else { prompt });
        let prompts: Vec<_> = prompts.filter(|prompt| !prompt.is_empty()).collect();
        (!prompts.is_empty()).then(|| (name, prompts.join(" ")))
    });
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn without_choice_pairs(request: &HttpRequest) -> impl Iterator<Item = (String, String)> {
    known(request).filter(|(name, _)| name != "identity_provider" && name != "idp_identifier")
}

/// What the app asked, as far as anybody here reads it: a page repeats it at every button.
fn known(request: &HttpRequest) -> impl Iterator<Item = (String, String)> + use<> {
    let read = |name: &str| name == "login_hint" || REMEMBERED.contains(&name);
    body::query(request).into_iter().filter(move |(name, value)| read(name) && !value.is_empty())
}

/// The hidden fields of the form of the languages.
fn asked_before(request: &HttpRequest) -> Vec<(String, String)> {
    let ours = (OURS.to_owned(), "1".to_owned());
    known(request).filter(|(name, _)| name != "lang").chain([ours]).collect()
}

/// Where the forms may end, besides here.
fn form_targets(asked: &AuthorizeRequest) -> Vec<FormTarget> {
    onward::form_target(&asked.redirect_uri).into_iter().collect()
}
