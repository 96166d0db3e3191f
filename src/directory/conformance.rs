//! What every directory must do. An implementation runs all of it with [`directory_conformance!`].

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use time::{Duration, OffsetDateTime};

use super::{Change, Directory, DirectoryError, Kind, Record, UniqueName, UserFilter, UserQuery};
use crate::pool::{FederatedProfile, Identity, ProfileError, User};

/// A place where one directory lives, empty at first.
#[async_trait]
pub(crate) trait Setting: Send + Sync {
    /// Opens it. Whatever was opened before is closed by then.
    async fn open(&self) -> Arc<dyn Directory>;
}

/// Makes a test of every rule, each with a setting of its own.
macro_rules! directory_conformance {
    ($setting:expr) => {
        $crate::directory::conformance::directory_conformance!(@ $setting;
            a_new_identity_makes_a_user_and_a_known_one_finds_it,
            a_sign_in_that_changes_nothing_changes_nothing,
            a_sign_in_that_changes_something_is_read_back,
            a_pair_that_joins_to_the_same_text_is_another_identity,
            subjects_that_differ_by_case_or_accent_are_different_users,
            a_username_of_another_identity_is_refused,
            the_same_identity_in_another_pool_is_another_user,
            a_refused_profile_writes_nothing_and_spares_its_neighbours,
            concurrent_sign_ins_of_one_new_user_make_one_user,
            concurrent_sign_ins_of_many_users_do_not_mix,
            text_with_a_nul_is_refused,
            hostile_text_is_kept_as_it_came,
            records_are_read_back_with_their_names,
            what_exists_is_not_created_again,
            a_name_is_held_by_one_record,
            a_replacement_needs_the_version_it_replaces,
            of_concurrent_replacements_one_wins,
            changes_happen_all_or_not_at_all,
            what_is_missing_cannot_be_deleted,
            deleting_a_pool_removes_everything_of_it_alone,
            a_deleted_user_is_gone_and_can_come_back_as_another,
            a_revoked_family_stays_revoked,
            users_are_listed_by_username_page_by_page,
            users_are_filtered,
            reopening_keeps_everything,
            a_closed_directory_says_so
        );
    };
    (@ $setting:expr; $($rule:ident),*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                let setting = $setting;
                $crate::directory::conformance::$rule(&setting).await;
            }
        )*
    };
}
pub(crate) use directory_conformance;

const POOL: &str = "eu-west-1_aBcDeF123";
const OTHER: &str = "eu-west-1_zYxWvU987";
const NOON: OffsetDateTime = time::macros::datetime!(2026-11-21 12:00 UTC);

fn strings<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A sign-in of `subject` at `provider` with an e-mail address.
pub(crate) fn profile(provider: &str, subject: &str) -> FederatedProfile {
    FederatedProfile {
        pool_id: POOL.into(),
        username: format!("{provider}_{subject}"),
        new_sub: format!("sub of {provider} and {subject}"),
        identity: Identity {
            provider_name: provider.into(),
            provider_type: "SAML".into(),
            user_id: subject.into(),
            issuer: Some("https://idp.example/saml".into()),
            primary: true,
            date_created: 1_795_262_400_000,
        },
        set: strings([("email", &format!("{subject}@example.com"))]),
        remove: Vec::new(),
        required: vec!["email".into()],
        immutable: Vec::new(),
        group: format!("{POOL}_{provider}"),
        at: NOON,
    }
}

