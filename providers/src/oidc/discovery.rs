//! Where a provider's endpoints are: given by hand, or from its discovery document
//! (OpenID Connect Discovery 1.0).

use std::borrow::Cow;
use std::sync::Arc;

use http::Response;
use serde_json::{Map, Value};
use time::Duration;
use url::Url;

use super::cached::Cached;
use super::entra;
use super::keys::Alg;
use super::settings::{IssuerRule, OidcSettings, reserved_parameter};
use super::together::{Document, Need};
use crate::oauth::{call, json};
use crate::settings::https_url;
use crate::{ProviderError, Surroundings, Upstream};

/// A document older than this is fetched again; the old one stays in use while that fails.
const MAX_AGE: Duration = Duration::hours(24);
/// What another replica fetched is this old at most for whoever knows nothing yet: to save a provider anew reads
/// its document anew.
const NEW: Duration = Duration::minutes(10);
/// After a failure nothing is fetched for this long.
const BACK_OFF: Duration = Duration::seconds(5);

/// What is known of a provider.
#[derive(Debug)]
pub(super) struct Endpoints {
    /// The issuer its ID tokens name, byte by byte; Entra's with a place for the tenant.
    pub(super) issuer: String,
    /// Authorization endpoint.
    pub(super) authorize: Url,
    /// Token endpoint.
    pub(super) token: Url,
    /// Userinfo endpoint, if there is one.
    pub(super) userinfo: Option<Url>,
    /// Key set.
    pub(super) jwks: Url,
    /// End-session endpoint, if there is one.
    pub(super) end_session: Option<Url>,
    /// Algorithms its ID tokens may be signed with.
    pub(super) algs: Vec<Alg>,
    /// Algorithms its userinfo may be signed with.
    pub(super) userinfo_algs: Vec<Alg>,
    /// Whether its answers always carry `iss` (RFC 9207 section 3).
    pub(super) iss_parameter: bool,
}

/// The endpoints of one provider.
pub(super) enum Discovery {
    /// Given by hand: nothing is fetched.
    Explicit(Arc<Endpoints>),
    /// To be found at the issuer.
    AtIssuer(Cached<Endpoints>),
}

impl Discovery {
    pub(super) fn new(settings: &OidcSettings) -> Self {
        match &settings.endpoints {
            None => Self::AtIssuer(Cached::default()),
            Some(given) => Self::Explicit(Arc::new(Endpoints {
                issuer: settings.issuer.clone(),
                authorize: given.authorize.clone(),
                token: given.token.clone(),
                userinfo: given.userinfo.clone(),
                jwks: given.jwks.clone(),
                end_session: None,
                // Nothing announces algorithms here: without names the type of the key in the key set decides.
                algs: by_hand(given.algorithms),
                userinfo_algs: by_hand(given.algorithms),
                iss_parameter: false,
            })),
        }
    }

    /// What is known without asking.
    pub(super) fn known(&self) -> Option<Arc<Endpoints>> {
        match self {
            Self::Explicit(endpoints) => Some(Arc::clone(endpoints)),
            Self::AtIssuer(cached) => cached.look().value,
        }
    }

    /// The endpoints, fetched when there are none or they are old.
    pub(super) async fn endpoints(
        &self,
        around: &Surroundings,
        settings: &OidcSettings,
    ) -> Result<Arc<Endpoints>, ProviderError> {
        let now = around.clock.now();
        let cached = match self {
            Self::Explicit(endpoints) => return Ok(Arc::clone(endpoints)),
            Self::AtIssuer(cached) => cached,
        };
        let seen = cached.look();
        if let Some(fresh) = seen.younger(now, MAX_AGE) {
            return Ok(fresh);
        }
        let result = match seen.failed_within(now, BACK_OFF) {
            Some(failure) => Err(failure),
            None => {
                let address = address(settings)?;
                let parts = [address.as_str(), &settings.issuer, &settings.client_id];
                let document = Document::new(around, "discovery", &parts, MAX_AGE);
                let fetch = || call::ask(around.http.as_ref(), AT, || call::get(&address));
                let believe = |response: &Response<Vec<u8>>| believe(response, settings);
                let age = if seen.value.is_some() { MAX_AGE } else { NEW };
                let obtain = || document.obtain(Need::Since(now - age), fetch, believe);
                cached.refresh(seen.attempts, now, BACK_OFF, obtain).await
            }
        };
        match (result, seen.value) {
            (Err(_), Some(old)) => Ok(old),
            (result, _) => result,
        }
    }
}

