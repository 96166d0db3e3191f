//! The start: tables made once, brought up to date, and refused when they are not for this build.

use std::sync::Arc;
use std::time::Duration;

use poolgate_providers::{Clock as _, SystemClock};
use poolgate_testing::{Database, Postgres, free_port};

use super::{Address, PostgresDirectory, open, try_open, until, why};
use crate::directory::Directory;
use crate::directory::conformance::profile;
use crate::directory::sqlite::tests::TestClock;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_start_at_once_make_the_tables_once() {
    let database = Database::new();
    let url = format!("{}?schema=gate", database.url());
    let starts: Vec<_> = (0..8)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { open(&url).await })
        })
        .collect();
    for start in starts {
        let directory = start.await.unwrap();
        directory.sign_in(profile("Okta", "alice")).await.unwrap();
        directory.close().await;
    }
    assert_eq!(database.sql("SELECT count(*) FROM gate.users"), "1");
    let made = format!("1|{}", super::super::schema::LAST);
    assert_eq!(database.sql("SELECT count(*), max(version) FROM gate.poolgate_directory"), made);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_a_newer_build_and_a_copy_that_is_not_finished_are_refused() {
    let database = Database::new();
    open(database.url()).await.close().await;
    for (change, word) in
        [("version = 99", "newer Poolgate"), ("version = 1, importing = true", "being copied")]
    {
        database.sql(&format!("UPDATE poolgate_directory SET {change}"));
        let Err(refused) = try_open(database.url()).await else { panic!("{change}: it was opened") };
        let said = why(refused);
        assert!(said.contains(word), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_may_not_make_tables_will_do_once_they_are_there() {
    let server = Postgres::start();
    server.sql("CREATE ROLE gate LOGIN; REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO gate");
    let as_gate = server.url().replace("poolgate@", "gate@");
    let Err(refused) = try_open(&as_gate).await else { panic!("it made tables") };
    assert!(why(refused).contains("lacks a privilege"));
    open(&server.url()).await.close().await;
    server.sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO gate");
    let directory = open(&as_gate).await;
    directory.sign_in(profile("Okta", "alice")).await.unwrap();
    directory.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_yet_is_waited_for_and_one_that_never_comes_is_named() {
    let port = free_port();
    let url = format!("postgres://me:hunter2@127.0.0.1:{port}/pool");
    let Err(away) = try_open(&url).await else { panic!("there is no server") };
    let said = why(away);
    assert!(said.contains("cannot be reached") && !said.contains("hunter2"), "{said}");
    assert!(said.ends_with(&format!("(POOLGATE_DIRECTORY_URL leads to 127.0.0.1:{port}/pool)")), "{said}");

    let mut server = Postgres::start();
    let stranger = server.url().replace("poolgate@", "nobody:hunter2@");
    let Err(refused) = try_open(&stranger).await else { panic!("there is no such role") };
    let said = why(refused);
    assert!(
        said.starts_with("PostgreSQL refuses the connection: role \"nobody\" does not exist ("),
        "{said}"
    );
    server.crash();
    let address = Address::parse(&server.url()).unwrap();
    let opening = tokio::spawn(async move {
        PostgresDirectory::open_within(&address, TestClock::at_noon(), Duration::from_secs(60)).await
    });
    // Whether it has been looked for already does not matter.
    tokio::task::yield_now().await;
    server.restart();
    opening.await.unwrap().unwrap().ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_expired_by_both_clocks_is_forgotten_an_hour_later_and_nothing_else() {
    let database = Database::new();
    let directory = open(database.url()).await;
    let alice = directory
        .sign_in(crate::directory::conformance::provider_sessions::within("Okta", "alice", "s"))
        .await;
    let alice = alice.unwrap();
    let end = directory.now().await.unwrap().unwrap() - time::Duration::minutes(90);
    let later = end + time::Duration::HOUR;
    for number in 0..600 {
        directory.revoke_family(super::POOL, &format!("f{number}"), end).await.unwrap();
    }
    directory.revoke_family(super::POOL, "later", later).await.unwrap();
    database.sql(&format!("UPDATE provider_sessions SET until = {}", super::super::millis(later)));
    directory.use_once("mark", end).await.unwrap();
    let mut rotation = crate::directory::conformance::rotations::rotation("f1", 1, "a");
    rotation.until = end;
    directory.rotate(rotation).await.unwrap();
    let ended = crate::directory::Ended {
        person: "p".into(),
        sessions: vec!["s".into()],
        at: end,
        tokens: true,
        until: end,
    };
    directory.end_provider_sessions(super::POOL, &alice.sub, ended).await.unwrap();
    let left = || {
        let tables = ["revoked_families", "used_once", "endings", "provider_sessions", "rotations"];
        tables.map(|table| database.sql(&format!("SELECT count(*) FROM {table}")))
    };
    let prune_at = async |minutes: i64| {
        let now = super::super::millis(end + time::Duration::minutes(minutes));
        super::super::prune::prune(&directory.connections, now).await.unwrap();
    };
    prune_at(60).await;
    assert_eq!(left(), ["601", "1", "1", "1", "1"]);
    prune_at(61).await;
    assert_eq!(left(), ["1", "0", "0", "1", "0"]);
    // A gateway whose clock is forty days ahead.
    prune_at(60 * 24 * 40).await;
    assert_eq!(left(), ["1", "0", "0", "1", "0"]);
    database.sql("UPDATE revoked_families SET until = 0; UPDATE provider_sessions SET until = 0");
    prune_at(61).await;
    assert_eq!(left(), ["0", "0", "0", "0", "0"]);
}

/// Two that start: one is asked to stop while it waits; the other goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_directory_holds_no_connection() {
    let database = Database::new();
    let directory = open(&format!("{}?application_name=closing", database.url())).await;
    let many: Vec<_> = (0..20)
        .map(|number| {
            let directory = Arc::clone(&directory);
            tokio::spawn(async move { directory.sign_in(profile("Okta", &number.to_string())).await })
        })
        .collect();
    for one in many {
        one.await.unwrap().unwrap();
    }
    const COUNT: &str = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'closing'";
    assert!(database.sql(COUNT).parse::<u32>().unwrap() <= 10);
    directory.close().await;
    until(async || database.sql(COUNT) == "0").await;
}

#[tokio::test]
async fn the_clock_is_the_servers_and_goes_on() {
    let database = Database::new();
    let directory = open(database.url()).await;
    // The clock that was handed in stands at noon; the server reads this machine's.
    let (before, allowed) = (SystemClock.now(), time::Duration::SECOND);
    let first = directory.now().await.unwrap().unwrap();
    assert!((before - allowed..=SystemClock.now() + allowed).contains(&first), "{first}");
    assert!(directory.now().await.unwrap().unwrap() > first);
    directory.close().await;
}
