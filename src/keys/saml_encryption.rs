//! The pool's keys that providers encrypt assertions for.

use zeroize::Zeroizing;

/// One encryption key and its certificate.
pub struct SamlEncryption {
    certificate: String,
    pkcs8: Zeroizing<Vec<u8>>,
}

impl SamlEncryption {
    /// From a PKCS#8 key and the base64 of its DER certificate.
    pub(super) fn new(pkcs8: Zeroizing<Vec<u8>>, certificate: String) -> Self {
        Self { certificate, pkcs8 }
    }

    /// Base64 of the DER certificate, in one line.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The private key, PKCS#8.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }
}
