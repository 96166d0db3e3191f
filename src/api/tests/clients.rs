use super::*;

fn client(pool_id: &str, more: Value) -> Value {
    merged(json!({ "UserPoolId": pool_id, "ClientName": "web" }), more)
}

#[tokio::test]
async fn a_new_client_has_the_defaults_of_the_reference() {
    let world = World::new().await;
    let pool = world.pool().await;
    let made = world.ok("CreateUserPoolClient", client(&pool, json!({}))).await;
    let mut shown = made["UserPoolClient"].clone();
    let id = shown["ClientId"].take();
    assert_eq!(id.as_str().unwrap().len(), 26);
    assert_eq!(
        shown,
        json!({
            "UserPoolId": pool, "ClientName": "web", "ClientId": null,
            "CreationDate": 1_795_262_400.0, "LastModifiedDate": 1_795_262_400.0,
            "RefreshTokenValidity": 30, "TokenValidityUnits": {}, "EnableTokenRevocation": true,
            "AllowedOAuthFlowsUserPoolClient": false, "EnablePropagateAdditionalUserContextData": false,
            "AuthSessionValidity": 3,
        })
    );
    let described = world.ok("DescribeUserPoolClient", json!({ "UserPoolId": pool, "ClientId": id })).await;
    assert_eq!(described, made);
}

#[tokio::test]
async fn a_secret_is_made_or_taken_and_shown_again() {
    let world = World::new().await;
    let pool = world.pool().await;
    let made = world.ok("CreateUserPoolClient", client(&pool, json!({ "GenerateSecret": true }))).await;
    let secret = made["UserPoolClient"]["ClientSecret"].as_str().unwrap();
    assert!((51..=64).contains(&secret.len()));
    let this = json!({ "UserPoolId": pool, "ClientId": made["UserPoolClient"]["ClientId"] });
    let described = world.ok("DescribeUserPoolClient", this.clone()).await;
    assert_eq!(described["UserPoolClient"]["ClientSecret"], secret);
    let updated = world.ok("UpdateUserPoolClient", this).await;
    assert_eq!(updated["UserPoolClient"]["ClientSecret"], secret, "an update keeps the secret");
    let own = "x".repeat(40);
    let taken = world.ok("CreateUserPoolClient", client(&pool, json!({ "ClientSecret": own }))).await;
    assert_eq!(taken["UserPoolClient"]["ClientSecret"], own);
    let both = client(&pool, json!({ "ClientSecret": own, "GenerateSecret": true }));
    assert_eq!(world.refused("CreateUserPoolClient", both).await.0, "InvalidParameterException");
}

#[tokio::test]
async fn an_update_resets_what_it_does_not_name() {
    let world = World::new().await;
    let pool = world.pool().await;
    let full = json!({
        "CallbackURLs": ["https://app.example/cb"], "DefaultRedirectURI": "https://app.example/cb",
        "LogoutURLs": ["https://app.example/bye"], "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": ["openid"], "AllowedOAuthFlowsUserPoolClient": true,
        "SupportedIdentityProviders": ["COGNITO"], "ReadAttributes": ["email"], "AccessTokenValidity": 2,
        "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"], "EnableTokenRevocation": false,
    });
    let made = world.ok("CreateUserPoolClient", client(&pool, full.clone())).await;
    for (member, value) in full.as_object().unwrap() {
        assert_eq!(made["UserPoolClient"][member], *value, "{member}");
    }
    let id = made["UserPoolClient"]["ClientId"].clone();
    let update = json!({ "UserPoolId": pool, "ClientId": id, "CallbackURLs": ["https://new.example/"] });
    let after = world.ok("UpdateUserPoolClient", update).await["UserPoolClient"].take();
    assert_eq!(after["ClientName"], "web");
    assert_eq!(after["CallbackURLs"], json!(["https://new.example/"]));
    assert_eq!(after["EnableTokenRevocation"], true);
    for member in
        ["LogoutURLs", "AllowedOAuthFlows", "ReadAttributes", "ExplicitAuthFlows", "DefaultRedirectURI"]
    {
        assert!(after.get(member).is_none(), "{member}: {after}");
    }
}

