//! The host name a pool answers at.

use serde::{Deserialize, Serialize};

use super::Rest;

/// A pool's domain, in the shape `DescribeUserPoolDomain` gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Domain {
    /// A prefix (answers at `{prefix}.{host of public url}`) or, when custom, the whole host name.
    pub domain: String,
    /// The pool it belongs to.
    pub user_pool_id: String,
    /// Present: `domain` is a whole host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_domain_config: Option<CustomDomainConfig>,
    /// Members kept as they came.
    #[serde(flatten)]
    pub rest: Rest,
}

/// `CustomDomainConfigType` of the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CustomDomainConfig {
    /// Certificate of the host.
    pub certificate_arn: String,
    /// Oldest TLS that the host shall speak.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_policy: Option<String>,
}

impl Domain {
    /// The certificate that a custom domain names.
    pub fn certificate_arn(&self) -> Option<&str> {
        self.custom_domain_config.as_ref().map(|config| config.certificate_arn.as_str())
    }

    /// The host name it answers at, lower case, without a port.
    pub fn host(&self, public_host: &str) -> String {
        if self.custom_domain_config.is_some() {
            self.domain.to_ascii_lowercase()
        } else {
            format!("{}.{}", self.domain, public_host).to_ascii_lowercase()
        }
    }
}
