//! YAML with line numbers, in and out: the part of YAML 1.2 that says what JSON says.
//!
//! Anchors, tags, several documents and keys that are no texts are refused: nothing in a file of settings is better
//! said by them, and an alias that stands for much can stand for too much.

use std::fmt::Write as _;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Number, Value};
use thiserror::Error;

/// How deep a file may be nested.
const DEEPEST: usize = 32;

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {why}")]
pub struct YamlError {
    /// The line, from 1.
    pub line: usize,
    /// In words.
    pub why: String,
}

impl YamlError {
    pub(super) fn new(line: usize, why: impl Into<String>) -> Self {
        Self { line, why: why.into() }
    }
}

/// A value, and the line that it begins in.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// From 1.
    pub line: usize,
    /// What it is.
    pub content: Content,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// null, a boolean, a number or a text.
    Scalar(Value),
    /// A list.
    List(Vec<Node>),
    /// Members in the order of the file. The line is the name's.
    Map(Vec<(String, usize, Node)>),
}

impl Node {
    /// The same without its lines.
    pub fn value(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(items) => items.iter().map(Self::value).collect(),
            Content::Map(members) => {
                Value::Object(members.iter().map(|(name, _, node)| (name.clone(), node.value())).collect())
            }
        }
    }

    /// The line of what this path leads to: names of members, and places in lists.
    pub fn line_of(&self, path: &[Step]) -> usize {
        let Some((step, rest)) = path.split_first() else { return self.line };
        match (step, &self.content) {
            (Step::Member(name), Content::Map(members)) => {
                let found = members.iter().find(|(known, ..)| known == name);
                found.map_or(
                    self.line,
                    |(_, line, node)| if rest.is_empty() { *line } else { node.line_of(rest) },
                )
            }
            (Step::Item(place), Content::List(items)) => {
                items.get(*place).map_or(self.line, |item| item.line_of(rest))
            }
            _ => self.line,
        }
    }
}

/// One step of the way into a value.
pub use crate::api::model::Step;

/// Reads a file that holds one document; `None` when it holds nothing.
///
/// # Errors
/// See [`YamlError`].
pub fn read(text: &str) -> Result<Option<Node>, YamlError> {
    let mut events = Events { parser: Parser::new_from_str(text) };
    let mut document = None;
    loop {
        match events.next()? {
            (Event::StreamEnd, _) => return Ok(document),
            (Event::DocumentStart(_), span) => {
                if document.is_some() {
                    return Err(YamlError::new(
                        span.start.line(),
                        "the file must hold one document (one `---`)",
                    ));
                }
                let (event, span) = events.next()?;
                document = Some(events.node(event, span, 0)?);
            }
            _ => {}
        }
    }
}

struct Events<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
}

impl<'t> Events<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), YamlError> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                Err(YamlError::new(error.marker().line(), format!("this is no YAML: {}", error.info())))
            }
            None => Err(YamlError::new(0, "the file ends too early")),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, YamlError> {
        let line = span.start.line();
        let refused = |why: &str| Err(YamlError::new(line, why));
        if depth > DEEPEST {
            return refused("this is nested too deep");
        }
        let (anchor, tag) = match &event {
            Event::Alias(_) => return refused("aliases (*name) are not read: write the value out"),
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(anchor, tag)
            | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            _ => (0, false),
        };
        if anchor != 0 {
            return refused("anchors (&name) are not read: write the value out");
        }
        if tag {
            return refused("tags (!name) are not read");
        }
        let content = match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) => Content::Scalar(plain(&text)),
            Event::Scalar(text, ..) => Content::Scalar(Value::from(text.into_owned())),
            Event::SequenceStart(..) => Content::List(self.list(depth)?),
            Event::MappingStart(..) => Content::Map(self.map(depth)?),
            _ => Content::Scalar(Value::Null),
        };
        Ok(Node { line, content })
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, YamlError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(String, usize, Node)>, YamlError> {
        let mut members: Vec<(String, usize, Node)> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let line = span.start.line();
            let name = match event {
                Event::MappingEnd => return Ok(members),
                Event::Scalar(name, _, 0, None) => name.into_owned(),
                _ => return Err(YamlError::new(line, "the name of a member must be a text")),
            };
            if members.iter().any(|(known, ..)| *known == name) {
                return Err(YamlError::new(line, format!("{name} is given more than once")));
            }
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            members.push((name, line, node));
        }
    }
}

