//! The signed form of a token (RFC 7515, compact serialisation).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::keys::{Alg, KeySet};
use crate::ProviderError;
use crate::oauth::json;

/// Longest token looked at, in bytes: checked before anything is decoded.
pub(super) const LONGEST: usize = 64 * 1024;
/// Longest key id, in bytes.
const LONGEST_KID: usize = 1024;

/// A token taken apart; nothing in it is verified.
#[derive(Debug)]
pub(super) struct Jws<'a> {
    /// The algorithm of its header, one of ours.
    pub(super) alg: Alg,
    /// The key id of its header.
    pub(super) kid: Option<String>,
    /// The type of its header.
    pub(super) typ: Option<String>,
    signed: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Jws<'a> {
    /// Takes a token apart and reads its header. Keys and addresses of keys in the header (`jwk`,
    /// `jku`, `x5c`, `x5u`) are not looked at; a header that declares extensions critical is refused.
    pub(super) fn parse(token: &'a str) -> Result<Self, ProviderError> {
        if token.len() > LONGEST {
            return Err(fault("oidc_id_token_size", "the ID token is longer than 65,536 bytes"));
        }
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            let detail = if parts.len() == 5 {
                "the ID token is encrypted, which is not supported"
            } else {
                "the ID token does not have the three parts of a signed token"
            };
            return Err(fault("oidc_id_token_form", detail));
        };
        let bytes = URL_SAFE_NO_PAD
            .decode(header)
            .map_err(|_| fault("oidc_id_token_form", "the ID token's header is not base64url"))?;
        let header_members = json::object(&bytes)
            .map_err(|_| fault("oidc_id_token_form", "the ID token's header is not a JSON object"))?;
        if header_members.contains_key("crit") {
            return Err(fault("oidc_crit", "the ID token's header declares extensions critical (crit)"));
        }
        let text = |name: &str| match header_members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= LONGEST_KID => Ok(Some(text.clone())),
            Some(_) => Err(fault("oidc_id_token_form", format!("the ID token's header has an odd {name}"))),
        };
        let alg = text("alg")?
            .ok_or_else(|| fault("oidc_alg", "the ID token's header names no algorithm (alg)"))?;
        let alg = Alg::named(&alg).ok_or_else(|| {
            fault(
                "oidc_alg",
                format!("the ID token is signed with {}, which is never believed", json::shown(&alg, 20)),
            )
        })?;
        let signed = &token[..header.len() + 1 + payload.len()];
        Ok(Self { alg, kid: text("kid")?, typ: text("typ")?, signed, payload, signature })
    }

    /// The payload, once the signature was found good with a key of `keys`.
    pub(super) fn verified(&self, keys: &KeySet) -> Result<Vec<u8>, ProviderError> {
        let bad = || fault("oidc_signature", "the ID token's signature is not one of the provider's keys");
        let key = keys.select(self.alg, self.kid.as_deref()).map_err(|_| bad())?;
        if !key.verifies(self.alg, self.signed, self.signature) {
            return Err(bad());
        }
        URL_SAFE_NO_PAD
            .decode(self.payload)
            .map_err(|_| fault("oidc_id_token_form", "the ID token's payload is not base64url"))
    }
}

fn fault(check: &'static str, detail: impl Into<String>) -> ProviderError {
    ProviderError::not_believed(check, detail)
}
