//! `/logout` goes by the provider (OpenID Connect RP-Initiated Logout 1.0).

use actix_web::test::TestRequest;
use time::Duration;

use super::super::house::{Answer, Browser, CALLBACK, House, LOGGED_OUT, POOL, person, query};
use super::super::moods::Mood;
use super::super::provider;
use super::super::single_logout::{BACK, TO_APP, assert_page, log_out};
use super::{arrives, set, sign_in, with_acme};
use crate::context::digest_name;
use crate::directory::Directory as _;
use crate::registry::Edit;
use crate::sessions::{Key, Kind};

const SIGNS_OUT: &[(&str, &str)] = &[("IDPSignout", "true")];

/// The browser comes back from the provider, as a stranger would: without a cookie.
async fn returns(house: &House, pairs: &[(&str, &str)]) -> Answer {
    house.get(&mut Browser::default(), &format!("/oauth2/logoutresponse?{}", query(pairs))).await
}

/// Somebody signs in at Acme and out again; where the browser was sent.
async fn leaves(house: &House, to: &[(&str, &str)]) -> Answer {
    let mut browser = Browser::default();
    sign_in(house, &mut browser, "Acme", "alice", "s1").await;
    log_out(house, &mut browser, to).await
}

#[actix_web::test]
async fn a_sign_out_goes_by_the_provider_and_comes_back_to_the_app_once() {
    let house = with_acme(SIGNS_OUT).await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    let leaving = log_out(&house, &mut alice.browser.clone(), TO_APP).await;
    assert!(leaving.header("set-cookie").contains("Max-Age=0"), "{leaving:?}");
    assert_eq!(leaving.header("cache-control"), "no-store");
    assert!(!alice.has_session(&house).await, "it has ended here before the provider answers");
    assert!(leaving.header("location").starts_with("https://acme.example/end?of=all&"), "{leaving:?}");
    assert_eq!(leaving.told("client_id").as_deref(), Some(provider::CLIENT));
    let back = "http://localhost:9229/oauth2/logoutresponse";
    assert_eq!(leaving.told("post_logout_redirect_uri").as_deref(), Some(back));
    let hint = super::super::house::claims(&leaving.told("id_token_hint").unwrap().into());
    assert_eq!((hint["sub"].as_str(), hint["sid"].as_str()), (Some("alice"), Some("s1")));
    let state = leaving.told("state").unwrap();
    assert_eq!(state.len(), 43);
    assert_eq!(returns(&house, &[("state", &state)]).await.header("location"), BACK);
    assert_page(&returns(&house, &[("state", &state)]).await, "sign_out_unknown");
    alice.assert_tokens_live(&house).await;
}

#[actix_web::test]
async fn whatever_the_provider_says_the_browser_goes_where_the_app_wanted() {
    let house = with_acme(SIGNS_OUT).await;
    let login = query(&[("client_id", "app"), ("redirect_uri", CALLBACK), ("response_type", "code")]);
    let login = format!("/login?{login}");
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)], u16, &'a str);
    let rows: [Row<'_>; 4] = [
        (&[("error", "invalid_request"), ("error_description", "no\nsuch client")], TO_APP, 302, BACK),
        (&[("error", "x"), ("error", "y")], &[("post_logout_redirect_uri", LOGGED_OUT)], 302, LOGGED_OUT),
        (&[], &[("redirect_uri", CALLBACK), ("response_type", "code")], 302, &login),
        (&[("lang", "de")], &[], 200, ""),
    ];
    for (said, to, status, location) in rows {
        let state = leaves(&house, to).await.told("state").unwrap();
        let pairs: Vec<_> = [("state", &*state)].into_iter().chain(said.iter().copied()).collect();
        let answer = returns(&house, &pairs).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (status, location), "{said:?}");
    }
}

