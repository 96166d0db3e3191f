//! The audit log of the hosted surface.

use std::sync::Arc;

use actix_web::test::TestRequest;
use serde_json::{Value, json};

use super::house::{
    Browser, CALLBACK, House, LOGGED_OUT, POOL, VERIFIER, authorize_path, callback_path, person,
};
use crate::audit::{Audit, HIDDEN, Place};

async fn watched() -> House {
    let mut house = House::build().await;
    watch(&mut house);
    house
}

pub(super) fn watch(house: &mut House) {
    let path = house.folder.path().join("audit.jsonl");
    let metrics = Arc::clone(&house.state.context.metrics);
    house.state.context.audit = Arc::new(Audit::open(&Place::File(path), metrics).unwrap());
}

pub(super) async fn events(house: &House) -> (String, Vec<Value>) {
    house.state.context.audit.close().await;
    let text = std::fs::read_to_string(house.folder.path().join("audit.jsonl")).unwrap();
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (text, events)
}

fn names(events: &[Value]) -> Vec<(&str, &str)> {
    events
        .iter()
        .map(|event| (event["eventName"].as_str().unwrap(), event["errorCode"].as_str().unwrap_or_default()))
        .collect()
}

#[actix_web::test]
async fn a_life_from_sign_in_to_sign_out_is_told_without_a_secret_or_a_person() {
    let house = watched().await;
    let mut browser = Browser::default();
    let named = [("identity_provider", "Acme"), ("nonce", "the nonce"), ("login_hint", "alice@acme.example")];
    let leaving = house.authorize(&mut browser, &named).await;
    let back = callback_path(&leaving, &person("alice"));
    let returned = house.get(&mut browser, &back).await;
    let code = returned.code();
    let tokens = house.redeem(&code, &[]).await.json();
    let (access, refresh) =
        (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    house.user_info(access).await;
    house.refresh("app", refresh).await;
    let again = house.authorize(&mut browser, &[]).await.code();
    let revocation = [("client_id", "app"), ("token", refresh)];
    house.post_form("/oauth2/revoke", &revocation).await;
    house.refresh("app", refresh).await;
    let out = format!("/logout?client_id=app&logout_uri={LOGGED_OUT}");
    let cookies = browser.clone();
    house.get(&mut browser, &out).await;
    let (text, events) = events(&house).await;

    let expected = [
        ("Authorize_GET", ""),
        ("OAuth2Response_GET", ""),
        ("Token_POST", ""),
        ("UserInfo_GET", ""),
        ("Token_POST", ""),
        ("Authorize_GET", ""),
        ("Revoke_POST", ""),
        ("Token_POST", "invalid_grant"),
        ("Logout_GET", ""),
    ];
    assert_eq!(names(&events), expected, "{text}");
    let mut secrets = vec![
        code,
        again,
        leaving.told("state").unwrap(),
        back.split_once("code=").unwrap().1.split('&').next().unwrap().to_owned(),
        "alice".to_owned(),
        "the nonce".to_owned(),
        "the state".to_owned(),
        VERIFIER.to_owned(),
    ];
    secrets.extend(
        ["access_token", "id_token", "refresh_token"].map(|name| tokens[name].as_str().unwrap().to_owned()),
    );
    secrets.extend(cookies.0.into_values());
    for secret in secrets {
        assert!(!secret.is_empty() && !text.contains(&secret), "{secret} is in {text}");
    }
    let subs: Vec<_> = events.iter().map(|event| event["additionalEventData"]["sub"].clone()).collect();
    assert!(subs[1].is_string(), "{text}");
    for place in [2, 3, 4, 5, 8] {
        assert_eq!(subs[place], subs[1], "{place}: {text}");
    }
    let first = &events[0];
    assert_eq!(first["eventType"], "AwsServiceEvent");
    assert_eq!(first["userIdentity"], json!({"accountId": "000000000000"}));
    assert_eq!(first["sourceIPAddress"], "0.0.0.0", "a test has no address");
    let more = &first["additionalEventData"];
    assert_eq!(more["userPoolId"], POOL);
    assert_eq!((&more["identityProvider"], &more["clientId"]), (&json!("Acme"), &json!("app")));
    assert_eq!(more["responseParameters"], json!({"status": 302}));
    assert_eq!(more["requestParameters"]["redirect_uri"], json!([CALLBACK]));
    for hidden in ["state", "nonce", "login_hint", "code_challenge"] {
        assert_eq!(more["requestParameters"][hidden], json!([HIDDEN]), "{hidden}");
    }
    assert_eq!(events[2]["additionalEventData"]["grantType"], "authorization_code");
    assert_eq!(events[4]["additionalEventData"]["grantType"], "refresh_token");
    assert_eq!(events[1]["additionalEventData"]["identityProvider"], "Acme");
    assert_eq!(events[5]["additionalEventData"]["identityProvider"], "Acme", "the live session answered");
}

#[actix_web::test]
async fn a_failure_is_told_with_the_code_and_the_id_that_its_page_shows() {
    let house = watched().await;
    let page = house.authorize(&mut Browser::default(), &[("redirect_uri", "https://evil.example/")]).await;
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[("identity_provider", "Acme")]).await;
    let back = callback_path(&leaving, &person("alice"));
    let expired = house.get(&mut Browser::default(), &back).await;
    house
        .get(
            &mut browser,
            &format!(
                "/oauth2/idpresponse?error=access_denied&error_description=alice+said+no&state={}",
                leaving.told("state").unwrap()
            ),
        )
        .await;
    house.post_form("/oauth2/token", &[("grant_type", "authorization_code"), ("client_id", "nobody")]).await;
    house.user_info("nonsense").await;
    let (text, events) = events(&house).await;
    let expected = [
        ("Authorize_GET", "invalid_authorize_request"),
        ("Authorize_GET", ""),
        ("OAuth2Response_GET", "other_browser"),
        ("OAuth2Response_GET", "provider_denied"),
        ("Token_POST", "invalid_client"),
        ("UserInfo_GET", "invalid_token"),
    ];
    assert_eq!(names(&events), expected, "{text}");
    assert!(!text.contains("alice"), "{text}");
    for (answer, event) in [(&page, &events[0]), (&expired, &events[2])] {
        assert_eq!(event["requestID"], answer.header("x-amzn-requestid"));
        assert_eq!(event["additionalEventData"]["responseParameters"]["status"], 400);
    }
}

