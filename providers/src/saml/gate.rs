//! The gate: what a SAML message must look like before anything else looks at it.
//!
//! Only the narrow form that real providers send passes: one root, at most one assertion as its child,
//! signatures only where the schema puts them, each with one reference to its own parent, through
//! `enveloped-signature` and exclusive canonicalisation, with algorithms from a list.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Refusal;
use super::xml::{self, Document, MESSAGE, Node, Ns};

/// Longest base64 text of a message: what decodes to [`MESSAGE`]'s bytes, with room for line breaks.
pub const MAX_ENCODED: usize = MESSAGE.bytes / 3 * 4 + 16 * 1024;
const MAX_ID: usize = 1024;
const MAX_PREFIXES: usize = 32;
const MAX_SIGNATURE_BASE64: usize = 4096;
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// Which message is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// `samlp:Response`.
    Response,
    /// `samlp:LogoutRequest`.
    LogoutRequest,
    /// `samlp:LogoutResponse`.
    LogoutResponse,
}

impl Root {
    const fn name(self) -> &'static str {
        match self {
            Self::Response => "Response",
            Self::LogoutRequest => "LogoutRequest",
            Self::LogoutResponse => "LogoutResponse",
        }
    }
}

/// Which algorithms may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// Whether SHA-1 is believed too (the provider's `insecure_allow_sha1`).
    pub allow_sha1: bool,
}

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

/// A message that passed the gate. Nothing in it is verified.
#[derive(Debug)]
pub struct Gated<'a> {
    /// The document's text.
    pub text: &'a str,
    /// The document, parsed.
    pub document: Document<'a>,
    /// The signature over the whole message.
    pub root_signature: Option<Signature>,
    /// The signature over the assertion.
    pub assertion_signature: Option<Signature>,
    assertion: Option<usize>,
    /// Whether the assertion is encrypted.
    pub encrypted: bool,
}

impl<'a> Gated<'a> {
    /// Whether the message holds a plain assertion.
    pub const fn has_assertion(&self) -> bool {
        self.assertion.is_some()
    }

    /// The root element: unverified, fit for refusals only.
    pub const fn root(&self) -> Node<'_, 'a> {
        self.document.root()
    }
}

fn structure(detail: impl Into<String>) -> Refusal {
    Refusal::new("saml_structure", detail)
}

fn signature(detail: impl Into<String>) -> Refusal {
    Refusal::new("saml_signature_form", detail)
}

fn algorithm(detail: impl Into<String>) -> Refusal {
    Refusal::new("saml_algorithm", detail)
}

/// Undoes the base64 of a POST binding field (SAML bindings 3.5.4), sizes checked first.
///
/// # Errors
/// `saml_limits`, `saml_encoding`.
pub fn decode(field: &str) -> Result<String, Refusal> {
    if field.len() > MAX_ENCODED {
        return Err(Refusal::new(
            "saml_limits",
            format!("the message is longer than {MAX_ENCODED} characters"),
        ));
    }
    let compact: String;
    let field = if field.contains([' ', '\t', '\r', '\n']) {
        compact = field.split_ascii_whitespace().collect();
        &compact
    } else {
        field
    };
    let bytes =
        STANDARD.decode(field).map_err(|_| Refusal::new("saml_encoding", "the message is not base64"))?;
    if bytes.len() > MESSAGE.bytes {
        return Err(Refusal::new(
            "saml_limits",
            format!("the message is larger than {} bytes", MESSAGE.bytes),
        ));
    }
    let mut text =
        String::from_utf8(bytes).map_err(|_| Refusal::new("saml_encoding", "the message is not UTF-8"))?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// Lets a message through.
///
/// # Errors
/// `saml_limits`, `saml_xml`, `saml_structure`, `saml_signature_form`, `saml_algorithm`.
pub fn admit(text: &str, root: Root, policy: Policy) -> Result<Gated<'_>, Refusal> {
    let document = xml::parse(text, &MESSAGE)?;
    let top = document.root();
    if !top.is(Ns::Protocol, root.name()) {
        return Err(structure(format!("expected samlp:{}, came {}", root.name(), top.local())));
    }
    check_ids(&document)?;
    let (assertion, encrypted) = find_assertion(&document, root)?;
    let mut found = [None, None];
    for node in document.all() {
        check_signature_place(node, assertion)?;
        if !node.is(Ns::Signature, "Signature") {
            continue;
        }
        let slot = usize::from(node.parent().is_some_and(|parent| Some(parent.index()) == assertion));
        if found[slot].replace(read_signature(node, policy)?).is_some() {
            return Err(signature("an element holds more than one Signature"));
        }
    }
    let [root_signature, assertion_signature] = found;
    Ok(Gated { text, root_signature, assertion_signature, assertion, encrypted, document })
}

