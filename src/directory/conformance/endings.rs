//! What providers ended: found by identity, read with the user, kept, bounded.

use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::{NOON, OTHER, POOL, Setting, opened, profile, with_pools};
use crate::directory::{Change, Directory, DirectoryError, Ended, Ending};

const FAR: OffsetDateTime = time::macros::datetime!(2036-11-21 12:00 UTC);

fn millis(at: OffsetDateTime) -> i64 {
    at.unix_timestamp() * 1000 + i64::from(at.millisecond())
}

fn ended(sessions: &[&str], at: OffsetDateTime, tokens: bool) -> Ended {
    let sessions = sessions.iter().map(|mark| (*mark).to_owned()).collect();
    Ended { person: "person".into(), sessions, at, tokens, until: FAR }
}

fn ending(mark: &str, at: OffsetDateTime, tokens: bool) -> Ending {
    Ending { mark: mark.into(), at: millis(at), tokens }
}

async fn endings(directory: &Arc<dyn Directory>, pool: &str, sub: &str) -> Vec<Ending> {
    let mut endings = directory.token_state(pool, sub, "family").await.unwrap().endings;
    endings.sort_by(|one, other| (&one.mark, one.tokens).cmp(&(&other.mark, other.tokens)));
    endings
}

pub(crate) async fn a_user_is_found_by_its_identity_alone(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    directory.sign_in(profile("Corp", "bob")).await.unwrap();
    let find = async |pool: &str, provider: &str, subject: &str| {
        directory.user_of_identity(pool, provider, subject).await.unwrap()
    };
    assert_eq!(find(POOL, "Okta", "alice").await, Some(alice.sub));
    for (pool, provider, subject) in [
        (OTHER, "Okta", "alice"),
        (POOL, "Corp", "alice"),
        (POOL, "okta", "alice"),
        (POOL, "Okta", "Alice"),
        (POOL, "Okta", "alice\0"),
        (POOL, "", "Okta_alice"),
    ] {
        assert_eq!(find(pool, provider, subject).await, None, "{pool} {provider} {subject:?}");
    }
    directory.close().await;
}

pub(crate) async fn an_ending_is_read_with_the_user_it_belongs_to(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let bob = directory.sign_in(profile("Okta", "bob")).await.unwrap();
    let mut elsewhere = profile("Okta", "alice");
    elsewhere.pool_id = OTHER.into();
    directory.sign_in(elsewhere).await.unwrap();
    assert_eq!(endings(&directory, POOL, &alice.sub).await, []);
    let at = NOON + Duration::milliseconds(7);
    directory.end_provider_sessions(POOL, &alice.sub, ended(&["s1", "s2"], at, false)).await.unwrap();
    directory.end_provider_sessions(POOL, &alice.sub, ended(&[], at, true)).await.unwrap();
    let expected = [ending("person", at, true), ending("s1", at, false), ending("s2", at, false)];
    assert_eq!(endings(&directory, POOL, &alice.sub).await, expected);
    assert_eq!(endings(&directory, POOL, &bob.sub).await, []);
    assert_eq!(endings(&directory, OTHER, &alice.sub).await, []);
    for (pool, sub) in [(POOL, "nobody"), (OTHER, &*bob.sub)] {
        let refused = directory.end_provider_sessions(pool, sub, ended(&[], at, true)).await;
        assert!(matches!(refused, Err(DirectoryError::Missing(_))), "{refused:?}");
    }
    let unstorable = directory.end_provider_sessions(POOL, &alice.sub, ended(&["a\0"], at, true)).await;
    assert!(matches!(unstorable, Err(DirectoryError::Unstorable(_))));
    directory.close().await;
}

pub(crate) async fn a_later_ending_moves_an_earlier_one_and_never_back(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let end = async |at: OffsetDateTime, tokens: bool| {
        directory.end_provider_sessions(POOL, &alice.sub, ended(&[], at, tokens)).await.unwrap();
    };
    let (early, middle, late) = (NOON, NOON + Duration::HOUR, NOON + Duration::hours(2));
    end(middle, true).await;
    end(early, true).await;
    assert_eq!(endings(&directory, POOL, &alice.sub).await, [ending("person", middle, true)]);
    // One that spares tokens says nothing of them.
    end(late, false).await;
    let both = [ending("person", late, false), ending("person", middle, true)];
    assert_eq!(endings(&directory, POOL, &alice.sub).await, both);
    end(late, true).await;
    let both = [ending("person", late, false), ending("person", late, true)];
    assert_eq!(endings(&directory, POOL, &alice.sub).await, both);
    directory.close().await;
}

pub(crate) async fn many_endings_of_one_user_are_put_together_and_nothing_lives_again(setting: &dyn Setting) {
    const MANY: i64 = 450;
    let directory = opened(setting).await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let at = |number: i64| NOON + Duration::minutes(number);
    for number in 0..MANY {
        let (mark, tokens) = (format!("s{number}"), number % 2 == 0);
        directory.end_provider_sessions(POOL, &alice.sub, ended(&[&mark], at(number), tokens)).await.unwrap();
    }
    let endings = endings(&directory, POOL, &alice.sub).await;
    assert!(endings.len() <= 300, "{}", endings.len());
    for number in 0..MANY {
        let (mark, tokens) = (format!("s{number}"), number % 2 == 0);
        let holds = endings.iter().any(|one| {
            (one.mark == mark || one.mark == "person") && one.at >= millis(at(number)) && one.tokens == tokens
        });
        assert!(holds, "{number}");
    }
    let person = endings.iter().filter(|one| one.mark == "person").map(|one| one.at).max().unwrap();
    assert!(person <= millis(at(MANY - 100)), "the last hundred are told apart");
    directory.close().await;
}

pub(crate) async fn endings_are_kept_and_go_with_their_user(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    directory.end_provider_sessions(POOL, &alice.sub, ended(&["s1"], NOON, true)).await.unwrap();
    directory.close().await;
    let directory = opened(setting).await;
    assert_eq!(endings(&directory, POOL, &alice.sub).await, [ending("s1", NOON, true)]);
    directory.delete_user(POOL, "Okta_alice").await.unwrap();
    assert_eq!(directory.user_of_identity(POOL, "Okta", "alice").await.unwrap(), None);
    let again = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    assert_eq!(endings(&directory, POOL, &again.sub).await, []);
    directory.end_provider_sessions(POOL, &again.sub, ended(&[], NOON, true)).await.unwrap();
    directory.write(vec![Change::DeletePool(POOL.into())]).await.unwrap();
    with_pools(&*directory).await;
    let again = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    assert_eq!(endings(&directory, POOL, &again.sub).await, []);
    directory.close().await;
}
