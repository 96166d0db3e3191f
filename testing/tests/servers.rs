//! The servers start, survive what they are asked to survive, and leave nothing behind.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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

/// What [`a_test_that_is_killed_leaves_no_server_and_no_folder`] kills.
#[test]
#[ignore = "never ends: another test starts and kills it"]
fn holds_servers_until_it_is_killed() {
    let (redis, postgres) = (Redis::start(), Postgres::start());
    println!("\nat {} {}", redis.port(), redis.folder().display());
    println!("at {} {}", postgres.port(), postgres.folder().display());
    loop {
        std::thread::park();
    }
}

#[test]
fn a_test_that_is_killed_leaves_no_server_and_no_folder() {
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holds_servers_until_it_is_killed", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(other.stdout.take().unwrap()).lines().map(Result::unwrap);
    let told: Vec<_> = lines.filter_map(|line| Some(line.strip_prefix("at ")?.to_owned())).take(2).collect();
    other.kill().unwrap();
    other.wait().unwrap();
    for server in told {
        let (port, folder) = server.split_once(' ').unwrap();
        let begun = Instant::now();
        while TcpStream::connect(format!("127.0.0.1:{port}")).is_ok() || Path::new(folder).exists() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{server} is still there");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
