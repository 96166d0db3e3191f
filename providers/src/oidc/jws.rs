//! The signed form of a token (RFC 7515, compact serialisation).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::keys::{Alg, KeySet};
use crate::ProviderError;
use crate::oauth::json;

/// Longest token looked at, in bytes: checked before anything is decoded.
pub(super) const LONGEST: usize = 64 * 1024;
/// Longest key id, in bytes.
const LONGEST_KID: usize = 1024;

/// What a token is taken for; the texts of its faults say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Document {
    /// The ID token of a token response.
    IdToken,
    /// An answer of the userinfo endpoint.
    UserInfo,
}

impl Document {
    /// In words.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::IdToken => "ID token",
            Self::UserInfo => "signed userinfo",
        }
    }

    /// The check that one fails which is malformed.
    pub(super) const fn form(self) -> &'static str {
        match self {
            Self::IdToken => "oidc_id_token_form",
            Self::UserInfo => "oidc_userinfo_form",
        }
    }

    /// The check that one fails which is too long.
    const fn size(self) -> &'static str {
        match self {
            Self::IdToken => "oidc_id_token_size",
            Self::UserInfo => "oidc_userinfo_size",
        }
    }

    /// A fault in it: `text` is what comes after "the ID token".
    pub(super) fn fault(self, check: &'static str, text: impl std::fmt::Display) -> ProviderError {
        ProviderError::not_believed(check, format!("the {}{text}", self.name()))
    }
}

/// A token taken apart; nothing in it is verified.
#[derive(Debug)]
pub(super) struct Jws<'a> {
    /// What it is taken for.
    pub(super) document: Document,
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
    /// Takes an ID token apart and reads its header, see [`parse_as`](Self::parse_as).
    pub(super) fn parse(token: &'a str) -> Result<Self, ProviderError> {
        Self::parse_as(token, Document::IdToken)
    }

    /// Takes a token apart and reads its header. Keys and addresses of keys in the header (`jwk`,
    /// `jku`, `x5c`, `x5u`) are not looked at; a header that declares extensions critical is refused.
    pub(super) fn parse_as(token: &'a str, document: Document) -> Result<Self, ProviderError> {
        let fault = |check, text: &str| document.fault(check, text);
        if token.len() > LONGEST {
            return Err(fault(document.size(), " is longer than 65,536 bytes"));
        }
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            let detail = if parts.len() == 5 {
                " is encrypted, which is not supported: have the provider sign it and not encrypt it"
            } else {
                " does not have the three parts of a signed token"
            };
            return Err(fault(document.form(), detail));
        };
        let bytes = URL_SAFE_NO_PAD
            .decode(header)
            .map_err(|_| fault(document.form(), "'s header is not base64url"))?;
        let members =
            json::object(&bytes).map_err(|_| fault(document.form(), "'s header is not a JSON object"))?;
        if members.contains_key("crit") {
            return Err(fault("oidc_crit", "'s header declares extensions critical (crit)"));
        }
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= LONGEST_KID => Ok(Some(text.clone())),
            Some(_) => Err(fault(document.form(), &format!("'s header has an odd {name}"))),
        };
        let alg = text("alg")?.ok_or_else(|| fault("oidc_alg", "'s header names no algorithm (alg)"))?;
        let alg = Alg::named(&alg).ok_or_else(|| {
            let alg = json::shown(&alg, 20);
            fault("oidc_alg", &format!(" is signed with {alg}, which is never believed"))
        })?;
        let signed = &token[..header.len() + 1 + payload.len()];
        Ok(Self { document, alg, kid: text("kid")?, typ: text("typ")?, signed, payload, signature })
    }

    /// The checks on the header, before a key is looked for: the algorithm is one of `algs`, and the type is
    /// none but a JWT's. Access tokens and logout tokens name theirs (RFC 9068, OpenID Connect Back-Channel
    /// Logout 1.0).
    pub(super) fn check_header(&self, algs: &[Alg]) -> Result<(), ProviderError> {
        if !algs.contains(&self.alg) {
            let text = " is signed with an algorithm the provider did not announce";
            return Err(self.document.fault("oidc_alg", text));
        }
        let typ = self.typ.as_deref().map(str::to_ascii_lowercase);
        match typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ)) {
            None | Some("jwt") => Ok(()),
            Some(other) => {
                let text = format!(" is of type {}, not a plain JWT", json::shown(other, 40));
                Err(self.document.fault("oidc_typ", text))
            }
        }
    }

    /// The claims, once the signature was found good with a key of `keys`.
    pub(super) fn claims(&self, keys: &KeySet) -> Result<Map<String, Value>, ProviderError> {
        let payload = self.verified(keys)?;
        let text = "'s payload is not a JSON object with each claim once";
        json::object(&payload).map_err(|_| self.document.fault(self.document.form(), text))
    }

    /// The payload, once the signature was found good with a key of `keys`.
    pub(super) fn verified(&self, keys: &KeySet) -> Result<Vec<u8>, ProviderError> {
        let bad = || self.document.fault("oidc_signature", "'s signature is not one of the provider's keys");
        let key = keys.select(self.alg, self.kid.as_deref()).map_err(|_| bad())?;
        if !key.verifies(self.alg, self.signed, self.signature) {
            return Err(bad());
        }
        URL_SAFE_NO_PAD
            .decode(self.payload)
            .map_err(|_| self.document.fault(self.document.form(), "'s payload is not base64url"))
    }
}
