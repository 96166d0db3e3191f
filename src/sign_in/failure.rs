//! Why a sign-in ended without a user, and what the app is told (`wire-facts.md` section 2).

use poolgate_providers::{ProviderError, Upstream};
use thiserror::Error;

use super::mapping::MappingError;
use super::request::ReturnTarget;
use super::session::SessionFailure;
use crate::directory::DirectoryError;
use crate::grants::GrantError;
use crate::observe::labels::Outcome;
use crate::pool::{LinkError, ProfileError, ProviderType};
use crate::sessions::SessionError;
use crate::triggers::TriggerError;

/// What ended it.
#[derive(Debug, Error)]
pub enum Cause {
    /// The provider's answer.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The identity does not fit the pool.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// The profile's own rules.
    #[error(transparent)]
    Profile(ProfileError),
    /// Links that lead to different users.
    #[error(transparent)]
    Link(LinkError),
    /// The username belongs to somebody else.
    #[error("Already found an entry for username {0}")]
    UsernameTaken(String),
    /// The identity holds a text that cannot be stored.
    #[error("{0}")]
    Unstorable(String),
    /// A function of the administrator did not let it go on.
    #[error(transparent)]
    Trigger(#[from] TriggerError),
    /// The pool, client or provider changed or went away in between.
    #[error("{0}")]
    Gone(String),
    /// A store is away.
    #[error("{0}")]
    Away(String),
    /// Signing failed, or another fault of ours.
    #[error("{0}")]
    Internal(String),
}

/// A sign-in that failed, and where to say so.
#[derive(Debug)]
pub struct Failed {
    /// What ended it.
    pub cause: Cause,
    /// Back to the app; without it an error page.
    pub target: Option<Box<ReturnTarget>>,
    /// The provider's name and type, for the words.
    pub provider: Option<(String, ProviderType)>,
    /// The app client.
    pub client_id: String,
}

/// What an app reads in its redirect.
pub struct AppError {
    /// OAuth `error`.
    pub error: &'static str,
    /// OAuth `error_description`.
    pub description: String,
}

impl From<DirectoryError> for Cause {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Profile(error) => Self::Profile(error),
            DirectoryError::Link(error) => Self::Link(error),
            DirectoryError::UsernameTaken(name) => Self::UsernameTaken(name),
            DirectoryError::Unstorable(_) => Self::Unstorable(error.to_string()),
            DirectoryError::Away(why) => Self::Away(why),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<SessionError> for Cause {
    fn from(error: SessionError) -> Self {
        Self::Away(error.to_string())
    }
}

impl From<SessionFailure> for Cause {
    fn from(error: SessionFailure) -> Self {
        match error {
            SessionFailure::Sessions(error) => error.into(),
            SessionFailure::Directory(error) => error.into(),
        }
    }
}

impl From<GrantError> for Cause {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::Unavailable(why) => Self::Away(why),
            GrantError::Trigger(error) => Self::Trigger(error),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl Cause {
    /// Stable code, for logs and pages.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Provider(error) => error.code(),
            Self::Mapping(MappingError::UsernameTooLong(_)) => "username_too_long",
            Self::Mapping(MappingError::ValueTooLong(_)) => "attribute_too_long",
            Self::Mapping(MappingError::Value { .. }) => "attribute_invalid",
            Self::Mapping(MappingError::NotWritable(_)) => "attribute_not_writable",
            Self::Mapping(MappingError::Unknown(_)) => "attribute_unknown",
            Self::Profile(ProfileError::Required(_)) => "attribute_required",
            Self::Profile(ProfileError::Immutable(_)) => "attribute_immutable",
            Self::Profile(ProfileError::Disabled) => "user_disabled",
            Self::Link(_) => "link_ambiguous",
            Self::UsernameTaken(_) => "username_taken",
            Self::Unstorable(_) => "attribute_invalid",
            Self::Trigger(error) => error.code(),
            Self::Gone(_) => "configuration_changed",
            Self::Away(_) => "store_away",
            Self::Internal(_) => "internal",
        }
    }

    /// Who has to act, for the metrics.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Provider(error) => match error {
                ProviderError::Denied(_)
                | ProviderError::LoginRequired(_)
                | ProviderError::Refused { .. } => Outcome::Refused,
                ProviderError::NotBelieved { .. } | ProviderError::Settings(_) => Outcome::Failed,
                ProviderError::Unsolicited(_) => Outcome::Unmatched,
                ProviderError::TimedOut(_)
                | ProviderError::BrokeOff(_)
                | ProviderError::Unreachable { .. }
                | ProviderError::BadReply { .. } => Outcome::ProviderAway,
                ProviderError::StoreAway => Outcome::Unavailable,
            },
            Self::Profile(ProfileError::Disabled) | Self::Trigger(TriggerError::Refused { .. }) => {
                Outcome::Refused
            }
            Self::Mapping(_)
            | Self::Profile(_)
            | Self::Link(_)
            | Self::UsernameTaken(_)
            | Self::Unstorable(_)
            | Self::Trigger(_)
            | Self::Gone(_) => Outcome::Failed,
            Self::Away(_) => Outcome::Unavailable,
            Self::Internal(_) => Outcome::Internal,
        }
    }

    /// Whether nobody but us can mend it, and later may be better.
    pub const fn is_away(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Provider(ProviderError::StoreAway))
    }
}

