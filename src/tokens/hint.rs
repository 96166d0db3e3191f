//! An ID token that comes back as `id_token_hint`: ours, by its signature; its age does not matter
//! (OpenID Connect RP-Initiated Logout 1.0 section 2).

use serde::Deserialize;

use super::jws;
use crate::registry::{LivePool, Surface};

#[derive(Clone, Deserialize)]
struct HintClaims {
    iss: String,
    aud: String,
    token_use: String,
}

/// The client an ID token of this pool was issued to.
pub fn audience(pool: &LivePool, surface: &Surface, token: &str) -> Option<String> {
    let claims: HintClaims = jws::claims(token, |kid| pool.keys.id_key(kid))?;
    (claims.iss == pool.issuer(surface) && claims.token_use == "id").then_some(claims.aud)
}
