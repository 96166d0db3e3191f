//! The log on the disk: the last state of every live entry, written by one task that groups commits.
//!
//! Write-ahead log with `synchronous=NORMAL`: a commit is in the operating system's hands when it
//! returns, so a killed process loses nothing. Only a crash of the machine itself may lose the last
//! moments before it. What lives here lives minutes to hours: a lost attempt or session means signing in
//! again, and a code that came back still needs its client and verifier, so a disk flush at every step,
//! twice in each sign-in, would buy too little. (What must outlive that is in the directory, which does flush.)

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::sqlite::SqliteSynchronous;
use sqlx::{Connection as _, Row as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::memory::{Change, Entry, StoredKey};
use crate::directory::sqlite::file::OwnedFile;
use crate::directory::sqlite::pace::Pace;
use crate::sessions::SessionError;

const MIGRATIONS: [&str; 1] = [include_str!("../../../migrations/sqlite/sessions-0001.sql")];

/// Most steps in one commit.
const BATCH: usize = 256;

/// Writes rows, whether they are new or not. `?1` says of each where in `?2` its key and value lie.
macro_rules! put {
    () => {
        "INSERT INTO entries (id, until, key, value) \
         SELECT value ->> 0, value ->> 1, substr(?2, value ->> 2, value ->> 3), substr(?2, value ->> 4, value ->> 5) \
         FROM json_each(?1) WHERE true \
         ON CONFLICT DO UPDATE SET until = excluded.until, value = excluded.value"
    };
}

/// Removes rows by their numbers.
macro_rules! gone {
    ($parameter:literal) => {
        concat!("DELETE FROM entries WHERE id IN (SELECT value FROM json_each(", $parameter, "))")
    };
}

type Reply = oneshot::Sender<Result<(), SessionError>>;

pub(super) enum Job {
    /// Answered when the change is committed.
    Write { change: Change, reply: Reply },
    /// Answered when everything before it is committed.
    Barrier(Reply),
    /// Answered when everything before it is committed and the file is closed.
    Close(Reply),
}

pub(super) struct Log {
    connection: SqliteConnection,
    /// Dropped last: the next process may open the file once the connection is closed.
    file: OwnedFile,
}

fn away(error: impl std::fmt::Display) -> SessionError {
    SessionError::Away(error.to_string())
}

impl Log {
    /// Opens the file and gives every entry that lives at `now` to `load`.
    pub(super) async fn open(
        path: &Path,
        now: i64,
        load: impl Fn(i64, StoredKey, Entry),
    ) -> Result<Self, SessionError> {
        let (file, mut connection) =
            OwnedFile::open(path, SqliteSynchronous::Normal, &MIGRATIONS).await.map_err(away)?;
        sqlx::query("DELETE FROM entries WHERE until <= ?1")
            .bind(now)
            .execute(&mut connection)
            .await
            .map_err(away)?;
        // By pages, so that no second copy of everything is in memory.
        let mut after = i64::MIN;
        loop {
            let rows =
                sqlx::query("SELECT id, until, key, value FROM entries WHERE id > ?1 ORDER BY id LIMIT 4096")
                    .bind(after)
                    .fetch_all(&mut connection)
                    .await
                    .map_err(away)?;
            let Some(last) = rows.last() else { break };
            after = last.try_get(0).map_err(away)?;
            for row in &rows {
                let key: &[u8] = row.try_get(2).map_err(away)?;
                let value: &[u8] = row.try_get(3).map_err(away)?;
                let until: i64 = row.try_get(1).map_err(away)?;
                load(row.try_get(0).map_err(away)?, key.into(), Entry { value: value.into(), until });
            }
        }
        Ok(Self { connection, file })
    }

    /// Serves the queue until it is closed or the disk fails.
    pub(super) async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Job>) {
        let mut jobs = Vec::with_capacity(BATCH);
        let mut closing = None;
        let mut pace = Pace::default();
        while closing.is_none() && queue.recv_many(&mut jobs, BATCH).await > 0 {
            if pace.gather(jobs.len()).await && !queue.is_empty() {
                let room = BATCH - jobs.len();
                queue.recv_many(&mut jobs, room).await;
            }
            pace.serves(jobs.len());
            let mut replies = Vec::with_capacity(jobs.len());
            // The last state of a row is what counts: a code made and taken in one batch leaves nothing.
            let mut last = BTreeMap::new();
            for job in jobs.drain(..) {
                match job {
                    // Asked too late: the dropped reply says so.
                    _ if closing.is_some() => {}
                    Job::Write { change, reply } => {
                        last.insert(change.row, change.state);
                        replies.push(reply);
                    }
                    Job::Barrier(reply) => replies.push(reply),
                    Job::Close(reply) => closing = Some(reply),
                }
            }
            if let Err(error) = self.commit(&last).await {
                tracing::error!(%error, "the session store's disk failed: it answers nothing more until restarted");
                // Refuse what comes from now on, before anybody is told.
                queue.close();
                for reply in replies {
                    let _ = reply.send(Err(away(&error)));
                }
                break;
            }
            for reply in replies {
                let _ = reply.send(Ok(()));
            }
        }
        queue.close();
        let Self { connection, file, .. } = self;
        let ended = connection.close().await.map_err(away);
        drop(file);
        if let Some(reply) = closing {
            let _ = reply.send(ended);
        }
    }

    /// One transaction, in one call: each costs two switches of threads.
    async fn commit(&mut self, last: &BTreeMap<i64, Option<(StoredKey, Entry)>>) -> Result<(), sqlx::Error> {
        let (mut put, mut bytes, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        for (row, state) in last {
            let Some((key, entry)) = state else {
                gone.push(row);
                continue;
            };
            // SQL counts from one.
            let key_at = bytes.len() + 1;
            bytes.extend_from_slice(key);
            let value_at = bytes.len() + 1;
            bytes.extend_from_slice(&entry.value);
            put.push((row, entry.until, key_at, key.len(), value_at, entry.value.len()));
        }
        let query = match (put.is_empty(), gone.is_empty()) {
            (true, true) => return Ok(()),
            // A single statement is a transaction of its own.
            (false, true) => sqlx::query(put!()).bind(json(&put)?).bind(bytes),
            (true, false) => sqlx::query(gone!("?1")).bind(json(&gone)?),
            (false, false) => {
                sqlx::query(concat!("BEGIN IMMEDIATE; ", put!(), "; ", gone!("?3"), "; COMMIT"))
                    .bind(json(&put)?)
                    .bind(bytes)
                    .bind(json(&gone)?)
            }
        };
        query.execute(&mut self.connection).await.map(|_| ())
    }
}

fn json(rows: &impl serde::Serialize) -> Result<String, sqlx::Error> {
    serde_json::to_string(rows).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}
