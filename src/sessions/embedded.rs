//! The embedded session store: memory answers, a log on the disk survives.
//!
//! Every step is decided in memory under the lock of its key's shard and handed to the log's writer
//! under that same lock, so the log holds the steps of a key in the order they were decided. A writing
//! call returns when its step is committed. Should the disk refuse a step, memory would be ahead of it:
//! the store then answers every further call with [`SessionError::Away`] until it is opened again, when
//! it comes back as the last commit left it. Nobody was told of anything later than that.
//!
//! A reader may see a value a moment before it is committed. That gives nothing away: a handle, code or
//! cookie is told to nobody before the call that made it returned.

#[cfg(test)]
pub(crate) mod crash;
mod log;
mod memory;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use poolgate_providers::Clock;
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot, watch};

use self::log::{Job, Log};
use self::memory::{Action, Entry, Memory};
use super::{Key, SessionError, SessionStore};

/// Most bytes of live entries, unless said otherwise: names, values and their bookkeeping.
pub const DEFAULT_LIMIT: usize = 256 * 1024 * 1024;

/// Longest name, in bytes.
const LONGEST_NAME: usize = 512;

/// Sign-in attempts, codes, sessions and marks of one gateway, in memory and in one SQLite file.
pub struct EmbeddedSessions {
    memory: Memory,
    jobs: mpsc::UnboundedSender<Job>,
    clock: Arc<dyn Clock>,
    announced: watch::Sender<()>,
}

impl EmbeddedSessions {
    /// Opens or makes the log at `path` and loads what still lives; at most [`DEFAULT_LIMIT`] bytes.
    /// Must be called within a tokio runtime that lives as long as the store.
    ///
    /// # Errors
    /// [`SessionError::Away`] with the reason: another process has it, the disk refused, or the file is
    /// no such log.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, SessionError> {
        Self::open_with_limit(path, clock, DEFAULT_LIMIT).await
    }

    /// [`Self::open`] with another bound, in bytes.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with_limit(
        path: &Path,
        clock: Arc<dyn Clock>,
        limit: usize,
    ) -> Result<Self, SessionError> {
        let memory = Memory::new(limit);
        let now = nanos(clock.now());
        let log = Log::open(path, now, |row, key, entry| memory.load(row, key, entry)).await?;
        // Unbounded, because steps are handed over under a lock; every waiting step has a waiting caller, or makes room.
        let (jobs, queue) = mpsc::unbounded_channel();
        tokio::spawn(log.run(queue));
        Ok(Self { memory, jobs, clock, announced: watch::Sender::new(()) })
    }

    /// Decides a step that may add a value of `adds` bytes, and waits until it is on the disk.
    async fn step<R: Send>(
        &self,
        key: &Key,
        adds: usize,
        decide: impl FnOnce(Option<&Entry>) -> (R, Action) + Send,
    ) -> Result<R, SessionError> {
        self.check_open()?;
        let name = stored(key)?;
        let now = nanos(self.clock.now());
        let (result, written) = self.memory.step(&name, now, adds, decide, |change| {
            let (reply, written) = oneshot::channel();
            self.jobs.send(Job::Write { change, reply }).map_err(|_| closed())?;
            Ok(written)
        })?;
        if let Some(written) = written {
            written.await.map_err(|_| closed())??;
        }
        Ok(result)
    }

    fn check_open(&self) -> Result<(), SessionError> {
        if self.jobs.is_closed() { Err(closed()) } else { Ok(()) }
    }

    /// Returns when everything decided before is on the disk.
    async fn barrier(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<(), SessionError>>) -> Job,
    ) -> Result<(), SessionError> {
        let (reply, done) = oneshot::channel();
        self.jobs.send(job(reply)).map_err(|_| closed())?;
        done.await.map_err(|_| closed())?
    }
}

fn closed() -> SessionError {
    SessionError::Away("it was closed, or its disk failed; see the log".into())
}

/// Nanoseconds since 1970, as far as 64 bits reach (the years 1677 to 2262).
fn nanos(moment: OffsetDateTime) -> i64 {
    let nanos = moment.unix_timestamp_nanos();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// A key as memory and log hold it.
fn stored(key: &Key) -> Result<Vec<u8>, SessionError> {
    if key.name.len() > LONGEST_NAME {
        return Err(SessionError::NameTooLong(key.name.len()));
    }
    let kind = key.kind.as_str();
    let mut name = Vec::with_capacity(kind.len() + 1 + key.name.len());
    name.extend_from_slice(kind.as_bytes());
    name.push(b':');
    name.extend_from_slice(key.name.as_bytes());
    Ok(name)
}

#[async_trait]
impl SessionStore for EmbeddedSessions {
    async fn put(&self, key: &Key, value: Vec<u8>, until: OffsetDateTime) -> Result<(), SessionError> {
        let entry = Entry::new(value, nanos(until));
        self.step(key, entry.value.len(), |_| ((), Action::Put(entry))).await
    }

    async fn put_new(&self, key: &Key, value: Vec<u8>, until: OffsetDateTime) -> Result<bool, SessionError> {
        let entry = Entry::new(value, nanos(until));
        self.step(key, entry.value.len(), |before| match before {
            Some(_) => (false, Action::Keep),
            None => (true, Action::Put(entry)),
        })
        .await
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, SessionError> {
        self.check_open()?;
        Ok(self.memory.get(&stored(key)?, nanos(self.clock.now())))
    }

    async fn take(&self, key: &Key) -> Result<Option<Vec<u8>>, SessionError> {
        self.step(key, 0, |before| match before {
            Some(entry) => (Some(entry.value.to_vec()), Action::Remove),
            None => (None, Action::Keep),
        })
        .await
    }

    async fn exchange(&self, key: &Key, value: Vec<u8>) -> Result<Option<Vec<u8>>, SessionError> {
        self.step(key, value.len(), |before| match before {
            Some(entry) => (Some(entry.value.to_vec()), Action::Put(Entry::new(value, entry.until))),
            None => (None, Action::Keep),
        })
        .await
    }

    async fn delete(&self, key: &Key) -> Result<(), SessionError> {
        let there = self
            .step(key, 0, |before| match before {
                Some(_) => (true, Action::Remove),
                None => (false, Action::Keep),
            })
            .await?;
        if there {
            return Ok(());
        }
        // Somebody else may just be removing it: it is gone when that is on the disk.
        self.barrier(Job::Barrier).await
    }

    async fn announce(&self) -> Result<(), SessionError> {
        self.check_open()?;
        self.announced.send_replace(());
        Ok(())
    }

    fn announcements(&self) -> watch::Receiver<()> {
        self.announced.subscribe()
    }

    async fn ping(&self) -> Result<(), SessionError> {
        self.barrier(Job::Barrier).await
    }

    async fn close(&self) {
        if let Err(error) = self.barrier(Job::Close).await {
            tracing::debug!(%error, "the session store was closed already");
        }
    }
}
