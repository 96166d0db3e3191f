//! What happens without anybody asking: a SAML provider's metadata is fetched again before it gets old, and what
//! is about to end is said while there is time to act.
//!
//! ```text
//!  gateway, every 10 s ── run_due ──┬─ providers that are due ─┐
//!                                   └─ once a day ── ends      │
//!  sign-in, sign-out ── second_chance, once a minute ──────────┴▶ refresh ── document ── registry.edit
//!  /metrics ── metrics
//! ```
//!
//! A document replaces the last good copy only when it is whole, of the same entity, in its time, and fits the
//! provider's settings. Until then, and through every failure, the last good copy serves; the adapter refuses
//! it once its `validUntil` is over.

pub mod document;
mod ends;
pub mod metrics;
mod refresh;
mod schedule;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use poolgate_providers::Surroundings;
use time::OffsetDateTime;
use tokio::task::{JoinHandle, JoinSet};

use crate::pool::IdentityProvider;
use crate::registry::{LiveProvider, Registry, Snapshot};
use crate::sessions::SessionStore;

/// How often is looked for what is due.
const TICK: Duration = Duration::from_secs(10);

/// A provider: the id of its pool, and its name.
type Name = (String, String);

/// Keeps the configuration fresh.
pub struct Upkeep {
    registry: Arc<Registry>,
    sessions: Arc<dyn SessionStore>,
    around: Surroundings,
    dev: bool,
    known: Mutex<HashMap<Name, Arc<refresh::Known>>>,
    said: Mutex<ends::Said>,
}

impl Upkeep {
    /// Over this configuration. `sessions` holds what replicas must agree on; `dev` allows http addresses.
    pub fn new(
        registry: Arc<Registry>,
        sessions: Arc<dyn SessionStore>,
        around: Surroundings,
        dev: bool,
    ) -> Arc<Self> {
        Arc::new(Self { registry, sessions, around, dev, known: Mutex::default(), said: Mutex::default() })
    }

    /// Does whatever is due now: cheap when nothing is.
    pub async fn run_due(self: &Arc<Self>) {
        self.refresh_due().await;
        self.warn_of_ends();
    }

    /// The same, set apart: a fault in one round must not end the upkeep of everything for as long as the
    /// process lives.
    pub(crate) async fn round(self: &Arc<Self>) {
        let (mut alone, upkeep) = (JoinSet::new(), Arc::clone(self));
        alone.spawn(async move { upkeep.run_due().await });
        if let Some(Err(error)) = alone.join_next().await {
            tracing::error!(%error, "a round of upkeep broke off: what was not done is tried in the next");
        }
    }

    fn now(&self) -> OffsetDateTime {
        self.around.clock.now()
    }
}

/// The upkeep of a running gateway.
pub struct Running(JoinHandle<()>);

impl Running {
    /// Starts it: what is due is done at once and whenever it gets due. Call it inside a Tokio runtime.
    pub fn start(upkeep: Arc<Upkeep>) -> Self {
        Self(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(TICK);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                upkeep.round().await;
            }
        }))
    }

    /// Stops it. A fetch is broken off; what is being written is written.
    pub async fn stop(self) {
        self.0.abort();
        let _ = self.0.await;
    }
}

/// Where this provider's metadata is fetched, if it is.
fn metadata_url(provider: &IdentityProvider) -> Option<&str> {
    provider.detail("MetadataURL").filter(|_| provider.metadata_document.is_some())
}

fn find<'s>(snapshot: &'s Snapshot, (pool_id, name): &Name) -> Option<&'s LiveProvider> {
    snapshot.pool(pool_id)?.providers.get(name)
}

/// What is kept in these locks is whole at every moment, whoever panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
