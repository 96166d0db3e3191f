//! Encrypted assertions: what is opened, what is refused before any key is used, and what no answer tells.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "test code")]

mod saml_idp;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use poolgate_providers::saml::encryption::{KeyDecryption, Oaep, RsaDecryption};
use poolgate_providers::saml::engine::Signed;
use poolgate_providers::saml::gate::{Gated, Policy};
use poolgate_providers::saml::keys::VerifyKey;
use poolgate_providers::saml::{Refusal, SamlProvider, SignedXml};
use poolgate_providers::{ExternalIdentity, ProviderError};
use saml_idp::sealing::{
    PoolKey, SHA1, SHA256, Sealing, XMLENC, XMLENC11, mgf, other_pool_key, pad, pool_key,
};
use saml_idp::{
    Answer, Key, Memory, NOW, REQUEST, RSA_SHA256, evil_key, facts, finish_with, good_key, provider, refused,
    sign, surroundings, template,
};
use time::OffsetDateTime;
use zeroize::Zeroizing;

const ALGORITHMS: [&str; 4] = ["aes128-gcm", "aes256-gcm", "aes128-cbc", "aes256-cbc"];

/// An assertion by itself, signed or not.
fn assertion(answer: &Answer, signer: Option<&Key>) -> String {
    match signer {
        Some(key) => sign(&answer.assertion(&template(&answer.assertion_id, RSA_SHA256, "")), &key.pem),
        None => answer.assertion(""),
    }
}

fn plain() -> String {
    assertion(&Answer::default(), None)
}

fn inner_signed() -> String {
    assertion(&Answer::default(), Some(good_key()))
}

/// A Response around these encrypted parts.
fn around(parts: &str, signer: Option<&Key>) -> String {
    let answer = Answer::default();
    let wrapped = format!("<saml:EncryptedAssertion>{parts}</saml:EncryptedAssertion>");
    match signer {
        Some(key) => sign(&answer.around(&template("_response1", RSA_SHA256, ""), &wrapped), &key.pem),
        None => answer.around("", &wrapped),
    }
}

fn signed_around(parts: &str) -> String {
    around(parts, Some(good_key()))
}

fn with_keys(pairs: &[(&str, &str)], keys: &[&PoolKey]) -> SamlProvider {
    provider(pairs).with_decryption(keys.iter().map(|key| key.decryption()).collect())
}

fn finish_by(provider: &SamlProvider, xml: &str) -> Result<ExternalIdentity, ProviderError> {
    finish_with(provider, &surroundings(NOW, Arc::<Memory>::default()), &facts(), xml)
}

fn finish(xml: &str) -> Result<ExternalIdentity, ProviderError> {
    finish_by(&with_keys(&[], &[pool_key()]), xml)
}

/// Counts how often a key is used.
struct Counting(AtomicUsize, Arc<dyn KeyDecryption>);

impl KeyDecryption for Counting {
    fn unwrap_key(&self, padding: Oaep, wrapped: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        self.1.unwrap_key(padding, wrapped, length)
    }
}

/// The outcome, and how often a key was used for it.
fn counted(pairs: &[(&str, &str)], xml: &str) -> (Result<ExternalIdentity, ProviderError>, usize) {
    let key = Arc::new(Counting(AtomicUsize::new(0), pool_key().decryption()));
    let outcome = finish_by(&provider(pairs).with_decryption(vec![key.clone()]), xml);
    (outcome, key.0.load(Ordering::SeqCst))
}

