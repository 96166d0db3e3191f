//! What an OIDC provider is told about itself (`ProviderDetails`).

use std::collections::BTreeMap;

use url::Url;

use crate::oauth::client_auth::{self, ClientAuth};
use crate::settings::{CommonSettings, Details, SettingError, https_url, required};

/// Longest value of one setting, in bytes (a private key is the longest that makes sense).
const LONGEST: usize = 16 * 1024;
/// Parameters of the authorization request that are ours alone.
const OUR_PARAMETERS: [&str; 13] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "prompt",
    "login_hint",
    "max_age",
    "ui_locales",
];

/// Which `iss` an ID token may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssuerRule {
    /// The issuer, byte by byte.
    Exact,
    /// The issuer, or this other spelling of it.
    Or(&'static str),
}

/// How userinfo is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributesMethod {
    /// GET.
    Get,
    /// POST.
    Post,
}

/// How the provider sends its answer back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query: the protocol's default, so the parameter is not sent.
    Query,
    /// By a form that the browser posts.
    FormPost,
}

/// Endpoints given by hand: with them no discovery document is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplicitEndpoints {
    /// `authorize_url`.
    pub authorize: Url,
    /// `token_url`.
    pub token: Url,
    /// `attributes_url`.
    pub userinfo: Option<Url>,
    /// `jwks_uri`.
    pub jwks: Url,
    /// What its ID tokens may be signed with, where that is known; otherwise the type of the key decides.
    pub algorithms: Option<&'static [&'static str]>,
}

/// The settings of one OIDC provider, checked.
#[derive(Debug)]
pub struct OidcSettings {
    /// `client_id`.
    pub client_id: String,
    /// Client authentication.
    pub client_auth: ClientAuth,
    /// `attributes_request_method`.
    pub attributes_request_method: AttributesMethod,
    /// `oidc_issuer`, as it was written: compared byte by byte.
    pub issuer: String,
    /// Which `iss` its ID tokens may carry.
    pub issuer_rule: IssuerRule,
    /// `authorize_scopes`, without repetition.
    pub scopes: Vec<String>,
    /// The four explicit endpoints; none of them means discovery.
    pub endpoints: Option<ExplicitEndpoints>,
    /// Whether PKCE (S256) is used.
    pub pkce: bool,
    /// `response_mode`.
    pub response_mode: ResponseMode,
    /// Whether the app's `login_hint` is forwarded.
    pub forward_login_hint: bool,
    /// Parameters of the authorization request that this provider has of its own.
    pub request_parameters: Vec<(&'static str, String)>,
    /// Development: endpoints may be plain http on loopback.
    pub dev: bool,
    /// Settings shared with other kinds of providers.
    pub common: CommonSettings,
}

impl OidcSettings {
    /// Reads `ProviderDetails` of a provider of type `OIDC`.
    ///
    /// # Errors
    /// The first key that is missing, unknown or has a value that is not allowed.
    pub fn from_details(details: &BTreeMap<String, String>, dev: bool) -> Result<Self, SettingError> {
        for (key, value) in details {
            if value.len() > LONGEST {
                return Err(SettingError::hidden(key, "at most 16,384 bytes"));
            }
        }
        let mut read = Details::new(details);
        let settings = Self {
            client_id: client_auth::client_id(&mut read)?,
            client_auth: client_auth::read(&mut read)?,
            attributes_request_method: read.choice(
                "attributes_request_method",
                &[("GET", AttributesMethod::Get), ("POST", AttributesMethod::Post)],
            )?,
            issuer: issuer(&mut read, dev)?,
            issuer_rule: IssuerRule::Exact,
            request_parameters: Vec::new(),
            scopes: scopes(&mut read)?,
            endpoints: endpoints(&mut read, dev)?,
            pkce: read.choice("pkce", &[("S256", true), ("off", false)])?,
            response_mode: read.choice(
                "response_mode",
                &[("query", ResponseMode::Query), ("form_post", ResponseMode::FormPost)],
            )?,
            forward_login_hint: read.choice("login_hint", &[("forward", true), ("none", false)])?,
            dev,
            common: CommonSettings::read(&mut read)?,
        };
        // Describe answers with this key, so tools send it back; a field list fits no OIDC userinfo.
        read.choice("attributes_url_add_attributes", &[("false", ())])?;
        if let Some(template) = read.get("issuer_template") {
            return Err(SettingError::new(
                "issuer_template",
                template,
                "nothing: issuer templates are not built into this version; name one tenant in oidc_issuer",
            ));
        }
        read.refuse_unknown()?;
        Ok(settings)
    }
}

fn issuer(read: &mut Details<'_>, dev: bool) -> Result<String, SettingError> {
    const ALLOWED: &str = "the provider's issuer: an https URL without query, fragment and trailing slash";
    let given = required(read, "oidc_issuer", ALLOWED)?;
    let url = https_url(given, dev).filter(|url| url.query().is_none() && !given.ends_with('/'));
    match url {
        Some(_) => Ok(given.to_owned()),
        None => Err(SettingError::new("oidc_issuer", given, ALLOWED)),
    }
}

/// `authorize_scopes`: `openid` among them, without repetition.
pub(crate) fn scopes(read: &mut Details<'_>) -> Result<Vec<String>, SettingError> {
    const ALLOWED: &str =
        "scopes separated by single spaces, openid among them, such as \"openid email profile\"";
    let given = required(read, "authorize_scopes", ALLOWED)?;
    let refused = || SettingError::new("authorize_scopes", given, ALLOWED);
    let mut scopes: Vec<String> = Vec::new();
    for scope in given.split(' ') {
        // RFC 6749 section 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
        let token =
            scope.bytes().all(|b| b == 0x21 || (0x23..=0x5b).contains(&b) || (0x5d..=0x7e).contains(&b));
        if scope.is_empty() || !token {
            return Err(refused());
        }
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    if scopes.iter().any(|scope| scope == "openid") { Ok(scopes) } else { Err(refused()) }
}

fn endpoints(read: &mut Details<'_>, dev: bool) -> Result<Option<ExplicitEndpoints>, SettingError> {
    const KEYS: [&str; 4] = ["authorize_url", "token_url", "attributes_url", "jwks_uri"];
    const ALLOWED: &str = "an https URL without fragment; all four of authorize_url, token_url, \
                           attributes_url and jwks_uri, or none of them for discovery";
    let given = KEYS.map(|key| (key, read.get(key)));
    if given.iter().all(|(_, value)| value.is_none()) {
        return Ok(None);
    }
    let mut urls = Vec::with_capacity(KEYS.len());
    for (key, value) in given {
        let value = value.ok_or_else(|| SettingError::missing(key, ALLOWED))?;
        urls.push(https_url(value, dev).ok_or_else(|| SettingError::new(key, value, ALLOWED))?);
    }
    let [authorize, token, userinfo, jwks] =
        <[Url; 4]>::try_from(urls).map_err(|_| SettingError::missing("authorize_url", ALLOWED))?;
    if let Some(name) = reserved_parameter(&authorize) {
        return Err(SettingError::new(
            "authorize_url",
            authorize.as_str(),
            format!("a URL whose query does not set {name}: the request sets it"),
        ));
    }
    Ok(Some(ExplicitEndpoints { authorize, token, userinfo: Some(userinfo), jwks, algorithms: None }))
}

/// A parameter of ours that the query of an authorization endpoint already holds.
pub(super) fn reserved_parameter(url: &Url) -> Option<&'static str> {
    url.query_pairs().find_map(|(name, _)| OUR_PARAMETERS.into_iter().find(|ours| *ours == name))
}
