//! What the management API refuses, and under which name.

use thiserror::Error;

use super::sigv4::SignatureFault;
use crate::directory::DirectoryError;
use crate::grants::GrantError;
use crate::pool::{GroupError, LinkError};
use crate::throttle::TooMany;
use crate::triggers::TriggerError;

/// A refused or failed call. The text of every variant but the last two is meant for the caller.
#[derive(Debug, Error)]
pub enum ApiError {
    /// A member is not what it must be.
    #[error("{0}")]
    InvalidParameter(String),
    /// The thing named is not there.
    #[error("{0}")]
    ResourceNotFound(String),
    /// The caller may not do it, or its token is of no use.
    #[error("{0}")]
    NotAuthorized(String),
    /// The user is not there.
    #[error("User does not exist.")]
    UserNotFound,
    /// The same, where the model has this name for it.
    #[error("{0}")]
    Unauthorized(String),
    /// The refresh token was replaced before.
    #[error("{0}")]
    RefreshTokenReuse(String),
    /// A token of another kind than the operation takes.
    #[error("{0}")]
    UnsupportedTokenType(String),
    /// The link is not there.
    #[error("{0}")]
    LinkNotFound(String),
    /// What tells the person at the provider leads to another user already.
    #[error("{0}")]
    AliasExists(String),
    /// A bound of `pool::limits` was reached; the text holds the number.
    #[error("{0}")]
    LimitExceeded(String),
    /// The pool has a group of this name.
    #[error("{0}")]
    GroupExists(String),
    /// The pool has a provider of this name.
    #[error("{0}")]
    DuplicateProvider(String),
    /// The grants asked for do not go together.
    #[error("{0}")]
    InvalidOAuthFlow(String),
    /// A scope that no resource server defines.
    #[error("{0}")]
    ScopeDoesNotExist(String),
    /// Somebody else changed it at the same time.
    #[error("{0}")]
    ConcurrentModification(String),
    /// Somebody else changed something else in its pool at the same time, each time that it was tried.
    #[error("{0}")]
    Overtaken(String),
    /// A function of the administrator refused, did not answer, or answered something else.
    #[error(transparent)]
    Trigger(#[from] TriggerError),
    /// The body is not the JSON that the operation takes.
    #[error("{0}")]
    Serialization(String),
    /// The body is larger than what is read.
    #[error("The request is larger than 1 MiB.")]
    TooLarge,
    /// Another content type than AWS JSON 1.1.
    #[error("Content-Type must be application/x-amz-json-1.1.")]
    MediaType,
    /// `X-Amz-Target` names nothing in the service model.
    #[error("{0}")]
    UnknownOperation(String),
    /// In the service model, not in this build.
    #[error("{0}")]
    Unsupported(String),
    /// Asked too often; in so many seconds one is let through again.
    #[error("Rate exceeded. Try again in {0} s.")]
    TooManyRequests(u64),
    /// The signature was not accepted.
    #[error(transparent)]
    Signature(#[from] SignatureFault),
    /// A store is away. The reason goes to the log only.
    #[error("The directory cannot be reached. Try again.")]
    Away(String),
    /// A fault of ours. The reason goes to the log only.
    #[error("Something went wrong on our side.")]
    Internal(String),
}

impl ApiError {
    /// HTTP status and error name.
    pub const fn status_and_name(&self) -> (u16, &'static str) {
        match self {
            Self::InvalidParameter(_) => (400, "InvalidParameterException"),
            Self::ResourceNotFound(_) => (400, "ResourceNotFoundException"),
            Self::NotAuthorized(_) => (400, "NotAuthorizedException"),
            Self::UserNotFound | Self::LinkNotFound(_) => (400, "UserNotFoundException"),
            Self::Unauthorized(_) => (400, "UnauthorizedException"),
            Self::RefreshTokenReuse(_) => (400, "RefreshTokenReuseException"),
            Self::UnsupportedTokenType(_) => (400, "UnsupportedTokenTypeException"),
            Self::AliasExists(_) => (400, "AliasExistsException"),
            Self::LimitExceeded(_) => (400, "LimitExceededException"),
            Self::GroupExists(_) => (400, "GroupExistsException"),
            Self::DuplicateProvider(_) => (400, "DuplicateProviderException"),
            Self::InvalidOAuthFlow(_) => (400, "InvalidOAuthFlowException"),
            Self::ScopeDoesNotExist(_) => (400, "ScopeDoesNotExistException"),
            Self::ConcurrentModification(_) | Self::Overtaken(_) => (400, "ConcurrentModificationException"),
            Self::Trigger(TriggerError::Refused { .. }) => (400, "UserLambdaValidationException"),
            Self::Trigger(TriggerError::Unexpected { .. }) => (400, "UnexpectedLambdaException"),
            Self::Trigger(TriggerError::InvalidResponse { .. }) => (400, "InvalidLambdaResponseException"),
            Self::Serialization(_) => (400, "SerializationException"),
            Self::TooLarge => (413, "RequestEntityTooLargeException"),
            Self::MediaType => (415, "UnsupportedMediaTypeException"),
            Self::UnknownOperation(_) => (404, "UnknownOperationException"),
            Self::Unsupported(_) => (400, "UnsupportedOperationException"),
            Self::TooManyRequests(_) => (400, "TooManyRequestsException"),
            Self::Signature(SignatureFault::Missing) => (400, "MissingAuthenticationTokenException"),
            Self::Signature(SignatureFault::Incomplete(_)) => (400, "IncompleteSignatureException"),
            Self::Signature(SignatureFault::UnknownKey) => (400, "UnrecognizedClientException"),
            Self::Signature(SignatureFault::Invalid(_)) => (400, "InvalidSignatureException"),
            Self::Away(_) => (503, "InternalErrorException"),
            Self::Internal(_) => (500, "InternalErrorException"),
        }
    }

    /// Error name alone.
    pub const fn name(&self) -> &'static str {
        self.status_and_name().1
    }

    /// What the log may say beyond the answer.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Away(reason) | Self::Internal(reason) => Some(reason),
            _ => None,
        }
    }
}

