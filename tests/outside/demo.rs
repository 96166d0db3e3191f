//! `poolgate demo` as a person meets it: one URL, a click through each provider.

use crate::harness::{Browser, Demo, Landing, Person};

/// Every provider of the demo: its name in the pool, and what its button on the hosted page says.
const PROVIDERS: [(&str, &str); 6] = [
    ("Google", "Continue with Google"),
    ("Facebook", "Continue with Facebook"),
    ("LoginWithAmazon", "Login with Amazon"),
    ("SignInWithApple", "Sign in with Apple"),
    ("Acme", "Continue with Acme"),
    ("Globex", "Continue with Globex"),
];
/// Those that can be told no.
const SOCIAL: [&str; 4] = ["Google", "Facebook", "LoginWithAmazon", "SignInWithApple"];

/// Chooses somebody at the provider's page and lands at the app, signed in.
async fn choose(browser: &Browser, provider: &str, person: &str) -> String {
    browser.wait_button(person).await.click().await.unwrap();
    if provider == "SignInWithApple" {
        // Here for the first time: Apple asks what the app may know.
        let button = browser.wait_button("Continue").await;
        browser.picture("demo-apple").await;
        button.click().await.unwrap();
    }
    browser.wait("#greeting").await.text().await.unwrap()
}

async fn page(browser: &Browser) -> String {
    browser.wait("main").await.text().await.unwrap()
}

