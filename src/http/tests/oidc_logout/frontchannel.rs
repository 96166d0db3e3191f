//! `GET /oauth2/frontchannel-logout` (OpenID Connect Front-Channel Logout 1.0).

use time::Duration;

use super::super::house::{Answer, Browser, House, query};
use super::super::moods::Mood;
use super::super::single_logout::{BACK, TO_APP, assert_page, log_out};
use super::super::token::assert_refused;
use super::{arrives, assert_lives, assert_refreshes, with_acme};

const ISSUER: &str = "https://acme.example";

async fn framed(house: &House, browser: &mut Browser, pairs: &[(&str, &str)]) -> Answer {
    house.get(browser, &format!("/oauth2/frontchannel-logout?{}", query(pairs))).await
}

/// In the provider's page, where our cookies do not go.
async fn without_cookie(house: &House, sid: &str) -> Answer {
    framed(house, &mut Browser::default(), &[("iss", ISSUER), ("sid", sid)]).await
}

#[actix_web::test]
async fn a_session_ends_by_its_name_without_a_cookie_and_the_others_live_on() {
    let house = House::build().await;
    let desk = arrives(&house, "Acme", "alice", "s1").await;
    let phone = arrives(&house, "Acme", "alice", "s2").await;
    let bob = arrives(&house, "Acme", "bob", "s3").await;
    let namesake = arrives(&house, "Globex", "alice", "s1").await;
    house.advance(Duration::milliseconds(1));
    let answer = without_cookie(&house, "s1").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    desk.assert_all_over(&house).await;
    bob.assert_all_live(&house).await;
    namesake.assert_all_live(&house).await;
    assert!(phone.has_session(&house).await);
    house.advance(Duration::milliseconds(1));
    phone.assert_tokens_live(&house).await;
}

#[actix_web::test]
async fn the_answer_may_be_framed_by_the_issuer_alone_runs_nothing_and_does_not_say_who_was_known() {
    let house = House::build().await;
    // Nobody has asked the provider anything yet: its issuer alone is known.
    let policy = without_cookie(&house, "s1").await.header("content-security-policy").to_owned();
    assert!(policy.contains("frame-ancestors https://acme.example;"), "{policy}");
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    let known = without_cookie(&house, "s1").await;
    let unknown = without_cookie(&house, "s9").await;
    assert!(!alice.has_session(&house).await);
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    for name in ["content-security-policy", "cache-control", "set-cookie", "x-frame-options", "content-type"]
    {
        assert_eq!(known.header(name), unknown.header(name), "{name}");
    }
    assert_eq!(
        known.header("content-security-policy"),
        "default-src 'none'; form-action 'none'; frame-ancestors https://acme.example; base-uri 'none'"
    );
    assert!(!known.headers.contains_key("x-frame-options"), "it would forbid every frame");
    assert_eq!(known.header("cache-control"), "no-cache, no-store");
    assert!(!known.body.contains("script"), "{}", known.body);
    assert!(!known.headers.contains_key("set-cookie"));
    // No other page may be framed by anybody.
    let page = house.get(&mut Browser::default(), "/logout?client_id=app").await;
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"), "{page:?}");
}

