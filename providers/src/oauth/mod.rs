//! OAuth 2.0 authorization code flow (RFC 6749 section 4.1): what every provider that is not SAML shares.
//!
//! `callback` reads the answer that came through the browser, `exchange` redeems its code, `client_auth` proves
//! who asks, `call` makes one call and says what its failures mean, `json` parses once and strictly.

pub(crate) mod call;
pub(crate) mod callback;
pub mod client_auth;
pub(crate) mod exchange;
pub(crate) mod json;
#[cfg(test)]
mod tests;

pub use client_auth::ClientAuth;

use oauth2::PkceCodeVerifier;
use secrecy::ExposeSecret as _;

use crate::{AttemptFacts, ProviderError};

/// The PKCE verifier of the attempt, checked because the library panics on a wrong length.
pub(crate) fn verifier(facts: &AttemptFacts) -> Result<PkceCodeVerifier, ProviderError> {
    let verifier = facts.pkce_verifier.expose_secret();
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    if (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved) {
        Ok(PkceCodeVerifier::new(verifier.to_owned()))
    } else {
        Err(ProviderError::Settings("the PKCE verifier is not of 43 to 128 unreserved characters".to_owned()))
    }
}
