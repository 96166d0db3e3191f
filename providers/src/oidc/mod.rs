//! OpenID Connect relying party: authorization code flow (OpenID Connect Core 1.0 section 3.1).
//!
//! Modules follow the sign-in: [`settings`] and `discovery` say where to go, `authorize` writes the
//! request, [`crate::oauth`] reads the answer and redeems the code, `jws` and `keys` check the
//! signature, `id_token` checks the claims (`issuer` and `entra` whose they are), `userinfo` asks for more, `claims` makes attributes of it.
//! Google and Apple are this protocol with rules of their own.

mod authorize;
mod cached;
pub(crate) mod claims;
mod discovery;
mod end_session;
mod entra;
mod id_token;
mod issuer;
mod jws;
mod keys;
pub mod logout_token;
pub mod settings;
pub mod survey;
#[cfg(test)]
mod tests;
mod together;
mod userinfo;

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use time::Duration;

pub use end_session::LONGEST_HINT;
pub use settings::OidcSettings;

use crate::oauth::callback::{self, Issuer};
use crate::oauth::exchange::{self, Redeemer};
use crate::settings::SettingError;
use crate::social::Setup;
use crate::{
    AttemptFacts, EndedThere, ExternalIdentity, Inbound, Outbound, Prompt, Provider, ProviderError,
    ProviderSession, SignOutFacts, SignOutMessage, SignOutNotice, Surroundings, Told, Verified,
};
use discovery::{Discovery, Endpoints};
use id_token::Expected;
pub(crate) use id_token::IdToken;
use jws::{Document, Jws};
use keys::{KeyCache, Source};
use settings::IssuerRule;
use userinfo::Reply;

/// One OpenID Connect provider.
///
/// Holds the caches of its discovery document and key set, so it must live as long as its settings do.
pub struct OidcProvider {
    settings: OidcSettings,
    discovery: Discovery,
    keys: KeyCache,
    /// Whether userinfo is asked for the mapped attributes by name (`attributes_url_add_attributes`).
    adds_attributes: bool,
}

impl OidcProvider {
    /// The provider of these settings. Nothing is fetched yet.
    pub fn new(settings: OidcSettings) -> Self {
        let discovery = Discovery::new(&settings);
        Self { settings, discovery, keys: KeyCache::default(), adds_attributes: false }
    }

    /// The provider of a whole setup.
    ///
    /// # Errors
    /// The first setting that is missing, unknown or has a value that is not allowed.
    pub fn of(setup: Setup<'_>) -> Result<Self, SettingError> {
        let mut settings = OidcSettings::from_details(setup.details, setup.dev)?;
        let adds_attributes = settings.ask_for(setup.details, setup.mapped)?;
        Ok(Self { adds_attributes, ..Self::new(settings) })
    }

    /// Its settings.
    pub const fn settings(&self) -> &OidcSettings {
        &self.settings
    }

    /// Redeems the code of an answer and verifies the ID token that comes for it.
    pub(crate) async fn confirm(
        &self,
        around: &Surroundings,
        facts: &AttemptFacts,
        inbound: Inbound,
    ) -> Result<Confirmed, ProviderError> {
        let Inbound::OAuth(pairs) = inbound else {
            return Err(ProviderError::Unsolicited("a SAML response came for an OAuth sign-in".to_owned()));
        };
        let endpoints = self.discovery.endpoints(around, &self.settings).await?;
        let answered = self.answered(&pairs, &endpoints);
        let name = answered.as_deref().unwrap_or(&endpoints.issuer);
        let issuer = Issuer { name: Some(name), always: endpoints.iss_parameter };
        let code = callback::code(pairs, facts, issuer)?;
        let redeemer = Redeemer {
            client_id: &self.settings.client_id,
            auth: &self.settings.client_auth,
            token: &endpoints.token,
            pkce: self.settings.pkce,
        };
        let tokens = exchange::redeem(around, &redeemer, facts, &code).await?;
        let id_token = tokens.id_token.ok_or_else(|| {
            ProviderError::not_believed(
                "oidc_id_token_missing",
                "the provider's token endpoint gave no ID token",
            )
        })?;
        let verified = self.verify(around, &endpoints, facts, &id_token, &tokens.access_token).await?;
        if answered.is_some_and(|answered| answered != verified.issuer) {
            return Err(ProviderError::not_believed(
                "oidc_iss_parameter",
                "the answer (iss) and the ID token are from different tenants",
            ));
        }
        let (access_token, token_response) = (tokens.access_token, tokens.response);
        Ok(Confirmed { endpoints, id_token, access_token, token_response, verified })
    }

