//! The pool as SAML service provider: its metadata, its signed requests, and the roll-over of its keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::Duration;

use super::house::{Browser, House, POOL};
use crate::keys::roll_over::RollOverError;
use crate::keys::{KeyRecord, KeyUse};
use crate::pool::IdentityProvider;
use crate::registry::{Edit, KeyChangeError};
use crate::testing;
use crate::testing::attributes;

/// A SAML provider that takes HTTP-POST alone. Its own certificate plays no part here.
fn provider(name: &str, certificate: &str, wants_signed: bool, details: Value) -> IdentityProvider {
    let document = format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://{name}.example"><md:IDPSSODescriptor WantAuthnRequestsSigned="{wants_signed}" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://{name}.example/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>"#
    );
    let mut provider = testing::provider(name, json!({ "ProviderDetails": details }));
    provider.metadata_document = Some(document);
    provider
}

fn certificates(house: &House) -> Vec<KeyRecord> {
    house.state.context.registry.snapshot().pool(POOL).unwrap().keys.records().to_vec()
}

/// Certificates of the keys of this use, the oldest first.
fn of_use(house: &House, key_use: KeyUse) -> Vec<String> {
    let mut found: Vec<_> = certificates(house).into_iter().filter(|key| key.key_use == key_use).collect();
    found.sort_by_key(|key| key.created);
    found.into_iter().filter_map(|key| key.certificate).collect()
}

async fn metadata(house: &House) -> String {
    let answer = house.get(&mut Browser::default(), "/saml2/metadata").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, "application/samlmetadata+xml")
    );
    answer.body
}

/// (use, certificate) of each KeyDescriptor, in order.
async fn shown(house: &House) -> Vec<(String, String)> {
    let text = metadata(house).await;
    let keys = text.split("<md:KeyDescriptor use=\"").skip(1);
    keys.map(|part| {
        let certificate = part.split_once("<ds:X509Certificate>").unwrap().1.split_once('<').unwrap().0;
        (part.split_once('"').unwrap().0.to_owned(), certificate.to_owned())
    })
    .collect()
}

/// The request that a browser takes to this provider, as XML.
async fn request(house: &House, provider: &str) -> String {
    let leaving = house.authorize(&mut Browser::default(), &[("identity_provider", provider)]).await;
    assert_eq!(leaving.status, 200, "{leaving:?}");
    let (_, field) = leaving.body.split_once("name=\"SAMLRequest\"").unwrap();
    String::from_utf8(STANDARD.decode(&attributes(field, "value")[0]).unwrap()).unwrap()
}

async fn with_providers(providers: Vec<IdentityProvider>) -> House {
    let house = House::build().await;
    house
        .change_client("app", |client| {
            client.supported_identity_providers.extend(providers.iter().map(|one| one.provider_name.clone()));
        })
        .await;
    house.edit(providers.into_iter().map(Edit::CreateProvider).collect()).await;
    house
}

fn some_certificate() -> String {
    testing::keys().saml_signing().in_use(testing::NOW).certificate().to_owned()
}

