//! The configuration in force: read from memory, changed through the directory.
//!
//! A [`Snapshot`] never changes. An edit is written to the directory first; then whatever was written since, by this
//! replica or another, is read anew and a new snapshot takes the place of the old one ([`follow`]).

pub mod adapters;
mod client_secrets;
pub mod common_time;
mod edit;
pub mod follow;
mod missing_keys;
mod records;
mod roll_over;
pub mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use poolgate_providers::{Clock, Random};
use tracing::Instrument as _;

use crate::directory::{Change, Directory, DirectoryError, INSTALLATION};
use crate::keys::Sealer;
use crate::sessions::SessionStore;

pub use edit::{Edit, Versioned};
use follow::Following;
use records::Around;
pub(crate) use records::{opens, secret_of};
pub use roll_over::KeyChangeError;
pub use snapshot::{LivePool, LiveProvider, Snapshot};

/// How often a written edit is tried again that could not be read back.
const AGAIN: std::time::Duration = std::time::Duration::from_millis(500);

/// What the registry must know of the installation.
#[derive(Debug, Clone)]
pub struct Surface {
    /// Base of issuers; its host carries the prefix domains.
    pub public_url: url::Url,
    /// First half of pool ids; region of ARNs, of signatures and of what triggers are told.
    pub region: String,
    /// Twelve digits, for ARNs.
    pub account_id: String,
    /// Whether providers may be plain http on loopback.
    pub dev: bool,
    /// Which engines must accept a SAML signature.
    pub engines: poolgate_providers::saml::Engines,
}

/// Holds the configuration in force.
pub struct Registry {
    directory: Arc<dyn Directory>,
    sealer: Sealer,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    surface: Surface,
    current: ArcSwap<Snapshot>,
    following: Following,
    common_time: common_time::CommonTime,
    announcer: OnceLock<Arc<dyn SessionStore>>,
}

impl Registry {
    /// Seals what is stored, under the master key.
    pub const fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Loads everything. A pool that was stored before there was a certain key gets one, written before anything
    /// is served.
    ///
    /// # Errors
    /// When the directory is away, or holds something this master key does not open.
    pub async fn open(
        directory: Arc<dyn Directory>,
        sealer: Sealer,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        surface: Surface,
    ) -> Result<Self, DirectoryError> {
        // Before everything is read: what is written in between is read once more.
        let (generation, records) =
            missing_keys::load_complete(&*directory, &sealer, &clock, &random).await?;
        let around = Around { surface: &surface, clock: &clock };
        let mut by_pool = std::collections::BTreeMap::<String, Vec<_>>::new();
        for record in records {
            by_pool.entry(record.pool_id.clone()).or_default().push(record);
        }
        let of_installation = by_pool.remove(INSTALLATION).unwrap_or_default();
        let certificates = Arc::new(records::read_certificates(of_installation, &sealer)?);
        let mut pools = Vec::with_capacity(by_pool.len());
        for (pool_id, records) in by_pool {
            if let Some(pool) = records::read_pool(&pool_id, records, &sealer, &around, None)? {
                pools.push(Arc::new(pool));
            }
        }
        let snapshot = Snapshot::new(pools, certificates, generation, &surface);
        let current = ArcSwap::from_pointee(snapshot);
        let following = Following::new(clock.ticks());
        let common_time = common_time::CommonTime::new(Arc::clone(&clock));
        let announcer = OnceLock::new();
        Ok(Self { directory, sealer, clock, random, surface, current, following, common_time, announcer })
    }

    /// From now on edits are announced to the other replicas through this store.
    pub fn announce_through(&self, sessions: Arc<dyn SessionStore>) {
        // Whoever comes second has the same store: there is one for each process.
        let _ = self.announcer.set(sessions);
    }

    /// The configuration as it is now. It does not change in the caller's hands.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Writes all edits, or none; they are in force here when this returns, and on the other replicas within
    /// seconds. A caller that goes away in between stops nothing: what is written comes into force.
    ///
    /// # Errors
    /// [`DirectoryError::Exists`], [`DirectoryError::Missing`], [`DirectoryError::Stale`],
    /// [`DirectoryError::Away`].
    pub async fn edit(self: &Arc<Self>, edits: Vec<Edit>) -> Result<(), DirectoryError> {
        self.spawn_edit(None, edits).await
    }

