//! Seals secrets at rest under the master key: AES-256-GCM, bound to what they belong to.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use poolgate_providers::Random;
use thiserror::Error;
use zeroize::Zeroizing;

/// First byte of everything sealed: the format.
const VERSION: u8 = 1;

/// Seals and opens. Cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    key: Arc<LessSafeKey>,
    random: Arc<dyn Random>,
}

/// The sealed bytes do not belong here, or the master key is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("sealed data does not open with this master key")]
pub struct SealError;

impl Sealer {
    /// A sealer under this 32-byte key.
    ///
    /// # Errors
    /// When the key has another length.
    pub fn new(master_key: &[u8], random: Arc<dyn Random>) -> Result<Self, SealError> {
        let key = UnboundKey::new(&AES_256_GCM, master_key).map_err(|_| SealError)?;
        Ok(Self { key: Arc::new(LessSafeKey::new(key)), random })
    }

    /// Seals `secret`; only [`Sealer::open`] with the same `context` gives it back.
    ///
    /// # Errors
    /// When the secret is too large to seal (over 64 GiB).
    pub fn seal(&self, context: &str, secret: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0_u8; NONCE_LEN];
        self.random.fill(&mut nonce);
        let mut sealed = secret.to_vec();
        let nonce_bytes = nonce;
        let aad = Aad::from(context.as_bytes());
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .map_err(|_| SealError)?;
        let mut out = Vec::with_capacity(1 + NONCE_LEN + sealed.len());
        out.push(VERSION);
        out.extend_from_slice(&nonce_bytes);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// Opens what [`Sealer::seal`] made with the same `context`.
    ///
    /// # Errors
    /// When it was altered, made elsewhere or under another key.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (version, rest) = sealed.split_first().ok_or(SealError)?;
        if *version != VERSION || rest.len() < NONCE_LEN {
            return Err(SealError);
        }
        let (nonce, body) = rest.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = self
            .key
            .open_in_place(nonce, Aad::from(context.as_bytes()), &mut body)
            .map_err(|_| SealError)?
            .len();
        body.truncate(length);
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolgate_providers::SystemRandom;

    fn sealer(byte: u8) -> Sealer {
        Sealer::new(&[byte; 32], Arc::new(SystemRandom)).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_again() {
        let sealed = sealer(1).seal("client/a", b"secret").unwrap();
        assert_eq!(sealer(1).open("client/a", &sealed).unwrap().as_slice(), b"secret");
    }

    #[test]
    fn a_sealed_secret_opens_only_where_it_belongs_and_only_with_its_key() {
        let mut sealed = sealer(1).seal("client/a", b"secret").unwrap();
        assert_eq!(sealer(1).open("client/b", &sealed), Err(SealError));
        assert_eq!(sealer(2).open("client/a", &sealed), Err(SealError));
        *sealed.last_mut().unwrap() ^= 1;
        assert_eq!(sealer(1).open("client/a", &sealed), Err(SealError));
        assert_eq!(sealer(1).open("client/a", &[]), Err(SealError));
    }
}
