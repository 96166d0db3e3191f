//! A sign-in that came to nothing: too late, twice, in another tab, while a store was away. No page is a dead end.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use time::Duration;

use super::house::{
    Answer, Browser, CALLBACK, House, LOGGED_OUT, POOL, authorize_path, callback_path, person, query,
};
use super::moods::Mood;
use super::saml::{Idp, Key};
use crate::registry::Edit;
use crate::testing;
use crate::testing::attributes;

pub(super) const ACME: (&str, &str) = ("identity_provider", "Acme");
pub(super) const PREFIX: &str = "poolgate-again-";
pub(super) const FIVE_MINUTES: Duration = Duration::minutes(5);

/// What the links of a page lead to.
pub(super) fn links(page: &Answer) -> Vec<String> {
    page.body.split("<a class=\"button ").skip(1).map(|link| attributes(link, "href").remove(0)).collect()
}

/// The way to start again.
#[track_caller]
pub(super) fn start_again(page: &Answer) -> String {
    let found = links(page).into_iter().find(|link| link.starts_with("/again?attempt="));
    found.unwrap_or_else(|| panic!("no way to start again: {page:?}"))
}

#[track_caller]
pub(super) fn assert_no_start(what: &str, page: &Answer) {
    assert!(page.status.is_client_error() || page.status.is_server_error(), "{what}: {page:?}");
    assert!(links(page).iter().all(|link| !link.contains("again")), "{what}: {:?}", links(page));
}

/// Names and values of what a browser remembers.
pub(super) fn remembered(browser: &Browser) -> Vec<(&str, String)> {
    let ours = browser.0.iter().filter(|(name, _)| name.starts_with(PREFIX));
    ours.map(|(name, value)| (name.as_str(), asked_in(value))).collect()
}

/// The query in a cookie's value.
fn asked_in(value: &str) -> String {
    let asked = value.split('.').nth(1).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(asked).unwrap()).unwrap()
}

/// The same browser behind a cross-site POST, which brings none of its cookies.
fn across() -> Browser {
    Browser::default()
}

/// Presses the link, goes on to the provider where there is no session yet, and from there to the app.
async fn goes_through(house: &House, browser: &mut Browser, link: &str) -> Answer {
    let again = house.get(browser, link).await;
    let to = again.header("location").to_owned();
    assert!(to.starts_with("/oauth2/authorize?"), "{again:?}");
    let leaving = house.get(browser, &to).await;
    if leaving.header("location").starts_with(CALLBACK) {
        return leaving;
    }
    house.get(browser, &callback_path(&leaving, &person("alice"))).await
}

#[actix_web::test]
async fn an_attempt_that_took_too_long_starts_again_and_ends_in_the_app_with_all_it_asked() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let more = [ACME, ("nonce", "n-0"), ("lang", "de"), ("state", "a b&c=d;\u{e9}")];
    let leaving = house.authorize(&mut browser, &more).await;
    house.advance(FIVE_MINUTES);
    let page = house.get(&mut browser, &callback_path(&leaving, &person("alice"))).await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("lang=\"de\"") && page.body.contains("App"), "the app's page: {page:?}");
    assert_eq!(links(&page)[1], LOGGED_OUT, "and the way back: {page:?}");
    let arrived = goes_through(&house, &mut browser, &start_again(&page)).await;
    assert_eq!(arrived.told("state").as_deref(), Some("a b&c=d;\u{e9}"));
    let tokens = house.redeem(&arrived.code(), &[]).await;
    assert_eq!(tokens.status, 200, "the same PKCE challenge: {tokens:?}");
    assert_eq!(super::house::claims(&tokens.json()["id_token"])["nonce"], "n-0");
}

