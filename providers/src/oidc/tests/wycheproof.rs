//! Project Wycheproof's vectors through the verifying code.

use super::super::jws::Jws;
use super::super::keys::KeySet;
use super::*;

fn vectors(file: &str) -> Option<Value> {
    let path = format!("{}/../../shared/corpus/wycheproof/{file}", env!("CARGO_MANIFEST_DIR"));
    match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(_) => {
            println!("skipped: the vectors {file} are not beside this repository");
            None
        }
    }
}

const HMAC: &str = "HMAC is never believed";
const ES521: &str = "the key names an algorithm that does not exist (ES521)";
const OTHER_ALGORITHM: &str = "the key is for PS256 alone, the token is signed with PS384";

/// Why a vector that should verify is refused by us, rightly.
fn never_believed(key: &Value, token: &str) -> Option<&'static str> {
    let names = |text: &str| key.to_string().contains(text);
    if names("\"oct\"") {
        Some(HMAC)
    } else if names("ES521") {
        Some(ES521)
    } else if names("\"PS256\"") && token.starts_with("eyJhbGciOiJQUzM4NC") {
        Some(OTHER_ALGORITHM)
    } else if token.starts_with('{') {
        Some("only the compact form is read")
    } else {
        None
    }
}

/// How the vectors of one file were judged.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdicts {
    /// Valid, and believed.
    believed: usize,
    /// Valid, and refused for a reason of ours.
    never: BTreeMap<&'static str, usize>,
    /// Invalid, and refused: by the check of this name.
    refused: BTreeMap<&'static str, usize>,
}

fn run(file: &str) -> Option<Verdicts> {
    let all = vectors(file)?;
    let mut verdicts = Verdicts::default();
    for group in all["testGroups"].as_array().unwrap() {
        let key = group.get("public").unwrap_or(&group["private"]);
        let set = match key.get("keys") {
            Some(_) => key.as_object().unwrap().clone(),
            None => keys(std::slice::from_ref(key)),
        };
        let set = KeySet::read(&set).unwrap();
        for test in group["tests"].as_array().unwrap() {
            let token = test["jws"].as_str().map_or_else(|| test["jws"].to_string(), str::to_owned);
            let outcome = Jws::parse(&token).and_then(|jws| jws.verified(&set));
            let name = format!("{file} {} {}", test["tcId"], test["comment"]);
            match test["result"].as_str() {
                Some("invalid") => {
                    let error = outcome.expect_err(&format!("{name} was believed"));
                    *verdicts.refused.entry(check_of(&error)).or_default() += 1;
                }
                Some("valid") => match never_believed(key, &token) {
                    Some(reason) => {
                        assert!(outcome.is_err(), "{name}");
                        if reason != HMAC {
                            // Nothing but the key's odd name for its algorithm stands in the way.
                            let mut key = key.clone();
                            key.as_object_mut().unwrap().remove("alg");
                            let set = KeySet::read(&keys(&[key])).unwrap();
                            let jws = Jws::parse(&token).unwrap();
                            assert!(jws.verified(&set).is_ok(), "{name}");
                        }
                        *verdicts.never.entry(reason).or_default() += 1;
                    }
                    None => {
                        assert!(outcome.is_ok(), "{name}: {outcome:?}");
                        verdicts.believed += 1;
                    }
                },
                other => panic!("{name}: {other:?}"),
            }
        }
    }
    let judged = verdicts.believed
        + [&verdicts.never, &verdicts.refused].map(|map| map.values().sum::<usize>()).iter().sum::<usize>();
    assert_eq!(all["numberOfTests"].as_u64(), u64::try_from(judged).ok(), "{file}");
    Some(verdicts)
}

#[test]
fn the_signature_vectors_get_the_expected_verdicts() {
    let Some(verdicts) = run("json_web_signature_test.json") else { return };
    assert_eq!(verdicts.believed, 32);
    let never = [(HMAC, 10), (ES521, 2), (OTHER_ALGORITHM, 2)];
    assert_eq!(verdicts.never, never.into());
    let refused = [("oidc_alg", 23), ("oidc_id_token_form", 26), ("oidc_signature", 306)];
    assert_eq!(verdicts.refused, refused.into());
}

/// Four of the five that are valid are HMAC.
#[test]
fn the_key_vectors_get_the_expected_verdicts() {
    let Some(verdicts) = run("json_web_key_test.json") else { return };
    assert_eq!(verdicts.believed, 1);
    assert_eq!(verdicts.never, [(HMAC, 4)].into());
    assert_eq!(verdicts.refused, [("oidc_alg", 11), ("oidc_signature", 10)].into());
}
