//! Account linking through boto3, with a SAML and an OpenID provider that nobody here wrote.

use serde_json::{Value, json};

use crate::harness::{App, CALLBACK, Gateway, Oidc, Person, Pool, Saml, claims, with_details};

struct Stage {
    gateway: Gateway,
    saml: Saml,
    _oidc: Oidc,
    pool: Pool,
    app: App,
}

impl Stage {
    /// Acme verifies addresses itself; Corp is believed for those of example.com.
    async fn set() -> Self {
        let gateway = Gateway::start().await;
        let (saml, oidc) =
            (Saml::start(&gateway.url()).await, Oidc::start(&gateway.url(), "client_secret_post").await);
        let corp =
            with_details(saml.provider("Corp", "assertion"), json!({"trusted_email_domains": "example.com"}));
        let (pool, app) = gateway.provision_app(vec![oidc.provider("Acme"), corp]).await;
        Self { gateway, saml, _oidc: oidc, pool, app }
    }

    /// Signs this person in, in this browser.
    async fn arrives(&self, person: &Person, provider: &str, name: &str) -> crate::harness::Tokens {
        person.open(&format!("{}/as/{name}", self.saml.base()), CALLBACK).await;
        self.app.sign_in(person, &[("identity_provider", provider), ("login_hint", name)]).await
    }

    async fn link(&self, username: &str, source: Value) -> Value {
        let destination = json!({"ProviderName": "Cognito", "ProviderAttributeValue": username});
        let link = json!({"UserPoolId": self.pool.id, "DestinationUser": destination, "SourceUser": source});
        self.gateway.call("admin_link_provider_for_user", link).await
    }
}

fn source(attribute: &str, value: &str) -> Value {
    json!({"ProviderName": "Corp", "ProviderAttributeName": attribute, "ProviderAttributeValue": value})
}

#[tokio::test]
async fn a_linked_person_is_one_user_by_both_providers_until_the_link_is_removed() {
    let mut stage = Stage::set().await;
    let own = claims(&stage.arrives(&Person::new(), "Acme", "alice").await.id);
    let hers = source("Cognito_Subject", "persistent-alice");
    assert_eq!(stage.link("Acme_alice", hers.clone()).await, json!({}));
    // What was acknowledged outlives a kill.
    stage.gateway.kill().await;
    stage.gateway.restart().await;

    let desk = Person::new();
    let tokens = stage.arrives(&desk, "Corp", "alice").await;
    let linked = claims(&tokens.id);
    assert_eq!((&linked["sub"], &linked["cognito:username"]), (&own["sub"], &json!("Acme_alice")));
    let ids: Vec<_> = linked["identities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["userId"].clone(), one["providerName"].clone(), one["primary"].clone()))
        .collect();
    let expected = [("alice", "Acme", "true"), ("persistent-alice", "Corp", "false")];
    assert_eq!(ids, expected.map(|(id, name, primary)| (json!(id), json!(name), json!(primary))));
    let this = json!({"UserPoolId": stage.pool.id, "Username": "Acme_alice"});
    let user = stage.gateway.call("admin_get_user", this).await;
    let attributes = user["UserAttributes"].as_array().unwrap();
    let text = attributes.iter().find(|one| one["Name"] == "identities").unwrap()["Value"].as_str().unwrap();
    let identities: Value = serde_json::from_str(text).unwrap();
    assert_eq!(identities[1]["issuer"], stage.saml.entity_id("assertion"));
    assert!(identities[1]["primary"] == false && identities[1]["dateCreated"].is_i64(), "{identities}");

    assert_eq!(stage.link("Acme_alice", hers.clone()).await["error"], "InvalidParameterException");
    let gone = json!({"UserPoolId": stage.pool.id, "User": hers.clone()});
    assert_eq!(stage.gateway.call("admin_disable_provider_for_user", gone.clone()).await, json!({}));
    assert!(!stage.app.knows(&desk).await, "the session");
    assert_eq!(stage.app.try_refresh(&tokens.refresh).await.0, 400, "the refresh token");
    assert_eq!(stage.app.user_info(&tokens.access).await.status(), 401, "the access token");
    let answer = stage.gateway.call("admin_disable_provider_for_user", gone).await;
    assert_eq!(answer["error"], "UserNotFoundException");

    let anew = claims(&stage.arrives(&Person::new(), "Corp", "alice").await.id);
    assert_eq!(anew["cognito:username"], "Corp_persistent-alice");
    assert_ne!(anew["sub"], own["sub"]);
    let refused = stage.link("Acme_alice", hers).await;
    assert_eq!(refused["error"], "InvalidParameterException");
    let told = refused["message"].as_str().unwrap();
    assert!(told.starts_with("Merging is not currently supported"), "{told}");
    assert_eq!(claims(&stage.arrives(&Person::new(), "Acme", "alice").await.id)["sub"], own["sub"]);
}

#[tokio::test]
async fn a_link_by_a_verified_address_waits_for_its_person() {
    let stage = Stage::set().await;
    let own = claims(&stage.arrives(&Person::new(), "Acme", "bob").await.id);
    assert_eq!(stage.link("Acme_bob", source("email", "bob@example.com")).await, json!({}));
    let stranger = claims(&stage.arrives(&Person::new(), "Corp", "alice").await.id);
    assert_ne!(stranger["sub"], own["sub"]);
    let linked = claims(&stage.arrives(&Person::new(), "Corp", "bob").await.id);
    assert_eq!((&linked["sub"], &linked["cognito:username"]), (&own["sub"], &json!("Acme_bob")));
    assert_eq!(linked["identities"][1]["userId"], "persistent-bob");
    // Nobody verifies this one: it could never take.
    let refused = stage.link("Acme_bob", source("email", "bob@elsewhere.test")).await;
    assert_eq!(refused["error"], "InvalidParameterException");
    assert!(refused["message"].as_str().unwrap().contains("trusted_email_domains"), "{refused}");
}
