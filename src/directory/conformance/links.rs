//! Links: who becomes whom when a person comes by another provider.

use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::{NOON, OTHER, POOL, Setting, count, opened, profile, record, strings, user};
use crate::directory::{Change, Directory, DirectoryError, Ended, Kind, Unlink, UserQuery};
use crate::pool::limits::LINKS;
use crate::pool::{FederatedProfile, LinkBy, LinkError, LinkSource, NewLink, ProfileError, User};

const LATER: OffsetDateTime = time::macros::datetime!(2026-11-21 13:00 UTC);

fn subject(provider: &str, subject: &str) -> LinkSource {
    LinkSource { provider_name: provider.into(), by: LinkBy::Subject(subject.into()) }
}

fn attribute(provider: &str, name: &str, value: &str) -> LinkSource {
    let by = LinkBy::Attribute { name: name.into(), value: value.into() };
    LinkSource { provider_name: provider.into(), by }
}

fn new(user: &User, source: LinkSource) -> NewLink {
    NewLink {
        pool_id: user.pool_id.clone(),
        sub: user.sub.clone(),
        source,
        provider_type: "SAML".into(),
        issuer: Some("https://idp.example/saml".into()),
        at: LATER,
    }
}

fn ended() -> Ended {
    Ended { person: "person".into(), sessions: Vec::new(), at: NOON, tokens: true, until: LATER }
}

fn no_more(source: LinkSource) -> Unlink {
    Unlink { pool_id: POOL.into(), source, ended: ended() }
}

/// A sign-in with these values, each the only one and each to be relied on.
fn recognised<const N: usize>(provider: &str, subject: &str, by: [(&str, &str); N]) -> FederatedProfile {
    FederatedProfile { recognised: strings(by), at: LATER + Duration::HOUR, ..profile(provider, subject) }
}

/// Okta and Corp are providers of both pools, Okta's alice is a user.
async fn alice(setting: &dyn Setting) -> (Arc<dyn Directory>, User) {
    let directory = opened(setting).await;
    let pools = [POOL, OTHER];
    let made = pools.into_iter().flat_map(|pool| {
        ["Okta", "Corp"].map(|name| Change::Create(record(pool, Kind::IdentityProvider, name, &[])))
    });
    directory.write(made.collect()).await.unwrap();
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    (directory, alice)
}

async fn refused(directory: &Arc<dyn Directory>, link: NewLink) -> LinkError {
    match directory.link(link.clone()).await {
        Err(DirectoryError::Link(why)) => why,
        other => panic!("{link:?}: {other:?}"),
    }
}

fn names(user: &User) -> Vec<(&str, bool)> {
    user.identities.iter().map(|one| (one.user_id.as_str(), one.primary)).collect()
}

pub(crate) async fn a_linked_subject_is_the_user_from_its_first_sign_in(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    directory.link(new(&alice, subject("Corp", "a.smith"))).await.unwrap();
    let linked = user(&directory, "Okta_alice").await.unwrap();
    assert_eq!(names(&linked), [("alice", true), ("a.smith", false)]);
    let link = &linked.identities[1];
    assert_eq!((link.provider_name.as_str(), link.provider_type.as_str()), ("Corp", "SAML"));
    assert_eq!(link.issuer.as_deref(), Some("https://idp.example/saml"));
    assert_eq!(link.date_created, LATER.unix_timestamp() * 1000);
    assert_eq!(linked.modified_at, LATER);
    let mut first = profile("Corp", "a.smith");
    first.set = strings([("email", "a.smith@corp.example")]);
    let signed_in = directory.sign_in(first).await.unwrap();
    assert_eq!((&signed_in.sub, &signed_in.username), (&alice.sub, &alice.username));
    assert_eq!(signed_in.attributes["email"], "a.smith@corp.example");
    assert_eq!(signed_in.groups, [format!("{POOL}_Okta"), format!("{POOL}_Corp")]);
    assert_eq!(signed_in.identities, linked.identities);
    assert_eq!(user(&directory, "Okta_alice").await, Some(signed_in));
    assert_eq!(directory.sign_in(profile("Okta", "alice")).await.unwrap().sub, alice.sub);
    assert_eq!(count(&directory).await, 1);
    // Unfolded, and of this provider and pool alone.
    for (provider, stranger) in [("Corp", "A.Smith"), ("Corp", "a.smith "), ("Okta", "a.smith")] {
        assert_ne!(directory.sign_in(profile(provider, stranger)).await.unwrap().sub, alice.sub);
    }
    let mut elsewhere = profile("Corp", "a.smith");
    elsewhere.pool_id = OTHER.into();
    elsewhere.new_sub = "elsewhere".into();
    assert_eq!(directory.sign_in(elsewhere).await.unwrap().sub, "elsewhere");
    directory.close().await;
}

