//! Documents of providers that one replica fetches for all: key sets and discovery documents.
//!
//! What comes from here is read by the same parser and held to the same rules as what is fetched. It is an
//! optimisation: whenever the memory that replicas share says nothing, everybody fetches alone.

use async_trait::async_trait;
use time::{Duration, OffsetDateTime};

/// A document as it was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedCopy {
    /// Its bytes: not verified, not even read.
    pub body: Vec<u8>,
    /// When.
    pub fetched_at: OffsetDateTime,
}

/// Who fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The caller: others are told so until the pause is over.
    Ours,
    /// Somebody else, who began at this moment.
    Theirs(OffsetDateTime),
}

/// The memory that replicas share. Names are chosen by the adapters; a name stands for one provider as it is set up.
#[async_trait]
pub trait SharedCopies: Send + Sync {
    /// The newest copy, if there is one.
    async fn find(&self, name: &str) -> Option<SharedCopy>;

    /// Whether the caller is to fetch. Of all who ask within `pause` one is told that it is its turn; everybody is
    /// when that cannot be known.
    async fn turn(&self, name: &str, pause: Duration) -> Turn;

    /// Keeps a copy for all until this moment, in the place of any other.
    async fn keep(&self, name: &str, copy: SharedCopy, until: OffsetDateTime);

    /// The caller's turn ended without a fetch: it is the next one's. Must not wait.
    fn give_back(&self, name: &str);
}

/// Nothing is shared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

#[async_trait]
impl SharedCopies for Alone {
    async fn find(&self, _name: &str) -> Option<SharedCopy> {
        None
    }

    async fn turn(&self, _name: &str, _pause: Duration) -> Turn {
        Turn::Ours
    }

    async fn keep(&self, _name: &str, _copy: SharedCopy, _until: OffsetDateTime) {}

    fn give_back(&self, _name: &str) {}
}
