//! XML Encryption, as far as SAML uses it: a content key for the pool's RSA key, and content by AES.
//!
//! What cannot be opened is refused with one code and one text, whatever the reason ([`unopened`]); what is
//! public, as the names of algorithms, is told. Where an answer could serve to guess at a text (AES-CBC that
//! nothing signs), nothing is opened ([`Cover`]).

mod content;
mod form;
mod keys;

use std::sync::Arc;

pub use keys::{KeyDecryption, MAX_CONTENT_KEY, Oaep, RsaDecryption, UnusableKey};

use super::Refusal;
use super::reader::{self, NameId};
use super::xml::{self, MESSAGE, Node, Ns};

/// Most EncryptedKeys of one encrypted part.
pub const MAX_ENCRYPTED_KEYS: usize = 4;
/// Most keys of the pool that are tried.
pub const MAX_POOL_KEYS: usize = 4;

/// What vouches for a ciphertext before it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cover {
    /// It stands in bytes that the provider signed.
    Signed,
    /// Nothing does.
    Bare {
        /// Whether AES-CBC is opened all the same (the provider's `insecure_allow_aes_cbc`).
        allow_cbc: bool,
    },
}

/// What an encrypted part held.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) text: String,
    /// Whether anybody may have changed it, knowing no key: an answer about it would help them to read it.
    pub(super) malleable: bool,
}

/// The one refusal of everything that depends on a secret.
pub(super) fn unopened() -> Refusal {
    Refusal::new(
        "saml_decryption",
        "what is encrypted cannot be believed: it is encrypted for another key than the pool's, was changed on \
         the way, or holds something else than it should, properly signed: compare the certificate that the \
         provider encrypts for with the pool's",
    )
}

/// Opens what is encrypted for the pool.
#[derive(Clone, Copy)]
pub struct Opener<'k> {
    keys: &'k [Arc<dyn KeyDecryption>],
    recipient: &'k str,
}

impl<'k> Opener<'k> {
    /// With the pool's keys, the first [`MAX_POOL_KEYS`] of them, for `recipient`, our entity id.
    pub const fn new(keys: &'k [Arc<dyn KeyDecryption>], recipient: &'k str) -> Self {
        Self { keys, recipient }
    }

    /// The assertion in an EncryptedAssertion (SAML core 2.3.4).
    ///
    /// # Errors
    /// `saml_encrypted` without any key, what [`form`] refuses by name, `saml_decryption` for all the rest.
    pub(super) fn assertion(&self, node: Node<'_, '_>, cover: Cover) -> Result<Opened, Refusal> {
        self.open(node, cover, "Assertion")
    }

    /// The NameID in `parent` (a Subject or a LogoutRequest, from signed bytes), plain or as the one
    /// EncryptedID (SAML core 2.2.4).
    ///
    /// # Errors
    /// `saml_name_id` without one NameID, and as an encrypted assertion.
    pub fn name_id(&self, parent: Node<'_, '_>) -> Result<NameId, Refusal> {
        let Some(encrypted) = parent.at_most_one(Ns::Assertion, "EncryptedID")? else {
            return reader::name_id(parent);
        };
        if parent.named(Ns::Assertion, "NameID").next().is_some() {
            return Err(Refusal::new("saml_name_id", "a NameID stands beside an EncryptedID"));
        }
        let opened = self.open(encrypted, Cover::Signed, "NameID")?;
        reader::read_name_id(xml::parse(&opened.text, &MESSAGE)?.root())
    }

    /// Every key is tried on every EncryptedKey, until a text comes out that is one `local` element. A key
    /// that does not fit gives nonsense, not an error, and the work goes on as with one that does.
    fn open(&self, container: Node<'_, '_>, cover: Cover, local: &str) -> Result<Opened, Refusal> {
        if self.keys.is_empty() {
            return Err(Refusal::new(
                "saml_encrypted",
                format!("there is an {}, and the pool has no key to open it", container.local()),
            ));
        }
        let sealed = form::read(container, self.recipient, cover)?;
        let is_it = |text: &str| {
            xml::parse(text, &MESSAGE).is_ok_and(|document| document.root().is(Ns::Assertion, local))
        };
        for wrapped in &sealed.keys {
            for key in self.keys.iter().take(MAX_POOL_KEYS) {
                let content_key =
                    key.unwrap_key(wrapped.padding, &wrapped.octets, sealed.content.key_length());
                if let Some(text) =
                    sealed.content.decrypt(&content_key, &sealed.octets).filter(|text| is_it(text))
                {
                    let malleable = sealed.content.is_cbc() && cover != Cover::Signed;
                    return Ok(Opened { text, malleable });
                }
            }
        }
        Err(unopened())
    }
}
