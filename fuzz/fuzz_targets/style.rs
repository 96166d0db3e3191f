//! A style sheet from anybody: no panic, and what is written anew says the same once more and holds nothing that
//! loads, runs or escapes.
#![no_main]

#[path = "../../src/style/css/mod.rs"]
#[allow(dead_code)]
mod css;

use std::sync::LazyLock;

use css::Sheet;
use libfuzzer_sys::fuzz_target;

/// What is served, in the words of the guide.
fn given(served: &str) -> String {
    let undone = |declaration: &str| match declaration {
        _ if declaration.contains("outline:") => declaration.replace(" solid", ""),
        _ => declaration.replace("font-style:italic", "font-weight:italic"),
    };
    served.split(';').map(undone).collect::<Vec<_>>().join(";")
}

fn taken(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(sheet) = Sheet::parse(text) else { return false };
    let served = sheet.served();
    let harmless = |c: char| c.is_ascii_alphanumeric() || " .:;,#%()/{}-\n".contains(c);
    assert!(served.chars().all(harmless), "{served}");
    for never in ["url", "expression", "javascript", "var(", "import", "/*", "//", "--", "attr", "http"] {
        assert!(!served.contains(never), "{served}");
    }
    for line in served.lines() {
        assert!(line.contains("-customizable") && line.ends_with('}'), "{line}");
        assert!(line.matches('{').count() == 1 && line.matches('}').count() == 1, "{line}");
    }
    assert_eq!(Sheet::parse(&given(&served)).as_ref(), Ok(&sheet));
    true
}

/// The seeds are good sheets: a target that refuses everything would find nothing.
static SEEDS: LazyLock<()> = LazyLock::new(|| {
    for seed in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/style")).expect("seeds") {
        let path = seed.expect("a seed").path();
        assert!(taken(&std::fs::read(&path).expect("a seed")), "{}", path.display());
    }
});

fuzz_target!(|data: &[u8]| {
    LazyLock::force(&SEEDS);
    taken(data);
});