/// A member that is not what it must be.
pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::InvalidParameter(message.into())
}

/// Whether one more fits where `count` are there and `most` may be.
pub(super) fn room_for(what: &str, count: usize, most: usize) -> Result<(), ApiError> {
    if count < most {
        return Ok(());
    }
    Err(ApiError::LimitExceeded(format!("There may be at most {most} {what}, and there are {count}.")))
}

impl From<TooMany> for ApiError {
    fn from(too_many: TooMany) -> Self {
        Self::TooManyRequests(too_many.seconds)
    }
}

impl From<DirectoryError> for ApiError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Exists(_) => Self::InvalidParameter(error.to_string()),
            DirectoryError::Missing(_) => Self::ResourceNotFound(error.to_string()),
            DirectoryError::Stale(_) => Self::ConcurrentModification(error.to_string()),
            DirectoryError::Overtaken(_) => Self::Overtaken(error.to_string()),
            DirectoryError::Profile(_) | DirectoryError::UsernameTaken(_) | DirectoryError::NotKnown(_) => {
                Self::Internal(error.to_string())
            }
            DirectoryError::Group(error) => error.into(),
            DirectoryError::Link(error) => error.into(),
            DirectoryError::Unstorable(_) | DirectoryError::Change(_) => {
                Self::InvalidParameter(error.to_string())
            }
            DirectoryError::Away(_) | DirectoryError::InUse(_) => Self::Away(error.to_string()),
        }
    }
}

impl From<GroupError> for ApiError {
    fn from(error: GroupError) -> Self {
        let text = error.to_string();
        match error {
            GroupError::NoUser => Self::UserNotFound,
            GroupError::NoGroup(_) => Self::ResourceNotFound(text),
            GroupError::TooMany(_) => Self::LimitExceeded(text),
            GroupError::HasMembers(_) => Self::InvalidParameter(text),
        }
    }
}

impl From<GrantError> for ApiError {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::InvalidRequest(why) => Self::InvalidParameter(why),
            GrantError::InvalidGrant(why) => Self::NotAuthorized(why),
            GrantError::UnauthorizedClient(why) | GrantError::InvalidScope(why) => {
                Self::NotAuthorized(why.to_owned())
            }
            GrantError::NoUser => Self::UserNotFound,
            GrantError::Reused(why) => Self::RefreshTokenReuse(why),
            GrantError::Unavailable(why) => Self::Away(why),
            GrantError::Trigger(error) => error.into(),
            GrantError::Key(error) => Self::Internal(error.to_string()),
        }
    }
}

impl From<LinkError> for ApiError {
    fn from(error: LinkError) -> Self {
        let text = error.to_string();
        match error {
            LinkError::NoUser => Self::UserNotFound,
            LinkError::NoProvider(_) => Self::ResourceNotFound(text),
            LinkError::SignedUp | LinkError::Already | LinkError::Own => Self::InvalidParameter(text),
            LinkError::Elsewhere => Self::AliasExists(text),
            LinkError::TooMany(_) => Self::LimitExceeded(text),
            LinkError::NotLinked => Self::LinkNotFound(text),
            LinkError::Ambiguous => Self::Internal(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_directory_refuses_has_a_name_of_the_model() {
        for (error, status_and_name) in [
            (DirectoryError::Exists("x".into()), (400, "InvalidParameterException")),
            (DirectoryError::Missing("x".into()), (400, "ResourceNotFoundException")),
            (DirectoryError::Stale("x".into()), (400, "ConcurrentModificationException")),
            (DirectoryError::Overtaken("x".into()), (400, "ConcurrentModificationException")),
            (DirectoryError::Unstorable("x".into()), (400, "InvalidParameterException")),
            (DirectoryError::UsernameTaken("x".into()), (500, "InternalErrorException")),
            (DirectoryError::Away("disk".into()), (503, "InternalErrorException")),
        ] {
            assert_eq!(ApiError::from(error).status_and_name(), status_and_name);
        }
    }

    #[test]
    fn the_last_place_may_be_taken_and_no_more() {
        assert!(room_for("things", 2, 3).is_ok());
        let error = room_for("things", 3, 3).unwrap_err();
        assert!(
            matches!(&error, ApiError::LimitExceeded(text) if text.contains("at most 3 things")),
            "{error}"
        );
    }

    #[test]
    fn faults_of_ours_tell_the_log_why_and_the_caller_nothing() {
        for error in [ApiError::Away("disk 7 is full".into()), ApiError::Internal("disk 7 is full".into())] {
            assert_eq!(error.reason(), Some("disk 7 is full"));
            assert!(!error.to_string().contains("disk"), "{error}");
        }
        assert_eq!(ApiError::UserNotFound.reason(), None);
    }

    #[test]
    fn signature_faults_are_400_under_the_names_of_the_contract() {
        for (fault, name) in [
            (SignatureFault::Missing, "MissingAuthenticationTokenException"),
            (SignatureFault::Incomplete(String::new()), "IncompleteSignatureException"),
            (SignatureFault::UnknownKey, "UnrecognizedClientException"),
            (SignatureFault::Invalid(String::new()), "InvalidSignatureException"),
        ] {
            assert_eq!(ApiError::from(fault).status_and_name(), (400, name));
        }
    }
}
