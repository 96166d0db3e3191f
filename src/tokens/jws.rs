//! Reads a compact JWS that one of the pool's own keys signed.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::de::DeserializeOwned;

use crate::keys::SigningKey;

/// Longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 64 * 1024;

/// The claims, when the key that `kid` names signed them with RS256. Times are for the caller to check, with
/// the injected clock.
pub(super) fn claims<'k, T: DeserializeOwned + Clone>(
    token: &str,
    key: impl FnOnce(&str) -> Option<&'k SigningKey>,
) -> Option<T> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let header = jsonwebtoken::decode_header(token).ok()?;
    let jwk = key(header.kid.as_deref()?)?.jwk();
    let part = |name: &str| jwk.get(name).and_then(serde_json::Value::as_str);
    let decoding = DecodingKey::from_rsa_components(part("n")?, part("e")?).ok()?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<T>(token, &decoding, &validation).ok().map(|token| token.claims)
}
