//! Configuration records and the names they hold.

use std::time::Duration;

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::connections::{Connections, Session, Statement};
use super::groups;
use super::links;
use super::trouble::Trouble;
use crate::directory::stored::{held_already, label, read_kind};
use crate::directory::{Change, Changed, DirectoryError, Kind, Record, UniqueName};
use crate::pool::GroupError;

/// How long it may take to delete a pool with all its users.
const LONGEST: Duration = Duration::from_secs(300);

/// How often a write that PostgreSQL gave up for the sake of others is done anew.
const TRIES: u32 = 5;

/// Held by whoever writes until it has committed, so that generations become visible in their order. It is a
/// statement of its own: what comes after it sees what was committed before.
const ONE_BY_ONE: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended('poolgate generations of ' || $1, 0))";

type Verdict = Result<Result<(), DirectoryError>, Trouble>;

/// All changes, or, when a rule refuses one, none.
pub(super) async fn write(connections: &Connections, changes: &[Change]) -> Result<(), DirectoryError> {
    let long = changes.iter().any(|change| matches!(change, Change::DeletePool(_) | Change::Delete(..)));
    let limit = if long { LONGEST } else { connections.timeout() };
    let mut tries = 0;
    loop {
        let mut transaction = connections.begin(limit).await?;
        match apply_all(&mut transaction, connections.schema(), changes).await {
            Ok(Ok(())) => return Ok(transaction.commit().await?),
            Ok(Err(refused)) => {
                transaction.roll_back().await;
                return Err(refused);
            }
            Err(trouble) if trouble.was_given_up() && tries < TRIES => {
                transaction.roll_back().await;
                tries += 1;
            }
            Err(trouble) => return Err(trouble.into()),
        }
    }
}

async fn apply_all(transaction: &mut Session<'_>, schema: &str, changes: &[Change]) -> Verdict {
    transaction.fetch(sqlx::query(ONE_BY_ONE).bind(schema)).await?;
    let next = sqlx::query("SELECT coalesce(max(generation), 0) + 1 FROM generations");
    let next = transaction.fetch(next).await?;
    let generation: i64 = next.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?;
    for change in changes {
        if let Err(refused) = apply(transaction, change, generation).await? {
            return Ok(Err(refused));
        }
    }
    Ok(Ok(()))
}

async fn apply(transaction: &mut Session<'_>, change: &Change, generation: i64) -> Verdict {
    if let Change::Unchanged(pool_id, since) = change {
        let written = sqlx::query("SELECT coalesce(max(generation), 0) FROM generations WHERE pool_id = $1");
        let written = transaction.fetch(written.bind(pool_id)).await?;
        let written: i64 = written.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?;
        let unchanged = written <= *since;
        return Ok(if unchanged { Ok(()) } else { Err(DirectoryError::Overtaken(pool_id.clone())) });
    }
    let written = sqlx::query(
        "INSERT INTO generations (pool_id, generation) VALUES ($1, $2) \
         ON CONFLICT (pool_id) DO UPDATE SET generation = excluded.generation",
    );
    transaction.execute(written.bind(change.pool_id()).bind(generation)).await?;
    match change {
        Change::Create(record) => create(transaction, record, generation).await,
        Change::Replace(record) => replace(transaction, record, generation).await,
        Change::Unchanged(..) => Ok(Ok(())),
        Change::Delete(kind, pool_id, id) => {
            let delete = by_key(
                "DELETE FROM configuration WHERE kind = $1 AND pool_id = $2 AND id = $3",
                *kind,
                pool_id,
                id,
            );
            if transaction.execute(delete).await? == 0 {
                return Ok(Err(DirectoryError::Missing(label(*kind, id))));
            }
            match kind {
                Kind::IdentityProvider => {
                    links::provider_goes(transaction, pool_id, id).await?;
                    groups::provider_goes(transaction, pool_id, id).await?;
                }
                Kind::Group if groups::has_members(transaction, pool_id, id).await? => {
                    return Ok(Err(GroupError::HasMembers(id.clone()).into()));
                }
                _ => {}
            }
            Ok(Ok(()))
        }
        Change::DeletePool(pool_id) => {
            for table in [
                "DELETE FROM configuration WHERE pool_id = $1",
                "DELETE FROM users WHERE pool_id = $1",
                "DELETE FROM revoked_families WHERE pool_id = $1",
                "DELETE FROM rotations WHERE pool_id = $1",
            ] {
                transaction.execute(sqlx::query(table).bind(pool_id)).await?;
            }
            Ok(Ok(()))
        }
    }
}

