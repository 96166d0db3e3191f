//! Functions take part in whole sign-ins: a Lambda Invoke API answers over real HTTP.

mod claims;
mod federation;
mod refusals;
mod sign_up;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use poolgate_providers::fetch::FixedClient;
use serde_json::{Value, json};

use super::house::{Answer, Browser, House, POOL, callback_path, person};
use crate::registry::{Edit, Versioned};
use crate::triggers::Triggers;

/// How long a function of these tests may take: the real limit is five seconds.
const PATIENCE: Duration = Duration::from_millis(300);

pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:lambda:us-east-1:000000000000:function:{name}")
}

/// What a function does with an event.
#[derive(Clone)]
pub(super) enum Does {
    /// Returns it with this response.
    Responds(Value),
    /// Fails with this message.
    Fails(&'static str),
    /// Answers with this status and text.
    Answers(u16, String),
    /// Never answers.
    Hangs,
}

type Behaviour = Box<dyn Fn(&str, &Value) -> Does + Send + Sync>;

/// A Lambda runtime, and what it was asked.
pub(super) struct Lambda {
    asked: Mutex<Vec<(String, Value)>>,
    behaviour: Mutex<Behaviour>,
}

impl Lambda {
    /// The events so far: the function's name, and what it was sent.
    fn asked(&self) -> Vec<(String, Value)> {
        self.asked.lock().unwrap().clone()
    }

    fn names(&self) -> Vec<String> {
        self.asked().into_iter().map(|(name, _)| name).collect()
    }

    /// The only event of this function since the last time.
    fn event(&self, name: &str) -> Value {
        let mut events: Vec<_> =
            self.asked().into_iter().filter(|(asked, _)| asked == name).map(|(_, event)| event).collect();
        assert_eq!(events.len(), 1, "{name}: {events:?}");
        events.remove(0)
    }

    fn forget(&self) {
        self.asked.lock().unwrap().clear();
    }

    fn does(&self, behaviour: impl Fn(&str, &Value) -> Does + Send + Sync + 'static) {
        *self.behaviour.lock().unwrap() = Box::new(behaviour);
    }

    /// This function does that; all others return what they are sent.
    fn one_does(&self, name: &'static str, does: Does) {
        self.does(move |asked, event| if asked == name { does.clone() } else { returns(event) });
    }
}

fn returns(event: &Value) -> Does {
    Does::Responds(event["response"].clone())
}

async fn invoke(
    request: HttpRequest,
    name: web::Path<String>,
    lambda: web::Data<Lambda>,
    body: web::Bytes,
) -> HttpResponse {
    assert_eq!(request.headers().get("x-amz-invocation-type").unwrap(), "RequestResponse");
    let event: Value = serde_json::from_slice(&body).unwrap();
    let name = name.rsplit(':').next().unwrap().to_owned();
    lambda.asked.lock().unwrap().push((name.clone(), event.clone()));
    let does = (lambda.behaviour.lock().unwrap())(&name, &event);
    match does {
        Does::Responds(response) => {
            let mut event = event;
            event["response"] = response;
            HttpResponse::Ok().json(event)
        }
        Does::Fails(message) => HttpResponse::Ok()
            .insert_header(("X-Amz-Function-Error", "Unhandled"))
            .json(json!({ "errorMessage": message, "errorType": "Error" })),
        Does::Answers(status, text) => {
            HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap()).body(text)
        }
        Does::Hangs => std::future::pending().await,
    }
}

/// A house whose pool names a function for each of these triggers, called like the trigger.
pub(super) async fn house_with(config: Value) -> (House, web::Data<Lambda>) {
    let mut house = House::build().await;
    let lambda = web::Data::new(Lambda {
        asked: Mutex::default(),
        behaviour: Mutex::new(Box::new(|_, event| returns(event))),
    });
    let shared = web::Data::clone(&lambda);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::clone(&shared))
            .route("/at/2015-03-31/functions/{name}/invocations", web::post().to(invoke))
    });
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base: url::Url = format!("http://{}/at/", listener.local_addr().unwrap()).parse().unwrap();
    let server = server.workers(1).disable_signals().shutdown_timeout(0).listen(listener).unwrap().run();
    actix_web::rt::spawn(server);
    let client = FixedClient::to(&base, PATIENCE).unwrap();
    house.state.context.triggers = Arc::new(Triggers::at(base, Arc::new(client)));
    configure(&house, config).await;
    (house, lambda)
}

/// The pool's `LambdaConfig` from now on.
async fn configure(house: &House, config: Value) {
    let snapshot = house.state.context.registry.snapshot();
    let Versioned { mut value, version } = snapshot.pool(POOL).unwrap().pool.clone();
    value.lambda_config = serde_json::from_value(config).unwrap();
    house.edit(vec![Edit::UpdatePool(Versioned { value, version })]).await;
}

/// Every trigger that is asked in a sign-in, each of a function of its name.
fn every_trigger() -> Value {
    json!({
        "InboundFederation": { "LambdaArn": arn("InboundFederation"), "LambdaVersion": "V1_0" },
        "PreSignUp": arn("PreSignUp"), "PostConfirmation": arn("PostConfirmation"),
        "PreAuthentication": arn("PreAuthentication"), "PostAuthentication": arn("PostAuthentication"),
        "PreTokenGenerationConfig": { "LambdaArn": arn("PreTokenGeneration"), "LambdaVersion": "V2_0" },
    })
}

/// A sign-in of this person with Acme, as far as the app.
async fn sign_in(house: &House, browser: &mut Browser, who: &Value, more: &[(&str, &str)]) -> Answer {
    let named: Vec<_> =
        [("identity_provider", "Acme"), ("prompt", "login")].iter().chain(more).copied().collect();
    let leaving = house.authorize(browser, &named).await;
    house.get(browser, &callback_path(&leaving, who)).await
}

async fn tokens_of(house: &House, answer: &Answer) -> Value {
    let redeemed = house.redeem(&answer.code(), &[]).await;
    assert_eq!(redeemed.status, 200, "{redeemed:?}");
    redeemed.json()
}

/// The user of this name, as it is stored.
async fn user(house: &House, name: &str) -> Option<crate::pool::User> {
    house.directory.inner.user(POOL, name).await.unwrap()
}

#[actix_web::test]
async fn each_function_is_asked_in_its_turn() {
    let (house, lambda) = house_with(every_trigger()).await;
    let answer = sign_in(&house, &mut Browser::default(), &person("alice"), &[]).await;
    let first =
        ["InboundFederation", "PreAuthentication", "PreSignUp", "PostConfirmation", "PostAuthentication"];
    assert_eq!(lambda.names(), first);
    tokens_of(&house, &answer).await;
    assert_eq!(lambda.names()[5..], ["PreTokenGeneration"]);
    lambda.forget();
    let answer = sign_in(&house, &mut Browser::default(), &person("alice"), &[]).await;
    tokens_of(&house, &answer).await;
    let later = ["InboundFederation", "PreAuthentication", "PostAuthentication", "PreTokenGeneration"];
    assert_eq!(lambda.names(), later, "whoever is known does not sign up again");
}