#[actix_web::test]
async fn a_return_without_the_state_of_a_waiting_sign_out_is_a_page() {
    let house = with_acme(SIGNS_OUT).await;
    let state = leaves(&house, TO_APP).await.told("state").unwrap();
    let none = ["", "x", &state[1..], &"x".repeat(20_000)];
    for wrong in none {
        assert_page(&returns(&house, &[("state", wrong)]).await, "sign_out_unknown");
    }
    assert_page(&returns(&house, &[]).await, "sign_out_unknown");
    assert_page(&returns(&house, &[("state", &state), ("state", &state)]).await, "sign_out_unknown");
    house.advance(Duration::minutes(5) - Duration::SECOND);
    let late = leaves(&house, TO_APP).await.told("state").unwrap();
    assert_eq!(returns(&house, &[("state", &state)]).await.header("location"), BACK, "nothing used it up");
    house.advance(Duration::minutes(5));
    assert_page(&returns(&house, &[("state", &late)]).await, "sign_out_unknown");
}

#[actix_web::test]
async fn a_state_of_another_pool_or_another_protocol_is_of_no_use() {
    let house = with_acme(SIGNS_OUT).await;
    let other = house.second_pool().await;
    let state = leaves(&house, TO_APP).await.told("state").unwrap();
    let path = format!("/oauth2/logoutresponse?{}", query(&[("state", &state)]));
    assert_page(&house.get_at(other, &mut Browser::default(), &path).await, "sign_out_unknown");
    assert_eq!(returns(&house, &[("state", &state)]).await.header("location"), BACK, "it was not used up");
    // A SAML sign-out waits under the id of its message, which the browser can read.
    let corp = super::super::saml::Idp::new("Corp", super::super::saml::Key::good());
    corp.move_in(&house, &[]).await;
    let mut browser = Browser::default();
    corp.sign_in(&house, &mut browser, "alice", "s1").await.code();
    let leaving = log_out(&house, &mut browser, TO_APP).await.location();
    let request = super::super::saml::message(&leaving);
    let id = super::super::saml::attribute(&request, "ID");
    assert_page(&returns(&house, &[("state", &id)]).await, "sign_out_unknown");
    let answer = corp.answer(&house, &id, super::super::saml::SUCCESS);
    let answer = corp.send(&house, super::super::saml::Binding::Post, &answer).await;
    assert_eq!(answer.header("location"), BACK, "it was not used up");
}

#[actix_web::test]
async fn without_idp_signout_the_provider_is_not_asked() {
    let house = House::build().await;
    assert_eq!(leaves(&house, TO_APP).await.header("location"), BACK);
    // What was switched off in between holds too: and nothing was kept to quote.
    set(&house, "Acme", SIGNS_OUT).await;
    let mut browser = Browser::default();
    sign_in(&house, &mut browser, "Acme", "alice", "s1").await;
    set(&house, "Acme", &[("IDPSignout", "false")]).await;
    assert_eq!(log_out(&house, &mut browser, TO_APP).await.header("location"), BACK);
}

#[actix_web::test]
async fn a_provider_that_cannot_be_asked_keeps_nobody_signed_in() {
    let house = with_acme(SIGNS_OUT).await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    // A changed provider is asked anew, and this one is at an address where nothing is.
    set(&house, "Acme", &[("oidc_issuer", "https://acme.example/nowhere")]).await;
    let answer = log_out(&house, &mut alice.browser.clone(), TO_APP).await;
    assert_eq!(answer.header("location"), BACK);
    assert!(!alice.has_session(&house).await);
}

