//! Calls to providers over HTTP, timed.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use poolgate_providers::fetch::{FetchError, Http};
use tracing::Instrument as _;

use super::labels::{Class, Fetched};
use super::metrics::Metrics;
use super::trace;

/// Outgoing HTTP that is watched.
pub struct WatchedHttp {
    inner: Arc<dyn Http>,
    metrics: Arc<Metrics>,
}

impl WatchedHttp {
    /// Around `inner`.
    pub fn new(inner: Arc<dyn Http>, metrics: Arc<Metrics>) -> Self {
        Self { inner, metrics }
    }
}

#[async_trait]
impl Http for WatchedHttp {
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
        let span = trace::fetch(request.method().as_str(), request.uri().host().unwrap_or_default());
        let since = Instant::now();
        let answer = self.inner.send(request).instrument(span.clone()).await;
        let ended = ended(&answer);
        if let Ok(answer) = &answer {
            span.record("http.response.status_code", answer.status().as_u16());
        }
        self.metrics.fetches.of(ended).observe(since.elapsed());
        answer
    }
}

fn ended(answer: &Result<http::Response<Vec<u8>>, FetchError>) -> Fetched {
    match answer {
        Ok(answer) => match Class::of(answer.status().as_u16()) {
            Class::Success => Fetched::Success,
            Class::Redirect => Fetched::Redirect,
            Class::Client => Fetched::Client,
            Class::Server => Fetched::Server,
        },
        Err(FetchError::TimedOut) => Fetched::TimedOut,
        Err(FetchError::BrokeOff) => Fetched::BrokeOff,
        Err(FetchError::AddressRefused(_) | FetchError::UrlRefused(_)) => Fetched::NotAllowed,
        Err(FetchError::TooLarge) => Fetched::TooLarge,
        Err(FetchError::Broken(_)) => Fetched::Unreachable,
    }
}
