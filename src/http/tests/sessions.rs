//! The hosted-UI session: when it answers in the place of a provider, and when it does not.

use time::Duration;

use super::house::{Answer, Browser, House, POOL, authorize_path, callback_path, claims, person};
use crate::registry::Edit;

async fn signed_in(house: &House) -> Browser {
    let mut browser = Browser::default();
    house.sign_in(&mut browser, &[]).await.code();
    browser
}

fn is_at(answer: &Answer, provider: &str) -> bool {
    answer.status == 302 && answer.header("location").starts_with(&format!("https://{provider}.example/"))
}

#[actix_web::test]
async fn a_live_session_answers_without_the_provider() {
    let house = House::build().await;
    let mut browser = signed_in(&house).await;
    house.advance(Duration::minutes(10));
    for more in [
        &[][..],
        &[("identity_provider", "Acme")],
        &[("identity_provider", "COGNITO")],
        &[("prompt", "none")],
        &[("prompt", "none"), ("identity_provider", "Acme")],
        &[("max_age", "600")],
    ] {
        let answer = house.authorize(&mut browser, more).await;
        let code = answer.code();
        assert_eq!(answer.told("state").as_deref(), Some("the state"), "{more:?}");
        assert_eq!(answer.told("iss").as_deref(), Some(super::house::ISSUER), "{more:?}");
        let id = claims(&house.redeem(&code, &[]).await.json()["id_token"]);
        assert_eq!(id["iat"].as_i64().unwrap() - id["auth_time"].as_i64().unwrap(), 600, "{more:?}");
    }
}

#[actix_web::test]
async fn a_session_does_not_answer_when_something_else_is_asked() {
    let house = House::build().await;
    let mut browser = signed_in(&house).await;
    house.advance(Duration::minutes(10));
    for (more, provider) in [
        (&[("prompt", "login"), ("identity_provider", "Acme")][..], "acme"),
        (&[("prompt", "select_account"), ("identity_provider", "Acme")], "acme"),
        (&[("max_age", "599"), ("identity_provider", "Acme")], "acme"),
        (&[("identity_provider", "Globex")], "globex"),
        (&[("client_id", "narrow")], "globex"),
    ] {
        let answer = house.authorize(&mut browser.clone(), more).await;
        assert!(is_at(&answer, provider), "{more:?}: {answer:?}");
    }
    for more in [&[("prompt", "login")][..], &[("max_age", "599")]] {
        let answer = house.authorize(&mut browser, more).await;
        assert!(answer.header("location").starts_with("/login?"), "{more:?}: {answer:?}");
    }
    let forced = [("prompt", "login"), ("identity_provider", "Acme")];
    let answer = house.authorize(&mut browser, &forced).await;
    assert_eq!(answer.told("prompt").as_deref(), Some("login"), "the provider is told too");
}

#[actix_web::test]
async fn a_session_is_as_old_as_the_persons_sign_in_at_the_provider() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[("identity_provider", "Acme")]).await;
    let mut alice = person("alice");
    // She had signed in there an hour ago, for something else.
    alice["auth_time"] = (house.state.context.now() - Duration::HOUR).unix_timestamp().into();
    house.get(&mut browser, &callback_path(&leaving, &alice)).await.code();
    let aged = |max_age| [("max_age", max_age), ("identity_provider", "Acme")];
    house.authorize(&mut browser, &aged("3600")).await.code();
    let answer = house.authorize(&mut browser, &aged("3599")).await;
    assert!(is_at(&answer, "acme"), "{answer:?}");
}

#[actix_web::test]
async fn nobody_signed_in_and_nothing_to_be_shown_is_login_required() {
    let house = House::build().await;
    let browser = &mut Browser::default();
    let answer = house.authorize(browser, &[("prompt", "none")]).await;
    assert_eq!(answer.told("error").as_deref(), Some("login_required"), "{answer:?}");
    assert_eq!(answer.told("state").as_deref(), Some("the state"));
    let answer = house.authorize(browser, &[("prompt", "none"), ("identity_provider", "Acme")]).await;
    assert!(is_at(&answer, "acme"), "{answer:?}");
    assert_eq!(answer.told("prompt").as_deref(), Some("none"));
    let state = answer.told("state").unwrap();
    let back = format!("/oauth2/idpresponse?error=login_required&state={state}");
    let answer = house.get(browser, &back).await;
    assert_eq!(answer.told("error").as_deref(), Some("login_required"), "{answer:?}");
}

#[actix_web::test]
async fn a_session_lives_an_hour_however_often_it_is_used() {
    let house = House::build().await;
    let mut browser = signed_in(&house).await;
    for _ in 0..5 {
        house.advance(Duration::minutes(11));
        house.authorize(&mut browser, &[("prompt", "none")]).await.code();
    }
    house.advance(Duration::minutes(5) - Duration::seconds(1));
    house.authorize(&mut browser, &[("prompt", "none")]).await.code();
    house.advance(Duration::seconds(1));
    let answer = house.authorize(&mut browser, &[("prompt", "none")]).await;
    assert_eq!(answer.told("error").as_deref(), Some("login_required"), "{answer:?}");
}

