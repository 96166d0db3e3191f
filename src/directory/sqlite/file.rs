//! A SQLite file of one process: locked, private to its owner, up to date.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqlSafeStr as _, SqliteConnection};
use thiserror::Error;

/// Why the file cannot be used.
#[derive(Debug, Error)]
pub(crate) enum FileError {
    /// A second gateway on the same data directory.
    #[error(
        "{0} is in use by another process. Two gateways cannot share an embedded database: stop the other one, \
         or give each its own data directory (POOLGATE_DATA_DIR)"
    )]
    InUse(PathBuf),
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// SQLite refused.
    #[error("{path}: {source}")]
    Sqlite {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: sqlx::Error,
    },
    /// The tables could not be brought up to date.
    #[error("{path}: cannot bring its tables up to date: {source}")]
    Migration {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: MigrateError,
    },
}

/// A database file that only this process writes, for as long as this value lives.
#[derive(Debug)]
pub(crate) struct OwnedFile {
    path: PathBuf,
    synchronous: SqliteSynchronous,
    _lock: File,
}

impl OwnedFile {
    /// Locks `path`, makes it if need be (0600, and a missing directory 0700) and brings its tables to
    /// the last of `migrations`: version 1 and on.
    pub(crate) async fn open(
        path: &Path,
        synchronous: SqliteSynchronous,
        migrations: &[&'static str],
    ) -> Result<(Self, SqliteConnection), FileError> {
        let (path, lock) = claim(path)?;
        let file = Self { path, synchronous, _lock: lock };
        let mut connection = SqliteConnection::connect_with(&file.writer())
            .await
            .map_err(|source| FileError::Sqlite { path: file.path.clone(), source })?;
        let versions = (1..)
            .zip(migrations)
            .map(|(version, sql)| {
                Migration::new(version, "tables".into(), MigrationType::Simple, (*sql).into_sql_str(), false)
            })
            .collect();
        Migrator::with_migrations(versions)
            .run_direct(None, &mut connection, false)
            .await
            .map_err(|source| FileError::Migration { path: file.path.clone(), source })?;
        Ok((file, connection))
    }

    /// Locks a file that is there, and looks at nothing in it: its tables stay what they are, and nothing can be
    /// written by this connection.
    pub(crate) async fn open_as_it_is(path: &Path) -> Result<(Self, SqliteConnection), FileError> {
        let (path, lock) = claim(path)?;
        let file = Self { path, synchronous: SqliteSynchronous::Full, _lock: lock };
        let open = async {
            // Not read-only: what a gateway that was killed left in the log beside it is taken in.
            let mut connection = SqliteConnection::connect_with(&file.common()).await?;
            sqlx::query("PRAGMA query_only = ON").execute(&mut connection).await?;
            Ok(connection)
        };
        let opened = open.await;
        let connection = opened.map_err(|source| FileError::Sqlite { path: file.path.clone(), source })?;
        Ok((file, connection))
    }

    fn common(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .create_if_missing(false)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .pragma("trusted_schema", "OFF")
            .disable_statement_logging()
    }

    fn writer(&self) -> SqliteConnectOptions {
        self.common().journal_mode(SqliteJournalMode::Wal).synchronous(self.synchronous)
    }

    /// How readers open it.
    pub(crate) fn reader(&self) -> SqliteConnectOptions {
        self.common().read_only(true)
    }
}

/// Takes the lock before the database itself is touched: closing any handle of a file drops the locks
/// that SQLite holds on it elsewhere in this process.
fn claim(path: &Path) -> Result<(PathBuf, File), FileError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| FileError::Io { path, source }
    };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(at(directory))?;
    // One lock per file, whatever name it is reached by.
    let path = match fs::canonicalize(path) {
        Ok(real) => real,
        Err(_) => {
            fs::canonicalize(directory).map_err(at(directory))?.join(path.file_name().unwrap_or_default())
        }
    };
    let mut lock_path = path.clone().into_os_string();
    lock_path.push(".lock");
    let lock_path = PathBuf::from(lock_path);
    let lock = private(&lock_path).map_err(at(&lock_path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(FileError::InUse(path)),
        Err(TryLockError::Error(source)) => return Err(FileError::Io { path: lock_path, source }),
    }
    // SQLite gives -wal and -shm the mode of the database.
    private(&path).map_err(at(&path))?;
    Ok((path, lock))
}

/// Opens or makes a file that its owner alone can read.
fn private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    Ok(file)
}
