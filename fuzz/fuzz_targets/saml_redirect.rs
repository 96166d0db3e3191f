//! A sign-out message in a query, from anybody: no panic, and nothing ends but what the seeds end.
//!
//! Input is a query after an `R`; or after a `Q` or an `S` a LogoutRequest or LogoutResponse that is packed
//! here, so that the fuzzer reaches behind the unpacking.
#![no_main]

mod common;

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{heard, provider, seeds};
use libfuzzer_sys::fuzz_target;
use poolgate_providers::SignOutMessage;
use poolgate_providers::saml::SamlProvider;
use url::form_urlencoded::byte_serialize;

static PROVIDER: LazyLock<SamlProvider> = LazyLock::new(|| provider(&[]));

static KNOWN: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let folder = std::fs::read_dir(seeds().join("saml_redirect")).expect("seeds");
    let texts = folder.map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a seed"));
    let known: HashSet<_> = texts.filter_map(|text| heard(&PROVIDER, &message(&text)?)).collect();
    assert_eq!(known.len(), 2, "the seeds are believed");
    known
});

fn packed(parameter: &str, text: &[u8]) -> String {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).expect("in memory");
    let message = STANDARD.encode(encoder.finish().expect("in memory"));
    let message: String = byte_serialize(message.as_bytes()).collect();
    // Good but for the signature itself, which is read after the message.
    let algorithm = "http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256";
    format!("{parameter}={message}&SigAlg={algorithm}&Signature={}", "A".repeat(344))
}

fn message(data: &[u8]) -> Option<SignOutMessage> {
    let (kind, text) = data.split_first()?;
    let query = match kind {
        b'R' => String::from_utf8(text.to_vec()).ok()?,
        b'Q' => packed("SAMLRequest", text),
        b'S' => packed("SAMLResponse", text),
        _ => return None,
    };
    Some(SignOutMessage::SamlRedirect { query })
}

fuzz_target!(|data: &[u8]| {
    LazyLock::force(&KNOWN);
    if let Some(notice) = message(data).and_then(|message| heard(&PROVIDER, &message)) {
        assert!(KNOWN.contains(&notice), "heard: {notice}");
    }
});
