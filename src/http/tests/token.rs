//! `POST /oauth2/token`: codes and client authentication.

use actix_web::test::TestRequest;
use time::Duration;

use super::house::{
    Answer, Browser, CALLBACK, CHALLENGE, House, LOGGED_OUT, SECRET, VERIFIER, basic, claims,
};

/// What is sent, which fields of the form, which error comes back.
type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

/// Every error of the token endpoint looks like this.
pub(super) fn assert_refused(what: &str, answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.status.as_u16(), status, "{what}: {answer:?}");
    let body = answer.json();
    assert_eq!(body["error"], error, "{what}: {body}");
    assert!(!body["error_description"].as_str().unwrap().is_empty(), "{what}: {body}");
    assert_eq!(body["error_message"], body["error_description"], "{what}: {body}");
    assert_eq!(body.as_object().unwrap().len(), 3, "{what}: {body}");
    assert_eq!(answer.header("cache-control"), "no-store", "{what}");
    assert_eq!(answer.headers.contains_key("retry-after"), status == 503, "{what}");
    assert_eq!(answer.header("access-control-allow-origin"), "*", "{what}");
    assert!(answer.header("content-type").starts_with("application/json"), "{what}");
    assert!(!answer.header("x-amzn-requestid").is_empty(), "{what}");
}

async fn code(house: &House) -> String {
    house.sign_in(&mut Browser::default(), &[]).await.code()
}

