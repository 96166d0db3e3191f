//! Signatures stripped, emptied, moved, doubled, exchanged.

use super::{Attack, Form, SIGNATURE, SIGNATURE_OR_DIGEST, Target, attack, element, in_each_signature};

const FORM: &[&str] = &["saml_signature_form"];

/// What is left when signatures are gone.
pub fn stripped(target: &Target) -> Vec<Attack> {
    let none = target.signatures().iter().fold(target.xml.clone(), |xml, one| xml.replace(one, ""));
    let evil = none.replace(element(&none, "saml:Assertion", 0), &super::evil_assertion(Some("_assertion1")));
    let unsigned = &["saml_unsigned"];
    let mut made =
        vec![attack("no signature", &none, unsigned), attack("no signature, forged", evil, unsigned)];
    let other = |from: &str, to: &str| target.xml.replace(from, to);
    made.push(attack(
        "signatures of another namespace",
        other("xmldsig#\"><ds:SignedInfo", "xmldsig\"><ds:SignedInfo"),
        unsigned,
    ));
    made.push(attack(
        "signatures of another case",
        other("ds:Signature>", "ds:signature>").replace("<ds:Signature ", "<ds:signature "),
        &["saml_unsigned", "saml_signature_form"],
    ));
    if target.form == Form::Both {
        let inner = target.signature_of("_assertion1").unwrap();
        made.push(attack("the assertion's signature gone", target.xml.replace(inner, ""), &["saml_digest"]));
    }
    made
}

/// The parts of a Signature, gone, empty, doubled, or of other content.
pub fn broken(target: &Target) -> Vec<Attack> {
    let mut made = Vec::new();
    for part in [
        "SignedInfo",
        "SignatureValue",
        "Reference",
        "Transforms",
        "DigestMethod",
        "DigestValue",
        "SignatureMethod",
        "CanonicalizationMethod",
    ] {
        let name = format!("ds:{part}");
        let whole = |signature: &str| -> String {
            let start = signature.find(&format!("<{name}")).unwrap();
            let tag = start + signature[start..].find('>').unwrap() + 1;
            if signature[..tag].ends_with("/>") {
                signature[start..tag].to_owned()
            } else {
                element(signature, &name, 0).to_owned()
            }
        };
        made.extend(in_each_signature(target, &format!("{part} gone"), FORM, |signature| {
            signature.replace(&whole(signature), "")
        }));
        made.extend(in_each_signature(target, &format!("{part} twice"), FORM, |signature| {
            let one = whole(signature);
            signature.replacen(&one, &format!("{one}{one}"), 1)
        }));
        made.extend(in_each_signature(target, &format!("{part} of another namespace"), FORM, |signature| {
            let one = whole(signature);
            let other = one
                .replacen(&format!("<{name}"), &format!("<{part} xmlns=\"urn:x\""), 1)
                .replace(&format!("</{name}>"), &format!("</{part}>"));
            signature.replacen(&one, &other, 1)
        }));
    }
    let digest: &[&str] = &["saml_signature_form"];
    for (name, part, value, rules) in [
        ("no DigestValue", "DigestValue", "", digest),
        ("a short DigestValue", "DigestValue", "AAAA", digest),
        ("a DigestValue that is no base64", "DigestValue", "!!!!", digest),
        (
            "the DigestValue of nothing",
            "DigestValue",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            SIGNATURE_OR_DIGEST,
        ),
        (
            "another DigestValue",
            "DigestValue",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            SIGNATURE_OR_DIGEST,
        ),
    ] {
        made.extend(in_each_signature(target, name, rules, |signature| {
            let old = element(signature, &format!("ds:{part}"), 0);
            signature.replace(old, &format!("<ds:{part}>{value}</ds:{part}>"))
        }));
    }
    let values: [(&str, String, &'static [&'static str]); 6] = [
        ("no SignatureValue", String::new(), SIGNATURE),
        ("a SignatureValue that is no base64", "%%%%".to_owned(), FORM),
        ("a SignatureValue of zeros", "A".repeat(344), SIGNATURE),
        ("a SignatureValue of one", format!("{}AQ==", "A".repeat(340)), SIGNATURE),
        ("a SignatureValue that never ends", "A".repeat(8000), FORM),
        ("a SignatureValue of another length", "AAAA".to_owned(), SIGNATURE),
    ];
    for signature in target.signatures() {
        for (name, value, rules) in &values {
            let old = element(signature, "ds:SignatureValue", 0);
            let other = signature.replace(old, &format!("<ds:SignatureValue>{value}</ds:SignatureValue>"));
            made.push(attack(*name, target.xml.replace(signature, &other), rules));
        }
        let namespace = "xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"";
        made.push(attack(
            "an empty Signature",
            target.xml.replace(signature, &format!("<ds:Signature {namespace}/>")),
            FORM,
        ));
        made.push(attack(
            "an empty Signature beside it",
            target.xml.replace(signature, &format!("{signature}<ds:Signature {namespace}/>")),
            FORM,
        ));
        made.push(attack(
            "the Signature twice",
            target.xml.replace(signature, &format!("{signature}{signature}")),
            FORM,
        ));
        made.push(attack(
            "the Signature in itself",
            target.xml.replace(
                signature,
                &signature.replace("</ds:Signature>", &format!("{signature}</ds:Signature>")),
            ),
            FORM,
        ));
    }
    made
}

