//! The XML signature of our own messages in the HTTP-POST binding (SAML core 5.4): enveloped, exclusive
//! canonicalisation, RSA-SHA256, right after the Issuer, with the certificate of the key that made it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bergshamra::c14n::{C14nMode, canonicalize_doc};
use bergshamra::xml::uppsala;
use quick_xml::events::{BytesText, Event};
use quick_xml::{Reader, Writer};

use super::binding::{RSA_SHA256, RequestSigner};
use super::xml::{ASSERTION, DSIG};
use crate::ProviderError;

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const DIGEST_SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// The message with its signature. `xml` is UTF-8; its root has an `ID`, and a saml:Issuer as first child.
/// Nothing of it changes but for the Signature that is put in.
///
/// # Errors
/// `Settings` when the message has another form, or the key cannot sign.
pub(super) fn sign(xml: &[u8], signer: &dyn RequestSigner) -> Result<Vec<u8>, ProviderError> {
    let text = std::str::from_utf8(xml).map_err(|_| broken("it is not UTF-8"))?;
    let document = uppsala::parse(text).map_err(|_| broken("it is not well-formed"))?;
    let root = document.document_element().ok_or_else(|| broken("it has no root element"))?;
    let id = document.element(root).and_then(|element| element.get_attribute("ID"));
    let id = id.ok_or_else(|| broken("its root has no ID"))?;
    let first = document.children_iter(root).next().and_then(|node| document.element(node));
    if !first.is_some_and(|element| element.matches_name_ns(ASSERTION, "Issuer")) {
        return Err(broken("its first child is no Issuer"));
    }
    let digest_value = STANDARD.encode(digest(&SHA256, &canonical(&document)?));
    let info = signed_info(id, &digest_value).map_err(|error| broken(&error.to_string()))?;
    let info = String::from_utf8(info).map_err(|_| broken("its SignedInfo is not UTF-8"))?;
    let info = uppsala::parse(&info).map_err(|_| broken("its SignedInfo is not well-formed"))?;
    let info = canonical(&info)?;
    let signature = signer.sign_rsa_sha256(&info).map_err(|error| broken(&error.to_string()))?;
    let element = signature_element(&info, &signature.value, &signature.certificate)
        .map_err(|error| broken(&error.to_string()))?;
    let (before, after) = text.split_at_checked(after_first_child(text)?).ok_or_else(|| broken("no end"))?;
    Ok([before.as_bytes(), &element, after.as_bytes()].concat())
}

fn broken(detail: &str) -> ProviderError {
    ProviderError::Settings(format!("the message to the provider could not be signed: {detail}"))
}

/// Exclusive canonical form of the whole document, without comments.
fn canonical(document: &uppsala::Document<'_>) -> Result<Vec<u8>, ProviderError> {
    let prefixes: [&str; 0] = [];
    match canonicalize_doc(document, C14nMode::Exclusive, None, &prefixes) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => Err(broken("canonicalisation failed")),
    }
}

fn algorithm(writer: &mut Writer<Vec<u8>>, name: &str, algorithm: &str) -> std::io::Result<()> {
    writer.create_element(name).with_attribute(("Algorithm", algorithm)).write_empty()?;
    Ok(())
}

fn signed_info(id: &str, digest_value: &str) -> std::io::Result<Vec<u8>> {
    let mut writer = Writer::new(Vec::new());
    let info = writer.create_element("ds:SignedInfo").with_attribute(("xmlns:ds", DSIG));
    info.write_inner_content(|info| {
        algorithm(info, "ds:CanonicalizationMethod", EXCLUSIVE)?;
        algorithm(info, "ds:SignatureMethod", RSA_SHA256)?;
        let uri = format!("#{id}");
        let reference = info.create_element("ds:Reference").with_attribute(("URI", uri.as_str()));
        reference.write_inner_content(|reference| {
            reference.create_element("ds:Transforms").write_inner_content(|transforms| {
                algorithm(transforms, "ds:Transform", ENVELOPED)?;
                algorithm(transforms, "ds:Transform", EXCLUSIVE)
            })?;
            algorithm(reference, "ds:DigestMethod", DIGEST_SHA256)?;
            reference.create_element("ds:DigestValue").write_text_content(BytesText::new(digest_value))?;
            Ok(())
        })?;
        Ok(())
    })?;
    Ok(writer.into_inner())
}

/// `info` stands in it as it was signed, byte for byte.
fn signature_element(info: &[u8], value: &[u8], certificate: &str) -> std::io::Result<Vec<u8>> {
    let mut writer = Writer::new(Vec::new());
    let signature = writer.create_element("ds:Signature").with_attribute(("xmlns:ds", DSIG));
    signature.write_inner_content(|signature| {
        signature.get_mut().extend_from_slice(info);
        let value = STANDARD.encode(value);
        signature.create_element("ds:SignatureValue").write_text_content(BytesText::new(&value))?;
        super::service_provider::key_info(signature, certificate)
    })?;
    Ok(writer.into_inner())
}

/// Where the root's first child ends, in bytes.
fn after_first_child(text: &str) -> Result<usize, ProviderError> {
    let mut reader = Reader::from_str(text);
    let mut depth = 0_usize;
    loop {
        let closed = match reader.read_event() {
            Ok(Event::Start(_)) => {
                depth += 1;
                false
            }
            Ok(Event::End(_)) => {
                depth = depth.saturating_sub(1);
                depth == 1
            }
            Ok(Event::Empty(_)) => depth == 1,
            Ok(Event::Eof) | Err(_) => return Err(broken("its Issuer does not end")),
            Ok(_) => false,
        };
        if closed {
            return usize::try_from(reader.buffer_position()).map_err(|_| broken("it is too long"));
        }
    }
}
