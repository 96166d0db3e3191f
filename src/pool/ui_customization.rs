//! How the hosted pages of an app client look.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// Stands for every client that has none of its own.
pub const ALL: &str = "ALL";

/// A customisation, in the shape `GetUICustomization` gives it, with the logo itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UiCustomization {
    /// The pool.
    pub user_pool_id: String,
    /// The app client, or [`ALL`].
    pub client_id: String,
    /// PNG or JPEG in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
    /// Of the logo, where this gateway wrote it anew; absent of one that was stored as it came, before it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_size: Option<LogoSize>,
    /// Style, of the classes and properties that are allowed.
    #[serde(rename = "CSS", default, skip_serializing_if = "Option::is_none")]
    pub css: Option<String>,
    /// Changes with the style.
    #[serde(rename = "CSSVersion")]
    pub css_version: String,
    /// When it was made.
    pub creation_date: Timestamp,
    /// When it was last changed.
    pub last_modified_date: Timestamp,
}

/// Width and height of a logo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LogoSize {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}
