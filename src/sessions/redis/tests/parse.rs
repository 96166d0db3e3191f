//! The URL.

use std::time::Duration;

use proptest::prelude::*;
use secrecy::ExposeSecret as _;

use crate::sessions::redis::{HostPort, RedisAddress, Shape};

fn host(host: &str, port: u16) -> HostPort {
    HostPort { host: host.to_owned(), port }
}

fn parse(url: &str) -> RedisAddress {
    RedisAddress::parse(url).unwrap_or_else(|error| panic!("{url}: {error}; allowed: {}", error.allowed))
}

#[test]
fn a_bare_host_is_one_server_with_the_defaults() {
    let address = parse("redis://db");
    assert_eq!(address.shape, Shape::Standalone(host("db", 6379)));
    assert_eq!((address.database, address.prefix.as_str(), address.wait_replicas), (0, "poolgate", 0));
    assert_eq!(address.timeout, Duration::from_secs(1));
    assert!(!address.tls && address.ca_file.is_none() && address.login.password.is_none());
}

#[test]
fn user_password_port_database_and_parameters_are_read() {
    let address = parse(
        "rediss://us%40er:p%2F%3A%23%3F+w@[2001:db8::1]:7000/3?prefix=blue&ca_file=/a%20b.pem&wait_replicas=2&timeout_ms=250",
    );
    assert_eq!(address.shape, Shape::Standalone(host("2001:db8::1", 7000)));
    assert_eq!(address.login.user.as_deref(), Some("us@er"));
    assert_eq!(address.login.password.as_ref().unwrap().expose_secret(), "p/:#?+w");
    assert_eq!((address.database, address.prefix.as_str(), address.wait_replicas), (3, "blue", 2));
    assert_eq!(address.timeout, Duration::from_millis(250));
    assert_eq!(address.ca_file.as_deref(), Some(std::path::Path::new("/a b.pem")));
    assert!(address.tls);
}

#[test]
fn clusters_and_sentinels_are_lists_of_hosts() {
    let address = parse("redis+cluster://:pw@one:7000,two,[::1]:7002");
    assert_eq!(address.shape, Shape::Cluster(vec![host("one", 7000), host("two", 6379), host("::1", 7002)]));
    assert_eq!(address.wait_replicas, 1);
    let address = parse(
        "rediss+sentinel://u:pw@one,two:5000,[::1]/main.db-1/2?sentinel_user=s&sentinel_password=x%40%2B",
    );
    let sentinels = vec![host("one", 26379), host("two", 5000), host("::1", 26379)];
    assert_eq!(address.shape, Shape::Sentinel { sentinels, master: "main.db-1".to_owned() });
    assert_eq!((address.database, address.wait_replicas, address.tls), (2, 1, true));
    assert_eq!(address.sentinel_login.user.as_deref(), Some("s"));
    assert_eq!(address.sentinel_login.password.unwrap().expose_secret(), "x@+");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for url in [
        "redis:",
        "redis://",
        "redis://:6379",
        "redis://db:",
        "redis://db:0",
        "redis://db:70000",
        "redis://one,two",
        "redis://db/x",
        "redis://db/-1",
        "redis://db/1/2",
        "redis://db/99999",
        "redis+udp://db",
        "redisx://db",
        "valkey://db",
        "redis+cluster://db/1",
        "redis+cluster://one,,two",
        "redis+sentinel://db",
        "redis+sentinel://db/",
        "redis+sentinel://db/ma ster",
        "redis://db?unknown=1",
        "redis://db?prefix=",
        "redis://db?prefix=a:b",
        "redis://db?prefix=a&prefix=b",
        "redis://db?wait_replicas=6",
        "redis://db?wait_replicas=-1",
        "redis://db?timeout_ms=49",
        "redis://db?timeout_ms=60001",
        "redis://db?ca_file=/x.pem",
        "rediss://db?ca_file=",
        "redis://db?sentinel_user=x",
        "redis://user@db",
        "redis://0.0.0.0",
        "redis://a b",
        "redis://db#insecure",
        "rediss://db#insecure",
        "redis://d/b@c",
        "redis://d!b",
        "redis://db/+1",
        "rediss://db?ca_file=/a#b",
        &format!("redis+cluster://{}db", "db,".repeat(32)),
        &format!("redis+sentinel://db/{}", "m".repeat(129)),
    ] {
        let error = RedisAddress::parse(url).expect_err(url);
        assert!(!error.given.is_empty() && !error.allowed.is_empty(), "{url}");
    }
}

#[test]
fn a_password_that_was_not_encoded_is_not_shown_as_what_it_was_taken_for() {
    for url in [
        "redis://u:a/hunter2@db",
        "redis://u/hunter2@db",
        "redis+sentinel://u:1/hunter2@db",
        "redis://a?hunter2@db",
    ] {
        let error = RedisAddress::parse(url).expect_err(url);
        assert!(!format!("{error:?}").contains("hunter2"), "{url}: {error:?}");
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_no_password_is_shown(start in "(redis|rediss|redis\\+cluster|redis\\+sentinel)://", user in "[a-z]{0,3}", rest in "[ -~]{0,40}") {
        let url = format!("{start}{user}:hunter2{rest}");
        match RedisAddress::parse(&url) {
            Ok(address) => {
                let shown = format!("{:?}", address.login);
                prop_assert!(!shown.contains("hunter2"), "{}", shown);
            }
            Err(error) => {
                let shown = format!("{error} {}", error.allowed);
                prop_assert!(!shown.contains("hunter2"), "{}", shown);
            }
        }
    }

    #[test]
    fn what_was_percent_encoded_comes_back(user in "\\PC{1,12}", password in "\\PC{1,12}") {
        let encode = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
        let address = parse(&format!("redis://{}:{}@db", encode(&user), encode(&password)));
        prop_assert_eq!(address.login.user.as_deref(), Some(user.as_str()));
        prop_assert_eq!(address.login.password.as_ref().map(|secret| secret.expose_secret()), Some(password.as_str()));
    }
}
