//! The second engine: libxmlsec1 through samael.
//!
//! Of samael one function is called, in one mode: `reduce_xml_to_signed_with_allowed_algorithms` with
//! `PreDigest`, which gives the very bytes that libxmlsec1 digested. Its other modes match them against the
//! tree again, leak and overflow the stack; its reader of Responses believes too much; neither is used.
//! It never sees a document that the gate has not let through, nor an empty list of certificates, which it
//! would take as leave to accept everything.

use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoProvider as _, ReduceMode};
use time::OffsetDateTime;

use super::{Signed, SignedXml, broken, current, some_signature};
use crate::saml::Refusal;
use crate::saml::gate::{Gated, Hash, Method, Policy, Signature};
use crate::saml::keys::VerifyKey;
use crate::saml::xml::Ns;

/// libxml2, libxmlsec1 and OpenSSL.
///
/// It refuses two things that the specifications allow and [`super::RustEngine`] takes: an `ID` that is no
/// NCName (XML Schema wants one), and a message whose two signatures are of different methods.
/// libxmlsec1 writes what it refuses to standard error; nothing in safe Rust turns that off, which is one
/// reason more to let the other engine decide first.
#[derive(Debug, Clone, Copy, Default)]
pub struct SamaelEngine;

impl SignedXml for SamaelEngine {
    fn verify(
        &self,
        message: &Gated<'_>,
        keys: &[VerifyKey],
        _policy: Policy,
        now: OffsetDateTime,
    ) -> Result<Signed, Refusal> {
        some_signature(message)?;
        let keys = current(keys, now)?;
        match (&message.root_signature, &message.assertion_signature) {
            (Some(root), Some(assertion)) => Ok(Signed {
                // Both signatures are checked; of two, the Response's bytes are given.
                root: Some(signed(message.text, &[root, assertion], &keys)?),
                // The assertion's digest does not reach out of the assertion: without the Response's own
                // Signature beside it, its bytes are the same, and the only ones left to give.
                assertion: Some(signed(&without_root_signature(message)?, &[assertion], &keys)?),
            }),
            (Some(root), None) => {
                Ok(Signed { root: Some(signed(message.text, &[root], &keys)?), assertion: None })
            }
            (None, assertion) => {
                let given: Vec<_> = assertion.iter().collect();
                Ok(Signed { root: None, assertion: Some(signed(message.text, &given, &keys)?) })
            }
        }
    }
}

/// What is signed in `text`, all of whose signatures are `signatures`.
fn signed(text: &str, signatures: &[&Signature], keys: &[&VerifyKey]) -> Result<String, Refusal> {
    let certificates = fitting(signatures, keys)?;
    let allowed = allowed(signatures);
    let bytes = Crypto::reduce_xml_to_signed_with_allowed_algorithms(
        text,
        &certificates,
        ReduceMode::PreDigest,
        allowed.as_deref(),
    )
    .map_err(|error| Refusal::new("saml_signature", format!("libxmlsec1 does not verify it: {error}")))?;
    if bytes.is_empty() {
        return Err(broken("canonicalisation gave nothing"));
    }
    Ok(bytes)
}

/// The certificates whose keys can make every one of the signatures. Of a key of another kind libxmlsec1
/// makes an error, and samael then asks no further key.
fn fitting(signatures: &[&Signature], keys: &[&VerifyKey]) -> Result<Vec<CertificateDer>, Refusal> {
    let fits = |key: &VerifyKey| signatures.iter().all(|signature| key.fits(signature.info.method));
    let certificates: Vec<_> = keys
        .iter()
        .filter(|key| fits(key))
        .map(|key| CertificateDer::from(key.certificate.clone()))
        .collect();
    if certificates.is_empty() {
        return Err(Refusal::new(
            "saml_signature",
            "none of the provider's signing certificates has a key for the signature's algorithm",
        ));
    }
    Ok(certificates)
}

/// The algorithms of just these signatures, which the gate has let through. samael has no name for SHA-1:
/// where the provider's settings let it through, the gate's word alone counts.
fn allowed(signatures: &[&Signature]) -> Option<Vec<AllowedSignatureAlgorithm>> {
    signatures.iter().flat_map(|one| [one.info.method, Method::Rsa(one.info.digest)]).map(name).collect()
}

const fn name(method: Method) -> Option<AllowedSignatureAlgorithm> {
    use AllowedSignatureAlgorithm as Name;
    match method {
        Method::Rsa(Hash::Sha256) => Some(Name::RsaSha256),
        Method::Rsa(Hash::Sha384) => Some(Name::RsaSha384),
        Method::Rsa(Hash::Sha512) => Some(Name::RsaSha512),
        Method::Ecdsa(Hash::Sha256) => Some(Name::EcdsaSha256),
        Method::Ecdsa(Hash::Sha384) => Some(Name::EcdsaSha384),
        Method::Ecdsa(Hash::Sha512) => Some(Name::EcdsaSha512),
        Method::Rsa(Hash::Sha1) | Method::Ecdsa(Hash::Sha1) => None,
    }
}

fn without_root_signature(message: &Gated<'_>) -> Result<String, Refusal> {
    let missing = || broken("the Response's signature is not where the gate saw it");
    let signature = message.root().named(Ns::Signature, "Signature").next().ok_or_else(missing)?;
    let span = signature.span();
    let before = message.text.get(..span.start).ok_or_else(missing)?;
    let after = message.text.get(span.end..).ok_or_else(missing)?;
    Ok([before, after].concat())
}