pub(crate) async fn a_waiting_link_is_taken_once_by_the_first_that_fits(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    directory.link(new(&alice, attribute("Corp", "custom:staff", "7"))).await.unwrap();
    let waiting = directory.waiting_links(POOL, std::slice::from_ref(&alice.sub)).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].attribute.as_str(), waiting[0].value.as_str()), ("custom:staff", "7"));
    assert_eq!(waiting[0].date_created, LATER.unix_timestamp() * 1000);
    // Nobody that fits it in part.
    for (number, stranger) in [
        recognised("Corp", "b1", [("custom:staff", "8")]),
        recognised("Corp", "b2", [("custom:badge", "7")]),
        recognised("Okta", "b3", [("custom:staff", "7")]),
        recognised("Corp", "b4", []),
        FederatedProfile { pool_id: OTHER.into(), ..recognised("Corp", "b5", [("custom:staff", "7")]) },
    ]
    .into_iter()
    .enumerate()
    {
        assert_ne!(directory.sign_in(stranger).await.unwrap().sub, alice.sub, "{number}");
    }
    let mine = directory.sign_in(recognised("Corp", "a.smith", [("custom:staff", "7")])).await.unwrap();
    assert_eq!(mine.sub, alice.sub);
    assert_eq!(names(&mine), [("alice", true), ("a.smith", false)]);
    assert_eq!(mine.identities[1].date_created, LATER.unix_timestamp() * 1000, "of the link");
    assert_eq!(mine.modified_at, LATER + Duration::HOUR);
    assert_eq!(user(&directory, "Okta_alice").await, Some(mine.clone()));
    assert_eq!(directory.waiting_links(POOL, std::slice::from_ref(&alice.sub)).await.unwrap(), []);
    // It is used up: the next with the same value is somebody else. The first is bound for good.
    let next = directory.sign_in(recognised("Corp", "thief", [("custom:staff", "7")])).await.unwrap();
    assert_eq!(next.username, "Corp_thief");
    let again = directory.sign_in(recognised("Corp", "a.smith", [("custom:staff", "9")])).await.unwrap();
    assert_eq!(again.sub, alice.sub);
    directory.close().await;
}

pub(crate) async fn a_person_who_is_known_takes_no_waiting_link(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    let bob = directory.sign_in(recognised("Corp", "bob", [("custom:staff", "7")])).await.unwrap();
    directory.link(new(&alice, attribute("Corp", "custom:staff", "7"))).await.unwrap();
    let again = directory.sign_in(recognised("Corp", "bob", [("custom:staff", "7")])).await.unwrap();
    assert_eq!((again.sub, names(&bob)), (bob.sub.clone(), vec![("bob", true)]));
    assert_eq!(directory.waiting_links(POOL, &[alice.sub]).await.unwrap().len(), 1, "it waits on");
    directory.close().await;
}

pub(crate) async fn links_that_lead_to_different_users_sign_nobody_in(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    let bob = directory.sign_in(profile("Okta", "bob")).await.unwrap();
    directory.link(new(&alice, attribute("Corp", "custom:staff", "7"))).await.unwrap();
    directory.link(new(&bob, attribute("Corp", "custom:badge", "B"))).await.unwrap();
    let both = recognised("Corp", "x", [("custom:staff", "7"), ("custom:badge", "B")]);
    let refused = directory.sign_in(both.clone()).await;
    assert!(matches!(refused, Err(DirectoryError::Link(LinkError::Ambiguous))), "{refused:?}");
    assert_eq!(count(&directory).await, 2);
    assert_eq!(user(&directory, "Okta_alice").await.unwrap().identities.len(), 1);
    // With one of them gone the other takes.
    directory.unlink(no_more(attribute("Corp", "custom:badge", "B"))).await.unwrap();
    assert_eq!(directory.sign_in(both).await.unwrap().sub, alice.sub);
    directory.close().await;
}

