use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use fluent_syntax::parser::parse;

use super::*;
use crate::http::pages::Kind;

fn words() -> Words {
    Words::new().unwrap()
}

/// Every message of a file, and the variables that it names.
fn messages(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let resource = parse(source).unwrap();
    let mut messages = BTreeMap::new();
    for entry in &resource.body {
        if let Entry::Message(message) = entry {
            let mut variables = BTreeSet::new();
            collect(message.value.as_ref().unwrap(), &mut variables);
            let before = messages.insert(message.id.name.to_owned(), variables);
            assert_eq!(before, None, "{} stands there twice", message.id.name);
        }
    }
    messages
}

fn collect(pattern: &Pattern<&str>, into: &mut BTreeSet<String>) {
    let variable = |inline: &InlineExpression<&str>| match inline {
        InlineExpression::VariableReference { id } => Some(id.name.to_owned()),
        _ => None,
    };
    for element in &pattern.elements {
        let PatternElement::Placeable { expression } = element else { continue };
        match expression {
            Expression::Inline(inline) => into.extend(variable(inline)),
            Expression::Select { selector, variants } => {
                into.extend(variable(selector));
                variants.iter().for_each(|variant| collect(&variant.value, into));
            }
        }
    }
}

#[test]
fn every_language_says_everything_with_the_same_variables() {
    let english = messages(DEFAULT.2);
    for (tag, name, source) in OTHERS {
        let its = messages(source);
        for (message, variables) in &english {
            assert_eq!(its.get(message), Some(variables), "{tag} ({name}): {message}");
        }
        assert_eq!(its.len(), english.len(), "{tag} says something that English does not");
    }
}

#[test]
fn no_language_leaves_a_message_in_english() {
    let words = words();
    let english = words.default();
    for language in words.all().iter().skip(1) {
        let mut copied = Vec::new();
        for (message, variables) in messages(DEFAULT.2) {
            let variables: Vec<_> = variables.iter().map(|name| (name.as_str(), "7")).collect();
            let said = |language: &Language| language.say(&message, &variables);
            if said(language) == said(english) {
                copied.push(message);
            }
        }
        // A word or two may be the same elsewhere: "Details", "Code".
        assert!(copied.len() <= 4, "{language:?} repeats English: {copied:?}");
    }
}

/// Messages that a template names in full, as `t("…"`.
fn named(template: &str) -> BTreeSet<&str> {
    template.split("t(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_message_is_said_somewhere_and_every_one_that_is_said_exists() {
    let mut said: BTreeSet<String> = BTreeSet::new();
    for template in [
        include_str!("../../templates/layout.html"),
        include_str!("../../templates/login.html"),
        include_str!("../../templates/error.html"),
        include_str!("../../templates/signed_out.html"),
        include_str!("../../templates/hop.html"),
        include_str!("../../templates/auto_post.html"),
        include_str!("../../templates/onward.html"),
    ] {
        said.extend(named(template).into_iter().map(str::to_owned));
    }
    for kind in Kind::ALL {
        said.extend(["", "-what", "-advice"].map(|part| format!("{}{part}", kind.message())));
    }
    // What the templates take from a page's facts.
    said.extend(
        ["continue-with", "continue-with-amazon", "continue-with-apple", "start-again", "try-again"]
            .map(str::to_owned),
    );
    let known: BTreeSet<String> = messages(DEFAULT.2).into_keys().collect();
    assert_eq!(said, known);
}

#[test]
fn the_app_s_wish_goes_before_the_browser_s_and_the_nearest_language_serves() {
    let words = words();
    let choose = |tags: &[&str]| words.choose(tags.iter().copied()).tag();
    assert_eq!(choose(&[]), "en");
    assert_eq!(choose(&["x", "", "<script>", "tlh"]), "en");
    for (asked, served) in [
        ("de", "de"),
        ("de-AT", "de"),
        ("DE-ch", "de"),
        ("pt", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("zh", "zh-CN"),
        ("zh-SG", "zh-CN"),
        ("zh-Hans", "zh-CN"),
        ("zh-Hant", "zh-TW"),
        ("zh-HK", "zh-TW"),
        ("zh-tw", "zh-TW"),
        ("ko-KR", "ko"),
        ("ar-EG", "ar"),
        ("es-419", "es"),
        ("en-GB", "en"),
    ] {
        assert_eq!(choose(&[asked]), served, "{asked}");
        assert_eq!(choose(&["tlh", asked, "fr"]), served, "{asked} in a list");
    }
}

#[test]
fn arabic_runs_from_right_to_left_and_keeps_names_apart_from_the_sentence() {
    let words = words();
    let arabic = words.tagged("ar").unwrap();
    assert_eq!((arabic.direction(), words.default().direction()), ("rtl", "ltr"));
    let said = arabic.say("continue-with", &[("provider", "Acme")]).unwrap();
    assert!(said.contains("\u{2068}Acme\u{2069}"), "{said:?}");
    let said = words.default().say("continue-with", &[("provider", "Acme")]).unwrap();
    assert_eq!(said, "Continue with Acme");
    let said = words.default().say("continue-with", &[("provider", "שלום")]).unwrap();
    assert_eq!(said, "Continue with \u{2068}שלום\u{2069}", "a name that runs the other way");
    for language in words.all() {
        let said = language.say("continue-with", &[("provider", "a\u{2069}\u{202e}b\u{2066}")]).unwrap();
        assert!(said.contains("ab") && !said.contains('\u{202e}'), "{said:?}");
    }
}

#[test]
fn a_message_that_is_not_there_is_none() {
    assert_eq!(words().default().say("no-such-message", &[]), None);
    assert_eq!(words().default().say("continue-with", &[]), None, "a variable is missing");
}
