//! SAML 2.0 service provider.
//!
//! A Response goes through four rooms, in this order: the [`gate`] lets only the narrow form of real
//! providers pass, the [`engine`] turns it into the exact bytes that a key of the provider signed, the
//! [`reader`] takes identity from those bytes and nothing else, the [`validator`] checks every rule.
//! An encrypted assertion is opened by [`encryption`] after what is signed around it was verified, and goes
//! through gate and engine by itself. Last of all the assertion's id is marked as used.

pub mod binding;
pub mod encryption;
pub mod engine;
mod enveloped;
pub mod gate;
pub mod keys;
pub mod logout;
pub mod metadata;
pub mod reader;
pub mod request;
mod response;
pub mod service_provider;
pub mod settings;
pub mod validator;
pub mod xml;

use std::sync::Arc;

use async_trait::async_trait;
use thiserror::Error;
use time::OffsetDateTime;

pub use binding::{RequestSignature, RequestSigner, SigningFailed};
pub use encryption::{KeyDecryption, RsaDecryption};
pub use engine::{Engines, RustEngine, SignedXml};
pub use metadata::{IdpMetadata, MetadataError};
pub use settings::{LoginHint, SamlSettings, SettingError};

use crate::{
    AttemptFacts, ExternalIdentity, Inbound, Outbound, Prompt, Provider, ProviderError, ProviderSession,
    SignOutFacts, SignOutMessage, SignOutNotice, SignOutOutcome, SignOutRequest, Surroundings, Told,
    UnsolicitedFacts, Verified,
};
use encryption::Opener;
use gate::{Policy, Root};
use reader::Assertion;
use response::Reading;
use validator::Expected;

/// A rule that a message broke: a stable name, and a sentence for a person.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct Refusal {
    /// Stable name, `saml_…`.
    pub check: &'static str,
    /// What was expected and what came, never the assertion.
    pub detail: String,
}

/// The check that fails when no signing certificate of the provider has made a signature: fresh metadata may
/// know the key.
pub const UNKNOWN_KEY: &str = "saml_unknown_key";

impl Refusal {
    pub(crate) fn unknown_key() -> Self {
        Self::new(
            UNKNOWN_KEY,
            "the signature was made by none of the provider's signing certificates: if its keys have changed, \
             update MetadataFile (a MetadataURL is asked again at most once a minute)",
        )
    }

    pub(crate) fn new(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, detail: detail.into() }
    }
}

impl From<Refusal> for ProviderError {
    fn from(refusal: Refusal) -> Self {
        Self::NotBelieved { check: refusal.check, detail: refusal.detail }
    }
}

/// One SAML 2.0 identity provider.
pub struct SamlProvider {
    settings: SamlSettings,
    signer: Option<Arc<dyn RequestSigner>>,
    engine: Arc<dyn SignedXml>,
    decryption: Vec<Arc<dyn KeyDecryption>>,
}

impl SamlProvider {
    /// A provider with these settings. `signer` is the pool's SAML key.
    pub fn new(settings: SamlSettings, signer: Option<Arc<dyn RequestSigner>>) -> Self {
        Self { settings, signer, engine: Arc::new(RustEngine), decryption: Vec::new() }
    }

    /// The same with another signature engine.
    #[must_use]
    pub fn with_engine(self, engine: Arc<dyn SignedXml>) -> Self {
        Self { engine, ..self }
    }

    /// The same with the pool's keys that open what the provider encrypts: the newest first, then those
    /// that are being rolled out; [`encryption::MAX_POOL_KEYS`] are tried. Without any, an encrypted
    /// assertion is refused.
    #[must_use]
    pub fn with_decryption(self, decryption: Vec<Arc<dyn KeyDecryption>>) -> Self {
        Self { decryption, ..self }
    }

    /// Opens what the provider encrypted for `recipient`, our entity id.
    pub fn opener<'p>(&'p self, recipient: &'p str) -> Opener<'p> {
        Opener::new(&self.decryption, recipient)
    }

    /// Its settings.
    pub const fn settings(&self) -> &SamlSettings {
        &self.settings
    }

