//! RSA-2048 signing keys, parsed once: a signature costs the private-key operation and nothing else.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::KeyError;

/// An RSA-2048 key for RS256 (RFC 7518 section 3.3). Cheap to clone.
#[derive(Clone)]
pub struct SigningKey {
    inner: Arc<Inner>,
}

struct Inner {
    kid: String,
    pair: RsaKeyPair,
    header: String,
    jwk: Value,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SigningKey").field("kid", &self.inner.kid).finish_non_exhaustive()
    }
}

/// Makes a new RSA-2048 private key, PKCS#8. Takes tens of milliseconds: call it off the event loop.
///
/// # Errors
/// When the library fails.
pub fn generate_pkcs8() -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Library)?;
    let der = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'static>>::as_der(&pair)
        .map_err(|_| KeyError::Library)?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}

impl SigningKey {
    /// From PKCS#8. The key id is the base64 of the SHA-256 of the public key, as Cognito's look.
    ///
    /// # Errors
    /// When it is no RSA private key.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::Unusable("RSA".into()))?;
        let public = pair.public_key();
        let kid = STANDARD.encode(digest(&SHA256, public.as_ref()));
        let n = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
        let e = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
        let jwk = json!({"alg": "RS256", "e": e, "kid": kid, "kty": "RSA", "n": n, "use": "sig"});
        let header = URL_SAFE_NO_PAD.encode(json!({"kid": kid, "alg": "RS256"}).to_string());
        Ok(Self { inner: Arc::new(Inner { kid, pair, header, jwk }) })
    }

    /// Key id.
    pub fn kid(&self) -> &str {
        &self.inner.kid
    }

    /// The public half as a JWK (RFC 7517).
    pub fn jwk(&self) -> &Value {
        &self.inner.jwk
    }

    /// PKCS#1 v1.5 signature with SHA-256.
    ///
    /// # Errors
    /// When the library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0_u8; self.inner.pair.public_modulus_len()];
        self.inner
            .pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| KeyError::Library)?;
        Ok(signature)
    }

    /// A compact JWS (RFC 7515 section 7.1) over this JSON payload.
    ///
    /// # Errors
    /// When the library fails.
    pub fn sign_jwt(&self, payload: &[u8]) -> Result<String, KeyError> {
        let mut token = String::with_capacity(self.inner.header.len() + payload.len() * 4 / 3 + 360);
        token.push_str(&self.inner.header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = self.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// Whether `signature` over `message` is this key's.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.inner.pair.public_key().as_ref())
            .verify(message, signature)
            .is_ok()
    }
}
