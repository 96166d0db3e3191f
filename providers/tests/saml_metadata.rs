//! Metadata as real providers and federations publish it, and the keys that it lets sign.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod saml_idp;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poolgate_providers::saml::keys::VerifyKey;
use poolgate_providers::saml::{IdpMetadata, MetadataError, SamlProvider, SamlSettings, metadata};
use saml_idp::{
    Answer, IDP, Memory, NOW, details, ec_key, evil_key, facts, finish_with, good_key, metadata_of,
    metadata_xml, refused, surroundings,
};
use time::Duration;

fn parse(text: &str) -> Result<IdpMetadata, MetadataError> {
    metadata::parse(text.as_bytes())
}

fn certificates(metadata: &IdpMetadata) -> Vec<&[u8]> {
    metadata.keys.iter().map(|key| key.certificate.as_slice()).collect()
}

fn fingerprint(certificate: &[u8]) -> String {
    VerifyKey::from_der(certificate).unwrap().fingerprint().to_string()
}

/// What ADFS publishes at `/FederationMetadata/2007-06/FederationMetadata.xml`.
fn adfs() -> String {
    let base64 = |certificate: &[u8]| STANDARD.encode(certificate);
    include_str!("saml_idp/adfs.xml")
        .replace("SIGNING", &base64(&good_key().certificate))
        .replace("NEXT", &base64(&ec_key().certificate))
        .replace("WSFED", &base64(&evil_key().certificate))
        .replace("ENCRYPTION", &base64(&evil_key().certificate))
}

#[test]
fn the_federation_metadata_of_adfs_is_read_with_all_its_other_roles() {
    for document in [adfs(), format!("\u{feff}{}", adfs())] {
        let metadata = parse(&document).unwrap();
        assert_eq!(metadata.entity_id, "http://adfs.example.com/adfs/services/trust");
        // Primary and secondary; what only WS-Federation or the SP role signs with verifies nothing.
        assert_eq!(certificates(&metadata), [&good_key().certificate, &ec_key().certificate]);
        assert_eq!(metadata.sso_redirect.as_ref().unwrap().as_str(), "https://adfs.example.com/adfs/ls/");
        assert_eq!(metadata.sso_post, metadata.sso_redirect);
        assert_eq!(metadata.slo_redirect, metadata.sso_redirect, "not the SP role's");
        assert!(!metadata.wants_signed_requests);
        assert!(SamlSettings::from_details(&details(&[]), metadata, false).is_ok());
    }
}

#[test]
fn the_document_s_own_signature_says_nothing() {
    // It is not even a signature; the address over TLS and the pins are what is trusted.
    assert!(adfs().contains("<ds:SignatureValue>bm90IGEgc2lnbmF0dXJl</ds:SignatureValue>"));
    let mut keys_of_the_signature = adfs();
    let at = keys_of_the_signature.find("</ds:Signature>").unwrap();
    let inside = format!("<KeyDescriptor>{}</KeyDescriptor>", STANDARD.encode(&evil_key().certificate));
    keys_of_the_signature.insert_str(at, &inside);
    assert_eq!(parse(&keys_of_the_signature).unwrap().keys.len(), 2);
}

/// An `EntitiesDescriptor` with this inside.
fn group(attributes: &str, content: &str) -> String {
    format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" {attributes}>{content}</md:EntitiesDescriptor>"
    )
}

fn service_provider(id: &str) -> String {
    format!(
        "<md:EntityDescriptor entityID=\"{id}\"><md:SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"/></md:EntityDescriptor>"
    )
}

#[test]
fn of_a_federation_the_one_identity_provider_is_taken_however_deep_it_lies() {
    let xml = metadata_xml(IDP, &[&good_key().certificate]);
    let saml1 = xml.replace("SAML:2.0:protocol", "SAML:1.1:protocol").replace(IDP, "https://old.example");
    let inner = group("cacheDuration=\"PT2H\"", &format!("{}{xml}", service_provider("urn:b")));
    let all = group(
        "validUntil=\"2026-11-22T00:00:00Z\" cacheDuration=\"PT6H\"",
        &format!("{}{saml1}{}", service_provider("urn:a"), group("", &inner)),
    );
    let metadata = parse(&all).unwrap();
    assert_eq!((metadata.entity_id.as_str(), metadata.cache_for), (IDP, Some(Duration::hours(2))));
    assert_eq!(metadata.valid_until, Some(time::macros::datetime!(2026-11-22 00:00:00 UTC)));

    let second = group("", &xml.replace(IDP, "https://second.example"));
    let two = group("", &format!("{inner}{second}"));
    assert!(matches!(parse(&two), Err(MetadataError::SeveralIdentityProviders)));
    let two_roles =
        xml.replace("</md:EntityDescriptor>", "") + &xml[xml.find("<md:IDPSSODescriptor").unwrap()..];
    assert!(matches!(parse(&two_roles), Err(MetadataError::SeveralIdentityProviders)));
    let none = group("", &format!("{}{saml1}", service_provider("urn:a")));
    assert!(matches!(parse(&none), Err(MetadataError::NoIdentityProvider)));
    // An entity that lies in something that is no group is nobody's.
    let hidden = group("", &format!("<md:Extensions>{xml}</md:Extensions>"));
    assert!(matches!(parse(&hidden), Err(MetadataError::NoIdentityProvider)));
}

