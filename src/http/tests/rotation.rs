//! Refresh tokens that rotate.

use serde_json::Value;
use time::Duration;

use super::house::{Answer, Browser, House, POOL, claims};
use super::moods::Mood;
use super::token::assert_refused;

/// An installation whose client `app` rotates, and the first refresh token of a sign-in.
async fn rotating(grace: u32) -> (House, Value) {
    let house = House::build().await;
    house.rotate("app", grace).await;
    let tokens = house.tokens(&[]).await;
    (house, tokens)
}

fn refresh_token(tokens: &Value) -> &str {
    tokens["refresh_token"].as_str().unwrap_or_else(|| panic!("no refresh token: {tokens}"))
}

async fn renewed(house: &House, token: &str) -> Value {
    let answer = house.refresh("app", token).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn refused(what: &str, answer: &Answer) {
    assert_refused(what, answer, 400, "invalid_grant");
}

#[actix_web::test]
async fn each_refresh_gives_a_new_refresh_token_of_the_same_sign_in() {
    let (house, first) = rotating(0).await;
    let second = renewed(&house, refresh_token(&first)).await;
    let third = renewed(&house, refresh_token(&second)).await;
    assert_ne!(refresh_token(&first), refresh_token(&second));
    assert_ne!(refresh_token(&second), refresh_token(&third));
    for name in ["sub", "origin_jti", "auth_time", "scope"] {
        assert_eq!(claims(&first["access_token"])[name], claims(&third["access_token"])[name], "{name}");
    }
    renewed(&house, refresh_token(&third)).await;
}

#[actix_web::test]
async fn a_replaced_token_that_comes_again_ends_the_whole_family_and_no_other() {
    let (house, first) = rotating(0).await;
    let other = house.tokens(&[]).await;
    let second = renewed(&house, refresh_token(&first)).await;
    refused("the old one", &house.refresh("app", refresh_token(&first)).await);
    refused("the new one, after that", &house.refresh("app", refresh_token(&second)).await);
    for tokens in [&first, &second] {
        assert_eq!(house.user_info(tokens["access_token"].as_str().unwrap()).await.status, 401);
    }
    renewed(&house, refresh_token(&other)).await;
}

#[actix_web::test]
async fn within_the_grace_a_lost_answer_can_be_asked_for_again_and_after_it_not() {
    let (house, first) = rotating(60).await;
    let lost = renewed(&house, refresh_token(&first)).await;
    house.advance(Duration::seconds(59));
    let again = renewed(&house, refresh_token(&first)).await;
    // Whichever of the two answers arrived is good, and replaces both.
    let next = renewed(&house, refresh_token(&again)).await;
    renewed(&house, refresh_token(&lost)).await;
    renewed(&house, refresh_token(&next)).await;
    house.advance(Duration::seconds(1));
    refused("after 60 seconds", &house.refresh("app", refresh_token(&first)).await);
    refused("the family", &house.refresh("app", refresh_token(&next)).await);
}

#[actix_web::test]
async fn the_grace_of_a_token_is_its_own_however_often_its_successors_rotate() {
    let (house, first) = rotating(10).await;
    let second = renewed(&house, refresh_token(&first)).await;
    house.advance(Duration::seconds(6));
    let third = renewed(&house, refresh_token(&second)).await;
    house.advance(Duration::seconds(3));
    renewed(&house, refresh_token(&first)).await;
    house.advance(Duration::seconds(1));
    let late = house.refresh("app", refresh_token(&first)).await;
    refused("its own grace is over, that of its successor is not", &late);
    refused("the family", &house.refresh("app", refresh_token(&third)).await);
}

#[actix_web::test]
async fn both_answers_to_one_token_lead_to_one_newest_token() {
    let (house, first) = rotating(30).await;
    let (honest, thief) =
        (renewed(&house, refresh_token(&first)).await, renewed(&house, refresh_token(&first)).await);
    renewed(&house, refresh_token(&thief)).await;
    house.advance(Duration::seconds(31));
    refused("the other one", &house.refresh("app", refresh_token(&honest)).await);
}

#[actix_web::test]
async fn a_rotated_token_ends_when_the_first_one_would_have() {
    let (house, first) = rotating(0).await;
    house.advance(Duration::days(29));
    let second = renewed(&house, refresh_token(&first)).await;
    house.advance(Duration::days(1) - Duration::SECOND);
    let third = renewed(&house, refresh_token(&second)).await;
    house.advance(Duration::SECOND);
    refused("thirty days after the sign-in", &house.refresh("app", refresh_token(&third)).await);
}

#[actix_web::test]
async fn a_token_of_before_rotation_was_switched_on_is_the_first_of_its_family() {
    let house = House::build().await;
    let first = house.tokens(&[]).await;
    assert_eq!(renewed(&house, refresh_token(&first)).await.get("refresh_token"), None);
    house.rotate("app", 0).await;
    let second = renewed(&house, refresh_token(&first)).await;
    renewed(&house, refresh_token(&second)).await;
    refused("it was replaced", &house.refresh("app", refresh_token(&first)).await);
}

#[actix_web::test]
async fn what_was_replaced_stays_so_when_rotation_is_switched_off() {
    let (house, first) = rotating(60).await;
    let second = renewed(&house, refresh_token(&first)).await;
    house.change_client("app", |client| client.refresh_token_rotation = None).await;
    for _ in 0..2 {
        assert_eq!(renewed(&house, refresh_token(&second)).await.get("refresh_token"), None);
    }
    refused("replaced, and there is no grace any more", &house.refresh("app", refresh_token(&first)).await);
    refused("the family", &house.refresh("app", refresh_token(&second)).await);
}

#[actix_web::test]
async fn of_many_who_use_one_token_at_once_on_two_replicas_one_gets_tokens_without_a_grace() {
    let (one, first) = rotating(0).await;
    let two = one.beside(Duration::ZERO).await;
    let token = refresh_token(&first);
    let answers = tokio::join!(
        one.refresh("app", token),
        two.refresh("app", token),
        one.refresh("app", token),
        two.refresh("app", token)
    );
    let answers = [answers.0, answers.1, answers.2, answers.3];
    let good: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(good.len(), 1, "{answers:?}");
    refused("it was used by others", &two.refresh("app", refresh_token(&good[0].json())).await);
}

#[actix_web::test]
async fn with_a_grace_all_who_use_one_token_at_once_get_tokens_that_work_on_every_replica() {
    let (one, first) = rotating(60).await;
    let two = one.beside(Duration::ZERO).await;
    let token = refresh_token(&first);
    let (a, b) = tokio::join!(one.refresh("app", token), two.refresh("app", token));
    let (a, b) = (a.json(), b.json());
    assert_eq!(two.refresh("app", refresh_token(&a)).await.status, 200);
    assert_eq!(one.refresh("app", refresh_token(&b)).await.status, 200);
    two.advance(Duration::seconds(60));
    refused("on the other replica", &two.refresh("app", token).await);
    refused("on this one", &one.refresh("app", refresh_token(&a)).await);
}

#[actix_web::test]
async fn a_refresh_that_fails_replaces_nothing() {
    let (house, first) = rotating(0).await;
    house.change_client("app", |client| client.allowed_oauth_scopes = vec!["phone".into()]).await;
    refused("no scope is left", &house.refresh("app", refresh_token(&first)).await);
    house.change_client("app", |client| client.allowed_oauth_scopes = vec!["openid".into()]).await;
    house.directory.becomes(Mood::Disabled);
    refused("disabled", &house.refresh("app", refresh_token(&first)).await);
    house.directory.becomes(Mood::Away);
    assert_refused(
        "away",
        &house.refresh("app", refresh_token(&first)).await,
        503,
        "temporarily_unavailable",
    );
    house.directory.becomes(Mood::Well);
    renewed(&house, refresh_token(&first)).await;
}

#[actix_web::test]
async fn revocation_by_any_token_of_the_family_ends_the_newest() {
    let (house, first) = rotating(0).await;
    let second = renewed(&house, refresh_token(&first)).await;
    let form = [("client_id", "app"), ("token", refresh_token(&first))];
    assert_eq!(house.post_form("/oauth2/revoke", &form).await.status, 200);
    refused("the newest", &house.refresh("app", refresh_token(&second)).await);
    assert_eq!(house.user_info(second["access_token"].as_str().unwrap()).await.status, 401);
}

#[actix_web::test]
async fn a_code_that_comes_twice_ends_rotated_tokens_too() {
    let house = House::build().await;
    house.rotate("app", 60).await;
    let code = house.sign_in(&mut Browser::default(), &[]).await.code();
    let first = house.redeem(&code, &[]).await.json();
    let second = renewed(&house, refresh_token(&first)).await;
    refused("the code", &house.redeem(&code, &[]).await);
    refused("rotated", &house.refresh("app", refresh_token(&second)).await);
    assert_eq!(house.user_info(second["access_token"].as_str().unwrap()).await.status, 401);
}

#[actix_web::test]
async fn who_signs_out_everywhere_while_a_token_rotates_has_ended_the_new_one() {
    let (house, first) = rotating(60).await;
    let signed_out = house.state.context.now() + Duration::seconds(10);
    house.advance(Duration::seconds(20));
    // Its answer was computed before the sign-out was known, and its clock shows a later moment.
    let second = renewed(&house, refresh_token(&first)).await;
    house.directory.becomes(Mood::SignedOut(signed_out));
    refused("it is of a sign-in before that", &house.refresh("app", refresh_token(&second)).await);
}

#[actix_web::test]
async fn a_restored_backup_that_knows_less_than_a_token_believes_the_token() {
    let (house, first) = rotating(0).await;
    let second = renewed(&house, refresh_token(&first)).await;
    let third = renewed(&house, refresh_token(&second)).await;
    let directory = &house.directory.inner;
    directory.write(vec![]).await.unwrap();
    let path = house.folder.path().join("directory.sqlite");
    let mut connection = connect(&path).await;
    sqlx::query("DELETE FROM rotations").execute(&mut connection).await.unwrap();
    let fourth = renewed(&house, refresh_token(&third)).await;
    refused("it was replaced", &house.refresh("app", refresh_token(&third)).await);
    refused("the family", &house.refresh("app", refresh_token(&fourth)).await);
    assert!(house.state.context.registry.snapshot().pool(POOL).is_some());
}

async fn connect(path: &std::path::Path) -> sqlx::SqliteConnection {
    use sqlx::ConnectOptions as _;
    sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}
