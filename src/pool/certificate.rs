//! A certificate of a custom domain.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::Timestamp;

/// An imported certificate with its private key. It belongs to the installation, not to a pool: domains name it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Certificate {
    /// What `CustomDomainConfig.CertificateArn` of a domain names it by.
    pub arn: String,
    /// The certificate itself, then those of its issuers: base64 of their DER.
    pub chain: Vec<String>,
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// When it was imported.
    pub imported: Timestamp,
    /// The private key, a PEM document. Sealed at rest, kept out of the record's document.
    #[serde(skip)]
    pub key: Option<SecretString>,
}

/// What every certificate ARN looks like.
pub const ARN_FORM: &str = "arn:aws:acm:REGION:ACCOUNT:certificate/ID";

/// The id in a certificate ARN; `None` when it is none.
fn id(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts[..] {
        ["arn", _, "acm", _, _, resource] => {
            resource.strip_prefix("certificate/").filter(|id| !id.is_empty())
        }
        _ => None,
    }
}

/// Whether this is the ARN of a certificate, imported or not.
pub fn is_arn(arn: &str) -> bool {
    id(arn).is_some()
}

/// Whether this ARN stands for the listener's own certificate, whatever is imported.
pub fn is_default(arn: &str) -> bool {
    id(arn) == Some("default")
}