#[test]
fn a_document_is_read_up_to_its_limits() {
    let xml = metadata_xml(IDP, &[&good_key().certificate]);
    let exactly = |size: usize| format!("{xml}<!--{}-->", "x".repeat(size - xml.len() - 7));
    assert_eq!(exactly(metadata::MAX_METADATA).len(), metadata::MAX_METADATA);
    assert!(parse(&exactly(metadata::MAX_METADATA)).is_ok());
    assert!(parse(&exactly(metadata::MAX_METADATA + 1)).is_err());
    let deep = |levels: usize| {
        format!(
            "{}{xml}{}",
            group("", "\0").replace("\0</md:EntitiesDescriptor>", "").repeat(levels),
            "</md:EntitiesDescriptor>".repeat(levels)
        )
    };
    assert!(parse(&deep(20)).is_ok());
    assert!(parse(&deep(40)).is_err());
}

#[test]
fn with_pinned_certificates_no_other_key_of_the_metadata_may_sign() {
    let metadata =
        metadata_of(IDP, &[&good_key().certificate, &evil_key().certificate, &ec_key().certificate]);
    let with = |pins: &str| {
        SamlSettings::from_details(&details(&[("pinned_certificates", pins)]), metadata.clone(), false)
    };
    let good = fingerprint(&good_key().certificate);
    let settings = with(&good).unwrap();
    assert_eq!(certificates(&settings.metadata), [&good_key().certificate]);
    let provider = SamlProvider::new(settings, None);
    let finish = |key| {
        let around = surroundings(NOW, Arc::<Memory>::default());
        finish_with(&provider, &around, &facts(), &Answer::default().signed_by(key))
    };
    assert!(finish(good_key()).is_ok());
    refused(finish(evil_key()), "saml_unknown_key");

    // As openssl prints it, and one that is not there yet beside one that is.
    let colons: Vec<_> = good.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect();
    let both = format!(
        "{},{} {}",
        colons.join(":").to_uppercase(),
        "0".repeat(64),
        fingerprint(&ec_key().certificate)
    );
    assert_eq!(with(&both).unwrap().metadata.keys.len(), 2);
}

#[test]
fn pins_that_leave_no_key_are_refused_with_both_fingerprints() {
    let metadata = metadata_of(IDP, &[&good_key().certificate]);
    let pinned = fingerprint(&evil_key().certificate);
    let error = SamlSettings::from_details(&details(&[("pinned_certificates", &pinned)]), metadata, false);
    let error = error.unwrap_err();
    assert_eq!(error.key, "pinned_certificates");
    let text = error.to_string();
    assert!(text.contains(&pinned) && text.contains(&fingerprint(&good_key().certificate)), "{text}");
}

#[test]
fn a_certificate_is_one_der_value_of_eight_kilobytes_at_most() {
    let good = &good_key().certificate;
    let why = |more: usize| VerifyKey::from_der(&[&good[..], &vec![0; more]].concat()).unwrap_err();
    assert!(why(1).contains("something follows"), "{}", why(1));
    assert!(why(8 * 1024).contains("more than 8192 bytes"), "{}", why(8 * 1024));
}

#[test]
fn a_pin_that_is_no_fingerprint_is_refused_as_one() {
    let metadata = metadata_of(IDP, &[&good_key().certificate]);
    let good = fingerprint(&good_key().certificate);
    let signed = format!("{good} {}", "+1".repeat(32));
    for pins in [&good[..62], &format!("{good} {good}00"), &format!("{good} 00"), &signed] {
        let given = details(&[("pinned_certificates", pins)]);
        let error = SamlSettings::from_details(&given, metadata.clone(), false).unwrap_err();
        assert!(error.allowed.contains("64 hex digits"), "{pins}: {error}");
    }
}

#[test]
fn an_answer_that_an_unknown_key_signed_leaves_its_id_unused() {
    let (memory, answer) = (Arc::<Memory>::default(), Answer::default().signed_by(evil_key()));
    let around = surroundings(NOW, Arc::<Memory>::clone(&memory) as Arc<_>);
    let provider = |certificate: &[u8]| {
        let metadata = metadata_of(IDP, &[certificate]);
        SamlProvider::new(SamlSettings::from_details(&details(&[]), metadata, false).unwrap(), None)
    };
    let before = provider(&good_key().certificate);
    refused(finish_with(&before, &around, &facts(), &answer), "saml_unknown_key");
    assert!(memory.0.lock().unwrap().is_empty());
    // The very same answer, with metadata that knows the key.
    let after = provider(&evil_key().certificate);
    assert!(finish_with(&after, &around, &facts(), &answer).is_ok());
    refused(finish_with(&after, &around, &facts(), &answer), "saml_replay");
}

#[test]
fn the_keys_that_count_are_those_whose_time_counts() {
    let mut metadata = metadata_of(IDP, &[&good_key().certificate, &ec_key().certificate]);
    metadata.keys[0].not_after = NOW;
    let late = NOW + Duration::SECOND;
    assert!(metadata.check_time(late).is_ok(), "the other one lasts");
    let pins = fingerprint(&good_key().certificate);
    let settings =
        SamlSettings::from_details(&details(&[("pinned_certificates", &pins)]), metadata, false).unwrap();
    assert!(matches!(settings.metadata.check_time(late), Err(MetadataError::CertificatesExpired(_))));
}
