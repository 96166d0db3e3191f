//! The tables: made and brought up to date by whichever replica starts first, and checked before they are used.

use std::time::Duration;

use sqlx::Row as _;

use super::connections::{Connections, Session};
use super::trouble::Trouble;
use crate::directory::DirectoryError;

/// One text for each version, the first is version 1.
const MIGRATIONS: [&str; 3] = [
    include_str!("../../../migrations/postgres/directory-0001.sql"),
    include_str!("../../../migrations/postgres/directory-0002.sql"),
    include_str!("../../../migrations/postgres/directory-0003.sql"),
];

/// The version that all of them make.
pub(super) const LAST: usize = MIGRATIONS.len();

/// How long bringing the tables up to date may take, other replicas' turn included.
const LONGEST: Duration = Duration::from_secs(300);

/// Only one at a time, for as long as its transaction.
const ONE_BY_ONE: &str = "SELECT pg_advisory_xact_lock(hashtextextended('poolgate tables of ' || $1, 0))";

/// The oldest PostgreSQL that this was made for.
const OLDEST_SERVER: i32 = 130_000;

/// Who wants the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visitor {
    /// A gateway: never of a directory that is not whole.
    Gateway,
    /// Whoever copies a directory into this one.
    Import,
    /// Whoever compares: makes nothing.
    Check,
}

/// Why the tables cannot be used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// PostgreSQL refused, or is not there.
    Trouble(Trouble),
    /// What is there is not for this build.
    Refused(String),
}

impl From<Trouble> for Unusable {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<sqlx::Error> for Unusable {
    fn from(error: sqlx::Error) -> Self {
        Self::Trouble(error.into())
    }
}

impl From<Unusable> for DirectoryError {
    fn from(why: Unusable) -> Self {
        match why {
            Unusable::Trouble(trouble) => trouble.into(),
            Unusable::Refused(why) => Self::Away(why),
        }
    }
}

/// Brings the tables up to date, if they are not: a role that may not make tables will do when they are.
pub(super) async fn prepare(connections: &Connections, visitor: Visitor) -> Result<(), Unusable> {
    check_server(connections).await?;
    let mut transaction = connections.begin(LONGEST).await?;
    let version = version(&mut transaction, connections.schema(), visitor).await?;
    transaction.roll_back().await;
    // There may be room for one only.
    drop(transaction);
    if is_last(version)? {
        return Ok(());
    }
    if visitor == Visitor::Check {
        return Err(Unusable::Refused("it holds no directory of this version of Poolgate".to_owned()));
    }
    let mut transaction = connections.begin(LONGEST).await?;
    transaction.fetch(sqlx::query(ONE_BY_ONE).bind(connections.schema())).await?;
    let done = migrate(&mut transaction, connections.schema(), visitor).await;
    match done {
        Ok(()) => Ok(transaction.commit().await?),
        Err(why) => {
            transaction.roll_back().await;
            Err(why)
        }
    }
}

async fn migrate(transaction: &mut Session<'_>, schema: &str, visitor: Visitor) -> Result<(), Unusable> {
    // Another replica may have done it since.
    let version = version(transaction, schema, visitor).await?;
    if is_last(version)? {
        return Ok(());
    }
    if version.is_none() {
        let there = sqlx::query("SELECT 1 FROM pg_namespace WHERE nspname = $1").bind(schema);
        if transaction.fetch(there).await?.is_empty() {
            // Lower-case letters, digits and underscores: see `Address`.
            transaction.say(format!("CREATE SCHEMA \"{schema}\"")).await?;
        }
    }
    for text in MIGRATIONS.iter().skip(version.unwrap_or(0)) {
        transaction.say((*text).to_owned()).await?;
    }
    let last = i32::try_from(LAST).unwrap_or(i32::MAX);
    transaction.execute(sqlx::query("UPDATE poolgate_directory SET version = $1").bind(last)).await?;
    tracing::info!(version = last, schema, "the directory's tables are up to date");
    Ok(())
}

/// How many of the texts have been run; `None` where there are no tables.
async fn version(
    transaction: &mut Session<'_>,
    schema: &str,
    visitor: Visitor,
) -> Result<Option<usize>, Unusable> {
    let table = sqlx::query(
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = $1 AND c.relname = 'poolgate_directory' AND c.relkind = 'r'",
    );
    if transaction.fetch(table.bind(schema)).await?.is_empty() {
        return Ok(None);
    }
    let rows = transaction.fetch(sqlx::query("SELECT version, importing FROM poolgate_directory")).await?;
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    if visitor == Visitor::Gateway && row.try_get(1)? {
        let why = "a directory is being copied into this database, or that was broken off: finish it, or begin anew \
                   (poolgate migrate)";
        return Err(Unusable::Refused(why.to_owned()));
    }
    let version: i32 = row.try_get(0)?;
    Ok(Some(usize::try_from(version).unwrap_or(usize::MAX)))
}

fn is_last(version: Option<usize>) -> Result<bool, Unusable> {
    match version {
        Some(version) if version > LAST => Err(Unusable::Refused(format!(
            "the directory's tables are of version {version}, which a newer Poolgate has made; this build knows \
             versions up to {LAST}: start that Poolgate"
        ))),
        version => Ok(version == Some(LAST)),
    }
}

async fn check_server(connections: &Connections) -> Result<(), Unusable> {
    const ASK: &str = "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), \
         current_setting('fsync') = 'on' AND current_setting('synchronous_commit') <> 'off'";
    let rows = connections.fetch(|| Ok(sqlx::query(ASK))).await?;
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let (version, encoding): (i32, &str) = (row.try_get(0)?, row.try_get(1)?);
    if version < OLDEST_SERVER {
        let why = format!("PostgreSQL {} is too old: Poolgate needs 13 or newer", version / 10_000);
        return Err(Unusable::Refused(why));
    }
    if encoding != "UTF8" {
        let why = format!("the database's encoding is {encoding}: make one with ENCODING 'UTF8'");
        return Err(Unusable::Refused(why));
    }
    if !row.try_get::<bool, _>(2)? {
        tracing::warn!("PostgreSQL has fsync or synchronous_commit off: a crash may lose what was answered");
    }
    Ok(())
}
