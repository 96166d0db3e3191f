//! An ID token from anybody: no panic, and nobody is signed in but by claims that say so, signed by the provider.
//!
//! Input is a whole token after an `R`; after an `H` a header and, from the first line end, claims, that are
//! signed here; after a `P` claims that are signed here; after an `E` the same, for Entra's tenants.
#![no_main]

mod oidc;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use oidc::{
    Answers, CLIENT, HEADER, ISSUER, NONCE, NOW, PERSON, assert_seeds, id_token, read, sign, sign_in,
};
use serde_json::Value;

const CLOUD: &str = "https://login.microsoftonline.com";

/// What must be true of claims that signed somebody in.
fn assert_sound(claims: &Value, subject: &str) {
    let says = |name: &str| claims[name].as_str().unwrap_or_default();
    assert_eq!(says("sub"), subject);
    assert_eq!(says("nonce"), NONCE);
    let ours = |value: &Value| value == CLIENT;
    assert!(ours(&claims["aud"]) || claims["aud"].as_array().is_some_and(|all| all.iter().any(ours)));
    assert!(claims["azp"].is_null() || ours(&claims["azp"]));
    assert!(claims["exp"].as_f64().expect("a time") > (NOW.unix_timestamp() - 61) as f64);
    assert!(claims["iat"].as_f64().expect("a time") < (NOW.unix_timestamp() + 61) as f64);
}

/// The good token is all there is of the provider's: whatever else is taken, the signed part must be its.
fn raw(text: &[u8]) -> bool {
    let Ok(token) = std::str::from_utf8(text) else { return false };
    let mut answers = Answers::good(ISSUER, ISSUER);
    answers.give(token);
    let Ok((_, person)) = sign_in(answers, &[]) else { return false };
    assert_eq!(person.subject, PERSON);
    let signed = |token: &str| token.rsplit_once('.').map(|(signed, _)| signed.to_owned());
    assert_eq!(signed(token), signed(&id_token()));
    true
}

fn signed(header: &[u8], claims: &[u8]) -> bool {
    let mut answers = Answers::good(ISSUER, ISSUER);
    answers.give(&sign(header, claims));
    let Ok((_, person)) = sign_in(answers, &[]) else { return false };
    assert_sound(&read(claims), &person.subject);
    assert_eq!(read(claims)["iss"], ISSUER);
    let header = read(header);
    assert_eq!((&header["alg"], &header["crit"]), (&"EdDSA".into(), &Value::Null));
    true
}

fn entra(claims: &[u8]) -> bool {
    let issuer = format!("{CLOUD}/{{tenantid}}/v2.0");
    let mut answers = Answers::good(CLOUD, &issuer);
    answers.give(&sign(HEADER, claims));
    let (subject, own) = (read(claims)["sub"].clone(), read(claims)["tid"].clone());
    // Plain userinfo must be of the same person, whoever that is.
    answers.userinfo.1 = serde_json::json!({ "sub": subject }).to_string().into_bytes();
    let settings =
        [("issuer_template", "entra"), ("oidc_issuer", "https://login.microsoftonline.com/common/v2.0")];
    let Ok((_, person)) = sign_in(answers, &settings) else { return false };
    assert_sound(&read(claims), &person.subject);
    let tenant = own.as_str().expect("a tenant");
    assert_eq!(tenant.len(), 36);
    assert_eq!(read(claims)["iss"], issuer.replace("{tenantid}", tenant));
    assert_eq!(person.issuer, read(claims)["iss"].as_str().expect("an issuer"));
    true
}

fn believed(data: &[u8]) -> bool {
    match data.split_first() {
        Some((b'R', text)) => raw(text),
        Some((b'P', claims)) => signed(HEADER, claims),
        Some((b'E', claims)) => entra(claims),
        Some((b'H', both)) => {
            let mut halves = both.splitn(2, |byte| *byte == b'\n');
            signed(halves.next().unwrap_or_default(), halves.next().unwrap_or_default())
        }
        _ => false,
    }
}

static SEEDS: LazyLock<()> = LazyLock::new(|| assert_seeds("oidc_id_token", believed));

fuzz_target!(|data: &[u8]| {
    LazyLock::force(&SEEDS);
    believed(data);
});
