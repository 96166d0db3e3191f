//! What can go wrong between here and PostgreSQL, and what that means for who asked.

use std::time::Duration;

use crate::directory::DirectoryError;

/// Why a statement gave no answer, or not the one that was hoped for.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Its time was up. It may still be done.
    Late(Duration),
    /// Every connection was in use for as long as that.
    Busy(Duration),
    /// The directory was closed.
    Closed,
    /// No connection could be made: nothing was asked.
    Unreachable(sqlx::Error),
    /// PostgreSQL, or the way to it, refused.
    Sql(sqlx::Error),
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

/// The five characters by which PostgreSQL names what happened.
pub(super) fn code(error: &sqlx::Error) -> Option<String> {
    match error {
        sqlx::Error::Database(error) => error.code().map(|code| code.into_owned()),
        _ => None,
    }
}

/// The connection cannot be used any more: the server has ended it, or it is no connection to a server that writes.
fn ends_connection(code: &str) -> bool {
    // 08: connection exceptions. 57P01 to 57P05: shut down, crashed, starting, database dropped, idle for too long.
    // 25006: a standby, where a primary was. 25P03: idle in a transaction for too long. 26000: what was prepared on
    // it is gone.
    code.starts_with("08") || code.starts_with("57P") || matches!(code, "25006" | "25P03" | "26000")
}

impl Trouble {
    fn code(&self) -> Option<String> {
        match self {
            Self::Sql(error) | Self::Unreachable(error) => code(error),
            Self::Late(_) | Self::Busy(_) | Self::Closed => None,
        }
    }

    /// Somebody else was first, and PostgreSQL has written nothing: whoever asks anew sees what they wrote.
    pub(super) fn lost_a_race(&self) -> bool {
        // unique_violation, serialization_failure, deadlock_detected
        matches!(self.code().as_deref(), Some("23505" | "40001" | "40P01"))
    }

    /// PostgreSQL gave the statement up for the sake of others, and has written nothing.
    pub(super) fn was_given_up(&self) -> bool {
        matches!(self.code().as_deref(), Some("40001" | "40P01"))
    }

    /// The connection has gone; what was asked may or may not have been done.
    pub(super) fn lost_connection(&self) -> bool {
        match self {
            Self::Sql(sqlx::Error::Database(_)) => self.code().is_some_and(|code| ends_connection(&code)),
            Self::Sql(sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_)) => true,
            Self::Sql(_) | Self::Late(_) | Self::Busy(_) | Self::Closed | Self::Unreachable(_) => false,
        }
    }

    /// No server answers (yet), so that asking again later may help.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(sqlx::Error::Database(_)) => {
                matches!(self.code().as_deref(), Some("53300" | "57P01" | "57P02" | "57P03"))
            }
            // Protocol: what stands before the server takes the connection and closes it, as proxies do.
            Self::Unreachable(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) | Self::Late(_) => true,
            _ => self.lost_connection(),
        }
    }

    /// In words for whoever runs the gateway; no password is ever in them.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Late(limit) => format!("PostgreSQL did not answer within {} ms", limit.as_millis()),
            Self::Busy(limit) => format!(
                "all connections to PostgreSQL were in use for {} ms (max_connections of POOLGATE_DIRECTORY_URL)",
                limit.as_millis()
            ),
            Self::Closed => "it was closed".to_owned(),
            Self::Unreachable(error @ sqlx::Error::Database(_)) => {
                format!("PostgreSQL refuses the connection: {}", explain(error))
            }
            Self::Unreachable(error) => format!("PostgreSQL cannot be reached: {}", explain(error)),
            Self::Sql(error) => format!("PostgreSQL: {}", explain(error)),
        }
    }
}

fn explain(error: &sqlx::Error) -> String {
    let hint = match code(error).as_deref() {
        Some("53300") => {
            "; it has no connection left: raise its max_connections, or lower that of each replica"
        }
        Some("53100") => "; its disk is full",
        Some("25006") => "; the server is read-only: a standby, or default_transaction_read_only",
        Some("57014") => "; the statement took longer than timeout_ms",
        Some("26000" | "42P05") => "; behind PgBouncer in transaction mode, set pgbouncer=true",
        Some("42501") => "; the role lacks a privilege",
        _ => "",
    };
    match error {
        // The server's own words: the error's text adds where in PostgreSQL's source they come from.
        sqlx::Error::Database(said) => format!("{}{hint}", said.message()),
        other => format!("{other}{hint}"),
    }
}

impl From<Trouble> for DirectoryError {
    fn from(trouble: Trouble) -> Self {
        Self::Away(trouble.words())
    }
}
