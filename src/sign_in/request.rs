//! The app's request, checked against its app client before anything else happens (`gateway.md` section 2).

use std::collections::HashMap;
use std::sync::Arc;

use poolgate_providers::{Asked, Prompt};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::pool::resource_server::RESERVED_SCOPES;
use crate::pool::{AppClient, OAuthFlow};
use crate::registry::LivePool;

/// Longest value of any parameter, in bytes.
const MAX_VALUE: usize = 4_096;
/// Longest `login_hint`, in bytes.
const MAX_LOGIN_HINT: usize = 2_048;
/// Longest `acr_values`, in bytes.
const MAX_ACR_VALUES: usize = 1_024;
/// Most languages that travel on.
const MAX_LANGUAGES: usize = 10;
/// Scopes that mean nothing without `openid`.
const NEED_OPENID: [&str; 3] = ["email", "phone", "profile"];

/// What the app wants back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResponseType {
    /// A code, in the query.
    Code,
    /// Tokens, in the fragment.
    Token,
}

/// Which provider the app named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// None: the hosted page chooses.
    Any,
    /// `identity_provider=COGNITO`: the hosted page, always.
    HostedPage,
    /// `identity_provider`, or the one that `idp_identifier` names.
    Provider(String),
}

/// A request whose client, redirect_uri and every parameter are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeRequest {
    /// The app client.
    pub client_id: String,
    /// One of its callback URLs, character for character.
    pub redirect_uri: String,
    /// What the app wants back.
    pub response_type: ResponseType,
    /// Scopes that will be granted.
    pub scopes: Vec<String>,
    /// Comes back as it is.
    pub state: Option<String>,
    /// For the ID token.
    pub nonce: Option<String>,
    /// PKCE S256 challenge.
    pub challenge: Option<String>,
    /// RFC 8707 resource.
    pub resource: Option<String>,
    /// Which provider the app named.
    pub wanted: Wanted,
    /// What travels on to the provider.
    pub asked: Asked,
}

/// Why a request is not followed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Rejected {
    /// Client or redirect_uri are bad: an error page, never a redirect.
    #[error("{0}")]
    Page(String),
    /// Client and redirect_uri are good, something else is not: back to the app.
    #[error("{error}: {description}")]
    Redirect {
        /// Where to.
        target: ReturnTarget,
        /// OAuth error.
        error: &'static str,
        /// In words.
        description: String,
    },
}

/// Where and how an answer goes back to the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnTarget {
    /// A registered callback URL.
    pub redirect_uri: String,
    /// The app's state.
    pub state: Option<String>,
    /// In the query or in the fragment.
    pub response_type: ResponseType,
}

/// Decoded parameters; a name that comes twice is remembered as such.
struct Parameters<'a> {
    values: HashMap<&'a str, &'a str>,
    twice: Vec<&'a str>,
    too_long: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    fn new(pairs: &'a [(String, String)]) -> Self {
        let mut parameters = Self { values: HashMap::new(), twice: Vec::new(), too_long: None };
        for (name, value) in pairs {
            if value.len() > MAX_VALUE {
                parameters.too_long.get_or_insert(name);
            }
            // An empty parameter is treated as absent (RFC 6749 section 3.1).
            if !value.is_empty() && parameters.values.insert(name, value).is_some() {
                parameters.twice.push(name);
            }
        }
        parameters
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.values.get(name).copied()
    }
}

impl AuthorizeRequest {
    /// Checks the decoded query of `/oauth2/authorize` or `/login` against the pool.
    ///
    /// # Errors
    /// See [`Rejected`].
    pub fn check(pool: &Arc<LivePool>, pairs: &[(String, String)]) -> Result<Self, Rejected> {
        let parameters = Parameters::new(pairs);
        let client = check_client(pool, &parameters)?;
        let redirect_uri = check_redirect_uri(client, &parameters)?;
        let response_type = match parameters.get("response_type") {
            Some("token") => ResponseType::Token,
            _ => ResponseType::Code,
        };
        let state = parameters.get("state").map(str::to_owned);
        let target = ReturnTarget { redirect_uri: redirect_uri.clone(), state: state.clone(), response_type };
        let reject = |(error, description): (&'static str, String)| Rejected::Redirect {
            target: target.clone(),
            error,
            description,
        };
        check_shape(&parameters, client).map_err(reject)?;
        let challenge = check_challenge(&parameters, client).map_err(reject)?;
        let scopes = check_scopes(parameters.get("scope"), pool, client).map_err(reject)?;
        let wanted = check_wanted(&parameters, pool, client).map_err(reject)?;
        let asked = check_asked(&parameters).map_err(reject)?;
        let resource = check_resource(parameters.get("resource")).map_err(reject)?;
        let nonce = parameters.get("nonce").map(str::to_owned);
        Ok(Self {
            client_id: client.client_id.clone(),
            redirect_uri,
            response_type,
            scopes,
            state,
            nonce,
            challenge,
            resource,
            wanted,
            asked,
        })
    }

