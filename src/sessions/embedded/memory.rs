//! Live entries in memory: sharded, bounded, and never forgotten before their end.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::sessions::SessionError;

/// A power of two well above the number of threads.
const SHARDS: usize = 64;

/// Bookkeeping bytes of one entry: map and tree nodes, two shared allocations. An estimate from above.
pub(super) const OVERHEAD: usize = 192;

/// Expired entries that a step removes in passing: more than a step adds, so the expired never pile up.
const PRUNE_PER_STEP: usize = 4;

/// How long expired entries may lie about where no step passes, in nanoseconds.
const PRUNE_EVERY: i64 = 10_000_000_000;

pub(super) type StoredKey = Arc<[u8]>;

/// A value and its end, in nanoseconds since 1970: from then on it is not there.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) value: Arc<[u8]>,
    pub(super) until: i64,
}

impl Entry {
    pub(super) fn new(value: Vec<u8>, until: i64) -> Self {
        Self { value: value.into(), until }
    }
}

/// What the log must write: the state of a row, or that it is gone.
#[derive(Debug)]
pub(super) struct Change {
    /// The row's number. An entry keeps its own for as long as it is there; it is given to no other.
    pub(super) row: i64,
    pub(super) state: Option<(StoredKey, Entry)>,
}

impl Change {
    fn gone(row: i64) -> Self {
        Self { row, state: None }
    }
}

/// What a step does to its entry.
pub(super) enum Action {
    Keep,
    Put(Entry),
    Remove,
}

pub(super) struct Memory {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    used: AtomicUsize,
    limit: usize,
    next_row: AtomicI64,
    pruned_at: AtomicI64,
}

#[derive(Default)]
struct Shard {
    /// With the row of each.
    entries: HashMap<StoredKey, (i64, Entry)>,
    ends: BTreeSet<(i64, StoredKey)>,
}

impl Shard {
    /// Bytes freed.
    fn set(&mut self, key: StoredKey, row: i64, entry: Entry) -> usize {
        let freed = self.remove(&key);
        self.ends.insert((entry.until, Arc::clone(&key)));
        self.entries.insert(key, (row, entry));
        freed
    }

    /// Bytes freed.
    fn remove(&mut self, key: &[u8]) -> usize {
        let Some((key, (_, entry))) = self.entries.remove_entry(key) else { return 0 };
        let freed = weight(&key, &entry);
        self.ends.remove(&(entry.until, key));
        freed
    }

    fn row(&self, key: &[u8]) -> Option<i64> {
        self.entries.get(key).map(|(row, _)| *row)
    }

    /// Bytes freed. `forget` is told every row that goes.
    fn prune(&mut self, now: i64, most: usize, forget: impl Fn(i64)) -> usize {
        let mut freed = 0;
        for _ in 0..most {
            match self.ends.first() {
                Some((until, key)) if *until <= now => {
                    let key = Arc::clone(key);
                    self.row(&key).into_iter().for_each(&forget);
                    freed += self.remove(&key);
                }
                _ => break,
            }
        }
        freed
    }
}

fn weight(key: &[u8], entry: &Entry) -> usize {
    OVERHEAD + key.len() + entry.value.len()
}

impl Memory {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            used: AtomicUsize::new(0),
            limit,
            next_row: AtomicI64::new(1),
            pruned_at: AtomicI64::new(i64::MIN),
        }
    }

    fn shard(&self, key: &[u8]) -> MutexGuard<'_, Shard> {
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits count")]
        let place = self.hasher.hash_one(key) as usize % self.shards.len();
        // Nothing panics half-way through a change of a shard.
        self.shards[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in an entry that was live when the store was last open, whatever the bound is now.
    pub(super) fn load(&self, row: i64, key: StoredKey, entry: Entry) {
        self.next_row.fetch_max(row.saturating_add(1), Ordering::Relaxed);
        self.used.fetch_add(weight(&key, &entry), Ordering::Relaxed);
        let freed = self.shard(&key).set(Arc::clone(&key), row, entry);
        self.used.fetch_sub(freed, Ordering::Relaxed);
    }

    pub(super) fn get(&self, key: &[u8], now: i64) -> Option<Vec<u8>> {
        let shard = self.shard(key);
        live(&shard, key, now).map(|entry| entry.value.to_vec())
    }

    /// Decides a step that may add a value of `adds` bytes; what changes is handed to `log` under the same lock,
    /// and so is what expired: that, nobody needs to wait for.
    pub(super) fn step<R, L>(
        &self,
        key: &[u8],
        now: i64,
        adds: usize,
        decide: impl FnOnce(Option<&Entry>) -> (R, Action),
        log: impl Fn(Change) -> Result<L, SessionError>,
    ) -> Result<(R, Option<L>), SessionError> {
        // A log that takes no more makes the step itself fail.
        let forget = |row| drop(log(Change::gone(row)));
        // What expired in other shards must make room before anything is refused.
        let full = self.used.load(Ordering::Relaxed) + OVERHEAD + key.len() + adds > self.limit;
        if full || self.is_time_to_prune(now) {
            self.prune_all(now, forget);
        }
        let mut shard = self.shard(key);
        let pruned = shard.prune(now, PRUNE_PER_STEP, forget);
        self.used.fetch_sub(pruned, Ordering::Relaxed);
        let (result, action) = decide(live(&shard, key, now));
        let logged = match action {
            Action::Keep => None,
            Action::Put(entry) => {
                let old = shard.entries.get(key).map_or(0, |(_, entry)| weight(key, entry));
                self.reserve(weight(key, &entry), old)?;
                let row = shard.row(key).unwrap_or_else(|| self.next_row.fetch_add(1, Ordering::Relaxed));
                let key = StoredKey::from(key);
                let logged = log(Change { row, state: Some((Arc::clone(&key), entry.clone())) });
                let freed = shard.set(key, row, entry);
                self.used.fetch_sub(freed, Ordering::Relaxed);
                Some(logged?)
            }
            Action::Remove => {
                let logged = shard.row(key).map(|row| log(Change::gone(row)));
                let freed = shard.remove(key);
                self.used.fetch_sub(freed, Ordering::Relaxed);
                logged.transpose()?
            }
        };
        Ok((result, logged))
    }

    /// Accounts for `more` bytes, in the place of `instead` that are about to be freed.
    fn reserve(&self, more: usize, instead: usize) -> Result<(), SessionError> {
        let used = self.used.fetch_add(more, Ordering::Relaxed) + more - instead;
        if used > self.limit && more > instead {
            self.used.fetch_sub(more, Ordering::Relaxed);
            return Err(SessionError::Full);
        }
        Ok(())
    }

    /// Says so to one caller in [`PRUNE_EVERY`].
    fn is_time_to_prune(&self, now: i64) -> bool {
        let last = self.pruned_at.load(Ordering::Relaxed);
        now.saturating_sub(last) >= PRUNE_EVERY
            && self.pruned_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn prune_all(&self, now: i64, forget: impl Fn(i64) + Copy) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let freed = shard.prune(now, usize::MAX, forget);
            self.used.fetch_sub(freed, Ordering::Relaxed);
        }
    }
}

fn live<'s>(shard: &'s Shard, key: &[u8], now: i64) -> Option<&'s Entry> {
    shard.entries.get(key).map(|(_, entry)| entry).filter(|entry| now < entry.until)
}
