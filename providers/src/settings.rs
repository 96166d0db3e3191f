//! What every kind of provider reads from its settings (`ProviderDetails`).

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;
use url::Url;

use crate::fetch::is_loopback_host;

/// A provider setting that is not allowed, named so that a person can repair it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("ProviderDetails.{key}: {given} is not allowed; allowed: {allowed}")]
pub struct SettingError {
    /// The key in `ProviderDetails`.
    pub key: String,
    /// What was given; never a secret.
    pub given: String,
    /// What may be given, in words.
    pub allowed: String,
}

impl SettingError {
    /// A setting with a value that may be shown.
    pub fn new(key: &str, given: impl Into<String>, allowed: impl Into<String>) -> Self {
        let given: String = given.into();
        let given = if given.is_empty() { "an empty value".to_owned() } else { given };
        Self { key: key.to_owned(), given: shortened(&given), allowed: allowed.into() }
    }

    /// A setting that must be there and is not.
    pub fn missing(key: &str, allowed: impl Into<String>) -> Self {
        Self { key: key.to_owned(), given: "nothing".to_owned(), allowed: allowed.into() }
    }

    /// A setting whose value is secret.
    pub fn hidden(key: &str, allowed: impl Into<String>) -> Self {
        Self { key: key.to_owned(), given: "the value given".to_owned(), allowed: allowed.into() }
    }
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Reads `ProviderDetails` key by key and knows which were never asked for.
pub(crate) struct Details<'a> {
    given: &'a BTreeMap<String, String>,
    known: BTreeSet<&'static str>,
}

impl<'a> Details<'a> {
    pub(crate) const fn new(given: &'a BTreeMap<String, String>) -> Self {
        Self { given, known: BTreeSet::new() }
    }

    /// The value of `key`, if given.
    pub(crate) fn get(&mut self, key: &'static str) -> Option<&'a str> {
        self.known.insert(key);
        self.given.get(key).map(String::as_str)
    }

    /// One of `choices`; the first when nothing is given.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Result<T, SettingError> {
        let allowed = || choices.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let Some(given) = self.get(key) else {
            return choices
                .first()
                .map(|(_, value)| *value)
                .ok_or_else(|| SettingError::missing(key, allowed()));
        };
        choices
            .iter()
            .find(|(name, _)| *name == given)
            .map(|(_, value)| *value)
            .ok_or_else(|| SettingError::new(key, given, allowed()))
    }

    /// Refuses what was given and never asked for.
    pub(crate) fn refuse_unknown(self) -> Result<(), SettingError> {
        match self.given.keys().find(|key| !self.known.contains(key.as_str())) {
            None => Ok(()),
            Some(key) => Err(SettingError {
                key: shortened(key),
                given: "this key".to_owned(),
                allowed: self.known.into_iter().collect::<Vec<_>>().join(", "),
            }),
        }
    }
}

/// The value of a key that must be there.
pub(crate) fn required<'a>(
    read: &mut Details<'a>,
    key: &'static str,
    allowed: &str,
) -> Result<&'a str, SettingError> {
    match read.get(key) {
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(SettingError::missing(key, allowed)),
    }
}

/// An absolute https URL (http on loopback in development) without user information and fragment.
pub(crate) fn https_url(text: &str, dev: bool) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let scheme = match url.scheme() {
        "https" => true,
        "http" => dev && is_loopback_host(&url),
        _ => false,
    };
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let clean = text.len() <= 2048 && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    (scheme && plain && clean && url.has_host()).then_some(url)
}

/// What happens to a mapped attribute that the provider no longer sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingAttributes {
    /// The stored value stays.
    Keep,
    /// The stored value goes.
    Remove,
}

/// How several values of one attribute are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MultiValued {
    /// `[a, b]`.
    String,
    /// A JSON array.
    Json,
}

