//! The signature engines: from a gated message to the exact bytes that were signed.
//!
//! [`RustEngine`] is in every build. With the cargo feature `samael` libxmlsec1 can be set beside it:
//! [`BothEngines`] then believes only what both say, so that no fault of one parser lets anybody in.

mod both;
mod rust;
#[cfg(feature = "samael")]
mod samael;

use std::sync::Arc;

use time::OffsetDateTime;

pub use both::BothEngines;
pub use rust::RustEngine;
#[cfg(feature = "samael")]
pub use samael::SamaelEngine;

use super::Refusal;
use super::gate::{Gated, Policy};
use super::keys::VerifyKey;

/// Bytes that a key of the provider signed: the canonical octets that went into the digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The whole message, where it is signed.
    pub root: Option<String>,
    /// The assertion, where it is signed.
    pub assertion: Option<String>,
}

/// Verifies every signature of a gated message.
///
/// An engine must verify each signature that the gate found, with the keys given and no others, and
/// return the very octets that were digested. A second engine can be set beside the first.
pub trait SignedXml: Send + Sync {
    /// The signed bytes.
    ///
    /// # Errors
    /// `saml_unsigned` without any signature, [`UNKNOWN_KEY`](super::UNKNOWN_KEY) for one that no key given
    /// has made, `saml_signature` and `saml_digest` for another wrong one,
    /// `saml_certificate` when no certificate of the provider is in its time.
    fn verify(
        &self,
        message: &Gated<'_>,
        keys: &[VerifyKey],
        policy: Policy,
        now: OffsetDateTime,
    ) -> Result<Signed, Refusal>;
}

/// Which engines must accept a signature (`POOLGATE_SAML_ENGINES`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engines {
    /// [`RustEngine`].
    #[default]
    Rust,
    /// [`RustEngine`] and libxmlsec1 must agree.
    #[cfg(feature = "samael")]
    Both,
}

impl Engines {
    /// Both, where this build has both: it needs the cargo feature `samael`.
    pub const fn both() -> Option<Self> {
        #[cfg(feature = "samael")]
        let both = Some(Self::Both);
        #[cfg(not(feature = "samael"))]
        let both = None;
        both
    }

    /// The engine that stands for them.
    pub fn engine(self) -> Arc<dyn SignedXml> {
        match self {
            Self::Rust => Arc::new(RustEngine),
            #[cfg(feature = "samael")]
            Self::Both => Arc::new(BothEngines::new(Arc::new(RustEngine), Arc::new(SamaelEngine))),
        }
    }
}

fn broken(detail: &str) -> Refusal {
    Refusal::new("saml_signature", format!("the signature cannot be checked: {detail}"))
}

/// Refuses a message that nobody signed.
fn some_signature(message: &Gated<'_>) -> Result<(), Refusal> {
    if message.root_signature.is_none() && message.assertion_signature.is_none() {
        return Err(Refusal::new("saml_unsigned", "neither the message nor its assertion is signed"));
    }
    Ok(())
}

/// The keys whose certificate is in its time: at least one.
fn current(keys: &[VerifyKey], now: OffsetDateTime) -> Result<Vec<&VerifyKey>, Refusal> {
    let current: Vec<_> = keys.iter().filter(|key| key.not_before <= now && now <= key.not_after).collect();
    if current.is_empty() {
        let times: Vec<_> =
            keys.iter().map(|key| format!("{} to {}", key.not_before.date(), key.not_after.date())).collect();
        return Err(Refusal::new(
            "saml_certificate",
            format!(
                "no signing certificate of the provider is valid now, only from {}: refresh the metadata",
                times.join(", ")
            ),
        ));
    }
    Ok(current)
}
