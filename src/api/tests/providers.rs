use super::*;

#[tokio::test]
async fn an_oidc_provider_is_made_and_described() {
    let world = World::new().await;
    let pool = world.pool().await;
    let more = json!({
        "AttributeMapping": { "email": "mail", "cognito:groups": "groups" },
        "IdpIdentifiers": ["acme.example"], "AcrMapping": { "Level1": "low" },
    });
    let made = world.ok("CreateIdentityProvider", oidc(&pool, "Acme", more)).await;
    let provider = &made["IdentityProvider"];
    assert_eq!(
        provider["AttributeMapping"],
        json!({ "email": "mail", "cognito:groups": "groups", "username": "sub" })
    );
    assert_eq!(
        provider["ProviderDetails"],
        merged(oidc_details(), json!({ "attributes_url_add_attributes": "false" }))
    );
    assert_eq!(provider["AcrMapping"], json!({ "Level1": "low" }));
    assert_eq!(provider["CreationDate"], json!(1_795_262_400.0));
    let this = json!({ "UserPoolId": pool, "ProviderName": "Acme" });
    assert_eq!(world.ok("DescribeIdentityProvider", this).await, made);
    for identifier in ["acme.example", "ACME.example"] {
        let by = json!({ "UserPoolId": pool, "IdpIdentifier": identifier });
        assert_eq!(world.ok("GetIdentityProviderByIdentifier", by).await, made);
    }
    let (name, text) = world
        .refused(
            "GetIdentityProviderByIdentifier",
            json!({ "UserPoolId": pool, "IdpIdentifier": "x.example" }),
        )
        .await;
    assert!(name == "ResourceNotFoundException" && text.contains("x.example"), "{text}");
    assert!(world.api.core.registry.snapshot().pool(&pool).unwrap().providers["Acme"].adapter.is_ok());
}

#[tokio::test]
async fn names_that_would_make_a_username_ambiguous_are_refused() {
    let world = World::new().await;
    let pool = world.pool().await;
    world.ok("CreateIdentityProvider", oidc(&pool, "Acme", json!({}))).await;
    world.ok("CreateIdentityProvider", oidc(&pool, "B_c_d", json!({}))).await;
    for (name, error) in [
        ("Acme_b", "InvalidParameterException"),
        ("B", "InvalidParameterException"),
        ("B_c", "InvalidParameterException"),
        ("Acme", "DuplicateProviderException"),
        ("COGNITO", "InvalidParameterException"),
        ("cognito", "InvalidParameterException"),
        ("Cognito", "InvalidParameterException"),
    ] {
        let (given, text) = world.refused("CreateIdentityProvider", oidc(&pool, name, json!({}))).await;
        assert_eq!(given, error, "{name}: {text}");
    }
    for good in ["Acm", "Acme2", "B_c_e", "Cognito 2"] {
        world.ok("CreateIdentityProvider", oidc(&pool, good, json!({}))).await;
    }
}

#[tokio::test]
async fn an_identifier_belongs_to_one_provider_of_the_pool_case_apart() {
    let world = World::new().await;
    let (pool, other) = (world.pool().await, world.pool().await);
    let with = |identifiers: &[&str]| json!({ "IdpIdentifiers": identifiers });
    world.ok("CreateIdentityProvider", oidc(&pool, "A", with(&["acme.example"]))).await;
    world.ok("CreateIdentityProvider", oidc(&pool, "B", json!({}))).await;
    for (identifiers, says) in
        [(&["ACME.example"][..], "belongs to the provider A"), (&["x", "X"], "more than once")]
    {
        let made = world.refused("CreateIdentityProvider", oidc(&pool, "C", with(identifiers))).await;
        let update = merged(json!({ "UserPoolId": pool, "ProviderName": "B" }), with(identifiers));
        for (name, text) in [made, world.refused("UpdateIdentityProvider", update).await] {
            assert!(name == "InvalidParameterException" && text.contains(says), "{text}");
        }
    }
    let many: Vec<String> = (0..51).map(|index| format!("d{index}.example")).collect();
    let (name, text) =
        world.refused("CreateIdentityProvider", oidc(&pool, "C", json!({ "IdpIdentifiers": many }))).await;
    assert!(name == "LimitExceededException" && text.contains("50"), "{text}");
    let own =
        merged(json!({ "UserPoolId": pool, "ProviderName": "A" }), with(&["Acme.Example", "new.example"]));
    world.ok("UpdateIdentityProvider", own).await;
    world.ok("CreateIdentityProvider", oidc(&other, "A", with(&["acme.example"]))).await;
}

