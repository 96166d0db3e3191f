//! XML Encryption, as far as SAML uses it: one content key for the pool's RSA key, content by AES.

mod keys;

pub use keys::{KeyDecryption, MAX_CONTENT_KEY, Oaep, RsaDecryption, UnusableKey};