fn record(pool_id: &str, kind: Kind, id: &str, names: &[(&str, &str)]) -> Record {
    Record {
        kind,
        pool_id: pool_id.into(),
        id: id.into(),
        document: format!(r#"{{"id":"{id}"}}"#),
        sealed: Some(vec![0, 1, 255]),
        names: names
            .iter()
            .map(|(scope, name)| UniqueName { scope: (*scope).into(), name: (*name).into() })
            .collect(),
        version: 0,
    }
}

async fn user(directory: &Arc<dyn Directory>, username: &str) -> Option<User> {
    directory.user(POOL, username).await.unwrap()
}

async fn count(directory: &Arc<dyn Directory>) -> u64 {
    directory.count_users(POOL).await.unwrap()
}

pub(crate) async fn a_new_identity_makes_a_user_and_a_known_one_finds_it(setting: &dyn Setting) {
    let directory = setting.open().await;
    let made = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    assert_eq!((made.username.as_str(), made.sub.as_str()), ("Okta_alice", "sub of Okta and alice"));
    assert_eq!(made.identities, [profile("Okta", "alice").identity]);
    assert_eq!(made.groups, ["eu-west-1_aBcDeF123_Okta"]);
    assert_eq!(user(&directory, "Okta_alice").await.as_ref(), Some(&made));
    // Known by its identity, whatever name or sub a new user would get now.
    let mut again = profile("Okta", "alice");
    again.username = "another".into();
    again.new_sub = "another".into();
    assert_eq!(directory.sign_in(again).await.unwrap(), made);
    assert_eq!(count(&directory).await, 1);
    directory.close().await;
}

pub(crate) async fn a_sign_in_that_changes_nothing_changes_nothing(setting: &dyn Setting) {
    let directory = setting.open().await;
    let made = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let mut later = profile("Okta", "alice");
    later.at = NOON + Duration::HOUR;
    assert_eq!(directory.sign_in(later).await.unwrap(), made);
    assert_eq!(user(&directory, "Okta_alice").await, Some(made));
    directory.close().await;
}

pub(crate) async fn a_sign_in_that_changes_something_is_read_back(setting: &dyn Setting) {
    let directory = setting.open().await;
    let mut first = profile("Okta", "alice");
    first.set = strings([("email", "a@example.com"), ("name", "Alice"), ("custom:team", "red")]);
    let made = directory.sign_in(first).await.unwrap();
    let mut second = profile("Okta", "alice");
    second.set = strings([("email", "b@example.com")]);
    second.remove = vec!["name".into()];
    second.group = "another group".into();
    second.at = NOON + Duration::HOUR + Duration::nanoseconds(1_234_567);
    let changed = directory.sign_in(second).await.unwrap();
    assert_eq!(changed.attributes, strings([("email", "b@example.com"), ("custom:team", "red")]));
    assert_eq!(changed.groups, ["eu-west-1_aBcDeF123_Okta", "another group"]);
    assert_eq!(changed.modified_at, NOON + Duration::HOUR + Duration::milliseconds(1));
    assert_eq!((&changed.sub, changed.created_at), (&made.sub, NOON));
    assert_eq!(user(&directory, "Okta_alice").await, Some(changed));
    directory.close().await;
}

pub(crate) async fn a_pair_that_joins_to_the_same_text_is_another_identity(setting: &dyn Setting) {
    let directory = setting.open().await;
    let first = directory.sign_in(profile("A_b", "c")).await.unwrap();
    // The joined username is the same text: the second must not become the first.
    assert!(matches!(
        directory.sign_in(profile("A", "b_c")).await,
        Err(DirectoryError::UsernameTaken(name)) if name == "A_b_c"
    ));
    let mut second = profile("A", "b_c");
    second.username = "A_b_c (2)".into();
    let second = directory.sign_in(second).await.unwrap();
    assert_ne!(first.sub, second.sub);
    assert_eq!(directory.sign_in(profile("A", "b_c")).await.unwrap(), second);
    assert_eq!(directory.sign_in(profile("A_b", "c")).await.unwrap(), first);
    directory.close().await;
}

pub(crate) async fn subjects_that_differ_by_case_or_accent_are_different_users(setting: &dyn Setting) {
    let directory = setting.open().await;
    let subjects =
        ["alice", "Alice", "ALICE", "alicé", "alice\u{301}", "alice ", " alice", "007", "7", "ß", "ss"];
    let mut subs = HashSet::new();
    for subject in subjects {
        subs.insert(directory.sign_in(profile("Okta", subject)).await.unwrap().sub);
    }
    for provider in ["okta", "OKTA"] {
        subs.insert(directory.sign_in(profile(provider, "alice")).await.unwrap().sub);
    }
    assert_eq!(subs.len(), subjects.len() + 2);
    directory.close().await;
}

pub(crate) async fn a_username_of_another_identity_is_refused(setting: &dyn Setting) {
    let directory = setting.open().await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let mut thief = profile("Evil", "mallory");
    thief.username = "Okta_alice".into();
    assert!(matches!(directory.sign_in(thief).await, Err(DirectoryError::UsernameTaken(_))));
    assert_eq!(user(&directory, "Okta_alice").await, Some(alice));
    assert_eq!(count(&directory).await, 1);
    directory.close().await;
}

pub(crate) async fn the_same_identity_in_another_pool_is_another_user(setting: &dyn Setting) {
    let directory = setting.open().await;
    let here = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let mut there = profile("Okta", "alice");
    there.pool_id = OTHER.into();
    there.new_sub = "another".into();
    assert_eq!(directory.sign_in(there).await.unwrap().sub, "another");
    assert_eq!(directory.token_state(OTHER, &here.sub, "family").await.unwrap().user, None);
    assert_eq!(directory.token_state(POOL, &here.sub, "family").await.unwrap().user, Some(here));
    directory.close().await;
}

pub(crate) async fn a_refused_profile_writes_nothing_and_spares_its_neighbours(setting: &dyn Setting) {
    let directory = setting.open().await;
    let mut first = profile("Okta", "alice");
    first.immutable = vec!["email".into()];
    let alice = directory.sign_in(first.clone()).await.unwrap();
    first.set = strings([("email", "other@example.com"), ("name", "Eve")]);
    let mut lacking = profile("Okta", "lacking");
    lacking.required.push("phone_number".into());
    // Together, so that an implementation which groups them meets them in one group.
    let (immutable, required, good) = tokio::join!(
        directory.sign_in(first),
        directory.sign_in(lacking),
        directory.sign_in(profile("Okta", "good"))
    );
    assert!(
        matches!(immutable, Err(DirectoryError::Profile(ProfileError::Immutable(name))) if name == "email")
    );
    assert!(
        matches!(required, Err(DirectoryError::Profile(ProfileError::Required(name))) if name == "phone_number")
    );
    assert_eq!(user(&directory, "Okta_good").await, Some(good.unwrap()));
    assert_eq!(user(&directory, "Okta_alice").await, Some(alice));
    assert_eq!(user(&directory, "Okta_lacking").await, None);
    directory.close().await;
}

pub(crate) async fn concurrent_sign_ins_of_one_new_user_make_one_user(setting: &dyn Setting) {
    let directory = setting.open().await;
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let directory = Arc::clone(&directory);
            tokio::spawn(async move {
                let mut mine = profile("Okta", "alice");
                mine.new_sub = format!("sub {number}");
                mine.set.insert(format!("custom:{number}"), "seen".into());
                directory.sign_in(mine).await.unwrap()
            })
        })
        .collect();
    let mut subs = HashSet::new();
    for (number, task) in tasks.into_iter().enumerate() {
        let user = task.await.unwrap();
        assert!(user.attributes.contains_key(&format!("custom:{number}")));
        subs.insert(user.sub);
    }
    assert_eq!(subs.len(), 1);
    assert_eq!(count(&directory).await, 1);
    // None of the changes was lost to another.
    assert_eq!(user(&directory, "Okta_alice").await.unwrap().attributes.len(), 101);
    directory.close().await;
}

