//! Sealed capsules: JWE compact, `dir` + `A256GCM` (RFC 7516 section 7.1, RFC 7518 sections 4.5, 5.3).
//!
//! Refresh tokens are such capsules: what they say is inside, nobody outside can read or alter it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poolgate_providers::Random;
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use super::KeyError;

/// Length of the GCM tag, in bytes.
const TAG: usize = 16;
/// Longest capsule that is looked at, in characters: more than the longest scopes and resource of an authorize
/// request can make of one.
pub const MAX_CAPSULE: usize = 32 * 1024;

/// A 256-bit key that makes and opens capsules.
pub struct CapsuleKey {
    header: String,
    key: LessSafeKey,
}

impl CapsuleKey {
    /// From 32 bytes.
    ///
    /// # Errors
    /// When the length is another.
    pub fn new(kid: &str, bytes: &[u8]) -> Result<Self, KeyError> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| KeyError::Unusable(kid.to_owned()))?;
        let header = serde_json::json!({"alg": "dir", "enc": "A256GCM", "kid": kid}).to_string();
        Ok(Self { header: URL_SAFE_NO_PAD.encode(header), key: LessSafeKey::new(key) })
    }

    /// Seals `content` as JSON.
    ///
    /// # Errors
    /// When the library fails.
    pub fn seal<T: Serialize>(&self, random: &dyn Random, content: &T) -> Result<String, KeyError> {
        let mut body = Zeroizing::new(serde_json::to_vec(content).map_err(|_| KeyError::Library)?);
        let mut nonce = [0_u8; NONCE_LEN];
        random.fill(&mut nonce);
        let encoded_nonce = URL_SAFE_NO_PAD.encode(nonce);
        let tag = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(self.header.as_bytes()),
                &mut body,
            )
            .map_err(|_| KeyError::Library)?;
        let mut capsule = String::with_capacity(self.header.len() + body.len() * 4 / 3 + 64);
        capsule.push_str(&self.header);
        capsule.push_str("..");
        capsule.push_str(&encoded_nonce);
        capsule.push('.');
        URL_SAFE_NO_PAD.encode_string(body.as_slice(), &mut capsule);
        capsule.push('.');
        URL_SAFE_NO_PAD.encode_string(tag.as_ref(), &mut capsule);
        Ok(capsule)
    }

    /// Opens a capsule of this key; `None` for anything else.
    pub fn open<T: DeserializeOwned>(&self, capsule: &str) -> Option<T> {
        if capsule.len() > MAX_CAPSULE {
            return None;
        }
        let mut parts = capsule.split('.');
        let (header, key, nonce, body, tag) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || header != self.header || !key.is_empty() {
            return None;
        }
        let nonce = URL_SAFE_NO_PAD.decode(nonce).ok()?;
        let mut sealed = Zeroizing::new(URL_SAFE_NO_PAD.decode(body).ok()?);
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        if tag.len() != TAG {
            return None;
        }
        sealed.extend_from_slice(&tag);
        let nonce = Nonce::try_assume_unique_for_key(&nonce).ok()?;
        let content = self.key.open_in_place(nonce, Aad::from(self.header.as_bytes()), &mut sealed).ok()?;
        serde_json::from_slice(content).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolgate_providers::SystemRandom;

    #[test]
    fn a_capsule_opens_with_its_key_only_and_not_when_altered() {
        let key = CapsuleKey::new("k1", &[7; 32]).unwrap();
        let capsule = key.seal(&SystemRandom, &vec!["a", "b"]).unwrap();
        assert_eq!(key.open::<Vec<String>>(&capsule).unwrap(), ["a", "b"]);
        assert!(CapsuleKey::new("k1", &[8; 32]).unwrap().open::<Vec<String>>(&capsule).is_none());
        for position in 0..capsule.len() {
            let mut bytes = capsule.clone().into_bytes();
            bytes[position] = if bytes[position] == b'A' { b'Q' } else { b'A' };
            let altered = String::from_utf8(bytes).unwrap();
            assert!(key.open::<Vec<String>>(&altered).is_none(), "altered at {position}");
        }
    }
}
