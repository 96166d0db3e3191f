//! The signature engine: from a gated message to the exact bytes that were signed.

use aws_lc_rs::digest;
use bergshamra::c14n::{C14nMode, canonicalize_doc};
use bergshamra::xml::nodeset::{NodeIdSet, NodeSetType};
use bergshamra::xml::{Document, NodeId, NodeSet, uppsala};
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;

use super::Refusal;
use super::gate::{self, Gated, Hash, Policy, Signature};
use super::keys::VerifyKey;
use super::xml::{self, ASSERTION, DSIG, MESSAGE};

/// Bytes that a key of the provider signed: the canonical octets that went into the digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The whole message, where it is signed.
    pub root: Option<String>,
    /// The assertion, where it is signed.
    pub assertion: Option<String>,
}

/// Verifies every signature of a gated message.
///
/// An engine must verify each signature that the gate found, with the keys given and no others, and
/// return the very octets that were digested. A second engine can be set beside the first.
pub trait SignedXml: Send + Sync {
    /// The signed bytes.
    ///
    /// # Errors
    /// `saml_unsigned` without any signature, [`UNKNOWN_KEY`](super::UNKNOWN_KEY) for one that no key given
    /// has made, `saml_signature` and `saml_digest` for another wrong one,
    /// `saml_certificate` when no certificate of the provider is in its time.
    fn verify(
        &self,
        message: &Gated<'_>,
        keys: &[VerifyKey],
        policy: Policy,
        now: OffsetDateTime,
    ) -> Result<Signed, Refusal>;
}

/// Canonicalisation by bergshamra, digests and signatures by aws-lc-rs.
///
/// Of bergshamra only parser and canonicalisation are reached: references, transforms, algorithms and
/// keys are decided by the gate, so none of its resolvers or registries has a say.
#[derive(Debug, Clone, Copy, Default)]
pub struct RustEngine;

impl SignedXml for RustEngine {
    fn verify(
        &self,
        message: &Gated<'_>,
        keys: &[VerifyKey],
        policy: Policy,
        now: OffsetDateTime,
    ) -> Result<Signed, Refusal> {
        if message.root_signature.is_none() && message.assertion_signature.is_none() {
            return Err(Refusal::new("saml_unsigned", "neither the message nor its assertion is signed"));
        }
        let keys = current(keys, now)?;
        let document = uppsala::parse(message.text)
            .map_err(|_| Refusal::new("saml_xml", "the second XML parser does not accept the message"))?;
        let root = document.document_element().ok_or_else(|| broken("no root element"))?;
        let work = Work { document: &document, keys: &keys, policy };
        let root_bytes =
            message.root_signature.as_ref().map(|signature| work.check(root, signature)).transpose()?;
        let assertion = match &message.assertion_signature {
            Some(signature) => {
                Some(work.check(only_child(&document, root, ASSERTION, "Assertion")?, signature)?)
            }
            None => None,
        };
        Ok(Signed { root: root_bytes, assertion })
    }
}

fn broken(detail: &str) -> Refusal {
    Refusal::new("saml_signature", format!("the signature cannot be checked: {detail}"))
}

/// The keys whose certificate is in its time.
fn current(keys: &[VerifyKey], now: OffsetDateTime) -> Result<Vec<&VerifyKey>, Refusal> {
    let current: Vec<_> = keys.iter().filter(|key| key.not_before <= now && now <= key.not_after).collect();
    if current.is_empty() {
        let times: Vec<_> =
            keys.iter().map(|key| format!("{} to {}", key.not_before.date(), key.not_after.date())).collect();
        return Err(Refusal::new(
            "saml_certificate",
            format!(
                "no signing certificate of the provider is valid now, only from {}: refresh the metadata",
                times.join(", ")
            ),
        ));
    }
    Ok(current)
}

struct Work<'w, 'x> {
    document: &'w Document<'x>,
    keys: &'w [&'w VerifyKey],
    policy: Policy,
}

impl Work<'_, '_> {
    /// Checks `signature` as the direct child of `parent`: SignedInfo's own signature first, then what
    /// the signed SignedInfo says, then the digest of the parent.
    fn check(&self, parent: NodeId, signature: &Signature) -> Result<String, Refusal> {
        let element = only_child(self.document, parent, DSIG, "Signature")?;
        let info = only_child(self.document, element, DSIG, "SignedInfo")?;
        let id = self.document.element(parent).and_then(|node| node.get_attribute("ID"));
        if id != Some(signature.info.reference.as_str()) {
            return Err(broken("the two XML parsers disagree about the signed element"));
        }
        let info_bytes = self.canonical(info, None, &signature.info.own_prefixes)?;
        self.check_signature(&info_bytes, signature)?;
        let document = xml::parse(&info_bytes, &MESSAGE)?;
        if gate::read_signed_info(document.root(), self.policy)? != signature.info {
            return Err(broken("the two XML parsers disagree about SignedInfo"));
        }
        let bytes = self.canonical(parent, Some(element), &signature.info.reference_prefixes)?;
        let computed = hash(signature.info.digest, bytes.as_bytes());
        if !bool::from(computed.as_ref().ct_eq(&signature.info.digest_value)) {
            return Err(Refusal::new("saml_digest", "the signed element was changed after it was signed"));
        }
        Ok(bytes)
    }

    fn check_signature(&self, message: &str, signature: &Signature) -> Result<(), Refusal> {
        let made =
            |key: &&&VerifyKey| key.verify(signature.info.method, message.as_bytes(), &signature.value);
        match self.keys.iter().find(made) {
            Some(key) => {
                key.note();
                Ok(())
            }
            None => Err(Refusal::unknown_key()),
        }
    }

    /// Exclusive canonical form of `node` without the subtree `except`.
    fn canonical(
        &self,
        node: NodeId,
        except: Option<NodeId>,
        prefixes: &[String],
    ) -> Result<String, Refusal> {
        let mut visible = NodeIdSet::default();
        let mut waiting = vec![node];
        while let Some(next) = waiting.pop() {
            if Some(next) != except {
                visible.insert(next.index());
                waiting.extend(self.document.children_iter(next));
            }
        }
        let set = NodeSet::from_ids(visible, NodeSetType::Normal);
        let bytes = canonicalize_doc(self.document, C14nMode::Exclusive, Some(&set), prefixes)
            .map_err(|_| broken("canonicalisation failed"))?;
        if bytes.is_empty() {
            return Err(broken("canonicalisation gave nothing"));
        }
        String::from_utf8(bytes).map_err(|_| broken("canonicalisation gave no UTF-8"))
    }
}

/// The one child of this name. Fixed paths only: nothing is ever searched for.
fn only_child(document: &Document<'_>, parent: NodeId, ns: &str, local: &str) -> Result<NodeId, Refusal> {
    let is_it = |id: &NodeId| document.element(*id).is_some_and(|element| element.matches_name_ns(ns, local));
    let mut found = document.children_iter(parent).filter(is_it);
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(broken("the two XML parsers disagree about the message")),
    }
}

fn hash(hash: Hash, bytes: &[u8]) -> digest::Digest {
    let algorithm = match hash {
        Hash::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => &digest::SHA256,
        Hash::Sha384 => &digest::SHA384,
        Hash::Sha512 => &digest::SHA512,
    };
    digest::digest(algorithm, bytes)
}
