//! Facebook and Login with Amazon, as the management API makes, shows and changes them.

use super::*;

fn facebook_details(more: Value) -> Value {
    let base = json!({
        "client_id": "1234567890", "client_secret": "hush", "authorize_scopes": "public_profile, email",
        "api_version": "v17.0",
    });
    merged(base, more)
}

fn facebook(pool: &str, more: Value) -> Value {
    let base = json!({ "ProviderType": "Facebook", "ProviderDetails": facebook_details(json!({})) });
    oidc(pool, "Facebook", merged(base, more))
}

fn amazon(pool: &str, details: Value) -> Value {
    let base = json!({
        "client_id": "amzn1.application-oa2-client.1", "client_secret": "hush",
        "authorize_scopes": "profile postal_code",
    });
    let more = json!({ "ProviderType": "LoginWithAmazon", "ProviderDetails": merged(base, details) });
    oidc(pool, "LoginWithAmazon", more)
}

#[tokio::test]
async fn a_facebook_provider_shows_what_follows_from_its_version() {
    let world = World::new().await;
    let pool = world.pool().await;
    let mapping = json!({ "AttributeMapping": { "email": "email", "picture": "picture" } });
    let made = world.ok("CreateIdentityProvider", facebook(&pool, mapping)).await;
    let provider = &made["IdentityProvider"];
    let derived = json!({
        "attributes_url": "https://graph.facebook.com/v17.0/me?fields=",
        "attributes_url_add_attributes": "true",
        "authorize_url": "https://www.facebook.com/v17.0/dialog/oauth",
        "token_request_method": "GET",
        "token_url": "https://graph.facebook.com/v17.0/oauth/access_token",
    });
    assert_eq!(provider["ProviderDetails"], facebook_details(derived));
    let mapped = json!({ "email": "email", "picture": "picture", "username": "id" });
    assert_eq!(provider["AttributeMapping"], mapped);
    assert!(world.api.core.registry.snapshot().pool(&pool).unwrap().providers["Facebook"].adapter.is_ok());
}

#[tokio::test]
async fn what_describing_facebook_shows_may_be_sent_back_with_another_version() {
    let world = World::new().await;
    let pool = world.pool().await;
    let made = world.ok("CreateIdentityProvider", facebook(&pool, json!({}))).await;
    let shown = &made["IdentityProvider"]["ProviderDetails"];
    let update = |details: Value| json!({ "UserPoolId": pool, "ProviderName": "Facebook", "ProviderDetails": details });
    let same = world.ok("UpdateIdentityProvider", update(shown.clone())).await;
    assert_eq!(&same["IdentityProvider"]["ProviderDetails"], shown);

    let newer = merged(shown.clone(), json!({ "api_version": "v25.0" }));
    let after = world.ok("UpdateIdentityProvider", update(newer)).await;
    let after = &after["IdentityProvider"]["ProviderDetails"];
    assert_eq!(after["api_version"], "v25.0");
    for key in ["attributes_url", "authorize_url", "token_url"] {
        assert!(after[key].as_str().unwrap().contains("facebook.com/v25.0/"), "{key}: {after}");
    }
    let mut unnamed = after.clone();
    unnamed.as_object_mut().unwrap().remove("api_version");
    let after = world.ok("UpdateIdentityProvider", update(unnamed)).await;
    let after = &after["IdentityProvider"]["ProviderDetails"];
    assert_eq!(after["api_version"], "v26.0", "the default is shown");
    assert!(after["token_url"].as_str().unwrap().contains("/v26.0/"), "{after}");

    let mut kept = facebook_details(json!({}));
    kept.as_object_mut().unwrap().remove("client_secret");
    let after = world.ok("UpdateIdentityProvider", update(kept)).await;
    assert_eq!(after["IdentityProvider"]["ProviderDetails"]["client_secret"], "hush");
}

