//! The pool's public keys (RFC 7517 section 5).

use serde_json::{Value, json};

use crate::registry::LivePool;

/// `{"keys": […]}`: both signing keys, and any that is being rolled over.
pub fn jwks(pool: &LivePool) -> Value {
    let keys: Vec<_> = pool.keys.token_keys().map(|key| key.jwk().clone()).collect();
    json!({ "keys": keys })
}
