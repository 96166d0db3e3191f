//! Whether an ID token is believed (OpenID Connect Core 3.1.3.7).

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};

use super::issuer;
use super::jws::Jws;
use super::keys::{Alg, KeySet};
use super::settings::IssuerRule;
use crate::ProviderError;
use crate::oauth::json;

/// An ID token fresh from the token endpoint was made for this sign-in: an `iat` older than this is not.
const OLDEST: Duration = Duration::hours(1);
/// Longest subject, in bytes (Core section 2: 255 ASCII characters).
const LONGEST_SUBJECT: usize = 255;

/// What the ID token of one sign-in must say.
pub(super) struct Expected<'a> {
    /// The issuer, byte by byte.
    pub(super) issuer: &'a str,
    /// Whether its tokens may name it otherwise.
    pub(super) issuer_rule: IssuerRule,
    /// Our client id there.
    pub(super) client_id: &'a str,
    /// The nonce that was sent.
    pub(super) nonce: &'a SecretString,
    /// Algorithms the provider may sign with.
    pub(super) algs: &'a [Alg],
    /// Clock difference that is forgiven.
    pub(super) skew: Duration,
    /// `max_age` that was asked for, in seconds.
    pub(super) max_age: Option<u32>,
    /// When the person was sent to sign in again (`prompt=login`).
    pub(super) again_since: Option<OffsetDateTime>,
    /// The access token that came with it.
    pub(super) access_token: &'a str,
    /// Now.
    pub(super) now: OffsetDateTime,
}

/// The claims of an ID token that passed every check.
#[derive(Debug)]
pub(crate) struct IdToken {
    /// Who it is from: what the discovery document states, or one tenant's form of it.
    pub(crate) issuer: String,
    /// `sub`.
    pub(crate) subject: String,
    /// `auth_time`.
    pub(crate) authenticated_at: Option<OffsetDateTime>,
    /// All of its claims.
    pub(crate) claims: Map<String, Value>,
}

/// Verifies signature and claims.
pub(super) fn verify(
    jws: &Jws<'_>,
    keys: &KeySet,
    expected: &Expected<'_>,
) -> Result<IdToken, ProviderError> {
    jws.check_header(expected.algs)?;
    let claims = jws.claims(keys)?;
    let issuer = issuer::check(&claims, expected.issuer, expected.issuer_rule)?;
    issuer::check_key(jws, keys, &issuer, expected.issuer, expected.issuer_rule)?;
    check_audience(&claims, expected)?;
    check_times(&claims, expected)?;
    check_nonce(&claims, expected)?;
    check_access_token(&claims, jws.alg, expected)?;
    let subject = subject(&claims)?;
    let authenticated_at = authenticated_at(&claims, expected)?;
    Ok(IdToken { issuer, subject, authenticated_at, claims })
}

/// For whom a token is; nothing for what is no list of texts.
pub(super) fn audiences(claims: &Map<String, Value>) -> Vec<&str> {
    let audiences: Option<Vec<&str>> = match claims.get("aud") {
        Some(Value::String(one)) => Some(vec![one]),
        Some(Value::Array(several)) => several.iter().map(Value::as_str).collect(),
        _ => None,
    };
    audiences.unwrap_or_default()
}

fn check_audience(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), ProviderError> {
    let audiences = audiences(claims);
    if !audiences.contains(&expected.client_id) {
        let came = json::shown(&audiences.join(", "), 300);
        return Err(fault(
            "oidc_audience",
            format!("the ID token is for \"{came}\", expected the client id \"{}\"", expected.client_id),
        ));
    }
    match claims.get("azp") {
        None if audiences.len() == 1 => Ok(()),
        None => Err(fault(
            "oidc_azp",
            "the ID token has several audiences and does not say for whom it was made (azp)",
        )),
        Some(Value::String(party)) if party == expected.client_id => Ok(()),
        Some(other) => Err(fault(
            "oidc_azp",
            format!(
                "the ID token was made for \"{}\" (azp), expected the client id \"{}\"",
                json::shown(other.as_str().unwrap_or(""), 300),
                expected.client_id
            ),
        )),
    }
}

fn check_times(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), ProviderError> {
    let (now, skew) = (expected.now, expected.skew);
    let expires = moment(claims, "exp", "oidc_expired")?
        .ok_or_else(|| fault("oidc_expired", "the ID token does not say when it expires (exp)"))?;
    if now >= expires + skew {
        return Err(late("oidc_expired", "the ID token expired", now - expires));
    }
    let issued = moment(claims, "iat", "oidc_issued_at")?
        .ok_or_else(|| fault("oidc_issued_at", "the ID token does not say when it was made (iat)"))?;
    if issued > now + skew {
        return Err(early("oidc_issued_at", "the ID token was made", issued - now));
    }
    if issued < now - OLDEST - skew {
        return Err(late("oidc_issued_at", "the ID token was made", now - issued));
    }
    match moment(claims, "nbf", "oidc_not_before")? {
        Some(from) if from > now + skew => {
            Err(early("oidc_not_before", "the ID token becomes valid", from - now))
        }
        _ => Ok(()),
    }
}

