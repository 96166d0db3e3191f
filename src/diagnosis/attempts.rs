//! The last failures of each provider, and its last success: in memory, bounded, gone with the process.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::words;
use crate::sign_in::failure::Cause;

/// Failures kept of one provider.
pub const PER_PROVIDER: usize = 50;
/// Providers that are kept: the one that was heard of longest ago makes room.
pub const PROVIDERS: usize = 300;

/// Whose failure it was: a pool's provider, or nobody's that is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Source {
    /// The pool.
    pub pool_id: String,
    /// The provider, where the answer could be attributed to one. Always one that is configured: strangers
    /// cannot make names up.
    pub provider: Option<String>,
}

/// A sign-in that came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Success {
    /// When, RFC 3339.
    pub at: String,
    /// The request's id (`x-amzn-requestid`), as the log and the page have it.
    pub request_id: String,
    /// The app client.
    pub client_id: Option<String>,
}

/// A sign-in that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// When and whose.
    #[serde(flatten)]
    pub attempt: Success,
    /// The step that failed: a stable code (`docs/errors.md`).
    pub code: String,
    /// What was expected and what came. No assertion, token, NameID or attribute value.
    pub detail: String,
}

/// What is known of one provider.
#[derive(Debug, Clone, Serialize)]
pub struct Seen {
    /// Which.
    #[serde(flatten)]
    pub source: Source,
    /// Its last sign-in that succeeded since this process started.
    pub last_success: Option<Success>,
    /// Its last failures, the newest first.
    pub failures: VecDeque<Failure>,
}

#[derive(Default)]
struct Kept {
    seen: HashMap<Source, (u64, Seen)>,
    count: u64,
}

/// Remembers how sign-ins ended.
#[derive(Default)]
pub struct Attempts {
    kept: Mutex<Kept>,
}

/// The request that ended a sign-in.
#[derive(Debug, Clone)]
pub struct Ending<'a> {
    /// The pool.
    pub pool_id: &'a str,
    /// The provider, one that is configured.
    pub provider: Option<&'a str>,
    /// The app client.
    pub client_id: Option<&'a str>,
    /// The request's id.
    pub request_id: String,
    /// Now.
    pub at: OffsetDateTime,
}

impl Ending<'_> {
    fn attempt(&self) -> Success {
        let whole = self.at.replace_nanosecond(0).unwrap_or(self.at);
        Success {
            at: whole.format(&Rfc3339).unwrap_or_default(),
            request_id: self.request_id.clone(),
            client_id: self.client_id.map(words::bounded),
        }
    }
}

impl Attempts {
    /// A sign-in succeeded.
    pub fn succeeded(&self, ending: &Ending<'_>) {
        let attempt = ending.attempt();
        self.change(ending, |seen| seen.last_success = Some(attempt));
    }

    /// A sign-in failed for this cause.
    pub fn failed(&self, ending: &Ending<'_>, cause: &Cause) {
        self.refused(ending, cause.code(), &words::of(cause));
    }

    /// A sign-in failed before an adapter saw it. `detail` is ours, not a provider's.
    pub fn refused(&self, ending: &Ending<'_>, code: &str, detail: &str) {
        let failure =
            Failure { attempt: ending.attempt(), code: code.to_owned(), detail: words::bounded(detail) };
        self.change(ending, |seen| {
            if seen.failures.len() >= PER_PROVIDER {
                make_room(&mut seen.failures);
            }
            seen.failures.push_front(failure);
        });
    }

    /// What is known, sorted by pool and provider; of one pool or one provider name where these are given.
    pub fn list(&self, pool_id: Option<&str>, provider: Option<&str>) -> Vec<Seen> {
        let kept = self.kept();
        let asked = |source: &Source| {
            pool_id.is_none_or(|id| id == source.pool_id)
                && provider.is_none_or(|name| source.provider.as_deref() == Some(name))
        };
        let mut found: Vec<Seen> =
            kept.seen.values().map(|(_, seen)| seen).filter(|seen| asked(&seen.source)).cloned().collect();
        drop(kept);
        found.sort_by(|one, other| one.source.cmp(&other.source));
        found
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, ending: &Ending<'_>, change: impl FnOnce(&mut Seen)) {
        let source =
            Source { pool_id: ending.pool_id.to_owned(), provider: ending.provider.map(str::to_owned) };
        let mut kept = self.kept();
        if kept.seen.len() >= PROVIDERS && !kept.seen.contains_key(&source) {
            let oldest =
                kept.seen.iter().min_by_key(|(_, (heard, _))| *heard).map(|(source, _)| source.clone());
            if let Some(oldest) = oldest {
                kept.seen.remove(&oldest);
            }
        }
        kept.count += 1;
        let now = kept.count;
        let fresh = || Seen { source: source.clone(), last_success: None, failures: VecDeque::new() };
        let (heard, seen) = kept.seen.entry(source.clone()).or_insert_with(|| (now, fresh()));
        *heard = now;
        change(seen);
    }
}

