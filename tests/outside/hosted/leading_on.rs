//! Where the way leads on past us: an app's callback on one host that goes on to another, a provider that hands people
//! over to a third. Chromium holds every step behind a form against the policy of the form's page.

use serde_json::{Value, json};

use crate::browser::HELLO;
use crate::harness::{Browser, Gateway, Oidc, Saml, Says, query_of, site, with_details};

/// An app that goes from its callback on `localhost` to its front page on `127.0.0.1`.
async fn app_of_two_hosts() -> String {
    let front = site(|_| Says::Page(HELLO.to_owned())).await;
    let callback =
        site(move |path| Says::Redirect(format!("http://127.0.0.1:{front}/front?{}", query_of(path))));
    format!("http://localhost:{}/callback", callback.await)
}

struct Stage {
    gateway: Gateway,
    _saml: Saml,
    _oidc: Oidc,
    browser: Browser,
    authorize: String,
    sign_out: String,
}

/// `Branch` answers with a form from another site; so does `Desk`, an OpenID provider. `Chain` hands over to another
/// host and is found by its address, as Branch is. `Posted` takes sign-outs by POST and answers them by a redirect.
async fn stage(browser: Browser) -> Stage {
    let gateway = Gateway::start().await;
    let saml = Saml::start(&gateway.url()).await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let there = oidc.endpoint("authorization").to_owned();
    let first = site(move |path| Says::Redirect(format!("{there}?{}", query_of(path)))).await;
    let mut chain = with_details(
        oidc.provider("Chain"),
        json!({
            "authorize_url": format!("http://other.localhost:{first}/authorize"),
            "token_url": oidc.endpoint("token"),
            "attributes_url": oidc.endpoint("userinfo"),
            "jwks_uri": oidc.endpoint("jwks"),
        }),
    );
    chain["identifiers"] = json!(["chain.example"]);
    let mut branch = saml.provider("Branch", "assertion");
    branch["identifiers"] = json!(["branch.example"]);
    let desk = with_details(oidc.provider("Desk"), json!({"response_mode": "form_post"}));
    let callback = app_of_two_hosts().await;
    let posted = saml.provider("Posted", "post-and-redirect");
    let posted = with_details(posted, json!({"IDPSignout": "true"}));
    let clients = json!([{
        "name": "Shop", "callbacks": [callback], "logouts": [callback],
        "providers": ["Chain", "Branch", "Desk", "Posted"],
    }]);
    let pool = gateway.provision(json!([chain, branch, desk, posted]), clients).await;
    let client = pool.clients["Shop"]["id"].as_str().unwrap();
    let sign_out = format!("{}/logout?client_id={client}&logout_uri={callback}", gateway.url());
    let authorize = format!(
        "{}/oauth2/authorize?client_id={client}&response_type=code&redirect_uri={callback}",
        gateway.url()
    );
    Stage { gateway, _saml: saml, _oidc: oidc, browser, authorize, sign_out }
}

impl Stage {
    async fn open(&self) {
        self.forget().await;
        self.browser.driver.goto(&self.authorize).await.unwrap();
    }

    /// The browser is at the app's other host: the gateway's cookies go from there as well.
    async fn forget(&self) {
        self.browser.devtools("Network.clearBrowserCookies", json!({})).await;
    }

    async fn type_address(&self, address: &str) {
        self.browser.wait("input[type=email]").await.send_keys(address).await.unwrap();
        self.browser.wait("main form button").await.click().await.unwrap();
    }