#[actix_web::test]
async fn a_subject_ends_the_session_of_this_browser_alone_and_only_where_no_session_was_named() {
    let house = House::build().await;
    let alice = arrives(&house, "Acme", "alice", "").await;
    house.advance(Duration::milliseconds(1));
    let elsewhere = arrives(&house, "Acme", "alice", "").await;
    let named = arrives(&house, "Acme", "alice", "s1").await;
    let mut bob = arrives(&house, "Acme", "bob", "").await;
    house.advance(Duration::milliseconds(1));
    // Nobody is signed out by a name that can be guessed.
    let answer = without_cookie(&house, "alice").await;
    assert_eq!(answer.status, 200);
    framed(&house, &mut bob.browser, &[("iss", ISSUER), ("sid", "alice")]).await;
    framed(&house, &mut named.browser.clone(), &[("iss", ISSUER), ("sid", "alice")]).await;
    for person in [&alice, &elsewhere, &named, &bob] {
        assert_lives(&house, person).await;
    }
    // By its own cookie: that sign-in, with its tokens.
    let alice = arrives(&house, "Acme", "alice", "").await;
    house.advance(Duration::milliseconds(1));
    let mut browser = alice.browser.clone();
    let answer = framed(&house, &mut browser, &[("iss", ISSUER), ("sid", "alice")]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(browser.session(), "", "the cookie is taken away: {answer:?}");
    alice.assert_all_over(&house).await;
    assert!(elsewhere.has_session(&house).await && named.has_session(&house).await);
    assert_refreshes(&house, &elsewhere).await;
    assert_refreshes(&house, &named).await;
}

#[actix_web::test]
async fn a_cookie_takes_its_session_along_where_it_is_the_one_that_is_named() {
    let house = House::build().await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    house.advance(Duration::milliseconds(1));
    for (issuer, sid) in [("https://globex.example", "s1"), (ISSUER, "s2")] {
        let mut browser = alice.browser.clone();
        framed(&house, &mut browser, &[("iss", issuer), ("sid", sid)]).await;
        assert_eq!(browser.session(), alice.browser.session(), "{issuer} {sid}");
        assert_lives(&house, &alice).await;
    }
    let mut browser = alice.browser.clone();
    framed(&house, &mut browser, &[("iss", ISSUER), ("sid", "s1")]).await;
    assert_eq!(browser.session(), "");
    alice.assert_all_over(&house).await;
}

#[actix_web::test]
async fn a_session_that_its_cookie_ended_is_gone_and_does_not_go_by_the_provider_again() {
    let house = with_acme(&[("IDPSignout", "true")]).await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    let other = arrives(&house, "Acme", "alice", "s2").await;
    framed(&house, &mut alice.browser.clone(), &[("iss", ISSUER), ("sid", "s1")]).await;
    framed(&house, &mut other.browser.clone(), &[("iss", ISSUER), ("sid", "s1")]).await;
    // Another browser tab may still have the cookie.
    let leaving = log_out(&house, &mut alice.browser.clone(), TO_APP).await;
    assert_eq!(leaving.header("location"), BACK);
    let leaving = log_out(&house, &mut other.browser.clone(), TO_APP).await;
    assert!(leaving.header("location").starts_with("https://acme.example/end"), "{leaving:?}");
}

#[actix_web::test]
async fn a_provider_whose_login_page_is_elsewhere_may_frame_the_answer_from_there_too() {
    let house = with_acme(&[
        ("authorize_url", "https://login.acme.example/authorize"),
        ("token_url", "https://acme.example/token"),
        ("attributes_url", "https://acme.example/userinfo"),
        ("jwks_uri", "https://acme.example/keys"),
    ])
    .await;
    let policy = without_cookie(&house, "s1").await.header("content-security-policy").to_owned();
    let both = "frame-ancestors https://acme.example https://login.acme.example;";
    assert!(policy.contains(both), "{policy}");
}

#[actix_web::test]
async fn where_a_sign_out_ends_sessions_only_tokens_live_on() {
    let house = with_acme(&[("logout_ends", "session")]).await;
    let named = arrives(&house, "Acme", "alice", "s1").await;
    let nameless = arrives(&house, "Acme", "bob", "").await;
    without_cookie(&house, "s1").await;
    framed(&house, &mut nameless.browser.clone(), &[("iss", ISSUER), ("sid", "bob")]).await;
    for person in [named, nameless] {
        assert!(!person.has_session(&house).await);
        assert_eq!(house.user_info(&person.access).await.status, 200);
        person.assert_tokens_live(&house).await;
    }
}

#[actix_web::test]
async fn what_does_not_name_an_issuer_of_the_pool_and_a_session_is_a_page_and_ends_nothing() {
    let house = House::build().await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    house.advance(Duration::milliseconds(1));
    let (long, longer) = ("s".repeat(1025), format!("{ISSUER}/{}", "i".repeat(2048)));
    let rows: [&[(&str, &str)]; 10] = [
        &[],
        &[("iss", ISSUER)],
        &[("sid", "s1")],
        &[("iss", ""), ("sid", "s1")],
        &[("iss", ISSUER), ("sid", "s1"), ("sid", "s2")],
        &[("iss", ISSUER), ("iss", "https://globex.example"), ("sid", "s1")],
        &[("iss", "https://nobody.example"), ("sid", "s1")],
        &[("iss", "https://ACME.example"), ("sid", "s1")],
        &[("iss", &longer), ("sid", "s1")],
        &[("iss", ISSUER), ("sid", &long)],
    ];
    for pairs in rows {
        let answer = framed(&house, &mut alice.browser.clone(), pairs).await;
        assert_page(&answer, "invalid_frontchannel_logout");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{pairs:?}");
    }
    alice.assert_all_live(&house).await;
}

#[actix_web::test]
async fn a_store_that_is_away_is_said_and_the_same_address_works_afterwards() {
    let house = House::build().await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    house.directory.becomes(Mood::Away);
    assert_eq!(without_cookie(&house, "s1").await.status, 503);
    house.directory.becomes(Mood::Well);
    house.sessions.becomes(Mood::Away);
    let mut browser = alice.browser.clone();
    let answer = framed(&house, &mut browser, &[("iss", ISSUER), ("sid", "s1")]).await;
    assert_eq!(answer.status, 503);
    house.sessions.becomes(Mood::Well);
    without_cookie(&house, "s1").await;
    assert!(!alice.has_session(&house).await);
    assert_refused("refresh", &house.refresh("app", &alice.refresh).await, 400, "invalid_grant");
}

#[actix_web::test]
async fn another_pool_ends_nothing_here() {
    let house = House::build().await;
    let other = house.second_pool().await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    let path = format!("/oauth2/frontchannel-logout?{}", query(&[("iss", ISSUER), ("sid", "s1")]));
    assert_eq!(house.get_at(other, &mut alice.browser.clone(), &path).await.status, 200);
    alice.assert_all_live(&house).await;
}
