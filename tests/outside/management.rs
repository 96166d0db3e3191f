//! The management API as boto3 sees it: every resource made, read, listed, changed and deleted, and every refusal.

use serde_json::{Value, json};

use crate::harness::{CALLBACK, Gateway, Saml, run_calls};

async fn pool(gateway: &Gateway) -> String {
    let made = gateway.call("create_user_pool", json!({"PoolName": "People"})).await;
    made["UserPool"]["Id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

const CERTIFICATE: &str = "arn:aws:acm:us-east-1:000000000000:certificate/default";

#[tokio::test]
async fn a_pool_is_made_described_changed_listed_and_deleted() {
    let gateway = Gateway::start().await;
    let id = pool(&gateway).await;
    assert!(id.starts_with("us-east-1_"), "{id}");
    let this = json!({"UserPoolId": id});
    let answers = gateway
        .calls(&[
            ("describe_user_pool", this.clone()),
            ("update_user_pool", json!({"UserPoolId": id, "UserPoolTags": {"team": "identity"}})),
            ("describe_user_pool", this.clone()),
            ("list_user_pools", json!({"MaxResults": 10})),
            ("get_signing_certificate", this.clone()),
            ("delete_user_pool", this.clone()),
            ("describe_user_pool", this),
        ])
        .await;
    let described = &answers[0]["UserPool"];
    assert_eq!(described["Name"], "People");
    assert_eq!(described["Arn"], format!("arn:aws:cognito-idp:us-east-1:000000000000:userpool/{id}"));
    let names: Vec<_> =
        described["SchemaAttributes"].as_array().unwrap().iter().map(|one| &one["Name"]).collect();
    for name in ["sub", "email", "email_verified", "given_name", "phone_number"] {
        assert!(names.contains(&&json!(name)), "{name} in {names:?}");
    }
    assert_eq!(answers[1], json!({}));
    assert_eq!(answers[2]["UserPool"]["UserPoolTags"]["team"], "identity");
    assert_eq!(answers[3]["UserPools"][0]["Id"], id);
    assert!(answers[4]["Certificate"].as_str().unwrap().len() > 500, "{}", answers[4]);
    assert_eq!(answers[5], json!({}));
    assert_eq!(answers[6]["error"], "ResourceNotFoundException");
    assert_eq!(answers[6]["status"], 400);
    assert!(answers[6]["request_id"].is_string());
}

#[tokio::test]
async fn an_app_client_is_made_described_changed_listed_and_deleted() {
    let gateway = Gateway::start().await;
    let id = pool(&gateway).await;
    let make = json!({
        "UserPoolId": id, "ClientName": "shop", "GenerateSecret": true, "CallbackURLs": [CALLBACK, "myapp://cb"],
        "AllowedOAuthFlows": ["code"], "AllowedOAuthScopes": ["openid"], "AllowedOAuthFlowsUserPoolClient": true,
        "SupportedIdentityProviders": ["COGNITO"], "AccessTokenValidity": 15,
        "TokenValidityUnits": {"AccessToken": "minutes"},
    });
    let made = gateway.call("create_user_pool_client", make).await;
    let client = &made["UserPoolClient"];
    let client_id = client["ClientId"].as_str().unwrap_or_else(|| panic!("{made}"));
    assert!(client_id.len() == 26 && client_id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
    assert!((51..=64).contains(&client["ClientSecret"].as_str().unwrap().len()));
    let this = json!({"UserPoolId": id, "ClientId": client_id});
    let change = json!({"UserPoolId": id, "ClientId": client_id, "ClientName": "shop two"});
    let answers = gateway
        .calls(&[
            ("describe_user_pool_client", this.clone()),
            ("update_user_pool_client", change),
            ("list_user_pool_clients", json!({"UserPoolId": id, "MaxResults": 10})),
            ("delete_user_pool_client", this.clone()),
            ("describe_user_pool_client", this),
        ])
        .await;
    let described = &answers[0]["UserPoolClient"];
    assert_eq!(described["CallbackURLs"], json!([CALLBACK, "myapp://cb"]));
    assert_eq!(described["ClientSecret"], client["ClientSecret"]);
    assert_eq!(described["AccessTokenValidity"], 15);
    assert_eq!(answers[1]["UserPoolClient"]["ClientName"], "shop two", "{}", answers[1]);
    assert_eq!(answers[2]["UserPoolClients"][0]["ClientId"], client_id);
    assert!(answers[2]["UserPoolClients"][0].get("ClientSecret").is_none());
    assert_eq!(answers[4]["error"], "ResourceNotFoundException");
}

#[tokio::test]
async fn a_domain_is_made_described_and_deleted() {
    let gateway = Gateway::start().await;
    let id = pool(&gateway).await;
    let custom = json!({"UserPoolId": id, "Domain": "localhost", "CustomDomainConfig": {"CertificateArn": CERTIFICATE}});
    let answers = gateway
        .calls(&[
            ("create_user_pool_domain", json!({"UserPoolId": id, "Domain": "acme"})),
            ("create_user_pool_domain", custom),
            ("describe_user_pool_domain", json!({"Domain": "acme"})),
            ("describe_user_pool_domain", json!({"Domain": "localhost"})),
            ("create_user_pool_domain", json!({"UserPoolId": id, "Domain": "acme"})),
            ("create_user_pool_domain", json!({"UserPoolId": id, "Domain": "Not A Domain"})),
            ("delete_user_pool_domain", json!({"UserPoolId": id, "Domain": "acme"})),
            ("describe_user_pool_domain", json!({"Domain": "acme"})),
        ])
        .await;
    assert_eq!(answers[2]["DomainDescription"]["UserPoolId"], id);
    assert_eq!(answers[2]["DomainDescription"]["Status"], "ACTIVE");
    assert_eq!(answers[3]["DomainDescription"]["CustomDomainConfig"]["CertificateArn"], CERTIFICATE);
    assert_eq!(answers[4]["error"], "InvalidParameterException", "taken: {}", answers[4]);
    assert_eq!(answers[5]["error"], "InvalidParameterException", "malformed: {}", answers[5]);
    assert_eq!(answers[6], json!({}));
    assert_eq!(answers[7]["DomainDescription"], json!({}), "the reference answers an empty description");
}

#[tokio::test]
async fn identity_providers_are_made_described_changed_found_listed_and_deleted() {
    let gateway = Gateway::start().await;
    let id = pool(&gateway).await;
    let saml = Saml::start(&gateway.url()).await;
    let oidc = json!({
        "UserPoolId": id, "ProviderName": "Acme", "ProviderType": "OIDC",
        "ProviderDetails": {
            "client_id": "poolgate", "client_secret": "s3cret", "authorize_scopes": "openid",
            "oidc_issuer": "http://127.0.0.1:9", "attributes_request_method": "GET",
            "authorize_url": "http://127.0.0.1:9/a", "token_url": "http://127.0.0.1:9/t",
            "attributes_url": "http://127.0.0.1:9/u", "jwks_uri": "http://127.0.0.1:9/j",
        },
        "AttributeMapping": {"email": "email"},
    });
    let url = json!({
        "UserPoolId": id, "ProviderName": "Corp", "ProviderType": "SAML",
        "ProviderDetails": {"MetadataURL": saml.entity_id("both")},
        "IdpIdentifiers": ["example.com", "Example.org"],
    });
    let metadata = reqwest::get(saml.entity_id("response")).await.unwrap().text().await.unwrap();
    let file = json!({
        "UserPoolId": id, "ProviderName": "SAML_provider_1", "ProviderType": "SAML",
        "ProviderDetails": {"MetadataFile": metadata},
    });
    let named = |name: &str| json!({"UserPoolId": id, "ProviderName": name});
    let answers = gateway
        .calls(&[
            ("create_identity_provider", oidc.clone()),
            ("create_identity_provider", url),
            ("create_identity_provider", file),
            ("describe_identity_provider", named("Acme")),
            ("describe_identity_provider", named("Corp")),
            (
                "get_identity_provider_by_identifier",
                json!({"UserPoolId": id, "IdpIdentifier": "EXAMPLE.org"}),
            ),
            ("list_identity_providers", json!({"UserPoolId": id})),
            (
                "update_identity_provider",
                json!({
                    "UserPoolId": id, "ProviderName": "Acme", "AttributeMapping": {"given_name": "first"},
                }),
            ),
            ("create_identity_provider", oidc),
            ("delete_identity_provider", named("Corp")),
            ("describe_identity_provider", named("Corp")),
            (
                "get_identity_provider_by_identifier",
                json!({"UserPoolId": id, "IdpIdentifier": "example.org"}),
            ),
        ])
        .await;
    for answer in &answers[..3] {
        assert!(answer["IdentityProvider"]["ProviderName"].is_string(), "{answer}");
    }
    let acme = &answers[3]["IdentityProvider"];
    assert_eq!(acme["ProviderDetails"]["attributes_url_add_attributes"], "false");
    assert_eq!(acme["AttributeMapping"]["username"], "sub", "automatic and fixed");
    let corp = &answers[4]["IdentityProvider"];
    assert_eq!(corp["ProviderDetails"]["SSORedirectBindingURI"], format!("{}/both/sso", saml.base()));
    assert_eq!(answers[5]["IdentityProvider"]["ProviderName"], "Corp", "{}", answers[5]);
    assert_eq!(answers[6]["Providers"].as_array().unwrap().len(), 3);
    let changed = &answers[7]["IdentityProvider"];
    assert_eq!(changed["AttributeMapping"]["given_name"], "first", "{}", answers[7]);
    assert!(
        changed["AttributeMapping"].get("email").is_none(),
        "a member that is given replaces the old one whole"
    );
    assert_eq!(changed["ProviderDetails"]["client_id"], "poolgate", "a member that is absent stays");
    assert_eq!(answers[8]["error"], "DuplicateProviderException");
    assert_eq!(answers[9], json!({}));
    assert_eq!(answers[10]["error"], "ResourceNotFoundException");
    assert_eq!(answers[11]["error"], "ResourceNotFoundException");
}

#[tokio::test]
async fn bad_input_is_refused_by_the_models_error_names() {
    let gateway = Gateway::start().await;
    let id = pool(&gateway).await;
    let client = |more: Value| {
        let mut call = json!({"UserPoolId": id, "ClientName": "app"});
        call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("create_user_pool_client", call)
    };
    let provider = |name: &str, kind: &str, details: Value, mapping: Value| {
        let call = json!({
            "UserPoolId": id, "ProviderName": name, "ProviderType": kind, "ProviderDetails": details,
            "AttributeMapping": mapping,
        });
        ("create_identity_provider", call)
    };
    let oidc = || {
        json!({
            "client_id": "c", "client_secret": "s", "authorize_scopes": "openid", "oidc_issuer": "http://127.0.0.1:9",
            "attributes_request_method": "GET", "authorize_url": "http://127.0.0.1:9/a",
            "token_url": "http://127.0.0.1:9/t", "attributes_url": "http://127.0.0.1:9/u", "jwks_uri": "http://127.0.0.1:9/j",
        })
    };
    let without = |name: &str| {
        let mut details = oidc();
        details.as_object_mut().unwrap().remove(name);
        details
    };
    let with = |name: &str, value: &str| {
        let mut details = oidc();
        details[name] = value.into();
        details
    };
    let invalid = "InvalidParameterException";
    let rows: Vec<(&str, (&str, Value), &str)> = vec![
        ("no name", ("create_user_pool", json!({})), invalid),
        ("a name of 129", ("create_user_pool", json!({"PoolName": "x".repeat(129)})), invalid),
        (
            "unknown pool",
            ("describe_user_pool", json!({"UserPoolId": "us-east-1_nowhere00"})),
            "ResourceNotFoundException",
        ),
        ("malformed pool", ("describe_user_pool", json!({"UserPoolId": "x y"})), invalid),
        ("http callback", client(json!({"CallbackURLs": ["http://shop.example/cb"]})), invalid),
        ("callback with a fragment", client(json!({"CallbackURLs": ["https://shop.example/cb#x"]})), invalid),
        ("relative callback", client(json!({"CallbackURLs": ["/cb"]})), invalid),
        (
            "unknown flow",
            client(json!({"AllowedOAuthFlows": ["magic"], "AllowedOAuthScopes": ["openid"]})),
            invalid,
        ),
        ("unknown provider", client(json!({"SupportedIdentityProviders": ["Nobody"]})), invalid),
        (
            "a token of 4 minutes",
            client(json!({
                "AccessTokenValidity": 4, "TokenValidityUnits": {"AccessToken": "minutes"},
            })),
            invalid,
        ),
        (
            "101 callbacks",
            client(json!({
                "CallbackURLs": (0..101).map(|n| format!("https://shop.example/{n}")).collect::<Vec<_>>(),
            })),
            "",
        ),
        (
            "unknown client",
            ("describe_user_pool_client", json!({"UserPoolId": id, "ClientId": "nobody"})),
            "ResourceNotFoundException",
        ),
        ("a provider named COGNITO", provider("Cognito", "OIDC", oidc(), json!({})), invalid),
        ("a provider of 41 characters", provider(&"x".repeat(41), "OIDC", oidc(), json!({})), invalid),
        ("no client_id", provider("A", "OIDC", without("client_id"), json!({})), invalid),
        (
            "no token_url beside explicit endpoints",
            provider("A", "OIDC", without("token_url"), json!({})),
            invalid,
        ),
        (
            "unknown auth method",
            provider("A", "OIDC", with("token_endpoint_auth_method", "none"), json!({})),
            invalid,
        ),
        ("skew of 301", provider("A", "OIDC", with("clock_skew_seconds", "301"), json!({})), invalid),
        (
            "issuer with a slash",
            provider("A", "OIDC", with("oidc_issuer", "http://127.0.0.1:9/"), json!({})),
            invalid,
        ),
        (
            "mapping to an unknown attribute",
            provider("A", "OIDC", oidc(), json!({"custom:nobody": "x"})),
            invalid,
        ),
        ("mapping to sub", provider("A", "OIDC", oidc(), json!({"sub": "x"})), invalid),
        ("no metadata", provider("A", "SAML", json!({}), json!({})), invalid),
        ("metadata that is none", provider("A", "SAML", json!({"MetadataFile": "<x/>"}), json!({})), invalid),
        (
            "metadata that is not there",
            provider("A", "SAML", json!({"MetadataURL": "http://127.0.0.1:9/m"}), json!({})),
            invalid,
        ),
        (
            "unknown user",
            ("admin_get_user", json!({"UserPoolId": id, "Username": "nobody"})),
            "UserNotFoundException",
        ),
    ];
    let calls: Vec<_> = rows.iter().map(|(_, call, _)| call.clone()).collect();
    for ((what, _, error), answer) in rows.iter().zip(gateway.unchecked_calls(&calls).await) {
        assert_eq!(answer["status"], 400, "{what}: {answer}");
        if error.is_empty() {
            let told = answer["error"].as_str().unwrap();
            assert!(["LimitExceededException", invalid].contains(&told), "{what}: {answer}");
        } else {
            assert_eq!(answer["error"], *error, "{what}: {answer}");
        }
        assert!(!answer["message"].as_str().unwrap().is_empty(), "{what}: it says why");
    }
    let left = gateway.call("list_identity_providers", json!({"UserPoolId": id})).await;
    assert_eq!(left["Providers"], json!([]), "nothing was saved");
}

#[tokio::test]
async fn a_name_that_would_make_usernames_ambiguous_is_refused() {
    let gateway = Gateway::start().await;
    let id = pool(&gateway).await;
    let provider = |name: &str| {
        let details = json!({
            "client_id": "c", "client_secret": "s", "authorize_scopes": "openid", "oidc_issuer": "http://127.0.0.1:9",
            "attributes_request_method": "GET", "authorize_url": "http://127.0.0.1:9/a",
            "token_url": "http://127.0.0.1:9/t", "attributes_url": "http://127.0.0.1:9/u",
            "jwks_uri": "http://127.0.0.1:9/j",
        });
        let call = json!({
            "UserPoolId": id, "ProviderName": name, "ProviderType": "OIDC", "ProviderDetails": details,
        });
        ("create_identity_provider", call)
    };
    let answers = gateway.calls(&["Acme", "Acme_b", "B_c_d", "B_c", "Acm"].map(provider)).await;
    assert!(answers[0].get("error").is_none(), "{}", answers[0]);
    assert_eq!(answers[1]["error"], "InvalidParameterException");
    assert!(answers[2].get("error").is_none(), "{}", answers[2]);
    assert_eq!(answers[3]["error"], "InvalidParameterException");
    assert!(answers[4].get("error").is_none(), "{}", answers[4]);
}

#[tokio::test]
async fn a_request_that_is_not_signed_by_the_right_key_is_refused() {
    let gateway = Gateway::start().await;
    let list = [("list_user_pools", json!({"MaxResults": 1}))];
    for (member, value, error) in [
        ("secret_key", "another", "InvalidSignatureException"),
        ("access_key", "AKIANOBODY", "UnrecognizedClientException"),
        ("region", "eu-west-1", "InvalidSignatureException"),
    ] {
        let mut access = gateway.access();
        access[member] = value.into();
        let answer = run_calls(access, &list).await.remove(0);
        assert_eq!((&answer["error"], &answer["status"]), (&json!(error), &json!(400)), "{member}");
    }
    let unsigned = reqwest::Client::new()
        .post(gateway.url())
        .header("x-amz-target", "AWSCognitoIdentityProviderService.ListUserPools")
        .header("content-type", "application/x-amz-json-1.1")
        .body("{\"MaxResults\":1}")
        .send()
        .await
        .unwrap();
    assert_eq!(unsigned.status(), 400);
    let told: Value = unsigned.json().await.unwrap();
    assert!(told["__type"].as_str().unwrap().ends_with("MissingAuthenticationTokenException"), "{told}");
}
