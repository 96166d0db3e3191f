use std::collections::BTreeMap;

use super::*;
use crate::pool::{FederatedProfile, Identity};

/// Signs `subject` in once, as the provider Corp would.
pub(super) async fn sign_in(world: &World, pool: &str, subject: &str, email: &str) {
    let identity = Identity {
        provider_name: "Corp".into(),
        provider_type: "SAML".into(),
        user_id: subject.into(),
        issuer: Some("https://idp.example".into()),
        primary: true,
        date_created: 1_795_262_400_000,
    };
    let profile = FederatedProfile {
        pool_id: pool.into(),
        username: format!("Corp_{subject}"),
        new_sub: format!("00000000-0000-4000-8000-{:0>12}", subject.len()),
        identity,
        set: BTreeMap::from([("email".into(), email.into()), ("given_name".into(), "Ann".into())]),
        remove: Vec::new(),
        recognised: BTreeMap::new(),
        required: Vec::new(),
        immutable: Vec::new(),
        group: format!("{pool}_Corp"),
        session: None,
        at: NOW,
    };
    world.api.core.directory.sign_in(profile).await.unwrap();
}

fn names(answer: &Value) -> Vec<&str> {
    answer["Users"].as_array().unwrap().iter().map(|user| user["Username"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_federated_user_is_shown_with_sub_and_identities() {
    let world = World::new().await;
    let pool = world.pool().await;
    sign_in(&world, &pool, "ann smith", "ann@corp.example").await;
    let user = world.ok("AdminGetUser", json!({ "UserPoolId": pool, "Username": "Corp_ann smith" })).await;
    assert_eq!(user["Username"], "Corp_ann smith");
    assert_eq!((&user["UserStatus"], &user["Enabled"]), (&json!("EXTERNAL_PROVIDER"), &json!(true)));
    assert_eq!(user["UserCreateDate"], json!(1_795_262_400.0));
    let attributes = user["UserAttributes"].as_array().unwrap();
    let value =
        |name: &str| attributes.iter().find(|one| one["Name"] == name).unwrap()["Value"].as_str().unwrap();
    assert_eq!(value("email"), "ann@corp.example");
    assert_eq!(value("sub").len(), 36);
    let identities: Value = serde_json::from_str(value("identities")).unwrap();
    assert_eq!(
        identities,
        json!([{
            "userId": "ann smith", "providerName": "Corp", "providerType": "SAML",
            "issuer": "https://idp.example", "primary": true, "dateCreated": 1_795_262_400_000_i64,
        }])
    );
}

#[tokio::test]
async fn a_user_is_deleted_once() {
    let world = World::new().await;
    let pool = world.pool().await;
    sign_in(&world, &pool, "a", "a@corp.example").await;
    let this = json!({ "UserPoolId": pool, "Username": "Corp_a" });
    let counted = world.ok("DescribeUserPool", json!({ "UserPoolId": pool })).await;
    assert_eq!(counted["UserPool"]["EstimatedNumberOfUsers"], 1);
    assert_eq!(world.ok("AdminDeleteUser", this.clone()).await, json!({}));
    for operation in ["AdminGetUser", "AdminDeleteUser"] {
        assert_eq!(world.refused(operation, this.clone()).await.0, "UserNotFoundException");
    }
}

#[tokio::test]
async fn users_are_listed_in_pages_filtered_and_with_the_attributes_asked_for() {
    let world = World::new().await;
    let pool = world.pool().await;
    for (subject, email) in [("a", "a@x.example"), ("bb", "bb@y.example"), ("ccc", "ccc@y.example")] {
        sign_in(&world, &pool, subject, email).await;
    }
    let list = |more: Value| merged(json!({ "UserPoolId": pool }), more);
    let first = world.ok("ListUsers", list(json!({ "Limit": 2 }))).await;
    assert_eq!(names(&first), ["Corp_a", "Corp_bb"]);
    let token = &first["PaginationToken"];
    let second = world.ok("ListUsers", list(json!({ "Limit": 2, "PaginationToken": token }))).await;
    assert_eq!(names(&second), ["Corp_ccc"]);
    assert!(second.get("PaginationToken").is_none());
    let whole = world.ok("ListUsers", list(json!({ "Limit": 0 }))).await;
    assert!(names(&whole).len() == 3 && whole.get("PaginationToken").is_none());
    for (filter, found) in [
        (r#"email = "bb@y.example""#, vec!["Corp_bb"]),
        (r#"username ^= "Corp_c""#, vec!["Corp_ccc"]),
        (r#"status = "Enabled""#, vec!["Corp_a", "Corp_bb", "Corp_ccc"]),
        (r#"cognito:user_status = "external_provider""#, vec!["Corp_a", "Corp_bb", "Corp_ccc"]),
        (r#"given_name = "Bob""#, vec![]),
    ] {
        let answer = world.ok("ListUsers", list(json!({ "Filter": filter }))).await;
        assert_eq!(names(&answer), found, "{filter}");
    }
    let few = world.ok("ListUsers", list(json!({ "AttributesToGet": ["email"] }))).await;
    assert_eq!(few["Users"][0]["Attributes"], json!([{ "Name": "email", "Value": "a@x.example" }]));
    for wrong in [
        json!({ "AttributesToGet": ["custom:none"] }),
        json!({ "Filter": "email" }),
        json!({ "Filter": r#"custom:team = "x""# }),
        json!({ "Limit": 61 }),
        json!({ "PaginationToken": "made-up" }),
        json!({ "PaginationToken": token, "Filter": r#"email ^= "b""# }),
    ] {
        let shown = wrong.to_string();
        assert_eq!(world.refused("ListUsers", list(wrong)).await.0, "InvalidParameterException", "{shown}");
    }
}
