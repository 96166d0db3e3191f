//! A sheet cut into pieces by the rules of CSS (CSS Syntax 3), with nothing mended: what the standard tells a browser
//! to close by itself or to pass over is refused here.

use cssparser::{ParseError, ParseErrorKind, Parser, SourceLocation, Token};

use super::{Fault, StyleError, cut};

/// Blocks and functions inside of each other: the block of a rule, a colour, and one more to name what is wrong.
const DEPTH: usize = 3;

/// Where something begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    line: u32,
    column: u32,
}

impl Place {
    /// The first letter.
    pub(super) const START: Self = Self { line: 1, column: 1 };

    pub(super) const fn error(self, fault: Fault) -> StyleError {
        StyleError { line: self.line, column: self.column, fault }
    }

    pub(super) fn form(self, why: &str) -> StyleError {
        self.error(Fault::Form(why.to_owned()))
    }
}

impl From<SourceLocation> for Place {
    fn from(location: SourceLocation) -> Self {
        Self { line: location.line + 1, column: location.column }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    /// `#` and letters.
    Hash,
    Number,
    Percentage,
    /// A number with a unit.
    Dimension,
    /// A name and `(`.
    Function,
    CloseRound,
    OpenCurly,
    CloseCurly,
    Colon,
    Semicolon,
    Comma,
    Space,
    Delim(char),
}

/// One piece, as it stands in the sheet. No piece holds an escape, so its text is what it means.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'i> {
    pub(super) kind: Kind,
    pub(super) text: &'i str,
    /// In bytes.
    pub(super) start: usize,
    pub(super) place: Place,
}

impl Piece<'_> {
    pub(super) fn is_delim(&self, wanted: char) -> bool {
        self.kind == Kind::Delim(wanted)
    }
}

/// The pieces of a sheet, without its comments. Every `{` and `(` has its end.
pub(super) fn read(css: &str) -> Result<Vec<Piece<'_>>, StyleError> {
    let mut pieces = Vec::new();
    gather(&mut Parser::new(css), 0, &mut pieces)?;
    Ok(pieces)
}

fn gather<'i>(parser: &mut Parser<'i>, depth: usize, pieces: &mut Vec<Piece<'i>>) -> Result<(), StyleError> {
    loop {
        let (at, place) = (parser.position(), Place::from(parser.current_source_location()));
        let Ok(token) = parser.next_including_whitespace_and_comments().cloned() else { return Ok(()) };
        let text = parser.slice_from(at);
        check_letters(&token, text, place)?;
        if let Token::Comment(_) = token {
            // It may end with the sheet, to CSS.
            if text.len() < 4 || !text.ends_with("*/") {
                return Err(place.form("a comment does not end"));
            }
            continue;
        }
        let kind = kind(&token, text, place)?;
        if kind == Kind::Space && pieces.last().is_some_and(|last| last.kind == Kind::Space) {
            // On both sides of a comment.
            continue;
        }
        pieces.push(Piece { kind, text, start: at.byte_index(), place });
        if matches!(kind, Kind::OpenCurly | Kind::Function) {
            if depth == DEPTH {
                return Err(place.form("there are blocks inside of blocks inside of blocks"));
            }
            let mut end = at;
            let inner = parser.parse_nested_block(|parser| {
                gather(parser, depth + 1, pieces).map_err(ParseError::custom)?;
                end = parser.position();
                Ok(())
            });
            inner.map_err(|error| match error.kind {
                ParseErrorKind::Custom(error) => error,
                ParseErrorKind::Basic(_) => place.form("a block cannot be read"),
            })?;
            // A block that is open at the end of the sheet is closed, to CSS.
            let text = parser.slice_from(end);
            if text.is_empty() {
                let open = if kind == Kind::OpenCurly { "{" } else { "(" };
                return Err(place.form(&format!("a {open} has no end")));
            }
            let kind = if kind == Kind::OpenCurly { Kind::CloseCurly } else { Kind::CloseRound };
            pieces.push(Piece { kind, text, start: end.byte_index(), place });
        }
    }
}

/// Letters that no sheet needs, comments apart: CSS would read an escape as another letter, and NUL as a third.
fn check_letters(token: &Token<'_>, text: &str, place: Place) -> Result<(), StyleError> {
    let bad = |letter: &char| match letter {
        '\u{feff}' => true,
        '\\' => !matches!(token, Token::Comment(_)),
        '\t' | '\n' | '\r' | '\u{c}' => false,
        other => other.is_control(),
    };
    match text.chars().find(bad) {
        None => Ok(()),
        Some('\\') => Err(forbidden(text, "backslashes", place)),
        Some('\u{feff}') => Err(forbidden("U+FEFF", "byte order mark", place)),
        Some(letter) => Err(forbidden(&letter.escape_unicode().to_string(), "control characters", place)),
    }
}

fn forbidden(given: &str, what: &'static str, place: Place) -> StyleError {
    place.error(Fault::Forbidden { given: cut(given), what })
}

fn kind(token: &Token<'_>, text: &str, place: Place) -> Result<Kind, StyleError> {
    let never = |what| Err(forbidden(text, what, place));
    let is = |name: &str, of: &[&str]| of.iter().any(|known| name.eq_ignore_ascii_case(known));
    Ok(match token {
        Token::AtKeyword(_) | Token::Delim('@') => {
            return never("@import, @media, @supports, @page or any other rule that begins with @");
        }
        Token::UnquotedUrl(_) | Token::BadUrl(_) => return never("url(...)"),
        Token::Function(name) if is(name, &["url"]) => return never("url(...)"),
        Token::Function(name) if is(name, &["var"]) => return never("var(...)"),
        Token::Function(name) if is(name, &["expression"]) => return never("scripts"),
        Token::Ident(name) if is(name, &["javascript", "vbscript"]) => return never("scripts"),
        Token::Ident(name) if name.starts_with("--") => return never("custom properties"),
        Token::QuotedString(_) | Token::BadString(_) => return never("strings"),
        Token::CDO | Token::CDC | Token::Delim('<') => return never("HTML"),
        Token::Delim('>') => return never("HTML, nor combinations of selectors"),
        Token::Delim('!') => return never("!important"),
        Token::Delim('&') => return never("rules inside of rules"),
        Token::SquareBracketBlock
        | Token::IncludeMatch
        | Token::DashMatch
        | Token::PrefixMatch
        | Token::SuffixMatch
        | Token::SubstringMatch => return never("attribute selectors"),
        Token::CloseParenthesis | Token::CloseSquareBracket | Token::CloseCurlyBracket => {
            return Err(place.form(&format!("a {} has no beginning", cut(text))));
        }
        Token::ParenthesisBlock => return Err(place.form("a ( stands alone")),
        Token::Ident(_) => Kind::Word,
        Token::Hash(_) | Token::IDHash(_) => Kind::Hash,
        Token::Number { .. } => Kind::Number,
        Token::Percentage { .. } => Kind::Percentage,
        Token::Dimension { .. } => Kind::Dimension,
        Token::Function(_) => Kind::Function,
        Token::CurlyBracketBlock => Kind::OpenCurly,
        Token::Colon => Kind::Colon,
        Token::Semicolon => Kind::Semicolon,
        Token::Comma => Kind::Comma,
        Token::WhiteSpace(_) | Token::Comment(_) => Kind::Space,
        Token::Delim(letter) => Kind::Delim(*letter),
    })
}
