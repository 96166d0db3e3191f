use super::*;

fn arn(pool: &str) -> String {
    format!("arn:aws:cognito-idp:us-east-1:000000000000:userpool/{pool}")
}

#[tokio::test]
async fn tags_are_set_changed_removed_and_listed() {
    let world = World::new().await;
    let pool = world.pool_with(json!({ "UserPoolTags": { "team": "identity" } })).await;
    let this = json!({ "ResourceArn": arn(&pool) });
    let tags = json!({ "team": "login", "Kostenstelle Süd": "a_./=+-@:9", "empty": "" });
    assert_eq!(world.ok("TagResource", merged(this.clone(), json!({ "Tags": tags }))).await, json!({}));
    assert_eq!(world.ok("ListTagsForResource", this.clone()).await, json!({ "Tags": tags }));
    let shown = world.ok("DescribeUserPool", json!({ "UserPoolId": pool })).await;
    assert_eq!(shown["UserPool"]["UserPoolTags"], tags);
    let keys = json!({ "TagKeys": ["empty", "Team", "never"] });
    assert_eq!(world.ok("UntagResource", merged(this.clone(), keys)).await, json!({}));
    let left = json!({ "team": "login", "Kostenstelle Süd": "a_./=+-@:9" });
    assert_eq!(world.ok("ListTagsForResource", this).await, json!({ "Tags": left }), "names differ by case");
}

#[tokio::test]
async fn tags_that_break_a_rule_are_refused_wherever_they_are_given() {
    let world = World::new().await;
    let pool = world.pool().await;
    let invalid = "InvalidParameterException";
    let many: serde_json::Map<String, Value> =
        (0..51).map(|index| (format!("t{index}"), json!("x"))).collect();
    for (tags, error, says) in [
        (json!({ "aws:team": "x" }), invalid, "reserved"),
        (json!({ "AWS:team": "x" }), invalid, "reserved"),
        (json!({ "te#am": "x" }), invalid, "te#am"),
        (json!({ "team": "<x>" }), invalid, "team"),
        (json!({ "team": "a\nb" }), invalid, "team"),
        (json!({ "": "x" }), invalid, "length"),
        (json!({ "x".repeat(129): "x" }), invalid, "128"),
        (json!({ "team": "x".repeat(257) }), invalid, "256"),
        (json!(many), "LimitExceededException", "50"),
    ] {
        for (operation, input) in [
            ("TagResource", json!({ "ResourceArn": arn(&pool), "Tags": tags })),
            ("CreateUserPool", json!({ "PoolName": "acme", "UserPoolTags": tags })),
            ("UpdateUserPool", json!({ "UserPoolId": pool, "UserPoolTags": tags })),
        ] {
            let (name, text) = world.refused(operation, input).await;
            assert_eq!(name, error, "{operation}: {text}");
            assert!(text.contains(says), "{operation}: {text}");
        }
    }
    let edge = json!({ "x".repeat(128): "y".repeat(256) });
    world.ok("TagResource", json!({ "ResourceArn": arn(&pool), "Tags": edge })).await;
    let mut fifty = many.clone();
    fifty.remove("t50");
    let (name, text) =
        world.refused("TagResource", json!({ "ResourceArn": arn(&pool), "Tags": fifty })).await;
    assert!(
        name == "LimitExceededException" && text.contains("not 51"),
        "those that are there count: {text}"
    );
}

#[tokio::test]
async fn an_arn_must_be_that_of_a_pool_here() {
    let world = World::new().await;
    let pool = world.pool().await;
    for (wrong, error) in [
        (arn("us-east-1_nowhere00"), "ResourceNotFoundException"),
        (arn(&pool).replace("000000000000", "111111111111"), "ResourceNotFoundException"),
        (arn(&pool).replacen("us-east-1", "eu-west-1", 1), "ResourceNotFoundException"),
        (arn(&pool).replace("userpool/", "identitypool/"), "InvalidParameterException"),
        (arn(&pool).replace("cognito-idp", "cognito-sync"), "InvalidParameterException"),
        (format!("{}:x", arn(&pool)), "InvalidParameterException"),
        ("userpool".to_owned(), "InvalidParameterException"),
    ] {
        for (operation, more) in [
            ("TagResource", json!({ "Tags": { "a": "b" } })),
            ("UntagResource", json!({ "TagKeys": ["a"] })),
            ("ListTagsForResource", json!({})),
        ] {
            let input = merged(json!({ "ResourceArn": wrong }), more);
            assert_eq!(world.refused(operation, input).await.0, error, "{operation} {wrong}");
        }
    }
}
