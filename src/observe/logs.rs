//! Where log lines and spans go: JSON lines to standard error, spans to OpenTelemetry.

use tokio::runtime::Handle;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt};

use super::trace;

/// Variables that tell where spans go: the one for everything, and the one for traces.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// The log of this process. To be closed at the end, so that no span is lost.
#[derive(Debug)]
#[must_use = "closing it sends what has not been sent"]
pub struct Logs {
    #[cfg(feature = "otel")]
    spans: Option<opentelemetry_sdk::trace::SdkTracerProvider>,
}

/// Starts logging. `POOLGATE_LOG` filters the lines (`tracing`'s directives); without it, `default` does. `spans`:
/// what sends them where the environment asks for it (`OTEL_EXPORTER_OTLP_ENDPOINT` and the other variables of
/// OpenTelemetry's specification); none: no spans are wanted.
pub fn start(default: &str, spans: Option<&Handle>) -> Logs {
    let wanted = spans.filter(|_| wants_spans(|name| std::env::var(name).ok()));
    #[cfg(feature = "otel")]
    {
        let (provider, trouble) = match wanted.map(super::export::provider).transpose() {
            Ok(provider) => (provider, None),
            Err(trouble) => (None, Some(trouble)),
        };
        let layer = provider.as_ref().map(super::export::layer);
        Registry::default().with(lines(default)).with(layer).init();
        if let Some(trouble) = trouble {
            tracing::warn!(trouble, "no traces are sent: the OTEL_ variables cannot be used");
        }
        Logs { spans: provider }
    }
    #[cfg(not(feature = "otel"))]
    {
        Registry::default().with(lines(default)).init();
        if wanted.is_some() {
            tracing::warn!("no traces are sent: this build is without OpenTelemetry (cargo feature otel)");
        }
        Logs {}
    }
}

impl Logs {
    /// Sends what has not been sent, for five seconds at most. Never inside the runtime that sends it.
    pub fn close(self) {
        #[cfg(feature = "otel")]
        if let Some(spans) = self.spans {
            // Who collects them is away: that was said.
            let _ = spans.shutdown();
        }
    }
}

fn lines(default: &str) -> impl tracing_subscriber::Layer<Registry> {
    let filter = EnvFilter::try_from_env("POOLGATE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    // What is exported stands in no line; what OpenTelemetry says of itself is said by `export`, less often.
    let ours =
        filter_fn(|about| about.target() != trace::TARGET && !about.target().starts_with("opentelemetry"))
            .with_max_level_hint(LevelFilter::TRACE);
    fmt::layer().json().with_span_list(false).with_writer(std::io::stderr).with_filter(filter.and(ours))
}

/// Whether the environment asks for traces (OpenTelemetry specification, "Environment Variable Specification").
fn wants_spans(variable: impl Fn(&str) -> Option<String>) -> bool {
    let is = |name: &str, value: &str| variable(name).is_some_and(|given| given.eq_ignore_ascii_case(value));
    let named = ENDPOINTS.iter().any(|name| variable(name).is_some_and(|given| !given.is_empty()));
    named && !is("OTEL_SDK_DISABLED", "true") && !is("OTEL_TRACES_EXPORTER", "none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_sent_where_an_address_is_named_and_nothing_switches_them_off() {
        let wants = |given: &[(&str, &str)]| {
            wants_spans(|name| {
                given.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let here = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        assert!(wants(&[here]));
        assert!(wants(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector:4318/v1/traces")]));
        for off in [&[][..], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]] {
            assert!(!wants(off), "{off:?}");
        }
        assert!(!wants(&[here, ("OTEL_SDK_DISABLED", "True")]));
        assert!(!wants(&[here, ("OTEL_TRACES_EXPORTER", "none")]));
    }
}
