//! A pool's keys rolled over: the rules are in [`crate::keys::roll_over`].

use std::sync::Arc;

use thiserror::Error;
use time::Duration;

use super::{Edit, LivePool, Registry, Snapshot};
use crate::directory::DirectoryError;
use crate::keys::roll_over::{self, RollOverError};
use crate::keys::{KeyRecord, KeyUse, pool_keys};

/// Why a key was neither made nor removed.
#[derive(Debug, Error)]
pub enum KeyChangeError {
    /// There is no such pool.
    #[error("there is no pool {0}")]
    NoPool(String),
    /// The rules of a roll-over.
    #[error(transparent)]
    Rule(#[from] RollOverError),
    /// The directory did not write it.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// How often a decision is made anew because somebody else wrote to the pool meanwhile.
const TRIES: u32 = 8;

impl Registry {
    /// Makes a new key beside the others of this use. It is published at once and signs or seals after `wait`, one of
    /// tokens after [`roll_over::LEAST_WAIT`] at least; one that providers encrypt for is shown to them at once, and
    /// the older ones still decrypt. It is on the disk and in
    /// force here when this returns, on other replicas within seconds. Of several at once, one is told `Ok`.
    ///
    /// # Errors
    /// See [`roll_over::plan`], and what [`Registry::edit_as_of`] says.
    pub async fn roll_key(
        self: &Arc<Self>,
        pool_id: &str,
        key_use: KeyUse,
        wait: Duration,
    ) -> Result<KeyRecord, KeyChangeError> {
        self.decide(async |registry: &Arc<Self>| {
            let now = registry.clock.now();
            let (snapshot, pool) = registry.pool_of_keys(pool_id)?;
            let (created, used_from) = roll_over::plan(pool.keys.records(), key_use, wait, now)?;
            let (random, name) = (Arc::clone(&registry.random), pool_id.to_owned());
            let make = move || pool_keys::make_one(key_use, &name, &random, now);
            let mut key = tokio::task::spawn_blocking(make)
                .await
                .map_err(|error| DirectoryError::Away(error.to_string()))?
                .map_err(|error| DirectoryError::Away(error.to_string()))?;
            key.record.created = created;
            key.record.used_from = used_from;
            let record = key.record.clone();
            let edit = Edit::AddKey { pool_id: pool_id.to_owned(), key: Arc::new(key) };
            registry.edit_as_of(&snapshot, vec![edit]).await?;
            Ok(record)
        })
        .await
    }

    /// Removes a key for good: what was signed or sealed with it or encrypted for it is refused from now on, on other
    /// replicas within seconds. Tokens that it made must have ended by then, unless `end_tokens`.
    ///
    /// # Errors
    /// See [`roll_over::check_retire`], and what [`Registry::edit_as_of`] says.
    pub async fn retire_key(
        self: &Arc<Self>,
        pool_id: &str,
        key_id: &str,
        end_tokens: bool,
    ) -> Result<(), KeyChangeError> {
        self.decide(async |registry: &Arc<Self>| {
            let (snapshot, pool) = registry.pool_of_keys(pool_id)?;
            let (keys, now) = (pool.keys.records(), registry.clock.now());
            roll_over::check_retire(keys, key_id, now, pool.longest_refresh(), end_tokens)?;
            let edit = Edit::RemoveKey { pool_id: pool_id.to_owned(), key_id: key_id.to_owned() };
            Ok(registry.edit_as_of(&snapshot, vec![edit]).await?)
        })
        .await
    }

    /// Decides on what is written now, and anew when somebody else was faster.
    async fn decide<T>(
        self: &Arc<Self>,
        decision: impl AsyncFn(&Arc<Self>) -> Result<T, KeyChangeError>,
    ) -> Result<T, KeyChangeError> {
        for _ in 1..TRIES {
            self.caught_up().await?;
            match decision(self).await {
                Err(KeyChangeError::Directory(DirectoryError::Overtaken(_))) => {}
                decided => return decided,
            }
        }
        self.caught_up().await?;
        decision(self).await
    }

    fn pool_of_keys(&self, pool_id: &str) -> Result<(Arc<Snapshot>, Arc<LivePool>), KeyChangeError> {
        let snapshot = self.snapshot();
        let pool = snapshot.pool(pool_id).cloned();
        let pool = pool.ok_or_else(|| KeyChangeError::NoPool(pool_id.to_owned()))?;
        Ok((snapshot, pool))
    }
}