#[track_caller]
fn refused_before_any_key_is_used(xml: &str, check: &str, says: &str) {
    let (outcome, used) = counted(&[("insecure_allow_aes_cbc", "true")], xml);
    let error = outcome.unwrap_err();
    assert_eq!((error.code(), used), (check, 0), "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

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

#[test]
fn the_key_may_stand_beside_the_content_and_a_retrieval_method_may_name_it() {
    let retrieval = |uri: &str, kind: &str, inside: &str| {
        format!(r#"<ds:RetrievalMethod Type="{XMLENC}{kind}" URI="{uri}">{inside}</ds:RetrievalMethod>"#)
    };
    let sealing = Sealing { attributes: r#"Id="_key1""#.to_owned(), ..Sealing::default() };
    let beside = |info: &str| {
        signed_around(&format!("{}{}", sealing.data(plain().as_bytes(), info), sealing.encrypted_key()))
    };
    finish(&beside("")).unwrap();
    finish(&beside(&retrieval("#_key1", "EncryptedKey", ""))).unwrap();
    let other = Sealing {
        attributes: r#"Id="_other""#.to_owned(),
        transport: format!("{XMLENC}rsa-1_5"),
        ..Sealing::default()
    };
    let named = sealing.data(plain().as_bytes(), &retrieval("#_key1", "EncryptedKey", ""));
    let several = format!("{}{named}{}", other.encrypted_key(), sealing.encrypted_key());
    finish(&signed_around(&several)).unwrap();
    for bad in [
        retrieval("#_key2", "EncryptedKey", ""),
        retrieval("#_response1", "EncryptedKey", ""),
        retrieval("#_key1", "EncryptedData", ""),
        retrieval("_key1", "EncryptedKey", ""),
        retrieval("https://idp.example/key", "EncryptedKey", ""),
        retrieval("#_key1", "EncryptedKey", "<ds:Transforms/>"),
    ] {
        refused_before_any_key_is_used(&beside(&bad), "saml_encryption_form", "RetrievalMethod");
    }
}

#[test]
fn of_several_encrypted_keys_those_for_us_are_tried_and_no_more_than_four_are_taken() {
    let ours = Sealing { attributes: format!(r#"Recipient="{}""#, saml_idp::SP), ..Sealing::default() };
    let others = Sealing {
        attributes: r#"Recipient="https://other.example""#.to_owned(),
        transport: format!("{XMLENC}rsa-1_5"),
        key: other_pool_key(),
        ..Sealing::default()
    };
    let anybody = Sealing { key: other_pool_key(), ..Sealing::default() };
    let with = |keys: &[&Sealing]| {
        let keys: String = keys.iter().map(|key| key.encrypted_key()).collect();
        signed_around(&ours.data(plain().as_bytes(), &keys))
    };
    let (outcome, used) = counted(&[], &with(&[&others, &anybody, &ours]));
    outcome.unwrap();
    assert_eq!(used, 2, "another's key is not tried");
    refused_before_any_key_is_used(&with(&[&others]), "saml_encryption_form", saml_idp::SP);
    refused_before_any_key_is_used(&with(&[]), "saml_encryption_form", saml_idp::SP);
    let (outcome, used) = counted(&[], &with(&[&anybody; 4]));
    assert_eq!((outcome.unwrap_err().code(), used), ("saml_decryption", 4));
    refused_before_any_key_is_used(&with(&[&anybody; 5]), "saml_encryption_form", "more than 4");
    let key = Arc::new(Counting(AtomicUsize::new(0), pool_key().decryption()));
    let many: Vec<_> = (0..6).map(|_| Arc::clone(&key) as Arc<dyn KeyDecryption>).collect();
    let provider = provider(&[]).with_decryption(many);
    refused(finish_by(&provider, &with(&[&anybody; 4])), "saml_decryption");
    assert_eq!(key.0.load(Ordering::SeqCst), 16, "four keys of the pool, each on four EncryptedKeys");
}

#[test]
fn during_a_roll_over_the_old_key_still_opens() {
    let both = with_keys(&[], &[pool_key(), other_pool_key()]);
    for key in [pool_key(), other_pool_key()] {
        let xml = signed_around(&Sealing { key, ..Sealing::default() }.seal(plain()));
        finish_by(&both, &xml).unwrap();
        refused(finish_by(&with_keys(&[], &[]), &xml), "saml_encrypted");
    }
}

#[test]
fn with_encrypted_responses_a_plain_assertion_is_refused_and_without_it_both_are_taken() {
    let plain_response = Answer::default().xml();
    let sealed_response = signed_around(&Sealing::default().seal(plain()));
    let strict = with_keys(&[("EncryptedResponses", "true")], &[pool_key()]);
    refused(finish_by(&strict, &plain_response), "saml_not_encrypted");
    finish_by(&strict, &sealed_response).unwrap();
    finish(&plain_response).unwrap();
    finish(&sealed_response).unwrap();
}

#[test]
fn a_plain_assertion_beside_an_encrypted_one_is_refused() {
    let sealed = format!(
        "<saml:EncryptedAssertion>{}</saml:EncryptedAssertion>",
        Sealing::default().seal(inner_signed())
    );
    let injected = plain().replace("_assertion1", "_assertion2");
    for both in [format!("{injected}{sealed}"), format!("{sealed}{injected}"), format!("{sealed}{sealed}")] {
        refused(finish(&Answer::default().around("", &both)), "saml_structure");
    }
}

#[test]
fn what_comes_out_goes_through_the_gate_too() {
    let advice = plain().replace(
        "<saml:Conditions",
        r#"<saml:Advice><saml:Assertion ID="_other"/></saml:Advice><saml:Conditions"#,
    );
    let weak = plain()
        .replace("<saml:Subject>", &format!("{}<saml:Subject>", template("_response1", RSA_SHA256, "")));
    let doubled = plain().replace("<saml:Subject>", r#"<saml:Subject ID="_assertion1">"#);
    for (text, check) in [
        (advice, "saml_structure"),
        (doubled, "saml_structure"),
        (plain().replace("_assertion1", "_response1"), "saml_structure"),
        (weak, "saml_signature_form"),
    ] {
        refused(finish(&signed_around(&Sealing::default().seal(text))), check);
    }
}

#[test]
fn an_encrypted_assertion_signs_in_once() {
    let provider = with_keys(&[], &[pool_key()]);
    let around_it = surroundings(NOW, Arc::<Memory>::default());
    finish_with(&provider, &around_it, &facts(), &signed_around(&Sealing::default().seal(plain()))).unwrap();
    let again = signed_around(&Sealing::with("aes128-gcm").seal(plain()));
    refused(finish_with(&provider, &around_it, &facts(), &again), "saml_replay");
}

#[test]
fn an_encrypted_name_id_is_opened_from_signed_bytes() {
    let name = |value: &str| {
        format!(
            r#"<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Format="f">{value}</saml:NameID>"#
        )
    };
    let with = |subject: &str| Answer { subject: subject.to_owned(), ..Answer::default() }.xml();
    let id = |parts: &str| format!("<saml:EncryptedID>{parts}</saml:EncryptedID>");
    for algorithm in ALGORITHMS {
        let identity = finish(&with(&id(&Sealing::with(algorithm).seal(name("hidden"))))).unwrap();
        assert_eq!(
            (identity.subject.as_str(), identity.session.name_id_format.as_deref()),
            ("hidden", Some("f"))
        );
    }
    let sealing = Sealing { attributes: r#"Id="_key1""#.to_owned(), ..Sealing::default() };
    let retrieval = format!(r##"<ds:RetrievalMethod Type="{XMLENC}EncryptedKey" URI="#_key1"/>"##);
    let beside =
        format!("{}{}", sealing.data(name("hidden").as_bytes(), &retrieval), sealing.encrypted_key());
    assert_eq!(finish(&with(&id(&beside))).unwrap().subject, "hidden");
    let sealed = id(&sealing.seal(name("hidden")));
    refused(finish(&with(&format!("{sealed}{}", name("other")))), "saml_name_id");
    refused(finish(&with(&format!("{sealed}{}", sealed.replace("_key1", "_key2")))), "saml_xml");
    refused(finish(&with(&id(&sealing.seal(plain())))), "saml_decryption");
    refused(finish(&with(&id(&sealing.seal(name(""))))), "saml_name_id");
    refused(finish_by(&provider(&[]), &with(&sealed)), "saml_encrypted");
    let both = Answer { subject: sealed, ..Answer::default() };
    let inside = Sealing::default().seal(assertion(&both, Some(good_key())));
    assert_eq!(finish(&around(&inside, None)).unwrap().subject, "hidden");
}

#[test]
fn encrypted_parts_of_another_form_are_refused_by_name() {
    let good = Sealing::default().seal(plain());
    let value = |text: &str, with: &str| {
        let from = text.find("<xenc:CipherValue>").unwrap() + 18;
        let to = text.find("</xenc:CipherValue>").unwrap();
        [&text[..from], with, &text[to..]].concat()
    };
    let at_most = "A".repeat(2804);
    for (parts, says) in [
        (good.replace("#Element", "#Content"), "Type"),
        (good.replace("xenc:EncryptionMethod", "xenc:EncryptionProperties"), "EncryptionProperties"),
        (good.replace("xenc:CipherValue", "xenc:CipherReference"), "CipherReference"),
        (good.replace("<ds:KeyInfo", "<xenc:AgreementMethod/><ds:KeyInfo"), "AgreementMethod"),
        (good.replace("<xenc:EncryptedKey", "<xenc:AgreementMethod/><xenc:EncryptedKey"), "AgreementMethod"),
        (format!("{good}<saml:Subject/>"), "Subject"),
        (String::new(), "EncryptedData"),
        (value(&good, "!"), "base64"),
        (value(&good, &at_most), "too long"),
        (Sealing { spoil: |octets| octets.truncate(28), ..Sealing::default() }.seal(plain()), "length"),
        (
            Sealing { spoil: |octets| octets.truncate(47), ..Sealing::with("aes256-cbc") }.seal(plain()),
            "length",
        ),
        (
            Sealing { spoil: |octets| octets.truncate(16), ..Sealing::with("aes256-cbc") }.seal(plain()),
            "length",
        ),
    ] {
        refused_before_any_key_is_used(&signed_around(&parts), "saml_encryption_form", says);
    }
    let two = format!("{good}{good}");
    refused(finish(&signed_around(&two)), "saml_xml");
}

#[test]
fn no_part_of_an_encryption_holds_what_nobody_reads() {
    let size = format!(r#"<x:KeySize xmlns:x="{XMLENC}">256</x:KeySize>"#);
    let key = |transport: &str, parameters: String| {
        let transport = transport.to_owned();
        Sealing { transport, parameters, sha256: true, ..Sealing::default() }.seal(plain())
    };
    let oaep = format!("{XMLENC11}rsa-oaep");
    let filled = |element: &str, end: &str| element.replace("/>", &format!("><x/></{end}>"));
    let mask = mgf("mgf1sha256");
    let good = Sealing::default().seal(plain());
    let content = format!(r#"{XMLENC11}aes256-gcm"/>"#);
    let in_content = format!(r#"{XMLENC11}aes256-gcm">{size}</xenc:EncryptionMethod>"#);
    let (form, algorithm) = ("saml_encryption_form", "saml_encryption_algorithm");
    for (parts, check, says) in [
        (good.replace(&content, &in_content), form, "EncryptionMethod may not hold KeySize"),
        (key(&oaep, format!("{SHA256}{mask}{size}")), form, "EncryptionMethod may not hold KeySize"),
        (
            good.replace("</xenc:EncryptedKey>", &format!("{size}</xenc:EncryptedKey>")),
            form,
            "EncryptedKey may not hold KeySize",
        ),
        (key(&oaep, format!("{}{mask}", filled(SHA256, "ds:DigestMethod"))), form, "DigestMethod holds more"),
        (key(&oaep, format!("{SHA256}{}", filled(&mask, "x:MGF"))), algorithm, "mask generation"),
    ] {
        refused_before_any_key_is_used(&signed_around(&parts), check, says);
    }
}

#[test]
fn no_signature_stands_inside_an_encrypted_part() {
    let good = Sealing::default().seal(plain());
    let signature = template("_response1", RSA_SHA256, "");
    for place in ["</ds:KeyInfo>", "</xenc:EncryptedData>"] {
        let parts = good.replace(place, &format!("{signature}{place}"));
        refused_before_any_key_is_used(&around(&parts, None), "saml_signature_form", "elsewhere than in");
    }
}