    /// Refuses when the metadata is over, so that a user is not sent to a provider whose answer could not
    /// be believed, and no answer is believed that came too late.
    fn check_time(&self, now: OffsetDateTime) -> Result<(), Refusal> {
        self.settings.metadata.check_time(now).map_err(|error| {
            let check = match error {
                MetadataError::CertificatesExpired(_) => "saml_certificate",
                _ => "saml_metadata_expired",
            };
            Refusal::new(check, error.to_string())
        })
    }

    /// Sign-out messages are always signed.
    fn signing(&self) -> Result<&dyn RequestSigner, ProviderError> {
        self.signer.as_deref().ok_or_else(|| {
            ProviderError::Settings("sign-out messages are signed, and there is no signing key".to_owned())
        })
    }

    /// What an answer to this attempt must fit.
    pub fn expected<'e>(&'e self, facts: &'e AttemptFacts, now: OffsetDateTime) -> Expected<'e> {
        Expected {
            provider: &self.settings.metadata.entity_id,
            audience: &facts.entity_id,
            acs: facts.callback.as_str(),
            request_id: Some(&facts.request_id),
            now,
            skew: self.settings.skew,
            contexts: &self.settings.authn_context_class_refs,
            fresh_since: request::greatest_age(&facts.asked).map(|age| facts.started_at.saturating_sub(age)),
            passive: facts.asked.wants(Prompt::None),
        }
    }

    /// What an answer that nobody here asked for must fit (SAML profiles 4.1.5).
    pub fn expected_unsolicited<'e>(
        &'e self,
        facts: &'e UnsolicitedFacts,
        now: OffsetDateTime,
    ) -> Expected<'e> {
        Expected {
            provider: &self.settings.metadata.entity_id,
            audience: &facts.entity_id,
            acs: facts.callback.as_str(),
            request_id: None,
            now,
            skew: self.settings.skew,
            contexts: &self.settings.authn_context_class_refs,
            fresh_since: None,
            passive: false,
        }
    }

    /// Every check, the replay mark last of all, so that nothing but a believed assertion can use an id up.
    async fn believe(
        &self,
        around: &Surroundings,
        expected: &Expected<'_>,
        inbound: Inbound,
    ) -> Result<Verified<ExternalIdentity>, ProviderError> {
        let Inbound::SamlResponse(field) = inbound else {
            return Err(ProviderError::Unsolicited("an OAuth answer came for a SAML provider".to_owned()));
        };
        let (assertion, until) = self.examine(expected, &field)?;
        // An id has no space in it, so no other pair of provider and id makes this key.
        let key = format!("saml/{} {}", self.settings.metadata.entity_id, assertion.id);
        let first = match expected.request_id {
            Some(_) => around.used.first_use(&key, until).await?,
            None => around.used.first_use_unasked(&key, until).await?,
        };
        if !first {
            return Err(Refusal::new("saml_replay", "this assertion was used before").into());
        }
        Ok(Verified::vouch(identity(assertion, expected.now)))
    }

    /// Every check but the replay mark: the assertion, and until when its id must be remembered.
    ///
    /// This signs nobody in: only [`Provider::finish`] makes a [`Verified`] identity, and marks the id.
    ///
    /// # Errors
    /// The first rule that the Response breaks.
    pub fn examine(
        &self,
        expected: &Expected<'_>,
        field: &str,
    ) -> Result<(Assertion, OffsetDateTime), ProviderError> {
        let policy = Policy { allow_sha1: self.settings.allow_sha1 };
        let text = gate::decode(field)?;
        let gated = gate::admit(&text, Root::Response, policy)?;
        validator::check_status(&reader::status(gated.root())?)?;
        self.check_time(expected.now)?;
        let reading = Reading {
            settings: &self.settings,
            engine: &*self.engine,
            opener: self.opener(expected.audience),
            policy,
            now: expected.now,
        };
        let (response, signed, assertion) = reading.read(&gated)?;
        validator::check_solicited(expected, &response)?;
        validator::check_response(expected, &response, signed)?;
        let until = validator::check_assertion(expected, &assertion)?;
        validator::check_authentication(expected, &assertion)?;
        Ok((assertion, until))
    }
}

