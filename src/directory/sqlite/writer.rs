//! The one writer: collects what is asked at the same time and commits it in one transaction.
//!
//! A statement and a disk flush cost far more than a row, so sign-ins share them. Each caller is answered
//! after the commit that holds its work has reached the disk. What a job's own rules refuse is decided
//! before anything is written for it, or undone by its savepoint, so its neighbours never notice.

use std::sync::Arc;

use poolgate_providers::Clock;
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::configuration;
use super::endings;
use super::file::OwnedFile;
use super::groups;
use super::links;
use super::pace::Pace;
use super::provider_sessions;
use super::rotations;
use super::sign_ins;
use super::users::{self, Who};
use crate::directory::stored::millis;
use crate::directory::{Change, DirectoryError, Ended, Rotation, Unlink};
use crate::pool::{FederatedProfile, NewLink, User, UserChange};

/// Most jobs in one transaction.
const BATCH: usize = 128;

/// How long expired revocation marks may lie about, in milliseconds.
const PRUNE_EVERY: i64 = 60_000;

/// What is asked of the writer.
#[derive(Debug)]
pub(super) enum Work {
    SignIn(Box<FederatedProfile>),
    Revoke { pool_id: String, origin_jti: String, until: i64 },
    Write(Vec<Change>),
    ChangeUser { pool_id: String, username: String, change: UserChange },
    DeleteUser { pool_id: String, who: Who },
    JoinGroup { pool_id: String, username: String, group: String },
    LeaveGroup { pool_id: String, username: String, group: String },
    End { pool_id: String, sub: String, ended: Ended },
    Link(NewLink),
    Unlink(Unlink),
    UseOnce { mark: String, until: i64 },
    Rotate(Rotation),
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Done {
    SignedIn(Box<User>),
    Written,
    /// Whether it was the first use, or the first to rotate.
    Used(bool),
}

pub(super) type Outcome = Result<Done, DirectoryError>;

pub(super) enum Job {
    Do(Work, oneshot::Sender<Outcome>),
    /// Answered when everything before it is done and the file is closed.
    Close(oneshot::Sender<()>),
}

pub(super) struct Writer {
    connection: SqliteConnection,
    clock: Arc<dyn Clock>,
    /// The row id of the next new user. This process is the only writer.
    next_user: i64,
    pruned_at: i64,
    in_transaction: bool,
    /// Dropped last: the next process may open the file once the connection is closed.
    file: Arc<OwnedFile>,
}

impl Writer {
    pub(super) async fn new(
        mut connection: SqliteConnection,
        file: Arc<OwnedFile>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, sqlx::Error> {
        let next_user = sqlx::query_scalar("SELECT coalesce(max(id), 0) + 1 FROM users")
            .fetch_one(&mut connection)
            .await?;
        Ok(Self { connection, clock, next_user, pruned_at: 0, in_transaction: false, file })
    }

    /// Serves the queue until it is closed.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(BATCH);
        let mut closing = None;
        let mut pace = Pace::default();
        while closing.is_none() && queue.recv_many(&mut jobs, BATCH).await > 0 {
            if pace.gather(jobs.len()).await && !queue.is_empty() {
                let room = BATCH - jobs.len();
                queue.recv_many(&mut jobs, room).await;
            }
            pace.serves(jobs.len());
            let mut works = Vec::with_capacity(jobs.len());
            let mut replies = Vec::with_capacity(jobs.len());
            for job in jobs.drain(..) {
                match job {
                    // What comes after a Close was asked too late: its reply is dropped.
                    Job::Do(work, reply) if closing.is_none() => {
                        works.push(work);
                        replies.push(reply);
                    }
                    Job::Do(..) => {}
                    Job::Close(reply) => closing = Some(reply),
                }
            }
            for (reply, outcome) in replies.into_iter().zip(self.commit(&works).await) {
                // A caller that went away has its work done all the same.
                let _ = reply.send(outcome);
            }
        }
        let Self { connection, file, .. } = self;
        if let Err(error) = connection.close().await {
            tracing::warn!(%error, "the directory's database did not close cleanly");
        }
        drop(file);
        if let Some(reply) = closing {
            let _ = reply.send(());
        }
    }

