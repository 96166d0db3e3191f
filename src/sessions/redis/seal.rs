//! What Redis holds is sealed: whoever reads it learns nothing of the value, whoever writes it makes none of ours and
//! prolongs none.
//!
//! A stored value is `1 | end (8) | end's tag (16) | salt (16) | ciphertext and GCM tag`. The end is nanoseconds since
//! 1970, big-endian, in the open, because the scripts compare it; its tag (HMAC-SHA256, cut to 16 bytes, over the
//! Redis key and the end) keeps it from being moved. `exchange` takes both over from the value that it replaces, which
//! is why they are not part of what the body is bound to. The body is AES-256-GCM under a key and nonce derived by HKDF
//! from the master key and the salt: every value has its own, so no number of values reaches the birthday bound of
//! random nonces under one key. It is bound to the Redis key.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use poolgate_providers::Random;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::keys::seal::SealError;

/// First byte: the format.
pub(super) const FORMAT: u8 = 1;
const END: usize = 8;
const END_TAG: usize = 16;
const SALT: usize = 16;
/// Format, end and the end's tag: what `exchange` leaves in its place.
pub(super) const HEAD: usize = 1 + END + END_TAG;
const KEY: usize = 32;

/// The keys of the session store, derived from the master key. Cheap to clone.
#[derive(Clone)]
pub struct SessionSeal {
    values: Arc<hkdf::Prk>,
    ends: Arc<hmac::Key>,
    random: Arc<dyn Random>,
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive(prk: &hkdf::Prk, info: &[&[u8]], out: &mut [u8]) -> Result<(), SealError> {
    prk.expand(info, Length(out.len())).and_then(|okm| okm.fill(out)).map_err(|_| SealError)
}

impl SessionSeal {
    /// From the 32-byte master key.
    ///
    /// # Errors
    /// When the key has another length.
    pub fn new(master_key: &[u8], random: Arc<dyn Random>) -> Result<Self, SealError> {
        if master_key.len() != KEY {
            return Err(SealError);
        }
        let master = hkdf::Salt::new(hkdf::HKDF_SHA256, b"poolgate session store v1").extract(master_key);
        let mut values = Zeroizing::new([0_u8; KEY]);
        derive(&master, &[b"values"], &mut *values)?;
        let mut ends = Zeroizing::new([0_u8; KEY]);
        derive(&master, &[b"ends"], &mut *ends)?;
        Ok(Self {
            values: Arc::new(hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &*values)),
            ends: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &*ends)),
            random,
        })
    }

    /// Randomness, for whoever has this.
    pub(super) fn random(&self) -> Arc<dyn Random> {
        Arc::clone(&self.random)
    }

    /// A whole stored value that ends then.
    pub(super) fn seal(&self, key: &[u8], end: u64, value: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut stored = Vec::with_capacity(HEAD + SALT + value.len() + 16);
        stored.push(FORMAT);
        stored.extend_from_slice(&end.to_be_bytes());
        stored.extend_from_slice(&self.tag_of(key, end));
        stored.extend_from_slice(&self.seal_body(key, value)?);
        Ok(stored)
    }

    /// Salt and ciphertext: what comes behind the head.
    pub(super) fn seal_body(&self, key: &[u8], value: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut salt = [0_u8; SALT];
        self.random.fill(&mut salt);
        let (cipher, nonce) = self.cipher(&salt)?;
        let mut sealed = value.to_vec();
        cipher.seal_in_place_append_tag(nonce, Aad::from(key), &mut sealed).map_err(|_| SealError)?;
        let mut body = Vec::with_capacity(SALT + sealed.len());
        body.extend_from_slice(&salt);
        body.extend_from_slice(&sealed);
        Ok(body)
    }

    /// The end and the value, if this is one of ours under this key.
    pub(super) fn open(&self, key: &[u8], stored: &[u8]) -> Result<(u64, Vec<u8>), SealError> {
        let (format, rest) = stored.split_first().ok_or(SealError)?;
        let (end, rest) = rest.split_first_chunk::<END>().ok_or(SealError)?;
        let (tag, rest) = rest.split_first_chunk::<END_TAG>().ok_or(SealError)?;
        let (salt, sealed) = rest.split_first_chunk::<SALT>().ok_or(SealError)?;
        let end = u64::from_be_bytes(*end);
        let right_end = subtle::ConstantTimeEq::ct_eq(&self.tag_of(key, end)[..], &tag[..]);
        if *format != FORMAT || !bool::from(right_end) {
            return Err(SealError);
        }
        let (cipher, nonce) = self.cipher(salt)?;
        let mut value = sealed.to_vec();
        let length = cipher.open_in_place(nonce, Aad::from(key), &mut value).map_err(|_| SealError)?.len();
        value.truncate(length);
        Ok((end, value))
    }

    fn cipher(&self, salt: &[u8; SALT]) -> Result<(LessSafeKey, Nonce), SealError> {
        let mut derived = Zeroizing::new([0_u8; KEY + NONCE_LEN]);
        derive(&self.values, &[b"value", salt], &mut *derived)?;
        let (key, nonce) = derived.split_at(KEY);
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| SealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
        Ok((LessSafeKey::new(key), nonce))
    }

    fn tag_of(&self, key: &[u8], end: u64) -> [u8; END_TAG] {
        let mut context = hmac::Context::with_key(&self.ends);
        context.update(&end.to_be_bytes());
        context.update(key);
        let tag = context.sign();
        let mut cut = [0; END_TAG];
        cut.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        cut
    }
}

