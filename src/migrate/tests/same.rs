//! What was copied is the same directory, and goes on as one.

use std::collections::HashMap;

use sqlx::{Connection as _, Row as _, SqliteConnection};

use super::filled::{self, FAR, GONE, HOSTILE, MANY, POOL};
use super::*;
use crate::directory::conformance::rotations::rotation;
use crate::directory::conformance::{profile, with_pools};
use crate::directory::postgres::PostgresDirectory;
use crate::directory::sqlite::SqliteDirectory;
use crate::directory::sqlite::tests::TestClock;
use crate::directory::{Directory, DirectoryError, UserQuery};
use crate::pool::User;

async fn everybody(directory: &dyn Directory) -> Vec<User> {
    let query = UserQuery { limit: 10_000, ..UserQuery::default() };
    directory.users(POOL, query).await.unwrap()
}

/// Both as whoever uses them sees them.
async fn compare(here: &dyn Directory, there: &dyn Directory) {
    let sorted = async |directory: &dyn Directory| {
        let mut records = directory.load().await.unwrap();
        records.sort_by_key(|record| (record.kind.as_str(), record.pool_id.clone(), record.id.clone()));
        records.iter_mut().for_each(|record| record.names.sort_by(|a, b| a.name.cmp(&b.name)));
        records
    };
    assert_eq!(sorted(here).await, sorted(there).await);
    let changed = here.changed_since(0).await.unwrap();
    assert!(changed.pools.contains(&GONE.to_owned()) && changed.generation > 3);
    assert_eq!(changed, there.changed_since(0).await.unwrap());
    let people = everybody(here).await;
    assert_eq!(people.len(), MANY - 1 + HOSTILE.len());
    assert_eq!(people, everybody(there).await);
    let subs: Vec<_> = people.iter().map(|user| user.sub.clone()).collect();
    let links = here.waiting_links(POOL, &subs).await.unwrap();
    assert_eq!(links.len(), 3);
    let by_value = |mut links: Vec<crate::pool::WaitingLink>| {
        links.sort_by(|a, b| a.value.cmp(&b.value));
        links
    };
    assert_eq!(by_value(links), by_value(there.waiting_links(POOL, &subs).await.unwrap()));
    for (number, user) in people.iter().enumerate() {
        let family = HOSTILE[number % HOSTILE.len()];
        let state = async |directory: &dyn Directory| {
            let mut state = directory.token_state(POOL, &user.sub, family).await.unwrap();
            state.endings.sort_by(|a, b| (&a.mark, a.tokens).cmp(&(&b.mark, b.tokens)));
            state
        };
        let state = (state(here).await, state(there).await);
        assert!(state.0.revoked && state.0 == state.1, "{state:?}");
    }
    for number in (0..MANY).step_by(97) {
        let digest = format!("session {number}");
        let owners = here.owners_of_session(POOL, "Okta", &digest).await.unwrap();
        assert_eq!(owners.len(), 1);
        assert_eq!(owners, there.owners_of_session(POOL, "Okta", &digest).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copied_directory_is_the_same_and_goes_on() {
    let moving = Move::new().await;
    let before = std::fs::read(moving.file()).unwrap();
    let said = moving.transfer().await.unwrap();
    assert_eq!(std::fs::read(moving.file()).unwrap(), before, "the embedded directory is as it was");
    let users = format!("  users: {} rows, the same, SHA-256 ", MANY - 1 + HOSTILE.len());
    assert!(said.iter().any(|line| line.starts_with(&users)), "{said:?}");

    let here = SqliteDirectory::open(&moving.file(), TestClock::at_noon()).await.unwrap();
    let there = PostgresDirectory::open(&moving.address(), TestClock::at_noon()).await.unwrap();
    compare(&here, &there).await;

    // Whoever comes next is somebody new; whom a link waits for is found.
    let new = there.sign_in(profile("Okta", "new")).await.unwrap();
    assert_eq!(new.sub, "sub of Okta and new");
    let last = "SELECT id = (SELECT max(id) FROM users) FROM users WHERE username = 'Okta_new'";
    assert_eq!(moving.database.sql(last), "t", "no number is given out again");
    for (number, value) in ["7", HOSTILE[3], &"ä".repeat(2_048)].into_iter().enumerate() {
        let arrival = filled::recognised(&format!("arrival {number}"), "custom:staff", value);
        assert_eq!(there.sign_in(arrival).await.unwrap().sub, "sub of Okta and person1", "{value}");
    }
    for mark in HOSTILE {
        assert!(!there.use_once(mark, FAR).await.unwrap(), "{mark:?} was used before");
        assert!(!there.rotate(rotation(mark, 3, "another")).await.unwrap(), "{mark:?} was rotated before");
    }
    let taken = filled::record(Kind::Domain, GONE, "d", "{}", &[("domain", "B")]);
    let refused = there.write(vec![crate::directory::Change::Create(taken)]).await;
    assert!(matches!(refused, Err(DirectoryError::Exists(_))), "{refused:?}");
    let generation = here.changed_since(0).await.unwrap().generation;
    let created = filled::record(Kind::AppClient, POOL, "later", "{}", &[]);
    there.write(vec![crate::directory::Change::Create(created)]).await.unwrap();
    assert_eq!(there.changed_since(generation).await.unwrap().pools, [POOL], "generations go on");
    here.close().await;
    there.close().await;
}

#[tokio::test]
async fn an_empty_directory_is_a_directory() {
    let moving = Move::empty();
    SqliteDirectory::open(&moving.file(), TestClock::at_noon()).await.unwrap().close().await;
    moving.transfer().await.unwrap();
    let there = PostgresDirectory::open(&moving.address(), TestClock::at_noon()).await.unwrap();
    with_pools(&there).await;
    assert_eq!(there.sign_in(profile("Okta", "first")).await.unwrap().sub, "sub of Okta and first");
    there.close().await;
}

#[tokio::test]
async fn no_gateway_starts_on_an_unfinished_copy() {
    let moving = Move::new().await;
    let (_, target) = moving.copied().await;
    target.close().await;
    let refused =
        PostgresDirectory::open(&moving.address(), TestClock::at_noon()).await.err().unwrap().to_string();
    assert!(refused.contains("migrat"), "{refused}");
    moving.transfer().await.unwrap();
    PostgresDirectory::open(&moving.address(), TestClock::at_noon()).await.unwrap().close().await;
}

#[tokio::test]
async fn a_check_alone_says_whether_both_are_the_same() {
    let moving = Move::new().await;
    let run = async || {
        let (mut source, mut target) = (moving.source().await.unwrap(), moving.target().await);
        let done = check(&mut source, &mut target, &mut |_| {}).await;
        target.close().await;
        done
    };
    let (_, target) = moving.copied().await;
    target.close().await;
    assert!(matches!(run().await, Err(MigrateError::Unfinished)));
    moving.transfer().await.unwrap();
    run().await.unwrap();
    moving.database.sql("UPDATE users SET modified_at = modified_at + 1 WHERE id = 3");
    let found = run().await.unwrap_err().to_string();
    assert!(found.contains("users: the row with id 3 differs in modified_at"), "{found}");
}

/// Whoever adds a column or a table adds it to [`TABLES`].
#[tokio::test]
async fn every_column_of_both_stores_is_copied_or_known_to_be_postgresqls_own() {
    let moving = Move::empty();
    SqliteDirectory::open(&moving.file(), TestClock::at_noon()).await.unwrap().close().await;
    let ours: HashMap<_, Vec<_>> =
        TABLES.iter().map(|table| (table.name, table.columns.iter().map(|it| it.name).collect())).collect();

    let address = format!("sqlite:{}", moving.file().display());
    let mut connection = SqliteConnection::connect(&address).await.unwrap();
    let columns = sqlx::query(
        "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' \
         AND m.name NOT IN ('_sqlx_migrations') ORDER BY m.name, c.cid",
    );
    let mut stored = HashMap::<String, Vec<String>>::new();
    for row in columns.fetch_all(&mut connection).await.unwrap() {
        stored.entry(row.get(0)).or_default().push(row.get(1));
    }
    let of_sqlite: HashMap<_, Vec<_>> = stored
        .iter()
        .map(|(table, names)| (table.as_str(), names.iter().map(String::as_str).collect()))
        .collect();
    assert_eq!(of_sqlite, ours);

    moving.target().await.close().await;
    let mut there: Vec<_> = moving
        .database
        .sql(
            "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'",
        )
        .lines()
        .map(str::to_owned)
        .collect();
    let mut known: Vec<_> = ours
        .iter()
        .flat_map(|(table, names)| names.iter().map(move |name| format!("{table}.{name}")))
        .chain(["one", "version", "importing"].map(|name| format!("poolgate_directory.{name}")))
        .chain(["users.revision", "waiting_links.digest"].map(str::to_owned))
        .collect();
    there.sort();
    known.sort();
    assert_eq!(there, known);
}
