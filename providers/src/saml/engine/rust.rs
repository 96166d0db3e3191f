//! The engine of every build: pure Rust.

use std::borrow::Cow;

use aws_lc_rs::digest;
use bergshamra::c14n::{C14nMode, canonicalize_doc};
use bergshamra::xml::nodeset::{NodeIdSet, NodeSetType};
use bergshamra::xml::{Document, NodeId, NodeSet, uppsala};
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;

use super::{Signed, SignedXml, broken, current, some_signature};
use crate::saml::Refusal;
use crate::saml::gate::{self, Gated, Hash, Policy, Signature};
use crate::saml::keys::VerifyKey;
use crate::saml::xml::{self, ASSERTION, DSIG, MESSAGE};

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
        some_signature(message)?;
        let keys = current(keys, now)?;
        let text = without_line_ends_in_tags(message.text);
        let document = uppsala::parse(&text)
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

/// The text with a space for each line end and tab inside a tag, as XML 1.0 sections 2.11 and 3.3.3 want it
/// of attribute values: this parser does not do it. The gate has left nothing in which a `<` could stand and
/// not begin a tag.
fn without_line_ends_in_tags(text: &str) -> Cow<'_, str> {
    let mut whole = String::new();
    let (mut in_tag, mut quote, mut copied, mut after_return) = (false, None, 0, false);
    for (at, byte) in text.bytes().enumerate() {
        let returned = std::mem::replace(&mut after_return, in_tag && byte == b'\r');
        match (byte, quote) {
            (b'<', None) => in_tag = true,
            (b'>', None) => in_tag = false,
            (b'\'' | b'"', None) if in_tag => quote = Some(byte),
            (_, Some(open)) if byte == open => quote = None,
            (b'\t' | b'\n' | b'\r', _) if in_tag => {
                whole.push_str(text.get(copied..at).unwrap_or_default());
                if !(byte == b'\n' && returned) {
                    whole.push(' ');
                }
                copied = at + 1;
            }
            _ => {}
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    whole.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(whole)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_digested_where_canonicalisation_gives_nothing() {
        let document = uppsala::parse("<a><b/></a>").unwrap();
        let root = document.document_element().unwrap();
        let work = Work { document: &document, keys: &[], policy: Policy::default() };
        assert_eq!(work.canonical(root, None, &[]).unwrap(), "<a><b></b></a>");
        let refusal = work.canonical(root, Some(root), &[]).unwrap_err();
        assert!(refusal.detail.contains("canonicalisation gave nothing"), "{refusal}");
    }
}
