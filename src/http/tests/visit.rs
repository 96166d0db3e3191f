//! Whose page it is: its language, its look, the way back, and the account that may go on.

use actix_web::test::TestRequest;
use serde_json::json;

use super::house::{Answer, Browser, CALLBACK, House, LOGGED_OUT, authorize_path, callback_path, person};
use super::saml;
use crate::api;
use crate::testing::attributes;

/// A page, asked for by a browser that reads these languages.
async fn read_in(house: &House, path: &str, languages: &str) -> Answer {
    let request = TestRequest::get().uri(path).insert_header(("host", "localhost"));
    house.send(request.insert_header(("accept-language", languages.to_owned()))).await
}

fn language(page: &Answer) -> &str {
    let rest = page.body.split_once("<html lang=\"").unwrap_or_else(|| panic!("no page: {page:?}")).1;
    rest.split('"').next().unwrap()
}

fn login(more: &[(&str, &str)]) -> String {
    authorize_path(more).replace("/oauth2/authorize", "/login")
}

#[actix_web::test]
async fn a_page_speaks_what_the_app_asks_for_and_then_what_the_browser_reads() {
    let house = House::build().await;
    for (lang, accepted, spoken) in [
        ("", "", "en"),
        ("", "ja", "ja"),
        ("", "tlh, de;q=0.2, fr;q=0.9", "fr"),
        ("", "fr;q=0, de;q=0.1", "de"),
        ("", "fr;q=0", "en"),
        ("ko", "ja", "ko"),
        ("tlh", "ja", "ja"),
        ("zh-Hant-HK", "ja", "zh-TW"),
        ("ar", "", "ar"),
        ("<x>", "*", "en"),
        ("", &format!("ja, {}", "x, ".repeat(400)), "en"),
    ] {
        let page = read_in(&house, &login(&[("lang", lang)]), accepted).await;
        assert_eq!(language(&page), spoken, "{lang} {accepted}");
        let bad = login(&[("lang", lang), ("redirect_uri", "https://evil.example/")]);
        let page = read_in(&house, &bad, accepted).await;
        assert_eq!((page.status.as_u16(), language(&page)), (400, spoken), "{lang} {accepted}");
    }
    let page = read_in(&house, &login(&[("ui_locales", "tlh pt")]), "ja").await;
    assert_eq!(language(&page), "pt-BR", "OpenID Connect's name for it");
}

#[actix_web::test]
async fn the_language_of_a_page_after_the_provider_is_that_of_the_attempt() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let more = [("identity_provider", "Acme"), ("lang", "es")];
    let leaving = house.authorize(&mut browser, &more).await;
    let page = house.get(&mut Browser::default(), &callback_path(&leaving, &person("alice"))).await;
    assert_eq!((page.status.as_u16(), language(&page)), (400, "es"), "another browser: {page:?}");
    assert!(page.body.contains("App"), "it names the app: {page:?}");
}

