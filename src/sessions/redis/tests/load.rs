//! Several gateways use things up while their Redis fails over: whatever is said to have been used stays used.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;

/// Codes and marks that each of four people uses up at least.
const ENOUGH: usize = 4;

/// What happened.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Codes that somebody was given.
    taken: Vec<Key>,
    /// Marks that somebody set.
    marked: Vec<Key>,
    /// Steps that were away.
    away: usize,
}

/// Two gateways, several people at each, until `stop`.
pub(super) async fn run(at: &At, stop: &Arc<AtomicBool>) -> Tally {
    let stores = [Arc::new(at.store().await), Arc::new(at.store().await)];
    let number = Arc::new(AtomicUsize::new(0));
    let until = at.now() + Duration::HOUR;
    let people = (0..4).map(|_| {
        let (stores, stop, number) = (stores.clone(), Arc::clone(stop), Arc::clone(&number));
        tokio::spawn(async move {
            let mut tally = Tally::default();
            // To the end of the faults, and until there is something to look at: few steps may have succeeded in them.
            while !stop.load(Ordering::Acquire) || tally.taken.len().min(tally.marked.len()) < ENOUGH {
                let name = number.fetch_add(1, Ordering::Relaxed).to_string();
                use_up(&stores, &name, until, &mut tally).await;
            }
            tally
        })
    });
    let people: Vec<_> = people.collect();
    let mut all = Tally::default();
    for person in people {
        let tally = person.await.unwrap();
        all.taken.extend(tally.taken);
        all.marked.extend(tally.marked);
        all.away += tally.away;
    }
    all
}

/// A code is taken twice at once, and a mark set twice at once: each succeeds at most once.
async fn use_up(stores: &[Arc<RedisSessions>; 2], name: &str, until: OffsetDateTime, tally: &mut Tally) {
    let (code, mark) = (code(name), Key::new(Kind::Used, name));
    let [one, other] = stores;
    if one.put(&code, b"1".to_vec(), until).await.is_err() {
        tally.away += 1;
        return;
    }
    let (first, second) = tokio::join!(one.take(&code), other.take(&code));
    let given = [&first, &second].iter().filter(|taken| matches!(taken, Ok(Some(_)))).count();
    assert!(given <= 1, "{name} was given twice");
    let (third, fourth) =
        tokio::join!(one.put_new(&mark, Vec::new(), until), other.put_new(&mark, Vec::new(), until));
    let set = [&third, &fourth].iter().filter(|set| matches!(set, Ok(true))).count();
    assert!(set <= 1, "{name} was marked twice");
    tally.away += [first.is_err(), second.is_err(), third.is_err(), fourth.is_err()]
        .iter()
        .filter(|away| **away)
        .count();
    tally.taken.extend((given == 1).then_some(code));
    tally.marked.extend((set == 1).then_some(mark));
}

/// Nothing of it can be used again; and there was something, before and after the faults.
pub(super) async fn assert_all_stays_used(at: &At, tally: &Tally) {
    let store = at.store().await;
    let until = at.now() + Duration::HOUR;
    assert!(
        tally.taken.len() > 10 && tally.marked.len() > 10,
        "{} {}",
        tally.taken.len(),
        tally.marked.len()
    );
    for code in &tally.taken {
        let found = eventually("it answers", async || store.take(code).await.ok()).await;
        assert_eq!(found, None, "{code:?} came back");
    }
    for mark in &tally.marked {
        let again =
            eventually("it answers", async || store.put_new(mark, Vec::new(), until).await.ok()).await;
        assert!(!again, "{mark:?} was forgotten");
    }
    eprintln!("{} codes, {} marks, {} steps away", tally.taken.len(), tally.marked.len(), tally.away);
}

/// Runs every rule of the conformance suite, each under a prefix of its own, while `faults` run over and over. A rule
/// that met a step that was away is run again; a wrong answer is never excused.
pub(super) async fn whole_suite_during<S: Send + 'static>(
    url: &str,
    parameters: &str,
    mut servers: S,
    faults: impl Fn(&mut S) + Send + 'static,
) {
    let (done, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (told, rounds) = (Arc::clone(&done), Arc::clone(&ended));
    let count = Arc::new(AtomicUsize::new(0));
    let begun = Arc::clone(&count);
    let trouble = tokio::task::spawn_blocking(move || {
        while !told.load(Ordering::Acquire) {
            faults(&mut servers);
            rounds.fetch_add(1, Ordering::Release);
            // Some rules in peace: none could ever be gone through otherwise.
            let before = begun.load(Ordering::Acquire);
            while begun.load(Ordering::Acquire) < before + 8 && !told.load(Ordering::Acquire) {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
        servers
    });
    let again = AtomicUsize::new(0);
    let make = || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        At::new(format!("{url}?prefix=rule{number}{parameters}"))
    };
    let failed = |rule: &str, error: tokio::task::JoinError| {
        let words = panic_words(error);
        assert!(words.contains("Away("), "{rule}: {words}");
        assert!(again.fetch_add(1, Ordering::Relaxed) < 500, "{rule} was away too often: {words}");
    };
    // At least once in the middle of a fault.
    let first = ended.load(Ordering::Acquire);
    loop {
        crate::sessions::conformance::session_conformance!(in_one_test make, failed);
        if ended.load(Ordering::Acquire) > first + 1 {
            break;
        }
    }
    done.store(true, Ordering::Release);
    trouble.await.unwrap();
    eprintln!("{} runs of a rule, {} of them again", count.load(Ordering::Relaxed), again.into_inner());
}

fn panic_words(error: tokio::task::JoinError) -> String {
    let payload = error.into_panic();
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
