//! One rule of the ID token check after the other.

use super::super::id_token::{Expected, IdToken, verify};
use super::super::jws::Jws;
use super::super::keys::{Alg, KeySet};
use super::super::settings::IssuerRule;
use super::*;

const ISSUER: &str = "https://idp.example.com";

fn parse(token: &str) -> Result<Jws<'_>, ProviderError> {
    Jws::parse(token)
}

fn token(change: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims(ISSUER);
    change(&mut claims);
    rsa().sign(&header(), claims.to_string().as_bytes())
}

fn believe_with(
    token: &str,
    jwks: &[Value],
    change: impl FnOnce(&mut Expected<'_>),
) -> Result<IdToken, ProviderError> {
    let nonce = NONCE.into();
    let algs: Vec<Alg> = Alg::ALL.into_iter().map(|(_, alg)| alg).collect();
    let mut expected = Expected {
        issuer: ISSUER,
        issuer_rule: IssuerRule::Exact,
        client_id: CLIENT,
        nonce: &nonce,
        algs: &algs,
        skew: Duration::seconds(60),
        max_age: None,
        again_since: None,
        access_token: "at-1",
        now: NOW,
    };
    change(&mut expected);
    let keys = KeySet::read(&keys(jwks)).unwrap();
    verify(&parse(token)?, &keys, &expected)
}

fn believe(token: &str) -> Result<IdToken, ProviderError> {
    believe_with(token, &[rsa().jwk("k1")], |_| ())
}

/// The name of the check that refuses the good token after `change`.
fn refused(change: impl FnOnce(&mut Value)) -> &'static str {
    check_of(&believe(&token(change)).unwrap_err())
}

fn refused_header(header: &Value) -> &'static str {
    check_of(&believe(&rsa().sign(header, claims(ISSUER).to_string().as_bytes())).unwrap_err())
}

#[test]
fn a_good_token_is_believed() {
    assert_eq!(believe(&token(|_| ())).unwrap().subject, "person-1");
}

#[test]
fn every_supported_algorithm_is_verified() {
    let ec = [("ES256", "P-256"), ("ES384", "P-384"), ("ES512", "P-521")];
    let pairs: Vec<(&str, Pair)> = ec.into_iter().map(|(alg, curve)| (alg, Pair::ec(curve))).collect();
    let ed = Pair::Ed(Ed25519KeyPair::generate().unwrap());
    let mut all: Vec<(&str, &Pair)> = pairs.iter().map(|(alg, pair)| (*alg, pair)).collect();
    all.extend([("EdDSA", &ed), ("Ed25519", &ed)]);
    all.extend(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].map(|alg| (alg, rsa())));
    for (alg, pair) in all {
        let header = json!({ "alg": alg, "kid": "k1" });
        let good = pair.sign(&header, claims(ISSUER).to_string().as_bytes());
        let jwk = [pair.jwk("k1")];
        assert!(believe_with(&good, &jwk, |_| ()).is_ok(), "{alg}");
        let mut other = claims(ISSUER);
        other["sub"] = json!("somebody-else");
        let other = pair.sign(&header, other.to_string().as_bytes());
        let (signed, _) = other.rsplit_once('.').unwrap();
        let (_, signature) = good.rsplit_once('.').unwrap();
        let forged = format!("{signed}.{signature}");
        assert_eq!(check_of(&believe_with(&forged, &jwk, |_| ()).unwrap_err()), "oidc_signature", "{alg}");
    }
}

#[test]
fn a_token_longer_than_64_kib_is_refused_before_decoding() {
    let long = "a".repeat(64 * 1024 + 1);
    assert_eq!(check_of(&parse(&long).unwrap_err()), "oidc_id_token_size");
}

#[test]
fn text_that_is_no_signed_token_is_refused() {
    for text in ["", "a", "a.b", "..", "a.b.c.d", "!.b.c", "e30.e30.", "W10.e30.AA"] {
        let check = check_of(&believe(text).unwrap_err());
        assert!(["oidc_id_token_form", "oidc_alg"].contains(&check), "{text}: {check}");
    }
}

