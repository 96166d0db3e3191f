//! One server.

use super::*;
use crate::sessions::conformance::session_conformance;

session_conformance!(Alone::new());

/// Where the store puts a code of this name.
fn place(name: &str) -> String {
    format!("poolgate:v1:code:{name}")
}

#[tokio::test]
async fn what_redis_holds_says_nothing_and_ends() {
    let here = Alone::new();
    let store = here.at.store().await;
    let until = here.now() + TEN;
    store.put(&code("put"), b"alice@example.com".to_vec(), until).await.unwrap();
    store.put_new(&Key::new(Kind::Used, "mark"), b"alice@example.com".to_vec(), until).await.unwrap();
    store.put(&code("exchanged"), b"old".to_vec(), until).await.unwrap();
    store.exchange(&code("exchanged"), b"alice@example.com".to_vec()).await.unwrap();
    let keys = here.redis.command(&["KEYS", "*"]);
    let names: Vec<_> = keys.lines().filter(|line| line.starts_with("poolgate:v1:")).collect();
    assert_eq!(names.len(), 4, "{keys}");
    for name in names {
        assert!(!here.redis.command(&["GET", name]).contains("alice"), "{name}");
        let left: i64 = here.redis.command(&["PTTL", name]).trim_start_matches(':').trim().parse().unwrap();
        // The end and the slack: a clock of Redis that is ahead forgets nothing early, least of all a mark.
        let least = if name.contains(":used:") { 600_000 } else { 60_000 };
        assert!(left > least, "{name}: {left}");
    }
}

#[tokio::test]
async fn a_redis_of_another_master_key_is_refused_and_another_prefix_is_another_place() {
    let here = Alone::new();
    let store = here.at.store().await;
    let until = here.now() + TEN;
    store.put(&code("a"), b"1".to_vec(), until).await.unwrap();
    let refused = here.at.try_open(8).await.err().unwrap();
    assert!(
        matches!(refused, SessionError::Unusable(_)) && refused.to_string().contains("another master key")
    );
    // The same key is welcome again; nobody was locked out by the other.
    assert_eq!(here.at.store().await.get(&code("a")).await.unwrap(), Some(b"1".to_vec()));
    let beside = At::new(format!("{}?prefix=other", here.redis.url()));
    let other = beside.try_open(8).await.unwrap();
    assert_eq!(other.get(&code("a")).await.unwrap(), None);
    assert!(other.put_new(&code("a"), Vec::new(), until).await.unwrap());
    assert_eq!(store.get(&code("a")).await.unwrap(), Some(b"1".to_vec()));
}

#[tokio::test]
async fn another_database_number_is_another_place() {
    let here = Alone::new();
    let (store, until) = (here.at.store().await, here.now() + TEN);
    store.put(&code("a"), b"1".to_vec(), until).await.unwrap();
    let beside = At::new(format!("{}/1", here.redis.url())).store().await;
    assert_eq!(beside.get(&code("a")).await.unwrap(), None);
    assert_eq!(store.get(&code("a")).await.unwrap(), Some(b"1".to_vec()));
}

#[tokio::test]
async fn an_altered_value_is_absent_to_read_and_present_to_mark() {
    let here = Alone::new();
    let store = here.at.store().await;
    let until = here.now() + TEN;
    // Format, end, the end's tag, salt, body.
    for offset in ["0", "5", "12", "30", "45"] {
        store.put(&code("a"), b"value".to_vec(), until).await.unwrap();
        let byte = if offset == "5" { "\u{1}" } else { "\u{7f}" };
        here.redis.command(&["SETRANGE", &place("a"), offset, byte]);
        assert_eq!(store.get(&code("a")).await.unwrap(), None, "{offset}");
        if offset != "5" {
            assert!(!store.put_new(&code("a"), b"new".to_vec(), until).await.unwrap(), "{offset}");
        }
        assert_eq!(store.take(&code("a")).await.unwrap(), None, "{offset}");
    }
    // A whole value, put under another name.
    store.put(&code("a"), b"value".to_vec(), until).await.unwrap();
    here.redis.command(&["COPY", &place("a"), &place("b")]);
    assert_eq!(store.get(&code("b")).await.unwrap(), None);
    assert_eq!(store.exchange(&code("b"), b"mine".to_vec()).await.unwrap(), None);
}

#[tokio::test]
async fn an_end_cannot_be_moved() {
    let here = Alone::new();
    let store = here.at.store().await;
    store.put(&code("short"), b"1".to_vec(), here.now() + TEN).await.unwrap();
    store.put(&code("long"), b"1".to_vec(), here.now() + TEN * 100).await.unwrap();
    let graft = "local l = redis.call('GET', KEYS[2]) local s = redis.call('GET', KEYS[1]) \
                 redis.call('SET', KEYS[1], string.sub(l, 1, 25) .. string.sub(s, 26), 'KEEPTTL')";
    here.redis.command(&["EVAL", graft, "2", &place("short"), &place("long")]);
    assert_eq!(store.get(&code("short")).await.unwrap(), None);
    assert_eq!(store.exchange(&code("short"), b"2".to_vec()).await.unwrap(), None);
    assert_eq!(store.get(&code("short")).await.unwrap(), None);
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_sent_again() {
    let here = Alone::new();
    let store = here.at.store().await;
    let until = here.now() + TEN;
    for round in ["a", "b"] {
        assert!(store.put_new(&code(round), b"1".to_vec(), until).await.unwrap());
        here.redis.command(&["SCRIPT", "FLUSH"]);
        assert!(store.exchange(&code(round), b"2".to_vec()).await.unwrap().is_some());
        here.redis.command(&["SCRIPT", "FLUSH"]);
    }
}

#[tokio::test]
async fn a_user_with_the_documented_rights_is_enough() {
    let page = include_str!("../../../../docs/configuration.md");
    let line = page.lines().find_map(|line| line.split_once("`ACL SETUSER ")).unwrap().1;
    let words: Vec<_> = line.split('`').next().unwrap().split(' ').collect();
    let here = Alone::new();
    let mut command = vec!["ACL", "SETUSER"];
    command.extend(words.iter().map(|word| word.strip_suffix("PASSWORD").map_or(*word, |_| ">secret")));
    assert!(here.redis.command(&command).contains("OK"));
    here.redis.command(&["ACL", "SETUSER", "default", "off"]);
    let at = At::new(format!("redis://poolgate:secret@127.0.0.1:{}", here.redis.port()));
    crate::sessions::conformance::take_gives_and_removes(&at).await;
    crate::sessions::conformance::put_new_sets_only_what_is_not_there(&at).await;
    crate::sessions::conformance::reopening_keeps_what_lives(&at).await;
    crate::sessions::conformance::an_announcement_is_heard_by_whoever_listens(&at).await;
}
