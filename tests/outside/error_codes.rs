//! The page of error codes is complete: a code in the source that it does not explain fails here.

use std::collections::BTreeSet;
use std::path::Path;

pub fn sources(dir: &Path, into: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

/// String literals of lower-case words that begin like a check's name.
fn codes(text: &str, prefix: &str) -> BTreeSet<String> {
    text.split('"')
        .filter(|part| part.starts_with(prefix))
        .filter(|part| part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_check_of_a_provider_is_explained_in_the_documentation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/errors.md")).unwrap();
    let mut texts = Vec::new();
    sources(&root.join("providers/src"), &mut texts);
    let found: BTreeSet<_> = texts
        .iter()
        .flat_map(|text| ["saml_", "oidc_", "facebook_", "amazon_"].map(|prefix| codes(text, prefix)))
        .flatten()
        .collect();
    assert!(found.len() > 50, "the checks are found: {found:?}");
    let missing: Vec<_> = found.iter().filter(|code| !page.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "docs/errors.md does not explain {missing:?}");
}
