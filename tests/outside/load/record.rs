//! What happened to all visits, and whether that may happen at that moment.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::login::{Signed, Step, Trouble};
use super::people::Subs;

/// A time in which something is broken: visits that touch it may fail, clearly.
#[derive(Debug, Clone)]
pub struct Window {
    /// What was done.
    pub name: String,
    /// When.
    pub began: Instant,
    /// When everything must work again; `None` while it lasts.
    pub ended: Option<Instant>,
    /// A gateway dies: connections may end without an answer.
    pub cuts: bool,
}

struct Visit {
    began: Instant,
    ended: Instant,
    trouble: Option<Trouble>,
}

#[derive(Default)]
struct Inner {
    visits: Vec<Visit>,
    windows: Vec<Window>,
    subs: Subs,
    /// Some whole visits: what may be used once was used.
    issued: Vec<Signed>,
    longest: BTreeMap<Step, Duration>,
}

/// What happened.
pub struct Record {
    began: Instant,
    inner: Mutex<Inner>,
}

/// Sign-ins that are kept for a second try later.
const KEPT: usize = 40;

impl Record {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), inner: Mutex::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn visited(&self, began: Instant, ended: &Result<(), Trouble>) {
        let trouble = ended.as_ref().err().cloned();
        self.inner().visits.push(Visit { began, ended: Instant::now(), trouble });
    }

    /// A visit is over: nobody uses its tokens any more.
    pub(super) fn finished(&self, signed: Signed) {
        let mut inner = self.inner();
        inner.issued.push(signed);
        if inner.issued.len() > KEPT {
            inner.issued.remove(0);
        }
    }

    pub(super) fn is(&self, username: &str, sub: &str) -> Result<(), String> {
        self.inner().subs.note(username, sub)
    }

    /// This user was deleted.
    pub fn deleted(&self, username: &str) {
        self.inner().subs.forget(username);
    }

    pub(super) fn answered(&self, step: Step, took: Duration) {
        let mut inner = self.inner();
        let longest = inner.longest.entry(step).or_default();
        *longest = (*longest).max(took);
    }

    /// The last whole visits.
    pub fn last_issued(&self) -> Vec<Signed> {
        self.inner().issued.clone()
    }

    /// Username → `sub` of everybody who was given tokens.
    pub fn people(&self) -> HashMap<String, String> {
        self.inner().subs.all().clone()
    }

    /// From now on something is broken; its number.
    pub fn opens(&self, name: &str, cuts: bool) -> usize {
        let mut inner = self.inner();
        inner.windows.push(Window { name: name.to_owned(), began: Instant::now(), ended: None, cuts });
        inner.windows.len() - 1
    }

    /// It is mended, so long ago or ahead.
    pub fn closes(&self, window: usize, slack: Duration) {
        if let Some(window) = self.inner().windows.get_mut(window) {
            window.ended = Some(Instant::now() + slack);
        }
    }

    /// How many visits have succeeded so far.
    pub fn successes(&self) -> usize {
        self.inner().visits.iter().filter(|visit| visit.trouble.is_none()).count()
    }

    /// What happened that may not have, in words; nothing when all is well.
    pub fn wrongs(&self) -> Vec<String> {
        let inner = self.inner();
        let at = |moment: Instant| (moment - self.began).as_secs_f64();
        let (mut wrongs, mut refused) = (Vec::new(), Vec::new());
        for visit in &inner.visits {
            let may = |cuts: bool| {
                inner.windows.iter().any(|window| {
                    (window.cuts || !cuts)
                        && visit.ended >= window.began
                        && window.ended.is_none_or(|ended| visit.began <= ended)
                })
            };
            let fine = match &visit.trouble {
                None => true,
                Some(Trouble::Wrong { .. }) => false,
                Some(Trouble::Refused { .. }) => may(false),
                Some(Trouble::Cut { .. }) => may(true),
            };
            if fine {
                continue;
            }
            let said = format!("{:.1} s to {:.1} s: {:?}", at(visit.began), at(visit.ended), visit.trouble);
            let clear = matches!(visit.trouble, Some(Trouble::Refused { lost: false, .. }));
            if clear { refused.push(said) } else { wrongs.push(said) }
        }
        // A machine that stands still for a moment makes a store late: to say so clearly is no wrong answer, as long
        // as it is rare.
        if refused.len() * 100 > inner.visits.len() {
            wrongs.extend(refused);
        }
        wrongs
    }

    /// The figures, for people.
    pub fn figures(&self) -> String {
        let inner = self.inner();
        let seconds = self.began.elapsed().as_secs_f64();
        let good: Vec<_> = inner.visits.iter().filter(|visit| visit.trouble.is_none()).collect();
        let mut text = format!(
            "{} visits in {seconds:.0} s, {} good ({:.0} logins/s), {} people; {}\n",
            inner.visits.len(),
            good.len(),
            per(good.len(), seconds),
            inner.subs.all().len(),
            quantiles(good.iter().map(|visit| visit.ended - visit.began).collect()),
        );
        for window in &inner.windows {
            text += &self.figures_of(&inner, window);
        }
        let longest: Vec<_> =
            inner.longest.iter().map(|(step, took)| format!("{step:?} {} ms", took.as_millis())).collect();
        text + format!("longest answers: {}\n", longest.join(", ")).as_str()
    }

    fn figures_of(&self, inner: &Inner, window: &Window) -> String {
        let ended = window.ended.unwrap_or_else(Instant::now);
        let touching =
            inner.visits.iter().filter(|visit| visit.ended >= window.began && visit.began <= ended);
        let (mut failed, mut good, mut kinds) = (0, 0, BTreeMap::<String, usize>::new());
        for visit in touching {
            match &visit.trouble {
                None => good += 1,
                Some(trouble) => {
                    failed += 1;
                    *kinds.entry(kind(trouble)).or_default() += 1;
                }
            }
        }
        let begun_after =
            inner.visits.iter().filter(|visit| visit.trouble.is_none() && visit.began >= window.began);
        let first = begun_after.map(|visit| visit.ended).min().map(|first| first - window.began);
        let gaps = longest_gap(inner, window.began, ended);
        let first = first.map_or("never".to_owned(), |first| format!("{:.1} s", first.as_secs_f64()));
        format!(
            "  {:5.1} s {}: {:.1} s, {good} good, {failed} failed {kinds:?}; first whole visit begun and done after \
             {first}, longest pause {:.1} s\n",
            (window.began - self.began).as_secs_f64(),
            window.name,
            (ended - window.began).as_secs_f64(),
            gaps.as_secs_f64(),
        )
    }
}

/// The longest time without a visit that ended well.
fn longest_gap(inner: &Inner, from: Instant, to: Instant) -> Duration {
    let good = inner.visits.iter().filter(|visit| visit.trouble.is_none());
    let mut ends: Vec<_> = good.map(|visit| visit.ended).filter(|end| *end >= from && *end <= to).collect();
    ends.extend([from, to]);
    ends.sort_unstable();
    ends.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

fn kind(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Refused { step, lost: false } => format!("{step:?}: away"),
        Trouble::Refused { step, lost: true } => format!("{step:?}: lost"),
        Trouble::Cut { step } => format!("{step:?}: cut"),
        Trouble::Wrong { step, .. } => format!("{step:?}: WRONG"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of visits")]
fn per(count: usize, seconds: f64) -> f64 {
    count as f64 / seconds
}

fn quantiles(mut took: Vec<Duration>) -> String {
    took.sort_unstable();
    let at = |part: usize| took.get(took.len() * part / 100).map_or(0, Duration::as_millis);
    format!("p50 {} ms, p99 {} ms", at(50), at(99))
}
