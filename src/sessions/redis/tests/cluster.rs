//! Three masters, three replicas.

use std::sync::atomic::{AtomicBool, Ordering};

use poolgate_testing::RedisCluster;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::load::{assert_all_stays_used, run, whole_suite_during};
use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_suite_holds_while_a_cluster_fails_over() {
    let cluster = RedisCluster::start();
    let url = cluster.url();
    whole_suite_during(&url, "", cluster, |cluster| {
        cluster.failover("a");
        let killed = cluster.kill_master_of("b");
        cluster.wait_until_whole();
        cluster.nodes_mut()[killed].restart();
        cluster.wait_until_whole();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_used_twice_while_masters_of_a_cluster_are_killed() {
    let mut cluster = RedisCluster::start();
    let at = At::new(cluster.url());
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let trouble = tokio::task::spawn_blocking(move || {
        for key in ["a", "b"] {
            let killed = cluster.kill_master_of(key);
            cluster.wait_until_whole();
            cluster.nodes_mut()[killed].restart();
            cluster.wait_until_whole();
            cluster.failover(key);
        }
        told.store(true, Ordering::Release);
        cluster
    });
    let tally = run(&at, &stop).await;
    let _cluster = trouble.await.unwrap();
    assert_all_stays_used(&at, &tally).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_found_while_their_slot_moves() {
    let cluster = RedisCluster::start();
    let at = At::new(format!("{}?timeout_ms=5000", cluster.url()));
    let store = at.store().await;
    let until = at.now() + TEN;
    let key = |name: &str| code(&format!("{{moving}}{name}"));
    for name in ["before", "taken", "exchanged"] {
        store.put(&key(name), b"1".to_vec(), until).await.unwrap();
    }
    cluster.migrate("{moving}", |_, _| {
        block_in_place(|| {
            Handle::current().block_on(async {
                // Still here; already there; neither.
                assert_eq!(store.get(&key("before")).await.unwrap(), Some(b"1".to_vec()));
                assert_eq!(store.take(&key("taken")).await.unwrap(), Some(b"1".to_vec()));
                assert!(store.put_new(&key("new"), b"2".to_vec(), until).await.unwrap());
                assert!(!store.put_new(&key("new"), b"3".to_vec(), until).await.unwrap());
                assert_eq!(store.exchange(&key("new"), b"4".to_vec()).await.unwrap(), Some(b"2".to_vec()));
                assert_eq!(store.take(&key("taken")).await.unwrap(), None);
                store.put(&key("put"), b"5".to_vec(), until).await.unwrap();
            })
        });
    });
    for (name, value) in [("before", "1"), ("exchanged", "1"), ("new", "4"), ("put", "5")] {
        assert_eq!(store.take(&key(name)).await.unwrap(), Some(value.as_bytes().to_vec()), "{name}");
        assert_eq!(store.take(&key(name)).await.unwrap(), None, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_replica_a_master_uses_nothing_up() {
    let cluster = RedisCluster::start();
    let at = At::new(format!("{}?timeout_ms=300", cluster.url()));
    let store = at.store().await;
    let until = at.now() + TEN;
    assert!(store.put_new(&code("before"), Vec::new(), until).await.unwrap());
    for index in cluster.replicas() {
        cluster.nodes()[index].freeze();
    }
    assert!(assert_away(store.put_new(&code("a"), Vec::new(), until).await).contains("wait_replicas"));
    store.put(&code("b"), b"1".to_vec(), until).await.unwrap();
    assert_eq!(store.get(&code("b")).await.unwrap(), Some(b"1".to_vec()));
    cluster.nodes().iter().for_each(Redis::thaw);
    eventually("they confirm again", async || store.take(&code("b")).await.ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_a_cluster_is_not_taken_for_one_server() {
    let cluster = RedisCluster::start();
    match At::new(cluster.nodes()[cluster.masters()[0]].url()).try_open(7).await.err() {
        Some(SessionError::Unusable(why)) => assert!(why.contains("redis+cluster"), "{why}"),
        other => panic!("{other:?}"),
    }
}
