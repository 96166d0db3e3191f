//! Key material: the master key that seals secrets at rest, the pools' signing keys, sealed capsules.

pub mod capsule;
pub mod pool_keys;
pub mod roll_over;
mod rolling;
pub mod saml_encryption;
pub mod saml_identity;
pub mod saml_signing;
pub mod seal;
pub mod signing;

pub use pool_keys::{KeyRecord, KeyUse, PoolKeys};
pub use seal::Sealer;
pub use signing::SigningKey;

use thiserror::Error;

/// Why a key cannot be made or used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The stored key does not open, or is not a key.
    #[error("key {0} cannot be used")]
    Unusable(String),
    /// The cryptography library refused.
    #[error("the cryptography library could not make or use a key")]
    Library,
    /// A pool lacks a key it must have.
    #[error("pool {0} has no {1} key")]
    Missing(String, &'static str),
}
