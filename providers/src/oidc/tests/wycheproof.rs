//! Project Wycheproof's vectors through the verifying code.

use super::super::jws::{Document, Jws};
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

/// Why a vector that should verify is refused by us, rightly.
fn never_believed(key: &Value, token: &str) -> Option<&'static str> {
    let names = |text: &str| key.to_string().contains(text);
    if names("\"oct\"") {
        Some("HMAC is never believed")
    } else if names("ES521") {
        Some("the key names an algorithm that does not exist (ES521)")
    } else if names("\"PS256\"") && token.starts_with("eyJhbGciOiJQUzM4NC") {
        Some("the key is for PS256 alone, the token is signed with PS384")
    } else if token.starts_with('{') {
        Some("only the compact form is read")
    } else {
        None
    }
}

fn run(file: &str) -> Option<(usize, usize)> {
    let all = vectors(file)?;
    let (mut verified, mut skipped) = (0, 0);
    for group in all["testGroups"].as_array().unwrap() {
        let key = group.get("public").unwrap_or(&group["private"]);
        let set = match key.get("keys") {
            Some(_) => key.as_object().unwrap().clone(),
            None => keys(std::slice::from_ref(key)),
        };
        let set = KeySet::read(&set).unwrap();
        for test in group["tests"].as_array().unwrap() {
            let token = test["jws"].as_str().map_or_else(|| test["jws"].to_string(), str::to_owned);
            let outcome = Jws::parse(&token, Document::IdToken).and_then(|jws| jws.payload(&set));
            let name = format!("{file} {} {}", test["tcId"], test["comment"]);
            match test["result"].as_str() {
                Some("invalid") => assert!(outcome.is_err(), "{name} was believed"),
                Some("valid") => match never_believed(key, &token) {
                    Some(reason) => {
                        println!("{name}: {reason}");
                        assert!(outcome.is_err(), "{name}");
                        skipped += 1;
                    }
                    None => {
                        assert!(outcome.is_ok(), "{name}: {outcome:?}");
                        verified += 1;
                    }
                },
                other => panic!("{name}: {other:?}"),
            }
        }
    }
    println!("{file}: {verified} believed, {skipped} refused for a reason of ours");
    Some((verified, skipped))
}

#[test]
fn the_signature_vectors_get_the_expected_verdicts() {
    if let Some(counted) = run("json_web_signature_test.json") {
        assert_eq!(counted, (32, 14));
    }
}

#[test]
fn the_key_vectors_get_the_expected_verdicts() {
    if let Some(counted) = run("json_web_key_test.json") {
        assert_eq!(counted, (1, 4));
    }
}