    /// The issuer that an answer through the browser names (RFC 9207), where it is one tenant's form of the
    /// provider's: what it must be is then known from the ID token alone.
    fn answered(&self, pairs: &[(String, String)], endpoints: &Endpoints) -> Option<String> {
        let IssuerRule::Entra(tenants) = self.settings.issuer_rule else { return None };
        let (_, named) = pairs.iter().find(|(name, _)| name == "iss")?;
        entra::tenant(&endpoints.issuer, tenants, named).map(|_| named.clone())
    }

    async fn verify(
        &self,
        around: &Surroundings,
        endpoints: &Endpoints,
        facts: &AttemptFacts,
        id_token: &SecretString,
        access_token: &SecretString,
    ) -> Result<IdToken, ProviderError> {
        let jws = Jws::parse(id_token.expose_secret())?;
        jws.check_header(&endpoints.algs)?;
        let now = around.clock.now();
        let kid = jws.kid.as_deref();
        let keys = self.keys.holding(around, self.key_source(endpoints), now, jws.alg, kid).await?;
        let expected = Expected {
            issuer: &endpoints.issuer,
            issuer_rule: self.settings.issuer_rule,
            client_id: &self.settings.client_id,
            nonce: &facts.nonce,
            algs: &endpoints.algs,
            skew: self.skew(),
            max_age: facts.asked.max_age,
            again_since: facts.asked.wants(Prompt::Login).then_some(facts.started_at),
            access_token: access_token.expose_secret(),
            now: around.clock.now(),
        };
        id_token::verify(&jws, &keys, &expected)
    }

    async fn hear_logout_token(
        &self,
        around: &Surroundings,
        token: &str,
    ) -> Result<EndedThere, ProviderError> {
        let jws = Jws::parse_as(token, Document::LogoutToken)?;
        let now = around.clock.now();
        let endpoints = self.discovery.endpoints(around, &self.settings).await?;
        jws.check_header(&endpoints.algs)?;
        let keys =
            self.keys.holding(around, self.key_source(&endpoints), now, jws.alg, jws.kid.as_deref()).await?;
        let expected = logout_token::Expected {
            issuer: &endpoints.issuer,
            issuer_rule: self.settings.issuer_rule,
            client_id: &self.settings.client_id,
            skew: self.skew(),
            now: around.clock.now(),
        };
        logout_token::verify(&jws, &keys, &expected)
    }

    fn key_source<'a>(&'a self, endpoints: &'a Endpoints) -> Source<'a> {
        Source { url: &endpoints.jwks, issuer: &endpoints.issuer, client_id: &self.settings.client_id }
    }

    fn skew(&self) -> Duration {
        Duration::seconds(self.settings.common.clock_skew_seconds.into())
    }

    /// What userinfo says of this person, where there is such an endpoint.
    async fn userinfo(
        &self,
        around: &Surroundings,
        confirmed: &Confirmed,
    ) -> Result<Option<Map<String, Value>>, ProviderError> {
        let (http, endpoints) = (around.http.as_ref(), &confirmed.endpoints);
        let Some(url) = &endpoints.userinfo else { return Ok(None) };
        let method = self.settings.attributes_request_method;
        let claims = match userinfo::ask(http, url, method, &confirmed.access_token).await? {
            Reply::Plain(claims) => claims,
            Reply::Signed(token) => {
                let jws = Jws::parse_as(&token, Document::UserInfo)?;
                jws.check_header(&endpoints.userinfo_algs)?;
                let (now, kid) = (around.clock.now(), jws.kid.as_deref());
                let keys = self.keys.holding(around, self.key_source(endpoints), now, jws.alg, kid).await?;
                let expected = userinfo::Expected {
                    id_token: &confirmed.verified,
                    client_id: &self.settings.client_id,
                    algs: &endpoints.userinfo_algs,
                    skew: self.skew(),
                    now: around.clock.now(),
                };
                userinfo::verify(&jws, &keys, &expected)?
            }
        };
        userinfo::of_subject(claims, &confirmed.verified.subject).map(Some)
    }
}

