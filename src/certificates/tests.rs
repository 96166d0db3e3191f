use poolgate_providers::{Clock, SystemRandom};
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use time::Duration;
use time::macros::datetime;

use super::*;
use crate::directory::sqlite::SqliteDirectory;
use crate::directory::{Directory, INSTALLATION};
use crate::keys::Sealer;
use crate::registry::{Edit, Registry, Versioned};
use crate::testing;

use std::sync::Arc;

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
const ARN: &str = "arn:aws:acm:us-east-1:000000000000:certificate/login-2026";

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> OffsetDateTime {
        NOW
    }
}

/// A certificate for this host from a day ago on, and its key.
fn made(host: &str, lasts: Duration) -> (String, String) {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    params.not_before = NOW - Duration::DAY;
    params.not_after = NOW - Duration::DAY + lasts;
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn import(arn: &str, chain: &str, key: &str) -> Result<Certificate, CertificateError> {
    read(arn, chain.as_bytes(), key.into(), NOW)
}

#[test]
fn what_belongs_together_is_read() {
    let (chain, key) = made("login.acme.example", Duration::days(90));
    let certificate = import(ARN, &format!("{chain}\n{chain}"), &key).unwrap();
    assert_eq!(certificate.chain.len(), 2);
    assert_eq!(certificate.not_after.moment(), NOW + Duration::days(89));
    assert!(covers(&certificate, "login.acme.example"));
    assert!(!covers(&certificate, "acme.example") && !covers(&certificate, "not a host"));
}

#[test]
fn what_does_not_is_refused_and_the_key_is_never_repeated() {
    let (chain, key) = made("login.acme.example", Duration::days(90));
    let (_, other) = made("login.acme.example", Duration::days(90));
    assert_eq!(import(ARN, &chain, &other).unwrap_err(), CertificateError::Mismatch);
    for bad in ["", "no key", &chain] {
        assert_eq!(import(ARN, &chain, bad).unwrap_err(), CertificateError::Key, "{bad}");
    }
    for bad in ["", "no certificate", &key, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    {
        let error = import(ARN, bad, &key).unwrap_err();
        assert!(matches!(error, CertificateError::Chain(_)), "{bad}: {error}");
    }
    assert!(matches!(import(ARN, &chain.repeat(11), &key), Err(CertificateError::Chain(_))));
    let (old, old_key) = made("login.acme.example", Duration::hours(23));
    let error = import(ARN, &old, &old_key).unwrap_err();
    assert!(matches!(error, CertificateError::Dates(..)), "{error}");
    let early = read(ARN, chain.as_bytes(), key.as_str().into(), NOW - Duration::days(2)).unwrap_err();
    assert!(matches!(early, CertificateError::Dates(..)), "{early}");
    assert_eq!(import("arn:aws:iam::1:role/x", &chain, &key).unwrap_err(), CertificateError::Arn);
    let own = "arn:aws:acm:us-east-1:000000000000:certificate/default";
    assert_eq!(import(own, &chain, &key).unwrap_err(), CertificateError::Default);
}

async fn registry(directory: &Arc<dyn Directory>) -> Arc<Registry> {
    let (clock, random) = (Arc::new(FixedClock), Arc::new(SystemRandom));
    let directory = Arc::clone(directory);
    let sealer = Sealer::new(&[7; 32], random.clone()).unwrap();
    Arc::new(Registry::open(directory, sealer, clock, random, testing::surface()).await.unwrap())
}

#[tokio::test]
async fn a_browser_is_shown_the_imported_certificate_of_its_custom_domain_and_of_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.sqlite");
    let directory = SqliteDirectory::open(&path, Arc::new(FixedClock)).await.unwrap();
    let directory: Arc<dyn Directory> = Arc::new(directory);
    let (registry, other) = (registry(&directory).await, registry(&directory).await);
    let domain = |name: &str, arn: Option<&str>| {
        let config = arn.map(|arn| json!({ "CertificateArn": arn }));
        let domain =
            json!({ "Domain": name, "UserPoolId": "us-east-1_Tests0001", "CustomDomainConfig": config });
        Edit::CreateDomain(serde_json::from_value(domain).unwrap())
    };
    let (chain, key) = made("login.acme.example", Duration::days(90));
    let imported = import(ARN, &chain, &key).unwrap();
    registry
        .edit(vec![
            Edit::CreatePool(testing::user_pool()),
            domain("login.acme.example", Some(ARN)),
            domain("acme", None),
            Edit::CreateCertificate(imported.clone()),
        ])
        .await
        .unwrap();
    let (own_chain, own_key) = made("localhost", Duration::days(90));
    let own = certified_key(&import(ARN, &own_chain, &own_key).unwrap()).unwrap();
    let resolver = Resolver::new(own.clone(), Arc::clone(&registry));
    let shown = |host: Option<&str>| resolver.for_host(host).cert.clone();
    let first = certified_key(&imported).unwrap().cert;
    assert_eq!(shown(Some("login.acme.example")), first);
    assert_eq!(shown(Some("LOGIN.acme.example")), first);
    for host in [None, Some("acme.localhost"), Some("localhost"), Some("other.example"), Some("")] {
        assert_eq!(shown(host), own.cert, "{host:?}");
    }

    let (chain, key) = made("login.acme.example", Duration::days(30));
    let renewed = import(ARN, &chain, &key).unwrap();
    let version = registry.snapshot().certificate(ARN).unwrap().version;
    let edit = Edit::UpdateCertificate(Versioned { value: renewed.clone(), version });
    registry.edit(vec![edit]).await.unwrap();
    assert_eq!(shown(Some("login.acme.example")), certified_key(&renewed).unwrap().cert);

    other.caught_up().await.unwrap();
    let stored = other.snapshot().certificate(ARN).unwrap().value.clone();
    assert_eq!(
        certified_key(&stored).unwrap().cert,
        certified_key(&renewed).unwrap().cert,
        "replicas follow"
    );
    let late = super::tests::registry(&directory).await.snapshot().certificate(ARN).unwrap().value.clone();
    assert_eq!(
        certified_key(&late).unwrap().cert,
        certified_key(&renewed).unwrap().cert,
        "it outlasts a restart"
    );
    let record = directory.load_pool(INSTALLATION).await.unwrap().remove(0);
    assert!(!record.document.contains("PRIVATE KEY") && record.sealed.is_some());

    registry.edit(vec![Edit::DeleteCertificate(ARN.into())]).await.unwrap();
    assert_eq!(shown(Some("login.acme.example")), own.cert);
    other.caught_up().await.unwrap();
    assert!(other.snapshot().certificate(ARN).is_none());
}
