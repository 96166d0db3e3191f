//! What is not done, and that nothing is kept of it.

use std::sync::Arc;

use super::filled::{self, POOL};
use super::*;
use crate::directory::Directory;
use crate::directory::conformance::{profile, with_pools};
use crate::directory::sqlite::tests::TestClock;
use crate::directory::sqlite::{SCHEMA, SqliteDirectory};

/// How the comparison of a copy ends that somebody alters behind it.
async fn altered(source: &mut Source, target: &mut Target, sql: &'static str) -> String {
    let run = async |target: &mut Target, sql: &'static str| {
        sqlx::raw_sql(sql).execute(target.connection()).await.unwrap();
    };
    run(target, "SAVEPOINT copied").await;
    run(target, sql).await;
    let compared = compare_all(source, target, &mut |_| {}).await;
    run(target, "ROLLBACK TO copied").await;
    match compared {
        Err(MigrateError::Different { table, what }) => format!("{table}: {what}"),
        other => panic!("{sql}: {other:?}"),
    }
}

#[tokio::test]
async fn one_altered_value_anywhere_is_found_and_nothing_is_kept() {
    let moving = Move::new().await;
    let (mut source, mut target) = moving.copied().await;
    for (sql, found) in [
        (
            "UPDATE users SET attributes = attributes || '{\"email\":\"mallory@example.com\"}' WHERE id = 700",
            "users: the row with id 700 differs in attributes",
        ),
        ("UPDATE users SET enabled = true WHERE NOT enabled", "differs in enabled"),
        ("UPDATE users SET signed_out_at = NULL WHERE signed_out_at IS NOT NULL", "differs in signed_out_at"),
        ("DELETE FROM memberships WHERE user_id = 9", "memberships: the row with user_id 9"),
        (
            "INSERT INTO revoked_families VALUES ('a', 'b', 1)",
            "revoked_families: PostgreSQL has a row too many, with pool_id \"a\", origin_jti \"b\"",
        ),
        (
            "INSERT INTO used_once VALUES (E'\\U0010FFFF', 1)",
            "used_once: PostgreSQL has a row too many, with mark \"\\u{10ffff}\"",
        ),
        ("UPDATE identities SET issuer = '' WHERE issuer IS NULL", "differs in issuer"),
        ("UPDATE configuration SET sealed = sealed || '\\x00' WHERE id = 'Okta'", "differs in sealed"),
        (
            "UPDATE configuration SET document = document || ' ' WHERE kind = 'user_pool'",
            "differs in document",
        ),
        ("UPDATE generations SET generation = generation + 1", "generations: the row with pool_id"),
        ("UPDATE waiting_links SET digest = sha256('x') WHERE value = '7'", "1 rows have a wrong digest"),
        ("UPDATE endings SET tokens = NOT tokens WHERE mark = 'person' AND user_id = 1007", "endings: "),
        ("DELETE FROM unique_names WHERE name = 'b'", "unique_names: the row with scope \"identifier:p\""),
        ("DELETE FROM provider_sessions WHERE digest = 'session 900'", "\"session 900\""),
    ] {
        let said = altered(&mut source, &mut target, sql).await;
        assert!(said.contains(found), "{sql}: {said}");
    }
    compare_all(&mut source, &mut target, &mut |_| {}).await.unwrap();
    target.close().await;
    drop(source);
    assert!(moving.counts().iter().all(|(_, rows)| *rows == 0), "nothing was committed");
    assert!(moving.unfinished(), "no gateway may start on it");
    moving.transfer().await.unwrap();
    assert!(!moving.unfinished());
}

#[tokio::test]
async fn a_target_that_holds_something_is_left_as_it_is() {
    let moving = Move::new().await;
    drop(moving.target().await);
    for sql in [
        "INSERT INTO generations VALUES ('p', 1)",
        "INSERT INTO users (pool_id, username, sub, attributes, enabled, status, created_at, modified_at) \
         VALUES ('p', 'u', 's', '{}', true, 'EXTERNAL_PROVIDER', 1, 1)",
        "INSERT INTO used_once VALUES ('m', 1)",
    ] {
        moving.database.sql(sql);
        let before = moving.counts();
        let refused = moving.transfer().await.unwrap_err();
        assert!(matches!(refused, MigrateError::NotEmpty { .. }), "{sql}: {refused}");
        assert_eq!((moving.counts(), moving.unfinished()), (before, false), "{sql}");
        moving.database.sql("TRUNCATE generations, users, used_once CASCADE");
    }
    moving.transfer().await.unwrap();
    let before = moving.counts();
    assert!(matches!(moving.transfer().await, Err(MigrateError::NotEmpty { table: "configuration" })));
    assert_eq!((moving.counts(), moving.unfinished()), (before, false));
}

