//! The embedded directory: one SQLite file, one writer, a few readers.

mod configuration;
mod endings;
pub(crate) mod file;
mod groups;
mod links;
mod list;
pub(crate) mod pace;
mod provider_sessions;
mod rotations;
mod rows;
mod sign_ins;
#[cfg(test)]
pub(crate) mod tests;
mod token_states;
mod users;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use poolgate_providers::Clock;
use sqlx::Acquire as _;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};

use self::file::{FileError, OwnedFile};
use self::rows::{read_user, user_columns};
use self::token_states::Question;
use self::users::Who;
use self::writer::{Done, Job, Outcome, Work, Writer, away};
use super::storable::{
    any_nul, refuse_any_nul, refuse_nul, refuse_nul_in_change, refuse_nul_in_ending, refuse_nul_in_source,
};
use super::stored::{millis, moment, rounded};
use super::{
    Change, Changed, Directory, DirectoryError, Ended, Member, Record, Rotation, SessionOwner, TokenState,
    Unlink, UserQuery,
};
use crate::pool::{FederatedProfile, NewLink, User, UserChange, WaitingLink};

const MIGRATIONS: [&str; 7] = [
    include_str!("../../../migrations/sqlite/directory-0001.sql"),
    include_str!("../../../migrations/sqlite/directory-0002.sql"),
    include_str!("../../../migrations/sqlite/directory-0003.sql"),
    include_str!("../../../migrations/sqlite/directory-0004.sql"),
    include_str!("../../../migrations/sqlite/directory-0005.sql"),
    include_str!("../../../migrations/sqlite/directory-0006.sql"),
    include_str!("../../../migrations/sqlite/directory-0007.sql"),
];

/// The number of the last of them.
#[expect(clippy::cast_possible_wrap, reason = "a handful")]
pub(crate) const SCHEMA: i64 = MIGRATIONS.len() as i64;

/// Connections that read.
const READERS: u32 = 4;

/// How long a read waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Jobs that may wait for the writer; further callers wait before they are queued.
const QUEUE: usize = 1024;

/// The directory in one SQLite file, owned by one process.
///
/// Write-ahead log with `synchronous=FULL`: an answered write survives SIGKILL and loss of power.
pub struct SqliteDirectory {
    jobs: mpsc::Sender<Job>,
    questions: mpsc::UnboundedSender<Question>,
    readers: SqlitePool,
}

impl SqliteDirectory {
    /// Opens or makes the database at `path`; a missing directory is made with mode 0700, the files with
    /// 0600. `clock` tells when revocation marks have expired. Must be called within a tokio runtime that
    /// lives as long as the directory.
    ///
    /// # Errors
    /// [`DirectoryError::InUse`] when another process has it; [`DirectoryError::Away`] with the reason: the disk
    /// refused, or the file is no such database.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, DirectoryError> {
        let (file, connection) = OwnedFile::open(path, SqliteSynchronous::Full, &MIGRATIONS).await.map_err(
            |error| match error {
                FileError::InUse(_) => DirectoryError::InUse(error.to_string()),
                other => DirectoryError::Away(other.to_string()),
            },
        )?;
        let file = Arc::new(file);
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .connect_lazy_with(file.reader());
        let writer = Writer::new(connection, file, clock).await.map_err(|error| away(&error))?;
        let (jobs, queue) = mpsc::channel(QUEUE);
        tokio::spawn(writer.run(queue));
        // Unbounded: every question has a waiting caller.
        let (questions, asked) = mpsc::unbounded_channel();
        tokio::spawn(token_states::run(readers.clone(), asked));
        Ok(Self { jobs, questions, readers })
    }

    async fn ask(&self, work: Work) -> Outcome {
        let closed = || DirectoryError::Away("it was closed".into());
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Do(work, reply)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    async fn read_records(&self, pool_id: Option<&str>) -> Result<Vec<Record>, DirectoryError> {
        let read = async {
            let mut connection = self.readers.acquire().await?;
            // Names and records of the same moment.
            let mut snapshot = connection.begin().await?;
            let records = configuration::load(&mut snapshot, pool_id).await?;
            snapshot.commit().await?;
            Ok(records)
        };
        read.await.map_err(|error: sqlx::Error| away(&error))
    }
}

