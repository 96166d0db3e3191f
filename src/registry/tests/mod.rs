//! The keys of pools over a directory on the disk: made, completed, rolled over, read again.

mod races;
mod replicas;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use poolgate_providers::{Clock, Random, SystemRandom};
use time::{Duration, OffsetDateTime};

use super::{Edit, LivePool, Registry};
use crate::directory::sqlite::SqliteDirectory;
use crate::directory::{Change, Directory, DirectoryError, Kind};
use crate::keys::{KeyUse, Sealer};
use crate::testing::{self, NOW};

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> OffsetDateTime {
        NOW
    }
}

/// Breaks off when it was asked so many times.
struct BreaksOff(AtomicUsize);

impl Random for BreaksOff {
    fn fill(&self, bytes: &mut [u8]) {
        let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        assert!(left.is_ok(), "the test breaks off here");
        SystemRandom.fill(bytes);
    }
}

async fn directory(path: &Path) -> Arc<dyn Directory> {
    Arc::new(SqliteDirectory::open(path, Arc::new(Fixed)).await.unwrap())
}

async fn open_with(
    directory: &Arc<dyn Directory>,
    random: Arc<dyn Random>,
) -> Result<Arc<Registry>, DirectoryError> {
    let sealer = Sealer::new(&[7; 32], Arc::new(SystemRandom)).unwrap();
    let registry =
        Registry::open(Arc::clone(directory), sealer, Arc::new(Fixed), random, testing::surface()).await;
    registry.map(Arc::new)
}

async fn open(directory: &Arc<dyn Directory>) -> Arc<Registry> {
    open_with(directory, Arc::new(SystemRandom)).await.unwrap()
}

async fn make_pool(registry: &Arc<Registry>, id: &str) {
    let mut pool = testing::user_pool();
    pool.id = id.to_owned();
    registry.edit(vec![Edit::CreatePool(pool)]).await.unwrap();
}

fn pool(registry: &Registry, id: &str) -> Arc<LivePool> {
    Arc::clone(registry.snapshot().pool(id).unwrap())
}

/// As if the pools had been stored before there was a key of this use.
async fn forget(directory: &Arc<dyn Directory>, registry: &Registry, key_use: KeyUse) {
    for pool in registry.snapshot().pools() {
        for key in pool.keys.records().iter().filter(|key| key.key_use == key_use) {
            let change = Change::Delete(Kind::Key, pool.id().to_owned(), key.id.clone());
            directory.write(vec![change]).await.unwrap();
        }
    }
}

/// The ids of a pool's keys that are on the disk.
async fn stored(directory: &Arc<dyn Directory>, pool_id: &str) -> Vec<String> {
    let records = directory.load_pool(pool_id).await.unwrap();
    records.into_iter().filter(|record| record.kind == Kind::Key).map(|record| record.id).collect()
}

#[tokio::test]
async fn a_pool_stored_before_there_were_encryption_keys_gets_one_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.sqlite");
    let first = directory(&path).await;
    let registry = open(&first).await;
    make_pool(&registry, "us-east-1_A").await;
    let signing = pool(&registry, "us-east-1_A").keys.saml_signing().published(NOW)[0].to_owned();
    forget(&first, &registry, KeyUse::SamlEncryption).await;
    let made = pool(&*open(&first).await, "us-east-1_A").keys.encryption_certificate().to_owned();
    first.close().await;

    let second = directory(&path).await;
    let registry = open(&second).await;
    let keys = &pool(&registry, "us-east-1_A").keys;
    assert_eq!(keys.encryption_certificate(), made, "it was on the disk before it was shown");
    assert_eq!(keys.saml_encryption().len(), 1);
    assert_eq!(keys.saml_signing().published(NOW), [signing], "nothing else changed");
    second.close().await;
}

#[tokio::test]
async fn a_start_that_is_broken_off_goes_on_with_the_pools_that_are_left() {
    let folder = tempfile::tempdir().unwrap();
    let directory = directory(&folder.path().join("directory.sqlite")).await;
    let registry = open(&directory).await;
    make_pool(&registry, "us-east-1_A").await;
    make_pool(&registry, "us-east-1_B").await;
    forget(&directory, &registry, KeyUse::SamlEncryption).await;
    // A key asks twice: for the serial number of its certificate, and for its id.
    assert!(open_with(&directory, Arc::new(BreaksOff(AtomicUsize::new(3)))).await.is_err());
    let (one, two) = (stored(&directory, "us-east-1_A").await, stored(&directory, "us-east-1_B").await);
    assert_eq!((one.len(), two.len()), (5, 4), "the first is whole, of the second there is nothing");
    let registry = open(&directory).await;
    assert_eq!(stored(&directory, "us-east-1_A").await, one, "it is not made again");
    assert_eq!(pool(&registry, "us-east-1_B").keys.saml_encryption().len(), 1);
    directory.close().await;
}

#[tokio::test]
async fn a_key_that_was_lost_is_not_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let directory = directory(&folder.path().join("directory.sqlite")).await;
    let registry = open(&directory).await;
    make_pool(&registry, "us-east-1_A").await;
    forget(&directory, &registry, KeyUse::SamlSigning).await;
    let error = open_with(&directory, Arc::new(SystemRandom)).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("us-east-1_A has no SAML signing key"), "{error}");
    assert_eq!(stored(&directory, "us-east-1_A").await.len(), 4);
    directory.close().await;
}

#[tokio::test]
async fn a_rolled_over_key_and_its_moment_are_read_again_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.sqlite");
    let first = directory(&path).await;
    let registry = open(&first).await;
    make_pool(&registry, "us-east-1_A").await;
    let old = pool(&registry, "us-east-1_A").keys.saml_signing().in_use(NOW).certificate().to_owned();
    let made = registry.roll_key("us-east-1_A", KeyUse::SamlSigning, Duration::days(3)).await.unwrap();
    first.close().await;

    let second = directory(&path).await;
    let registry = open(&second).await;
    let keys = &pool(&registry, "us-east-1_A").keys;
    let new = made.certificate.unwrap();
    let in_use = |moment| keys.saml_signing().in_use(moment).certificate().to_owned();
    assert_eq!(in_use(NOW + Duration::days(3) - Duration::SECOND), old);
    assert_eq!(in_use(NOW + Duration::days(3)), new);
    registry.retire_key("us-east-1_A", &made.id, false).await.unwrap();
    assert_eq!(stored(&second, "us-east-1_A").await.len(), 5);
    second.close().await;
}
