//! Replicas that change the same things at the same time: each of these two directories stands for one.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use poolgate_testing::Database;
use sqlx::{Connection as _, PgConnection};
use time::OffsetDateTime;

use super::{POOL, PostgresDirectory, open, until};
use crate::directory::conformance::profile;
use crate::directory::conformance::provider_sessions::within;
use crate::directory::{Change, Directory, DirectoryError, Ended, Kind, Record, Unlink, UserQuery};
use crate::pool::{FederatedProfile, LinkBy, LinkError, LinkSource, NewLink, User};

const NOON: OffsetDateTime = time::macros::datetime!(2026-11-21 12:00 UTC);

pub(super) struct Replicas {
    database: Database,
    pub(super) both: [Arc<PostgresDirectory>; 2],
}

impl Replicas {
    pub(super) async fn new() -> Self {
        let database = Database::new();
        let both = [open(database.url()).await, open(database.url()).await];
        Self { database, both }
    }

    pub(super) fn of(&self, number: usize) -> Arc<PostgresDirectory> {
        Arc::clone(&self.both[number % 2])
    }

    async fn user(&self, username: &str) -> User {
        self.both[0].user(POOL, username).await.unwrap().unwrap()
    }

    /// A transaction of nobody's, open.
    pub(super) async fn other(&self, statement: &'static str) -> PgConnection {
        let mut other = PgConnection::connect(self.database.url()).await.unwrap();
        sqlx::raw_sql("BEGIN").execute(&mut other).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut other).await.unwrap();
        other
    }

    /// Until somebody waits for what another holds.
    pub(super) async fn somebody_waits(&self) {
        until(async || {
            let waiting = "SELECT count(*) FROM pg_stat_activity \
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
            self.database.sql(waiting) != "0"
        })
        .await;
    }

    /// Alice of Okta, with Corp beside it.
    async fn with_alice(&self) -> User {
        self.make_provider("Corp").await;
        self.both[0].sign_in(profile("Okta", "alice")).await.unwrap()
    }

    async fn make_provider(&self, name: &str) {
        let record = Record {
            kind: Kind::IdentityProvider,
            pool_id: POOL.into(),
            id: name.into(),
            document: "{}".into(),
            sealed: None,
            names: Vec::new(),
            version: 0,
        };
        self.both[0].write(vec![Change::Create(record)]).await.unwrap();
    }
}

pub(super) async fn commit(mut other: PgConnection) {
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
}

fn corp(subject: &str) -> LinkSource {
    LinkSource { provider_name: "Corp".into(), by: LinkBy::Subject(subject.into()) }
}

fn staff(number: &str) -> LinkSource {
    let by = LinkBy::Attribute { name: "custom:staff".into(), value: number.into() };
    LinkSource { provider_name: "Corp".into(), by }
}

fn to(user: &User, source: LinkSource) -> NewLink {
    let pool_id = POOL.to_owned();
    NewLink { pool_id, sub: user.sub.clone(), source, provider_type: "SAML".into(), issuer: None, at: NOON }
}

fn unlink(source: LinkSource) -> Unlink {
    let ended = Ended { person: "person".into(), sessions: Vec::new(), at: NOON, tokens: true, until: NOON };
    Unlink { pool_id: POOL.into(), source, ended }
}