#[tokio::test]
async fn a_mapping_to_what_the_pool_lacks_or_cannot_change_is_refused() {
    let world = World::new().await;
    let schema = json!([
        { "Name": "fixed", "AttributeDataType": "String", "Mutable": false },
        { "Name": "team", "AttributeDataType": "String" },
        { "Name": "note", "AttributeDataType": "String", "DeveloperOnlyAttribute": true },
    ]);
    let pool = world.pool_with(json!({ "Schema": schema })).await;
    let long = "x".repeat(2_049);
    let with =
        |target: &str, source: &str| oidc(&pool, "Acme", json!({ "AttributeMapping": { target: source } }));
    for (target, source, says) in [
        ("custom:none", "x", "no such attribute"),
        ("nothing", "x", "no such attribute"),
        ("custom:fixed", "x", "immutable"),
        ("dev:custom:note", "x", "developers"),
        ("sub", "x", "keeps this attribute"),
        ("identities", "x", "keeps this attribute"),
        ("username", "email", "'sub'"),
        ("email", " ", "1 to 2048"),
        ("email", &long, "1 to 2048"),
    ] {
        let (name, text) = world.refused("CreateIdentityProvider", with(target, source)).await;
        assert_eq!(name, "InvalidParameterException");
        assert!(text.contains(says) && text.contains(target), "{text}");
    }
    let mapping = json!({
        "custom:team": "team", "email_verified": "email_verified", "username": "sub", "name": "https://x.example/name",
    });
    world.ok("CreateIdentityProvider", oidc(&pool, "Acme", json!({ "AttributeMapping": mapping }))).await;
    let update = json!({ "UserPoolId": pool, "ProviderName": "Acme", "AttributeMapping": { "sub": "x" } });
    assert_eq!(world.refused("UpdateIdentityProvider", update).await.0, "InvalidParameterException");
}

#[tokio::test]
async fn a_setting_that_is_not_allowed_is_refused_by_name_and_nothing_is_saved() {
    let world = World::new().await;
    let pool = world.pool().await;
    for (key, value) in [
        ("oidc_issuer", json!("https://idp.example/")),
        ("token_endpoint_auth_method", json!("none")),
        ("clock_skew_seconds", json!("301")),
        ("client_id", json!("")),
        ("colour", json!("red")),
    ] {
        let details = merged(oidc_details(), json!({ key: value }));
        let input = oidc(&pool, "Acme", json!({ "ProviderDetails": details }));
        let (name, text) = world.refused("CreateIdentityProvider", input).await;
        assert_eq!(name, "InvalidParameterException");
        assert!(text.contains(key) && !text.contains("hush"), "{text}");
    }
    let list = world.ok("ListIdentityProviders", json!({ "UserPoolId": pool })).await;
    assert_eq!(list, json!({ "Providers": [] }));
}

