//! A provider's public keys (RFC 7517) and their cache.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Response;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};
use url::Url;

use super::cached::Cached;
use super::together::{Document, Need};
use crate::fetch::Http;
use crate::oauth::{call, json};
use crate::{ProviderError, Surroundings, Upstream};

/// Most keys taken from one set.
const MOST_KEYS: usize = 100;
/// A set older than this is fetched again, so that a key the provider withdrew is not believed for long.
const MAX_AGE: Duration = Duration::hours(1);
/// A set that cannot be fetched again is believed at most this long.
const MAX_STALE: Duration = Duration::hours(24);
/// Shortest time between two fetches when there is a set already.
const GAP: Duration = Duration::MINUTE;
/// What another replica fetched is this old at most for whoever knows nothing yet.
const NEW: Duration = Duration::minutes(10);
/// How long a failed first fetch is not repeated.
const BACK_OFF: Duration = Duration::seconds(5);

/// Signature algorithms that are believed: asymmetric ones only (RFC 7518 section 3, RFC 8037, RFC 9864).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alg {
    /// One that `jsonwebtoken` verifies.
    Listed(Algorithm),
    /// ECDSA on P-521, which it does not know.
    Es512,
    /// What `EdDSA` is on this curve, by the name that says so (RFC 9864 section 2.2).
    Ed25519,
}

impl Alg {
    /// Every algorithm that is believed.
    pub(super) const ALL: [(&'static str, Self); 11] = [
        ("RS256", Self::Listed(Algorithm::RS256)),
        ("RS384", Self::Listed(Algorithm::RS384)),
        ("RS512", Self::Listed(Algorithm::RS512)),
        ("PS256", Self::Listed(Algorithm::PS256)),
        ("PS384", Self::Listed(Algorithm::PS384)),
        ("PS512", Self::Listed(Algorithm::PS512)),
        ("ES256", Self::Listed(Algorithm::ES256)),
        ("ES384", Self::Listed(Algorithm::ES384)),
        ("ES512", Self::Es512),
        ("EdDSA", Self::Listed(Algorithm::EdDSA)),
        ("Ed25519", Self::Ed25519),
    ];
    /// What a provider signs with that does not say.
    pub(super) const DEFAULT: Self = Self::Listed(Algorithm::RS256);

    /// By its name, compared byte by byte. `none` and HMAC have none here.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, alg)| alg)
    }

    /// Its name (RFC 7518 section 3.1).
    pub(super) fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, alg)| *alg == self).map_or("", |(name, _)| name)
    }

    /// The kind of key it takes.
    const fn kind(self) -> Kind {
        match self {
            Self::Es512 => Kind::P521,
            Self::Listed(Algorithm::ES256) => Kind::P256,
            Self::Listed(Algorithm::ES384) => Kind::P384,
            Self::Ed25519 | Self::Listed(Algorithm::EdDSA) => Kind::Ed25519,
            Self::Listed(_) => Kind::Rsa,
        }
    }

    /// The hash that `at_hash` is made with (Core 3.1.3.6; SHA-512 for Ed25519).
    pub(super) const fn hash(self) -> &'static digest::Algorithm {
        match self {
            Self::Listed(Algorithm::RS256 | Algorithm::PS256 | Algorithm::ES256) => &digest::SHA256,
            Self::Listed(Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384) => &digest::SHA384,
            _ => &digest::SHA512,
        }
    }
}

/// The kind of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rsa,
    P256,
    P384,
    P521,
    Ed25519,
}

/// One public key, fit to verify.
pub(super) struct Key {
    kid: Option<String>,
    /// The only algorithm it may be used with, if it says so.
    alg: Option<Alg>,
    kind: Kind,
    /// `issuer`: whose key it is, in Entra's key sets; a value that is no text is nobody's.
    owner: Option<String>,
    /// The public values, to tell a repeated key from another one.
    raw: Vec<u8>,
    decoding: DecodingKey,
}

