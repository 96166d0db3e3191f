//! The pool's keys that providers encrypt assertions for.

use std::sync::Arc;

use poolgate_providers::saml::encryption::{KeyDecryption, RsaDecryption};

use super::KeyError;

/// One encryption key, ready to decrypt, and its certificate.
pub struct SamlEncryption {
    certificate: String,
    decryption: Arc<RsaDecryption>,
}

impl SamlEncryption {
    /// From a PKCS#8 key and the base64 of its DER certificate.
    ///
    /// # Errors
    /// When it is no RSA private key.
    pub fn new(pkcs8: &[u8], certificate: String) -> Result<Self, KeyError> {
        let decryption =
            RsaDecryption::from_pkcs8(pkcs8).map_err(|error| KeyError::Unusable(error.to_string()))?;
        Ok(Self { certificate, decryption: Arc::new(decryption) })
    }

    /// Base64 of the DER certificate, in one line.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Opens what was encrypted for this key.
    pub fn decryption(&self) -> Arc<dyn KeyDecryption> {
        Arc::<RsaDecryption>::clone(&self.decryption)
    }
}
