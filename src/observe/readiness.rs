//! Whether traffic should come here.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use super::labels::{DirectoryCall, SessionCall};
use crate::context::Context;

/// How long a store may think.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);
/// The stores are asked no more often.
const PACE: Duration = Duration::seconds(1);
/// A store may be away for this long before it shows: moving all traffic takes longer than a blink, and every
/// replica sees the same store.
pub const BLINK: Duration = Duration::seconds(3);
/// Who has asked within this long watches.
const WATCHED: Duration = Duration::seconds(15);

/// What was last seen of both stores.
#[derive(Debug, Default)]
pub struct Readiness {
    last: Mutex<Last>,
    stopping: AtomicBool,
    /// When `/readyz` was last asked, in milliseconds since 1970.
    asked: AtomicI64,
}

#[derive(Debug, Default)]
struct Last {
    at: Option<OffsetDateTime>,
    directory: Seen,
    sessions: Seen,
    /// What was last said in the log.
    said: Option<bool>,
}

#[derive(Debug, Default)]
struct Seen {
    answered: Option<OffsetDateTime>,
    trouble: Option<String>,
}

impl Seen {
    fn now(&mut self, now: OffsetDateTime, answer: Result<(), String>) {
        match answer {
            Ok(()) => *self = Self { answered: Some(now), trouble: None },
            Err(why) => self.trouble = Some(why),
        }
    }

    /// Away for longer than a blink; also when a clock that was set back cannot tell.
    fn is_gone(&self, now: OffsetDateTime) -> bool {
        let blinks = |answered| (Duration::ZERO..BLINK).contains(&(now - answered));
        self.trouble.is_some() && !self.answered.is_some_and(blinks)
    }
}

impl Readiness {
    /// Whether traffic should come here; the reason in a few words when it should not. The log has the rest.
    ///
    /// # Errors
    /// The reason.
    pub async fn check(&self, context: &Context) -> Result<(), &'static str> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err("stopping");
        }
        let mut last = self.last.lock().await;
        let fresh = |at| (Duration::ZERO..PACE).contains(&(context.now() - at));
        if !last.at.is_some_and(fresh) {
            let (directory, sessions) = tokio::join!(ask_directory(context), ask_sessions(context));
            let now = context.now();
            last.at = Some(now);
            last.directory.now(now, directory);
            last.sessions.now(now, sessions);
        }
        let now = context.now();
        let ready = match (last.directory.is_gone(now), last.sessions.is_gone(now)) {
            (false, false) if context.registry.common_time().is_unfit() => {
                Err("the clock is more than 30 seconds off PostgreSQL's")
            }
            (false, false) => Ok(()),
            (true, false) => Err("the directory is away"),
            (false, true) => Err("the session store is away"),
            (true, true) => Err("both stores are away"),
        };
        last.say(ready);
        ready
    }

    /// The same for a prober, who is noted.
    ///
    /// # Errors
    /// As [`Readiness::check`].
    pub async fn probe(&self, context: &Context) -> Result<(), &'static str> {
        self.asked.store(millis(context.now()), Ordering::Relaxed);
        self.check(context).await
    }

    /// From now on no traffic should come. Whether somebody watches who will notice.
    pub fn stops(&self, now: OffsetDateTime) -> bool {
        self.stopping.store(true, Ordering::Relaxed);
        let since = millis(now).saturating_sub(self.asked.load(Ordering::Relaxed));
        i128::from(since.max(0)) < WATCHED.whole_milliseconds()
    }
}

impl Last {
    /// Once for each change: probes come every few seconds.
    fn say(&mut self, ready: Result<(), &'static str>) {
        if self.said == Some(ready.is_ok()) || (self.said.is_none() && ready.is_ok()) {
            return;
        }
        self.said = Some(ready.is_ok());
        let (directory, sessions) = (self.directory.trouble.as_deref(), self.sessions.trouble.as_deref());
        match ready {
            Ok(()) => tracing::info!("ready again"),
            Err(why) => tracing::warn!(why, directory, sessions, "not ready"),
        }
    }
}

fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

async fn ask_directory(context: &Context) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, context.directory.ping()).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => {
            context.metrics.directory.of(DirectoryCall::Ping).failures.inc();
            context.metrics.directory_up.set(false);
            Err("no answer within a second".to_owned())
        }
    }
}

async fn ask_sessions(context: &Context) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, context.sessions.ping()).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => {
            context.metrics.sessions.of(SessionCall::Ping).failures.inc();
            context.metrics.sessions_up.set(false);
            Err("no answer within a second".to_owned())
        }
    }
}