/// Every `ID`, `Id`, `id` and `AssertionID` is there once, whatever element it is on; `xml:id` is not known here.
fn check_ids(document: &Document<'_>) -> Result<(), Refusal> {
    let mut seen = std::collections::HashSet::new();
    for node in document.all() {
        let mut own = false;
        for (ns, local, value) in node.attributes() {
            if ns == Ns::Xml && local == "id" {
                return Err(structure("xml:id is not allowed"));
            }
            if ns != Ns::None || !matches!(local, "ID" | "Id" | "id" | "AssertionID") {
                continue;
            }
            if std::mem::replace(&mut own, true) {
                return Err(structure("an element has two ids"));
            }
            if value.is_empty() || value.len() > MAX_ID || value.contains(char::is_whitespace) {
                return Err(structure(format!("an id is empty, has spaces or more than {MAX_ID} bytes")));
            }
            if !seen.insert(value) {
                return Err(structure("an id comes twice"));
            }
        }
    }
    Ok(())
}

fn find_assertion(document: &Document<'_>, root: Root) -> Result<(Option<usize>, bool), Refusal> {
    let mut found: Option<Node<'_, '_>> = None;
    for node in document.all() {
        if node.index() != 0
            && node.ns() == Ns::Protocol
            && matches!(node.local(), "Response" | "ArtifactResponse")
        {
            return Err(structure("a message holds another message"));
        }
        if node.ns() != Ns::Assertion || !matches!(node.local(), "Assertion" | "EncryptedAssertion") {
            continue;
        }
        if root != Root::Response {
            return Err(structure("this message may not hold an assertion"));
        }
        if node.parent().is_none_or(|parent| parent.index() != 0) {
            return Err(structure("an assertion stands elsewhere than directly in the Response"));
        }
        if found.replace(node).is_some() {
            return Err(structure("the Response holds more than one assertion"));
        }
    }
    Ok(match found {
        Some(node) if node.local() == "Assertion" => (Some(node.index()), false),
        Some(_) => (None, true),
        None => (None, false),
    })
}

/// Where elements of the signature namespace may stand.
fn check_signature_place(node: Node<'_, '_>, assertion: Option<usize>) -> Result<(), Refusal> {
    if node.ns() != Ns::Signature {
        return Ok(());
    }
    match node.local() {
        "Object" | "RetrievalMethod" | "Manifest" | "SignatureProperties" => {
            Err(signature(format!("{} is not allowed", node.local())))
        }
        "Signature" => {
            let parent =
                node.parent().filter(|parent| parent.index() == 0 || Some(parent.index()) == assertion);
            let parent = parent
                .ok_or_else(|| signature("a Signature stands elsewhere than in Response or Assertion"))?;
            let mut children = parent.children();
            let issuer = children.next().is_some_and(|first| first.is(Ns::Assertion, "Issuer"));
            let after_issuer = issuer && children.next().is_some_and(|second| second.index() == node.index());
            // Auth0 puts it last in the Assertion. It is still one direct child that names its parent.
            let last = assertion == Some(parent.index())
                && parent.children().last().is_some_and(|last| last.index() == node.index());
            if after_issuer || last {
                Ok(())
            } else {
                Err(signature("a Signature is not right after the Issuer"))
            }
        }
        "SignedInfo" | "SignatureValue"
            if node.parent().is_none_or(|up| !up.is(Ns::Signature, "Signature")) =>
        {
            Err(signature(format!("{} stands outside a Signature", node.local())))
        }
        _ => Ok(()),
    }
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

fn read_signature(node: Node<'_, '_>, policy: Policy) -> Result<Signature, Refusal> {
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
pub(super) fn read_signed_info(node: Node<'_, '_>, policy: Policy) -> Result<SignedInfo, Refusal> {
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

fn method_of(uri: &str, policy: Policy) -> Result<Method, Refusal> {
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
