//! The span that the log lines of a request stand in, also where finer spans lie within it.

use tokio::task_local;
use tracing::{Span, Value};

task_local! {
    static LINE: Span;
}

/// Runs `work` with the fields that are [`record`]ed going to `span`.
pub async fn scope<T>(span: Span, work: impl Future<Output = T>) -> T {
    LINE.scope(span, work).await
}

/// Adds a field to the log lines of the request that is being answered; the span must have been made with it.
pub fn record(field: &str, value: impl Value) {
    let recorded = LINE.try_with(|span| {
        span.record(field, &value);
    });
    if recorded.is_err() {
        Span::current().record(field, &value);
    }
}
