//! What every session store must do. An implementation runs all of it with [`session_conformance!`].

use std::sync::Arc;

use async_trait::async_trait;
use time::{Duration, OffsetDateTime};

use super::{Key, Kind, SessionError, SessionStore};

/// A place where one store lives, empty at first, and its time.
#[async_trait]
pub(crate) trait Setting: Send + Sync {
    /// Opens it. Whatever was opened before is closed by then.
    async fn open(&self) -> Arc<dyn SessionStore>;

    /// The store's time.
    fn now(&self) -> OffsetDateTime;

    /// Lets time pass for the store.
    async fn advance(&self, by: Duration);
}

/// Makes a test of every rule, each with a setting of its own. `in_one_test MAKE, FAILED` runs them one after the
/// other instead, each in a setting from `MAKE()`; `FAILED(rule, error)` returns where the rule is to be run again.
macro_rules! session_conformance {
    (@tests $setting:expr; $($rule:ident),*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                let setting = $setting;
                $crate::sessions::conformance::$rule(&setting).await;
            }
        )*
    };
    (@sequence $make:expr, $failed:expr; $($rule:ident),*) => {
        $(
            loop {
                let setting = $make();
                let run = async move { $crate::sessions::conformance::$rule(&setting).await };
                match tokio::spawn(run).await {
                    Ok(()) => break,
                    Err(error) => $failed(stringify!($rule), error),
                }
            }
        )*
    };
    (@all $kind:ident $($arg:expr),*) => {
        $crate::sessions::conformance::session_conformance!(@$kind $($arg),*;
            a_value_is_read_back_until_another_is_put,
            each_kind_has_its_own_names,
            put_new_sets_only_what_is_not_there,
            take_gives_and_removes,
            exchange_keeps_the_end_and_makes_nothing_new,
            delete_removes_and_does_not_mind,
            nothing_expired_is_returned_by_any_step,
            a_name_is_free_again_after_its_end,
            of_a_hundred_takers_one_gets_it,
            of_a_hundred_put_new_one_wins,
            concurrent_exchanges_form_a_chain,
            any_bytes_are_kept_and_any_name,
            a_name_too_long_is_refused,
            reopening_keeps_what_lives,
            an_announcement_is_heard_by_whoever_listens,
            a_closed_store_says_so
        );
    };
    (in_one_test $make:expr, $failed:expr) => {
        $crate::sessions::conformance::session_conformance!(@all sequence $make, $failed)
    };
    ($setting:expr) => {
        $crate::sessions::conformance::session_conformance!(@all tests $setting);
    };
}
pub(crate) use session_conformance;

const TEN: Duration = Duration::seconds(10);