/// The one test that presses them all. Facebook's answer ends in a fragment, Apple's is a form.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_clicks_through_the_demo_with_every_provider_refreshes_and_signs_out() {
    let demo = Demo::start().await;
    let browser = Browser::start().await;
    browser.resize(640, 930).await;
    browser.driver.goto(&demo.url).await.unwrap();
    let people = ["Grace Hopper", "Ada Lovelace", "Alan Turing"];
    for ((provider, label), person) in PROVIDERS.into_iter().zip(people.into_iter().cycle()) {
        browser.wait("#sign-in").await;
        if provider == "Google" {
            browser.picture("demo-home").await;
        }
        browser.wait("#sign-in").await.click().await.unwrap();
        let button = browser.wait_button(label).await;
        if provider == "Google" {
            browser.picture("demo-login").await;
        }
        button.click().await.unwrap();
        browser.wait_button(person).await;
        if let "Google" | "Facebook" | "LoginWithAmazon" = provider {
            browser.picture(&format!("demo-{}", provider.to_lowercase().replace("loginwith", ""))).await;
        }
        assert_eq!(choose(&browser, provider, person).await, format!("Hello, {person}"), "{provider}");
        let text = page(&browser).await;
        let username = format!("{provider}_");
        for expected in [&username, "ID token", "Access token", "cognito:username", "Who verified what"] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        if provider == "Acme" {
            browser.resize(960, 940).await;
            browser.picture("app").await;
            browser.resize(640, 930).await;
        }
        browser.wait("#refresh").await.click().await.unwrap();
        assert_eq!(browser.wait("#refreshed").await.text().await.unwrap(), "Refreshed 1 time.");
        browser.wait("#sign-out").await.click().await.unwrap();
        browser.wait("#sign-in").await;
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_cancels_at_a_social_provider_is_back_at_the_app_and_may_try_again() {
    let demo = Demo::start().await;
    let browser = Browser::start().await;
    browser.driver.goto(&demo.url).await.unwrap();
    for provider in SOCIAL {
        browser.wait(&format!("#sign-in-{provider}")).await.click().await.unwrap();
        browser.wait_button("Cancel").await.click().await.unwrap();
        browser.wait("[role=alert]").await;
        let text = page(&browser).await;
        assert!(text.contains("Poolgate answered access_denied"), "{provider}: {text}");
        browser.wait_button("Back to the start").await.click().await.unwrap();
    }
    browser.wait("#sign-in-Facebook").await.click().await.unwrap();
    assert_eq!(choose(&browser, "Facebook", "Ada Lovelace").await, "Hello, Ada Lovelace");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_signing_out_of_the_demo_the_next_person_is_asked_again() {
    let demo = Demo::start().await;
    let browser = Browser::start().await;
    browser.driver.goto(&demo.url).await.unwrap();
    browser.wait("#sign-in-Acme").await.click().await.unwrap();
    assert_eq!(choose(&browser, "Acme", "Alan Turing").await, "Hello, Alan Turing");
    browser.wait("#sign-out").await.click().await.unwrap();
    browser.wait("#sign-in-Acme").await.click().await.unwrap();
    assert_eq!(choose(&browser, "Acme", "Ada Lovelace").await, "Hello, Ada Lovelace");
    browser.close().await;
}

/// A browser without JavaScript, from the app's start page to where pressing `person` leads.
async fn press(demo: &Demo, browser: &Person, provider: &str, person: &str) -> Landing {
    let start = format!("{}/sign-in?provider={provider}", demo.url);
    let choice = browser.open(&start, "nowhere").await;
    assert_eq!(choice.status, 200, "{choice:?}");
    browser.press(&choice, ("person", person), "nowhere").await
}

/// What the app shows of the ID token: a claim and its value.
fn claim(page: &Landing, name: &str) -> Option<String> {
    let (_, rest) = page.body.split_once(&format!("<tr><th scope=\"row\">{name}</th><td><code>"))?;
    let value = rest.split_once("</code>")?.0;
    Some(quick_xml::escape::unescape(value).unwrap().into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_social_provider_of_the_demo_fills_the_profile_as_it_is_mapped() {
    let demo = Demo::start().await;
    for (provider, expected) in [
        (
            "Google",
            &[("email", "grace@example.com"), ("email_verified", "true"), ("birthdate", "1906-12-09")][..],
        ),
        ("Facebook", &[("email", "grace@example.com"), ("name", "Grace Hopper"), ("given_name", "Grace")]),
        (
            "LoginWithAmazon",
            &[("email", "grace@example.com"), ("name", "Grace Hopper"), ("custom:postal_code", "22201-4014")],
        ),
    ] {
        let page = press(&demo, &Person::new(), provider, "grace").await;
        for (name, value) in expected {
            assert_eq!(claim(&page, name).as_deref(), Some(*value), "{provider}: {name} in {}", page.body);
        }
        let picture = claim(&page, "picture");
        assert_eq!(
            picture.is_some_and(|url| url.ends_with("/portrait/grace")),
            provider != "LoginWithAmazon"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_name_that_apple_tells_once_is_kept_at_the_next_sign_in() {
    let demo = Demo::start().await;
    let first = Person::new();
    let consent = press(&demo, &first, "SignInWithApple", "ada").await;
    assert!(consent.body.contains("Hide my e-mail"), "{}", consent.body);
    let page = first.press(&consent, ("", ""), "nowhere").await;
    assert_eq!(claim(&page, "given_name").as_deref(), Some("Ada"), "{}", page.body);
    assert_eq!(claim(&page, "email_verified").as_deref(), Some("true"));
    let again = press(&demo, &Person::new(), "SignInWithApple", "ada").await;
    assert!(!again.body.contains("Hide my e-mail"), "{}", again.body);
    for name in ["given_name", "family_name", "email", "sub"] {
        assert!(claim(&page, name).is_some(), "{name}");
        assert_eq!(claim(&again, name), claim(&page, name), "{name}");
    }
}

/// The start page of the provider at whose page somebody is asked.
async fn provider_home(demo: &Demo, provider: &str) -> String {
    let start = format!("{}/sign-in?provider={provider}", demo.url);
    let choice = Person::new().open(&start, "nowhere").await;
    format!("{}/", choice.url.origin().ascii_serialization())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_of_the_app_ends_the_session_at_the_openid_provider() {
    let (demo, browser) = (Demo::start().await, Person::new());
    let globex = provider_home(&demo, "Globex").await;
    let app = press(&demo, &browser, "Globex", "grace").await;
    assert!(browser.open(&globex, "nowhere").await.body.contains("Sign out Grace Hopper"));
    let sign_out = app.url.join("/sign-out").unwrap();
    let bye = browser.post_from(&app.url, &sign_out, &[], "nowhere").await;
    assert!(bye.body.contains("Hello, stranger"), "{bye:?}");
    assert!(browser.open(&globex, "nowhere").await.body.contains("Nobody is signed in"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_at_the_openid_provider_ends_the_refresh_tokens_of_the_app() {
    let (demo, browser) = (Demo::start().await, Person::new());
    let globex = provider_home(&demo, "Globex").await;
    let app = press(&demo, &browser, "Globex", "grace").await;
    let refresh = app.url.join("/refresh").unwrap();
    let refreshed = browser.post_from(&app.url, &refresh, &[], "nowhere").await;
    assert!(refreshed.body.contains("Refreshed 1 time"), "{refreshed:?}");
    let sessions = browser.open(&globex, "nowhere").await;
    let (_, rest) = sessions.body.split_once("name=\"sid\" value=\"").expect("a session");
    let sid = rest.split_once('"').unwrap().0;
    let gone = browser.press(&sessions, ("sid", sid), "nowhere").await;
    assert!(gone.body.contains("Nobody is signed in"), "{gone:?}");
    let refused = browser.post_from(&app.url, &refresh, &[], "nowhere").await;
    assert!(refused.body.contains("invalid_grant"), "{refused:?}");
    let home = browser.open(app.url.join("/").unwrap().as_str(), "nowhere").await;
    assert!(home.body.contains("Hello, stranger"), "the app forgets whom it cannot refresh: {home:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_shows_an_administrator_the_hosted_pages_at_an_address_of_its_own() {
    let demo = Demo::start().await;
    assert!(demo.pages.starts_with("http://127.0.0.1:"), "{}", demo.pages);
    let browser = Browser::start().await;
    browser.driver.goto(&demo.pages).await.unwrap();
    browser.wait_button("E-mail address, social accounts and organizations").await.click().await.unwrap();
    browser.wait_button("Continue with Google").await.click().await.unwrap();
    browser.wait_button("Back to the page").await.click().await.unwrap();
    browser.wait_button("Continue with Acme").await;
    browser.driver.goto(format!("{}preview/hop-to-provider", demo.pages)).await.unwrap();
    browser.wait_button("Continue").await.click().await.unwrap();
    browser.wait_button("Every hosted page").await.click().await.unwrap();
    browser.wait("table.states").await;
    browser.close().await;
}
