//! Certificates of custom domains: read when they are imported, shown to browsers that ask for their host.

mod resolver;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poolgate_providers::saml::keys::VerifyKey;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;
use time::OffsetDateTime;

use crate::pool::Certificate;
use crate::pool::certificate::{ARN_FORM, is_arn, is_default};

pub use resolver::Resolver;

/// Certificates of a chain at most.
const LONGEST_CHAIN: usize = 10;

/// Why a certificate cannot be imported or used. No text repeats anything of the key.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CertificateError {
    /// Not the ARN of a certificate.
    #[error("the ARN must be {ARN_FORM}")]
    Arn,
    /// It always stands for the listener's own certificate.
    #[error("certificate/default always means the listener's own certificate: give another ID")]
    Default,
    /// The certificate file.
    #[error("the certificate file must be PEM, the domain's certificate first and its issuers after it: {0}")]
    Chain(String),
    /// The key file.
    #[error("the key file must hold one private key as PEM, not encrypted")]
    Key,
    /// They are not of one pair.
    #[error("the private key does not belong to the certificate")]
    Mismatch,
    /// Too early or too late.
    #[error("the certificate is valid from {0} until {1}, and it is {2} now")]
    Dates(OffsetDateTime, OffsetDateTime, OffsetDateTime),
}

fn chain_fault(why: impl std::fmt::Display) -> CertificateError {
    CertificateError::Chain(why.to_string())
}

/// Reads what is to be imported under this ARN.
///
/// # Errors
/// See [`CertificateError`].
pub fn read(
    arn: &str,
    chain_pem: &[u8],
    key_pem: SecretString,
    now: OffsetDateTime,
) -> Result<Certificate, CertificateError> {
    if !is_arn(arn) {
        return Err(CertificateError::Arn);
    }
    if is_default(arn) {
        return Err(CertificateError::Default);
    }
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain_pem).collect();
    let chain = chain.map_err(|_| chain_fault("it is not PEM"))?;
    if chain.len() > LONGEST_CHAIN {
        return Err(chain_fault(format!("it holds more than {LONGEST_CHAIN} certificates")));
    }
    let first = chain.first().ok_or_else(|| chain_fault("it holds no certificate"))?;
    let dates = VerifyKey::from_der(first).map_err(chain_fault)?;
    let certificate = Certificate {
        arn: arn.to_owned(),
        chain: chain.iter().map(|der| STANDARD.encode(der)).collect(),
        not_before: dates.not_before.into(),
        not_after: dates.not_after.into(),
        imported: now.into(),
        key: Some(key_pem),
    };
    certified_key(&certificate)?;
    if now < dates.not_before || now > dates.not_after {
        return Err(CertificateError::Dates(dates.not_before, dates.not_after, now));
    }
    Ok(certificate)
}

fn ders(certificate: &Certificate) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let der = |text: &String| STANDARD.decode(text).map(CertificateDer::from).map_err(chain_fault);
    certificate.chain.iter().map(der).collect()
}

/// The certificate, ready to answer a browser with.
///
/// # Errors
/// [`CertificateError::Chain`], [`CertificateError::Key`], [`CertificateError::Mismatch`].
pub fn certified_key(certificate: &Certificate) -> Result<CertifiedKey, CertificateError> {
    let chain = ders(certificate)?;
    let pem = certificate.key.as_ref().ok_or(CertificateError::Key)?;
    let key =
        PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes()).map_err(|_| CertificateError::Key)?;
    CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => CertificateError::Mismatch,
        rustls::Error::InvalidCertificate(why) => chain_fault(rustls::Error::InvalidCertificate(why)),
        // What the library says of a key is not ours to repeat.
        _ => CertificateError::Key,
    })
}

/// Whether browsers accept the certificate for this host.
pub fn covers(certificate: &Certificate, host: &str) -> bool {
    let Ok(chain) = ders(certificate) else { return false };
    let (Some(first), Ok(host)) = (chain.first(), ServerName::try_from(host)) else { return false };
    let parsed = ParsedCertificate::try_from(first);
    parsed.is_ok_and(|parsed| rustls::client::verify_server_name(&parsed, &host).is_ok())
}
