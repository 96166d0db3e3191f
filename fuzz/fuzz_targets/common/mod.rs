//! What the targets share: a provider whose key nobody has any more, and the only assertions it ever signed.
#![allow(dead_code, reason = "each target uses a part of it")]

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poolgate_providers::SignOutMessage;
use poolgate_providers::saml::encryption::Opener;
use poolgate_providers::saml::engine::Signed;
use poolgate_providers::saml::gate::{Gated, Policy};
use poolgate_providers::saml::validator::Expected;
use poolgate_providers::saml::{
    Engines, RustEngine, SamlProvider, SamlSettings, SignedXml as _, logout, metadata,
};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

/// When the seeds are good.
pub const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
const ACS: &str = "https://auth.example/saml2/idpresponse";
const SP: &str = "urn:amazon:cognito:sp:eu-west-1_Pool";

pub fn seeds() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/seeds"))
}

/// A provider with these settings, whose signatures every engine judges.
pub fn provider(details: &[(&str, &str)]) -> SamlProvider {
    let document = std::fs::read(seeds().join("provider.xml")).expect("the seeds are there");
    let metadata = metadata::parse(&document).expect("metadata");
    let details: BTreeMap<_, _> =
        details.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let settings = SamlSettings::from_details(&details, metadata, false).expect("settings");
    let engines = Engines::both().unwrap_or_default();
    SamlProvider::new(settings, None).with_engine(engines.engine())
}

/// What an answer to the request of the seeds must fit.
pub fn expected(provider: &SamlProvider) -> Expected<'_> {
    Expected {
        provider: &provider.settings().metadata.entity_id,
        audience: SP,
        acs: ACS,
        request_id: Some("_request0123456789"),
        now: NOW,
        skew: Duration::seconds(60),
        contexts: &[],
        fresh_since: None,
        passive: false,
    }
}

/// Whoever is signed in by this document.
pub fn signed_in(provider: &SamlProvider, text: &[u8]) -> Option<String> {
    let believed = provider.examine(&expected(provider), &STANDARD.encode(text)).ok()?;
    Some(format!("{:?}", believed.0))
}

/// The assertions of the seeds: nobody else may ever be signed in.
pub static KNOWN: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let provider = provider(&[]);
    let folder = std::fs::read_dir(seeds().join("saml_response")).expect("seeds");
    let texts = folder.map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a seed"));
    let known: HashSet<_> = texts.filter_map(|text| signed_in(&provider, &text)).collect();
    assert!(!known.is_empty(), "the seeds are believed");
    known
});

/// What a sign-out message of the provider says, where it is believed.
pub fn heard(provider: &SamlProvider, message: &SignOutMessage) -> Option<String> {
    let expected =
        Expected { acs: "https://auth.example/saml2/logout", request_id: None, ..expected(provider) };
    let _ = logout::claimed_issuer(message);
    let engine = Engines::both().unwrap_or_default().engine();
    let heard =
        logout::hear(provider.settings(), &*engine, &Opener::new(&[], SP), &expected, message).ok()?;
    Some(format!("{:?}", heard.notice))
}

/// What the engines say of a message. They must say the same, but for the two things that libxmlsec1 is
/// known to refuse: an id that is no NCName, and signatures of two methods.
pub fn judged(provider: &SamlProvider, gated: &Gated<'_>, policy: Policy) -> Option<Signed> {
    let keys = &provider.settings().metadata.keys;
    let rust = RustEngine.verify(gated, keys, policy, NOW).ok();
    #[cfg(feature = "samael")]
    {
        let other = poolgate_providers::saml::engine::SamaelEngine.verify(gated, keys, policy, NOW).ok();
        match (&rust, &other) {
            (None, Some(_)) => panic!("libxmlsec1 alone accepts it"),
            (Some(_), None) => assert!(!plain_ids(gated), "libxmlsec1 refuses it"),
            _ => assert_eq!(rust, other),
        }
    }
    rust
}

#[cfg(feature = "samael")]
fn plain_ids(gated: &Gated<'_>) -> bool {
    use poolgate_providers::saml::xml::Ns;
    let name = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
    };
    gated.document.all().all(|node| {
        node.attributes().filter(|(_, local, _)| *local == "ID").all(|(ns, _, id)| ns == Ns::None && name(id))
    })
}
