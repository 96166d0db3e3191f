//! The configuration in force: read from memory, changed through the directory.
//!
//! A [`Snapshot`] never changes. An edit is written to the directory first, then the pool it touches is
//! read anew and a new snapshot takes the place of the old one.

pub mod adapters;
mod missing_keys;
mod records;
mod roll_over;
pub mod snapshot;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arc_swap::ArcSwap;
use poolgate_providers::{Clock, Random};
use tokio::sync::Mutex;
use tracing::Instrument as _;

use crate::directory::{Change, Directory, DirectoryError, Kind};
use crate::keys::pool_keys::NewKey;
use crate::keys::{Sealer, pool_keys};
use crate::pool::{AppClient, Domain, IdentityProvider, UserPool};

use records::Around;
pub(crate) use records::opens;
pub use roll_over::KeyChangeError;
pub use snapshot::{LivePool, LiveProvider, Snapshot};

/// How often a written edit is tried again that could not be read back.
const CATCH_UP: std::time::Duration = std::time::Duration::from_millis(500);

/// A stored thing and its version, for [`Edit`]s that must not overwrite somebody else's.
#[derive(Debug, Clone)]
pub struct Versioned<T> {
    /// The thing.
    pub value: T,
    /// One more at each change.
    pub version: i64,
}

/// One change of the configuration.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Make a pool, and its keys.
    CreatePool(UserPool),
    /// Change a pool.
    UpdatePool(Versioned<UserPool>),
    /// Remove a pool and everything in it.
    DeletePool(String),
    /// Make an app client.
    CreateClient(AppClient),
    /// Change an app client.
    UpdateClient(Versioned<AppClient>),
    /// Remove an app client.
    DeleteClient {
        /// Its pool.
        pool_id: String,
        /// Its id.
        client_id: String,
    },
    /// Make an identity provider.
    CreateProvider(IdentityProvider),
    /// Change an identity provider.
    UpdateProvider(Versioned<IdentityProvider>),
    /// Remove an identity provider.
    DeleteProvider {
        /// Its pool.
        pool_id: String,
        /// Its name.
        name: String,
    },
    /// Make a domain.
    CreateDomain(Domain),
    /// Change a domain.
    UpdateDomain(Versioned<Domain>),
    /// Remove a domain.
    DeleteDomain {
        /// Its pool.
        pool_id: String,
        /// The domain.
        domain: String,
    },
    /// Set a key beside the others of a pool.
    AddKey {
        /// The pool.
        pool_id: String,
        /// The key.
        key: Arc<NewKey>,
    },
    /// Remove a key of a pool for good.
    RemoveKey {
        /// The pool.
        pool_id: String,
        /// The key's id.
        key_id: String,
    },
}