#[test]
fn an_encrypted_token_is_refused_by_name() {
    let error = parse("a.b.c.d.e").unwrap_err();
    assert!(error.to_string().contains("encrypted"), "{error}");
}

#[test]
fn an_unsigned_token_is_refused() {
    for alg in ["none", "None", "NONE", ""] {
        let head = URL_SAFE_NO_PAD.encode(json!({ "alg": alg }).to_string());
        let body = URL_SAFE_NO_PAD.encode(claims(ISSUER).to_string());
        assert_eq!(check_of(&believe(&format!("{head}.{body}.")).unwrap_err()), "oidc_alg");
    }
}

#[test]
fn hmac_with_the_public_key_is_refused() {
    let jwk = rsa().jwk("k1");
    let head = URL_SAFE_NO_PAD.encode(json!({ "alg": "HS256", "kid": "k1" }).to_string());
    let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims(ISSUER).to_string()));
    let secret = jwk["n"].as_str().unwrap();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()));
    assert_eq!(check_of(&believe(&token).unwrap_err()), "oidc_alg");
}

#[test]
fn an_algorithm_the_provider_did_not_announce_is_refused() {
    let result = believe_with(&token(|_| ()), &[rsa().jwk("k1")], |expected| {
        expected.algs = &[Alg::Es512];
    });
    assert_eq!(check_of(&result.unwrap_err()), "oidc_alg");
}

#[test]
fn a_key_for_another_algorithm_does_not_verify() {
    let mut jwk = rsa().jwk("k1");
    jwk["alg"] = json!("PS256");
    assert_eq!(check_of(&believe_with(&token(|_| ()), &[jwk], |_| ()).unwrap_err()), "oidc_signature");
}

#[test]
fn a_key_of_the_header_is_never_used() {
    let own = Pair::ec("P-256");
    let header = json!({ "alg": "ES256", "kid": "k1", "jwk": own.jwk("k1"), "jku": "https://evil.example/jwks",
                         "x5u": "https://evil.example/x5u", "x5c": ["AAAA"] });
    let forged = own.sign(&header, claims(ISSUER).to_string().as_bytes());
    let real = Pair::ec("P-256");
    let result = believe_with(&forged, &[real.jwk("k1"), rsa().jwk("k2")], |_| ());
    assert_eq!(check_of(&result.unwrap_err()), "oidc_signature");
}

#[test]
fn critical_extensions_are_refused() {
    assert_eq!(
        refused_header(&json!({ "alg": "RS256", "kid": "k1", "crit": ["b64"], "b64": false })),
        "oidc_crit"
    );
}

#[test]
fn a_token_of_another_type_is_refused() {
    for typ in ["at+jwt", "logout+jwt", "application/at+jwt"] {
        assert_eq!(refused_header(&json!({ "alg": "RS256", "kid": "k1", "typ": typ })), "oidc_typ");
    }
}

#[test]
fn a_token_without_a_key_id_needs_a_set_with_one_fitting_key() {
    let token = rsa().sign(&json!({ "alg": "RS256" }), claims(ISSUER).to_string().as_bytes());
    let (one, ec) = (rsa().jwk("k1"), Pair::ec("P-256").jwk("k2"));
    assert!(believe_with(&token, &[one.clone(), ec], |_| ()).is_ok());
    let mut other = one.clone();
    other["n"] = json!(URL_SAFE_NO_PAD.encode([0xff; 256]));
    assert_eq!(check_of(&believe_with(&token, &[one, other], |_| ()).unwrap_err()), "oidc_signature");
}

#[test]
fn two_different_keys_of_one_name_are_refused() {
    let one = rsa().jwk("k1");
    let mut other = one.clone();
    other["n"] = json!(URL_SAFE_NO_PAD.encode([0xff; 256]));
    assert!(believe_with(&token(|_| ()), &[one.clone(), one.clone()], |_| ()).is_ok());
    assert_eq!(check_of(&believe_with(&token(|_| ()), &[one, other], |_| ()).unwrap_err()), "oidc_signature");
}

