//! What a property takes.

use super::colour;
use super::tokens::{Kind, Piece};

/// One kind of value.
#[derive(Debug)]
pub(super) enum Takes {
    /// A colour of CSS.
    Colour,
    /// Whole hundreds, 100 to 900.
    Weight,
    /// 0 to 100 %.
    Percent,
    /// 0 to 9999 px.
    Pixels,
    /// A length that is not negative.
    Length,
    /// One to four lengths.
    Sides,
    /// Width, style and colour, in any order; or none.
    Border,
    /// One of these words; the second part says which to people.
    OneOf(&'static [&'static str], &'static str),
}

/// One part of a value: a word or a number, or a function with all that is in it.
pub(super) struct Part<'a, 'i> {
    pub(super) head: &'a Piece<'i>,
    /// Without the name and the closing bracket.
    pub(super) inside: &'a [Piece<'i>],
}

impl Part<'_, '_> {
    /// The word that this is, in lower case.
    pub(super) fn word(&self) -> Option<String> {
        (self.head.kind == Kind::Word).then(|| self.head.text.to_ascii_lowercase())
    }
}

impl Takes {
    /// For people.
    pub(super) const fn words(&self) -> &'static str {
        match self {
            Self::Colour => {
                "a CSS colour: a name, #rgb, #rrggbb, rgb(...), hsl(...) or another of CSS Color 4"
            }
            Self::Weight => "100, 200, 300, 400, 500, 600, 700, 800 or 900",
            Self::Percent => "0% to 100%",
            Self::Pixels => "0 to 9999px",
            Self::Length => "a length that is not negative, in px, em, rem, pt or %",
            Self::Sides => {
                "one to four lengths that are not negative (top right bottom left), in px, em, rem, pt or %"
            }
            Self::Border => "a width of 1px to 100px, solid or none, and a colour; or none",
            Self::OneOf(_, words) => words,
        }
    }

    /// The value as it is written anew, in lower case with single spaces; `None` when it is not taken.
    pub(super) fn read(&self, value: &[Piece<'_>]) -> Option<String> {
        let parts = parts(value)?;
        if let Self::Sides = self {
            let lengths: Option<Vec<_>> = parts.iter().map(length).collect();
            return lengths.filter(|lengths| (1..=4).contains(&lengths.len())).map(|sides| sides.join(" "));
        }
        if let Self::Border = self {
            return border(&parts);
        }
        let [part] = parts.as_slice() else { return None };
        match self {
            Self::Colour => colour::read(part),
            Self::Weight => {
                let weight = part.head.text;
                matches!(weight.as_bytes(), [b'1'..=b'9', b'0', b'0']).then(|| weight.to_owned())
            }
            Self::Percent => within(part, &["%"], 0.0, 100.0),
            Self::Pixels => within(part, &["px"], 0.0, 9_999.0),
            Self::Length => length(part),
            Self::OneOf(words, _) => part.word().filter(|word| words.contains(&word.as_str())),
            Self::Sides | Self::Border => None,
        }
    }
}

/// The parts of a value; `None` if a function has another inside of it.
fn parts<'a, 'i>(value: &'a [Piece<'i>]) -> Option<Vec<Part<'a, 'i>>> {
    let (mut parts, mut rest) = (Vec::new(), value);
    while let [head, after @ ..] = rest {
        rest = after;
        match head.kind {
            Kind::Space => {}
            Kind::Function => {
                let end = rest.iter().position(|piece| piece.kind == Kind::CloseRound)?;
                let inside = &rest[..end];
                if inside.iter().any(|piece| piece.kind == Kind::Function) {
                    return None;
                }
                parts.push(Part { head, inside });
                rest = &rest[end + 1..];
            }
            _ => parts.push(Part { head, inside: &[] }),
        }
    }
    Some(parts)
}

/// Digits, of which a number without a whole part gets a 0; `None` with more digits than these, or an exponent.
pub(super) fn digits(text: &str, most_of_fraction: usize) -> Option<String> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, part)| (whole, Some(part)));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let good = whole.len() <= 4
        && are_digits(whole)
        && fraction.map_or(!whole.is_empty(), |part| {
            (1..=most_of_fraction).contains(&part.len()) && are_digits(part)
        });
    let zero = if whole.is_empty() { "0" } else { "" };
    good.then(|| format!("{zero}{text}"))
}

/// A number and its unit, in lower case.
pub(super) fn measure<'i>(piece: &Piece<'i>) -> Option<(&'i str, String)> {
    let known = matches!(piece.kind, Kind::Number | Kind::Percentage | Kind::Dimension);
    let end = piece.text.find(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '.' | '+' | '-')));
    let (number, unit) = piece.text.split_at(end.unwrap_or(piece.text.len()));
    known.then(|| (number, unit.to_ascii_lowercase()))
}

/// A number with one of these units, or a plain 0, within the bounds.
fn within(part: &Part<'_, '_>, units: &[&str], least: f64, most: f64) -> Option<String> {
    let (number, unit) = measure(part.head)?;
    if number == "0" && unit.is_empty() && least <= 0.0 {
        return Some("0".to_owned());
    }
    let number = digits(number, 4)?;
    let fits = number.parse::<f64>().is_ok_and(|number| (least..=most).contains(&number));
    (fits && units.contains(&unit.as_str())).then(|| format!("{number}{unit}"))
}

fn length(part: &Part<'_, '_>) -> Option<String> {
    within(part, &["px", "rem", "em", "pt", "%"], 0.0, 9_999.0)
}

/// CSS takes the three in any order; each once.
fn border(parts: &[Part<'_, '_>]) -> Option<String> {
    if let [only] = parts {
        return only.word().filter(|word| word == "none");
    }
    let [_, _, _] = parts else { return None };
    let width = parts.iter().find_map(|part| within(part, &["px"], 1.0, 100.0))?;
    let style = parts.iter().filter_map(Part::word).find(|word| matches!(word.as_str(), "solid" | "none"))?;
    let colour = parts.iter().find_map(colour::read)?;
    Some(format!("{width} {style} {colour}"))
}
