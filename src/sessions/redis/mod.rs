//! The session store on Redis: standalone, Sentinel or Cluster.
//!
//! Each step is one command on one key, sent to its master, and answers or fails within twice the timeout. A step that
//! surely did not run (never sent, or refused by a server that could not) is sent again within that time, after asking
//! who the master is; one that may have run is repeated only if that changes no answer, and one that may still be on
//! its way only if it may arrive after whatever comes next. Everything else fails as [`SessionError::Away`]: a login
//! that starts again is better than a code that is used twice.

mod address;
mod announcements;
mod check;
mod failure;
mod link;
mod masters;
mod node;
mod seal;
mod sentinels;
mod slots;
mod steps;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use poolgate_providers::Clock;
use redis::{Cmd, Value};
use time::OffsetDateTime;
use tokio::sync::{OnceCell, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

pub use self::address::{AddressError, FORMS, HostPort, Login, RedisAddress, Shape};
use self::announcements::{Listener, channel};
use self::failure::Failure;
use self::link::{Dialing, is_master};
use self::masters::Masters;
pub use self::seal::SessionSeal;
use self::seal::nanos;
use self::steps::{Step, Verb, life, stored_key};
use super::{Key, SessionError, SessionStore};

/// Pause before a step that did not run is sent again.
const PAUSE: Duration = Duration::from_millis(20);
/// Most redirections of one step.
const REDIRECTIONS: u32 = 8;
/// Shortest time between two lines about values that do not open, in seconds.
const BETWEEN_LINES: i64 = 60;

/// Sign-in attempts, codes, sessions and marks of all replicas, in Redis.
pub struct RedisSessions {
    masters: Arc<Masters>,
    dialing: Dialing,
    prefix: String,
    seal: SessionSeal,
    clock: Arc<dyn Clock>,
    checked: OnceCell<()>,
    announced: watch::Sender<()>,
    tasks: Vec<JoinHandle<()>>,
    closed: AtomicBool,
    /// Since when nothing was reached.
    down: ArcSwapOption<Instant>,
    /// Values that did not open, and when that was last said, in seconds since 1970.
    unopened: (AtomicU64, AtomicI64),
}

impl RedisSessions {
    /// Connects. When Redis is away, it opens all the same, and answers [`SessionError::Away`] until Redis is there.
    /// Must be called within a tokio runtime that lives as long as the store.
    ///
    /// # Errors
    /// [`SessionError::Unusable`]: the CA file, the login, Redis' version, another master key.
    pub async fn open(
        address: &RedisAddress,
        clock: Arc<dyn Clock>,
        seal: SessionSeal,
    ) -> Result<Self, SessionError> {
        let roots = match &address.ca_file {
            None => None,
            Some(path) => Some(std::fs::read(path).map_err(|error| {
                unusable(format!("ca_file of POOLGATE_SESSION_URL, {}: {error}", path.display()))
            })?),
        };
        let dialing = Dialing::new(address, roots, seal.random());
        let masters = Arc::new(Masters::new(address, dialing.clone()));
        let announced = watch::Sender::new(());
        let listener = Listener {
            masters: Arc::clone(&masters),
            dialing: dialing.clone(),
            channel: channel(&address.prefix),
            announced: announced.clone(),
        };
        let mut store = Self {
            masters: Arc::clone(&masters),
            dialing,
            prefix: address.prefix.clone(),
            seal,
            clock,
            checked: OnceCell::new(),
            announced,
            tasks: Vec::new(),
            closed: AtomicBool::new(false),
            down: ArcSwapOption::empty(),
            unopened: (AtomicU64::new(0), AtomicI64::new(i64::MIN)),
        };
        if let Err(error) = store.ready(store.deadline()).await {
            if matches!(error, SessionError::Unusable(_)) {
                return Err(error);
            }
            tracing::error!(%error, "starting without the session store; nobody can sign in until it is back");
        }
        store.tasks = vec![tokio::spawn(masters.keep_current()), tokio::spawn(listener.run())];
        Ok(store)
    }

    /// By when a step that begins now has answered or failed.
    fn deadline(&self) -> Instant {
        Instant::now() + self.dialing.timeout * 2
    }

    /// Only a Redis that was found fit is used.
    async fn ready(&self, deadline: Instant) -> Result<(), SessionError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        if self.checked.initialized() {
            return Ok(());
        }
        let check = self.checked.get_or_try_init(|| self.check(deadline));
        match timeout_at(deadline, check).await {
            Ok(result) => result.copied(),
            Err(_) => Err(SessionError::Away("Redis did not answer in time".to_owned())),
        }
    }

    /// Does a step for a caller.
    async fn step(&self, key: Vec<u8>, verb: Verb) -> Result<Value, SessionError> {
        let deadline = self.deadline();
        self.ready(deadline).await?;
        self.run(&Step::new(key, verb), deadline).await
    }

    /// Sends a step until it has an answer, may have run, or the time is over.
    async fn run(&self, step: &Step, deadline: Instant) -> Result<Value, SessionError> {
        let mut attempt = Attempt::default();
        loop {
            let map = self.masters.map();
            let node = match &attempt.redirected {
                Some(address) => Some(self.masters.node_at(address)),
                None => map.node_of(&step.key).cloned(),
            };
            let (failure, from) = match node {
                Some(node) => {
                    let command = step.command(attempt.whole_script);
                    let sent = node.send(command, attempt.asking, step.must_last, deadline).await;
                    match sent {
                        Ok(answer) => {
                            self.down.store(None);
                            return Ok(answer);
                        }
                        Err(failure) => (failure, Some(node.address.clone())),
                    }
                }
                None => (
                    Failure::Unreachable("no master of the session store is known for this key".to_owned()),
                    None,
                ),
            };
            let pause = attempt.after(&failure, from, step)?;
            if matches!(failure, Failure::Unreachable(_)) && self.is_down_for_long() {
                return Err(failure.into_error());
            }
            let again = async {
                if !matches!(failure, Failure::NoScript | Failure::Ask(_))
                    && let Err(why) = self.masters.refresh(&map).await
                {
                    tracing::debug!(error = %why.into_error(), "cannot ask who the masters are");
                }
                if pause {
                    sleep(self.dialing.about(PAUSE)).await;
                }
            };
            if timeout_at(deadline, again).await.is_err() {
                return Err(failure.into_error());
            }
        }
    }

    /// Whether nothing was reached for longer than a step may take: then none waits for it to come back.
    fn is_down_for_long(&self) -> bool {
        match self.down.load().as_deref() {
            Some(since) => since.elapsed() > self.dialing.timeout * 2,
            None => {
                self.down.store(Some(Arc::new(Instant::now())));
                false
            }
        }
    }

    /// Asks something of the master of a key, as often as [`Self::run`] would.
    async fn run_command(&self, key: &[u8], command: Cmd, deadline: Instant) -> Result<Value, Failure> {
        loop {
            let map = self.masters.map();
            let failure = match map.node_of(key) {
                Some(node) => match node.send(command.clone(), false, false, deadline).await {
                    Err(failure @ Failure::Refused(_)) => return Err(failure),
                    Err(failure) => failure,
                    Ok(answer) => return Ok(answer),
                },
                None => Failure::Unreachable("no master of the session store is known".to_owned()),
            };
            let again = async {
                let refreshed = self.masters.refresh(&map).await;
                sleep(self.dialing.about(PAUSE)).await;
                refreshed
            };
            match timeout_at(deadline, again).await {
                Ok(Err(failure @ Failure::Refused(_))) => return Err(failure),
                Ok(_) => {}
                Err(_) => return Err(failure),
            }
        }
    }

    fn owner_key(&self) -> Vec<u8> {
        format!("{}:v1:owner", self.prefix).into_bytes()
    }

    /// The value, if it is ours and has not ended.
    fn opened(&self, key: &[u8], answer: Value) -> Result<Option<Vec<u8>>, SessionError> {
        let stored = match answer {
            Value::Nil => return Ok(None),
            Value::BulkString(stored) => stored,
            _ => return Err(SessionError::Away("Redis answers what is no value".to_owned())),
        };
        let now = self.clock.now();
        let Ok((end, value)) = self.seal.open(key, &stored) else {
            self.tell_of_unopened(now);
            return Ok(None);
        };
        Ok((end > nanos(now)).then_some(value))
    }

    fn tell_of_unopened(&self, now: OffsetDateTime) {
        let count = self.unopened.0.fetch_add(1, Ordering::Relaxed) + 1;
        let (now, last) = (now.unix_timestamp(), self.unopened.1.load(Ordering::Relaxed));
        let due = last == i64::MIN || now.saturating_sub(last) >= BETWEEN_LINES;
        let alone = self.unopened.1.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if due && alone {
            tracing::warn!(
                count,
                "Redis holds values that this gateway did not seal, or that were altered; they count as absent"
            );
        }
    }

    fn sealed(&self, key: &[u8], value: &[u8], until: OffsetDateTime) -> Result<Vec<u8>, SessionError> {
        self.seal.seal(key, nanos(until), value).map_err(|_| sealing())
    }
}

