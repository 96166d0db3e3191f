//! Sign-ins: who becomes, or stays, which user.

use std::collections::HashSet;
use std::sync::Arc;

use time::Duration;

use super::{NOON, OTHER, POOL, Setting, count, opened, profile, strings, user};
use crate::directory::{Change, DirectoryError};
use crate::pool::{FederatedProfile, ProfileError};

pub(crate) async fn a_new_identity_makes_a_user_and_a_known_one_finds_it(setting: &dyn Setting) {
    let directory = opened(setting).await;
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
    let directory = opened(setting).await;
    let made = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let mut later = profile("Okta", "alice");
    later.at = NOON + Duration::HOUR;
    assert_eq!(directory.sign_in(later).await.unwrap(), made);
    assert_eq!(user(&directory, "Okta_alice").await, Some(made));
    directory.close().await;
}

pub(crate) async fn a_sign_in_that_changes_something_is_read_back(setting: &dyn Setting) {
    let directory = opened(setting).await;
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
    let directory = opened(setting).await;
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
    let directory = opened(setting).await;
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

pub(crate) async fn nobody_becomes_a_user_who_may_not_yet(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let not_yet = |subject: &str| FederatedProfile { may_sign_up: false, ..profile("Okta", subject) };
    let refused = directory.sign_in(not_yet("alice")).await;
    assert!(matches!(refused, Err(DirectoryError::NotKnown(name)) if name == "Okta_alice"));
    assert_eq!(count(&directory).await, 0);
    // What refuses them anyway is told first: nobody is asked about somebody who does not fit.
    let unfit = FederatedProfile { required: vec!["custom:team".into()], ..not_yet("alice") };
    assert!(matches!(directory.sign_in(unfit).await, Err(DirectoryError::Profile(_))));
    let made = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let mut again = not_yet("alice");
    again.set = strings([("email", "new@example.com")]);
    let known = directory.sign_in(again).await.unwrap();
    assert_eq!((&known.sub, known.attributes["email"].as_str()), (&made.sub, "new@example.com"));
    let mut collides = not_yet("bob");
    collides.username = made.username;
    assert!(matches!(directory.sign_in(collides).await, Err(DirectoryError::UsernameTaken(_))));
    directory.close().await;
}

pub(crate) async fn a_username_of_another_identity_is_refused(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let mut thief = profile("Evil", "mallory");
    thief.username = "Okta_alice".into();
    assert!(matches!(directory.sign_in(thief).await, Err(DirectoryError::UsernameTaken(_))));
    assert_eq!(user(&directory, "Okta_alice").await, Some(alice));
    assert_eq!(count(&directory).await, 1);
    directory.close().await;
}

pub(crate) async fn the_same_identity_in_another_pool_is_another_user(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let here = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let mut there = profile("Okta", "alice");
    there.pool_id = OTHER.into();
    there.new_sub = "another".into();
    assert_eq!(directory.sign_in(there).await.unwrap().sub, "another");
    assert_eq!(directory.token_state(OTHER, &here.sub, "family").await.unwrap().user, None);
    assert_eq!(directory.token_state(POOL, &here.sub, "family").await.unwrap().user, Some(here));
    directory.close().await;
}

pub(crate) async fn nobody_new_signs_in_to_a_pool_that_has_gone(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let elsewhere = FederatedProfile { pool_id: OTHER.into(), ..profile("Okta", "bob") };
    directory.write(vec![Change::DeletePool(OTHER.into())]).await.unwrap();
    // Together, so that an implementation which groups them meets them in one group.
    let (refused, known, new) = tokio::join!(
        directory.sign_in(elsewhere),
        directory.sign_in(profile("Okta", "alice")),
        directory.sign_in(profile("Okta", "new"))
    );
    assert!(matches!(refused, Err(DirectoryError::Missing(what)) if what.contains(OTHER)));
    assert_eq!(known.unwrap(), alice);
    assert_eq!(new.unwrap().username, "Okta_new");
    assert_eq!(directory.count_users(OTHER).await.unwrap(), 0);
    directory.close().await;
}

pub(crate) async fn a_refused_profile_writes_nothing_and_spares_its_neighbours(setting: &dyn Setting) {
    let directory = opened(setting).await;
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
    let directory = opened(setting).await;
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
    let directory = opened(setting).await;
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
    let directory = opened(setting).await;
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
    let directory = opened(setting).await;
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
