//! The configuration as all replicas write it: whatever was written since is read anew, and comes into force at once.
//!
//! ```text
//!  follow, every 2 s and when somebody announces ──┐
//!  edit, after its write ──────────────────────────┼─▶ caught_up ── changed_since ── load_pool ── new snapshot
//!  management call, before its answer ─────────────┤
//!  unknown host, client, provider ── look_again ───┘
//! ```
//!
//! One at a time reads, and always reads what is there now: an older pool never comes after a newer one. Whoever
//! waits meanwhile is served by a reading that began after it asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::Duration;
use tokio::task::{JoinHandle, JoinSet};

use super::records::{self, Around};
use super::snapshot::Certificates;
use super::{LivePool, Registry};
use crate::directory::{DirectoryError, INSTALLATION};
use crate::sessions::SessionStore;

/// How often the directory is asked what was written, whether or not anybody announced anything.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(2);
/// Shortest time between two readings because of a name that is not known: garbage must not load the directory.
const GLANCE: std::time::Duration = std::time::Duration::from_millis(250);
/// First wait before a pool is tried again that cannot be read; each further failure doubles it.
const RETRY: Duration = Duration::milliseconds(500);
/// Longest such wait.
const LONGEST_RETRY: Duration = Duration::MINUTE;

/// Where the registry is in what was written.
pub(super) struct Following {
    /// How many have asked for a reading.
    asked: AtomicU64,
    /// Whoever holds it reads.
    reading: tokio::sync::Mutex<Served>,
    /// The same for those who ask because a name is not known.
    glances: Glances,
    seen: Mutex<Seen>,
}

/// How the last reading went.
#[derive(Default)]
struct Served {
    /// Up to which of those who asked.
    up_to: u64,
    /// Why they are told [`DirectoryError::Away`].
    away: Option<String>,
}

#[derive(Default)]
struct Glances {
    asked: AtomicU64,
    served: tokio::sync::Mutex<Glanced>,
}

#[derive(Default)]
struct Glanced {
    up_to: u64,
    at: Option<tokio::time::Instant>,
}

struct Seen {
    /// When the directory last said what was written, by [`poolgate_providers::Clock::ticks`].
    asked_at: Duration,
    /// Pools that were written and cannot be read: what was in force of them stays.
    stuck: BTreeMap<String, Stuck>,
}

struct Stuck {
    failures: u32,
    again: Duration,
    why: String,
}

impl Following {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            asked: AtomicU64::new(0),
            reading: tokio::sync::Mutex::default(),
            glances: Glances::default(),
            seen: Mutex::new(Seen { asked_at: now, stuck: BTreeMap::new() }),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next reading tries these again.
    pub(super) fn try_again(&self, pools: &[String]) {
        let mut seen = self.seen();
        for pool_id in pools {
            if let Some(stuck) = seen.stuck.get_mut(pool_id) {
                stuck.again = Duration::MIN;
            }
        }
    }

    /// Why nothing may be decided about these pools: what is in force of one is older than what is written.
    pub(super) fn unreadable(&self, pools: &[String]) -> Option<DirectoryError> {
        let seen = self.seen();
        let stuck = pools.iter().find_map(|pool_id| Some((pool_id, seen.stuck.get(pool_id)?)));
        stuck.map(|(pool_id, stuck)| {
            DirectoryError::Away(format!("pool {pool_id} cannot be read: {}", stuck.why))
        })
    }
}

impl Registry {
    /// Brings everything into force that was written before this call, by whichever replica. Many callers at once
    /// cost one reading.
    ///
    /// # Errors
    /// [`DirectoryError::Away`]: what was in force stays. A single pool that cannot be read is no error here.
    pub async fn caught_up(&self) -> Result<(), DirectoryError> {
        let ticket = self.following.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut served = self.following.reading.lock().await;
        if served.up_to < ticket {
            let up_to = self.following.asked.load(Ordering::SeqCst);
            let away = self.read_what_was_written().await.err().map(|error| match error {
                DirectoryError::Away(why) => why,
                other => other.to_string(),
            });
            *served = Served { up_to, away };
        }
        match &served.away {
            None => Ok(()),
            Some(why) => Err(DirectoryError::Away(why.clone())),
        }
    }

    /// The same for a name that is not known here and may have just been made elsewhere: a few times a second at
    /// most, however many ask. Whoever comes too soon waits for the next time.
    pub async fn look_again(&self) {
        let glances = &self.following.glances;
        let ticket = glances.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut glanced = glances.served.lock().await;
        if glanced.up_to >= ticket {
            return;
        }
        if let Some(last) = glanced.at {
            tokio::time::sleep_until(last + GLANCE).await;
        }
        let up_to = glances.asked.load(Ordering::SeqCst);
        if let Err(error) = self.caught_up().await {
            tracing::warn!(%error, "a name is not known, and the directory cannot be asked for it");
        }
        *glanced = Glanced { up_to, at: Some(tokio::time::Instant::now()) };
    }

    /// The generation in force.
    pub fn generation(&self) -> i64 {
        self.snapshot().generation()
    }

    /// How long ago the directory was last asked for changes.
    pub fn age(&self) -> Duration {
        self.clock.ticks() - self.following.seen().asked_at
    }

