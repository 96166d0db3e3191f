//! Two engines, one verdict: libxmlsec1 beside the engine of every build.
#![cfg(feature = "samael")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod saml_idp;

use std::net::TcpListener;
use std::sync::Arc;

use poolgate_providers::saml::engine::{BothEngines, SamaelEngine, Signed};
use poolgate_providers::saml::gate::{self, Gated, Policy, Root};
use poolgate_providers::saml::keys::VerifyKey;
use poolgate_providers::saml::{Engines, Refusal, RustEngine, SignedXml};
use saml_idp::{
    Answer, ECDSA_SHA256, IDP, Key, NOW, RSA_SHA256, ec_key, evil_key, finish, good_key, metadata_of,
    refused, sign, template,
};

const MORE: &str = "http://www.w3.org/2001/04/xmldsig-more#";

fn made(pair: &rcgen::KeyPair) -> Key {
    let params = rcgen::CertificateParams::new(vec!["idp.example".to_owned()]).unwrap();
    Key { pem: pair.serialize_pem(), certificate: params.self_signed(pair).unwrap().der().to_vec() }
}

fn keys(of: &[&Key]) -> Vec<VerifyKey> {
    metadata_of(IDP, &of.iter().map(|key| key.certificate.as_slice()).collect::<Vec<_>>()).keys
}

