//! Two replicas decide at the same moment.

use std::sync::{Arc, Barrier};

use poolgate_providers::{Random, SystemRandom};
use serde_json::json;
use time::Duration;

use super::super::{Edit, KeyChangeError, Registry};
use super::{directory, forget, make_pool, open, open_with, stored};
use crate::directory::{Directory, DirectoryError};
use crate::keys::KeyUse;
use crate::keys::roll_over::RollOverError;
use crate::testing;

const POOL: &str = "us-east-1_Tests0001";

async fn two() -> (tempfile::TempDir, Arc<dyn Directory>, Arc<Registry>, Arc<Registry>) {
    let folder = tempfile::tempdir().unwrap();
    let directory = directory(&folder.path().join("directory.sqlite")).await;
    let (one, two) = (open(&directory).await, open(&directory).await);
    make_pool(&one, POOL).await;
    two.caught_up().await.unwrap();
    (folder, directory, one, two)
}

/// Holds everybody up who makes a key, until all do: each has decided by then, and nobody has written.
struct Together(Barrier);

impl Random for Together {
    fn fill(&self, bytes: &mut [u8]) {
        // The serial number of the certificate: asked for once for each key.
        if bytes.len() == 16 {
            self.0.wait();
        }
        SystemRandom.fill(bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_roll_overs_at_once_one_is_done_and_the_other_is_told_of_it() {
    let (_folder, directory, _, _) = two().await;
    let together: Arc<dyn Random> = Arc::new(Together(Barrier::new(2)));
    let one = open_with(&directory, Arc::clone(&together)).await.unwrap();
    let two = open_with(&directory, together).await.unwrap();
    let wait = Duration::days(3);
    let (first, second) = tokio::join!(
        one.roll_key(POOL, KeyUse::SamlSigning, wait),
        two.roll_key(POOL, KeyUse::SamlSigning, wait)
    );
    let (made, refused) = match (first, second) {
        (Ok(made), Err(refused)) | (Err(refused), Ok(made)) => (made, refused),
        other => panic!("{other:?}"),
    };
    assert!(
        matches!(&refused, KeyChangeError::Rule(RollOverError::Waiting(id)) if *id == made.id),
        "{refused}"
    );
    assert_eq!(stored(&directory, POOL).await.len(), 6, "one key beside the five");
}

#[tokio::test]
async fn a_key_is_not_retired_on_a_decision_that_others_overtook() {
    let (_folder, directory, one, two) = two().await;
    let first = one.snapshot().pool(POOL).unwrap().keys.records().to_vec();
    let first = first.iter().find(|key| key.key_use == KeyUse::SamlEncryption).unwrap().id.clone();
    let new = one.roll_key(POOL, KeyUse::SamlEncryption, Duration::ZERO).await.unwrap();
    two.caught_up().await.unwrap();
    // Both have seen two keys. Each would retire another one.
    let seen = two.snapshot();
    one.retire_key(POOL, &first, false).await.unwrap();
    let edit = Edit::RemoveKey { pool_id: POOL.into(), key_id: new.id.clone() };
    let overtaken = two.edit_as_of(&seen, vec![edit]).await.unwrap_err();
    assert!(matches!(overtaken, DirectoryError::Overtaken(_)), "{overtaken}");
    let refused = two.retire_key(POOL, &new.id, false).await.unwrap_err();
    assert!(matches!(refused, KeyChangeError::Rule(RollOverError::Last(_))), "{refused}");
    assert!(stored(&directory, POOL).await.contains(&new.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_replicas_that_start_at_once_one_makes_the_key_that_is_missing() {
    let (_folder, directory, one, _) = two().await;
    forget(&directory, &one, KeyUse::SamlEncryption).await;
    let together: Arc<dyn Random> = Arc::new(Together(Barrier::new(2)));
    let start = || open_with(&directory, Arc::clone(&together));
    let (first, second) = tokio::join!(start(), start());
    let certificate = |registry: &Registry| {
        registry.snapshot().pool(POOL).unwrap().keys.encryption_certificate().to_owned()
    };
    assert_eq!(certificate(&first.unwrap()), certificate(&second.unwrap()));
    assert_eq!(stored(&directory, POOL).await.len(), 5);
}

#[tokio::test]
async fn what_was_deleted_and_made_anew_elsewhere_is_not_written_over() {
    let (_folder, _directory, one, two) = two().await;
    let client = || testing::client(json!({}));
    let provider = || testing::provider("Acme", json!({}));
    let domain = || crate::pool::Domain {
        domain: "acme".into(),
        user_pool_id: POOL.into(),
        custom_domain_config: None,
        rest: serde_json::Map::default(),
    };
    let make =
        || vec![Edit::CreateClient(client()), Edit::CreateProvider(provider()), Edit::CreateDomain(domain())];
    one.edit(make()).await.unwrap();
    two.caught_up().await.unwrap();
    let seen = two.snapshot();
    let pool = seen.pool(POOL).unwrap();
    let unmake = vec![
        Edit::DeleteClient { pool_id: POOL.into(), client_id: client().client_id },
        Edit::DeleteProvider { pool_id: POOL.into(), name: "Acme".into() },
        Edit::DeleteDomain { pool_id: POOL.into(), domain: "acme".into() },
    ];
    one.edit(unmake).await.unwrap();
    one.edit(make()).await.unwrap();
    for old in [
        Edit::UpdateClient(pool.clients[&client().client_id].clone()),
        Edit::UpdateProvider(pool.providers["Acme"].config.clone()),
        Edit::UpdateDomain(pool.domains[0].clone()),
    ] {
        let refused = two.edit(vec![old.clone()]).await;
        assert!(matches!(refused, Err(DirectoryError::Stale(_))), "{old:?}: {refused:?}");
    }
    // The pool itself: its id would have to be drawn again, and even then.
    let old = pool.pool.clone();
    one.edit(vec![Edit::DeletePool(POOL.into())]).await.unwrap();
    make_pool(&one, POOL).await;
    let refused = two.edit(vec![Edit::UpdatePool(old)]).await;
    assert!(matches!(refused, Err(DirectoryError::Stale(_))), "{refused:?}");
}

#[tokio::test]
async fn nothing_is_made_in_a_pool_that_another_replica_deleted() {
    let (_folder, directory, one, two) = two().await;
    let seen = two.snapshot();
    one.edit(vec![Edit::DeletePool(POOL.into())]).await.unwrap();
    let late = two.edit_as_of(&seen, vec![Edit::CreateClient(testing::client(json!({})))]).await;
    assert!(matches!(late, Err(DirectoryError::Overtaken(_))), "{late:?}");
    assert_eq!(directory.load_pool(POOL).await.unwrap(), []);
}
