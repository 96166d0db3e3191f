//! Sign in with Apple.
//!
//! Sources: Sign in with Apple REST API, "Request an authorization to the Sign in with Apple server", "Generate and
//! validate tokens", "Creating a client secret", "Authenticating users with Sign in with Apple"; Sign in with Apple JS,
//! "Incorporating Sign in with Apple into other platforms".

mod settings;
#[cfg(test)]
mod tests;
mod told_once;

use async_trait::async_trait;
use time::Duration;

use crate::oidc::{IdToken, OidcProvider};
use crate::settings::SettingError;
use crate::social::{Said, Setup};
use crate::{
    Asked, AttemptFacts, ExternalIdentity, Inbound, Outbound, Prompt, Provider, ProviderError, Surroundings,
    Verified,
};

/// What Apple can say of a person, each with its scope ("Authenticating users with Sign in with Apple"); the names
/// stand in its first answer only.
pub const SAYS: [Said; 8] = [
    Said::new("sub", None),
    Said::new("real_user_status", None),
    Said::new("email", Some("email")),
    Said::new("email_verified", Some("email")),
    Said::new("is_private_email", Some("email")),
    Said::new("name", Some("name")),
    Said::new("firstName", Some("name")),
    Said::new("lastName", Some("name")),
];

/// Sign in with Apple.
pub struct SignInWithApple {
    oidc: OidcProvider,
    derived: Vec<(&'static str, String)>,
}

impl SignInWithApple {
    /// Reads its settings.
    ///
    /// # Errors
    /// The first key that is missing, unknown or has a value that is not allowed.
    pub fn new(setup: Setup<'_>) -> Result<Self, SettingError> {
        let read = settings::read(setup)?;
        Ok(Self { oidc: OidcProvider::new(read.oidc), derived: read.derived })
    }

    /// The protocol below it.
    pub const fn oidc(&self) -> &OidcProvider {
        &self.oidc
    }

    /// Apple cannot be asked to have the person sign in again, so what it says of the time must show it.
    fn check_fresh(&self, facts: &AttemptFacts, verified: &IdToken) -> Result<(), ProviderError> {
        if !facts.asked.wants(Prompt::Login) {
            return Ok(());
        }
        let skew = Duration::seconds(self.oidc.settings().common.clock_skew_seconds.into());
        match verified.authenticated_at {
            Some(at) if at + skew >= facts.started_at => Ok(()),
            Some(_) => Err(ProviderError::not_believed(
                "oidc_auth_time",
                "a new sign-in was asked for (prompt=login) and Apple let an earlier one count",
            )),
            None => Err(ProviderError::not_believed(
                "oidc_auth_time",
                "a new sign-in was asked for (prompt=login) and the ID token does not say when the person signed in \
                 (auth_time)",
            )),
        }
    }

    /// The names in the form, which only the first sign-in has, and only where they were asked for.
    fn name_field(&self, inbound: &Inbound) -> Option<String> {
        if !self.oidc.settings().scopes.iter().any(|scope| scope == "name") {
            return None;
        }
        let Inbound::OAuth(pairs) = inbound else { return None };
        pairs.iter().find(|(name, _)| name == "user").map(|(_, value)| value.clone())
    }
}

#[async_trait]
impl Provider for SignInWithApple {
    async fn begin(&self, around: &Surroundings, facts: &AttemptFacts) -> Result<Outbound, ProviderError> {
        if facts.asked.wants(Prompt::None) {
            return Err(ProviderError::LoginRequired(
                "Apple always shows a page: it cannot be asked silently (prompt=none)".to_owned(),
            ));
        }
        // Apple documents none of the app's wishes as a parameter.
        let facts = AttemptFacts { asked: Asked::default(), ..facts.clone() };
        self.oidc.begin(around, &facts).await
    }

    async fn finish(
        &self,
        around: &Surroundings,
        facts: &AttemptFacts,
        inbound: Inbound,
    ) -> Result<Verified<ExternalIdentity>, ProviderError> {
        let name_field = self.name_field(&inbound);
        let confirmed = self.oidc.confirm(around, facts, inbound).await.map_err(cancelled)?;
        self.check_fresh(facts, &confirmed.verified)?;
        let mut identity = confirmed.identity(None);
        identity.told_once = &told_once::NAMES;
        for (name, value) in name_field.map(|field| told_once::names(&field)).unwrap_or_default() {
            // What the signed token says stands over what came through the browser.
            identity.attributes.entry(name.to_owned()).or_insert_with(|| vec![value]);
        }
        Ok(Verified::vouch(identity))
    }

    fn derived(&self) -> Vec<(&'static str, String)> {
        self.derived.clone()
    }
}

/// Apple has a code of its own for a person who said no.
fn cancelled(error: ProviderError) -> ProviderError {
    match error {
        ProviderError::Refused { code, .. } if code == "user_cancelled_authorize" => {
            ProviderError::Denied("the person cancelled the sign-in at Apple".to_owned())
        }
        other => other,
    }
}
