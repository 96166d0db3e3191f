//! The session store, timed: what it is asked, and whether it is away.

use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::sync::watch;
use tracing::Instrument as _;

use super::labels::{Label as _, SessionCall};
use super::metrics::Metrics;
use super::trace;
use crate::sessions::{Key, SessionError, SessionStore};

/// The session store, watched.
pub struct WatchedSessions {
    inner: Arc<dyn SessionStore>,
    metrics: Arc<Metrics>,
}

impl WatchedSessions {
    /// Around `inner`.
    pub fn new(inner: Arc<dyn SessionStore>, metrics: Arc<Metrics>) -> Self {
        Self { inner, metrics }
    }

    async fn watch<T>(
        &self,
        call: SessionCall,
        work: impl Future<Output = Result<T, SessionError>>,
    ) -> Result<T, SessionError> {
        let asked = self.metrics.sessions.of(call);
        let timer = asked.seconds.timer();
        let answer = work.instrument(trace::store("sessions", call.as_str())).await;
        drop(timer);
        self.metrics
            .sessions_up
            .set(!matches!(answer, Err(SessionError::Away(_) | SessionError::Unusable(_))));
        if matches!(answer, Err(SessionError::Away(_) | SessionError::Unusable(_) | SessionError::Full)) {
            asked.failures.inc();
        }
        answer
    }
}

#[async_trait]
impl SessionStore for WatchedSessions {
    async fn put(&self, key: &Key, value: Vec<u8>, until: OffsetDateTime) -> Result<(), SessionError> {
        self.watch(SessionCall::Put, self.inner.put(key, value, until)).await
    }

    async fn put_new(&self, key: &Key, value: Vec<u8>, until: OffsetDateTime) -> Result<bool, SessionError> {
        self.watch(SessionCall::PutNew, self.inner.put_new(key, value, until)).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, SessionError> {
        self.watch(SessionCall::Get, self.inner.get(key)).await
    }

    async fn take(&self, key: &Key) -> Result<Option<Vec<u8>>, SessionError> {
        self.watch(SessionCall::Take, self.inner.take(key)).await
    }

    async fn exchange(&self, key: &Key, value: Vec<u8>) -> Result<Option<Vec<u8>>, SessionError> {
        self.watch(SessionCall::Exchange, self.inner.exchange(key, value)).await
    }

    async fn delete(&self, key: &Key) -> Result<(), SessionError> {
        self.watch(SessionCall::Delete, self.inner.delete(key)).await
    }

    async fn announce(&self) -> Result<(), SessionError> {
        self.watch(SessionCall::Announce, self.inner.announce()).await
    }

    fn announcements(&self) -> watch::Receiver<()> {
        self.inner.announcements()
    }

    async fn ping(&self) -> Result<(), SessionError> {
        self.watch(SessionCall::Ping, self.inner.ping()).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
