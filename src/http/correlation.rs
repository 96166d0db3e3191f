//! Every response carries `x-amzn-requestid` (the log and the error page show the same id) and the headers that
//! keep browsers from guessing types and from telling where they came from.

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::ErrorRequestTimeout;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, web};
use tracing::Instrument as _;

use poolgate_providers::line;

use super::host::is_trusted;
use super::pages::headers;
use super::{State, reply};
use crate::observe::labels::{Class, Step};
use crate::observe::trace;

/// The id of one request: a UUID.
#[derive(Clone)]
pub struct CorrelationId(pub String);

/// Name of the header.
pub const HEADER: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// How long a request may take, its body included: longer than the slowest provider, and not for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// In how many seconds a client may ask again when a store is away: a failover is over by then, as a rule.
const COME_BACK: HeaderValue = HeaderValue::from_static("5");

/// The same of whoever asked too often, where nobody worked it out: no limit lets fewer than one a second through.
const IN_A_MOMENT: HeaderValue = HeaderValue::from_static("1");

/// Gives the request its id, its log span and its header.
///
/// # Errors
/// What the inner service fails with.
pub async fn middleware(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let state = request.app_data::<web::Data<State>>().cloned();
    let id = state.as_ref().map(|state| state.context.uuid()).unwrap_or_default();
    request.extensions_mut().insert(CorrelationId(id.clone()));
    let step = Step::of(request.path());
    let timer = state.as_ref().map(|state| state.context.metrics.steps.of(step).timer());
    let traced = traced(&request, state.as_ref(), step, &id);
    let span = tracing::info_span!(
        parent: &traced,
        "request",
        id = %id,
        method = %request.method(),
        // Not the path itself: a browser may write anything there.
        route = step.route(request.path()),
        // The provider's certificate that was believed.
        certificate = tracing::field::Empty,
        trace_id = trace::id(&traced),
    );
    let work =
        line::scope(span.clone(), next.call(request)).instrument(span.clone()).instrument(traced.clone());
    let answer = tokio::time::timeout(PATIENCE, work).await;
    drop(timer);
    let mut response = answer.map_err(|_| ErrorRequestTimeout("the request took too long\n"))??;
    let status = response.status().as_u16();
    trace::answered(&traced, status);
    span.in_scope(|| tracing::debug!(status, "answered"));
    if let Some(state) = &state {
        state.context.metrics.answers.of(Class::of(status)).inc();
        for (name, value) in headers::common(reply::transport(state), &reply::public_host(state)) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        for (name, value) in headers::UNLESS_SAID {
            if !response.headers().contains_key(name) {
                response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
        }
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, COME_BACK);
    }
    if response.status() == StatusCode::TOO_MANY_REQUESTS && !response.headers().contains_key(RETRY_AFTER) {
        response.headers_mut().insert(RETRY_AFTER, IN_A_MOMENT);
    }
    Ok(response)
}

/// The span that is exported. It continues somebody else's trace when a trusted proxy says so.
fn traced(request: &ServiceRequest, state: Option<&web::Data<State>>, step: Step, id: &str) -> tracing::Span {
    let span = trace::request(request.method().as_str(), step.route(request.path()), id);
    let trusted = || {
        let peer = request.peer_addr()?.ip();
        state.is_some_and(|state| is_trusted(peer, state)).then_some(())
    };
    let traceparent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    if let Some(traceparent) = traceparent.filter(|_| !span.is_disabled() && trusted().is_some()) {
        trace::continues(&span, traceparent);
    }
    span
}

/// The id of this request.
pub fn of(request: &HttpRequest) -> String {
    request.extensions().get::<CorrelationId>().map(|id| id.0.clone()).unwrap_or_default()
}