fn code(name: &str) -> Key {
    Key::new(Kind::Code, name)
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

pub(crate) async fn a_value_is_read_back_until_another_is_put(setting: &dyn Setting) {
    let store = setting.open().await;
    assert_eq!(store.get(&code("a")).await.unwrap(), None);
    store.put(&code("a"), bytes("1"), setting.now() + TEN).await.unwrap();
    assert_eq!(store.get(&code("a")).await.unwrap(), Some(bytes("1")));
    store.put(&code("a"), bytes("22"), setting.now() + TEN * 3).await.unwrap();
    setting.advance(TEN * 2).await;
    assert_eq!(store.get(&code("a")).await.unwrap(), Some(bytes("22")));
    store.close().await;
}

pub(crate) async fn each_kind_has_its_own_names(setting: &dyn Setting) {
    let store = setting.open().await;
    let kinds =
        [Kind::Attempt, Kind::Code, Kind::Session, Kind::Used, Kind::SignOut, Kind::Lease, Kind::Fetched];
    for kind in kinds {
        let value = bytes(kind.as_str());
        assert!(store.put_new(&Key::new(kind, "same"), value, setting.now() + TEN).await.unwrap());
    }
    for kind in kinds {
        assert_eq!(store.take(&Key::new(kind, "same")).await.unwrap(), Some(bytes(kind.as_str())));
    }
    store.close().await;
}

pub(crate) async fn put_new_sets_only_what_is_not_there(setting: &dyn Setting) {
    let store = setting.open().await;
    assert!(store.put_new(&code("a"), bytes("1"), setting.now() + TEN).await.unwrap());
    assert!(!store.put_new(&code("a"), bytes("2"), setting.now() + TEN * 9).await.unwrap());
    assert_eq!(store.get(&code("a")).await.unwrap(), Some(bytes("1")));
    // The refused one did not move the end either.
    setting.advance(TEN).await;
    assert_eq!(store.get(&code("a")).await.unwrap(), None);
    store.close().await;
}

pub(crate) async fn take_gives_and_removes(setting: &dyn Setting) {
    let store = setting.open().await;
    store.put(&code("a"), bytes("1"), setting.now() + TEN).await.unwrap();
    assert_eq!(store.take(&code("a")).await.unwrap(), Some(bytes("1")));
    assert_eq!(store.take(&code("a")).await.unwrap(), None);
    assert_eq!(store.get(&code("a")).await.unwrap(), None);
    store.close().await;
}

pub(crate) async fn exchange_keeps_the_end_and_makes_nothing_new(setting: &dyn Setting) {
    let store = setting.open().await;
    assert_eq!(store.exchange(&code("a"), bytes("1")).await.unwrap(), None);
    assert_eq!(store.get(&code("a")).await.unwrap(), None);
    store.put(&code("a"), bytes("1"), setting.now() + TEN).await.unwrap();
    assert_eq!(store.exchange(&code("a"), bytes("2")).await.unwrap(), Some(bytes("1")));
    assert_eq!(store.get(&code("a")).await.unwrap(), Some(bytes("2")));
    setting.advance(TEN).await;
    assert_eq!(store.get(&code("a")).await.unwrap(), None);
    store.close().await;
}

pub(crate) async fn delete_removes_and_does_not_mind(setting: &dyn Setting) {
    let store = setting.open().await;
    store.put(&code("a"), bytes("1"), setting.now() + TEN).await.unwrap();
    store.delete(&code("a")).await.unwrap();
    store.delete(&code("a")).await.unwrap();
    assert_eq!(store.get(&code("a")).await.unwrap(), None);
    store.close().await;
}

pub(crate) async fn nothing_expired_is_returned_by_any_step(setting: &dyn Setting) {
    let store = setting.open().await;
    for name in ["get", "take", "exchange"] {
        store.put(&code(name), bytes("1"), setting.now() + TEN).await.unwrap();
    }
    setting.advance(TEN).await;
    assert_eq!(store.get(&code("get")).await.unwrap(), None);
    assert_eq!(store.take(&code("take")).await.unwrap(), None);
    assert_eq!(store.exchange(&code("exchange"), bytes("2")).await.unwrap(), None);
    assert_eq!(store.get(&code("exchange")).await.unwrap(), None);
    store.close().await;
}

pub(crate) async fn a_name_is_free_again_after_its_end(setting: &dyn Setting) {
    let store = setting.open().await;
    assert!(store.put_new(&code("a"), bytes("1"), setting.now() + TEN).await.unwrap());
    setting.advance(TEN - Duration::seconds(1)).await;
    assert!(!store.put_new(&code("a"), bytes("2"), setting.now() + TEN).await.unwrap());
    setting.advance(Duration::seconds(1)).await;
    assert!(store.put_new(&code("a"), bytes("3"), setting.now() + TEN).await.unwrap());
    assert_eq!(store.get(&code("a")).await.unwrap(), Some(bytes("3")));
    store.close().await;
}

pub(crate) async fn of_a_hundred_takers_one_gets_it(setting: &dyn Setting) {
    let store = setting.open().await;
    store.put(&code("a"), bytes("1"), setting.now() + TEN).await.unwrap();
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.take(&code("a")).await.unwrap().is_some() })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        winners += usize::from(task.await.unwrap());
    }
    assert_eq!(winners, 1);
    store.close().await;
}

pub(crate) async fn of_a_hundred_put_new_one_wins(setting: &dyn Setting) {
    let store = setting.open().await;
    let until = setting.now() + TEN;
    let tasks: Vec<_> = (0..100)
        .map(|number: u32| {
            let store = Arc::clone(&store);
            let value = bytes(&number.to_string());
            tokio::spawn(async move {
                store.put_new(&code("a"), value.clone(), until).await.unwrap().then_some(value)
            })
        })
        .collect();
    let mut winners = Vec::new();
    for task in tasks {
        winners.extend(task.await.unwrap());
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(store.get(&code("a")).await.unwrap().as_ref(), winners.first());
    store.close().await;
}

pub(crate) async fn concurrent_exchanges_form_a_chain(setting: &dyn Setting) {
    let store = setting.open().await;
    store.put(&code("a"), bytes("start"), setting.now() + TEN).await.unwrap();
    let tasks: Vec<_> = (0..100)
        .map(|number: u32| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                store.exchange(&code("a"), bytes(&number.to_string())).await.unwrap().unwrap()
            })
        })
        .collect();
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(task.await.unwrap());
    }
    seen.push(store.get(&code("a")).await.unwrap().unwrap());
    store.close().await;
    // Every value was handed on exactly once, the last one is what is stored: also after reopening.
    let last = setting.open().await;
    assert_eq!(last.get(&code("a")).await.unwrap().as_ref(), seen.last());
    last.close().await;
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 101);
}

