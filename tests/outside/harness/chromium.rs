//! Chromium, driven through chromedriver.

mod emulation;
mod inspection;
mod keyboard;

use std::process::Stdio;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::common::command::FormatRequestData;
use thirtyfour::prelude::*;
use thirtyfour::{ChromiumLikeCapabilities, LoggingPrefsLogLevel, RequestData, SessionId};
use tokio::process::{Child, Command};

use super::free_port;

pub use emulation::Screen;

/// How long a page may take to show what a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with a fresh profile, closed when dropped.
pub struct Browser {
    /// Talks to it.
    pub driver: WebDriver,
    _chromedriver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts chromedriver on a free port and Chromium, headless.
    pub async fn start() -> Self {
        Self::start_with(&[], json!({})).await
    }

    /// The same, taking certificates that a key with this SHA-256, in base64, has signed.
    pub async fn start_trusting(key: &str) -> Self {
        Self::start_with(&[&format!("--ignore-certificate-errors-spki-list={key}")], json!({})).await
    }

    /// One whose owner has switched JavaScript off for every site; WebDriver's own scripts still run.
    pub async fn without_javascript() -> Self {
        // 2 is "block": chrome://settings/content/javascript.
        let settings = json!({"profile.managed_default_content_settings.javascript": 2});
        Self::start_with(&[], settings).await
    }

    async fn start_with(more: &[&str], settings: Value) -> Self {
        let (port, profile) = (free_port(), TempDir::new().unwrap());
        let chromedriver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver is installed: run scripts/install-test-tools");
        let mut capabilities = DesiredCapabilities::chrome();
        let profile_argument = format!("--user-data-dir={}", profile.path().display());
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--force-device-scale-factor=1",
            "--window-size=1200,900",
            profile_argument.as_str(),
        ]
        .iter()
        .chain(more)
        {
            capabilities.add_arg(argument).unwrap();
        }
        capabilities.add_experimental_option("prefs", settings).unwrap();
        capabilities.set_browser_log_level(LoggingPrefsLogLevel::All).unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let driver = tokio::time::timeout(PATIENCE, async {
            loop {
                // The port opens a moment after the process starts.
                match WebDriver::new(&url, capabilities.clone()).await {
                    Ok(driver) => return driver,
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
        let driver = driver.await.expect("Chromium starts");
        Self { driver, _chromedriver: chromedriver, _profile: profile }
    }

    /// Waits until an element is there, can be seen, and returns it.
    pub async fn wait(&self, css: &str) -> WebElement {
        self.wait_by(By::Css(css), css).await
    }

    /// Waits for a link or button whose text holds `text`.
    pub async fn wait_button(&self, text: &str) -> WebElement {
        let xpath = format!("//*[self::a or self::button][contains(normalize-space(.), '{text}')]");
        self.wait_by(By::XPath(&xpath), text).await
    }

    /// Waits until the text of an element, on whatever page is open by then, holds `part`; the whole text.
    pub async fn wait_text(&self, css: &str, part: &str) -> String {
        let begun = Instant::now();
        loop {
            // The page may be on its way out: then there is no such element, or no text of it.
            let text = match self.driver.find(By::Css(css)).await {
                Ok(element) => element.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if text.contains(part) {
                return text;
            }
            if begun.elapsed() > PATIENCE {
                let url = self.driver.current_url().await.map(String::from).unwrap_or_default();
                let source = self.driver.source().await.unwrap_or_default();
                panic!("{part} never showed in {css} at {url}: {text}\n{source}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn wait_by(&self, by: By, what: &str) -> WebElement {
        let begun = Instant::now();
        loop {
            // A page on its way out loses its elements while they are looked at.
            for element in self.driver.find_all(by.clone()).await.unwrap_or_default() {
                if element.is_displayed().await.unwrap_or(false) {
                    return element;
                }
            }
            if begun.elapsed() > PATIENCE {
                let url = self.driver.current_url().await.map(String::from).unwrap_or_default();
                let source = self.driver.source().await.unwrap_or_default();
                panic!("{what} never showed at {url}:\n{source}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Clicks, and waits until the page that was open has gone.
    pub async fn leave_by(&self, element: &WebElement) {
        element.click().await.unwrap();
        let begun = Instant::now();
        while element.is_enabled().await.is_ok() {
            assert!(begun.elapsed() < PATIENCE, "the page stays");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A command that WebDriver's standard does not know, or this client does not: what chromedriver answers.
    async fn command(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let command = Extra { method, path: path.to_owned(), body };
        let answer = self.driver.cmd(command).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        answer.value().unwrap()
    }

    /// What a function body in JavaScript returns.
    pub async fn ask(&self, script: &str, arguments: Vec<Value>) -> Value {
        let answer = self.driver.execute(script, arguments).await;
        answer.unwrap_or_else(|error| panic!("{script}: {error}")).json().clone()
    }

    /// Saves a picture of the page as docs/images/{name}.png when `POOLGATE_SCREENSHOTS` is set.
    pub async fn picture(&self, name: &str) {
        if std::env::var_os("POOLGATE_SCREENSHOTS").is_some() {
            let path = super::repository().join("docs/images").join(format!("{name}.png"));
            self.driver.screenshot(&path).await.unwrap();
        }
    }

    /// Makes the window this large, in pixels, chrome included.
    pub async fn resize(&self, width: u32, height: u32) {
        self.driver.set_window_rect(0, 0, width, height).await.unwrap();
    }

    /// Closes the browser in good order.
    pub async fn close(self) {
        self.driver.quit().await.unwrap();
    }
}

/// A command that the client has no name for.
#[derive(Debug)]
struct Extra {
    method: Method,
    path: String,
    body: Option<Value>,
}

impl FormatRequestData for Extra {
    fn format_request(&self, session_id: &SessionId) -> RequestData {
        let request = RequestData::new(self.method.clone(), format!("/session/{session_id}/{}", self.path));
        match &self.body {
            Some(body) => request.add_body(body.clone()),
            None => request,
        }
    }
}
