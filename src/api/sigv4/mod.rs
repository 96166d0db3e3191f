//! AWS Signature Version 4, verified in full for requests signed in their headers.
//!
//! A pure function: request, credentials, scope and time in, verdict out. Source: "Signature Version 4
//! signing process" of the AWS General Reference; its published test suite is among the tests.

mod canonical;
#[cfg(test)]
mod tests;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use time::format_description::FormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use canonical::{canonical_request, hex};

/// How far the signing time may be from ours.
pub const WINDOW: Duration = Duration::minutes(5);

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const BASIC: &[FormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");
const HTTP_DATE: &[FormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// `POST`, …
    pub method: &'a str,
    /// Path, still percent-encoded.
    pub path: &'a str,
    /// What follows `?`, still percent-encoded.
    pub query: Option<&'a str>,
    /// Names in lower case, values as they came, in the order they came.
    pub headers: Vec<(&'a str, &'a [u8])>,
    /// The whole body.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The value of the header that stands there exactly once.
    pub fn only(&self, name: &str) -> Option<&'a str> {
        let mut values = self.headers.iter().filter(|(known, _)| *known == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => std::str::from_utf8(value).ok().map(str::trim),
            _ => None,
        }
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| *known == name)
    }
}

/// The management credentials.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Public half.
    pub access_key_id: String,
    /// Secret half.
    pub secret_access_key: SecretString,
}

/// What a signature must be for.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The configured region.
    pub region: &'a str,
    /// `cognito-idp` or `cognito-identity`.
    pub service: &'a str,
}

/// Why a signature was not accepted. Texts never hold a signature or a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignatureFault {
    /// No signature at all.
    #[error("Request is missing Authentication Token")]
    Missing,
    /// It is not put together as the scheme says.
    #[error("{0}")]
    Incomplete(String),
    /// The access key, or a session token, is not known.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// Wrong secret, region, service, body or time.
    #[error("{0}")]
    Invalid(String),
}

fn incomplete(why: impl Into<String>) -> SignatureFault {
    SignatureFault::Incomplete(why.into())
}

fn invalid(why: impl Into<String>) -> SignatureFault {
    SignatureFault::Invalid(why.into())
}

/// The parts of an `Authorization` header.
struct Authorization<'a> {
    access_key_id: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    terminator: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(header: &'a str) -> Result<Self, SignatureFault> {
        let rest = header.strip_prefix(ALGORITHM).and_then(|rest| rest.strip_prefix(' '));
        let rest =
            rest.ok_or_else(|| incomplete(format!("Authorization must begin with '{ALGORITHM} '.")))?;
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in rest.split(',') {
            let (name, value) = part
                .trim()
                .split_once('=')
                .ok_or_else(|| incomplete("Authorization holds a part that is not NAME=VALUE."))?;
            let place = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return Err(incomplete("Authorization holds a parameter that is not known.")),
            };
            if place.replace(value).is_some() {
                return Err(incomplete(format!("Authorization holds '{name}' more than once.")));
            }
        }
        let need = |value: Option<&'a str>, name: &str| {
            value
                .filter(|value| !value.is_empty())
                .ok_or_else(|| incomplete(format!("Authorization header requires '{name}' parameter.")))
        };
        let credential = need(credential, "Credential")?;
        let signed_headers = need(signed_headers, "SignedHeaders")?.split(';').collect();
        let signature = need(signature, "Signature")?;
        let scope: Vec<&str> = credential.split('/').collect();
        let [access_key_id, date, region, service, terminator] = scope[..] else {
            let shape = "'Credential' must be KEY/DATE/REGION/SERVICE/aws4_request.";
            return Err(incomplete(shape));
        };
        Ok(Self { access_key_id, date, region, service, terminator, signed_headers, signature })
    }
}

/// Whether this request was signed with these credentials, for this scope, within [`WINDOW`] of `now`.
///
/// # Errors
/// The first fault found; see [`SignatureFault`].
pub fn verify(
    request: &Request<'_>,
    credentials: &Credentials,
    scope: Scope<'_>,
    now: OffsetDateTime,
) -> Result<(), SignatureFault> {
    if !request.has("authorization") {
        return Err(SignatureFault::Missing);
    }
    let header = request.only("authorization");
    let header = header.ok_or_else(|| incomplete("There must be exactly one Authorization header."))?;
    let given = Authorization::parse(header)?;
    // Session tokens are issued by nobody yet: none can be known.
    if given.access_key_id != credentials.access_key_id || request.has("x-amz-security-token") {
        return Err(SignatureFault::UnknownKey);
    }
    check_signed_headers(request, &given.signed_headers)?;
    let signed_at = signing_time(request)?;
    check_scope(&given, scope, signed_at)?;
    check_window(signed_at, now)?;
    let body_hash = hex(digest(&SHA256, request.body).as_ref());
    if request.has("x-amz-content-sha256") && request.only("x-amz-content-sha256") != Some(&body_hash) {
        return Err(invalid("The body does not have the hash that X-Amz-Content-Sha256 states."));
    }
    let canonical = canonical_request(request, &given.signed_headers, &body_hash);
    let expected = signature(&canonical, &given, signed_at, &credentials.secret_access_key)?;
    if bool::from(expected.as_bytes().ct_eq(given.signature.as_bytes())) {
        return Ok(());
    }
    Err(invalid(
        "The request signature we calculated does not match the signature you provided. Check your \
         secret access key and signing method.",
    ))
}

