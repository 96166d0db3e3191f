//! The narrow form, rule by rule: each case breaks one rule and must be refused by that rule's own words,
//! so that no later rule, and no second parser, can stand in for it unseen.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod saml_idp;

use std::sync::Arc;

use poolgate_providers::saml::engine::{BothEngines, Signed};
use poolgate_providers::saml::gate::{self, Gated, Policy, Root};
use poolgate_providers::saml::keys::VerifyKey;
use poolgate_providers::saml::xml::{self, MESSAGE};
use poolgate_providers::saml::{Refusal, RustEngine, SignedXml, metadata};
use saml_idp::{
    Answer, IDP, Memory, NOW, evil_key, facts, finish_with, good_key, metadata_of, metadata_xml, provider,
    surroundings,
};
use time::OffsetDateTime;

const XML_NS: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS_NS: &str = "http://www.w3.org/2000/xmlns/";

fn admitted(xml: &str) -> Result<(), Refusal> {
    gate::admit(xml, Root::Response, Policy::default()).map(|_| ())
}

#[track_caller]
fn says(refusal: &Refusal, check: &str, words: &str) {
    assert!(
        refusal.check == check && refusal.detail.contains(words),
        "expected {check}: {words}, came {}: {}",
        refusal.check,
        refusal.detail
    );
}

