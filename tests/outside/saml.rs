//! Sign-in through a SAML identity provider that nobody here wrote: pysaml2 with xmlsec1.

use serde_json::{Value, json};

use crate::harness::{App, CALLBACK, Gateway, LOGGED_OUT, Person, Pool, Saml, claims};

/// The same user at four identity providers that differ in what they sign.
async fn stage() -> (Gateway, Saml, Pool, App) {
    let gateway = Gateway::start().await;
    let saml = Saml::start(&gateway.url()).await;
    let mut domains = saml.provider("Both", "both");
    domains["identifiers"] = json!(["Example.com", "acme.test"]);
    let providers = json!([
        saml.provider("Assertion", "assertion"),
        saml.provider("Response", "response"),
        domains,
        saml.provider("None", "none"),
    ]);
    let clients = json!([{
        "name": "app", "secret": true, "callbacks": [CALLBACK], "logouts": [LOGGED_OUT],
        "providers": ["Assertion", "Response", "Both", "None"],
    }]);
    let pool = gateway.provision(providers, clients).await;
    let app = App::new(&pool, "app");
    (gateway, saml, pool, app)
}

fn attribute<'a>(user: &'a Value, name: &str) -> Option<&'a str> {
    let attributes = user["UserAttributes"].as_array()?;
    attributes.iter().find(|one| one["Name"] == name)?["Value"].as_str()
}

#[tokio::test]
async fn a_person_signs_in_whatever_part_the_provider_signs() {
    let (gateway, saml, pool, app) = stage().await;
    for provider in ["Assertion", "Response", "Both"] {
        let tokens = app.sign_in(&Person::new(), &[("identity_provider", provider)]).await;
        let id = claims(&tokens.id);
        assert_eq!(id["cognito:username"], format!("{provider}_persistent-alice"));
        assert_eq!(id["email"], "alice@example.com");
        assert_eq!(id["given_name"], "Alice");
        assert_eq!(id["family_name"], "Ångström 😀", "all of Unicode");
        assert_eq!(id["cognito:groups"], json!([format!("{}_{provider}", pool.id)]));
        let identity = &id["identities"][0];
        assert_eq!(identity["userId"], "persistent-alice");
        assert_eq!(identity["providerName"], provider);
        assert_eq!(identity["providerType"], "SAML");
        assert_eq!(identity["issuer"], saml.entity_id(&provider.to_lowercase()));
        assert_eq!(identity["primary"], "true");
        let user = gateway
            .call("admin_get_user", json!({"UserPoolId": pool.id, "Username": id["cognito:username"]}))
            .await;
        assert_eq!(user["UserStatus"], "EXTERNAL_PROVIDER");
        assert_eq!(attribute(&user, "sub"), id["sub"].as_str());
    }
}

#[tokio::test]
async fn an_answer_that_nobody_signed_signs_nobody_in() {
    let (gateway, _saml, pool, app) = stage().await;
    let landing = app.send(&Person::new(), &[("identity_provider", "None")]).await;
    assert_eq!(landing.query("code"), None, "{landing:?}");
    let users = gateway.call("list_users", json!({"UserPoolId": pool.id})).await;
    assert_eq!(users["Users"], json!([]));
}

#[tokio::test]
async fn the_same_person_is_the_same_user_and_attributes_follow_the_provider() {
    let (_gateway, saml, _pool, app) = stage().await;
    let signed_in = |name: &'static str| {
        let (app, base) = (app.clone(), saml.base().to_owned());
        async move {
            let person = Person::new();
            person.open(&format!("{base}/as/{name}"), CALLBACK).await;
            claims(&app.sign_in(&person, &[("identity_provider", "Assertion")]).await.id)
        }
    };
    let (alice, bob, again) = (signed_in("alice").await, signed_in("bob").await, signed_in("alice").await);
    assert_eq!(alice["sub"], again["sub"]);
    assert_ne!(alice["sub"], bob["sub"]);
    assert_eq!(bob["family_name"], "O'Neill & Söhne <GmbH>");
}