/// The algorithms of these names; without names every one that is ever believed.
fn by_hand(names: Option<&[&str]>) -> Vec<Alg> {
    match names {
        Some(names) => names.iter().filter_map(|name| Alg::named(name)).collect(),
        None => Alg::ALL.into_iter().map(|(_, alg)| alg).collect(),
    }
}

const AT: Upstream = Upstream::Discovery;

fn address(settings: &OidcSettings) -> Result<Url, ProviderError> {
    let at = match settings.issuer_rule {
        IssuerRule::Entra(tenants) => Cow::Owned(entra::authority(&settings.issuer, tenants)),
        _ => Cow::Borrowed(&settings.issuer),
    };
    let address = format!("{at}/.well-known/openid-configuration");
    Url::parse(&address).map_err(|_| ProviderError::Settings("oidc_issuer is not a URL".into()))
}

/// The endpoints that a document names, whoever fetched it.
fn believe(response: &Response<Vec<u8>>, settings: &OidcSettings) -> Result<Endpoints, ProviderError> {
    let document = call::object(AT, response, &[])?;
    read(&document, settings).map_err(|fault| match fault {
        Fault::Issuer(came) => ProviderError::not_believed(
            "oidc_discovery_issuer",
            format!(
                "the discovery document is of issuer \"{}\", expected \"{}\" (oidc_issuer){}",
                json::shown(&came, 300),
                settings.issuer,
                if entra::needs_template(&came) {
                    "; for many tenants set issuer_template=entra"
                } else {
                    ""
                },
            ),
        ),
        Fault::Member(reason) => call::bad(AT, response.status(), reason),
    })
}

enum Fault {
    Issuer(String),
    Member(String),
}

fn read(document: &Map<String, Value>, settings: &OidcSettings) -> Result<Endpoints, Fault> {
    let issuer = document.get("issuer").and_then(Value::as_str).unwrap_or_default();
    let good = match settings.issuer_rule {
        IssuerRule::Entra(tenants) => entra::is_stated(&settings.issuer, tenants, issuer),
        // oidc_issuer is written without the trailing slash, so an issuer that has one could not be named
        // otherwise; both have the same discovery document, and tokens are held to the one it states.
        _ => issuer == settings.issuer || issuer.strip_suffix('/') == Some(settings.issuer.as_str()),
    };
    if !good {
        return Err(Fault::Issuer(issuer.to_owned()));
    }
    let issuer = match settings.issuer_rule {
        IssuerRule::Entra(_) => settings.issuer.as_str(),
        _ => issuer,
    };
    let optional = |name: &str| match document.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_str()
            .and_then(|text| https_url(text, settings.dev))
            .map(Some)
            .ok_or_else(|| Fault::Member(format!("its {name} is not an https URL"))),
    };
    let required = |name: &str| optional(name)?.ok_or_else(|| Fault::Member(format!("it has no {name}")));
    let authorize = required("authorization_endpoint")?;
    if let Some(name) = reserved_parameter(&authorize) {
        return Err(Fault::Member(format!("its authorization_endpoint sets {name} in its query")));
    }
    let algs = id_token_algorithms(document)?;
    Ok(Endpoints {
        issuer: issuer.to_owned(),
        authorize,
        token: required("token_endpoint")?,
        userinfo: optional("userinfo_endpoint")?,
        jwks: required("jwks_uri")?,
        end_session: optional("end_session_endpoint")?,
        userinfo_algs: announced(document, "userinfo_signing_alg_values_supported")
            .unwrap_or_else(|| algs.clone()),
        algs,
        iss_parameter: document.get("authorization_response_iss_parameter_supported")
            == Some(&Value::Bool(true)),
    })
}

/// The announced algorithms that are ever believed; RS256 when nothing is announced.
fn id_token_algorithms(document: &Map<String, Value>) -> Result<Vec<Alg>, Fault> {
    const NAME: &str = "id_token_signing_alg_values_supported";
    let algs = announced(document, NAME).unwrap_or_else(|| vec![Alg::DEFAULT]);
    if algs.is_empty() {
        return Err(Fault::Member(format!("its {NAME} names no asymmetric algorithm that is supported")));
    }
    Ok(algs)
}

/// Those algorithms of a list that are ever believed; `None` where there is no list.
fn announced(document: &Map<String, Value>, name: &str) -> Option<Vec<Alg>> {
    let list = document.get(name).filter(|list| !list.is_null())?;
    let names = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    Some(names.filter_map(Alg::named).collect())
}
