//! Style sheets that administrators give for the hosted pages.
//!
//! Not CSS at large: a list of classes, each with its properties, each with the values that it takes ([`table`]).
//! What is not on the list is refused by name and line, so that no sheet loads anything or reaches another part of a
//! page. What the guide allows can still make an error hard to see: that is the administrator's. A browser passes over
//! what it does not understand; here nothing is passed over ([`tokens`]). What is served is written anew from what was
//! understood ([`Sheet::served`]), never the text as it came.

mod colour;
#[cfg(test)]
mod guide_tests;
mod table;
#[cfg(test)]
mod tests;
mod tokens;
mod value;

use std::fmt::Write as _;

use thiserror::Error;

use table::{CLASSES, Class};
use tokens::{Kind, Piece, Place};

/// A sheet that holds nothing but what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet(Vec<Rule>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    selector: &'static str,
    declarations: Vec<(&'static str, String)>,
}

/// Why a sheet is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("CSS line {line}, column {column}: {fault}")]
pub struct StyleError {
    /// From 1.
    pub line: u32,
    /// From 1, in UTF-16 units.
    pub column: u32,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a sheet. Every text says what is allowed; what is repeated of the sheet is cut.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// Something that no sheet may hold anywhere.
    #[error("'{given}' is not allowed: CSS must hold no {what}.")]
    Forbidden {
        /// As given.
        given: String,
        /// What that is.
        what: &'static str,
    },
    /// Not `.class {{ property: value; }}`.
    #[error("CSS must be rules of the form `.class {{ property: value; }}`: {0}.")]
    Form(String),
    /// A selector that is not in the table.
    #[error("the class '{given}' is not allowed. Allowed are {allowed}.")]
    Class {
        /// As given.
        given: String,
        /// Every selector.
        allowed: String,
    },
    /// A property that the class does not have.
    #[error("the property '{given}' of the class {class} is not allowed. Allowed are {allowed}.")]
    Property {
        /// The class.
        class: &'static str,
        /// As given.
        given: String,
        /// Every property of the class.
        allowed: String,
    },
    /// A value that the property does not take.
    #[error("the value '{given}' of {property} of the class {class} is not allowed. Allowed is {allowed}.")]
    Value {
        /// The class.
        class: &'static str,
        /// The property.
        property: &'static str,
        /// As given.
        given: String,
        /// What the property takes.
        allowed: &'static str,
    },
}

/// Characters of a faulty part that an answer repeats at most.
const ECHO: usize = 64;

/// Selectors and declarations of a sheet, once every selector has its own: a short sheet could stand for a huge one.
const MOST: usize = 5_000;

impl Sheet {
    /// Reads a sheet.
    ///
    /// # Errors
    /// See [`Fault`]: the first is named.
    pub fn parse(css: &str) -> Result<Self, StyleError> {
        let pieces = tokens::read(css)?;
        let (mut rules, mut count) = (Vec::new(), 0);
        let mut rest = trim(&pieces);
        while let Some(first) = rest.first() {
            let open = rest.iter().position(|piece| piece.kind == Kind::OpenCurly);
            let open = open.ok_or_else(|| first.place.form("a rule has no {"))?;
            let body = &rest[open + 1..];
            let close = body.iter().position(|piece| piece.kind == Kind::CloseCurly);
            // Every block was closed.
            let close = close.ok_or_else(|| rest[open].place.form("a rule has no }"))?;
            if let Some(stray) = rest[..open].iter().find(|piece| piece.kind == Kind::Semicolon) {
                return Err(stray.place.form("a ; stands outside of a rule"));
            }
            let parts = declarations(&body[..close])?;
            for selector in rest[..open].split(|piece| piece.kind == Kind::Comma) {
                let selector = trim(selector);
                let class = class(css, selector, rest[open].place)?;
                let declarations: Result<_, _> =
                    parts.iter().map(|part| declaration(css, class, part)).collect();
                let rule = Rule { selector: class.name, declarations: declarations? };
                count += 1 + rule.declarations.len();
                if count > MOST {
                    return Err(first.place.form("there are too many of them"));
                }
                rules.push(rule);
            }
            rest = trim(&body[close + 1..]);
        }
        Ok(Self(rules))
    }

    /// The sheet as a browser gets it. Where the words of the guide mean nothing to a browser, others that do:
    /// see [`for_browsers`].
    pub fn served(&self) -> String {
        let mut out = String::new();
        for rule in &self.0 {
            out.push('.');
            out.push_str(rule.selector);
            out.push('{');
            for (property, value) in &rule.declarations {
                let (property, value) = for_browsers(property, value);
                // A string takes whatever is written.
                let _ = write!(out, "{property}:{value};");
            }
            out.push_str("}\n");
        }
        out
    }
}