#[tokio::test]
async fn an_identifier_picks_the_provider_without_case() {
    let (_gateway, _saml, _pool, app) = stage().await;
    for identifier in ["example.com", "EXAMPLE.COM", "acme.test"] {
        let tokens = app.sign_in(&Person::new(), &[("idp_identifier", identifier)]).await;
        assert_eq!(claims(&tokens.id)["identities"][0]["providerName"], "Both");
    }
}

#[tokio::test]
async fn the_second_sign_in_does_not_ask_the_provider_again() {
    let (_gateway, saml, _pool, app) = stage().await;
    let person = Person::new();
    let first = claims(&app.sign_in(&person, &[("identity_provider", "Assertion")]).await.id);
    drop(saml);
    let second = claims(&app.sign_in(&person, &[]).await.id);
    assert_eq!(second["sub"], first["sub"]);
    assert_eq!(second["auth_time"], first["auth_time"], "the time of the sign-in itself");
    assert_ne!(second["jti"], first["jti"]);
}

#[tokio::test]
async fn an_answer_is_taken_once() {
    let (_gateway, saml, _pool, app) = stage().await;
    let person = Person::new();
    let landing = app.send(&person, &[("identity_provider", "Assertion")]).await;
    app.code(&landing);
    assert!(landing.posted.iter().any(|(name, _)| name == "SAMLResponse"), "{:?}", landing.posted);
    let idp = saml.base().parse().unwrap();
    let acs = format!("{}/saml2/idpresponse", app.url).parse().unwrap();
    let again = person.post_from(&idp, &acs, &landing.posted, CALLBACK).await;
    assert_eq!((again.status, again.query("code")), (400, None), "{again:?}");
}

#[tokio::test]
async fn an_answer_is_of_no_use_in_another_browser() {
    let (_gateway, saml, _pool, app) = stage().await;
    let victim = Person::new();
    let page = victim.open(&app.authorize_url(&[("identity_provider", "Assertion")]), saml.base()).await;
    assert_eq!(page.status, 0, "stopped on the way to the provider");
    // The provider's page is opened by somebody else, whose browser then posts the answer.
    let landing = Person::new().open(page.url.as_str(), CALLBACK).await;
    assert_eq!((landing.status, landing.query("code")), (400, None), "{landing:?}");
}

#[tokio::test]
async fn a_person_who_refuses_at_the_provider_comes_back_with_access_denied() {
    let (_gateway, saml, _pool, app) = stage().await;
    let person = Person::new();
    person.open(&format!("{}/as/deny", saml.base()), CALLBACK).await;
    let landing = app.send(&person, &[("identity_provider", "Response")]).await;
    assert_eq!(landing.query("error").as_deref(), Some("access_denied"), "{landing:?}");
    assert!(landing.query("error_description").is_some());
    assert!(landing.query("state").is_some());
}

#[tokio::test]
async fn the_pools_metadata_names_its_entity_and_its_addresses() {
    let (gateway, _saml, pool, app) = stage().await;
    let url = format!("{}/saml2/metadata", gateway.url());
    let metadata =
        app.http().get(url).send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
    for expected in [format!("urn:amazon:cognito:sp:{}", pool.id), format!("{}/saml2/idpresponse", pool.url)]
    {
        assert!(metadata.contains(&expected), "{expected} in {metadata}");
    }
    let answer = gateway.call("get_signing_certificate", json!({"UserPoolId": pool.id})).await;
    let certificate = answer["Certificate"].as_str().unwrap().replace(['\n', '\r'], "");
    let body =
        certificate.replace("-----BEGIN CERTIFICATE-----", "").replace("-----END CERTIFICATE-----", "");
    assert!(
        metadata.replace(['\n', '\r', ' '], "").contains(&body),
        "the signing certificate is in the metadata"
    );
}