#[actix_web::test]
async fn a_code_becomes_tokens_that_nobody_may_keep() {
    let house = House::build().await;
    let answer = house.redeem(&code(&house).await, &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let body = answer.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    let (id, access) = (claims(&body["id_token"]), claims(&body["access_token"]));
    assert_eq!(id["aud"], "app");
    assert_eq!(access["client_id"], "app");
    assert_eq!(id["origin_jti"], access["origin_jti"]);
    assert_eq!(body["refresh_token"].as_str().unwrap().split('.').count(), 5);
}

#[actix_web::test]
async fn a_code_lives_five_minutes() {
    let house = House::build().await;
    let (early, late) = (code(&house).await, code(&house).await);
    house.advance(Duration::seconds(299));
    assert_eq!(house.redeem(&early, &[]).await.status, 200);
    house.advance(Duration::seconds(1));
    assert_refused("after 300 s", &house.redeem(&late, &[]).await, 400, "invalid_grant");
}

#[actix_web::test]
async fn a_code_that_comes_twice_ends_everything_it_issued() {
    let house = House::build().await;
    let code = code(&house).await;
    let tokens = house.redeem(&code, &[]).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(house.user_info(access).await.status, 200);
    assert_refused("again", &house.redeem(&code, &[]).await, 400, "invalid_grant");
    assert_eq!(house.user_info(access).await.status, 401);
    let refreshed = house.refresh("app", tokens["refresh_token"].as_str().unwrap()).await;
    assert_refused("refresh", &refreshed, 400, "invalid_grant");
}

#[actix_web::test]
async fn of_many_who_redeem_a_code_at_once_one_at_most_gets_tokens() {
    let house = House::build().await;
    let code = code(&house).await;
    let (a, b, c) =
        tokio::join!(house.redeem(&code, &[]), house.redeem(&code, &[]), house.redeem(&code, &[]));
    let good = [a, b, c].iter().filter(|answer| answer.status == 200).count();
    assert!(good <= 1, "{good} got tokens");
}

#[actix_web::test]
async fn a_code_is_bound_to_redirect_uri_and_challenge() {
    let house = House::build().await;
    let other = "another-verifier-that-is-long-enough-for-the-rules";
    let rows: [Row<'_>; 6] = [
        ("another registered callback", &[("redirect_uri", "myapp://cb")], "invalid_grant"),
        ("an address that is no callback", &[("redirect_uri", LOGGED_OUT)], "invalid_grant"),
        ("no redirect_uri", &[("redirect_uri", "")], "invalid_request"),
        ("another verifier", &[("code_verifier", other)], "invalid_grant"),
        ("the challenge as verifier", &[("code_verifier", CHALLENGE)], "invalid_grant"),
        ("no verifier", &[("code_verifier", "")], "invalid_grant"),
    ];
    for (what, edits, error) in rows {
        let code = code(&house).await;
        assert_refused(what, &house.redeem(&code, edits).await, 400, error);
    }
    let plain = [("code_challenge", ""), ("code_challenge_method", "")];
    let unchallenged = house.sign_in(&mut Browser::default(), &plain).await.code();
    let answer = house.redeem(&unchallenged, &[]).await;
    assert_refused("a verifier without challenge", &answer, 400, "invalid_grant");
}

#[actix_web::test]
async fn another_client_or_pool_cannot_redeem_or_burn_a_code() {
    let house = House::build().await;
    let host = house.second_pool().await;
    let code = code(&house).await;
    let answer = house.redeem(&code, &[("client_id", "narrow")]).await;
    assert_refused("another client", &answer, 400, "invalid_grant");
    let form = super::house::query(&[
        ("grant_type", "authorization_code"),
        ("client_id", "stranger"),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("code", &code),
    ]);
    let request = TestRequest::post()
        .uri("/oauth2/token")
        .insert_header(("host", host))
        .insert_header(("content-type", "application/x-www-form-urlencoded"));
    assert_refused("another pool", &house.send(request.set_payload(form)).await, 400, "invalid_grant");
    assert_eq!(house.redeem(&code, &[]).await.status, 200, "the code was left alone");
}

#[actix_web::test]
async fn a_code_of_a_deleted_user_is_refused() {
    let house = House::build().await;
    let code = code(&house).await;
    house.state.context.directory.delete_user(super::house::POOL, "Acme_alice").await.unwrap();
    assert_refused("deleted", &house.redeem(&code, &[]).await, 400, "invalid_grant");
}

#[actix_web::test]
async fn a_malformed_token_request_is_told_apart() {
    let house = House::build().await;
    let rows: [Row<'_>; 7] = [
        ("nothing", &[], "invalid_request"),
        ("no grant_type", &[("client_id", "app")], "invalid_request"),
        (
            "grant_type twice",
            &[("client_id", "app"), ("grant_type", "refresh_token"), ("grant_type", "authorization_code")],
            "invalid_request",
        ),
        ("no code", &[("client_id", "app"), ("grant_type", "authorization_code")], "invalid_request"),
        ("no refresh token", &[("client_id", "app"), ("grant_type", "refresh_token")], "invalid_request"),
        ("unknown grant", &[("client_id", "app"), ("grant_type", "password")], "unsupported_grant_type"),
        (
            "a grant the client may not use",
            &[("client_id", "app"), ("grant_type", "client_credentials")],
            "unauthorized_client",
        ),
    ];
    for (what, form, error) in rows {
        assert_refused(what, &house.post_form("/oauth2/token", form).await, 400, error);
    }
    let json = TestRequest::post()
        .uri("/oauth2/token?grant_type=refresh_token&client_id=app&refresh_token=x")
        .insert_header(("host", "localhost"))
        .insert_header(("content-type", "application/json"))
        .set_payload("{}");
    assert_refused("JSON, and a query", &house.send(json).await, 400, "invalid_request");
    for (what, length) in [("too much", 70_000), ("too much for any endpoint", 1_300_000)] {
        let long = "x".repeat(length);
        let form = [("client_id", "app"), ("grant_type", "refresh_token"), ("refresh_token", long.as_str())];
        assert_refused(what, &house.post_form("/oauth2/token", &form).await, 400, "invalid_request");
    }
}

#[actix_web::test]
async fn a_compressed_body_is_not_unpacked() {
    use std::io::Write as _;
    let house = House::build().await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(b"grant_type=refresh_token&client_id=app&refresh_token=x").unwrap();
    let request = TestRequest::post()
        .uri("/oauth2/token")
        .insert_header(("host", "localhost"))
        .insert_header(("content-encoding", "gzip"))
        .insert_header(("content-type", "application/x-www-form-urlencoded"))
        .set_payload(packed.finish().unwrap());
    assert_refused("gzip", &house.send(request).await, 400, "invalid_request");
}

#[actix_web::test]
async fn a_client_that_lost_the_code_flow_cannot_redeem() {
    let house = House::build().await;
    let (code, tokens) = (code(&house).await, house.tokens(&[]).await);
    house.change_client("app", |client| client.allowed_oauth_flows_user_pool_client = false).await;
    assert_refused("code", &house.redeem(&code, &[]).await, 400, "unauthorized_client");
    let refreshed = house.refresh("app", tokens["refresh_token"].as_str().unwrap()).await;
    assert_refused("refresh", &refreshed, 400, "unauthorized_client");
}

#[actix_web::test]
async fn a_client_proves_itself_in_exactly_one_way() {
    let house = House::build().await;
    let (good, wrong) = (basic("confidential", SECRET), basic("confidential", "wrong"));
    let public = basic("app", "");
    let id = ("client_id", "confidential");
    let secret = ("client_secret", SECRET);
    type Proof<'a> = (&'a str, Vec<(&'a str, &'a str)>, Vec<&'a str>, &'a str);
    let rows: Vec<Proof<'_>> = vec![
        // What follows is recognised, and stumbles over the refresh token.
        ("basic", vec![], vec![&good], "invalid_grant"),
        ("basic and the same client_id", vec![id], vec![&good], "invalid_grant"),
        ("post", vec![id, secret], vec![], "invalid_grant"),
        ("public", vec![("client_id", "app")], vec![], "invalid_grant"),
        // What follows is not.
        ("nothing", vec![], vec![], "invalid_request"),
        ("both", vec![id, secret], vec![&good], "invalid_request"),
        ("basic and another client_id", vec![("client_id", "app")], vec![&good], "invalid_request"),
        ("two headers", vec![], vec![&good, &good], "invalid_request"),
        ("client_id twice", vec![id, id, secret], vec![], "invalid_request"),
        ("client_secret twice", vec![id, secret, secret], vec![], "invalid_request"),
        ("bearer", vec![id], vec!["Bearer x"], "invalid_request"),
        ("not base64", vec![id], vec!["Basic %%%"], "invalid_request"),
        ("no secret", vec![id], vec![], "invalid_client"),
        ("wrong by post", vec![id, ("client_secret", "wrong")], vec![], "invalid_client"),
        ("wrong by basic", vec![], vec![&wrong], "invalid_client"),
        ("a secret where none belongs", vec![("client_id", "app"), secret], vec![], "invalid_client"),
        ("basic for a public client", vec![], vec![&public], "invalid_client"),
        ("unknown", vec![("client_id", "nobody")], vec![], "invalid_client"),
    ];
    for (what, more, authorization, error) in rows {
        let form = [vec![("grant_type", "refresh_token"), ("refresh_token", "none")], more].concat();
        let headers: Vec<_> = authorization.iter().map(|value| ("authorization", *value)).collect();
        let answer = house.post_with("/oauth2/token", &form, &headers).await;
        assert_refused(what, &answer, 400, error);
        assert!(!answer.body.contains(SECRET), "{what}");
    }
}