#[test]
fn keys_for_other_uses_do_not_verify() {
    for (name, value) in [
        ("use", json!("enc")),
        ("use", json!(7)),
        ("key_ops", json!(["encrypt"])),
        ("key_ops", json!("verify")),
        ("alg", json!("RSA-OAEP")),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("kty", json!("EC")),
        ("d", json!("AQAB")),
        ("crv", json!("P-256")),
        ("e", json!("AQ")),
        ("e", json!("AA")),
        ("kid", json!("K1")),
    ] {
        let mut jwk = rsa().jwk("k1");
        jwk[name] = value.clone();
        let result = believe_with(&token(|_| ()), &[jwk], |_| ());
        assert_eq!(check_of(&result.unwrap_err()), "oidc_signature", "{name} {value}");
    }
    for (name, value) in [("use", json!("sig")), ("key_ops", json!(["verify"])), ("alg", json!("RS256"))] {
        let mut jwk = rsa().jwk("k1");
        jwk[name] = value;
        assert!(believe_with(&token(|_| ()), &[jwk], |_| ()).is_ok(), "{name}");
    }
}

#[test]
fn rsa_keys_out_of_bounds_are_left_out_of_the_set() {
    let fits = |modulus: &[u8]| {
        let mut jwk = rsa().jwk("k1");
        jwk["n"] = json!(URL_SAFE_NO_PAD.encode(modulus));
        KeySet::read(&keys(&[jwk])).unwrap().select(Alg::DEFAULT, Some("k1")).is_ok()
    };
    assert!(fits(&[0xff; 256]) && fits(&[0xff; 1024]));
    assert!(fits(&[&[0][..], &[0xff; 256][..]].concat()), "a leading zero adds no bits");
    assert!(!fits(&[0xff; 128]) && !fits(&[0xff; 255]) && !fits(&[0xff; 1025]) && !fits(&[]));
    assert!(!fits(&[&[0x7f][..], &[0xff; 255][..]].concat()), "2,047 bits");
    assert!(!fits(&[&[0xff; 255][..], &[0xfe][..]].concat()), "even");
}

#[test]
fn another_issuer_is_refused() {
    for issuer in ["https://idp.example.com/", "https://IDP.example.com", "https://evil.example", ""] {
        assert_eq!(refused(|c| c["iss"] = json!(issuer)), "oidc_issuer");
    }
    assert_eq!(refused(|c| c["iss"] = json!([ISSUER])), "oidc_issuer");
}

#[test]
fn another_audience_is_refused() {
    assert_eq!(refused(|c| c["aud"] = json!("other")), "oidc_audience");
    assert_eq!(refused(|c| c["aud"] = json!(["other"])), "oidc_audience");
    assert_eq!(refused(|c| c["aud"] = json!([])), "oidc_audience");
    assert_eq!(refused(|c| c["aud"] = json!([CLIENT, 7])), "oidc_audience");
    assert_eq!(refused(|c| c["aud"] = Value::Null), "oidc_audience");
}

#[test]
fn several_audiences_need_us_as_authorized_party() {
    assert_eq!(refused(|c| c["aud"] = json!([CLIENT, "other"])), "oidc_azp");
    assert!(
        believe(&token(|c| {
            c["aud"] = json!([CLIENT, "other"]);
            c["azp"] = json!(CLIENT);
        }))
        .is_ok()
    );
    assert!(believe(&token(|c| c["aud"] = json!([CLIENT]))).is_ok());
}

#[test]
fn a_foreign_authorized_party_is_refused() {
    assert_eq!(refused(|c| c["azp"] = json!("other")), "oidc_azp");
    assert_eq!(refused(|c| c["azp"] = json!([CLIENT])), "oidc_azp");
}

#[test]
fn an_expired_token_is_refused_and_the_skew_is_forgiven() {
    let at = |by: i64| move |c: &mut Value| c["exp"] = json!(NOW.unix_timestamp() + by);
    assert_eq!(refused(at(-60)), "oidc_expired");
    assert!(believe(&token(at(-59))).is_ok());
    assert_eq!(
        refused(|c| {
            c.as_object_mut().unwrap().remove("exp");
        }),
        "oidc_expired"
    );
    // The last second of 9999 is a time, but no skew can be added to it.
    for odd in [json!("1"), json!(-1), json!(1e300), json!(253_402_300_799_i64), Value::Null] {
        assert_eq!(refused(|c| c["exp"] = odd), "oidc_expired");
    }
    assert!(believe(&token(|c| c["exp"] = json!(NOW.unix_timestamp() as f64 + 10.5))).is_ok());
}