#[async_trait]
impl Directory for SqliteDirectory {
    async fn load(&self) -> Result<Vec<Record>, DirectoryError> {
        self.read_records(None).await
    }

    async fn load_pool(&self, pool_id: &str) -> Result<Vec<Record>, DirectoryError> {
        self.read_records(Some(pool_id)).await
    }

    async fn changed_since(&self, generation: i64) -> Result<Changed, DirectoryError> {
        configuration::changed_since(&self.readers, generation).await.map_err(|error| away(&error))
    }

    async fn write(&self, changes: Vec<Change>) -> Result<(), DirectoryError> {
        self.ask(Work::Write(changes)).await.map(|_| ())
    }

    async fn sign_in(&self, mut profile: FederatedProfile) -> Result<User, DirectoryError> {
        refuse_nul(&profile)?;
        // As it will be stored, so that what is returned now is what is read later.
        profile.at = moment(millis(profile.at)).map_err(|error| away(&error))?;
        match self.ask(Work::SignIn(Box::new(profile))).await? {
            Done::SignedIn(user) => Ok(*user),
            Done::Written | Done::Used(_) => Err(DirectoryError::Away("the writer gave no user".into())),
        }
    }

    async fn user(&self, pool_id: &str, username: &str) -> Result<Option<User>, DirectoryError> {
        let read = async {
            let row = sqlx::query(concat!(
                "SELECT ",
                user_columns!(),
                " FROM users u WHERE u.pool_id = ?1 AND u.username = ?2"
            ))
            .bind(pool_id)
            .bind(username)
            .fetch_optional(&self.readers)
            .await?;
            row.map_or(Ok(None), |row| read_user(&row, 0))
        };
        Ok(read.await.map_err(|error| away(&error))?.map(|(_, user)| user))
    }

    async fn users(&self, pool_id: &str, query: UserQuery) -> Result<Vec<User>, DirectoryError> {
        list::users(&self.readers, pool_id, &query).await.map_err(|error| away(&error))
    }

