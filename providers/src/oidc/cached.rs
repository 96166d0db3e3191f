//! A fetched document that many sign-ins share: fetched by one at a time.

use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};

use time::{Duration, OffsetDateTime};

use crate::ProviderError;

/// What is dated later than now by more than this was dated by a clock that has been set back since: nobody can tell
/// how old it is. By less it may be of somebody who asked a moment later.
const AHEAD: Duration = Duration::MINUTE;

/// Whether `at` is less than `age` ago.
pub(super) fn is_within(now: OffsetDateTime, at: OffsetDateTime, age: Duration) -> bool {
    let passed = now - at;
    -AHEAD <= passed && passed < age
}

/// The newest good copy of a document and how the last attempt to fetch it went.
pub(super) struct Cached<T> {
    state: RwLock<State<T>>,
    flight: tokio::sync::Mutex<()>,
}

/// What is known at one moment.
pub(super) struct State<T> {
    pub(super) value: Option<Arc<T>>,
    pub(super) fetched_at: Option<OffsetDateTime>,
    /// How the last attempt failed, and when.
    pub(super) failure: Option<(OffsetDateTime, ProviderError)>,
    /// When the last fetch began that was made, to its end, although there was a copy.
    refetched_at: Option<OffsetDateTime>,
    /// How many attempts have ended.
    pub(super) attempts: u64,
}

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            fetched_at: self.fetched_at,
            failure: self.failure.clone(),
            refetched_at: self.refetched_at,
            attempts: self.attempts,
        }
    }
}

impl<T> State<T> {
    /// The copy, if it is younger than `age`.
    pub(super) fn younger(&self, now: OffsetDateTime, age: Duration) -> Option<Arc<T>> {
        let at = self.fetched_at?;
        if is_within(now, at, age) { self.value.clone() } else { None }
    }

    /// The last attempt's failure, if it is younger than `age`.
    pub(super) fn failed_within(&self, now: OffsetDateTime, age: Duration) -> Option<ProviderError> {
        self.failure.as_ref().filter(|(at, _)| is_within(now, *at, age)).map(|(_, failure)| failure.clone())
    }
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self {
            state: RwLock::new(State {
                value: None,
                fetched_at: None,
                failure: None,
                refetched_at: None,
                attempts: 0,
            }),
            flight: tokio::sync::Mutex::new(()),
        }
    }
}

impl<T> Cached<T> {
    /// What is known now.
    pub(super) fn look(&self) -> State<T> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut State<T>)) {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Fetches anew, for a caller that has seen `attempts` and was not content.
    ///
    /// Whoever waited while another fetched takes that result, good or bad: a provider that is away
    /// costs everybody one time-out, not one after the other. A copy is not replaced more often than
    /// once in `gap`: within it the copy there is comes back. `fetch` brings a copy and when it was fetched, perhaps by
    /// another replica, or nothing where there is none newer. A fetch that is given up half-way, because who
    /// asked for it went away, does not count: otherwise whoever hangs up each time keeps a new copy from all.
    pub(super) async fn refresh<F>(
        &self,
        attempts: u64,
        now: OffsetDateTime,
        gap: Duration,
        fetch: impl FnOnce() -> F,
    ) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<Option<(T, OffsetDateTime)>, ProviderError>>,
    {
        let _flight = self.flight.lock().await;
        let seen = self.look();
        let before = seen.value.clone();
        if seen.attempts != attempts {
            match (seen.failure, seen.value) {
                (Some((_, failure)), _) => return Err(failure),
                (None, Some(value)) => return Ok(value),
                (None, None) => {}
            }
        } else if let Some(value) = seen.value
            && seen.refetched_at.is_some_and(|at| is_within(now, at, gap))
        {
            return Ok(value);
        }
        let result = fetch().await.map(|got| got.map(|(value, at)| (Arc::new(value), at)));
        self.change(|state| {
            state.attempts += 1;
            let refetched_at = |at| state.value.is_some().then_some(at);
            match &result {
                Ok(Some((value, at))) => {
                    // Marked at the end, which is no later than at the beginning: one fetches at a time. What another
                    // replica fetched counts from then on: the next fetch is no later than it would be there.
                    state.refetched_at = refetched_at(now.min(*at));
                    state.failure = None;
                    state.value = Some(Arc::clone(value));
                    state.fetched_at = Some(*at);
                }
                Ok(None) => state.failure = None,
                Err(failure) => {
                    state.refetched_at = refetched_at(now);
                    state.failure = Some((now, failure.clone()));
                }
            }
        });
        match (result?, before) {
            (Some((value, _)), _) | (None, Some(value)) => Ok(value),
            // Never: nothing newer is only said to who has something.
            (None, None) => Err(ProviderError::StoreAway),
        }
    }
}
