//! Spans for OpenTelemetry: one for each request, and below it one for each thing that takes time.
//!
//! They are apart from the span that log lines stand in: what a span of this target holds leaves the house, so no
//! path, query, name or secret is ever put into one. Without the cargo feature `otel`, or without an address to
//! send them to, nobody asks for them and they cost nothing.

use tracing::Span;
use tracing::field::Empty;

use super::labels::{Label as _, ProviderCall, TypeLabel};
use crate::pool::Trigger;

/// Target of the spans that are exported, and of nothing else.
pub const TARGET: &str = "poolgate::trace";

/// A request to the public listener. `id` is the one that its answer carries (`x-amzn-requestid`).
pub fn request(method: &str, route: &'static str, id: &str) -> Span {
    let method = known_method(method);
    tracing::info_span!(
        target: TARGET,
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        poolgate.request_id = id,
    )
}

/// A method that HTTP has, or `_OTHER` as OpenTelemetry's conventions say: a stranger may send any word, and a span
/// must hold nothing of their choice.
fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("_OTHER")
}

/// The request was answered.
pub fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

/// What a provider's adapter does, its verification included.
pub fn provider(provider_type: TypeLabel, call: ProviderCall) -> Span {
    let (provider_type, call) = (provider_type.as_str(), call.as_str());
    tracing::info_span!(
        target: TARGET,
        "provider",
        otel.name = format!("provider {call}"),
        poolgate.provider.r#type = provider_type,
        poolgate.provider.call = call,
    )
}

/// A call to a provider over HTTP.
pub fn fetch(method: &str, host: &str) -> Span {
    tracing::info_span!(
        target: TARGET,
        "fetch",
        otel.name = method,
        otel.kind = "client",
        http.request.method = method,
        server.address = host,
        http.response.status_code = Empty,
    )
}

/// A function that is asked, every attempt included.
pub fn trigger(trigger: Trigger) -> Span {
    let trigger = trigger.as_str();
    tracing::info_span!(
        target: TARGET,
        "trigger",
        otel.name = format!("trigger {trigger}"),
        otel.kind = "client",
        poolgate.trigger = trigger,
    )
}

/// A question to a store.
pub fn store(store: &'static str, operation: &'static str) -> Span {
    tracing::info_span!(
        target: TARGET,
        "store",
        otel.name = format!("{store} {operation}"),
        otel.kind = "client",
        db.operation.name = operation,
        poolgate.store = store,
    )
}

/// The signatures of tokens.
pub fn sign() -> Span {
    tracing::info_span!(target: TARGET, "sign tokens")
}

/// Lets a span continue the trace that this `traceparent` (W3C Trace Context) names. Only for what a trusted proxy
/// says: a stranger must neither choose what is sampled nor write into other people's traces.
#[cfg(feature = "otel")]
pub fn continues(span: &Span, traceparent: &str) {
    use std::collections::HashMap;

    use opentelemetry::propagation::TextMapPropagator as _;
    use opentelemetry_sdk::propagation::TraceContextPropagator;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    let carrier = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    // A span that nobody samples takes no parent.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
}

/// The id of the trace that a span belongs to, 32 hexadecimal digits, when it is traced.
#[cfg(feature = "otel")]
pub fn id(span: &Span) -> Option<String> {
    use opentelemetry::trace::TraceContextExt as _;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| context.trace_id().to_string())
}

/// Without OpenTelemetry there is nothing to continue.
#[cfg(not(feature = "otel"))]
pub fn continues(_span: &Span, _traceparent: &str) {}

/// Without OpenTelemetry nothing is traced.
#[cfg(not(feature = "otel"))]
pub fn id(_span: &Span) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_holds_no_method_that_a_stranger_made_up() {
        for method in ["GET", "POST", "OPTIONS", "PATCH"] {
            assert_eq!(known_method(method), method);
        }
        for method in ["get", "SECRET-OF-SOMEBODY", "", "GETX"] {
            assert_eq!(known_method(method), "_OTHER", "{method}");
        }
    }
}
