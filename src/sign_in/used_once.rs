//! The session store as the adapters' memory of what may be used once.

use std::sync::Arc;

use async_trait::async_trait;
use poolgate_providers::{ProviderError, UsedOnce};
use time::OffsetDateTime;

use crate::context::digest_name;
use crate::sessions::{Key, Kind, SessionStore};

/// Keeps the marks in the session store, durable and seen by every replica.
pub struct UsedMarks {
    sessions: Arc<dyn SessionStore>,
}

impl UsedMarks {
    /// Over this store.
    pub fn new(sessions: Arc<dyn SessionStore>) -> Self {
        Self { sessions }
    }
}

#[async_trait]
impl UsedOnce for UsedMarks {
    async fn first_use(&self, key: &str, until: OffsetDateTime) -> Result<bool, ProviderError> {
        let key = Key::new(Kind::Used, digest_name(key));
        self.sessions.put_new(&key, Vec::new(), until).await.map_err(|error| {
            tracing::error!(%error, "cannot check for replay");
            ProviderError::StoreAway
        })
    }
}
