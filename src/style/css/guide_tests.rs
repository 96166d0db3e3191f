//! The guide, row by row.

use std::collections::BTreeSet;

use super::tests::{given, refused};
use super::*;

#[test]
fn the_example_of_the_documentation_works_and_its_table_is_whole() {
    let page = include_str!("../../../docs/customisation.md");
    let (_, after) = page.split_once("```css\n").unwrap();
    let (example, _) = after.split_once("```").unwrap();
    let sheet = Sheet::parse(example).unwrap_or_else(|error| panic!("{error}"));
    assert!(sheet.0.len() > 10);
    for class in &CLASSES {
        let name = format!("`{}`", class.name);
        let row = page.lines().find(|line| line.starts_with("| `") && line.contains(&name));
        let row = row.unwrap_or_else(|| panic!("{name} is not documented"));
        for (property, _) in class.properties {
            assert!(row.contains(property) || row.ends_with("the same |"), "{name}: {property}");
        }
    }
}

const COLOUR: (&str, &str) = ("#abcd", "#abcde");
const PERCENT: (&str, &str) = ("100%", "101%");
const PIXELS: (&str, &str) = ("34.5px", "34");
const LENGTH: (&str, &str) = (".9em", "-1px");
const SIDES: (&str, &str) = ("1px 2em 3rem 4%", "1px 2px 3px 4px 5px");
const BORDER: (&str, &str) = ("100px solid red", "101px solid red");
const DISPLAY: (&str, &str) = ("inline", "none");
const ALIGN: (&str, &str) = ("center", "justify");

/// A property, with a value that it takes and one that it does not.
type Row = (&'static str, (&'static str, &'static str));

/// Every property of every class that the guide has.
const GUIDE: [(&str, &[Row]); 17] = [
    ("label-customizable", &[("font-weight", ("900", "1000")), ("color", COLOUR)]),
    (
        "inputField-customizable",
        &[
            ("width", PERCENT),
            ("height", PIXELS),
            ("color", COLOUR),
            ("background-color", COLOUR),
            ("border", BORDER),
        ],
    ),
    ("inputField-customizable:focus", &[("border-color", COLOUR), ("outline", PIXELS)]),
    (
        "textDescription-customizable",
        &[("padding-top", LENGTH), ("padding-bottom", LENGTH), ("display", DISPLAY), ("font-size", LENGTH)],
    ),
    (
        "submitButton-customizable",
        &[
            ("font-size", LENGTH),
            ("font-weight", ("italic", "700")),
            ("margin", SIDES),
            ("width", PERCENT),
            ("height", PIXELS),
            ("color", COLOUR),
            ("background-color", COLOUR),
        ],
    ),
    ("submitButton-customizable:hover", &[("color", COLOUR), ("background-color", COLOUR)]),
    ("banner-customizable", &[("padding", SIDES), ("background-color", COLOUR)]),
    (
        "idpButton-customizable",
        &[
            ("height", PIXELS),
            ("width", PERCENT),
            ("text-align", ALIGN),
            ("margin-bottom", LENGTH),
            ("color", COLOUR),
            ("background-color", COLOUR),
            ("border-color", COLOUR),
        ],
    ),
    ("idpButton-customizable:hover", &[("color", COLOUR), ("background-color", COLOUR)]),
    (
        "socialButton-customizable",
        &[("height", PIXELS), ("text-align", ALIGN), ("width", PERCENT), ("margin-bottom", LENGTH)],
    ),
    (
        "idpDescription-customizable",
        &[("padding-top", LENGTH), ("padding-bottom", LENGTH), ("display", DISPLAY), ("font-size", LENGTH)],
    ),
    ("legalText-customizable", &[("color", COLOUR), ("font-size", LENGTH)]),
    ("logo-customizable", &[("max-width", PERCENT), ("max-height", PERCENT)]),
    (
        "errorMessage-customizable",
        &[
            ("margin", SIDES),
            ("padding", SIDES),
            ("font-size", LENGTH),
            ("width", PERCENT),
            ("background-color", COLOUR),
            ("border", BORDER),
            ("color", COLOUR),
            ("box-sizing", ("content-box", "padding-box")),
        ],
    ),
    ("background-customizable", &[("background-color", COLOUR)]),
    ("passwordCheck-valid-customizable", &[("color", COLOUR)]),
    ("passwordCheck-notValid-customizable", &[("color", COLOUR)]),
];

#[test]
fn every_property_of_the_guide_takes_its_own_values_only() {
    let ours: BTreeSet<_> = CLASSES
        .iter()
        .flat_map(|class| class.properties.iter().map(|(property, _)| (class.name, *property)))
        .collect();
    let guide: BTreeSet<_> =
        GUIDE.iter().flat_map(|(class, rows)| rows.iter().map(|(property, _)| (*class, *property))).collect();
    assert_eq!(ours, guide, "neither more nor less than the guide");
    for (class, rows) in GUIDE {
        for (property, (good, bad)) in rows {
            let css = |value: &str| format!("\n.{class} {{ {property}: {value} }}");
            let sheet = Sheet::parse(&css(good)).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(Sheet::parse(&given(&sheet.served())).unwrap(), sheet);
            let error = refused(&css(bad));
            assert_eq!(error.line, 2);
            assert!(matches!(error.fault, Fault::Value { .. }), "{error}");
            let elsewhere = refused(&format!(".{class} {{ float: left }}"));
            assert!(elsewhere.to_string().contains(&format!("'float' of the class {class}")), "{elsewhere}");
        }
    }
}