#[test]
fn a_token_from_the_future_or_long_ago_is_refused() {
    let at = |by: i64| move |c: &mut Value| c["iat"] = json!(NOW.unix_timestamp() + by);
    assert_eq!(refused(at(61)), "oidc_issued_at");
    assert!(believe(&token(at(60))).is_ok());
    assert_eq!(refused(at(-3661)), "oidc_issued_at");
    assert!(believe(&token(at(-3660))).is_ok());
    assert_eq!(
        refused(|c| {
            c.as_object_mut().unwrap().remove("iat");
        }),
        "oidc_issued_at"
    );
}

#[test]
fn a_token_that_is_not_valid_yet_is_refused() {
    assert_eq!(refused(|c| c["nbf"] = json!(NOW.unix_timestamp() + 61)), "oidc_not_before");
    assert!(believe(&token(|c| c["nbf"] = json!(NOW.unix_timestamp() + 60))).is_ok());
}

#[test]
fn a_token_without_our_nonce_is_refused() {
    assert_eq!(refused(|c| c["nonce"] = json!("another")), "oidc_nonce");
    assert_eq!(
        refused(|c| {
            c.as_object_mut().unwrap().remove("nonce");
        }),
        "oidc_nonce"
    );
    let empty: &secrecy::SecretString = Box::leak(Box::new("".into()));
    let result = believe_with(&token(|c| c["nonce"] = json!("")), &[rsa().jwk("k1")], |e| e.nonce = empty);
    assert_eq!(check_of(&result.unwrap_err()), "oidc_nonce");
}

#[test]
fn an_access_token_that_does_not_belong_to_the_id_token_is_refused() {
    let hash = digest_half(b"at-1");
    assert!(believe(&token(|c| c["at_hash"] = json!(hash))).is_ok());
    assert_eq!(refused(|c| c["at_hash"] = json!(digest_half(b"at-2"))), "oidc_at_hash");
    assert_eq!(refused(|c| c["at_hash"] = json!("")), "oidc_at_hash");
    assert_eq!(refused(|c| c["at_hash"] = Value::Null), "oidc_at_hash");
}

fn digest_half(token: &[u8]) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token);
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

#[test]
fn a_subject_out_of_bounds_is_refused() {
    for odd in [json!(""), json!(7), Value::Null, json!("a".repeat(256)), json!("a\nb")] {
        assert_eq!(refused(|c| c["sub"] = odd), "oidc_subject");
    }
    assert!(believe(&token(|c| c["sub"] = json!("a".repeat(255)))).is_ok());
}

#[test]
fn max_age_needs_a_recent_authentication() {
    let ask = |at: Option<i64>| {
        let token = token(|c| {
            if let Some(at) = at {
                c["auth_time"] = json!(NOW.unix_timestamp() + at);
            }
        });
        believe_with(&token, &[rsa().jwk("k1")], |e| e.max_age = Some(100))
    };
    assert_eq!(check_of(&ask(None).unwrap_err()), "oidc_auth_time");
    assert_eq!(check_of(&ask(Some(-161)).unwrap_err()), "oidc_auth_time");
    assert_eq!(check_of(&ask(Some(61)).unwrap_err()), "oidc_auth_time");
    assert_eq!(ask(Some(-160)).unwrap().authenticated_at, Some(NOW - Duration::seconds(160)));
    assert!(believe(&token(|_| ())).unwrap().authenticated_at.is_none());
}

