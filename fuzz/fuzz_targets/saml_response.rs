//! A Response from anybody: no panic, both engines say the same, and nobody is signed in but whom the seeds
//! name.
#![no_main]

mod common;

use std::sync::LazyLock;

use common::{KNOWN, judged, provider, signed_in};
use libfuzzer_sys::fuzz_target;
use poolgate_providers::saml::encryption::Opener;
use poolgate_providers::saml::gate::{self, Policy, Root};
use poolgate_providers::saml::{SamlProvider, reader};

static PROVIDER: LazyLock<SamlProvider> = LazyLock::new(|| provider(&[]));

fuzz_target!(|data: &[u8]| {
    LazyLock::force(&KNOWN);
    if let Some(somebody) = signed_in(&PROVIDER, data) {
        assert!(KNOWN.contains(&somebody), "signed in: {somebody}");
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = gate::decode(text);
    let policy = Policy { allow_sha1: true };
    for root in [Root::Response, Root::LogoutRequest, Root::LogoutResponse, Root::Assertion] {
        let Ok(gated) = gate::admit(text, root, policy) else { continue };
        let _ = reader::status(gated.root());
        let _ = reader::response(gated.root());
        for node in gated.document.all() {
            let _ = reader::assertion(node, &Opener::new(&[], ""));
        }
        judged(&PROVIDER, &gated, policy);
    }
});