fn known_by(subject: &str, number: &str) -> FederatedProfile {
    let recognised = BTreeMap::from([("custom:staff".to_owned(), number.to_owned())]);
    FederatedProfile { recognised, ..profile("Corp", subject) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_was_overtaken_loses_nothing_of_either() {
    let replicas = Replicas::new().await;
    replicas.both[0].sign_in(profile("Okta", "alice")).await.unwrap();
    let other = replicas
        .other("UPDATE users SET attributes = attributes || '{\"custom:a\": \"1\"}', revision = revision + 1")
        .await;
    let mut mine = profile("Okta", "alice");
    mine.set.insert("custom:b".into(), "2".into());
    let directory = replicas.of(0);
    let signing_in = tokio::spawn(async move { directory.sign_in(mine).await });
    replicas.somebody_waits().await;
    commit(other).await;
    let user = signing_in.await.unwrap().unwrap();
    assert_eq!((&*user.attributes["custom:a"], &*user.attributes["custom:b"]), ("1", "2"));
    assert_eq!(replicas.user("Okta_alice").await, user);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_noted_for_whom_the_identity_belongs_to_when_it_is_written() {
    let replicas = Replicas::new().await;
    let alice = replicas.with_alice().await;
    replicas.both[0].link(to(&alice, corp("x"))).await.unwrap();
    replicas.both[0].sign_in(profile("Corp", "x")).await.unwrap();
    let other = replicas
        .other("DELETE FROM identities WHERE subject = 'x'; UPDATE users SET revision = revision + 1")
        .await;
    let directory = replicas.of(1);
    let signing_in = tokio::spawn(async move { directory.sign_in(within("Corp", "x", "s1")).await });
    replicas.somebody_waits().await;
    commit(other).await;
    let user = signing_in.await.unwrap().unwrap();
    assert_eq!(user.username, "Corp_x");
    let owners = replicas.both[0].owners_of_session(POOL, "Corp", "s1").await.unwrap();
    assert_eq!(owners.into_iter().map(|owner| owner.sub).collect::<Vec<_>>(), [user.sub]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_user_at_many_replicas_at_once_is_one_with_everything_each_brought() {
    let replicas = Replicas::new().await;
    let sign_ins: Vec<_> = (0..60)
        .map(|number| {
            let directory = replicas.of(number);
            let mut mine = profile("Okta", "alice");
            mine.new_sub = format!("sub {number}");
            mine.set.insert(format!("custom:{number}"), "seen".into());
            mine.group = format!("group {}", number % 7);
            tokio::spawn(async move { directory.sign_in(mine).await.unwrap() })
        })
        .collect();
    let mut subs = HashSet::new();
    for (number, sign_in) in sign_ins.into_iter().enumerate() {
        let user = sign_in.await.unwrap();
        assert!(user.attributes.contains_key(&format!("custom:{number}")));
        subs.insert(user.sub);
    }
    let user = replicas.user("Okta_alice").await;
    assert_eq!((subs.len(), user.attributes.len(), user.groups.len()), (1, 61, 7));
    assert_eq!(replicas.both[0].count_users(POOL).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_link_is_taken_by_one_person_whichever_replica_they_come_to() {
    let replicas = Replicas::new().await;
    let alice = replicas.with_alice().await;
    for round in 0..10 {
        let number = format!("n{round}");
        replicas.of(round).link(to(&alice, staff(&number))).await.unwrap();
        let sign_ins: Vec<_> = (0..12)
            .map(|person| {
                let (directory, mine) =
                    (replicas.of(person), known_by(&format!("{round}-{person}"), &number));
                tokio::spawn(async move { directory.sign_in(mine).await.unwrap() })
            })
            .collect();
        let mut hers = Vec::new();
        for sign_in in sign_ins {
            let user = sign_in.await.unwrap();
            if user.sub == alice.sub {
                hers.push(user.identities.last().unwrap().user_id.clone());
            }
        }
        assert_eq!(hers.len(), 1, "round {round}");
        replicas.of(round).unlink(unlink(corp(&hers[0]))).await.unwrap();
        assert_eq!(replicas.user("Okta_alice").await.identities.len(), 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_made_before_or_after_a_first_sign_in_elsewhere_never_half() {
    let replicas = Replicas::new().await;
    let alice = replicas.with_alice().await;
    let mut outcomes = [0, 0];
    for round in 0..60 {
        let name = format!("p{round}");
        let (one, other) = (replicas.of(round), replicas.of(round + 1));
        let link = to(&alice, corp(&name));
        let linking = tokio::spawn(async move { one.link(link).await });
        let person = profile("Corp", &name);
        let signed_in = other.sign_in(person).await.unwrap();
        let linked = match linking.await.unwrap() {
            Ok(()) => true,
            Err(DirectoryError::Link(LinkError::SignedUp)) => false,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(signed_in.sub == alice.sub, linked, "round {round}");
        outcomes[usize::from(linked)] += 1;
        if linked {
            replicas.of(round).unlink(unlink(corp(&name))).await.unwrap();
        }
    }
    let alice = replicas.user("Okta_alice").await;
    assert_eq!((alice.identities.len(), alice.groups.len()), (1, 1), "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_unlinked_while_signing_in_leaves_nothing_behind() {
    let replicas = Replicas::new().await;
    let alice = replicas.with_alice().await;
    for round in 0..60 {
        let name = format!("p{round}");
        replicas.of(round).link(to(&alice, corp(&name))).await.unwrap();
        let (one, other) = (replicas.of(round), replicas.of(round + 1));
        let gone = unlink(corp(&name));
        let unlinking = tokio::spawn(async move { one.unlink(gone).await });
        let mut mine = profile("Corp", &name);
        mine.set.insert("custom:round".into(), name.clone());
        let signed_in = other.sign_in(mine).await.unwrap();
        unlinking.await.unwrap().unwrap();
        let left = replicas.user("Okta_alice").await;
        assert_eq!((left.identities.len(), &left.groups), (1, &alice.groups), "round {round}");
        if signed_in.sub != alice.sub {
            assert_ne!(left.attributes.get("custom:round"), Some(&name), "round {round}");
        }
    }
}

/// The sign-in has read the link and is about to take it when its provider goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_link_outlives_its_provider() {
    let replicas = Replicas::new().await;
    let alice = replicas.with_alice().await;
    for round in 0..40 {
        let number = format!("n{round}");
        replicas.of(round).link(to(&alice, staff(&number))).await.unwrap();
        let (one, other, third) = (replicas.of(round), replicas.of(round + 1), replicas.of(round));
        let deleting = tokio::spawn(async move {
            one.write(vec![Change::Delete(Kind::IdentityProvider, POOL.into(), "Corp".into())]).await
        });
        let late = to(&alice, corp(&format!("late {round}")));
        let linking = tokio::spawn(async move { third.link(late).await });
        other.sign_in(known_by(&format!("p{round}"), &number)).await.unwrap();
        deleting.await.unwrap().unwrap();
        let linked = linking.await.unwrap();
        assert!(
            matches!(linked, Ok(()) | Err(DirectoryError::Link(LinkError::NoProvider(_)))),
            "round {round}: {linked:?}"
        );
        let left = replicas.user("Okta_alice").await;
        assert_eq!((left.identities.len(), &left.groups), (1, &alice.groups), "round {round}");
        let waiting = replicas.both[0].waiting_links(POOL, std::slice::from_ref(&alice.sub)).await.unwrap();
        assert_eq!(waiting, [], "round {round}");
        replicas.make_provider("Corp").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_a_link_before_its_provider_goes_loses_it_with_the_provider() {
    let replicas = Replicas::new().await;
    let alice = replicas.with_alice().await;
    replicas.both[0].link(to(&alice, staff("7"))).await.unwrap();
    // As a sign-in writes that takes the link, not committed yet.
    let other = replicas
        .other(
            "UPDATE users SET revision = revision + 1; DELETE FROM waiting_links; \
             INSERT INTO identities SELECT pool_id, 'Corp', 'x', id, 1, 'SAML', NULL, false, 0 FROM users; \
             INSERT INTO memberships (user_id, group_name, position, pool_id) SELECT id, 'eu-west-1_aBcDeF123_Corp', 1, \
             pool_id FROM users",
        )
        .await;
    let directory = replicas.of(1);
    let deleting = tokio::spawn(async move {
        directory.write(vec![Change::Delete(Kind::IdentityProvider, POOL.into(), "Corp".into())]).await
    });
    replicas.somebody_waits().await;
    commit(other).await;
    deleting.await.unwrap().unwrap();
    assert_eq!(replicas.user("Okta_alice").await.identities, alice.identities);
    assert_eq!(replicas.user("Okta_alice").await.groups, alice.groups);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_the_generations_misses_no_write() {
    let replicas = Replicas::new().await;
    let done = Arc::new(AtomicBool::new(false));
    let (follower, over) = (replicas.of(1), Arc::clone(&done));
    let following = tokio::spawn(async move {
        let (mut last, mut told) = (0, HashSet::new());
        loop {
            // Asked before the look: what is written by then is in it.
            let enough = over.load(Ordering::SeqCst);
            let changed = follower.changed_since(last).await.unwrap();
            last = changed.generation;
            told.extend(changed.pools);
            if enough {
                return told;
            }
        }
    });
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let directory = replicas.of(writer);
            tokio::spawn(async move {
                for number in 0..25 {
                    let record = Record {
                        kind: Kind::Key,
                        pool_id: format!("{writer}-{number}"),
                        id: "k".into(),
                        document: "{}".into(),
                        sealed: None,
                        names: Vec::new(),
                        version: 0,
                    };
                    directory.write(vec![Change::Create(record)]).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    // And the two pools.
    assert_eq!(following.await.unwrap().len(), 202);
    let generations = "SELECT count(DISTINCT generation), max(generation) FROM generations";
    assert_eq!(replicas.database.sql(generations), "202|202");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_lives_on_who_is_deleted_while_signing_in() {
    let replicas = Replicas::new().await;
    for round in 0..40 {
        replicas.of(round).sign_in(profile("Okta", "alice")).await.unwrap();
        let (one, other) = (replicas.of(round), replicas.of(round + 1));
        let deleting = tokio::spawn(async move { one.delete_user(POOL, "Okta_alice").await });
        let mut mine = within("Okta", "alice", "s1");
        mine.set.insert("custom:round".into(), round.to_string());
        mine.new_sub = format!("sub {round}");
        let signed_in = other.sign_in(mine).await.unwrap();
        deleting.await.unwrap().unwrap();
        let everybody =
            replicas.both[0].users(POOL, UserQuery { limit: 9, ..UserQuery::default() }).await.unwrap();
        // Gone with what the sign-in wrote, or made anew by it.
        assert!(everybody.is_empty() || everybody == [signed_in.clone()], "{everybody:?} {signed_in:?}");
        let left = replicas.database.sql("SELECT count(*) FROM identities");
        assert_eq!(left, everybody.len().to_string());
        if !everybody.is_empty() {
            replicas.of(round).delete_user(POOL, "Okta_alice").await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endings_noted_at_once_end_no_less_than_each_said() {
    let replicas = Replicas::new().await;
    let alice = replicas.both[0].sign_in(profile("Okta", "alice")).await.unwrap();
    let at = |number: i64| NOON + time::Duration::minutes(number);
    let workers: Vec<_> = (0..4)
        .map(|worker: i64| {
            let (directory, sub) = (replicas.of(worker.unsigned_abs() as usize), alice.sub.clone());
            tokio::spawn(async move {
                for number in 0..120 {
                    // The same marks again and again, each time later.
                    let sessions = vec![format!("s{}", (number * 4 + worker) % 250)];
                    let (person, until) = ("person".to_owned(), at(1_000_000));
                    let ended = Ended { person, sessions, at: at(number), tokens: true, until };
                    directory.end_provider_sessions(POOL, &sub, ended).await.unwrap();
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let endings = replicas.both[0].token_state(POOL, &alice.sub, "").await.unwrap().endings;
    assert!(endings.len() <= 201, "{}", endings.len());
    for worker in 0..4_i64 {
        for number in 0..120 {
            let mark = format!("s{}", (number * 4 + worker) % 250);
            let moment = at(number).unix_timestamp() * 1000;
            let holds = endings
                .iter()
                .any(|one| (one.mark == mark || one.mark == "person") && one.at >= moment && one.tokens);
            assert!(holds, "{worker} {number}");
        }
    }
}