#[test]
fn a_sign_in_from_before_the_attempt_does_not_answer_prompt_login() {
    let ask = |at: Option<i64>| {
        let token = token(|c| {
            if let Some(at) = at {
                c["auth_time"] = json!(NOW.unix_timestamp() + at);
            }
        });
        believe_with(&token, &[rsa().jwk("k1")], |e| e.again_since = Some(NOW - Duration::seconds(30)))
    };
    assert_eq!(check_of(&ask(Some(-91)).unwrap_err()), "oidc_auth_time");
    assert!(ask(Some(-90)).is_ok() && ask(Some(0)).is_ok(), "the skew is forgiven");
    assert!(ask(None).is_ok(), "prompt obliges nobody to send auth_time");
    assert!(believe(&token(|c| c["auth_time"] = json!(NOW.unix_timestamp() - 90_000))).is_ok());
}

#[test]
fn base64url_has_one_spelling() {
    let good = token(|_| ());
    let parts: Vec<&str> = good.split('.').collect();
    for part in 0..3 {
        for odd in ["=", " ", "\n", "+", "/", "*", "\u{e9}"] {
            for at in [0, parts[part].len() / 2, parts[part].len()] {
                let mut changed = parts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
                changed[part].insert_str(at, odd);
                assert!(believe(&changed.join(".")).is_err(), "{odd:?} at {at} of part {part}");
            }
        }
    }
    // The last character of a signature of 256 bytes holds four bits that mean nothing and must be zero.
    let (rest, last) = good.split_at(good.len() - 1);
    assert!("AQgw".contains(last));
    let other = char::from(last.as_bytes()[0] + 1);
    assert_eq!(check_of(&believe(&format!("{rest}{other}")).unwrap_err()), "oidc_signature");
}

#[test]
fn a_payload_with_odd_base64_is_refused_though_it_is_signed() {
    let pair = Pair::ec("P-256");
    for odd in ["e30=", "e31", "e30 ", "*", ""] {
        let signed = format!("{}.{odd}", URL_SAFE_NO_PAD.encode(json!({ "alg": "ES256" }).to_string()));
        let Pair::Ec(key, _) = &pair else { panic!("another key") };
        let signature = key.sign(&aws_lc_rs::rand::SystemRandom::new(), signed.as_bytes()).unwrap();
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()));
        let error = believe_with(&token, &[pair.jwk("k1")], |_| ()).unwrap_err();
        assert_eq!(check_of(&error), "oidc_id_token_form", "{odd:?}");
    }
}

#[test]
fn a_key_without_a_name_is_not_the_one_a_token_names() {
    let mut jwk = rsa().jwk("k1");
    jwk.as_object_mut().unwrap().remove("kid");
    let named = token(|_| ());
    assert_eq!(check_of(&believe_with(&named, &[jwk.clone()], |_| ()).unwrap_err()), "oidc_signature");
    let nameless = rsa().sign(&json!({ "alg": "RS256" }), claims(ISSUER).to_string().as_bytes());
    assert!(believe_with(&nameless, &[jwk], |_| ()).is_ok());
}

#[test]
fn a_key_for_one_name_of_an_algorithm_is_not_for_the_other() {
    let ed = Pair::Ed(Ed25519KeyPair::generate().unwrap());
    let mut jwk = ed.jwk("k1");
    jwk["alg"] = json!("Ed25519");
    let signed =
        |alg: &str| ed.sign(&json!({ "alg": alg, "kid": "k1" }), claims(ISSUER).to_string().as_bytes());
    assert!(believe_with(&signed("Ed25519"), &[jwk.clone()], |_| ()).is_ok());
    assert_eq!(check_of(&believe_with(&signed("EdDSA"), &[jwk], |_| ()).unwrap_err()), "oidc_signature");
}

#[test]
fn a_claim_that_comes_twice_is_refused() {
    let text = claims(ISSUER).to_string();
    let twice = text.replacen('{', "{\"sub\":\"somebody-else\",", 1);
    let token = rsa().sign(&header(), twice.as_bytes());
    assert_eq!(check_of(&believe(&token).unwrap_err()), "oidc_id_token_form");
}

#[test]
fn a_refusal_never_quotes_the_token() {
    let token = token(|c| {
        c["aud"] = json!("other");
        c["secret"] = json!("tell-nobody");
    });
    let text = format!("{:?}", believe(&token).unwrap_err());
    assert!(!text.contains("tell-nobody") && !text.contains(&token[..40]), "{text}");
}
