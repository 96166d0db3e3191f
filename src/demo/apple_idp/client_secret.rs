//! The client secret that every exchange brings: a token that the client signs with its registered key
//! ("Creating a client secret", developer.apple.com/documentation/accountorganizationaldatasharing).

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde::Deserialize;

use crate::demo::DemoError;

/// Id of the key.
pub const KEY_ID: &str = "DEMOKEY123";
/// Id of the developer team.
pub const TEAM_ID: &str = "DEMOTEAM01";
/// "The value … must not be greater than 15777000 (6 months in seconds) from the Current UNIX Time on the server."
const LONGEST: i64 = 15_777_000;

/// The key, both halves: Apple keeps the public one.
pub(super) struct RegisteredKey {
    p8: String,
    public: DecodingKey,
    audience: String,
}

#[derive(Deserialize)]
struct Secret {
    iss: String,
    sub: String,
    aud: String,
    iat: i64,
    exp: i64,
}

impl RegisteredKey {
    /// A new key of a provider at `audience`.
    pub(super) fn new(audience: &str) -> Result<Self, DemoError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let public = DecodingKey::from_ec_pem(key.public_key_pem().as_bytes())
            .map_err(|error| DemoError::Signing(error.to_string()))?;
        Ok(Self { p8: key.serialize_pem(), public, audience: audience.to_owned() })
    }

    /// The private half.
    pub(super) fn p8(&self) -> &str {
        &self.p8
    }

    /// Whether this is a client secret of `client_id`, at this moment.
    pub(super) fn signed(&self, secret: &str, client_id: &str, now: i64) -> bool {
        let named =
            jsonwebtoken::decode_header(secret).is_ok_and(|header| header.kid.as_deref() == Some(KEY_ID));
        let mut validation = Validation::new(Algorithm::ES256);
        // Time and audience are looked at below, by the simulator's own clock.
        (validation.validate_exp, validation.validate_aud) = (false, false);
        let Ok(decoded) = jsonwebtoken::decode::<Secret>(secret, &self.public, &validation) else {
            return false;
        };
        let claims = decoded.claims;
        named
            && claims.iss == TEAM_ID
            && claims.sub == client_id
            && claims.aud == self.audience
            && claims.iat <= now
            && now < claims.exp
            && claims.exp - now <= LONGEST
    }
}
