//! The log on the disk: the last state of every live entry, written by one task that groups commits.
//!
//! Write-ahead log with `synchronous=NORMAL`: a commit is in the operating system's hands when it
//! returns, so a killed process loses nothing. Only a crash of the machine itself may lose the last
//! moments before it. What lives here lives minutes to hours: a lost attempt or session means signing in
//! again, and a code that came back still needs its client and verifier, so a disk flush at every step,
//! twice in each sign-in, would buy too little. (What must outlive that is in the directory, which does flush.)

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use poolgate_providers::Clock;
use sqlx::sqlite::SqliteSynchronous;
use sqlx::{Connection as _, Row as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::memory::{Entry, StoredKey};
use super::nanos;
use crate::directory::sqlite::file::OwnedFile;
use crate::sessions::SessionError;

const MIGRATIONS: [&str; 1] = [include_str!("../../../migrations/sqlite/sessions-0001.sql")];

/// Most steps in one commit.
const BATCH: usize = 256;

/// Most expired rows removed with one commit: more than a commit adds.
const PRUNE: u64 = 1024;

/// How long expired rows may lie about, in nanoseconds.
const PRUNE_EVERY: i64 = 10_000_000_000;

type Reply = oneshot::Sender<Result<(), SessionError>>;

pub(super) enum Job {
    /// Answered when the entry, or its removal, is committed.
    Write { key: StoredKey, entry: Option<Entry>, reply: Reply },
    /// Answered when everything before it is committed.
    Barrier(Reply),
    /// Answered when everything before it is committed and the file is closed.
    Close(Reply),
}

pub(super) struct Log {
    connection: SqliteConnection,
    clock: Arc<dyn Clock>,
    pruned_at: i64,
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
        clock: Arc<dyn Clock>,
        now: i64,
        load: impl Fn(StoredKey, Entry),
    ) -> Result<Self, SessionError> {
        let (file, mut connection) =
            OwnedFile::open(path, SqliteSynchronous::Normal, &MIGRATIONS).await.map_err(away)?;
        // By pages, so that no second copy of everything is in memory.
        let mut after: Vec<u8> = Vec::new();
        loop {
            let rows =
                sqlx::query("SELECT key, until, value FROM entries WHERE key > ?1 ORDER BY key LIMIT 4096")
                    .bind(&after)
                    .fetch_all(&mut connection)
                    .await
                    .map_err(away)?;
            let Some(last) = rows.last() else { break };
            after = last.try_get(0).map_err(away)?;
            for row in &rows {
                let until: i64 = row.try_get(1).map_err(away)?;
                if now < until {
                    let key: &[u8] = row.try_get(0).map_err(away)?;
                    let value: &[u8] = row.try_get(2).map_err(away)?;
                    load(key.into(), Entry { value: value.into(), until });
                }
            }
        }
        Ok(Self { connection, clock, pruned_at: i64::MIN, file })
    }

    /// Serves the queue until it is closed or the disk fails.
    pub(super) async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Job>) {
        let mut jobs = Vec::with_capacity(BATCH);
        let mut closing = None;
        while closing.is_none() && queue.recv_many(&mut jobs, BATCH).await > 0 {
            let mut replies = Vec::with_capacity(jobs.len());
            // The last state of a key is what counts: a code made and taken in one batch leaves nothing.
            let mut last: HashMap<StoredKey, Option<Entry>> = HashMap::with_capacity(jobs.len());
            for job in jobs.drain(..) {
                match job {
                    // Asked too late: the dropped reply says so.
                    _ if closing.is_some() => {}
                    Job::Write { key, entry, reply } => {
                        last.insert(key, entry);
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

    async fn commit(&mut self, last: &HashMap<StoredKey, Option<Entry>>) -> Result<(), sqlx::Error> {
        let mut put = Vec::new();
        let mut removed = Vec::new();
        for (key, entry) in last {
            match entry {
                Some(entry) => put.push((hex(key), entry.until, hex(&entry.value))),
                None => removed.push(hex(key)),
            }
        }
        let now = nanos(self.clock.now());
        let prune = !last.is_empty() && now.saturating_sub(self.pruned_at) >= PRUNE_EVERY;
        // A single statement is a transaction of its own.
        let many = usize::from(!put.is_empty()) + usize::from(!removed.is_empty()) + usize::from(prune) > 1;
        if many {
            self.execute("BEGIN IMMEDIATE").await?;
        }
        if !put.is_empty() {
            sqlx::query(
                "INSERT INTO entries (key, until, value) \
                 SELECT unhex(value ->> 0), value ->> 1, unhex(value ->> 2) FROM json_each(?1) WHERE true \
                 ON CONFLICT DO UPDATE SET until = excluded.until, value = excluded.value",
            )
            .bind(json(&put)?)
            .execute(&mut self.connection)
            .await?;
        }
        if !removed.is_empty() {
            sqlx::query("DELETE FROM entries WHERE key IN (SELECT unhex(value) FROM json_each(?1))")
                .bind(json(&removed)?)
                .execute(&mut self.connection)
                .await?;
        }
        if prune {
            self.prune(now).await?;
        }
        if many {
            self.execute("COMMIT").await?;
        }
        Ok(())
    }

    async fn execute(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        sqlx::query(sql).execute(&mut self.connection).await.map(|_| ())
    }

    async fn prune(&mut self, now: i64) -> Result<(), sqlx::Error> {
        let pruned = sqlx::query(
            "DELETE FROM entries WHERE key IN (SELECT key FROM entries WHERE until <= ?1 ORDER BY until LIMIT 1024)",
        )
        .bind(now)
        .execute(&mut self.connection)
        .await?;
        // A full helping means there is more: go on at the next commit.
        if pruned.rows_affected() < PRUNE {
            self.pruned_at = now;
        }
        Ok(())
    }
}

fn json(rows: &impl serde::Serialize) -> Result<String, sqlx::Error> {
    serde_json::to_string(rows).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

/// Bytes as JSON can carry them and SQLite's `unhex` reads them.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}