impl Key {
    /// Reads one member of a set; `None` for a key that must not verify: another use, an algorithm
    /// that does not fit, a private key, RSA below 2,048 bits or made by the broken ROCA library.
    fn read(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).map(|value| value.as_str().unwrap_or_default());
        let verifies = |ops: &Value| {
            ops.as_array().is_some_and(|ops| ops.iter().any(|op| op.as_str() == Some("verify")))
        };
        if text("use").is_some_and(|usage| usage != "sig")
            || jwk.get("key_ops").is_some_and(|ops| !verifies(ops))
            || jwk.contains_key("d")
        {
            return None;
        }
        let bytes = |name: &str| text(name).and_then(|value| URL_SAFE_NO_PAD.decode(value).ok());
        let (kind, raw, decoding) = match (text("kty")?, text("crv")) {
            ("RSA", None) => {
                let (modulus, exponent) = (bytes("n")?, bytes("e")?);
                let (modulus, exponent) = (without_zeros(&modulus), without_zeros(&exponent));
                if !sound_rsa(modulus, exponent) {
                    return None;
                }
                let decoding = DecodingKey::from_rsa_raw_components(modulus, exponent);
                (Kind::Rsa, [modulus, exponent].concat(), decoding)
            }
            ("EC", Some(curve)) => {
                let (kind, length) = match curve {
                    "P-256" => (Kind::P256, 32),
                    "P-384" => (Kind::P384, 48),
                    "P-521" => (Kind::P521, 66),
                    _ => return None,
                };
                let (x, y) = (bytes("x")?, bytes("y")?);
                if x.len() != length || y.len() != length {
                    return None;
                }
                let point = [&[4_u8][..], &x, &y].concat();
                let decoding = DecodingKey::from_ec_der(&point);
                (kind, point, decoding)
            }
            ("OKP", Some("Ed25519")) => {
                let x = bytes("x").filter(|x| x.len() == 32)?;
                let decoding = DecodingKey::from_ed_der(&x);
                (Kind::Ed25519, x, decoding)
            }
            _ => return None,
        };
        let alg = match text("alg") {
            Some(name) => Some(Alg::named(name).filter(|alg| alg.kind() == kind)?),
            None => None,
        };
        let (kid, owner) = (text("kid").map(str::to_owned), text("issuer").map(str::to_owned));
        Some(Self { kid, alg, kind, owner, raw, decoding })
    }

    fn fits(&self, alg: Alg) -> bool {
        self.kind == alg.kind() && self.alg.is_none_or(|only| only == alg)
    }

    /// Whether `signature` (base64url) over `message` was made by this key with `alg`.
    pub(super) fn verifies(&self, alg: Alg, message: &str, signature: &str) -> bool {
        if !self.fits(alg) {
            return false;
        }
        match alg {
            Alg::Listed(listed) => self.verifies_listed(listed, message, signature),
            Alg::Ed25519 => self.verifies_listed(Algorithm::EdDSA, message, signature),
            Alg::Es512 => URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| {
                UnparsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, &self.raw)
                    .verify(message.as_bytes(), &signature)
                    .is_ok()
            }),
        }
    }

    fn verifies_listed(&self, alg: Algorithm, message: &str, signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.decoding, alg).unwrap_or(false)
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// 2,048 to 8,192 bits, odd, an odd exponent from 3 up, and not a ROCA modulus (CVE-2017-15361).
fn sound_rsa(modulus: &[u8], exponent: &[u8]) -> bool {
    let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
    let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    (2048..=8192).contains(&bits)
        && odd(modulus)
        && odd(exponent)
        && exponent != [1]
        && exponent.len() <= 8
        && !is_roca(modulus)
}

/// A modulus whose remainder is a power of 65,537 for every one of these primes came from the library
/// whose keys can be factored: by chance that happens less than once in 2^150.
fn is_roca(modulus: &[u8]) -> bool {
    const PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101,
        103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    PRIMES.into_iter().all(|prime| {
        let remainder = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        for _ in 1..prime {
            if power == remainder {
                return true;
            }
            power = power * 65_537 % prime;
        }
        false
    })
}

/// The usable keys of one key set.
pub(super) struct KeySet {
    keys: Vec<Key>,
}

/// Why no key was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoKey {
    /// None fits: perhaps a newer set holds it.
    Unknown,
    /// More than one fits.
    Ambiguous,
}

impl KeySet {
    /// Reads a JWK set. Keys that cannot be used are left out; the rest stays usable.
    pub(super) fn read(document: &Map<String, Value>) -> Result<Self, &'static str> {
        let keys = document.get("keys").and_then(Value::as_array).ok_or("it has no array \"keys\"")?;
        if keys.len() > MOST_KEYS {
            return Err("it holds more than 100 keys");
        }
        Ok(Self { keys: keys.iter().filter_map(Value::as_object).filter_map(Key::read).collect() })
    }

    /// Each usable key: its name, and the algorithms of `algs` that it fits.
    pub(super) fn fitting(&self, algs: &[Alg]) -> Vec<(Option<String>, Vec<&'static str>)> {
        let names = |key: &Key| algs.iter().filter(|alg| key.fits(**alg)).map(|alg| alg.name()).collect();
        self.keys.iter().map(|key| (key.kid.clone(), names(key))).collect()
    }

    fn named(&self, alg: Alg, kid: Option<&str>) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(move |key| key.fits(alg) && (kid.is_none() || key.kid.as_deref() == kid))
    }

    /// Whose the key is that [`select`](Self::select) gives; it may stand in the set more than once.
    pub(super) fn owners(&self, alg: Alg, kid: Option<&str>) -> impl Iterator<Item = Option<&str>> {
        self.named(alg, kid).map(|key| key.owner.as_deref())
    }

    /// The key for a token signed with `alg` by key `kid`. Without a `kid` only a set with exactly one
    /// key for that algorithm will do.
    pub(super) fn select(&self, alg: Alg, kid: Option<&str>) -> Result<&Key, NoKey> {
        let mut fitting = self.named(alg, kid);
        let first = fitting.next().ok_or(NoKey::Unknown)?;
        if fitting.all(|other| other.raw == first.raw) { Ok(first) } else { Err(NoKey::Ambiguous) }
    }
}

