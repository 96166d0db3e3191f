//! Groups: memberships that an administrator makes, and those that follow a provider's mapping.

use std::sync::Arc;

use time::OffsetDateTime;

use super::{NOON, OTHER, POOL, Setting, opened, profile, record, user};
use crate::directory::{Change, Directory, DirectoryError, Ended, Kind, Unlink};
use crate::pool::limits::GROUPS_OF_A_USER;
use crate::pool::{FederatedProfile, GroupError, LinkBy, LinkSource, NewLink};

const OKTA: &str = "eu-west-1_aBcDeF123_Okta";

async fn make(directory: &Arc<dyn Directory>, pool: &str, kind: Kind, names: &[&str]) {
    let make = names.iter().map(|name| Change::Create(record(pool, kind, name, &[])));
    directory.write(make.collect()).await.unwrap();
}

fn delete(kind: Kind, name: &str) -> Vec<Change> {
    vec![Change::Delete(kind, POOL.into(), name.into())]
}

/// The providers Okta and Corp, the groups a, b and c, and the user Okta_alice.
async fn with_groups(setting: &dyn Setting) -> Arc<dyn Directory> {
    let directory = opened(setting).await;
    make(&directory, POOL, Kind::IdentityProvider, &["Okta", "Corp"]).await;
    make(&directory, POOL, Kind::Group, &["a", "b", "c", OKTA]).await;
    directory.sign_in(profile("Okta", "alice")).await.unwrap();
    directory
}

/// A sign-in whose mapping says these groups.
fn mapped(provider: &str, subject: &str, groups: &[&str]) -> FederatedProfile {
    let mapped_groups = groups.iter().map(|group| (*group).to_owned()).collect();
    FederatedProfile { mapped_groups, ..profile(provider, subject) }
}

async fn groups(directory: &Arc<dyn Directory>, username: &str) -> Vec<String> {
    user(directory, username).await.unwrap().groups
}

fn refusal(answer: Result<(), DirectoryError>) -> GroupError {
    match answer {
        Err(DirectoryError::Group(error)) => error,
        other => panic!("{other:?}"),
    }
}

async fn names(directory: &Arc<dyn Directory>, pool: &str, group: &str) -> Vec<String> {
    let members = directory.members(pool, group, None, 100).await.unwrap();
    members.into_iter().map(|member| member.user.username).collect()
}

pub(crate) async fn who_is_put_into_a_group_is_in_it_until_taken_out(setting: &dyn Setting) {
    let directory = with_groups(setting).await;
    for group in ["b", "a", "b"] {
        directory.join_group(POOL, "Okta_alice", group).await.unwrap();
    }
    let alice = user(&directory, "Okta_alice").await.unwrap();
    assert_eq!(
        (&alice.groups[..], alice.mapped_groups.len()),
        (&[OKTA.into(), "b".into(), "a".into()][..], 0)
    );
    assert_eq!(directory.token_state(POOL, &alice.sub, "f").await.unwrap().user, Some(alice.clone()));
    // A sign-in whose mapping says nothing leaves an administrator's groups alone.
    assert_eq!(directory.sign_in(profile("Okta", "alice")).await.unwrap(), alice);
    for _ in 0..2 {
        directory.leave_group(POOL, "Okta_alice", "b").await.unwrap();
    }
    directory.leave_group(POOL, "Okta_alice", "never there").await.unwrap();
    assert_eq!(groups(&directory, "Okta_alice").await, [OKTA, "a"]);
    directory.close().await;
}

pub(crate) async fn a_membership_needs_a_user_and_a_group(setting: &dyn Setting) {
    let directory = with_groups(setting).await;
    make(&directory, OTHER, Kind::Group, &["elsewhere"]).await;
    for (pool, username, group, why) in [
        (POOL, "Okta_bob", "a", GroupError::NoUser),
        (OTHER, "Okta_alice", "elsewhere", GroupError::NoUser),
        (POOL, "Okta_alice", "elsewhere", GroupError::NoGroup("elsewhere".into())),
        (POOL, "Okta_alice", "A", GroupError::NoGroup("A".into())),
        // A provider of that name is no group.
        (POOL, "Okta_alice", "Corp", GroupError::NoGroup("Corp".into())),
    ] {
        assert_eq!(refusal(directory.join_group(pool, username, group).await), why);
    }
    assert_eq!(refusal(directory.leave_group(POOL, "Okta_bob", "a").await), GroupError::NoUser);
    assert_eq!(groups(&directory, "Okta_alice").await, [OKTA]);
    directory.close().await;
}

