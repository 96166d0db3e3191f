//! A sign-in becomes a code, a code becomes tokens, a refresh token becomes new ones; and an app gets one for itself.

pub mod authorization_code;
pub mod client_credentials;
pub mod implicit;
pub mod refresh_token;
pub mod revoke;

use thiserror::Error;

use crate::directory::DirectoryError;
use crate::keys::KeyError;
use crate::sessions::SessionError;
use crate::tokens::TokenError;
use crate::triggers::TriggerError;

/// Why a grant was not honoured (RFC 6749 section 5.2).
#[derive(Debug, Error)]
pub enum GrantError {
    /// Something is missing or malformed.
    #[error("{0}")]
    InvalidRequest(String),
    /// The code or refresh token is not good, or not for this client.
    #[error("{0}")]
    InvalidGrant(String),
    /// The user is gone.
    #[error("User does not exist.")]
    NoUser,
    /// The refresh token was replaced before: its family has been revoked.
    #[error("{0}")]
    Reused(String),
    /// The client may not use this grant.
    #[error("{0}")]
    UnauthorizedClient(&'static str),
    /// A scope is not for this client, or for nobody.
    #[error("{0}")]
    InvalidScope(&'static str),
    /// A store is away.
    #[error("{0}")]
    Unavailable(String),
    /// Signing failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A function of the administrator did not let it go on.
    #[error(transparent)]
    Trigger(#[from] TriggerError),
}

impl From<SessionError> for GrantError {
    fn from(error: SessionError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<DirectoryError> for GrantError {
    fn from(error: DirectoryError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<TokenError> for GrantError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid(why) => Self::InvalidGrant(why.to_owned()),
            TokenError::NoUser => Self::NoUser,
            TokenError::Reused => Self::Reused(error.to_string()),
            TokenError::Key(error) => Self::Key(error),
            TokenError::Directory(error) => error.into(),
            TokenError::Trigger(error) => Self::Trigger(error),
        }
    }
}

/// What an app gets from the token endpoint.
#[derive(Clone, serde::Serialize)]
pub struct TokenAnswer {
    /// Only with the scope `openid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// Access token.
    pub access_token: String,
    /// For a code; on refresh where the client's tokens rotate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Seconds.
    pub expires_in: i64,
    /// `Bearer`.
    pub token_type: &'static str,
}