#[actix_web::test]
async fn after_a_cross_site_post_the_link_finds_the_cookies_that_the_post_did_not_bring() {
    let house = House::build().await;
    Idp::new("Corp", Key::good()).move_in(&house, &[]).await;
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[("identity_provider", "Corp")]).await;
    house.advance(FIVE_MINUTES);
    let form = [("SAMLResponse", "PHg+"), ("RelayState", &leaving.told("RelayState").unwrap())];
    let page = house.post_from(&mut across(), "/saml2/idpresponse", &form).await;
    assert_eq!(page.status, 400, "{page:?}");
    let again = house.get(&mut browser, &start_again(&page)).await;
    assert!(again.header("location").starts_with("/oauth2/authorize?client_id=app&"), "{again:?}");
    assert!(again.header("location").contains("identity_provider=Corp"), "{again:?}");

    // A browser that keeps no cookies is told so by the same-site POST, and by the link.
    let marked = "/saml2/idpresponse?poolgate_same_site";
    assert_no_start("marked", &house.post_from(&mut across(), marked, &form).await);
    let nothing = house.get(&mut across(), &start_again(&page)).await;
    assert_eq!((nothing.status.as_u16(), links(&nothing)), (400, vec![]), "{nothing:?}");
    assert!(nothing.body.contains("attempt_unknown"), "{nothing:?}");
}

#[actix_web::test]
async fn who_comes_back_to_the_providers_page_after_the_sign_in_is_led_to_the_app() {
    let house = House::build().await;
    for refused in [false, true] {
        let mut browser = Browser::default();
        let leaving = house.authorize(&mut browser, &[ACME, ("lang", "fr")]).await;
        let back = callback_path(&leaving, &person("alice"));
        let state = leaving.told("state").unwrap();
        let denied = format!("/oauth2/idpresponse?error=access_denied&state={state}");
        let first = house.get(&mut browser, if refused { &denied } else { &back }).await;
        assert!(first.header("location").starts_with(CALLBACK), "{first:?}");
        let page = house.get(&mut browser, &back).await;
        assert_eq!((page.status.as_u16(), links(&page)), (400, vec![LOGGED_OUT.to_owned()]), "{page:?}");
        assert!(page.body.contains("lang=\"fr\""), "{page:?}");
        // The app has used its state: only whose it was stays behind.
        let kept = remembered(&browser);
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].1, "client_id=app&lang=fr");
        let link = format!("/again?attempt={}", &kept[0].0[PREFIX.len()..]);
        let pressed = house.get(&mut browser, &link).await;
        assert_eq!((pressed.status.as_u16(), links(&pressed)), (400, vec![LOGGED_OUT.to_owned()]));
    }
}

#[actix_web::test]
async fn an_app_without_a_page_to_go_back_to_is_reached_by_starting_again() {
    let house = House::build().await;
    house
        .change_client("app", |client| {
            client.logout_urls.clear();
            client.callback_urls = vec!["myapp://cb".into()];
        })
        .await;
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[ACME, ("redirect_uri", "myapp://cb")]).await;
    let back = callback_path(&leaving, &person("alice"));
    assert!(house.get(&mut browser, &back).await.header("location").starts_with("myapp://cb?code="));
    let page = house.get(&mut browser, &back).await;
    let again = house.get(&mut browser, &start_again(&page)).await;
    let arrived = house.get(&mut browser, again.header("location")).await;
    assert!(arrived.header("location").starts_with("myapp://cb?code="), "the session answers: {arrived:?}");
}

