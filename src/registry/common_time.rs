//! One order of moments for all replicas, for what is compared across them: did the person sign in before the
//! provider ended their sessions, or after it?
//!
//! Clocks of machines differ, and are set back. Where replicas share a directory its server's clock is the
//! reference: it is asked now and then, and in between the time that has passed is added, whatever is done to this
//! machine's clock. An embedded directory has one process, and the machine's own clock is the reference. Either way
//! it never goes backwards here while the process lives. It dates nothing that is told to others: tokens and
//! messages carry the machine's own time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use poolgate_providers::Clock;
use time::{Duration, OffsetDateTime};

use super::Registry;
use crate::directory::DirectoryError;

/// How often the two clocks are compared.
const PAUSE: Duration = Duration::seconds(10);
/// A reference that is set back by more than this is followed from where it would have been.
const STEP: Duration = Duration::SECOND;
/// An answer that took longer says too little about the clock, unless there is none better.
const SLOW: Duration = Duration::milliseconds(200);
/// From then on a slow answer will do.
const OLD: Duration = Duration::minutes(5);
/// By how much two replicas may disagree all the same: each is wrong by half of [`SLOW`] at most.
pub const DISAGREEMENT: Duration = Duration::milliseconds(200);
/// A clock that is off by more is worth a warning.
const WARNING: Duration = Duration::SECOND;
/// A clock that is off by more dates tokens so wrongly that nobody should be sent here.
const UNFIT: Duration = Duration::seconds(30);

/// Tells the common time.
pub struct CommonTime {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    /// A moment, and the [`Clock::ticks`] when it was that moment.
    anchor: Option<(OffsetDateTime, Duration)>,
    /// By how much the reference was set back since, in all.
    lead: Duration,
    /// Whether the directory's server is the reference.
    shared: bool,
    /// The last moment that was told.
    last: OffsetDateTime,
    compared_at: Option<Duration>,
    /// This machine's clock minus the server's.
    offset: Option<Duration>,
}

impl State {
    fn reading(&self, ticks: Duration) -> Option<OffsetDateTime> {
        let (moment, then) = self.anchor?;
        Some(moment.saturating_add(ticks - then))
    }

    /// The reference said `moment` at `ticks`.
    fn learn(&mut self, moment: OffsetDateTime, ticks: Duration) {
        let mut now = moment.saturating_add(self.lead);
        if let Some(expected) = self.reading(ticks)
            && now.saturating_add(STEP) < expected
        {
            self.lead += expected - now;
            now = expected;
        }
        self.anchor = Some((now, ticks));
    }
}

impl CommonTime {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let state = State {
            anchor: None,
            lead: Duration::ZERO,
            shared: false,
            last: OffsetDateTime::UNIX_EPOCH,
            compared_at: None,
            offset: None,
        };
        Self { clock, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The moment it is, for something that begins. Of two that one process asks for, the later is no earlier.
    pub fn now(&self) -> OffsetDateTime {
        let mut state = self.state();
        let ticks = self.clock.ticks();
        if !state.shared {
            state.learn(self.clock.now(), ticks);
        }
        state.last = state.reading(ticks).map_or(state.last, |now| now.max(state.last));
        state.last
    }

    /// The moment at which something ends that is compared with what began, perhaps on another replica: no earlier
    /// than any beginning before it, and a fifth of a second late where replicas share a directory. What begins
    /// within it is over at once, too: more ends than was said, never less.
    pub fn end(&self) -> OffsetDateTime {
        let now = self.now();
        if self.state().shared { now.saturating_add(DISAGREEMENT) } else { now }
    }

    /// This machine's clock minus that of the directory's server, where it was asked.
    pub fn offset(&self) -> Option<Duration> {
        self.state().offset
    }

    /// Whether this machine's clock is too far off to date tokens.
    pub fn is_unfit(&self) -> bool {
        self.offset().is_some_and(|offset| offset.abs() > UNFIT)
    }

    fn is_due(&self) -> bool {
        self.state().compared_at.is_none_or(|at| self.clock.ticks() - at >= PAUSE)
    }

    /// The directory's server said `theirs` to a question asked and answered at these ticks; `ours` is this
    /// machine's clock at the answer.
    fn compare(&self, theirs: OffsetDateTime, ours: OffsetDateTime, asked: Duration, answered: Duration) {
        let (took, mut state) = (answered - asked, self.state());
        let fresh = state.shared && state.anchor.is_some_and(|(_, at)| answered - at < OLD);
        if took > SLOW && fresh {
            return;
        }
        if !state.shared {
            // What was told until now was told by another clock.
            (state.shared, state.anchor, state.lead) = (true, None, Duration::ZERO);
        }
        let middle = asked + took / 2;
        state.learn(theirs, middle);
        let offset: Duration = ours - took / 2 - theirs;
        let was_off = state.offset.is_some_and(|before| before.abs() > WARNING);
        if offset.abs() > WARNING && !was_off {
            let seconds = offset.as_seconds_f64();
            tracing::warn!(seconds, "this machine's clock and PostgreSQL's differ: synchronise both (NTP)");
        } else if offset.abs() <= WARNING && was_off {
            tracing::info!("this machine's clock and PostgreSQL's agree again");
        }
        state.offset = Some(offset);
    }
}

impl Registry {
    /// The order of moments that all replicas share.
    pub const fn common_time(&self) -> &CommonTime {
        &self.common_time
    }

