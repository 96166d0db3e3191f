//! A person who has no pointer.

use serde_json::json;
use thirtyfour::prelude::*;

use super::{Browser, Method};

/// Presses of Tab after which a page is a trap.
const STOPS: usize = 40;

/// What has the focus, as a screen reader says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Focus {
    /// Its accessible name.
    pub name: String,
    /// Its role, such as `link` or `button`.
    pub role: String,
}

impl Browser {
    /// Presses keys one after another at whatever has the focus; Control and Shift stay down until the last.
    pub async fn press(&self, keys: impl Into<TypingData>) {
        let (mut strokes, mut held) = (Vec::new(), Vec::new());
        for key in keys.into().as_vec() {
            let stroke = |what: &str| json!({"type": what, "value": key});
            strokes.push(stroke("keyDown"));
            match [Key::Control.value(), Key::Shift.value()].contains(&key) {
                true => held.push(stroke("keyUp")),
                false => strokes.push(stroke("keyUp")),
            }
        }
        strokes.append(&mut held);
        let actions = json!({"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]});
        self.command(Method::POST, "actions", Some(actions)).await;
    }

    /// What has the focus now; `None` when nothing of the page has.
    pub async fn focus(&self) -> Option<Focus> {
        let script = "const at = document.activeElement; return at === document.body ? null : at";
        let element = self.driver.execute(script, vec![]).await.unwrap().element().ok()?;
        Some(self.spoken(&element).await)
    }

    /// An element, as a screen reader says it.
    pub async fn spoken(&self, element: &WebElement) -> Focus {
        let id = element.element_id();
        let mut told = Vec::new();
        for what in ["computedlabel", "computedrole"] {
            let answer = self.command(Method::GET, &format!("element/{id}/{what}"), None).await;
            told.push(answer.as_str().unwrap_or_default().to_owned());
        }
        let role = told.pop().unwrap();
        Focus { name: told.pop().unwrap(), role }
    }

    /// Presses Tab until what has the focus is called something that holds `name`, and returns it.
    pub async fn tab_to(&self, name: &str) -> Focus {
        let mut passed = Vec::new();
        for _ in 0..STOPS {
            self.press(Key::Tab).await;
            match self.focus().await {
                Some(focus) if focus.name.contains(name) => return focus,
                other => passed.push(other),
            }
        }
        let url = self.driver.current_url().await.unwrap();
        panic!("no Tab leads to {name} at {url}: {passed:?}");
    }
}
