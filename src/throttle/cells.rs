//! Where a limit keeps who has asked how often: in tables whose size never changes, whoever asks.
//!
//! A key has one cell in each of two tables, by its hash, and is refused only when both refuse. Keys may share a
//! cell; that two of them share both is as likely as that somebody who asks too often from N sources takes both of
//! one other's cells: (N / cells)².

use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use poolgate_providers::Clock;

/// How many keys a limit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// One: it is shared by all who ask.
    One,
    /// As many as there are sources, clients or users.
    Many,
}

/// Cells of one table of [`Keys::Many`], 8 bytes each: half a megabyte for both tables of a limit.
const CELLS: usize = 1 << 15;

/// Time since the process started, which nobody sets.
struct Ticks(Arc<dyn Clock>);

impl Clone for Ticks {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl GovernorClock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::try_from(self.0.ticks()).unwrap_or_default()
    }
}

struct Cells(Box<[InMemoryState]>);

impl Cells {
    fn new(keys: Keys) -> Self {
        let count = if keys == Keys::One { 1 } else { CELLS };
        Self((0..count).map(|_| InMemoryState::default()).collect())
    }
}

impl StateStore for Cells {
    type Key = u32;

    fn measure_and_replace<T, F, E>(&self, key: &u32, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let place = usize::try_from(*key).unwrap_or_default() % self.0.len();
        self.0[place].measure_and_replace(&NotKeyed::NonKey, measure)
    }
}

type Limiter = RateLimiter<u32, Cells, Ticks, NoOpMiddleware<Duration>>;

/// One limit.
pub(super) struct Meter {
    tables: [Limiter; 2],
    clock: Ticks,
}

impl Meter {
    pub(super) fn new(quota: Quota, keys: Keys, clock: &Arc<dyn Clock>) -> Self {
        let clock = Ticks(Arc::clone(clock));
        let table = || Limiter::new(quota, Cells::new(keys), clock.clone());
        Self { tables: [table(), table()], clock }
    }

    /// Counts one more of this key.
    ///
    /// # Errors
    /// How long to wait until one is let through.
    pub(super) fn check(&self, hash: u64) -> Result<(), Duration> {
        let [one, other] = &self.tables;
        let (high, low) = (u32::try_from(hash >> 32), u32::try_from(hash & u64::from(u32::MAX)));
        let (first, second) = (
            one.check_key(&high.unwrap_or_default()).map_err(|not| not.wait_time_from(self.clock.now())),
            other.check_key(&low.unwrap_or_default()).map_err(|not| not.wait_time_from(self.clock.now())),
        );
        match (first, second) {
            (Err(first), Err(second)) => Err(first.min(second)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_ask_a_table_has_the_same_size() {
        assert_eq!(Cells::new(Keys::Many).0.len() * size_of::<InMemoryState>(), 256 * 1024);
        assert_eq!(Cells::new(Keys::One).0.len(), 1);
    }
}
