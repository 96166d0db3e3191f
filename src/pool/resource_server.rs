//! A resource server: an API of the app's own, and the scopes that it understands.

use serde::{Deserialize, Serialize};

/// Scopes that every pool knows, without a resource server.
pub const RESERVED_SCOPES: [&str; 5] =
    ["openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"];

/// A resource server, in the shape `DescribeResourceServer` gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResourceServer {
    /// The pool it belongs to.
    pub user_pool_id: String,
    /// First half of its scopes: `com.example.photos`.
    pub identifier: String,
    /// Name, 1 to 256 characters.
    pub name: String,
    /// At most 100.
    #[serde(default)]
    pub scopes: Vec<ResourceServerScope>,
}

/// One scope, asked for as `{identifier}/{scope name}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResourceServerScope {
    /// Second half of the scope.
    pub scope_name: String,
    /// For people.
    pub scope_description: String,
}

impl ResourceServer {
    /// The scopes as apps ask for them.
    pub fn full_scopes(&self) -> impl Iterator<Item = String> {
        self.scopes.iter().map(|scope| format!("{}/{}", self.identifier, scope.scope_name))
    }
}
