//! Google: OpenID Connect with attributes of the People API.
//!
//! Sources: Google Identity, "OpenID Connect" (guide and reference), "Using OAuth 2.0 for Web Server Applications",
//! "Security bundle" (`auth_time`); People API, "Method: people.get" and "REST Resource: people".

mod people;
mod settings;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use serde_json::Value;

use crate::oauth::json;
use crate::oidc::{IdToken, OidcProvider};
use crate::settings::SettingError;
use crate::social::{Said, Setup};
use crate::{
    Asked, AttemptFacts, ExternalIdentity, Inbound, Outbound, Prompt, Provider, ProviderError, Surroundings,
    Verified,
};
use people::People;
use settings::HostedDomain;

/// What has Google state `auth_time` (Google Identity, "Security bundle"): its answer to `max_age`, which it does
/// not know.
const ASK_AUTH_TIME: &str = r#"{"id_token":{"auth_time":{"essential":true}}}"#;

/// Claims of Google's ID token, each with its scope (OpenID Connect reference, "An ID token's payload").
const CLAIMS: [Said; 10] = [
    Said::new("sub", None),
    Said::new("hd", None),
    Said::new("email", Some("email")),
    Said::new("email_verified", Some("email")),
    Said::new("name", Some("profile")),
    Said::new("given_name", Some("profile")),
    Said::new("family_name", Some("profile")),
    Said::new("picture", Some("profile")),
    Said::new("profile", Some("profile")),
    Said::new("locale", Some("profile")),
];

/// Google: OpenID Connect with attributes of the People API.
pub struct Google {
    oidc: OidcProvider,
    people: People,
    hosted_domain: Option<HostedDomain>,
    derived: Vec<(&'static str, String)>,
}

impl Google {
    /// Reads its settings.
    ///
    /// # Errors
    /// The first key that is missing, unknown or has a value that is not allowed.
    pub fn new(setup: Setup<'_>) -> Result<Self, SettingError> {
        let read = settings::read(setup)?;
        Ok(Self {
            people: People::new(read.attributes, setup.mapped),
            oidc: OidcProvider::new(read.oidc),
            hosted_domain: read.hosted_domain,
            derived: read.derived,
        })
    }

    /// The protocol below it.
    pub const fn oidc(&self) -> &OidcProvider {
        &self.oidc
    }

    /// What Google can say of a person: claims of the ID token, then fields of the People API.
    pub fn says() -> impl Iterator<Item = Said> {
        CLAIMS.into_iter().chain(people::says())
    }

    /// Fields that the People API is asked for.
    pub fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.people.fields()
    }

    /// Google's word for the account must be of the domain: the parameter `hd` alone is a wish, which the browser
    /// can change.
    fn check_hosted_domain(&self, verified: &IdToken) -> Result<(), ProviderError> {
        let Some(wanted) = &self.hosted_domain else { return Ok(()) };
        match verified.claims.get("hd").and_then(Value::as_str) {
            Some(domain) if wanted.admits(domain) => Ok(()),
            Some(domain) => Err(ProviderError::Denied(format!(
                "the Google account is of the domain \"{}\", only accounts of {wanted} may sign in (hd)",
                json::shown(domain, 100)
            ))),
            None => Err(ProviderError::Denied(format!(
                "the Google account is of no Workspace domain, only accounts of {wanted} may sign in (hd)"
            ))),
        }
    }
}

/// The app's wishes as Google knows them. There is no `prompt=login`: the nearest is to choose the account again.
fn asked(asked: &Asked) -> Asked {
    let mut prompt = Vec::new();
    for one in &asked.prompt {
        let known = if *one == Prompt::Login { Prompt::SelectAccount } else { *one };
        if !prompt.contains(&known) {
            prompt.push(known);
        }
    }
    Asked { prompt, login_hint: asked.login_hint.clone(), ..Asked::default() }
}

#[async_trait]
impl Provider for Google {
    async fn begin(&self, around: &Surroundings, facts: &AttemptFacts) -> Result<Outbound, ProviderError> {
        let known = AttemptFacts { asked: asked(&facts.asked), ..facts.clone() };
        let mut outbound = self.oidc.begin(around, &known).await?;
        if let Outbound::Redirect(url) = &mut outbound {
            if facts.asked.max_age.is_some() {
                url.query_pairs_mut().append_pair("claims", ASK_AUTH_TIME);
            }
            // Google takes one language, in a parameter of its own.
            if let Some(lang) = facts.asked.lang.as_ref().and_then(|tags| tags.split(' ').next()) {
                url.query_pairs_mut().append_pair("hl", lang);
            }
        }
        Ok(outbound)
    }

    async fn finish(
        &self,
        around: &Surroundings,
        facts: &AttemptFacts,
        inbound: Inbound,
    ) -> Result<Verified<ExternalIdentity>, ProviderError> {
        let confirmed = self.oidc.confirm(around, facts, inbound).await?;
        self.check_hosted_domain(&confirmed.verified)?;
        let (token, subject) = (&confirmed.access_token, &confirmed.verified.subject);
        let scopes = &self.oidc.settings().scopes;
        let person = self.people.ask(around.http.as_ref(), token, subject, scopes).await?;
        let mut identity = confirmed.identity(None);
        identity.attributes.extend(person);
        Ok(Verified::vouch(identity))
    }

    fn derived(&self) -> Vec<(&'static str, String)> {
        self.derived.clone()
    }
}
