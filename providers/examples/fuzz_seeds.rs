//! Writes the seeds of the fuzz targets anew: `cargo run -p poolgate-providers --example fuzz_seeds`.
//!
//! The key that signs them is made here and forgotten: nothing but these seeds can ever be believed by
//! the targets, and a fuzzer that finds another document that is has found a hole.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a tool")]

#[path = "../tests/saml_idp/mod.rs"]
mod saml_idp;

use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saml_idp::logout::{Logout, Redirect};
use saml_idp::{Answer, IDP, Key, evil_key, good_key, metadata_xml, sign, template};

/// The content key that the target of encrypted assertions finds in every EncryptedKey.
const CONTENT_KEY: [u8; 32] = [7; 32];

fn folder(name: &str) -> PathBuf {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds")).join(name);
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn write(target: &str, name: &str, text: impl AsRef<[u8]>) {
    let path = folder(target).join(name);
    std::fs::write(&path, text).unwrap();
    println!("{}", path.display());
}

fn element<'x>(xml: &'x str, name: &str) -> &'x str {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    &xml[xml.find(&open).unwrap()..xml.find(&close).unwrap() + close.len()]
}

fn responses(key: &Key) {
    let forms = [("assertion", false, true), ("response", true, false), ("both", true, true)];
    for (name, sign_response, sign_assertion) in forms {
        let answer = Answer { sign_response, sign_assertion, ..Answer::default() };
        write("saml_response", &format!("{name}.xml"), answer.signed_by(key));
    }
    let answer = Answer::default();
    let own = template("_assertion1", answer.method, "");
    let listed = own.replace(
        "xml-exc-c14n#\"/></ds:Transforms>",
        "xml-exc-c14n#\"><ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"xs #default\"/></ds:Transform></ds:Transforms>",
    );
    let unsigned = answer.around("", &answer.assertion(&listed)).replacen(
        " ID=",
        " xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" ID=",
        1,
    );
    write("saml_response", "prefixes.xml", sign(&unsigned, &key.pem));
    let last = answer.assertion("").replace("</saml:Assertion>", &format!("{own}</saml:Assertion>"));
    write("saml_response", "last.xml", sign(&answer.around("", &last), &key.pem));
    let bare = Answer { sign_response: false, sign_assertion: false, ..Answer::default() };
    write("saml_response", "unsigned.xml", bare.xml());
}

fn encrypted(key: &Key) {
    let answer = Answer::default();
    let assertion = element(&answer.signed_by(key), "saml:Assertion").to_owned();
    write("saml_encrypted", "plaintext.xml", format!("P{assertion}"));
    let mut sealed = assertion.into_bytes();
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &CONTENT_KEY).unwrap());
    let nonce = [3; 12];
    cipher.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed).unwrap();
    let octets = STANDARD.encode([&nonce[..], &sealed].concat());
    let wrapped = STANDARD.encode([5; 256]);
    let content = format!(
        r#"<saml:EncryptedAssertion><xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/><xenc:CipherData><xenc:CipherValue>{wrapped}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>{octets}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>"#
    );
    write("saml_encrypted", "bare.xml", format!("R{}", answer.around("", &content)));
    let signature = template("_response1", answer.method, "");
    let signed = sign(&answer.around(&signature, &content), &key.pem);
    write("saml_encrypted", "signed.xml", format!("R{signed}"));
}

/// Sign-out messages, a request and an answer: posted after a letter that says which, and as a query.
fn logout() {
    let success =
        "<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>";
    let messages = [("request", 'Q', Logout::default()), ("answer", 'S', Logout::answer("_ours1", success))];
    for (name, letter, message) in messages {
        write("saml_logout", &format!("{name}.xml"), format!("{letter}{}", message.signed()));
        let redirect = Redirect { parameter: message.parameter(), ..Redirect::of(&message.xml("")) };
        write("saml_redirect", &format!("{name}.txt"), format!("R{}", redirect.query()));
        write("saml_redirect", &format!("{name}.xml"), format!("{letter}{}", message.xml("")));
    }
}

fn main() {
    let key = good_key();
    write("", "provider.xml", metadata_xml(IDP, &[&key.certificate]));
    responses(key);
    encrypted(key);
    logout();
    write("saml_metadata", "one.xml", metadata_xml(IDP, &[&key.certificate]));
    write("saml_metadata", "two.xml", metadata_xml(IDP, &[&key.certificate, &evil_key().certificate]));
    let group = metadata_xml(IDP, &[&key.certificate]);
    let more = "validUntil=\"2030-01-01T00:00:00Z\" cacheDuration=\"PT6H\" entityID=";
    let group = format!(
        "<!-- a group --><md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{}</md:EntitiesDescriptor>",
        group.replace("entityID=", more)
    );
    write("saml_metadata", "group.xml", group);
}
