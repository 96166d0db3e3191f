//! What Google, Facebook, Amazon and Apple have in common: everything about their endpoints is known, so nothing
//! of it is asked for. And what Facebook and Amazon, which speak OAuth 2.0 alone, share in a sign-in.

use std::collections::{BTreeMap, BTreeSet};

use http::{Response, header};
use oauth2::PkceCodeChallenge;
use secrecy::SecretString;
use url::Url;

use crate::fetch::Http;
use crate::oauth::{self, call};
use crate::oidc::settings::ExplicitEndpoints;
use crate::settings::{CommonSettings, Details, SettingError, check_callback, https_url};
use crate::{AttemptFacts, Inbound, Prompt, ProviderError, Upstream};

/// Longest value of one setting, in bytes.
const LONGEST: usize = 16 * 1024;

/// Something that a provider can say of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// How it is mapped.
    pub name: &'static str,
    /// The scope that it takes; none: any.
    pub scope: Option<&'static str>,
}

impl Said {
    pub(crate) const fn new(name: &'static str, scope: Option<&'static str>) -> Self {
        Self { name, scope }
    }
}

/// Everything a social provider is made of.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// `ProviderDetails`.
    pub details: &'a BTreeMap<String, String>,
    /// The provider's attributes that are mapped to anything: only they are asked for.
    pub mapped: &'a BTreeSet<String>,
    /// Development: endpoints may be given, plain http on loopback among them.
    pub dev: bool,
}

impl<'a> Setup<'a> {
    /// Begins to read the settings.
    pub(crate) fn read(&self) -> Result<Details<'a>, SettingError> {
        match self.details.iter().find(|(_, value)| value.len() > LONGEST) {
            Some((key, _)) => Err(SettingError::hidden(key, "at most 16,384 bytes")),
            None => Ok(Details::new(self.details)),
        }
    }

    /// An address of the provider. Describing shows it, so tools send it back; only in development may it be
    /// another one.
    pub(crate) fn endpoint(
        &self,
        read: &mut Details<'_>,
        key: &'static str,
        own: &str,
    ) -> Result<Url, SettingError> {
        let refused = |given: &str| {
            let allowed =
                if self.dev { format!("{own}, or another URL (POOLGATE_DEV)") } else { own.to_owned() };
            SettingError::new(key, given, allowed)
        };
        let text = match read.get(key) {
            Some(given) if given != own && !self.dev => return Err(refused(given)),
            Some(given) => given,
            None => own,
        };
        https_url(text, self.dev).ok_or_else(|| refused(text))
    }

    /// `oidc_issuer`, as it is written: compared byte by byte.
    pub(crate) fn issuer(&self, read: &mut Details<'_>, own: &str) -> Result<String, SettingError> {
        self.endpoint(read, "oidc_issuer", own)?;
        Ok(read.get("oidc_issuer").unwrap_or(own).to_owned())
    }

    /// A setting that has one value only. Describing shows it, so tools send it back.
    pub(crate) fn fixed(
        read: &mut Details<'_>,
        key: &'static str,
        value: &'static str,
    ) -> Result<(), SettingError> {
        read.choice(key, &[(value, ())])
    }
}

/// Where a social provider that speaks OpenID Connect is.
pub(crate) struct Known {
    pub(crate) issuer: &'static str,
    pub(crate) authorize: &'static str,
    pub(crate) token: &'static str,
    pub(crate) jwks: &'static str,
}