/// Where a key set is, and for whom: what other replicas fetched is looked for under all of it.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) url: &'a Url,
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
}

/// The key set of one provider, fetched when needed.
#[derive(Default)]
pub(super) struct KeyCache {
    cached: Cached<KeySet>,
}

impl KeyCache {
    /// The key set that holds a key for `alg` and `kid`; fetched again when the one at hand does not,
    /// at most once a minute (the first fetch not counted) by all replicas together, and by one sign-in at a time.
    ///
    /// # Errors
    /// What went wrong fetching, or [`ProviderError::NotBelieved`] when no key or more than one fits.
    pub(super) async fn holding(
        &self,
        around: &Surroundings,
        from: Source<'_>,
        now: OffsetDateTime,
        alg: Alg,
        kid: Option<&str>,
    ) -> Result<std::sync::Arc<KeySet>, ProviderError> {
        let parts = [from.url.as_str(), from.issuer, from.client_id];
        let document = Document::new(around, "jwks", &parts, MAX_AGE);
        let http = around.http.as_ref();
        let obtain = |need| document.obtain(need, || ask(http, from.url), read);
        let seen = self.cached.look();
        let mut attempts = seen.attempts;
        let mut failure = None;
        let at_hand = match seen.younger(now, MAX_AGE) {
            Some(keys) => Some(keys),
            None if seen.value.is_none() && seen.failed_within(now, BACK_OFF).is_some() => {
                failure = seen.failed_within(now, BACK_OFF);
                None
            }
            None => {
                let need = Need::Since(now - if seen.value.is_some() { MAX_AGE } else { NEW });
                let result = self.cached.refresh(attempts, now, GAP, || obtain(need)).await;
                let after = self.cached.look();
                attempts = after.attempts;
                failure = result.err().or_else(|| after.failure.as_ref().map(|(_, error)| error.clone()));
                after.younger(now, MAX_STALE)
            }
        };
        let Some(keys) = at_hand else {
            return Err(failure.unwrap_or(ProviderError::TimedOut(Upstream::Jwks)));
        };
        let first_look = keys.select(alg, kid).err();
        let fetched_before = self.cached.look().fetched_at.is_some_and(|at| at < now);
        let keys = match first_look {
            // A set that was fetched by this very call is as new as can be.
            Some(NoKey::Unknown) if seen.value.is_some() || fetched_before => {
                let at = self.cached.look().fetched_at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
                self.cached.refresh(attempts, now, GAP, || obtain(Need::Later(at, GAP))).await?
            }
            _ => keys,
        };
        match keys.select(alg, kid).err() {
            None => Ok(keys),
            Some(fault) => Err(no_key(fault, kid)),
        }
    }
}

fn no_key(fault: NoKey, kid: Option<&str>) -> ProviderError {
    let detail = match (fault, kid) {
        (NoKey::Unknown, Some(kid)) => format!(
            "the token is signed by key \"{}\", which the provider's key set does not offer for its algorithm",
            json::shown(kid, 100)
        ),
        (NoKey::Unknown, None) => "the provider's key set offers no key for the token's algorithm".to_owned(),
        (NoKey::Ambiguous, Some(kid)) => {
            format!("the provider's key set holds several keys named \"{}\"", json::shown(kid, 100))
        }
        (NoKey::Ambiguous, None) => {
            "the token names no key (kid) and the provider's key set holds several".to_owned()
        }
    };
    ProviderError::not_believed("oidc_kid", detail)
}

pub(super) async fn fetch(http: &dyn Http, url: &Url) -> Result<KeySet, ProviderError> {
    read(&ask(http, url).await?)
}

async fn ask(http: &dyn Http, url: &Url) -> Result<Response<Vec<u8>>, ProviderError> {
    call::ask(http, Upstream::Jwks, || call::get(url)).await
}

fn read(response: &Response<Vec<u8>>) -> Result<KeySet, ProviderError> {
    let document = call::object(Upstream::Jwks, response, &[])?;
    KeySet::read(&document).map_err(|reason| call::bad(Upstream::Jwks, response.status(), reason))
}
