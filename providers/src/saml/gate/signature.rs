//! The form of a Signature: one SignedInfo, one Reference to its own parent, listed algorithms only.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Policy;
use crate::saml::Refusal;
use crate::saml::xml::{Node, Ns};

const MAX_PREFIXES: usize = 32;
const MAX_SIGNATURE_BASE64: usize = 4096;
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// Hash functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// Only with [`Policy::allow_sha1`].
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// Signature algorithms (RFC 9231 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// RSA PKCS #1 v1.5.
    Rsa(Hash),
    /// ECDSA, `r` and `s` side by side.
    Ecdsa(Hash),
}

/// What a SignedInfo says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedInfo {
    /// How it was signed.
    pub method: Method,
    /// `InclusiveNamespaces` of the SignedInfo's own canonicalisation.
    pub own_prefixes: Vec<String>,
    /// The id that the one Reference names.
    pub reference: String,
    /// `InclusiveNamespaces` of the Reference's canonicalisation.
    pub reference_prefixes: Vec<String>,
    /// Digest algorithm.
    pub digest: Hash,
    /// Digest.
    pub digest_value: Vec<u8>,
}

/// One signature, at its only possible place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// What is signed and how.
    pub info: SignedInfo,
    /// The signature's octets.
    pub value: Vec<u8>,
}

pub(super) fn signature(detail: impl Into<String>) -> Refusal {
    Refusal::new("saml_signature_form", detail)
}

fn algorithm(detail: impl Into<String>) -> Refusal {
    Refusal::new("saml_algorithm", detail)
}

/// The children of `node`, which must be exactly these (an `?` marks one that may be absent).
fn exactly<'d, 'a, const N: usize>(
    node: Node<'d, 'a>,
    names: [&str; N],
) -> Result<[Option<Node<'d, 'a>>; N], Refusal> {
    let mut children = node.children().peekable();
    let mut found = [None; N];
    for (slot, name) in found.iter_mut().zip(names) {
        let (name, optional) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
        *slot = children.next_if(|child| child.is(Ns::Signature, name));
        if slot.is_none() && !optional {
            return Err(signature(format!("{} lacks {name} at its place", node.local())));
        }
    }
    if children.next().is_some() {
        return Err(signature(format!("{} holds more than it may", node.local())));
    }
    Ok(found)
}

pub(super) fn read_signature(node: Node<'_, '_>, policy: Policy) -> Result<Signature, Refusal> {
    let [info, value, _] = exactly(node, ["SignedInfo", "SignatureValue", "KeyInfo?"])?;
    let (Some(info), Some(value)) = (info, value) else {
        return Err(signature("the Signature is incomplete"));
    };
    let info = read_signed_info(info, policy)?;
    let id = node.parent().and_then(|parent| parent.attribute("ID"));
    if id != Some(info.reference.as_str()) {
        return Err(signature("a Reference names another element than the one that holds the Signature"));
    }
    Ok(Signature { info, value: base64_text(value)? })
}

/// Reads a SignedInfo, from the gated document or from its own canonical bytes.
///
/// # Errors
/// `saml_signature_form`, `saml_algorithm`.
pub(in crate::saml) fn read_signed_info(node: Node<'_, '_>, policy: Policy) -> Result<SignedInfo, Refusal> {
    let [c14n, method, reference] =
        exactly(node, ["CanonicalizationMethod", "SignatureMethod", "Reference"])?;
    let (Some(c14n), Some(method), Some(reference)) = (c14n, method, reference) else {
        return Err(signature("SignedInfo is incomplete"));
    };
    let [transforms, digest, value] = exactly(reference, ["Transforms", "DigestMethod", "DigestValue"])?;
    let (Some(transforms), Some(digest), Some(value)) = (transforms, digest, value) else {
        return Err(signature("Reference is incomplete"));
    };
    let target = reference.attribute("URI").and_then(|uri| uri.strip_prefix('#')).filter(|id| !id.is_empty());
    let target = target.ok_or_else(|| signature("a Reference must have a URI of `#` and an id"))?;
    let [first, second] = exactly(transforms, ["Transform", "Transform"])?;
    let (Some(first), Some(second)) = (first, second) else {
        return Err(signature("Transforms is incomplete"));
    };
    if first.attribute("Algorithm") != Some(ENVELOPED) || first.children().next().is_some() {
        return Err(signature("the first transform must be enveloped-signature"));
    }
    if method.children().next().is_some() || digest.children().next().is_some() {
        return Err(signature("algorithm parameters are not allowed"));
    }
    let digest = digest_of(digest.attribute("Algorithm").unwrap_or_default(), policy)?;
    let digest_value = base64_text(value)?;
    if digest_value.len() != digest.length() {
        return Err(signature("the DigestValue has a wrong length"));
    }
    Ok(SignedInfo {
        method: method_of(method.attribute("Algorithm").unwrap_or_default(), policy)?,
        own_prefixes: exc_c14n(c14n)?,
        reference: target.to_owned(),
        reference_prefixes: exc_c14n(second)?,
        digest,
        digest_value,
    })
}

