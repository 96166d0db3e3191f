//! Sessions at providers: noted with a sign-in, found by their name, gone with their user.

use std::sync::Arc;

use time::Duration;

use super::{NOON, OTHER, POOL, Setting, opened, profile};
use crate::directory::{Change, Directory, SessionOwner};
use crate::pool::{FederatedProfile, NotedSession, User};

/// A sign-in of `subject` at `provider` within the session of this digest.
pub(crate) fn within(provider: &str, subject: &str, digest: &str) -> FederatedProfile {
    let session = NotedSession {
        digest: digest.into(),
        needed_until: NOON + Duration::days(31),
        until: NOON + Duration::days(32),
    };
    FederatedProfile { session: Some(session), ..profile(provider, subject) }
}

fn owner(user: &User) -> SessionOwner {
    SessionOwner { subject: user.identities[0].user_id.clone(), sub: user.sub.clone() }
}

async fn owners(directory: &Arc<dyn Directory>, digest: &str) -> Vec<SessionOwner> {
    let mut owners = directory.owners_of_session(POOL, "Okta", digest).await.unwrap();
    owners.sort_by(|one, other| one.subject.cmp(&other.subject));
    owners
}

pub(crate) async fn the_people_of_a_session_are_found_by_its_name_at_its_provider_alone(
    setting: &dyn Setting,
) {
    let directory = opened(setting).await;
    let alice = directory.sign_in(within("Okta", "alice", "s1")).await.unwrap();
    let bob = directory.sign_in(within("Okta", "bob", "s2")).await.unwrap();
    let other = directory.sign_in(within("Corp", "alice", "s1")).await.unwrap();
    directory.sign_in(profile("Okta", "carol")).await.unwrap();
    let mut elsewhere = within("Okta", "alice", "s1");
    (elsewhere.pool_id, elsewhere.new_sub) = (OTHER.into(), "sub elsewhere".into());
    directory.sign_in(elsewhere).await.unwrap();
    assert_eq!(owners(&directory, "s1").await, [owner(&alice)]);
    assert_eq!(owners(&directory, "s2").await, [owner(&bob)]);
    assert_eq!(directory.owners_of_session(POOL, "Corp", "s1").await.unwrap(), [owner(&other)]);
    let there = directory.owners_of_session(OTHER, "Okta", "s1").await.unwrap();
    assert_eq!(there, [SessionOwner { subject: "alice".into(), sub: "sub elsewhere".into() }]);
    for (pool, provider, digest) in
        [(POOL, "Okta", "S1"), (POOL, "okta", "s1"), (POOL, "Okta", ""), (POOL, "Okta", "s1\0")]
    {
        let found = directory.owners_of_session(pool, provider, digest).await.unwrap();
        assert_eq!(found, [], "{provider} {digest:?}");
    }
    directory.close().await;
}

pub(crate) async fn a_session_of_several_people_finds_each_of_them(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let (alice, bob, again) = tokio::join!(
        directory.sign_in(within("Okta", "alice", "s1")),
        directory.sign_in(within("Okta", "bob", "s1")),
        directory.sign_in(within("Okta", "alice", "s1")),
    );
    again.unwrap();
    assert_eq!(owners(&directory, "s1").await, [owner(&alice.unwrap()), owner(&bob.unwrap())]);
    directory.close().await;
}

pub(crate) async fn a_refused_sign_in_notes_no_session(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let mut refused = within("Okta", "alice", "s1");
    refused.required.push("phone_number".into());
    directory.sign_in(refused).await.unwrap_err();
    let mut nul = within("Okta", "alice", "s1\0");
    nul.session.as_mut().unwrap().digest = "s1\0".into();
    directory.sign_in(nul).await.unwrap_err();
    assert_eq!(owners(&directory, "s1").await, []);
    directory.close().await;
}

pub(crate) async fn a_session_is_noted_with_the_sign_in_and_goes_with_its_user(setting: &dyn Setting) {
    let directory = opened(setting).await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    // The user is known and nothing about it changes: the session is written all the same.
    directory.sign_in(within("Okta", "alice", "s1")).await.unwrap();
    directory.close().await;
    let directory = opened(setting).await;
    assert_eq!(owners(&directory, "s1").await, [owner(&alice)]);
    directory.delete_user(POOL, "Okta_alice").await.unwrap();
    assert_eq!(owners(&directory, "s1").await, []);
    let mut anew = within("Okta", "alice", "s1");
    anew.new_sub = "another".into();
    let anew = directory.sign_in(anew).await.unwrap();
    assert_eq!(owners(&directory, "s1").await, [owner(&anew)]);
    directory.write(vec![Change::DeletePool(POOL.into())]).await.unwrap();
    assert_eq!(owners(&directory, "s1").await, []);
    directory.close().await;
}
