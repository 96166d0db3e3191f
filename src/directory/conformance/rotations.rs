//! Refresh tokens that were replaced: one of each generation, never back, kept.

use std::sync::Arc;

use time::Duration;

use super::{NOON, OTHER, POOL, Setting, opened, profile, with_pools};
use crate::directory::stored::millis;
use crate::directory::{Change, Directory, DirectoryError, MOST_REPLACED, Rotated, Rotation};

/// The token of this generation, named so, takes the place of the one before it.
pub(crate) fn rotation(family: &str, generation: i64, jti: &str) -> Rotation {
    Rotation {
        pool_id: POOL.into(),
        origin_jti: family.into(),
        generation,
        jti: jti.into(),
        at: NOON + Duration::seconds(generation),
        until: NOON + Duration::days(30),
    }
}

async fn rotated(directory: &Arc<dyn Directory>, pool: &str, family: &str) -> Option<Rotated> {
    directory.token_state(pool, "nobody", family).await.unwrap().rotated
}

/// Replaced for the last time with these generations.
fn of(generations: &[i64]) -> Option<Rotated> {
    let replaced = generations.iter().map(|number| millis(NOON + Duration::seconds(*number))).collect();
    Some(Rotated { generation: generations[0], replaced })
}

pub(crate) async fn of_those_who_rotate_a_generation_at_once_one_does(setting: &dyn Setting) {
    let directory = opened(setting).await;
    for generation in 1..4 {
        let tasks: Vec<_> = (0..30)
            .map(|number| {
                let directory = Arc::clone(&directory);
                let it = rotation("family", generation, &format!("t{number}"));
                tokio::spawn(async move { directory.rotate(it).await.unwrap() })
            })
            .collect();
        let mut winners = 0;
        for task in tasks {
            winners += usize::from(task.await.unwrap());
        }
        assert_eq!(winners, 1, "generation {generation}");
    }
    directory.close().await;
}

pub(crate) async fn a_rotation_is_read_with_the_token_and_never_goes_back(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    assert_eq!(rotated(&directory, POOL, "family").await, None);
    assert!(directory.rotate(rotation("family", 1, "a")).await.unwrap());
    let state = directory.token_state(POOL, &alice.sub, "family").await.unwrap();
    assert_eq!((state.user, state.revoked, state.rotated), (Some(alice), false, of(&[1])));
    assert!(directory.rotate(rotation("family", 2, "b")).await.unwrap());
    for late in [1, 2] {
        assert!(!directory.rotate(rotation("family", late, "late")).await.unwrap());
    }
    assert_eq!(rotated(&directory, POOL, "family").await, of(&[2, 1]));
    for generation in 3..12 {
        assert!(directory.rotate(rotation("family", generation, "c")).await.unwrap());
    }
    let newest = [11, 10, 9, 8, 7, 6, 5, 4];
    assert_eq!(rotated(&directory, POOL, "family").await, of(&newest), "it is known of so many");
    assert_eq!(newest.len(), MOST_REPLACED);
    assert_eq!(rotated(&directory, POOL, "Family").await, None);
    assert_eq!(rotated(&directory, OTHER, "family").await, None);
    let nul = directory.rotate(rotation("fam\0ily", 1, "a")).await;
    assert!(matches!(nul, Err(DirectoryError::Unstorable(_))), "{nul:?}");
    directory.close().await;
}

pub(crate) async fn a_rotation_that_is_written_twice_is_one(setting: &dyn Setting) {
    let directory = opened(setting).await;
    for _ in 0..2 {
        assert!(directory.rotate(rotation("family", 1, "a")).await.unwrap());
    }
    assert!(directory.rotate(rotation("family", 2, "b")).await.unwrap());
    assert!(!directory.rotate(rotation("family", 1, "a")).await.unwrap(), "it has passed");
    assert_eq!(rotated(&directory, POOL, "family").await, of(&[2, 1]));
    directory.close().await;
}

pub(crate) async fn rotations_are_kept_and_go_with_their_pool(setting: &dyn Setting) {
    let directory = opened(setting).await;
    directory.rotate(rotation("family", 7, "a")).await.unwrap();
    directory.close().await;
    let directory = opened(setting).await;
    assert_eq!(rotated(&directory, POOL, "family").await, of(&[7]));
    assert!(!directory.rotate(rotation("family", 7, "b")).await.unwrap());
    directory.write(vec![Change::DeletePool(POOL.into())]).await.unwrap();
    with_pools(&*directory).await;
    assert_eq!(rotated(&directory, POOL, "family").await, None);
    directory.close().await;
}
