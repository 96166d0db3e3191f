//! The provider's answer: of which attempt, of which browser, how often.

use serde_json::json;
use time::Duration;

use super::house::{Answer, Browser, House, callback_path, person};

async fn leave(house: &House, browser: &mut Browser) -> Answer {
    house.authorize(browser, &[("identity_provider", "Acme")]).await
}

fn assert_page(what: &str, answer: &Answer, code: &str) {
    assert_eq!(answer.status, 400, "{what}: {answer:?}");
    assert!(answer.body.contains(code), "{what}: {answer:?}");
    assert!(answer.body.contains(answer.header("x-amzn-requestid")), "{what}");
    assert!(!answer.headers.contains_key("location"), "{what}");
    assert!(!answer.headers.contains_key("set-cookie"), "{what}");
}

#[actix_web::test]
async fn an_attempt_is_used_once() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let leaving = leave(&house, &mut browser).await;
    let back = callback_path(&leaving, &person("alice"));
    house.get(&mut browser, &back).await.code();
    assert_page("again", &house.get(&mut browser, &back).await, "attempt_unknown");
}

#[actix_web::test]
async fn an_answer_that_fails_has_used_its_attempt() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let leaving = leave(&house, &mut browser).await;
    let state = leaving.told("state").unwrap();
    let denied = format!("/oauth2/idpresponse?error=access_denied&state={state}");
    assert_eq!(house.get(&mut browser, &denied).await.told("error").as_deref(), Some("access_denied"));
    let back = callback_path(&leaving, &person("alice"));
    assert_page("after a refusal", &house.get(&mut browser, &back).await, "attempt_unknown");
}

#[actix_web::test]
async fn an_attempt_lives_five_minutes() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let (early, late) = (leave(&house, &mut browser).await, leave(&house, &mut browser).await);
    house.advance(Duration::seconds(299));
    house.get(&mut browser, &callback_path(&early, &person("alice"))).await.code();
    house.advance(Duration::seconds(1));
    let answer = house.get(&mut browser, &callback_path(&late, &person("alice"))).await;
    assert_page("after 300 s", &answer, "attempt_unknown");
}

#[actix_web::test]
async fn a_stranger_can_neither_use_nor_burn_an_attempt() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let leaving = leave(&house, &mut browser).await;
    let back = callback_path(&leaving, &person("mallory"));
    // Login CSRF: the attacker's own answer in the victim's browser.
    let mut victim = Browser::default();
    leave(&house, &mut victim).await;
    assert_page("another browser", &house.get(&mut victim, &back).await, "other_browser");
    assert_page("no cookie", &house.get(&mut Browser::default(), &back).await, "other_browser");
    assert_eq!(victim.session(), "");
    house.get(&mut browser, &back).await.code();
}

#[actix_web::test]
async fn several_tabs_of_a_browser_sign_in_side_by_side() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let (one, two) = (leave(&house, &mut browser).await, leave(&house, &mut browser).await);
    house.get(&mut browser, &callback_path(&two, &person("alice"))).await.code();
    house.get(&mut browser, &callback_path(&one, &person("alice"))).await.code();
}

#[actix_web::test]
async fn an_attempt_of_one_pool_is_nothing_to_another() {
    let house = House::build().await;
    let host = house.second_pool().await;
    let mut browser = Browser::default();
    let leaving = leave(&house, &mut browser).await;
    let back = callback_path(&leaving, &person("alice"));
    assert_page("other pool", &house.get_at(host, &mut browser, &back).await, "attempt_unknown");
    house.get(&mut browser, &back).await.code();
}

#[actix_web::test]
async fn an_oidc_attempt_is_nothing_to_the_saml_endpoint() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let leaving = leave(&house, &mut browser).await;
    let state = leaving.told("state").unwrap();
    let form = [("SAMLResponse", "PHg+"), ("RelayState", state.as_str())];
    let answer = house.post_from(&mut browser, "/saml2/idpresponse", &form).await;
    assert_page("SAML", &answer, "attempt_unknown");
    house.get(&mut browser, &callback_path(&leaving, &person("alice"))).await.code();
}

