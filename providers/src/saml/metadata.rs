//! Identity provider metadata (SAML metadata 2.0): who it is, its signing keys, where it listens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use time::format_description::well_known::Rfc3339;
use time::{Date, Duration, OffsetDateTime};
use url::Url;

use super::Refusal;
use super::binding::{HTTP_POST as POST, HTTP_REDIRECT as REDIRECT};
use super::keys::{Fingerprint, VerifyKey};
use super::xml::{self, Limits, Node, Ns, PROTOCOL};

/// Largest metadata document, in bytes.
pub const MAX_METADATA: usize = 1024 * 1024;
/// Most signing certificates one provider may have: the work of one verification is bounded by it.
pub const MAX_KEYS: usize = 16;
const MAX_ENTITY_ID: usize = 1024;
const LIMITS: Limits = Limits {
    bytes: MAX_METADATA,
    elements: 50_000,
    depth: 32,
    attributes: 256,
    namespaces: 64,
    comments: true,
};

/// What is used of a provider's metadata.
#[derive(Debug, Clone)]
pub struct IdpMetadata {
    /// `entityID`.
    pub entity_id: String,
    /// Signing certificates, at least one. Their time is judged by [`IdpMetadata::check_time`] and at each sign-in.
    pub keys: Vec<VerifyKey>,
    /// Sign-in address of the HTTP-Redirect binding.
    pub sso_redirect: Option<Url>,
    /// Sign-in address of the HTTP-POST binding.
    pub sso_post: Option<Url>,
    /// Sign-out address of the HTTP-Redirect binding.
    pub slo_redirect: Option<Url>,
    /// Where answers to the provider's own sign-out go, if not to `slo_redirect`.
    pub slo_response: Option<Url>,
    /// Sign-out address of the HTTP-POST binding.
    pub slo_post: Option<Url>,
    /// Where answers to the provider's own sign-out go by HTTP-POST, if not to `slo_post`.
    pub slo_post_response: Option<Url>,
    /// `WantAuthnRequestsSigned`.
    pub wants_signed_requests: bool,
    /// Earliest `validUntil` that applies: not to be used from then on.
    pub valid_until: Option<OffsetDateTime>,
    /// Shortest `cacheDuration` that applies and can be read.
    pub cache_for: Option<Duration>,
}

/// Why metadata is not usable.
#[derive(Debug, Error)]
pub enum MetadataError {
    /// Not UTF-8, too large, not XML or XML of a kind that is refused.
    #[error("the metadata cannot be read: {0}")]
    Unreadable(String),
    /// No entity with an `IDPSSODescriptor` for SAML 2.0.
    #[error("the metadata describes no SAML 2.0 identity provider (IDPSSODescriptor)")]
    NoIdentityProvider,
    /// More than one.
    #[error("the metadata describes more than one identity provider: give one provider's own metadata")]
    SeveralIdentityProviders,
    /// `validUntil` is over.
    #[error("the metadata was valid until {0}: refresh the metadata")]
    Expired(OffsetDateTime),
    /// Every signing certificate is over.
    #[error("every signing certificate in the metadata has expired (the last on {0}): refresh the metadata")]
    CertificatesExpired(Date),
    /// No signing certificate that can be used.
    #[error("the metadata has no usable signing certificate: {0}")]
    NoSigningKey(String),
    /// No sign-in address for HTTP-Redirect or HTTP-POST.
    #[error("the metadata has no SingleSignOnService for HTTP-Redirect or HTTP-POST")]
    NoSignInAddress,
    /// An address that is no http or https URL.
    #[error("{0} in the metadata has a Location that is not an http or https URL")]
    Address(&'static str),
}

impl From<Refusal> for MetadataError {
    fn from(refusal: Refusal) -> Self {
        Self::Unreadable(refusal.detail)
    }
}

impl IdpMetadata {
    /// Whether it can be believed at `now`: checked when a provider is configured, and again whenever
    /// somebody signs in with it. A stored document that has run out is still readable.
    ///
    /// # Errors
    /// `Expired`, `CertificatesExpired`.
    pub fn check_time(&self, now: OffsetDateTime) -> Result<(), MetadataError> {
        if let Some(until) = self.valid_until.filter(|until| *until <= now) {
            return Err(MetadataError::Expired(until));
        }
        match self.keys.iter().map(|key| key.not_after).max() {
            Some(last) if last < now => Err(MetadataError::CertificatesExpired(last.date())),
            _ => Ok(()),
        }
    }

