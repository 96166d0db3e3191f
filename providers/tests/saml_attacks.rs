//! Attacks on a SAML Response: each must be refused by name, and the honest one still passes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod saml_idp;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saml_idp::{
    Answer, IDP, Key, Memory, NOW, RSA_SHA256, evil_key, facts, finish, finish_with, provider, refused, sign,
    surroundings, template,
};

fn both() -> Answer {
    Answer { sign_response: true, ..Answer::default() }
}

fn response_only() -> Answer {
    Answer { sign_response: true, sign_assertion: false, ..Answer::default() }
}

fn evil_assertion() -> String {
    let evil = Answer {
        subject: "<saml:NameID>admin@example.com</saml:NameID>".to_owned(),
        assertion_id: "_evil".to_owned(),
        ..Answer::default()
    };
    evil.assertion("")
}

/// The honest document's assertion, from its start tag to its end.
fn assertion_of(xml: &str) -> String {
    let from = xml.find("<saml:Assertion").unwrap();
    let to = xml.find("</saml:Assertion>").unwrap() + "</saml:Assertion>".len();
    xml[from..to].to_owned()
}

fn signature_of(xml: &str) -> String {
    let from = xml.find("<ds:Signature ").unwrap();
    let to = xml.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    xml[from..to].to_owned()
}

#[test]
fn each_honest_form_is_believed() {
    for answer in [Answer::default(), both(), response_only()] {
        let identity = finish(&answer.xml()).unwrap();
        assert_eq!(identity.subject, "user@example.com");
        assert_eq!(identity.issuer, IDP);
        assert_eq!(identity.attributes["groups"], ["a", "b", "c & d"]);
        assert_eq!(identity.attributes["mail"], ["user@example.com"]);
        assert_eq!(identity.session.session_indexes, ["s1"]);
        assert_eq!(identity.session.sp_name_qualifier.as_deref(), Some("q"));
    }
    let ec = Answer { method: saml_idp::ECDSA_SHA256, ..Answer::default() };
    assert!(finish(&ec.signed_by(saml_idp::ec_key())).is_ok());
}

#[test]
fn an_unsigned_response_is_refused() {
    let answer = Answer { sign_assertion: false, ..Answer::default() };
    refused(finish(&answer.around("", &answer.assertion(""))), "saml_unsigned");
}

#[test]
fn wrapping_1_and_2_a_forged_response_around_a_signed_one_is_refused() {
    let honest = response_only().xml();
    let forged = Answer::default();
    refused(
        finish(&forged.around(&signature_of(&honest), &format!("{}{honest}", evil_assertion()))),
        "saml_structure",
    );
    let wrapped = forged.around(
        &signature_of(&honest)
            .replace("</ds:Signature>", &format!("<ds:Object>{honest}</ds:Object></ds:Signature>")),
        &evil_assertion(),
    );
    assert!(finish(&wrapped).is_err());
    assert!(finish(&honest).is_ok());
}

#[test]
fn wrapping_3_to_8_a_second_assertion_anywhere_is_refused() {
    let answer = Answer::default();
    let honest = assertion_of(&answer.xml());
    let evil = evil_assertion();
    let signature = signature_of(&honest);
    let bare = honest.replace(&signature, "");
    let moved = evil.replace("</saml:Issuer>", &format!("</saml:Issuer>{signature}"));
    for content in [
        format!("{evil}{honest}"),
        format!("{honest}{evil}"),
        evil.replace("</saml:Assertion>", &format!("{honest}</saml:Assertion>")),
        format!("{moved}{bare}"),
        evil.replace(
            "</saml:Issuer>",
            &format!(
                "</saml:Issuer>{}",
                signature.replace("</ds:Signature>", &format!("{bare}</ds:Signature>"))
            ),
        ),
        format!("<samlp:Extensions>{honest}</samlp:Extensions>{evil}"),
        moved.replace("</ds:Signature>", &format!("<ds:Object>{bare}</ds:Object></ds:Signature>")),
        evil.replace("</saml:Issuer>", &format!("</saml:Issuer><saml:Advice>{honest}</saml:Advice>")),
    ] {
        refused(finish(&answer.around("", &content)), "saml_structure");
    }
    refused(finish(&answer.around("", &moved)), "saml_signature_form");
    refused(finish(&answer.around("", &moved.replace("_evil", "_assertion1"))), "saml_digest");
    assert!(finish(&answer.around("", &honest)).is_ok());
}

