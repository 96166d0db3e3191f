//! Refresh tokens, from the sign-in to their end.

use actix_web::test::TestRequest;
use time::Duration;

use super::house::{House, POOL, claims, query};
use super::token::assert_refused;

#[actix_web::test]
async fn a_refresh_gives_new_tokens_of_the_same_sign_in_and_no_refresh_token() {
    let house = House::build().await;
    let first = house.tokens(&[("nonce", "n-1")]).await;
    house.advance(Duration::minutes(30));
    let answer = house.refresh("app", first["refresh_token"].as_str().unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let second = answer.json();
    assert_eq!(second.get("refresh_token"), None);
    let (old, new) = (claims(&first["id_token"]), claims(&second["id_token"]));
    for name in ["sub", "aud", "auth_time", "origin_jti"] {
        assert_eq!(old[name], new[name], "{name}");
    }
    assert_ne!(old["jti"], new["jti"]);
    assert_eq!(new["iat"].as_i64().unwrap() - old["iat"].as_i64().unwrap(), 1800);
    assert_eq!(old["nonce"], "n-1");
    assert_eq!(new.get("nonce"), None, "the nonce was for the first ID token");
}

#[actix_web::test]
async fn a_scope_taken_from_the_client_is_not_in_refreshed_tokens() {
    let house = House::build().await;
    let tokens = house.tokens(&[("scope", "openid email profile")]).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    house
        .change_client("app", |client| client.allowed_oauth_scopes = vec!["openid".into(), "profile".into()])
        .await;
    let answer = house.refresh("app", refresh).await.json();
    assert_eq!(claims(&answer["access_token"])["scope"], "openid profile");
    house.change_client("app", |client| client.allowed_oauth_scopes = vec!["phone".into()]).await;
    assert_refused("no scope is left", &house.refresh("app", refresh).await, 400, "invalid_grant");
}

#[actix_web::test]
async fn a_refresh_token_lives_thirty_days() {
    let house = House::build().await;
    let tokens = house.tokens(&[]).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    house.advance(Duration::days(30) - Duration::seconds(1));
    assert_eq!(house.refresh("app", refresh).await.status, 200);
    house.advance(Duration::seconds(1));
    assert_refused("expired", &house.refresh("app", refresh).await, 400, "invalid_grant");
}

#[actix_web::test]
async fn a_refresh_token_works_for_its_own_client_and_pool_only() {
    let house = House::build().await;
    let host = house.second_pool().await;
    let tokens = house.tokens(&[]).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_refused("another client", &house.refresh("narrow", refresh).await, 400, "invalid_grant");
    let form =
        query(&[("grant_type", "refresh_token"), ("client_id", "stranger"), ("refresh_token", refresh)]);
    let request = TestRequest::post()
        .uri("/oauth2/token")
        .insert_header(("host", host))
        .insert_header(("content-type", "application/x-www-form-urlencoded"));
    assert_refused("another pool", &house.send(request.set_payload(form)).await, 400, "invalid_grant");
    for at in [0, refresh.len() / 2, refresh.len() - 1] {
        let mut altered = refresh.as_bytes().to_vec();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        let answer = house.refresh("app", &altered).await;
        assert_refused(&format!("altered at {at}"), &answer, 400, "invalid_grant");
    }
    for (what, token) in [("access", &tokens["access_token"]), ("ID", &tokens["id_token"])] {
        let answer = house.refresh("app", token.as_str().unwrap()).await;
        assert_refused(&format!("{what} token"), &answer, 400, "invalid_grant");
    }
    assert_eq!(house.refresh("app", refresh).await.status, 200);
}

#[actix_web::test]
async fn a_deleted_user_gets_no_new_tokens() {
    let house = House::build().await;
    let tokens = house.tokens(&[]).await;
    house.state.context.directory.delete_user(POOL, "Acme_alice").await.unwrap();
    let answer = house.refresh("app", tokens["refresh_token"].as_str().unwrap()).await;
    assert_refused("deleted", &answer, 400, "invalid_grant");
    assert_eq!(house.user_info(tokens["access_token"].as_str().unwrap()).await.status, 401);
}

#[actix_web::test]
async fn a_refresh_token_opens_however_long_what_it_grants() {
    let house = House::build().await;
    let resource = format!("https://api.example/{}", "\"".repeat(4_000));
    let tokens = house.tokens(&[("resource", &resource)]).await;
    let answer = house.refresh("app", tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(claims(&answer.json()["access_token"])["aud"], resource.as_str());
}
