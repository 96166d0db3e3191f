//! The servers start, survive what they are asked to survive, and leave nothing behind.

use poolgate_testing::{Database, Postgres, Redis, RedisCluster, RedisSentinel};

#[test]
fn redis_keeps_what_it_acknowledged() {
    let mut redis = Redis::start();
    assert!(redis.command(&["SET", "a", "1"]).contains("OK"));
    redis.kill();
    redis.restart();
    assert!(redis.command(&["GET", "a"]).contains('1'));
}

#[test]
fn a_crashed_postgres_comes_back() {
    let mut postgres = Postgres::start();
    postgres.sql("CREATE TABLE t (n int); INSERT INTO t VALUES (7)");
    postgres.crash();
    postgres.restart();
    assert_eq!(postgres.sql("SELECT n FROM t"), "7");
}

#[test]
fn databases_do_not_meet() {
    let (one, other) = (Database::new(), Database::new());
    one.sql("CREATE TABLE t (n int)");
    other.sql("CREATE TABLE t (n int)");
}

#[test]
fn a_cluster_replaces_a_killed_master() {
    let mut cluster = RedisCluster::start();
    let killed = cluster.kill_master_of("a");
    cluster.wait_until_whole();
    assert!(!cluster.masters().contains(&killed));
    assert_ne!(cluster.master_of("a"), killed);
}

#[test]
fn sentinels_replace_a_killed_master() {
    let mut sentinel = RedisSentinel::start();
    let killed = sentinel.kill_master();
    sentinel.wait_for_another(killed);
    sentinel.servers_mut()[killed].restart();
    sentinel.wait_until_whole();
    sentinel.failover();
}