    /// One outcome per work. When the transaction fails as a whole, every job is told so: also those that
    /// only read, for they may have read what was not kept.
    async fn commit(&mut self, works: &[Work]) -> Vec<Outcome> {
        match self.attempt(works).await {
            Ok(outcomes) => outcomes,
            // A row that a constraint refuses must fail alone.
            Err(Failure { before_commit: true, error: sqlx::Error::Database(error) })
                if works.len() > 1 && error.kind() != sqlx::error::ErrorKind::Other =>
            {
                let mut outcomes = Vec::with_capacity(works.len());
                for work in works {
                    match self.attempt(std::slice::from_ref(work)).await {
                        Ok(outcome) => outcomes.extend(outcome),
                        Err(failure) => outcomes.push(Err(away(&failure.error))),
                    }
                }
                outcomes
            }
            Err(failure) => works.iter().map(|_| Err(away(&failure.error))).collect(),
        }
    }

    async fn attempt(&mut self, works: &[Work]) -> Result<Vec<Outcome>, Failure> {
        match self.perform(works).await {
            Ok(outcomes) if !self.in_transaction => Ok(outcomes),
            Ok(outcomes) => match sqlx::query("COMMIT").execute(&mut self.connection).await {
                Ok(_) => {
                    self.in_transaction = false;
                    Ok(outcomes)
                }
                Err(error) => {
                    self.roll_back().await;
                    Err(Failure { before_commit: false, error })
                }
            },
            Err(error) => {
                self.roll_back().await;
                Err(Failure { before_commit: true, error })
            }
        }
    }

    async fn roll_back(&mut self) {
        if self.in_transaction {
            // Fails when SQLite has rolled back by itself, which is as good.
            let _ = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
            self.in_transaction = false;
        }
    }

    /// Does everything in the order it was asked: runs of sign-ins and revocations together, the rest
    /// one by one. Opens a transaction as soon as something must be written.
    async fn perform(&mut self, works: &[Work]) -> Result<Vec<Outcome>, sqlx::Error> {
        let mut outcomes = Vec::with_capacity(works.len());
        let mut rest = works;
        while let Some(first) = rest.first() {
            let run = rest.iter().take_while(|work| work.joins_a_run()).count();
            let (now, later) = rest.split_at(run.max(1));
            match first {
                Work::Write(changes) => {
                    self.begin().await?;
                    outcomes.push(configuration::write(&mut self.connection, changes).await?);
                }
                Work::ChangeUser { pool_id, username, change } => {
                    self.begin().await?;
                    outcomes.push(users::change(&mut self.connection, pool_id, username, change).await?);
                }
                Work::DeleteUser { pool_id, who } => {
                    self.begin().await?;
                    outcomes.push(users::delete(&mut self.connection, pool_id, who).await?);
                }
                Work::JoinGroup { pool_id, username, group } => {
                    self.begin().await?;
                    outcomes.push(groups::join(&mut self.connection, pool_id, username, group).await?);
                }
                Work::LeaveGroup { pool_id, username, group } => {
                    self.begin().await?;
                    outcomes.push(groups::leave(&mut self.connection, pool_id, username, group).await?);
                }
                Work::End { pool_id, sub, ended } => {
                    self.begin().await?;
                    outcomes.push(endings::write(&mut self.connection, pool_id, sub, ended).await?);
                }
                Work::Link(link) => {
                    self.begin().await?;
                    outcomes.push(links::link(&mut self.connection, link).await?);
                }
                Work::Unlink(unlink) => {
                    self.begin().await?;
                    let now = self.clock.now();
                    outcomes.push(links::unlink(&mut self.connection, unlink, now).await?);
                }
                Work::UseOnce { mark, until } => {
                    self.begin().await?;
                    outcomes.push(Ok(Done::Used(self.use_once(mark, *until).await?)));
                }
                Work::Rotate(rotation) => {
                    self.begin().await?;
                    outcomes.push(Ok(Done::Used(rotations::rotate(&mut self.connection, rotation).await?)));
                }
                Work::SignIn(_) | Work::Revoke { .. } => self.run_together(now, &mut outcomes).await?,
            }
            rest = later;
        }
        if self.in_transaction {
            self.prune().await?;
        }
        Ok(outcomes)
    }

