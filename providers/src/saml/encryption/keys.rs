//! The pool's keys that open what a provider encrypted for it.

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::{digest, hmac};
use thiserror::Error;
use zeroize::Zeroizing;

/// The hash of RSA-OAEP, which is its mask generation function's hash as well (RFC 8017 section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oaep {
    /// SHA-1 with MGF1 of SHA-1: here no collision counts, so it is as safe as the other.
    Sha1,
    /// SHA-256 with MGF1 of SHA-256.
    Sha256,
}

/// Longest content key, in bytes.
pub const MAX_CONTENT_KEY: usize = 32;

/// A private key of the pool that content keys are encrypted for.
pub trait KeyDecryption: Send + Sync {
    /// The content key of `length` bytes (at most [`MAX_CONTENT_KEY`]) in `wrapped`.
    ///
    /// It never fails: where nothing of that length was encrypted for this key, a key that nobody knows
    /// comes out (implicit rejection), always the same one for the same `wrapped`. So nobody can tell by
    /// the answer whether the unwrapping failed.
    fn unwrap_key(&self, padding: Oaep, wrapped: &[u8], length: usize) -> Zeroizing<Vec<u8>>;
}

/// A private key that cannot decrypt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the decryption key is not a PKCS#8 RSA key of 2,048 to 8,192 bits")]
pub struct UnusableKey;

/// An RSA key in memory, by aws-lc-rs.
pub struct RsaDecryption {
    key: OaepPrivateDecryptingKey,
    /// Makes the keys of rejected messages.
    rejection: hmac::Key,
}

impl RsaDecryption {
    /// Reads a private key: DER of PKCS#8 version 1, RSA of 2,048 to 8,192 bits.
    ///
    /// # Errors
    /// [`UnusableKey`] for anything else.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, UnusableKey> {
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| UnusableKey)?;
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| UnusableKey)?;
        let mut seed = digest::Context::new(&digest::SHA256);
        seed.update(b"poolgate: content keys of rejected messages");
        seed.update(pkcs8);
        Ok(Self { key, rejection: hmac::Key::new(hmac::HMAC_SHA256, seed.finish().as_ref()) })
    }
}

impl KeyDecryption for RsaDecryption {
    fn unwrap_key(&self, padding: Oaep, wrapped: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
        let algorithm = match padding {
            Oaep::Sha1 => &OAEP_SHA1_MGF1SHA1,
            Oaep::Sha256 => &OAEP_SHA256_MGF1SHA256,
        };
        // Made in every case, so that it costs the same.
        let rejected = hmac::sign(&self.rejection, wrapped);
        let mut room = Zeroizing::new(vec![0; self.key.min_output_size()]);
        let opened = self.key.decrypt(algorithm, wrapped, &mut room, None);
        let key = match &opened {
            Ok(key) if key.len() == length => &**key,
            _ => rejected.as_ref().get(..length).unwrap_or(rejected.as_ref()),
        };
        Zeroizing::new(key.to_vec())
    }
}
