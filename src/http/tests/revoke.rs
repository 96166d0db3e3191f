//! `POST /oauth2/revoke`.

use super::house::{House, SECRET, basic};
use super::token::assert_refused;

async fn revoke(house: &House, client: &str, token: &str) -> super::house::Answer {
    house.post_form("/oauth2/revoke", &[("client_id", client), ("token", token)]).await
}

#[actix_web::test]
async fn the_whole_family_ends_and_nothing_else() {
    let house = House::build().await;
    let (ours, other) = (house.tokens(&[]).await, house.tokens(&[]).await);
    let refresh = ours["refresh_token"].as_str().unwrap();
    let later = house.refresh("app", refresh).await.json();
    for round in ["first", "again"] {
        let answer = revoke(&house, "app", refresh).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""), "{round}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    assert_refused("refresh", &house.refresh("app", refresh).await, 400, "invalid_grant");
    for tokens in [&ours, &later] {
        assert_eq!(house.user_info(tokens["access_token"].as_str().unwrap()).await.status, 401);
    }
    assert_eq!(house.refresh("app", other["refresh_token"].as_str().unwrap()).await.status, 200);
    assert_eq!(house.user_info(other["access_token"].as_str().unwrap()).await.status, 200);
}

#[actix_web::test]
async fn a_stranger_revokes_nothing_and_learns_nothing() {
    let house = House::build().await;
    let tokens = house.tokens(&[]).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let answer = revoke(&house, "narrow", refresh).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, ""), "a token of another client");
    assert_eq!(house.refresh("app", refresh).await.status, 200);
}

#[actix_web::test]
async fn a_bad_revocation_is_told_apart() {
    let house = House::build().await;
    let tokens = house.tokens(&[]).await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_refused("no token", &revoke(&house, "app", "").await, 400, "invalid_request");
    assert_refused("an access token", &revoke(&house, "app", access).await, 400, "unsupported_token_type");
    assert_refused("unknown client", &revoke(&house, "nobody", "x").await, 401, "invalid_client");
    assert_refused("no secret", &revoke(&house, "confidential", "x").await, 401, "invalid_client");
    let wrong = basic("confidential", "wrong");
    let answer =
        house.post_with("/oauth2/revoke", &[("token", "x")], &[("authorization", wrong.as_str())]).await;
    assert_refused("wrong secret", &answer, 401, "invalid_client");
    assert!(!answer.body.contains(SECRET));
    house.change_client("app", |client| client.enable_token_revocation = Some(false)).await;
    assert_refused("switched off", &revoke(&house, "app", "x").await, 400, "invalid_request");
}