/// What the guide allows, in words that draw something.
fn for_browsers<'a>(property: &'a str, value: &str) -> (&'a str, String) {
    match (property, value) {
        // To CSS this is no weight.
        ("font-weight", "italic") => ("font-style", value.to_owned()),
        // A width alone leaves the style of an outline at `none`.
        ("outline", width) if width != "0" => ("outline", format!("{width} solid")),
        _ => (property, value.to_owned()),
    }
}

/// The class that a selector names; `open`: where its rule begins, if there is no selector.
fn class(css: &str, selector: &[Piece<'_>], open: Place) -> Result<&'static Class, StyleError> {
    let Some(first) = selector.first() else { return Err(open.form("a selector is missing")) };
    let name = match selector {
        [dot, name] if dot.is_delim('.') && name.kind == Kind::Word => Some(name.text.to_owned()),
        [dot, name, colon, state]
            if dot.is_delim('.')
                && name.kind == Kind::Word
                && colon.kind == Kind::Colon
                && state.kind == Kind::Word =>
        {
            Some(format!("{}:{}", name.text, state.text.to_ascii_lowercase()))
        }
        _ => None,
    };
    let known = CLASSES.iter().find(|class| name.as_deref() == Some(class.name));
    known.ok_or_else(|| {
        let given = cut(text_of(css, selector));
        let joins =
            |piece: &&Piece<'_>| piece.kind == Kind::Space || piece.is_delim('+') || piece.is_delim('~');
        match selector.iter().find(joins) {
            Some(join) if first.is_delim('.') => {
                join.place.error(Fault::Forbidden { given, what: "combinations of selectors" })
            }
            _ => {
                let allowed = list(CLASSES.iter().map(|class| class.name));
                first.place.error(Fault::Class { given, allowed })
            }
        }
    })
}

/// What stands between the braces, cut into declarations.
fn declarations<'a, 'i>(body: &'a [Piece<'i>]) -> Result<Vec<&'a [Piece<'i>]>, StyleError> {
    if let Some(inner) = body.iter().find(|piece| piece.kind == Kind::OpenCurly) {
        let given = inner.text.to_owned();
        return Err(inner.place.error(Fault::Forbidden { given, what: "rules inside of rules" }));
    }
    let parts = body.split(|piece| piece.kind == Kind::Semicolon).map(trim);
    Ok(parts.filter(|part| !part.is_empty()).collect())
}

fn declaration(
    css: &str,
    class: &'static Class,
    part: &[Piece<'_>],
) -> Result<(&'static str, String), StyleError> {
    let (name, rest) = match part {
        [name, colon, rest @ ..] if colon.kind == Kind::Colon => (name, rest),
        [name, space, colon, rest @ ..] if space.kind == Kind::Space && colon.kind == Kind::Colon => {
            (name, rest)
        }
        [name, ..] => {
            let given = cut(text_of(css, part));
            return Err(name.place.form(&format!("'{given}' is no property: value")));
        }
        [] => return Err(Place::START.form("a declaration is missing")),
    };
    let known = class.properties.iter().find(|(known, _)| name.text.eq_ignore_ascii_case(known));
    let (property, takes) = known.ok_or_else(|| {
        let allowed = list(class.properties.iter().map(|(name, _)| *name));
        name.place.error(Fault::Property { class: class.name, given: cut(name.text), allowed })
    })?;
    let value = trim(rest);
    if let Some(colon) = value.iter().find(|piece| piece.kind == Kind::Colon) {
        return Err(colon.place.form("a : stands in a value; is a ; missing before it?"));
    }
    let read = takes.read(value).ok_or_else(|| {
        let place = value.first().map_or(name.place, |piece| piece.place);
        let given = cut(text_of(css, value));
        place.error(Fault::Value { class: class.name, property, given, allowed: takes.words() })
    })?;
    Ok((property, read))
}

/// Without the space around it.
fn trim<'a, 'i>(mut pieces: &'a [Piece<'i>]) -> &'a [Piece<'i>] {
    while let [Piece { kind: Kind::Space, .. }, rest @ ..] | [rest @ .., Piece { kind: Kind::Space, .. }] =
        pieces
    {
        pieces = rest;
    }
    pieces
}

/// The text that these pieces stand in.
fn text_of<'i>(css: &'i str, pieces: &[Piece<'i>]) -> &'i str {
    let ends = pieces.first().zip(pieces.last());
    ends.and_then(|(first, last)| css.get(first.start..last.start + last.text.len())).unwrap_or_default()
}

fn cut(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(ECHO).collect()
}

fn list(names: impl Iterator<Item = &'static str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
