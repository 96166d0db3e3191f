//! Too late, twice, in two tabs, back and reload: in Chromium, with its own rules about cookies and history.
//!
//! The gateway is `localhost`, the providers are `127.0.0.1`: two sites.

use serde_json::json;

use crate::browser::app;
use crate::harness::{Browser, Gateway, Oidc, Says, SimpleSaml, query_of, site, with_details};

/// A provider's page that waits for a person: its one link goes on to `onward` with the query it was given.
async fn waiting_room(onward: String) -> String {
    let port = site(move |path| {
        let query = query_of(path).replace('&', "&amp;");
        let link = format!("<a id=\"on\" href=\"{onward}?{query}\">on</a>");
        Says::Page(format!("<!doctype html><title>provider</title>{link}"))
    });
    format!("http://127.0.0.1:{}/", port.await)
}

struct Stage {
    gateway: Gateway,
    _oidc: Oidc,
    _saml: SimpleSaml,
    browser: Browser,
    authorize: String,
    home: String,
}

/// `Room` speaks OpenID Connect behind a page with a link, `Desk` is a SAML provider with a login form.
async fn stage() -> Stage {
    let gateway = Gateway::start().await;
    let (oidc, saml) = (Oidc::start(&gateway.url(), "client_secret_post").await, SimpleSaml::start().await);
    let room = waiting_room(oidc.endpoint("authorization").to_owned()).await;
    let explicit = json!({
        "authorize_url": room, "token_url": oidc.endpoint("token"),
        "attributes_url": oidc.endpoint("userinfo"), "jwks_uri": oidc.endpoint("jwks"),
    });
    let mut desk = saml.provider("Desk", "plain");
    desk["identifiers"] = json!(["desk.example"]);
    let callback = app().await;
    let providers = json!([with_details(oidc.provider("Room"), explicit), desk, oidc.provider("Quick")]);
    let clients = json!([{"name": "Shop", "callbacks": [callback], "providers": ["Room", "Desk", "Quick"]}]);
    let pool = gateway.provision(providers, clients).await;
    saml.trust(&gateway.url()).await;
    let authorize = format!(
        "{}/oauth2/authorize?client_id={}&response_type=code&redirect_uri={callback}",
        gateway.url(),
        pool.clients["Shop"]["id"].as_str().unwrap(),
    );
    let home = callback.replace("/callback", "/");
    Stage { gateway, _oidc: oidc, _saml: saml, browser: Browser::start().await, authorize, home }
}

impl Stage {
    async fn open(&self, provider: &str, state: &str) {
        let provider =
            if provider.is_empty() { String::new() } else { format!("&identity_provider={provider}") };
        self.browser.driver.goto(format!("{}&state={state}{provider}", self.authorize)).await.unwrap();
    }

    async fn press(&self, button: &str) {
        self.browser.wait_button(button).await.click().await.unwrap();
    }

    /// The link of the provider's page.
    async fn go_on(&self) {
        self.browser.wait("#on").await.click().await.unwrap();
    }

    async fn log_in(&self) {
        self.browser.wait("input[name=username]").await.send_keys("alice").await.unwrap();
        self.browser.wait("input[name=password]").await.send_keys("wonderland\n").await.unwrap();
    }

    /// Waits until the browser is at the app, with a code for this state.
    async fn arrives(&self, state: &str) {
        self.browser.wait("#hello").await;
        let url = self.browser.driver.current_url().await.unwrap();
        let query =
            |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        assert!(query("code").is_some(), "{url}");
        assert_eq!(query("state").as_deref(), Some(state), "{url}");
    }

