use proptest::prelude::*;

use super::*;

pub(super) fn refused(css: &str) -> StyleError {
    match Sheet::parse(css) {
        Err(error) => error,
        Ok(sheet) => panic!("{css}: {}", sheet.served()),
    }
}

/// What is served, in the words of the guide: [`for_browsers`] undone.
pub(super) fn given(served: &str) -> String {
    let undone = |declaration: &str| match declaration {
        _ if declaration.contains("outline:") => declaration.replace(" solid", ""),
        _ => declaration.replace("font-style:italic", "font-weight:italic"),
    };
    served.split(';').map(undone).collect::<Vec<_>>().join(";")
}

#[test]
fn a_sheet_of_what_is_allowed_is_written_anew() {
    let css = "/* our colours, don't change */
        .logo-customizable { max-width: 60%; max-height: 30%; }
        .banner-customizable { padding: 25px 0px 25px 0px; background-color: LightGray; }
        .label-customizable { font-weight: 400; }
        .textDescription-customizable { padding-top: 10px; display: block; font-size: 16px; }
        .submitButton-customizable { font-weight: bold; margin: 20px 0px 10px 0px; height: 40px; width: 100%;
            color: #FFF; background-color: rgb(51 122 183 / 90%); }
        .submitButton-customizable:hover { background-color: #286090 }
        .inputField-customizable { border: 1px solid #ccc; }
        .inputField-customizable:focus { border-color: #66afe9; outline: 0; }
        .passwordCheck-valid-customizable, .passwordCheck-notValid-customizable { COLOR : hsl(120,50%,25.5%) }
        .errorMessage-customizable { border: none; box-sizing: border-box; padding: 5px;; }";
    let sheet = Sheet::parse(css).unwrap();
    let text = sheet.served();
    assert!(text.contains(".banner-customizable{padding:25px 0px 25px 0px;background-color:lightgray;}\n"));
    assert!(text.contains(".passwordCheck-notValid-customizable{color:hsl(120,50%,25.5%);}\n"), "{text}");
    assert!(text.contains("color:#fff;background-color:rgb(51 122 183/90%);}"), "{text}");
    assert!(!text.contains("our colours"));
    assert_eq!(Sheet::parse(&given(&text)).unwrap(), sheet);
    assert_eq!(Sheet::parse(" /* nothing */ ").unwrap().served(), "");
}

#[test]
fn what_css_would_not_draw_is_said_in_words_that_it_does() {
    for (class, written, served) in [
        ("submitButton-customizable", "font-weight: Italic", "font-style:italic"),
        ("submitButton-customizable", "font-weight: bold", "font-weight:bold"),
        ("inputField-customizable:focus", "outline: 4px", "outline:4px solid"),
        ("inputField-customizable:focus", "outline: 0", "outline:0"),
        ("inputField-customizable", "border: red solid 1px", "border:1px solid red"),
        ("label-customizable", "color: rgb(.5 , 1,2)", "color:rgb(0.5,1,2)"),
    ] {
        let css = format!(".{class} {{ {written} }}");
        let sheet = Sheet::parse(&css).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(sheet.served(), format!(".{class}{{{served};}}\n"));
    }
}

/// What no sheet may hold, each on line 3, and what the refusal says.
const FORBIDDEN: [(&str, &str); 58] = [
    ("@import 'https://evil.example/x.css';", "@import"),
    ("@IMPORT url(x);", "@import"),
    ("@media print { .label-customizable { color: red } }", "@media"),
    ("@supports (color: red) { .label-customizable { color: red } }", "@supports"),
    ("@page { margin: 1px }", "@page"),
    ("@charset \"utf-8\";", "@"),
    ("@font-face { font-family: x }", "@"),
    (".label-customizable { @media print { color: red } }", "@media"),
    ("</style><script>alert(1)</script>", "HTML"),
    (".label-customizable { color: red</style> }", "HTML"),
    ("<!-- .label-customizable { color: red }", "HTML"),
    ("--> .label-customizable { color: red }", "HTML"),
    (".background-customizable { background-color: url(https://evil.example/) }", "url("),
    (".background-customizable { background-color: URL( 'x' ) }", "url("),
    (".background-customizable { background-color: url(\"x\") }", "url("),
    (".background-customizable { background-color: url(x y) }", "url("),
    (".background-customizable { background-color: url(x", "url("),
    (".background-customizable { background-color: u/**/rl(x) }", "'u/**/rl(x)'"),
    (".background-customizable { background-color: image-set(1x) }", "'image-set(1x)'"),
    (".background-customizable { background-color: attr(x) }", "'attr(x)'"),
    (".background-customizable { background-color: calc(1px) }", "'calc(1px)'"),
    (r".label-customizable { color: \75rl(x) }", "backslashes"),
    (r".label-customizable { c\6flor: red }", "backslashes"),
    (r".l\61 bel-customizable { color: red }", "backslashes"),
    (r"\40 import 'x';", "backslashes"),
    (".label-customizable { color: expression(alert(1)) }", "scripts"),
    (".label-customizable { color: javascript:alert(1) }", "scripts"),
    (".label-customizable { color: 'red' }", "strings"),
    (".label-customizable { color: \"red }", "strings"),
    (".label-customizable { color: var(--x) }", "var(...)"),
    (".label-customizable { --x: red }", "custom properties"),
    (".label-customizable { color: red !important }", "!important"),
    (".label-customizable > a { color: red }", "combinations of selectors"),
    (".label-customizable .logo-customizable { max-width: 1% }", "combinations of selectors"),
    (".label-customizable+.logo-customizable { max-width: 1% }", "combinations of selectors"),
    (".label-customizable ~ a { color: red }", "combinations of selectors"),
    (".label-customizable[a] { color: red }", "attribute selectors"),
    (".label-customizable[a^='b'] { color: red }", "attribute selectors"),
    (".label-customizable { .logo-customizable { max-width: 1% } }", "rules inside of rules"),
    (".label-customizable { &:hover { color: red } }", "rules inside of rules"),
    (".label-customizable { { color: red } }", "rules inside of rules"),
    (".label-customizable:hover { color: red }", "'.label-customizable:hover'"),
    (".label-customizable::before { color: red }", "'.label-customizable::before'"),
    (".label-customizable:not(.x) { color: red }", "'.label-customizable:not(.x)'"),
    (".label-customizable:is(.a, .b) { color: red }", ":is("),
    (".label-customizable.x { color: red }", "'.label-customizable.x'"),
    ("*.label-customizable { color: red }", "'*.label-customizable'"),
    ("* { color: red }", "'*'"),
    (":root { color: red }", "':root'"),
    ("body { color: red }", "'body'"),
    ("#x { color: red }", "'#x'"),
    (".Label-customizable { color: red }", "'.Label-customizable'"),
    (".header { color: red }", "'.header'"),
    (".label-customizable { position: fixed }", "'position'"),
    (".label-customizable { color: red\0 }", "control characters"),
    (".label-customizable { color: red } /* \0 */", "control characters"),
    ("\u{feff}.label-customizable { color: red }", "byte order mark"),
    (".label-customizable { color: inherit }", "'inherit'"),
];

#[test]
fn whatever_loads_runs_or_escapes_is_refused_by_name_and_line() {
    for (css, name) in FORBIDDEN {
        let error = refused(&format!("/* one\r\n*/\n{css}\n"));
        assert_eq!(error.line, 3, "{css}: {error}");
        assert!(error.to_string().starts_with("CSS line 3, column "), "{error}");
        assert!(error.to_string().contains(name), "{css}: {error}");
    }
}

#[test]
fn what_a_browser_would_mend_or_pass_over_is_refused() {
    for (css, says) in [
        (".label-customizable { color: red", "a { has no end"),
        (".label-customizable { color: rgb(1,2,3; }", "a } has no beginning"),
        (".label-customizable { color: rgb(1,2,3", "a ( has no end"),
        (".label-customizable { color: rgb(rgb(1,2,3)", "a ( has no end"),
        (".label-customizable { color: red /* }", "a comment does not end"),
        (".label-customizable { color: red } /*/", "a comment does not end"),
        (".label-customizable { color: red } }", "a } has no beginning"),
        ("} .label-customizable { color: red }", "a } has no beginning"),
        (".label-customizable { color: red) }", "a ) has no beginning"),
        (".label-customizable { color: (red) }", "a ( stands alone"),
        (".label-customizable color: red }", "a } has no beginning"),
        (".label-customizable", "no {"),
        (".label-customizable { color red }", "'color red' is no property: value"),
        (".label-customizable { : red }", "': red' is no property: value"),
        (".label-customizable { color: red font-weight: 400 }", "is a ; missing"),
        (".label-customizable { color: }", "the value ''"),
        (".label-customizable { color: red } ;", "no {"),
        ("; .label-customizable { color: red }", "a ; stands outside"),
        (".label-customizable, { color: red }", "a selector is missing"),
        (", .label-customizable { color: red }", "a selector is missing"),
        ("{ color: red }", "a selector is missing"),
        ("red", "no {"),
        (".label-customizable { color: a(b(c(d(1)))) }", "blocks inside of blocks"),
        (".label-customizable { color: rgb(rgb(1),2,3) }", "'rgb(rgb(1),2,3)'"),
        (". label-customizable { color: red }", "combinations"),
        (".label-/**/customizable { color: red }", "'.label-/**/customizable'"),
    ] {
        let text = refused(css).to_string();
        assert!(text.contains(says), "{css}: {text}");
    }
}

#[test]
fn a_refusal_says_where_and_what_is_allowed() {
    let text = refused("\n\n.label-customizable {color: red; position: fixed}").to_string();
    let expected = "CSS line 3, column 34: the property 'position' of the class label-customizable is not allowed. \
        Allowed are font-weight, color.";
    assert_eq!(text, expected);
    let text = refused(".label-customizable {\r\n font-weight: 450 }").to_string();
    let expected = "CSS line 2, column 15: the value '450' of font-weight of the class label-customizable is not \
        allowed. Allowed is 100, 200, 300, 400, 500, 600, 700, 800 or 900.";
    assert_eq!(text, expected);
    let text = refused(".header { color: red }").to_string();
    assert!(text.contains("Allowed are label-customizable, inputField-customizable"), "{text}");
    assert!(
        refused(&format!(".{} {{}}", "x".repeat(10_000))).to_string().len() < 1_000,
        "long parts are cut"
    );
}

#[test]
fn a_value_is_what_css_knows_within_its_bounds() {
    let with = |class: &str, property: &str, value: &str| {
        Sheet::parse(&format!(".{class} {{ {property}: {value} }}")).is_ok()
    };
    for (class, property, good, bad) in [
        ("inputField-customizable", "width", "0", "10px"),
        ("inputField-customizable", "height", "34PX", "-34px"),
        ("inputField-customizable", "height", "9999px", "10000px"),
        ("inputField-customizable", "height", "1px", "1e2px"),
        ("inputField-customizable", "height", "1.5px", "1.px"),
        ("inputField-customizable", "border", "solid red 1px", "1px dashed red"),
        ("inputField-customizable", "border", "1px none rgb(1, 2, 3)", "0px solid red"),
        ("inputField-customizable", "border", "none", "1px solid"),
        ("inputField-customizable", "border", "none", "solid"),
        ("inputField-customizable", "border", "1px solid red", "1px solid red red"),
        ("inputField-customizable", "border", "1px solid #fff", "1px solid solid"),
        ("submitButton-customizable", "margin", "0", "auto"),
        ("submitButton-customizable", "margin", "1px 2px", "1px, 2px"),
        ("label-customizable", "font-weight", "100", "450"),
        ("label-customizable", "font-weight", "100", "bold"),
        ("textDescription-customizable", "font-size", "12pt", "12vw"),
        ("textDescription-customizable", "font-size", "120%", "large"),
        ("textDescription-customizable", "display", "BLOCK", "block inline"),
    ] {
        assert!(with(class, property, good), "{class} {property}: {good}");
        assert!(!with(class, property, bad), "{class} {property}: {bad}");
    }
}

#[test]
fn every_standard_colour_is_taken_and_nothing_else() {
    let colour = |value: &str| Sheet::parse(&format!(".label-customizable {{ color: {value} }}"));
    for good in [
        "#abc",
        "#abcd",
        "#aabbcc",
        "#AABBCCDD",
        "red",
        "RebeccaPurple",
        "transparent",
        "currentColor",
        "CanvasText",
        "rgb(1,2,3)",
        "rgb(10%, 20%, 30%)",
        "rgba(0,0,0,.5)",
        "rgba(0,0,0,50%)",
        "rgb(1 2 3)",
        "rgb(1 2 3 / .5)",
        "rgb(10% 2 none)",
        "hsl(120,50%,25%)",
        "hsl(120deg 50% 25% / 1)",
        "hsla(.5turn,1%,2%,1)",
        "hwb(90 10% 20%)",
        "lab(50% -40 59.5)",
        "lch(52.2% 72.2 50grad)",
        "oklab(40% -0.01 +0.02)",
        "oklch(0.4 0.268735435 34rad/none)",
        "color(display-p3 1 0.5 0)",
        "COLOR(srgb 1 0 0 / 50%)",
    ] {
        let sheet = colour(good).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(Sheet::parse(&sheet.served()).unwrap(), sheet);
    }
    for bad in [
        "#ab",
        "#abcde",
        "#ggg",
        "rebecca",
        "inherit",
        "rgb()",
        "rgb(x)",
        "rgb(1,2)",
        "rgb(1,2,3,4,5)",
        "rgb(,,)",
        "rgb(1 2 3 4)",
        "rgb(1 2 3 4 5)",
        "rgb(1,2 3)",
        "rgb(1,2%,3)",
        "rgb(1,2,3/1)",
        "rgb(1 2 3/)",
        "rgb(1px 2 3)",
        "rgb(1,none,3)",
        "hsl(1,2,3)",
        "hsl(10%,20%,30%)",
        "hwb(1,2%,3%)",
        "lab(1,2,3)",
        "color(1 2 3)",
        "color(evil 1 2 3)",
        "rgb(1e3 2 3)",
        "rgb(from red r g b)",
        "color-mix(in srgb, red, blue)",
        "light-dark(red, blue)",
        "red blue",
        "rgb(12345 2 3)",
        "rgb(1 2 3",
        "device-cmyk(0 1 0 0)",
    ] {
        assert!(colour(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_short_sheet_does_not_stand_for_a_huge_one() {
    let sheet = |selectors: usize, declarations: usize| {
        let selectors = vec![".label-customizable"; selectors].join(",");
        Sheet::parse(&format!("{selectors}{{{}}}", "color:red;".repeat(declarations)))
    };
    assert!(sheet(50, 50).is_ok());
    let error = sheet(2_000, 2_000).unwrap_err();
    assert!(error.to_string().contains("too many"), "{error}");
    let deep = "(".repeat(60_000);
    refused(&deep);
    refused(&format!(".label-customizable {{ color: {}", "a(".repeat(60_000)));
    refused(&"{".repeat(60_000));
}

/// Pieces of sheets, good and bad, to be put together at random.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        ".label-customizable",
        ".inputField-customizable:focus",
        ".submitButton-customizable",
        ".logo-customizable",
        "{",
        "}",
        "{",
        "}",
        ":",
        ";",
        ":",
        ";",
        ",",
        " ",
        "\n",
        "color",
        "outline",
        "font-weight",
        "max-height",
        "margin",
        "red",
        "#abc",
        "rgb(",
        "hsl(",
        ")",
        "1",
        "4px",
        "30%",
        "italic",
        ".5",
        "none",
        "/",
        "/*",
        "*/",
        "url(",
        "\"",
        "'",
        "\\",
        "@import",
        "<",
        "!important",
        "--x",
        "var(",
        "\u{feff}",
        "\0",
        "é",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn check(css: &str) -> Result<(), TestCaseError> {
    if let Ok(sheet) = Sheet::parse(css) {
        let text = sheet.served();
        let harmless = |c: char| c.is_ascii_alphanumeric() || " .:;,#%()/{}-\n".contains(c);
        prop_assert!(text.chars().all(harmless), "{text}");
        prop_assert!(!text.contains("url") && !text.contains("/*") && !text.contains("//"), "{text}");
        prop_assert_eq!(Sheet::parse(&given(&text)).unwrap(), sheet);
    }
    Ok(())
}

proptest! {
    #[test]
    fn nothing_is_written_but_letters_that_can_do_no_harm(css in "[.{}:;,/* a-zA-Z0-9#%()-]{0,200}") {
        check(&css)?;
    }

    #[test]
    fn nor_of_any_text(css in any::<String>()) {
        check(&css)?;
    }

    #[test]
    fn nor_of_what_looks_like_a_sheet(css in pieces()) {
        check(&css)?;
    }

    #[test]
    fn any_value_is_taken_as_a_whole_or_refused(value in "[ a-z0-9#%(),.;:{}/-]{0,24}") {
        for (class, property) in [("label-customizable", "color"), ("errorMessage-customizable", "border"),
            ("banner-customizable", "padding"), ("inputField-customizable", "height"),
            ("inputField-customizable:focus", "outline"), ("submitButton-customizable", "font-weight")] {
            check(&format!(".{class} {{ {property}: {value} }}"))?;
        }
    }
}
