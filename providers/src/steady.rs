//! A clock that small corrections of the machine's clock do not set back.

use std::sync::{Mutex, PoisonError};

use time::{Duration, OffsetDateTime};

use crate::Clock;

/// A machine's clock that is set back by no more than this is caught up with slowly. By more: it was wrong before,
/// and what is dated by it would be wrong for as long as it takes to catch up, so it is believed at once.
const MOST: Duration = Duration::seconds(10);

/// The same clock, but that a step back of 10 seconds at most makes it go at half its speed until the two agree:
/// what came later has no earlier moment.
pub struct SteadyClock<C> {
    clock: C,
    /// The last moment that was told, and its [`Clock::ticks`].
    last: Mutex<Option<(OffsetDateTime, Duration)>>,
}

impl<C: Clock> SteadyClock<C> {
    /// Over this clock.
    pub const fn new(clock: C) -> Self {
        Self { clock, last: Mutex::new(None) }
    }
}

impl<C: Clock> Clock for SteadyClock<C> {
    fn now(&self) -> OffsetDateTime {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, ticks) = (self.clock.now(), self.clock.ticks());
        let told = match *last {
            Some((before, then)) if before - now <= MOST => {
                now.max(before.saturating_add((ticks - then).max(Duration::ZERO) / 2))
            }
            _ => now,
        };
        *last = Some((told, ticks));
        told
    }

    fn ticks(&self) -> Duration {
        self.clock.ticks()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use time::macros::datetime;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    /// Milliseconds: the machine's clock, and what has really passed.
    #[derive(Default)]
    struct Machine {
        wall: AtomicI64,
        passed: AtomicI64,
    }

    impl Machine {
        fn pass(&self, millis: i64) {
            self.wall.fetch_add(millis, Ordering::SeqCst);
            self.passed.fetch_add(millis, Ordering::SeqCst);
        }

        fn step(&self, millis: i64) {
            self.wall.fetch_add(millis, Ordering::SeqCst);
        }
    }

    impl Clock for &Machine {
        fn now(&self) -> OffsetDateTime {
            START + Duration::milliseconds(self.wall.load(Ordering::SeqCst))
        }

        fn ticks(&self) -> Duration {
            Duration::milliseconds(self.passed.load(Ordering::SeqCst))
        }
    }

    #[test]
    fn a_small_step_back_slows_the_clock_until_it_is_right() {
        let machine = Machine::default();
        let clock = SteadyClock::new(&machine);
        assert_eq!(clock.now(), START);
        machine.step(-8_000);
        let mut before = clock.now();
        assert_eq!(before, START);
        for _ in 0..16 {
            machine.pass(1_000);
            let now = clock.now();
            assert!(now > before, "it goes on");
            before = now;
        }
        assert_eq!(clock.now(), (&machine).now(), "twice the step, and it is right");
        machine.pass(1_000);
        assert_eq!(clock.now(), before + Duration::SECOND, "at full speed again");
    }

    #[test]
    fn a_clock_that_was_hours_ahead_is_believed_as_soon_as_it_is_set_right() {
        let machine = Machine::default();
        let clock = SteadyClock::new(&machine);
        machine.step(3_600_000);
        assert_eq!(clock.now(), START + Duration::HOUR);
        machine.step(-3_600_000);
        machine.pass(1);
        assert_eq!(clock.now(), START + Duration::MILLISECOND);
    }
}
