//! How the client proves itself at the token endpoint.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::settings::{Details, SettingError, required};

/// How the client proves itself at the token endpoint (OpenID Connect Core section 9).
pub enum ClientAuth {
    /// `client_secret_post`.
    SecretPost(SecretString),
    /// `client_secret_basic`.
    SecretBasic(SecretString),
    /// `private_key_jwt`.
    PrivateKeyJwt {
        /// The key that signs the assertion.
        key: EncodingKey,
        /// RS256, or ES256 for a P-256 key.
        algorithm: Algorithm,
        /// `kid` of the assertion's header (`private_key_id`).
        key_id: Option<String>,
    },
    /// A secret that is a token signed anew for each exchange (Apple, "Creating a client secret").
    SignedSecret {
        /// The P-256 key that signs it.
        key: EncodingKey,
        /// `kid` of its header (`key_id`).
        key_id: String,
        /// Who makes it (`team_id`).
        team_id: String,
        /// For whom: the issuer of the provider's ID tokens.
        audience: String,
    },
}

impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecretPost(_) => "SecretPost",
            Self::SecretBasic(_) => "SecretBasic",
            Self::PrivateKeyJwt { .. } => "PrivateKeyJwt",
            Self::SignedSecret { .. } => "SignedSecret",
        })
    }
}

/// `client_id`.
pub(crate) fn client_id(read: &mut Details<'_>) -> Result<String, SettingError> {
    const ALLOWED: &str = "the client id the provider gave, 1 to 1,024 printable characters";
    let given = required(read, "client_id", ALLOWED)?;
    if given.len() > 1024 || given.chars().any(char::is_control) {
        return Err(SettingError::new("client_id", given, ALLOWED));
    }
    Ok(given.to_owned())
}

#[derive(Clone, Copy)]
enum Method {
    Post,
    Basic,
    PrivateKey,
}

/// `token_endpoint_auth_method` and the secret or key that it needs.
pub(crate) fn read(read: &mut Details<'_>) -> Result<ClientAuth, SettingError> {
    let method = read.choice(
        "token_endpoint_auth_method",
        &[
            ("client_secret_post", Method::Post),
            ("client_secret_basic", Method::Basic),
            ("private_key_jwt", Method::PrivateKey),
        ],
    )?;
    let private_key = read.get("private_key");
    let key_id = read.get("private_key_id");
    if let Method::PrivateKey = method {
        // May stand there from before; it proves nothing any more.
        read.get("client_secret");
        let pem = private_key.ok_or_else(|| SettingError::missing("private_key", PRIVATE_KEY))?;
        let (key, algorithm) = private_key_of(pem)?;
        return Ok(ClientAuth::PrivateKeyJwt { key, algorithm, key_id: key_id.map(str::to_owned) });
    }
    for (key, given) in [("private_key", private_key), ("private_key_id", key_id)] {
        if given.is_some() {
            return Err(SettingError::hidden(
                key,
                "nothing, unless token_endpoint_auth_method is private_key_jwt",
            ));
        }
    }
    let secret = client_secret(read)?;
    Ok(match method {
        Method::Basic => ClientAuth::SecretBasic(secret),
        _ => ClientAuth::SecretPost(secret),
    })
}

/// `client_secret`.
pub(crate) fn client_secret(read: &mut Details<'_>) -> Result<SecretString, SettingError> {
    const ALLOWED: &str = "the client secret the provider gave, printable, at most 1,024 characters";
    let secret = required(read, "client_secret", ALLOWED)?;
    if secret.len() > 1024 || secret.chars().any(char::is_control) {
        return Err(SettingError::hidden("client_secret", ALLOWED));
    }
    Ok(SecretString::from(secret))
}

const PRIVATE_KEY: &str = "a PEM private key: RSA of at least 2,048 bits, or EC on P-256 (PKCS #8)";

/// The key and the algorithm it signs with; tried once, so that a bad key is found here and not at the
/// first sign-in.
fn private_key_of(pem: &str) -> Result<(EncodingKey, Algorithm), SettingError> {
    let rsa = EncodingKey::from_rsa_pem(pem.as_bytes()).map(|key| (key, Algorithm::RS256));
    rsa.or_else(|_| EncodingKey::from_ec_pem(pem.as_bytes()).map(|key| (key, Algorithm::ES256)))
        .ok()
        .filter(|(key, algorithm)| jsonwebtoken::crypto::sign(b"trial", key, *algorithm).is_ok())
        .ok_or_else(|| SettingError::hidden("private_key", PRIVATE_KEY))
}

/// `team_id`, `key_id` and `private_key` of Sign in with Apple.
pub(crate) fn signed_secret(read: &mut Details<'_>, audience: &str) -> Result<ClientAuth, SettingError> {
    let team_id = ten_characters(read, "team_id", "the Team ID of the Apple Developer account")?;
    let key_id = ten_characters(read, "key_id", "the Key ID of the Sign in with Apple key")?;
    let text = required(read, "private_key", P8)?;
    let key = p8(text).ok_or_else(|| SettingError::hidden("private_key", P8))?;
    Ok(ClientAuth::SignedSecret { key, key_id, team_id, audience: audience.to_owned() })
}

fn ten_characters(read: &mut Details<'_>, key: &'static str, what: &str) -> Result<String, SettingError> {
    let allowed = format!("{what}: 10 letters and digits");
    let given = required(read, key, &allowed)?;
    if given.len() == 10 && given.bytes().all(|b| b.is_ascii_alphanumeric()) {
        Ok(given.to_owned())
    } else {
        Err(SettingError::new(key, given, allowed))
    }
}

const P8: &str = "the contents of the .p8 file of the key: an EC key on P-256 (PKCS #8), with or without \
                  the lines BEGIN PRIVATE KEY and END PRIVATE KEY";

/// A `.p8` file, whose first and last line people and tools leave out; tried once, so that a bad key is found here
/// and not at the first sign-in.
fn p8(text: &str) -> Option<EncodingKey> {
    let text = text.trim();
    let body = match text.strip_prefix("-----BEGIN PRIVATE KEY-----") {
        Some(rest) => rest.strip_suffix("-----END PRIVATE KEY-----")?,
        None => text,
    };
    let body: Zeroizing<String> = Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    let der = Zeroizing::new(STANDARD.decode(body.as_bytes()).ok()?);
    let key = EncodingKey::from_ec_der(&der);
    jsonwebtoken::crypto::sign(b"trial", &key, Algorithm::ES256).is_ok().then_some(key)
}
