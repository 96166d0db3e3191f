//! The call: its form, what is tried again, and what of an answer counts.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use poolgate_providers::fetch::{FetchError, Http};
use serde_json::{Map, Value, json};

use super::event::Kind;
use super::{ATTEMPTS, Asking, LARGEST, TriggerError, Triggers};
use crate::observe::metrics::Metrics;
use crate::pool::Trigger;
use crate::testing;

const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:hello:live";
const KIND: Kind<'static> = Kind {
    trigger: Trigger::PreSignUp,
    source: "PreSignUp_ExternalProvider",
    version: "1",
    user_name: "Acme_alice",
};

type Answer = Result<http::Response<Vec<u8>>, FetchError>;

/// Answers one after the other; the last one again and again.
#[derive(Default)]
struct Runtime {
    answers: Mutex<Vec<Answer>>,
    asked: Mutex<Vec<http::Request<Vec<u8>>>>,
}

fn copy(answer: &Answer) -> Answer {
    answer
        .as_ref()
        .map(|answer| {
            let mut copy = http::Response::new(answer.body().clone());
            *copy.status_mut() = answer.status();
            *copy.headers_mut() = answer.headers().clone();
            copy
        })
        .map_err(Clone::clone)
}

#[async_trait]
impl Http for Runtime {
    async fn send(&self, request: http::Request<Vec<u8>>) -> Answer {
        let asked = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(request);
            asked.len() - 1
        };
        let answers = self.answers.lock().unwrap();
        copy(answers.get(asked).or(answers.last()).unwrap())
    }
}

fn status(status: u16, body: &str) -> Answer {
    Ok(http::Response::builder().status(status).body(body.as_bytes().to_vec()).unwrap())
}

fn error(body: &str) -> Answer {
    let answer = http::Response::builder().header("X-Amz-Function-Error", "Unhandled");
    Ok(answer.body(body.as_bytes().to_vec()).unwrap())
}

fn event() -> Value {
    json!({ "triggerSource": KIND.source, "userName": "Acme_alice", "userPoolId": "us-east-1_Tests0001",
            "response": { "x": 1 } })
}

/// What comes of these answers, and how often the function was asked.
async fn asked(answers: Vec<Answer>) -> (Result<Map<String, Value>, TriggerError>, Arc<Runtime>) {
    let runtime = Arc::new(Runtime { answers: Mutex::new(answers), ..Runtime::default() });
    let base = "http://lambda.internal:9001/base/".parse().unwrap();
    let triggers = Triggers::at(base, Arc::<Runtime>::clone(&runtime));
    (ask(&triggers, &Metrics::default()).await, runtime)
}

async fn ask(triggers: &Triggers, metrics: &Metrics) -> Result<Map<String, Value>, TriggerError> {
    let client = testing::client(json!({}));
    let pool = testing::live_pool(client.clone(), Vec::new());
    let asking = Asking { pool: &pool, client: &client, surface: &testing::surface() };
    let sent = (json!({ "userAttributes": {} }), json!({}));
    triggers.ask(metrics, &asking, FUNCTION, KIND, sent).await
}

fn tries(runtime: &Runtime) -> usize {
    runtime.asked.lock().unwrap().len()
}

