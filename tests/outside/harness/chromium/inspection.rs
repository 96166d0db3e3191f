//! What a page did and what it is like: requests, complaints of the browser, findings of axe-core.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::json;

use super::super::helpers::tool;
use super::Browser;

/// axe-core, as its makers publish it.
static AXE: LazyLock<String> =
    LazyLock::new(|| std::fs::read_to_string(tool("tests/node/node_modules/axe-core/axe.min.js")).unwrap());

/// Every rule of WCAG 2.2 A and AA that a program can check, and what axe's makers recommend beside.
const RULES: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// A rule that a page breaks.
#[derive(Debug, Clone, Deserialize)]
pub struct Violation {
    /// The rule, such as `color-contrast`.
    pub id: String,
    /// `minor`, `moderate`, `serious` or `critical`.
    pub impact: String,
    /// Where, as HTML, and what is wrong there.
    pub places: Vec<(String, String)>,
}

impl Browser {
    /// Everything that axe-core finds wrong with the page.
    pub async fn axe(&self) -> Vec<Violation> {
        if self.ask("return typeof axe", vec![]).await != json!("object") {
            self.driver.execute(AXE.as_str(), vec![]).await.unwrap();
        }
        let script = "const [rules, done] = arguments;
            axe.run(document, {runOnly: rules, resultTypes: ['violations']}).then(
                found => done(found.violations.map(({id, impact, nodes}) => ({
                    id, impact, places: nodes.map(node => [node.html, node.failureSummary]),
                }))),
                error => done(String(error)),
            );";
        let found = self.driver.execute_async(script, vec![json!(RULES)]).await.unwrap();
        found.convert().unwrap_or_else(|_| panic!("axe-core failed: {}", found.json()))
    }

    /// Every address that the page asked for: itself first, then what it loads.
    pub async fn requests(&self) -> BTreeSet<String> {
        let script = "return [...performance.getEntriesByType('navigation'),
            ...performance.getEntriesByType('resource')].map(entry => entry.name)";
        serde_json::from_value(self.ask(script, vec![]).await).unwrap()
    }

    /// What the browser complained of since this was last asked: broken policies, failed loads, errors of scripts.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.driver.browser_log().await.unwrap();
        let bad = entries.into_iter().filter(|entry| matches!(entry.level.as_str(), "SEVERE" | "WARNING"));
        bad.map(|entry| entry.message).collect()
    }
}