#[test]
fn a_signature_at_another_place_is_refused() {
    let xml = Answer::default().xml();
    let signature = signature_of(&xml);
    let without = xml.replace(&signature, "");
    for moved in [
        without.replace("</samlp:Status>", &format!("{signature}</samlp:Status>")),
        without.replace("<saml:Subject>", &format!("<saml:Subject>{signature}")),
        without.replace("<saml:Conditions", &format!("{signature}<saml:Conditions")),
        without.replace(
            "<samlp:Status>",
            &format!("<samlp:Extensions>{signature}</samlp:Extensions><samlp:Status>"),
        ),
    ] {
        refused(finish(&moved), "saml_signature_form");
    }
    refused(finish(&xml.replace(&signature, &format!("{signature}{signature}"))), "saml_signature_form");
}

#[test]
fn a_changed_response_is_refused() {
    for answer in [Answer::default(), both(), response_only()] {
        let xml = answer.xml();
        refused(
            finish(&xml.replace(">user@example.com</saml:NameID>", ">admin@example.com</saml:NameID>")),
            "saml_digest",
        );
        refused(finish(&xml.replace("SessionIndex=\"s1\"", "SessionIndex=\"s2\"")), "saml_digest");
        let at = xml.find("<ds:SignatureValue>").unwrap() + 25;
        let other = if &xml[at..=at] == "A" { "B" } else { "A" };
        refused(finish(&format!("{}{other}{}", &xml[..at], &xml[at + 1..])), "saml_unknown_key");
        assert!(finish(&xml).is_ok());
    }
}

#[test]
fn when_both_are_signed_both_must_verify() {
    let half = Answer::default().signed_by(evil_key());
    let inserted = half.replacen(
        "</saml:Issuer>",
        &format!("</saml:Issuer>{}", template("_response1", RSA_SHA256, "")),
        1,
    );
    refused(finish(&sign(&inserted, &saml_idp::good_key().pem)), "saml_unknown_key");
}

#[test]
fn the_key_in_key_info_is_never_used() {
    let key_info = format!(
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
        STANDARD.encode(&evil_key().certificate)
    );
    for answer in
        [Answer { key_info: key_info.clone(), ..Answer::default() }, Answer { key_info, ..response_only() }]
    {
        refused(finish(&answer.signed_by(evil_key())), "saml_unknown_key");
    }
}

#[test]
fn an_algorithm_outside_the_list_is_refused() {
    let xml = Answer::default().xml();
    for method in [
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "none",
        "",
    ] {
        refused(finish(&xml.replace(RSA_SHA256, method)), "saml_algorithm");
    }
    for digest in ["http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmldsig-more#md5", ""]
    {
        refused(finish(&xml.replace("http://www.w3.org/2001/04/xmlenc#sha256", digest)), "saml_algorithm");
    }
    let ec_named = xml.replace(RSA_SHA256, saml_idp::ECDSA_SHA256);
    refused(finish(&ec_named), "saml_unknown_key");
}

#[test]
fn a_signed_info_of_another_form_is_refused() {
    let xml = Answer::default().xml();
    let enveloped = r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>"#;
    let c14n = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#;
    let xslt = r#"<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>"#;
    let xpath = r#"<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>1</ds:XPath></ds:Transform>"#;
    let start = xml.find("<ds:Reference").unwrap();
    let end = xml.find("</ds:Reference>").unwrap() + "</ds:Reference>".len();
    let reference = &xml[start..end];
    let info = &xml[xml.find("<ds:SignedInfo>").unwrap()
        ..xml.find("</ds:SignedInfo>").unwrap() + "</ds:SignedInfo>".len()];
    let cases = [
        xml.replace(enveloped, ""),
        xml.replace(c14n, ""),
        xml.replace(c14n, &format!("{c14n}{xslt}")),
        xml.replace(c14n, xslt),
        xml.replace(enveloped, xpath),
        xml.replace(c14n, &format!("{xpath}{c14n}")),
        xml.replace(enveloped, &format!("{enveloped}{enveloped}")),
        xml.replace(&format!("{enveloped}{c14n}"), &format!("{c14n}{enveloped}")),
        xml.replace(reference, ""),
        xml.replace(reference, &format!("{reference}{reference}")),
        xml.replace(info, &format!("{info}{info}")),
        xml.replace("URI=\"#_assertion1\"", "URI=\"\""),
        xml.replace("URI=\"#_assertion1\"", ""),
        xml.replace("URI=\"#_assertion1\"", "URI=\"#_response1\""),
        xml.replace("URI=\"#_assertion1\"", "URI=\"http://169.254.169.254/\""),
        xml.replace("URI=\"#_assertion1\"", "URI=\"file:///etc/passwd\""),
        xml.replace("URI=\"#_assertion1\"", "URI=\"#xpointer(id('_assertion1'))\""),
        xml.replace("<ds:DigestValue>", "<ds:DigestValue><b/>"),
        xml.replace("</ds:Signature>", "<ds:Object/></ds:Signature>"),
        xml.replace(
            "</ds:Signature>",
            "<ds:KeyInfo><ds:RetrievalMethod URI=\"#x\"/></ds:KeyInfo></ds:Signature>",
        ),
        xml.replace(
            "/><ds:Reference",
            "><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod><ds:Reference",
        ),
    ];
    for (at, case) in cases.iter().enumerate() {
        assert_ne!(case, &xml, "case {at} changed nothing");
        let code = finish(case).err().map(|error| error.code());
        assert!(matches!(code, Some("saml_signature_form" | "saml_algorithm")), "case {at}: {code:?}");
    }
    for c14n in [
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "",
    ] {
        let changed = xml.replace(
            "CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"",
            &format!("CanonicalizationMethod Algorithm=\"{c14n}\""),
        );
        refused(finish(&changed), "saml_algorithm");
    }
}

