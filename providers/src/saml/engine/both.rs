//! Two engines that must agree.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{Signed, SignedXml};
use crate::saml::Refusal;
use crate::saml::gate::{Gated, Policy};
use crate::saml::keys::VerifyKey;

/// Accepts what both engines accept, and only where both return the same bytes.
///
/// The second sees only what the first has verified: whatever faults its parser has, nobody reaches them
/// without a key of the provider.
pub struct BothEngines {
    first: Arc<dyn SignedXml>,
    second: Arc<dyn SignedXml>,
}

impl BothEngines {
    /// `first` decides first.
    pub fn new(first: Arc<dyn SignedXml>, second: Arc<dyn SignedXml>) -> Self {
        Self { first, second }
    }
}

impl SignedXml for BothEngines {
    /// # Errors
    /// As the first engine says; `saml_engines_disagree` where the second does not say the same.
    fn verify(
        &self,
        message: &Gated<'_>,
        keys: &[VerifyKey],
        policy: Policy,
        now: OffsetDateTime,
    ) -> Result<Signed, Refusal> {
        let first = self.first.verify(message, keys, policy, now)?;
        match self.second.verify(message, keys, policy, now) {
            Ok(second) if second == first => Ok(first),
            Ok(_) => Err(disagree("they read different bytes as signed")),
            Err(refusal) => Err(disagree(&format!("the second refuses it ({})", refusal.detail))),
        }
    }
}

/// A fault of one of them, or an attack on it: somebody must look at this.
fn disagree(how: &str) -> Refusal {
    tracing::error!(how, "the SAML signature engines disagree about a message: refused");
    Refusal::new(
        "saml_engines_disagree",
        format!(
            "the two signature engines disagree about a message that a key of the provider signed: {how}"
        ),
    )
}