/// What the registry must know of the installation.
#[derive(Debug, Clone)]
pub struct Surface {
    /// Base of issuers; its host carries the prefix domains.
    pub public_url: url::Url,
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
    writing: Mutex<()>,
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
        let records = missing_keys::load_complete(&*directory, &sealer, &clock, &random).await?;
        let around = Around { surface: &surface, clock: &clock };
        let mut by_pool = std::collections::BTreeMap::<String, Vec<_>>::new();
        for record in records {
            by_pool.entry(record.pool_id.clone()).or_default().push(record);
        }
        let mut pools = Vec::with_capacity(by_pool.len());
        for (pool_id, records) in by_pool {
            if let Some(pool) = records::read_pool(&pool_id, records, &sealer, &around, None)? {
                pools.push(Arc::new(pool));
            }
        }
        let snapshot = Snapshot::new(pools, &surface);
        let current = ArcSwap::from_pointee(snapshot);
        Ok(Self { directory, sealer, clock, random, surface, current, writing: Mutex::new(()) })
    }

    /// The configuration as it is now. It does not change in the caller's hands.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Writes all edits, or none; they are in force when this returns. A caller that goes away in between stops
    /// nothing: what is written comes into force.
    ///
    /// # Errors
    /// [`DirectoryError::Exists`], [`DirectoryError::Missing`], [`DirectoryError::Stale`],
    /// [`DirectoryError::Away`].
    pub async fn edit(self: &Arc<Self>, edits: Vec<Edit>) -> Result<(), DirectoryError> {
        let registry = Arc::clone(self);
        let whole = async move { registry.write_and_reload(edits).await };
        tokio::spawn(whole.in_current_span())
            .await
            .map_err(|error| DirectoryError::Away(error.to_string()))?
    }

    async fn write_and_reload(self: &Arc<Self>, edits: Vec<Edit>) -> Result<(), DirectoryError> {
        let _one_at_a_time = self.writing.lock().await;
        let mut changes = Vec::with_capacity(edits.len());
        let mut touched = Vec::new();
        for edit in edits {
            touched.push(edit.pool_id().to_owned());
            self.changes_of(edit, &mut changes).await?;
        }
        self.directory.write(changes).await?;
        touched.dedup();
        let mut result = Ok(());
        for pool_id in touched {
            if let Err(error) = self.reload(&pool_id).await {
                tracing::error!(%error, %pool_id, "an edit is written, but cannot be read back yet");
                self.catch_up(pool_id);
                result = Err(error);
            }
        }
        result
    }

    /// What was written must come into force: tries to read the pool until the directory answers.
    fn catch_up(self: &Arc<Self>, pool_id: String) {
        let registry = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(CATCH_UP).await;
                let _one_at_a_time = registry.writing.lock().await;
                match registry.reload(&pool_id).await {
                    Ok(()) => return tracing::info!(%pool_id, "the edit is in force now"),
                    Err(error) => tracing::error!(%error, %pool_id, "an edit still cannot be read back"),
                }
            }
        });
    }

    /// Reads one pool anew from the directory. The caller holds `writing`: two at once could lose one's pool.
    async fn reload(&self, pool_id: &str) -> Result<(), DirectoryError> {
        let records = self.directory.load_pool(pool_id).await?;
        let snapshot = self.current.load_full();
        let before = snapshot.pool(pool_id).cloned();
        let around = Around { surface: &self.surface, clock: &self.clock };
        let pool = records::read_pool(pool_id, records, &self.sealer, &around, before.as_deref())?;
        let next = snapshot.with_pool(pool_id, pool.map(Arc::new), &self.surface);
        self.current.store(Arc::new(next));
        Ok(())
    }

    async fn changes_of(&self, edit: Edit, changes: &mut Vec<Change>) -> Result<(), DirectoryError> {
        match edit {
            Edit::CreatePool(pool) => {
                let keys = self.make_keys(pool.id.clone()).await?;
                changes.push(Change::Create(records::of_pool(&pool, 0)?));
                for key in keys {
                    changes.push(Change::Create(records::of_key(&pool.id, &key, &self.sealer)?));
                }
            }
            Edit::UpdatePool(pool) => {
                changes.push(Change::Replace(records::of_pool(&pool.value, pool.version)?));
            }
            Edit::DeletePool(pool_id) => changes.push(Change::DeletePool(pool_id)),
            Edit::CreateClient(client) => {
                changes.push(Change::Create(records::of_client(&client, 0, &self.sealer)?));
            }
            Edit::UpdateClient(client) => {
                changes.push(Change::Replace(records::of_client(
                    &client.value,
                    client.version,
                    &self.sealer,
                )?));
            }
            Edit::DeleteClient { pool_id, client_id } => {
                changes.push(Change::Delete(Kind::AppClient, pool_id, client_id));
            }
            Edit::CreateProvider(provider) => {
                changes.push(Change::Create(records::of_provider(&provider, 0, &self.sealer)?));
            }
            Edit::UpdateProvider(provider) => {
                self.check_same_provider(&provider.value)?;
                let record = records::of_provider(&provider.value, provider.version, &self.sealer)?;
                changes.push(Change::Replace(record));
            }
            Edit::DeleteProvider { pool_id, name } => {
                changes.push(Change::Delete(Kind::IdentityProvider, pool_id, name));
            }
            Edit::CreateDomain(domain) => {
                changes.push(Change::Create(records::of_domain(&domain, 0, &self.surface)?));
            }
            Edit::UpdateDomain(domain) => {
                changes.push(Change::Replace(records::of_domain(
                    &domain.value,
                    domain.version,
                    &self.surface,
                )?));
            }
            Edit::DeleteDomain { pool_id, domain } => {
                changes.push(Change::Delete(Kind::Domain, pool_id, domain));
            }
            Edit::AddKey { pool_id, key } => {
                changes.push(Change::Create(records::of_key(&pool_id, &key, &self.sealer)?));
            }
            Edit::RemoveKey { pool_id, key_id } => {
                changes.push(Change::Delete(Kind::Key, pool_id, key_id));
            }
        }
        Ok(())
    }

    /// Refuses to write over a provider that was made anew under the same name since `value` was read: versions
    /// begin again with each. The caller holds `writing`.
    fn check_same_provider(&self, value: &IdentityProvider) -> Result<(), DirectoryError> {
        let snapshot = self.snapshot();
        let current =
            snapshot.pool(&value.user_pool_id).and_then(|pool| pool.providers.get(&value.provider_name));
        if current.is_some_and(|current| current.config.value.creation_date != value.creation_date) {
            return Err(DirectoryError::Stale(value.provider_name.clone()));
        }
        Ok(())
    }

    async fn make_keys(&self, pool_id: String) -> Result<Vec<NewKey>, DirectoryError> {
        let (random, now) = (Arc::clone(&self.random), self.clock.now());
        tokio::task::spawn_blocking(move || pool_keys::make(&pool_id, &random, now))
            .await
            .map_err(|error| DirectoryError::Away(error.to_string()))?
            .map_err(|error| DirectoryError::Away(error.to_string()))
    }
}

impl Edit {
    fn pool_id(&self) -> &str {
        match self {
            Self::CreatePool(pool) => &pool.id,
            Self::UpdatePool(pool) => &pool.value.id,
            Self::CreateClient(client) => &client.user_pool_id,
            Self::UpdateClient(client) => &client.value.user_pool_id,
            Self::CreateProvider(provider) => &provider.user_pool_id,
            Self::UpdateProvider(provider) => &provider.value.user_pool_id,
            Self::CreateDomain(domain) => &domain.user_pool_id,
            Self::UpdateDomain(domain) => &domain.value.user_pool_id,
            Self::DeletePool(pool_id)
            | Self::DeleteClient { pool_id, .. }
            | Self::DeleteProvider { pool_id, .. }
            | Self::DeleteDomain { pool_id, .. }
            | Self::AddKey { pool_id, .. }
            | Self::RemoveKey { pool_id, .. } => pool_id,
        }
    }
}