/// What was tried of a step so far.
#[derive(Default)]
struct Attempt {
    repeated: bool,
    whole_script: bool,
    asking: bool,
    redirected: Option<HostPort>,
    redirections: u32,
}

impl Attempt {
    /// What the failure means for the next attempt, and whether to pause before it; or that there is none.
    fn after(
        &mut self,
        failure: &Failure,
        from: Option<HostPort>,
        step: &Step,
    ) -> Result<bool, SessionError> {
        let stop = || Err(failure.clone().into_error());
        self.asking = false;
        match failure {
            Failure::NoScript if !self.whole_script => {
                self.whole_script = true;
                // On the same node: the script may be missing on the one a key was redirected to.
                self.asking = self.redirected.is_some() && self.redirections > 0;
                Ok(false)
            }
            Failure::Moved(to) | Failure::Ask(to) if self.redirections < REDIRECTIONS => {
                self.redirections += 1;
                self.asking = matches!(failure, Failure::Ask(_));
                // Without a host, the port is one of the node that answered.
                self.redirected = to.clone().map(|to| match from {
                    Some(from) if to.host.is_empty() || to.host == "?" => {
                        HostPort { host: from.host, port: to.port }
                    }
                    _ => to,
                });
                Ok(self.redirections > 2)
            }
            Failure::Later(_) | Failure::NotMaster(_) | Failure::Unreachable(_) => {
                self.redirected = None;
                Ok(true)
            }
            Failure::Late if !step.may_arrive_late() => stop(),
            Failure::Lost(_) | Failure::Late if step.may_repeat() && !self.repeated => {
                self.repeated = true;
                self.redirected = None;
                Ok(false)
            }
            _ => stop(),
        }
    }
}

