//! Style sheets that administrators give for the hosted pages.
//!
//! Not CSS at large: a list of classes, each with its properties, each with the values that it takes ([`table`]).
//! What is not on the list is refused, so that no sheet loads anything, hides a warning or reaches another part of a
//! page. What is served is written anew from what was understood ([`Sheet`]'s `Display`), never the text as it came.

mod table;
#[cfg(test)]
mod tests;
mod value;

use std::fmt;

use thiserror::Error;

use table::{CLASSES, Class};

/// A sheet that holds nothing but what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet(Vec<Rule>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    selector: &'static str,
    declarations: Vec<(&'static str, String)>,
}

/// Why a sheet is refused. Every text says what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StyleError {
    /// Something that no sheet may hold anywhere.
    #[error("CSS must not hold {0}.")]
    Forbidden(&'static str),
    /// Not `.class {{ property: value; }}`.
    #[error("CSS must be rules of the form `.class {{ property: value; }}`: {0}.")]
    Form(String),
    /// A selector that is not in the table.
    #[error("CSS: the class '{given}' is not allowed. Allowed are {allowed}.")]
    Class {
        /// As given, cut.
        given: String,
        /// Every selector.
        allowed: String,
    },
    /// A property that the class does not have.
    #[error("CSS: the property '{given}' of the class {class} is not allowed. Allowed are {allowed}.")]
    Property {
        /// The class.
        class: &'static str,
        /// As given, cut.
        given: String,
        /// Every property of the class.
        allowed: String,
    },
    /// A value that the property does not take.
    #[error(
        "CSS: the value '{given}' of {property} of the class {class} is not allowed. Allowed is {allowed}."
    )]
    Value {
        /// The class.
        class: &'static str,
        /// The property.
        property: &'static str,
        /// As given, cut.
        given: String,
        /// What the property takes.
        allowed: &'static str,
    },
}

/// Characters of a faulty part that an answer repeats at most.
const ECHO: usize = 64;

/// Selectors and declarations of a sheet, once every selector has its own: a short sheet could stand for a huge one.
const MOST: usize = 5_000;

/// What no sheet may hold, wherever it stands; written in lower case.
const FORBIDDEN: [(&str, &str); 7] = [
    ("@", "@import, @media, @supports, @page or any other rule that begins with @"),
    ("<", "HTML"),
    (">", "HTML, or combinations of selectors"),
    ("\\", "backslashes"),
    ("url(", "url(...)"),
    ("expression(", "scripts"),
    ("javascript:", "scripts"),
];

impl Sheet {
    /// Reads a sheet.
    ///
    /// # Errors
    /// See [`StyleError`]: the first fault is named.
    pub fn parse(css: &str) -> Result<Self, StyleError> {
        let css = without_comments(css)?;
        let folded = css.to_ascii_lowercase();
        if let Some((_, what)) = FORBIDDEN.iter().find(|(part, _)| folded.contains(part)) {
            return Err(StyleError::Forbidden(what));
        }
        let (mut rules, mut count) = (Vec::new(), 0);
        let mut rest = css.trim_start();
        while !rest.is_empty() {
            let (selectors, body) = rest.split_once('{').ok_or_else(|| form("a rule has no {"))?;
            let (body, after) = body.split_once('}').ok_or_else(|| form("a rule has no }"))?;
            for selector in selectors.split(',') {
                let rule = rule(selector.trim(), body)?;
                count += 1 + rule.declarations.len();
                if count > MOST {
                    return Err(form("there are too many of them"));
                }
                rules.push(rule);
            }
            rest = after.trim_start();
        }
        Ok(Self(rules))
    }
}

/// Comments become a space, as in CSS.
fn without_comments(css: &str) -> Result<String, StyleError> {
    let mut out = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        out.push_str(before);
        out.push(' ');
        (_, rest) = after.split_once("*/").ok_or_else(|| form("a comment does not end"))?;
    }
    out.push_str(rest);
    Ok(out)
}

fn rule(selector: &str, body: &str) -> Result<Rule, StyleError> {
    let class = CLASSES.iter().find(|class| selector.strip_prefix('.') == Some(class.name));
    let class = class.ok_or_else(|| StyleError::Class {
        given: cut(selector),
        allowed: list(CLASSES.iter().map(|class| class.name)),
    })?;
    let mut declarations = Vec::new();
    for declaration in body.split(';').map(str::trim).filter(|text| !text.is_empty()) {
        let (name, value) = declaration
            .split_once(':')
            .ok_or_else(|| form(&format!("'{}' is no property: value", cut(declaration))))?;
        declarations.push(property(class, name.trim(), value.trim())?);
    }
    Ok(Rule { selector: class.name, declarations })
}

fn property(class: &'static Class, name: &str, value: &str) -> Result<(&'static str, String), StyleError> {
    let name = name.to_ascii_lowercase();
    let known = class.properties.iter().find(|(known, _)| *known == name);
    let (property, takes) = known.ok_or_else(|| StyleError::Property {
        class: class.name,
        given: cut(&name),
        allowed: list(class.properties.iter().map(|(name, _)| *name)),
    })?;
    let read = takes.read(value).ok_or_else(|| StyleError::Value {
        class: class.name,
        property,
        given: cut(value),
        allowed: takes.words(),
    })?;
    Ok((property, read))
}

fn form(why: &str) -> StyleError {
    StyleError::Form(why.to_owned())
}

fn cut(text: &str) -> String {
    text.chars().take(ECHO).collect()
}

fn list(names: impl Iterator<Item = &'static str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

impl Sheet {
    /// As a browser gets it.
    pub fn served(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Sheet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for rule in &self.0 {
            write!(out, ".{}{{", rule.selector)?;
            for (property, value) in &rule.declarations {
                write!(out, "{property}:{value};")?;
            }
            writeln!(out, "}}")?;
        }
        Ok(())
    }
}
