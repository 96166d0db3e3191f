//! A group of users.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// A group, in the shape `GetGroup` gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Group {
    /// Its name, unique in the pool.
    pub group_name: String,
    /// The pool it belongs to.
    pub user_pool_id: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The role that its members may take: `cognito:roles`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The lower, the more it counts; none counts least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precedence: Option<u32>,
    /// When it was made.
    pub creation_date: Timestamp,
    /// When it was last changed.
    pub last_modified_date: Timestamp,
}
