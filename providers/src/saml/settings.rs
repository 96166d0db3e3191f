//! A SAML provider's settings: its `ProviderDetails`, checked.

use std::collections::BTreeMap;

use thiserror::Error;
use time::Duration;
use url::Url;

use super::metadata::{IdpMetadata, MAX_KEYS};

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{key}={given} is not accepted: {allowed}")]
pub struct SettingError {
    /// Its key in `ProviderDetails`.
    pub key: String,
    /// What was given, shortened.
    pub given: String,
    /// What is allowed, in words.
    pub allowed: String,
}

impl SettingError {
    fn new(key: &str, given: &str, allowed: impl Into<String>) -> Self {
        Self { key: key.to_owned(), given: given.chars().take(100).collect(), allowed: allowed.into() }
    }
}

/// What becomes of the app's `login_hint` (`login_hint` setting).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginHint {
    /// It is not sent: the reference's behaviour.
    None,
    /// As the NameID of a `Subject` in the AuthnRequest.
    Subject,
    /// As this parameter of the sign-in address's query.
    Query(String),
}

/// Everything a SAML provider is set up with.
#[derive(Debug, Clone)]
pub struct SamlSettings {
    /// The provider's metadata.
    pub metadata: IdpMetadata,
    /// `IDPSignout`.
    pub idp_signout: bool,
    /// `IDPInit`: the provider may start a sign-in (SAML profiles 4.1.5).
    pub idp_init: bool,
    /// `RequestSigningAlgorithm=rsa-sha256`, or the metadata wants it.
    pub sign_requests: bool,
    /// `clock_skew_seconds`.
    pub skew: Duration,
    /// `name_id_policy`: a NameID format.
    pub name_id_policy: Option<String>,
    /// `authn_context_class_refs`.
    pub authn_context_class_refs: Vec<String>,
    /// `login_hint`.
    pub login_hint: LoginHint,
    /// `insecure_allow_sha1`.
    pub allow_sha1: bool,
    /// `EncryptedResponses`: nothing but an encrypted assertion is accepted.
    pub only_encrypted: bool,
    /// `insecure_allow_aes_cbc`: AES-CBC is believed where no signature covers the ciphertext.
    pub allow_bare_cbc: bool,
    /// `pinned_certificates`: SHA-256 of the DER of the only certificates that may sign. Empty: all of the
    /// metadata's.
    pub pinned_certificates: Vec<[u8; 32]>,
}

const MAX_CONTEXTS: usize = 16;
/// Greatest `clock_skew_seconds`.
pub const MAX_SKEW: Duration = Duration::seconds(300);

impl SamlSettings {
    /// Reads `ProviderDetails`. `dev` allows http addresses. The caller has fetched and parsed the metadata
    /// that `MetadataURL` or `MetadataFile` names.
    ///
    /// # Errors
    /// The first setting that cannot be used, by name; unknown ones too.
    pub fn from_details(
        details: &BTreeMap<String, String>,
        metadata: IdpMetadata,
        dev: bool,
    ) -> Result<Self, SettingError> {
        check_addresses(&metadata, dev)?;
        let mut settings = Self {
            sign_requests: metadata.wants_signed_requests,
            metadata,
            idp_signout: false,
            idp_init: false,
            skew: Duration::seconds(60),
            name_id_policy: None,
            authn_context_class_refs: Vec::new(),
            login_hint: LoginHint::None,
            allow_sha1: false,
            only_encrypted: false,
            allow_bare_cbc: false,
            pinned_certificates: Vec::new(),
        };
        for (key, value) in details {
            settings.set(key, value)?;
        }
        settings.metadata.pin(&settings.pinned_certificates).map_err(|why| {
            let given = details.get("pinned_certificates").map_or("", String::as_str);
            SettingError::new("pinned_certificates", given, why)
        })?;
        Ok(settings)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), SettingError> {
        match key {
            "MetadataURL" | "MetadataFile" => {}
            // What a describe gives and an update sends back: derived, never taken from here.
            "SSORedirectBindingURI" | "SLORedirectBindingURI" | "ActiveEncryptionCertificate" => {}
            // Read where profiles are mapped and sessions end.
            "trusted_email_domains" | "missing_attributes" | "multi_valued" | "logout_ends" => {}
            "IDPSignout" => self.idp_signout = boolean(key, value)?,
            "IDPInit" => self.idp_init = boolean(key, value)?,
            "insecure_allow_sha1" => self.allow_sha1 = boolean(key, value)?,
            "insecure_allow_aes_cbc" => self.allow_bare_cbc = boolean(key, value)?,
            "EncryptedResponses" => self.only_encrypted = boolean(key, value)?,
            "pinned_certificates" => self.pinned_certificates = fingerprints(key, value)?,
            "RequestSigningAlgorithm" if value == "rsa-sha256" => self.sign_requests = true,
            "RequestSigningAlgorithm" => return Err(SettingError::new(key, value, "rsa-sha256")),
            "clock_skew_seconds" => self.skew = skew(key, value)?,
            "name_id_policy" => self.name_id_policy = Some(uri(key, value)?),
            "authn_context_class_refs" => {
                self.authn_context_class_refs =
                    value.split_ascii_whitespace().map(|one| uri(key, one)).collect::<Result<_, _>>()?;
                if !(1..=MAX_CONTEXTS).contains(&self.authn_context_class_refs.len()) {
                    return Err(SettingError::new(
                        key,
                        value,
                        format!("1 to {MAX_CONTEXTS} URIs separated by spaces"),
                    ));
                }
            }
            "login_hint" => self.login_hint = login_hint(key, value)?,
            _ => return Err(SettingError::new(key, value, "no setting of a SAML provider has this name")),
        }
        Ok(())
    }

