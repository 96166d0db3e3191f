//! What happens to one server, and what the store makes of it.

use poolgate_testing::free_port;

use super::*;

const FAST: &str = "?timeout_ms=100";

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_opens_before_its_redis_comes_up_by_itself() {
    let port = free_port();
    let at = At::new(format!("redis://127.0.0.1:{port}{FAST}"));
    let store = at.store().await;
    assert!(assert_away(store.ping().await).contains(&format!("127.0.0.1:{port}")));
    assert_away(store.get(&code("a")).await);
    let _redis = Redis::start_at(port, &[]);
    eventually("it is there", async || store.ping().await.ok()).await;
    assert!(store.put_new(&code("a"), Vec::new(), at.now() + TEN).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_master_key_is_found_out_even_when_redis_came_later() {
    let mut here = Alone::with(&[], FAST);
    here.at.store().await.close().await;
    here.redis.kill();
    let other = here.at.try_open(8).await.unwrap();
    here.redis.restart();
    let refused = async || match other.put(&code("a"), Vec::new(), here.now() + TEN).await {
        Err(SessionError::Unusable(why)) => Some(why),
        Err(SessionError::Away(_)) => None,
        other => panic!("{other:?}"),
    };
    assert!(eventually("it is refused", refused).await.contains("another master key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_comes_back_with_what_it_had() {
    let mut here = Alone::with(&[], FAST);
    let store = here.at.store().await;
    let until = here.now() + TEN;
    store.put(&code("kept"), b"1".to_vec(), until).await.unwrap();
    assert!(store.put_new(&code("mark"), Vec::new(), until).await.unwrap());
    let mut heard = store.announcements();
    eventually("it listens", async || store.announce().await.ok().filter(|()| heard.has_changed().unwrap()))
        .await;
    here.redis.kill();
    assert_away(store.get(&code("kept")).await);
    assert_away(store.take(&code("kept")).await);
    assert_away(store.put(&code("new"), Vec::new(), until).await);
    assert_away(store.announce().await);
    assert_away(store.ping().await);
    heard.mark_unchanged();
    here.redis.restart();
    eventually("it answers", async || store.ping().await.ok()).await;
    // Something may have been announced meanwhile.
    tokio::time::timeout(std::time::Duration::from_secs(60), heard.changed()).await.expect("heard").unwrap();
    assert_eq!(store.take(&code("kept")).await.unwrap(), Some(b"1".to_vec()));
    assert!(!store.put_new(&code("mark"), Vec::new(), until).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_is_away_in_time_and_does_nothing_twice() {
    let here = Alone::with(&[], FAST);
    let store = here.at.store().await;
    let until = here.now() + TEN;
    for name in ["taken", "exchanged", "read"] {
        store.put(&code(name), b"1".to_vec(), until).await.unwrap();
    }
    // One connection for all: what is sent on it before it is given up is all that can run later.
    store.exchange(&code("exchanged"), b"2".to_vec()).await.unwrap();
    here.redis.freeze();
    let begun = std::time::Instant::now();
    assert_away(store.take(&code("taken")).await);
    assert_away(store.exchange(&code("exchanged"), b"3".to_vec()).await);
    assert_away(store.get(&code("read")).await);
    assert_away(store.ping().await);
    // Four times 200 ms; generous, because it is about a hang.
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
    here.redis.thaw();
    assert_eq!(
        eventually("it answers", async || store.get(&code("read")).await.ok()).await,
        Some(b"1".to_vec())
    );
    let calls = here.redis.command(&["INFO", "commandstats"]);
    let getdel = calls.lines().find(|line| line.starts_with("cmdstat_getdel:")).unwrap_or("calls=0,");
    assert!(getdel.contains("calls=1,") || getdel.contains("calls=0,"), "{getdel}");
}

#[tokio::test]
async fn a_flushed_server_knows_nothing_and_goes_on() {
    let here = Alone::new();
    let store = here.at.store().await;
    let until = here.now() + TEN;
    store.put(&code("a"), b"1".to_vec(), until).await.unwrap();
    here.redis.command(&["FLUSHALL"]);
    here.redis.command(&["SCRIPT", "FLUSH"]);
    assert_eq!(store.get(&code("a")).await.unwrap(), None);
    assert_eq!(store.take(&code("a")).await.unwrap(), None);
    assert_eq!(store.exchange(&code("a"), b"2".to_vec()).await.unwrap(), None);
    assert!(store.put_new(&code("a"), b"3".to_vec(), until).await.unwrap());
}

#[tokio::test]
async fn a_full_server_refuses_the_new_and_gives_back_the_old() {
    let here = Alone::new();
    let store = here.at.store().await;
    let until = here.now() + TEN;
    store.put(&code("a"), b"1".to_vec(), until).await.unwrap();
    here.redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
    assert!(matches!(store.put(&code("b"), Vec::new(), until).await, Err(SessionError::Full)));
    assert!(matches!(store.put_new(&code("b"), Vec::new(), until).await, Err(SessionError::Full)));
    assert!(matches!(store.exchange(&code("a"), b"2".to_vec()).await, Err(SessionError::Full)));
    assert_eq!(store.get(&code("a")).await.unwrap(), Some(b"1".to_vec()));
    store.delete(&code("b")).await.unwrap();
    here.redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    assert!(store.put_new(&code("b"), Vec::new(), until).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_neither_read_from_nor_written_to() {
    let master = Alone::new();
    let store = master.at.store().await;
    store.put(&code("a"), b"1".to_vec(), master.now() + TEN).await.unwrap();
    let port = master.redis.port().to_string();
    let replica = Alone::with(&["--replicaof", "127.0.0.1", &port], FAST);
    eventually("it follows", async || {
        replica.redis.command(&["INFO", "replication"]).contains("master_link_status:up").then_some(())
    })
    .await;
    let reader = replica.at.store().await;
    assert!(assert_away(reader.get(&code("a")).await).contains("no master"));
    assert_away(reader.put(&code("b"), Vec::new(), replica.now() + TEN).await);
    assert_away(reader.ping().await);
    // And one that becomes a replica under a store that is connected.
    let other = Alone::with(&[], FAST);
    let writer = other.at.store().await;
    writer.put(&code("a"), b"2".to_vec(), other.now() + TEN).await.unwrap();
    other.redis.command(&["REPLICAOF", "127.0.0.1", &port]);
    assert_away(writer.put(&code("b"), Vec::new(), other.now() + TEN).await);
    assert_away(writer.get(&code("a")).await);
    other.redis.command(&["REPLICAOF", "NO", "ONE"]);
    eventually("it is a master again", async || writer.ping().await.ok()).await;
}

#[tokio::test]
async fn a_wrong_login_or_the_wrong_kind_of_redis_is_refused_at_the_start() {
    let here = Alone::with(&["--requirepass", "secret1"], "");
    let port = here.redis.port();
    for url in [
        format!("redis://127.0.0.1:{port}"),
        format!("redis://:secret2@127.0.0.1:{port}"),
        format!("redis://nobody:secret1@127.0.0.1:{port}"),
        format!("redis+cluster://:secret2@127.0.0.1:{port}"),
        format!("redis+cluster://:secret1@127.0.0.1:{port}"),
    ] {
        match At::new(url.clone()).try_open(7).await.err() {
            Some(SessionError::Unusable(why)) => assert!(!why.contains("secret"), "{why}"),
            other => panic!("{url}: {other:?}"),
        }
    }
    At::new(format!("redis://:secret1@127.0.0.1:{port}")).store().await.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_used_up_waits_for_the_replicas_and_the_rest_does_not() {
    let here = Alone::with(&[], "?wait_replicas=1&timeout_ms=1000");
    let until = here.now() + TEN;
    let store = here.at.store().await;
    store.put(&code("a"), b"1".to_vec(), until).await.unwrap();
    assert_eq!(store.get(&code("a")).await.unwrap(), Some(b"1".to_vec()));
    for why in [
        assert_away(store.put_new(&code("mark"), Vec::new(), until).await),
        assert_away(store.exchange(&code("a"), b"2".to_vec()).await),
        assert_away(store.take(&code("a")).await),
        assert_away(store.delete(&code("a")).await),
    ] {
        assert!(why.contains("wait_replicas"), "{why}");
    }
    // Refusing needs nobody's word.
    assert!(!store.put_new(&code("mark"), Vec::new(), until).await.unwrap());
    assert_eq!(store.take(&code("a")).await.unwrap(), None);
    let port = here.redis.port().to_string();
    let _replica = Redis::start_with(&["--replicaof", "127.0.0.1", &port]);
    eventually("a replica confirms", async || {
        store.put(&code("b"), b"1".to_vec(), until).await.unwrap();
        store.take(&code("b")).await.ok()
    })
    .await;
    assert!(store.put_new(&code("new mark"), Vec::new(), until).await.unwrap());
}
