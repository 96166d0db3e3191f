//! Whatever goes wrong with a function, nothing half-made is left.

use serde_json::{Value, json};

use super::super::auditing::{events, watch};
use super::super::house::CALLBACK;
use super::*;
use crate::directory::Ended;
use crate::sign_out::provenance::of_person;

/// In the order in which they are asked, and whether the user stands by then.
const IN_TURN: [(&str, bool); 5] = [
    ("InboundFederation", false),
    ("PreAuthentication", false),
    ("PreSignUp", false),
    ("PostConfirmation", true),
    ("PostAuthentication", true),
];

/// Nobody is signed in: no code, no session, and no user but where one was made before the function was asked.
async fn nothing_is_left(house: &House, browser: &mut Browser, answer: &Answer, stands: bool) {
    assert!(answer.header("location").starts_with(CALLBACK), "{answer:?}");
    assert_eq!(answer.told("code"), None);
    assert_eq!(answer.told("state").as_deref(), Some("the state"));
    assert_eq!(browser.session(), "", "no session is opened");
    assert_eq!(user(house, "Acme_alice").await.is_some(), stands);
    let silently = house.authorize(browser, &[("prompt", "none")]).await;
    assert_eq!(silently.told("error").as_deref(), Some("login_required"));
}

#[actix_web::test]
async fn a_function_that_refuses_ends_the_sign_in_with_its_own_words() {
    for (name, stands) in IN_TURN {
        let (house, lambda) = house_with(every_trigger()).await;
        lambda.one_does(name, Does::Fails("not you & you"));
        let mut browser = Browser::default();
        let answer = sign_in(&house, &mut browser, &person("alice"), &[]).await;
        assert_eq!(answer.told("error").as_deref(), Some("invalid_request"));
        let description = format!("{name} failed with error not you & you.");
        assert_eq!(answer.told("error_description"), Some(description));
        nothing_is_left(&house, &mut browser, &answer, stands).await;
        assert_eq!(lambda.names().last().map(String::as_str), Some(name), "nobody is asked afterwards");
        assert_eq!(lambda.names().iter().filter(|asked| *asked == name).count(), 1, "an answer is final");
    }
}

#[actix_web::test]
async fn a_function_that_hangs_or_talks_nonsense_ends_the_sign_in_too() {
    let nested = format!("{{\"response\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for (does, says, tries) in [
        (Does::Hangs, "invocation failed due to error Lambda timed out (3 attempts).", 3),
        (Does::Answers(503, "{}".into()), "the Lambda endpoint answered 503 (3 attempts).", 3),
        (Does::Answers(404, "{}".into()), "the Lambda endpoint answered 404.", 1),
        (Does::Answers(200, "x".repeat(1024 * 1024 + 1)), "it is larger than 1 MiB.", 1),
        (Does::Answers(200, "<html>".into()), "it is not the event as a JSON object", 1),
        (Does::Answers(200, "null".into()), "it is not the event as a JSON object", 1),
        (Does::Answers(200, nested), "it is not the event as a JSON object", 1),
        (
            Does::Answers(200, json!({ "userName": "Acme_admin", "response": {} }).to_string()),
            "its userName is not that of the event",
            1,
        ),
    ] {
        for (name, stands) in [IN_TURN[2], IN_TURN[4]] {
            let (house, lambda) = house_with(every_trigger()).await;
            lambda.one_does(name, does.clone());
            let mut browser = Browser::default();
            let answer = sign_in(&house, &mut browser, &person("alice"), &[]).await;
            assert_eq!(answer.told("error").as_deref(), Some("invalid_request"));
            let description = answer.told("error_description").unwrap();
            assert!(description.contains(says) && description.contains(name), "{description}");
            nothing_is_left(&house, &mut browser, &answer, stands).await;
            assert_eq!(lambda.names().iter().filter(|asked| *asked == name).count(), tries, "{says}");
        }
    }
}