pub(crate) async fn two_links_to_one_user_are_used_up_together(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    let mut later = new(&alice, attribute("Corp", "custom:badge", "B"));
    later.at = LATER + Duration::MINUTE;
    directory.link(later).await.unwrap();
    directory.link(new(&alice, attribute("Corp", "custom:staff", "7"))).await.unwrap();
    let both = recognised("Corp", "x", [("custom:staff", "7"), ("custom:badge", "B")]);
    let mine = directory.sign_in(both).await.unwrap();
    assert_eq!(mine.sub, alice.sub);
    assert_eq!(mine.identities[1].date_created, LATER.unix_timestamp() * 1000, "of the older");
    assert_eq!(directory.waiting_links(POOL, &[alice.sub]).await.unwrap(), []);
    directory.close().await;
}

pub(crate) async fn a_sign_in_that_is_refused_uses_up_no_link(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    directory.link(new(&alice, attribute("Corp", "custom:staff", "7"))).await.unwrap();
    let mut lacking = recognised("Corp", "x", [("custom:staff", "7")]);
    lacking.required.push("phone_number".into());
    assert!(matches!(
        directory.sign_in(lacking.clone()).await,
        Err(DirectoryError::Profile(ProfileError::Required(_)))
    ));
    assert_eq!(user(&directory, "Okta_alice").await, Some(User { modified_at: LATER, ..alice.clone() }));
    lacking.required.clear();
    assert_eq!(directory.sign_in(lacking).await.unwrap().sub, alice.sub);
    directory.close().await;
}

pub(crate) async fn a_link_needs_a_user_and_a_provider(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    let mut nobody = new(&alice, subject("Corp", "x"));
    nobody.sub = "nobody".into();
    assert_eq!(refused(&directory, nobody).await, LinkError::NoUser);
    let elsewhere = NewLink { pool_id: OTHER.into(), ..new(&alice, subject("Corp", "x")) };
    assert_eq!(refused(&directory, elsewhere).await, LinkError::NoUser);
    for provider in ["corp", "Globex"] {
        let gone = LinkError::NoProvider(provider.into());
        assert_eq!(refused(&directory, new(&alice, subject(provider, "x"))).await, gone);
    }
    for source in [subject("Corp", "x\0"), attribute("Corp", "custom:staff", "\0")] {
        assert!(matches!(directory.link(new(&alice, source)).await, Err(DirectoryError::Unstorable(_))));
    }
    assert_eq!(user(&directory, "Okta_alice").await, Some(alice));
    directory.close().await;
}

pub(crate) async fn a_link_never_moves_and_nobody_is_merged(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    let bob = directory.sign_in(profile("Corp", "bob")).await.unwrap();
    assert_eq!(refused(&directory, new(&alice, subject("Corp", "bob"))).await, LinkError::SignedUp);
    assert_eq!(refused(&directory, new(&bob, subject("Corp", "bob"))).await, LinkError::Already);
    for source in [subject("Corp", "a"), attribute("Corp", "custom:staff", "7")] {
        directory.link(new(&alice, source.clone())).await.unwrap();
        assert_eq!(refused(&directory, new(&alice, source.clone())).await, LinkError::Already);
        assert_eq!(refused(&directory, new(&bob, source)).await, LinkError::Elsewhere);
    }
    assert_eq!(user(&directory, "Corp_bob").await, Some(bob));
    directory.close().await;
}

pub(crate) async fn a_user_has_five_links_and_waiting_ones_count(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    for number in 0..LINKS {
        let name = number.to_string();
        let source =
            if number % 2 == 0 { subject("Corp", &name) } else { attribute("Corp", "custom:staff", &name) };
        directory.link(new(&alice, source)).await.unwrap();
    }
    for source in [subject("Okta", "more"), attribute("Okta", "custom:staff", "more")] {
        assert_eq!(refused(&directory, new(&alice, source)).await, LinkError::TooMany(LINKS));
    }
    // One that is taken stays one; one that is removed makes room.
    directory.sign_in(recognised("Corp", "taken", [("custom:staff", "1")])).await.unwrap();
    assert_eq!(refused(&directory, new(&alice, subject("Okta", "more"))).await, LinkError::TooMany(LINKS));
    directory.unlink(no_more(subject("Corp", "taken"))).await.unwrap();
    directory.link(new(&alice, subject("Okta", "more"))).await.unwrap();
    directory.close().await;
}

