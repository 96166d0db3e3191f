//! Metadata from anybody: never a panic, and never a provider without a key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolgate_providers::saml::metadata;
use time::macros::datetime;

fuzz_target!(|data: &[u8]| {
    if let Ok(provider) = metadata::parse(data) {
        let _ = provider.check_time(datetime!(2026-11-21 12:00 UTC));
        assert!(!provider.keys.is_empty() && !provider.entity_id.is_empty());
        assert!(provider.sso_redirect.is_some() || provider.sso_post.is_some());
    }
});
