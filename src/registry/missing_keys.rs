//! What a pool lacks because it was stored before there was such a thing: keys, and the groups of its providers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use poolgate_providers::{Clock, Random};

use super::records;
use crate::directory::{Change, Directory, DirectoryError, Kind, Record};
use crate::keys::{KeyUse, Sealer, pool_keys};
use crate::pool::IdentityProvider;

/// Every record of the directory, after each pool without a SAML encryption key has got one and each provider without
/// its own group that, and a generation that they all are no older than. Any other key that is missing was lost, and is
/// not made anew: tokens and providers depend on it.
///
/// Each key is written by itself, as are the groups of each pool, whole or not at all: whoever stops in between goes on with the rest next time. Of
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
        let groups = missing_groups(&records)?;
        if lacking.is_empty() && groups.is_empty() {
            return Ok((generation, records));
        }
        if !groups.is_empty() {
            tracing::info!(pools = groups.len(), "making the groups of providers that have none yet");
        }
        for (pool_id, groups) in groups {
            let unchanged = Change::Unchanged(pool_id.clone(), generation);
            let changes = std::iter::once(unchanged).chain(groups.into_iter().map(Change::Create));
            match directory.write(changes.collect()).await {
                // Somebody else was there: is one lacking still?
                Ok(()) | Err(DirectoryError::Overtaken(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if !lacking.is_empty() {
            make_keys(directory, sealer, clock, random, lacking, generation).await?;
        }
    }
}

/// Makes the keys of pools that had none at this generation.
async fn make_keys(
    directory: &dyn Directory,
    sealer: &Sealer,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
    lacking: BTreeSet<String>,
    generation: i64,
) -> Result<(), DirectoryError> {
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
    Ok(())
}

/// The groups of providers that were stored without one, by pool.
fn missing_groups(records: &[Record]) -> Result<BTreeMap<String, Vec<Record>>, DirectoryError> {
    let there: BTreeSet<(&str, &str)> = records
        .iter()
        .filter(|record| record.kind == Kind::Group)
        .map(|record| (&*record.pool_id, &*record.id))
        .collect();
    let mut missing = BTreeMap::<String, Vec<Record>>::new();
    for record in records.iter().filter(|record| record.kind == Kind::IdentityProvider) {
        if !there.contains(&(&*record.pool_id, &*IdentityProvider::group_of(&record.pool_id, &record.id))) {
            let group = records::of_group(&records::own_group(record)?, 0)?;
            missing.entry(record.pool_id.clone()).or_default().push(group);
        }
    }
    Ok(missing)
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