#[tokio::test]
async fn a_name_that_is_no_field_of_facebook_cannot_be_mapped() {
    let world = World::new().await;
    let pool = world.pool().await;
    world.ok("CreateIdentityProvider", facebook(&pool, json!({}))).await;
    for source in ["email,birthday", "email&access_token=x", "picture.width(9)", "friends{name}"] {
        let mapping = json!({ "email": source });
        let other = json!({ "ProviderName": "Other", "AttributeMapping": mapping });
        let update = json!({ "UserPoolId": pool, "ProviderName": "Facebook", "AttributeMapping": mapping });
        for (name, text) in [
            world.refused("CreateIdentityProvider", facebook(&pool, other)).await,
            world.refused("UpdateIdentityProvider", update).await,
        ] {
            assert_eq!(name, "InvalidParameterException");
            assert!(text.contains("AttributeMapping.email") && text.contains("underscores"), "{text}");
        }
    }
    let wrong = json!({ "ProviderName": "Other", "AttributeMapping": { "username": "email" } });
    let (_, text) = world.refused("CreateIdentityProvider", facebook(&pool, wrong)).await;
    assert!(text.contains("'id'"), "{text}");
}

#[tokio::test]
async fn an_amazon_provider_shows_its_addresses_which_may_be_sent_back() {
    let world = World::new().await;
    let pool = world.pool().await;
    let made = world.ok("CreateIdentityProvider", amazon(&pool, json!({}))).await;
    let details = &made["IdentityProvider"]["ProviderDetails"];
    for (key, value) in [
        ("attributes_url", "https://api.amazon.com/user/profile"),
        ("attributes_url_add_attributes", "false"),
        ("authorize_url", "https://www.amazon.com/ap/oa"),
        ("token_request_method", "POST"),
        ("token_url", "https://api.amazon.com/auth/o2/token"),
    ] {
        assert_eq!(details[key], value);
    }
    assert_eq!(made["IdentityProvider"]["AttributeMapping"], json!({ "username": "user_id" }));
    let back = json!({ "UserPoolId": pool, "ProviderName": "LoginWithAmazon", "ProviderDetails": details });
    let after = world.ok("UpdateIdentityProvider", back).await;
    assert_eq!(&after["IdentityProvider"]["ProviderDetails"], details);
    assert!(
        world.api.core.registry.snapshot().pool(&pool).unwrap().providers["LoginWithAmazon"].adapter.is_ok()
    );
}

#[tokio::test]
async fn a_setting_that_does_not_fit_is_refused_by_name_and_nothing_is_saved() {
    let mut world = World::new().await;
    world.api.core.surface.dev = false;
    let pool = world.pool().await;
    for (input, says) in [
        (
            facebook(&pool, json!({ "ProviderDetails": facebook_details(json!({ "api_version": "17" })) })),
            "api_version",
        ),
        (
            facebook(&pool, json!({ "ProviderDetails": facebook_details(json!({ "IDPSignout": "true" })) })),
            "IDPSignout",
        ),
        (
            facebook(
                &pool,
                json!({ "ProviderDetails": facebook_details(json!({ "token_url": "https://evil.example/" })) }),
            ),
            "token_url",
        ),
        (amazon(&pool, json!({ "authorize_scopes": "postal_code" })), "authorize_scopes"),
        (amazon(&pool, json!({ "IDPSignout": "true" })), "IDPSignout"),
        (amazon(&pool, json!({ "attributes_url": "http://localhost:1/user/profile" })), "attributes_url"),
        (amazon(&pool, json!({ "colour": "red" })), "colour"),
    ] {
        let (name, text) = world.refused("CreateIdentityProvider", input).await;
        assert_eq!(name, "InvalidParameterException");
        assert!(text.contains(says) && !text.contains("hush"), "{text}");
    }
    let list = world.ok("ListIdentityProviders", json!({ "UserPoolId": pool })).await;
    assert_eq!(list, json!({ "Providers": [] }));
}