pub(crate) async fn an_unlinked_person_is_somebody_else_and_everything_before_ends(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    directory.link(new(&alice, subject("Corp", "a.smith"))).await.unwrap();
    directory.sign_in(profile("Corp", "a.smith")).await.unwrap();
    // However early the ending says it is, it ends what was written before it.
    let early = Ended { at: NOON - Duration::HOUR, ..ended() };
    let unlink = Unlink { ended: early, ..no_more(subject("Corp", "a.smith")) };
    directory.unlink(unlink.clone()).await.unwrap();
    let state = directory.token_state(POOL, &alice.sub, "family").await.unwrap();
    let left = state.user.unwrap();
    assert_eq!((names(&left), &left.groups), (vec![("alice", true)], &alice.groups));
    let [ending] = &state.endings[..] else { panic!("{:?}", state.endings) };
    assert_eq!((ending.mark.as_str(), ending.tokens), ("person", true));
    assert!(ending.at >= NOON.unix_timestamp() * 1000, "{ending:?}");
    let new_self = directory.sign_in(profile("Corp", "a.smith")).await.unwrap();
    assert_eq!((new_self.username.as_str(), names(&new_self)), ("Corp_a.smith", vec![("a.smith", true)]));
    assert_eq!(directory.sign_in(profile("Okta", "alice")).await.unwrap().sub, alice.sub);
    for source in [subject("Corp", "nobody"), attribute("Corp", "custom:staff", "7")] {
        let missing = directory.unlink(no_more(source)).await;
        assert!(matches!(missing, Err(DirectoryError::Link(LinkError::NotLinked))), "{missing:?}");
    }
    let own = directory.unlink(unlink).await;
    assert!(matches!(own, Err(DirectoryError::Link(LinkError::Own))), "{own:?}");
    directory.close().await;
}

pub(crate) async fn a_second_identity_at_the_same_provider_keeps_its_group(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    for name in ["a1", "a2"] {
        directory.link(new(&alice, subject("Corp", name))).await.unwrap();
        directory.sign_in(profile("Corp", name)).await.unwrap();
    }
    let groups = async || user(&directory, "Okta_alice").await.unwrap().groups;
    directory.unlink(no_more(subject("Corp", "a1"))).await.unwrap();
    assert_eq!(groups().await, [format!("{POOL}_Okta"), format!("{POOL}_Corp")]);
    directory.unlink(no_more(subject("Corp", "a2"))).await.unwrap();
    assert_eq!(groups().await, [format!("{POOL}_Okta")]);
    directory.close().await;
}

pub(crate) async fn what_comes_after_something_removed_is_last(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    for name in ["b", "c"] {
        directory.link(new(&alice, subject("Corp", name))).await.unwrap();
        let mut one = profile("Corp", name);
        one.group = name.into();
        directory.sign_in(one).await.unwrap();
    }
    directory.unlink(no_more(subject("Corp", "b"))).await.unwrap();
    directory.link(new(&alice, subject("Corp", "a"))).await.unwrap();
    directory.link(new(&alice, attribute("Corp", "custom:staff", "7"))).await.unwrap();
    let mut last = recognised("Corp", "0", [("custom:staff", "7")]);
    last.group = "0".into();
    let returned = directory.sign_in(last).await.unwrap();
    let stored = user(&directory, "Okta_alice").await.unwrap();
    assert_eq!(names(&stored), [("alice", true), ("c", false), ("a", false), ("0", false)]);
    assert_eq!(stored.groups, [format!("{POOL}_Okta"), "b".into(), "c".into(), "0".into()]);
    assert_eq!(returned, stored);
    directory.close().await;
}

pub(crate) async fn with_a_provider_go_its_links_and_no_user(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    directory.link(new(&alice, subject("Corp", "a.smith"))).await.unwrap();
    directory.link(new(&alice, subject("Okta", "second"))).await.unwrap();
    directory.link(new(&alice, attribute("Corp", "custom:staff", "7"))).await.unwrap();
    directory.sign_in(profile("Corp", "a.smith")).await.unwrap();
    let bob = directory.sign_in(profile("Corp", "bob")).await.unwrap();
    let delete = |pool: &str| vec![Change::Delete(Kind::IdentityProvider, pool.into(), "Corp".into())];
    directory.write(delete(OTHER)).await.unwrap();
    assert_eq!(user(&directory, "Okta_alice").await.unwrap().identities.len(), 3, "another pool's");
    directory.write(delete(POOL)).await.unwrap();
    let left = user(&directory, "Okta_alice").await.unwrap();
    assert_eq!((names(&left), &left.groups), (vec![("alice", true), ("second", false)], &alice.groups));
    assert_eq!(directory.waiting_links(POOL, std::slice::from_ref(&alice.sub)).await.unwrap(), []);
    // But for its place in the provider's group, which is gone.
    let bob = User { groups: Vec::new(), ..bob };
    assert_eq!(user(&directory, "Corp_bob").await, Some(bob));
    // One made later under its name knows nobody by a link.
    directory.write(vec![Change::Create(record(POOL, Kind::IdentityProvider, "Corp", &[]))]).await.unwrap();
    let stranger = directory.sign_in(recognised("Corp", "a.smith", [("custom:staff", "7")])).await.unwrap();
    assert_eq!(stranger.username, "Corp_a.smith");
    directory.close().await;
}

