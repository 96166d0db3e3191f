//! `/oauth2/userInfo`.

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use time::Duration;

use super::house::{Answer, House, POOL};
use crate::tokens::access;

async fn info(house: &House, scope: &str) -> Value {
    let tokens = house.tokens(&[("scope", scope)]).await;
    let answer = house.user_info(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    answer.json()
}

#[actix_web::test]
async fn scopes_decide_what_is_told_and_flags_are_strings() {
    let house = House::build().await;
    let mut only = info(&house, "openid").await;
    let sub = only["sub"].take();
    assert_eq!(only, json!({"sub": null, "username": "Acme_alice"}));
    let email = json!({"sub": sub, "username": "Acme_alice", "email": "alice@acme.example",
                       "email_verified": "true"});
    assert_eq!(info(&house, "openid email").await, email);
    let profile = info(&house, "openid profile").await;
    assert_eq!(profile["name"], "alice");
    assert_eq!(profile.get("email"), None);
    let all = info(&house, "openid aws.cognito.signin.user.admin").await;
    assert_eq!(all["email"], "alice@acme.example");
    let identities: Value = serde_json::from_str(all["identities"].as_str().unwrap()).unwrap();
    assert_eq!(identities[0]["userId"], "alice");
    assert_eq!(identities[0]["issuer"], Value::Null);
}

#[actix_web::test]
async fn what_the_client_may_not_read_is_not_told() {
    let house = House::build().await;
    let names = Some(vec!["name".to_owned()]);
    house.change_client("app", |client| client.read_attributes = names).await;
    let told = info(&house, "openid email profile").await;
    let mut names: Vec<_> = told.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["name", "sub", "username"]);
}

fn assert_challenged(what: &str, answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.status.as_u16(), status, "{what}: {answer:?}");
    let description = answer.json()["error_description"].as_str().unwrap().to_owned();
    let challenge = format!("Bearer error=\"{error}\", error_description=\"{description}\"");
    assert_eq!(answer.header("www-authenticate"), challenge, "{what}");
    assert_eq!(answer.json()["error"], error, "{what}");
    assert_eq!(answer.header("access-control-allow-origin"), "*", "{what}");
}

#[actix_web::test]
async fn a_request_without_one_bearer_token_is_a_bad_request() {
    let house = House::build().await;
    let rows: [(&str, &[&str]); 5] = [
        ("none", &[]),
        ("basic", &["Basic YTpi"]),
        ("no token", &["Bearer "]),
        ("no scheme", &["abc"]),
        ("two", &["Bearer a", "Bearer b"]),
    ];
    for (what, headers) in rows {
        let mut request = TestRequest::get().uri("/oauth2/userInfo").insert_header(("host", "localhost"));
        for header in headers {
            request = request.append_header(("authorization", *header));
        }
        assert_challenged(what, &house.send(request).await, 400, "invalid_request");
    }
}

#[actix_web::test]
async fn an_access_token_ends_when_it_expires_and_with_its_user_or_client() {
    let house = House::build().await;
    let tokens = house.tokens(&[]).await;
    let access = tokens["access_token"].as_str().unwrap();
    house.advance(Duration::seconds(3_599));
    assert_eq!(house.user_info(access).await.status, 200);
    house.advance(Duration::seconds(1));
    assert_challenged("expired", &house.user_info(access).await, 401, "invalid_token");

    let tokens = house.tokens(&[]).await;
    let access = tokens["access_token"].as_str().unwrap();
    let gone = crate::registry::Edit::DeleteClient { pool_id: POOL.into(), client_id: "app".into() };
    house.edit(vec![gone]).await;
    assert_challenged("client deleted", &house.user_info(access).await, 401, "invalid_token");
}

#[actix_web::test]
async fn an_access_token_of_another_pool_is_refused() {
    let house = House::build().await;
    let host = house.second_pool().await;
    let tokens = house.tokens(&[]).await;
    let access = tokens["access_token"].as_str().unwrap();
    let request = TestRequest::get()
        .uri("/oauth2/userInfo")
        .insert_header(("host", host))
        .insert_header(("authorization", format!("Bearer {access}")));
    assert_challenged("another pool", &house.send(request).await, 401, "invalid_token");
}

#[actix_web::test]
async fn an_access_token_without_openid_is_refused_here() {
    let house = House::build().await;
    let tokens = house.tokens(&[("scope", "aws.cognito.signin.user.admin")]).await;
    assert_eq!(tokens.get("id_token"), None);
    let answer = house.user_info(tokens["access_token"].as_str().unwrap()).await;
    assert_challenged("no openid", &answer, 401, "invalid_token");
}

/// Keys differ by use, so that none of these can be had from outside; the claims are checked all the same.
#[actix_web::test]
async fn a_token_signed_with_the_right_key_still_needs_the_right_claims() {
    let house = House::build().await;
    let tokens = house.tokens(&[]).await;
    let claims = super::house::claims(&tokens["access_token"]);
    let snapshot = house.state.context.registry.snapshot();
    let pool = snapshot.pool(POOL).unwrap();
    let context = &house.state.context;
    let signed = |edit: Value| {
        let mut claims = claims.as_object().unwrap().clone();
        claims.extend(edit.as_object().unwrap().clone());
        pool.keys.access_token(context.now()).sign_jwt(Value::Object(claims).to_string().as_bytes()).unwrap()
    };
    assert!(access::verify(context, pool, &signed(json!({}))).await.is_ok());
    for edit in [
        json!({"token_use": "id"}),
        json!({"iss": "http://localhost:9229/us-east-1_Tests0002"}),
        json!({"client_id": "nobody"}),
        json!({"sub": "nobody"}),
        json!({"exp": claims["iat"]}),
    ] {
        assert!(access::verify(context, pool, &signed(edit.clone())).await.is_err(), "{edit}");
    }
    let other_key = pool.keys.id_token(context.now()).sign_jwt(claims.to_string().as_bytes()).unwrap();
    assert!(access::verify(context, pool, &other_key).await.is_err(), "the key of ID tokens");
}
