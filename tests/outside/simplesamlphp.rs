//! Sign-in through a second SAML identity provider that nobody here wrote: SimpleSAMLphp with xmlseclibs.

use serde_json::{Value, json};

use crate::harness::{App, CALLBACK, Gateway, Landing, Person, Pool, SimpleSaml, claims, with_details};

pub const ALICE: (&str, &str) = ("alice", "wonderland");
const BOB: (&str, &str) = ("bob", "builder");

/// A gateway and SimpleSAMLphp that know each other.
pub struct Stage {
    pub gateway: Gateway,
    pub saml: SimpleSaml,
    pub pool: Pool,
    pub app: App,
    /// What SimpleSAMLphp's converter made of the pool's metadata.
    understood: Value,
}

/// A pool with these identity providers, each as `(name, variant, further details)`.
pub async fn stage(providers: &[(&str, &str, Value)]) -> Stage {
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
    pub async fn send(&self, person: &Person, provider: &str, who: (&str, &str)) -> Landing {
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
    let stage = stage(&[("Plain", "plain", json!({}))]).await;
    let entity_id = format!("urn:amazon:cognito:sp:{}", stage.pool.id);
    let known = &stage.understood[&entity_id];
    assert_eq!(known["entityid"], entity_id);
    let acs = &known["AssertionConsumerService"][0];
    assert_eq!(acs["Location"], format!("{}/saml2/idpresponse", stage.pool.url));
    assert_eq!(acs["Binding"], "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST");
    let logout: Vec<_> = known["SingleLogoutService"].as_array().unwrap().iter().collect();
    for (service, binding) in logout.iter().zip(["HTTP-POST", "HTTP-Redirect"]) {
        assert_eq!(service["Location"], format!("{}/saml2/logout", stage.pool.url));
        assert_eq!(service["Binding"], format!("urn:oasis:names:tc:SAML:2.0:bindings:{binding}"));
    }
    assert_eq!(logout.len(), 2);
    let keys = |key_use: &str| -> Vec<&Value> {
        known["keys"].as_array().unwrap().iter().filter(|key| key[key_use] == true).collect()
    };
    let bare = |pem: &Value| -> String {
        pem.as_str().unwrap().lines().filter(|line| !line.starts_with("-----")).collect()
    };
    let pool = json!({"UserPoolId": stage.pool.id});
    let answer = stage.gateway.call("get_signing_certificate", pool).await;
    let provider = json!({"UserPoolId": stage.pool.id, "ProviderName": "Plain"});
    let described = stage.gateway.call("describe_identity_provider", provider).await;
    let active = &described["IdentityProvider"]["ProviderDetails"]["ActiveEncryptionCertificate"];
    for (key_use, certificate) in [("signing", &answer["Certificate"]), ("encryption", active)] {
        let [key] = keys(key_use)[..] else { panic!("one key for {key_use}: {known}") };
        assert_eq!(key["X509Certificate"], bare(certificate), "{key_use}");
    }
}

#[tokio::test]
async fn it_gets_the_signed_requests_it_insists_on_by_either_binding() {
    let stage = stage(&[("signed", "signed", json!({})), ("signed-post", "signed-post", json!({}))]).await;
    for provider in ["signed", "signed-post"] {
        let landing = stage.send(&Person::new(), provider, ALICE).await;
        stage.app.code(&landing);
    }
    // It does look: the same address without a signature, and with another RelayState than was signed.
    let authorize = stage.app.authorize_url(&[("identity_provider", "signed")]);
    let page = Person::new().open(&authorize, &stage.saml.address("signed", "")).await;
    let mut bare = page.url.clone();
    let left = page.url.query_pairs().filter(|(name, _)| name != "Signature" && name != "SigAlg");
    bare.query_pairs_mut().clear().extend_pairs(left);
    let moved = page.url.as_str().replace("RelayState=", "RelayState=x");
    for wrong in [bare.as_str(), &moved] {
        let landing = Person::new().open(wrong, CALLBACK).await;
        assert!(!stage.saml.asks(&landing), "{landing:?}");
    }
}

#[tokio::test]
async fn it_encrypts_assertions_and_names() {
    let stage = stage(&[
        ("Encrypted", "encrypted", json!({"EncryptedResponses": "true"})),
        ("Name", "nameid", json!({})),
        ("Sealed", "sealed", json!({})),
        ("Old", "sealed", json!({"insecure_allow_aes_cbc": "true"})),
    ])
    .await;
    for provider in ["Encrypted", "Name", "Old"] {
        let landing = stage.send(&Person::new(), provider, ALICE).await;
        let id = claims(&stage.app.redeem(&stage.app.code(&landing)).await.id);
        assert_eq!(id["cognito:username"], format!("{provider}_alice"));
        assert_eq!(id["family_name"], "Ångström 😀", "all of Unicode");
    }
    let landing = stage.send(&Person::new(), "Sealed", ALICE).await;
    assert_eq!(landing.query("code"), None, "AES-CBC that nothing signs: {landing:?}");
    assert_eq!(landing.query("error").as_deref(), Some("server_error"), "{landing:?}");
}

#[tokio::test]
async fn it_starts_a_sign_in_where_it_may() {
    let stage = stage(&[("May", "plain", json!({"IDPInit": "true"})), ("Off", "response", json!({}))]).await;
    let query = |pairs: &[(&str, &str)]| {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    };
    let entity_id = format!("urn:amazon:cognito:sp:{}", stage.pool.id);
    for (provider, variant) in [("May", "plain"), ("Off", "response")] {
        let wanted = query(&[
            ("identity_provider", provider),
            ("client_id", &stage.app.client_id),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid"),
        ]);
        let start = query(&[("spentityid", &entity_id), ("RelayState", &wanted)]);
        let address = format!("{}?{start}", stage.saml.address(variant, "saml2/idp/SSOService.php"));
        let person = Person::new();
        let page = person.open(&address, CALLBACK).await;
        let landing = stage.saml.log_in(&person, &page, BOB, CALLBACK).await;
        if provider == "May" {
            assert!(landing.query("code").is_some() && landing.url.as_str().starts_with(CALLBACK));
            assert!(stage.app.knows(&person).await);
        } else {
            assert_eq!((landing.status, landing.query("code")), (400, None), "{landing:?}");
            assert!(landing.url.as_str().starts_with(&stage.app.url), "a page, not the app: {landing:?}");
        }
    }
}
