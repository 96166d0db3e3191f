//! Chromium, with its own rules about cookies across sites, content security and forms.

use serde_json::json;

use crate::harness::{Browser, Gateway, Oidc, Saml, Says, SimpleSaml, site, with_details};

/// What the app says.
pub const HELLO: &str = "<!doctype html><title>app</title><h1 id=\"hello\">hello</h1>";

/// An app that says hello to every request; its callback address.
pub async fn app() -> String {
    format!("http://localhost:{}/callback", site(|_| Says::Page(HELLO.to_owned())).await)
}

/// A gateway with providers of either protocol, an app and a browser.
pub struct Stage {
    pub gateway: Gateway,
    pub browser: Browser,
    /// Where the app sends people to sign in.
    pub authorize: String,
    /// The app client's id.
    pub client: String,
    _saml: Saml,
    _oidc: Oidc,
}

/// A stage with this browser. Corp is found by e-mail, ByPost takes its requests by POST, AcmeForm answers by POST.
pub async fn stage(browser: Browser) -> Stage {
    let gateway = Gateway::start().await;
    let saml = Saml::start(&gateway.url()).await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let callback = app().await;
    let mut domains = saml.provider("Corp", "both");
    domains["identifiers"] = json!(["example.com"]);
    let mut form_post = oidc.provider("AcmeForm");
    form_post["details"]["response_mode"] = "form_post".into();
    let (branch, by_post) = (saml.provider("Branch", "assertion"), saml.provider("ByPost", "signed-post"));
    let providers = json!([domains, branch, by_post, oidc.provider("Acme"), form_post]);
    let clients = json!([{
        "name": "Shop", "callbacks": [callback], "providers": ["Corp", "Branch", "ByPost", "Acme", "AcmeForm"],
    }]);
    let pool = gateway.provision(providers, clients).await;
    let client = pool.clients["Shop"]["id"].as_str().unwrap().to_owned();
    let authorize = format!(
        "{}/oauth2/authorize?client_id={client}&response_type=code&redirect_uri={callback}&state=xyz",
        gateway.url(),
    );
    Stage { gateway, browser, authorize, client, _saml: saml, _oidc: oidc }
}

impl Stage {
    /// Opens the app's sign-in link, with further parameters (`&…`).
    pub async fn open(&self, more: &str) {
        self.browser.driver.goto(format!("{}{more}", self.authorize)).await.unwrap();
    }

    /// Waits until the browser is at the app, with a code.
    pub async fn arrives(&self, how: &str) {
        self.browser.wait("#hello").await;
        let url = self.browser.driver.current_url().await.unwrap();
        let query =
            |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        assert!(query("code").is_some(), "{how}: {url}");
        assert_eq!(query("state").as_deref(), Some("xyz"), "{how}: {url}");
    }

    /// The browser loses the cookies of the gateway's host.
    pub async fn forget(&self) {
        self.browser.driver.delete_all_cookies().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_picks_each_provider_on_the_login_page_and_arrives_at_the_app() {
    let stage = stage(Browser::start().await).await;
    for provider in ["Acme", "Branch", "AcmeForm"] {
        stage.open("").await;
        stage.browser.wait_button(&format!("Continue with {provider}")).await.click().await.unwrap();
        stage.arrives(provider).await;
        // Signed in now: the way to the app needs no page and no provider.
        stage.open("&prompt=none").await;
        stage.arrives("again").await;
        // The browser is at the app, on the gateway's host: its cookies go, the provider keeps its own.
        stage.forget().await;
    }
    stage.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_email_address_leads_to_the_provider_of_its_domain() {
    let stage = stage(Browser::start().await).await;
    stage.open("").await;
    let address = stage.browser.wait("input[type=email]").await;
    address.send_keys("Somebody@Example.com\n").await.unwrap();
    stage.arrives("e-mail").await;
    stage.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_login_page_breaks_none_of_its_own_rules() {
    let stage = stage(Browser::start().await).await;
    stage.open("").await;
    stage.browser.wait_button("Continue with Acme").await;
    let styled = "return getComputedStyle(document.querySelector('h1')).fontFamily";
    let font = stage.browser.driver.execute(styled, vec![]).await.unwrap();
    assert!(
        !font.json().as_str().unwrap().contains("Times"),
        "the style sheet is in force: {:?}",
        font.json()
    );
    let inline = "return document.querySelectorAll('script:not([src]), [style], [onclick], [onload]').length";
    assert_eq!(stage.browser.driver.execute(inline, vec![]).await.unwrap().json(), &json!(0));
    let language = "return document.documentElement.lang";
    assert_eq!(stage.browser.driver.execute(language, vec![]).await.unwrap().json(), &json!("en"));
    stage.browser.close().await;
}

/// The two sites are two hosts: messages by POST cross them without the cookies of `SameSite=Lax`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_signs_out_across_sites_by_either_binding_from_either_side() {
    let (gateway, saml) = (Gateway::start().await, SimpleSaml::start().await);
    let callback = app().await;
    let bye = callback.replace("/callback", "/bye");
    let variants = [("Redirect", "plain"), ("Post", "logout-by-post")];
    let providers = variants
        .map(|(name, variant)| with_details(saml.provider(name, variant), json!({"IDPSignout": "true"})));
    let clients = json!([{
        "name": "Shop", "callbacks": [callback], "logouts": [bye], "providers": ["Redirect", "Post"],
    }]);
    let pool = gateway.provision(json!(providers), clients).await;
    saml.trust(&gateway.url()).await;
    let browser = Browser::start().await;
    let client = pool.clients["Shop"]["id"].as_str().unwrap();
    let authorize = |more: &str| {
        let here = gateway.url();
        format!(
            "{here}/oauth2/authorize?client_id={client}&response_type=code&redirect_uri={callback}&{more}"
        )
    };
    let arrives = |at: String| {
        let browser = &browser;
        async move {
            browser.wait("#hello").await;
            let url = browser.driver.current_url().await.unwrap();
            assert!(url.as_str().starts_with(&at), "{at}: {url}");
        }
    };
    for (provider, variant) in variants {
        let log_in = || async {
            browser.driver.goto(authorize(&format!("identity_provider={provider}"))).await.unwrap();
            // Shown each time: the provider's own session has ended as well.
            browser.wait("input[name=username]").await.send_keys("alice").await.unwrap();
            browser.wait("input[name=password]").await.send_keys("wonderland\n").await.unwrap();
            arrives(format!("{callback}?code=")).await;
        };
        let here = format!("{}/logout?client_id={client}&logout_uri={bye}", gateway.url());
        let there = format!("{}?ReturnTo={bye}", saml.address(variant, "saml2/idp/SingleLogoutService.php"));
        for sign_out in [here, there] {
            log_in().await;
            browser.driver.goto(&sign_out).await.unwrap();
            arrives(bye.clone()).await;
            browser.driver.goto(authorize("prompt=none")).await.unwrap();
            arrives(format!("{callback}?error=login_required")).await;
        }
        log_in().await;
    }
    browser.close().await;
}
