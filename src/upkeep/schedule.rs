//! When a provider's metadata is fetched again.

use time::{Duration, OffsetDateTime};

/// Metadata is never older (`gateway.md` section 5), while its address answers.
pub(super) const LONGEST: Duration = Duration::hours(6);
/// No `cacheDuration` makes it be fetched more often than this.
const SHORTEST: Duration = Duration::minutes(1);
/// Nothing makes it be fetched again within this time.
pub(super) const REST: Duration = Duration::seconds(10);
/// First wait after a failure; each further failure doubles it.
const RETRY: Duration = Duration::minutes(1);
/// Longest wait after failures.
const LONGEST_RETRY: Duration = Duration::minutes(15);

/// Where in its last fifth a wait ends, so that neither providers nor replicas go in step, and there is time for
/// another try before a document is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Jitter(pub(super) u8);

impl Jitter {
    /// 80 to 95 hundredths of it.
    fn shorten(self, wait: Duration) -> Duration {
        wait * (80 + u32::from(self.0) % 16) / 100
    }
}

/// When a document is fetched again that was fetched well at `fetched`: before six hours, before its
/// `cacheDuration` (`cache_for`) and before its `validUntil`, but not at once.
pub(super) fn after_success(
    fetched: OffsetDateTime,
    cache_for: Option<Duration>,
    valid_until: Option<OffsetDateTime>,
    jitter: Jitter,
) -> OffsetDateTime {
    // Whatever a document says, what is worked with lies within bounds: a product that overflows panics.
    let cached = cache_for.map_or(LONGEST, |cache| cache.clamp(Duration::ZERO, LONGEST));
    let cached = jitter.shorten(cached).max(SHORTEST);
    let valid = valid_until.map_or(LONGEST, |until| (until - fetched).clamp(Duration::ZERO, LONGEST));
    fetched.saturating_add(cached.min(jitter.shorten(valid).max(REST)))
}

/// When it is tried again after `failures` in a row, the last one at `now`.
pub(super) fn after_failure(now: OffsetDateTime, failures: u32, jitter: Jitter) -> OffsetDateTime {
    let doubled = RETRY * 2_i32.pow(failures.saturating_sub(1).min(8));
    now.saturating_add(jitter.shorten(doubled.min(LONGEST_RETRY)))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const AT: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    /// The earliest and the latest wait, whatever the jitter.
    fn waits(cache_for: Option<Duration>, valid_for: Option<Duration>) -> (Duration, Duration) {
        let wait =
            |jitter| after_success(AT, cache_for, valid_for.map(|valid| AT + valid), Jitter(jitter)) - AT;
        let all: Vec<_> = (0..=u8::MAX).map(wait).collect();
        (all.iter().copied().min().unwrap(), all.iter().copied().max().unwrap())
    }

    #[test]
    fn metadata_is_fetched_within_six_hours_and_before_it_ends() {
        let (hour, minute) = (Duration::hours(1), Duration::minutes(1));
        assert_eq!(waits(None, None), (hour * 6 * 80 / 100, hour * 6 * 95 / 100));
        assert_eq!(waits(Some(hour), None), (minute * 48, minute * 57));
        assert_eq!(waits(None, Some(hour)), (minute * 48, minute * 57));
        assert_eq!(waits(Some(hour * 2), Some(hour)), (minute * 48, minute * 57));
        assert_eq!(waits(Some(hour), Some(hour * 2)), (minute * 48, minute * 57));
        assert_eq!(waits(Some(Duration::days(365)), Some(Duration::days(3650))), waits(None, None));
    }

    #[test]
    fn no_document_makes_itself_be_fetched_all_the_time() {
        for silly in [Duration::SECOND, Duration::ZERO, -Duration::DAY, Duration::MIN] {
            assert_eq!(waits(Some(silly), None), (SHORTEST, SHORTEST), "cacheDuration {silly}");
        }
        for silly in [Duration::SECOND, Duration::ZERO, -Duration::DAY] {
            assert_eq!(waits(None, Some(silly)), (REST, REST), "valid for {silly}");
        }
        assert_eq!(waits(Some(Duration::MAX), None), waits(None, None));
        let end_of_time = time::macros::datetime!(9999-12-31 23:59:59 UTC);
        assert!(after_success(end_of_time, None, Some(AT), Jitter(0)) >= AT);
    }

    #[test]
    fn a_failure_is_tried_again_soon_and_then_less_and_less_often() {
        let wait = |failures| (after_failure(AT, failures, Jitter(15)) - AT).whole_seconds();
        assert_eq!([1, 2, 3, 4, 5, 100, u32::MAX].map(wait), [57, 114, 228, 456, 855, 855, 855]);
    }
}
