//! What is particular to the SQLite directory; the rest is the conformance suite.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use poolgate_providers::Clock;
use sqlx::Connection as _;
use time::{Duration, OffsetDateTime};

use super::SqliteDirectory;
use crate::directory::conformance::provider_sessions::within;
use crate::directory::conformance::{Setting, directory_conformance, profile, with_pools};
use crate::directory::{Change, Directory, DirectoryError, Kind, Record};
use crate::pool::{LinkBy, LinkSource, NewLink};

const NOON: OffsetDateTime = time::macros::datetime!(2026-11-21 12:00 UTC);
const POOL: &str = "eu-west-1_aBcDeF123";

/// A clock that tests set.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn at_noon() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(NOON.unix_timestamp())))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(by.whole_seconds(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

struct InATemporaryDirectory(tempfile::TempDir);

impl InATemporaryDirectory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("data").join("directory.sqlite")
    }
}

#[async_trait]
impl Setting for InATemporaryDirectory {
    async fn open(&self) -> Arc<dyn Directory> {
        Arc::new(SqliteDirectory::open(&self.path(), TestClock::at_noon()).await.unwrap())
    }
}

directory_conformance!(InATemporaryDirectory::new());

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    let place = InATemporaryDirectory::new();
    let directory = place.open().await;
    with_pools(&*directory).await;
    directory.sign_in(profile("Okta", "alice")).await.unwrap();
    assert_eq!(mode(place.path().parent().unwrap()), 0o700);
    let mut files = 0;
    for file in std::fs::read_dir(place.path().parent().unwrap()).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
        files += 1;
    }
    assert!(files >= 4, "database, -wal, -shm and .lock, but only {files}");
    directory.close().await;
}

