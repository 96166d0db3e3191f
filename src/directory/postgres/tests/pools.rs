//! Pools that one replica deletes while another signs people in.

use super::POOL;
use super::races::{Replicas, commit};
use crate::directory::conformance::{profile, with_pools};
use crate::directory::{Change, Directory, DirectoryError};

/// The user is about to be made when the pool goes, or the other way round: nobody is left in a pool that has gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_goes_takes_everybody_along_who_is_just_being_made() {
    let replicas = Replicas::new().await;
    // As a sign-in makes a user, not committed yet.
    let other = replicas
        .other(
            "INSERT INTO users (pool_id, username, sub, attributes, enabled, status, created_at, modified_at) \
             SELECT c.pool_id, 'new', 'new', '{}', true, 'EXTERNAL_PROVIDER', 0, 0 FROM configuration c \
             WHERE c.kind = 'user_pool' AND c.id = 'eu-west-1_aBcDeF123' FOR KEY SHARE SKIP LOCKED",
        )
        .await;
    let directory = replicas.of(1);
    let deleting = tokio::spawn(async move { directory.write(vec![Change::DeletePool(POOL.into())]).await });
    replicas.somebody_waits().await;
    commit(other).await;
    deleting.await.unwrap().unwrap();
    assert_eq!(replicas.both[0].count_users(POOL).await.unwrap(), 0);
    for round in 0..40 {
        with_pools(&*replicas.both[0]).await;
        let (one, others) = (replicas.of(round), [replicas.of(round + 1), replicas.of(round)]);
        let signing_in: Vec<_> = others
            .into_iter()
            .enumerate()
            .map(|(person, other)| {
                let mine = profile("Okta", &format!("{round}-{person}"));
                tokio::spawn(async move { other.sign_in(mine).await })
            })
            .collect();
        one.write(vec![Change::DeletePool(POOL.into())]).await.unwrap();
        for sign_in in signing_in {
            let signed_in = sign_in.await.unwrap();
            assert!(matches!(signed_in, Ok(_) | Err(DirectoryError::Missing(_))), "{signed_in:?}");
        }
        assert_eq!(replicas.both[0].count_users(POOL).await.unwrap(), 0, "round {round}");
    }
}

/// Deleting a large pool takes long: who would be new in it is refused at once, and holds no connection meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_is_being_deleted_is_not_waited_for() {
    let replicas = Replicas::new().await;
    let other = replicas.other("DELETE FROM configuration").await;
    let refused = replicas.both[0].sign_in(profile("Okta", "new")).await;
    assert!(matches!(refused, Err(DirectoryError::Missing(_))), "{refused:?}");
    commit(other).await;
}
