//! The stores as the adapters' memory of what may be used once.
//!
//! What answers a request of ours is marked in the session store: it stands beside the attempt, which is taken once,
//! and which only the browser can use that began it. Should a session store forget both, that browser may sign in
//! once more with the same answer, as itself; nobody else can. What nobody asked for has no such second guard: its
//! mark is in the directory, which no failover sets back.

use std::sync::Arc;

use async_trait::async_trait;
use poolgate_providers::{ProviderError, UsedOnce};
use time::{Duration, OffsetDateTime};

use crate::context::digest_name;
use crate::directory::Directory;
use crate::sessions::{Key, Kind, SessionStore};

/// How much longer a mark is kept that nothing else stands beside: a clock that was ahead for a while, and threw it
/// away, must not make an answer usable again when it is set right.
const SLACK: Duration = Duration::DAY;

/// Keeps the marks in the session store and in the directory, durable and seen by every replica.
pub struct UsedMarks {
    sessions: Arc<dyn SessionStore>,
    directory: Arc<dyn Directory>,
}

impl UsedMarks {
    /// Over these stores.
    pub fn new(sessions: Arc<dyn SessionStore>, directory: Arc<dyn Directory>) -> Self {
        Self { sessions, directory }
    }
}

fn away(error: &dyn std::fmt::Display) -> ProviderError {
    tracing::error!(%error, "cannot check for replay");
    ProviderError::StoreAway
}

#[async_trait]
impl UsedOnce for UsedMarks {
    async fn first_use(&self, key: &str, until: OffsetDateTime) -> Result<bool, ProviderError> {
        let key = Key::new(Kind::Used, digest_name(key));
        self.sessions.put_new(&key, Vec::new(), until).await.map_err(|error| away(&error))
    }

    async fn first_use_unasked(&self, key: &str, until: OffsetDateTime) -> Result<bool, ProviderError> {
        let name = digest_name(key);
        // Marks of before there were any in the directory.
        let earlier = Key::new(Kind::Used, name.clone());
        if self.sessions.get(&earlier).await.map_err(|error| away(&error))?.is_some() {
            return Ok(false);
        }
        let until = until.saturating_add(SLACK);
        self.directory.use_once(&name, until).await.map_err(|error| away(&error))
    }
}
