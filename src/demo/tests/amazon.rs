use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::json;
use time::Duration;

use super::{Answer, CALLBACK, CHALLENGE, Site, VERIFIER, changed};
use crate::demo::amazon_idp::{self, AmazonIdp, user_id};
use crate::demo::people;

const AUTHORIZE: [(&str, &str); 7] = [
    ("client_id", amazon_idp::CLIENT_ID),
    ("redirect_uri", CALLBACK),
    ("response_type", "code"),
    ("scope", "profile postal_code"),
    ("state", "s"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

fn site() -> Site<AmazonIdp> {
    Site::new(amazon_idp::routes, |own| AmazonIdp::new(own).unwrap())
}

async fn sign_in(site: &Site<AmazonIdp>, changes: &[(&str, &str)]) -> Answer {
    site.post("/sign-in", &changed(&changed(&AUTHORIZE, &[("person", "ada")]), changes)).await
}

async fn redeem(site: &Site<AmazonIdp>, code: &str, changes: &[(&str, &str)]) -> Answer {
    let good = [
        ("grant_type", "authorization_code"),
        ("client_id", amazon_idp::CLIENT_ID),
        ("client_secret", site.idp.client_secret()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("code", code),
    ];
    site.post("/auth/o2/token", &changed(&good, changes)).await
}

async fn token(site: &Site<AmazonIdp>, scope: &str) -> String {
    let code = sign_in(site, &[("scope", scope)]).await.back("code").unwrap();
    redeem(site, &code, &[]).await.json()["access_token"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn amazon_shows_a_page_to_a_client_that_it_does_not_know() {
    let site = site();
    for change in [("client_id", "somebody"), ("redirect_uri", "http://evil.example/"), ("redirect_uri", "")]
    {
        let page = site.get("/ap/oa", &changed(&AUTHORIZE, &[change])).await;
        page.is_page(StatusCode::BAD_REQUEST, "400 Bad Request");
        sign_in(&site, &[change]).await.is_page(StatusCode::BAD_REQUEST, "400 Bad Request");
    }
    site.get("/ap/oa", &AUTHORIZE).await.is_page(StatusCode::OK, "your postal code");
}

#[actix_web::test]
async fn amazon_sends_the_errors_of_a_request_back_to_the_client() {
    let site = site();
    for (change, error) in [
        (("response_type", "id_token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("scope", ""), "invalid_request"),
        (("scope", "profile email"), "invalid_scope"),
        (("scope", "profile,postal_code"), "invalid_scope"),
        (("code_challenge_method", "S512"), "invalid_request"),
        (("cancel", "yes"), "access_denied"),
    ] {
        let back = sign_in(&site, &[change]).await;
        assert_eq!(back.back("error").unwrap(), error, "{change:?}");
        assert!(back.back("error_description").is_some());
        assert_eq!(back.back("state").unwrap(), "s");
    }
    let twice = site.get("/ap/oa", &[&AUTHORIZE[..], &[("scope", "profile")]].concat()).await;
    assert_eq!(twice.back("error").unwrap(), "invalid_request");
}

#[actix_web::test]
async fn amazon_redeems_a_code_once_for_the_client_it_was_given_to() {
    let site = site();
    for (change, status, error) in [
        (("client_id", "somebody"), 401, "invalid_client"),
        (("client_id", ""), 400, "invalid_request"),
        (("client_secret", "wrong"), 401, "invalid_client"),
        (("grant_type", "password"), 400, "unsupported_grant_type"),
        (("grant_type", ""), 400, "invalid_request"),
        (("redirect_uri", "http://localhost:9229/"), 400, "invalid_grant"),
        (("code_verifier", CHALLENGE), 400, "invalid_grant"),
        (("code_verifier", ""), 400, "invalid_request"),
        (("code", "unknown"), 400, "invalid_grant"),
        (("code", ""), 400, "invalid_request"),
    ] {
        let code = sign_in(&site, &[]).await.back("code").unwrap();
        let answer = redeem(&site, &code, &[change]).await;
        assert_eq!(answer.status.as_u16(), status, "{change:?}");
        let body = answer.json();
        assert_eq!(body["error"], error, "{change:?}");
        assert!(body["error_description"].is_string() && body["request_id"].is_string());
    }
    let code = sign_in(&site, &[]).await.back("code").unwrap();
    let answer = redeem(&site, &code, &[]).await.json();
    assert!(answer["access_token"].as_str().unwrap().starts_with("Atza|"));
    assert!(answer["refresh_token"].as_str().unwrap().starts_with("Atzr|"));
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("bearer"), &json!(3600)));
    assert_eq!(redeem(&site, &code, &[]).await.json()["error"], "invalid_grant", "a code is used once");
    let late = sign_in(&site, &[]).await.back("code").unwrap();
    site.hands.forward(Duration::minutes(6));
    assert_eq!(redeem(&site, &late, &[]).await.json()["error"], "invalid_grant", "it has expired");
}

#[actix_web::test]
async fn amazon_says_for_whom_a_token_is_and_how_long_it_lives() {
    let site = site();
    let token = token(&site, "profile").await;
    site.hands.forward(Duration::minutes(10));
    let info = site.get("/auth/o2/tokeninfo", &[("access_token", &token)]).await.json();
    assert_eq!(info["aud"], amazon_idp::CLIENT_ID);
    assert_eq!(info["app_id"], amazon_idp::APPLICATION);
    assert_eq!(info["user_id"], user_id(people::find("ada").unwrap()));
    assert_eq!(info["exp"], 3000, "seconds that are left");
    for (pairs, error) in [(&[("access_token", "Atza|other")][..], "invalid_token"), (&[], "invalid_request")]
    {
        let answer = site.get("/auth/o2/tokeninfo", pairs).await;
        assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::BAD_REQUEST, &json!(error)));
    }
    site.hands.forward(Duration::minutes(50));
    let answer = site.get("/auth/o2/tokeninfo", &[("access_token", &token)]).await;
    assert_eq!(answer.json()["error"], "invalid_token");
}

#[actix_web::test]
async fn amazon_s_profile_says_what_the_scopes_allow() {
    let site = site();
    let id = user_id(people::find("ada").unwrap());
    for (scope, expected) in [
        ("profile:user_id", json!({"user_id": id})),
        ("postal_code", json!({"user_id": id, "postal_code": "SW1Y 4JH"})),
        ("profile", json!({"user_id": id, "name": "Ada Lovelace", "email": "ada@example.com"})),
    ] {
        let token = token(&site, scope).await;
        assert_eq!(site.get_as("/user/profile", &[], &token).await.json(), expected);
        let named =
            TestRequest::get().uri("/user/profile").insert_header(("x-amz-access-token", token.clone()));
        assert_eq!(site.send(named).await.json(), expected);
        assert_eq!(site.get("/user/profile", &[("access_token", &token)]).await.json(), expected);
    }
    let token = token(&site, "profile").await;
    assert_eq!(site.get("/user/profile", &[]).await.json()["error"], "invalid_request");
    assert_eq!(site.get_as("/user/profile", &[], "Atza|other").await.json()["error"], "invalid_token");
    site.hands.forward(Duration::hours(1));
    assert_eq!(site.get_as("/user/profile", &[], &token).await.json()["error"], "invalid_token");
}