#[actix_web::test]
async fn a_refused_sign_in_changes_nothing_of_a_user_who_stands() {
    let (house, lambda) = house_with(every_trigger()).await;
    sign_in(&house, &mut Browser::default(), &person("alice"), &[]).await.code();
    let before = user(&house, "Acme_alice").await;
    let renamed = json!({ "sub": "alice", "email": "new@acme.example", "email_verified": true });
    for name in ["InboundFederation", "PreAuthentication"] {
        lambda.one_does(name, Does::Fails("no"));
        let answer = sign_in(&house, &mut Browser::default(), &renamed, &[]).await;
        assert_eq!(answer.told("error").as_deref(), Some("invalid_request"));
        assert_eq!(user(&house, "Acme_alice").await, before);
    }
}

#[actix_web::test]
async fn a_session_from_before_outlives_a_sign_in_that_is_refused() {
    let (house, lambda) = house_with(every_trigger()).await;
    let mut browser = Browser::default();
    sign_in(&house, &mut browser, &person("alice"), &[]).await.code();
    let session = browser.session().to_owned();
    lambda.one_does("PostAuthentication", Does::Fails("no"));
    let answer = sign_in(&house, &mut browser, &person("bob"), &[]).await;
    assert_eq!(answer.told("error").as_deref(), Some("invalid_request"));
    assert_eq!(browser.session(), session);
    house.authorize(&mut browser, &[("prompt", "none")]).await.code();
}

#[actix_web::test]
async fn tokens_in_the_fragment_that_are_refused_open_no_session() {
    let config = json!({ "PreTokenGeneration": arn("PreTokenGeneration") });
    let (house, lambda) = house_with(config).await;
    let implicit = [
        ("client_id", "spa"),
        ("response_type", "token"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ];
    let mut browser = Browser::default();
    let answer = sign_in(&house, &mut browser, &person("alice"), &implicit).await;
    assert!(answer.location().fragment().unwrap().contains("access_token="));
    let session = browser.session().to_owned();
    assert_ne!(session, "");
    lambda.one_does("PreTokenGeneration", Does::Fails("no"));
    let answer = sign_in(&house, &mut browser, &person("bob"), &implicit).await;
    let location = answer.location();
    let fragment = location.fragment().unwrap();
    assert!(
        fragment.contains("error=invalid_request") && fragment.contains("PreTokenGeneration"),
        "{fragment}"
    );
    assert!(!fragment.contains("access_token"), "{fragment}");
    // No other session has taken the place of the one from before.
    assert_eq!(browser.session(), session);
    house.authorize(&mut browser, &[("prompt", "none")]).await.code();
}

#[actix_web::test]
async fn the_token_endpoint_tells_a_refusal_from_an_outage() {
    let config = json!({ "PreTokenGeneration": arn("PreTokenGeneration") });
    let (house, lambda) = house_with(config).await;
    let mut browser = Browser::default();
    let answer = sign_in(&house, &mut browser, &person("alice"), &[]).await;
    let refresh = tokens_of(&house, &answer).await["refresh_token"].as_str().unwrap().to_owned();
    for (does, status, error) in [
        (Does::Fails("no"), 400, "invalid_grant"),
        (Does::Hangs, 503, "temporarily_unavailable"),
        (Does::Responds(json!({ "claimsOverrideDetails": 7 })), 500, "server_error"),
    ] {
        lambda.one_does("PreTokenGeneration", does);
        let answer = house.refresh("app", &refresh).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (status, Some(error)));
        let code = house.authorize(&mut browser, &[("prompt", "none")]).await.code();
        assert_eq!(house.redeem(&code, &[]).await.status, status);
    }
    lambda.does(|_, event| returns(event));
    assert_eq!(house.refresh("app", &refresh).await.status, 200, "an outage ends nothing");
}

#[actix_web::test]
async fn without_an_endpoint_a_pool_that_names_a_function_lets_nobody_in() {
    for (trigger, value) in every_trigger().as_object().unwrap() {
        let (mut house, lambda) = house_with(json!({ trigger: value })).await;
        house.state.context.triggers = Arc::default();
        let mut browser = Browser::default();
        let answer = sign_in(&house, &mut browser, &person("alice"), &[]).await;
        let told = match answer.told("code") {
            Some(code) => house.redeem(&code, &[]).await.body,
            None => answer.told("error_description").unwrap(),
        };
        if trigger != "PreTokenGenerationConfig" {
            assert!(told.contains("POOLGATE_LAMBDA_ENDPOINT"), "{trigger}: {told}");
            assert_eq!(browser.session(), "", "{trigger}");
        }
        assert!(!told.contains("access_token"), "{trigger}: {told}");
        assert_eq!(lambda.names(), Vec::<String>::new());
    }
}

