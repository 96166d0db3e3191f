//! `${NAME}` in a file: a variable of the environment, or with `${file:PATH}` a file. So secrets need not stand in it.

use std::path::Path;

use serde_json::Value;

use super::yaml::{Content, Node, YamlError};

/// Largest file that a reference may lead to, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Where references lead.
pub(super) struct Around<'a> {
    /// A variable of the environment.
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
    /// What relative paths begin at.
    pub(super) folder: &'a Path,
}

/// Puts what they lead to in the place of all references. `$${` stands for `${`.
///
/// # Errors
/// A reference that leads nowhere, with its line.
pub(super) fn resolve(node: &mut Node, around: &Around<'_>) -> Result<(), YamlError> {
    match &mut node.content {
        Content::Scalar(Value::String(text)) if text.contains("${") => {
            *text = resolved(text, around).map_err(|why| YamlError::new(node.line, why))?;
        }
        Content::Scalar(_) => {}
        Content::List(items) => {
            for item in items {
                resolve(item, around)?;
            }
        }
        Content::Map(members) => {
            for (_, _, member) in members {
                resolve(member, around)?;
            }
        }
    }
    Ok(())
}

fn resolved(text: &str, around: &Around<'_>) -> Result<String, String> {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = after;
            continue;
        }
        out.push_str(before);
        let (name, after) = after.split_once('}').ok_or("a reference (${NAME}) has no end")?;
        out.push_str(&one(name, around)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn one(name: &str, around: &Around<'_>) -> Result<String, String> {
    if let Some(path) = name.strip_prefix("file:") {
        let path = around.folder.join(path);
        let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
        let size = std::fs::metadata(&path).map_err(unreadable)?.len();
        if size > LARGEST {
            return Err(format!("{} is larger than {LARGEST} bytes", path.display()));
        }
        let text = std::fs::read_to_string(&path).map_err(unreadable)?;
        return Ok(text
            .strip_suffix('\n')
            .map_or(text.clone(), |text| text.trim_end_matches('\r').to_owned()));
    }
    let proper = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !proper {
        return Err(format!(
            "${{{name}}} is no reference: allowed are ${{NAME}} and ${{file:PATH}}; $${{ is ${{"
        ));
    }
    (around.variable)(name).ok_or_else(|| format!("${{{name}}}: the environment has no variable {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::yaml;

    #[test]
    fn references_are_replaced_wherever_a_text_stands() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "hush\n").unwrap();
        let variable = |name: &str| (name == "WEB").then(|| "x: [\n".to_owned());
        let around = Around { variable: &variable, folder: folder.path() };
        let mut node = yaml::read("a: [\"<${WEB}>\", '${file:secret}']\nb: $${WEB} $x\nc: ${WEB}${WEB}\n")
            .unwrap()
            .unwrap();
        resolve(&mut node, &around).unwrap();
        // What a variable holds is one text, whatever it looks like.
        let expected =
            serde_json::json!({ "a": ["<x: [\n>", "hush"], "b": "${WEB} $x", "c": "x: [\nx: [\n" });
        assert_eq!(node.value(), expected);
        for (text, word) in [
            ("a: 1\nb: ${GONE}\n", "GONE"),
            ("a: 1\nb: ${file:gone}\n", "gone"),
            ("a: 1\nb: ${WEB\n", "no end"),
            ("a: 1\nb: ${}\n", "no reference"),
        ] {
            let mut node = yaml::read(text).unwrap().unwrap();
            let error = resolve(&mut node, &around).unwrap_err();
            assert!(error.line == 2 && error.why.contains(word), "{text}: {error}");
        }
    }
}
