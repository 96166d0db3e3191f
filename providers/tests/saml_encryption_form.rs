//! Encrypted parts: their keys, their settings, and the one form that each may have.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "test code")]

mod saml_idp;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use poolgate_providers::saml::encryption::KeyDecryption;

use saml_idp::encrypted::{
    ALGORITHMS, Counting, around, assertion, counted, finish, finish_by, inner_signed, plain,
    refused_before_any_key_is_used, signed_around, with_keys,
};
use saml_idp::sealing::{SHA256, Sealing, XMLENC, XMLENC11, mgf, other_pool_key, pool_key};
use saml_idp::{
    Answer, Memory, NOW, RSA_SHA256, facts, finish_with, good_key, provider, refused, surroundings, template,
};
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