#[actix_web::test]
async fn each_tab_starts_its_own_sign_in_again() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let one = house.authorize(&mut browser, &[ACME, ("state", "one")]).await;
    let two = house.authorize(&mut browser, &[ACME, ("state", "two"), ("client_id", "confidential")]).await;
    house.advance(FIVE_MINUTES);
    for (leaving, state) in [(&one, "one"), (&two, "two")] {
        let page = house.get(&mut browser, &callback_path(leaving, &person("alice"))).await;
        let arrived = goes_through(&house, &mut browser, &start_again(&page)).await;
        assert_eq!(arrived.told("state").as_deref(), Some(state));
    }
    // The first to finish takes nothing from the other.
    let mut browser = Browser::default();
    let one = house.authorize(&mut browser, &[ACME]).await;
    let two = house.authorize(&mut browser, &[ACME]).await;
    house.get(&mut browser, &callback_path(&one, &person("alice"))).await.code();
    house.advance(FIVE_MINUTES);
    let page = house.get(&mut browser, &callback_path(&two, &person("alice"))).await;
    let again = house.get(&mut browser, &start_again(&page)).await;
    let arrived = house.get(&mut browser, again.header("location")).await;
    arrived.code();
}

/// A browser that holds this query for the fingerprint of sixteen `A`s.
pub(super) fn holding(house: &House, asked: &str) -> Browser {
    let at = house.state.context.now().unix_timestamp();
    let value = format!("{at}.{}", URL_SAFE_NO_PAD.encode(asked));
    Browser([(format!("{PREFIX}{}", "A".repeat(16)), value)].into())
}

#[actix_web::test]
async fn starting_again_leads_to_authorize_of_this_host_and_nowhere_else_whatever_a_cookie_or_link_says() {
    let house = House::build().await;
    let other = house.second_pool().await;
    let link = format!("/again?attempt={}", "A".repeat(16));
    let good = query(&[("client_id", "app"), ("redirect_uri", CALLBACK), ("response_type", "code")]);
    let answer = house.get(&mut holding(&house, &good), &link).await;
    assert_eq!(answer.header("location"), format!("/oauth2/authorize?{good}"));

    // Nothing of the link itself travels on.
    for more in
        ["&redirect_uri=https://evil.example/", "&next=//evil.example", "&state=x%0d%0aLocation:%20//evil"]
    {
        let answer = house.get(&mut holding(&house, &good), &format!("{link}{more}")).await;
        assert_eq!(answer.header("location"), format!("/oauth2/authorize?{good}"), "{more}");
    }
    // What a neighbour or thief may have put into the cookie.
    for (name, value) in [
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", "//evil.example"),
        ("redirect_uri", ""),
        ("client_id", "nobody"),
        ("client_id", ""),
    ] {
        let asked: Vec<_> = [("client_id", "app"), ("redirect_uri", CALLBACK), ("response_type", "code")]
            .map(|(known, was)| if known == name { (known, value) } else { (known, was) })
            .to_vec();
        let answer = house.get(&mut holding(&house, &query(&asked)), &link).await;
        assert_no_start(&format!("{name}={value}"), &answer);
        assert!(!answer.headers.contains_key("location") && !answer.body.contains("evil"), "{answer:?}");
    }
    let twice = format!("{good}&redirect_uri=https%3A%2F%2Fevil.example");
    assert_no_start("twice", &house.get(&mut holding(&house, &twice), &link).await);
    let split = format!("{good}&state=x%0D%0ALocation%3A%20%2F%2Fevil.example&unknown=//evil.example");
    let answer = house.get(&mut holding(&house, &split), &link).await;
    assert_eq!(
        answer.header("location"),
        format!("/oauth2/authorize?{good}&state=x%0D%0ALocation%3A+%2F%2Fevil.example")
    );
    assert_eq!(house.get_at(other, &mut holding(&house, &good), &link).await.status, 400, "another pool's");
    for value in ["", "x", "1.", ".e30", "9.%%%", "9999999999999999999999.YQ", "1.YQ"] {
        let mut browser = Browser([(format!("{PREFIX}{}", "A".repeat(16)), value.to_owned())].into());
        assert_no_start(value, &house.get(&mut browser, &link).await);
    }
    for wrong in [
        "",
        "?attempt=",
        "?attempt=A",
        "?attempt=../../evil",
        "?attempt=AAAAAAAAAAAAAAA%0d",
        "?attempt=AAAAAAAAAAAAAAAA&attempt=B",
    ] {
        let answer = house.get(&mut holding(&house, &good), &format!("/again{wrong}")).await;
        assert_no_start(wrong, &answer);
        assert_eq!(answer.status, 400, "never the newest by itself: {answer:?}");
    }
}