#[tokio::test]
async fn an_update_replaces_the_members_given_and_keeps_the_secret() {
    let world = World::new().await;
    let pool = world.pool().await;
    let more = json!({ "AttributeMapping": { "email": "mail" }, "IdpIdentifiers": ["acme.example"] });
    world.ok("CreateIdentityProvider", oidc(&pool, "Acme", more)).await;
    let this = json!({ "UserPoolId": pool, "ProviderName": "Acme" });
    let update = |more: Value| merged(this.clone(), more);
    let after =
        world.ok("UpdateIdentityProvider", update(json!({ "AttributeMapping": { "name": "n" } }))).await;
    let provider = &after["IdentityProvider"];
    assert_eq!(provider["AttributeMapping"], json!({ "name": "n", "username": "sub" }));
    assert_eq!(provider["IdpIdentifiers"], json!(["acme.example"]), "a member that is absent stays");
    assert_eq!(provider["ProviderDetails"]["client_id"], "poolgate", "a member that is absent stays");

    let mut details = oidc_details();
    details.as_object_mut().unwrap().remove("client_secret");
    details["client_id"] = "other".into();
    let after = world.ok("UpdateIdentityProvider", update(json!({ "ProviderDetails": details }))).await;
    let given = &after["IdentityProvider"]["ProviderDetails"];
    assert_eq!((&given["client_id"], &given["client_secret"]), (&json!("other"), &json!("hush")));
    assert_eq!(after["IdentityProvider"]["AttributeMapping"], json!({ "name": "n", "username": "sub" }));

    let whole = json!({ "ProviderDetails": { "client_id": "third" } });
    let (name, text) = world.refused("UpdateIdentityProvider", update(whole)).await;
    assert!(name == "InvalidParameterException" && text.contains("oidc_issuer"), "replaced whole: {text}");
    assert_eq!(world.ok("DescribeIdentityProvider", this).await, after);
    let nobody = json!({ "UserPoolId": pool, "ProviderName": "Nobody" });
    assert_eq!(world.refused("UpdateIdentityProvider", nobody).await.0, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_private_key_is_kept_while_it_is_used_and_never_shown() {
    let world = World::new().await;
    let pool = world.pool().await;
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    let mut details = oidc_details();
    details.as_object_mut().unwrap().remove("client_secret");
    details["token_endpoint_auth_method"] = "private_key_jwt".into();
    let with_key = merged(details.clone(), json!({ "private_key": key }));
    let made =
        world.ok("CreateIdentityProvider", oidc(&pool, "Acme", json!({ "ProviderDetails": with_key }))).await;
    assert!(made["IdentityProvider"]["ProviderDetails"].get("private_key").is_none());
    let this = json!({ "UserPoolId": pool, "ProviderName": "Acme" });
    let update = |details: Value| merged(this.clone(), json!({ "ProviderDetails": details }));
    world.ok("UpdateIdentityProvider", update(details)).await;
    let snapshot = world.api.core.registry.snapshot();
    let live = &snapshot.pool(&pool).unwrap().providers["Acme"];
    assert_eq!(live.config.value.detail("private_key"), Some(key.as_str()));
    assert!(live.adapter.is_ok());
    world.ok("UpdateIdentityProvider", update(oidc_details())).await;
    let snapshot = world.api.core.registry.snapshot();
    let after = &snapshot.pool(&pool).unwrap().providers["Acme"].config.value;
    assert_eq!(after.detail("private_key"), None, "with a secret instead, the key goes");
}

#[tokio::test]
async fn apples_private_key_is_kept_when_it_is_not_given_and_never_shown() {
    let world = World::new().await;
    let pool = world.pool().await;
    let pem = || rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    let details = json!({
        "client_id": "com.acme.signin", "team_id": "DEF123GHIJ", "key_id": "ABC123DEFG",
        "authorize_scopes": "email name",
    });
    let apple = |details: Value| {
        oidc(&pool, "Apple", json!({ "ProviderType": "SignInWithApple", "ProviderDetails": details }))
    };
    let (name, text) = world.refused("CreateIdentityProvider", apple(details.clone())).await;
    assert!(name == "InvalidParameterException" && text.contains("private_key"), "{text}");
    let key = pem();
    let made = world
        .ok("CreateIdentityProvider", apple(merged(details.clone(), json!({ "private_key": key }))))
        .await;
    let derived = json!({
        "attributes_url_add_attributes": "false", "authorize_url": "https://appleid.apple.com/auth/authorize",
        "oidc_issuer": "https://appleid.apple.com", "token_request_method": "POST",
        "token_url": "https://appleid.apple.com/auth/token",
    });
    let shown = merged(details.clone(), derived);
    assert_eq!(made["IdentityProvider"]["ProviderDetails"], shown);
    let update =
        |details: Value| json!({ "UserPoolId": pool, "ProviderName": "Apple", "ProviderDetails": details });
    let stored = || {
        let snapshot = world.api.core.registry.snapshot();
        let live = &snapshot.pool(&pool).unwrap().providers["Apple"];
        assert!(live.adapter.is_ok());
        live.config.value.detail("private_key").map(str::to_owned)
    };
    // What describing shows can be sent back as it is.
    let after = world.ok("UpdateIdentityProvider", update(shown.clone())).await;
    assert_eq!(after["IdentityProvider"]["ProviderDetails"], shown);
    assert_eq!(stored(), Some(key));
    let other = pem();
    world.ok("UpdateIdentityProvider", update(merged(shown.clone(), json!({ "private_key": other })))).await;
    assert_eq!(stored(), Some(other), "a key that is given replaces the old one");
}

#[tokio::test]
async fn a_google_provider_is_made_and_described() {
    let world = World::new().await;
    let pool = world.pool().await;
    let details = json!({
        "client_id": "1.apps.googleusercontent.com", "client_secret": "hush",
        "authorize_scopes": "email profile openid", "hd": "acme.example",
    });
    let google = json!({
        "ProviderType": "Google", "ProviderDetails": details,
        "AttributeMapping": { "email": "email", "birthdate": "birthdays" },
    });
    let made = world.ok("CreateIdentityProvider", oidc(&pool, "Google", google)).await;
    let derived = json!({
        "attributes_url": "https://people.googleapis.com/v1/people/me?personFields=",
        "attributes_url_add_attributes": "true",
        "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
        "oidc_issuer": "https://accounts.google.com", "token_request_method": "POST",
        "token_url": "https://www.googleapis.com/oauth2/v4/token",
    });
    let shown = merged(details, derived);
    let provider = &made["IdentityProvider"];
    assert_eq!(provider["ProviderDetails"], shown);
    assert_eq!(
        provider["AttributeMapping"],
        json!({ "email": "email", "birthdate": "birthdays", "username": "sub" })
    );
    let update = json!({ "UserPoolId": pool, "ProviderName": "Google", "ProviderDetails": shown });
    let after = world.ok("UpdateIdentityProvider", update).await;
    assert_eq!(after["IdentityProvider"]["ProviderDetails"], shown);
    let evil = merged(shown, json!({ "token_url": "http://evil.example/token" }));
    let update = json!({ "UserPoolId": pool, "ProviderName": "Google", "ProviderDetails": evil });
    let (name, text) = world.refused("UpdateIdentityProvider", update).await;
    assert!(name == "InvalidParameterException" && text.contains("token_url"), "{text}");
}

#[tokio::test]
async fn a_deleted_provider_is_gone_from_the_clients_that_offered_it() {
    let world = World::new().await;
    let pool = world.pool().await;
    world.ok("CreateIdentityProvider", oidc(&pool, "Acme", json!({}))).await;
    let offers = json!({
        "UserPoolId": pool, "ClientName": "web", "SupportedIdentityProviders": ["COGNITO", "Acme"],
    });
    let client = world.ok("CreateUserPoolClient", offers).await["UserPoolClient"]["ClientId"].take();
    let this = json!({ "UserPoolId": pool, "ProviderName": "Acme" });
    assert_eq!(world.ok("DeleteIdentityProvider", this.clone()).await, json!({}));
    assert_eq!(world.refused("DescribeIdentityProvider", this.clone()).await.0, "ResourceNotFoundException");
    assert_eq!(world.refused("DeleteIdentityProvider", this).await.0, "ResourceNotFoundException");
    let after = world.ok("DescribeUserPoolClient", json!({ "UserPoolId": pool, "ClientId": client })).await;
    assert_eq!(after["UserPoolClient"]["SupportedIdentityProviders"], json!(["COGNITO"]));
}

#[tokio::test]
async fn providers_are_listed_in_pages_without_their_settings() {
    let world = World::new().await;
    let pool = world.pool().await;
    for name in ["A", "B", "C"] {
        world.ok("CreateIdentityProvider", oidc(&pool, name, json!({}))).await;
    }
    let first = world.ok("ListIdentityProviders", json!({ "UserPoolId": pool, "MaxResults": 2 })).await;
    let time = json!(1_795_262_400.0);
    assert_eq!(
        first["Providers"][0],
        json!({ "ProviderName": "A", "ProviderType": "OIDC", "CreationDate": time, "LastModifiedDate": time })
    );
    let rest = json!({ "UserPoolId": pool, "MaxResults": 2, "NextToken": first["NextToken"] });
    let second = world.ok("ListIdentityProviders", rest).await;
    assert_eq!(second["Providers"][0]["ProviderName"], "C");
    assert!(second.get("NextToken").is_none());
}

#[tokio::test]
async fn metadata_comes_by_file_or_by_url_not_both_and_its_failures_say_where() {
    let world = World::new().await;
    let pool = world.pool().await;
    let (missing, broken) = ("https://idp.example/missing", "https://idp.example/latin1");
    world.web.put(missing, 404, b"no");
    world.web.put(broken, 200, b"<\xff>");
    for (details, says) in [
        (json!({}), "MetadataURL or MetadataFile"),
        (json!({ "MetadataURL": missing, "MetadataFile": "<x/>" }), "not both"),
        (
            json!({ "MetadataURL": "https://idp.example/away" }),
            "Error retrieving metadata from https://idp.example/away",
        ),
        (json!({ "MetadataURL": missing }), "404"),
        (json!({ "MetadataURL": broken }), "UTF-8"),
        (json!({ "MetadataURL": "not a url" }), "not a URL"),
    ] {
        let input = oidc(&pool, "Corp", json!({ "ProviderType": "SAML", "ProviderDetails": details }));
        let (name, text) = world.refused("CreateIdentityProvider", input).await;
        assert_eq!(name, "InvalidParameterException");
        assert!(text.contains(says), "{text}");
    }
}

/// Metadata of a provider that signs with this pool's certificate: any certificate in its time will do.
async fn saml_metadata(world: &World, pool: &str, host: &str, more: &str) -> String {
    let answer = world.ok("GetSigningCertificate", json!({ "UserPoolId": pool })).await;
    let certificate = answer["Certificate"].as_str().unwrap();
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://{host}/idp"{more}>
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>
      <ds:X509Certificate>{certificate}</ds:X509Certificate>
    </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
    <md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://{host}/slo"/>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://{host}/sso"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>"#
    )
}

fn saml(pool: &str, details: Value) -> Value {
    oidc(pool, "Corp", json!({ "ProviderType": "SAML", "ProviderDetails": details }))
}

fn stored_document(world: &World, pool: &str) -> String {
    let snapshot = world.api.core.registry.snapshot();
    snapshot.pool(pool).unwrap().providers["Corp"].config.value.metadata_document.clone().unwrap()
}

#[tokio::test]
async fn a_saml_provider_shows_what_follows_from_its_metadata() {
    let world = World::new().await;
    let pool = world.pool().await;
    let document = saml_metadata(&world, &pool, "idp.example", "").await;
    let made = world.ok("CreateIdentityProvider", saml(&pool, json!({ "MetadataFile": document }))).await;
    let provider = &made["IdentityProvider"];
    let snapshot = world.api.core.registry.snapshot();
    let certificate = snapshot.pool(&pool).unwrap().keys.encryption_certificate();
    assert_eq!(
        provider["ProviderDetails"],
        json!({
            "MetadataFile": document, "SSORedirectBindingURI": "https://idp.example/sso",
            "SLORedirectBindingURI": "https://idp.example/slo", "ActiveEncryptionCertificate": certificate,
        })
    );
    let signing = world.ok("GetSigningCertificate", json!({ "UserPoolId": pool })).await;
    assert_ne!(signing["Certificate"], certificate, "a key of its own");
    assert_eq!(provider["AttributeMapping"], json!({}));
    assert!(provider.get("PoolgateMetadataDocument").is_none());
    assert_eq!(stored_document(&world, &pool), document);
    let sent_back = json!({
        "UserPoolId": pool, "ProviderName": "Corp",
        "ProviderDetails": merged(provider["ProviderDetails"].clone(), json!({ "SSORedirectBindingURI": "https://evil.example/" })),
    });
    let after = world.ok("UpdateIdentityProvider", sent_back).await;
    let shown = &after["IdentityProvider"]["ProviderDetails"]["SSORedirectBindingURI"];
    assert_eq!(shown, "https://idp.example/sso", "derived, never taken");
}

#[tokio::test]
async fn metadata_by_url_is_fetched_when_configured_and_the_last_good_copy_stays() {
    let world = World::new().await;
    let pool = world.pool().await;
    let (old, new) = ("https://old.example/metadata", "https://new.example/metadata");
    let document = saml_metadata(&world, &pool, "old.example", "").await;
    world.web.put(old, 200, document.as_bytes());
    let made = world.ok("CreateIdentityProvider", saml(&pool, json!({ "MetadataURL": old }))).await;
    let details = &made["IdentityProvider"]["ProviderDetails"];
    assert_eq!(details["SSORedirectBindingURI"], "https://old.example/sso");
    assert!(details.get("MetadataFile").is_none());

    world.web.put(old, 500, b"");
    let this = json!({ "UserPoolId": pool, "ProviderName": "Corp" });
    let update = |more: Value| merged(this.clone(), more);
    world.ok("UpdateIdentityProvider", update(json!({ "IdpIdentifiers": ["corp.example"] }))).await;
    let (name, text) = world
        .refused("UpdateIdentityProvider", update(json!({ "ProviderDetails": { "MetadataURL": old } })))
        .await;
    assert!(name == "InvalidParameterException" && text.contains("Error retrieving metadata from"), "{text}");
    assert_eq!(stored_document(&world, &pool), document);

    let other = saml_metadata(&world, &pool, "new.example", "").await;
    world.web.put(new, 200, other.as_bytes());
    world.ok("UpdateIdentityProvider", update(json!({ "ProviderDetails": { "MetadataURL": new } }))).await;
    assert_eq!(stored_document(&world, &pool), other);
}

#[tokio::test]
async fn bad_metadata_and_bad_saml_settings_are_refused_and_nothing_is_saved() {
    let world = World::new().await;
    let pool = world.pool().await;
    let good = saml_metadata(&world, &pool, "idp.example", "").await;
    let expired = saml_metadata(&world, &pool, "idp.example", r#" validUntil="2026-11-21T11:59:59Z""#).await;
    let with = |more: Value| merged(json!({ "MetadataFile": good }), more);
    for (details, says) in [
        (json!({ "MetadataFile": "<x/>" }), "Error retrieving metadata from MetadataFile"),
        (json!({ "MetadataFile": "no xml" }), "Error retrieving metadata from MetadataFile"),
        (json!({ "MetadataFile": expired }), "Error retrieving metadata from MetadataFile"),
        (with(json!({ "EncryptedResponses": "yes" })), "EncryptedResponses"),
        (with(json!({ "clock_skew_seconds": "301" })), "clock_skew_seconds"),
        (with(json!({ "RequestSigningAlgorithm": "rsa-sha1" })), "RequestSigningAlgorithm"),
        (with(json!({ "multi_valued": "array" })), "multi_valued"),
        (with(json!({ "missing_attributes": "drop" })), "missing_attributes"),
        (with(json!({ "logout_ends": "everything" })), "logout_ends"),
        (with(json!({ "trusted_email_domains": "*.example" })), "trusted_email_domains"),
        (with(json!({ "colour": "red" })), "colour"),
    ] {
        let (name, text) = world.refused("CreateIdentityProvider", saml(&pool, details)).await;
        assert_eq!(name, "InvalidParameterException");
        assert!(text.contains(says), "{text}");
    }
    let list = world.ok("ListIdentityProviders", json!({ "UserPoolId": pool })).await;
    assert_eq!(list, json!({ "Providers": [] }));
}

#[tokio::test]
async fn a_pool_has_at_most_three_hundred_providers() {
    let world = World::new().await;
    let pool = world.pool().await;
    world.ok("CreateIdentityProvider", oidc(&pool, "Acme", json!({}))).await;
    let one = world.api.core.registry.snapshot().pool(&pool).unwrap().providers["Acme"].config.value.clone();
    let more = (0..298).map(|index| {
        let provider_name = format!("P{index}");
        crate::registry::Edit::CreateProvider(crate::pool::IdentityProvider { provider_name, ..one.clone() })
    });
    world.api.core.registry.edit(more.collect()).await.unwrap();
    world.ok("CreateIdentityProvider", oidc(&pool, "Last", json!({}))).await;
    let (name, text) = world.refused("CreateIdentityProvider", oidc(&pool, "Beyond", json!({}))).await;
    assert!(name == "LimitExceededException" && text.contains("300"), "{text}");
}
