//! Colours (CSS Color 4): names, `#` and digits, and functions of numbers.

use super::tokens::{Kind, Piece};
use super::value::{Part, digits, measure};

/// Digits after the point.
const FRACTION: usize = 12;

/// What may stand in a place of a function.
#[derive(Clone, Copy)]
enum Takes {
    /// A number or a share.
    Amount,
    /// A number or an angle.
    Hue,
}

use Takes::{Amount, Hue};

/// Functions that make a colour of three amounts; whether they may have commas between them.
const FUNCTIONS: [(&str, [Takes; 3], bool); 10] = [
    ("rgb", [Amount, Amount, Amount], true),
    ("rgba", [Amount, Amount, Amount], true),
    ("hsl", [Hue, Amount, Amount], true),
    ("hsla", [Hue, Amount, Amount], true),
    ("hwb", [Hue, Amount, Amount], false),
    ("lab", [Amount, Amount, Amount], false),
    ("lch", [Amount, Amount, Hue], false),
    ("oklab", [Amount, Amount, Amount], false),
    ("oklch", [Amount, Amount, Hue], false),
    ("color", [Amount, Amount, Amount], false),
];

/// The first argument of `color(...)`.
const SPACES: [&str; 9] =
    ["srgb", "srgb-linear", "display-p3", "a98-rgb", "prophoto-rgb", "rec2020", "xyz", "xyz-d50", "xyz-d65"];

/// Names that stand for a colour of the page or of the system.
const WORDS: [&str; 21] = [
    "transparent",
    "currentcolor",
    "accentcolor",
    "accentcolortext",
    "activetext",
    "buttonborder",
    "buttonface",
    "buttontext",
    "canvas",
    "canvastext",
    "field",
    "fieldtext",
    "graytext",
    "highlight",
    "highlighttext",
    "linktext",
    "mark",
    "marktext",
    "selecteditem",
    "selecteditemtext",
    "visitedtext",
];

/// The colour as it is written anew; `None` if this is none.
pub(super) fn read(part: &Part<'_, '_>) -> Option<String> {
    let text = part.head.text.to_ascii_lowercase();
    match part.head.kind {
        Kind::Hash => {
            let digits = text.strip_prefix('#')?;
            cssparser::color::parse_hash_color(digits.as_bytes()).is_ok().then_some(text)
        }
        Kind::Word => {
            let known = WORDS.contains(&text.as_str()) || cssparser::color::parse_named_color(&text).is_ok();
            known.then_some(text)
        }
        Kind::Function => function(text.strip_suffix('(')?, part.inside),
        _ => None,
    }
}

fn function(name: &str, inside: &[Piece<'_>]) -> Option<String> {
    let (_, takes, commas) = FUNCTIONS.iter().find(|(known, ..)| *known == name)?;
    let mut pieces: Vec<&Piece<'_>> = inside.iter().filter(|piece| piece.kind != Kind::Space).collect();
    let with_commas = pieces.iter().any(|piece| piece.kind == Kind::Comma);
    if with_commas {
        return commas.then(|| separated(name, takes, &pieces)).flatten();
    }
    let mut space = String::new();
    if name == "color" {
        let first = pieces.first().filter(|piece| piece.kind == Kind::Word)?;
        space = first.text.to_ascii_lowercase();
        if !SPACES.contains(&space.as_str()) {
            return None;
        }
        space.push(' ');
        pieces.remove(0);
    }
    let alpha = match pieces.get(3..) {
        Some([]) => String::new(),
        Some([slash, alpha]) if slash.is_delim('/') => format!("/{}", number_or_none(alpha, Amount)?),
        _ => return None,
    };
    let amounts: Option<Vec<_>> =
        pieces.iter().zip(takes).map(|(piece, takes)| number_or_none(piece, *takes)).collect();
    Some(format!("{name}({space}{}{alpha})", amounts?.join(" ")))
}

/// The older form: commas everywhere, numbers or shares only (for `rgb`: all the one or all the other), no `none`.
fn separated(name: &str, takes: &[Takes; 3], pieces: &[&Piece<'_>]) -> Option<String> {
    let mut amounts = Vec::new();
    for (place, one) in pieces.split(|piece| piece.kind == Kind::Comma).enumerate() {
        let [piece] = one else { return None };
        let wanted = takes.get(place).copied().unwrap_or(Amount);
        let good = match (wanted, place) {
            (Hue, _) | (_, 3) => true,
            _ if name.starts_with("hsl") => piece.kind == Kind::Percentage,
            _ => pieces.first().is_some_and(|first| first.kind == piece.kind),
        };
        amounts.push(number(piece, wanted).filter(|_| good)?);
    }
    (3..=4).contains(&amounts.len()).then(|| format!("{name}({})", amounts.join(",")))
}

fn number_or_none(piece: &Piece<'_>, takes: Takes) -> Option<String> {
    if piece.kind == Kind::Word && piece.text.eq_ignore_ascii_case("none") {
        return Some("none".to_owned());
    }
    number(piece, takes)
}

fn number(piece: &Piece<'_>, takes: Takes) -> Option<String> {
    let (number, unit) = measure(piece)?;
    let known = match takes {
        Amount => matches!(unit.as_str(), "" | "%"),
        Hue => matches!(unit.as_str(), "" | "deg" | "grad" | "rad" | "turn"),
    };
    let (sign, number) = match number.strip_prefix('-') {
        Some(number) => ("-", number),
        None => ("", number.strip_prefix('+').unwrap_or(number)),
    };
    known.then(|| digits(number, FRACTION)).flatten().map(|number| format!("{sign}{number}{unit}"))
}
