//! A key set from anybody: no panic, and the good token is believed only where its key stands in the set.
#![no_main]

mod oidc;

use libfuzzer_sys::fuzz_target;
use oidc::{Answers, ISSUER, PERSON, public, read, sign_in};

fuzz_target!(|data: &[u8]| {
    let mut answers = Answers::good(ISSUER, ISSUER);
    answers.jwks = data.to_vec();
    if let Ok((_, person)) = sign_in(answers, &[]) {
        assert_eq!(person.subject, PERSON);
        let set = read(data);
        let keys = set["keys"].as_array().expect("keys");
        assert!(keys.iter().any(|key| key["x"] == public() && key["kid"] == "ed" && key["d"].is_null()));
    }
});