/// What a sign-out that the provider starts ends here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutEnds {
    /// Hosted-UI sessions, refresh tokens and the use of access tokens.
    SessionAndTokens,
    /// Hosted-UI sessions only.
    Session,
}

const CALLBACK: &str = "callback";
const OWN: &str = "own";

/// Checks `callback`, of a provider that speaks OAuth.
pub(crate) fn check_callback(details: &mut Details<'_>) -> Result<(), SettingError> {
    details.choice(CALLBACK, &[("shared", ()), (OWN, ())])
}

/// Whether a provider's answers come to an address that no other provider has (`callback=own`).
///
/// All providers of a pool share one address, as in the reference service. One that does not name itself in its
/// answer (RFC 9207) can then be mixed up with another: RFC 9700 section 4.4.2.2 asks for an address each.
pub fn has_own_callback(details: &BTreeMap<String, String>) -> bool {
    details.get(CALLBACK).is_some_and(|value| value == OWN)
}

/// Settings that SAML and OIDC providers share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommonSettings {
    /// Exact domains (lower case) whose e-mail addresses count as verified.
    pub trusted_email_domains: Vec<String>,
    /// See [`MissingAttributes`].
    pub missing_attributes: MissingAttributes,
    /// See [`MultiValued`].
    pub multi_valued: MultiValued,
    /// `IDPSignout`: sign out at the provider too.
    pub idp_signout: bool,
    /// See [`LogoutEnds`].
    pub logout_ends: LogoutEnds,
    /// Clock difference that is forgiven, in seconds: 0 to 300.
    pub clock_skew_seconds: u16,
}

impl CommonSettings {
    /// Reads these settings alone out of `ProviderDetails`; other keys are somebody else's to check.
    ///
    /// # Errors
    /// The first of them with a value that is not allowed.
    pub fn from_details(details: &BTreeMap<String, String>) -> Result<Self, SettingError> {
        Self::read(&mut Details::new(details))
    }

    pub(crate) fn read(details: &mut Details<'_>) -> Result<Self, SettingError> {
        Ok(Self {
            trusted_email_domains: email_domains(details)?,
            missing_attributes: details.choice(
                "missing_attributes",
                &[("keep", MissingAttributes::Keep), ("remove", MissingAttributes::Remove)],
            )?,
            multi_valued: details
                .choice("multi_valued", &[("string", MultiValued::String), ("json", MultiValued::Json)])?,
            idp_signout: details.choice("IDPSignout", &[("false", false), ("true", true)])?,
            logout_ends: details.choice(
                "logout_ends",
                &[("session_and_tokens", LogoutEnds::SessionAndTokens), ("session", LogoutEnds::Session)],
            )?,
            clock_skew_seconds: clock_skew(details)?,
        })
    }
}

fn clock_skew(details: &mut Details<'_>) -> Result<u16, SettingError> {
    let Some(given) = details.get("clock_skew_seconds") else { return Ok(60) };
    let digits = !given.is_empty() && given.len() <= 3 && given.bytes().all(|b| b.is_ascii_digit());
    match given.parse::<u16>() {
        Ok(seconds) if digits && seconds <= 300 => Ok(seconds),
        _ => Err(SettingError::new("clock_skew_seconds", given, "a whole number from 0 to 300")),
    }
}

fn email_domains(details: &mut Details<'_>) -> Result<Vec<String>, SettingError> {
    const KEY: &str = "trusted_email_domains";
    let Some(given) = details.get(KEY) else { return Ok(Vec::new()) };
    given
        .split(',')
        .map(|part| {
            let domain = part.trim().to_ascii_lowercase();
            let labels = domain.split('.').all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                    && !label.starts_with('-')
                    && !label.ends_with('-')
            });
            if labels && domain.contains('.') && domain.len() <= 253 {
                Ok(domain)
            } else {
                Err(SettingError::new(
                    KEY,
                    part,
                    "exact domain names separated by commas, such as example.com,example.org",
                ))
            }
        })
        .collect()
}
