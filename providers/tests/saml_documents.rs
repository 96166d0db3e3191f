//! What we write, as others read it: xmlsec1 checks our signatures, xmllint our documents against the schemas.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod saml_idp;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poolgate_providers::saml::binding::{self, Message};
use poolgate_providers::saml::service_provider::ServiceProvider;
use poolgate_providers::saml::{
    RequestSignature, RequestSigner, SamlProvider, SamlSettings, SigningFailed, metadata,
};
use poolgate_providers::{Outbound, Prompt, Provider as _, ProviderError};
use saml_idp::{
    IDP, Key, Memory, NOW, block_on, details, evil_key, facts, good_key, metadata_xml, surroundings,
};
use url::Url;

const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const SCHEMAS: &str = "/usr/share/xml/opensaml";

/// A signer with a real key.
struct Signer(&'static Key);

impl RequestSigner for Signer {
    fn sign_rsa_sha256(&self, message: &[u8]) -> Result<RequestSignature, SigningFailed> {
        let der: String = self.0.pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(der).unwrap()).unwrap();
        let mut value = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut value).unwrap();
        Ok(RequestSignature { value, certificate: STANDARD.encode(&self.0.certificate).into() })
    }
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> Output {
    let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemas/catalog.xml");
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env("XML_CATALOG_FILES", catalog);
    command.output().unwrap_or_else(|error| panic!("{program}: {error}. Run scripts/install-test-tools"))
}

/// Whether xmlsec1 finds the signature of `xml`, whose root is `name`, to be `key`'s.
fn verifies(xml: &str, name: &str, key: &Key) -> bool {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("message.xml"), xml).unwrap();
    std::fs::write(folder.path().join("key.der"), &key.certificate).unwrap();
    let root = format!("{PROTOCOL}:{name}");
    let key = ["--enabled-key-data", "raw-x509-cert", "--pubkey-cert-der", "key.der"];
    let arguments = [&["--verify"], &key[..], &["--id-attr:ID", &root, "message.xml"]].concat();
    run("xmlsec1", &arguments, folder.path()).status.success()
}

/// What xmllint says against the schema, when it is not valid.
fn invalid(xml: &str, schema: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("document.xml"), xml).unwrap();
    let schema = format!("{SCHEMAS}/{schema}");
    assert!(Path::new(&schema).exists(), "{schema} is missing: run scripts/install-test-tools");
    let output = run("xmllint", &["--nonet", "--noout", "--schema", &schema, "document.xml"], folder.path());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // 3 and 4: the document is not valid. Anything else is a broken schema.
    match output.status.code() {
        Some(0) => None,
        Some(3 | 4) => Some(said),
        code => panic!("xmllint ended with {code:?}: {said}"),
    }
}

fn fields(outbound: Outbound) -> (Url, String) {
    let Outbound::PostForm { action, fields } = outbound else { panic!("no form") };
    (action, String::from_utf8(STANDARD.decode(&fields[0].1).unwrap()).unwrap())
}

fn posted(xml: &str) -> Result<String, ProviderError> {
    let target = Url::parse("https://idp.example/slo").unwrap();
    let message = Message { parameter: "SAMLRequest", xml: xml.as_bytes(), relay_state: None };
    binding::post(&target, message, Some(&Signer(good_key()))).map(|outbound| fields(outbound).1)
}

/// The sign-in request to a provider that takes HTTP-POST only, with every wish that an app can have.
fn authn_request(pairs: &[(&str, &str)]) -> String {
    let document = metadata_xml(IDP, &[&good_key().certificate]).replace("HTTP-Redirect", "HTTP-POST");
    let metadata = metadata::parse(document.as_bytes()).unwrap();
    let settings = SamlSettings::from_details(&details(pairs), metadata, false).unwrap();
    let provider = SamlProvider::new(settings, Some(Arc::new(Signer(good_key()))));
    let mut facts = facts();
    facts.asked.prompt = vec![Prompt::Login];
    facts.asked.login_hint = Some("a<b>&\"' \u{e4}@example.com".to_owned());
    let outbound = block_on(provider.begin(&surroundings(NOW, Arc::<Memory>::default()), &facts)).unwrap();
    let (action, xml) = fields(outbound);
    assert_eq!(action.as_str(), "https://idp.example/sso");
    xml
}

