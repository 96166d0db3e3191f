//! SignedInfo of another form: references, transforms, canonicalisation. Each once as it is, once signed anew
//! by the provider's own key: it is the form that is refused, not only a signature that no longer fits.

use super::{Attack, Target, element, in_each_signature};

const FORM: &[&str] = &["saml_signature_form"];
const ALGORITHM: &[&str] = &["saml_algorithm"];
const EITHER: &[&str] = &["saml_signature_form", "saml_algorithm"];

const ENVELOPED: &str = "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>";
const EXCLUSIVE: &str = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";

fn transform(algorithm: &str) -> String {
    format!("<ds:Transform Algorithm=\"{algorithm}\"/>")
}

fn uri(signature: &str) -> String {
    let from = signature.find("URI=\"").unwrap();
    let length = 6 + signature[from + 5..].find('"').unwrap();
    signature[from..from + length].to_owned()
}

/// What a Reference may point to.
pub fn references(target: &Target) -> Vec<Attack> {
    let mut made = Vec::new();
    for other in [
        "",
        "#",
        "_assertion1",
        "#_nowhere",
        "#_ASSERTION1",
        "#_assertion1#_response1",
        "#_assertion1 ",
        " #_assertion1",
        "%23_assertion1",
        "#xpointer(/)",
        "#xpointer(id('_assertion1'))",
        "#xpointer(id('_response1'))",
        "#element(/1)",
        "http://127.0.0.1:1/",
        "https://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "cid:x",
        "data:,x",
    ] {
        made.extend(in_each_signature(target, &format!("a Reference to {other:?}"), FORM, |signature| {
            signature.replace(&uri(signature), &format!("URI=\"{other}\""))
        }));
    }
    made.extend(in_each_signature(target, "a Reference without URI", FORM, |signature| {
        signature.replace(&format!(" {}", uri(signature)), "")
    }));
    made.extend(in_each_signature(
        target,
        "a Reference with an attribute of another name",
        FORM,
        |signature| signature.replace("URI=", "Uri="),
    ));
    for (name, other) in [
        ("a second Reference", "#_response1"),
        ("a second Reference to the assertion", "#_assertion1"),
        ("a second Reference to nothing", ""),
    ] {
        made.extend(in_each_signature(target, name, FORM, |signature| {
            let one = element(signature, "ds:Reference", 0);
            let two = one.replace(&uri(one), &format!("URI=\"{other}\""));
            signature.replace(one, &format!("{one}{two}"))
        }));
        made.extend(in_each_signature(target, &format!("{name}, first"), FORM, |signature| {
            let one = element(signature, "ds:Reference", 0);
            let two = one.replace(&uri(one), &format!("URI=\"{other}\""));
            signature.replace(one, &format!("{two}{one}"))
        }));
    }
    made.extend(in_each_signature(target, "the Reference of the other element", FORM, |signature| {
        let other = if signature.contains("#_response1") { "#_assertion1" } else { "#_response1" };
        signature.replace(&uri(signature), &format!("URI=\"{other}\""))
    }));
    made
}

/// Several SignedInfo, in every order (CVE-2025-29774).
pub fn several_signed_infos(target: &Target) -> Vec<Attack> {
    let mut made = Vec::new();
    for (name, before) in [("a second SignedInfo", false), ("a SignedInfo first", true)] {
        for place in ["SignedInfo", "SignatureValue", "end"] {
            made.extend(in_each_signature(target, &format!("{name} by {place}"), FORM, |signature| {
                let one = element(signature, "ds:SignedInfo", 0);
                let digest = element(signature, "ds:DigestValue", 0);
                let two = one.replace(
                    digest,
                    "<ds:DigestValue>AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</ds:DigestValue>",
                );
                match (place, before) {
                    ("SignedInfo", true) => signature.replace(one, &format!("{two}{one}")),
                    ("SignedInfo", false) => signature.replace(one, &format!("{one}{two}")),
                    ("SignatureValue", true) => {
                        signature.replace("<ds:SignatureValue>", &format!("{two}<ds:SignatureValue>"))
                    }
                    ("SignatureValue", false) => {
                        signature.replace("</ds:SignatureValue>", &format!("</ds:SignatureValue>{two}"))
                    }
                    (_, true) => signature.replace(one, &format!("<ds:Object>{two}</ds:Object>{one}")),
                    _ => signature.replace(
                        "</ds:Signature>",
                        &format!("<ds:KeyInfo>{two}</ds:KeyInfo></ds:Signature>"),
                    ),
                }
            }));
        }
    }
    made
}

