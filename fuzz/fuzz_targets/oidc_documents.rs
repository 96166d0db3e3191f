//! The other answers of a provider, from anybody: no panic, the browser leaves for an https address with our own
//! parameters, and nobody is signed in but the person of the good token.
//!
//! Input is a discovery document after a `D`, a token response after a `T`, userinfo after a `U`, signed
//! userinfo after a `J`, or after an `S` claims that are signed here.
#![no_main]

mod oidc;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use oidc::{Answers, CLIENT, HANDLE, HEADER, ISSUER, NONCE, PERSON, assert_seeds, read, sign, sign_in};

fn believed(data: &[u8]) -> bool {
    let Some((kind, text)) = data.split_first() else { return false };
    let mut answers = Answers::good(ISSUER, ISSUER);
    let bytes = text.to_vec();
    match kind {
        b'D' => answers.discovery = bytes,
        b'T' => answers.token = bytes,
        b'U' => answers.userinfo.1 = bytes,
        b'J' => answers.userinfo = ("application/jwt", bytes),
        b'S' => answers.userinfo = ("application/jwt", sign(HEADER, text).into_bytes()),
        _ => return false,
    }
    let Ok((url, person)) = sign_in(answers, &[]) else { return false };
    assert_eq!(url.scheme(), "https");
    for (name, value) in
        [("state", HANDLE), ("client_id", CLIENT), ("nonce", NONCE), ("response_type", "code")]
    {
        let all: Vec<_> = url.query_pairs().filter(|(key, _)| key == name).collect();
        assert!(all.len() == 1 && all[0].1 == value, "{name} in {url}");
    }
    assert_eq!(person.subject, PERSON);
    assert_eq!(person.attributes["sub"], [PERSON]);
    match kind {
        b'D' => assert_eq!(read(text)["issuer"], ISSUER),
        b'U' | b'S' => assert_eq!(read(text)["sub"], PERSON),
        // Nobody ever signed userinfo of this key but the fuzzer itself, under `S`, and the seeds.
        _ => {}
    }
    if *kind == b'S' {
        let claims = read(text);
        assert!(claims["nonce"].is_null() && claims["events"].is_null());
        assert!(claims["iss"].is_null() || claims["iss"] == ISSUER);
    }
    true
}

static SEEDS: LazyLock<()> = LazyLock::new(|| assert_seeds("oidc_documents", believed));

fuzz_target!(|data: &[u8]| {
    LazyLock::force(&SEEDS);
    believed(data);
});
