//! The PostgreSQL directory that is filled: in one transaction, which commits only what was compared.

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use super::source::PAGE;
use super::tables::{Holds, Row, TABLES, Table, Value};
use super::{MigrateError, copy_text};
use crate::directory::DirectoryError;
use crate::directory::postgres::{Address, import};

/// A connection to the target. Statements name no schema: `search_path` does, for one transaction at a time, so
/// that it works behind PgBouncer too.
pub(super) struct Target {
    connection: PgConnection,
    /// As an identifier of SQL, in quotes; `Address` allows no quote in it.
    schema: String,
}

impl Target {
    /// Connects; where it is to be filled, the tables are made or brought up to date.
    pub(super) async fn open(address: &Address, fill: bool) -> Result<Self, MigrateError> {
        let opened = import::connect(address, fill).await;
        let (connection, schema) = opened.map_err(|error| {
            let why = if let DirectoryError::Away(why) = error { why } else { error.to_string() };
            MigrateError::Target(format!("{}: {why}", address.place()))
        })?;
        Ok(Self { connection, schema: format!("\"{schema}\"") })
    }

    /// Says to every gateway that what is here is not whole yet, for as long as it is true: a commit of its own.
    pub(super) async fn mark_unfinished(&mut self) -> Result<(), MigrateError> {
        self.begin().await?;
        self.lock_empty().await?;
        self.run("UPDATE poolgate_directory SET importing = true").await?;
        self.run("COMMIT").await
    }

    /// Opens the transaction in which everything happens, and sees that there is nothing yet.
    pub(super) async fn begin_empty(&mut self) -> Result<(), MigrateError> {
        self.begin().await?;
        self.lock_empty().await
    }

    /// Opens one in which nothing can be written and everything is of one moment.
    pub(super) async fn begin_reading(&mut self) -> Result<(), MigrateError> {
        self.begin().await?;
        self.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").await
    }

    async fn begin(&mut self) -> Result<(), MigrateError> {
        self.run("BEGIN").await?;
        let path = format!("SET LOCAL search_path TO {}", self.schema);
        self.run_text(path).await?;
        // A role's own limits are for gateways: a large table takes longer. Only waiting for a lock is bounded.
        for setting in [
            "SET LOCAL statement_timeout = 0",
            "SET LOCAL idle_in_transaction_session_timeout = 0",
            "SET LOCAL lock_timeout = '10s'",
            "SET LOCAL synchronous_commit = on",
        ] {
            self.run(setting).await?;
        }
        Ok(())
    }

    /// Nobody else writes until the end of the transaction, and nobody has before.
    async fn lock_empty(&mut self) -> Result<(), MigrateError> {
        let names: Vec<_> = TABLES.iter().map(|table| format!("\"{}\"", table.name)).collect();
        let lock = format!("LOCK TABLE {} IN EXCLUSIVE MODE", names.join(", "));
        self.run_text(lock).await?;
        for table in &TABLES {
            let sql = format!("SELECT EXISTS (SELECT FROM \"{}\")", table.name);
            let filled: bool = sqlx::query_scalar(AssertSqlSafe(sql))
                .persistent(false)
                .fetch_one(&mut self.connection)
                .await
                .map_err(failed)?;
            if filled {
                return Err(MigrateError::NotEmpty { table: table.name });
            }
        }
        Ok(())
    }

    /// Writes rows of one table.
    pub(super) async fn copy(&mut self, table: &Table, rows: &[Row]) -> Result<(), MigrateError> {
        let mut data = Vec::new();
        for row in rows {
            let digested = table.digested().and_then(|place| row.get(place));
            copy_text::push(&mut data, row, digested);
        }
        let sql = format!("COPY \"{}\" ({}) FROM STDIN", table.name, table.column_list());
        let mut copy = self.connection.copy_in_raw(&sql).await.map_err(failed)?;
        if let Err(error) = copy.send(data).await {
            return Err(failed(error));
        }
        let taken = copy.finish().await.map_err(failed)?;
        if usize::try_from(taken) != Ok(rows.len()) {
            let why = format!("{} took {taken} of {} rows", table.name, rows.len());
            return Err(MigrateError::Target(why));
        }
        Ok(())
    }

    /// How many rows of the table have a digest of something else.
    pub(super) async fn wrong_digests(&mut self, table: &Table) -> Result<i64, MigrateError> {
        let Some(of) = table.digest_of else { return Ok(0) };
        let name = table.name;
        let sql = format!(
            "SELECT count(*) FROM \"{name}\" t WHERE t.digest <> sha256(convert_to(t.\"{of}\", 'UTF8'))"
        );
        sqlx::query_scalar(AssertSqlSafe(sql))
            .persistent(false)
            .fetch_one(&mut self.connection)
            .await
            .map_err(failed)
    }

