//! How a writer that groups commits finds company for them.

use std::time::Duration;

/// How long a commit waits for company: far less than a sign-in takes, far more than a commit does.
const GATHER: Duration = Duration::from_millis(1);

/// The same in a crowd, when the machine is the bottleneck and waiting costs nobody anything.
const GATHER_CROWD: Duration = Duration::from_millis(2);

/// Steps in one batch that make a crowd.
const CROWD: usize = 8;

/// Lets one commit carry many steps: a fixed cost for each wake-up, statement and disk write is then shared.
///
/// Somebody who is alone never waits. Only when the last batch held several steps, so that more are on
/// their way, does the next one wait a moment for them (PostgreSQL's `commit_delay` and `commit_siblings`).
#[derive(Debug, Default)]
pub(crate) struct Pace {
    last: usize,
}

impl Pace {
    /// Waits, if others are about. `first` steps are there already; whether to look for more.
    pub(crate) async fn gather(&self, first: usize) -> bool {
        let wait = self.wait(first);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        !wait.is_zero()
    }

    fn wait(&self, first: usize) -> Duration {
        match first.max(self.last) {
            0 | 1 => Duration::ZERO,
            2..CROWD => GATHER,
            _ => GATHER_CROWD,
        }
    }

    /// A batch of so many steps is about to be served.
    pub(crate) const fn serves(&mut self, steps: usize) {
        self.last = steps;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alone_never_waits() {
        let mut pace = Pace::default();
        for _ in 0..3 {
            assert_eq!(pace.wait(1), Duration::ZERO);
            pace.serves(1);
        }
    }

    #[test]
    fn those_in_company_wait_for_each_other_once() {
        let mut pace = Pace::default();
        assert_eq!(pace.wait(2), GATHER);
        pace.serves(9);
        assert_eq!(pace.wait(1), GATHER_CROWD);
        pace.serves(1);
        assert_eq!(pace.wait(1), Duration::ZERO);
    }
}
