//! Key confusion: signatures that verify, with a key that is not the provider's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Attack, SIGNATURE, Target, attack, element, evil_assertion, in_each_signature, resigned};
use crate::saml_idp::{Answer, ECDSA_SHA256, RSA_SHA256, ec_key, evil_key, good_key};

fn key_infos() -> Vec<String> {
    let (own, honest) = (STANDARD.encode(&evil_key().certificate), STANDARD.encode(&good_key().certificate));
    let x509 = |certificate: &str| {
        format!("<ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>")
    };
    [
        String::new(),
        x509(&own),
        x509(&honest),
        format!("{}{}", x509(&own), x509(&honest)),
        format!("{}{}", x509(&honest), x509(&own)),
        "<ds:KeyName>idp.example</ds:KeyName>".to_owned(),
        "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>AQ==</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>".to_owned(),
    ]
    .into_iter()
    .map(|inside| if inside.is_empty() { inside } else { format!("<ds:KeyInfo>{inside}</ds:KeyInfo>") })
    .collect()
}

/// The attacker signs with a key of its own and brings it along.
pub fn own_key(target: &Target) -> Vec<Attack> {
    let mut made = Vec::new();
    for (at, key_info) in key_infos().into_iter().enumerate() {
        let answer = Answer { key_info, ..target.answer.clone() };
        made.push(attack(
            format!("signed by a stranger, KeyInfo {at}"),
            answer.signed_by(evil_key()),
            SIGNATURE,
        ));
        let forged = Answer { subject: "<saml:NameID>admin@example.com</saml:NameID>".to_owned(), ..answer };
        made.push(attack(
            format!("forged by a stranger, KeyInfo {at}"),
            forged.signed_by(evil_key()),
            SIGNATURE,
        ));
    }
    // One honest signature does not carry the other.
    let half =
        Answer { sign_response: false, sign_assertion: true, ..target.answer.clone() }.signed_by(evil_key());
    let own = crate::saml_idp::template("_response1", RSA_SHA256, "");
    let outer = half.replacen("</saml:Issuer>", &format!("</saml:Issuer>{own}"), 1);
    made.push(attack(
        "a good Response around a bad assertion",
        crate::saml_idp::sign(&outer, &good_key().pem),
        SIGNATURE,
    ));
    let half = Answer { sign_response: false, sign_assertion: true, ..target.answer.clone() }.xml();
    let outer = half.replacen("</saml:Issuer>", &format!("</saml:Issuer>{own}"), 1);
    made.push(attack(
        "a bad Response around a good assertion",
        crate::saml_idp::sign(&outer, &evil_key().pem),
        SIGNATURE,
    ));
    made
}

/// Another algorithm than the key's, and signatures that some implementations take for anything.
pub fn other_algorithm(target: &Target) -> Vec<Attack> {
    let mut made = in_each_signature(target, "an RSA signature called ECDSA", SIGNATURE, |signature| {
        signature.replace(RSA_SHA256, ECDSA_SHA256)
    });
    for (name, value) in [
        ("zero", vec![0; 64]),
        ("one", [vec![0; 31], vec![1], vec![0; 31], vec![1]].concat()),
        ("nothing", Vec::new()),
    ] {
        made.extend(in_each_signature(
            target,
            &format!("an ECDSA signature of {name}"),
            SIGNATURE,
            |signature| {
                let old = element(signature, "ds:SignatureValue", 0);
                let other = format!("<ds:SignatureValue>{}</ds:SignatureValue>", STANDARD.encode(&value));
                signature.replace(RSA_SHA256, ECDSA_SHA256).replace(old, &other)
            },
        ));
    }
    for method in ["rsa-sha384", "rsa-sha512", "ecdsa-sha384"] {
        made.extend(in_each_signature(
            target,
            &format!("a signature called {method}"),
            SIGNATURE,
            |signature| {
                signature.replace(RSA_SHA256, &format!("http://www.w3.org/2001/04/xmldsig-more#{method}"))
            },
        ));
    }
    let ec = Answer { method: ECDSA_SHA256, ..target.answer.clone() }.signed_by(ec_key());
    made.push(attack("an ECDSA signature called RSA", ec.replace(ECDSA_SHA256, RSA_SHA256), SIGNATURE));
    made
}

/// An HMAC whose key everybody knows: the provider's certificate.
pub fn hmac_with_the_certificate(target: &Target) -> Vec<Attack> {
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(&good_key().certificate)
    );
    let mut made = Vec::new();
    for secret in [good_key().certificate.clone(), pem.into_bytes()] {
        for signature in target.signatures() {
            let method = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
            let info = element(signature, "ds:SignedInfo", 0).replace(RSA_SHA256, method);
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
            let tag = aws_lc_rs::hmac::sign(&key, super::spelled_out(&info).as_bytes());
            let value = format!("<ds:SignatureValue>{}</ds:SignatureValue>", STANDARD.encode(tag.as_ref()));
            let own = signature
                .replace(element(signature, "ds:SignedInfo", 0), &info)
                .replace(element(signature, "ds:SignatureValue", 0), &value);
            made.push(attack(
                "an HMAC with the certificate",
                target.xml.replace(signature, &own),
                &["saml_algorithm"],
            ));
        }
    }
    made
}

/// A stranger's signature over an honest digest, and the provider's over a stranger's content.
pub fn digest_and_signature_are_both_checked(target: &Target) -> Vec<Attack> {
    let mut made = Vec::new();
    for signature in target.signatures() {
        let own = resigned(signature, evil_key());
        made.push(attack(
            "an honest digest, a stranger's signature",
            target.xml.replace(signature, &own),
            SIGNATURE,
        ));
        // What the provider says is a forged assertion, with a signature that is its own.
        let anew = resigned(signature, good_key());
        let same = target.xml.replace(signature, &anew);
        let forged = super::carrying(
            &evil_assertion(Some("_assertion1")),
            target.signature_of("_assertion1").unwrap_or_default(),
        );
        let content = element(&same, "saml:Assertion", 0).to_owned();
        made.push(attack(
            "a stranger's content, an honest signature",
            same.replace(&content, &forged),
            &["saml_digest"],
        ));
    }
    made
}
