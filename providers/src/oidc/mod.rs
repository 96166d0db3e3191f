//! OpenID Connect relying party: authorization code flow (OpenID Connect Core 1.0 section 3.1).
//!
//! Modules follow the sign-in: [`settings`] and `discovery` say where to go, `authorize` writes the
//! request, `callback` reads the answer, `exchange` redeems the code, `jws` and `keys` check the
//! signature, `id_token` checks the claims, `userinfo` asks for more, `claims` makes attributes of it.

mod authorize;
mod cached;
mod call;
mod callback;
mod claims;
mod discovery;
mod exchange;
mod id_token;
mod json;
mod jws;
mod keys;
pub mod settings;
pub mod survey;
#[cfg(test)]
mod tests;
mod userinfo;

use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use time::Duration;

pub use settings::OidcSettings;

use crate::{
    AttemptFacts, ExternalIdentity, Inbound, Outbound, Provider, ProviderError, ProviderSession,
    SignOutFacts, Surroundings, Verified,
};
use discovery::{Discovery, Endpoints};
use exchange::Tokens;
use id_token::{Expected, IdToken};
use jws::Jws;
use keys::KeyCache;

/// One OpenID Connect provider.
///
/// Holds the caches of its discovery document and key set, so it must live as long as its settings do.
pub struct OidcProvider {
    settings: OidcSettings,
    discovery: Discovery,
    keys: KeyCache,
}

impl OidcProvider {
    /// The provider of these settings. Nothing is fetched yet.
    pub fn new(settings: OidcSettings) -> Self {
        let discovery = Discovery::new(&settings);
        Self { settings, discovery, keys: KeyCache::default() }
    }

    /// Its settings.
    pub const fn settings(&self) -> &OidcSettings {
        &self.settings
    }

    async fn verify(
        &self,
        around: &Surroundings,
        endpoints: &Endpoints,
        facts: &AttemptFacts,
        tokens: &Tokens,
    ) -> Result<IdToken, ProviderError> {
        let jws = Jws::parse(tokens.id_token.expose_secret())?;
        id_token::check_header(&jws, &endpoints.algs)?;
        let now = around.clock.now();
        let kid = jws.kid.as_deref();
        let keys = self.keys.holding(around.http.as_ref(), &endpoints.jwks, now, jws.alg, kid).await?;
        let expected = Expected {
            issuer: &endpoints.issuer,
            client_id: &self.settings.client_id,
            nonce: &facts.nonce,
            algs: &endpoints.algs,
            skew: Duration::seconds(self.settings.common.clock_skew_seconds.into()),
            max_age: facts.asked.max_age,
            access_token: tokens.access_token.expose_secret(),
            now: around.clock.now(),
        };
        id_token::verify(&jws, &keys, &expected)
    }
}

#[async_trait]
impl Provider for OidcProvider {
    async fn begin(&self, around: &Surroundings, facts: &AttemptFacts) -> Result<Outbound, ProviderError> {
        let endpoints =
            self.discovery.endpoints(around.http.as_ref(), around.clock.now(), &self.settings).await?;
        Ok(Outbound::Redirect(authorize::url(&self.settings, &endpoints, facts)?))
    }

    async fn finish(
        &self,
        around: &Surroundings,
        facts: &AttemptFacts,
        inbound: Inbound,
    ) -> Result<Verified<ExternalIdentity>, ProviderError> {
        let Inbound::OAuth(pairs) = inbound else {
            return Err(ProviderError::Unsolicited("a SAML response came for an OIDC sign-in".to_owned()));
        };
        let http = around.http.as_ref();
        let endpoints = self.discovery.endpoints(http, around.clock.now(), &self.settings).await?;
        let code = callback::code(pairs, facts, &endpoints)?;
        let tokens = exchange::redeem(around, &self.settings, &endpoints, facts, &code).await?;
        let verified = self.verify(around, &endpoints, facts, &tokens).await?;
        let userinfo = match &endpoints.userinfo {
            None => None,
            Some(url) => {
                let method = self.settings.attributes_request_method;
                Some(userinfo::ask(http, url, method, &tokens.access_token, &verified.subject).await?)
            }
        };
        let sid = verified.claims.get("sid").and_then(Value::as_str).map(str::to_owned);
        Ok(Verified::vouch(ExternalIdentity {
            attributes: claims::merge(&verified.claims, userinfo.as_ref()),
            issuer: endpoints.issuer.clone(),
            session: ProviderSession {
                subject: verified.subject.clone(),
                session_indexes: sid.into_iter().collect(),
                id_token: Some(tokens.id_token.expose_secret().to_owned()),
                ..ProviderSession::default()
            },
            authenticated_at: verified.authenticated_at,
            subject: verified.subject,
        }))
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
        let endpoints =
            self.discovery.endpoints(around.http.as_ref(), around.clock.now(), &self.settings).await?;
        let Some(mut url) = endpoints.end_session.clone() else { return Ok(None) };
        {
            // OpenID Connect RP-Initiated Logout 1.0 section 2.
            let mut query = url.query_pairs_mut();
            if let Some(id_token) = &session.id_token {
                query.append_pair("id_token_hint", id_token);
            }
            query
                .append_pair("client_id", &self.settings.client_id)
                .append_pair("post_logout_redirect_uri", facts.callback.as_str())
                .append_pair("state", &facts.handle);
        }
        Ok(Some(Outbound::Redirect(url)))
    }

    fn origins(&self) -> Vec<url::Origin> {
        self.discovery.known().map(|known| known.authorize.origin()).into_iter().collect()
    }
}
