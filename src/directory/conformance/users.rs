//! Users and revocations: read, listed, filtered, deleted, kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use time::Duration;

use super::{NOON, OTHER, POOL, Setting, count, opened, profile, record, strings, user};
use crate::directory::{Change, DirectoryError, Kind, LastUser, Record, UserFilter, UserQuery};
use crate::pool::{ProfileError, UserChange};

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
        let after = after.map(|name| LastUser { value: String::new(), username: name.to_owned() });
        let query = UserQuery { filter: None, after, limit: 2 };
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

pub(crate) async fn users_are_listed_by_what_they_are_filtered_by(setting: &dyn Setting) {
    let directory = opened(setting).await;
    for (subject, name) in
        [("e", "Smith"), ("d", "Smithé"), ("c", "Smithson"), ("b", "smith"), ("a", "Smithson"), ("f", "Smi")]
    {
        let mut one = profile("Okta", subject);
        one.set.insert("custom:a.\"b".into(), name.into());
        directory.sign_in(one).await.unwrap();
    }
    directory.sign_in(profile("Okta", "nameless")).await.unwrap();
    let pages = async |attribute: &str, prefix: bool, value: &str| {
        let filter = UserFilter { attribute: attribute.into(), prefix, value: value.into() };
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let query = UserQuery { filter: Some(filter.clone()), after: after.take(), limit: 2 };
            let users = directory.users(POOL, query).await.unwrap();
            let Some(last) = users.last() else { return seen.join(" ") };
            let value = filter.value_of(last).to_owned();
            after = Some(LastUser { value, username: last.username.clone() });
            seen.extend(users.iter().map(|user| user.username["Okta_".len()..].to_owned()));
        }
    };
    assert_eq!(pages("custom:a.\"b", true, "Smi").await, "f e a c d");
    assert_eq!(pages("custom:a.\"b", true, "").await, "f e a c d b");
    assert_eq!(pages("custom:a.\"b", false, "Smithson").await, "a c");
    assert_eq!(pages("email", true, "").await, "a b c d e f nameless");
    assert_eq!(pages("sub", true, "sub of").await, "a b c d e f nameless");
    assert_eq!(pages("username", true, "Okta_").await, "a b c d e f nameless");
    assert_eq!(pages("cognito:user_status", true, "external").await, "a b c d e f nameless");
    let off = UserChange { enabled: Some(false), ..UserChange::at(NOON) };
    directory.change_user(POOL, "Okta_b", off).await.unwrap();
    assert_eq!(pages("status", true, "").await, "b a c d e f nameless");
    assert_eq!(pages("status", false, "Enabled").await, "a c d e f nameless");
    directory.close().await;
}

pub(crate) async fn a_user_is_changed_and_read_back(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let before = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let bob = directory.sign_in(profile("Okta", "bob")).await.unwrap();
    let (later, out) = (NOON + Duration::HOUR, NOON + Duration::microseconds(1_234_567));
    let change = UserChange {
        only: Some(before.sub.clone()),
        set: strings([("email", "new@example.com"), ("custom:a.\"b", "'; x \u{1F600}")]),
        remove: vec!["name".into()],
        enabled: Some(false),
        signed_out_at: Some(out),
        at: later + Duration::nanoseconds(5),
    };
    directory.change_user(POOL, "Okta_alice", change.clone()).await.unwrap();
    let mut expected = before.clone();
    expected.attributes = change.set.clone();
    expected.attributes.insert("email_verified".into(), "false".into());
    expected.enabled = false;
    expected.modified_at = later;
    expected.signed_out_at = Some(NOON + Duration::milliseconds(1_234));
    assert_eq!(user(&directory, "Okta_alice").await, Some(expected.clone()));
    let state = directory.token_state(POOL, &before.sub, "family").await.unwrap();
    assert_eq!(state.user, Some(expected.clone()));
    assert!(matches!(
        directory.sign_in(profile("Okta", "alice")).await,
        Err(DirectoryError::Profile(ProfileError::Disabled))
    ));
    let earlier = UserChange { signed_out_at: Some(NOON), ..UserChange::at(later) };
    directory.change_user(POOL, "Okta_alice", earlier).await.unwrap();
    assert_eq!(user(&directory, "Okta_alice").await, Some(expected.clone()), "no sign-out is taken back");
    assert_eq!(user(&directory, "Okta_bob").await, Some(bob), "nobody else is changed");
    directory.close().await;
    let directory = opened(setting).await;
    assert_eq!(user(&directory, "Okta_alice").await, Some(expected));
    directory.close().await;
}

pub(crate) async fn a_change_that_fits_no_user_changes_nothing(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let before = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let change = UserChange { enabled: Some(false), ..UserChange::at(NOON + Duration::HOUR) };
    for (pool, name, only) in [
        (POOL, "Okta_Alice", None),
        (OTHER, "Okta_alice", None),
        (POOL, "Okta_alice", Some("sub of another")),
        (POOL, "Okta_alice\0", None),
    ] {
        let change = UserChange { only: only.map(str::to_owned), ..change.clone() };
        let refused = directory.change_user(pool, name, change).await;
        assert!(matches!(refused, Err(DirectoryError::Missing(_))), "{pool} {name}: {refused:?}");
    }
    let unfit = UserChange { set: strings([("phone_number_verified", "true")]), ..change.clone() };
    let refused = directory.change_user(POOL, "Okta_alice", unfit).await;
    assert!(matches!(refused, Err(DirectoryError::Change(_))), "{refused:?}");
    let nul = UserChange { set: strings([("name", "a\0b")]), ..change };
    let refused = directory.change_user(POOL, "Okta_alice", nul).await;
    assert!(matches!(refused, Err(DirectoryError::Unstorable(_))), "{refused:?}");
    assert_eq!(user(&directory, "Okta_alice").await, Some(before));
    directory.close().await;
}

pub(crate) async fn changes_and_sign_ins_at_once_lose_nothing_of_each_other(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let tasks: Vec<_> = (0..20)
        .map(|number: i64| {
            let directory = Arc::clone(&directory);
            tokio::spawn(async move {
                let name = format!("custom:{number}");
                if number % 2 == 0 {
                    let mut profile = profile("Okta", "alice");
                    profile.set.insert(name, "by a sign-in".into());
                    directory.sign_in(profile).await.unwrap();
                } else {
                    let out = NOON + Duration::milliseconds(number);
                    let set = BTreeMap::from([(name, "by a change".to_owned())]);
                    let change = UserChange { set, signed_out_at: Some(out), ..UserChange::at(NOON) };
                    directory.change_user(POOL, "Okta_alice", change).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let after = user(&directory, "Okta_alice").await.unwrap();
    assert_eq!(after.attributes.len(), alice.attributes.len() + 20, "{:?}", after.attributes);
    assert_eq!(after.signed_out_at, Some(NOON + Duration::milliseconds(19)));
    directory.close().await;
}

pub(crate) async fn a_user_is_deleted_by_sub_and_never_its_successor(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let first = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    directory.delete_user_of_sub(POOL, &first.sub).await.unwrap();
    let mut again = profile("Okta", "alice");
    again.new_sub = "a new sub".into();
    let again = directory.sign_in(again).await.unwrap();
    for (pool, sub) in [(POOL, first.sub.as_str()), (OTHER, again.sub.as_str()), (POOL, "")] {
        let refused = directory.delete_user_of_sub(pool, sub).await;
        assert!(matches!(refused, Err(DirectoryError::Missing(_))), "{refused:?}");
    }
    assert_eq!(user(&directory, "Okta_alice").await, Some(again));
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
