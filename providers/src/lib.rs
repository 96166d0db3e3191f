//! Identity provider protocols, verified.
//!
//! This crate knows SAML 2.0 and OpenID Connect. It knows nothing of pools, stores or the web
//! server: it takes facts and bytes, and gives back where the browser must go, or a
//! [`Verified`] [`ExternalIdentity`], the only door through which identity enters Poolgate.
//!
//! Three verbs make a provider: [`Provider::begin`], [`Provider::finish`], [`Provider::end`].
//! Time, randomness, outgoing HTTP and the memory of used assertions come in as values
//! ([`Surroundings`]), so tests own them.

pub mod ambient;
pub mod error;
pub mod facebook;
pub mod fetch;
pub mod google;
pub mod identity;
pub mod line;
pub mod login_with_amazon;
pub mod oauth;
pub mod oidc;
pub mod saml;
pub mod settings;
pub mod shared;
pub mod sign_in_with_apple;
pub mod sign_out;
pub mod social;
pub mod steady;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use time::OffsetDateTime;
use url::Url;

pub use ambient::{Clock, Random, SystemClock, SystemRandom};
pub use error::{ProviderError, Upstream};
pub use identity::{Attributes, ExternalIdentity, MAX_PROVIDER_SESSIONS, ProviderSession, Told, Verified};
pub use sign_out::{
    EndedThere, EndedWho, SignOutFacts, SignOutMessage, SignOutNotice, SignOutOutcome, SignOutRequest,
};
pub use steady::SteadyClock;

/// Where the browser must go next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outbound {
    /// Answer 302 with this `Location`.
    Redirect(Url),
    /// Show a page whose form posts these fields to `action` (SAML HTTP-POST binding).
    PostForm {
        /// Where the form goes.
        action: Url,
        /// Field names and values, unescaped.
        fields: Vec<(String, String)>,
    },
}

/// What one sign-in attempt knows when it leaves for the provider, and again when it comes back.
///
/// All random values are made once by the caller and stored with the attempt.
#[derive(Debug, Clone)]
pub struct AttemptFacts {
    /// The random handle that is OAuth `state` and SAML `RelayState`: at most 43 characters.
    pub handle: String,
    /// SAML request id: an NCName, `_` and 160 random bits in hex.
    pub request_id: String,
    /// OIDC nonce sent to the provider.
    pub nonce: SecretString,
    /// PKCE code verifier (RFC 7636 section 4.1: 43 to 128 unreserved characters).
    pub pkce_verifier: SecretString,
    /// Where the provider must answer: `{domain}/oauth2/idpresponse` or `{domain}/saml2/idpresponse`.
    pub callback: Url,
    /// Our SAML entity id, `urn:amazon:cognito:sp:{poolId}`.
    pub entity_id: String,
    /// When the attempt was made.
    pub started_at: OffsetDateTime,
    /// What the app asked for, as far as a provider cares.
    pub asked: Asked,
}

/// What is known of an answer that nobody here asked for.
#[derive(Debug, Clone)]
pub struct UnsolicitedFacts {
    /// Where it arrived: `{domain}/saml2/idpresponse`.
    pub callback: Url,
    /// Our SAML entity id.
    pub entity_id: String,
}

/// The app's wishes that travel to the provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// `prompt` values, in the order given.
    pub prompt: Vec<Prompt>,
    /// `login_hint`, at most 2,048 characters.
    pub login_hint: Option<String>,
    /// `max_age` in seconds.
    pub max_age: Option<u32>,
    /// `lang` and `ui_locales`: language tags separated by spaces, the most wanted first.
    pub lang: Option<String>,
    /// `acr_values`: names separated by spaces, the most wanted first.
    pub acr_values: Option<String>,
}

impl Asked {
    /// Whether `prompt` holds this value.
    pub fn wants(&self, prompt: Prompt) -> bool {
        self.prompt.contains(&prompt)
    }
}

/// OpenID Connect Core 3.1.2.1 `prompt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Show nothing to the user.
    None,
    /// Authenticate again.
    Login,
    /// Let the user choose an account.
    SelectAccount,
    /// Ask for consent.
    Consent,
}

impl Prompt {
    /// The value on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::SelectAccount => "select_account",
            Self::Consent => "consent",
        }
    }
}

/// The provider's raw answer, as it came through the browser. Nothing in it is verified.
#[derive(Clone)]
pub enum Inbound {
    /// Query or form of `/oauth2/idpresponse`: decoded pairs in the order they came.
    OAuth(Vec<(String, String)>),
    /// The `SAMLResponse` field of `/saml2/idpresponse`, still base64.
    SamlResponse(String),
}

