use proptest::prelude::*;

use super::*;

fn refused(css: &str) -> String {
    match Sheet::parse(css) {
        Err(error) => error.to_string(),
        Ok(sheet) => panic!("{css}: {sheet}"),
    }
}

#[test]
fn a_sheet_of_what_is_allowed_is_written_anew() {
    let css = "/* our colours */
        .logo-customizable { max-width: 60%; max-height: 30%; }
        .banner-customizable { padding: 25px 0px 25px 0px; background-color: LightGray; }
        .label-customizable { font-weight: 400; }
        .textDescription-customizable { padding-top: 10px; display: block; font-size: 16px; }
        .submitButton-customizable { font-weight: bold; margin: 20px 0px 10px 0px; height: 40px; width: 100%;
            color: #fff; background-color: rgb(51 122 183 / 90%); }
        .submitButton-customizable:hover { background-color: #286090 }
        .inputField-customizable { border: 1px solid #ccc; }
        .inputField-customizable:focus { border-color: #66afe9; outline: 0; }
        .passwordCheck-valid-customizable, .passwordCheck-notValid-customizable { COLOR: hsl(120,50%,25.5%) }
        .errorMessage-customizable { border: none; box-sizing: border-box; padding: 5px; }";
    let sheet = Sheet::parse(css).unwrap();
    let text = sheet.to_string();
    assert!(text.contains(".banner-customizable{padding:25px 0px 25px 0px;background-color:lightgray;}\n"));
    assert!(text.contains(".passwordCheck-notValid-customizable{color:hsl(120,50%,25.5%);}\n"), "{text}");
    assert!(!text.contains("our colours"));
    assert_eq!(Sheet::parse(&text).unwrap(), sheet);
    assert_eq!(Sheet::parse(" ").unwrap().to_string(), "");
}

#[test]
fn whatever_loads_runs_or_escapes_is_refused() {
    for css in [
        "@import 'https://evil.example/x.css';",
        "@media print { .label-customizable { color: red } }",
        "@supports (color: red) { .label-customizable { color: red } }",
        "@page { margin: 1px }",
        "@charset \"utf-8\";",
        "</style><script>alert(1)</script>",
        "<!-- .label-customizable { color: red } -->",
        ".background-customizable { background-color: url(https://evil.example/) }",
        ".background-customizable { background-color: URL( 'x' ) }",
        ".background-customizable { background-color: u/**/rl(x) }",
        ".label-customizable { color: expression(alert(1)) }",
        ".label-customizable { color: javascript:alert(1) }",
        r".label-customizable { color: \75rl(x) }",
        ".label-customizable { color: var(--x) }",
        ".label-customizable { color: red !important }",
        ".label-customizable { color: red; } .label-customizable > a { color: red }",
        ".label-customizable .logo-customizable { max-width: 1% }",
        ".label-customizable:hover { color: red }",
        "* { color: red }",
        "body { color: red }",
        "#x { color: red }",
        ".Label-customizable { color: red }",
        ".label-customizable { color: red",
        ".label-customizable color: red }",
        ".label-customizable { color red }",
        ".label-customizable { { color: red } }",
        ".label-customizable { color: red } }",
        "/* no end",
        "} .label-customizable { color: red }",
        "red",
    ] {
        refused(css);
    }
}

#[test]
fn a_refusal_names_the_class_or_property_and_what_is_allowed() {
    let text = refused(".header { color: red }");
    assert!(
        text.contains("'.header'") && text.contains("label-customizable, inputField-customizable"),
        "{text}"
    );
    let text = refused(".label-customizable { position: fixed }");
    assert!(text.contains("'position'") && text.contains("font-weight, color"), "{text}");
    let text = refused(".label-customizable { font-weight: 450 }");
    assert!(text.contains("'450'") && text.contains("font-weight") && text.contains("900"), "{text}");
    assert!(refused("@import x").contains("@import, @media"));
    assert!(refused(".background-customizable{background-color:url(x)}").contains("url(...)"));
    assert!(refused(&format!(".{} {{}}", "x".repeat(10_000))).len() < 1_000, "long parts are cut");
}

#[test]
fn every_property_takes_its_own_values_only() {
    let with = |class: &str, property: &str, value: &str| {
        Sheet::parse(&format!(".{class} {{ {property}: {value} }}")).is_ok()
    };
    for (class, property, good, bad) in [
        ("label-customizable", "font-weight", "900", "1000"),
        ("label-customizable", "color", "#abcd", "#abcde"),
        ("label-customizable", "color", "rebeccapurple", "rebecca"),
        ("label-customizable", "color", "rgba(0,0,0,.5)", "rgb(x)"),
        ("label-customizable", "color", "oklch(40% 0.26 283)", "attr(0)"),
        ("inputField-customizable", "width", "100%", "101%"),
        ("inputField-customizable", "width", "0", "10px"),
        ("inputField-customizable", "height", "34.5px", "34"),
        ("inputField-customizable", "height", "34px", "-34px"),
        ("inputField-customizable", "border", "100px solid red", "101px solid red"),
        ("inputField-customizable", "border", "1px none rgb(1, 2, 3)", "1px dashed red"),
        ("inputField-customizable", "border", "none", "1px solid"),
        ("textDescription-customizable", "display", "inline", "none"),
        ("submitButton-customizable", "font-weight", "italic", "700"),
        ("submitButton-customizable", "margin", "1px 2em 3rem 4%", "1px 2px 3px 4px 5px"),
        ("submitButton-customizable", "margin", "0", "-1px"),
        ("submitButton-customizable", "font-size", "1.5em", "1e9px"),
        ("idpButton-customizable", "text-align", "center", "justify"),
        ("errorMessage-customizable", "box-sizing", "content-box", "padding-box"),
    ] {
        assert!(with(class, property, good), "{class} {property}: {good}");
        assert!(!with(class, property, bad), "{class} {property}: {bad}");
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
}

proptest! {
    #[test]
    fn nothing_is_written_but_letters_that_can_do_no_harm(css in "[.{}:;,/* a-zA-Z0-9#%()-]{0,200}") {
        if let Ok(sheet) = Sheet::parse(&css) {
            let text = sheet.to_string();
            prop_assert!(!text.contains(['@', '<', '>', '\\', '"', '\'', '*']), "{text}");
            prop_assert!(!text.contains("url("));
            prop_assert_eq!(Sheet::parse(&text).unwrap(), sheet);
        }
    }

    #[test]
    fn any_value_is_taken_as_a_whole_or_refused(value in "[ a-z0-9#%(),.;:{}/-]{0,24}") {
        for (class, property) in [("label-customizable", "color"), ("errorMessage-customizable", "border"),
            ("banner-customizable", "padding"), ("inputField-customizable", "height")] {
            let Ok(sheet) = Sheet::parse(&format!(".{class} {{ {property}: {value} }}")) else { continue };
            prop_assert_eq!(Sheet::parse(&sheet.to_string()).unwrap(), sheet);
        }
    }
}
