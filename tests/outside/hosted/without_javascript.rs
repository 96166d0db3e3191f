//! Whole sign-ins in a browser whose owner has switched JavaScript off: where a page would have sent itself, the
//! person presses its button.

use thirtyfour::prelude::*;

use crate::browser::{Stage, stage};
use crate::harness::Browser;

/// Pages after which a person gives up.
const PAGES: usize = 8;

impl Stage {
    /// Presses the button of each page that the sign-in comes by, until the app says hello: those pages' addresses
    /// without query.
    async fn press_on(&self) -> Vec<String> {
        let mut pages = Vec::new();
        for _ in 0..PAGES {
            self.browser.wait("#hello, button, input[type=submit]").await;
            if !self.browser.driver.find_all(By::Id("hello")).await.unwrap().is_empty() {
                return pages;
            }
            let url = self.browser.driver.current_url().await.unwrap();
            pages.push(format!("{}{}", url.origin().ascii_serialization(), url.path()));
            let button = self.browser.wait("form button, form input[type=submit]").await;
            self.browser.leave_by(&button).await;
        }
        panic!("not at the app after {pages:?}");
    }

    /// Our own pages among these.
    fn ours(&self, pages: &[String]) -> Vec<String> {
        let here = self.gateway.url();
        pages.iter().filter_map(|page| page.strip_prefix(&here)).map(str::to_owned).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_without_javascript_signs_in_with_every_provider_and_binding() {
    let stage = stage(Browser::without_javascript().await).await;
    let probe =
        "data:text/html,<p id=it>off</p><script>document.getElementById('it').textContent='on'</script>";
    stage.browser.driver.goto(probe).await.unwrap();
    assert_eq!(stage.browser.wait("#it").await.text().await.unwrap(), "off", "JavaScript is off");
    for (provider, ours) in [
        ("Acme", &[][..]),
        // The provider's form comes from another site: once more through our own page, with the cookies.
        ("AcmeForm", &["/oauth2/idpresponse"]),
        ("Branch", &["/saml2/idpresponse"]),
        ("ByPost", &["/oauth2/authorize", "/saml2/idpresponse"]),
    ] {
        stage.open("").await;
        let button = stage.browser.wait_button(&format!("Continue with {provider}")).await;
        stage.browser.leave_by(&button).await;
        let pages = stage.press_on().await;
        stage.arrives(provider).await;
        assert_eq!(stage.ours(&pages), ours, "{provider}: {pages:?}");
        stage.forget().await;
    }
    stage.open("").await;
    stage.browser.wait("input[type=email]").await.send_keys("somebody@example.com").await.unwrap();
    stage.browser.leave_by(&stage.browser.wait("main form button").await).await;
    stage.press_on().await;
    stage.arrives("by address").await;
    stage.forget().await;

    stage.open("").await;
    stage.browser.wait("#lang option[value=ja]").await.click().await.unwrap();
    stage.browser.leave_by(&stage.browser.wait("form.languages button").await).await;
    stage.browser.wait("html[lang=ja]").await;
    stage.browser.leave_by(&stage.browser.wait_button("Acme").await).await;
    stage.press_on().await;
    stage.arrives("in Japanese").await;
    stage.browser.close().await;
}
