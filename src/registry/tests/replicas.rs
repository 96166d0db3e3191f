//! Several registries over one directory, as several replicas have them.

use std::sync::Arc;
use std::time::Duration;

use super::super::follow::Follower;
use super::super::{Edit, Registry};
use super::{directory, make_pool, open};
use crate::directory::Directory;
use crate::http::tests::moods::{Mood, Moody};
use crate::sessions::SessionStore;
use crate::sessions::embedded::EmbeddedSessions;

const A: &str = "us-east-1_A";
const B: &str = "us-east-1_B";

struct Two {
    /// What the second reads through.
    moody: Arc<Moody<dyn Directory>>,
    one: Arc<Registry>,
    two: Arc<Registry>,
    sessions: Arc<dyn SessionStore>,
    _folder: tempfile::TempDir,
}

impl Two {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let inner = directory(&folder.path().join("directory.sqlite")).await;
        let one = open(&inner).await;
        let moody = Moody::new(inner);
        let through: Arc<dyn Directory> = Arc::<Moody<dyn Directory>>::clone(&moody);
        let two = open(&through).await;
        let path = folder.path().join("sessions.sqlite");
        let sessions = Arc::new(EmbeddedSessions::open(&path, Arc::new(super::Fixed)).await.unwrap());
        Self { moody, one, two, sessions, _folder: folder }
    }
}

fn has(registry: &Registry, pool_id: &str) -> bool {
    registry.snapshot().pool(pool_id).is_some()
}

async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let waiting = async {
        while !is() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test]
async fn what_one_replica_writes_is_in_force_on_another_once_it_has_caught_up() {
    let all = Two::new().await;
    make_pool(&all.one, A).await;
    assert!(!has(&all.two, A));
    all.two.caught_up().await.unwrap();
    assert!(has(&all.two, A));
    assert_eq!(all.one.generation(), all.two.generation());
    let keys = |registry: &Registry| registry.snapshot().pool(A).unwrap().keys.ids().to_vec();
    assert_eq!(keys(&all.one), keys(&all.two));
    all.two.edit(vec![Edit::DeletePool(A.into())]).await.unwrap();
    all.one.caught_up().await.unwrap();
    assert!(!has(&all.one, A));
}

#[tokio::test]
async fn an_edit_is_announced_and_whoever_hears_it_follows() {
    let all = Two::new().await;
    all.one.announce_through(Arc::clone(&all.sessions));
    let never = Duration::from_secs(3_600);
    let follower = Follower::asking_every(never, Arc::clone(&all.two), &*all.sessions);
    make_pool(&all.one, A).await;
    until("heard", || has(&all.two, A)).await;
    follower.stop().await;
}

#[tokio::test]
async fn what_nobody_announced_is_seen_all_the_same() {
    let all = Two::new().await;
    let often = Duration::from_millis(20);
    let follower = Follower::asking_every(often, Arc::clone(&all.two), &*all.sessions);
    make_pool(&all.one, A).await;
    until("asked for", || has(&all.two, A)).await;
    all.moody.becomes(Mood::Away);
    all.one.edit(vec![Edit::DeletePool(A.into())]).await.unwrap();
    let before = all.moody.asked_for_changes();
    until("asked in vain", || all.moody.asked_for_changes() > before + 1).await;
    assert!(has(&all.two, A), "what is in force stays while the directory is away");
    let told = all.two.caught_up().await.unwrap_err().to_string();
    assert_eq!(told.matches("the directory is away").count(), 1, "{told}");
    all.moody.becomes(Mood::Well);
    until("gone", || !has(&all.two, A)).await;
    follower.stop().await;
}

