//! Canonicalisation and names: what two parsers could read in two ways, and what canonicalises to nothing.

use super::{Attack, SIGNATURE, SIGNATURE_OR_DIGEST, Target, attack, element, in_each_signature};

const XML: &[&str] = &["saml_xml"];
const STRUCTURE: &[&str] = &["saml_structure"];

/// Namespaces that some parser resolves otherwise, or that make canonicalisation fail and sign nothing.
pub fn namespaces(target: &Target) -> Vec<Attack> {
    let xml = &target.xml;
    let mut made = Vec::new();
    for (name, declared) in [
        ("a relative one", "xmlns:p=\"relative/uri\""),
        ("one step up", "xmlns:p=\"../x\""),
        ("one number", "xmlns:p=\"1:x\""),
        ("one without scheme", "xmlns:p=\"//x\""),
        ("one of spaces", "xmlns:p=\"a b:c\""),
        ("one with a space", "xmlns:p=\"http://www.w3.org/2000/09 xmldsig#\""),
        ("one with a line end", "xmlns:p=\"http://www.w3.org/2000/09/\r\nxmldsig#\""),
        ("one with a letter of elsewhere", "xmlns:p=\"urn:\u{e9}\""),
        ("one with braces", "xmlns:p=\"urn:{x}\""),
        ("one with half an escape", "xmlns:p=\"urn:x%2\""),
        ("one with two fragments", "xmlns:p=\"urn:x#a#b\""),
        ("one with a port of letters", "xmlns:p=\"http://a:b/\""),
        ("one with an open bracket", "xmlns:p=\"http://[::1/\""),
        ("a prefix unbound", "xmlns:p=\"\""),
        ("xml bound", "xmlns:xml=\"urn:evil\""),
        ("xmlns bound", "xmlns:xmlns=\"urn:evil\""),
        ("that of xml", "xmlns:p=\"http://www.w3.org/XML/1998/namespace\""),
        ("that of xml, by default", "xmlns=\"http://www.w3.org/XML/1998/namespace\""),
        ("that of xmlns", "xmlns:p=\"http://www.w3.org/2000/xmlns/\""),
        ("twice", "xmlns:p=\"urn:a\" xmlns:p=\"urn:b\""),
        ("a relative one by default", "xmlns=\"x\""),
    ] {
        for tag in ["<samlp:Response ", "<saml:Assertion ", "<saml:NameID ", "<saml:Conditions "] {
            let other = xml.replacen(tag, &format!("{tag}{declared} "), 1);
            made.push(attack(format!("a namespace: {name}, on {tag}"), other, XML));
        }
        for signature in target.signatures() {
            let other = signature.replacen("<ds:Signature ", &format!("<ds:Signature {declared} "), 1);
            made.push(attack(
                format!("a namespace: {name}, on a signature"),
                xml.replace(signature, &other),
                XML,
            ));
        }
    }
    const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
    for other in [
        "urn:oasis:names:tc:SAML:1.0:assertion",
        "urn:oasis:names:tc:SAML:2.0:Assertion",
        "urn:oasis:names:tc:SAML:2.0:assertion#",
        "urn:oasis:names:tc:SAML:2.0:assertion ",
    ] {
        let elsewhere = xml.replace(SAML, other);
        made.push(attack(
            format!("SAML's namespace as {other:?}"),
            elsewhere,
            &["saml_assertion", "saml_unsigned", "saml_signature_form", "saml_xml"],
        ));
    }
    let protocol = xml.replace("SAML:2.0:protocol", "SAML:1.1:protocol");
    made.push(attack("another protocol", protocol, STRUCTURE));
    made.push(attack("another case of the root", xml.replace("samlp:Response", "samlp:response"), STRUCTURE));
    made.push(attack("another root", xml.replace("samlp:Response", "samlp:LogoutResponse"), STRUCTURE));
    made.push(attack("the assertion alone", target.assertion(), STRUCTURE));
    made
}

/// Ids: one each, the document's only ones, whatever they are called.
pub fn ids(target: &Target) -> Vec<Attack> {
    let xml = &target.xml;
    let mut made = Vec::new();
    for id in ["_assertion1", "_response1"] {
        for name in ["ID", "Id", "id", "AssertionID"] {
            for tag in [
                "<saml:Subject",
                "<saml:Conditions",
                "<samlp:Status",
                "<saml:AttributeValue",
                "<ds:Signature",
                "<ds:Reference",
                "<ds:SignatureValue",
            ] {
                let other = xml.replacen(tag, &format!("{tag} {name}=\"{id}\""), 1);
                made.push(attack(format!("{id} again as {name} of {tag}"), other, STRUCTURE));
            }
        }
    }
    for (name, from, to) in [
        ("two ids on one element", "ID=\"_assertion1\"", "ID=\"_assertion1\" Id=\"_other\""),
        ("an id in small letters first", "ID=\"_assertion1\"", "id=\"_evil\" ID=\"_assertion1\""),
        ("xml:id", "<saml:Subject>", "<saml:Subject xml:id=\"_x\">"),
        ("xml:id of the assertion", "<saml:Subject>", "<saml:Subject xml:id=\"_assertion1\">"),
        ("xml:id beside", "ID=\"_assertion1\"", "ID=\"_assertion1\" xml:id=\"_assertion1\""),
        ("no id but an empty one", "ID=\"_response1\"", "ID=\"\""),
        ("an id of spaces", "ID=\"_assertion1\"", "ID=\" _assertion1 \""),
        ("a line end behind an id", "ID=\"_assertion1\"", "ID=\"_assertion1&#10;\""),
        ("the ids of both the same", "ID=\"_response1\"", "ID=\"_assertion1\""),
    ] {
        made.push(attack(name, xml.replacen(from, to, 1), STRUCTURE));
    }
    let long = xml.replacen("ID=\"_response1\"", &format!("ID=\"{}\"", "x".repeat(1025)), 1);
    made.push(attack("an id without end", long, STRUCTURE));
    made
}

