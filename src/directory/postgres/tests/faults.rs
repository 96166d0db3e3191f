//! A server that crashes, freezes, is full, or will not write: nobody hangs, nothing is half-written, and it goes on
//! by itself.

use std::sync::Arc;
use std::time::Duration;

use poolgate_testing::{Database, Postgres};
use sqlx::{Connection as _, PgConnection};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::{POOL, open, until, why};
use crate::directory::conformance::profile;
use crate::directory::{Directory, DirectoryError, UserQuery};

/// Far more than anything here may take.
const FAR: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_everything_answered_is_there_whole_and_it_goes_on_by_itself() {
    let mut server = Postgres::start();
    let directory = open(&server.url()).await;
    let (told, mut hear) = mpsc::unbounded_channel();
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let (directory, told) = (Arc::clone(&directory), told.clone());
            tokio::spawn(async move {
                for number in 0.. {
                    let name = format!("{worker}-{number}");
                    match directory.sign_in(profile("Okta", &name)).await {
                        Ok(user) => told.send(user).unwrap(),
                        Err(DirectoryError::Away(_)) => return,
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    drop(told);
    let mut answered = Vec::new();
    for _ in 0..100 {
        answered.push(hear.recv().await.unwrap());
    }
    tokio::task::block_in_place(|| server.crash());
    while let Some(user) = hear.recv().await {
        answered.push(user);
    }
    for worker in workers {
        worker.await.unwrap();
    }
    assert!(matches!(directory.ping().await, Err(DirectoryError::Away(_))));
    tokio::task::block_in_place(|| server.restart());
    // Every connection is dead, and nobody notices.
    for user in &answered {
        assert_eq!(directory.user(POOL, &user.username).await.unwrap().as_ref(), Some(user));
    }
    let everybody =
        directory.users(POOL, UserQuery { limit: 100_000, ..UserQuery::default() }).await.unwrap();
    for user in &everybody {
        assert_eq!((user.identities.len(), user.groups.len()), (1, 1), "{user:?}");
    }
    assert!(everybody.len() >= answered.len() && everybody.len() <= answered.len() + 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_between_two_requests_is_noticed_by_nobody() {
    let mut server = Postgres::start();
    let directory = open(&server.url()).await;
    let many = (0..8).map(|number| {
        let directory = Arc::clone(&directory);
        tokio::spawn(async move { directory.sign_in(profile("Okta", &number.to_string())).await.unwrap() })
    });
    for one in many.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    for _ in 0..2 {
        tokio::task::block_in_place(|| server.restart());
        directory.use_once("mark", time::OffsetDateTime::UNIX_EPOCH).await.unwrap();
        directory.sign_in(profile("Okta", "0")).await.unwrap();
        tokio::task::block_in_place(|| server.restart());
        directory.sign_in(profile("Okta", "new")).await.unwrap();
        directory.delete_user(POOL, "Okta_new").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_is_away_in_time_and_nobody_hangs() {
    let server = Postgres::start();
    let directory = open(&format!("{}?timeout_ms=300&max_connections=3", server.url())).await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    server.freeze();
    let begun = Instant::now();
    let many: Vec<_> = (0..12)
        .map(|number| {
            let directory = Arc::clone(&directory);
            tokio::spawn(async move {
                match number % 4 {
                    0 => directory.sign_in(profile("Okta", "alice")).await.map(|_| ()),
                    1 => directory.token_state(POOL, "x", "y").await.map(|_| ()),
                    2 => directory.use_once("mark", time::OffsetDateTime::UNIX_EPOCH).await.map(|_| ()),
                    _ => directory.ping().await,
                }
            })
        })
        .collect();
    for one in many {
        let answer = timeout(FAR, one).await.unwrap().unwrap();
        let said = why(answer.unwrap_err());
        assert!(said.contains("300 ms"), "{said}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    server.thaw();
    until(async || directory.ping().await.is_ok()).await;
    assert_eq!(directory.sign_in(profile("Okta", "alice")).await.unwrap(), alice);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_a_connection_left_is_waited_for_and_then_away() {
    let server = Postgres::start_with(&["max_connections = 4", "superuser_reserved_connections = 0"]);
    let url = format!("{}?timeout_ms=400", server.url());
    let directory = open(&url).await;
    directory.close().await;
    let url_of_others = server.url();
    let others = async || {
        let mut others: Vec<PgConnection> = Vec::new();
        while others.len() < 4 {
            if let Ok(one) = PgConnection::connect(&url_of_others).await {
                others.push(one);
            }
        }
        others
    };
    let address = super::Address::parse(&url).unwrap();
    let connections = super::super::connections::Connections::new(&address);
    let held = others().await;
    let ask = || Ok(sqlx::query("SELECT 1"));
    let refused = DirectoryError::from(connections.fetch(ask).await.unwrap_err());
    assert!(why(refused).contains("no connection left"));
    // Let go while somebody waits: nobody notices.
    let (answer, ()) = tokio::join!(connections.fetch(ask), async { drop(held) });
    assert_eq!(answer.unwrap().len(), 1);
}

/// As a full disk answers; a real one would have to be mounted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_disk_is_full_nothing_is_half_written() {
    let database = Database::new();
    let directory = open(database.url()).await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    database.sql(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS \
         $$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END$$; \
         CREATE TRIGGER full_disk BEFORE INSERT ON memberships FOR EACH ROW EXECUTE FUNCTION full_disk()",
    );
    let said = why(directory.sign_in(profile("Okta", "bob")).await.unwrap_err());
    assert!(said.contains("its disk is full"), "{said}");
    assert_eq!(directory.count_users(POOL).await.unwrap(), 1);
    assert_eq!(database.sql("SELECT count(*) FROM identities"), "1");
    // Who is known and brings nothing new signs in.
    assert_eq!(directory.sign_in(profile("Okta", "alice")).await.unwrap(), alice);
    database.sql("DROP TRIGGER full_disk ON memberships");
    directory.sign_in(profile("Okta", "bob")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_only_reads_is_away_for_what_writes_and_says_so() {
    let server = Postgres::start();
    let directory = open(&server.url()).await;
    let alice = directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let set = |on: &str| {
        server.sql(&format!("ALTER SYSTEM SET default_transaction_read_only = {on}"));
        server.sql("SELECT pg_reload_conf()");
    };
    set("on");
    until(async || directory.ping().await.is_err()).await;
    let said = why(directory.sign_in(profile("Okta", "bob")).await.unwrap_err());
    assert!(said.contains("read-only"), "{said}");
    let said = why(directory.ping().await.unwrap_err());
    assert!(said.contains("read-only"), "{said}");
    assert_eq!(directory.sign_in(profile("Okta", "alice")).await.unwrap(), alice);
    // Each by itself: ALTER SYSTEM takes part in no transaction.
    let mut admin = PgConnection::connect(&server.url()).await.unwrap();
    for statement in [
        "SET default_transaction_read_only = off",
        "ALTER SYSTEM RESET default_transaction_read_only",
        "SELECT pg_reload_conf()",
    ] {
        sqlx::raw_sql(statement).execute(&mut admin).await.unwrap();
    }
    until(async || directory.ping().await.is_ok()).await;
    directory.sign_in(profile("Okta", "bob")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_too_long_ends_at_the_server_too() {
    let database = Database::new();
    let directory = open(&format!("{}?timeout_ms=300&application_name=waiting", database.url())).await;
    directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let mut other = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT 1 FROM users FOR UPDATE").execute(&mut other).await.unwrap();
    let mut mine = profile("Okta", "alice");
    mine.set.insert("name".into(), "Alice".into());
    let said = why(directory.sign_in(mine.clone()).await.unwrap_err());
    assert!(said.contains("PostgreSQL"), "{said}");
    // It waits there no more.
    const WAITING: &str = "SELECT count(*) FROM pg_stat_activity \
         WHERE application_name = 'waiting' AND wait_event_type = 'Lock'";
    until(async || database.sql(WAITING) == "0").await;
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    assert_eq!(directory.user(POOL, "Okta_alice").await.unwrap().unwrap().attributes.get("name"), None);
    assert_eq!(directory.sign_in(mine).await.unwrap().attributes["name"], "Alice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_goes_away_leaves_nothing_open() {
    let database = Database::new();
    let directory = open(&format!("{}?max_connections=2&application_name=leaving", database.url())).await;
    directory.sign_in(profile("Okta", "alice")).await.unwrap();
    let mut other = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT 1 FROM users FOR UPDATE").execute(&mut other).await.unwrap();
    for _ in 0..6 {
        let mut mine = profile("Okta", "alice");
        mine.set.insert("name".into(), "Alice".into());
        // Long enough for it to wait at the server, most of the time; nothing depends on it.
        let _ = timeout(Duration::from_millis(20), directory.sign_in(mine)).await;
    }
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    const OPEN: &str = "SELECT count(*) FROM pg_stat_activity \
         WHERE application_name = 'leaving' AND state LIKE 'idle in transaction%'";
    until(async || database.sql(OPEN) == "0").await;
    directory.sign_in(profile("Okta", "alice")).await.unwrap();
    directory.sign_in(profile("Okta", "bob")).await.unwrap();
}
