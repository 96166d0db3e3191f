//! The call: `POST {base}/2015-03-31/functions/{function}/invocations`.

use std::fmt::Write as _;

use poolgate_providers::fetch::FetchError;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::Instrument as _;

use super::event::{self, Event, Kind};
use super::{ATTEMPTS, Asking, Endpoint, LARGEST, TriggerError, Triggers};
use crate::observe::metrics::Metrics;
use crate::observe::trace;
use crate::pool::Trigger;

/// Longest text of a function's error that is passed on, in characters.
const LONGEST_MESSAGE: usize = 1000;

/// What came of one attempt.
enum Attempt {
    /// The function's answer.
    Answered(Vec<u8>),
    /// Nothing: asking again may help.
    Again(String),
    /// Something that asking again does not mend.
    Failed(TriggerError),
}

impl Triggers {
    /// Asks the function, and returns `response` of the event that it sends back.
    pub(super) async fn ask<Q: Serialize, R: Serialize>(
        &self,
        metrics: &Metrics,
        asking: &Asking<'_>,
        function: &str,
        kind: Kind<'_>,
        (request, response): (Q, R),
    ) -> Result<Map<String, Value>, TriggerError> {
        let watched = metrics.triggers.of(kind.trigger);
        let _timer = watched.seconds.timer();
        let sent = Event::new(asking, kind, request, response);
        let asked = self.invoke(kind.trigger, function, &sent).instrument(trace::trigger(kind.trigger));
        let answered = asked.await.and_then(|body| event::response(asking, kind, &body));
        if let Err(error) = &answered {
            watched.failures.inc();
            let (pool_id, trigger) = (asking.pool.id(), kind.trigger.as_str());
            tracing::info!(pool_id, trigger, code = error.code(), "a function did not let it go on");
        }
        answered
    }

    async fn invoke(
        &self,
        trigger: Trigger,
        function: &str,
        event: &impl Serialize,
    ) -> Result<Vec<u8>, TriggerError> {
        let unexpected = |why: &str| TriggerError::unexpected(trigger, why);
        let Some(endpoint) = &self.endpoint else {
            return Err(unexpected("no Lambda endpoint is set (POOLGATE_LAMBDA_ENDPOINT)"));
        };
        let event = serde_json::to_vec(event).map_err(|_| unexpected("the event cannot be written"))?;
        if event.len() > LARGEST {
            return Err(unexpected("the event is larger than 1 MiB"));
        }
        let url = endpoint.url(function);
        let mut last = String::new();
        for attempt in 1..=ATTEMPTS {
            match endpoint.attempt(trigger, &url, event.clone()).await {
                Attempt::Answered(body) => return Ok(body),
                Attempt::Failed(error) => return Err(error),
                Attempt::Again(why) => {
                    tracing::warn!(trigger = trigger.as_str(), attempt, %why, "a function was not reached");
                    last = why;
                }
            }
        }
        Err(unexpected(&format!("{last} ({ATTEMPTS} attempts)")))
    }
}

impl Endpoint {
    /// A function is named by its ARN or its name, whole and escaped.
    fn url(&self, function: &str) -> String {
        let mut url = format!("{}/2015-03-31/functions/", self.base.as_str().trim_end_matches('/'));
        for byte in function.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                url.push(char::from(byte));
            } else {
                let _ = write!(url, "%{byte:02X}");
            }
        }
        url.push_str("/invocations");
        url
    }

    async fn attempt(&self, trigger: Trigger, url: &str, event: Vec<u8>) -> Attempt {
        let request = http::Request::post(url)
            .header("content-type", "application/json")
            .header("x-amz-invocation-type", "RequestResponse")
            .body(event);
        let Ok(request) = request else {
            return Attempt::Failed(TriggerError::unexpected(trigger, "the function's name makes no URL"));
        };
        match self.http.send(request).await {
            Ok(answer) => judge(trigger, answer),
            Err(FetchError::TimedOut) => Attempt::Again("Lambda timed out".into()),
            Err(FetchError::BrokeOff) => Attempt::Again("the connection broke off".into()),
            Err(FetchError::Broken(why)) => {
                tracing::warn!(%why, "the Lambda endpoint cannot be reached");
                Attempt::Again("the Lambda endpoint cannot be reached".into())
            }
            Err(FetchError::TooLarge) => {
                Attempt::Failed(TriggerError::invalid(trigger, "it is larger than 1 MiB"))
            }
            Err(FetchError::AddressRefused(_) | FetchError::UrlRefused(_)) => {
                Attempt::Failed(TriggerError::unexpected(trigger, "the Lambda endpoint may not be asked"))
            }
        }
    }
}

/// An error of the function itself is an answer; an error of the API is not, and where it may pass it is asked again.
fn judge(trigger: Trigger, answer: http::Response<Vec<u8>>) -> Attempt {
    let status = answer.status().as_u16();
    if answer.headers().contains_key("x-amz-function-error") {
        let message = message(answer.body());
        return Attempt::Failed(TriggerError::Refused { trigger, message });
    }
    match status {
        200 => Attempt::Answered(answer.into_body()),
        429 | 500..=599 => Attempt::Again(format!("the Lambda endpoint answered {status}")),
        _ => {
            let why = format!("the Lambda endpoint answered {status}");
            Attempt::Failed(TriggerError::unexpected(trigger, why))
        }
    }
}

/// `errorMessage`, in a form that may stand in a redirect and in a log.
fn message(body: &[u8]) -> String {
    let said = serde_json::from_slice::<Value>(body).ok();
    let member = |name: &str| said.as_ref().and_then(|said| said.get(name)?.as_str()).map(str::to_owned);
    let text = member("errorMessage").filter(|text| !text.is_empty()).or_else(|| member("errorType"));
    let text = text.unwrap_or_else(|| "without a message".to_owned());
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_MESSAGE).collect()
}
