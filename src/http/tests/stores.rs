//! A store that is away, and users that are disabled or signed out everywhere.

use time::Duration;

use super::house::{Answer, Browser, House, authorize_path, callback_path, person};
use super::moods::Mood;
use super::token::assert_refused;

fn assert_away(what: &str, answer: &Answer) {
    assert_eq!(answer.status, 503, "{what}: {answer:?}");
    assert!(answer.header("content-type").starts_with("text/html"), "{what}");
    assert!(answer.body.contains("store_away"), "{what}");
    assert!(answer.body.contains(answer.header("x-amzn-requestid")), "{what}");
    assert_eq!(answer.header("retry-after"), "5", "{what}");
    assert!(!answer.body.contains("gone fishing"), "{what}: the reason is for the log");
    assert!(!answer.headers.contains_key("set-cookie"), "{what}");
}

#[actix_web::test]
async fn without_the_directory_apps_are_told_to_come_back_and_can() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let code = house.sign_in(&mut browser, &[]).await.code();
    let tokens = house.tokens(&[]).await;
    let (access, refresh) =
        (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    let leaving = house.authorize(&mut Browser::default(), &[("identity_provider", "Acme")]).await;
    let mut other = Browser::default();
    let arriving = house.authorize(&mut other, &[("identity_provider", "Acme")]).await;
    assert_ne!(leaving.told("state"), arriving.told("state"));

    house.directory.becomes(Mood::Away);
    let away = "temporarily_unavailable";
    assert_refused("code", &house.redeem(&code, &[]).await, 503, away);
    assert_refused("refresh", &house.refresh("app", refresh).await, 503, away);
    assert_refused("userInfo", &house.user_info(access).await, 503, away);
    let revoked = house.post_form("/oauth2/revoke", &[("client_id", "app"), ("token", refresh)]).await;
    assert_refused("revoke", &revoked, 503, away);
    assert_away("single sign-on", &house.authorize(&mut browser, &[]).await);
    let back = callback_path(&arriving, &person("alice"));
    assert_away("the provider's answer", &house.get(&mut other, &back).await);
    assert_eq!(other.session(), "");

    house.directory.becomes(Mood::Well);
    assert_eq!(house.refresh("app", refresh).await.status, 200, "the revocation was not acknowledged");
    assert_eq!(house.user_info(access).await.status, 200);
    house.authorize(&mut browser, &[("prompt", "none")]).await.code();
}

#[actix_web::test]
async fn without_the_session_store_nobody_is_signed_in_or_out_and_no_attempt_is_lost() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let code = house.sign_in(&mut browser, &[]).await.code();
    let mut other = Browser::default();
    let leaving = house.authorize(&mut other, &[("identity_provider", "Acme")]).await;
    let back = callback_path(&leaving, &person("alice"));

    house.sessions.becomes(Mood::Away);
    assert_away("single sign-on", &house.authorize(&mut browser, &[]).await);
    assert_away("leaving", &house.authorize(&mut Browser::default(), &[("identity_provider", "Acme")]).await);
    assert_away("arriving", &house.get(&mut other, &back).await);
    assert_away("logout", &house.get(&mut browser, "/logout?client_id=app").await);
    assert_refused("code", &house.redeem(&code, &[]).await, 503, "temporarily_unavailable");

    house.sessions.becomes(Mood::Well);
    house.get(&mut other, &back).await.code();
    assert_eq!(house.redeem(&code, &[]).await.status, 200);
    house.authorize(&mut browser, &[("prompt", "none")]).await.code();
}

/// Everything of a sign-in that was good is refused in this mood.
async fn assert_ended(house: &House, mood: Mood) {
    let mut browser = Browser::default();
    let code = house.sign_in(&mut browser, &[]).await.code();
    let tokens = house.tokens(&[]).await;
    let (access, refresh) =
        (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    house.directory.becomes(mood);
    assert_refused("code", &house.redeem(&code, &[]).await, 400, "invalid_grant");
    assert_refused("refresh", &house.refresh("app", refresh).await, 400, "invalid_grant");
    assert_eq!(house.user_info(access).await.status, 401, "{mood:?}");
    let answer = house.get(&mut browser, &authorize_path(&[("prompt", "none")])).await;
    assert_eq!(answer.told("error").as_deref(), Some("login_required"), "{mood:?}: {answer:?}");
}

#[actix_web::test]
async fn a_disabled_user_uses_nothing() {
    let house = House::build().await;
    assert_ended(&house, Mood::Disabled).await;
}

#[actix_web::test]
async fn who_signed_out_everywhere_uses_nothing_older() {
    let house = House::build().await;
    assert_ended(&house, Mood::SignedOut(crate::testing::NOW)).await;
    house.advance(Duration::seconds(1));
    let mut browser = Browser::default();
    let code = house.sign_in(&mut browser, &[]).await.code();
    let tokens = house.redeem(&code, &[]).await;
    assert_eq!(tokens.status, 200, "a later sign-in is good: {tokens:?}");
    assert_eq!(house.user_info(tokens.json()["access_token"].as_str().unwrap()).await.status, 200);
    house.authorize(&mut browser, &[("prompt", "none")]).await.code();
}

#[actix_web::test]
async fn a_code_whose_family_was_revoked_meanwhile_is_refused() {
    let house = House::build().await;
    let code = house.sign_in(&mut Browser::default(), &[]).await.code();
    house.directory.becomes(Mood::Revoked);
    assert_refused("revoked", &house.redeem(&code, &[]).await, 400, "invalid_grant");
}