async fn create(transaction: &mut Session<'_>, record: &Record, generation: i64) -> Verdict {
    let make = by_key(
        "INSERT INTO configuration (kind, pool_id, id, document, sealed, version) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT DO NOTHING",
        record.kind,
        &record.pool_id,
        &record.id,
    );
    let make = make.bind(&record.document).bind(&record.sealed).bind(generation);
    if transaction.execute(make).await? == 0 {
        return Ok(Err(DirectoryError::Exists(label(record.kind, &record.id))));
    }
    hold_names(transaction, record).await
}

async fn replace(transaction: &mut Session<'_>, record: &Record, generation: i64) -> Verdict {
    let replace = by_key(
        "UPDATE configuration SET document = $4, sealed = $5, version = $7 \
         WHERE kind = $1 AND pool_id = $2 AND id = $3 AND version = $6",
        record.kind,
        &record.pool_id,
        &record.id,
    );
    let replace = replace.bind(&record.document).bind(&record.sealed).bind(record.version).bind(generation);
    if transaction.execute(replace).await? == 0 {
        return Ok(Err(DirectoryError::Stale(label(record.kind, &record.id))));
    }
    let let_go = by_key(
        "DELETE FROM unique_names WHERE kind = $1 AND pool_id = $2 AND id = $3",
        record.kind,
        &record.pool_id,
        &record.id,
    );
    transaction.execute(let_go).await?;
    hold_names(transaction, record).await
}

async fn hold_names(transaction: &mut Session<'_>, record: &Record) -> Verdict {
    for name in &record.names {
        let hold = by_key(
            "INSERT INTO unique_names (kind, pool_id, id, scope, name) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT DO NOTHING",
            record.kind,
            &record.pool_id,
            &record.id,
        );
        if transaction.execute(hold.bind(&name.scope).bind(&name.name)).await? == 0 {
            return Ok(Err(held_already(name)));
        }
    }
    Ok(Ok(()))
}

fn by_key<'q>(sql: &'static str, kind: Kind, pool_id: &'q str, id: &'q str) -> Statement<'q> {
    sqlx::query(sql).bind(kind.as_str()).bind(pool_id).bind(id)
}

/// Which pools were written after this generation.
pub(super) async fn changed_since(connections: &Connections, generation: i64) -> Result<Changed, Trouble> {
    // One row at least, and all of one moment.
    const SINCE: &str = "SELECT (SELECT coalesce(max(generation), 0) FROM generations), g.pool_id \
         FROM (SELECT 1) one LEFT JOIN generations g ON g.generation > $1 ORDER BY g.generation";
    let rows = connections.fetch(|| Ok(sqlx::query(SINCE).bind(generation))).await?;
    let newest = rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?;
    let mut pools = Vec::with_capacity(rows.len());
    for row in rows {
        pools.extend(row.try_get::<Option<String>, _>(1)?);
    }
    Ok(Changed { generation: newest, pools })
}

/// Records with their names, all of one moment.
macro_rules! records {
    ($rest:literal) => {
        concat!(
            "SELECT c.kind, c.pool_id, c.id, c.document, c.sealed, c.version, \
             (SELECT coalesce(json_agg(json_build_array(n.scope, n.name) ORDER BY n.scope, n.name), '[]')::text \
              FROM unique_names n WHERE n.kind = c.kind AND n.pool_id = c.pool_id AND n.id = c.id) \
             FROM configuration c ",
            $rest
        )
    };
}

/// The records of one pool, or all, in a stable order.
pub(super) async fn load(connections: &Connections, pool_id: Option<&str>) -> Result<Vec<Record>, Trouble> {
    let rows = connections
        .fetch(|| {
            Ok(match pool_id {
                None => sqlx::query(records!("ORDER BY c.pool_id, c.kind, c.id")),
                Some(pool_id) => {
                    sqlx::query(records!("WHERE c.pool_id = $1 ORDER BY c.kind, c.id")).bind(pool_id)
                }
            })
        })
        .await?;
    Ok(rows.iter().map(read_record).collect::<Result<_, _>>()?)
}

fn read_record(row: &PgRow) -> Result<Record, sqlx::Error> {
    let names: Vec<(String, String)> =
        serde_json::from_str(row.try_get(6)?).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(Record {
        kind: read_kind(row.try_get(0)?)?,
        pool_id: row.try_get(1)?,
        id: row.try_get(2)?,
        document: row.try_get(3)?,
        sealed: row.try_get(4)?,
        version: row.try_get(5)?,
        names: names.into_iter().map(|(scope, name)| UniqueName { scope, name }).collect(),
    })
}
