//! Patterns of the service model are Java's: a full match, and `\w`, `\s`, `\S` mean ASCII classes unless
//! the flag `U` makes them Unicode's.

use regex::Regex;

/// The same pattern for the `regex` crate. Nested classes stand in for Java's escapes.
pub(super) fn translate(java: &str) -> String {
    if let Some(unicode) = java.strip_prefix("(?U)") {
        return format!(r"\A(?:{unicode})\z");
    }
    let mut out = String::with_capacity(java.len() + 16);
    out.push_str(r"\A(?:");
    let (mut in_class, mut chars) = (false, java.chars());
    while let Some(next) = chars.next() {
        match next {
            '\\' => match chars.next() {
                Some('w') => out.push_str("[0-9A-Za-z_]"),
                Some('s') => out.push_str(r"[\t\n\x0B\x0C\r ]"),
                Some('S') => out.push_str(r"[^\t\n\x0B\x0C\r ]"),
                Some('d') => out.push_str("[0-9]"),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            '[' | ']' => {
                in_class = next == '[';
                out.push(next);
            }
            '.' if !in_class && !java.starts_with("(?s)") => out.push_str(r"[^\n\r\x{85}\x{2028}\x{2029}]"),
            other => out.push(other),
        }
    }
    out.push_str(r")\z");
    out
}

/// The compiled pattern, or `None` when the `regex` crate cannot express it (no input shape has one such).
pub(super) fn compile(java: &str) -> Option<Regex> {
    Regex::new(&translate(java)).ok()
}
