//! `GET /logout`.

use serde_json::{Value, json};
use time::Duration;

use super::house::{Answer, Browser, CALLBACK, House, ISSUER, LOGGED_OUT, POOL, query};

async fn signed_in(house: &House) -> Browser {
    let mut browser = Browser::default();
    house.sign_in(&mut browser, &[]).await.code();
    browser
}

async fn logout(house: &House, browser: &mut Browser, pairs: &[(&str, &str)]) -> Answer {
    house.get(browser, &format!("/logout?{}", query(pairs))).await
}

/// Whether the session that this browser began with still answers.
async fn still_lives(house: &House, before: &Browser) -> bool {
    let answer = house.authorize(&mut before.clone(), &[("prompt", "none")]).await;
    answer.told("code").is_some()
}

#[actix_web::test]
async fn every_good_form_ends_the_session_in_the_store_and_goes_where_it_says() {
    let house = House::build().await;
    let hint = house.tokens(&[]).await["id_token"].as_str().unwrap().to_owned();
    let back = format!("{LOGGED_OUT}?state=a+b%2F%3D");
    let (id, to) = (("client_id", "app"), ("logout_uri", LOGGED_OUT));
    let post = ("post_logout_redirect_uri", LOGGED_OUT);
    let (hint, state) = (("id_token_hint", hint.as_str()), ("state", "a b/="));
    let again = [id, ("redirect_uri", CALLBACK), ("response_type", "code"), ("state", "s")];
    let login = format!("/login?{}", query(&again));
    type Row<'a> = (&'a [(&'a str, &'a str)], u16, &'a str);
    let rows: [Row<'_>; 6] = [
        (&[id, to], 302, LOGGED_OUT),
        (&[id, to, state], 302, &back),
        (&[hint, post, state], 302, &back),
        (&[hint, id, post], 302, LOGGED_OUT),
        (&again, 302, &login),
        (&[id], 200, ""),
    ];
    for (pairs, status, location) in rows {
        let mut browser = signed_in(&house).await;
        let before = browser.clone();
        let answer = logout(&house, &mut browser, pairs).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (status, location), "{pairs:?}");
        assert_eq!(browser.session(), "", "the cookie is taken away: {answer:?}");
        assert!(!still_lives(&house, &before).await, "{pairs:?}");
    }
}

#[actix_web::test]
async fn a_bad_form_is_a_page_and_ends_nothing() {
    let house = House::build().await;
    let tokens = house.tokens(&[]).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    let altered = format!("{}A", &hint[..hint.len() - 1]);
    let altered = if altered == hint { format!("{}B", &hint[..hint.len() - 1]) } else { altered };
    let id = ("client_id", "app");
    let slash = format!("{LOGGED_OUT}/");
    let rows: [&[(&str, &str)]; 13] = [
        &[id, ("logout_uri", "https://evil.example/")],
        &[id, ("logout_uri", &slash)],
        &[id, ("logout_uri", CALLBACK)],
        &[id, ("post_logout_redirect_uri", "https://evil.example/")],
        &[id, ("logout_uri", LOGGED_OUT), ("post_logout_redirect_uri", LOGGED_OUT)],
        &[id, ("logout_uri", LOGGED_OUT), ("logout_uri", LOGGED_OUT)],
        &[id, ("redirect_uri", CALLBACK)],
        &[id, ("redirect_uri", LOGGED_OUT), ("response_type", "code")],
        &[("logout_uri", LOGGED_OUT)],
        &[("client_id", "nobody"), ("logout_uri", LOGGED_OUT)],
        &[("client_id", "narrow"), ("id_token_hint", hint), ("logout_uri", LOGGED_OUT)],
        &[("id_token_hint", access), ("post_logout_redirect_uri", LOGGED_OUT)],
        &[("id_token_hint", &altered), ("post_logout_redirect_uri", LOGGED_OUT)],
    ];
    let mut browser = signed_in(&house).await;
    for pairs in rows {
        let answer = logout(&house, &mut browser, pairs).await;
        assert_eq!(answer.status, 400, "{pairs:?}: {answer:?}");
        assert!(answer.header("content-type").starts_with("text/html"), "{pairs:?}");
        assert!(!answer.headers.contains_key("set-cookie"), "{pairs:?}");
        assert!(answer.body.contains(answer.header("x-amzn-requestid")), "{pairs:?}");
    }
    assert!(still_lives(&house, &browser).await);
}

#[actix_web::test]
async fn an_old_id_token_still_says_who_leaves() {
    let house = House::build().await;
    let tokens = house.tokens(&[]).await;
    house.advance(Duration::days(40));
    let pairs =
        [("id_token_hint", tokens["id_token"].as_str().unwrap()), ("post_logout_redirect_uri", LOGGED_OUT)];
    let answer = logout(&house, &mut Browser::default(), &pairs).await;
    assert_eq!(answer.header("location"), LOGGED_OUT, "{answer:?}");
}

#[actix_web::test]
async fn a_hint_signed_with_the_right_key_still_needs_the_right_claims() {
    let house = House::build().await;
    let snapshot = house.state.context.registry.snapshot();
    let pool = snapshot.pool(POOL).unwrap();
    let good = json!({"iss": ISSUER, "aud": "app", "token_use": "id"});
    for (edit, status) in [
        (json!({}), 302),
        (json!({"token_use": "access"}), 400),
        (json!({"iss": "http://localhost:9229/us-east-1_Tests0002"}), 400),
        (json!({"aud": "nobody"}), 400),
        (json!({"aud": "narrow"}), 302),
    ] {
        let mut claims = good.as_object().unwrap().clone();
        claims.extend(edit.as_object().unwrap().clone());
        let hint = pool
            .keys
            .id_token(house.state.context.now())
            .sign_jwt(Value::Object(claims).to_string().as_bytes())
            .unwrap();
        let pairs = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", LOGGED_OUT)];
        let answer = logout(&house, &mut Browser::default(), &pairs).await;
        assert_eq!(answer.status.as_u16(), status, "{edit}: {answer:?}");
    }
}
