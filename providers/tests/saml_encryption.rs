//! Encrypted assertions: what is opened, what is refused before any key is used, and what no answer tells.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "test code")]

mod saml_idp;

use std::path::Path;
use std::sync::Arc;

use poolgate_providers::saml::encryption::{KeyDecryption as _, Oaep, RsaDecryption};
use poolgate_providers::saml::engine::Signed;
use poolgate_providers::saml::gate::{Gated, Policy};
use poolgate_providers::saml::keys::VerifyKey;
use poolgate_providers::saml::{Refusal, SignedXml};

use saml_idp::encrypted::{
    ALGORITHMS, around, assertion, counted, finish, finish_by, inner_signed, plain,
    refused_before_any_key_is_used, signed_around, with_keys,
};
use saml_idp::sealing::{SHA1, SHA256, Sealing, XMLENC, XMLENC11, mgf, other_pool_key, pad, pool_key};
use saml_idp::{Answer, REQUEST, RSA_SHA256, evil_key, good_key, provider, refused, sign, template};
use time::OffsetDateTime;
#[test]
fn every_content_algorithm_is_opened_inside_a_signed_response() {
    for algorithm in ALGORITHMS {
        let identity = finish(&signed_around(&Sealing::with(algorithm).seal(plain()))).unwrap();
        assert_eq!(identity.subject, "user@example.com", "{algorithm}");
        assert_eq!(identity.attributes["groups"], ["a", "b", "c & d"]);
    }
}

#[test]
fn every_accepted_form_of_rsa_oaep_is_opened() {
    let (mgf1p, oaep) = (format!("{XMLENC}rsa-oaep-mgf1p"), format!("{XMLENC11}rsa-oaep"));
    for (transport, parameters, sha256) in [
        (&mgf1p, String::new(), false),
        (&mgf1p, SHA1.to_owned(), false),
        (&oaep, String::new(), false),
        (&oaep, format!("{SHA1}{}", mgf("mgf1sha1")), false),
        (&oaep, format!("{SHA256}{}", mgf("mgf1sha256")), true),
    ] {
        let sealing = Sealing { transport: transport.clone(), parameters, sha256, ..Sealing::default() };
        finish(&signed_around(&sealing.seal(plain()))).unwrap();
    }
}

#[test]
fn what_xmlsec1_and_openssl_encrypted_is_opened() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/xmlsec1"));
    let key = RsaDecryption::from_pkcs8(&std::fs::read(folder.join("key.pkcs8")).unwrap()).unwrap();
    let provider = provider(&[]).with_decryption(vec![Arc::new(key)]);
    for name in ["aes128-cbc", "aes256-cbc", "aes128-gcm", "aes256-gcm", "oaep-sha256"] {
        let part = std::fs::read_to_string(folder.join(format!("{name}.xml"))).unwrap();
        let identity = finish_by(&provider, &signed_around(&part)).unwrap();
        assert_eq!(identity.subject, "made.elsewhere@example.com", "{name}");
    }
}

#[test]
fn an_assertion_signed_inside_needs_no_signed_response_when_gcm_protects_it() {
    assert_eq!(
        finish(&around(&Sealing::default().seal(inner_signed()), None)).unwrap().subject,
        "user@example.com"
    );
}

#[test]
fn an_encrypted_assertion_that_nobody_signed_is_refused() {
    refused(finish(&around(&Sealing::default().seal(plain()), None)), "saml_unsigned");
}

#[test]
fn where_both_response_and_assertion_are_signed_both_signatures_must_be_good() {
    let sealing = Sealing::default();
    finish(&signed_around(&sealing.seal(inner_signed()))).unwrap();
    let forged = assertion(&Answer::default(), Some(evil_key()));
    refused(finish(&signed_around(&sealing.seal(&forged))), "saml_unknown_key");
    refused(finish(&signed_around(&sealing.seal(inner_signed().replace("user@", "root@")))), "saml_digest");
    refused(finish(&around(&sealing.seal(inner_signed()), Some(evil_key()))), "saml_unknown_key");
    let exchanged = signed_around(&sealing.seal(inner_signed())).replace(REQUEST, "_another");
    refused(finish(&exchanged), "saml_digest");
}

