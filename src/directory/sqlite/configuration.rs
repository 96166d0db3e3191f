//! Configuration records and the names they hold.

use std::collections::HashMap;

use sqlx::sqlite::SqlitePool;
use sqlx::{Row as _, Sqlite, SqliteConnection};

use super::groups;
use super::links;
use super::writer::{Done, Outcome};
use crate::directory::stored::{held_already, label, read_kind};
use crate::directory::{Change, Changed, DirectoryError, Kind, Record, UniqueName};
use crate::pool::GroupError;

/// All changes, or, when a rule refuses one, none.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    changes: &[Change],
) -> Result<Outcome, sqlx::Error> {
    sqlx::query("SAVEPOINT changes").execute(&mut *connection).await?;
    let generation = sqlx::query_scalar("SELECT coalesce(max(generation), 0) + 1 FROM generations")
        .fetch_one(&mut *connection)
        .await?;
    for change in changes {
        if let Err(refused) = apply(connection, change, generation).await? {
            sqlx::query("ROLLBACK TO changes").execute(&mut *connection).await?;
            sqlx::query("RELEASE changes").execute(&mut *connection).await?;
            return Ok(Err(refused));
        }
    }
    sqlx::query("RELEASE changes").execute(&mut *connection).await?;
    Ok(Ok(Done::Written))
}

/// Which pools were written after this generation.
pub(super) async fn changed_since(readers: &SqlitePool, generation: i64) -> Result<Changed, sqlx::Error> {
    // One row at least, and all of one moment.
    let rows = sqlx::query(
        "SELECT (SELECT coalesce(max(generation), 0) FROM generations), g.pool_id \
         FROM (SELECT 1) one LEFT JOIN generations g ON g.generation > ?1 ORDER BY g.generation",
    )
    .bind(generation)
    .fetch_all(readers)
    .await?;
    let newest = rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?;
    let mut pools = Vec::with_capacity(rows.len());
    for row in rows {
        pools.extend(row.try_get::<Option<String>, _>(1)?);
    }
    Ok(Changed { generation: newest, pools })
}

type Verdict = Result<Result<(), DirectoryError>, sqlx::Error>;

async fn apply(connection: &mut SqliteConnection, change: &Change, generation: i64) -> Verdict {
    if let Change::Unchanged(pool_id, since) = change {
        let written: i64 =
            sqlx::query_scalar("SELECT coalesce(max(generation), 0) FROM generations WHERE pool_id = ?1")
                .bind(pool_id)
                .fetch_one(connection)
                .await?;
        let unchanged = written <= *since;
        return Ok(if unchanged { Ok(()) } else { Err(DirectoryError::Overtaken(pool_id.clone())) });
    }
    sqlx::query(
        "INSERT INTO generations (pool_id, generation) VALUES (?1, ?2) \
         ON CONFLICT DO UPDATE SET generation = excluded.generation",
    )
    .bind(change.pool_id())
    .bind(generation)
    .execute(&mut *connection)
    .await?;
    match change {
        Change::Create(record) => create(connection, record, generation).await,
        Change::Replace(record) => replace(connection, record, generation).await,
        Change::Unchanged(..) => Ok(Ok(())),
        Change::Delete(kind, pool_id, id) => {
            let removed = by_key(
                "DELETE FROM configuration WHERE kind = ?1 AND pool_id = ?2 AND id = ?3",
                *kind,
                pool_id,
                id,
            )
            .execute(&mut *connection)
            .await?;
            if removed.rows_affected() == 0 {
                return Ok(Err(DirectoryError::Missing(label(*kind, id))));
            }
            match kind {
                Kind::IdentityProvider => {
                    links::provider_goes(&mut *connection, pool_id, id).await?;
                    groups::provider_goes(connection, pool_id, id).await?;
                }
                Kind::Group if groups::has_members(connection, pool_id, id).await? => {
                    return Ok(Err(GroupError::HasMembers(id.clone()).into()));
                }
                _ => {}
            }
            Ok(Ok(()))
        }
        Change::DeletePool(pool_id) => {
            for table in [
                "DELETE FROM configuration WHERE pool_id = ?1",
                "DELETE FROM users WHERE pool_id = ?1",
                "DELETE FROM revoked_families WHERE pool_id = ?1",
                "DELETE FROM rotations WHERE pool_id = ?1",
            ] {
                sqlx::query(table).bind(pool_id).execute(&mut *connection).await?;
            }
            Ok(Ok(()))
        }
    }
}