    /// Numbers that PostgreSQL gives out itself go on behind those that were copied.
    pub(super) async fn continue_numbers(&mut self) -> Result<(), MigrateError> {
        self.run(
            "SELECT setval(pg_get_serial_sequence('users', 'id'), max(id)) FROM users HAVING max(id) IS NOT NULL",
        )
        .await
    }

    /// Everything is there and was compared: from now on gateways may use it.
    pub(super) async fn finish(&mut self) -> Result<(), MigrateError> {
        self.run("UPDATE poolgate_directory SET importing = false").await?;
        let committed = sqlx::raw_sql("COMMIT").execute(&mut self.connection).await;
        committed.map(|_| ()).map_err(|error| MigrateError::Unknown(error.to_string()))
    }

    /// The rows after this one, in the order of the key: [`PAGE`] of them, or the last ones.
    pub(super) async fn page(
        &mut self,
        table: &'static Table,
        after: Option<&Row>,
    ) -> Result<Vec<Row>, MigrateError> {
        let mut query = sqlx::query(AssertSqlSafe(page_sql(table, after.is_some()))).persistent(false);
        for value in after.into_iter().flat_map(|row| table.key_of(row)) {
            query = match value {
                Value::Null => query.bind(None::<i64>),
                Value::Integer(number) => query.bind(*number),
                Value::Text(text) => query.bind(text.as_str()),
                Value::Bytes(bytes) => query.bind(bytes.as_slice()),
            };
        }
        let rows = query.fetch_all(&mut self.connection).await.map_err(failed)?;
        rows.iter().map(|row| read_row(table, row)).collect()
    }

    /// Whether an earlier copy was not finished.
    pub(super) async fn is_unfinished(&mut self) -> Result<bool, MigrateError> {
        sqlx::query_scalar("SELECT importing FROM poolgate_directory")
            .persistent(false)
            .fetch_one(&mut self.connection)
            .await
            .map_err(failed)
    }

    /// Lets go; an open transaction comes to nothing.
    pub(super) async fn close(self) {
        let _ = self.connection.close().await;
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), MigrateError> {
        sqlx::raw_sql(sql).execute(&mut self.connection).await.map(|_| ()).map_err(failed)
    }

    async fn run_text(&mut self, sql: String) -> Result<(), MigrateError> {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection).await.map(|_| ()).map_err(failed)
    }

    #[cfg(test)]
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

/// What the server said; for some of it, what to do.
fn failed(error: sqlx::Error) -> MigrateError {
    let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
    MigrateError::Target(match &*code {
        "53100" => format!("{error}; its disk is full"),
        "55P03" => {
            "somebody else is writing to it (a gateway, or another migration): stop that first".to_owned()
        }
        "42501" => format!("{error}: the role must own the tables, or be able to make them"),
        _ => error.to_string(),
    })
}

/// Texts in the order of their bytes, as SQLite has them; everything as the types that the two stores share.
fn page_sql(table: &Table, after: bool) -> String {
    let ordered = |name: &&str| match table.holds(name) {
        Some(Holds::Text | Holds::Texts) => format!("t.\"{name}\" COLLATE \"C\""),
        Some(Holds::Boolean) => format!("t.\"{name}\"::int::bigint"),
        Some(Holds::Integer | Holds::Bytes) | None => format!("t.\"{name}\""),
    };
    let columns = table.columns.iter().map(|column| {
        let cast = match column.holds {
            Holds::Text | Holds::Texts => "::text",
            Holds::Integer => "::bigint",
            Holds::Boolean => "::int::bigint",
            Holds::Bytes => "",
        };
        format!("t.\"{}\"{cast}", column.name)
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let key = table.key.iter().map(ordered).collect::<Vec<_>>().join(", ");
    let places: Vec<_> = (1..=table.key.len()).map(|place| format!("${place}")).collect();
    let condition = if after { format!(" WHERE ({key}) > ({})", places.join(", ")) } else { String::new() };
    format!("SELECT {columns} FROM \"{}\" t{condition} ORDER BY {key} LIMIT {PAGE}", table.name)
}

fn read_row(table: &Table, row: &PgRow) -> Result<Row, MigrateError> {
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
        values.push(value.map_err(failed)?.unwrap_or(Value::Null));
    }
    Ok(values)
}
