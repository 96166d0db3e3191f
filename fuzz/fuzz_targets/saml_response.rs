//! A Response from anybody: the gate never panics, and what it lets through both parsers read alike.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use poolgate_providers::saml::encryption::Opener;
use poolgate_providers::saml::gate::{self, Policy, Root};
use poolgate_providers::saml::keys::VerifyKey;
use poolgate_providers::saml::{RustEngine, SignedXml as _, reader};
use time::macros::datetime;

/// A certificate whose key nobody has any more: nothing may ever verify.
static KEYS: LazyLock<Vec<VerifyKey>> =
    LazyLock::new(|| vec![VerifyKey::from_der(include_bytes!("../lost_key.der")).expect("a certificate")]);

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let policy = Policy { allow_sha1: true };
    for root in [Root::Response, Root::LogoutRequest, Root::LogoutResponse, Root::Assertion] {
        let Ok(gated) = gate::admit(text, root, policy) else { continue };
        let _ = reader::status(gated.root());
        let _ = reader::response(gated.root());
        for node in gated.document.all() {
            let _ = reader::assertion(node, &Opener::new(&[], ""));
        }
        assert!(RustEngine.verify(&gated, &KEYS, policy, datetime!(2030-01-01 00:00 UTC)).is_err());
    }
});