async fn create(connection: &mut SqliteConnection, record: &Record, generation: i64) -> Verdict {
    let made = by_key(
        "INSERT INTO configuration (kind, pool_id, id, document, sealed, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT DO NOTHING",
        record.kind,
        &record.pool_id,
        &record.id,
    )
    .bind(&record.document)
    .bind(&record.sealed)
    .bind(generation)
    .execute(&mut *connection)
    .await?;
    if made.rows_affected() == 0 {
        return Ok(Err(DirectoryError::Exists(label(record.kind, &record.id))));
    }
    hold_names(connection, record).await
}

async fn replace(connection: &mut SqliteConnection, record: &Record, generation: i64) -> Verdict {
    let replaced = by_key(
        "UPDATE configuration SET document = ?4, sealed = ?5, version = ?7 \
         WHERE kind = ?1 AND pool_id = ?2 AND id = ?3 AND version = ?6",
        record.kind,
        &record.pool_id,
        &record.id,
    )
    .bind(&record.document)
    .bind(&record.sealed)
    .bind(record.version)
    .bind(generation)
    .execute(&mut *connection)
    .await?;
    if replaced.rows_affected() == 0 {
        return Ok(Err(DirectoryError::Stale(label(record.kind, &record.id))));
    }
    by_key(
        "DELETE FROM unique_names WHERE kind = ?1 AND pool_id = ?2 AND id = ?3",
        record.kind,
        &record.pool_id,
        &record.id,
    )
    .execute(&mut *connection)
    .await?;
    hold_names(connection, record).await
}

async fn hold_names(connection: &mut SqliteConnection, record: &Record) -> Verdict {
    for name in &record.names {
        let held = by_key(
            "INSERT INTO unique_names (kind, pool_id, id, scope, name) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT DO NOTHING",
            record.kind,
            &record.pool_id,
            &record.id,
        )
        .bind(&name.scope)
        .bind(&name.name)
        .execute(&mut *connection)
        .await?;
        if held.rows_affected() == 0 {
            return Ok(Err(held_already(name)));
        }
    }
    Ok(Ok(()))
}

/// The records of one pool, or all, in a stable order.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    pool_id: Option<&str>,
) -> Result<Vec<Record>, sqlx::Error> {
    let mut names: HashMap<(String, String, String), Vec<UniqueName>> = HashMap::new();
    let held = select(
        pool_id,
        "SELECT kind, pool_id, id, scope, name FROM unique_names ORDER BY scope, name",
        "SELECT n.kind, n.pool_id, n.id, n.scope, n.name FROM configuration c \
         JOIN unique_names n ON n.kind = c.kind AND n.pool_id = c.pool_id AND n.id = c.id \
         WHERE c.pool_id = ?1 ORDER BY n.scope, n.name",
    );
    for row in held.fetch_all(&mut *connection).await? {
        let name = UniqueName { scope: row.try_get(3)?, name: row.try_get(4)? };
        names.entry((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)).or_default().push(name);
    }
    let rows = select(
        pool_id,
        "SELECT kind, pool_id, id, document, sealed, version FROM configuration ORDER BY pool_id, kind, id",
        "SELECT kind, pool_id, id, document, sealed, version FROM configuration WHERE pool_id = ?1 ORDER BY kind, id",
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let (kind, pool_id, id): (String, String, String) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            Ok(Record {
                kind: read_kind(&kind)?,
                document: row.try_get(3)?,
                sealed: row.try_get(4)?,
                version: row.try_get(5)?,
                names: names.remove(&(kind, pool_id.clone(), id.clone())).unwrap_or_default(),
                pool_id,
                id,
            })
        })
        .collect()
}

fn select<'q>(pool_id: Option<&'q str>, all: &'static str, of_pool: &'static str) -> Query<'q> {
    pool_id.map_or_else(|| sqlx::query(all), |pool_id| sqlx::query(of_pool).bind(pool_id))
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, sqlx::sqlite::SqliteArguments>;

fn by_key<'q>(sql: &'static str, kind: Kind, pool_id: &'q str, id: &'q str) -> Query<'q> {
    sqlx::query(sql).bind(kind.as_str()).bind(pool_id).bind(id)
}
