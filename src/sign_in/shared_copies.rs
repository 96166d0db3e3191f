//! The session store as the replicas' shared memory of providers' documents.

use std::sync::Arc;

use async_trait::async_trait;
use poolgate_providers::Clock;
use poolgate_providers::shared::{SharedCopies, SharedCopy, Turn};
use time::{Duration, OffsetDateTime};

use crate::context::digest_name;
use crate::sessions::{Key, Kind, SessionStore};
use crate::sign_out::provenance::millis;

/// Largest document that is shared, in bytes: everybody fetches larger ones alone.
const LARGEST: usize = 256 * 1024;

/// Copies and turns in the session store. What it does not know, or cannot say, everybody finds out alone.
pub struct SharedMemory {
    sessions: Arc<dyn SessionStore>,
    clock: Arc<dyn Clock>,
}

impl SharedMemory {
    /// Over this store.
    pub fn new(sessions: Arc<dyn SessionStore>, clock: Arc<dyn Clock>) -> Self {
        Self { sessions, clock }
    }
}

fn copy_key(name: &str) -> Key {
    Key::new(Kind::Fetched, digest_name(name))
}

fn turn_key(name: &str) -> Key {
    Key::new(Kind::Lease, digest_name(name))
}

fn moment(millis: &[u8]) -> Option<OffsetDateTime> {
    let millis = i64::from_be_bytes(millis.try_into().ok()?);
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()
}

#[async_trait]
impl SharedCopies for SharedMemory {
    async fn find(&self, name: &str) -> Option<SharedCopy> {
        let value = self.sessions.get(&copy_key(name)).await.ok().flatten()?;
        let (at, body) = value.split_at_checked(8)?;
        Some(SharedCopy { body: body.to_vec(), fetched_at: moment(at)? })
    }

    async fn turn(&self, name: &str, pause: Duration) -> Turn {
        let (key, now) = (turn_key(name), self.clock.now());
        match self.sessions.put_new(&key, millis(now).to_be_bytes().to_vec(), now + pause).await {
            Ok(true) => return Turn::Ours,
            Ok(false) => {}
            Err(error) => {
                tracing::debug!(%error, "a provider's document is fetched without asking the other replicas");
                return Turn::Ours;
            }
        }
        let since = self.sessions.get(&key).await.ok().flatten();
        // Given back, or over, in this very moment: whoever comes next finds it free.
        Turn::Theirs(since.and_then(|at| moment(&at)).unwrap_or(now))
    }

    async fn keep(&self, name: &str, copy: SharedCopy, until: OffsetDateTime) {
        if copy.body.len() > LARGEST {
            return;
        }
        let mut value = millis(copy.fetched_at).to_be_bytes().to_vec();
        value.extend(copy.body);
        if let Err(error) = self.sessions.put(&copy_key(name), value, until).await {
            tracing::debug!(%error, "a provider's document is not kept for the other replicas");
        }
    }

    fn give_back(&self, name: &str) {
        let (sessions, key) = (Arc::clone(&self.sessions), turn_key(name));
        tokio::spawn(async move {
            if let Err(error) = sessions.delete(&key).await {
                tracing::debug!(%error, "a turn is not given back: it ends by itself");
            }
        });
    }
}