/// An engine that says that other bytes were signed than came.
struct Says(String);

impl SignedXml for Says {
    fn verify(
        &self,
        _: &Gated<'_>,
        _: &[VerifyKey],
        _: Policy,
        _: OffsetDateTime,
    ) -> Result<Signed, Refusal> {
        Ok(Signed { root: Some(self.0.clone()), assertion: None })
    }
}

#[test]
fn what_is_opened_is_the_ciphertext_in_the_signed_bytes_and_no_other() {
    let sealing = Sealing::default();
    let answer =
        Answer { subject: "<saml:NameID>signed@example.com</saml:NameID>".to_owned(), ..Answer::default() };
    let signed = around(&sealing.seal(assertion(&answer, None)), None);
    let provider = with_keys(&[], &[pool_key()]).with_engine(Arc::new(Says(signed)));
    let came = signed_around(&sealing.seal(plain()));
    assert_eq!(finish_by(&provider, &came).unwrap().subject, "signed@example.com");
}

#[test]
fn identity_comes_from_what_the_engine_says_of_the_assertion_signed_inside() {
    let answer =
        Answer { subject: "<saml:NameID>signed@example.com</saml:NameID>".to_owned(), ..Answer::default() };
    let provider = with_keys(&[], &[pool_key()]).with_engine(Arc::new(Says(assertion(&answer, None))));
    let came = around(&Sealing::default().seal(inner_signed()), None);
    assert_eq!(finish_by(&provider, &came).unwrap().subject, "signed@example.com");
}

#[test]
fn cbc_that_nothing_signs_is_refused_before_any_key_is_used() {
    for algorithm in ["aes128-cbc", "aes256-cbc"] {
        let xml = around(&Sealing::with(algorithm).seal(inner_signed()), None);
        let (outcome, used) = counted(&[], &xml);
        assert_eq!(used, 0);
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), "saml_encryption_cbc");
        assert!(error.to_string().contains("insecure_allow_aes_cbc"), "{error}");
        let (outcome, used) = counted(&[("insecure_allow_aes_cbc", "true")], &xml);
        assert_eq!((outcome.unwrap().subject.as_str(), used), ("user@example.com", 1));
    }
}

#[test]
fn a_response_that_was_changed_is_refused_before_any_key_is_used() {
    let xml = signed_around(&Sealing::with("aes256-cbc").seal(plain())).replace(REQUEST, "_another");
    let (outcome, used) = counted(&[], &xml);
    assert_eq!((outcome.unwrap_err().code(), used), ("saml_digest", 0));
}

#[test]
fn broken_algorithms_are_refused_by_name_before_any_key_is_used() {
    let sealing = |change: fn(&mut Sealing)| {
        let mut sealing = Sealing::default();
        change(&mut sealing);
        signed_around(&sealing.seal(plain()))
    };
    let check = "saml_encryption_algorithm";
    let v15 = sealing(|sealing| sealing.transport = format!("{XMLENC}rsa-1_5"));
    refused_before_any_key_is_used(&v15, check, "v1.5");
    let triple = sealing(|sealing| sealing.content = format!("{XMLENC}tripledes-cbc"));
    refused_before_any_key_is_used(&triple, check, "3DES");
    for other in ["aes192-cbc", "aes256-gcm", ""] {
        let xml = signed_around(&Sealing::default().seal(plain()))
            .replace(&format!("{XMLENC11}aes256-gcm"), &format!("{XMLENC}{other}"));
        let xml = sign_again(&xml);
        refused_before_any_key_is_used(&xml, check, "is not accepted");
    }
    let wrapped = sealing(|sealing| sealing.transport = format!("{XMLENC}kw-aes128"));
    refused_before_any_key_is_used(&wrapped, check, "kw-aes128");
}

