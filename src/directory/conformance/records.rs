//! Configuration records: all or nothing, versions and unique names.

use std::collections::HashSet;
use std::sync::Arc;

use super::{NOON, OTHER, POOL, Setting, count, opened, profile, record};
use crate::directory::{Change, Changed, Directory, DirectoryError, INSTALLATION, Kind, Record, UniqueName};

async fn version_of(directory: &Arc<dyn Directory>, id: &str) -> i64 {
    let records = directory.load().await.unwrap();
    records.into_iter().find(|record| record.id == id).unwrap().version
}

pub(crate) async fn records_are_read_back_with_their_names(setting: &dyn Setting) {
    let directory = setting.open().await;
    let provider =
        record(POOL, Kind::IdentityProvider, "Okta", &[("identifier:p", "a.example"), ("identifier:p", "b")]);
    let mut key = record(POOL, Kind::Key, "k1", &[]);
    key.sealed = None;
    let elsewhere = record(OTHER, Kind::IdentityProvider, "Okta", &[]);
    let all = [provider.clone(), key.clone(), elsewhere.clone()];
    directory.write(all.iter().cloned().map(Change::Create).collect()).await.unwrap();
    let all = all.map(|record| Record { version: 1, ..record });
    let mut loaded = directory.load().await.unwrap();
    loaded.sort_by_key(|record| (record.pool_id != POOL, record.id.clone()));
    assert_eq!(loaded, all);
    let mut loaded = directory.load_pool(POOL).await.unwrap();
    loaded.sort_by_key(|record| record.id.clone());
    assert_eq!(loaded, all[..2]);
    assert_eq!(directory.load_pool("nowhere").await.unwrap(), []);
    directory.close().await;
}

pub(crate) async fn what_exists_is_not_created_again(setting: &dyn Setting) {
    let directory = setting.open().await;
    let first = record(POOL, Kind::AppClient, "c1", &[]);
    directory.write(vec![Change::Create(first.clone())]).await.unwrap();
    let mut second = first.clone();
    second.document = "{}".into();
    assert!(matches!(directory.write(vec![Change::Create(second)]).await, Err(DirectoryError::Exists(_))));
    assert_eq!(directory.load().await.unwrap(), [Record { version: 1, ..first }]);
    directory.close().await;
}

pub(crate) async fn a_name_is_held_by_one_record(setting: &dyn Setting) {
    let directory = setting.open().await;
    let first = record(POOL, Kind::Domain, "d1", &[("domain", "auth")]);
    let second = record(OTHER, Kind::Domain, "d2", &[("domain", "auth")]);
    directory.write(vec![Change::Create(first.clone())]).await.unwrap();
    let refused = directory.write(vec![Change::Create(second.clone())]).await;
    assert!(matches!(refused, Err(DirectoryError::Exists(what)) if what.contains("auth")));
    // The same name in another scope is another name; case counts.
    let mut other = second.clone();
    other.names = vec![
        UniqueName { scope: "client".into(), name: "auth".into() },
        UniqueName { scope: "domain".into(), name: "Auth".into() },
    ];
    directory.write(vec![Change::Create(other.clone())]).await.unwrap();
    // Replacing lets go of the old names, and cannot take another's.
    other.version = version_of(&directory, "d2").await;
    other.names = vec![UniqueName { scope: "domain".into(), name: "auth".into() }];
    assert!(matches!(
        directory.write(vec![Change::Replace(other.clone())]).await,
        Err(DirectoryError::Exists(_))
    ));
    directory.write(vec![Change::Delete(Kind::Domain, POOL.into(), "d1".into())]).await.unwrap();
    directory.write(vec![Change::Replace(other)]).await.unwrap();
    let loaded = directory.load().await.unwrap();
    assert_eq!(loaded.len(), 1);
    assert_eq!(loaded[0].names, second.names);
    directory.close().await;
}

