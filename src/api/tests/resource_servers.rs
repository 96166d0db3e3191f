use super::*;

fn server(pool_id: &str, identifier: &str, scopes: &[&str]) -> Value {
    let scopes: Vec<Value> = scopes
        .iter()
        .map(|name| json!({ "ScopeName": name, "ScopeDescription": format!("May {name}") }))
        .collect();
    json!({ "UserPoolId": pool_id, "Identifier": identifier, "Name": "Photos", "Scopes": scopes })
}

#[tokio::test]
async fn a_resource_server_is_made_shown_changed_and_deleted() {
    let world = World::new().await;
    let (pool, other) = (world.pool().await, world.pool().await);
    let wanted = server(&pool, "https://photos.example/api", &["read", "write.all"]);
    let made = world.ok("CreateResourceServer", wanted.clone()).await;
    assert_eq!(made, json!({ "ResourceServer": wanted }));
    let this = json!({ "UserPoolId": pool, "Identifier": "https://photos.example/api" });
    assert_eq!(world.ok("DescribeResourceServer", this.clone()).await, made);

    let renamed = merged(this.clone(), json!({ "Name": "Pictures" }));
    let after = world.ok("UpdateResourceServer", renamed.clone()).await;
    let expected = json!({ "ResourceServer": merged(renamed, json!({ "Scopes": [] })) });
    assert_eq!(after, expected, "an update without scopes leaves none");
    assert_eq!(world.ok("DescribeResourceServer", this.clone()).await, after);

    let elsewhere = merged(this.clone(), json!({ "UserPoolId": other, "Name": "x" }));
    assert_eq!(
        world.refused("UpdateResourceServer", elsewhere.clone()).await.0,
        "ResourceNotFoundException",
        "another pool's"
    );
    let elsewhere = json!({ "UserPoolId": other, "Identifier": "https://photos.example/api" });
    for operation in ["DescribeResourceServer", "DeleteResourceServer"] {
        let (name, text) = world.refused(operation, elsewhere.clone()).await;
        assert_eq!(name, "ResourceNotFoundException", "{operation}: {text}");
        assert!(text.contains("photos.example"), "{text}");
    }
    assert_eq!(world.ok("DeleteResourceServer", this.clone()).await, json!({}));
    assert_eq!(world.refused("DescribeResourceServer", this).await.0, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_resource_server_that_breaks_a_rule_is_refused() {
    let world = World::new().await;
    let pool = world.pool().await;
    world.ok("CreateResourceServer", server(&pool, "taken", &[])).await;
    let invalid = "InvalidParameterException";
    let many: Vec<String> = (0..101).map(|index| format!("s{index}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (input, error, says) in [
        (server(&pool, "taken", &[]), invalid, "taken already exists"),
        (server(&pool, "a b", &[]), invalid, "identifier"),
        (server(&pool, "", &[]), invalid, "identifier"),
        (server(&pool, &"x".repeat(257), &[]), invalid, "256"),
        (server(&pool, "api", &["read/all"]), invalid, "scopeName"),
        (server(&pool, "api", &["read", "read"]), invalid, "more than once"),
        (server(&pool, "api", &many), "LimitExceededException", "at most 100 scopes, not 101"),
    ] {
        let (name, text) = world.refused("CreateResourceServer", input).await;
        assert_eq!(name, error, "{text}");
        assert!(text.contains(says), "{text}");
    }
    world.ok("CreateResourceServer", server(&pool, "api", &many[..100])).await;
    let (name, text) = world.refused("UpdateResourceServer", server(&pool, "api", &many)).await;
    assert!(name == "LimitExceededException" && text.contains("100"), "{text}");
    let (name, _) = world.refused("UpdateResourceServer", server(&pool, "api", &["a", "a"])).await;
    assert_eq!(name, invalid, "an update keeps the rules");
}

#[tokio::test]
async fn a_pool_has_at_most_twenty_five_resource_servers_listed_in_pages() {
    let world = World::new().await;
    let (pool, other) = (world.pool().await, world.pool().await);
    for index in 0..25 {
        world.ok("CreateResourceServer", server(&pool, &format!("api{index:02}"), &["read"])).await;
    }
    let (name, text) = world.refused("CreateResourceServer", server(&pool, "one-more", &[])).await;
    assert!(name == "LimitExceededException" && text.contains("25"), "{text}");

    let first = world.ok("ListResourceServers", json!({ "UserPoolId": pool, "MaxResults": 20 })).await;
    assert_eq!(first["ResourceServers"].as_array().unwrap().len(), 20);
    assert_eq!(first["ResourceServers"][0], server(&pool, "api00", &["read"]));
    let token = first["NextToken"].clone();
    let rest = json!({ "UserPoolId": pool, "MaxResults": 20, "NextToken": token });
    let rest = world.ok("ListResourceServers", rest).await;
    assert_eq!(rest["ResourceServers"][0]["Identifier"], "api20");
    assert!(rest["ResourceServers"].as_array().unwrap().len() == 5 && rest.get("NextToken").is_none());
    let foreign = json!({ "UserPoolId": other, "NextToken": token });
    assert_eq!(world.refused("ListResourceServers", foreign).await.0, "InvalidParameterException");
    for bad in [0, 51] {
        let input = json!({ "UserPoolId": pool, "MaxResults": bad });
        assert_eq!(world.refused("ListResourceServers", input).await.0, "InvalidParameterException");
    }
}

#[tokio::test]
async fn clients_may_name_scopes_that_a_resource_server_of_their_pool_defines() {
    let world = World::new().await;
    let (pool, other) = (world.pool().await, world.pool().await);
    let identifier = "https://photos.example/api";
    world.ok("CreateResourceServer", server(&pool, identifier, &["read"])).await;
    let client = |pool: &str, scope: &str| {
        json!({
            "UserPoolId": pool, "ClientName": "job", "GenerateSecret": true,
            "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": ["client_credentials"],
            "AllowedOAuthScopes": [scope],
        })
    };
    let read = format!("{identifier}/read");
    let made = world.ok("CreateUserPoolClient", client(&pool, &read)).await;
    assert_eq!(made["UserPoolClient"]["AllowedOAuthScopes"], json!([read]));
    for (pool, scope) in [
        (&other, read.as_str()),
        (&pool, "https://photos.example/api/write"),
        (&pool, "https://photos.example/read"),
        (&pool, "read"),
        (&pool, "https://photos.example/api/"),
    ] {
        let (name, text) = world.refused("CreateUserPoolClient", client(pool, scope)).await;
        assert_eq!(name, "ScopeDoesNotExistException", "{scope}: {text}");
        assert!(text.contains(scope), "{text}");
    }
    let (name, text) = world.refused("CreateUserPoolClient", client(&pool, "openid")).await;
    assert!(name == "InvalidOAuthFlowException" && text.contains("openid"), "{text}");

    let this = json!({ "UserPoolId": pool, "Identifier": identifier });
    world.ok("DeleteResourceServer", this).await;
    let described = json!({ "UserPoolId": pool, "ClientId": made["UserPoolClient"]["ClientId"] });
    let kept = world.ok("DescribeUserPoolClient", described).await;
    assert_eq!(kept["UserPoolClient"]["AllowedOAuthScopes"], json!([read]), "the client keeps its settings");
    let (name, _) = world.refused("CreateUserPoolClient", client(&pool, &read)).await;
    assert_eq!(name, "ScopeDoesNotExistException");
}
