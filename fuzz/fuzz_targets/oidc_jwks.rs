//! A key set from anybody: no panic, and the good token is believed only where its key stands in the set.
#![no_main]

mod oidc;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use oidc::{Answers, ISSUER, PERSON, assert_seeds, public, read, sign_in};

fn believed(data: &[u8]) -> bool {
    let mut answers = Answers::good(ISSUER, ISSUER);
    answers.jwks = data.to_vec();
    let Ok((_, person)) = sign_in(answers, &[]) else { return false };
    assert_eq!(person.subject, PERSON);
    let set = read(data);
    let keys = set["keys"].as_array().expect("keys");
    assert!(keys.iter().any(|key| key["x"] == public() && key["kid"] == "ed" && key["d"].is_null()));
    true
}

static SEEDS: LazyLock<()> = LazyLock::new(|| assert_seeds("oidc_jwks", believed));

fuzz_target!(|data: &[u8]| {
    LazyLock::force(&SEEDS);
    believed(data);
});