    /// The gateway forgets every attempt, as it does after five minutes.
    async fn five_minutes_pass(&mut self) {
        self.gateway.stop().await;
        for file in std::fs::read_dir(self.gateway.data()).unwrap() {
            let file = file.unwrap();
            if file.file_name().to_string_lossy().starts_with("sessions.sqlite") {
                std::fs::remove_file(file.path()).unwrap();
            }
        }
        self.gateway.restart().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_too_slow_at_the_provider_starts_again_and_ends_in_the_app() {
    let mut stage = stage().await;
    stage.open("Room", "r1").await;
    stage.browser.wait("#on").await;
    stage.five_minutes_pass().await;
    stage.go_on().await;
    stage.browser.wait_text("h1", "This sign-in has expired").await;
    stage.press("Start again").await;
    stage.go_on().await;
    stage.arrives("r1").await;
    stage.browser.driver.delete_all_cookies().await.unwrap();

    // The answer comes as a cross-site POST, without the browser's cookies.
    stage.open("Desk", "d1").await;
    stage.browser.wait("input[name=username]").await;
    stage.five_minutes_pass().await;
    stage.log_in().await;
    stage.browser.wait_text("h1", "This sign-in has expired").await;
    stage.press("Start again").await;
    stage.arrives("d1").await;
    stage.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_goes_back_from_the_app_ends_in_the_app_again() {
    let stage = stage().await;
    stage.open("", "s1").await;
    stage.press("Continue with Room").await;
    stage.go_on().await;
    stage.arrives("s1").await;
    // The provider's page, which answers the same attempt once more.
    stage.browser.driver.back().await.unwrap();
    stage.go_on().await;
    stage.browser.wait_text("h1", "This sign-in has expired").await;
    stage.press("Back to Shop").await;
    stage.browser.wait("#hello").await;
    assert_eq!(stage.browser.driver.current_url().await.unwrap().as_str(), stage.home);
    // From the provider's page on to the login page: the session answers.
    stage.browser.driver.back().await.unwrap();
    stage.browser.wait_text("h1", "This sign-in has expired").await;
    stage.browser.driver.back().await.unwrap();
    stage.browser.wait("#on").await;
    stage.browser.driver.back().await.unwrap();
    stage.arrives("s1").await;
    stage.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_sign_in_side_by_side() {
    let stage = stage().await;
    let driver = &stage.browser.driver;
    stage.open("Room", "one").await;
    stage.browser.wait("#on").await;
    let first = driver.window().await.unwrap();
    let second = driver.new_tab().await.unwrap();
    driver.switch_to_window(second).await.unwrap();
    stage.open("Room", "two").await;
    stage.go_on().await;
    stage.arrives("two").await;
    driver.switch_to_window(first).await.unwrap();
    stage.go_on().await;
    stage.arrives("one").await;
    stage.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_came_by_post_may_be_loaded_again() {
    let stage = stage().await;
    let driver = &stage.browser.driver;
    stage.open("", "p1").await;
    stage.browser.wait("input[type=email]").await.send_keys("jane@unknown.example\n").await.unwrap();
    stage.browser.wait("#email-problem").await;
    driver.refresh().await.unwrap();
    stage.browser.wait("#email-problem").await;
    driver.back().await.unwrap();
    stage.browser.wait("input[type=email]").await;
    stage.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hop_may_be_loaded_again_and_gone_back_to() {
    let stage = stage().await;
    let driver = &stage.browser.driver;
    // Back leads to the provider's page, which posts the same answer once more, across sites.
    stage.open("Desk", "h0").await;
    stage.log_in().await;
    stage.arrives("h0").await;
    driver.back().await.unwrap();
    stage.browser.wait_text("h1", "This sign-in has expired").await;
    stage.press("Start again").await;
    stage.press("Back to Shop").await;
    stage.browser.wait("#hello").await;
    assert_eq!(driver.current_url().await.unwrap().as_str(), stage.home);
    driver.delete_all_cookies().await.unwrap();

    // The hop waits for a person where its script does not come. The provider knows who it is by now.
    stage.browser.devtools("Network.enable", json!({})).await;
    stage.browser.devtools("Network.setBlockedURLs", json!({"urls": ["*auto-post.js*"]})).await;
    stage.open("Desk", "h1").await;
    stage.browser.wait_text("h1", "One moment").await;
    driver.refresh().await.unwrap();
    stage.browser.wait_text("h1", "One moment").await;
    stage.press("Continue").await;
    stage.arrives("h1").await;
    stage.browser.close().await;
}