    /// Where and how the answer goes back.
    pub fn target(&self) -> ReturnTarget {
        ReturnTarget {
            redirect_uri: self.redirect_uri.clone(),
            state: self.state.clone(),
            response_type: self.response_type,
        }
    }
}

fn check_client<'p>(pool: &'p LivePool, parameters: &Parameters<'_>) -> Result<&'p AppClient, Rejected> {
    let once = |name| match parameters.twice.contains(&name) {
        true => Err(Rejected::Page(format!("The parameter {name} was given more than once."))),
        false => Ok(()),
    };
    once("client_id")?;
    once("redirect_uri")?;
    let client_id =
        parameters.get("client_id").ok_or_else(|| Rejected::Page("The client_id is missing.".into()))?;
    pool.client(client_id)
        .ok_or_else(|| Rejected::Page("No app client of this pool has this client_id.".into()))
}

fn check_redirect_uri(client: &AppClient, parameters: &Parameters<'_>) -> Result<String, Rejected> {
    match parameters.get("redirect_uri") {
        Some(given) if client.callback_urls.iter().any(|known| known == given) => Ok(given.to_owned()),
        Some(_) => Err(Rejected::Page(
            "The redirect_uri is not one of the client's callback URLs: they are compared character for character.".into(),
        )),
        None => Err(Rejected::Page("The redirect_uri is missing.".into())),
    }
}

/// The beginning of a parameter's name, which anybody may make up.
fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

type Refusal = (&'static str, String);

fn check_shape(parameters: &Parameters<'_>, client: &AppClient) -> Result<(), Refusal> {
    if let Some(name) = parameters.twice.first() {
        return Err(("invalid_request", format!("{} was given more than once", shown(name))));
    }
    if let Some(name) = parameters.too_long {
        return Err(("invalid_request", format!("{} is longer than {MAX_VALUE} bytes", shown(name))));
    }
    let flow = match parameters.get("response_type") {
        Some("code") => OAuthFlow::Code,
        Some("token") => OAuthFlow::Implicit,
        Some(_) => return Err(("invalid_request", "response_type must be code or token".into())),
        None => return Err(("invalid_request", "response_type is missing".into())),
    };
    if client.may_use(flow) {
        Ok(())
    } else {
        Err(("unauthorized_client", "the client does not allow this response_type".into()))
    }
}

fn check_challenge(parameters: &Parameters<'_>, _client: &AppClient) -> Result<Option<String>, Refusal> {
    let refuse = |why: &str| Err(("invalid_request", why.to_owned()));
    match (parameters.get("code_challenge"), parameters.get("code_challenge_method")) {
        (None, None) => Ok(None),
        (Some(_), None) => refuse("code_challenge needs code_challenge_method=S256"),
        (None, Some(_)) => refuse("code_challenge_method was given without code_challenge"),
        (Some(challenge), Some("S256")) => {
            // Base64url of a SHA-256: 43 characters.
            let good = challenge.len() == 43
                && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            if good {
                Ok(Some(challenge.to_owned()))
            } else {
                refuse("code_challenge is not the base64url of a SHA-256 digest (43 characters)")
            }
        }
        (Some(_), Some(_)) => refuse("code_challenge_method must be S256"),
    }
}

/// The scopes that will be granted: of those asked, the ones the client may use and that exist. One that the client may
/// use and that was deleted since is known still.
fn check_scopes(asked: Option<&str>, pool: &LivePool, client: &AppClient) -> Result<Vec<String>, Refusal> {
    let refuse = |why: String| Err(("invalid_scope", why));
    let mut scopes: Vec<&str> = match asked {
        Some(asked) => asked_scopes(asked, pool, client)?,
        None => client.allowed_oauth_scopes.iter().map(String::as_str).collect(),
    };
    scopes.retain(|scope| pool.grants_scope(client, scope));
    if asked.is_some() && !scopes.contains(&"openid") {
        scopes.retain(|scope| !NEED_OPENID.contains(scope));
    }
    if scopes.is_empty() {
        return refuse("the client may use none of the scopes asked for".into());
    }
    Ok(scopes.into_iter().map(str::to_owned).collect())
}

/// The scopes asked for, all of them known to the pool.
fn asked_scopes<'a>(asked: &'a str, pool: &LivePool, client: &AppClient) -> Result<Vec<&'a str>, Refusal> {
    let refuse = |why: String| Err(("invalid_scope", why));
    let mut scopes: Vec<&str> = Vec::new();
    for scope in asked.split(' ').filter(|scope| !scope.is_empty()) {
        // RFC 6749 section 3.3 bounds the characters of a scope.
        let well_formed = scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        let known = RESERVED_SCOPES.contains(&scope)
            || pool.defines_scope(scope)
            || client.allowed_oauth_scopes.iter().any(|own| own == scope);
        if !well_formed || !known {
            return refuse("scope holds one that this pool does not know".into());
        }
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if scopes.is_empty() {
        return refuse("scope is empty".into());
    }
    if let Some(lonely) = scopes.iter().find(|scope| NEED_OPENID.contains(scope))
        && !scopes.contains(&"openid")
    {
        return refuse(format!("scope {lonely} needs the scope openid"));
    }
    Ok(scopes)
}

