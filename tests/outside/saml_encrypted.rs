//! Encrypted assertions of an identity provider that nobody here wrote: pysaml2 with xmlsec1.

use serde_json::{Value, json};

use crate::harness::{App, Gateway, Person, Pool, Saml, claims, with_details};

struct Stage {
    gateway: Gateway,
    saml: Saml,
    pool: Pool,
    app: App,
}

/// Providers, each as `(name, variant, further details)`.
async fn stage(providers: &[(&str, &str, Value)]) -> Stage {
    let gateway = Gateway::start().await;
    let saml = Saml::start(&gateway.url()).await;
    let made = providers
        .iter()
        .map(|(name, variant, more)| with_details(saml.provider(name, variant), more.clone()))
        .collect();
    let (pool, app) = gateway.provision_app(made).await;
    Stage { gateway, saml, pool, app }
}

impl Stage {
    /// Nobody is signed in, and the app is told why in these words.
    async fn refuses(&self, provider: &str) -> String {
        let landing = self.app.send(&Person::new(), &[("identity_provider", provider)]).await;
        assert_eq!(landing.query("code"), None, "{provider}: {landing:?}");
        assert_eq!(landing.query("error").as_deref(), Some("server_error"), "{provider}: {landing:?}");
        let users = self.gateway.call("list_users", json!({"UserPoolId": self.pool.id})).await;
        assert_eq!(users["Users"], json!([]), "{provider}");
        landing.query("error_description").unwrap()
    }
}

#[tokio::test]
async fn a_person_signs_in_with_an_encrypted_assertion() {
    let only = json!({"EncryptedResponses": "true"});
    let providers = ["gcm", "gcm128", "cbc", "cbc256"];
    let stage = stage(&providers.map(|variant| (variant, variant, only.clone()))).await;
    for provider in providers {
        let person = Person::new();
        let tokens = stage.app.sign_in(&person, &[("identity_provider", provider)]).await;
        let id = claims(&tokens.id);
        assert_eq!(id["cognito:username"], format!("{provider}_persistent-alice"));
        assert_eq!(id["email"], "alice@example.com");
        assert_eq!(id["family_name"], "Ångström 😀", "all of Unicode");
        assert_eq!(id["identities"][0]["issuer"], stage.saml.entity_id(provider));
    }
}

#[tokio::test]
async fn a_provider_may_encrypt_unasked() {
    let stage = stage(&[("Corp", "gcm", json!({}))]).await;
    let tokens = stage.app.sign_in(&Person::new(), &[("identity_provider", "Corp")]).await;
    assert_eq!(claims(&tokens.id)["cognito:username"], "Corp_persistent-alice");
}

#[tokio::test]
async fn a_provider_that_must_encrypt_and_does_not_is_refused() {
    let stage = stage(&[("Corp", "both", json!({"EncryptedResponses": "true"}))]).await;
    stage.refuses("Corp").await;
}

#[tokio::test]
async fn cbc_is_believed_under_a_signature_only_unless_the_provider_is_set_up_otherwise() {
    let stage = stage(&[
        ("Corp", "cbc-sealed", json!({})),
        ("Old", "cbc-sealed", json!({"insecure_allow_aes_cbc": "true"})),
    ])
    .await;
    stage.refuses("Corp").await;
    let tokens = stage.app.sign_in(&Person::new(), &[("identity_provider", "Old")]).await;
    assert_eq!(claims(&tokens.id)["cognito:username"], "Old_persistent-alice");
}

#[tokio::test]
async fn the_cipher_that_pysaml2_takes_by_itself_is_refused_for_its_name() {
    let stage = stage(&[("Corp", "3des", json!({}))]).await;
    let why = stage.refuses("Corp").await;
    assert!(why.contains("3DES") && why.contains("AES-256-GCM"), "what it is, and what would do: {why}");
}