/// Transforms: two and only two.
pub fn transforms(target: &Target) -> Vec<Attack> {
    let pair = format!("{ENVELOPED}{EXCLUSIVE}");
    let xpath = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>count(//. | //@* | //namespace::*)</ds:XPath></ds:Transform>";
    let filter = "<ds:Transform Algorithm=\"http://www.w3.org/2002/06/xmldsig-filter2\"><f:XPath xmlns:f=\"http://www.w3.org/2002/06/xmldsig-filter2\" Filter=\"subtract\">/</f:XPath></ds:Transform>";
    let sheet = "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"><x:stylesheet xmlns:x=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\"><x:template match=\"/\">x</x:template></x:stylesheet></ds:Transform>";
    let base64 = transform("http://www.w3.org/2000/09/xmldsig#base64");
    let inclusive = transform("http://www.w3.org/TR/2001/REC-xml-c14n-20010315");
    let inclusive11 = transform("http://www.w3.org/2006/12/xml-c14n11");
    let comments = transform("http://www.w3.org/2001/10/xml-exc-c14n#WithComments");
    let empty = transform("");
    let mut made = Vec::new();
    for (name, other) in [
        ("no transform", String::new()),
        ("enveloped alone", ENVELOPED.to_owned()),
        ("exclusive alone", EXCLUSIVE.to_owned()),
        ("in the other order", format!("{EXCLUSIVE}{ENVELOPED}")),
        ("enveloped twice", format!("{ENVELOPED}{ENVELOPED}")),
        ("exclusive twice", format!("{EXCLUSIVE}{EXCLUSIVE}")),
        ("three", format!("{pair}{EXCLUSIVE}")),
        ("an XPath first", format!("{xpath}{pair}")),
        ("an XPath between", format!("{ENVELOPED}{xpath}{EXCLUSIVE}")),
        ("an XPath last", format!("{pair}{xpath}")),
        ("an XPath for the first", format!("{xpath}{EXCLUSIVE}")),
        ("an XPath for the second", format!("{ENVELOPED}{xpath}")),
        ("a filter", format!("{filter}{EXCLUSIVE}")),
        ("a filter more", format!("{pair}{filter}")),
        ("a style sheet first", format!("{sheet}{pair}")),
        ("a style sheet for the first", format!("{sheet}{EXCLUSIVE}")),
        ("a style sheet for the second", format!("{ENVELOPED}{sheet}")),
        ("a style sheet last", format!("{pair}{sheet}")),
        ("base64 for the first", format!("{base64}{EXCLUSIVE}")),
        ("base64 for the second", format!("{ENVELOPED}{base64}")),
        ("base64 last", format!("{pair}{base64}")),
        ("C14N 1.0", format!("{ENVELOPED}{inclusive}")),
        ("C14N 1.1", format!("{ENVELOPED}{inclusive11}")),
        ("C14N 1.0 more", format!("{pair}{inclusive}")),
        ("comments kept", format!("{ENVELOPED}{comments}")),
        ("no algorithm", format!("{ENVELOPED}{empty}")),
        ("something between", format!("{ENVELOPED}<ds:X/>{EXCLUSIVE}")),
        ("the pair in another Transforms", format!("<ds:Transforms>{pair}</ds:Transforms>")),
    ] {
        made.extend(in_each_signature(target, &format!("transforms: {name}"), EITHER, |signature| {
            signature.replace(&pair, &other)
        }));
    }
    for (name, list) in [
        (
            "two lists",
            "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"a\"/><ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"b\"/>",
        ),
        ("a list of another namespace", "<ec:InclusiveNamespaces xmlns:ec=\"urn:x\" PrefixList=\"a\"/>"),
        (
            "something in a list",
            "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"a\"><ec:x/></ec:InclusiveNamespaces>",
        ),
        ("a style sheet for a list", "<x:stylesheet xmlns:x=\"http://www.w3.org/1999/XSL/Transform\"/>"),
    ] {
        let held = format!(
            "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">{list}</ds:Transform>"
        );
        made.extend(in_each_signature(target, name, FORM, |signature| signature.replace(EXCLUSIVE, &held)));
        let held = format!(
            "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\">{list}</ds:Transform>"
        );
        made.extend(in_each_signature(target, &format!("{name}, in the first"), FORM, |signature| {
            signature.replace(ENVELOPED, &held)
        }));
    }
    made
}

/// Algorithms outside the list, and parameters of those inside.
pub fn algorithms(target: &Target) -> Vec<Attack> {
    const RSA: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
    let mut made = Vec::new();
    for method in [
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha512",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1",
        "http://www.w3.org/2009/xmldsig11#dsa-sha256",
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha224",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-ripemd160",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        "http://www.w3.org/2007/05/xmldsig-more#rsa-pss",
        "http://www.w3.org/2001/04/xmldsig-more#RSA-SHA256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256 ",
        "none",
        "",
    ] {
        made.extend(in_each_signature(target, &format!("method {method:?}"), ALGORITHM, |signature| {
            signature.replace(RSA, method)
        }));
    }
    for digest in [
        "http://www.w3.org/2000/09/xmldsig#sha1",
        "http://www.w3.org/2001/04/xmldsig-more#md5",
        "http://www.w3.org/2001/04/xmldsig-more#sha224",
        "http://www.w3.org/2001/04/xmlenc#ripemd160",
        "",
    ] {
        made.extend(in_each_signature(target, &format!("digest {digest:?}"), ALGORITHM, |signature| {
            signature.replace(SHA256, digest)
        }));
    }
    for canonical in [
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "urn:none",
        "",
    ] {
        made.extend(in_each_signature(
            target,
            &format!("canonicalisation {canonical:?}"),
            ALGORITHM,
            |signature| {
                signature.replace(
                    "Method Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"",
                    &format!("Method Algorithm=\"{canonical}\""),
                )
            },
        ));
    }
    for (name, from, to) in [
        (
            "a truncated HMAC",
            "rsa-sha256\"/>",
            "rsa-sha256\"><ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>",
        ),
        ("a parameter of the digest", "xmlenc#sha256\"/>", "xmlenc#sha256\"><x/></ds:DigestMethod>"),
    ] {
        made.extend(in_each_signature(target, name, FORM, |signature| signature.replace(from, to)));
    }
    made
}