    async fn count_users(&self, pool_id: &str) -> Result<u64, DirectoryError> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM users WHERE pool_id = ?1")
            .bind(pool_id)
            .fetch_one(&self.readers)
            .await
            .map_err(|error| away(&error))?;
        Ok(count.unsigned_abs())
    }

    async fn change_user(
        &self,
        pool_id: &str,
        username: &str,
        change: UserChange,
    ) -> Result<(), DirectoryError> {
        refuse_nul_in_change(&change)?;
        let change = rounded(change).map_err(|error| away(&error))?;
        let (pool_id, username) = (pool_id.to_owned(), username.to_owned());
        self.ask(Work::ChangeUser { pool_id, username, change }).await.map(|_| ())
    }

    async fn delete_user(&self, pool_id: &str, username: &str) -> Result<(), DirectoryError> {
        let (pool_id, who) = (pool_id.to_owned(), Who::Username(username.to_owned()));
        self.ask(Work::DeleteUser { pool_id, who }).await.map(|_| ())
    }

    async fn delete_user_of_sub(&self, pool_id: &str, sub: &str) -> Result<(), DirectoryError> {
        let (pool_id, who) = (pool_id.to_owned(), Who::Sub(sub.to_owned()));
        self.ask(Work::DeleteUser { pool_id, who }).await.map(|_| ())
    }

    async fn join_group(&self, pool_id: &str, username: &str, group: &str) -> Result<(), DirectoryError> {
        refuse_any_nul("group", &[group])?;
        let (pool_id, username, group) = (pool_id.to_owned(), username.to_owned(), group.to_owned());
        self.ask(Work::JoinGroup { pool_id, username, group }).await.map(|_| ())
    }

    async fn leave_group(&self, pool_id: &str, username: &str, group: &str) -> Result<(), DirectoryError> {
        refuse_any_nul("group", &[group])?;
        let (pool_id, username, group) = (pool_id.to_owned(), username.to_owned(), group.to_owned());
        self.ask(Work::LeaveGroup { pool_id, username, group }).await.map(|_| ())
    }

    async fn members(
        &self,
        pool_id: &str,
        group: &str,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Member>, DirectoryError> {
        groups::members(&self.readers, pool_id, group, after, limit).await.map_err(|error| away(&error))
    }

    async fn token_state(
        &self,
        pool_id: &str,
        sub: &str,
        origin_jti: &str,
    ) -> Result<TokenState, DirectoryError> {
        // Nothing is stored under a text with U+0000.
        if any_nul(&[pool_id, sub, origin_jti]) {
            return Ok(TokenState { user: None, revoked: false, endings: Vec::new(), rotated: None });
        }
        let closed = || DirectoryError::Away("it was closed".into());
        let (reply, answer) = oneshot::channel();
        let (pool_id, sub, origin_jti) = (pool_id.to_owned(), sub.to_owned(), origin_jti.to_owned());
        self.questions.send(Question { pool_id, sub, origin_jti, reply }).map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    async fn revoke_family(
        &self,
        pool_id: &str,
        origin_jti: &str,
        until: OffsetDateTime,
    ) -> Result<(), DirectoryError> {
        refuse_any_nul("token family", &[pool_id, origin_jti])?;
        let (pool_id, origin_jti, until) = (pool_id.to_owned(), origin_jti.to_owned(), millis(until));
        self.ask(Work::Revoke { pool_id, origin_jti, until }).await.map(|_| ())
    }

    async fn rotate(&self, rotation: Rotation) -> Result<bool, DirectoryError> {
        refuse_any_nul("token family", &[&rotation.pool_id, &rotation.origin_jti, &rotation.jti])?;
        Ok(matches!(self.ask(Work::Rotate(rotation)).await?, Done::Used(true)))
    }

    async fn user_of_identity(
        &self,
        pool_id: &str,
        provider: &str,
        subject: &str,
    ) -> Result<Option<String>, DirectoryError> {
        if any_nul(&[pool_id, provider, subject]) {
            return Ok(None);
        }
        sqlx::query_scalar(
            "SELECT u.sub FROM identities d JOIN users u ON u.id = d.user_id \
             WHERE d.pool_id = ?1 AND d.provider = ?2 AND d.subject = ?3",
        )
        .bind(pool_id)
        .bind(provider)
        .bind(subject)
        .fetch_optional(&self.readers)
        .await
        .map_err(|error| away(&error))
    }

    async fn link(&self, link: NewLink) -> Result<(), DirectoryError> {
        refuse_nul_in_source(&link.source)?;
        self.ask(Work::Link(link)).await.map(|_| ())
    }

    async fn unlink(&self, unlink: Unlink) -> Result<(), DirectoryError> {
        refuse_nul_in_source(&unlink.source)?;
        self.ask(Work::Unlink(unlink)).await.map(|_| ())
    }

    async fn waiting_links(
        &self,
        pool_id: &str,
        subs: &[String],
    ) -> Result<Vec<WaitingLink>, DirectoryError> {
        links::waiting(&self.readers, pool_id, subs).await.map_err(|error| away(&error))
    }

    async fn owners_of_session(
        &self,
        pool_id: &str,
        provider: &str,
        digest: &str,
    ) -> Result<Vec<SessionOwner>, DirectoryError> {
        provider_sessions::owners(&self.readers, pool_id, provider, digest).await
    }

    async fn end_provider_sessions(
        &self,
        pool_id: &str,
        sub: &str,
        ended: Ended,
    ) -> Result<(), DirectoryError> {
        refuse_nul_in_ending(pool_id, sub, &ended)?;
        let (pool_id, sub) = (pool_id.to_owned(), sub.to_owned());
        self.ask(Work::End { pool_id, sub, ended }).await.map(|_| ())
    }

    async fn use_once(&self, mark: &str, until: OffsetDateTime) -> Result<bool, DirectoryError> {
        refuse_any_nul("mark", &[mark])?;
        let work = Work::UseOnce { mark: mark.to_owned(), until: millis(until) };
        Ok(matches!(self.ask(work).await?, Done::Used(true)))
    }

    async fn now(&self) -> Result<Option<OffsetDateTime>, DirectoryError> {
        Ok(None)
    }

    async fn ping(&self) -> Result<(), DirectoryError> {
        if self.jobs.is_closed() {
            return Err(DirectoryError::Away("it was closed".into()));
        }
        sqlx::query("SELECT 1").execute(&self.readers).await.map_err(|error| away(&error))?;
        Ok(())
    }

    async fn close(&self) {
        // Readers first: the last connection to close merges the write-ahead log into the database.
        self.readers.close().await;
        let (reply, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(reply)).await.is_ok() {
            let _ = closed.await;
        }
    }
}
