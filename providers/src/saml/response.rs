//! From a gated Response to what it says: verified where it is signed, opened where it is encrypted.

use time::OffsetDateTime;

use super::Refusal;
use super::encryption::{Cover, Opener, unopened};
use super::engine::SignedXml;
use super::gate::{self, Gated, Policy};
use super::reader::{self, Assertion, ResponseFacts};
use super::settings::SamlSettings;
use super::xml::{self, Document, MESSAGE, Node, Ns};

/// What a Response is read with.
pub(super) struct Reading<'r> {
    pub(super) settings: &'r SamlSettings,
    pub(super) engine: &'r dyn SignedXml,
    pub(super) opener: Opener<'r>,
    pub(super) policy: Policy,
    pub(super) now: OffsetDateTime,
}

impl Reading<'_> {
    /// Verifies and reads: the Response's own facts, whether they come from signed bytes, the assertion.
    pub(super) fn read(&self, gated: &Gated<'_>) -> Result<(ResponseFacts, bool, Assertion), Refusal> {
        if !gated.encrypted && !gated.has_assertion() {
            return Err(Refusal::new("saml_assertion", "the Response holds no assertion"));
        }
        if self.settings.only_encrypted && !gated.encrypted {
            return Err(Refusal::new(
                "saml_not_encrypted",
                "the assertion is not encrypted, and EncryptedResponses=true: let the provider encrypt it",
            ));
        }
        // Whatever is signed is verified first: nothing of a Response that was changed is opened.
        let signed = if gated.encrypted && gated.root_signature.is_none() {
            None
        } else {
            Some(self.engine.verify(gated, &self.settings.metadata.keys, self.policy, self.now)?)
        };
        let root = signed.as_ref().and_then(|signed| signed.root.as_deref()).map(parse).transpose()?;
        let inner = signed.as_ref().and_then(|signed| signed.assertion.as_deref()).map(parse).transpose()?;
        if let Some(root) = &root {
            check_signed_response(root.root(), gated.root())?;
        }
        let response = reader::response(root.as_ref().map_or(gated.root(), Document::root))?;
        let assertion = match (&inner, &root) {
            _ if gated.encrypted => self.encrypted(gated, root.as_ref())?,
            (Some(document), _) => reader::assertion(document.root(), &self.opener)?,
            (None, Some(document)) => reader::assertion(child(document.root(), "Assertion")?, &self.opener)?,
            (None, None) => return Err(unsigned()),
        };
        Ok((response, root.is_some(), assertion))
    }

    /// The assertion in an encrypted one. Where the Response is signed, its `signed` bytes hold the
    /// ciphertext, and none other is looked at.
    fn encrypted(&self, gated: &Gated<'_>, signed: Option<&Document<'_>>) -> Result<Assertion, Refusal> {
        let cover = match signed {
            Some(_) => Cover::Signed,
            None => Cover::Bare { allow_cbc: self.settings.allow_bare_cbc },
        };
        let node = child(signed.map_or(gated.root(), Document::root), "EncryptedAssertion")?;
        let opened = self.opener.assertion(node, cover)?;
        let believed = self.believed(&opened.text, gated, cover);
        // Until its signature is known to be good, no word about a text that anybody may have shaped.
        let believed = if opened.malleable { believed.map_err(|_| unopened()) } else { believed };
        let text = believed?;
        reader::assertion(parse(&text)?.root(), &self.opener)
    }

    /// The bytes of a decrypted assertion that a key of the provider vouches for: what its own Signature
    /// covers, or all of it where the ciphertext was signed.
    fn believed(&self, text: &str, outer: &Gated<'_>, cover: Cover) -> Result<String, Refusal> {
        let inner = gate::admit_inside(text, outer, self.policy)?;
        match (&inner.root_signature, cover) {
            (Some(_), _) => {
                let keys = &self.settings.metadata.keys;
                self.engine.verify(&inner, keys, self.policy, self.now)?.root.ok_or_else(unsigned)
            }
            (None, Cover::Signed) => Ok(text.to_owned()),
            (None, Cover::Bare { .. }) => Err(unsigned()),
        }
    }
}

fn parse(text: &str) -> Result<Document<'_>, Refusal> {
    xml::parse(text, &MESSAGE)
}

fn unsigned() -> Refusal {
    Refusal::new("saml_unsigned", "nothing in the Response is signed")
}

fn child<'d, 'a>(root: Node<'d, 'a>, local: &str) -> Result<Node<'d, 'a>, Refusal> {
    let node = root.at_most_one(Ns::Assertion, local)?;
    node.ok_or_else(|| Refusal::new("saml_assertion", "no assertion is signed"))
}

fn check_signed_response(signed: Node<'_, '_>, came: Node<'_, '_>) -> Result<(), Refusal> {
    signed_as(signed, Ns::Protocol, "Response")?;
    // The Status that ends an attempt is read before the signature; the signed one must agree.
    if reader::status(signed)? != reader::status(came)? {
        return Err(Refusal::new("saml_status", "the signed Status is another one"));
    }
    Ok(())
}

/// Refuses signed bytes that hold another element.
pub(super) fn signed_as(node: Node<'_, '_>, ns: Ns, local: &str) -> Result<(), Refusal> {
    if node.is(ns, local) {
        Ok(())
    } else {
        Err(Refusal::new("saml_signature", "something else than expected is signed"))
    }
}