/// The same, as it was read.
pub(crate) struct OpenId {
    pub(crate) issuer: String,
    pub(crate) endpoints: ExplicitEndpoints,
    /// What describing the provider adds of it.
    pub(crate) derived: Vec<(&'static str, String)>,
}

impl Known {
    /// Reads its addresses. Google and Apple sign with RS256 alone, and their ID tokens hold what a userinfo endpoint
    /// would say.
    pub(crate) fn read(&self, setup: Setup<'_>, read: &mut Details<'_>) -> Result<OpenId, SettingError> {
        let issuer = setup.issuer(read, self.issuer)?;
        let authorize = setup.endpoint(read, "authorize_url", self.authorize)?;
        let token = setup.endpoint(read, "token_url", self.token)?;
        let jwks = setup.endpoint(read, "jwks_uri", self.jwks)?;
        Setup::fixed(read, "token_request_method", "POST")?;
        let derived = vec![
            ("authorize_url", authorize.to_string()),
            ("oidc_issuer", issuer.clone()),
            ("token_request_method", "POST".to_owned()),
            ("token_url", token.to_string()),
        ];
        let algorithms = Some(&["RS256"][..]);
        let endpoints = ExplicitEndpoints { authorize, token, userinfo: None, jwks, algorithms };
        Ok(OpenId { issuer, endpoints, derived })
    }
}

/// `pkce`.
pub(crate) fn pkce(read: &mut Details<'_>) -> Result<bool, SettingError> {
    read.choice("pkce", &[("S256", true), ("off", false)])
}

/// Refuses what `provider` cannot be asked for: the app is told, as nobody would see that it was left out.
///
/// `login_hint` and `ui_locales` are wishes that may be left out, and so is `prompt=select_account`.
pub(crate) fn check_asked(facts: &AttemptFacts, provider: &str) -> Result<(), ProviderError> {
    let refused = |what: &str| Err(ProviderError::LoginRequired(format!("{provider} {what}")));
    if facts.asked.wants(Prompt::None) {
        return refused("cannot be asked without showing anything, as prompt=none wants");
    }
    if facts.asked.max_age.is_some() {
        return refused("does not say when a person signed in there, so max_age cannot be held to");
    }
    Ok(())
}

/// An authorization request (RFC 6749 section 4.1.1, RFC 7636 section 4.3).
pub(crate) struct AuthorizationRequest<'a> {
    /// Where the browser goes.
    pub(crate) authorize: &'a Url,
    pub(crate) client_id: &'a str,
    /// As this provider separates them.
    pub(crate) scope: &'a str,
    pub(crate) pkce: bool,
}

impl AuthorizationRequest<'_> {
    /// The URL the browser leaves for.
    pub(crate) fn url(&self, facts: &AttemptFacts) -> Result<Url, ProviderError> {
        let mut url = self.authorize.clone();
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", self.client_id)
                .append_pair("redirect_uri", facts.callback.as_str())
                .append_pair("scope", self.scope)
                .append_pair("state", &facts.handle);
            if self.pkce {
                let challenge = PkceCodeChallenge::from_code_verifier_sha256(&oauth::verifier(facts)?);
                query
                    .append_pair("code_challenge", challenge.as_str())
                    .append_pair("code_challenge_method", challenge.method().as_str());
            }
        }
        Ok(url)
    }
}

/// The pairs of an answer that came over OAuth.
pub(crate) fn pairs(inbound: Inbound) -> Result<Vec<(String, String)>, ProviderError> {
    match inbound {
        Inbound::OAuth(pairs) => Ok(pairs),
        Inbound::SamlResponse(_) => {
            Err(ProviderError::Unsolicited("a SAML response came for an OAuth sign-in".to_owned()))
        }
    }
}

/// Asks for JSON with an access token.
pub(crate) async fn ask(
    http: &dyn Http,
    at: Upstream,
    url: &Url,
    access_token: &SecretString,
) -> Result<Response<Vec<u8>>, ProviderError> {
    let bearer = call::bearer(access_token)?;
    let request = || {
        let mut request = call::get(url)?;
        request.headers_mut().insert(header::AUTHORIZATION, bearer.clone());
        Ok(request)
    };
    call::ask(http, at, request).await
}

/// The settings that all providers share, of one that has no address to sign out at.
pub(crate) fn common(read: &mut Details<'_>, provider: &str) -> Result<CommonSettings, SettingError> {
    let common = CommonSettings::read(read)?;
    check_callback(read)?;
    match common.idp_signout {
        false => Ok(common),
        true => {
            let allowed = format!("false: {provider} has no address where an app can sign people out");
            Err(SettingError::new("IDPSignout", "true", allowed))
        }
    }
}