#[actix_web::test]
async fn changing_the_language_asks_the_same_again() {
    let house = House::build().await;
    let page = read_in(&house, &login(&[("lang", "de"), ("nonce", "n")]), "").await;
    assert!(page.body.contains(r#"<input type="hidden" name="nonce" value="n">"#), "{page:?}");
    assert!(page.body.contains(r#"<option value="de" lang="de" selected>Deutsch</option>"#), "{page:?}");
    assert!(!page.body.contains(r#"name="lang" value="#), "the old one does not travel: {page:?}");
}

/// Where the way back of a page leads.
fn back(page: &Answer) -> Option<String> {
    let link = page.body.split("<a class=\"button ").nth(1)?;
    attributes(link, "href").into_iter().next()
}

#[actix_web::test]
async fn the_way_back_is_what_the_app_registered_and_never_what_a_request_says() {
    let house = House::build().await;
    let bad = login(&[("redirect_uri", "https://evil.example/"), ("logout_uri", "https://evil.example/")]);
    let shown = || async { house.get(&mut Browser::default(), &bad).await };
    let page = shown().await;
    assert_eq!((page.status.as_u16(), back(&page).as_deref()), (400, Some(LOGGED_OUT)), "{page:?}");
    assert!(!page.body.contains("evil.example"), "{page:?}");
    house.change_client("app", |client| client.logout_urls.clear()).await;
    assert_eq!(back(&shown().await).as_deref(), Some("https://app.example/"), "{CALLBACK}'s front page");
    let elsewhere = "https://other.example:8443/deep/cb?x=1".to_owned();
    house
        .change_client("app", |client| {
            client.callback_urls.insert(0, elsewhere.clone());
            client.default_redirect_uri = Some(elsewhere);
        })
        .await;
    assert_eq!(back(&shown().await).as_deref(), Some("https://other.example:8443/"));
    house
        .change_client("app", |client| {
            (client.default_redirect_uri, client.callback_urls) = (None, vec!["myapp://cb".into()]);
        })
        .await;
    assert_eq!(back(&shown().await), None, "an app's own scheme has no front page");
    let unknown = house.get(&mut Browser::default(), &login(&[("client_id", "nobody")])).await;
    assert_eq!((unknown.status.as_u16(), back(&unknown)), (400, None), "{unknown:?}");
}

#[actix_web::test]
async fn the_signed_out_page_leads_back_to_the_app() {
    let house = House::build().await;
    let german = house.get(&mut Browser::default(), "/logout?client_id=app&ui_locales=de-CH%20fr").await;
    assert!(german.body.contains("lang=\"de\""), "{german:?}");
    let page = house.get(&mut Browser::default(), "/logout?client_id=app&lang=fr").await;
    assert_eq!((page.status.as_u16(), language(&page)), (200, "fr"), "{page:?}");
    assert_eq!(back(&page).as_deref(), Some(LOGGED_OUT), "{page:?}");
}

const CHOOSE: (&str, &str) = ("prompt", "select_account");

#[actix_web::test]
async fn who_is_signed_in_goes_on_or_takes_another_account_where_the_app_lets_people_choose() {
    let house = House::build().await;
    let mut browser = Browser::default();
    house.sign_in(&mut browser, &[]).await.code();
    let to = house.authorize(&mut browser, &[CHOOSE]).await.header("location").to_owned();
    assert!(to.starts_with("/login?"), "{to}");
    let page = house.get(&mut browser, &to).await;
    for part in ["Continue as alice", "alice@acme.example", "Signed in with Acme", "Use another account"] {
        assert!(page.body.contains(part), "{part}: {page:?}");
    }
    let links = ways_on(&page);
    assert!(!links[0].contains("prompt"), "{links:?}");
    let on = house.get(&mut browser, &links[0]).await;
    assert!(on.header("location").starts_with(CALLBACK), "{on:?}");
    on.code();
    let other = links.iter().find(|link| link.contains("identity_provider=Acme")).unwrap();
    let leaving = house.get(&mut browser, other).await;
    assert_eq!(leaving.told("prompt").as_deref(), Some("select_account"), "the provider lets them choose");
}

/// Where the buttons of a login page lead, in order.
fn ways_on(page: &Answer) -> Vec<String> {
    let hrefs = attributes(&page.body, "href").into_iter();
    hrefs.filter(|href| href.starts_with("/oauth2/authorize?")).collect()
}

/// It would let the same account in again without a word.
#[actix_web::test]
async fn a_saml_provider_asks_anew_only_where_an_account_was_on_offer() {
    let house = House::build().await;
    saml::Idp::new("Initech", saml::Key::good()).move_in(&house, &[]).await;
    let mut browser = Browser::default();
    house.sign_in(&mut browser, &[]).await.code();
    for (mut browser, afresh) in [(browser, true), (Browser::default(), false)] {
        let page = house.get(&mut browser, &login(&[CHOOSE])).await;
        let link = ways_on(&page).into_iter().find(|link| link.contains("Initech")).unwrap();
        let leaving = house.get(&mut browser, &link).await;
        let request = saml::message(&leaving.location());
        assert_eq!(request.contains("ForceAuthn=\"true\""), afresh, "{request}");
    }
}

#[actix_web::test]
async fn an_account_is_offered_only_where_it_would_do() {
    let house = House::build().await;
    let mut browser = Browser::default();
    let offers = |page: &Answer| page.body.contains("Continue as");
    let page = house.get(&mut browser, &login(&[CHOOSE])).await;
    assert!(page.status == 200 && !offers(&page), "nobody is signed in: {page:?}");
    house.sign_in(&mut browser, &[]).await.code();
    assert!(offers(&house.get(&mut browser, &login(&[CHOOSE])).await));
    let both = login(&[("prompt", "login select_account")]);
    assert!(!offers(&house.get(&mut browser, &both).await), "the app wants a new sign-in");
    house.advance(time::Duration::seconds(90));
    let fresh = login(&[CHOOSE, ("max_age", "60")]);
    assert!(!offers(&house.get(&mut browser, &fresh).await), "the sign-in is too old");
    let narrow = login(&[CHOOSE, ("client_id", "narrow")]);
    let away = house.get(&mut browser, &narrow).await;
    assert!(away.header("location").starts_with("https://globex.example/"), "Acme is not for it: {away:?}");
    let named = house.authorize(&mut browser, &[CHOOSE, ("identity_provider", "Acme")]).await;
    assert_eq!(named.told("prompt").as_deref(), Some("select_account"), "the provider's page chooses");
}

#[actix_web::test]
async fn every_page_of_a_client_wears_what_was_given_for_it() {
    let house = House::build().await;
    let set = |client: &'static str, colour: &'static str| {
        let css = format!(".background-customizable {{ background-color: {colour} }}");
        let input = json!({"UserPoolId": super::house::POOL, "ClientId": client, "CSS": css});
        api::call(&house.state.api, "SetUICustomization", input)
    };
    set("ALL", "navy").await.unwrap();
    set("app", "red").await.unwrap();
    let mut sheets = Vec::new();
    for path in [
        login(&[]),
        login(&[("redirect_uri", "https://evil.example/")]),
        "/logout?client_id=app".to_owned(),
        login(&[("client_id", "confidential")]),
        login(&[("client_id", "nobody")]),
        "/oauth2/idpresponse?state=unknown&code=x".to_owned(),
    ] {
        let page = house.get(&mut Browser::default(), &path).await;
        let sheet = page.body.split("href=\"").find(|rest| rest.contains("/custom.css\">"));
        let sheet = sheet.unwrap_or_else(|| panic!("{path}: {page:?}")).split('"').next().unwrap().to_owned();
        sheets.push(house.get(&mut Browser::default(), &sheet).await.body);
    }
    let red = sheets.iter().map(|sheet| sheet.contains("red")).collect::<Vec<_>>();
    assert_eq!(red, [true, true, true, false, false, false], "{sheets:?}");
    assert!(sheets[3..].iter().all(|sheet| sheet.contains("navy")), "{sheets:?}");
}