#[tokio::test]
async fn the_request_is_that_of_the_invoke_api_with_the_function_escaped() {
    let (response, runtime) = asked(vec![status(200, &event().to_string())]).await;
    assert_eq!(Value::Object(response.unwrap()), json!({ "x": 1 }));
    let asked = runtime.asked.lock().unwrap();
    let [request] = &asked[..] else { panic!("{}", asked.len()) };
    assert_eq!(
        request.uri().to_string(),
        "http://lambda.internal:9001/base/2015-03-31/functions/\
         arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ahello%3Alive/invocations"
    );
    assert_eq!(request.method(), "POST");
    assert_eq!(request.headers()["x-amz-invocation-type"], "RequestResponse");
    assert_eq!(request.headers()["content-type"], "application/json");
    let sent: Value = serde_json::from_slice(request.body()).unwrap();
    let expected = json!({
        "version": "1", "triggerSource": "PreSignUp_ExternalProvider", "region": "us-east-1",
        "userPoolId": "us-east-1_Tests0001", "userName": "Acme_alice",
        "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "app" },
        "request": { "userAttributes": {} }, "response": {},
    });
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn what_may_pass_is_tried_three_times_in_all() {
    for (away, says) in [
        (Err(FetchError::TimedOut), "timed out"),
        (Err(FetchError::BrokeOff), "broke off"),
        (Err(FetchError::Broken("refused by 10.0.0.7".into())), "cannot be reached"),
        (status(500, "{}"), "answered 500"),
        (status(503, "secret of the runtime"), "answered 503"),
        (status(429, "{}"), "answered 429"),
    ] {
        let (ended, runtime) = asked(vec![copy(&away)]).await;
        let error = ended.unwrap_err();
        assert_eq!(error.code(), "trigger_failed");
        let text = error.to_string();
        assert!(
            text.starts_with("PreSignUp invocation failed due to error ") && text.contains(says),
            "{text}"
        );
        assert!(!text.contains("10.0.0.7") && !text.contains("secret"), "{text}");
        assert_eq!(tries(&runtime), usize::try_from(ATTEMPTS).unwrap());
        let (ended, runtime) = asked(vec![copy(&away), copy(&away), status(200, &event().to_string())]).await;
        assert!(ended.is_ok(), "the third attempt counts");
        assert_eq!(tries(&runtime), 3);
    }
}

#[tokio::test]
async fn what_is_an_answer_is_asked_for_once() {
    for (answer, says) in [
        (
            error(r#"{"errorMessage":"no\nmore\u0000 room","errorType":"Error"}"#),
            "PreSignUp failed with error no more  room.",
        ),
        (error(r#"{"errorType":"Runtime.ExitError"}"#), "PreSignUp failed with error Runtime.ExitError."),
        (error("not json"), "PreSignUp failed with error without a message."),
        (status(404, "{}"), "PreSignUp invocation failed due to error the Lambda endpoint answered 404."),
        (status(302, "{}"), "PreSignUp invocation failed due to error the Lambda endpoint answered 302."),
        (status(202, "{}"), "PreSignUp invocation failed due to error the Lambda endpoint answered 202."),
        (Err(FetchError::TooLarge), "Unrecognizable lambda output of PreSignUp: it is larger than 1 MiB."),
    ] {
        let (ended, runtime) = asked(vec![answer]).await;
        assert_eq!(ended.unwrap_err().to_string(), says);
        assert_eq!(tries(&runtime), 1, "{says}");
    }
    let long = json!({ "errorMessage": "ü".repeat(5000) }).to_string();
    let TriggerError::Refused { message, .. } = asked(vec![error(&long)]).await.0.unwrap_err() else {
        panic!()
    };
    assert_eq!(message.chars().count(), 1000);
}

#[tokio::test]
async fn an_answer_that_is_not_the_event_is_of_no_use() {
    let with = |member: &str, value: Value| {
        let mut event = event();
        event[member] = value;
        event.to_string()
    };
    for body in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "\"ok\"".to_owned(),
        "{}".to_owned(),
        "<html>".to_owned(),
        with("response", Value::Null),
        with("response", json!([])),
        with("response", json!("x")),
        with("userName", json!("Acme_bob")),
        with("userName", json!(7)),
        with("userPoolId", json!("us-east-1_Other0001")),
        with("triggerSource", json!("PreSignUp_SignUp")),
        format!("{{\"response\":{{\"x\":{}{}}}}}", "[".repeat(200_000), "]".repeat(200_000)),
        format!("{} trailing", event()),
    ] {
        let (ended, runtime) = asked(vec![status(200, &body)]).await;
        assert_eq!(ended.unwrap_err().code(), "trigger_answer", "{}", &body[..body.len().min(100)]);
        assert_eq!(tries(&runtime), 1);
    }
    // Functions write to the request, and some leave out what they were told.
    for body in [with("request", json!({ "userAttributes": 7 })), json!({ "response": {} }).to_string()] {
        assert!(asked(vec![status(200, &body)]).await.0.is_ok(), "{body}");
    }
}

#[tokio::test]
async fn without_an_endpoint_nothing_goes_on_and_failures_are_counted() {
    let metrics = Metrics::default();
    let error = ask(&Triggers::default(), &metrics).await.unwrap_err();
    assert!(error.to_string().contains("POOLGATE_LAMBDA_ENDPOINT"), "{error}");
    let asked = metrics.triggers.of(Trigger::PreSignUp);
    assert_eq!((asked.seconds.count(), asked.failures.get()), (1, 1));
}

#[tokio::test]
async fn an_event_that_is_too_large_is_not_sent() {
    let runtime = Arc::new(Runtime::default());
    let triggers = Triggers::at("https://lambda.example".parse().unwrap(), Arc::<Runtime>::clone(&runtime));
    let client = testing::client(json!({}));
    let pool = testing::live_pool(client.clone(), Vec::new());
    let asking = Asking { pool: &pool, client: &client, surface: &testing::surface() };
    let sent = (json!({ "x": "x".repeat(LARGEST) }), json!({}));
    let ended = triggers.ask(&Metrics::default(), &asking, FUNCTION, KIND, sent).await;
    assert!(ended.unwrap_err().to_string().contains("1 MiB"));
    assert_eq!(tries(&runtime), 0);
}
