//! `poolgate demo` as a person meets it: one URL, a click through each provider.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::harness::Browser;

/// The demo on free ports, killed when dropped.
struct Demo {
    url: String,
    _process: Child,
}

impl Demo {
    async fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_poolgate"))
            .args(["demo", "--free-ports"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("the demo prints a line");
        let url = line.strip_prefix("poolgate demo: open ").expect("the line names the URL").to_owned();
        Self { url, _process: process }
    }
}

/// Chooses somebody at the provider's page and lands at the app, signed in.
async fn choose(browser: &Browser, person: &str) -> String {
    browser.wait_button(person).await.click().await.unwrap();
    browser.wait("#greeting").await.text().await.unwrap()
}

async fn page(browser: &Browser) -> String {
    browser.wait("main").await.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_clicks_through_the_demo_with_saml_and_with_oidc_refreshes_and_signs_out() {
    let demo = Demo::start().await;
    let browser = Browser::start().await;
    browser.driver.goto(&demo.url).await.unwrap();
    for (provider, person, username) in
        [("Acme", "Ada Lovelace", "Acme_ada"), ("Globex", "Grace Hopper", "Globex_grace")]
    {
        browser.wait("#sign-in").await.click().await.unwrap();
        browser.wait_button(&format!("Continue with {provider}")).await.click().await.unwrap();
        assert_eq!(choose(&browser, person).await, format!("Hello, {person}"));
        let text = page(&browser).await;
        for expected in [username, "ID token", "Access token", "cognito:username", "Who verified what"] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        if provider == "Acme" {
            browser.picture("app").await;
        }
        browser.wait("#refresh").await.click().await.unwrap();
        assert_eq!(browser.wait("#refreshed").await.text().await.unwrap(), "Refreshed 1 time.");
        browser.wait("#sign-out").await.click().await.unwrap();
        browser.wait("#sign-in").await;
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_signing_out_of_the_demo_the_next_person_is_asked_again() {
    let demo = Demo::start().await;
    let browser = Browser::start().await;
    browser.driver.goto(&demo.url).await.unwrap();
    browser.wait("#sign-in-Acme").await.click().await.unwrap();
    assert_eq!(choose(&browser, "Alan Turing").await, "Hello, Alan Turing");
    browser.wait("#sign-out").await.click().await.unwrap();
    browser.wait("#sign-in-Acme").await.click().await.unwrap();
    assert_eq!(choose(&browser, "Ada Lovelace").await, "Hello, Ada Lovelace");
    browser.close().await;
}