#[actix_web::test]
async fn starting_again_is_checked_against_what_the_pool_allows_now() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[ACME]).await;
    house.advance(FIVE_MINUTES);
    let link = start_again(&house.get(&mut browser, &callback_path(&leaving, &person("alice"))).await);

    house.change_client("app", |client| client.supported_identity_providers = vec!["Globex".into()]).await;
    let to = house.get(&mut browser, &link).await.header("location").to_owned();
    let told = house.get(&mut browser, &to).await;
    assert_eq!(told.told("error").as_deref(), Some("invalid_request"), "the app is told: {told:?}");
    house.change_client("app", |client| client.callback_urls = vec!["https://app.example/new".into()]).await;
    let gone = house.get(&mut browser, &link).await;
    assert_eq!((gone.status.as_u16(), links(&gone)), (400, vec![LOGGED_OUT.to_owned()]), "{gone:?}");
    house.edit(vec![Edit::DeleteClient { pool_id: POOL.into(), client_id: "app".into() }]).await;
    let gone = house.get(&mut browser, &link).await;
    assert_eq!((gone.status.as_u16(), links(&gone)), (400, vec![]), "{gone:?}");
}

#[actix_web::test]
async fn another_browser_is_shown_whose_app_it_is_and_what_it_never_began_it_cannot_begin_again() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[ACME]).await;
    let back = callback_path(&leaving, &person("mallory"));
    let mut victim = Browser::default();
    house.authorize(&mut victim, &[ACME, ("client_id", "confidential")]).await;
    for mut other in [victim, Browser::default()] {
        let page = house.get(&mut other, &back).await;
        assert!(page.body.contains("other_browser"), "{page:?}");
        assert_eq!(links(&page), [LOGGED_OUT], "the app's, and not one's own other sign-in: {page:?}");
    }
    // The browser that began it and lost its mark.
    browser.0.remove("csrf-state");
    for (_, value) in browser.0.iter_mut().filter(|(name, _)| name.starts_with(PREFIX)) {
        value.truncate(value.rfind('.').unwrap());
    }
    let page = house.get(&mut browser, &back).await;
    assert!(page.body.contains("other_browser"), "{page:?}");
    goes_through(&house, &mut browser, &start_again(&page)).await.code();
}

#[actix_web::test]
async fn an_answer_that_names_no_attempt_offers_the_last_one_where_the_page_says_whose_it_is() {
    let house = House::build().await;
    let mut browser = Browser::default();
    house.authorize(&mut browser, &[ACME, ("state", "old")]).await;
    house.advance(Duration::seconds(1));
    house.authorize(&mut browser, &[ACME, ("state", "new"), ("lang", "ja")]).await;
    for path in ["/oauth2/idpresponse", "/oauth2/idpresponse?code=x", "/saml2/idpresponse?SAMLResponse=x"] {
        let page = house.get(&mut browser, path).await;
        assert!(page.body.contains("invalid_response_or_state"), "{path}: {page:?}");
        assert!(page.body.contains("lang=\"ja\"") && links(&page)[1] == LOGGED_OUT, "{path}: {page:?}");
        let again = house.get(&mut browser, &start_again(&page)).await;
        assert!(again.header("location").contains("state=new"), "{path}: {again:?}");
        assert_no_start(path, &house.get(&mut Browser::default(), path).await);
    }
    // An answer that names another app has nothing to do with it.
    let named = "/oauth2/idpresponse?client_id=narrow";
    assert_no_start("named", &house.get(&mut browser, named).await);
    house
        .change_client("app", |client| {
            client.logout_urls.clear();
            client.callback_urls = vec!["myapp://cb".into()];
        })
        .await;
    assert_no_start("nameless", &house.get(&mut browser, "/oauth2/idpresponse").await);
}

