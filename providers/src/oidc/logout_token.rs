//! Whether a logout token is believed (OpenID Connect Back-Channel Logout 1.0 sections 2.4 to 2.6).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use super::id_token::{audiences, early, late, moment};
use super::issuer;
use super::jws::{Document, Jws};
use super::keys::KeySet;
use super::settings::IssuerRule;
use crate::oauth::json;
use crate::{EndedThere, EndedWho, ProviderError};

/// The event that makes a token a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// A token is sent when the session ends: one that was made longer ago is not.
const OLDEST: Duration = Duration::minutes(10);
/// Longest subject, in bytes (Core section 2: 255 ASCII characters).
const LONGEST_SUBJECT: usize = 255;
/// Longest `sid`, in bytes.
pub const LONGEST_SESSION: usize = 1024;
/// Longest `jti`, in bytes.
const LONGEST_ID: usize = 1024;

/// What the logout token of one provider must say.
pub(super) struct Expected<'a> {
    /// The issuer, byte by byte.
    pub(super) issuer: &'a str,
    /// Whether its tokens may name it otherwise.
    pub(super) issuer_rule: IssuerRule,
    /// Our client id there.
    pub(super) client_id: &'a str,
    /// Clock difference that is forgiven.
    pub(super) skew: Duration,
    /// Now.
    pub(super) now: OffsetDateTime,
}

/// Who the token says sent it. Nobody has verified that: it is good for nothing but to know whose keys to try.
///
/// # Errors
/// When the token cannot be taken apart, or names nobody.
pub fn claimed_issuer(token: &str) -> Result<String, ProviderError> {
    Jws::parse_as(token, Document::LogoutToken)?;
    let payload = token.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    let claims = payload.and_then(|payload| json::object(&payload).ok()).ok_or_else(|| {
        Document::LogoutToken.fault("oidc_logout_token_form", "'s payload is not a JSON object in base64url")
    })?;
    match claims.get("iss").and_then(Value::as_str) {
        Some(issuer) => Ok(issuer.to_owned()),
        None => Err(fault("oidc_issuer", "the logout token does not say who made it (iss)")),
    }
}

/// Verifies signature and claims.
pub(super) fn verify(
    jws: &Jws<'_>,
    keys: &KeySet,
    expected: &Expected<'_>,
) -> Result<EndedThere, ProviderError> {
    let claims = jws.claims(keys)?;
    check_kind(&claims)?;
    let issuer = issuer::check(&claims, expected.issuer, expected.issuer_rule)?;
    issuer::check_key(jws, keys, &issuer, expected.issuer, expected.issuer_rule)?;
    check_audience(&claims, expected)?;
    let remember_until = check_times(&claims, expected)?;
    let id = text(&claims, "jti", LONGEST_ID, "oidc_jti")?
        .ok_or_else(|| fault("oidc_jti", "the logout token has no id of its own (jti)"))?;
    Ok(EndedThere { id: id.to_owned(), remember_until, who: who(&claims)? })
}

/// What tells it from every other token of the provider, an ID token above all.
fn check_kind(claims: &Map<String, Value>) -> Result<(), ProviderError> {
    let event = claims.get("events").and_then(Value::as_object).and_then(|events| events.get(EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err(fault(
            "oidc_logout_events",
            format!("the token is no logout token: its events have no object \"{EVENT}\""),
        ));
    }
    if claims.contains_key("nonce") {
        return Err(fault("oidc_logout_nonce", "the token has a nonce, which no logout token may have"));
    }
    Ok(())
}

/// As of an ID token (Core 3.1.3.7): ours among several needs an `azp` that says so.
fn check_audience(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), ProviderError> {
    let audiences = audiences(claims);
    if !audiences.contains(&expected.client_id) {
        let came = json::shown(&audiences.join(", "), 300);
        return Err(fault(
            "oidc_audience",
            format!("the logout token is for \"{came}\", expected the client id \"{}\"", expected.client_id),
        ));
    }
    let party = claims.get("azp");
    if party.map_or(audiences.len() == 1, |party| party.as_str() == Some(expected.client_id)) {
        return Ok(());
    }
    let came = json::shown(party.and_then(Value::as_str).unwrap_or(""), 300);
    Err(fault(
        "oidc_azp",
        format!(
            "the logout token is for several, or for \"{came}\" (azp), expected the client id \"{}\"",
            expected.client_id
        ),
    ))
}

/// Until when a token with these times can be believed.
fn check_times(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
) -> Result<OffsetDateTime, ProviderError> {
    let (now, skew) = (expected.now, expected.skew);
    let expires = moment(claims, "exp", "oidc_expired")?.ok_or_else(|| {
        fault("oidc_expired", "the logout token does not say when it expires (exp), as it must since 2023")
    })?;
    if now >= expires + skew {
        return Err(late("oidc_expired", "the logout token expired", now - expires));
    }
    let issued = moment(claims, "iat", "oidc_issued_at")?
        .ok_or_else(|| fault("oidc_issued_at", "the logout token does not say when it was made (iat)"))?;
    if issued > now + skew {
        return Err(early("oidc_issued_at", "the logout token was made", issued - now));
    }
    if now >= issued + OLDEST + skew {
        return Err(late("oidc_issued_at", "the logout token was made", now - issued));
    }
    match moment(claims, "nbf", "oidc_not_before")? {
        Some(from) if from > now + skew => {
            Err(early("oidc_not_before", "the logout token becomes valid", from - now))
        }
        _ => Ok(expires.min(issued + OLDEST) + skew),
    }
}

fn who(claims: &Map<String, Value>) -> Result<EndedWho, ProviderError> {
    let subject = text(claims, "sub", LONGEST_SUBJECT, "oidc_subject")?.map(str::to_owned);
    let sid = text(claims, "sid", LONGEST_SESSION, "oidc_sid")?.map(str::to_owned);
    match (sid, subject) {
        (Some(sid), subject) => Ok(EndedWho::Session { sid, subject }),
        (None, Some(subject)) => Ok(EndedWho::Person(subject)),
        (None, None) => {
            Err(fault("oidc_logout_who", "the logout token names neither a person (sub) nor a session (sid)"))
        }
    }
}

/// The `sid` of an ID token, where it is one that a logout token could name.
pub(super) fn session(claims: &Map<String, Value>) -> Option<&str> {
    text(claims, "sid", LONGEST_SESSION, "oidc_sid").ok().flatten()
}

/// A claim that is a text of at most `longest` bytes, if it is there.
fn text<'c>(
    claims: &'c Map<String, Value>,
    name: &str,
    longest: usize,
    check: &'static str,
) -> Result<Option<&'c str>, ProviderError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text))
            if !text.trim().is_empty() && text.len() <= longest && !text.chars().any(char::is_control) =>
        {
            Ok(Some(text))
        }
        Some(_) => Err(fault(
            check,
            format!(
                "the logout token's {name} is not a text of 1 to {longest} bytes without control characters"
            ),
        )),
    }
}

/// Some rules hold for ID tokens and for these: what is said names the kind that came.
pub(super) fn of_this_kind(error: ProviderError) -> ProviderError {
    match error {
        ProviderError::NotBelieved { check, detail } => {
            ProviderError::NotBelieved { check, detail: detail.replace("the ID token", "the logout token") }
        }
        other => other,
    }
}

fn fault(check: &'static str, detail: impl Into<String>) -> ProviderError {
    ProviderError::not_believed(check, detail)
}