#[actix_web::test]
async fn a_post_without_cookies_is_sent_again_once_and_never_loops() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let leaving = leave(&house, &mut browser).await;
    let back = callback_path(&leaving, &person("alice"));
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(back.split_once('?').unwrap().1.as_bytes()).into_owned().collect();
    let form: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();

    // Cross-site: the browser sends no SameSite=Lax cookie.
    let hop = house.post_from(&mut Browser::default(), "/oauth2/idpresponse", &form).await;
    assert_eq!(hop.status, 200, "{hop:?}");
    assert!(hop.body.contains("poolgate_same_site"), "{hop:?}");
    for (_, value) in &form {
        assert!(hop.body.contains(value), "{value} is sent again");
    }
    assert_eq!(hop.header("cache-control"), "no-store");
    assert!(hop.header("content-security-policy").contains("form-action 'self';"), "it ends here: {hop:?}");
    assert!(!hop.headers.contains_key("set-cookie"), "no cookie is widened or made");

    let marked = "/oauth2/idpresponse?poolgate_same_site";
    let still_none = house.post_from(&mut Browser::default(), marked, &form).await;
    assert_page("no cookies at all", &still_none, "other_browser");
    let led = house.post_from(&mut browser, marked, &form).await;
    assert!(led.header("content-security-policy").contains("form-action 'self';"), "{led:?}");
    assert_eq!(led.header("cache-control"), "no-store", "it holds the code");
    assert_eq!(led.header("referrer-policy"), "no-referrer");
    assert_ne!(browser.session(), "", "the cookies come along");
    led.led_on().code();
}

#[actix_web::test]
async fn a_post_of_nobody_is_not_echoed() {
    let house = House::build().await;
    let form = [("state", "nobody"), ("code", "<script>alert(1)</script>")];
    let answer = house.post_from(&mut Browser::default(), "/oauth2/idpresponse", &form).await;
    assert_page("unknown", &answer, "attempt_unknown");
    assert!(!answer.body.contains("alert(1)"));
}

#[actix_web::test]
async fn what_changed_since_the_attempt_left_counts() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let leaving = leave(&house, &mut browser).await;
    let only = vec!["Globex".to_owned()];
    house.change_client("app", |client| client.supported_identity_providers = only).await;
    let answer = house.get(&mut browser, &callback_path(&leaving, &person("alice"))).await;
    assert_eq!(answer.told("error").as_deref(), Some("server_error"), "{answer:?}");
    assert_eq!(browser.session(), "");
}

#[actix_web::test]
async fn the_same_subject_of_two_providers_is_two_users() {
    let house = House::build().await;
    let mut subs = Vec::new();
    for provider in ["Acme", "Globex"] {
        let mut browser = Browser::default();
        let leaving = house.authorize(&mut browser, &[("identity_provider", provider)]).await;
        let code = house.get(&mut browser, &callback_path(&leaving, &person("alice"))).await.code();
        let tokens = house.redeem(&code, &[]).await.json();
        subs.push(super::house::claims(&tokens["id_token"])["sub"].clone());
    }
    assert_ne!(subs[0], subs[1]);
}

#[actix_web::test]
async fn a_subject_of_another_case_is_another_user() {
    let house = House::build().await;
    let mut subs = Vec::new();
    for subject in ["alice", "Alice", "alice"] {
        let mut browser = Browser::default();
        let leaving = house.authorize(&mut browser, &[("identity_provider", "Acme")]).await;
        let code = house.get(&mut browser, &callback_path(&leaving, &person(subject))).await.code();
        let tokens = house.redeem(&code, &[]).await.json();
        subs.push(super::house::claims(&tokens["id_token"])["sub"].clone());
    }
    assert_ne!(subs[0], subs[1]);
    assert_eq!(subs[0], subs[2]);
}

#[actix_web::test]
async fn an_answer_without_the_right_nonce_or_without_a_required_attribute_signs_nobody_in() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let (first, second) = (leave(&house, &mut browser).await, leave(&house, &mut browser).await);
    // Code injection: the code of one attempt under the state of another.
    let stolen = callback_path(&first, &person("mallory"));
    let code = stolen.split('&').find(|part| part.contains("code=")).unwrap();
    let code = code.rsplit("code=").next().unwrap();
    let path = format!("/oauth2/idpresponse?code={code}&state={}", second.told("state").unwrap());
    let answer = house.get(&mut browser, &path).await;
    assert_eq!(answer.told("error").as_deref(), Some("server_error"), "{answer:?}");

    let leaving = leave(&house, &mut browser).await;
    let answer = house.get(&mut browser, &callback_path(&leaving, &json!({"sub": "nomail"}))).await;
    assert_eq!(answer.told("error").as_deref(), Some("server_error"), "{answer:?}");
    let description = answer.told("error_description").unwrap();
    assert!(
        description.contains("Invalid user attributes: email: The attribute is required"),
        "{description}"
    );
    assert_eq!(browser.session(), "");
}