pub(crate) async fn any_bytes_are_kept_and_any_name(setting: &dyn Setting) {
    let store = setting.open().await;
    let value: Vec<u8> = (0..=255).collect();
    let until = setting.now() + TEN;
    let names = ["", "\0", "a\0b", "a\0c", "A", "a", "a:b", "{a}", "é", "'\"\\", &"n".repeat(512)];
    for name in names {
        assert!(store.put_new(&code(name), value.clone(), until).await.unwrap(), "{name:?}");
    }
    store.put(&code("nothing"), Vec::new(), until).await.unwrap();
    store.close().await;
    let store = setting.open().await;
    for name in names {
        assert_eq!(store.take(&code(name)).await.unwrap().as_ref(), Some(&value), "{name:?}");
    }
    assert_eq!(store.take(&code("nothing")).await.unwrap(), Some(Vec::new()));
    store.close().await;
}

pub(crate) async fn a_name_too_long_is_refused(setting: &dyn Setting) {
    let store = setting.open().await;
    let long = code(&"n".repeat(513));
    assert!(matches!(
        store.put(&long, Vec::new(), setting.now() + TEN).await,
        Err(SessionError::NameTooLong(513))
    ));
    assert!(matches!(
        store.put_new(&long, Vec::new(), setting.now() + TEN).await,
        Err(SessionError::NameTooLong(_))
    ));
    assert!(matches!(store.get(&long).await, Err(SessionError::NameTooLong(_))));
    store.close().await;
}

pub(crate) async fn reopening_keeps_what_lives(setting: &dyn Setting) {
    let store = setting.open().await;
    let until = setting.now() + TEN;
    for name in ["kept", "taken", "deleted", "exchanged"] {
        store.put(&code(name), bytes(name), until).await.unwrap();
    }
    store.put(&code("short"), bytes("short"), setting.now() + TEN / 2).await.unwrap();
    store.take(&code("taken")).await.unwrap();
    store.delete(&code("deleted")).await.unwrap();
    store.exchange(&code("exchanged"), bytes("new")).await.unwrap();
    store.close().await;
    setting.advance(TEN / 2).await;
    let store = setting.open().await;
    store.ping().await.unwrap();
    assert_eq!(store.get(&code("kept")).await.unwrap(), Some(bytes("kept")));
    assert_eq!(store.get(&code("exchanged")).await.unwrap(), Some(bytes("new")));
    for gone in ["taken", "deleted", "short"] {
        assert_eq!(store.get(&code(gone)).await.unwrap(), None, "{gone}");
    }
    setting.advance(TEN / 2).await;
    assert_eq!(store.get(&code("kept")).await.unwrap(), None);
    store.close().await;
}

pub(crate) async fn an_announcement_is_heard_by_whoever_listens(setting: &dyn Setting) {
    let store = setting.open().await;
    let (mut one, mut other) = (store.announcements(), store.announcements());
    // A listener that has just been set up may be told once that something may have happened.
    for _ in 0..3 {
        one.mark_unchanged();
        other.mark_unchanged();
        store.announce().await.unwrap();
        for listener in [&mut one, &mut other] {
            let heard = tokio::time::timeout(std::time::Duration::from_secs(10), listener.changed()).await;
            heard.expect("nothing was heard").unwrap();
        }
    }
    store.close().await;
}

pub(crate) async fn a_closed_store_says_so(setting: &dyn Setting) {
    let store = setting.open().await;
    store.put(&code("a"), bytes("1"), setting.now() + TEN).await.unwrap();
    store.close().await;
    assert!(matches!(store.ping().await, Err(SessionError::Away(_))));
    assert!(matches!(store.get(&code("a")).await, Err(SessionError::Away(_))));
    assert!(matches!(store.take(&code("a")).await, Err(SessionError::Away(_))));
    assert!(matches!(store.take(&code("b")).await, Err(SessionError::Away(_))));
    assert!(matches!(
        store.put_new(&code("b"), bytes("1"), setting.now() + TEN).await,
        Err(SessionError::Away(_))
    ));
}
