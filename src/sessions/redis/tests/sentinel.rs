//! One master, two replicas, three Sentinels.

use std::sync::atomic::{AtomicBool, Ordering};

use poolgate_testing::RedisSentinel;

use super::load::{assert_all_stays_used, run, whole_suite_during};
use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_suite_holds_while_sentinels_fail_over() {
    let servers = RedisSentinel::start();
    let url = servers.url();
    whole_suite_during(&url, "&wait_replicas=2", servers, |servers| {
        servers.failover();
        let killed = servers.kill_master();
        servers.wait_for_another(killed);
        servers.servers_mut()[killed].restart();
        servers.wait_until_whole();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_used_twice_while_masters_are_killed_and_frozen() {
    let mut servers = RedisSentinel::start();
    // Both: with one, the other may be promoted, and does not know what the first confirmed.
    let at = At::new(format!("{}?wait_replicas=2", servers.url()));
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let trouble = tokio::task::spawn_blocking(move || {
        let killed = servers.kill_master();
        servers.wait_for_another(killed);
        servers.servers_mut()[killed].restart();
        servers.wait_until_whole();
        // Frozen, it still believes that it is the master when it wakes up.
        let frozen = servers.freeze_master();
        servers.wait_for_another(frozen);
        servers.servers()[frozen].thaw();
        servers.wait_until_whole();
        told.store(true, Ordering::Release);
        servers
    });
    let tally = run(&at, &stop).await;
    let _servers = trouble.await.unwrap();
    assert_all_stays_used(&at, &tally).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_master_is_found_without_two_of_the_sentinels() {
    let mut servers = RedisSentinel::start();
    let at = At::new(servers.url());
    servers.kill_sentinel(0);
    servers.freeze_sentinel(1);
    let store = at.store().await;
    assert!(store.put_new(&code("a"), Vec::new(), at.now() + TEN).await.unwrap());
}

#[tokio::test]
async fn a_master_that_the_sentinels_do_not_know_is_refused() {
    let servers = RedisSentinel::start();
    match At::new(servers.url().replace("/main", "/other")).try_open(7).await.err() {
        Some(SessionError::Unusable(why)) => assert!(why.contains("other"), "{why}"),
        other => panic!("{other:?}"),
    }
}
