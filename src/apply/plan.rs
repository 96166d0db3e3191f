//! What would be written, in words: one line for each thing made or removed, and for each member that changes. Nothing
//! that is secret is in a line.

use serde_json::{Map, Value};

use super::ApplyError;
use super::draft::{Draft, Touched, said};
use crate::directory::{Kind, Record};
use crate::pool::Group;

/// Longest value that a line shows, in characters.
const LONGEST: usize = 160;

/// The lines, in the order in which things are written.
pub(super) fn lines(draft: &Draft, touched: &[Touched]) -> Result<Vec<String>, ApplyError> {
    let mut lines = Vec::new();
    for one in touched.iter().filter(|one| one.record().is_some_and(is_told)) {
        match (&one.before, &one.after) {
            (None, Some(after)) => lines.push(format!("+ {}", label(after)?)),
            (Some(before), None) => lines.push(format!("- {}", label(before)?)),
            (Some(before), Some(after)) => {
                let label = label(before)?;
                let mut differing = Vec::new();
                differ("", &said(before)?, &said(after)?, &mut differing);
                if draft.secret_differs(before, after)? {
                    differing.push("its secret changes".to_owned());
                }
                lines.extend(differing.into_iter().map(|what| format!("~ {label}: {what}")));
            }
            (None, None) => {}
        }
    }
    Ok(lines)
}

/// Keys and providers' own groups come and go with what they belong to.
fn is_told(record: &Record) -> bool {
    match record.kind {
        Kind::Key => false,
        Kind::Group => !Group::is_of_a_provider(&record.pool_id, &record.id),
        _ => true,
    }
}

fn label(record: &Record) -> Result<String, ApplyError> {
    let members = said(record)?;
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let pool = &record.pool_id;
    Ok(match record.kind {
        Kind::UserPool => format!("user pool {} ({pool})", text("Name")),
        Kind::AppClient => format!("app client {} ({}) in {pool}", text("ClientName"), record.id),
        kind => format!("{} {} in {pool}", kind.as_str().replace('_', " "), record.id),
    })
}

/// Each member that differs, within `ProviderDetails` and the like each of theirs.
fn differ(path: &str, before: &Map<String, Value>, after: &Map<String, Value>, out: &mut Vec<String>) {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let (old, new) = (before.get(name), after.get(name));
        if old == new {
            continue;
        }
        if name.starts_with("Poolgate") {
            out.push("its metadata document changes".to_owned());
            continue;
        }
        let place = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match (old, new) {
            (Some(Value::Object(old)), Some(Value::Object(new))) => differ(&place, old, new, out),
            _ => out.push(format!("{place}: {} -> {}", shown(old), shown(new))),
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => {
            format!("{}… ({} characters)", text.get(..at).unwrap_or_default(), text.chars().count())
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_that_differ_are_told_with_both_values() {
        let object = |value: Value| value.as_object().cloned().unwrap();
        let before = object(json!({
            "A": 1, "B": { "c": "x", "d": "y" }, "E": [1], "F": true, "PoolgateMetadataDocument": "<a/>" }));
        let after = object(json!({
            "A": 1, "B": { "c": "z", "d": "y" }, "E": [1, 2], "G": "n".repeat(200),
            "PoolgateMetadataDocument": "<b/>" }));
        let mut told = Vec::new();
        differ("", &before, &after, &mut told);
        assert_eq!(told[..3], [r#"B.c: "x" -> "z""#, "E: [1] -> [1,2]", "F: true -> nothing"]);
        assert!(
            told[3].starts_with("G: nothing -> \"nnn") && told[3].ends_with("… (202 characters)"),
            "{told:?}"
        );
        assert_eq!(told[4..], ["its metadata document changes"]);
    }
}