    /// The values that a describe adds to what was given (model IdentityProviderType).
    pub fn derived(&self) -> BTreeMap<String, String> {
        let mut derived = BTreeMap::new();
        if let Some(url) = self.metadata.sso_redirect.as_ref().or(self.metadata.sso_post.as_ref()) {
            derived.insert("SSORedirectBindingURI".to_owned(), url.to_string());
        }
        if let Some(url) = &self.metadata.slo_redirect {
            derived.insert("SLORedirectBindingURI".to_owned(), url.to_string());
        }
        derived
    }
}

fn check_addresses(metadata: &IdpMetadata, dev: bool) -> Result<(), SettingError> {
    let addresses = [
        &metadata.sso_redirect,
        &metadata.sso_post,
        &metadata.slo_redirect,
        &metadata.slo_response,
        &metadata.slo_post,
        &metadata.slo_post_response,
    ];
    match addresses.into_iter().flatten().find(|url: &&Url| !dev && url.scheme() != "https") {
        Some(url) => {
            Err(SettingError::new("MetadataFile", url.as_str(), "addresses in the metadata must be https"))
        }
        None => Ok(()),
    }
}

fn boolean(key: &str, value: &str) -> Result<bool, SettingError> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(SettingError::new(key, value, "true or false")),
    }
}

/// SHA-256 fingerprints in hex, colons allowed, separated by spaces or commas.
fn fingerprints(key: &str, value: &str) -> Result<Vec<[u8; 32]>, SettingError> {
    let refuse = || {
        SettingError::new(
            key,
            value,
            format!("1 to {MAX_KEYS} SHA-256 fingerprints of 64 hex digits, separated by spaces"),
        )
    };
    let found: Vec<_> = value
        .split([' ', ','])
        .filter(|one| !one.is_empty())
        .map(|one| {
            let digits: Vec<u8> = one.bytes().filter(|byte| *byte != b':').collect();
            let mut bytes = [0_u8; 32];
            if digits.len() != 64 {
                return None;
            }
            for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
                *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
            }
            digits.iter().all(u8::is_ascii_hexdigit).then_some(bytes)
        })
        .collect::<Option<_>>()
        .ok_or_else(refuse)?;
    if (1..=MAX_KEYS).contains(&found.len()) { Ok(found) } else { Err(refuse()) }
}

fn skew(key: &str, value: &str) -> Result<Duration, SettingError> {
    let digits = !value.is_empty() && value.len() <= 3 && value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse::<i64>() {
        Ok(seconds) if digits && seconds <= MAX_SKEW.whole_seconds() => Ok(Duration::seconds(seconds)),
        _ => Err(SettingError::new(key, value, format!("0 to {}", MAX_SKEW.whole_seconds()))),
    }
}

fn uri(key: &str, value: &str) -> Result<String, SettingError> {
    if value.len() <= 512 && !value.contains(char::is_whitespace) && Url::parse(value).is_ok() {
        Ok(value.to_owned())
    } else {
        Err(SettingError::new(key, value, "an absolute URI"))
    }
}

fn login_hint(key: &str, value: &str) -> Result<LoginHint, SettingError> {
    let reserved = ["SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature"];
    match value {
        "none" => return Ok(LoginHint::None),
        "subject" => return Ok(LoginHint::Subject),
        _ => {}
    }
    match value.strip_prefix("query:") {
        Some(name)
            if (1..=64).contains(&name.len())
                && !reserved.contains(&name)
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')) =>
        {
            Ok(LoginHint::Query(name.to_owned()))
        }
        _ => Err(SettingError::new(
            key,
            value,
            "none, subject, or query:NAME with a NAME of letters, digits, _ - .",
        )),
    }
}