    async fn run_together(&mut self, works: &[Work], outcomes: &mut Vec<Outcome>) -> Result<(), sqlx::Error> {
        let profiles: Vec<&FederatedProfile> = works
            .iter()
            .filter_map(|work| if let Work::SignIn(profile) = work { Some(&**profile) } else { None })
            .collect();
        let mut next_user = self.next_user;
        let mut sign_ins = sign_ins::read(&mut self.connection, &profiles).await?;
        let (mut marks, mut sessions) = (Vec::new(), Vec::new());
        for work in works {
            outcomes.push(match work {
                Work::SignIn(profile) => sign_ins.decide(profile, &mut next_user).map(|user| {
                    sessions.extend(provider_sessions::Row::new(profile, &user));
                    Done::SignedIn(Box::new(user))
                }),
                Work::Revoke { pool_id, origin_jti, until } => {
                    marks.push((pool_id, origin_jti, until));
                    Ok(Done::Written)
                }
                Work::Write(_)
                | Work::ChangeUser { .. }
                | Work::DeleteUser { .. }
                | Work::JoinGroup { .. }
                | Work::LeaveGroup { .. }
                | Work::End { .. }
                | Work::Link(_)
                | Work::Unlink(_)
                | Work::UseOnce { .. }
                | Work::Rotate(_) => continue,
            });
        }
        if sign_ins.changed().next().is_some() {
            self.begin().await?;
            sign_ins::write(&mut self.connection, &sign_ins).await?;
        }
        let sessions = provider_sessions::wanting(&mut self.connection, sessions).await?;
        if !sessions.is_empty() {
            self.begin().await?;
            provider_sessions::write(&mut self.connection, &sessions).await?;
        }
        if !marks.is_empty() {
            self.begin().await?;
            let marks =
                serde_json::to_string(&marks).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
            sqlx::query(
                "INSERT INTO revoked_families (pool_id, origin_jti, until) \
                 SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1) WHERE true \
                 ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
            )
            .bind(marks)
            .execute(&mut self.connection)
            .await?;
        }
        // Numbers given out in a transaction that fails are never used again: harmless.
        self.next_user = next_user;
        Ok(())
    }

    async fn use_once(&mut self, mark: &str, until: i64) -> Result<bool, sqlx::Error> {
        let marked = sqlx::query(
            "INSERT INTO used_once (mark, until) VALUES (?1, ?2) \
             ON CONFLICT DO UPDATE SET until = excluded.until WHERE used_once.until <= ?3",
        )
        .bind(mark)
        .bind(until)
        .bind(millis(self.clock.now()))
        .execute(&mut self.connection)
        .await?;
        Ok(marked.rows_affected() == 1)
    }

    async fn begin(&mut self) -> Result<(), sqlx::Error> {
        if !self.in_transaction {
            sqlx::query("BEGIN IMMEDIATE").execute(&mut self.connection).await?;
            self.in_transaction = true;
        }
        Ok(())
    }

    /// Forgets some of the marks whose time has passed; a bounded number, so that no commit waits long.
    async fn prune(&mut self) -> Result<(), sqlx::Error> {
        let now = millis(self.clock.now());
        if now.saturating_sub(self.pruned_at) < PRUNE_EVERY {
            return Ok(());
        }
        let mut more = false;
        for statement in [
            "DELETE FROM revoked_families WHERE (pool_id, origin_jti) IN \
             (SELECT pool_id, origin_jti FROM revoked_families WHERE until < ?1 ORDER BY until LIMIT 512)",
            "DELETE FROM endings WHERE (user_id, mark, tokens) IN \
             (SELECT user_id, mark, tokens FROM endings WHERE until < ?1 ORDER BY until LIMIT 512)",
            "DELETE FROM used_once WHERE mark IN \
             (SELECT mark FROM used_once WHERE until < ?1 ORDER BY until LIMIT 512)",
            provider_sessions::PRUNE,
            rotations::PRUNE,
        ] {
            let pruned = sqlx::query(statement).bind(now).execute(&mut self.connection).await?;
            // A full helping means there is more: go on at the next write.
            more |= pruned.rows_affected() >= 512;
        }
        if !more {
            self.pruned_at = now;
        }
        Ok(())
    }
}

impl Work {
    fn joins_a_run(&self) -> bool {
        matches!(self, Self::SignIn(_) | Self::Revoke { .. })
    }
}

struct Failure {
    /// Whether nothing of the transaction can have been kept.
    before_commit: bool,
    error: sqlx::Error,
}

pub(super) fn away(error: &sqlx::Error) -> DirectoryError {
    DirectoryError::Away(error.to_string())
}
