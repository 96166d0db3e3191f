//! Login with Amazon: OAuth 2.0, Amazon's word on the token, and the customer's profile.
//!
//! Sources, all below <https://developer.amazon.com/docs/login-with-amazon>: "Authorization Code Grant"
//! (`authorization-code-grant.html`), "Access Tokens" (`access-token.html`), "Obtain Customer Profile Information"
//! (`obtain-customer-profile.html`), "Customer Profile" (`customer-profile.html`).

mod profile;
mod settings;
#[cfg(test)]
mod tests;

use async_trait::async_trait;

use crate::oauth::callback::{self, Issuer};
use crate::oauth::exchange::{self, Redeemer, Tokens};
use crate::settings::SettingError;
use crate::social::{self, AuthorizationRequest, Said, Setup};
use crate::{
    AttemptFacts, ExternalIdentity, Inbound, Outbound, Prompt, Provider, ProviderError, ProviderSession,
    Surroundings, Told, Verified,
};
use settings::AmazonSettings;

/// Its name for itself.
const ISSUER: &str = "https://www.amazon.com";
const NAME: &str = "Login with Amazon";

/// Members of a customer profile, each with its scope ("Customer Profile").
pub const FIELDS: [Said; 4] = [
    Said::new("user_id", None),
    Said::new("name", Some("profile")),
    Said::new("email", Some("profile")),
    Said::new("postal_code", Some("postal_code")),
];

/// Login with Amazon.
pub struct LoginWithAmazon {
    settings: AmazonSettings,
}

impl LoginWithAmazon {
    /// Reads its settings.
    ///
    /// # Errors
    /// The first key that is missing, unknown or has a value that is not allowed.
    pub fn new(setup: Setup<'_>) -> Result<Self, SettingError> {
        Ok(Self { settings: AmazonSettings::read(setup)? })
    }

    /// Scopes that are asked for.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.settings.scope.split(' ')
    }
}

#[async_trait]
impl Provider for LoginWithAmazon {
    async fn begin(&self, _around: &Surroundings, facts: &AttemptFacts) -> Result<Outbound, ProviderError> {
        social::check_asked(facts, NAME)?;
        if facts.asked.wants(Prompt::Login) {
            // OpenID Connect Core 3.1.2.1: who cannot ask again must say so.
            return Err(ProviderError::LoginRequired(format!(
                "{NAME} cannot be made to ask for the password again, as prompt=login wants"
            )));
        }
        let settings = &self.settings;
        let request = AuthorizationRequest {
            authorize: &settings.authorize,
            client_id: &settings.client_id,
            scope: &settings.scope,
            pkce: settings.pkce,
        };
        Ok(Outbound::Redirect(request.url(facts)?))
    }

    async fn finish(
        &self,
        around: &Surroundings,
        facts: &AttemptFacts,
        inbound: Inbound,
    ) -> Result<Verified<ExternalIdentity>, ProviderError> {
        let settings = &self.settings;
        let code =
            callback::code(social::pairs(inbound)?, facts, Issuer { name: Some(ISSUER), always: false })?;
        let redeemer = Redeemer {
            client_id: &settings.client_id,
            auth: &settings.auth,
            token: &settings.token,
            pkce: settings.pkce,
        };
        let Tokens { access_token, response, .. } = exchange::redeem(around, &redeemer, facts, &code).await?;
        let http = around.http.as_ref();
        let user = profile::token_of(http, settings, &access_token).await?;
        let attributes = profile::profile(http, settings, &access_token, &user).await?;
        Ok(Verified::vouch(ExternalIdentity {
            attributes,
            issuer: ISSUER.to_owned(),
            session: ProviderSession { subject: user.clone(), ..ProviderSession::default() },
            authenticated_at: None,
            subject: user,
            told_once: &[],
            told: Told { token_response: response, ..Told::default() },
        }))
    }

    fn derived(&self) -> Vec<(&'static str, String)> {
        self.settings.derived.clone()
    }
}