#[tokio::test]
async fn a_second_gateway_on_the_same_file_is_refused_until_the_first_has_closed() {
    let place = InATemporaryDirectory::new();
    let first = place.open().await;
    let link = place.0.path().join("link.sqlite");
    std::os::unix::fs::symlink(place.path(), &link).unwrap();
    for path in [place.path(), link] {
        match SqliteDirectory::open(&path, TestClock::at_noon()).await {
            Err(DirectoryError::InUse(why)) => assert!(why.contains("in use by another process"), "{why}"),
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("two gateways share one database"),
        }
    }
    first.close().await;
    place.open().await.close().await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_with_its_name() {
    let place = InATemporaryDirectory::new();
    std::fs::create_dir(place.path().parent().unwrap()).unwrap();
    std::fs::write(place.path(), "this is certainly no database, however long one looks at it").unwrap();
    match SqliteDirectory::open(&place.path(), TestClock::at_noon()).await {
        Err(DirectoryError::Away(why)) => assert!(why.contains("directory.sqlite"), "{why}"),
        _ => panic!("it was opened"),
    }
}

#[tokio::test]
async fn a_row_that_a_constraint_refuses_fails_alone() {
    let place = InATemporaryDirectory::new();
    let directory = place.open().await;
    with_pools(&*directory).await;
    directory.sign_in(profile("Okta", "alice")).await.unwrap();
    // A sub that is there already: random subs never do this, so no rule looks for it.
    let mut twin = profile("Okta", "twin");
    twin.new_sub = profile("Okta", "alice").new_sub;
    let (bob, twin, carol) = tokio::join!(
        directory.sign_in(profile("Okta", "bob")),
        directory.sign_in(twin),
        directory.sign_in(profile("Okta", "carol"))
    );
    assert!(matches!(twin, Err(DirectoryError::Away(_))));
    for user in [bob.unwrap(), carol.unwrap()] {
        assert_eq!(directory.user(POOL, &user.username).await.unwrap(), Some(user));
    }
    assert_eq!(directory.count_users(POOL).await.unwrap(), 3);
    directory.close().await;
}

#[tokio::test]
async fn marks_whose_time_has_passed_are_forgotten() {
    let place = InATemporaryDirectory::new();
    let clock = TestClock::at_noon();
    let directory = SqliteDirectory::open(&place.path(), clock.clone()).await.unwrap();
    with_pools(&directory).await;
    directory.revoke_family(POOL, "short", NOON + Duration::minutes(5)).await.unwrap();
    directory.revoke_family(POOL, "long", NOON + Duration::minutes(5)).await.unwrap();
    // A later mark moves the end out, never in.
    directory.revoke_family(POOL, "long", NOON + Duration::hours(5)).await.unwrap();
    directory.revoke_family(POOL, "long", NOON).await.unwrap();
    clock.advance(Duration::minutes(6));
    directory.sign_in(profile("Okta", "alice")).await.unwrap();
    assert!(!directory.token_state(POOL, "nobody", "short").await.unwrap().revoked);
    assert!(directory.token_state(POOL, "nobody", "long").await.unwrap().revoked);
    directory.close().await;
}

#[tokio::test]
async fn endings_whose_time_has_passed_are_forgotten() {
    let place = InATemporaryDirectory::new();
    let clock = TestClock::at_noon();
    let directory = SqliteDirectory::open(&place.path(), clock.clone()).await.unwrap();
    with_pools(&directory).await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    for (mark, minutes) in [("short", 5), ("long", 500), ("long", 5)] {
        let ended = ended(mark, NOON + Duration::minutes(minutes));
        directory.end_provider_sessions(POOL, &alice.sub, ended).await.unwrap();
    }
    clock.advance(Duration::minutes(6));
    directory.sign_in(profile("Okta", "bob")).await.unwrap();
    let endings = directory.token_state(POOL, &alice.sub, "").await.unwrap().endings;
    assert_eq!(endings.into_iter().map(|ending| ending.mark).collect::<Vec<_>>(), ["long"]);
    directory.close().await;
}

#[tokio::test]
async fn a_session_is_written_once_a_day_at_most_and_forgotten_when_its_time_has_passed() {
    let place = InATemporaryDirectory::new();
    let clock = TestClock::at_noon();
    let directory = SqliteDirectory::open(&place.path(), clock.clone()).await.unwrap();
    with_pools(&directory).await;
    let until = async || -> Vec<i64> {
        let rows = sqlx::query_scalar("SELECT (until - ?1) / 86400000 FROM provider_sessions ORDER BY until");
        rows.bind(NOON.unix_timestamp() * 1000).fetch_all(&directory.readers).await.unwrap()
    };
    let sign_in = async |needed: i64, until: i64| {
        let mut profile = within("Okta", "alice", "s1");
        let session = profile.session.as_mut().unwrap();
        (session.needed_until, session.until) = (NOON + Duration::days(needed), NOON + Duration::days(until));
        directory.sign_in(profile).await.unwrap();
    };
    sign_in(31, 32).await;
    assert_eq!(until().await, [32]);
    sign_in(32, 33).await;
    assert_eq!(until().await, [32], "it lasts long enough");
    sign_in(33, 34).await;
    assert_eq!(until().await, [34]);
    sign_in(2, 3).await;
    assert_eq!(until().await, [34], "never shorter");
    clock.advance(Duration::days(34) - Duration::SECOND);
    directory.sign_in(profile("Okta", "bob")).await.unwrap();
    assert_eq!(until().await, [34]);
    clock.advance(Duration::minutes(2));
    directory.sign_in(profile("Okta", "carol")).await.unwrap();
    assert_eq!(until().await, [0; 0]);
    directory.close().await;
}

#[tokio::test]
async fn a_session_whose_identity_has_gone_to_another_user_is_written_anew() {
    let place = InATemporaryDirectory::new();
    let directory = SqliteDirectory::open(&place.path(), TestClock::at_noon()).await.unwrap();
    with_pools(&directory).await;
    directory.sign_in(within("Okta", "alice", "s1")).await.unwrap();
    let bob = directory.sign_in(profile("Okta", "bob")).await.unwrap();
    // As linking moves an identity; through another connection, for there is no such call here.
    let path = place.path();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(
        "UPDATE identities SET user_id = (SELECT id FROM users WHERE sub = ?1) WHERE subject = 'alice'",
    )
    .bind(&bob.sub)
    .execute(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
    directory.sign_in(within("Okta", "alice", "s1")).await.unwrap();
    let owners = directory.owners_of_session(POOL, "Okta", "s1").await.unwrap();
    assert_eq!(owners.iter().map(|owner| &*owner.sub).collect::<Vec<_>>(), [bob.sub]);
    directory.close().await;
}

#[tokio::test]
async fn a_database_of_before_endings_is_brought_up_to_date() {
    let place = InATemporaryDirectory::new();
    std::fs::create_dir(place.path().parent().unwrap()).unwrap();
    let (file, connection) = super::file::OwnedFile::open(
        &place.path(),
        sqlx::sqlite::SqliteSynchronous::Full,
        &super::MIGRATIONS[..1],
    )
    .await
    .unwrap();
    sqlx::Connection::close(connection).await.unwrap();
    drop(file);
    let directory = place.open().await;
    with_pools(&*directory).await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    directory.end_provider_sessions(POOL, &alice.sub, ended("s1", NOON + Duration::HOUR)).await.unwrap();
    assert_eq!(directory.token_state(POOL, &alice.sub, "").await.unwrap().endings.len(), 1);
    directory.close().await;
}

#[tokio::test]
async fn people_of_a_database_of_before_links_keep_their_user_and_can_be_linked() {
    let place = InATemporaryDirectory::new();
    std::fs::create_dir(place.path().parent().unwrap()).unwrap();
    let (file, mut connection) = super::file::OwnedFile::open(
        &place.path(),
        sqlx::sqlite::SqliteSynchronous::Full,
        &super::MIGRATIONS[..2],
    )
    .await
    .unwrap();
    for statement in [
        "INSERT INTO users VALUES (7, ?1, 'Okta_alice', 'alice-of-before', '{\"email\":\"a@b.example\"}', 1, \
         'EXTERNAL_PROVIDER', 1000, 1000, NULL)",
        "INSERT INTO identities VALUES (?1, 'Okta', 'alice', 7, 0, 'OIDC', NULL, 1, 1000)",
        "INSERT INTO memberships VALUES (7, ?1 || '_Okta', 0)",
        "INSERT INTO configuration VALUES ('identity_provider', ?1, 'Corp', '{}', NULL, 1)",
        "INSERT INTO endings SELECT 7, 's1', 1, 'person', 2000, 99999999999999 WHERE ?1 <> ''",
    ] {
        sqlx::query(statement).bind(POOL).execute(&mut connection).await.unwrap();
    }
    sqlx::Connection::close(connection).await.unwrap();
    drop(file);
    let directory = place.open().await;
    with_pools(&*directory).await;
    let alice = directory.sign_in(within("Okta", "alice", "s1")).await.unwrap();
    assert_eq!((&*alice.sub, alice.identities.len()), ("alice-of-before", 1));
    assert!(alice.identities[0].primary);
    assert_eq!(directory.token_state(POOL, &alice.sub, "").await.unwrap().endings.len(), 1);
    assert_eq!(directory.owners_of_session(POOL, "Okta", "s1").await.unwrap().len(), 1);
    directory.link(crash_link(&alice.sub, "a.smith")).await.unwrap();
    let linked = directory.sign_in(profile("Corp", "a.smith")).await.unwrap();
    assert_eq!(linked.sub, alice.sub);
    directory.close().await;
}

fn ended(mark: &str, until: OffsetDateTime) -> crate::directory::Ended {
    crate::directory::Ended {
        person: "person".into(),
        sessions: vec![mark.into()],
        at: NOON,
        tokens: true,
        until,
    }
}

#[tokio::test]
async fn a_disabled_user_cannot_sign_in() {
    let place = InATemporaryDirectory::new();
    let directory = SqliteDirectory::open(&place.path(), TestClock::at_noon()).await.unwrap();
    with_pools(&directory).await;
    directory.sign_in(profile("Okta", "alice")).await.unwrap();
    directory.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path());
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("UPDATE users SET enabled = 0").execute(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();
    let directory = place.open().await;
    with_pools(&*directory).await;
    assert!(matches!(
        directory.sign_in(profile("Okta", "alice")).await,
        Err(DirectoryError::Profile(crate::pool::ProfileError::Disabled))
    ));
    assert!(!directory.user(POOL, "Okta_alice").await.unwrap().unwrap().enabled);
    directory.close().await;
}

fn crash_link(sub: &str, name: &str) -> NewLink {
    let source = LinkSource { provider_name: "Corp".into(), by: LinkBy::Subject(name.to_owned()) };
    NewLink {
        pool_id: POOL.into(),
        sub: sub.to_owned(),
        source,
        provider_type: "SAML".into(),
        issuer: None,
        at: NOON,
    }
}

/// Runs in a process of its own: signs users in, revokes families, ends sessions and links, and tells each answer.
#[test]
fn crash_child() {
    let Some(path) = std::env::var_os("POOLGATE_TEST_CRASH_DIRECTORY") else { return };
    crate::sessions::embedded::crash::runtime().block_on(async {
        let directory =
            Arc::new(SqliteDirectory::open(Path::new(&path), TestClock::at_noon()).await.unwrap());
        with_pools(&*directory).await;
        let corp = Record {
            kind: Kind::IdentityProvider,
            pool_id: POOL.into(),
            id: "Corp".into(),
            document: "{}".into(),
            sealed: None,
            names: Vec::new(),
            version: 0,
        };
        directory.write(vec![Change::Create(corp)]).await.unwrap();
        let workers: Vec<_> = (0..32)
            .map(|worker| {
                let directory = Arc::clone(&directory);
                tokio::spawn(async move {
                    for number in 0..10_000 {
                        let name = format!("{worker}-{number}");
                        directory.sign_in(profile("Okta", &name)).await.unwrap();
                        crate::sessions::embedded::crash::tell("user", &name);
                        directory.revoke_family(POOL, &name, NOON + Duration::HOUR).await.unwrap();
                        crate::sessions::embedded::crash::tell("revoked", &name);
                        let sub = profile("Okta", &name).new_sub;
                        let ended = ended(&name, NOON + Duration::HOUR);
                        directory.end_provider_sessions(POOL, &sub, ended).await.unwrap();
                        crate::sessions::embedded::crash::tell("ended", &name);
                        directory.link(crash_link(&sub, &name)).await.unwrap();
                        crate::sessions::embedded::crash::tell("linked", &name);
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_sigkill_every_answered_write_is_there_and_no_half_of_any_other() {
    for answers in [1, 40, 333, 900] {
        let place = InATemporaryDirectory::new();
        let told = crate::sessions::embedded::crash::kill_after(
            answers,
            "directory::sqlite::tests::crash_child",
            "POOLGATE_TEST_CRASH_DIRECTORY",
            &place.path(),
        );
        let directory = place.open().await;
        with_pools(&*directory).await;
        for (what, name) in &told {
            let state = directory.token_state(POOL, &profile("Okta", name).new_sub, name).await.unwrap();
            assert_eq!(state.user.map(|user| user.username), Some(format!("Okta_{name}")), "{name}");
            assert!(what == "user" || state.revoked, "{name}");
            assert!(what != "ended" || state.endings.iter().any(|ending| ending.mark == *name), "{name}");
            let linked = directory.user_of_identity(POOL, "Corp", name).await.unwrap();
            assert!(what != "linked" || linked == Some(profile("Okta", name).new_sub), "{name}");
        }
        // Whoever else got in, got in whole.
        let query = crate::directory::UserQuery { limit: 1_000_000, ..Default::default() };
        for user in directory.users(POOL, query).await.unwrap() {
            assert!((1..=2).contains(&user.identities.len()) && user.groups.len() == 1, "{user:?}");
            assert!(user.identities[0].primary && user.identities[1..].iter().all(|link| !link.primary));
            let name = user.identities[0].user_id.clone();
            assert_eq!(directory.sign_in(profile("Okta", &name)).await.unwrap(), user);
        }
        directory.close().await;
    }
}