/// Everything from outside that a provider may use.
#[derive(Clone)]
pub struct Surroundings {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Outgoing HTTP: capped, timed, with address rules.
    pub http: Arc<dyn fetch::Http>,
    /// Memory of what was used once.
    pub used: Arc<dyn UsedOnce>,
    /// What other replicas have fetched.
    pub shared: Arc<dyn shared::SharedCopies>,
}

/// Remembers things that may be used only once (SAML assertion ids), durably and across replicas.
#[async_trait]
pub trait UsedOnce: Send + Sync {
    /// `true` the first time this `key` is seen, `false` afterwards until `until` has passed.
    ///
    /// # Errors
    /// [`ProviderError::StoreAway`] when the memory cannot be asked: the caller must refuse.
    async fn first_use(&self, key: &str, until: OffsetDateTime) -> Result<bool, ProviderError>;

    /// The same for what nobody here asked for: no attempt that is taken guards it besides, so the mark must outlive
    /// whatever loses attempts.
    ///
    /// # Errors
    /// As [`UsedOnce::first_use`].
    async fn first_use_unasked(&self, key: &str, until: OffsetDateTime) -> Result<bool, ProviderError> {
        self.first_use(key, until).await
    }
}

/// One configured identity provider.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Where the browser goes to sign in.
    ///
    /// # Errors
    /// When the provider cannot be asked (discovery failed) or its settings do not allow it.
    async fn begin(&self, around: &Surroundings, facts: &AttemptFacts) -> Result<Outbound, ProviderError>;

    /// Verifies the provider's answer in full and returns who it is.
    ///
    /// # Errors
    /// Every check that fails; nothing is returned that was not verified.
    async fn finish(
        &self,
        around: &Surroundings,
        facts: &AttemptFacts,
        inbound: Inbound,
    ) -> Result<Verified<ExternalIdentity>, ProviderError>;

    /// Verifies an answer that nobody here asked for (SAML profiles 4.1.5) and returns who it is.
    ///
    /// # Errors
    /// [`ProviderError::Unsolicited`] when the provider may not start a sign-in; every check that fails.
    async fn finish_unsolicited(
        &self,
        _around: &Surroundings,
        _facts: &UnsolicitedFacts,
        _inbound: Inbound,
    ) -> Result<Verified<ExternalIdentity>, ProviderError> {
        Err(ProviderError::Unsolicited("this provider may not start a sign-in".to_owned()))
    }

    /// Where the browser goes to sign out there too, if the provider is set up for it.
    ///
    /// # Errors
    /// When a request could not be made.
    async fn end(
        &self,
        _around: &Surroundings,
        _session: &ProviderSession,
        _facts: &SignOutFacts,
    ) -> Result<Option<Outbound>, ProviderError> {
        Ok(None)
    }

    /// Verifies a sign-out message of the provider in full: its own request, or its answer to ours.
    ///
    /// # Errors
    /// Every check that fails; nothing may end then.
    async fn hear_sign_out(
        &self,
        _around: &Surroundings,
        _facts: &SignOutFacts,
        _message: &SignOutMessage,
    ) -> Result<Verified<SignOutNotice>, ProviderError> {
        Err(ProviderError::Unsolicited("this provider sends no such sign-out messages".to_owned()))
    }

    /// How the provider is told what became of its sign-out request.
    ///
    /// # Errors
    /// When it has nowhere to be told, or the answer cannot be signed.
    async fn answer_sign_out(
        &self,
        _around: &Surroundings,
        _facts: &SignOutFacts,
        _request: &SignOutRequest,
        _outcome: SignOutOutcome,
    ) -> Result<Outbound, ProviderError> {
        Err(ProviderError::Settings("this provider takes no answer to a sign-out".to_owned()))
    }

    /// The provider's own name for itself where it is known without asking: the SAML entity id, the OIDC issuer
    /// as it was configured.
    fn issuer(&self) -> Option<&str> {
        None
    }

    /// Whether a message that claims to be of this issuer may be of this provider. It proves nothing: it says
    /// whose keys are worth trying.
    fn is_issuer(&self, claimed: &str) -> bool {
        self.issuer() == Some(claimed)
    }

    /// What describing the provider adds to the settings that were given.
    fn derived(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Whether every sign-in request to this provider is signed.
    fn signs_requests(&self) -> bool {
        false
    }

    /// The SAML metadata that it believes: with pinned certificates, those certificates alone.
    fn metadata(&self) -> Option<&saml::IdpMetadata> {
        None
    }

    /// Where this provider's own pages are, as far as that is known: they may frame our answer to its front-channel
    /// sign-out (OpenID Connect Front-Channel Logout 1.0 section 3). None for protocols without one.
    fn origins(&self) -> Vec<url::Origin> {
        Vec::new()
    }
}