pub(crate) async fn a_user_is_in_so_many_groups_and_no_more(setting: &dyn Setting) {
    let directory = with_groups(setting).await;
    let many: Vec<String> = (0..GROUPS_OF_A_USER).map(|number| format!("g{number}")).collect();
    make(&directory, POOL, Kind::Group, &many.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (last, fitting) = many.split_last().unwrap();
    for group in fitting {
        directory.join_group(POOL, "Okta_alice", group).await.unwrap();
    }
    let full = GroupError::TooMany(GROUPS_OF_A_USER);
    assert_eq!(refusal(directory.join_group(POOL, "Okta_alice", last).await), full);
    // Who is in a group already may be put into it once more.
    directory.join_group(POOL, "Okta_alice", "g0").await.unwrap();
    directory.leave_group(POOL, "Okta_alice", "g0").await.unwrap();
    directory.join_group(POOL, "Okta_alice", last).await.unwrap();
    assert_eq!(groups(&directory, "Okta_alice").await.len(), GROUPS_OF_A_USER);
    directory.close().await;
}

pub(crate) async fn a_group_that_somebody_is_in_stays(setting: &dyn Setting) {
    let directory = with_groups(setting).await;
    directory.sign_in(profile("Okta", "bob")).await.unwrap();
    for name in ["alice", "bob"] {
        directory.join_group(POOL, &format!("Okta_{name}"), "a").await.unwrap();
    }
    let refused = async |name: &str| match directory.write(delete(Kind::Group, name)).await {
        Err(DirectoryError::Group(GroupError::HasMembers(_))) => true,
        Ok(()) => false,
        Err(other) => panic!("{other}"),
    };
    assert!(refused("a").await);
    let kept = directory.load_pool(POOL).await.unwrap();
    assert!(kept.iter().any(|record| record.kind == Kind::Group && record.id == "a"));
    directory.leave_group(POOL, "Okta_alice", "a").await.unwrap();
    assert!(refused("a").await);
    // A user who is deleted is in no group any more.
    directory.delete_user(POOL, "Okta_bob").await.unwrap();
    assert!(!refused("a").await);
    // A group of the same name in another pool is another.
    make(&directory, OTHER, Kind::Group, &["b"]).await;
    directory.join_group(POOL, "Okta_alice", "b").await.unwrap();
    directory.write(vec![Change::Delete(Kind::Group, OTHER.into(), "b".into())]).await.unwrap();
    assert_eq!(groups(&directory, "Okta_alice").await, [OKTA, "b"]);
    directory.close().await;
}

pub(crate) async fn members_are_listed_page_by_page_and_of_one_pool(setting: &dyn Setting) {
    let directory = with_groups(setting).await;
    make(&directory, OTHER, Kind::Group, &["a"]).await;
    for name in ["zoe", "bob", "carl"] {
        directory.sign_in(profile("Okta", name)).await.unwrap();
        directory.join_group(POOL, &format!("Okta_{name}"), "a").await.unwrap();
    }
    let elsewhere = FederatedProfile { pool_id: OTHER.into(), ..profile("Okta", "zoe") };
    directory.sign_in(elsewhere).await.unwrap();
    directory.join_group(OTHER, "Okta_zoe", "a").await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = directory.members(POOL, "a", after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        after = Some(last.place);
        seen.extend(page.into_iter().map(|member| member.user));
    }
    let zoe = user(&directory, "Okta_zoe").await.unwrap();
    assert_eq!(seen.first(), Some(&zoe), "a member is the whole user");
    let mut seen: Vec<_> = seen.into_iter().map(|user| user.username).collect();
    seen.sort();
    assert_eq!(seen, ["Okta_bob", "Okta_carl", "Okta_zoe"]);
    assert_eq!(names(&directory, OTHER, "a").await, ["Okta_zoe"]);
    assert_eq!(names(&directory, POOL, "b").await, [""; 0]);
    assert_eq!(names(&directory, POOL, OKTA).await.len(), 4);
    directory.close().await;
}

pub(crate) async fn mapped_groups_follow_their_provider_and_leave_the_others_alone(setting: &dyn Setting) {
    let directory = with_groups(setting).await;
    let alice = user(&directory, "Okta_alice").await.unwrap();
    let corp = LinkSource { provider_name: "Corp".into(), by: LinkBy::Subject("a.smith".into()) };
    directory.link(link(&alice.sub, corp)).await.unwrap();
    directory.join_group(POOL, "Okta_alice", "a").await.unwrap();
    let sign_in = async |profile: FederatedProfile| {
        let returned = directory.sign_in(profile).await.unwrap();
        assert_eq!(user(&directory, "Okta_alice").await.as_ref(), Some(&returned));
        returned.groups
    };
    assert_eq!(sign_in(mapped("Okta", "alice", &["a", "b"])).await, [OKTA, "a", "b"]);
    // Saying it again changes nothing.
    let before = user(&directory, "Okta_alice").await;
    sign_in(mapped("Okta", "alice", &["b", "a"])).await;
    assert_eq!(user(&directory, "Okta_alice").await, before);
    let both = sign_in(mapped("Corp", "a.smith", &["c"])).await;
    assert_eq!(both, [OKTA, "a", "b", &format!("{POOL}_Corp"), "c"]);
    // What Okta says no more goes; an administrator's group and Corp's stay.
    assert_eq!(sign_in(mapped("Okta", "alice", &[])).await, [OKTA, "a", &format!("{POOL}_Corp"), "c"]);
    // Who said it last answers for it.
    sign_in(mapped("Okta", "alice", &["c"])).await;
    assert!(sign_in(mapped("Corp", "a.smith", &[])).await.contains(&"c".to_owned()));
    assert!(!sign_in(mapped("Okta", "alice", &[])).await.contains(&"c".to_owned()));
    // What an administrator makes is the administrator's.
    sign_in(mapped("Okta", "alice", &["b"])).await;
    directory.join_group(POOL, "Okta_alice", "b").await.unwrap();
    assert!(sign_in(mapped("Okta", "alice", &[])).await.contains(&"b".to_owned()));
    directory.close().await;
}

pub(crate) async fn who_is_mapped_into_too_many_groups_gets_the_first(setting: &dyn Setting) {
    let directory = with_groups(setting).await;
    let many: Vec<String> = (0..GROUPS_OF_A_USER).map(|number| format!("g{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    make(&directory, POOL, Kind::Group, &many).await;
    directory.join_group(POOL, "Okta_alice", "a").await.unwrap();
    let alice = directory.sign_in(mapped("Okta", "alice", &many)).await.unwrap();
    let expected: Vec<&str> = [OKTA, "a"].into_iter().chain(many).take(GROUPS_OF_A_USER).collect();
    assert_eq!(alice.groups, expected);
    assert_eq!(groups(&directory, "Okta_alice").await, expected);
    directory.close().await;
}

pub(crate) async fn nobody_is_mapped_into_a_group_or_by_a_provider_that_is_gone(setting: &dyn Setting) {
    let directory = with_groups(setting).await;
    directory.write(delete(Kind::Group, "c")).await.unwrap();
    directory.sign_in(mapped("Okta", "alice", &["c", "a"])).await.unwrap();
    directory.sign_in(mapped("Okta", "bob", &["c", "b"])).await.unwrap();
    assert_eq!(groups(&directory, "Okta_alice").await, [OKTA, "a"]);
    assert_eq!(groups(&directory, "Okta_bob").await, [OKTA, "b"]);
    assert_eq!(names(&directory, POOL, "c").await, [""; 0]);
    directory.sign_in(mapped("Gone", "carl", &["a"])).await.unwrap();
    assert_eq!(names(&directory, POOL, "a").await, ["Okta_alice"]);
    directory.close().await;
}

pub(crate) async fn with_a_provider_go_its_group_and_what_its_mapping_gave(setting: &dyn Setting) {
    let directory = with_groups(setting).await;
    directory.sign_in(mapped("Okta", "alice", &["b"])).await.unwrap();
    directory.sign_in(mapped("Corp", "bob", &["b"])).await.unwrap();
    directory.join_group(POOL, "Okta_alice", "a").await.unwrap();
    directory.join_group(POOL, "Corp_bob", OKTA).await.unwrap();
    directory.write(delete(Kind::IdentityProvider, "Okta")).await.unwrap();
    let left = directory.load_pool(POOL).await.unwrap();
    assert!(!left.iter().any(|record| record.kind == Kind::Group && record.id == OKTA));
    assert_eq!(groups(&directory, "Okta_alice").await, ["a"]);
    assert_eq!(groups(&directory, "Corp_bob").await, [format!("{POOL}_Corp"), "b".into()]);
    directory.close().await;
}

fn link(sub: &str, source: LinkSource) -> NewLink {
    NewLink {
        pool_id: POOL.into(),
        sub: sub.into(),
        source,
        provider_type: "SAML".into(),
        issuer: None,
        at: NOON,
    }
}

pub(crate) async fn who_is_unlinked_leaves_the_groups_of_the_mapping(setting: &dyn Setting) {
    let directory = with_groups(setting).await;
    let alice = user(&directory, "Okta_alice").await.unwrap();
    let corp = LinkSource { provider_name: "Corp".into(), by: LinkBy::Subject("a.smith".into()) };
    directory.link(link(&alice.sub, corp.clone())).await.unwrap();
    directory.sign_in(mapped("Corp", "a.smith", &["a"])).await.unwrap();
    directory.sign_in(mapped("Okta", "alice", &["b"])).await.unwrap();
    let until: OffsetDateTime = NOON + time::Duration::days(1);
    let ended = Ended { person: "person".into(), sessions: Vec::new(), at: NOON, tokens: true, until };
    directory.unlink(Unlink { pool_id: POOL.into(), source: corp, ended }).await.unwrap();
    assert_eq!(groups(&directory, "Okta_alice").await, [OKTA, "b"]);
    directory.close().await;
}

/// An administrator, or a mapping, puts somebody into a group that somebody else is deleting.
pub(crate) async fn of_a_membership_and_the_groups_deletion_at_once_one_comes_first(setting: &dyn Setting) {
    let directory = with_groups(setting).await;
    for round in 0..60 {
        make(&directory, POOL, Kind::Group, &["brief"]).await;
        let (one, other) = (Arc::clone(&directory), Arc::clone(&directory));
        let joining = tokio::spawn(async move {
            if round % 2 == 0 {
                one.join_group(POOL, "Okta_alice", "brief").await
            } else {
                one.sign_in(mapped("Okta", "alice", &["brief"])).await.map(|_| ())
            }
        });
        let deleting = tokio::spawn(async move { other.write(delete(Kind::Group, "brief")).await });
        let (joined, deleted) = (joining.await.unwrap(), deleting.await.unwrap());
        let members = names(&directory, POOL, "brief").await;
        match deleted {
            Ok(()) => assert_eq!(members, [""; 0], "round {round}"),
            Err(DirectoryError::Group(GroupError::HasMembers(_))) => {
                joined.unwrap();
                assert_eq!(members, ["Okta_alice"], "round {round}");
                directory.leave_group(POOL, "Okta_alice", "brief").await.unwrap();
                directory.write(delete(Kind::Group, "brief")).await.unwrap();
            }
            Err(other) => panic!("round {round}: {other}"),
        }
    }
    directory.close().await;
}

pub(crate) async fn memberships_are_kept(setting: &dyn Setting) {
    let directory = with_groups(setting).await;
    directory.join_group(POOL, "Okta_alice", "a").await.unwrap();
    let alice = directory.sign_in(mapped("Okta", "alice", &["b"])).await.unwrap();
    directory.close().await;
    let directory = opened(setting).await;
    assert_eq!(user(&directory, "Okta_alice").await, Some(alice));
    // Still by the mapping, and still the administrator's.
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    assert_eq!(alice.groups, [OKTA, "a"]);
    directory.close().await;
}