#[tokio::test]
async fn a_pool_that_cannot_be_read_stops_no_other_is_not_decided_on_and_is_tried_again() {
    let all = Two::new().await;
    make_pool(&all.two, A).await;
    *all.moody.unreadable.lock().unwrap() = Some(A.into());
    let pool = all.one.snapshot().pool(A).cloned();
    assert!(pool.is_none());
    all.one.caught_up().await.unwrap();
    let mut renamed = all.one.snapshot().pool(A).unwrap().pool.clone();
    renamed.value.name = "renamed".into();
    all.one.edit(vec![Edit::UpdatePool(renamed)]).await.unwrap();
    make_pool(&all.one, B).await;

    all.two.caught_up().await.unwrap();
    assert!(has(&all.two, B), "the other is there");
    let name = || all.two.snapshot().pool(A).unwrap().pool.value.name.clone();
    assert_eq!(name(), "tests", "of the one that cannot be read what was in force stays");
    let stale = all.two.snapshot();
    let refused = all.two.edit_as_of(&stale, vec![Edit::DeletePool(A.into())]).await.unwrap_err();
    assert!(refused.to_string().contains("cannot be read"), "{refused}");

    *all.moody.unreadable.lock().unwrap() = None;
    // The tests' clock stands still: it is not yet time to try again.
    all.two.caught_up().await.unwrap();
    assert_eq!(name(), "tests");
    all.one.edit(vec![Edit::UpdatePool(all.one.snapshot().pool(A).unwrap().pool.clone())]).await.unwrap();
    all.two.caught_up().await.unwrap();
    assert_eq!(name(), "renamed", "another write is another reason to read it");
}

#[tokio::test]
async fn many_who_wait_are_served_by_a_reading_that_began_after_they_asked() {
    let all = Two::new().await;
    let before = all.moody.asked_for_changes();
    let turn = all.moody.open.acquire().await.unwrap();
    let ask = |registry: &Arc<Registry>| {
        let registry = Arc::clone(registry);
        tokio::spawn(async move { registry.caught_up().await.map(|()| registry.generation()) })
    };
    let first = ask(&all.two);
    until("the first reads", || all.moody.asked_for_changes() == before + 1).await;
    make_pool(&all.one, A).await;
    let waiting: Vec<_> = (0..50).map(|_| ask(&all.two)).collect();
    // All stand in line, or come to it while the second reads: it may not be served by the first.
    tokio::task::yield_now().await;
    drop(turn);
    first.await.unwrap().unwrap();
    for waited in waiting {
        assert_eq!(waited.await.unwrap().unwrap(), all.one.generation(), "it asked after the write");
    }
    let readings = all.moody.asked_for_changes() - before;
    assert!((2..=3).contains(&readings), "{readings} readings");
}

#[tokio::test]
async fn unknown_names_load_the_directory_a_few_times_a_second_at_most() {
    let all = Two::new().await;
    all.two.look_again().await;
    let before = all.moody.asked_for_changes();
    let started = std::time::Instant::now();
    for _ in 0..3 {
        let garbage: Vec<_> = (0..100)
            .map(|_| {
                let registry = Arc::clone(&all.two);
                tokio::spawn(async move { registry.look_again().await })
            })
            .collect();
        for one in garbage {
            one.await.unwrap();
        }
    }
    let readings = u32::try_from(all.moody.asked_for_changes() - before).unwrap();
    assert!(readings >= 3, "{readings}");
    // Each but the first waits a quarter of a second from the last.
    assert!(started.elapsed() >= Duration::from_millis(250) * (readings - 1), "{readings} readings");
    assert!(readings <= 6, "{readings} readings for 300 who asked");
}

#[tokio::test]
async fn a_directory_that_is_away_keeps_no_line_of_waiters_each_with_its_own_time_out() {
    let all = Two::new().await;
    all.moody.becomes(Mood::Away);
    let turn = all.moody.open.acquire().await.unwrap();
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let registry = Arc::clone(&all.two);
            tokio::spawn(async move { registry.caught_up().await })
        })
        .collect();
    let before = all.moody.asked_for_changes();
    until("one reads", || all.moody.asked_for_changes() > before).await;
    drop(turn);
    for waited in waiting {
        waited.await.unwrap().unwrap_err();
    }
    assert!(all.moody.asked_for_changes() <= before + 3);
}

#[tokio::test]
async fn a_fault_in_one_round_does_not_end_the_following() {
    let all = Two::new().await;
    *all.moody.server.lock().unwrap() = Some(Box::new(|| panic!("a fault in the middle of a round")));
    let pause = Duration::from_millis(20);
    let follower = Follower::asking_every(pause, Arc::clone(&all.two), &*all.sessions);
    until("the fault", || all.moody.server.is_poisoned()).await;
    make_pool(&all.one, A).await;
    until("what is written after it comes into force", || has(&all.two, A)).await;
    follower.stop().await;
}
