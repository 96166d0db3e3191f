//! The pool as a SAML service provider: its signing key and ten-year certificate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SerialNumber};
use time::{Duration, OffsetDateTime};

use super::{KeyError, SigningKey};

/// How long the certificate lasts (guide, `GetSigningCertificate`).
const LIFETIME: Duration = Duration::days(3_652);

/// The key that signs SAML requests, and its certificate.
#[derive(Debug, Clone)]
pub struct SamlIdentity {
    key: SigningKey,
    certificate: String,
}

impl SamlIdentity {
    /// From a PKCS#8 key and the base64 of its DER certificate.
    ///
    /// # Errors
    /// When it is no RSA private key.
    pub fn new(pkcs8: &[u8], certificate: String) -> Result<Self, KeyError> {
        Ok(Self { key: SigningKey::from_pkcs8(pkcs8)?, certificate })
    }

    /// Base64 of the DER certificate, in one line.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// RSA-SHA256 signature.
    ///
    /// # Errors
    /// When the library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.key.sign(message)
    }
}

/// A self-signed certificate for this key; base64 of its DER.
///
/// # Errors
/// When the key is no RSA key.
pub fn self_signed(
    pkcs8: &[u8],
    pool_id: &str,
    serial: &[u8],
    now: OffsetDateTime,
) -> Result<String, KeyError> {
    let der = rustls_pki_types::PrivatePkcs8KeyDer::from(pkcs8);
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&der, &rcgen::PKCS_RSA_SHA256)
        .map_err(|_| KeyError::Library)?;
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, pool_id);
    name.push(DnType::OrganizationName, "Poolgate");
    params.distinguished_name = name;
    params.not_before = now - Duration::hours(1);
    params.not_after = now + LIFETIME;
    params.serial_number = Some(SerialNumber::from_slice(serial));
    let certificate = params.self_signed(&key).map_err(|_| KeyError::Library)?;
    Ok(STANDARD.encode(certificate.der()))
}
