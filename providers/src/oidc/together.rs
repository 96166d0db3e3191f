//! A document that is looked for among what other replicas fetched, before it is fetched.

use std::future::Future;

use http::Response;
use time::{Duration, OffsetDateTime};

use super::cached::is_within;
use crate::shared::{SharedCopies, SharedCopy, Turn};
use crate::{ProviderError, Surroundings};

/// As long as a fetch may take: whoever began longer ago brings nothing any more.
const FETCH: Duration = Duration::seconds(12);
/// How long somebody else's fetch is waited for.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);
/// How often is looked whether it is there.
const GLANCE: std::time::Duration = std::time::Duration::from_millis(50);

/// Which copy will do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Need {
    /// One that was fetched at or after this moment, by whomever.
    Since(OffsetDateTime),
    /// A later one than that of this moment, which lacks something. It is fetched once in so long by all together.
    Later(OffsetDateTime, Duration),
}

/// A document and its name among all.
pub(super) struct Document<'a> {
    around: &'a Surroundings,
    name: String,
    /// How long a copy is of use.
    age: Duration,
}

/// The turn is given back unless a fetch came to its end: who hangs up must keep a new copy from nobody.
struct OurTurn<'a> {
    shared: &'a dyn SharedCopies,
    name: &'a str,
    held: bool,
}

impl Drop for OurTurn<'_> {
    fn drop(&mut self) {
        if self.held {
            self.shared.give_back(self.name);
        }
    }
}

impl<'a> Document<'a> {
    /// `kind` and `parts` name it: where it is, and for whom.
    pub(super) fn new(around: &'a Surroundings, kind: &str, parts: &[&str], age: Duration) -> Self {
        // Lengths first, so that no other parts make the same name.
        let parts: String = parts.iter().map(|part| format!(" {}:{part}", part.len())).collect();
        Self { around, name: format!("{kind}{parts}"), age }
    }

    /// The copy that will do, read, and when it was fetched. `None`: others have fetched it just now, and what the
    /// caller has is no older.
    ///
    /// # Errors
    /// What the fetch or the reading fails with. A copy of others that cannot be read counts as none.
    pub(super) async fn obtain<T, F>(
        &self,
        need: Need,
        fetch: impl FnOnce() -> F,
        read: impl Fn(&Response<Vec<u8>>) -> Result<T, ProviderError>,
    ) -> Result<Option<(T, OffsetDateTime)>, ProviderError>
    where
        F: Future<Output = Result<Response<Vec<u8>>, ProviderError>>,
    {
        let shared = &*self.around.shared;
        let (turn_name, pause) = match need {
            Need::Since(_) => (format!("{} first", self.name), FETCH),
            Need::Later(_, pause) => (format!("{} again", self.name), pause),
        };
        if matches!(need, Need::Since(_))
            && let Some(found) = self.find(need, &read).await
        {
            return Ok(Some(found));
        }
        if let Turn::Theirs(since) = shared.turn(&turn_name, pause).await {
            if let Some(found) = self.wait(need, since, &read).await {
                return Ok(Some(found));
            }
            if matches!(need, Need::Later(..)) {
                return Ok(None);
            }
            // Whoever was to fetch it did not: nobody waits any longer.
        }
        let mut turn = OurTurn { shared, name: &turn_name, held: true };
        let response = fetch().await;
        // A fetch that came to its end counts, good or bad; of a first one that failed others need not wait.
        turn.held = matches!(need, Need::Since(_)) && response.is_err();
        let response = response?;
        let value = read(&response)?;
        let fetched_at = self.around.clock.now();
        let copy = SharedCopy { body: response.into_body(), fetched_at };
        shared.keep(&self.name, copy, fetched_at.saturating_add(self.age)).await;
        Ok(Some((value, fetched_at)))
    }

    async fn find<T>(
        &self,
        need: Need,
        read: &impl Fn(&Response<Vec<u8>>) -> Result<T, ProviderError>,
    ) -> Option<(T, OffsetDateTime)> {
        let copy = self.around.shared.find(&self.name).await?;
        // By the clock of whoever fetched it. One that is far ahead of ours dates nothing: the copy would be new for
        // as long as it is kept.
        let now = self.around.clock.now();
        if !is_within(now, copy.fetched_at, self.age) {
            return None;
        }
        let fetched_at = copy.fetched_at.min(now);
        let will_do = match need {
            Need::Since(moment) => fetched_at >= moment,
            Need::Later(moment, _) => fetched_at > moment,
        };
        if !will_do {
            return None;
        }
        Some((read(&Response::new(copy.body)).ok()?, fetched_at))
    }

    /// The copy that somebody brings who began `since`.
    async fn wait<T>(
        &self,
        need: Need,
        since: OffsetDateTime,
        read: &impl Fn(&Response<Vec<u8>>) -> Result<T, ProviderError>,
    ) -> Option<(T, OffsetDateTime)> {
        let fetching = is_within(self.around.clock.now(), since, FETCH);
        let glances = if fetching { PATIENCE.as_millis() / GLANCE.as_millis() } else { 0 };
        for _ in 0..glances {
            if let Some(found) = self.find(need, read).await {
                return Some(found);
            }
            tokio::time::sleep(GLANCE).await;
        }
        self.find(need, read).await
    }
}