/// The three positions that signatures have.
fn positions() -> [(&'static str, bool, bool); 3] {
    [("assertion", false, true), ("response", true, false), ("both", true, true)]
}

/// A change of form, made before anything is signed.
type Change = dyn Fn(&str) -> String;

/// A Response signed at `position`, after `change` was made to its text and to its signatures.
fn formed(position: (bool, bool), method: &str, inner: &Key, outer: &Key, change: &Change) -> String {
    let answer = Answer::default();
    let own = if position.1 { template("_assertion1", method, "") } else { String::new() };
    let mut xml = change(&answer.around("", &answer.assertion(&own)));
    if position.1 {
        xml = sign(&xml, &inner.pem);
    }
    if position.0 {
        // The first end tag is the Issuer's.
        let end = xml.find("</").unwrap();
        let end = end + xml[end..].find('>').unwrap() + 1;
        xml.insert_str(end, &change(&template("_response1", method, "")));
        xml = sign(&xml, &outer.pem);
    }
    xml
}

/// What both engines say; they must say the same.
fn judged(xml: &str, keys: &[VerifyKey]) -> Result<Signed, Refusal> {
    let policy = Policy { allow_sha1: true };
    let gated = gate::admit(xml, Root::Response, policy)?;
    let rust = RustEngine.verify(&gated, keys, policy, NOW);
    let other = SamaelEngine.verify(&gated, keys, policy, NOW);
    match (&rust, &other) {
        (Ok(one), Ok(two)) => assert_eq!(one, two, "{xml}"),
        (Err(_), Err(_)) => {}
        _ => panic!("rust: {rust:?}\nlibxmlsec1: {other:?}\n{xml}"),
    }
    rust
}

/// Ways to write the same things, as providers do.
fn dialects() -> Vec<(&'static str, Box<Change>)> {
    const P: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
    const A: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
    let listed = |prefixes: &'static str| {
        move |xml: &str| {
            let transform = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#;
            let list = format!(
                r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="{prefixes}"/></ds:Transform>"#
            );
            xml.replace(transform, &list).replace(
                "ID=\"_response1\"",
                "xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:unused=\"urn:unused\" ID=\"_response1\"",
            )
            .replace("<saml:AttributeValue>", "<saml:AttributeValue xsi:type=\"xs:string\">")
        }
    };
    vec![
        ("plain", Box::new(str::to_owned)),
        ("a prefix list", Box::new(listed("xs"))),
        ("a longer prefix list", Box::new(listed("xs xsi saml #default unused nowhere"))),
        ("a prefix list of nothing", Box::new(listed(""))),
        (
            "a prefix list of SignedInfo",
            Box::new(|xml| {
                xml.replace(
                    r#"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#,
                    r#"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="saml samlp xs"/></ds:CanonicalizationMethod>"#,
                )
            }),
        ),
        (
            "default namespaces",
            Box::new(|xml| {
                xml.replace(
                    &format!("samlp:Response xmlns:samlp=\"{P}\" xmlns:saml=\"{A}\""),
                    &format!("Response xmlns=\"{P}\""),
                )
                .replace("xmlns:ds=", "xmlns=")
                .replace("saml:Assertion xmlns:saml=", "Assertion xmlns=")
                .replace("<saml:Issuer>", &format!("<Issuer xmlns=\"{A}\">"))
                .replace("samlp:", "")
                .replace("saml:", "")
                .replace("ds:", "")
            }),
        ),
        (
            "other prefixes",
            Box::new(|xml| {
                xml.replace("saml:", "a-1.b:")
                    .replace(":saml=", ":a-1.b=")
                    .replace("samlp", "saml2p")
                    .replace("ds:", "dsig:")
                    .replace(":ds=", ":dsig=")
            }),
        ),
        (
            "no namespace inside",
            Box::new(|xml| {
                xml.replace(
                    "<saml:AttributeValue>a<",
                    "<saml:AttributeValue><x xmlns=\"urn:x\"><y xmlns=\"\">a</y></x><",
                )
            }),
        ),
        (
            "declarations in odd places",
            Box::new(|xml| {
                xml.replace("<saml:Subject>", "<saml:Subject xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" xmlns:n=\"urn:n\" xmlns=\"urn:d\">")
                    .replace("<saml:Audience>", "<saml:Audience xmlns:n=\"urn:other\" xmlns:z=\"urn:z\">")
                    .replace("<saml:AttributeStatement>", "<saml:AttributeStatement xmlns:z=\"urn:z\" xmlns:b=\"urn:b\" z:q=\"1\" b:q=\"2\" a=\"3\">")
            }),
        ),
        (
            "the xml prefix",
            Box::new(|xml| {
                xml.replace(
                    "<saml:AttributeValue>",
                    "<saml:AttributeValue xml:lang=\"de\" xml:space=\"preserve\">",
                )
            }),
        ),
        (
            "inherited xml attributes",
            Box::new(|xml| {
                xml.replace(
                    "ID=\"_response1\"",
                    "xml:lang=\"en\" xml:base=\"http://a.example/\" ID=\"_response1\"",
                )
            }),
        ),
        (
            "text of every kind",
            Box::new(|xml| {
                xml.replace(
                    ">a</",
                    "> \t\n J\u{f6}rg \u{1f600} &amp; &lt;x&gt; &quot;&apos; &#65;&#x1F600;&#13;&#9; </",
                )
            }),
        ),
        ("line ends", Box::new(|xml| xml.replace(">a</", ">a\r\nb\rc</").replace("><", ">\r\n<"))),
        ("single quotes", Box::new(|xml| xml.replace('"', "'"))),
        (
            "laid out",
            Box::new(|xml| {
                xml.replace("><", ">\n    <").replace(" ID=", "\n      ID=").replace("\"/>", "\" />")
            }),
        ),
        (
            "attributes in another order",
            Box::new(|xml| {
                xml.replace("ID=\"_assertion1\" Version=\"2.0\"", "Version=\"2.0\" ID=\"_assertion1\"")
            }),
        ),
        (
            "empty elements in two tags",
            Box::new(|xml| xml.replace("xmlenc#sha256\"/>", "xmlenc#sha256\"></ds:DigestMethod>")),
        ),
        (
            "a prefix bound anew",
            Box::new(|xml| {
                xml.replace("<saml:AttributeValue>a<", "<saml:AttributeValue><saml:x xmlns:saml=\"urn:x\"><saml:y xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">a</saml:y></saml:x><")
            }),
        ),
        ("algorithms with more bits", Box::new(|xml| xml.replace("xmlenc#sha256", "xmlenc#sha512"))),
        (
            "SHA-384",
            Box::new(|xml| {
                xml.replace(
                    "http://www.w3.org/2001/04/xmlenc#sha256",
                    "http://www.w3.org/2001/04/xmldsig-more#sha384",
                )
            }),
        ),
        (
            "SHA-1",
            Box::new(|xml| {
                xml.replace(
                    "http://www.w3.org/2001/04/xmlenc#sha256",
                    "http://www.w3.org/2000/09/xmldsig#sha1",
                )
            }),
        ),
    ]
}

#[test]
fn both_engines_read_the_same_bytes_in_every_valid_form() {
    let known = keys(&[good_key()]);
    let mut wrong = Vec::new();
    for (position, response, assertion) in positions() {
        for (dialect, change) in dialects() {
            let xml = formed((response, assertion), RSA_SHA256, good_key(), good_key(), &change);
            match judged(&xml, &known) {
                Ok(signed)
                    if (signed.root.is_some(), signed.assertion.is_some()) == (response, assertion) => {}
                other => wrong.push(format!("{position}, {dialect}: {other:?}\n{xml}")),
            }
            for kept in ["user@example.com</", "<"] {
                let other = xml.replacen(kept, &format!("{kept}!"), 1);
                assert!(judged(&other, &known).is_err(), "{position}, {dialect}");
            }
            let other = xml.replace("user@example.com", "admin@example.com");
            assert!(judged(&other, &known).is_err(), "{position}, {dialect}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_signature_that_comes_last_is_read_alike() {
    let answer = Answer::default();
    let own = template("_assertion1", RSA_SHA256, "");
    let last = answer.assertion("").replace("</saml:Assertion>", &format!("{own}</saml:Assertion>"));
    let inner = sign(&answer.around("", &last), &good_key().pem);
    assert!(judged(&inner, &keys(&[good_key()])).unwrap().assertion.is_some());
    let outer = template("_response1", RSA_SHA256, "");
    let whole = answer
        .around("", &answer.assertion(""))
        .replace("</samlp:Response>", &format!("{outer}</samlp:Response>"));
    let whole = sign(&whole, &good_key().pem);
    assert!(judged(&whole, &keys(&[good_key()])).unwrap().root.is_some());
}

/// XML 1.0 sections 2.11 and 3.3.3: an attribute value holds no line end or tab but as a reference, and what
/// is signed is the value so normalised.
#[test]
fn white_space_in_attribute_values_is_normalised_before_it_is_digested() {
    for (position, response, assertion) in positions() {
        let xml = formed((response, assertion), RSA_SHA256, good_key(), good_key(), &|xml| {
            let spaced = "Version=\"2.0\" Consent=\"a b c  d > &#9;&#10;&#13;'\"";
            xml.replace("Version=\"2.0\"", spaced).replace("><", ">\r\n<")
        });
        let known = keys(&[good_key()]);
        let bytes = judged(&xml, &known).unwrap();
        for value in ["a\tb\nc\r\n d", "a\rb\nc\t\td", "a\nb\nc\n\rd"] {
            let other = xml.replace("a b c  d", value).replace("ID=\"_", "\r\n\tID=\"_");
            assert_ne!(other, xml);
            assert_eq!(judged(&other, &known).unwrap(), bytes, "{position}: {value:?}");
        }
        for value in ["a b c d", "a b c\r\nd", "a b c   d", "a b c&#10; d"] {
            assert!(judged(&xml.replace("a b c  d", value), &known).is_err(), "{position}: {value:?}");
        }
    }
}

#[test]
fn both_engines_take_the_same_algorithms_and_keys() {
    let p384 = made(&rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap());
    let rsa3072 =
        made(&rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_3072).unwrap());
    let (rsa, ec, old) = (good_key(), ec_key(), evil_key());
    let cases: [(&Key, String, Vec<&Key>, bool); 15] = [
        (rsa, RSA_SHA256.to_owned(), vec![rsa], true),
        (rsa, format!("{MORE}rsa-sha384"), vec![rsa], true),
        (rsa, format!("{MORE}rsa-sha512"), vec![rsa], true),
        (ec, ECDSA_SHA256.to_owned(), vec![ec], true),
        (&p384, format!("{MORE}ecdsa-sha384"), vec![&p384], true),
        // The order in which samael alone fails.
        (rsa, RSA_SHA256.to_owned(), vec![ec, &p384, rsa], true),
        (ec, ECDSA_SHA256.to_owned(), vec![rsa, &p384, ec], true),
        (rsa, RSA_SHA256.to_owned(), vec![old, rsa], true),
        (rsa, RSA_SHA256.to_owned(), vec![&rsa3072, old, rsa], true),
        (&rsa3072, RSA_SHA256.to_owned(), vec![old, rsa, &rsa3072], true),
        (rsa, RSA_SHA256.to_owned(), vec![old], false),
        (rsa, RSA_SHA256.to_owned(), vec![ec], false),
        (ec, ECDSA_SHA256.to_owned(), vec![rsa], false),
        (ec, ECDSA_SHA256.to_owned(), vec![&p384], false),
        (&rsa3072, RSA_SHA256.to_owned(), vec![rsa, ec], false),
    ];
    for (position, response, assertion) in positions() {
        for (at, (key, method, known, good)) in cases.iter().enumerate() {
            let xml = formed((response, assertion), method, key, key, &|xml| xml.to_owned());
            let outcome = judged(&xml, &keys(known));
            assert_eq!(outcome.is_ok(), *good, "{position}, case {at}: {outcome:?}");
        }
        let mixed = formed((response, assertion), RSA_SHA256, rsa, old, &|xml| xml.to_owned());
        assert!(judged(&mixed, &keys(&[ec, old, rsa])).is_ok(), "{position}: two keys of one provider");
    }
}

#[test]
fn a_p256_key_signs_with_nothing_but_sha_256() {
    let xml = formed((false, true), ECDSA_SHA256, ec_key(), ec_key(), &|xml| xml.to_owned());
    for hash in ["ecdsa-sha384", "ecdsa-sha512", "rsa-sha256"] {
        let other = xml.replace(ECDSA_SHA256, &format!("{MORE}{hash}"));
        assert_eq!(judged(&other, &keys(&[ec_key(), good_key()])).unwrap_err().check, "saml_unknown_key");
    }
}

#[test]
fn certificates_out_of_their_time_count_for_neither_engine() {
    let xml = Answer::default().xml();
    let policy = Policy::default();
    let gated = gate::admit(&xml, Root::Response, policy).unwrap();
    let mut known = keys(&[good_key(), evil_key()]);
    let engines: [&dyn SignedXml; 2] = [&RustEngine, &SamaelEngine];
    for engine in engines {
        assert!(engine.verify(&gated, &known, policy, NOW).is_ok());
        assert_eq!(engine.verify(&gated, &[], policy, NOW).unwrap_err().check, "saml_certificate");
    }
    known[0].not_after = NOW - time::Duration::SECOND;
    for (engine, check) in engines.into_iter().zip(["saml_unknown_key", "saml_signature"]) {
        assert_eq!(engine.verify(&gated, &known, policy, NOW).unwrap_err().check, check);
    }
    known[1].not_before = NOW + time::Duration::SECOND;
    for engine in engines {
        assert_eq!(engine.verify(&gated, &known, policy, NOW).unwrap_err().check, "saml_certificate");
    }
}

/// What the specifications allow, [`RustEngine`] accepts, and libxmlsec1 or samael does not: with both
/// engines it is refused, under the name of the disagreement. Nothing is accepted by libxmlsec1 alone.
#[test]
fn by_design_the_second_engine_refuses_two_things_more() {
    let rust = |xml: &str, known: &[VerifyKey]| {
        let gated = gate::admit(xml, Root::Response, Policy::default()).unwrap();
        RustEngine.verify(&gated, known, Policy::default(), NOW).unwrap();
        let both = Engines::Both.engine().verify(&gated, known, Policy::default(), NOW);
        assert_eq!(both.unwrap_err().check, "saml_engines_disagree");
    };
    let ids = Answer { assertion_id: "4711-no-NCName".to_owned(), ..Answer::default() };
    rust(&ids.xml(), &keys(&[good_key()]));
    let inner = Answer { method: ECDSA_SHA256, ..Answer::default() }.signed_by(ec_key());
    let own = template("_response1", RSA_SHA256, "");
    let two = sign(&inner.replacen("</saml:Issuer>", &format!("</saml:Issuer>{own}"), 1), &good_key().pem);
    rust(&two, &keys(&[good_key(), ec_key()]));
}

#[test]
fn a_disagreement_is_refused_by_its_name() {
    struct Never;
    impl SignedXml for Never {
        fn verify(
            &self,
            _: &Gated<'_>,
            _: &[VerifyKey],
            _: Policy,
            _: time::OffsetDateTime,
        ) -> Result<Signed, Refusal> {
            panic!("the second engine sees only what the first has verified")
        }
    }
    let forged = Answer::default().signed_by(evil_key());
    let known = keys(&[good_key()]);
    let gated = gate::admit(&forged, Root::Response, Policy::default()).unwrap();
    let both = BothEngines::new(Arc::new(RustEngine), Arc::new(Never));
    assert_eq!(both.verify(&gated, &known, Policy::default(), NOW).unwrap_err().check, "saml_unknown_key");
    assert!(SamaelEngine.verify(&gated, &known, Policy::default(), NOW).is_err());
}

#[test]
fn a_reference_to_the_network_is_never_followed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let xml = Answer::default().xml();
    refused(
        finish(&xml.replace("URI=\"#_assertion1\"", &format!("URI=\"{address}\""))),
        "saml_signature_form",
    );
    refused(finish(&format!("<!DOCTYPE r SYSTEM \"{address}\">{xml}")), "saml_xml");
    let pointer = format!("#xpointer(document('{address}'))");
    let pointed = xml.replace("_assertion1", &pointer[1..]);
    assert!(finish(&pointed).is_err());
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn thousands_of_values_fit_the_stack_and_the_time_of_a_worker() {
    let values = "<saml:AttributeValue>g</saml:AttributeValue>".repeat(5500);
    let attributes = format!(
        "<saml:AttributeStatement><saml:Attribute Name=\"g\">{values}</saml:Attribute></saml:AttributeStatement>"
    );
    let xml = Answer { attributes, ..Answer::default() }.xml();
    let worker = std::thread::Builder::new().stack_size(512 * 1024);
    let found = worker.spawn(move || finish(&xml).unwrap().attributes["g"].len()).unwrap().join().unwrap();
    assert_eq!(found, 5500);
}

#[test]
fn many_threads_judge_at_once() {
    let honest = Answer { sign_response: true, ..Answer::default() }.xml();
    let changed = honest.replace("user@", "admin@");
    let known = keys(&[good_key()]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert!(judged(&honest, &known).is_ok());
                    assert!(judged(&changed, &known).is_err());
                }
            });
        }
    });
}
