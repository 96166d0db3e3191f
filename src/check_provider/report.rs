//! What is said: one line a check.

use poolgate_providers::error::shown;

/// Longest line, in characters.
const LONGEST: usize = 4_000;

/// Lines for a person, and whether one of them is a failure.
#[derive(Debug, Default)]
pub struct Report {
    text: String,
    failed: bool,
}

impl Report {
    /// The lines.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether everything that was checked is good. A warning is no failure.
    pub const fn is_good(&self) -> bool {
        !self.failed
    }

    fn line(&mut self, mark: &str, text: &str) {
        // What a provider wrote stands in some of them: nothing in it turns or breaks a line.
        self.text.push_str(&format!("  {mark:<5} {}\n", shown(text, LONGEST)));
    }

    /// What the next lines are about.
    pub(super) fn section(&mut self, title: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&format!("{}\n", shown(title, LONGEST)));
    }

    /// A check that passed.
    pub(super) fn ok(&mut self, text: impl AsRef<str>) {
        self.line("ok", text.as_ref());
    }

    /// A fact.
    pub(super) fn note(&mut self, text: impl AsRef<str>) {
        self.line("", text.as_ref());
    }

    /// Something to think about.
    pub(super) fn warn(&mut self, text: impl AsRef<str>) {
        self.line("warn", text.as_ref());
    }

    /// A check that did not pass.
    pub(super) fn fail(&mut self, text: impl AsRef<str>) {
        self.failed = true;
        self.line("FAIL", text.as_ref());
    }
}