/// A person whose ID token passed every check.
pub(crate) struct Confirmed {
    endpoints: Arc<Endpoints>,
    id_token: SecretString,
    /// For the endpoints that say more of the person.
    pub(crate) access_token: SecretString,
    token_response: Map<String, Value>,
    /// What the ID token says.
    pub(crate) verified: IdToken,
}

impl Confirmed {
    /// Who it is: what the ID token says, and over it what was asked for besides.
    pub(crate) fn identity(self, more: Option<&Map<String, Value>>) -> ExternalIdentity {
        let verified = self.verified;
        let sid = logout_token::session(&verified.claims).map(str::to_owned);
        ExternalIdentity {
            attributes: claims::merge(&verified.claims, more),
            issuer: verified.issuer,
            session: ProviderSession {
                subject: verified.subject.clone(),
                session_indexes: sid.into_iter().collect(),
                id_token: Some(self.id_token.expose_secret().to_owned()),
                ..ProviderSession::default()
            },
            authenticated_at: verified.authenticated_at,
            subject: verified.subject,
            told_once: &[],
            told: Told {
                token_response: self.token_response,
                id_token: verified.claims,
                user_info: more.cloned().unwrap_or_default(),
            },
        }
    }
}

#[async_trait]
impl Provider for OidcProvider {
    async fn begin(&self, around: &Surroundings, facts: &AttemptFacts) -> Result<Outbound, ProviderError> {
        let endpoints = self.discovery.endpoints(around, &self.settings).await?;
        Ok(Outbound::Redirect(authorize::url(&self.settings, &endpoints, facts)?))
    }

    async fn finish(
        &self,
        around: &Surroundings,
        facts: &AttemptFacts,
        inbound: Inbound,
    ) -> Result<Verified<ExternalIdentity>, ProviderError> {
        let confirmed = self.confirm(around, facts, inbound).await?;
        let userinfo = self.userinfo(around, &confirmed).await?;
        Ok(Verified::vouch(confirmed.identity(userinfo.as_ref())))
    }

    async fn end(
        &self,
        around: &Surroundings,
        session: &ProviderSession,
        facts: &SignOutFacts,
    ) -> Result<Option<Outbound>, ProviderError> {
        if !self.settings.common.idp_signout {
            return Ok(None);
        }
        let endpoints = self.discovery.endpoints(around, &self.settings).await?;
        end_session::url(&endpoints, &self.settings.client_id, session, facts)
            .map(|url| Some(Outbound::Redirect(url)))
            .ok_or_else(|| {
                ProviderError::Settings(
                    "IDPSignout is true, but the provider's discovery document has no end_session_endpoint"
                        .to_owned(),
                )
            })
    }

    async fn hear_sign_out(
        &self,
        around: &Surroundings,
        _facts: &SignOutFacts,
        message: &SignOutMessage,
    ) -> Result<Verified<SignOutNotice>, ProviderError> {
        let SignOutMessage::LogoutToken(token) = message else {
            return Err(ProviderError::Unsolicited("a SAML message came from an OpenID provider".to_owned()));
        };
        let ended = self.hear_logout_token(around, token).await.map_err(logout_token::of_this_kind)?;
        Ok(Verified::vouch(SignOutNotice::Ended(ended)))
    }

    fn issuer(&self) -> Option<&str> {
        Some(&self.settings.issuer)
    }

    fn is_issuer(&self, claimed: &str) -> bool {
        let own = &*self.settings.issuer;
        match self.settings.issuer_rule {
            IssuerRule::Entra(tenants) => entra::tenant(own, tenants, claimed).is_some(),
            IssuerRule::Or(other) if claimed == other => true,
            // What the discovery document states is what tokens are held to; see `discovery` for the slash.
            _ => claimed == own || claimed.strip_suffix('/') == Some(own),
        }
    }

    fn derived(&self) -> Vec<(&'static str, String)> {
        vec![("attributes_url_add_attributes", self.adds_attributes.to_string())]
    }

    fn origins(&self) -> Vec<url::Origin> {
        self.discovery.known().map(|known| known.authorize.origin()).into_iter().collect()
    }
}