fn late(check: &'static str, what: &str, by: Duration) -> ProviderError {
    fault(
        check,
        format!("{what} {} s ago by our clock (clock_skew_seconds forgives up to 300)", by.whole_seconds()),
    )
}

fn early(check: &'static str, what: &str, by: Duration) -> ProviderError {
    fault(
        check,
        format!(
            "{what} {} s in the future by our clock (clock_skew_seconds forgives up to 300)",
            by.whole_seconds()
        ),
    )
}

/// A NumericDate (RFC 7519 section 2): seconds since 1970, fractions allowed and dropped.
pub(super) fn moment(
    claims: &Map<String, Value>,
    name: &str,
    check: &'static str,
) -> Result<Option<OffsetDateTime>, ProviderError> {
    /// 9999-12-31T23:59:59Z less a day, so that adding the skew stays in range.
    const LAST: i64 = 253_402_214_400;
    let Some(value) = claims.get(name) else { return Ok(None) };
    #[expect(clippy::cast_possible_truncation, reason = "only finite values in range are cast")]
    let seconds = value
        .as_i64()
        .or_else(|| value.as_f64().filter(|s| (0.0..LAST as f64).contains(s)).map(|s| s as i64));
    seconds
        .filter(|seconds| (0..LAST).contains(seconds))
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .map(Some)
        .ok_or_else(|| fault(check, format!("the token's {name} is not a time")))
}

fn check_nonce(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), ProviderError> {
    let nonce = claims.get("nonce").and_then(Value::as_str).unwrap_or_default();
    let same: bool = nonce.as_bytes().ct_eq(expected.nonce.expose_secret().as_bytes()).into();
    if same && !nonce.is_empty() {
        Ok(())
    } else {
        Err(fault("oidc_nonce", "the ID token does not carry the nonce of this sign-in"))
    }
}

fn check_access_token(
    claims: &Map<String, Value>,
    alg: Alg,
    expected: &Expected<'_>,
) -> Result<(), ProviderError> {
    let Some(claimed) = claims.get("at_hash") else { return Ok(()) };
    let hash = digest::digest(alg.hash(), expected.access_token.as_bytes());
    let half = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2]);
    let claimed = claimed.as_str().unwrap_or_default();
    if bool::from(claimed.as_bytes().ct_eq(half.as_bytes())) {
        Ok(())
    } else {
        Err(fault("oidc_at_hash", "the ID token was not issued with the access token it came with (at_hash)"))
    }
}

fn subject(claims: &Map<String, Value>) -> Result<String, ProviderError> {
    match claims.get("sub").and_then(Value::as_str) {
        Some(sub)
            if !sub.is_empty() && sub.len() <= LONGEST_SUBJECT && !sub.chars().any(char::is_control) =>
        {
            Ok(sub.to_owned())
        }
        _ => Err(fault(
            "oidc_subject",
            "the ID token's sub is not a text of 1 to 255 bytes without control characters",
        )),
    }
}

fn authenticated_at(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
) -> Result<Option<OffsetDateTime>, ProviderError> {
    const CHECK: &str = "oidc_auth_time";
    let at = moment(claims, "auth_time", CHECK)?;
    match (at, expected.max_age) {
        (Some(at), _) if at > expected.now + expected.skew => {
            Err(early(CHECK, "the person signed in at the provider", at - expected.now))
        }
        (Some(at), Some(most)) if expected.now - at > Duration::seconds(most.into()) + expected.skew => {
            Err(fault(
                CHECK,
                format!(
                    "the person signed in at the provider {} s ago, at most {most} s were asked for (max_age)",
                    (expected.now - at).whole_seconds()
                ),
            ))
        }
        // `prompt` obliges a provider to ask again but not to prove it, so a token that says nothing passes:
        // an app that needs the proof asks for max_age=0.
        (Some(at), _) if expected.again_since.is_some_and(|since| at + expected.skew < since) => Err(fault(
            CHECK,
            "a new sign-in was asked for (prompt=login) and the person had signed in at the provider before",
        )),
        (None, Some(_)) => Err(fault(
            CHECK,
            "max_age was asked for and the ID token does not say when the person signed in (auth_time)",
        )),
        (at, _) => Ok(at),
    }
}

fn fault(check: &'static str, detail: impl Into<String>) -> ProviderError {
    ProviderError::not_believed(check, detail)
}