const WISHES: [(&str, &str); 3] = [
    ("login_hint", "subject"),
    ("name_id_policy", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"),
    ("authn_context_class_refs", "urn:one urn:two"),
];

#[test]
fn a_sign_in_request_by_post_carries_a_signature_that_xmlsec1_verifies() {
    let xml = authn_request(&[&[("RequestSigningAlgorithm", "rsa-sha256")], &WISHES[..]].concat());
    assert!(verifies(&xml, "AuthnRequest", good_key()), "{xml}");
    assert!(!verifies(&xml, "AuthnRequest", evil_key()), "another key's");
    for (part, other) in [("ForceAuthn=\"true\"", "ForceAuthn=\"false\""), ("urn:two", "urn:too")] {
        assert!(xml.contains(part), "{part} in {xml}");
        assert!(!verifies(&xml.replace(part, other), "AuthnRequest", good_key()), "{part} altered");
    }
}

#[test]
fn the_signature_stands_behind_the_issuer_and_names_its_certificate() {
    let xml = authn_request(&[("RequestSigningAlgorithm", "rsa-sha256")]);
    assert!(xml.contains("</saml:Issuer><ds:Signature "), "{xml}");
    let certificate = STANDARD.encode(&good_key().certificate);
    assert!(xml.contains(&format!("<ds:X509Certificate>{certificate}</ds:X509Certificate>")), "{xml}");
    for algorithm in [
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        "http://www.w3.org/2001/04/xmlenc#sha256",
    ] {
        assert!(xml.contains(&format!("Algorithm=\"{algorithm}\"")), "{algorithm} in {xml}");
    }
    assert_eq!(xml.matches("Algorithm=").count(), 5, "no other algorithm: {xml}");
}

#[test]
fn a_sign_in_request_is_valid_against_the_schema_with_and_without_a_signature() {
    for pairs in [&WISHES[..], &[&[("RequestSigningAlgorithm", "rsa-sha256")], &WISHES[..]].concat()] {
        let xml = authn_request(pairs);
        assert_eq!(invalid(&xml, "saml-schema-protocol-2.0.xsd"), None, "{xml}");
        let moved = xml.replace("<saml:Subject>", "<saml:Nobody/><saml:Subject>");
        assert!(invalid(&moved, "saml-schema-protocol-2.0.xsd").is_some(), "the schema refuses something");
    }
}

#[test]
fn logout_messages_of_any_shape_keep_their_signature_and_their_content() {
    let issuer = r#"<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">urn:a</saml:Issuer>"#;
    let status = r#"<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>"#;
    let name = r#"<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" SPNameQualifier="a&#xD;&#x9;&gt;'&quot;">x&#13;&amp;&lt;&gt;ä𝄞</saml:NameID>"#;
    let attributes = r#"ID="_1" Version="2.0" IssueInstant="2026-11-21T12:00:00Z""#;
    for (root, xml) in [
        (
            "LogoutResponse",
            format!(
                r#"<samlp:LogoutResponse xmlns:samlp="{PROTOCOL}" {attributes} InResponseTo="_2">{issuer}{status}</samlp:LogoutResponse>"#
            ),
        ),
        (
            "LogoutRequest",
            format!(
                r#"<samlp:LogoutRequest xmlns:samlp="{PROTOCOL}" {attributes}>{issuer}{name}<samlp:SessionIndex>s>1</samlp:SessionIndex></samlp:LogoutRequest>"#
            ),
        ),
        (
            "LogoutRequest",
            // The Issuer's prefix declared above it, unused prefixes, `>` in an attribute, lines and quotes.
            format!(
                "<LogoutRequest Reason='a>b' xmlns:unused='urn:u' xmlns='{PROTOCOL}' xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion'\n {attributes} ><saml:Issuer Format='>'>urn:a</saml:Issuer>\n  <saml:NameID>x</saml:NameID></LogoutRequest>"
            ),
        ),
    ] {
        let signed = posted(&xml).unwrap();
        assert!(verifies(&signed, root, good_key()), "{signed}");
        assert!(!verifies(&signed.replace("2026", "2027"), root, good_key()), "altered");
        assert_eq!(invalid(&signed, "saml-schema-protocol-2.0.xsd"), None, "{signed}");
        let (from, to) = (signed.find("<ds:Signature ").unwrap(), signed.find("</ds:Signature>").unwrap());
        let without = [&signed[..from], &signed[to + "</ds:Signature>".len()..]].concat();
        assert_eq!(without, xml, "nothing else changed");
    }
}

#[test]
fn a_message_that_cannot_be_signed_is_not_sent() {
    let issuer = r#"<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">urn:a</saml:Issuer>"#;
    for (xml, says) in [
        ("<a", "well-formed"),
        (&*format!("<a>{issuer}</a>"), "no ID"),
        (r#"<a ID="_1"><b/></a>"#, "no Issuer"),
        (r#"<a ID="_1"/>"#, "no Issuer"),
        (r#"<a ID="_1"><Issuer>x</Issuer></a>"#, "no Issuer"),
        (&*format!(r#"<a ID="_1"><b/>{issuer}</a>"#), "no Issuer"),
    ] {
        let error = posted(xml).unwrap_err();
        assert!(matches!(&error, ProviderError::Settings(why) if why.contains(says)), "{xml}: {error}");
    }
}

fn our_metadata(signs_requests: bool) -> String {
    let (acs, slo) = ("https://a.example/saml2/idpresponse?x=1&y=2", "https://a.example/saml2/logout");
    let one = STANDARD.encode(&good_key().certificate);
    let two = STANDARD.encode(&evil_key().certificate);
    let provider = ServiceProvider {
        entity_id: "urn:a:\"<b",
        assertion_consumer_service: &Url::parse(acs).unwrap(),
        single_logout_service: &Url::parse(slo).unwrap(),
        signs_requests,
        signing_certificates: vec![&one, &two],
        encryption_certificates: vec![&two, &one],
    };
    String::from_utf8(provider.metadata().unwrap()).unwrap()
}

#[test]
fn our_metadata_is_valid_against_the_oasis_schema() {
    let xml = our_metadata(true);
    assert_eq!(invalid(&xml, "saml-schema-metadata-2.0.xsd"), None, "{xml}");
    let (slo, acs) = (xml.find("<md:SingleLogoutService").unwrap(), xml.find("<md:Assertion").unwrap());
    let end = xml.find("</md:SPSSODescriptor>").unwrap();
    let moved = [&xml[..slo], &xml[acs..end], &xml[slo..acs], &xml[end..]].concat();
    let said = invalid(&moved, "saml-schema-metadata-2.0.xsd").expect("the order of the elements counts");
    assert!(said.contains("SingleLogoutService"), "{said}");
}

#[test]
fn our_metadata_names_entity_addresses_and_certificates_and_escapes_them() {
    let xml = our_metadata(false);
    for part in [
        "entityID=\"urn:a:&quot;&lt;b\"",
        "AuthnRequestsSigned=\"false\" WantAssertionsSigned=\"true\"",
        "bindings:HTTP-POST\" Location=\"https://a.example/saml2/idpresponse?x=1&amp;y=2\" index=\"0\" isDefault=\"true\"",
        "bindings:HTTP-POST\" Location=\"https://a.example/saml2/logout\"/><md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://a.example/saml2/logout\"/>",
        "<md:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes256-gcm\"/>",
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
    assert!(our_metadata(true).contains("AuthnRequestsSigned=\"true\""));
    assert!(!xml.contains("validUntil") && !xml.contains("cacheDuration"));
    let (one, two) = (STANDARD.encode(&good_key().certificate), STANDARD.encode(&evil_key().certificate));
    let found: Vec<_> = xml
        .split("<md:KeyDescriptor use=\"")
        .skip(1)
        .map(|part| {
            let certificate = part.split_once("<ds:X509Certificate>").unwrap().1;
            (part.split_once('"').unwrap().0, certificate.split_once('<').unwrap().0)
        })
        .collect();
    assert_eq!(found, [("signing", &*one), ("signing", &*two), ("encryption", &*two), ("encryption", &*one)]);
}
