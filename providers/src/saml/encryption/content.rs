//! Decryption of the content (XML Encryption 1.1 section 5.2), by aws-lc-rs.

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{self, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

const BLOCK: usize = 16;
const NONCE: usize = 12;
const TAG: usize = 16;

/// What content may be encrypted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Aes128Gcm,
    Aes256Gcm,
    /// Whoever may change the ciphertext can change the text: see [`super::Cover`].
    Aes128Cbc,
    Aes256Cbc,
}

impl Content {
    pub(super) const fn is_cbc(self) -> bool {
        matches!(self, Self::Aes128Cbc | Self::Aes256Cbc)
    }

    pub(super) const fn key_length(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128Cbc => 16,
            Self::Aes256Gcm | Self::Aes256Cbc => 32,
        }
    }

    /// Whether anything can be encrypted to so many octets.
    pub(super) const fn fits(self, octets: usize) -> bool {
        if self.is_cbc() { octets >= 2 * BLOCK && octets.is_multiple_of(BLOCK) } else { octets > NONCE + TAG }
    }

    /// The text in `octets`, or nothing, whatever is wrong.
    pub(super) fn decrypt(self, key: &[u8], octets: &[u8]) -> Option<String> {
        let plain = match self {
            Self::Aes128Gcm => gcm(&aead::AES_128_GCM, key, octets),
            Self::Aes256Gcm => gcm(&aead::AES_256_GCM, key, octets),
            Self::Aes128Cbc => cbc(&cipher::AES_128, key, octets),
            Self::Aes256Cbc => cbc(&cipher::AES_256, key, octets),
        };
        String::from_utf8(plain?).ok()
    }
}

fn gcm(algorithm: &'static aead::Algorithm, key: &[u8], octets: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = octets.split_at_checked(NONCE)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
    let mut plain = rest.to_vec();
    let length = key.open_in_place(nonce, Aad::empty(), &mut plain).ok()?.len();
    plain.truncate(length);
    Some(plain)
}

fn cbc(algorithm: &'static cipher::Algorithm, key: &[u8], octets: &[u8]) -> Option<Vec<u8>> {
    let (vector, rest) = octets.split_at_checked(BLOCK)?;
    let context = DecryptionContext::Iv128(FixedLength::try_from(vector).ok()?);
    let key = DecryptingKey::cbc(UnboundCipherKey::new(algorithm, key).ok()?).ok()?;
    let mut plain = rest.to_vec();
    key.decrypt(&mut plain, context).ok()?;
    // The last octet counts the padding; the other octets of it may be anything (section 5.2.1).
    let padding = usize::from(*plain.last()?);
    if !(1..=BLOCK).contains(&padding) {
        return None;
    }
    plain.truncate(plain.len().checked_sub(padding)?);
    Some(plain)
}