/// What is signed says something else in another canonical form, or nothing at all.
pub fn signed_forms(target: &Target) -> Vec<Attack> {
    const CHANGED: &[&str] = &["saml_digest"];
    let xml = &target.xml;
    let mut made = Vec::new();
    // The provider itself signs the digest of nothing: what a failing canonicalisation leaves.
    made.extend(in_each_signature(target, "the digest of nothing", SIGNATURE_OR_DIGEST, |signature| {
        let old = element(signature, "ds:DigestValue", 0);
        signature
            .replace(old, "<ds:DigestValue>47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</ds:DigestValue>")
    }));
    let list = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"><ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"samlp saml #default\"/></ds:Transform></ds:Transforms>";
    let plain = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms>";
    for signature in target.signatures() {
        let other = signature.replace(plain, list);
        made.push(attack("a prefix list that was not signed", xml.replace(signature, &other), SIGNATURE));
    }
    // Changes inside of what is signed, each of which a sloppy canonicalisation does not see.
    for (name, from, to) in [
        ("xml:lang", "<saml:Subject>", "<saml:Subject xml:lang=\"en\">"),
        ("xml:space", "<saml:NameID ", "<saml:NameID xml:space=\"preserve\" "),
        ("xml:base", "<saml:Assertion ", "<saml:Assertion xml:base=\"http://evil.example/\" "),
        ("a space in a text", "user@example.com</saml:NameID>", "user@example.com </saml:NameID>"),
        ("a line end in a text", "user@example.com</saml:NameID>", "user@example.com\n</saml:NameID>"),
        ("a space between elements", "<saml:Conditions", " <saml:Conditions"),
        ("a carriage return", "user@example.com</saml:NameID>", "user@example.com&#13;</saml:NameID>"),
        (
            "a character like another",
            "user@example.com</saml:NameID>",
            "us\u{435}r@example.com</saml:NameID>",
        ),
        ("a character of two", "user@example.com</saml:NameID>", "u\u{301}ser@example.com</saml:NameID>"),
        (
            "an empty element in a text",
            "user@example.com</saml:NameID>",
            "user@example.com<x/></saml:NameID>",
        ),
        (
            "another prefix",
            "<saml:Subject>",
            "<saml:Subject xmlns:saml=\"urn:x\"><x xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"/>",
        ),
        ("an attribute in a namespace", "SessionIndex=\"s1\"", "xmlns:p=\"urn:p\" p:SessionIndex=\"s1\""),
        (
            "an attribute more",
            "SessionIndex=\"s1\"",
            "SessionIndex=\"s1\" SessionNotOnOrAfter=\"2030-01-01T00:00:00Z\"",
        ),
        ("an attribute less", " SPNameQualifier=\"q\"", ""),
        (
            "an element of no namespace",
            "<saml:AttributeValue>a</saml:AttributeValue>",
            "<AttributeValue xmlns=\"\">a</AttributeValue>",
        ),
        (
            "a default namespace where one is used",
            "<saml:AttributeValue>a</saml:AttributeValue>",
            "<AttributeValue xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\">a</AttributeValue>",
        ),
        (
            "another prefix of the same namespace",
            "<saml:AttributeValue>a</saml:AttributeValue>",
            "<s:AttributeValue xmlns:s=\"urn:oasis:names:tc:SAML:2.0:assertion\">a</s:AttributeValue>",
        ),
        (
            "elements exchanged",
            "<saml:AttributeValue>a</saml:AttributeValue><saml:AttributeValue>b</saml:AttributeValue>",
            "<saml:AttributeValue>b</saml:AttributeValue><saml:AttributeValue>a</saml:AttributeValue>",
        ),
        (
            "white space of a value",
            "NotBefore=\"2026-11-21T11:55:00Z\"",
            "NotBefore=\"2026-11-21T11:55:00Z\n\"",
        ),
        (
            "a reference in a value",
            "NotBefore=\"2026-11-21T11:55:00Z\"",
            "NotBefore=\"2026-11-21T11:55:00Z&#10;\"",
        ),
    ] {
        assert!(xml.contains(from), "{name}");
        made.push(attack(format!("changed in the signed part: {name}"), xml.replacen(from, to, 1), CHANGED));
    }
    made
}