    async fn read_what_was_written(&self) -> Result<(), DirectoryError> {
        let before = self.snapshot();
        let known = before.generation();
        let mut changed = self.directory.changed_since(known).await?;
        self.following.seen().asked_at = self.clock.ticks();
        if changed.generation < known {
            tracing::warn!(
                known,
                found = changed.generation,
                "the directory is older than it was: all is read anew"
            );
            changed = self.directory.changed_since(0).await?;
            changed.pools.extend(before.pools().map(|pool| pool.id().to_owned()));
            changed.pools.push(INSTALLATION.to_owned());
        }
        let mut names: BTreeSet<_> = changed.pools.into_iter().collect();
        let now = self.clock.ticks();
        let stuck_before = {
            let seen = self.following.seen();
            names.extend(seen.stuck.iter().filter(|(_, s)| s.again <= now).map(|(name, _)| name.clone()));
            seen.stuck.iter().map(|(name, stuck)| (name.clone(), stuck.failures)).collect::<BTreeMap<_, _>>()
        };
        if names.is_empty() && changed.generation == known {
            return Ok(());
        }
        let (mut read, mut stuck) = (BTreeMap::new(), BTreeMap::new());
        let mut certificates = None;
        for pool_id in names {
            let read_now = if pool_id == INSTALLATION {
                self.read_certificates().await.map(|found| certificates = Some(found))
            } else {
                let known = before.pool(&pool_id).map(Arc::as_ref);
                self.read_one(&pool_id, known).await.map(|pool| drop(read.insert(pool_id.clone(), pool)))
            };
            match read_now {
                Ok(()) => {}
                Err(error) => {
                    // The directory, or this pool alone? Of a directory that is away nothing is taken.
                    self.directory.ping().await?;
                    let failures = stuck_before.get(&pool_id).copied().unwrap_or(0) + 1;
                    let why = error.to_string();
                    tracing::error!(%pool_id, %why, failures, "the pool cannot be read: what was in force stays");
                    let wait = (RETRY * 2_i32.pow(failures.min(8) - 1)).min(LONGEST_RETRY);
                    stuck.insert(pool_id, Stuck { failures, again: now + wait, why });
                }
            }
        }
        // From here on nothing is waited for: a generation is in force with all its pools, or not at all.
        let mut seen = self.following.seen();
        seen.stuck.retain(|pool_id, _| {
            !read.contains_key(pool_id) && (pool_id != INSTALLATION || certificates.is_none())
        });
        seen.stuck.extend(stuck);
        let next = before.with_changes(read, certificates, changed.generation, &self.surface);
        self.current.store(Arc::new(next));
        Ok(())
    }

    /// The imported certificates as they are in the directory now.
    async fn read_certificates(&self) -> Result<Certificates, DirectoryError> {
        records::read_certificates(self.directory.load_pool(INSTALLATION).await?, &self.sealer)
    }

    /// The pool as it is in the directory now; `None` when it is gone.
    async fn read_one(
        &self,
        pool_id: &str,
        before: Option<&LivePool>,
    ) -> Result<Option<Arc<LivePool>>, DirectoryError> {
        let records = self.directory.load_pool(pool_id).await?;
        let around = Around { surface: &self.surface, clock: &self.clock };
        Ok(records::read_pool(pool_id, records, &self.sealer, &around, before)?.map(Arc::new))
    }
}

/// One round, set apart: a fault in it must not end the following for as long as the process lives. `None` after one.
async fn round(registry: &Arc<Registry>) -> Option<Result<(), DirectoryError>> {
    let (mut alone, registry) = (JoinSet::new(), Arc::clone(registry));
    alone.spawn(async move {
        let read = registry.caught_up().await;
        if let Err(error) = registry.compare_clocks().await {
            tracing::debug!(%error, "the directory's clock cannot be asked");
        }
        read
    });
    match alone.join_next().await? {
        Ok(read) => Some(read),
        Err(error) => {
            tracing::error!(%error, "following what other replicas write broke off: the next round tries again");
            None
        }
    }
}

/// A registry that follows what other replicas write, until it is stopped.
pub struct Follower(JoinHandle<()>);

impl Follower {
    /// Starts it. Call it inside a Tokio runtime.
    pub fn start(registry: Arc<Registry>, sessions: &dyn SessionStore) -> Self {
        Self::asking_every(PAUSE, registry, sessions)
    }

    /// The same with another pause between two questions that nobody's announcement asks for.
    pub(super) fn asking_every(
        pause: std::time::Duration,
        registry: Arc<Registry>,
        sessions: &dyn SessionStore,
    ) -> Self {
        let mut announcements = sessions.announcements();
        Self(tokio::spawn(async move {
            let (mut away, mut deaf) = (false, false);
            loop {
                tokio::select! {
                    heard = announcements.changed(), if !deaf => deaf = heard.is_err(),
                    () = tokio::time::sleep(pause) => {}
                }
                let Some(read) = round(&registry).await else { continue };
                match &read {
                    Err(error) if !away => {
                        tracing::warn!(%error, "what other replicas write cannot be read: what is in force stays");
                    }
                    Ok(()) if away => tracing::info!("what other replicas write can be read again"),
                    _ => {}
                }
                away = read.is_err();
            }
        }))
    }

    /// Stops it.
    pub async fn stop(self) {
        self.0.abort();
        let _ = self.0.await;
    }
}
