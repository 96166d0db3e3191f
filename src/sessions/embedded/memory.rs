//! Live entries in memory: sharded, bounded, and never forgotten before their end.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::sessions::SessionError;

/// A power of two well above the number of threads.
const SHARDS: usize = 64;

/// Bookkeeping bytes of one entry: map and tree nodes, two shared allocations. An estimate from above.
pub(super) const OVERHEAD: usize = 192;

/// Expired entries that a step removes in passing: more than a step adds, so the expired never pile up.
const PRUNE_PER_STEP: usize = 4;

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
}

#[derive(Default)]
struct Shard {
    entries: HashMap<StoredKey, Entry>,
    ends: BTreeSet<(i64, StoredKey)>,
}

impl Shard {
    fn set(&mut self, key: StoredKey, entry: Entry) -> usize {
        let freed = self.remove(&key);
        self.ends.insert((entry.until, Arc::clone(&key)));
        self.entries.insert(key, entry);
        freed
    }

    /// Bytes freed.
    fn remove(&mut self, key: &[u8]) -> usize {
        let Some((key, entry)) = self.entries.remove_entry(key) else { return 0 };
        let freed = weight(&key, &entry);
        self.ends.remove(&(entry.until, key));
        freed
    }

    fn prune(&mut self, now: i64, most: usize) -> usize {
        let mut freed = 0;
        for _ in 0..most {
            match self.ends.first() {
                Some((until, key)) if *until <= now => {
                    let key = Arc::clone(key);
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
        }
    }

    fn shard(&self, key: &[u8]) -> MutexGuard<'_, Shard> {
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits count")]
        let place = self.hasher.hash_one(key) as usize % self.shards.len();
        // Nothing panics half-way through a change of a shard.
        self.shards[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in an entry that was live when the store was last open, whatever the bound is now.
    pub(super) fn load(&self, key: StoredKey, entry: Entry) {
        self.used.fetch_add(weight(&key, &entry), Ordering::Relaxed);
        let freed = self.shard(&key).set(Arc::clone(&key), entry);
        self.used.fetch_sub(freed, Ordering::Relaxed);
    }

    pub(super) fn get(&self, key: &[u8], now: i64) -> Option<Vec<u8>> {
        let shard = self.shard(key);
        shard.entries.get(key).filter(|entry| now < entry.until).map(|entry| entry.value.to_vec())
    }

    /// Decides a step that may add a value of `adds` bytes; what changes is handed to `log` (`None` for a removal) under the same lock.
    pub(super) fn step<R, L>(
        &self,
        key: &[u8],
        now: i64,
        adds: usize,
        decide: impl FnOnce(Option<&Entry>) -> (R, Action),
        log: impl FnOnce(StoredKey, Option<Entry>) -> Result<L, SessionError>,
    ) -> Result<(R, Option<L>), SessionError> {
        if self.used.load(Ordering::Relaxed) + OVERHEAD + key.len() + adds > self.limit {
            // What expired in other shards must make room before anything is refused.
            self.prune_all(now);
        }
        let mut shard = self.shard(key);
        let pruned = shard.prune(now, PRUNE_PER_STEP);
        self.used.fetch_sub(pruned, Ordering::Relaxed);
        let before = shard.entries.get(key).filter(|entry| now < entry.until);
        let (result, action) = decide(before);
        let logged = match action {
            Action::Keep => None,
            Action::Put(entry) => {
                let old = shard.entries.get(key).map_or(0, |entry| weight(key, entry));
                self.reserve(weight(key, &entry), old)?;
                let key = StoredKey::from(key);
                let logged = log(Arc::clone(&key), Some(entry.clone()));
                let freed = shard.set(key, entry);
                self.used.fetch_sub(freed, Ordering::Relaxed);
                Some(logged?)
            }
            Action::Remove => {
                let logged = log(StoredKey::from(key), None);
                let freed = shard.remove(key);
                self.used.fetch_sub(freed, Ordering::Relaxed);
                Some(logged?)
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

    fn prune_all(&self, now: i64) {
        for shard in &self.shards {
            let freed = shard.lock().unwrap_or_else(PoisonError::into_inner).prune(now, usize::MAX);
            self.used.fetch_sub(freed, Ordering::Relaxed);
        }
    }
}