/// The list must be sorted, hold what decides what the request means, and only what is there.
///
/// `content-type` may stay out: some SDKs leave it unsigned, and the one value accepted is fixed.
fn check_signed_headers(request: &Request<'_>, signed: &[&str]) -> Result<(), SignatureFault> {
    if !signed.is_sorted_by(|before, after| before < after) {
        return Err(incomplete("'SignedHeaders' must be sorted, in lower case, each name once."));
    }
    if let Some(absent) = signed.iter().find(|name| !request.has(name)) {
        let absent: String = absent.chars().take(64).collect();
        return Err(incomplete(format!("'{absent}' is named in 'SignedHeaders' but is not in the request.")));
    }
    if !signed.contains(&"host") && !signed.contains(&":authority") {
        return Err(invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
    }
    let open = |name: &str| name.starts_with("x-amz-") && !signed.contains(&name);
    match request.headers.iter().find(|(name, _)| open(name)) {
        Some((name, _)) => Err(invalid(format!("There were headers present that were not signed: {name}"))),
        None => Ok(()),
    }
}

fn signing_time(request: &Request<'_>) -> Result<OffsetDateTime, SignatureFault> {
    let moment = if request.has("x-amz-date") {
        let text = request.only("x-amz-date");
        text.and_then(|text| PrimitiveDateTime::parse(text, BASIC).ok())
    } else if request.has("date") {
        let text = request.only("date");
        text.and_then(|text| {
            PrimitiveDateTime::parse(text, HTTP_DATE).or_else(|_| PrimitiveDateTime::parse(text, BASIC)).ok()
        })
    } else {
        let why = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
        return Err(incomplete(why));
    };
    moment
        .map(PrimitiveDateTime::assume_utc)
        .ok_or_else(|| incomplete("Date must be in ISO-8601 'basic format', once: YYYYMMDD'T'HHMMSS'Z'."))
}

fn check_scope(
    given: &Authorization<'_>,
    scope: Scope<'_>,
    signed_at: OffsetDateTime,
) -> Result<(), SignatureFault> {
    if given.region != scope.region {
        let region = scope.region;
        return Err(invalid(format!("Credential should be scoped to a valid region: '{region}'.")));
    }
    if given.service != scope.service {
        let service = scope.service;
        return Err(invalid(format!("Credential should be scoped to correct service: '{service}'.")));
    }
    if given.terminator != "aws4_request" {
        return Err(invalid("Credential should be scoped with a valid terminator: 'aws4_request'."));
    }
    if basic(signed_at)?.get(..8) != Some(given.date) {
        return Err(invalid("Date in Credential scope does not match YYYYMMDD of the request's date."));
    }
    Ok(())
}

fn check_window(signed_at: OffsetDateTime, now: OffsetDateTime) -> Result<(), SignatureFault> {
    let (signed, ours) = (basic(signed_at)?, basic(now)?);
    if signed_at < now - WINDOW {
        return Err(invalid(format!("Signature expired: {signed} is more than 5 min. before {ours}.")));
    }
    if signed_at > now + WINDOW {
        return Err(invalid(format!(
            "Signature not yet current: {signed} is more than 5 min. after {ours}."
        )));
    }
    Ok(())
}

fn basic(moment: OffsetDateTime) -> Result<String, SignatureFault> {
    let moment = moment.to_offset(time::UtcOffset::UTC);
    moment.format(BASIC).map_err(|_| incomplete("The date cannot be written as YYYYMMDD'T'HHMMSS'Z'."))
}

fn signature(
    canonical: &[u8],
    given: &Authorization<'_>,
    signed_at: OffsetDateTime,
    secret: &SecretString,
) -> Result<String, SignatureFault> {
    let scope = format!("{}/{}/{}/{}", given.date, given.region, given.service, given.terminator);
    let hashed = hex(digest(&SHA256, canonical).as_ref());
    let to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{hashed}", basic(signed_at)?);
    let first = zeroize::Zeroizing::new(format!("AWS4{}", secret.expose_secret()));
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, first.as_bytes());
    for part in [given.date, given.region, given.service, given.terminator] {
        key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
    }
    Ok(hex(hmac::sign(&key, to_sign.as_bytes()).as_ref()))
}