/// The prefix list of an exclusive canonicalisation, which nothing else may stand for.
fn exc_c14n(node: Node<'_, '_>) -> Result<Vec<String>, Refusal> {
    let named = node.attribute("Algorithm").unwrap_or_default();
    if named != EXC_C14N {
        return Err(algorithm(format!("canonicalisation must be {EXC_C14N}, came {}", shorten(named))));
    }
    let mut children = node.children();
    let Some(list) = children.next() else { return Ok(Vec::new()) };
    if !list.is(Ns::ExcC14n, "InclusiveNamespaces")
        || children.next().is_some()
        || list.children().next().is_some()
    {
        return Err(signature("a canonicalisation holds more than InclusiveNamespaces"));
    }
    let prefixes: Vec<String> = list
        .attribute("PrefixList")
        .unwrap_or_default()
        .split_ascii_whitespace()
        .map(str::to_owned)
        .collect();
    if prefixes.len() > MAX_PREFIXES {
        return Err(signature(format!("a PrefixList has more than {MAX_PREFIXES} entries")));
    }
    Ok(prefixes)
}

impl Hash {
    const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

fn digest_of(uri: &str, policy: Policy) -> Result<Hash, Refusal> {
    match uri {
        "http://www.w3.org/2001/04/xmlenc#sha256" => Ok(Hash::Sha256),
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => Ok(Hash::Sha384),
        "http://www.w3.org/2001/04/xmlenc#sha512" => Ok(Hash::Sha512),
        "http://www.w3.org/2000/09/xmldsig#sha1" => sha1(policy).map(|()| Hash::Sha1),
        other => Err(algorithm(format!(
            "digest algorithm {} is not accepted: SHA-256, 384 or 512",
            shorten(other)
        ))),
    }
}

/// The method that a URI names, when it may sign.
///
/// # Errors
/// `saml_algorithm`.
pub(in crate::saml) fn method_of(uri: &str, policy: Policy) -> Result<Method, Refusal> {
    const MORE: &str = "http://www.w3.org/2001/04/xmldsig-more#";
    if uri == "http://www.w3.org/2000/09/xmldsig#rsa-sha1" {
        return sha1(policy).map(|()| Method::Rsa(Hash::Sha1));
    }
    match uri.strip_prefix(MORE) {
        Some("rsa-sha256") => Ok(Method::Rsa(Hash::Sha256)),
        Some("rsa-sha384") => Ok(Method::Rsa(Hash::Sha384)),
        Some("rsa-sha512") => Ok(Method::Rsa(Hash::Sha512)),
        Some("ecdsa-sha256") => Ok(Method::Ecdsa(Hash::Sha256)),
        Some("ecdsa-sha384") => Ok(Method::Ecdsa(Hash::Sha384)),
        Some("ecdsa-sha512") => Ok(Method::Ecdsa(Hash::Sha512)),
        _ => Err(algorithm(format!(
            "signature algorithm {} is not accepted: RSA or ECDSA with SHA-256, 384 or 512",
            shorten(uri)
        ))),
    }
}

fn sha1(policy: Policy) -> Result<(), Refusal> {
    if policy.allow_sha1 {
        Ok(())
    } else {
        Err(algorithm(
            "the provider signs with SHA-1: let it sign with SHA-256, or set insecure_allow_sha1=true",
        ))
    }
}

fn base64_text(node: Node<'_, '_>) -> Result<Vec<u8>, Refusal> {
    let text = node.text().map_err(|_| signature(format!("{} may hold text only", node.local())))?;
    if text.len() > MAX_SIGNATURE_BASE64 {
        return Err(signature(format!("{} is too long", node.local())));
    }
    let compact: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(compact).map_err(|_| signature(format!("{} is not base64", node.local())))
}

fn shorten(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { text.chars().take(100).collect() }
}
