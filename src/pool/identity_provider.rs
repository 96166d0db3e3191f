//! An identity provider of a pool, as configured.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Rest, Timestamp};

/// An identity provider, in the shape `DescribeIdentityProvider` gives it.
///
/// `provider_details` may hold secrets (see [`SECRET_DETAILS`]): they are sealed at rest and never printed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct IdentityProvider {
    /// The pool it belongs to.
    pub user_pool_id: String,
    /// Its name: first half of its users' usernames.
    pub provider_name: String,
    /// Its protocol.
    pub provider_type: ProviderType,
    /// Settings, all strings.
    pub provider_details: BTreeMap<String, String>,
    /// Pool attribute → provider attribute or claim.
    #[serde(default)]
    pub attribute_mapping: BTreeMap<String, String>,
    /// E-mail domains and other names that pick it; compared without case.
    #[serde(default)]
    pub idp_identifiers: Vec<String>,
    /// SAML: the last good copy of the metadata document, whether it came as a file or by URL.
    /// Ours alone: the API neither takes nor shows it.
    #[serde(rename = "PoolgateMetadataDocument", default, skip_serializing_if = "Option::is_none")]
    pub metadata_document: Option<String>,
    /// SAML by URL: when the document was last fetched well. Ours alone, too.
    #[serde(rename = "PoolgateMetadataFetched", default, skip_serializing_if = "Option::is_none")]
    pub metadata_fetched: Option<Timestamp>,
    /// When it was made.
    pub creation_date: Timestamp,
    /// When it was last changed.
    pub last_modified_date: Timestamp,
    /// Members kept as they came.
    #[serde(flatten)]
    pub rest: Rest,
}

/// Keys of `ProviderDetails` whose values are secrets.
pub const SECRET_DETAILS: [&str; 2] = ["client_secret", "private_key"];

/// `IdentityProviderTypeType` of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProviderType {
    /// SAML 2.0.
    #[serde(rename = "SAML")]
    Saml,
    /// OpenID Connect.
    #[serde(rename = "OIDC")]
    Oidc,
    /// Facebook Login.
    Facebook,
    /// Google.
    Google,
    /// Login with Amazon.
    LoginWithAmazon,
    /// Sign in with Apple.
    SignInWithApple,
}

impl ProviderType {
    /// As the API and the `identities` claim write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Saml => "SAML",
            Self::Oidc => "OIDC",
            Self::Facebook => "Facebook",
            Self::Google => "Google",
            Self::LoginWithAmazon => "LoginWithAmazon",
            Self::SignInWithApple => "SignInWithApple",
        }
    }
}

impl fmt::Display for ProviderType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for IdentityProvider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("IdentityProvider")
            .field("user_pool_id", &self.user_pool_id)
            .field("provider_name", &self.provider_name)
            .field("provider_type", &self.provider_type)
            .finish_non_exhaustive()
    }
}

impl IdentityProvider {
    /// The group every user of this provider belongs to.
    pub fn group(&self) -> String {
        Self::group_of(&self.user_pool_id, &self.provider_name)
    }

    /// The same of a provider known by its name.
    pub fn group_of(pool_id: &str, name: &str) -> String {
        format!("{pool_id}_{name}")
    }

    /// One setting.
    pub fn detail(&self, key: &str) -> Option<&str> {
        self.provider_details.get(key).map(String::as_str)
    }

    /// Whether one of its identifiers is this one, without case.
    pub fn has_identifier(&self, identifier: &str) -> bool {
        let wanted = identifier.to_lowercase();
        self.idp_identifiers.iter().any(|known| known.to_lowercase() == wanted)
    }
}