/// Nanoseconds since 1970, as far as 63 bits reach (1970 to 2262).
pub(super) fn nanos(moment: OffsetDateTime) -> u64 {
    let last = i64::MAX.unsigned_abs();
    moment
        .unix_timestamp_nanos()
        .try_into()
        .map_or_else(|_| if moment.unix_timestamp() < 0 { 0 } else { last }, |nanos: u64| nanos.min(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolgate_providers::SystemRandom;

    fn seal(byte: u8) -> SessionSeal {
        SessionSeal::new(&[byte; 32], Arc::new(SystemRandom)).unwrap()
    }

    #[test]
    fn a_body_does_not_open_behind_the_head_of_another_key() {
        let here = seal(1).seal(b"p:v1:code:a", 77, b"mine").unwrap();
        let there = seal(1).seal(b"p:v1:code:b", 77, b"yours").unwrap();
        let mixed = [&here[..HEAD], &there[HEAD..]].concat();
        assert_eq!(seal(1).open(b"p:v1:code:a", &mixed), Err(SealError));
        assert_eq!(seal(1).open(b"p:v1:code:b", &mixed), Err(SealError));
    }

    #[test]
    fn a_value_opens_only_with_its_key_under_its_name_and_unaltered() {
        let stored = seal(1).seal(b"p:v1:code:a", 77, b"value").unwrap();
        assert_eq!(seal(1).open(b"p:v1:code:a", &stored), Ok((77, b"value".to_vec())));
        assert_eq!(seal(1).open(b"p:v1:code:b", &stored), Err(SealError));
        assert_eq!(seal(2).open(b"p:v1:code:a", &stored), Err(SealError));
        for position in 0..stored.len() {
            let mut altered = stored.clone();
            altered[position] ^= 1;
            assert_eq!(seal(1).open(b"p:v1:code:a", &altered), Err(SealError), "altered at {position}");
            assert_eq!(
                seal(1).open(b"p:v1:code:a", &stored[..position]),
                Err(SealError),
                "cut at {position}"
            );
        }
    }

    #[test]
    fn neither_the_value_nor_its_repetition_is_to_be_seen() {
        let (one, other) =
            (seal(1).seal(b"k", 1, b"value").unwrap(), seal(1).seal(b"k", 1, b"value").unwrap());
        assert_ne!(one, other);
        assert!(!one.windows(5).any(|window| window == b"value"));
    }

    #[test]
    fn a_head_and_a_new_body_make_a_value() {
        let stored = seal(1).seal(b"k", 5, b"old").unwrap();
        let mut exchanged = stored[..HEAD].to_vec();
        exchanged.extend(seal(1).seal_body(b"k", b"new").unwrap());
        assert_eq!(seal(1).open(b"k", &exchanged), Ok((5, b"new".to_vec())));
    }
}
