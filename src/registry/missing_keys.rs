//! Keys that a pool lacks because it was stored before there were such keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use poolgate_providers::{Clock, Random};

use super::records;
use crate::directory::{Change, Directory, DirectoryError, Kind, Record};
use crate::keys::{KeyUse, Sealer, pool_keys};

/// Every record of the directory, after each pool without a SAML encryption key has got one, and a generation that
/// they all are no older than. Any other key that is missing was lost, and is not made anew: tokens and providers
/// depend on it.
///
/// Each key is written by itself, whole or not at all: whoever stops in between goes on with the rest next time. Of
/// several replicas that start at once, one makes it.
pub(super) async fn load_complete(
    directory: &dyn Directory,
    sealer: &Sealer,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<(i64, Vec<Record>), DirectoryError> {
    loop {
        let generation = directory.changed_since(0).await?.generation;
        let records = directory.load().await?;
        let lacking = without_encryption_key(&records)?;
        if lacking.is_empty() {
            return Ok((generation, records));
        }
        tracing::info!(pools = lacking.len(), "making SAML encryption keys for pools that have none yet");
        for pool_id in lacking {
            let (random, now, name) = (Arc::clone(random), clock.now(), pool_id.clone());
            let make = move || pool_keys::make_one(KeyUse::SamlEncryption, &name, &random, now);
            let key = tokio::task::spawn_blocking(make)
                .await
                .map_err(|error| DirectoryError::Away(error.to_string()))?
                .map_err(|error| DirectoryError::Away(error.to_string()))?;
            let unchanged = Change::Unchanged(pool_id.clone(), generation);
            let create = Change::Create(records::of_key(&pool_id, &key, sealer)?);
            match directory.write(vec![unchanged, create]).await {
                // Somebody else was there: is it lacking still?
                Ok(()) | Err(DirectoryError::Overtaken(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn without_encryption_key(records: &[Record]) -> Result<BTreeSet<String>, DirectoryError> {
    let mut pools: BTreeSet<_> = records
        .iter()
        .filter(|record| record.kind == Kind::UserPool)
        .map(|record| record.pool_id.clone())
        .collect();
    for record in records {
        if records::key_use(record)? == Some(KeyUse::SamlEncryption) {
            pools.remove(&record.pool_id);
        }
    }
    Ok(pools)
}