    /// The same, for edits whose rules looked at more than the records they change: nothing is written unless the
    /// pools that they touch are as they were in `decided_on`.
    ///
    /// # Errors
    /// [`DirectoryError::Overtaken`] besides: look again, and decide anew.
    pub async fn edit_as_of(
        self: &Arc<Self>,
        decided_on: &Snapshot,
        edits: Vec<Edit>,
    ) -> Result<(), DirectoryError> {
        self.spawn_edit(Some(decided_on.generation()), edits).await
    }

    async fn spawn_edit(
        self: &Arc<Self>,
        as_of: Option<i64>,
        edits: Vec<Edit>,
    ) -> Result<(), DirectoryError> {
        let registry = Arc::clone(self);
        let whole = async move { registry.write_and_read(as_of, edits).await };
        tokio::spawn(whole.in_current_span())
            .await
            .map_err(|error| DirectoryError::Away(error.to_string()))?
    }

    async fn write_and_read(
        self: &Arc<Self>,
        as_of: Option<i64>,
        edits: Vec<Edit>,
    ) -> Result<(), DirectoryError> {
        let touched: BTreeSet<_> = edits.iter().map(|edit| edit.pool_id().to_owned()).collect();
        let mut changes = Vec::with_capacity(edits.len() + 1);
        for edit in edits {
            self.changes_of(edit, &mut changes).await?;
        }
        self.write_changes(as_of, touched.into_iter().collect(), changes).await
    }

    /// Writes records that were decided on elsewhere, as [`Self::edit_as_of`] writes edits: all or none, and none
    /// where a pool that they touch was written to after this generation.
    ///
    /// # Errors
    /// As those of [`Self::edit_as_of`], and [`DirectoryError::Group`].
    pub(crate) async fn write_as_of(
        self: &Arc<Self>,
        generation: i64,
        changes: Vec<Change>,
    ) -> Result<(), DirectoryError> {
        let registry = Arc::clone(self);
        let touched: BTreeSet<_> = changes.iter().map(|change| change.pool_id().to_owned()).collect();
        let touched = touched.into_iter().collect();
        let whole = async move { registry.write_changes(Some(generation), touched, changes).await };
        tokio::spawn(whole.in_current_span())
            .await
            .map_err(|error| DirectoryError::Away(error.to_string()))?
    }

    async fn write_changes(
        self: &Arc<Self>,
        as_of: Option<i64>,
        touched: Vec<String>,
        wanted: Vec<Change>,
    ) -> Result<(), DirectoryError> {
        if let Some(error) = self.following.unreadable(&touched) {
            return Err(error);
        }
        let mut changes = Vec::with_capacity(wanted.len() + touched.len());
        if let Some(generation) = as_of {
            changes.extend(touched.iter().map(|pool_id| Change::Unchanged(pool_id.clone(), generation)));
        }
        changes.extend(wanted);
        self.directory.write(changes).await?;
        let read = self.caught_up().await;
        self.announce();
        let read = read.and_then(|()| self.following.unreadable(&touched).map_or(Ok(()), Err));
        if let Err(error) = &read {
            tracing::error!(%error, "an edit is written, but cannot be read back yet");
            self.catch_up_later(touched);
        }
        read
    }

    /// What was written must come into force: tries until it can be read.
    fn catch_up_later(self: &Arc<Self>, pools: Vec<String>) {
        let registry = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(AGAIN).await;
                registry.following.try_again(&pools);
                let read = registry.caught_up().await;
                match read.and_then(|()| registry.following.unreadable(&pools).map_or(Ok(()), Err)) {
                    Ok(()) => return tracing::info!(?pools, "the edit is in force now"),
                    Err(error) => tracing::debug!(%error, ?pools, "an edit still cannot be read back"),
                }
            }
        });
    }

    /// Tells the other replicas, where there is a way. They would ask by themselves: nobody waits for it.
    fn announce(&self) {
        let Some(sessions) = self.announcer.get().map(Arc::clone) else { return };
        tokio::spawn(async move {
            if let Err(error) = sessions.announce().await {
                tracing::debug!(%error, "a change of the configuration could not be announced");
            }
        });
    }
}