#[tokio::test]
async fn a_client_that_breaks_a_rule_is_refused() {
    let world = World::new().await;
    let pool = world.pool_with(json!({ "Schema": [{ "Name": "email", "Required": true }] })).await;
    let callback = "https://app.example/cb";
    let oauth = |more: Value| {
        merged(
            json!({
                "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": ["code"],
                "AllowedOAuthScopes": ["openid"], "CallbackURLs": [callback],
            }),
            more,
        )
    };
    let urls: Vec<String> = (0..101).map(|index| format!("https://app.example/{index}")).collect();
    let scopes = vec!["openid"; 51];
    let lifetime = |member: &str, count: u32, unit: &str| {
        let token = member.trim_end_matches("Validity");
        json!({ member: count, "TokenValidityUnits": { token: unit } })
    };
    let (invalid, limit, flow) =
        ("InvalidParameterException", "LimitExceededException", "InvalidOAuthFlowException");
    for (more, error, says) in [
        (json!({ "CallbackURLs": ["http://app.example"] }), invalid, "CallbackURLs"),
        (json!({ "LogoutURLs": ["https://app.example/#x"] }), invalid, "LogoutURLs"),
        (json!({ "CallbackURLs": urls }), limit, "100"),
        (json!({ "LogoutURLs": urls }), limit, "100"),
        (
            json!({ "CallbackURLs": [callback], "DefaultRedirectURI": "https://b.example/" }),
            invalid,
            "DefaultRedirectURI",
        ),
        (
            oauth(json!({ "AllowedOAuthScopes": ["openid", "api/read"] })),
            "ScopeDoesNotExistException",
            "api/read",
        ),
        (oauth(json!({ "AllowedOAuthScopes": scopes })), limit, "50"),
        (oauth(json!({ "AllowedOAuthScopes": [] })), invalid, "AllowedOAuthScopes"),
        (oauth(json!({ "AllowedOAuthFlows": [] })), invalid, "AllowedOAuthFlows"),
        (oauth(json!({ "CallbackURLs": [] })), invalid, "CallbackURLs"),
        (oauth(json!({ "AllowedOAuthFlows": ["code", "client_credentials"] })), flow, "along with"),
        (oauth(json!({ "AllowedOAuthFlows": ["client_credentials"] })), flow, "client secret"),
        (
            oauth(json!({ "AllowedOAuthFlows": ["client_credentials"], "GenerateSecret": true })),
            flow,
            "resource servers only",
        ),
        (json!({ "SupportedIdentityProviders": ["COGNITO", "Nobody"] }), invalid, "Nobody"),
        (json!({ "ReadAttributes": ["custom:none"] }), invalid, "custom:none"),
        (json!({ "WriteAttributes": ["email", "custom:none"] }), invalid, "custom:none"),
        (json!({ "WriteAttributes": ["email", "sub"] }), invalid, "sub"),
        (json!({ "WriteAttributes": ["name"] }), invalid, "email"),
        (
            json!({ "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ADMIN_NO_SRP_AUTH"] }),
            invalid,
            "ADMIN_NO_SRP_AUTH",
        ),
        (json!({ "ExplicitAuthFlows": ["ALLOW_FLYING"] }), invalid, "ALLOW_FLYING"),
        (json!({ "EnablePropagateAdditionalUserContextData": true }), invalid, "has a secret"),
        (lifetime("AccessTokenValidity", 4, "minutes"), invalid, "5 minutes to 24 hours"),
        (lifetime("AccessTokenValidity", 25, "hours"), invalid, "5 minutes to 24 hours"),
        (lifetime("IdTokenValidity", 299, "seconds"), invalid, "299 seconds"),
        (lifetime("IdTokenValidity", 2, "days"), invalid, "2 days"),
        (lifetime("RefreshTokenValidity", 59, "minutes"), invalid, "60 minutes to 3650 days"),
        (lifetime("RefreshTokenValidity", 3651, "days"), invalid, "60 minutes to 3650 days"),
        (
            json!({ "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 61 } }),
            invalid,
            "retryGracePeriodSeconds",
        ),
        (
            json!({ "RefreshTokenRotation": { "Feature": "ENABLED" },
                    "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"] }),
            invalid,
            "GetTokensFromRefreshToken",
        ),
    ] {
        let shown = more.to_string();
        let (name, text) = world.refused("CreateUserPoolClient", client(&pool, more)).await;
        assert_eq!(name, error, "{shown}: {text}");
        assert!(text.contains(says), "{shown}: {text}");
    }
    let made = world.ok("CreateUserPoolClient", client(&pool, json!({}))).await;
    let update = json!({
        "UserPoolId": pool, "ClientId": made["UserPoolClient"]["ClientId"], "CallbackURLs": ["http://x.example"],
    });
    assert_eq!(world.refused("UpdateUserPoolClient", update).await.0, invalid, "an update keeps the rules");
}