pub(crate) async fn with_a_user_go_its_links(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    directory.link(new(&alice, subject("Corp", "a.smith"))).await.unwrap();
    directory.link(new(&alice, attribute("Corp", "custom:staff", "7"))).await.unwrap();
    directory.delete_user(POOL, "Okta_alice").await.unwrap();
    for (one, by) in [("a.smith", "1"), ("x", "7")] {
        let stranger = directory.sign_in(recognised("Corp", one, [("custom:staff", by)])).await.unwrap();
        assert_eq!(stranger.username, format!("Corp_{one}"));
    }
    directory.close().await;
}

pub(crate) async fn links_are_kept(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    directory.link(new(&alice, subject("Corp", "a.smith"))).await.unwrap();
    directory.link(new(&alice, attribute("Corp", "custom:staff", "7"))).await.unwrap();
    directory.close().await;
    let directory = opened(setting).await;
    let fits = recognised("Corp", "x", [("custom:staff", "7")]);
    for one in [profile("Corp", "a.smith"), fits] {
        assert_eq!(directory.sign_in(one).await.unwrap().sub, alice.sub);
    }
    directory.close().await;
}

/// What is asked at the same time may share a transaction: each decision sees those before it.
pub(crate) async fn of_a_link_and_a_first_sign_in_at_once_one_comes_first(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    let mut merged = 0;
    for round in 0..50 {
        let name = format!("p{round}");
        let link = async {
            let linked = directory.link(new(&alice, subject("Corp", &name))).await;
            match linked {
                Ok(()) => true,
                Err(DirectoryError::Link(LinkError::SignedUp)) => false,
                Err(other) => panic!("{other}"),
            }
        };
        let sign_in = directory.sign_in(profile("Corp", &name));
        let (linked, signed_in) = if round % 2 == 0 {
            tokio::join!(link, sign_in)
        } else {
            let (signed_in, linked) = tokio::join!(sign_in, link);
            (linked, signed_in)
        };
        let signed_in = signed_in.unwrap();
        assert_eq!(signed_in.sub == alice.sub, linked, "round {round}");
        let owner = directory.user_of_identity(POOL, "Corp", &name).await.unwrap();
        assert_eq!(owner, Some(signed_in.sub));
        if linked {
            merged += 1;
            directory.unlink(no_more(subject("Corp", &name))).await.unwrap();
        }
    }
    let everybody = directory.users(POOL, UserQuery { limit: 100, ..UserQuery::default() }).await.unwrap();
    assert_eq!(everybody.len(), 1 + 50 - merged);
    assert!(everybody.iter().all(|user| user.identities.len() == 1), "nobody is left without an identity");
    directory.close().await;
}

pub(crate) async fn of_many_that_fit_a_waiting_link_at_once_one_gets_it(setting: &dyn Setting) {
    let (directory, alice) = alice(setting).await;
    directory.link(new(&alice, attribute("Corp", "custom:staff", "7"))).await.unwrap();
    let sign_ins: Vec<_> = (0..40)
        .map(|number| {
            let one = recognised("Corp", &number.to_string(), [("custom:staff", "7")]);
            let directory = Arc::clone(&directory);
            tokio::spawn(async move { directory.sign_in(one).await.unwrap() })
        })
        .collect();
    let mut hers = 0;
    for sign_in in sign_ins {
        hers += usize::from(sign_in.await.unwrap().sub == alice.sub);
    }
    assert_eq!(hers, 1);
    assert_eq!(count(&directory).await, 40);
    assert_eq!(user(&directory, "Okta_alice").await.unwrap().identities.len(), 2);
    directory.close().await;
}
