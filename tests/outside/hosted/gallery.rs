//! Every hosted page in every state, as the demo shows it to an administrator.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::harness::{Browser, Demo};

/// Places that a finding names; of the rest, the number.
const PLACES: usize = 4;

/// The demo's gallery of pages.
pub struct Gallery {
    _demo: Demo,
    base: String,
    http: reqwest::Client,
    /// Every state of every page, such as `sign-in`.
    pub states: Vec<String>,
    /// Language tags, English first.
    pub languages: Vec<String>,
}

/// A page of it.
#[derive(Debug, Clone)]
pub struct Shown {
    pub state: String,
    pub language: String,
    pub look: String,
    pub url: String,
}

#[derive(Deserialize)]
struct Listing {
    states: Vec<String>,
    languages: Vec<String>,
    looks: Vec<String>,
}

impl Gallery {
    /// Starts the demo and reads what there is to see.
    pub async fn open() -> Self {
        let demo = Demo::start().await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let base = demo.pages.clone();
        let answer = http.get(format!("{base}states.json")).send().await.unwrap();
        let Listing { states, languages, looks } = answer.error_for_status().unwrap().json().await.unwrap();
        assert!(states.len() >= 8, "every state: {states:?}");
        assert_eq!(languages[0], "en");
        assert_eq!(looks, ["plain", "custom"]);
        Self { _demo: demo, base, http, states, languages }
    }

    /// A page of it; `look` is `plain`, or `custom` with an administrator's style sheet and logo.
    pub fn page(&self, state: &str, language: &str, look: &str) -> Shown {
        let url = format!("{}preview/{state}?lang={language}&look={look}", self.base);
        let [state, language, look] = [state, language, look].map(str::to_owned);
        Shown { state, language, look, url }
    }

    /// Every state in these languages and looks.
    pub fn pages(&self, languages: &[&str], looks: &[&str]) -> Vec<Shown> {
        let mut pages = Vec::new();
        for (state, look) in self.states.iter().flat_map(|state| looks.iter().map(move |look| (state, look)))
        {
            pages.extend(languages.iter().map(|language| self.page(state, language, look)));
        }
        pages
    }

    /// The languages, as [`Gallery::pages`] takes them.
    pub fn every_language(&self) -> Vec<&str> {
        self.languages.iter().map(String::as_str).collect()
    }

    /// What is served at an address of it; an error page says so by its status.
    pub async fn fetch(&self, url: &str) -> reqwest::Response {
        self.http.get(url).send().await.unwrap()
    }
}

impl Shown {
    /// Shows it.
    pub async fn show(&self, browser: &Browser) {
        browser.driver.goto(&self.url).await.unwrap();
    }

    /// Whether it is more than another page without its button.
    pub fn is_of_its_own(&self) -> bool {
        !self.state.ends_with("no-way-back")
    }

    /// Whether it tells of something that went wrong.
    pub fn is_trouble(&self) -> bool {
        ["error", "expired", "problem", "unknown"].iter().any(|word| self.state.contains(word))
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.state, self.language, self.look)
    }
}

/// What is wrong, and on which pages: all of it is told at once.
#[derive(Default)]
pub struct Findings(BTreeMap<String, Vec<String>>);

impl Findings {
    /// Notes that something is wrong there.
    pub fn add(&mut self, place: impl ToString, what: impl Into<String>) {
        self.0.entry(what.into()).or_default().push(place.to_string());
    }

    /// Notes it unless `fine`.
    pub fn check(&mut self, place: impl ToString, fine: bool, what: impl Into<String>) {
        if !fine {
            self.add(place, what);
        }
    }

    /// Fails with everything that was noted.
    pub fn assert_none(self) {
        let mut report = String::new();
        for (what, places) in &self.0 {
            let more = places.len().saturating_sub(PLACES);
            let some = places.iter().take(PLACES).cloned().collect::<Vec<_>>().join(", ");
            write!(report, "\n- {what}\n    at {some}").unwrap();
            if more > 0 {
                write!(report, " and {more} more").unwrap();
            }
        }
        assert!(self.0.is_empty(), "{} findings:{report}", self.0.len());
    }
}
