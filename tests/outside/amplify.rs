//! A page built with npm aws-amplify v6, in Chromium, over TLS: the gateway, the pool's domain and the app are three
//! sites, as they are for whoever runs them.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PublicKeyData as _};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Browser, Gateway, Helper, Oidc, free_port, node_helper};

/// A certificate of a test CA, and where the parts are.
struct Tls {
    home: TempDir,
    /// Of the CA's key, as Chromium takes it.
    pin: String,
    root: reqwest::Certificate,
}

impl Tls {
    fn new(names: &[&str]) -> Self {
        let home = TempDir::new().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pin = STANDARD.encode(digest(&SHA256, &key.subject_public_key_info()));
        let authority = CertifiedIssuer::self_signed(authority, key).unwrap();
        let key = KeyPair::generate().unwrap();
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        std::fs::write(home.path().join("chain.pem"), made.pem() + authority.pem().as_str()).unwrap();
        std::fs::write(home.path().join("key.pem"), key.serialize_pem()).unwrap();
        let root = reqwest::Certificate::from_der(authority.der()).unwrap();
        Self { home, pin, root }
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).display().to_string()
    }
}

struct Stage {
    gateway: Gateway,
    oidc: Oidc,
    browser: Browser,
    http: Client,
    app: String,
    domain: String,
    client_id: String,
    _server: Helper,
    _tls: Tls,
}

async fn stage(flow: &str) -> Stage {
    let tls = Tls::new(&["localhost", "acme.localhost", "app.localhost"]);
    let mut gateway = Gateway::start().await;
    let domain = format!("acme.localhost:{}", gateway.port());
    let app = format!("https://app.localhost:{}", free_port());
    let oidc = Oidc::start(&format!("https://{domain}"), "client_secret_post").await;
    let pool_id =
        gateway.call("create_user_pool", json!({"PoolName": "People"})).await["UserPool"]["Id"].clone();
    let acme = oidc.provider("Acme");
    let answers = gateway
        .calls(&[
            ("create_user_pool_domain", json!({"UserPoolId": pool_id, "Domain": "acme"})),
            (
                "create_identity_provider",
                json!({
                    "UserPoolId": pool_id, "ProviderName": "Acme", "ProviderType": "OIDC",
                    "ProviderDetails": acme["details"], "AttributeMapping": acme["mapping"],
                }),
            ),
            (
                "create_user_pool_client",
                json!({
                    "UserPoolId": pool_id, "ClientName": "page", "SupportedIdentityProviders": ["Acme"],
                    "CallbackURLs": [format!("{app}/")], "LogoutURLs": [format!("{app}/bye")],
                    "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": [flow],
                    "AllowedOAuthScopes": ["openid", "email", "profile", "aws.cognito.signin.user.admin"],
                }),
            ),
        ])
        .await;
    let client_id =
        answers[2]["UserPoolClient"]["ClientId"].as_str().unwrap_or_else(|| panic!("{answers:?}")).to_owned();
    gateway.stop().await;
    gateway
        .restart_with(&[
            ("POOLGATE_TLS_CERT", &tls.path("chain.pem")),
            ("POOLGATE_TLS_KEY", &tls.path("key.pem")),
            ("POOLGATE_PUBLIC_URL", &format!("https://localhost:{}", gateway.port())),
            ("POOLGATE_RATE_LIMITS", "off"),
        ])
        .await;
    let server = json!({
        "port": app.rsplit(':').next().unwrap().parse::<u16>().unwrap(),
        "certificate": tls.path("chain.pem"), "key": tls.path("key.pem"),
        "settings": {
            "userPoolId": pool_id, "clientId": client_id, "domain": domain, "responseType": flow_type(flow),
            "api": format!("localhost:{}", gateway.port()),
        },
    });
    let server = node_helper("amplify.mjs", &[&server.to_string()]).await;
    let browser = Browser::start_trusting(&tls.pin).await;
    // Browsers resolve names below localhost, and nothing else does.
    let http = Client::builder()
        .no_proxy()
        .tls_certs_only([tls.root.clone()])
        .resolve("acme.localhost", ([127, 0, 0, 1], gateway.port()).into())
        .build()
        .unwrap();
    Stage { gateway, oidc, browser, http, app, domain, client_id, _server: server, _tls: tls }
}

fn flow_type(flow: &str) -> &'static str {
    if flow == "code" { "code" } else { "token" }
}

impl Stage {
    async fn open(&self) {
        self.browser.driver.goto(format!("{}/", self.app)).await.unwrap();
        self.log("ready").await;
    }

    async fn press(&self, button: &str) {
        self.browser.wait(&format!("#{button}")).await.click().await.unwrap();
    }