#[test]
fn xml_beyond_the_narrow_form_is_refused() {
    let xml = Answer::default().xml();
    let name = "user@example.com</saml:NameID>";
    let cases = [
        xml.replace(name, "user@example.com<!-- x -->.evil.com</saml:NameID>"),
        xml.replace(name, "user@example.com<?x y?></saml:NameID>"),
        xml.replace(name, "<![CDATA[user@example.com]]></saml:NameID>"),
        xml.replace(name, "user@example.com&nbsp;</saml:NameID>"),
        xml.replace(name, "user@example.com&#0;</saml:NameID>"),
        xml.replace(name, "user@example.com&#x1;</saml:NameID>"),
        xml.replace(name, "user@example.com\u{0}</saml:NameID>"),
        xml.replace(name, "user@example.com & </saml:NameID>"),
        xml.replace(name, "user@example.com]]></saml:NameID>"),
        format!("<!DOCTYPE r>{xml}"),
        format!("<!DOCTYPE r SYSTEM \"http://169.254.169.254/\">{xml}"),
        format!("<!DOCTYPE r [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>{xml}"),
        format!("<?xml version=\"1.1\"?>{xml}"),
        format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{xml}"),
        format!("{xml}<?xml version=\"1.0\"?>"),
        format!("<?pi x?>{xml}"),
        format!("<!-- c -->{xml}"),
        format!("{xml}trailing"),
        format!("{xml}{xml}"),
        format!("leading{xml}"),
        xml.replace("</samlp:Response>", ""),
        xml.replace("<saml:Subject>", "<saml:Subject a=\"1\" a=\"2\">"),
        xml.replace(
            "<saml:Subject>",
            "<saml:Subject xmlns:p=\"urn:x\" xmlns:q=\"urn:x\" p:a=\"1\" q:a=\"2\">",
        ),
        xml.replace("<saml:Subject>", "<saml:Subject a=\"1\"b=\"2\">"),
        xml.replace("<saml:Subject>", "<saml:Subject a=\"<\">"),
        xml.replace("<saml:Subject>", "<saml:Subject xmlns:xml=\"urn:evil\">"),
        xml.replace("<saml:Subject>", "<saml:Subject xmlns:xmlns=\"urn:evil\">"),
        xml.replace("<saml:Subject>", "<saml:Subject xmlns:p=\"http://www.w3.org/XML/1998/namespace\">"),
        xml.replace("<saml:Subject>", "<saml:Subject xmlns:p=\"http://www.w3.org/2000/xmlns/\">"),
        xml.replace("<saml:Subject>", "<saml:Subject xmlns:p=\"relative/uri\">"),
        xml.replace("<saml:Subject>", "<saml:Subject xmlns:p=\"1:x\">"),
        xml.replace("<saml:Subject>", "<saml:Subject xmlns:p=\"\">"),
        xml.replace("<saml:Subject>", "<saml:Subject><nope:x/>"),
        xml.replace("<saml:Subject>", "<saml:Subject nope:x=\"1\">"),
        xml.replace("<saml:Subject>", "<saml:Subject 1x=\"1\">"),
    ];
    for (at, case) in cases.iter().enumerate() {
        assert_ne!(case, &xml, "case {at} changed nothing");
        refused(finish(case), "saml_xml");
    }
    assert!(finish(&format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{xml}\n")).is_ok());
    assert!(finish(&format!("\u{feff}{xml}")).is_ok());
}

#[test]
fn ids_that_come_twice_are_refused() {
    let xml = Answer::default().xml();
    for case in [
        xml.replace("<saml:Subject>", "<saml:Subject Id=\"_assertion1\">"),
        xml.replace("<saml:Subject>", "<saml:Subject id=\"_response1\">"),
        xml.replace("ID=\"_assertion1\"", "ID=\"_assertion1\" Id=\"_other\""),
        xml.replace("<saml:Subject>", "<saml:Subject xml:id=\"_x\">"),
        xml.replace("ID=\"_response1\"", "ID=\"\""),
    ] {
        refused(finish(&case), "saml_structure");
    }
}

#[test]
fn another_root_or_none_of_ours_is_refused() {
    let xml = Answer::default().xml();
    refused(finish(&xml.replace("samlp:Response", "samlp:LogoutResponse")), "saml_structure");
    refused(
        finish(&xml.replace("urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:1.1:protocol")),
        "saml_structure",
    );
    refused(finish(&assertion_of(&xml)), "saml_structure");
    refused(finish(""), "saml_xml");
}

#[test]
fn an_encrypted_assertion_is_refused_by_name_and_never_beside_a_plain_one() {
    let answer = response_only();
    let encrypted = "<saml:EncryptedAssertion><x/></saml:EncryptedAssertion>";
    refused(finish(&answer.around("", encrypted)), "saml_encrypted");
    refused(finish(&answer.around("", &format!("{}{encrypted}", answer.assertion("")))), "saml_structure");
}

#[test]
fn documents_beyond_the_limits_are_refused() {
    let answer = Answer::default();
    let filled = |filler: String| {
        answer.xml().replace("</saml:AttributeStatement>", &format!("{filler}</saml:AttributeStatement>"))
    };
    refused(finish(&filled("<saml:A/>".repeat(20_001))), "saml_limits");
    refused(finish(&filled("x".repeat(256 * 1024))), "saml_limits");
    refused(finish(&filled(format!("{}{}", "<a>".repeat(40), "</a>".repeat(40)))), "saml_limits");
    let attributes: String = (0..300).map(|at| format!(" a{at}=\"\"")).collect();
    refused(finish(&filled(format!("<a{attributes}/>"))), "saml_limits");
    let namespaces: String = (0..65).map(|at| format!(" xmlns:n{at}=\"urn:{at}\"")).collect();
    refused(finish(&filled(format!("<a{namespaces}/>"))), "saml_limits");
    let around = surroundings(NOW, Arc::<Memory>::default());
    for field in ["A".repeat(400_000), "!!!".to_owned(), STANDARD.encode([0xff, 0xfe])] {
        let inbound = poolgate_providers::Inbound::SamlResponse(field);
        let error = saml_idp::block_on(poolgate_providers::Provider::finish(
            &provider(&[]),
            &around,
            &facts(),
            inbound,
        ))
        .unwrap_err();
        assert!(matches!(error.code(), "saml_limits" | "saml_encoding"), "{error}");
    }
    let value = "g".repeat(90);
    let large = Answer {
        attributes: format!(
            "<saml:AttributeStatement><saml:Attribute Name=\"g\">{}</saml:Attribute></saml:AttributeStatement>",
            format!("<saml:AttributeValue>{value}</saml:AttributeValue>").repeat(900)
        ),
        ..Answer::default()
    };
    let xml = large.xml();
    assert!(xml.len() > 100_000);
    assert_eq!(finish(&xml).unwrap().attributes["g"].len(), 900);
}

#[test]
fn an_assertion_is_believed_once() {
    let (provider, used) = (provider(&[]), Arc::<Memory>::default());
    let around = surroundings(NOW, used.clone());
    let xml = Answer::default().xml();
    let changed = xml.replace("user@", "admin@");
    refused(finish_with(&provider, &around, &facts(), &changed), "saml_digest");
    assert!(used.0.lock().unwrap().is_empty(), "a refused assertion must not use its id up");
    assert!(finish_with(&provider, &around, &facts(), &xml).is_ok());
    assert!(used.0.lock().unwrap().contains(&format!("saml/{IDP} _assertion1")));
    assert_eq!(*used.1.lock().unwrap(), Some(time::macros::datetime!(2026-11-21 12:10:00 UTC)));
    refused(finish_with(&provider, &around, &facts(), &xml), "saml_replay");
}

#[test]
fn another_providers_assertion_is_refused() {
    let other = saml_idp::metadata_of("https://other.example", &[&saml_idp::good_key().certificate]);
    let settings =
        poolgate_providers::saml::SamlSettings::from_details(&saml_idp::details(&[]), other, false).unwrap();
    let provider = saml_idp::provider_of(settings);
    let around = surroundings(NOW, Arc::<Memory>::default());
    refused(finish_with(&provider, &around, &facts(), &Answer::default().xml()), "saml_issuer");
    let other: &Key = evil_key();
    refused(finish(&Answer::default().signed_by(other)), "saml_unknown_key");
}

#[test]
fn text_is_the_whole_of_its_pieces() {
    let answer =
        Answer { subject: "<saml:NameID>a&amp;b&#64;c&lt;d</saml:NameID>".to_owned(), ..Answer::default() };
    assert_eq!(finish(&answer.xml()).unwrap().subject, "a&b@c<d");
    let nested = Answer { subject: "<saml:NameID>a<b>c</b></saml:NameID>".to_owned(), ..Answer::default() };
    refused(finish(&nested.xml()), "saml_xml");
}
