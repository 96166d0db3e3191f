//! Triggers: functions of the administrator that the gateway asks while somebody signs in, through a Lambda Invoke API
//! (`POOLGATE_LAMBDA_ENDPOINT`, `user-pools.md` section 6).
//!
//! A function is sent an event and answers the same event with changes in `response`: nothing else of its answer
//! counts. It has 5 seconds, and is asked 3 times at most. A sign-in whose function cannot be asked fails: a function
//! that a pool names is never skipped.

pub mod authentication;
mod event;
pub mod federation;
mod invoke;
pub mod sign_up;
#[cfg(test)]
mod tests;
pub mod token_generation;

use std::sync::Arc;
use std::time::Duration;

use poolgate_providers::fetch::{FetchError, FixedClient, Http};
use thiserror::Error;
use url::Url;

use crate::pool::{AppClient, Trigger};
use crate::registry::{LivePool, Surface};

pub(crate) use event::user_attributes;

/// How long a function may take to answer, each time that it is asked.
pub const TIME_LIMIT: Duration = Duration::from_secs(5);
/// How often a function is asked that does not answer.
pub const ATTEMPTS: u32 = 3;
/// Longest event and longest answer, in bytes.
pub const LARGEST: usize = 1024 * 1024;

/// Where functions are invoked. Without such a place none can be, and a pool that names one lets nobody in.
#[derive(Default)]
pub struct Triggers {
    endpoint: Option<Endpoint>,
}

/// A Lambda Invoke API.
struct Endpoint {
    base: Url,
    http: Arc<dyn Http>,
}

impl Triggers {
    /// At `base`, asked through `http`, which must keep to [`TIME_LIMIT`].
    pub fn at(base: Url, http: Arc<dyn Http>) -> Self {
        Self { endpoint: Some(Endpoint { base, http }) }
    }

    /// At `base`, through a client of its own: the operator has named it, so it may be anywhere.
    ///
    /// # Errors
    /// When the URL cannot be asked.
    pub fn connect(base: Url) -> Result<Self, FetchError> {
        let client = FixedClient::to(&base, TIME_LIMIT)?;
        Ok(Self::at(base, Arc::new(client)))
    }

    /// Whether functions can be asked.
    pub const fn can_run(&self) -> bool {
        self.endpoint.is_some()
    }
}

/// Why a function did not let it go on. The texts are those of the reference service as far as they are known; the
/// function's own words are in the first alone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TriggerError {
    /// It answered with an error: `UserLambdaValidationException`.
    #[error("{trigger} failed with error {message}.")]
    Refused {
        /// Which one.
        trigger: Trigger,
        /// What it said, at most 1,000 characters, none of them a control character.
        message: String,
    },
    /// It did not answer, or could not be asked: `UnexpectedLambdaException`.
    #[error("{trigger} invocation failed due to error {why}.")]
    Unexpected {
        /// Which one.
        trigger: Trigger,
        /// In words.
        why: String,
    },
    /// Its answer is not what it must be: `InvalidLambdaResponseException`.
    #[error("Unrecognizable lambda output of {trigger}: {why}.")]
    InvalidResponse {
        /// Which one.
        trigger: Trigger,
        /// In words.
        why: String,
    },
}

impl TriggerError {
    pub(crate) fn invalid(trigger: Trigger, why: impl Into<String>) -> Self {
        Self::InvalidResponse { trigger, why: why.into() }
    }

    fn unexpected(trigger: Trigger, why: impl Into<String>) -> Self {
        Self::Unexpected { trigger, why: why.into() }
    }

    /// The same without the function's own words, which may speak of a person.
    pub fn impersonal(&self) -> String {
        match self {
            Self::Refused { trigger, .. } => format!("the function of {trigger} answered with an error"),
            Self::Unexpected { .. } | Self::InvalidResponse { .. } => self.to_string(),
        }
    }

    /// Stable code, for logs and pages.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "trigger_refused",
            Self::Unexpected { .. } => "trigger_failed",
            Self::InvalidResponse { .. } => "trigger_answer",
        }
    }
}

/// For whom a function is asked.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    /// The pool that names it.
    pub(crate) pool: &'a LivePool,
    /// The app client that the sign-in is for.
    pub(crate) client: &'a AppClient,
    /// The installation.
    pub(crate) surface: &'a Surface,
}

impl Asking<'_> {
    fn function(&self, trigger: Trigger) -> Option<&str> {
        self.pool.pool.value.lambda_config.function(trigger)
    }
}