fn check_wanted(parameters: &Parameters<'_>, pool: &LivePool, client: &AppClient) -> Result<Wanted, Refusal> {
    let refuse = |why: &str| Err(("invalid_request", why.to_owned()));
    // Said alike of one that does not exist: what other clients enable is nobody's business.
    const NOT_ENABLED: &str = "the identity provider asked for is not enabled for the client";
    let name = match (parameters.get("identity_provider"), parameters.get("idp_identifier")) {
        (Some(_), Some(_)) => return refuse("give identity_provider or idp_identifier, not both"),
        (None, None) => return Ok(Wanted::Any),
        (Some("COGNITO"), None) => return Ok(Wanted::HostedPage),
        (Some(name), None) => name,
        (None, Some(identifier)) => match pool.provider_by_identifier(identifier) {
            Some(provider) => provider.config.value.provider_name.as_str(),
            None => return refuse(NOT_ENABLED),
        },
    };
    let enabled = client.supported_identity_providers.iter().any(|own| own == name);
    if enabled && pool.providers.contains_key(name) {
        Ok(Wanted::Provider(name.to_owned()))
    } else {
        refuse(NOT_ENABLED)
    }
}

fn check_asked(parameters: &Parameters<'_>) -> Result<Asked, Refusal> {
    let mut prompt = Vec::new();
    for value in parameters.get("prompt").unwrap_or_default().split_ascii_whitespace() {
        let value = match value {
            "none" => Prompt::None,
            "login" => Prompt::Login,
            "select_account" => Prompt::SelectAccount,
            "consent" => Prompt::Consent,
            _ => {
                return Err((
                    "invalid_request",
                    "prompt knows none, login, select_account and consent".into(),
                ));
            }
        };
        if !prompt.contains(&value) {
            prompt.push(value);
        }
    }
    if prompt.contains(&Prompt::None) && prompt.len() > 1 {
        return Err(("invalid_request", "prompt=none cannot be combined".into()));
    }
    let login_hint = parameters.get("login_hint").map(str::to_owned);
    if login_hint.as_ref().is_some_and(|hint| hint.len() > MAX_LOGIN_HINT) {
        return Err(("invalid_request", format!("login_hint is longer than {MAX_LOGIN_HINT} bytes")));
    }
    let digits = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    let max_age = match parameters.get("max_age").map(|text| Some(text).filter(digits).map(str::parse)) {
        None => None,
        Some(Some(Ok(seconds))) => Some(seconds),
        Some(_) => return Err(("invalid_request", "max_age must be a number of seconds".into())),
    };
    let acr_values = check_acr_values(parameters.get("acr_values"))?;
    Ok(Asked { prompt, login_hint, max_age, lang: languages(parameters), acr_values })
}

/// The languages of `lang`, which speaks to the pages here too, and then of `ui_locales`. One that is no language
/// is no error (OpenID Connect Core 3.1.2.1): it is left out.
fn languages(parameters: &Parameters<'_>) -> Option<String> {
    let given = ["lang", "ui_locales"].into_iter().filter_map(|name| parameters.get(name));
    let mut tags: Vec<&str> = Vec::new();
    for tag in given.flat_map(|tags| tags.split(' ')).filter(|tag| is_language_tag(tag)) {
        if !tags.contains(&tag) && tags.len() < MAX_LANGUAGES {
            tags.push(tag);
        }
    }
    (!tags.is_empty()).then(|| tags.join(" "))
}

/// Authentication context classes, which travel on as they are: the provider alone knows what they mean, and they
/// are a wish (OpenID Connect Core 3.1.2.1: voluntary).
fn check_acr_values(given: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(given) = given else { return Ok(None) };
    let name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
    };
    if given.len() <= MAX_ACR_VALUES && given.split(' ').all(name) {
        return Ok(Some(given.to_owned()));
    }
    let why = format!("acr_values must be names separated by single spaces, at most {MAX_ACR_VALUES} bytes");
    Err(("invalid_request", why))
}

/// Shape of a language tag (RFC 5646), roughly; anything else is ignored, a page is shown in English then.
fn is_language_tag(text: &str) -> bool {
    (1..=35).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn check_resource(resource: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(resource) = resource else { return Ok(None) };
    let refuse = || {
        let why =
            "resource must be an absolute URI (https, http://localhost or a custom scheme) without fragment";
        Err(("invalid_request", why.to_owned()))
    };
    let Ok(url) = url::Url::parse(resource) else { return refuse() };
    let local = matches!(url.host_str(), Some("localhost"));
    let allowed = url.fragment().is_none()
        && match url.scheme() {
            "https" => true,
            "http" => local,
            "javascript" | "data" | "file" | "vbscript" => false,
            _ => true,
        };
    if allowed { Ok(Some(resource.to_owned())) } else { refuse() }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
