//! Sign-in through a second SAML identity provider that nobody here wrote: SimpleSAMLphp with xmlseclibs.

use serde_json::{Value, json};

use crate::harness::{App, CALLBACK, Gateway, Landing, Person, Pool, SimpleSaml, claims, with_details};

const ALICE: (&str, &str) = ("alice", "wonderland");
const BOB: (&str, &str) = ("bob", "builder");

struct Stage {
    gateway: Gateway,
    saml: SimpleSaml,
    pool: Pool,
    app: App,
    /// What SimpleSAMLphp's converter made of the pool's metadata.
    understood: Value,
}

/// A pool with these identity providers, each as `(name, variant, further details)`.
async fn stage(providers: &[(&str, &str, Value)]) -> Stage {
    let (gateway, saml) = (Gateway::start().await, SimpleSaml::start().await);
    let made = providers
        .iter()
        .map(|(name, variant, more)| with_details(saml.provider(name, variant), more.clone()))
        .collect();
    let (pool, app) = gateway.provision_app(made).await;
    let understood = saml.trust(&gateway.url()).await;
    Stage { gateway, saml, pool, app, understood }
}

impl Stage {
    /// The person goes to the provider, which asks who it is, and comes back to the app.
    async fn send(&self, person: &Person, provider: &str, who: (&str, &str)) -> Landing {
        let page = self.app.send(person, &[("identity_provider", provider)]).await;
        self.saml.log_in(person, &page, who, CALLBACK).await
    }
}

#[tokio::test]
async fn a_person_signs_in_whatever_part_the_provider_signs() {
    let stage =
        stage(&[("Plain", "plain", json!({})), ("A", "assertion", json!({})), ("R", "response", json!({}))])
            .await;
    for (provider, variant) in [("Plain", "plain"), ("A", "assertion"), ("R", "response")] {
        let landing = stage.send(&Person::new(), provider, ALICE).await;
        let id = claims(&stage.app.redeem(&stage.app.code(&landing)).await.id);
        assert_eq!(id["cognito:username"], format!("{provider}_alice"));
        assert_eq!(id["email"], "alice@example.com");
        assert_eq!(id["family_name"], "Ångström 😀", "all of Unicode");
        assert_eq!(id["cognito:groups"], json!([format!("{}_{provider}", stage.pool.id)]));
        assert_eq!(id["identities"][0]["issuer"], stage.saml.entity_id(variant));
    }
    let landing = stage.send(&Person::new(), "Plain", BOB).await;
    let id = claims(&stage.app.redeem(&stage.app.code(&landing)).await.id);
    assert_eq!(id["family_name"], "O'Neill & Söhne <GmbH>");
    let page = stage.send(&Person::new(), "Plain", ("alice", "looking-glass")).await;
    assert!(stage.saml.asks(&page), "a wrong password leads nowhere: {page:?}");
    let users = stage.gateway.call("list_users", json!({"UserPoolId": stage.pool.id})).await;
    assert_eq!(users["Users"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn its_converter_understands_our_metadata() {
    let stage = stage(&[]).await;
    let entity_id = format!("urn:amazon:cognito:sp:{}", stage.pool.id);
    let known = &stage.understood[&entity_id];
    assert_eq!(known["entityid"], entity_id);
    let acs = &known["AssertionConsumerService"][0];
    assert_eq!(acs["Location"], format!("{}/saml2/idpresponse", stage.pool.url));
    assert_eq!(acs["Binding"], "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST");
    let keys = known["keys"].as_array().unwrap();
    assert!(keys.iter().any(|key| key["signing"] == true), "{keys:?}");
}