pub(crate) async fn a_replacement_needs_the_version_it_replaces(setting: &dyn Setting) {
    let directory = setting.open().await;
    let mut it = record(POOL, Kind::AppClient, "c1", &[]);
    assert!(matches!(
        directory.write(vec![Change::Replace(it.clone())]).await,
        Err(DirectoryError::Stale(_))
    ));
    directory.write(vec![Change::Create(it.clone())]).await.unwrap();
    it.version = version_of(&directory, "c1").await;
    it.document = r#"{"changed":true}"#.into();
    it.sealed = None;
    directory.write(vec![Change::Replace(it.clone())]).await.unwrap();
    assert!(matches!(
        directory.write(vec![Change::Replace(it.clone())]).await,
        Err(DirectoryError::Stale(_))
    ));
    it.version = version_of(&directory, "c1").await;
    assert_eq!(directory.load().await.unwrap(), [it.clone()]);
    directory.write(vec![Change::Replace(it)]).await.unwrap();
    directory.close().await;
}

pub(crate) async fn of_concurrent_replacements_one_wins(setting: &dyn Setting) {
    let directory = setting.open().await;
    directory.write(vec![Change::Create(record(POOL, Kind::AppClient, "c1", &[]))]).await.unwrap();
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let directory = Arc::clone(&directory);
            tokio::spawn(async move {
                let mut mine = record(POOL, Kind::AppClient, "c1", &[]);
                mine.version = 1;
                mine.document = number.to_string();
                directory.write(vec![Change::Replace(mine)]).await.map(|()| number)
            })
        })
        .collect();
    let mut winners = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(number) => winners.push(number.to_string()),
            Err(DirectoryError::Stale(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(directory.load().await.unwrap()[0].document, winners[0]);
    directory.close().await;
}

pub(crate) async fn changes_happen_all_or_not_at_all(setting: &dyn Setting) {
    let directory = opened(setting).await;
    directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let mut changed = profile("Okta", "alice");
    changed.set.insert("name".into(), "Alice".into());
    let stays = record(POOL, Kind::AppClient, "stays", &[]);
    directory.write(vec![Change::Create(stays.clone())]).await.unwrap();
    let half = vec![
        Change::Create(record(POOL, Kind::Domain, "d1", &[("domain", "auth")])),
        Change::Delete(Kind::AppClient, POOL.into(), "stays".into()),
        Change::DeletePool(POOL.into()),
        Change::Create(record(OTHER, Kind::Key, "k", &[])),
        Change::Create(record(OTHER, Kind::Key, "k", &[])),
    ];
    let good = vec![Change::Create(record(POOL, Kind::AppClient, "neighbour", &[]))];
    let (refused, written, signed_in) =
        tokio::join!(directory.write(half), directory.write(good), directory.sign_in(changed));
    assert!(matches!(refused, Err(DirectoryError::Exists(_))));
    written.unwrap();
    assert_eq!(signed_in.unwrap().attributes["name"], "Alice");
    let ids: HashSet<String> = directory.load().await.unwrap().into_iter().map(|record| record.id).collect();
    assert_eq!(ids, HashSet::from([POOL, OTHER, "stays", "neighbour"].map(str::to_owned)));
    assert_eq!(count(&directory).await, 1);
    // The name went back with the rest.
    directory
        .write(vec![Change::Create(record(OTHER, Kind::Domain, "d2", &[("domain", "auth")]))])
        .await
        .unwrap();
    directory.close().await;
}

pub(crate) async fn what_is_missing_cannot_be_deleted(setting: &dyn Setting) {
    let directory = setting.open().await;
    let delete = vec![Change::Delete(Kind::AppClient, POOL.into(), "c1".into())];
    assert!(matches!(directory.write(delete).await, Err(DirectoryError::Missing(_))));
    assert!(matches!(directory.delete_user(POOL, "nobody").await, Err(DirectoryError::Missing(_))));
    directory.close().await;
}

pub(crate) async fn deleting_a_pool_removes_everything_of_it_alone(setting: &dyn Setting) {
    let directory = opened(setting).await;
    for pool in [POOL, OTHER] {
        let names = [("domain", pool)];
        directory.write(vec![Change::Create(record(pool, Kind::Domain, "d", &names))]).await.unwrap();
        let mut someone = profile("Okta", "alice");
        someone.pool_id = pool.into();
        directory.sign_in(someone).await.unwrap();
        directory.revoke_family(pool, "family", NOON).await.unwrap();
    }
    directory.write(vec![Change::DeletePool(POOL.into())]).await.unwrap();
    assert_eq!(directory.load_pool(POOL).await.unwrap(), []);
    assert_eq!(count(&directory).await, 0);
    let state = directory.token_state(POOL, "sub of Okta and alice", "family").await.unwrap();
    assert!(state.user.is_none() && !state.revoked);
    let state = directory.token_state(OTHER, "sub of Okta and alice", "family").await.unwrap();
    assert!(state.user.is_some() && state.revoked);
    assert_eq!(directory.load().await.unwrap().len(), 2);
    // Its names are free again.
    directory
        .write(vec![Change::Create(record(OTHER, Kind::Domain, "d2", &[("domain", POOL)]))])
        .await
        .unwrap();
    directory.close().await;
}

pub(crate) async fn what_was_written_since_is_told_pool_by_pool(setting: &dyn Setting) {
    let directory = setting.open().await;
    assert_eq!(directory.changed_since(0).await.unwrap(), Changed::default());
    directory.write(vec![Change::Create(record(POOL, Kind::Key, "k", &[]))]).await.unwrap();
    directory.write(vec![Change::Create(record(OTHER, Kind::Key, "k", &[]))]).await.unwrap();
    let both = directory.changed_since(0).await.unwrap();
    assert_eq!(both.pools, [POOL, OTHER]);
    assert_eq!(directory.changed_since(both.generation).await.unwrap().pools, [""; 0]);
    // What was refused was not written.
    directory.write(vec![Change::Create(record(POOL, Kind::Key, "k", &[]))]).await.unwrap_err();
    let none = Changed { generation: both.generation, pools: Vec::new() };
    assert_eq!(directory.changed_since(both.generation).await.unwrap(), none);
    directory.write(vec![Change::Delete(Kind::Key, POOL.into(), "k".into())]).await.unwrap();
    let one = directory.changed_since(both.generation).await.unwrap();
    assert_eq!(one.pools, [POOL]);
    assert!(one.generation > both.generation);
    directory.write(vec![Change::DeletePool(OTHER.into())]).await.unwrap();
    let deleted = directory.changed_since(one.generation).await.unwrap();
    assert_eq!(deleted.pools, [OTHER]);
    // Who has seen more than there is, as before a restored backup, is told so.
    let newest = Changed { generation: deleted.generation, pools: Vec::new() };
    assert_eq!(directory.changed_since(deleted.generation + 7).await.unwrap(), newest);
    directory.close().await;
    let directory = setting.open().await;
    assert_eq!(directory.changed_since(one.generation).await.unwrap(), deleted);
    directory.close().await;
}

pub(crate) async fn what_is_made_anew_never_has_an_old_version(setting: &dyn Setting) {
    let directory = setting.open().await;
    let mut seen = HashSet::new();
    for change in [1, 2] {
        let mut it = record(POOL, Kind::IdentityProvider, "Okta", &[]);
        directory.write(vec![Change::Create(it.clone())]).await.unwrap();
        it.version = version_of(&directory, "Okta").await;
        assert!(seen.insert(it.version), "{change}");
        directory.write(vec![Change::Replace(it)]).await.unwrap();
        assert!(seen.insert(version_of(&directory, "Okta").await), "{change}");
        // With the pool goes everything, but not the count.
        directory.write(vec![Change::DeletePool(POOL.into())]).await.unwrap();
    }
    directory.close().await;
}

pub(crate) async fn what_stands_on_a_pool_that_changed_is_not_written(setting: &dyn Setting) {
    let directory = setting.open().await;
    let make = |since: i64, id: &str| {
        vec![Change::Unchanged(POOL.into(), since), Change::Create(record(POOL, Kind::AppClient, id, &[]))]
    };
    directory.write(make(0, "c1")).await.unwrap();
    let refused = directory.write(make(0, "c2")).await;
    assert!(matches!(refused, Err(DirectoryError::Overtaken(pool)) if pool == POOL));
    let first = directory.changed_since(0).await.unwrap().generation;
    // Another pool does not count, a refused write neither, nor that whoever decides knows of later writes elsewhere.
    directory.write(vec![Change::Create(record(OTHER, Kind::Key, "k", &[]))]).await.unwrap();
    let elsewhere = directory.changed_since(0).await.unwrap().generation;
    assert!(elsewhere > first);
    directory.write(make(elsewhere, "c2")).await.unwrap();
    assert!(matches!(directory.write(make(elsewhere, "c3")).await, Err(DirectoryError::Overtaken(_))));
    assert!(matches!(directory.write(make(first, "c3")).await, Err(DirectoryError::Overtaken(_))));
    // Of many that stand on the same state, one is written; asking alone changes nothing.
    let second = directory.changed_since(0).await.unwrap().generation;
    directory.write(vec![Change::Unchanged(POOL.into(), second)]).await.unwrap();
    assert_eq!(directory.changed_since(0).await.unwrap().generation, second);
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let (directory, changes) = (Arc::clone(&directory), make(second, &format!("d{number}")));
            tokio::spawn(async move { directory.write(changes).await })
        })
        .collect();
    let mut written = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => written += 1,
            Err(DirectoryError::Overtaken(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((written, directory.load_pool(POOL).await.unwrap().len()), (1, 3));
    directory.write(vec![Change::DeletePool(POOL.into())]).await.unwrap();
    // A pool that was deleted has changed: nothing is made in it any more.
    assert!(matches!(directory.write(make(second, "late")).await, Err(DirectoryError::Overtaken(_))));
    assert_eq!(directory.load_pool(POOL).await.unwrap(), []);
    directory.close().await;
}

pub(crate) async fn what_belongs_to_no_pool_is_kept_like_the_rest(setting: &dyn Setting) {
    let directory = setting.open().await;
    let certificate = record(INSTALLATION, Kind::Certificate, "arn", &[]);
    let pool = record(POOL, Kind::UserPool, POOL, &[]);
    directory.write(vec![Change::Create(pool), Change::Create(certificate.clone())]).await.unwrap();
    let made = Record { version: 1, ..certificate };
    assert_eq!(directory.load_pool(INSTALLATION).await.unwrap(), std::slice::from_ref(&made));
    let changed = directory.changed_since(0).await.unwrap();
    assert_eq!(
        changed.pools.iter().collect::<HashSet<_>>(),
        HashSet::from([&INSTALLATION.to_owned(), &POOL.to_owned()])
    );
    directory.write(vec![Change::DeletePool(POOL.into())]).await.unwrap();
    assert_eq!(directory.load().await.unwrap(), std::slice::from_ref(&made), "no pool takes it along");
    let unchanged = Change::Unchanged(INSTALLATION.into(), 0);
    let refused = directory.write(vec![unchanged, Change::Replace(made.clone())]).await;
    assert!(matches!(refused, Err(DirectoryError::Overtaken(_))), "{refused:?}");
    directory.write(vec![Change::Replace(made)]).await.unwrap();
    let removed = Change::Delete(Kind::Certificate, INSTALLATION.into(), "arn".into());
    directory.write(vec![removed]).await.unwrap();
    assert_eq!(directory.load().await.unwrap(), []);
    directory.close().await;
}