#[actix_web::test]
async fn what_belongs_to_no_pool_and_what_signs_nobody_in_leaves_no_event() {
    let house = watched().await;
    let mut browser = Browser::default();
    house.get_at("stranger.example", &mut browser, &authorize_path(&[])).await;
    house.get(&mut browser, "/.well-known/jwks.json").await;
    house.get(&mut browser, "/saml2/metadata").await;
    house.get(&mut browser, "/nothing").await;
    assert_eq!(events(&house).await.0, "");
}

#[actix_web::test]
async fn the_source_is_what_a_proxy_of_ours_says_and_nobody_else() {
    let mut house = watched().await;
    house.state.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()].into();
    for peer in ["10.0.0.7", "192.0.2.7"] {
        let request = TestRequest::get()
            .uri("/logout?client_id=app")
            .insert_header(("host", "localhost"))
            .insert_header(("x-forwarded-for", "203.0.113.9"))
            .peer_addr((peer.parse::<std::net::IpAddr>().unwrap(), 4711).into());
        house.send(request).await;
    }
    let (_, events) = events(&house).await;
    let sources: Vec<_> = events.iter().map(|event| event["sourceIPAddress"].as_str().unwrap()).collect();
    assert_eq!(sources, ["203.0.113.9", "192.0.2.7"]);
}

#[actix_web::test]
async fn a_sign_in_goes_on_where_events_cannot_be_written() {
    let mut house = House::build().await;
    let metrics = Arc::clone(&house.state.context.metrics);
    house.state.context.audit = Arc::new(Audit::open(&Place::File("/dev/full".into()), metrics).unwrap());
    house.tokens(&[]).await;
    house.state.context.audit.close().await;
    let scrape = super::metrics::ask(&house, "/metrics", "text/plain").await.body;
    assert!(scrape.contains("poolgate_audit_events_total{outcome=\"failed\"} 3"), "{scrape}");
}

/// The sentence below the rest of an error page may repeat what a stranger wrote.
#[actix_web::test]
async fn of_an_error_page_the_log_gets_the_heading_and_not_its_details() {
    let house = watched().await;
    let twice = format!("{}&lang=de", authorize_path(&[("client_id", "")]));
    house.get(&mut Browser::default(), &twice).await;
    let (text, events) = events(&house).await;
    assert_eq!(names(&events), [("Authorize_GET", "invalid_authorize_request")], "{text}");
    assert_eq!(events[0]["errorMessage"], "This sign-in link is not valid", "{text}");
}