pub(crate) async fn concurrent_sign_ins_of_many_users_do_not_mix(setting: &dyn Setting) {
    let directory = setting.open().await;
    let tasks: Vec<_> = (0..300)
        .map(|number| {
            let directory = Arc::clone(&directory);
            let subject = format!("user{}", number % 150);
            tokio::spawn(async move {
                (subject.clone(), directory.sign_in(profile("Okta", &subject)).await.unwrap())
            })
        })
        .collect();
    for task in tasks {
        let (subject, signed_in) = task.await.unwrap();
        assert_eq!(signed_in.username, format!("Okta_{subject}"));
        assert_eq!(signed_in.identities[0].user_id, subject);
        assert_eq!(user(&directory, &signed_in.username).await, Some(signed_in));
    }
    assert_eq!(count(&directory).await, 150);
    directory.close().await;
}

pub(crate) async fn text_with_a_nul_is_refused(setting: &dyn Setting) {
    let directory = setting.open().await;
    directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let mut attribute = profile("Okta", "bob");
    attribute.set.insert("name".into(), "Bob\0".into());
    for hostile in [profile("Okta", "alice\0"), profile("Okta", "alice\0x"), attribute] {
        assert!(matches!(directory.sign_in(hostile).await, Err(DirectoryError::Unstorable(_))));
    }
    assert_eq!(count(&directory).await, 1);
    directory.close().await;
}

