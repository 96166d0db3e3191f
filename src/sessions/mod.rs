//! The short-lived store: sign-in attempts, codes, hosted-UI sessions, used assertion ids.
//!
//! One trait of single-key atomic steps (so that Redis Cluster can serve it), and one conformance suite
//! ([`conformance`]). Nothing that expired is ever returned.

#[cfg(test)]
pub mod conformance;
pub mod embedded;
pub mod redis;

use async_trait::async_trait;
use thiserror::Error;
use time::OffsetDateTime;
use tokio::sync::watch;

/// What a key is about. Each kind has its own space of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A sign-in attempt, under its handle.
    Attempt,
    /// An authorization code, under its digest.
    Code,
    /// A hosted-UI session, under the digest of its cookie.
    Session,
    /// Something that may be used once.
    Used,
    /// A sign-out that waits for its provider, under the digest of our message's id.
    SignOut,
    /// Whoever holds it does some work for all replicas.
    Lease,
    /// What one replica fetched for all: a provider's keys or discovery document.
    Fetched,
}

impl Kind {
    /// Prefix of stored keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::Code => "code",
            Self::Session => "session",
            Self::Used => "used",
            Self::SignOut => "sign_out",
            Self::Lease => "lease",
            Self::Fetched => "fetched",
        }
    }
}

/// A key: kind and name. The name is never a secret itself where the value is worth stealing: callers
/// hash codes and cookies first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Kind.
    pub kind: Kind,
    /// Name, unique within the kind: at most 512 bytes.
    pub name: String,
}

impl Key {
    /// A key.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

/// Why the store did not answer.
#[derive(Debug, Error)]
pub enum SessionError {
    /// Away or broken.
    #[error("the session store is away: {0}")]
    Away(String),
    /// Not as it is configured: waiting does not help.
    #[error("the session store cannot be used: {0}")]
    Unusable(String),
    /// So many live entries that new ones are refused rather than old ones forgotten.
    #[error("the session store is full")]
    Full,
    /// The name has more than 512 bytes.
    #[error("a name of {0} bytes is too long for the session store: at most 512")]
    NameTooLong(usize),
}

/// The short-lived store. `Ok` from a writing call means that a crash at once after it loses nothing.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Sets the value, in the place of any other.
    ///
    /// # Errors
    /// [`SessionError`].
    async fn put(&self, key: &Key, value: Vec<u8>, until: OffsetDateTime) -> Result<(), SessionError>;

    /// Sets the value if there is none; whether it did.
    ///
    /// # Errors
    /// [`SessionError`].
    async fn put_new(&self, key: &Key, value: Vec<u8>, until: OffsetDateTime) -> Result<bool, SessionError>;

    /// The value.
    ///
    /// # Errors
    /// [`SessionError`].
    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, SessionError>;

    /// The value, and removes it: of several callers exactly one gets it.
    ///
    /// # Errors
    /// [`SessionError`].
    async fn take(&self, key: &Key) -> Result<Option<Vec<u8>>, SessionError>;

    /// Sets the value if there is one, keeping its end; the one that was there before.
    ///
    /// # Errors
    /// [`SessionError`].
    async fn exchange(&self, key: &Key, value: Vec<u8>) -> Result<Option<Vec<u8>>, SessionError>;

    /// Removes it, if it is there.
    ///
    /// # Errors
    /// [`SessionError`].
    async fn delete(&self, key: &Key) -> Result<(), SessionError>;

    /// Tells every replica, this one among them, that the configuration was changed. A hint that may be lost: who
    /// must know asks the directory.
    ///
    /// # Errors
    /// [`SessionError`].
    async fn announce(&self) -> Result<(), SessionError>;

    /// Sees a change whenever somebody has announced, or may have while this replica could not hear.
    fn announcements(&self) -> watch::Receiver<()>;

    /// Whether the store answers.
    ///
    /// # Errors
    /// [`SessionError`].
    async fn ping(&self) -> Result<(), SessionError>;

    /// Writes out what is pending and closes; nothing may be called afterwards.
    async fn close(&self);
}