#[actix_web::test]
async fn a_new_signing_key_is_published_at_once_and_signs_from_its_moment_on() {
    let certificate = some_certificate();
    let signed = json!({"RequestSigningAlgorithm": "rsa-sha256"});
    let house = with_providers(vec![provider("Corp", &certificate, false, signed)]).await;
    let registry = &house.state.context.registry;
    let api = |house: &House| {
        let pool = json!({"UserPoolId": POOL});
        let state = house.state.clone();
        async move { crate::api::call(&state.api, "GetSigningCertificate", pool).await.unwrap() }
    };
    // Before there is a second one.
    let old = of_use(&house, KeyUse::SamlSigning).remove(0);
    assert!(request(&house, "Corp").await.contains(&old));

    registry.roll_key(POOL, KeyUse::SamlSigning, Duration::days(7)).await.unwrap();
    let new = of_use(&house, KeyUse::SamlSigning).remove(1);
    let signing = |shown: Vec<(String, String)>| -> Vec<String> {
        shown.into_iter().filter(|(key_use, _)| key_use == "signing").map(|(_, key)| key).collect()
    };
    house.advance(Duration::days(7) - Duration::SECOND);
    assert_eq!(signing(shown(&house).await), [old.clone(), new.clone()], "both, the one in use first");
    let sent = request(&house, "Corp").await;
    assert!(sent.contains(&old) && !sent.contains(&new), "not yet");
    assert_eq!(api(&house).await["Certificate"], old);
    let key = certificates(&house).into_iter().find(|key| key.certificate.as_ref() == Some(&old)).unwrap();
    let refused = registry.retire_key(POOL, &key.id, false).await;
    assert!(matches!(refused, Err(KeyChangeError::Rule(RollOverError::Signs(_)))), "{refused:?}");

    house.advance(Duration::SECOND);
    let sent = request(&house, "Corp").await;
    assert!(sent.contains(&new) && !sent.contains(&old), "now");
    assert_eq!(api(&house).await["Certificate"], new);
    assert_eq!(signing(shown(&house).await), [new.clone(), old.clone()], "the old one stays published");
    registry.retire_key(POOL, &key.id, false).await.unwrap();
    assert_eq!(signing(shown(&house).await), [new]);
}

#[actix_web::test]
async fn a_new_encryption_key_is_shown_alone_and_the_old_one_decrypts_until_it_is_retired() {
    let house = House::build().await;
    let registry = &house.state.context.registry;
    let old = of_use(&house, KeyUse::SamlEncryption).remove(0);
    assert!(shown(&house).await.contains(&("encryption".into(), old.clone())));
    registry.roll_key(POOL, KeyUse::SamlEncryption, Duration::ZERO).await.unwrap();
    let new = of_use(&house, KeyUse::SamlEncryption).remove(1);
    let encryption: Vec<_> =
        shown(&house).await.into_iter().filter(|(key_use, _)| key_use == "encryption").collect();
    assert_eq!(encryption, [("encryption".to_owned(), new.clone())]);
    let live = |house: &House| -> Vec<String> {
        let snapshot = house.state.context.registry.snapshot();
        let keys = snapshot.pool(POOL).unwrap().keys.saml_encryption().to_vec();
        keys.iter().map(|key| key.certificate().to_owned()).collect()
    };
    assert_eq!(live(&house), [new.clone(), old.clone()], "newest first");
    let key = certificates(&house).into_iter().find(|key| key.certificate.as_ref() == Some(&old)).unwrap();
    registry.retire_key(POOL, &key.id, false).await.unwrap();
    assert_eq!(live(&house), [new]);
    let nobody = registry.retire_key("us-east-1_Nobody", &key.id, false).await;
    assert!(matches!(nobody, Err(KeyChangeError::NoPool(_))), "{nobody:?}");
}

#[actix_web::test]
async fn metadata_says_that_requests_are_signed_when_every_saml_provider_gets_them_so() {
    let certificate = some_certificate();
    let house = House::build().await;
    let said = async || {
        let text = metadata(&house).await;
        text.contains("AuthnRequestsSigned=\"true\"")
    };
    assert!(!said().await, "there is no SAML provider yet");
    let set = json!({"RequestSigningAlgorithm": "rsa-sha256"});
    house.edit(vec![Edit::CreateProvider(provider("One", &certificate, false, set))]).await;
    assert!(said().await, "by its setting");
    house.edit(vec![Edit::CreateProvider(provider("Two", &certificate, true, json!({})))]).await;
    assert!(said().await, "by its metadata");
    house.edit(vec![Edit::CreateProvider(provider("Three", &certificate, false, json!({})))]).await;
    assert!(!said().await, "one of them gets unsigned requests");
}

#[actix_web::test]
async fn metadata_names_the_addresses_of_the_pools_domain() {
    let house = House::build().await;
    let text = metadata(&house).await;
    for part in [
        format!("entityID=\"urn:amazon:cognito:sp:{POOL}\""),
        "Location=\"http://localhost:9229/saml2/idpresponse\"".to_owned(),
        "Location=\"http://localhost:9229/saml2/logout\"".to_owned(),
    ] {
        assert!(text.contains(&part), "{part} in {text}");
    }
}
