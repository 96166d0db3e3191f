//! The name of a person, which Apple tells at the first sign-in only.

use serde_json::Value;

use crate::oauth::json;

/// The attributes made of it: at every later sign-in they are missing.
pub(super) const NAMES: [&str; 3] = ["firstName", "lastName", "name"];
/// Longest field looked at, in bytes.
const LONGEST_FIELD: usize = 4096;
/// Longest part of a name, in characters.
const LONGEST_PART: usize = 200;

/// The names in the form field `user`, `{"name": {"firstName", "lastName"}, "email"}` ("Request an authorization to
/// the Sign in with Apple server").
///
/// It came through the browser and nobody signed it, so the person could write anything into it. Their own name they
/// may; the e-mail address in it is never read, the ID token states that one. A field of another form gives no name
/// and does not end the sign-in: Apple would not send it a second time.
pub(super) fn names(field: &str) -> Vec<(&'static str, String)> {
    let object =
        if field.len() <= LONGEST_FIELD { json::object(field.as_bytes()) } else { Err("it is too long") };
    let name = match &object {
        Ok(object) => object.get("name"),
        Err(reason) => {
            tracing::warn!(reason, "the name that came from Apple (user) cannot be used");
            None
        }
    };
    let part = |member: &str| name.and_then(|name| name.get(member)).and_then(part);
    let (first, last) = (part("firstName"), part("lastName"));
    let whole: Vec<&str> = [&first, &last].into_iter().flatten().map(String::as_str).collect();
    let whole = Some(whole.join(" ")).filter(|whole| !whole.is_empty());
    [first, last, whole].into_iter().zip(NAMES).filter_map(|(value, name)| Some((name, value?))).collect()
}

fn part(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    let fits =
        !text.is_empty() && text.chars().count() <= LONGEST_PART && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}
