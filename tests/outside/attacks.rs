//! The page of attacks is true: each of its rows has tests, and each test that it names is there.

use std::collections::BTreeSet;
use std::path::Path;

use crate::error_codes::sources;

/// The rows of a table: its cells.
fn rows(page: &str) -> Vec<Vec<String>> {
    let rows = page.lines().filter(|line| line.starts_with('|'));
    rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .skip(2)
        .collect()
}

/// Functions that stand right below a test's attribute, or in a block of properties.
fn tests(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        if let Some((_, rest)) = line.split_once("fn ").filter(|_| marked) {
            found.insert(rest.split(['(', '<']).next().unwrap_or_default().to_owned());
            marked = false;
        } else if line.starts_with("#[") {
            marked |= line.starts_with("#[test]") || line.contains("::test");
        } else if !line.starts_with("//") {
            marked = false;
        }
    }
    found
}

#[test]
fn every_class_of_attack_has_tests_and_every_test_that_is_named_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/security/attacks.md")).unwrap();
    let mut texts = Vec::new();
    for folder in ["src", "providers/src", "providers/tests", "tests/outside"] {
        sources(&root.join(folder), &mut texts);
    }
    let known: BTreeSet<_> = texts.iter().flat_map(|text| tests(text)).collect();
    assert!(known.len() > 300, "tests are found: {}", known.len());
    let rows = rows(&page);
    assert!(rows.len() >= 27, "the table is found");
    for row in &rows {
        let [class, _, named] = row.as_slice() else { panic!("three cells: {row:?}") };
        let named: Vec<_> = named.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{class} has no test");
        for test in named {
            assert!(known.contains(test), "{class}: there is no test {test}");
        }
    }
    let contract = root.join("../shared/contract/attacks.md");
    let Ok(contract) = std::fs::read_to_string(&contract) else {
        eprintln!("skipped: the contract is not at {}", contract.display());
        return;
    };
    let classes: Vec<_> = rows.iter().map(|row| row[0].as_str()).collect();
    for row in self::rows(&contract) {
        let class = row[0].split(" (").next().unwrap_or_default();
        assert!(classes.contains(&class), "no row of the page is about: {class}");
    }
}
