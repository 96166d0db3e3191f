//! What a page is like, as the browser reads it and lays it out.

use serde::Deserialize;

use crate::harness::Browser;

/// What a page says.
#[derive(Debug, Deserialize)]
pub struct Structure {
    /// Of the `html` element.
    pub lang: String,
    /// Of the `html` element.
    pub dir: String,
    pub title: String,
    /// How many `h1`.
    pub headings: usize,
    /// How many `main`.
    pub mains: usize,
    /// What is announced.
    pub alerts: Vec<String>,
    /// Elements that are or carry inline scripts or styles.
    pub inline: Vec<String>,
    /// Links, buttons, headings and facts without a word.
    pub nameless: Vec<String>,
    /// Every text, labels for screen readers among them; codes and the names of languages apart.
    pub texts: Vec<String>,
}

/// How the page that is open lies on the screen that is set.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Layout {
    /// How the text runs: `ltr` or `rtl`.
    pub direction: String,
    /// What is wider than the window, or cut off.
    pub overflow: Vec<String>,
    /// The same with text spaced as WCAG 1.4.12 allows.
    pub spaced_overflow: Vec<String>,
    /// Controls of less than 24 by 24 pixels.
    pub small: Vec<String>,
    /// What is being animated.
    pub moving: Vec<String>,
    /// Controls with neither border nor underline.
    pub flat: Vec<String>,
    /// Of style sheets, scripts, pictures and other resources.
    pub addresses: Vec<String>,
}

/// The control that has the focus.
#[derive(Debug, Deserialize)]
pub struct Stop {
    pub name: String,
    /// Its place in the order of the document; `None` when it is no control.
    pub index: Option<usize>,
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    /// Whether it looks different from before.
    pub marked: bool,
    /// Of its outline with what is below; `None` without outline.
    pub contrast: Option<f64>,
    /// Whether something else lies on it.
    pub covered: bool,
}

impl Structure {
    /// Of each of these pages of HTML.
    pub async fn of(browser: &Browser, pages: &[String]) -> Vec<Self> {
        serde_json::from_value(browser.ask(include_str!("structure.js"), vec![pages.into()]).await).unwrap()
    }
}

impl Layout {
    /// Of the page that is open.
    pub async fn of(browser: &Browser) -> Self {
        serde_json::from_value(browser.ask(include_str!("layout.js"), vec![]).await).unwrap()
    }
}

impl Stop {
    /// Notes how every control looks without focus; how many there are.
    pub async fn begin(browser: &Browser) -> usize {
        let count = browser.ask(include_str!("focus.js"), vec!["begin".into()]).await;
        count.as_u64().unwrap().try_into().unwrap()
    }

    /// Where the focus is; `None` when nothing of the page has it.
    pub async fn now(browser: &Browser) -> Option<Self> {
        serde_json::from_value(browser.ask(include_str!("focus.js"), vec!["at".into()]).await).unwrap()
    }
}