#[tokio::test]
async fn lifetimes_at_the_edges_of_their_ranges_are_accepted() {
    let world = World::new().await;
    let pool = world.pool().await;
    for more in [
        json!({ "AccessTokenValidity": 5, "TokenValidityUnits": { "AccessToken": "minutes" } }),
        json!({ "IdTokenValidity": 1, "TokenValidityUnits": { "IdToken": "days" } }),
        json!({ "RefreshTokenValidity": 1, "TokenValidityUnits": { "RefreshToken": "hours" } }),
        json!({ "RefreshTokenValidity": 3650 }),
        json!({ "RefreshTokenRotation": { "Feature": "DISABLED" },
                "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"] }),
        json!({ "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 0 } }),
        json!({ "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 60 },
                "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"] }),
        json!({ "ExplicitAuthFlows": ["ADMIN_NO_SRP_AUTH", "USER_PASSWORD_AUTH"] }),
        json!({ "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] }),
        json!({ "EnablePropagateAdditionalUserContextData": true, "GenerateSecret": true }),
    ] {
        world.ok("CreateUserPoolClient", client(&pool, more)).await;
    }
    let rotating = json!({ "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 7 } });
    let made = world.ok("CreateUserPoolClient", client(&pool, rotating.clone())).await;
    let shown = &made["UserPoolClient"]["RefreshTokenRotation"];
    assert_eq!(*shown, rotating["RefreshTokenRotation"], "it is shown as it was set");
    let unit = json!({ "RefreshTokenValidity": 0, "TokenValidityUnits": { "RefreshToken": "hours" } });
    let made = world.ok("CreateUserPoolClient", client(&pool, unit)).await;
    assert_eq!(made["UserPoolClient"]["RefreshTokenValidity"], 720, "0 means 30 days in the unit asked for");
}

#[tokio::test]
async fn clients_are_listed_in_pages_and_deleted() {
    let world = World::new().await;
    let (pool, other) = (world.pool().await, world.pool().await);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let made = world.ok("CreateUserPoolClient", client(&pool, json!({ "GenerateSecret": true }))).await;
        ids.push(made["UserPoolClient"]["ClientId"].as_str().unwrap().to_owned());
    }
    ids.sort();
    let first = world.ok("ListUserPoolClients", json!({ "UserPoolId": pool, "MaxResults": 2 })).await;
    assert_eq!(
        first["UserPoolClients"][0],
        json!({ "ClientId": ids[0], "UserPoolId": pool, "ClientName": "web" })
    );
    let rest = json!({ "UserPoolId": pool, "MaxResults": 2, "NextToken": first["NextToken"] });
    assert_eq!(world.ok("ListUserPoolClients", rest).await["UserPoolClients"][0]["ClientId"], ids[2]);
    let foreign = json!({ "UserPoolId": other, "NextToken": first["NextToken"] });
    assert_eq!(world.refused("ListUserPoolClients", foreign).await.0, "InvalidParameterException");
    let in_other = json!({ "UserPoolId": other, "ClientId": ids[0] });
    for operation in ["DescribeUserPoolClient", "UpdateUserPoolClient", "DeleteUserPoolClient"] {
        let refusal = world.refused(operation, in_other.clone()).await;
        assert_eq!(refusal.0, "ResourceNotFoundException", "{operation}");
    }
    let this = json!({ "UserPoolId": pool, "ClientId": ids[0] });
    assert_eq!(world.ok("DeleteUserPoolClient", this.clone()).await, json!({}));
    assert_eq!(world.refused("DeleteUserPoolClient", this).await.0, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_pool_has_at_most_a_thousand_clients() {
    let world = World::new().await;
    let pool = world.pool().await;
    let made = world.ok("CreateUserPoolClient", client(&pool, json!({}))).await;
    let id = made["UserPoolClient"]["ClientId"].as_str().unwrap();
    let one = world.api.core.registry.snapshot().pool(&pool).unwrap().client(id).unwrap().clone();
    let more = (0..998).map(|index| {
        let client_id = format!("{index:0>26}");
        crate::registry::Edit::CreateClient(crate::pool::AppClient { client_id, ..one.clone() })
    });
    world.api.core.registry.edit(more.collect()).await.unwrap();
    world.ok("CreateUserPoolClient", client(&pool, json!({}))).await;
    let (name, text) = world.refused("CreateUserPoolClient", client(&pool, json!({}))).await;
    assert!(name == "LimitExceededException" && text.contains("1000"), "{text}");
}
