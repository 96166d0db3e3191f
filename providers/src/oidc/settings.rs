//! What an OIDC provider is told about itself (`ProviderDetails`).

use std::collections::BTreeMap;
use std::fmt;

use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::SecretString;
use url::Url;

use crate::fetch::is_loopback_host;
use crate::settings::{CommonSettings, Details, SettingError};

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

/// How the client proves itself at the token endpoint (OpenID Connect Core section 9).
pub enum ClientAuth {
    /// `client_secret_post`.
    SecretPost(SecretString),
    /// `client_secret_basic`.
    SecretBasic(SecretString),
    /// `private_key_jwt`.
    PrivateKeyJwt {
        /// The key that signs the assertion.
        key: EncodingKey,
        /// RS256, or ES256 for a P-256 key.
        algorithm: Algorithm,
        /// `kid` of the assertion's header (`private_key_id`).
        key_id: Option<String>,
    },
}

impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecretPost(_) => "SecretPost",
            Self::SecretBasic(_) => "SecretBasic",
            Self::PrivateKeyJwt { .. } => "PrivateKeyJwt",
        })
    }
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
    pub userinfo: Url,
    /// `jwks_uri`.
    pub jwks: Url,
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
    /// `authorize_scopes`, `openid` among them, without repetition.
    pub scopes: Vec<String>,
    /// The four explicit endpoints; none of them means discovery.
    pub endpoints: Option<ExplicitEndpoints>,
    /// Whether PKCE (S256) is used.
    pub pkce: bool,
    /// `response_mode`.
    pub response_mode: ResponseMode,
    /// Whether the app's `login_hint` is forwarded.
    pub forward_login_hint: bool,
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
            client_id: client_id(&mut read)?,
            client_auth: client_auth(&mut read)?,
            attributes_request_method: read.choice(
                "attributes_request_method",
                &[("GET", AttributesMethod::Get), ("POST", AttributesMethod::Post)],
            )?,
            issuer: issuer(&mut read, dev)?,
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

    /// What describing the provider adds to what was given.
    pub fn derived() -> [(&'static str, &'static str); 1] {
        [("attributes_url_add_attributes", "false")]
    }
}

fn required<'a>(read: &mut Details<'a>, key: &'static str, allowed: &str) -> Result<&'a str, SettingError> {
    match read.get(key) {
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(SettingError::missing(key, allowed)),
    }
}

fn client_id(read: &mut Details<'_>) -> Result<String, SettingError> {
    const ALLOWED: &str = "the client id the provider gave, 1 to 1,024 printable characters";
    let given = required(read, "client_id", ALLOWED)?;
    if given.len() > 1024 || given.chars().any(char::is_control) {
        return Err(SettingError::new("client_id", given, ALLOWED));
    }
    Ok(given.to_owned())
}

#[derive(Clone, Copy)]
enum Method {
    Post,
    Basic,
    PrivateKey,
}

fn client_auth(read: &mut Details<'_>) -> Result<ClientAuth, SettingError> {
    const SECRET: &str = "the client secret the provider gave, printable, at most 1,024 characters";
    let method = read.choice(
        "token_endpoint_auth_method",
        &[
            ("client_secret_post", Method::Post),
            ("client_secret_basic", Method::Basic),
            ("private_key_jwt", Method::PrivateKey),
        ],
    )?;
    let secret = read.get("client_secret").filter(|secret| !secret.is_empty());
    let private_key = read.get("private_key");
    let key_id = read.get("private_key_id");
    if let Method::PrivateKey = method {
        let pem = private_key.ok_or_else(|| SettingError::missing("private_key", PRIVATE_KEY))?;
        let (key, algorithm) = private_key_of(pem)?;
        return Ok(ClientAuth::PrivateKeyJwt { key, algorithm, key_id: key_id.map(str::to_owned) });
    }
    for (key, given) in [("private_key", private_key), ("private_key_id", key_id)] {
        if given.is_some() {
            return Err(SettingError::hidden(
                key,
                "nothing, unless token_endpoint_auth_method is private_key_jwt",
            ));
        }
    }
    let secret = secret.ok_or_else(|| SettingError::missing("client_secret", SECRET))?;
    if secret.len() > 1024 || secret.chars().any(char::is_control) {
        return Err(SettingError::hidden("client_secret", SECRET));
    }
    let secret = SecretString::from(secret);
    Ok(match method {
        Method::Basic => ClientAuth::SecretBasic(secret),
        _ => ClientAuth::SecretPost(secret),
    })
}

const PRIVATE_KEY: &str = "a PEM private key: RSA of at least 2,048 bits, or EC on P-256 (PKCS #8)";

/// The key and the algorithm it signs with; tried once, so that a bad key is found here and not at the
/// first sign-in.
fn private_key_of(pem: &str) -> Result<(EncodingKey, Algorithm), SettingError> {
    let rsa = EncodingKey::from_rsa_pem(pem.as_bytes()).map(|key| (key, Algorithm::RS256));
    rsa.or_else(|_| EncodingKey::from_ec_pem(pem.as_bytes()).map(|key| (key, Algorithm::ES256)))
        .ok()
        .filter(|(key, algorithm)| jsonwebtoken::crypto::sign(b"trial", key, *algorithm).is_ok())
        .ok_or_else(|| SettingError::hidden("private_key", PRIVATE_KEY))
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

/// An absolute https URL (http on loopback in development) without user information and fragment.
pub(super) fn https_url(text: &str, dev: bool) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let scheme = match url.scheme() {
        "https" => true,
        "http" => dev && is_loopback_host(&url),
        _ => false,
    };
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let clean = text.len() <= 2048 && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    (scheme && plain && clean && url.has_host()).then_some(url)
}

fn scopes(read: &mut Details<'_>) -> Result<Vec<String>, SettingError> {
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
    Ok(Some(ExplicitEndpoints { authorize, token, userinfo, jwks }))
}

/// A parameter of ours that the query of an authorization endpoint already holds.
pub(super) fn reserved_parameter(url: &Url) -> Option<&'static str> {
    url.query_pairs().find_map(|(name, _)| OUR_PARAMETERS.into_iter().find(|ours| *ours == name))
}