/// A Response whose text was changed, signed anew by the provider.
fn sign_again(xml: &str) -> String {
    let from = xml.find("<ds:Signature ").unwrap();
    let to = xml.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let template = template("_response1", RSA_SHA256, "");
    sign(&[&xml[..from], &template, &xml[to..]].concat(), &good_key().pem)
}

#[test]
fn rsa_oaep_with_two_hashes_or_a_label_is_refused_by_name() {
    let (mgf1p, oaep) = (format!("{XMLENC}rsa-oaep-mgf1p"), format!("{XMLENC11}rsa-oaep"));
    let label = format!(r#"<o:OAEPparams xmlns:o="{XMLENC}">bGFiZWw=</o:OAEPparams>"#);
    let sha512 = SHA256.replace("sha256", "sha512");
    for (transport, parameters, check, says) in [
        (&mgf1p, SHA256.to_owned(), "saml_encryption_algorithm", "one hash for its digest"),
        (&oaep, SHA256.to_owned(), "saml_encryption_algorithm", "one hash for its digest"),
        (
            &oaep,
            format!("{SHA1}{}", mgf("mgf1sha256")),
            "saml_encryption_algorithm",
            "one hash for its digest",
        ),
        (&oaep, format!("{sha512}{}", mgf("mgf1sha512")), "saml_encryption_algorithm", "sha512"),
        (&oaep, format!("{SHA256}{}", mgf("mgf1sha512")), "saml_encryption_algorithm", "mgf1sha512"),
        (&mgf1p, label, "saml_encryption_algorithm", "OAEPparams"),
        (&mgf1p, mgf("mgf1sha1"), "saml_encryption_form", "takes no MGF"),
    ] {
        let sealing = Sealing { transport: transport.clone(), parameters, ..Sealing::default() };
        refused_before_any_key_is_used(&signed_around(&sealing.seal(plain())), check, says);
    }
}

#[test]
fn whatever_fails_behind_a_key_looks_the_same() {
    let gcm = Sealing::default();
    let cbc = Sealing::with("aes256-cbc");
    let foreign = r#"<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">x</saml:NameID>"#;
    let unbound = plain().replacen(r#" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion""#, "", 1);
    assert!(!unbound.contains("xmlns"));
    let parts = [
        ("another key", Sealing { key: other_pool_key(), ..gcm.clone() }.seal(plain())),
        ("another key, CBC", Sealing { key: other_pool_key(), ..cbc.clone() }.seal(plain())),
        ("a changed key", Sealing { spoil_key: |octets| octets[100] ^= 1, ..gcm.clone() }.seal(plain())),
        ("a cut key", Sealing { spoil_key: |octets| octets.truncate(100), ..gcm.clone() }.seal(plain())),
        ("no key", Sealing { spoil_key: Vec::clear, ..gcm.clone() }.seal(plain())),
        ("a content key of another length", {
            let short = Sealing { content_key: vec![0x5a; 16], ..gcm.clone() };
            gcm.data(plain().as_bytes(), &short.encrypted_key())
        }),
        (
            "a changed tag",
            Sealing { spoil: |octets| *octets.last_mut().unwrap() ^= 1, ..gcm.clone() }.seal(plain()),
        ),
        ("changed content", Sealing { spoil: |octets| octets[40] ^= 1, ..gcm.clone() }.seal(plain())),
        ("changed content, CBC", Sealing { spoil: |octets| octets[40] ^= 0x80, ..cbc.clone() }.seal(plain())),
        (
            "padding of 0",
            Sealing {
                padding: |text| {
                    pad(text);
                    *text.last_mut().unwrap() = 0;
                },
                ..cbc.clone()
            }
            .seal(plain()),
        ),
        (
            "padding of 17",
            Sealing {
                padding: |text| {
                    pad(text);
                    *text.last_mut().unwrap() = 17;
                },
                ..cbc.clone()
            }
            .seal(plain()),
        ),
        (
            "padding of 17 behind which all is well",
            Sealing {
                padding: |text| {
                    pad(text);
                    *text.last_mut().unwrap() = 17;
                },
                ..cbc.clone()
            }
            .seal(format!("{}{}", plain(), " ".repeat(40))),
        ),
        ("no XML", gcm.seal("user@example.com")),
        ("nothing but padding", cbc.seal("")),
        ("no UTF-8", gcm.seal([0xff, 0xfe, 0xfd])),
        ("a comment", gcm.seal(plain().replace("user@", "user<!-- -->@"))),
        ("two assertions", gcm.seal(plain().repeat(2))),
        ("another element", gcm.seal(foreign)),
        ("a prefix bound outside", gcm.seal(unbound)),
    ];
    let mut answers = Vec::new();
    for (what, part) in &parts {
        let error = finish(&signed_around(part)).unwrap_err();
        assert_eq!(error.code(), "saml_decryption", "{what}: {error}");
        answers.push(error.to_string());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "one text for all");
}

#[test]
fn of_cbc_that_nothing_signs_no_answer_tells_anything_until_the_signature_inside_is_good() {
    let cbc = Sealing::with("aes128-cbc");
    let forged = assertion(&Answer::default(), Some(evil_key()));
    let nested = inner_signed()
        .replace("<saml:Conditions", "<saml:Advice><saml:Assertion/></saml:Advice><saml:Conditions");
    let parts = [
        ("another key", Sealing { key: other_pool_key(), ..cbc.clone() }.seal(inner_signed())),
        (
            "a changed block",
            Sealing { spoil: |octets| octets[40] ^= 0x80, ..cbc.clone() }.seal(inner_signed()),
        ),
        ("no signature", cbc.seal(plain())),
        ("another's signature", cbc.seal(&forged)),
        ("another text than signed", cbc.seal(inner_signed().replace("user@", "root@"))),
        ("another form", cbc.seal(&nested)),
        (
            "SHA-1",
            cbc.seal(inner_signed().replace("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1")),
        ),
    ];
    let provider = with_keys(&[("insecure_allow_aes_cbc", "true")], &[pool_key()]);
    let mut answers: Vec<_> = parts
        .iter()
        .map(|(what, part)| {
            let error = finish_by(&provider, &around(part, None)).unwrap_err();
            assert_eq!(error.code(), "saml_decryption", "{what}: {error}");
            error.to_string()
        })
        .collect();
    answers.dedup();
    assert_eq!(answers.len(), 1, "one text for all");
    let late =
        Answer { conditions: Answer::default().conditions.replace("11:55", "12:04"), ..Answer::default() };
    let late = cbc.seal(assertion(&late, Some(good_key())));
    refused(finish_by(&provider, &around(&late, None)), "saml_not_before");
}

#[test]
fn a_key_that_does_not_fit_gives_nonsense_and_never_an_error() {
    let key = RsaDecryption::from_pkcs8(&pool_key().pkcs8).unwrap();
    let unwrap = |wrapped: &[u8], length| key.unwrap_key(Oaep::Sha256, wrapped, length).to_vec();
    for length in [16, 32] {
        let (one, other) = (unwrap(&[1; 256], length), unwrap(&[2; 256], length));
        assert_eq!((one.len(), other.len()), (length, length));
        assert_ne!(one, other);
        assert_eq!(one, unwrap(&[1; 256], length), "the same each time, as a key that fits gives it");
        assert_eq!(unwrap(b"", length).len(), length);
    }
    let sealing = Sealing { sha256: true, ..Sealing::default() };
    assert_eq!(unwrap(&sealing.wrapped(), 32), sealing.content_key);
    let short = unwrap(&sealing.wrapped(), 16);
    assert_eq!(short.len(), 16, "a key of another length is none");
    assert_ne!(short, sealing.content_key[..16]);
    let another = RsaDecryption::from_pkcs8(&other_pool_key().pkcs8).unwrap();
    assert_ne!(
        *another.unwrap_key(Oaep::Sha256, &[1; 256], 32),
        unwrap(&[1; 256], 32),
        "nobody else knows it"
    );
    assert!(RsaDecryption::from_pkcs8(b"nothing").is_err());
}
