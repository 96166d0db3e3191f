//! Reads an embedded directory that no gateway uses meanwhile, and changes nothing in it.

use std::path::Path;

use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use super::MigrateError;
use super::tables::{Holds, Row, Table, Value};
use crate::directory::sqlite::SCHEMA;
use crate::directory::sqlite::file::{FileError, OwnedFile};

/// Rows in one page. A user may have 100 kB of attributes: a page is 50 MB at most.
pub(super) const PAGE: usize = 500;

/// An embedded directory, locked, as it was when it was opened.
pub(super) struct Source {
    connection: SqliteConnection,
    /// Dropped last: the lock on the file.
    _file: OwnedFile,
}

impl Source {
    /// Opens the file, which must be there, whole, and have the tables of this build.
    pub(super) async fn open(path: &Path) -> Result<Self, MigrateError> {
        if !path.exists() {
            return Err(MigrateError::NoDirectory(path.to_owned()));
        }
        let (file, connection) = OwnedFile::open_as_it_is(path).await.map_err(|error| match error {
            FileError::InUse(_) => MigrateError::Running,
            other => MigrateError::Source(other.to_string()),
        })?;
        let mut source = Self { connection, _file: file };
        source.check_schema(path).await?;
        source.check_whole(path).await?;
        // What the copy reads and what the comparison reads is one state, whoever opens the file beside us.
        source.run("BEGIN").await?;
        Ok(source)
    }

    async fn check_schema(&mut self, path: &Path) -> Result<(), MigrateError> {
        let found: Result<Option<i64>, _> =
            sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
                .fetch_one(&mut self.connection)
                .await;
        match found {
            Ok(Some(found)) if found == SCHEMA => Ok(()),
            Ok(Some(found)) if found < SCHEMA => Err(MigrateError::OldSource { found, wanted: SCHEMA }),
            Ok(Some(found)) => Err(MigrateError::NewSource { found, wanted: SCHEMA }),
            Err(error) if !error.to_string().contains("no such table") => Err(broken(&error)),
            Ok(None) | Err(_) => {
                Err(MigrateError::Source(format!("{} holds no directory of Poolgate", path.display())))
            }
        }
    }

    async fn check_whole(&mut self, path: &Path) -> Result<(), MigrateError> {
        let said: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&mut self.connection)
            .await
            .map_err(reading)?;
        if said == "ok" {
            return Ok(());
        }
        Err(MigrateError::Source(format!(
            "{} is damaged ({said}): restore a backup of it first",
            path.display()
        )))
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), MigrateError> {
        sqlx::query(sql).execute(&mut self.connection).await.map(|_| ()).map_err(reading)
    }

    /// The rows after this one, in the order of the key: [`PAGE`] of them, or the last ones.
    pub(super) async fn page(
        &mut self,
        table: &'static Table,
        after: Option<&Row>,
    ) -> Result<Vec<Row>, MigrateError> {
        let mut query = sqlx::query(AssertSqlSafe(page_sql(table, after.is_some()))).persistent(true);
        for value in after.into_iter().flat_map(|row| table.key_of(row)) {
            query = match value {
                Value::Null => query.bind(None::<i64>),
                Value::Integer(number) => query.bind(*number),
                Value::Text(text) => query.bind(text.as_str()),
                Value::Bytes(bytes) => query.bind(bytes.as_slice()),
            };
        }
        let rows = query.fetch_all(&mut self.connection).await.map_err(reading)?;
        rows.iter().map(|row| read_row(table, row)).collect()
    }
}

fn reading(error: sqlx::Error) -> MigrateError {
    broken(&error)
}

fn broken(error: &sqlx::Error) -> MigrateError {
    MigrateError::Source(format!("the embedded directory cannot be read: {error}"))
}

/// The columns are named with their table: SQLite takes a name alone that it does not know for a text.
fn page_sql(table: &Table, after: bool) -> String {
    let list = |names: &mut dyn Iterator<Item = &str>| {
        names.map(|name| format!("t.\"{name}\"")).collect::<Vec<_>>().join(", ")
    };
    let columns = list(&mut table.columns.iter().map(|column| column.name));
    let key = list(&mut table.key.iter().copied());
    let places: Vec<_> = (1..=table.key.len()).map(|place| format!("?{place}")).collect();
    let condition = if after { format!(" WHERE ({key}) > ({})", places.join(", ")) } else { String::new() };
    format!("SELECT {columns} FROM \"{}\" t{condition} ORDER BY {key} LIMIT {PAGE}", table.name)
}

fn read_row(table: &Table, row: &SqliteRow) -> Result<Row, MigrateError> {
    let mut values = Vec::with_capacity(table.columns.len());
    for (place, column) in table.columns.iter().enumerate() {
        let value = match column.holds {
            Holds::Text | Holds::Texts => {
                row.try_get::<Option<String>, _>(place).map(|it| it.map(Value::Text))
            }
            Holds::Integer | Holds::Boolean => {
                row.try_get::<Option<i64>, _>(place).map(|it| it.map(Value::Integer))
            }
            Holds::Bytes => row.try_get::<Option<Vec<u8>>, _>(place).map(|it| it.map(Value::Bytes)),
        };
        let value = value.map_err(|error| {
            let why =
                format!("{}.{} of the embedded directory cannot be read: {error}", table.name, column.name);
            MigrateError::Source(why)
        })?;
        values.push(value.unwrap_or(Value::Null));
    }
    Ok(values)
}
