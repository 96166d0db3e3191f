//! On real servers: the conformance suite, and what is particular to Redis.

mod attempts;
mod cluster;
mod faults;
mod late;
mod load;
mod parse;
mod sentinel;
mod standalone;
mod tls;

use std::sync::Arc;

use async_trait::async_trait;
use poolgate_providers::{Clock as _, SystemRandom};
use poolgate_testing::Redis;
use time::{Duration, OffsetDateTime};

use super::{RedisAddress, RedisSessions, SessionSeal};
use crate::directory::sqlite::tests::TestClock;
use crate::sessions::conformance::Setting;
use crate::sessions::{Key, Kind, SessionError, SessionStore};

const TEN: Duration = Duration::seconds(10);

fn seal(byte: u8) -> SessionSeal {
    SessionSeal::new(&[byte; 32], Arc::new(SystemRandom)).unwrap()
}

fn code(name: &str) -> Key {
    Key::new(Kind::Code, name)
}

/// Stores at some URL, all with the same clock and master key.
struct At {
    url: String,
    clock: Arc<TestClock>,
}

impl At {
    fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), clock: TestClock::at_noon() }
    }

    async fn try_open(&self, key: u8) -> Result<RedisSessions, SessionError> {
        let address = RedisAddress::parse(&self.url).unwrap();
        RedisSessions::open(&address, self.clock.clone(), seal(key)).await
    }

    async fn store(&self) -> RedisSessions {
        self.try_open(7).await.unwrap()
    }
}

#[async_trait]
impl Setting for At {
    async fn open(&self) -> Arc<dyn SessionStore> {
        Arc::new(self.store().await)
    }

    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

/// Repeats a step until it does as it should: for what comes back by itself, nobody can tell when.
async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut attempt: impl FnMut() -> F) -> T {
    let begun = tokio::time::Instant::now();
    loop {
        if let Some(done) = attempt().await {
            return done;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "it takes too long until {what}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// The step fails as away, without a secret or the name of a key in its words.
fn assert_away<T: std::fmt::Debug>(result: Result<T, SessionError>) -> String {
    match result {
        Err(SessionError::Away(why)) => {
            assert!(!why.contains("secret") && !why.contains("poolgate:"), "{why}");
            why
        }
        other => panic!("not away: {other:?}"),
    }
}

/// A server of its own.
struct Alone {
    redis: Redis,
    at: At,
}

impl Alone {
    fn new() -> Self {
        Self::with(&[], "")
    }

    /// With further words of the server's command line, and parameters of the URL.
    fn with(options: &[&str], parameters: &str) -> Self {
        let redis = Redis::start_with(options);
        let at = At::new(format!("{}{parameters}", redis.url()));
        Self { redis, at }
    }
}

#[async_trait]
impl Setting for Alone {
    async fn open(&self) -> Arc<dyn SessionStore> {
        self.at.open().await
    }

    fn now(&self) -> OffsetDateTime {
        self.at.now()
    }

    async fn advance(&self, by: Duration) {
        self.at.advance(by).await;
    }
}