/// A good signature at a place where none belongs.
pub fn moved(target: &Target) -> Vec<Attack> {
    let mut made = Vec::new();
    for signature in target.signatures() {
        let without = target.xml.replace(signature, "");
        let own = if signature.contains("#_response1") { "<samlp:Status>" } else { "<saml:Subject>" };
        for before in [
            "<samlp:Status>",
            "</samlp:Status>",
            "<samlp:StatusCode",
            "<saml:Subject>",
            "</saml:Subject>",
            "<saml:NameID ",
            "<saml:Conditions",
            "</saml:Conditions>",
            "</saml:AttributeStatement>",
            "</saml:AttributeValue>",
        ]
        .into_iter()
        .filter(|before| *before != own)
        {
            let there = without.replacen(before, &format!("{signature}{before}"), 1);
            made.push(attack(format!("a signature before {before}"), there, FORM));
        }
        let wrapped =
            |open: &str, close: &str| target.xml.replace(signature, &format!("{open}{signature}{close}"));
        made.push(attack(
            "a signature in Extensions",
            wrapped("<samlp:Extensions>", "</samlp:Extensions>"),
            FORM,
        ));
        made.push(attack("a signature in an element", wrapped("<x>", "</x>"), FORM));
        made.push(attack("a signature in an Issuer", wrapped("<saml:Issuer>", "</saml:Issuer>"), FORM));
    }
    if let (Some(outer), Some(inner)) =
        (target.signature_of("_response1"), target.signature_of("_assertion1"))
    {
        let exchanged = target.xml.replace(outer, "\u{1}").replace(inner, outer).replace('\u{1}', inner);
        made.push(attack("both signatures exchanged", exchanged, FORM));
    }
    made
}

/// Parts of a signature where no signature is.
pub fn strewn(target: &Target) -> Vec<Attack> {
    let namespace = "xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"";
    let mut made = Vec::new();
    for part in
        ["SignedInfo", "SignatureValue", "Object", "Manifest", "SignatureProperties", "RetrievalMethod"]
    {
        for before in [
            "<samlp:Status>",
            "</samlp:Response>",
            "<saml:Subject>",
            "</saml:Assertion>",
            "</saml:AttributeValue>",
        ] {
            let there = target.xml.replacen(before, &format!("<ds:{part} {namespace}/>{before}"), 1);
            made.push(attack(format!("{part} before {before}"), there, FORM));
        }
    }
    for (name, inside) in [
        ("Object", "<ds:Object/>"),
        ("RetrievalMethod", "<ds:KeyInfo><ds:RetrievalMethod URI=\"http://127.0.0.1/\"/></ds:KeyInfo>"),
        ("Manifest", "<ds:Object><ds:Manifest/></ds:Object>"),
        ("two KeyInfos", "<ds:KeyInfo/><ds:KeyInfo/>"),
    ] {
        for signature in target.signatures() {
            let holding = signature.replace("</ds:Signature>", &format!("{inside}</ds:Signature>"));
            made.push(attack(name, target.xml.replace(signature, &holding), FORM));
        }
    }
    made
}