#[actix_web::test]
async fn tokens_go_to_the_fragment_for_the_implicit_flow_and_never_a_refresh_token() {
    let house = House::build().await;
    let implicit = [
        ("client_id", "spa"),
        ("response_type", "token"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
        ("nonce", "n-1"),
    ];
    let answer = house.sign_in(&mut Browser::default(), &implicit).await;
    let location = answer.location();
    assert_eq!(location.query(), None);
    let pairs: std::collections::HashMap<_, _> =
        url::form_urlencoded::parse(location.fragment().unwrap().as_bytes()).into_owned().collect();
    assert_eq!(pairs["token_type"], "bearer");
    assert_eq!(pairs["expires_in"], "3600");
    assert_eq!(pairs["state"], "the state");
    assert!(!pairs.contains_key("refresh_token") && !pairs.contains_key("code"));
    assert_eq!(super::house::claims(&pairs["id_token"].clone().into())["nonce"], "n-1");
    assert_eq!(house.user_info(&pairs["access_token"]).await.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[actix_web::test]
async fn the_apps_state_comes_back_byte_for_byte_and_never_as_a_header() {
    let house = House::build().await;
    let state = "a\r\nSet-Cookie: x=y; \u{e9}\u{1f511} %2B+&=#?\"<>\\";
    let mut browser = Browser::default();
    let answer = house.sign_in(&mut browser, &[("state", state)]).await;
    assert_eq!(answer.told("state").as_deref(), Some(state));
    assert!(answer.header("location").is_ascii());
    let again = house.authorize(&mut browser, &[("state", state)]).await;
    assert_eq!(again.told("state").as_deref(), Some(state), "from the session too");
    let refused = house.authorize(&mut browser, &[("state", state), ("scope", "nothing")]).await;
    assert_eq!(refused.told("error").as_deref(), Some("invalid_scope"));
    assert_eq!(refused.told("state").as_deref(), Some(state), "with an error too");
}

#[actix_web::test]
async fn the_query_reaches_the_login_page_as_the_app_wrote_it() {
    let house = House::build().await;
    for raw in ["&extra=%C3%A9%0D%0A", "&extra=a%20b+c"] {
        let path = format!("{}{raw}", super::house::authorize_path(&[]));
        let answer = house.get(&mut Browser::default(), &path).await;
        assert_eq!(answer.status, 302, "{raw}: {answer:?}");
        let location =
            String::from_utf8(answer.headers.get("location").unwrap().as_bytes().to_vec()).unwrap();
        assert_eq!(location, path.replace("/oauth2/authorize", "/login"));
    }
}

/// As when a browser opens its bookmarks or restores a session: no tab has a mark as yet, and the last one wins.
#[actix_web::test]
async fn tabs_that_depart_at_the_same_moment_all_arrive() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let mut leavings = Vec::new();
    for _ in 0..3 {
        let mut tab = Browser::default();
        leavings.push(leave(&house, &mut tab).await);
        browser.0.extend(tab.0);
    }
    for leaving in &leavings {
        house.get(&mut browser, &callback_path(leaving, &person("alice"))).await.code();
        let marks = browser.0.iter().filter(|(name, _)| name.starts_with("poolgate-again-"));
        let marked = marks.filter(|(_, value)| value.split('.').count() > 2).count();
        assert!(marked < leavings.len(), "what is answered needs no mark: {browser:?}");
    }
}

#[actix_web::test]
async fn the_mark_of_an_attempt_is_proof_for_that_attempt_alone() {
    let house = House::build().await;
    let (mut one, mut other) = (Browser::default(), Browser::default());
    let leaving = leave(&house, &mut one).await;
    let back = callback_path(&leaving, &person("alice"));
    leave(&house, &mut other).await;
    let memory = |browser: &Browser| -> (String, String) {
        let found = browser.0.iter().find(|(name, _)| name.starts_with("poolgate-again-")).unwrap();
        (found.0.clone(), found.1.clone())
    };
    let ((name, value), (_, of_other)) = (memory(&one), memory(&other));
    let (unmarked, _) = value.rsplit_once('.').unwrap();
    for forged in [&of_other, unmarked, &format!("{unmarked}."), &format!("{unmarked}.x.{unmarked}")] {
        let mut browser = other.clone();
        browser.0.insert(name.clone(), forged.to_owned());
        assert_page(forged, &house.get(&mut browser, &back).await, "other_browser");
    }
    other.0.insert(name, value);
    house.get(&mut other, &back).await.code();
}
