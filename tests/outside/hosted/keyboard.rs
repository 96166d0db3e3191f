//! Whole sign-ins by the keyboard alone.

use thirtyfour::Key;

use crate::browser::{Stage, stage};
use crate::harness::{Browser, Person};

impl Stage {
    /// Waits for a page whose title holds this.
    async fn page(&self, title: &str) {
        self.browser.wait("main").await;
        let shown = self.browser.driver.title().await.unwrap();
        assert!(shown.contains(title), "{shown}");
    }

    /// Presses Enter on what Tab leads to under this name.
    async fn enter(&self, name: &str) {
        self.browser.tab_to(name).await;
        self.browser.press(Key::Enter).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_with_a_keyboard_alone_signs_in_by_address_by_button_and_by_another_account() {
    let stage = stage(Browser::start().await).await;
    stage.open("").await;
    let field = stage.browser.tab_to("Work e-mail").await;
    assert_eq!(field.role, "textbox");
    stage.browser.press("somebody@nowhere.example").await;
    stage.browser.press(Key::Enter).await;
    stage.browser.wait_text("[role=alert]", "No organization").await;
    // The field that did not do has the focus: it is told, and can be mended at once.
    assert_eq!(stage.browser.focus().await, Some(field), "after the mistake");
    stage.browser.press(Key::Control + "a").await;
    stage.browser.press("somebody@example.com").await;
    stage.browser.press(Key::Enter).await;
    stage.arrives("by address").await;

    stage.forget().await;
    stage.open("").await;
    let button = stage.browser.tab_to("Acme").await;
    assert_eq!((button.name.as_str(), button.role.as_str()), ("Continue with Acme", "link"));
    stage.browser.press(Key::Enter).await;
    stage.arrives("by button").await;

    stage.open("&prompt=select_account").await;
    stage.page("Choose an account").await;
    let account = stage.browser.tab_to("Continue as").await;
    assert!(account.name.contains("Acme"), "{account:?}");
    stage.browser.press(Key::Enter).await;
    stage.arrives("by the account that is signed in").await;
    stage.open("&prompt=select_account").await;
    stage.page("Choose an account").await;
    stage.enter("Branch").await;
    stage.arrives("by another account").await;
    stage.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_with_a_keyboard_alone_chooses_a_language_and_gets_back_from_every_end() {
    let stage = stage(Browser::start().await).await;
    stage.open("").await;
    let list = stage.browser.tab_to("Language").await;
    assert!(["combobox", "listbox"].contains(&list.role.as_str()), "{list:?}");
    stage.browser.press("Deu").await;
    stage.enter("Change").await;
    stage.browser.wait("html[lang=de]").await;
    // What the app asked is still known.
    stage.enter("Acme").await;
    stage.arrives("in German").await;

    let signed_out = format!("{}/logout?client_id={}", stage.gateway.url(), stage.client);
    stage.browser.driver.goto(&signed_out).await.unwrap();
    stage.page("Signed out").await;
    stage.enter("Back to Shop").await;
    stage.browser.wait("#hello").await;

    stage.browser.driver.goto(begun_elsewhere(&stage).await).await.unwrap();
    stage.browser.wait_text("[role=alert]", "in the browser that began it").await;
    stage.enter("Back to Shop").await;
    stage.browser.wait("#hello").await;
    stage.browser.close().await;
}

/// The provider's page of a sign-in that began in another browser.
async fn begun_elsewhere(stage: &Stage) -> String {
    let sign_in = format!("{}&identity_provider=Acme", stage.authorize);
    // The gateway is `localhost`, every provider `127.0.0.1`.
    Person::new().open(&sign_in, "http://127.0.0.1").await.url.into()
}
