//! What a Google provider is told about itself (`ProviderDetails`).

use std::fmt;

use url::Url;

use crate::oauth::{ClientAuth, client_auth};
use crate::oidc::OidcSettings;
use crate::oidc::settings::{self as oidc, AttributesMethod, IssuerRule, ResponseMode};
use crate::settings::{Details, SettingError};
use crate::social::{self, Known, OpenId, Setup};

const ISSUER: &str = "https://accounts.google.com";
/// How ID tokens for older clients spell the issuer (OpenID Connect reference, `iss`).
const ISSUER_WITHOUT_SCHEME: &str = "accounts.google.com";
const KNOWN: Known = Known {
    issuer: ISSUER,
    authorize: "https://accounts.google.com/o/oauth2/v2/auth",
    token: "https://www.googleapis.com/oauth2/v4/token",
    jwks: "https://www.googleapis.com/oauth2/v3/certs",
};
const ATTRIBUTES: &str = "https://people.googleapis.com/v1/people/me?personFields=";

/// Settings, checked.
pub(super) struct GoogleSettings {
    pub(super) oidc: OidcSettings,
    /// Where the names of the person's fields are appended.
    pub(super) attributes: Url,
    pub(super) hosted_domain: Option<HostedDomain>,
    pub(super) derived: Vec<(&'static str, String)>,
}

/// `hd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HostedDomain {
    /// `*`: of any organisation.
    Any,
    /// Of this one.
    One(String),
}

impl HostedDomain {
    /// Whether an account with this `hd` claim may sign in.
    pub(super) fn admits(&self, domain: &str) -> bool {
        match self {
            Self::Any => !domain.is_empty(),
            Self::One(one) => one.eq_ignore_ascii_case(domain),
        }
    }

    const fn as_str(&self) -> &str {
        match self {
            Self::Any => "*",
            Self::One(one) => one.as_str(),
        }
    }
}

impl fmt::Display for HostedDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("a Workspace domain"),
            Self::One(one) => write!(f, "\"{one}\""),
        }
    }
}

pub(super) fn read(setup: Setup<'_>) -> Result<GoogleSettings, SettingError> {
    let mut read = setup.read()?;
    let client_id = client_auth::client_id(&mut read)?;
    let client_auth = ClientAuth::SecretPost(client_auth::client_secret(&mut read)?);
    // `openid` is always sent: configurations of the reference service name "email" alone.
    let mut scopes = oidc::scopes(&mut read)?;
    if !scopes.iter().any(|scope| scope == "openid") {
        scopes.insert(0, "openid".to_owned());
    }
    let pkce = social::pkce(&mut read)?;
    let forward_login_hint = read.choice("login_hint", &[("forward", true), ("none", false)])?;
    let hosted_domain = hosted_domain(&mut read)?;
    let common = social::common(&mut read, "Google")?;
    let OpenId { issuer, endpoints, mut derived } = KNOWN.read(setup, &mut read)?;
    let attributes = attributes(setup, &mut read)?;
    Setup::fixed(&mut read, "attributes_url_add_attributes", "true")?;
    read.refuse_unknown()?;
    derived.push(("attributes_url", attributes.to_string()));
    derived.push(("attributes_url_add_attributes", "true".to_owned()));
    let oidc = OidcSettings {
        client_id,
        client_auth,
        attributes_request_method: AttributesMethod::Get,
        issuer_rule: match issuer.as_str() {
            ISSUER => IssuerRule::Or(ISSUER_WITHOUT_SCHEME),
            _ => IssuerRule::Exact,
        },
        issuer,
        scopes,
        endpoints: Some(endpoints),
        pkce,
        response_mode: ResponseMode::Query,
        forward_login_hint,
        request_parameters: hosted_domain.iter().map(|domain| ("hd", domain.as_str().to_owned())).collect(),
        dev: setup.dev,
        common,
    };
    Ok(GoogleSettings { oidc, attributes, hosted_domain, derived })
}

/// `attributes_url`: the names of fields are appended, so it ends where they begin. One of development without a
/// query gets its own.
fn attributes(setup: Setup<'_>, read: &mut Details<'_>) -> Result<Url, SettingError> {
    const FIELDS: &str = "personFields=";
    let mut url = setup.endpoint(read, "attributes_url", ATTRIBUTES)?;
    match url.query() {
        None => url.set_query(Some(FIELDS)),
        Some(query) if query == FIELDS || query.ends_with("&personFields=") => {}
        Some(_) => {
            let allowed = "a URL without query, or one that ends with personFields=";
            return Err(SettingError::new("attributes_url", url.as_str(), allowed));
        }
    }
    Ok(url)
}

/// `hd`: compared with a claim, so it is one domain and nothing else, or `*`.
fn hosted_domain(read: &mut Details<'_>) -> Result<Option<HostedDomain>, SettingError> {
    let Some(given) = read.get("hd") else { return Ok(None) };
    if given == "*" {
        return Ok(Some(HostedDomain::Any));
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if given.len() <= 253 && given.contains('.') && given.split('.').all(label) {
        Ok(Some(HostedDomain::One(given.to_ascii_lowercase())))
    } else {
        Err(SettingError::new(
            "hd",
            given,
            "one domain of Google Workspace such as example.com, or * for any of them",
        ))
    }
}