#[tokio::test]
async fn of_two_at_once_one_copies_and_the_other_finds_its_directory() {
    let (one, other) = (Move::empty(), Move::empty());
    filled::directory(&one.file()).await;
    std::fs::copy(one.file(), other.file()).unwrap();
    let other = Move { folder: other.folder, database: one.database };
    let one = Move { folder: one.folder, database: Database::new() };
    let run = async |moving: &Move| {
        let (mut source, mut target) = (moving.source().await.unwrap(), other.target().await);
        let done = transfer(&mut source, &mut target, &mut |_| {}).await;
        target.close().await;
        done
    };
    let mut ends = [run(&one).await, run(&other).await];
    ends.sort_by_key(Result::is_err);
    assert!(matches!(ends, [Ok(()), Err(MigrateError::NotEmpty { .. })]), "{ends:?}");
    assert!(!other.unfinished());
}

#[tokio::test]
async fn a_file_that_a_gateway_uses_is_not_touched() {
    let moving = Move::empty();
    let directory = SqliteDirectory::open(&moving.file(), TestClock::at_noon()).await.unwrap();
    with_pools(&directory).await;
    let refused = moving.source().await.err().unwrap();
    assert!(matches!(refused, MigrateError::Running), "{refused}");
    directory.sign_in(profile("Okta", "alice")).await.unwrap();
    directory.close().await;
    let source = moving.source().await.unwrap();
    let second = SqliteDirectory::open(&moving.file(), TestClock::at_noon()).await;
    assert!(second.is_err(), "no gateway starts while it is copied");
    drop(source);
}

#[tokio::test]
async fn only_a_whole_file_of_this_version_is_copied() {
    let refused = async |moving: &Move| moving.source().await.err().unwrap().to_string();
    let moving = Move::empty();
    assert!(refused(&moving).await.contains("there is no directory at"));
    std::fs::write(moving.file(), "").unwrap();
    assert!(refused(&moving).await.contains("holds no directory of Poolgate"));
    std::fs::write(moving.file(), "no database ".repeat(1_000)).unwrap();
    assert!(refused(&moving).await.contains("not a database"));
    let moving = Move::new().await;
    filled::sql(&moving.file(), "UPDATE _sqlx_migrations SET version = 99 WHERE version = (SELECT max(version) FROM _sqlx_migrations)").await;
    assert!(refused(&moving).await.contains(&format!("newer version (99, this build knows {SCHEMA})")));
    filled::sql(&moving.file(), "DELETE FROM _sqlx_migrations WHERE version = 99").await;
    let why = refused(&moving).await;
    let older = format!("older version ({}, this build knows {SCHEMA}): start `poolgate serve`", SCHEMA - 1);
    assert!(why.contains(&older), "{why}");
    let moving = Move::new().await;
    let mut bytes = std::fs::read(moving.file()).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0x5a);
    std::fs::write(moving.file(), bytes).unwrap();
    let why = refused(&moving).await;
    assert!(why.contains("damaged") || why.contains("malformed"), "{why}");
}

#[tokio::test]
async fn what_a_killed_gateway_left_in_the_log_is_copied_too() {
    let moving = Move::empty();
    let directory = SqliteDirectory::open(&moving.file(), TestClock::at_noon()).await.unwrap();
    with_pools(&directory).await;
    directory.sign_in(profile("Okta", "alice")).await.unwrap();
    // What SIGKILL would leave: the database before, and the log.
    let killed = Move::empty();
    for end in ["", "-wal"] {
        let name = format!("directory.sqlite{end}");
        std::fs::copy(moving.folder.path().join(&name), killed.folder.path().join(&name)).unwrap();
    }
    directory.close().await;
    killed.transfer().await.unwrap();
    assert_eq!(killed.database.sql("SELECT username FROM users"), "Okta_alice");
}

#[tokio::test]
async fn a_text_that_postgresql_cannot_hold_is_named() {
    let moving = Move::new().await;
    filled::sql(
        &moving.file(),
        "UPDATE waiting_links SET provider_type = 'a' || char(0) || 'b' WHERE value = '7'",
    )
    .await;
    let refused = moving.transfer().await.unwrap_err().to_string();
    assert!(refused.starts_with("waiting_links, row with pool_id"), "{refused}");
    assert!(refused.contains("value \"7\": provider_type contains the character U+0000"), "{refused}");
    assert!(moving.counts().iter().all(|(_, rows)| *rows == 0));
}

#[tokio::test]
async fn another_master_key_is_refused_before_anything_is_copied() {
    let moving = Move::empty();
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let right = Sealer::new(&[1; 32], Arc::clone(&random)).unwrap();
    let wrong = Sealer::new(&[2; 32], Arc::clone(&random)).unwrap();
    let mut client = filled::record(Kind::AppClient, POOL, "client", "{}", &[]);
    client.sealed = Some(right.seal(&format!("app_client/{POOL}/client"), b"secret").unwrap());
    let directory = SqliteDirectory::open(&moving.file(), TestClock::at_noon()).await.unwrap();
    directory.write(vec![crate::directory::Change::Create(client)]).await.unwrap();
    directory.close().await;
    let mut source = moving.source().await.unwrap();
    check_secrets(&mut source, &right).await.unwrap();
    let refused = check_secrets(&mut source, &wrong).await.unwrap_err();
    assert!(refused.to_string().starts_with("the secrets of app client client do not open"), "{refused}");
}
