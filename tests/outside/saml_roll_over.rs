//! The pool's SAML keys change while providers that nobody here wrote hold copies of its metadata.

use serde_json::Value;

use crate::harness::{App, CALLBACK, Gateway, Person, Pool, Saml, SimpleSaml, claims};
use crate::keys::said;
use crate::simplesamlphp::ALICE;

/// At each program: a provider that takes signed requests only, and one that encrypts.
async fn stage() -> (Gateway, Saml, SimpleSaml, Pool, App) {
    let gateway = Gateway::start().await;
    let (python, php) = (Saml::start(&gateway.url()).await, SimpleSaml::start().await);
    let providers = vec![
        python.provider("PythonSigned", "signed-redirect"),
        python.provider("PythonEncrypted", "gcm"),
        php.provider("PhpSigned", "signed"),
        php.provider("PhpEncrypted", "encrypted"),
    ];
    let (pool, app) = gateway.provision_app(providers).await;
    php.trust(&gateway.url()).await;
    (gateway, python, php, pool, app)
}

async fn everybody_signs_in(app: &App, php: &SimpleSaml) {
    for provider in ["PythonSigned", "PythonEncrypted", "PhpSigned", "PhpEncrypted"] {
        let person = Person::new();
        let mut landing = app.send(&person, &[("identity_provider", provider)]).await;
        if provider.starts_with("Php") {
            landing = php.log_in(&person, &landing, ALICE, CALLBACK).await;
        }
        let id = claims(&app.redeem(&app.code(&landing)).await.id);
        assert_eq!(id["identities"][0]["providerName"], provider);
    }
}

/// The certificates of a use, as SimpleSAMLphp understood them.
fn known_to_php(understood: &Value, pool: &Pool, key_use: &str) -> Vec<Value> {
    let keys = understood[format!("urn:amazon:cognito:sp:{}", pool.id)]["keys"].as_array().unwrap();
    keys.iter().filter(|key| key[key_use] == true).map(|key| key["X509Certificate"].clone()).collect()
}

#[tokio::test]
async fn keys_roll_over_and_no_provider_has_to_hurry() {
    let (mut gateway, python, php, pool, app) = stage().await;
    let first = python.service_provider("gcm").await;
    everybody_signs_in(&app, &php).await;

    gateway.stop().await;
    for key_use in ["saml-signing", "saml-encryption"] {
        said(&gateway, &["roll", "--use", key_use, "--pool", &pool.id]).await;
    }
    gateway.restart().await;
    // Both programs still hold the copies from before.
    everybody_signs_in(&app, &php).await;

    // Now their administrators look again.
    let understood = php.trust(&gateway.url()).await;
    let again = Saml::start(&gateway.url()).await.service_provider("gcm").await;
    for (key_use, count) in [("signing", 2), ("encryption", 1)] {
        let (old, new) = (first[key_use].as_array().unwrap(), again[key_use].as_array().unwrap());
        assert_eq!((old.len(), new.len()), (1, count), "{key_use}");
        assert_eq!(new.contains(&old[0]), key_use == "signing", "{key_use}");
        assert_eq!(&known_to_php(&understood, &pool, key_use), new, "{key_use}");
    }
    everybody_signs_in(&app, &php).await;
}
