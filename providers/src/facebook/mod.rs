//! Facebook Login: OAuth 2.0 with Facebook's login dialog, and the Graph API for who it is.
//!
//! Sources, all below <https://developers.facebook.com/docs>: "Manually Build a Login Flow"
//! (`facebook-login/guides/advanced/manual-flow`), "OIDC Code Flow with PKCE for Manually Built Facebook Login
//! Flows" (`…/advanced/oidc-token`), "Re-Authentication" (`…/advanced/re-authentication`), "Graph API: User"
//! (`graph-api/reference/user`), "Secure Graph API Calls" (`graph-api/guides/secure-requests`), "Handle Errors"
//! (`graph-api/guides/error-handling`).

mod graph;
mod settings;
#[cfg(test)]
mod tests;

use async_trait::async_trait;

pub use settings::{DEFAULT_API_VERSION, FIELD, is_field};

use crate::oauth::callback::{self, Issuer};
use crate::settings::SettingError;
use crate::social::{self, AuthorizationRequest, Said, Setup};
use crate::{
    AttemptFacts, ExternalIdentity, Inbound, Outbound, Prompt, Provider, ProviderError, ProviderSession,
    Surroundings, Told, Verified,
};
use settings::FacebookSettings;

/// Its name for itself.
const ISSUER: &str = "https://www.facebook.com";

/// Fields of a person that the Graph API answers, each with its permission ("Graph API: User", "Permissions
/// Reference"). Meta grants those beyond `public_profile` and `email` after a review.
pub const FIELDS: [Said; 19] = [
    Said::new("id", None),
    Said::new("name", None),
    Said::new("first_name", None),
    Said::new("middle_name", None),
    Said::new("last_name", None),
    Said::new("name_format", None),
    Said::new("short_name", None),
    Said::new("picture", None),
    Said::new("email", Some("email")),
    Said::new("age_range", Some("user_age_range")),
    Said::new("birthday", Some("user_birthday")),
    Said::new("gender", Some("user_gender")),
    Said::new("hometown", Some("user_hometown")),
    Said::new("link", Some("user_link")),
    Said::new("location", Some("user_location")),
    Said::new("languages", Some("user_likes")),
    Said::new("favorite_athletes", Some("user_likes")),
    Said::new("favorite_teams", Some("user_likes")),
    Said::new("inspirational_people", Some("user_likes")),
];

/// Facebook Login.
pub struct Facebook {
    settings: FacebookSettings,
}

impl Facebook {
    /// Reads its settings.
    ///
    /// # Errors
    /// The first key that is missing, unknown or has a value that is not allowed.
    pub fn new(setup: Setup<'_>) -> Result<Self, SettingError> {
        Ok(Self { settings: FacebookSettings::read(setup)? })
    }

    /// Permissions that are asked for.
    pub fn scopes(&self) -> &[String] {
        &self.settings.scopes
    }

    /// Fields of the person that are asked for.
    pub fn fields(&self) -> &[String] {
        &self.settings.fields
    }
}

#[async_trait]
impl Provider for Facebook {
    async fn begin(&self, _around: &Surroundings, facts: &AttemptFacts) -> Result<Outbound, ProviderError> {
        social::check_asked(facts, "Facebook")?;
        let settings = &self.settings;
        let request = AuthorizationRequest {
            authorize: &settings.authorize,
            client_id: &settings.client_id,
            scope: &settings.scopes.join(","),
            pkce: settings.pkce,
        };
        let mut url = request.url(facts)?;
        let kinds: Vec<&str> = [(Prompt::Login, "reauthenticate"), (Prompt::Consent, "rerequest")]
            .into_iter()
            .filter_map(|(prompt, kind)| facts.asked.wants(prompt).then_some(kind))
            .collect();
        if !kinds.is_empty() {
            url.query_pairs_mut().append_pair("auth_type", &kinds.join(","));
        }
        Ok(Outbound::Redirect(url))
    }

    async fn finish(
        &self,
        around: &Surroundings,
        facts: &AttemptFacts,
        inbound: Inbound,
    ) -> Result<Verified<ExternalIdentity>, ProviderError> {
        let pairs = as_oauth(social::pairs(inbound)?);
        let code = callback::code(pairs, facts, Issuer { name: Some(ISSUER), always: false })?;
        let http = around.http.as_ref();
        // A code is redeemed by the app that it was given to, with that app's secret: the token that comes for it,
        // straight from Facebook, is of this app. So `debug_token`, which looks at tokens that came another way,
        // is not asked.
        let (access_token, token_response) = graph::redeem(http, &self.settings, facts, &code).await?;
        let (id, attributes) = graph::profile(http, &self.settings, &access_token).await?;
        Ok(Verified::vouch(ExternalIdentity {
            attributes,
            issuer: ISSUER.to_owned(),
            session: ProviderSession { subject: id.clone(), ..ProviderSession::default() },
            authenticated_at: None,
            subject: id,
            told_once: &[],
            told: Told { token_response, ..Told::default() },
        }))
    }

    fn derived(&self) -> Vec<(&'static str, String)> {
        self.settings.derived.clone()
    }
}

/// The answer in the words of OAuth: where the dialog itself fails it sends `error_code` and `error_message`, and
/// no `error` (seen with an app in development, a return address that is not registered, a permission that was
/// not granted).
fn as_oauth(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    if value("error").is_some() {
        return pairs;
    }
    let (code, message) = (value("error_code"), value("error_message"));
    if code.is_none() && message.is_none() {
        return pairs;
    }
    if let (Some(message), None) = (message, value("error_description")) {
        pairs.push(("error_description".to_owned(), message));
    }
    pairs.push(("error".to_owned(), code.unwrap_or_else(|| "error_message".to_owned())));
    pairs
}
