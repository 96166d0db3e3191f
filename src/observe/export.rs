//! Spans to OpenTelemetry: OTLP over HTTP, in batches, beside the work and never in its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter as Otlp;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::trace;

/// How often it is said that spans cannot be sent.
const PACE: Duration = Duration::from_secs(60);

/// Makes what sends spans, as the `OTEL_` variables say.
///
/// # Errors
/// What is wrong with them, in a sentence.
pub fn provider(runtime: &Handle) -> Result<SdkTracerProvider, String> {
    for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
        if let Some(given) = std::env::var(name).ok().filter(|given| given != "http/protobuf") {
            return Err(format!(
                "{name}: given {given}; allowed: http/protobuf (port 4318 of most collectors)"
            ));
        }
    }
    let inner = Otlp::builder().with_http().build().map_err(|error| error.to_string())?;
    let exporter = Outside {
        inner: Arc::new(inner),
        runtime: runtime.clone(),
        started: Instant::now(),
        said: AtomicU64::new(u64::MAX),
    };
    let mut resource = Resource::builder();
    let attributes = std::env::var("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let named = std::env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.is_empty())
        || attributes.split(',').any(|pair| pair.trim().starts_with("service.name="));
    if !named {
        resource = resource.with_service_name("poolgate");
    }
    Ok(SdkTracerProvider::builder().with_resource(resource.build()).with_batch_exporter(exporter).build())
}

/// Hands the spans of [`trace::TARGET`] to it: no log line, and no span of a library.
pub fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    let ours = filter_fn(|about| about.is_span() && about.target() == trace::TARGET)
        .with_max_level_hint(LevelFilter::INFO);
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("poolgate"))
        .with_location(false)
        .with_threads(false)
        .with_level(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(ours)
}

/// Sends on our runtime: batches come from a thread that has none, and the HTTP client needs one.
#[derive(Debug)]
struct Outside {
    inner: Arc<Otlp>,
    runtime: Handle,
    started: Instant,
    /// When it was last said that sending fails, in seconds since `started`; `u64::MAX`: never.
    said: AtomicU64,
}

impl SpanExporter for Outside {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let (inner, spans) = (Arc::clone(&self.inner), batch.len());
        let sent = self.runtime.spawn(async move { inner.export(batch).await }).await;
        let sent = sent.unwrap_or_else(|error| Err(OTelSdkError::InternalFailure(error.to_string())));
        if let Err(error) = &sent {
            self.complain(error, spans);
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.set_resource(resource);
        }
    }
}

impl Outside {
    fn complain(&self, error: &OTelSdkError, spans: usize) {
        let (now, last) = (self.started.elapsed().as_secs(), self.said.load(Ordering::Relaxed));
        if last == u64::MAX || now.saturating_sub(last) >= PACE.as_secs() {
            self.said.store(now, Ordering::Relaxed);
            tracing::warn!(%error, spans, "traces cannot be sent: they are dropped, and nothing else is affected");
        }
    }
}
