//! Sign-in through a SAML identity provider that nobody here wrote: pysaml2 with xmlsec1.

use serde_json::{Value, json};

use crate::harness::{App, CALLBACK, Gateway, LOGGED_OUT, Person, Pool, Saml, claims, with_details};

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

#[tokio::test]
async fn pysaml2_understands_the_pools_metadata() {
    let (gateway, saml, pool, app) = stage().await;
    let known = saml.service_provider("both").await;
    assert_eq!(known["entity_id"], format!("urn:amazon:cognito:sp:{}", pool.id));
    assert_eq!(known["wants_signed_assertions"], "true");
    let binding = |name: &str| format!("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-{name}");
    let (consumer, logout) = (format!("{}/saml2/idpresponse", app.url), format!("{}/saml2/logout", app.url));
    assert_eq!(known["consumer"], json!([[binding("POST"), consumer]]));
    assert_eq!(known["logout"], json!([[binding("POST"), logout], [binding("Redirect"), logout]]));
    let answer = gateway.call("get_signing_certificate", json!({"UserPoolId": pool.id})).await;
    assert_eq!(known["signing"], json!([bare(answer["Certificate"].as_str().unwrap())]));
    let provider = json!({"UserPoolId": pool.id, "ProviderName": "Both"});
    let described = gateway.call("describe_identity_provider", provider).await;
    let active = &described["IdentityProvider"]["ProviderDetails"]["ActiveEncryptionCertificate"];
    assert_eq!(known["encryption"], json!([bare(active.as_str().unwrap())]));
}

/// The base64 of a certificate alone.
fn bare(certificate: &str) -> String {
    certificate.lines().filter(|line| !line.starts_with("-----")).collect()
}

#[tokio::test]
async fn a_provider_that_takes_signed_requests_only_gets_them_by_either_binding() {
    let gateway = Gateway::start().await;
    let saml = Saml::start(&gateway.url()).await;
    let made = ["signed-redirect", "signed-post"].map(|variant| saml.provider(variant, variant));
    let (_, app) = gateway.provision_app(made.into()).await;
    for provider in ["signed-redirect", "signed-post"] {
        let tokens = app.sign_in(&Person::new(), &[("identity_provider", provider)]).await;
        assert_eq!(claims(&tokens.id)["cognito:username"], format!("{provider}_persistent-alice"));
    }
    // The provider does look: the same address without a signature, and with another RelayState than was signed.
    let page = Person::new()
        .open(&app.authorize_url(&[("identity_provider", "signed-redirect")]), saml.base())
        .await;
    let mut bare = page.url.clone();
    let left = page.url.query_pairs().filter(|(name, _)| name != "Signature" && name != "SigAlg");
    bare.query_pairs_mut().clear().extend_pairs(left);
    assert_eq!(Person::new().open(bare.as_str(), CALLBACK).await.status, 500);
    let moved = page.url.as_str().replace("RelayState=", "RelayState=x");
    assert_eq!(Person::new().open(&moved, CALLBACK).await.status, 500);
}

#[tokio::test]
async fn a_provider_may_start_a_sign_in_where_it_is_allowed_to() {
    let gateway = Gateway::start().await;
    let saml = Saml::start(&gateway.url()).await;
    let may = with_details(saml.provider("Corp", "both"), json!({"IDPInit": "true"}));
    let hidden = with_details(saml.provider("Hidden", "gcm"), json!({"IDPInit": "true"}));
    let (_, app) = gateway.provision_app(vec![may, hidden, saml.provider("Off", "response")]).await;
    let start = |provider: &'static str, variant: &'static str| {
        let query = |pairs: &[(&str, &str)]| {
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
        };
        let wanted = query(&[
            ("identity_provider", provider),
            ("client_id", &app.client_id),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid email"),
            ("state", "from-the-portal"),
        ]);
        format!("{}?{}", saml.address(variant, "start-sign-in"), query(&[("RelayState", &wanted)]))
    };
    for (provider, variant) in [("Corp", "both"), ("Hidden", "gcm")] {
        let landing = Person::new().open(&start(provider, variant), CALLBACK).await;
        assert_eq!(landing.query("state").as_deref(), Some("from-the-portal"), "{landing:?}");
        let code = landing.query("code").unwrap_or_else(|| panic!("no code: {landing:?}"));
        let form =
            [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
        let (status, answer) = app.token(&form).await;
        assert_eq!(status, 200, "{answer}");
        let id = claims(answer["id_token"].as_str().unwrap());
        assert_eq!(id["cognito:username"], format!("{provider}_persistent-alice"));
    }
    let off = Person::new().open(&start("Off", "response"), CALLBACK).await;
    assert_eq!((off.status, off.query("code")), (400, None), "{off:?}");
    assert!(off.url.as_str().starts_with(&app.url), "a page, not the app: {off:?}");
}
