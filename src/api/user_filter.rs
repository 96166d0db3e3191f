//! The filter of `ListUsers`: `NAME = "VALUE"` or `NAME ^= "VALUE"` (begins with), one condition.

use super::ApiError;
use super::error::invalid;
use crate::directory::UserFilter;

/// What may be searched; custom attributes may not, as in the reference service.
const SEARCHABLE: [&str; 10] = [
    "username",
    "sub",
    "email",
    "phone_number",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "cognito:user_status",
    "status",
];

/// Reads a filter; nothing but spaces means none.
///
/// # Errors
/// What is wrong with it, and what is allowed.
pub(super) fn parse(text: &str) -> Result<Option<UserFilter>, ApiError> {
    let refused = |why: &str| {
        invalid(format!(
            "Error while parsing filter: {why} Write it as: name = \"value\" or name ^= \"value\"."
        ))
    };
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let at = text.find(['=', '^']).ok_or_else(|| refused("it has no = and no ^=."))?;
    let (name, rest) = text.split_at(at);
    let name = name.trim();
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    let (prefix, rest) = match rest.strip_prefix("^=") {
        Some(rest) => (true, rest),
        None => (false, rest.strip_prefix('=').ok_or_else(|| refused("it has ^ without =."))?),
    };
    if !SEARCHABLE.contains(&name) {
        let names = SEARCHABLE.join(", ");
        return Err(invalid(format!("Error while parsing filter: only these can be searched: {names}.")));
    }
    let value = unquote(rest.trim()).ok_or_else(|| refused("the value must stand in one pair of quotes."))?;
    Ok(Some(UserFilter { attribute: name.to_owned(), prefix, value }))
}

/// The text between one pair of quotes, in which `\"` is a quote and `\\` a backslash.
fn unquote(text: &str) -> Option<String> {
    let inside = text.strip_prefix('"')?;
    let (mut out, mut letters) = (String::with_capacity(inside.len()), inside.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return letters.as_str().is_empty().then_some(out),
            '\\' => out.push(letters.next().filter(|next| matches!(next, '"' | '\\'))?),
            other => out.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_comparisons_are_read_with_or_without_spaces() {
        for (text, attribute, prefix, value) in [
            (r#"email = "a@b.c""#, "email", false, "a@b.c"),
            (r#"email="a@b.c""#, "email", false, "a@b.c"),
            (r#" "username" ^= "corp_" "#, "username", true, "corp_"),
            (r#"name = "say \"hi\" \\ x = ^=""#, "name", false, r#"say "hi" \ x = ^="#),
            (r#"status = "Enabled""#, "status", false, "Enabled"),
            (r#"family_name ^= """#, "family_name", true, ""),
        ] {
            let expected = UserFilter { attribute: attribute.into(), prefix, value: value.into() };
            assert_eq!(parse(text).unwrap(), Some(expected), "{text}");
        }
        assert_eq!(parse("  ").unwrap(), None);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "email",
            "email = a@b.c",
            r#"email = "a" and name = "b""#,
            r#"email = "a"#,
            r#"email = "a\n""#,
            r#"email ^ "a""#,
            r#"email != "a""#,
            r#"custom:team = "x""#,
            r#"identities = "x""#,
            r#"= "x""#,
        ] {
            assert!(matches!(parse(text), Err(ApiError::InvalidParameter(_))), "{text}");
        }
    }
}
