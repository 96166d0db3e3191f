//! The classes and properties that are allowed (developer guide p. 82-85).

use super::value::Takes;

/// One class, with `:hover` or `:focus` where it is about that.
#[derive(Debug)]
pub(super) struct Class {
    /// As in a selector, without the dot.
    pub(super) name: &'static str,
    /// Its properties, and what each takes.
    pub(super) properties: &'static [(&'static str, Takes)],
}

/// Of both kinds of text above what one presses.
const DESCRIPTION: &[(&str, Takes)] = &[
    ("padding-top", Takes::Length),
    ("padding-bottom", Takes::Length),
    ("display", Takes::OneOf(&["block", "inline"], "block or inline")),
    ("font-size", Takes::Length),
];
/// Of both kinds of button.
const UNDER_THE_MOUSE: &[(&str, Takes)] = &[("color", Takes::Colour), ("background-color", Takes::Colour)];
const ALIGNMENT: Takes = Takes::OneOf(&["left", "right", "center"], "left, right or center");

pub(super) static CLASSES: [Class; 17] = [
    Class {
        name: "label-customizable",
        properties: &[("font-weight", Takes::Weight), ("color", Takes::Colour)],
    },
    Class {
        name: "inputField-customizable",
        properties: &[
            ("width", Takes::Percent),
            ("height", Takes::Pixels),
            ("color", Takes::Colour),
            ("background-color", Takes::Colour),
            ("border", Takes::Border),
        ],
    },
    Class {
        name: "inputField-customizable:focus",
        properties: &[("border-color", Takes::Colour), ("outline", Takes::Pixels)],
    },
    Class { name: "textDescription-customizable", properties: DESCRIPTION },
    Class {
        name: "submitButton-customizable",
        properties: &[
            ("font-size", Takes::Length),
            ("font-weight", Takes::OneOf(&["bold", "italic", "normal"], "bold, italic or normal")),
            ("margin", Takes::Sides),
            ("width", Takes::Percent),
            ("height", Takes::Pixels),
            ("color", Takes::Colour),
            ("background-color", Takes::Colour),
        ],
    },
    Class { name: "submitButton-customizable:hover", properties: UNDER_THE_MOUSE },
    Class {
        name: "banner-customizable",
        properties: &[("padding", Takes::Sides), ("background-color", Takes::Colour)],
    },
    Class {
        name: "idpButton-customizable",
        properties: &[
            ("height", Takes::Pixels),
            ("width", Takes::Percent),
            ("text-align", ALIGNMENT),
            ("margin-bottom", Takes::Length),
            ("color", Takes::Colour),
            ("background-color", Takes::Colour),
            ("border-color", Takes::Colour),
        ],
    },
    Class { name: "idpButton-customizable:hover", properties: UNDER_THE_MOUSE },
    Class {
        name: "socialButton-customizable",
        properties: &[
            ("height", Takes::Pixels),
            ("text-align", ALIGNMENT),
            ("width", Takes::Percent),
            ("margin-bottom", Takes::Length),
        ],
    },
    Class { name: "idpDescription-customizable", properties: DESCRIPTION },
    Class {
        name: "legalText-customizable",
        properties: &[("color", Takes::Colour), ("font-size", Takes::Length)],
    },
    Class {
        name: "logo-customizable",
        properties: &[("max-width", Takes::Percent), ("max-height", Takes::Percent)],
    },
    Class {
        name: "errorMessage-customizable",
        properties: &[
            ("margin", Takes::Sides),
            ("padding", Takes::Sides),
            ("font-size", Takes::Length),
            ("width", Takes::Percent),
            ("background-color", Takes::Colour),
            ("border", Takes::Border),
            ("color", Takes::Colour),
            ("box-sizing", Takes::OneOf(&["border-box", "content-box"], "border-box or content-box")),
        ],
    },
    Class { name: "background-customizable", properties: &[("background-color", Takes::Colour)] },
    Class { name: "passwordCheck-valid-customizable", properties: &[("color", Takes::Colour)] },
    Class { name: "passwordCheck-notValid-customizable", properties: &[("color", Takes::Colour)] },
];