#[actix_web::test]
async fn every_sign_in_makes_a_new_session_and_ends_the_old_one() {
    let house = House::build().await;
    let mut browser = signed_in(&house).await;
    let old = browser.clone();
    house.sign_in(&mut browser, &[("prompt", "login")]).await.code();
    assert_ne!(old.session(), browser.session());
    let answer = house.authorize(&mut old.clone(), &[("prompt", "none")]).await;
    assert_eq!(answer.told("error").as_deref(), Some("login_required"), "the old one died: {answer:?}");
    house.authorize(&mut browser, &[("prompt", "none")]).await.code();
    // A session id that somebody planted is never taken over.
    let mut planted = Browser::default();
    planted.0.insert("cognito".into(), "A".repeat(43));
    house.sign_in(&mut planted, &[]).await.code();
    assert_ne!(planted.session(), "A".repeat(43));
}

#[actix_web::test]
async fn a_failed_sign_in_opens_no_session_and_ends_none() {
    let house = House::build().await;
    let mut browser = signed_in(&house).await;
    let before = browser.clone();
    let more = [("prompt", "login"), ("identity_provider", "Acme")];
    let leaving = house.authorize(&mut browser, &more).await;
    let back = format!("/oauth2/idpresponse?error=access_denied&state={}", leaving.told("state").unwrap());
    let answer = house.get(&mut browser, &back).await;
    assert_eq!(answer.told("error").as_deref(), Some("access_denied"), "{answer:?}");
    assert_eq!(before.session(), browser.session());
    house.authorize(&mut browser, &[("prompt", "none")]).await.code();
}

#[actix_web::test]
async fn a_session_ends_with_its_user_and_with_its_provider() {
    let house = House::build().await;
    let mut browser = signed_in(&house).await;
    house.state.context.directory.delete_user(POOL, "Acme_alice").await.unwrap();
    let answer = house.authorize(&mut browser, &[("prompt", "none")]).await;
    assert_eq!(answer.told("error").as_deref(), Some("login_required"), "user deleted: {answer:?}");
    let mut browser = signed_in(&house).await;
    house.edit(vec![Edit::DeleteProvider { pool_id: POOL.into(), name: "Acme".into() }]).await;
    let answer = house.authorize(&mut browser, &[("prompt", "none")]).await;
    assert_eq!(answer.told("error").as_deref(), Some("login_required"), "provider deleted: {answer:?}");
}

#[actix_web::test]
async fn a_session_of_one_pool_is_nothing_to_another() {
    let house = House::build().await;
    let host = house.second_pool().await;
    let mut browser = signed_in(&house).await;
    let path = authorize_path(&[("client_id", "stranger"), ("prompt", "none")]);
    let answer = house.get_at(host, &mut browser, &path).await;
    assert_eq!(answer.told("error").as_deref(), Some("login_required"), "{answer:?}");
}

#[actix_web::test]
async fn cookies_are_for_this_host_alone_and_out_of_reach_of_scripts() {
    let house = House::build().await;
    let leaving = house.authorize(&mut Browser::default(), &[("identity_provider", "Acme")]).await;
    let mark = leaving.header("set-cookie").to_owned();
    let mut browser = Browser::default();
    let session = house.sign_in(&mut browser, &[]).await.header("set-cookie").to_owned();
    for (cookie, name, age) in [(mark, "csrf-state", 300), (session, "cognito", 3600)] {
        let (value, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(value.strip_prefix(&format!("{name}=")).unwrap().len(), 43, "{cookie}");
        let mut attributes: Vec<_> = attributes.split("; ").collect();
        attributes.sort_unstable();
        assert_eq!(attributes, ["HttpOnly", &format!("Max-Age={age}"), "Path=/", "SameSite=Lax"], "{cookie}");
    }
}

#[actix_web::test]
async fn over_tls_cookies_are_secure() {
    let mut house = House::build().await;
    house.state.context.surface.public_url = "https://localhost".parse().unwrap();
    let answer = house.sign_in(&mut Browser::default(), &[]).await;
    assert!(answer.header("set-cookie").contains("; Secure"), "{answer:?}");
    assert!(house.state.context.surface.public_url.scheme() == "https");
}

#[actix_web::test]
async fn a_sign_in_at_the_prefix_domain_moves_to_the_custom_one_where_the_provider_answers() {
    let house = House::build().await;
    house.has_prefix_domain().await;
    let path = authorize_path(&[("identity_provider", "Acme")]);
    for path in [path.as_str(), "/login?a=b%2Fc", "/logout?client_id=app"] {
        let answer = house.get_at("acme.localhost:9229", &mut Browser::default(), path).await;
        assert_eq!(answer.header("location"), format!("http://localhost:9229{path}"), "{answer:?}");
        assert!(!answer.headers.contains_key("set-cookie"), "{answer:?}");
    }
    let mut browser = Browser::default();
    let leaving = house.get(&mut browser, &path).await;
    house.get(&mut browser, &callback_path(&leaving, &person("alice"))).await.code();
}