    /// What the page told of this, once it has.
    async fn log(&self, what: &str) -> Value {
        let text = self.browser.wait_text("#log", &format!("\"what\":\"{what}\"")).await;
        let log: Vec<Value> = serde_json::from_str(&text).unwrap();
        log.into_iter().rfind(|one| one["what"] == what).unwrap()["detail"].take()
    }

    /// Presses a button and waits for what it tells.
    async fn ask(&self, button: &str) -> Value {
        self.press(button).await;
        self.log(button).await
    }

    /// What Amplify keeps of this name.
    async fn kept(&self, name: &str) -> String {
        let script =
            format!("return Object.entries(localStorage).find(([key]) => key.endsWith('.{name}'))?.[1]");
        let kept = self.browser.driver.execute(script, vec![]).await.unwrap();
        kept.json().as_str().unwrap_or_else(|| panic!("Amplify keeps no {name}")).to_owned()
    }

    async fn user_info(&self, access_token: &str) -> u16 {
        let url = format!("https://{}/oauth2/userInfo", self.domain);
        self.http.get(url).bearer_auth(access_token).send().await.unwrap().status().as_u16()
    }

    async fn refresh(&self, refresh_token: &str) -> u16 {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", &self.client_id),
            ("refresh_token", refresh_token),
        ];
        let url = format!("https://{}/oauth2/token", self.domain);
        self.http.post(url).form(&form).send().await.unwrap().status().as_u16()
    }

    /// Nobody is signed in any more, in the page or at the gateway.
    async fn is_signed_out(&self) {
        let bye = format!("{}/bye", self.app);
        self.log("ready").await;
        assert_eq!(self.browser.driver.current_url().await.unwrap().as_str(), bye);
        self.press("user").await;
        let refused = self.log("user:failed").await;
        assert!(refused.as_str().unwrap().starts_with("UserUnAuthenticatedException"), "{refused}");
        self.open().await;
        self.press("sign-in-silently").await;
        self.log("hub:signInWithRedirect_failure").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_with_amplify_signs_in_refreshes_and_signs_out() {
    let stage = stage("code").await;
    stage.open().await;
    stage.press("sign-in-named").await;
    stage.log("hub:signedIn").await;
    assert_eq!(stage.log("hub:customOAuthState").await, "a/state?of=the app");
    let user = stage.ask("user").await;
    assert_eq!(user["username"], "Acme_alice", "{user}");
    let before = stage.ask("session").await;
    assert_eq!(before["id"]["email"], "alice@example.com", "{before}");
    assert_eq!(stage.ask("attributes").await["given_name"], "Alice");

    let after = stage.ask("refresh").await;
    assert_ne!(before["accessToken"], after["accessToken"]);
    for same in ["sub", "origin_jti", "auth_time"] {
        assert_eq!(before["id"][same], after["id"][same], "{same}");
    }

    let (refresh, access) = (stage.kept("refreshToken").await, stage.kept("accessToken").await);
    assert_eq!((stage.refresh(&refresh).await, stage.user_info(&access).await), (200, 200));
    stage.press("sign-out").await;
    stage.is_signed_out().await;
    assert_eq!((stage.refresh(&refresh).await, stage.user_info(&access).await), (400, 401));
    stage.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_provider_amplify_leads_to_the_login_page_and_out_of_every_session() {
    let stage = stage("code").await;
    stage.open().await;
    stage.press("sign-in").await;
    stage.browser.wait_button("Continue with Acme").await.click().await.unwrap();
    stage.log("hub:signedIn").await;
    let first = stage.kept("accessToken").await;
    stage.press("sign-in-silently").await;
    stage.log("hub:signedIn").await;
    assert_ne!(stage.kept("accessToken").await, first, "signed in again, by the session at the gateway");
    let (refresh, access) = (stage.kept("refreshToken").await, stage.kept("accessToken").await);
    assert_eq!(stage.user_info(&access).await, 200);
    stage.press("sign-out-everywhere").await;
    stage.is_signed_out().await;
    assert_eq!((stage.refresh(&refresh).await, stage.user_info(&access).await), (400, 401));
    assert_eq!(stage.oidc.logins("alice").await, 1);
    assert!(stage.gateway.logged().contains("GlobalSignOut"));
    stage.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amplify_reads_the_tokens_of_the_implicit_flow_from_the_fragment() {
    let stage = stage("implicit").await;
    stage.open().await;
    stage.press("sign-in-named").await;
    stage.log("hub:signedIn").await;
    assert_eq!(stage.ask("user").await["username"], "Acme_alice");
    assert_eq!(stage.ask("session").await["id"]["email"], "alice@example.com");
    stage.browser.close().await;
}