    /// Compares the clocks, where that is due and the directory has one.
    ///
    /// # Errors
    /// [`DirectoryError::Away`]: until the next time, the time that passes is added to what is known.
    pub async fn compare_clocks(&self) -> Result<(), DirectoryError> {
        if !self.common_time.is_due() {
            return Ok(());
        }
        let asked = self.clock.ticks();
        let theirs = self.directory.now().await?;
        let answered = self.clock.ticks();
        if let Some(theirs) = theirs {
            self.common_time.compare(theirs, self.clock.now(), asked, answered);
        }
        self.common_time.state().compared_at = Some(answered);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::testing::NOW;

    /// A machine: its clock is off by so many milliseconds, and so many have really passed.
    #[derive(Clone, Default)]
    struct Machine {
        off: Arc<AtomicI64>,
        passed: Arc<AtomicI64>,
    }

    impl Clock for Machine {
        fn now(&self) -> OffsetDateTime {
            NOW + self.ticks() + Duration::milliseconds(self.off.load(Ordering::SeqCst))
        }

        fn ticks(&self) -> Duration {
            Duration::milliseconds(self.passed.load(Ordering::SeqCst))
        }
    }

    impl Machine {
        fn off(millis: i64, passed: &Arc<AtomicI64>) -> (Self, CommonTime) {
            let machine = Self { off: Arc::new(AtomicI64::new(millis)), passed: Arc::clone(passed) };
            let time = CommonTime::new(Arc::new(machine.clone()));
            (machine, time)
        }

        /// The server, whose clock is right but for this, answers at once, or after so many milliseconds.
        fn compares(&self, time: &CommonTime, server: i64, took: i64) {
            let asked = self.ticks();
            self.passed.fetch_add(took / 2, Ordering::SeqCst);
            let theirs = NOW + self.ticks() + Duration::milliseconds(server);
            self.passed.fetch_add(took / 2, Ordering::SeqCst);
            time.compare(theirs, self.now(), asked, self.ticks());
        }

        fn pass(&self, millis: i64) {
            self.passed.fetch_add(millis, Ordering::SeqCst);
        }
    }

    #[test]
    fn an_ending_on_a_slow_replica_is_no_earlier_than_a_sign_in_on_a_fast_one() {
        let passed = Arc::default();
        let (ahead, fast) = Machine::off(25_000, &passed);
        let (behind, slow) = Machine::off(-25_000, &passed);
        ahead.compares(&fast, 0, 0);
        behind.compares(&slow, 0, 0);
        for took in [0, 40, 199] {
            ahead.compares(&fast, 0, took);
            behind.compares(&slow, 0, took);
            let signed_in = fast.now();
            assert!(slow.end() >= signed_in, "{took}");
            passed.fetch_add(250, Ordering::SeqCst);
            assert!(fast.now() > slow.end() - Duration::milliseconds(250), "a later sign-in is another one");
        }
        assert_eq!(fast.offset(), Some(Duration::seconds(25)));
        assert_eq!(slow.offset(), Some(Duration::seconds(-25)));
    }

    #[test]
    fn a_clock_that_steps_back_between_sign_in_and_logout_changes_no_order() {
        for shared in [false, true] {
            let (machine, time) = Machine::off(0, &Arc::default());
            if shared {
                machine.compares(&time, 0, 0);
            }
            let signed_in = time.now();
            machine.pass(1_000);
            machine.off.fetch_sub(3_600_000, Ordering::SeqCst);
            let ended = time.end();
            assert!(ended > signed_in, "shared: {shared}");
            machine.pass(1_000);
            assert!(time.now() > ended, "it does not stand still; shared: {shared}");
            machine.off.fetch_add(7_200_000, Ordering::SeqCst);
            let again = time.now();
            machine.off.fetch_sub(7_200_000, Ordering::SeqCst);
            machine.pass(1);
            assert!(time.now() > again, "forward and back; shared: {shared}");
        }
    }

    #[test]
    fn a_server_whose_clock_is_set_back_is_followed_from_where_it_would_be() {
        let (machine, time) = Machine::off(0, &Arc::default());
        machine.compares(&time, 0, 0);
        let before = time.now();
        machine.pass(10_000);
        machine.compares(&time, -3_600_000, 0);
        assert_eq!(time.now(), before + Duration::seconds(10));
        machine.pass(10_000);
        machine.compares(&time, -3_600_000, 0);
        assert_eq!(time.now(), before + Duration::seconds(20));
        // A small correction is waited for.
        machine.compares(&time, -3_600_500, 0);
        assert_eq!(time.now(), before + Duration::seconds(20));
        machine.pass(600);
        assert_eq!(time.now(), before + Duration::milliseconds(20_100));
    }

    #[test]
    fn a_slow_answer_moves_nothing_while_there_is_a_better_one() {
        let (machine, time) = Machine::off(0, &Arc::default());
        machine.compares(&time, 0, 0);
        machine.compares(&time, 5_000, 202);
        assert_eq!((time.offset(), time.now()), (Some(Duration::ZERO), NOW + machine.ticks()));
        machine.pass(300_000);
        machine.compares(&time, 5_000, 202);
        assert_eq!(time.offset(), Some(Duration::seconds(-5)));
    }

    #[test]
    fn half_a_minute_is_too_much() {
        let (machine, time) = Machine::off(30_000, &Arc::default());
        assert!(!time.is_unfit(), "nobody to compare with");
        machine.compares(&time, 0, 0);
        assert!(!time.is_unfit());
        machine.compares(&time, -1, 0);
        assert!(time.is_unfit());
        let (machine, time) = Machine::off(-31_000, &Arc::default());
        machine.compares(&time, 0, 0);
        assert!(time.is_unfit());
    }
}
