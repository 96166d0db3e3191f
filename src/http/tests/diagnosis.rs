//! `/attempts`: what the people who run the gateway see of sign-ins that failed.

use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, web};
use serde_json::{Value, json};

use super::house::{Browser, House, POOL, callback_path, person};
use crate::http::health;

async fn ask(house: &House, uri: &str, accept: &str) -> (u16, String) {
    ask_at("127.0.0.1:9230", house, uri, accept).await
}

async fn ask_at(host: &str, house: &House, uri: &str, accept: &str) -> (u16, String) {
    let state = web::Data::new(house.state.clone());
    let service = init_service(App::new().app_data(state).configure(health::routes)).await;
    let request = TestRequest::get().uri(uri).insert_header(("accept", accept.to_owned()));
    let request = request.insert_header(("host", host.to_owned()));
    let response = call_service(&service, request.to_request()).await;
    let status = response.status().as_u16();
    (status, String::from_utf8(read_body(response).await.to_vec()).unwrap())
}

async fn seen(house: &House, uri: &str) -> Value {
    let (status, body) = ask(house, uri, "*/*").await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[actix_web::test]
async fn the_last_failures_of_a_provider_are_seen_with_their_step_and_request() {
    let house = House::build().await;
    assert_eq!(seen(&house, "/attempts").await, json!({"providers": []}));
    let mut browser = Browser::default();
    house.sign_in(&mut browser, &[]).await.code();

    let leaving = house.authorize(&mut browser, &[("identity_provider", "Acme"), ("prompt", "login")]).await;
    let other = house.get(&mut Browser::default(), &callback_path(&leaving, &person("alice"))).await;
    let nobody = json!({"sub": "secret-subject", "email": ""});
    let failed = house.get(&mut browser, &callback_path(&leaving, &nobody)).await;
    assert_eq!(failed.told("error").as_deref(), Some("server_error"), "{failed:?}");

    let answer = seen(&house, &format!("/attempts?pool={POOL}&provider=Acme")).await;
    let acme = &answer["providers"][0];
    assert_eq!((&acme["pool_id"], &acme["provider"]), (&json!(POOL), &json!("Acme")));
    assert_eq!(acme["last_success"]["client_id"], "app");
    let (last, before) = (&acme["failures"][0], &acme["failures"][1]);
    assert_eq!(last["code"], "attribute_required");
    assert!(last["detail"].as_str().unwrap().contains("email"), "{last}");
    assert_eq!(last["request_id"], failed.header("x-amzn-requestid"));
    assert_eq!((&last["client_id"], &last["at"]), (&json!("app"), &json!("2026-11-21T10:00:00Z")));
    assert_eq!(before["code"], "other_browser");
    assert_eq!(before["request_id"], other.header("x-amzn-requestid"));
    assert!(!answer.to_string().contains("secret-subject"), "{answer}");
    assert_eq!(seen(&house, "/attempts?provider=Globex").await, json!({"providers": []}));
}

#[actix_web::test]
async fn an_answer_that_fits_nothing_is_seen_as_nobodys() {
    let house = House::build().await;
    let path = "/oauth2/idpresponse?code=x&state=0123456789abcdefghijklmnopqrstuvwxyz-_ABCDE";
    house.get(&mut Browser::default(), path).await;
    house.post_form("/saml2/idpresponse", &[("SAMLResponse", "PHg+")]).await;
    let answer = seen(&house, "/attempts").await;
    let nobody = &answer["providers"][0];
    assert_eq!((&nobody["provider"], &nobody["last_success"]), (&Value::Null, &Value::Null));
    let codes: Vec<_> = nobody["failures"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, ["invalid_response_or_state", "attempt_unknown"]);
}

#[actix_web::test]
async fn what_the_provider_says_in_its_own_words_stays_in_the_log() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[("identity_provider", "Acme")]).await;
    let state = leaving.told("state").unwrap();
    let path = format!(
        "/oauth2/idpresponse?error=access_denied&error_description=jane.doe%20may%20not&state={state}"
    );
    house.get(&mut browser, &path).await;
    let answer = seen(&house, "/attempts").await;
    assert_eq!(answer["providers"][0]["failures"][0]["code"], "provider_denied");
    assert!(!answer.to_string().contains("jane"), "{answer}");
}

#[actix_web::test]
async fn it_is_readable_on_a_terminal_too_and_refuses_what_it_does_not_know() {
    let house = House::build().await;
    house.sign_in(&mut Browser::default(), &[]).await.code();
    for (uri, accept) in [("/attempts?format=text", "*/*"), ("/attempts", "text/plain")] {
        let (status, body) = ask(&house, uri, accept).await;
        assert_eq!(status, 200);
        assert!(body.starts_with(&format!("{POOL} Acme\n  2026-11-21T10:00:00Z success request=")), "{body}");
    }
    for uri in ["/attempts?format=xml", "/attempts?user=jane", "/attempts?pool=a&pool=b"] {
        assert_eq!(ask(&house, uri, "*/*").await.0, 400, "{uri}");
    }
}

#[actix_web::test]
async fn a_page_whose_name_was_pointed_at_this_listener_reads_nothing() {
    let house = House::build().await;
    house.sign_in(&mut Browser::default(), &[]).await.code();
    for host in ["127.0.0.1:9230", "[::1]:9230", "10.1.2.3", "localhost:9230", "LOCALHOST", "poolgate:9230"] {
        assert_eq!(ask_at(host, &house, "/attempts", "*/*").await.0, 200, "{host}");
    }
    for host in ["evil.example:9230", "127.0.0.1.evil.example", "localhost.evil.example", "evil.", "", "a b"]
    {
        let (status, body) = ask_at(host, &house, "/attempts", "*/*").await;
        assert_eq!(status, 403, "{host}: {body}");
        assert!(!body.contains(POOL), "{body}");
    }
}