fn identity(assertion: Assertion, now: OffsetDateTime) -> ExternalIdentity {
    let name_id = assertion.name_id;
    let ends_at = assertion.authentications.iter().filter_map(|one| one.session_ends).min();
    ExternalIdentity {
        session: ProviderSession {
            subject: name_id.value.clone(),
            name_id_format: name_id.format,
            name_qualifier: name_id.name_qualifier,
            sp_name_qualifier: name_id.sp_name_qualifier,
            session_indexes: assertion
                .authentications
                .iter()
                .filter_map(|one| one.session_index.clone())
                .collect(),
            id_token: None,
            ends_at: ends_at.map(OffsetDateTime::unix_timestamp),
        },
        subject: name_id.value,
        attributes: assertion.attributes,
        issuer: assertion.issuer,
        authenticated_at: assertion.authentications.iter().map(|one| one.at.min(now)).max(),
        told_once: &[],
        told: Told::default(),
    }
}

#[async_trait]
impl Provider for SamlProvider {
    async fn begin(&self, around: &Surroundings, facts: &AttemptFacts) -> Result<Outbound, ProviderError> {
        let now = around.clock.now();
        self.check_time(now)?;
        request::begin(&self.settings, self.signer.as_deref(), facts, now)
    }

    async fn finish(
        &self,
        around: &Surroundings,
        facts: &AttemptFacts,
        inbound: Inbound,
    ) -> Result<Verified<ExternalIdentity>, ProviderError> {
        self.believe(around, &self.expected(facts, around.clock.now()), inbound).await
    }

    async fn finish_unsolicited(
        &self,
        around: &Surroundings,
        facts: &UnsolicitedFacts,
        inbound: Inbound,
    ) -> Result<Verified<ExternalIdentity>, ProviderError> {
        if !self.settings.idp_init {
            return Err(ProviderError::Unsolicited(
                "The identity provider started this sign-in, which it may not: ProviderDetails.IDPInit must be \
                 true for that"
                    .to_owned(),
            ));
        }
        self.believe(around, &self.expected_unsolicited(facts, around.clock.now()), inbound).await
    }

    async fn end(
        &self,
        around: &Surroundings,
        session: &ProviderSession,
        facts: &SignOutFacts,
    ) -> Result<Option<Outbound>, ProviderError> {
        if !self.settings.idp_signout {
            return Ok(None);
        }
        logout::request(&self.settings.metadata, self.signing()?, session, facts, around.clock.now())
    }

    async fn hear_sign_out(
        &self,
        around: &Surroundings,
        facts: &SignOutFacts,
        message: &SignOutMessage,
    ) -> Result<Verified<SignOutNotice>, ProviderError> {
        let now = around.clock.now();
        self.check_time(now)?;
        let expected = Expected {
            provider: &self.settings.metadata.entity_id,
            audience: &facts.entity_id,
            acs: facts.callback.as_str(),
            request_id: None,
            now,
            skew: self.settings.skew,
            contexts: &[],
            fresh_since: None,
            passive: false,
        };
        let opener = self.opener(expected.audience);
        let heard = logout::hear(&self.settings, &*self.engine, &opener, &expected, message)?;
        // Last of all, so that nothing but a believed request can use an id up.
        if let Some((id, until)) = heard.once {
            let key = format!("saml-logout/{} {id}", self.settings.metadata.entity_id);
            if !around.used.first_use(&key, until).await? {
                return Err(Refusal::new("saml_replay", "this LogoutRequest was used before").into());
            }
        }
        Ok(Verified::vouch(heard.notice))
    }

    async fn answer_sign_out(
        &self,
        around: &Surroundings,
        facts: &SignOutFacts,
        request: &SignOutRequest,
        outcome: SignOutOutcome,
    ) -> Result<Outbound, ProviderError> {
        let now = around.clock.now();
        logout::answer(&self.settings.metadata, self.signing()?, request, &outcome, facts, now)
    }

    fn issuer(&self) -> Option<&str> {
        Some(&self.settings.metadata.entity_id)
    }

    fn signs_requests(&self) -> bool {
        self.settings.sign_requests
    }

    fn metadata(&self) -> Option<&IdpMetadata> {
        Some(&self.settings.metadata)
    }
}
