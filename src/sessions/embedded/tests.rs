//! What is particular to the embedded store; the rest is the conformance suite.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use poolgate_providers::Clock as _;
use sqlx::ConnectOptions as _;
use time::{Duration, OffsetDateTime};

use super::memory::OVERHEAD;
use super::{EmbeddedSessions, crash};
use crate::directory::sqlite::tests::TestClock;
use crate::sessions::conformance::{Setting, session_conformance};
use crate::sessions::{Key, Kind, SessionError, SessionStore};

struct InATemporaryDirectory {
    place: tempfile::TempDir,
    clock: Arc<TestClock>,
}

impl InATemporaryDirectory {
    fn new() -> Self {
        Self { place: tempfile::tempdir().unwrap(), clock: TestClock::at_noon() }
    }

    fn path(&self) -> PathBuf {
        self.place.path().join("sessions.sqlite")
    }

    async fn with_limit(&self, limit: usize) -> EmbeddedSessions {
        EmbeddedSessions::open_with_limit(&self.path(), self.clock.clone(), limit).await.unwrap()
    }

    async fn raw(&self) -> sqlx::SqliteConnection {
        sqlx::sqlite::SqliteConnectOptions::new().filename(self.path()).connect().await.unwrap()
    }
}

#[async_trait]
impl Setting for InATemporaryDirectory {
    async fn open(&self) -> Arc<dyn SessionStore> {
        Arc::new(EmbeddedSessions::open(&self.path(), self.clock.clone()).await.unwrap())
    }

    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

session_conformance!(InATemporaryDirectory::new());

fn code(name: impl Into<String>) -> Key {
    Key::new(Kind::Code, name)
}

/// What an entry of this key counts, beside its value.
fn weight_of(name: &str) -> usize {
    OVERHEAD + "code:".len() + name.len()
}

#[tokio::test]
async fn a_full_store_refuses_the_new_and_keeps_the_old() {
    let place = InATemporaryDirectory::new();
    let store = place.with_limit(3 * weight_of("1") + 30).await;
    let until = place.now() + Duration::MINUTE;
    for name in ["1", "2", "3"] {
        store.put(&code(name), vec![0; 10], until).await.unwrap();
    }
    assert!(matches!(store.put(&code("4"), vec![], until).await, Err(SessionError::Full)));
    assert!(matches!(store.put_new(&code("4"), vec![], until).await, Err(SessionError::Full)));
    assert!(matches!(store.exchange(&code("1"), vec![0; 11]).await, Err(SessionError::Full)));
    // What does not grow goes on.
    assert!(store.exchange(&code("1"), vec![1; 10]).await.unwrap().is_some());
    store.put(&code("2"), vec![2; 10], until).await.unwrap();
    assert_eq!(store.get(&code("1")).await.unwrap(), Some(vec![1; 10]));
    assert_eq!(store.get(&code("4")).await.unwrap(), None);
    // Taking makes room.
    store.take(&code("3")).await.unwrap();
    store.put(&code("4"), vec![4; 10], until).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn what_expired_makes_room_wherever_it_lies() {
    let place = InATemporaryDirectory::new();
    let store = place.with_limit(200 * weight_of("000")).await;
    for round in 0..3 {
        let until = place.now() + Duration::MINUTE;
        for number in 100..300 {
            store.put(&code((round * 300 + number).to_string()), vec![], until).await.unwrap();
        }
        assert!(matches!(store.put(&code("one more"), vec![], until).await, Err(SessionError::Full)));
        place.clock.advance(Duration::MINUTE);
    }
    store.close().await;
}

#[tokio::test]
async fn an_expired_entry_is_gone_before_it_is_pruned() {
    let place = InATemporaryDirectory::new();
    let store = place.open().await;
    // More in every shard than a step prunes in passing.
    let names: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    for name in &names {
        store.put(&code(&**name), vec![1], place.now() + Duration::MINUTE).await.unwrap();
    }
    place.clock.advance(Duration::MINUTE);
    for name in names.iter().rev() {
        assert_eq!(store.exchange(&code(&**name), vec![2]).await.unwrap(), None);
        assert_eq!(store.take(&code(&**name)).await.unwrap(), None);
    }
    store.close().await;
}

#[tokio::test]
async fn expired_rows_leave_the_disk() {
    let place = InATemporaryDirectory::new();
    let store = place.open().await;
    for number in 0..50 {
        store.put(&code(number.to_string()), vec![1], place.now() + Duration::SECOND).await.unwrap();
    }
    place.clock.advance(Duration::MINUTE);
    store.put(&code("last"), vec![1], place.now() + Duration::MINUTE).await.unwrap();
    store.close().await;
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM entries").fetch_one(&mut place.raw().await).await.unwrap();
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn when_the_disk_fails_the_store_answers_nothing_more_and_reopens_as_last_committed() {
    let place = InATemporaryDirectory::new();
    let store = place.open().await;
    let until = place.now() + Duration::MINUTE;
    store.put(&code("kept"), vec![1], until).await.unwrap();
    // Stands for a disk that refuses: the next removal fails.
    let mut other = place.raw().await;
    sqlx::query(
        "CREATE TRIGGER broken BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'broken disk'); END",
    )
    .execute(&mut other)
    .await
    .unwrap();
    match store.take(&code("kept")).await {
        Err(SessionError::Away(why)) => assert!(why.contains("broken disk"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(store.get(&code("kept")).await, Err(SessionError::Away(_))));
    assert!(matches!(store.put_new(&code("kept"), vec![2], until).await, Err(SessionError::Away(_))));
    assert!(matches!(store.put(&code("new"), vec![2], until).await, Err(SessionError::Away(_))));
    assert!(matches!(store.ping().await, Err(SessionError::Away(_))));
    store.close().await;
    sqlx::query("DROP TRIGGER broken").execute(&mut other).await.unwrap();
    sqlx::Connection::close(other).await.unwrap();
    let store = place.open().await;
    assert_eq!(store.take(&code("kept")).await.unwrap(), Some(vec![1]));
    store.close().await;
}

#[tokio::test]
async fn a_second_gateway_on_the_same_file_is_refused() {
    let place = InATemporaryDirectory::new();
    let store = place.open().await;
    match EmbeddedSessions::open(&place.path(), place.clock.clone()).await {
        Err(SessionError::Away(why)) => assert!(why.contains("in use by another process"), "{why}"),
        _ => panic!("two gateways share one log"),
    }
    store.close().await;
    place.open().await.close().await;
}

/// Runs in a process of its own: puts, exchanges and takes, and tells each answer.
#[test]
fn crash_child() {
    let Some(path) = std::env::var_os("POOLGATE_TEST_CRASH_SESSIONS") else { return };
    crash::runtime().block_on(async {
        let clock = TestClock::at_noon();
        let until = clock.now() + Duration::HOUR;
        let store = Arc::new(EmbeddedSessions::open(Path::new(&path), clock).await.unwrap());
        let workers: Vec<_> = (0..32)
            .map(|worker| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    for number in 0..10_000 {
                        let name = format!("{worker}-{number}");
                        assert!(store.put_new(&code(&*name), b"new".to_vec(), until).await.unwrap());
                        crash::tell("put", &name);
                        store.exchange(&code(&*name), b"changed".to_vec()).await.unwrap().unwrap();
                        crash::tell("changed", &name);
                        if number % 2 == 0 {
                            store.take(&code(&*name)).await.unwrap().unwrap();
                            crash::tell("taken", &name);
                        }
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
async fn after_sigkill_every_answered_step_is_there() {
    for answers in [1, 50, 700, 3000] {
        let place = InATemporaryDirectory::new();
        let told = crash::kill_after(
            answers,
            "sessions::embedded::tests::crash_child",
            "POOLGATE_TEST_CRASH_SESSIONS",
            &place.path(),
        );
        let mut of_name: HashMap<&str, HashSet<&str>> = HashMap::new();
        for (what, name) in &told {
            of_name.entry(name).or_default().insert(what);
        }
        let store = place.open().await;
        for (name, told) in of_name {
            let odd = name.ends_with(['1', '3', '5', '7', '9']);
            let found = store.get(&code(name)).await.unwrap();
            if told.contains("taken") {
                assert_eq!(found, None, "{name} came back");
            } else if told.contains("changed") {
                // A take that was not answered may have happened.
                assert!(
                    found.as_deref() == Some(b"changed") || (!odd && found.is_none()),
                    "{name}: {found:?}"
                );
            } else {
                assert!(matches!(found.as_deref(), Some(b"new" | b"changed")), "{name}: {found:?}");
            }
        }
        store.close().await;
    }
}
