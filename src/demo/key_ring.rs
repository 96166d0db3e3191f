//! Keys of a simulated provider that signs ID tokens: several are published, one signs, and they rotate.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poolgate_providers::Random;
use poolgate_providers::ambient::random_hex;
use serde_json::{Value, json};

use crate::keys::signing::generate_pkcs8;
use crate::keys::{KeyError, SigningKey};

/// Keys that are published at a time.
const PUBLISHED: usize = 2;

/// The keys. The first signs.
pub struct KeyRing {
    random: Arc<dyn Random>,
    /// Bytes of a key id.
    kid_bytes: usize,
    keys: Mutex<VecDeque<Published>>,
}

struct Published {
    kid: String,
    key: SigningKey,
}

impl KeyRing {
    /// New keys, whose ids have twice as many hexadecimal digits.
    ///
    /// # Errors
    /// When a key cannot be made.
    pub fn new(random: Arc<dyn Random>, kid_bytes: usize) -> Result<Self, KeyError> {
        let ring = Self { random, kid_bytes, keys: Mutex::default() };
        for _ in 0..PUBLISHED {
            ring.rotate()?;
        }
        Ok(ring)
    }

    fn keys(&self) -> MutexGuard<'_, VecDeque<Published>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new key signs from now on; the one that signed stays published, the oldest is gone.
    ///
    /// # Errors
    /// When a key cannot be made.
    pub fn rotate(&self) -> Result<(), KeyError> {
        let key = SigningKey::from_pkcs8(&generate_pkcs8()?)?;
        let kid = random_hex(&self.random, self.kid_bytes);
        let mut keys = self.keys();
        keys.push_front(Published { kid, key });
        keys.truncate(PUBLISHED);
        Ok(())
    }

    /// The published document (RFC 7517 section 5).
    pub fn jwks(&self) -> Value {
        let keys = self.keys();
        let published = keys.iter().map(|Published { kid, key }| {
            let mut jwk = key.jwk().clone();
            jwk["kid"] = kid.as_str().into();
            jwk
        });
        json!({ "keys": published.collect::<Vec<_>>() })
    }

    /// A signed token with these claims.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign(&self, claims: &Value) -> Result<String, KeyError> {
        let keys = self.keys();
        let Published { kid, key } = keys.front().ok_or(KeyError::Library)?;
        let header = json!({"alg": "RS256", "kid": kid, "typ": "JWT"}).to_string();
        let (header, claims) = (URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signed = format!("{header}.{claims}");
        let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())?);
        Ok(format!("{signed}.{signature}"))
    }
}