/// The oldest of the code that most have makes room: whoever fails in one way as often as he likes does not push out
/// what failed in another.
fn make_room(failures: &mut VecDeque<Failure>) {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for failure in failures.iter() {
        *counts.entry(&failure.code).or_default() += 1;
    }
    let most = counts.values().max().copied().unwrap_or_default();
    if let Some(place) = failures.iter().rposition(|failure| counts.get(&*failure.code) == Some(&most)) {
        failures.remove(place);
    }
}

/// The same for a terminal: one line a failure, the newest first.
pub fn text(seen: &[Seen]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for one in seen {
        let provider = one.source.provider.as_deref().unwrap_or("(no provider could be told)");
        let _ = writeln!(text, "{} {provider}", one.source.pool_id);
        if let Some(success) = &one.last_success {
            let _ = writeln!(text, "  {} success request={}", success.at, success.request_id);
        }
        for Failure { attempt, code, detail } in &one.failures {
            let client = attempt.client_id.as_deref().unwrap_or("-");
            let (at, request) = (&attempt.at, &attempt.request_id);
            let _ = writeln!(text, "  {at} {code} client={client} request={request}\n    {detail}");
        }
    }
    if text.is_empty() {
        text.push_str("Nobody has signed in since this process started.\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NOW;
    use time::Duration;

    fn ending<'a>(provider: &'a str, at: OffsetDateTime) -> Ending<'a> {
        Ending { pool_id: "p", provider: Some(provider), client_id: Some("app"), request_id: "r".into(), at }
    }

    #[test]
    fn the_newest_fifty_failures_of_a_provider_are_kept_and_come_first() {
        let attempts = Attempts::default();
        for second in 0..60 {
            attempts.refused(&ending("Acme", NOW + Duration::seconds(second)), "code", &second.to_string());
        }
        attempts.succeeded(&ending("Acme", NOW));
        let seen = attempts.list(None, None);
        assert_eq!(seen[0].failures.len(), PER_PROVIDER);
        assert_eq!((&*seen[0].failures[0].detail, &*seen[0].failures[49].detail), ("59", "10"));
        assert_eq!(seen[0].last_success.as_ref().unwrap().at, "2026-11-21T10:00:00Z");
    }

    #[test]
    fn a_flood_of_one_kind_does_not_push_out_what_failed_in_another_way() {
        let attempts = Attempts::default();
        attempts.refused(&ending("Acme", NOW), "saml_audience", "the one to find");
        for number in 0..1000 {
            let code = if number % 3 == 0 { "other_browser" } else { "attempt_unknown" };
            attempts.refused(&ending("Acme", NOW), code, "garbage");
        }
        let failures = &attempts.list(None, None)[0].failures;
        assert_eq!(failures.len(), PER_PROVIDER);
        assert_eq!(failures.back().unwrap().detail, "the one to find");
    }

    #[test]
    fn the_provider_that_was_heard_of_longest_ago_makes_room() {
        let attempts = Attempts::default();
        for number in 0..PROVIDERS {
            attempts.refused(&ending(&format!("P{number}"), NOW), "code", "");
        }
        attempts.succeeded(&ending("P0", NOW));
        attempts.refused(&ending("new", NOW), "code", "");
        assert_eq!(attempts.list(None, None).len(), PROVIDERS);
        assert_eq!(attempts.list(None, Some("P0")).len(), 1);
        assert!(attempts.list(None, Some("P1")).is_empty());
        assert_eq!(attempts.list(Some("p"), Some("new")).len(), 1);
        assert!(attempts.list(Some("other"), None).is_empty());
    }

    #[test]
    fn on_a_terminal_each_failure_is_a_line_that_nothing_in_it_can_break() {
        let attempts = Attempts::default();
        attempts.refused(&ending("Acme", NOW), "saml_xml", "bad\n2026 success\u{1b}[31m");
        let told = text(&attempts.list(None, None));
        assert_eq!(
            told,
            "p Acme\n  2026-11-21T10:00:00Z saml_xml client=app request=r\n    bad2026 success[31m\n"
        );
    }
}