fn each_is_refused(check: &str, cases: &[(String, &str)]) {
    let honest = Answer::default().xml();
    let mut wrong = Vec::new();
    for (at, (case, words)) in cases.iter().enumerate() {
        assert_ne!(case, &honest, "case {at} changed nothing");
        match admitted(case) {
            Err(refusal) if refusal.check == check && refusal.detail.contains(words) => {}
            other => wrong.push(format!("case {at}: expected {check}: {words}, came {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn subject(xml: &str, tag: &str) -> String {
    xml.replace("<saml:Subject>", tag)
}

#[test]
fn each_rule_of_structure_refuses_by_itself() {
    let xml = Answer::default().xml();
    let from = xml.find("<saml:Assertion").unwrap();
    let to = xml.find("</saml:Assertion>").unwrap() + "</saml:Assertion>".len();
    let assertion = &xml[from..to];
    let extensions = |content: &str| {
        xml.replace(
            "<samlp:Status>",
            &format!("<samlp:Extensions>{content}</samlp:Extensions><samlp:Status>"),
        )
    };
    each_is_refused(
        "saml_structure",
        &[
            (extensions("<samlp:Response/>"), "holds another message"),
            (extensions("<samlp:ArtifactResponse/>"), "holds another message"),
            (
                xml.replace(assertion, &format!("<samlp:Extensions>{assertion}</samlp:Extensions>")),
                "elsewhere than directly in the Response",
            ),
            (subject(&xml, "<saml:Subject AssertionID=\"_assertion1\">"), "an id comes twice"),
            (subject(&xml, "<saml:Subject ID=\"a b\">"), "has spaces"),
            (subject(&xml, "<saml:Subject ID=\"a&#10;\">"), "has spaces"),
        ],
    );
    for root in [Root::LogoutRequest, Root::LogoutResponse] {
        let name = if root == Root::LogoutRequest { "LogoutRequest" } else { "LogoutResponse" };
        let other = xml.replace("samlp:Response", &format!("samlp:{name}"));
        says(
            &gate::admit(&other, root, Policy::default()).unwrap_err(),
            "saml_structure",
            "may not hold an assertion",
        );
    }
}

#[test]
fn each_rule_of_a_signature_s_form_refuses_by_itself() {
    let xml = Answer::default().xml();
    let from = xml.find("<ds:Signature ").unwrap();
    let to = xml.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = &xml[from..to];
    let without = xml.replace(signature, "");
    let ds = "xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"";
    let ec = "xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\"";
    let enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>";
    let c14n = "xml-exc-c14n#\"/></ds:Transforms>";
    let listed =
        |list: &str| xml.replace(c14n, &format!("xml-exc-c14n#\">{list}</ds:Transform></ds:Transforms>"));
    let value = &xml[xml.find("<ds:SignatureValue>").unwrap()
        ..xml.find("</ds:SignatureValue>").unwrap() + "</ds:SignatureValue>".len()];
    let digest = &xml[xml.find("<ds:DigestValue>").unwrap()..xml.find("</ds:DigestValue>").unwrap()];
    let prefixes = (0..33).map(|at| format!("p{at}")).collect::<Vec<_>>().join(" ");
    each_is_refused(
        "saml_signature_form",
        &[
            (without.replace("</saml:Subject>", &format!("{signature}</saml:Subject>")), "elsewhere than in"),
            (
                xml.replace("<samlp:Status>", &format!("<ds:SignedInfo {ds}/><samlp:Status>")),
                "SignedInfo stands outside",
            ),
            (
                xml.replace("<samlp:Status>", &format!("<ds:SignatureValue {ds}/><samlp:Status>")),
                "SignatureValue stands outside",
            ),
            (
                xml.replace("</saml:Assertion>", &format!("{signature}</saml:Assertion>")),
                "more than one Signature",
            ),
            (xml.replace("URI=\"#_assertion1\"", "URI=\"#\""), "must have a URI of"),
            (xml.replace("URI=\"#_assertion1\"", "URI=\"%23_assertion1\""), "must have a URI of"),
            (xml.replace("URI=\"#_assertion1\"", "URI=\"#_ASSERTION1\""), "names another element"),
            (
                xml.replace(enveloped, "http://www.w3.org/2000/09/xmldsig#base64\"/>"),
                "first transform must be",
            ),
            (
                xml.replace(enveloped, &format!("{}><x/></ds:Transform>", enveloped.trim_end_matches("/>"))),
                "first transform must be",
            ),
            (
                xml.replace("xmlenc#sha256\"/>", "xmlenc#sha256\"><x/></ds:DigestMethod>"),
                "algorithm parameters",
            ),
            (xml.replace("rsa-sha256\"/>", "rsa-sha256\"><x/></ds:SignatureMethod>"), "algorithm parameters"),
            (listed("<x/>"), "more than InclusiveNamespaces"),
            (
                listed(&format!("<ec:InclusiveNamespaces {ec}/><ec:InclusiveNamespaces {ec}/>")),
                "more than InclusiveNamespaces",
            ),
            (
                listed(&format!("<ec:InclusiveNamespaces {ec}><x/></ec:InclusiveNamespaces>")),
                "more than InclusiveNamespaces",
            ),
            (
                listed(&format!("<ec:InclusiveNamespaces {ec} PrefixList=\"{prefixes}\"/>")),
                "PrefixList has more than",
            ),
            (xml.replace(digest, "<ds:DigestValue>AAAA"), "wrong length"),
            (xml.replace(value, ""), "lacks SignatureValue"),
            (
                xml.replace(value, &format!("<ds:SignatureValue>{}</ds:SignatureValue>", "A".repeat(5000))),
                "is too long",
            ),
            (xml.replace(value, "<ds:SignatureValue>A=A</ds:SignatureValue>"), "is not base64"),
        ],
    );
}

#[test]
fn each_rule_of_xml_refuses_by_itself() {
    let xml = Answer::default().xml();
    let name = "user@example.com</saml:NameID>";
    let many: String = (0..60).map(|at| format!(" xmlns:n{at}=\"urn:{at}\"")).collect();
    let nested = |one: usize| format!("<a{}>", many.replace(":n", &format!(":n{one}x")));
    let scopes = format!("{}{}", (0..6).map(nested).collect::<String>(), "</a>".repeat(6));
    each_is_refused(
        "saml_xml",
        &[
            (xml.replace(name, "user@example.com\u{1}</saml:NameID>"), "control character"),
            (xml.replace(name, "user@example.com&#x1;</saml:NameID>"), "a character that XML forbids"),
            (xml.replace(name, "user@example.com\u{ffff}</saml:NameID>"), "what XML forbids"),
            (xml.replace(name, "user@example.com]]></saml:NameID>"), "what XML forbids"),
            (subject(&xml, "<saml:Subject a=\"&#x2;\">"), "a character that XML forbids"),
            (subject(&xml, "<saml:Subject a=\"\u{fffe}\">"), "a character that XML forbids"),
            (subject(&xml, "<saml:Subject a=\"<\">"), "in an attribute value"),
            (subject(&xml, "<saml:Subject a=\"1\"b=\"2\">"), "not separated"),
            (subject(&xml, "<saml:Subject 1x=\"1\">"), "not an XML name"),
            (subject(&xml, "<saml:Subject><1x/>"), "not an XML name"),
            (subject(&xml, "<saml:Subject xmlns:1=\"urn:x\"><1:x/>"), "not an XML name"),
            (
                subject(&xml, "<saml:Subject xmlns:p=\"urn:x\" xmlns:q=\"urn:x\" p:a=\"1\" q:a=\"2\">"),
                "an attribute comes twice",
            ),
            (subject(&xml, "<saml:Subject xmlns:p=\"a b:c\">"), "not an absolute URI"),
            (subject(&xml, "<saml:Subject xmlns:p=\"urn:&#97;\">"), "written with references"),
            (xml.replace("SAML:2.0:assertion\"", "SAML:2.0:assertio&#110;\""), "written with references"),
            (subject(&xml, "<saml:Subject xmlns:xml=\"urn:x\">"), "'xml' cannot be bound"),
            (subject(&xml, "<saml:Subject xmlns:xmlns=\"urn:x\">"), "'xmlns' cannot be bound"),
            (subject(&xml, &format!("<saml:Subject xmlns:p=\"{XML_NS}\">")), "'p' cannot be bound"),
            (subject(&xml, &format!("<saml:Subject xmlns:p=\"{XMLNS_NS}\">")), "'p' cannot be bound"),
            (subject(&xml, &format!("<saml:Subject><x xmlns=\"{XML_NS}\"/>")), "a reserved namespace"),
            (subject(&xml, &format!("<saml:Subject><x xmlns=\"{XMLNS_NS}\"/>")), "a reserved namespace"),
            (subject(&xml, "<saml:Subject><p:x/>"), "prefix is not declared"),
            (format!("<?xml version=\"1.1\"?>{xml}"), "only XML 1.0"),
            (format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{xml}"), "only UTF-8"),
            (subject(&xml, "<saml:Subject><!-- -->"), "a comment"),
            (subject(&xml, "<saml:Subject><![CDATA[x]]>"), "a CDATA section"),
            (subject(&xml, "<saml:Subject><?x y?>"), "a processing instruction"),
            (format!("<!DOCTYPE x>{xml}"), "a DOCTYPE"),
            (format!("{xml}<?xml version=\"1.0\"?>"), "declaration is not at the start"),
            (subject(&xml, &format!("<saml:Subject>{scopes}")), "namespace"),
        ],
    );
    says(
        &xml::parse(&"x".repeat(MESSAGE.bytes + 1), &MESSAGE).unwrap_err(),
        "saml_limits",
        "the document has",
    );
    let ends = xml::parse("<a>1\r\n2\r3&#13;</a>", &MESSAGE).unwrap();
    assert_eq!(ends.root().deep_text(), "1\n2\n3\r", "line ends as XML 1.0 section 2.11 has them");
    let twice = Answer { authn: "<saml:Subject/>".to_owned(), ..Answer::default() };
    saml_idp::refused(saml_idp::finish(&twice.xml()), "saml_xml");
}

#[test]
fn each_bound_of_a_document_is_taken_and_one_more_is_refused() {
    let many = |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<String>();
    let attributes = |count: usize| format!("<a{}/>", many(count, &|at| format!(" x{at}=\"\"")));
    let namespaces = |count: usize| format!("<a{}/>", many(count, &|at| format!(" xmlns:x{at}=\"urn:x\"")));
    let elements = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count - 1));
    let depth = |count: usize| format!("{}{}", "<a>".repeat(count), "</a>".repeat(count));
    type Make<'m> = &'m dyn Fn(usize) -> String;
    let cases: [(Make<'_>, usize, &str); 4] = [
        (&attributes, MESSAGE.attributes, "more than 256 attributes"),
        (&namespaces, MESSAGE.namespaces, "more than 64 namespaces"),
        (&elements, MESSAGE.elements, "more than 20000 elements"),
        (&depth, MESSAGE.depth, "more than 32 deep"),
    ];
    for (make, most, words) in cases {
        assert!(xml::parse(&make(most), &MESSAGE).is_ok(), "{words}");
        says(&xml::parse(&make(most + 1), &MESSAGE).unwrap_err(), "saml_limits", words);
    }
}

#[test]
fn a_message_is_bounded_before_and_after_base64() {
    says(&gate::decode(&"A".repeat(gate::MAX_ENCODED + 1)).unwrap_err(), "saml_limits", "characters");
    says(&gate::decode(&"A".repeat(gate::MAX_ENCODED / 4 * 4)).unwrap_err(), "saml_limits", "bytes");
    assert_eq!(gate::decode("PGEv\r\n\tPg==").unwrap(), "<a/>");
    for bad in ["PGEvPg", "PGEvPh==", "PGEv_g==", "PGEv&Pg=="] {
        says(&gate::decode(bad).unwrap_err(), "saml_encoding", "base64");
    }
}

#[test]
fn a_signature_that_the_second_parser_places_elsewhere_is_refused() {
    let xml = Answer::default().xml();
    let signature = &xml
        [xml.find("<ds:Signature ").unwrap()..xml.find("</ds:Signature>").unwrap() + "</ds:Signature>".len()];
    let others = [
        xml.replace(signature, &format!("{signature}{signature}")),
        xml.replace(signature, ""),
        xml.replace(signature, &signature.replace("xmldsig#\">", "xmldsig-other#\">")),
    ];
    let mut gated = gate::admit(&xml, Root::Response, Policy::default()).unwrap();
    let keys = provider(&[]).settings().metadata.keys.clone();
    let verify = |gated: &gate::Gated<'_>| RustEngine.verify(gated, &keys, Policy::default(), NOW);
    assert!(verify(&gated).is_ok());
    let honest = gated.assertion_signature.clone();
    let change = |gated: &mut gate::Gated<'_>, change: &dyn Fn(&mut gate::SignedInfo)| {
        gated.assertion_signature = honest.clone();
        change(&mut gated.assertion_signature.as_mut().unwrap().info);
    };
    change(&mut gated, &|info| info.reference = "_other".to_owned());
    says(&verify(&gated).unwrap_err(), "saml_signature", "disagree about the signed element");
    change(&mut gated, &|info| info.digest_value = vec![0; 32]);
    says(&verify(&gated).unwrap_err(), "saml_signature", "disagree about SignedInfo");
    change(&mut gated, &|_| {});
    for other in &others {
        gated.text = other;
        says(&verify(&gated).unwrap_err(), "saml_signature", "disagree about the message");
    }
    gated.text = "<a";
    says(&verify(&gated).unwrap_err(), "saml_xml", "second XML parser");
}

#[test]
fn each_rule_of_metadata_refuses_by_itself() {
    let honest = metadata_xml(IDP, &[&good_key().certificate]);
    let why = |xml: &str| metadata::parse(xml.as_bytes()).map(|_| ()).unwrap_err().to_string();
    for (case, words) in [
        (honest.replace("https://idp.example/sso", "ftp://idp.example/"), "not an http or https"),
        (honest.replace("https://idp.example/sso", "https://"), "not an http or https"),
        (honest.replace(IDP, ""), "entityID"),
        (honest.replace(IDP, &"x".repeat(1025)), "entityID"),
        (format!("{honest}{}", " ".repeat(metadata::MAX_METADATA)), "it has more than"),
        (metadata_xml(IDP, &[]), "there is none with use"),
    ] {
        assert!(why(&case).contains(words), "{words}: {}", why(&case));
    }
    let chain = honest.replace(
        "</ds:X509Certificate>",
        &format!(
            "</ds:X509Certificate><ds:X509Certificate>{}</ds:X509Certificate>",
            base64::Engine::encode(
                &base64::engine::general_purpose::STANDARD,
                &saml_idp::evil_key().certificate
            )
        ),
    );
    assert_eq!(
        metadata::parse(chain.as_bytes()).unwrap().keys.len(),
        1,
        "an issuer's certificate signs nothing"
    );
}

#[test]
fn an_expired_certificate_beside_a_current_one_verifies_nothing() {
    let xml = Answer::default().xml();
    let gated = gate::admit(&xml, Root::Response, Policy::default()).unwrap();
    let mut keys = provider(&[]).settings().metadata.keys.clone();
    let signer = keys.iter_mut().find(|key| key.certificate == good_key().certificate).unwrap();
    signer.not_after = NOW;
    assert!(RustEngine.verify(&gated, &keys, Policy::default(), NOW).is_ok());
    let late = NOW + time::Duration::SECOND;
    let refusal = RustEngine.verify(&gated, &keys, Policy::default(), late).unwrap_err();
    says(&refusal, "saml_unknown_key", "none of the provider's signing certificates");
}

/// An engine that says anything: what it returns is checked all the same.
struct Says(Signed);

impl SignedXml for Says {
    fn verify(
        &self,
        _: &Gated<'_>,
        _: &[VerifyKey],
        _: Policy,
        _: OffsetDateTime,
    ) -> Result<Signed, Refusal> {
        Ok(self.0.clone())
    }
}

#[test]
fn what_an_engine_returns_must_be_what_was_expected_to_be_signed() {
    let honest = Answer::default().xml();
    let from = honest.find("<saml:Assertion").unwrap();
    let to = honest.find("</saml:Assertion>").unwrap() + "</saml:Assertion>".len();
    let (assertion, without) = (honest[from..to].to_owned(), honest.replace(&honest[from..to], ""));
    let other_status = honest.replace("status:Success", "status:Responder");
    for (root, check, words) in [
        (Some(assertion), "saml_signature", "something else than expected"),
        (Some(other_status), "saml_status", "the signed Status is another one"),
        (Some(without), "saml_assertion", "no assertion is signed"),
        (None, "saml_unsigned", "nothing in the Response is signed"),
    ] {
        let engine = Arc::new(Says(Signed { root, assertion: None }));
        let provider = provider(&[]).with_engine(engine);
        let around = surroundings(NOW, Arc::<Memory>::default());
        let refusal = finish_with(&provider, &around, &facts(), &honest).unwrap_err();
        assert_eq!(refusal.code(), check, "{refusal}");
        assert!(refusal.to_string().contains(words), "{refusal}");
    }
}

#[test]
fn of_two_engines_both_must_accept_and_read_the_same_bytes() {
    let honest = Answer { sign_response: true, ..Answer::default() }.xml();
    let gated = gate::admit(&honest, Root::Response, Policy::default()).unwrap();
    let keys = provider(&[]).settings().metadata.keys.clone();
    let verify = |second: Arc<dyn SignedXml>| {
        BothEngines::new(Arc::new(RustEngine), second).verify(&gated, &keys, Policy::default(), NOW)
    };
    let signed = RustEngine.verify(&gated, &keys, Policy::default(), NOW).unwrap();
    assert_eq!(verify(Arc::new(Says(signed.clone()))).unwrap(), signed);
    let evil = |bytes: &Option<String>| bytes.as_ref().map(|text| text.replace("user@", "admin@"));
    for other in [
        Signed { root: evil(&signed.root), ..signed.clone() },
        Signed { assertion: evil(&signed.assertion), ..signed.clone() },
        Signed { root: None, ..signed.clone() },
        Signed { assertion: None, ..signed.clone() },
    ] {
        assert_eq!(verify(Arc::new(Says(other))).unwrap_err().check, "saml_engines_disagree");
    }
    let other_keys = metadata_of(IDP, &[&evil_key().certificate]).keys;
    let second = BothEngines::new(Arc::new(RustEngine), Arc::new(With(other_keys)));
    let refusal = second.verify(&gated, &keys, Policy::default(), NOW).unwrap_err();
    says(&refusal, "saml_engines_disagree", "the second refuses it");
}

/// An engine that has keys of its own.
struct With(Vec<VerifyKey>);

impl SignedXml for With {
    fn verify(
        &self,
        message: &Gated<'_>,
        _: &[VerifyKey],
        policy: Policy,
        now: OffsetDateTime,
    ) -> Result<Signed, Refusal> {
        RustEngine.verify(message, &self.0, policy, now)
    }
}

#[test]
fn a_response_without_an_assertion_is_refused_before_any_signature_is_looked_at() {
    let honest = Answer::default().xml();
    let from = honest.find("<saml:Assertion").unwrap();
    let to = honest.find("</saml:Assertion>").unwrap() + "</saml:Assertion>".len();
    let empty = honest.replace(&honest[from..to], "");
    let around = surroundings(NOW, Arc::<Memory>::default());
    let refusal = finish_with(&provider(&[]), &around, &facts(), &empty).unwrap_err();
    assert_eq!(refusal.code(), "saml_assertion", "{refusal}");
    assert!(refusal.to_string().contains("holds no assertion"), "{refusal}");
}

#[test]
fn what_a_failed_status_says_cannot_turn_the_text_around_it() {
    let denied = Answer::default().xml().replace(
        "status:Success\"/>",
        "status:Responder\"/><samlp:StatusMessage>no\u{202e}pe</samlp:StatusMessage>",
    );
    let around = surroundings(NOW, Arc::<Memory>::default());
    let refusal = finish_with(&provider(&[]), &around, &facts(), &denied).unwrap_err();
    assert_eq!(refusal.to_string(), "the identity provider answered Responder: nope");
}