    /// Leaves only the signing certificates of these fingerprints; none given, all stay.
    ///
    /// # Errors
    /// In words, when none would be left.
    pub(super) fn pin(&mut self, pinned: &[[u8; 32]]) -> Result<(), String> {
        if pinned.is_empty() {
            return Ok(());
        }
        let in_metadata: Vec<_> = self.keys.iter().map(|key| key.fingerprint().to_string()).collect();
        self.keys.retain(|key| pinned.contains(&key.fingerprint().0));
        if self.keys.is_empty() {
            let pinned: Vec<_> = pinned.iter().map(|one| Fingerprint(*one).to_string()).collect();
            return Err(format!(
                "none of the pinned certificates ({}) is a signing certificate of the metadata, which has {}",
                pinned.join(", "),
                in_metadata.join(", ")
            ));
        }
        Ok(())
    }
}

/// Reads a provider's metadata, whatever the time is: see [`IdpMetadata::check_time`].
///
/// # Errors
/// See [`MetadataError`]. Without a usable signing key nothing is returned: such a provider could not be believed.
pub fn parse(bytes: &[u8]) -> Result<IdpMetadata, MetadataError> {
    if bytes.len() > MAX_METADATA {
        return Err(MetadataError::Unreadable(format!("it has more than {MAX_METADATA} bytes")));
    }
    let text =
        std::str::from_utf8(bytes).map_err(|_| MetadataError::Unreadable("it is not UTF-8".to_owned()))?;
    let text = text.trim_start_matches('\u{feff}').trim_ascii_start();
    let document = xml::parse(text, &LIMITS)?;
    let (entity, role) = find_provider(document.root())?;
    let mut above = vec![role];
    let mut next = Some(entity);
    while let Some(node) = next {
        above.push(node);
        next = node.parent();
    }
    let (sso_redirect, _) = endpoint(role, "SingleSignOnService", REDIRECT)?;
    let (sso_post, _) = endpoint(role, "SingleSignOnService", POST)?;
    if sso_redirect.is_none() && sso_post.is_none() {
        return Err(MetadataError::NoSignInAddress);
    }
    let (slo_redirect, slo_response) = endpoint(role, "SingleLogoutService", REDIRECT)?;
    let (slo_post, slo_post_response) = endpoint(role, "SingleLogoutService", POST)?;
    Ok(IdpMetadata {
        entity_id: entity_id(entity)?,
        keys: signing_keys(role)?,
        sso_redirect,
        sso_post,
        slo_redirect,
        slo_response,
        slo_post,
        slo_post_response,
        wants_signed_requests: matches!(
            role.attribute("WantAuthnRequestsSigned").map(str::trim),
            Some("true" | "1")
        ),
        valid_until: valid_until(&above)?,
        cache_for: above.iter().filter_map(|node| node.attribute("cacheDuration").and_then(duration)).min(),
    })
}

fn entity_id(entity: Node<'_, '_>) -> Result<String, MetadataError> {
    match entity.attribute("entityID").map(str::trim) {
        Some(id) if !id.is_empty() && id.len() <= MAX_ENTITY_ID => Ok(id.to_owned()),
        _ => Err(MetadataError::Unreadable(format!(
            "entityID is missing or longer than {MAX_ENTITY_ID} bytes"
        ))),
    }
}

/// The one EntityDescriptor, alone or in groups, with the one IDPSSODescriptor of SAML 2.0.
fn find_provider<'d, 'a>(root: Node<'d, 'a>) -> Result<(Node<'d, 'a>, Node<'d, 'a>), MetadataError> {
    let mut found = None;
    let mut waiting = vec![root];
    while let Some(node) = waiting.pop() {
        if node.is(Ns::Metadata, "EntitiesDescriptor") {
            waiting.extend(node.children());
        }
        if !node.is(Ns::Metadata, "EntityDescriptor") {
            continue;
        }
        for role in node.named(Ns::Metadata, "IDPSSODescriptor") {
            let protocols = role.attribute("protocolSupportEnumeration").unwrap_or_default();
            if !protocols.split_ascii_whitespace().any(|protocol| protocol == PROTOCOL) {
                continue;
            }
            if found.replace((node, role)).is_some() {
                return Err(MetadataError::SeveralIdentityProviders);
            }
        }
    }
    found.ok_or(MetadataError::NoIdentityProvider)
}

fn valid_until(nodes: &[Node<'_, '_>]) -> Result<Option<OffsetDateTime>, MetadataError> {
    let mut earliest: Option<OffsetDateTime> = None;
    for text in nodes.iter().filter_map(|node| node.attribute("validUntil")) {
        let until = OffsetDateTime::parse(text.trim(), &Rfc3339)
            .map_err(|_| MetadataError::Unreadable("validUntil is not a time in UTC".to_owned()))?;
        earliest = Some(earliest.map_or(until, |known| known.min(until)));
    }
    Ok(earliest)
}

/// `Location` and `ResponseLocation` of the first endpoint with this binding.
fn endpoint(
    role: Node<'_, '_>,
    name: &'static str,
    binding: &str,
) -> Result<(Option<Url>, Option<Url>), MetadataError> {
    let Some(node) = role.named(Ns::Metadata, name).find(|node| node.attribute("Binding") == Some(binding))
    else {
        return Ok((None, None));
    };
    let url = |text: &str| {
        Url::parse(text.trim())
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or(MetadataError::Address(name))
    };
    let location = node.attribute("Location").ok_or(MetadataError::Address(name)).and_then(url)?;
    Ok((Some(location), node.attribute("ResponseLocation").map(url).transpose()?))
}

/// The certificates that may sign. Ones that cannot be used (weak, unreadable) are left out; none
/// left refuses the document.
fn signing_keys(role: Node<'_, '_>) -> Result<Vec<VerifyKey>, MetadataError> {
    let mut keys: Vec<VerifyKey> = Vec::new();
    let mut reason = "there is none with use=\"signing\" or without use".to_owned();
    let descriptors = role
        .named(Ns::Metadata, "KeyDescriptor")
        .filter(|descriptor| matches!(descriptor.attribute("use"), None | Some("signing")));
    // The first certificate of an X509Data is the key; what follows is a chain, which is no trust anchor.
    let certificates = descriptors
        .flat_map(|descriptor| descriptor.named(Ns::Signature, "KeyInfo"))
        .flat_map(|info| info.named(Ns::Signature, "X509Data"))
        .filter_map(|data| data.named(Ns::Signature, "X509Certificate").next());
    for certificate in certificates {
        match read_certificate(certificate) {
            Ok(key) if keys.iter().any(|known| known.certificate == key.certificate) => {}
            Ok(key) => keys.push(key),
            Err(why) => reason = why,
        }
        if keys.len() > MAX_KEYS {
            return Err(MetadataError::NoSigningKey(format!("there are more than {MAX_KEYS}")));
        }
    }
    if keys.is_empty() {
        return Err(MetadataError::NoSigningKey(reason));
    }
    Ok(keys)
}

fn read_certificate(node: Node<'_, '_>) -> Result<VerifyKey, String> {
    let text: String = node.text().map_err(|refusal| refusal.detail)?.split_ascii_whitespace().collect();
    let der = STANDARD.decode(text).map_err(|_| "a certificate is not base64".to_owned())?;
    VerifyKey::from_der(&der)
}

/// `xs:duration`, as far as a cache needs it: a month is 30 days, a year 365. Unreadable: none.
fn duration(text: &str) -> Option<Duration> {
    let (days, times) = match text.trim().strip_prefix('P')?.split_once('T') {
        Some((days, times)) => (days, times),
        None => (text.trim().strip_prefix('P')?, ""),
    };
    let sum = |part: &str, units: &[(char, i64)]| -> Option<i64> {
        let mut rest = part;
        let mut total = 0_i64;
        while !rest.is_empty() {
            let at = rest.find(|character: char| character.is_ascii_alphabetic())?;
            let (number, unit) = rest.split_at(at);
            // No sign: a cache that lasts less than no time means nothing.
            let number: i64 = i64::from(number.split('.').next()?.parse::<u32>().ok()?);
            let seconds = units.iter().find(|(name, _)| unit.starts_with(*name))?.1;
            total = total.checked_add(number.checked_mul(seconds)?)?;
            rest = unit.get(1..)?;
        }
        Some(total)
    };
    let days = sum(days, &[('Y', 31_536_000), ('M', 2_592_000), ('D', 86_400)])?;
    Some(Duration::seconds(days.checked_add(sum(times, &[('H', 3600), ('M', 60), ('S', 1)])?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_duration_is_read_leniently() {
        assert_eq!(duration("PT1H"), Some(Duration::hours(1)));
        assert_eq!(duration("P1DT2H3M4.5S"), Some(Duration::seconds(93_784)));
        assert_eq!(duration("P30D"), Some(Duration::days(30)));
        for text in ["an hour", "-PT1H", "PT-1H", "P-292277024626Y"] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(duration("P99999999999999Y"), None);
    }
}