#[actix_web::test]
async fn a_store_that_was_away_leaves_a_way_on() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[ACME]).await;
    let back = callback_path(&leaving, &person("alice"));
    let (path, form) = back.split_once('?').unwrap();
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let form: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();

    house.sessions.becomes(Mood::Away);
    let looked = house.get(&mut browser, &back).await;
    assert_eq!((looked.status.as_u16(), &links(&looked)[0]), (503, &back), "not used yet: {looked:?}");
    for mut cookies in [across(), browser.clone()] {
        let posted = house.post_from(&mut cookies, path, &form).await;
        assert_eq!(posted.status, 503);
        start_again(&posted);
    }
    let page = authorize_path(&[]).replace("/oauth2/authorize", "/login");
    let typed = house.post_from(&mut browser, &page, &[("email", "x@y.example")]).await;
    assert_eq!(typed.status, 200, "{typed:?}");

    // The attempt is taken, and then the directory is away.
    house.sessions.becomes(Mood::Well);
    house.directory.becomes(Mood::Away);
    let taken = house.get(&mut browser, &back).await;
    assert_eq!(taken.status, 503, "{taken:?}");
    let link = start_again(&taken);
    house.directory.becomes(Mood::Well);
    goes_through(&house, &mut browser, &link).await.code();
}

#[actix_web::test]
async fn an_email_that_could_not_be_followed_is_typed_again_on_the_same_page() {
    let house = House::build().await;
    let snapshot = house.state.context.registry.snapshot();
    let mut acme = snapshot.pool(POOL).unwrap().providers["Acme"].config.clone();
    acme.value.idp_identifiers = vec!["acme.example".into()];
    house.edit(vec![Edit::UpdateProvider(acme)]).await;
    let page = authorize_path(&[]).replace("/oauth2/authorize", "/login");
    house.sessions.becomes(Mood::Away);
    let typed = house.post_from(&mut Browser::default(), &page, &[("email", "jane@acme.example")]).await;
    assert_eq!((typed.status.as_u16(), &links(&typed)[0]), (503, &page), "{typed:?}");
    assert!(!typed.body.contains("jane"), "{typed:?}");
}

#[actix_web::test]
async fn a_sign_in_that_moved_to_the_custom_domain_starts_again_there() {
    let house = House::build().await;
    house.has_prefix_domain().await;
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[ACME]).await;
    house.advance(FIVE_MINUTES);
    let link = start_again(&house.get(&mut browser, &callback_path(&leaving, &person("alice"))).await);
    let there = house.get_at("acme.localhost:9229", &mut across(), &link).await;
    assert_eq!(there.status, 400, "its cookies are the other host's: {there:?}");
    assert!(house.get(&mut browser, &link).await.header("location").starts_with("/oauth2/authorize?"));
}

#[actix_web::test]
async fn a_started_sign_in_that_names_its_app_leads_back_there_when_it_is_refused() {
    let house = House::build().await;
    let client = testing::client(json!({"ClientId": "desk", "SupportedIdentityProviders": ["Corp"]}));
    house.edit(vec![Edit::CreateClient(client)]).await;
    Idp::new("Corp", Key::good()).move_in(&house, &[]).await;
    let relay = query(&[
        ("identity_provider", "Corp"),
        ("client_id", "desk"),
        ("redirect_uri", "https://evil.example/"),
        ("response_type", "code"),
    ]);
    let form = [("SAMLResponse", "PHg+"), ("RelayState", relay.as_str())];
    let page = house.post_from(&mut across(), "/saml2/idpresponse", &form).await;
    assert_eq!((page.status.as_u16(), links(&page)), (400, vec![LOGGED_OUT.to_owned()]), "{page:?}");
}
