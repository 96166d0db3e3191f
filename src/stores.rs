//! Where the two stores of an installation are, and opening them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use poolgate_providers::Clock;

use crate::config::Settings;
use crate::directory::postgres::{Address, PostgresDirectory};
use crate::directory::sqlite::SqliteDirectory;
use crate::directory::{Directory, DirectoryError};
use crate::sessions::embedded::EmbeddedSessions;
use crate::sessions::redis::{RedisAddress, RedisSessions, SessionSeal};
use crate::sessions::{SessionError, SessionStore};

/// Where the directory is (`POOLGATE_DIRECTORY_URL`).
#[derive(Debug, Clone)]
pub enum DirectoryPlace {
    /// A file that belongs to one process.
    Sqlite(PathBuf),
    /// A database that any number of gateways share.
    Postgres(Box<Address>),
}

impl DirectoryPlace {
    /// The file of an embedded directory that nobody has made yet.
    pub fn missing(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path.as_path()).filter(|path| !path.exists()),
            Self::Postgres(_) => None,
        }
    }
}

/// Where the session store is (`POOLGATE_SESSION_URL`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionPlace {
    /// A file that belongs to one process.
    Embedded(PathBuf),
    /// Redis, shared by all replicas.
    Redis(Box<RedisAddress>),
}

/// Opens the directory of these settings.
///
/// # Errors
/// [`DirectoryError::InUse`], [`DirectoryError::Away`].
pub async fn open_directory(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Directory>, DirectoryError> {
    match &settings.directory {
        DirectoryPlace::Sqlite(path) => Ok(Arc::new(SqliteDirectory::open(path, Arc::clone(clock)).await?)),
        DirectoryPlace::Postgres(address) => {
            Ok(Arc::new(PostgresDirectory::open(address, Arc::clone(clock)).await?))
        }
    }
}

/// Opens the session store of these settings. What a shared one holds is sealed.
///
/// # Errors
/// [`SessionError::Away`], [`SessionError::Unusable`].
pub async fn open_sessions(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    seal: SessionSeal,
) -> Result<Arc<dyn SessionStore>, SessionError> {
    match &settings.sessions {
        SessionPlace::Embedded(path) => Ok(Arc::new(EmbeddedSessions::open(path, Arc::clone(clock)).await?)),
        SessionPlace::Redis(address) => {
            Ok(Arc::new(RedisSessions::open(address, Arc::clone(clock), seal).await?))
        }
    }
}