#[actix_web::test]
async fn the_id_token_is_kept_sealed_for_its_session_alone_and_only_where_it_will_be_quoted() {
    let house = with_acme(SIGNS_OUT).await;
    let stored = async |browser: &Browser| {
        let name = Key::new(Kind::Session, digest_name(browser.session()));
        String::from_utf8(house.sessions.inner.get(&name).await.unwrap().unwrap()).unwrap()
    };
    let quoted = arrives(&house, "Acme", "alice", "s1").await;
    let unquoted = arrives(&house, "Globex", "alice", "s1").await;
    let (with, without) = (stored(&quoted.browser).await, stored(&unquoted.browser).await);
    assert!(with.contains("sealed_id_token") && !without.contains("sealed_id_token"));
    for text in [&with, &without] {
        assert!(text.contains("\"id_token\":null") && !text.contains("eyJ"), "{text}");
    }
    // One session's token under another's name does not open: nothing is quoted then.
    let mut other = Browser::default();
    sign_in(&house, &mut other, "Acme", "bob", "s2").await;
    let name = Key::new(Kind::Session, digest_name(other.session()));
    let mut value: serde_json::Value = serde_json::from_str(&stored(&other).await).unwrap();
    let theirs: serde_json::Value = serde_json::from_str(&with).unwrap();
    value["sealed_id_token"] = theirs["sealed_id_token"].clone();
    house.sessions.inner.exchange(&name, value.to_string().into_bytes()).await.unwrap();
    let leaving = log_out(&house, &mut other, TO_APP).await;
    assert_eq!(leaving.told("id_token_hint"), None);
}

#[actix_web::test]
async fn an_id_token_too_long_for_an_address_is_not_quoted() {
    let house = with_acme(SIGNS_OUT).await;
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[("identity_provider", "Acme")]).await;
    let mut claims = person("alice");
    claims["groups"] = "g".repeat(4096).into();
    house.get(&mut browser, &super::super::house::callback_path(&leaving, &claims)).await.code();
    let leaving = log_out(&house, &mut browser, TO_APP).await;
    assert!(leaving.header("location").len() < 1000, "{leaving:?}");
    assert_eq!(leaving.told("id_token_hint"), None);
    let state = leaving.told("state").unwrap();
    assert_eq!(returns(&house, &[("state", &state)]).await.header("location"), BACK);
}

#[actix_web::test]
async fn a_sign_out_that_cannot_be_kept_ends_nothing_and_a_return_that_cannot_be_read_is_a_page() {
    let house = with_acme(SIGNS_OUT).await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    let state = leaves(&house, TO_APP).await.told("state").unwrap();
    house.sessions.becomes(Mood::Away);
    assert_eq!(log_out(&house, &mut alice.browser.clone(), TO_APP).await.status, 503);
    assert_eq!(returns(&house, &[("state", &state)]).await.status, 503);
    house.sessions.becomes(Mood::Well);
    assert!(alice.has_session(&house).await);
    assert_eq!(returns(&house, &[("state", &state)]).await.header("location"), BACK);
}

#[actix_web::test]
async fn a_provider_that_is_gone_by_then_is_waited_for_no_longer() {
    let house = with_acme(SIGNS_OUT).await;
    let state = leaves(&house, TO_APP).await.told("state").unwrap();
    house.edit(vec![Edit::DeleteProvider { pool_id: POOL.into(), name: "Acme".into() }]).await;
    assert_page(&returns(&house, &[("state", &state)]).await, "sign_out_unknown");
    assert_eq!(house.directory.count_users(POOL).await.unwrap(), 1);
}

#[actix_web::test]
async fn the_return_is_read_from_the_query_alone() {
    let house = with_acme(SIGNS_OUT).await;
    let state = leaves(&house, TO_APP).await.told("state").unwrap();
    let posted = house.post_form("/oauth2/logoutresponse", &[("state", &state)]).await;
    assert_eq!(posted.status, 405, "{posted:?}");
    let head = TestRequest::default().method(actix_web::http::Method::HEAD);
    let head =
        head.uri(&format!("/oauth2/logoutresponse?state={state}")).insert_header(("host", "localhost"));
    assert_eq!(house.send(head).await.status, 405, "a look at an address uses nothing up");
    assert_eq!(returns(&house, &[("state", &state)]).await.header("location"), BACK);
}
