//! Users and revocations: read, listed, filtered, deleted, kept.

use std::sync::Arc;

use time::Duration;

use super::{NOON, OTHER, POOL, Setting, count, opened, profile, record, user};
use crate::directory::{Change, DirectoryError, Kind, Record, UserFilter, UserQuery};

pub(crate) async fn a_deleted_user_is_gone_and_can_come_back_as_another(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let mut first = profile("Okta", "alice");
    first.set.insert("name".into(), "Alice".into());
    let first = directory.sign_in(first).await.unwrap();
    directory.delete_user(POOL, "Okta_alice").await.unwrap();
    assert_eq!(user(&directory, "Okta_alice").await, None);
    assert_eq!(directory.token_state(POOL, &first.sub, "family").await.unwrap().user, None);
    let mut again = profile("Okta", "alice");
    again.new_sub = "a new sub".into();
    let again = directory.sign_in(again).await.unwrap();
    assert_eq!((again.sub.as_str(), again.attributes.len()), ("a new sub", 1));
    directory.close().await;
}

pub(crate) async fn a_revoked_family_stays_revoked(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let revoked = async |pool: &str, family: &str| {
        directory.token_state(pool, &alice.sub, family).await.unwrap().revoked
    };
    assert!(!revoked(POOL, "family").await);
    let far = NOON + Duration::days(3650);
    directory.revoke_family(POOL, "family", far).await.unwrap();
    directory.revoke_family(POOL, "family", far).await.unwrap();
    assert!(revoked(POOL, "family").await);
    assert!(!revoked(POOL, "Family").await);
    assert!(!revoked(OTHER, "family").await);
    directory.close().await;
}

pub(crate) async fn users_are_listed_by_username_page_by_page(setting: &dyn Setting) {
    let directory = opened(setting).await;
    for subject in ["b", "a", "é", "B", "c"] {
        directory.sign_in(profile("Okta", subject)).await.unwrap();
    }
    let page = async |after: Option<&str>| {
        let query = UserQuery { filter: None, after: after.map(str::to_owned), limit: 2 };
        let users = directory.users(POOL, query).await.unwrap();
        users.into_iter().map(|user| user.username).collect::<Vec<_>>()
    };
    assert_eq!(page(None).await, ["Okta_B", "Okta_a"]);
    assert_eq!(page(Some("Okta_a")).await, ["Okta_b", "Okta_c"]);
    assert_eq!(page(Some("Okta_c")).await, ["Okta_é"]);
    assert_eq!(page(Some("Okta_é")).await, [""; 0]);
    assert_eq!(directory.users(OTHER, UserQuery { limit: 60, ..UserQuery::default() }).await.unwrap(), []);
    directory.close().await;
}

pub(crate) async fn users_are_filtered(setting: &dyn Setting) {
    let directory = opened(setting).await;
    for subject in ["ann", "anna", "bob_%", "bobby"] {
        let mut one = profile("Okta", subject);
        one.set.insert("custom:a.\"b".into(), subject.to_uppercase());
        directory.sign_in(one).await.unwrap();
    }
    let find = async |attribute: &str, prefix: bool, value: &str| {
        let filter = UserFilter { attribute: attribute.into(), prefix, value: value.into() };
        let query = UserQuery { filter: Some(filter), after: None, limit: 60 };
        let users = directory.users(POOL, query).await.unwrap();
        users.into_iter().map(|user| user.username["Okta_".len()..].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(find("username", false, "Okta_ann").await, ["ann"]);
    assert_eq!(find("username", true, "Okta_ann").await, ["ann", "anna"]);
    assert_eq!(find("username", true, "okta_ann").await, [""; 0]);
    assert_eq!(find("username", true, "Okta_bob_").await, ["bob_%"]);
    assert_eq!(find("username", true, "").await.len(), 4);
    assert_eq!(find("sub", false, "sub of Okta and anna").await, ["anna"]);
    assert_eq!(find("sub", true, "sub of Okta and ann").await, ["ann", "anna"]);
    assert_eq!(find("email", false, "bobby@example.com").await, ["bobby"]);
    assert_eq!(find("email", true, "bob_%").await, ["bob_%"]);
    assert_eq!(find("email", true, "%").await, [""; 0]);
    assert_eq!(find("custom:a.\"b", true, "ANN").await, ["ann", "anna"]);
    assert_eq!(find("name", true, "").await, [""; 0]);
    assert_eq!(find("status", false, "Enabled").await.len(), 4);
    assert_eq!(find("status", false, "Disabled").await, [""; 0]);
    assert_eq!(find("cognito:user_status", false, "external_provider").await.len(), 4);
    assert_eq!(find("cognito:user_status", true, "CONFIRMED").await, [""; 0]);
    directory.close().await;
}

pub(crate) async fn reopening_keeps_everything(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let it = record(POOL, Kind::Domain, "d", &[("domain", "auth")]);
    directory.write(vec![Change::Create(it.clone())]).await.unwrap();
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    directory.revoke_family(POOL, "family", NOON + Duration::days(1)).await.unwrap();
    directory.close().await;
    let directory = opened(setting).await;
    directory.ping().await.unwrap();
    let domains = directory.load().await.unwrap().into_iter().filter(|record| record.kind == Kind::Domain);
    assert_eq!(domains.collect::<Vec<_>>(), [Record { version: 3, ..it }]);
    assert_eq!(user(&directory, "Okta_alice").await.as_ref(), Some(&alice));
    assert!(directory.token_state(POOL, &alice.sub, "family").await.unwrap().revoked);
    assert_eq!(directory.sign_in(profile("Okta", "alice")).await.unwrap(), alice);
    directory.sign_in(profile("Okta", "bob")).await.unwrap();
    assert_eq!(count(&directory).await, 2);
    directory.close().await;
}

pub(crate) async fn a_closed_directory_says_so(setting: &dyn Setting) {
    let directory = opened(setting).await;
    directory.ping().await.unwrap();
    directory.close().await;
    assert!(matches!(directory.ping().await, Err(DirectoryError::Away(_))));
    assert!(matches!(directory.sign_in(profile("Okta", "alice")).await, Err(DirectoryError::Away(_))));
    assert!(matches!(directory.load().await, Err(DirectoryError::Away(_))));
}

pub(crate) async fn what_may_be_used_once_is_used_once(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let soon = NOON + time::Duration::minutes(5);
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let directory = Arc::clone(&directory);
            tokio::spawn(async move { directory.use_once("mark", soon).await.unwrap() })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        winners += usize::from(task.await.unwrap());
    }
    assert_eq!(winners, 1);
    assert!(directory.use_once("Mark", soon).await.unwrap());
    // One whose time has passed may be used again.
    assert!(directory.use_once("past", NOON).await.unwrap());
    assert!(directory.use_once("past", soon).await.unwrap());
    assert!(!directory.use_once("past", soon).await.unwrap());
    directory.close().await;
    let directory = opened(setting).await;
    assert!(!directory.use_once("mark", soon).await.unwrap());
    directory.close().await;
}