    /// Waits until the browser is at the app's front page, with a code.
    async fn arrives(&self, how: &str) {
        self.browser.wait("#hello").await;
        let url = self.browser.driver.current_url().await.unwrap();
        assert_eq!((url.host_str(), url.path()), (Some("127.0.0.1"), "/front"), "{how}: {url}");
        assert!(url.query().unwrap_or_default().contains("code="), "{how}: {url}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_may_lead_on_to_another_host_and_a_provider_too() {
    let stage = stage(Browser::start().await).await;
    for provider in ["Branch", "Desk"] {
        stage.open().await;
        let start = stage.browser.driver.current_url().await.unwrap();
        let mut named = start.clone();
        named.set_path("/oauth2/authorize");
        named.query_pairs_mut().append_pair("identity_provider", provider);
        stage.browser.driver.goto(named.as_str()).await.unwrap();
        stage.arrives(provider).await;
        stage.forget().await;
        // The pages in between leave no trace: Back from the app is the page before.
        stage.browser.driver.back().await.unwrap();
        stage.browser.wait("h1").await;
        assert_eq!(stage.browser.driver.current_url().await.unwrap(), start, "{provider}");
    }
    for address in ["jane@chain.example", "jane@branch.example"] {
        stage.open().await;
        stage.type_address(address).await;
        stage.arrives(address).await;
    }
    stage.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_by_post_that_is_answered_by_a_redirect_ends_at_the_app() {
    let stage = stage(Browser::start().await).await;
    stage.open().await;
    stage.browser.wait_button("Continue with Posted").await.click().await.unwrap();
    stage.arrives("Posted").await;
    stage.browser.driver.goto(&stage.sign_out).await.unwrap();
    stage.browser.wait("#hello").await;
    let url = stage.browser.driver.current_url().await.unwrap();
    assert_eq!((url.path(), url.query()), ("/front", Some("")), "{url}");
    stage.open().await;
    stage.browser.wait_button("Continue with Posted").await;
    stage.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_without_javascript_is_led_on_all_the_same() {
    let stage = stage(Browser::without_javascript().await).await;
    stage.open().await;
    stage.type_address("jane@branch.example").await;
    for page in ["the provider's form", "the hop"] {
        let button = stage.browser.wait("form button, form input[type=submit]").await;
        stage.browser.leave_by(&button).await;
        println!("past {page}");
    }
    stage.arrives("Branch").await;
    stage.browser.close().await;
}

/// Run in every document: when the browser leaves it, notes whether its button could be pressed, and whether it could
/// after a long while.
const WATCH: &str = "addEventListener('pagehide', () => {
    const byHand = document.getElementById('by-hand');
    if (!byHand) return;
    const seen = () => getComputedStyle(byHand.firstElementChild).visibility;
    const now = seen();
    byHand.getAnimations().forEach(animation => animation.finish());
    const before = JSON.parse(sessionStorage.getItem('seen') || '[]');
    sessionStorage.setItem('seen', JSON.stringify([...before, [location.search, now, seen()]]));
});";

/// Continue, pressed while the browser is on its way, would send the same answer twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_nothing_to_press_while_the_browser_is_on_its_way() {
    let stage = stage(Browser::start().await).await;
    stage.browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": WATCH})).await;
    stage.browser.driver.goto(format!("{}&identity_provider=Branch", stage.authorize)).await.unwrap();
    stage.arrives("Branch").await;
    stage.browser.driver.goto(format!("{}/nowhere", stage.gateway.url())).await.unwrap();
    let seen = stage.browser.driver.execute("return sessionStorage.getItem('seen')", vec![]).await.unwrap();
    let seen: Value = serde_json::from_str(seen.json().as_str().unwrap()).unwrap();
    let same_site = "?poolgate_same_site";
    assert_eq!(seen, json!([["", "hidden", "visible"], [same_site, "hidden", "visible"]]));
    stage.browser.close().await;
}

/// As when a browser opens its bookmarks: none of the tabs has a mark of the browser as yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tabs_that_open_at_the_same_moment_all_arrive() {
    let stage = stage(Browser::start().await).await;
    stage.open().await;
    stage.forget().await;
    let opener = stage.browser.driver.window().await.unwrap();
    let there = format!("{}&identity_provider=Branch", stage.authorize);
    let open = "for (let i = 0; i < 4; i++) window.open(arguments[0])";
    stage.browser.driver.execute(open, vec![json!(there)]).await.unwrap();
    let tabs = stage.browser.driver.windows().await.unwrap();
    assert_eq!(tabs.len(), 5);
    for (number, tab) in tabs.into_iter().filter(|tab| *tab != opener).enumerate() {
        stage.browser.driver.switch_to_window(tab).await.unwrap();
        stage.arrives(&format!("tab {number}")).await;
    }
    stage.browser.close().await;
}
