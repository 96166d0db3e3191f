//! What an OIDC provider is told about itself (`ProviderDetails`).

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

pub use super::entra::Tenants;
use super::{claims, entra};
use crate::oauth::client_auth::{self, ClientAuth};
use crate::oauth::json;
use crate::settings::{CommonSettings, Details, SettingError, check_callback, https_url, required};

/// Longest value of one setting, in bytes (a private key is the longest that makes sense).
const LONGEST: usize = 16 * 1024;
const ADD_ATTRIBUTES: &str = "attributes_url_add_attributes";
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
    /// `issuer_template=entra`: the issuer has a place for a tenant's id, and the token names one of these
    /// tenants there and as `tid`.
    Entra(Tenants),
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
    /// `oidc_issuer`, as it was written: compared byte by byte. With [`IssuerRule::Entra`] the template.
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
        let (issuer, issuer_rule) = issuer(&mut read, dev)?;
        let settings = Self {
            client_id: client_auth::client_id(&mut read)?,
            client_auth: client_auth::read(&mut read)?,
            attributes_request_method: read.choice(
                "attributes_request_method",
                &[("GET", AttributesMethod::Get), ("POST", AttributesMethod::Post)],
            )?,
            issuer,
            issuer_rule,
            request_parameters: Vec::new(),
            scopes: openid_scopes(&mut read)?,
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
        check_added_attributes(&mut read, settings.endpoints.as_ref())?;
        check_trust(&settings, details)?;
        check_callback(&mut read)?;
        read.refuse_unknown()?;
        if settings.endpoints.is_some() && settings.common.idp_signout {
            return Err(SettingError::new(
                "IDPSignout",
                "true",
                "false with explicit endpoints: the end_session_endpoint is only known from discovery, so leave \
                 authorize_url, token_url, attributes_url and jwks_uri away",
            ));
        }
        Ok(settings)
    }

    /// With `attributes_url_add_attributes=true` in `details`, which these settings were read from: has
    /// userinfo asked for the provider's attributes that are `mapped`. Returns whether it is.
    ///
    /// # Errors
    /// When one of them has a name that cannot stand in the list.
    pub(super) fn ask_for(
        &mut self,
        details: &BTreeMap<String, String>,
        mapped: &BTreeSet<String>,
    ) -> Result<bool, SettingError> {
        let wanted = details.get(ADD_ATTRIBUTES).is_some_and(|value| value == "true");
        let url = self.endpoints.as_mut().and_then(|endpoints| endpoints.userinfo.as_mut());
        let Some(url) = url.filter(|_| wanted) else { return Ok(false) };
        // Userinfo is believed for its `sub` alone, so that one is always among them.
        let mut list = vec!["sub"];
        for name in mapped.iter().filter(|name| !claims::OF_THE_SIGN_IN.contains(&name.as_str())) {
            if !is_plain(name) {
                let allowed = format!(
                    "false while the claim \"{}\" is mapped: only names of at most 128 ASCII letters, digits \
                     and . _ - can be appended to attributes_url",
                    json::shown(name, 128)
                );
                return Err(SettingError::new(ADD_ATTRIBUTES, "true", allowed));
            }
            list.push(name);
        }
        let query = format!("{}{}", url.query().unwrap_or_default(), list.join(","));
        url.set_query(Some(&query));
        Ok(true)
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=128).contains(&name.len()) && name.bytes().all(plain)
}

/// Whether the names of attributes can be appended to `attributes_url`, where that is asked for.
fn check_added_attributes(
    read: &mut Details<'_>,
    endpoints: Option<&ExplicitEndpoints>,
) -> Result<(), SettingError> {
    if !read.choice(ADD_ATTRIBUTES, &[("false", false), ("true", true)])? {
        return Ok(());
    }
    let query = endpoints.and_then(|endpoints| endpoints.userinfo.as_ref()?.query());
    if query.is_some_and(|query| query.ends_with('=')) {
        return Ok(());
    }
    const ALLOWED: &str = "false, unless attributes_url is given and ends with the parameter that takes the \
                           names, such as https://idp.example.com/userinfo?fields=";
    Err(SettingError::new(ADD_ATTRIBUTES, "true", ALLOWED))
}

/// In a tenant of one's own anybody can be given any address, so with every tenant let in no domain of
/// addresses may be trusted (known as nOAuth).
fn check_trust(settings: &OidcSettings, details: &BTreeMap<String, String>) -> Result<(), SettingError> {
    const KEY: &str = "trusted_email_domains";
    match (settings.issuer_rule, details.get(KEY)) {
        (IssuerRule::Entra(_), Some(given)) => Err(SettingError::new(
            KEY,
            given,
            "nothing with issuer_template=entra: any tenant may state any e-mail address; map xms_edov to \
             email_verified instead, or name one tenant in oidc_issuer",
        )),
        _ => Ok(()),
    }
}

fn issuer(read: &mut Details<'_>, dev: bool) -> Result<(String, IssuerRule), SettingError> {
    const ALLOWED: &str = "the provider's issuer: an https URL without query, fragment and trailing slash";
    let given = required(read, "oidc_issuer", ALLOWED)?;
    let refused = |allowed: &str| SettingError::new("oidc_issuer", given, allowed);
    if read.get("issuer_template").is_some() {
        read.choice("issuer_template", &[("entra", ())])?;
        let (template, tenants) = entra::template(given, dev).ok_or_else(|| refused(entra::ALLOWED))?;
        return Ok((template, IssuerRule::Entra(tenants)));
    }
    if entra::needs_template(given) {
        return Err(refused(
            "the issuer of one tenant, https://login.microsoftonline.com/TENANT-ID/v2.0; or set \
             issuer_template=entra, with which the people of every tenant may sign in",
        ));
    }
    let url = https_url(given, dev).filter(|url| url.query().is_none() && !given.ends_with('/'));
    match url {
        Some(_) => Ok((given.to_owned(), IssuerRule::Exact)),
        None => Err(refused(ALLOWED)),
    }
}

const SCOPES: &str = "scopes separated by single spaces, such as \"openid email profile\"";

/// `authorize_scopes` of a provider that speaks OpenID Connect only where it is asked to.
fn openid_scopes(read: &mut Details<'_>) -> Result<Vec<String>, SettingError> {
    let scopes = scopes(read)?;
    if scopes.iter().any(|scope| scope == "openid") {
        return Ok(scopes);
    }
    let allowed = "scopes separated by single spaces, openid among them, such as \"openid email profile\"";
    Err(SettingError::new("authorize_scopes", scopes.join(" "), allowed))
}

/// `authorize_scopes`, without repetition.
pub(crate) fn scopes(read: &mut Details<'_>) -> Result<Vec<String>, SettingError> {
    let given = required(read, "authorize_scopes", SCOPES)?;
    let refused = || SettingError::new("authorize_scopes", given, SCOPES);
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
    Ok(scopes)
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
