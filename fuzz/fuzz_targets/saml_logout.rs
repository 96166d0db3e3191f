//! A posted sign-out message from anybody: no panic, and nothing ends but what the seeds end.
//!
//! Input is a LogoutRequest after a `Q`, or a LogoutResponse after an `S`.
#![no_main]

mod common;

use std::collections::HashSet;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{heard, provider, seeds};
use libfuzzer_sys::fuzz_target;
use poolgate_providers::SignOutMessage;
use poolgate_providers::saml::SamlProvider;

static PROVIDER: LazyLock<SamlProvider> = LazyLock::new(|| provider(&[]));

static KNOWN: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let folder = std::fs::read_dir(seeds().join("saml_logout")).expect("seeds");
    let texts = folder.map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a seed"));
    let known: HashSet<_> = texts.filter_map(|text| heard(&PROVIDER, &message(&text)?)).collect();
    assert_eq!(known.len(), 2, "the seeds are believed");
    known
});

fn message(data: &[u8]) -> Option<SignOutMessage> {
    let (kind, text) = data.split_first()?;
    let field = |letter: u8| (*kind == letter).then(|| STANDARD.encode(text));
    Some(SignOutMessage::SamlPost { request: field(b'Q'), response: field(b'S'), relay_state: None })
}

fuzz_target!(|data: &[u8]| {
    LazyLock::force(&KNOWN);
    if let Some(notice) = message(data).and_then(|message| heard(&PROVIDER, &message)) {
        assert!(KNOWN.contains(&notice), "heard: {notice}");
    }
});