fn closed() -> SessionError {
    SessionError::Away("it was closed".to_owned())
}

fn unusable(why: impl Into<String>) -> SessionError {
    SessionError::Unusable(why.into())
}

fn sealing() -> SessionError {
    SessionError::Away("a value could not be sealed".to_owned())
}

#[async_trait]
impl SessionStore for RedisSessions {
    async fn put(&self, key: &Key, value: Vec<u8>, until: OffsetDateTime) -> Result<(), SessionError> {
        let name = stored_key(&self.prefix, key)?;
        let millis = life(key.kind, self.clock.now(), until);
        let verb = Verb::Put(self.sealed(&name, &value, until)?, millis);
        self.step(name, verb).await.map(drop)
    }

    async fn put_new(&self, key: &Key, value: Vec<u8>, until: OffsetDateTime) -> Result<bool, SessionError> {
        let name = stored_key(&self.prefix, key)?;
        let now = self.clock.now();
        let stored = self.sealed(&name, &value, until)?;
        let verb = Verb::PutNew { now: nanos(now), stored, millis: life(key.kind, now, until) };
        match self.step(name, verb).await? {
            Value::Int(1) => Ok(true),
            Value::Nil => Ok(false),
            _ => Err(SessionError::Away("Redis answers what is no answer".to_owned())),
        }
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, SessionError> {
        let name = stored_key(&self.prefix, key)?;
        let answer = self.step(name.clone(), Verb::Get).await?;
        self.opened(&name, answer)
    }

    async fn take(&self, key: &Key) -> Result<Option<Vec<u8>>, SessionError> {
        let name = stored_key(&self.prefix, key)?;
        let answer = self.step(name.clone(), Verb::Take).await?;
        self.opened(&name, answer)
    }

    async fn exchange(&self, key: &Key, value: Vec<u8>) -> Result<Option<Vec<u8>>, SessionError> {
        let name = stored_key(&self.prefix, key)?;
        let body = self.seal.seal_body(&name, &value).map_err(|_| sealing())?;
        let verb = Verb::Exchange { now: nanos(self.clock.now()), body };
        let answer = self.step(name.clone(), verb).await?;
        self.opened(&name, answer)
    }

    async fn delete(&self, key: &Key) -> Result<(), SessionError> {
        let name = stored_key(&self.prefix, key)?;
        self.step(name, Verb::Delete).await.map(drop)
    }

    async fn announce(&self) -> Result<(), SessionError> {
        let deadline = self.deadline();
        self.ready(deadline).await?;
        let mut command = redis::cmd("PUBLISH");
        command.arg(channel(&self.prefix)).arg("");
        let sent = self.run_command(&self.owner_key(), command, deadline).await;
        sent.map(drop).map_err(Failure::into_error)
    }

    fn announcements(&self) -> watch::Receiver<()> {
        self.announced.subscribe()
    }

    async fn ping(&self) -> Result<(), SessionError> {
        let deadline = self.deadline();
        self.ready(deadline).await?;
        if !self.masters.is_complete() {
            let map = self.masters.map();
            self.masters.refresh(&map).await.map_err(Failure::into_error)?;
        }
        if !self.masters.is_complete() {
            return Err(SessionError::Away("not every key has a master".to_owned()));
        }
        for node in &self.masters.map().nodes {
            let role = node.send(redis::cmd("ROLE"), false, false, deadline).await;
            if !is_master(role.map_err(Failure::into_error)?) {
                node.link.drop_connection();
                return Err(SessionError::Away(format!("Redis at {} is no master any more", node.address)));
            }
        }
        Ok(())
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.tasks.iter().for_each(JoinHandle::abort);
        self.masters.close();
    }
}

impl Drop for RedisSessions {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