impl Failed {
    /// What the app reads.
    pub fn app_error(&self) -> AppError {
        let (name, kind) = match &self.provider {
            Some((name, provider_type)) => (name.as_str(), Some(*provider_type)),
            None => ("the identity provider", None),
        };
        let (saml, google) = (kind == Some(ProviderType::Saml), kind == Some(ProviderType::Google));
        let prefix =
            if saml { "Error in SAML response processing: " } else { "Error in OIDC response processing: " };
        let (error, description) = match &self.cause {
            Cause::Provider(error) => return provider_error(error, name, google, prefix),
            Cause::Profile(ProfileError::Disabled) => ("access_denied", "User is disabled".to_owned()),
            Cause::Mapping(_) | Cause::Profile(_) | Cause::Unstorable(_) => {
                ("server_error", format!("{prefix}{}", self.cause))
            }
            Cause::Link(_) => ("server_error", self.cause.to_string()),
            // The reference service's words, to the letter: apps compare them.
            Cause::UsernameTaken(_) | Cause::Trigger(_) => ("invalid_request", self.cause.to_string()),
            Cause::Gone(_) => ("server_error", self.cause.to_string()),
            Cause::Away(_) => ("temporarily_unavailable", "A store is away; try again later".to_owned()),
            Cause::Internal(_) => ("server_error", "Internal error".to_owned()),
        };
        AppError { error, description }
    }
}

fn provider_error(error: &ProviderError, name: &str, google: bool, prefix: &str) -> AppError {
    let (error, description) = match error {
        ProviderError::Denied(why) => ("access_denied", why.clone()),
        ProviderError::LoginRequired(why) => ("login_required", why.clone()),
        ProviderError::Refused { description, .. } => ("server_error", description.clone()),
        ProviderError::NotBelieved { detail, .. } => ("server_error", format!("{prefix}{detail}")),
        ProviderError::Unsolicited(why) => ("server_error", why.clone()),
        ProviderError::TimedOut(Upstream::Token) => {
            ("invalid_request", "Timeout occurred in calling IdP token endpoint".to_owned())
        }
        ProviderError::TimedOut(Upstream::Jwks) => {
            ("invalid_request", "Timeout in calling jwks uri".to_owned())
        }
        ProviderError::TimedOut(_) => ("invalid_request", "Read timed out".to_owned()),
        ProviderError::BrokeOff(_) => ("invalid_request", "Connection reset".to_owned()),
        ProviderError::Unreachable { .. } => ("invalid_request", format!("{name}: {error}")),
        // The reference service's words, to the letter: apps compare them. Ours are in the log.
        ProviderError::BadReply { at: Upstream::Token, status, reason } if google => {
            ("invalid_request", format!("Google Error - {status} {reason}"))
        }
        ProviderError::BadReply { at: Upstream::Token, status, .. } => {
            ("invalid_request", format!("{name} Error - {status} error getting token"))
        }
        ProviderError::BadReply { .. } => ("invalid_request", format!("{name} Error - {error}")),
        ProviderError::Settings(why) => ("server_error", format!("{name}: {why}")),
        ProviderError::StoreAway => {
            ("temporarily_unavailable", "A store is away; try again later".to_owned())
        }
    };
    AppError { error, description }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: ProviderError, kind: ProviderType) -> (&'static str, String) {
        let failed = Failed {
            cause: error.into(),
            target: None,
            provider: Some(("Acme".into(), kind)),
            client_id: "app".into(),
        };
        let AppError { error, description } = failed.app_error();
        (error, description)
    }

    #[test]
    fn what_went_wrong_at_a_provider_is_told_in_the_reference_services_words() {
        let bad = |at, reason: &str| ProviderError::BadReply { at, status: 401, reason: reason.into() };
        for (error, kind, description) in [
            (
                ProviderError::TimedOut(Upstream::Token),
                ProviderType::Oidc,
                "Timeout occurred in calling IdP token endpoint",
            ),
            (ProviderError::TimedOut(Upstream::Jwks), ProviderType::Oidc, "Timeout in calling jwks uri"),
            (ProviderError::TimedOut(Upstream::UserInfo), ProviderType::Facebook, "Read timed out"),
            (ProviderError::BrokeOff(Upstream::Token), ProviderType::Oidc, "Connection reset"),
            (
                bad(Upstream::Token, "invalid_client"),
                ProviderType::Oidc,
                "Acme Error - 401 error getting token",
            ),
            (
                bad(Upstream::Token, "invalid_client"),
                ProviderType::SignInWithApple,
                "Acme Error - 401 error getting token",
            ),
            (
                bad(Upstream::Token, "invalid_client"),
                ProviderType::Google,
                "Google Error - 401 invalid_client",
            ),
        ] {
            assert_eq!(told(error, kind), ("invalid_request", description.to_owned()), "{kind}");
        }
    }
}
