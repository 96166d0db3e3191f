//! The gate: what a SAML message must look like before anything else looks at it.
//!
//! Only the narrow form that real providers send passes: one root, at most one assertion as its child,
//! signatures only where the schema puts them, each with one reference to its own parent, through
//! `enveloped-signature` and exclusive canonicalisation, with algorithms from a list.

mod signature;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use signature::{Hash, Method, Signature, SignedInfo};
pub(super) use signature::{method_of, read_signed_info};
use signature::{read_signature, signature};

use super::Refusal;
use super::xml::{self, Document, MESSAGE, Node, Ns};

/// Longest base64 text of a message: what decodes to [`MESSAGE`]'s bytes, with room for line breaks.
pub const MAX_ENCODED: usize = MESSAGE.bytes / 3 * 4 + 16 * 1024;
const MAX_ID: usize = 1024;

/// Which message is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// `samlp:Response`.
    Response,
    /// `samlp:LogoutRequest`.
    LogoutRequest,
    /// `samlp:LogoutResponse`.
    LogoutResponse,
    /// `saml:Assertion` by itself, as it comes out of an encrypted one.
    Assertion,
}

impl Root {
    const fn name(self) -> &'static str {
        match self {
            Self::Response => "Response",
            Self::LogoutRequest => "LogoutRequest",
            Self::LogoutResponse => "LogoutResponse",
            Self::Assertion => "Assertion",
        }
    }

    const fn ns(self) -> Ns {
        match self {
            Self::Assertion => Ns::Assertion,
            _ => Ns::Protocol,
        }
    }
}

/// Which algorithms may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// Whether SHA-1 is believed too (the provider's `insecure_allow_sha1`).
    pub allow_sha1: bool,
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
    if !top.is(root.ns(), root.name()) {
        return Err(structure(format!("expected {} of SAML 2.0, came {}", root.name(), top.local())));
    }
    check_ids(&document)?;
    let (assertion, encrypted) = find_assertion(&document, root)?;
    let mut found = [None, None];
    let mut sealed = None;
    for node in document.all() {
        if is_sealed(node) && !sealed.is_some_and(|sealed: Node<'_, '_>| sealed.holds(node)) {
            sealed = Some(node);
        }
        // What is inside an encrypted part is XML Encryption's: only a Signature has no place there.
        if sealed.is_some_and(|sealed| sealed.holds(node)) && node.local() != "Signature" {
            continue;
        }
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

/// Lets through an assertion that came out of the encrypted one in `outer`. Its ids are none of `outer`'s.
///
/// # Errors
/// As [`admit`].
pub(super) fn admit_inside<'a>(
    text: &'a str,
    outer: &Gated<'_>,
    policy: Policy,
) -> Result<Gated<'a>, Refusal> {
    let gated = admit(text, Root::Assertion, policy)?;
    let taken: std::collections::HashSet<_> = outer.document.all().flat_map(ids).collect();
    if gated.document.all().flat_map(ids).any(|id| taken.contains(id)) {
        return Err(structure("an id comes twice"));
    }
    Ok(gated)
}

fn is_sealed(node: Node<'_, '_>) -> bool {
    node.ns() == Ns::Assertion
        && matches!(node.local(), "EncryptedAssertion" | "EncryptedID" | "EncryptedAttribute")
}

/// The names that an element gives itself, with which a signature could point at it.
fn ids<'d>(node: Node<'d, '_>) -> impl Iterator<Item = &'d str> {
    let named = node
        .attributes()
        .filter(|(ns, local, _)| *ns == Ns::None && matches!(*local, "ID" | "Id" | "id" | "AssertionID"));
    named.map(|(_, _, value)| value)
}

/// Every `ID`, `Id`, `id` and `AssertionID` is there once, whatever element it is on; `xml:id` is not known here.
fn check_ids(document: &Document<'_>) -> Result<(), Refusal> {
    let mut seen = std::collections::HashSet::new();
    for node in document.all() {
        let mut own = false;
        if node.attribute_in(Ns::Xml, "id").is_some() {
            return Err(structure("xml:id is not allowed"));
        }
        for value in ids(node) {
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
        if root == Root::Assertion && node.index() == 0 {
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
            // Auth0 puts it last. It is still the one direct child that names its parent.
            let last = parent.children().last().is_some_and(|last| last.index() == node.index());
            if after_issuer || last {
                Ok(())
            } else {
                Err(signature("a Signature is neither right after the Issuer nor last"))
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