/// What a sign-in leaves in the metrics.
#[actix_web::test]
async fn functions_that_were_asked_are_counted() {
    let (house, lambda) = house_with(json!({ "PreSignUp": arn("PreSignUp") })).await;
    lambda.one_does("PreSignUp", Does::Fails("no"));
    sign_in(&house, &mut Browser::default(), &person("alice"), &[]).await;
    let page = super::super::metrics::ask(&house, "/metrics", "text/plain").await.body;
    for line in [
        "poolgate_trigger_failures_total{trigger=\"PreSignUp\"} 1",
        "poolgate_trigger_seconds_count{trigger=\"PreSignUp\"} 1",
        "poolgate_sign_in_failures_total{code=\"trigger_refused\"} 1",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
    let _: Value = lambda.event("PreSignUp");
}

#[actix_web::test]
async fn whoever_a_waiting_link_leads_to_is_asked_about_too() {
    let (house, lambda) = house_with(json!({ "PreAuthentication": arn("PreAuthentication") })).await;
    sign_in(&house, &mut Browser::default(), &person("alice"), &[]).await.code();
    let source = json!({ "ProviderName": "Globex", "ProviderAttributeName": "email",
                         "ProviderAttributeValue": "alice@acme.example" });
    let destination = json!({ "ProviderName": "Cognito", "ProviderAttributeValue": "Acme_alice" });
    let link = json!({ "UserPoolId": POOL, "DestinationUser": destination, "SourceUser": source });
    house.call("AdminLinkProviderForUser", link).await.unwrap();
    lambda.does(
        |_, event| if event["userName"] == "Acme_alice" { Does::Fails("locked") } else { returns(event) },
    );
    let mut herself = person("alice");
    herself["sub"] = "g1".into();
    for time in ["by the link", "afterwards"] {
        let mut browser = Browser::default();
        let leaving = house.authorize(&mut browser, &[("identity_provider", "Globex")]).await;
        let answer = house.get(&mut browser, &callback_path(&leaving, &herself)).await;
        let told = answer.told("error_description");
        assert_eq!(told.as_deref(), Some("PreAuthentication failed with error locked."), "{time}");
        assert_eq!((answer.told("code"), browser.session()), (None, ""), "{time}");
    }
}

#[actix_web::test]
async fn what_a_function_says_of_a_person_does_not_reach_the_audit_log() {
    let config = json!({ "PreTokenGeneration": arn("PreTokenGeneration") });
    let (mut house, lambda) = house_with(config).await;
    watch(&mut house);
    lambda.one_does("PreTokenGeneration", Does::Fails("alice is locked"));
    let answer = sign_in(&house, &mut Browser::default(), &person("alice"), &[]).await;
    let refused = house.redeem(&answer.code(), &[]).await;
    assert!(refused.body.contains("alice is locked"), "{refused:?}");
    let (text, events) = events(&house).await;
    let last = events.last().unwrap();
    assert_eq!((&last["eventName"], &last["errorCode"]), (&json!("Token_POST"), &json!("invalid_grant")));
    assert!(!text.contains("alice"), "{text}");
}

#[actix_web::test]
async fn what_ends_while_a_function_is_asked_ends_the_tokens_that_come_of_it() {
    let (house, lambda) = house_with(json!({ "PreTokenGeneration": arn("PreTokenGeneration") })).await;
    let answer = sign_in(&house, &mut Browser::default(), &person("alice"), &[]).await;
    let thinks = house.passing(time::Duration::seconds(2));
    lambda.does(move |_, event| {
        thinks();
        returns(event)
    });
    let tokens = tokens_of(&house, &answer).await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(house.user_info(access).await.status, 200);
    let sub = user(&house, "Acme_alice").await.unwrap().sub;
    let at = house.state.context.now() - time::Duration::SECOND;
    let (person, until) = (of_person("Acme", "alice"), at + time::Duration::DAY);
    let ended = Ended { person, sessions: Vec::new(), at, tokens: true, until };
    house.state.context.directory.end_provider_sessions(POOL, &sub, ended).await.unwrap();
    assert_eq!(house.user_info(access).await.status, 401);
}
