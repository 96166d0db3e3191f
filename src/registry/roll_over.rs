//! A pool's SAML keys rolled over: the rules are in [`crate::keys::roll_over`].

use std::sync::Arc;

use thiserror::Error;
use time::Duration;

use super::{Edit, LivePool, Registry};
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

impl Registry {
    /// Makes a new key beside the others of this use. A signing key is published at once and signs after `wait`;
    /// an encryption key is shown to providers at once, and the older ones still decrypt. It is on the disk and in
    /// force when this returns.
    ///
    /// # Errors
    /// See [`roll_over::plan`], and what [`Registry::edit`] says.
    pub async fn roll_key(
        self: &Arc<Self>,
        pool_id: &str,
        key_use: KeyUse,
        wait: Duration,
    ) -> Result<KeyRecord, KeyChangeError> {
        let now = self.clock.now();
        let pool = self.pool_of_keys(pool_id)?;
        let (created, used_from) = roll_over::plan(pool.keys.records(), key_use, wait, now)?;
        let (random, name) = (Arc::clone(&self.random), pool_id.to_owned());
        let make = move || pool_keys::make_one(key_use, &name, &random, now);
        let mut key = tokio::task::spawn_blocking(make)
            .await
            .map_err(|error| DirectoryError::Away(error.to_string()))?
            .map_err(|error| DirectoryError::Away(error.to_string()))?;
        key.record.created = created;
        key.record.used_from = used_from;
        let record = key.record.clone();
        self.edit(vec![Edit::AddKey { pool_id: pool_id.to_owned(), key: Arc::new(key) }]).await?;
        Ok(record)
    }

    /// Removes a SAML key for good: what was signed with it or encrypted for it is refused from now on.
    ///
    /// # Errors
    /// See [`roll_over::check_retire`], and what [`Registry::edit`] says.
    pub async fn retire_key(self: &Arc<Self>, pool_id: &str, key_id: &str) -> Result<(), KeyChangeError> {
        let pool = self.pool_of_keys(pool_id)?;
        roll_over::check_retire(pool.keys.records(), key_id, self.clock.now())?;
        let edit = Edit::RemoveKey { pool_id: pool_id.to_owned(), key_id: key_id.to_owned() };
        Ok(self.edit(vec![edit]).await?)
    }

    fn pool_of_keys(&self, pool_id: &str) -> Result<Arc<LivePool>, KeyChangeError> {
        let snapshot = self.snapshot();
        snapshot.pool(pool_id).cloned().ok_or_else(|| KeyChangeError::NoPool(pool_id.to_owned()))
    }
}