/// A plain scalar by the core schema (YAML 1.2.2, section 10.3.2): `yes` and `on` are texts.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from);
    }
    let float = digits.contains('.') && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match text.parse::<f64>() {
        Ok(number) if float => Number::from_f64(number).map_or_else(|| Value::from(text), Value::Number),
        _ => Value::from(text),
    }
}

/// The value as YAML, each line set in by `depth` steps of two spaces.
pub fn write(value: &Value, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                let _ = write!(out, "{pad}{}:", scalar(&Value::from(name.as_str())));
                below(value, depth, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let mut lines = String::new();
                write(item, depth + 1, &mut lines);
                let _ = write!(out, "{pad}- {}", lines.trim_start());
            }
        }
        scalar_value => {
            let _ = writeln!(out, "{pad}{}", scalar(scalar_value));
        }
    }
}

/// What stands behind the name of a member.
fn below(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            out.push('\n');
            write(value, depth + 1, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            write(value, depth + 1, out);
        }
        _ => {
            let _ = writeln!(out, " {}", scalar(value));
        }
    }
}

/// Plain where nobody can take it for something else; otherwise as JSON, which is YAML too.
fn scalar(value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    let starts = text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '/');
    let harmless = |letter: char| letter.is_ascii_alphanumeric() || "-_./@+,= ".contains(letter);
    // A colon is harmless within a word.
    let colons = text.split(": ").count() == 1 && !text.ends_with(':');
    let plain_text = starts
        && !text.ends_with(' ')
        && colons
        && text.chars().all(|letter| harmless(letter) || letter == ':')
        && plain(text).is_string()
        && !looks_old(text);
    if plain_text { text.clone() } else { quoted(value) }
}

/// As JSON, but for what JSON writes plainly and YAML does not hold (YAML 1.2.2, section 5.1).
fn quoted(text: &Value) -> String {
    let mut out = String::new();
    for letter in text.to_string().chars() {
        let printable = !letter.is_control()
            && !matches!(letter, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}');
        if printable {
            out.push(letter);
        } else {
            let _ = write!(out, "\\u{:04x}", u32::from(letter));
        }
    }
    out
}

/// What other readers of YAML take for a boolean, a date or a number.
fn looks_old(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    matches!(&*lower, "yes" | "no" | "on" | "off" | "y" | "n" | "null" | "true" | "false")
        || text.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value(text: &str) -> Value {
        read(text).unwrap().unwrap().value()
    }

    #[test]
    fn a_file_says_what_json_says() {
        let text = "# comment\na: text\nb: [1, -2, 1.5, true, ~, yes, 007x, \"1\"]\nc:\n  - d: 'x: y'\n    e: |\n      two\n      lines\n  - f: {}\n";
        let expected = json!({
            "a": "text", "b": [1, -2, 1.5, true, null, "yes", "007x", "1"],
            "c": [{ "d": "x: y", "e": "two\nlines\n" }, { "f": {} }],
        });
        assert_eq!(value(text), expected);
        assert_eq!(read("# nothing\n").unwrap(), None);
    }

    #[test]
    fn what_is_refused_is_refused_with_its_line() {
        for (text, line, why) in [
            ("a: 1\nb: 2\na: 3\n", 3, "a is given more than once"),
            ("a: 1\nb: &x 2\n", 2, "anchors"),
            ("a: &x [1]\nb: *x\n", 1, "anchors"),
            ("a: !!str 1\n", 1, "tags"),
            ("a: 1\n---\nb: 2\n", 2, "one document"),
            ("a: 1\n? [1]\n: 2\n", 2, "name of a member"),
            ("a: [1\n", 2, "no YAML"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.why.contains(why), "{text:?}: {error}");
            assert_eq!(error.line, line, "{text:?}: {error}");
        }
        assert!(read(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn a_path_leads_to_its_line() {
        let node = read("a:\n  - b: 1\n    c:\n      d: 2\n").unwrap().unwrap();
        let path =
            [Step::Member("a".into()), Step::Item(0), Step::Member("c".into()), Step::Member("d".into())];
        assert_eq!(node.line_of(&path), 4);
        assert_eq!(node.line_of(&path[..2]), 2);
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC*".prop_map(Value::from),
            "[-a-z0-9:#'\"{}\\[\\]&*!|>%@`?, \\n\\t.]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[-a-z0-9:# .]{0,8}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in anything()) {
            let mut text = String::new();
            write(&value, 0, &mut text);
            let back = read(&text);
            prop_assert_eq!(back.unwrap().unwrap().value(), value, "{}", text);
        }
    }
}
