//! `LambdaConfig`: what is accepted, and what is not.

use std::sync::Arc;

use serde_json::{Value, json};

use super::World;
use crate::triggers::Triggers;

const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:hello";

/// A world in which functions can be invoked, though none is.
async fn with_endpoint() -> World {
    let mut world = World::new().await;
    let base = "http://127.0.0.1:9".parse().unwrap();
    world.api.core.triggers = Arc::new(Triggers::connect(base).unwrap());
    world
}

fn every_trigger() -> [(&'static str, Value); 7] {
    let versioned = |version: &str| json!({ "LambdaVersion": version, "LambdaArn": ARN });
    [
        ("PreSignUp", json!(ARN)),
        ("PostConfirmation", json!(ARN)),
        ("PreAuthentication", json!(ARN)),
        ("PostAuthentication", json!(ARN)),
        ("PreTokenGeneration", json!(ARN)),
        ("PreTokenGenerationConfig", versioned("V3_0")),
        ("InboundFederation", versioned("V1_0")),
    ]
}

#[tokio::test]
async fn a_function_that_could_not_be_invoked_is_refused_by_name() {
    let world = World::new().await;
    let pool = world.pool().await;
    for (trigger, value) in every_trigger() {
        let config = json!({ trigger: value });
        for (operation, more) in [
            ("CreateUserPool", json!({ "PoolName": "acme" })),
            ("UpdateUserPool", json!({ "UserPoolId": pool })),
        ] {
            let input = super::merged(more, json!({ "LambdaConfig": config }));
            let (name, text) = world.refused(operation, input).await;
            assert_eq!(name, "InvalidParameterException");
            let named = trigger.trim_end_matches("Config");
            assert!(text.contains(named) && text.contains("POOLGATE_LAMBDA_ENDPOINT"), "{text}");
        }
    }
}

#[tokio::test]
async fn every_trigger_is_stored_and_returned_and_an_update_resets_it() {
    let world = with_endpoint().await;
    let mut config =
        Value::Object(every_trigger().map(|(name, value)| (name.to_owned(), value)).into_iter().collect());
    config["CustomMessage"] = ARN.into();
    let id = world.pool_with(json!({ "LambdaConfig": config })).await;
    let shown = world.ok("DescribeUserPool", json!({ "UserPoolId": id })).await;
    assert_eq!(shown["UserPool"]["LambdaConfig"], config);
    let listed = world.ok("ListUserPools", json!({ "MaxResults": 1 })).await;
    assert_eq!(listed["UserPools"][0]["LambdaConfig"], config);
    let one = json!({ "PreSignUp": format!("{ARN}:live") });
    world.ok("UpdateUserPool", json!({ "UserPoolId": id, "LambdaConfig": one })).await;
    let shown = world.ok("DescribeUserPool", json!({ "UserPoolId": id })).await;
    assert_eq!(shown["UserPool"]["LambdaConfig"], one);
    world.ok("UpdateUserPool", json!({ "UserPoolId": id })).await;
    let shown = world.ok("DescribeUserPool", json!({ "UserPoolId": id })).await;
    assert_eq!(shown["UserPool"]["LambdaConfig"], json!({}));
}

#[tokio::test]
async fn what_names_no_function_is_refused() {
    let world = with_endpoint().await;
    for arn in [
        "arn:aws:iam::000000000000:role/hello",
        "arn:aws:lambda:us-east-1:000000000000:layer:hello",
        "arn:aws:lambda:us-east-1:000000000000:function",
    ] {
        let input = json!({ "PoolName": "acme", "LambdaConfig": { "PreSignUp": arn } });
        let (name, text) = world.refused("CreateUserPool", input).await;
        assert_eq!(name, "InvalidParameterException");
        assert!(text.contains("PreSignUp") && text.contains("arn:aws:lambda:REGION"), "{text}");
    }
    let both = json!({ "PreTokenGeneration": ARN,
        "PreTokenGenerationConfig": { "LambdaVersion": "V2_0", "LambdaArn": format!("{ARN}2") } });
    let (name, text) =
        world.refused("CreateUserPool", json!({ "PoolName": "acme", "LambdaConfig": both })).await;
    assert_eq!(name, "InvalidParameterException");
    assert!(text.contains("same function"), "{text}");
}