pub(crate) async fn hostile_text_is_kept_as_it_came(setting: &dyn Setting) {
    let directory = setting.open().await;
    let texts = [
        "'; DROP TABLE users; --",
        "\"$[0]\\u0041\\",
        "[1,2]",
        "null",
        "1e3",
        "\u{FFFE}\u{10FFFF}",
        "\r\n\t\u{1}",
    ];
    for text in texts {
        let mut hostile = profile("Okta", text);
        hostile.set.insert(text.into(), text.into());
        let made = directory.sign_in(hostile.clone()).await.unwrap();
        assert_eq!(made.identities[0].user_id, text);
        assert_eq!(directory.sign_in(hostile).await.unwrap(), made);
        assert_eq!(user(&directory, &format!("Okta_{text}")).await, Some(made));
        directory.revoke_family(POOL, text, NOON).await.unwrap();
        assert!(directory.token_state(POOL, "nobody", text).await.unwrap().revoked);
    }
    assert_eq!(count(&directory).await, texts.len() as u64);
    directory.close().await;
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
    assert_eq!(directory.load().await.unwrap(), [first]);
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
    it.document = r#"{"changed":true}"#.into();
    it.sealed = None;
    directory.write(vec![Change::Replace(it.clone())]).await.unwrap();
    assert!(matches!(
        directory.write(vec![Change::Replace(it.clone())]).await,
        Err(DirectoryError::Stale(_))
    ));
    it.version = 1;
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
    let directory = setting.open().await;
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
    let (refused, written, signed_in) = tokio::join!(
        directory.write(half),
        directory.write(good),
        directory.sign_in(profile("Okta", "alice"))
    );
    assert!(matches!(refused, Err(DirectoryError::Exists(_))));
    written.unwrap();
    signed_in.unwrap();
    let ids: HashSet<String> = directory.load().await.unwrap().into_iter().map(|record| record.id).collect();
    assert_eq!(ids, HashSet::from(["stays".to_owned(), "neighbour".to_owned()]));
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
    let directory = setting.open().await;
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
    assert_eq!(directory.load().await.unwrap().len(), 1);
    // Its names are free again.
    directory
        .write(vec![Change::Create(record(OTHER, Kind::Domain, "d2", &[("domain", POOL)]))])
        .await
        .unwrap();
    directory.close().await;
}

pub(crate) async fn a_deleted_user_is_gone_and_can_come_back_as_another(setting: &dyn Setting) {
    let directory = setting.open().await;
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
    let directory = setting.open().await;
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
    let directory = setting.open().await;
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
    let directory = setting.open().await;
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
    let directory = setting.open().await;
    let it = record(POOL, Kind::Domain, "d", &[("domain", "auth")]);
    directory.write(vec![Change::Create(it.clone())]).await.unwrap();
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    directory.revoke_family(POOL, "family", NOON + Duration::days(1)).await.unwrap();
    directory.close().await;
    let directory = setting.open().await;
    directory.ping().await.unwrap();
    assert_eq!(directory.load().await.unwrap(), [it]);
    assert_eq!(user(&directory, "Okta_alice").await.as_ref(), Some(&alice));
    assert!(directory.token_state(POOL, &alice.sub, "family").await.unwrap().revoked);
    assert_eq!(directory.sign_in(profile("Okta", "alice")).await.unwrap(), alice);
    directory.sign_in(profile("Okta", "bob")).await.unwrap();
    assert_eq!(count(&directory).await, 2);
    directory.close().await;
}

pub(crate) async fn a_closed_directory_says_so(setting: &dyn Setting) {
    let directory = setting.open().await;
    directory.ping().await.unwrap();
    directory.close().await;
    assert!(matches!(directory.ping().await, Err(DirectoryError::Away(_))));
    assert!(matches!(directory.sign_in(profile("Okta", "alice")).await, Err(DirectoryError::Away(_))));
    assert!(matches!(directory.load().await, Err(DirectoryError::Away(_))));
}
