use std::collections::BTreeMap;

use super::*;
use crate::pool::{FederatedProfile, Identity, User};

/// Signs `subject` in once, as the provider Corp would.
pub(super) async fn sign_in(world: &World, pool: &str, subject: &str, email: &str) -> User {
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
        mapped_groups: Vec::new(),
        session: None,
        may_sign_up: true,
        at: NOW,
    };
    world.api.core.directory.sign_in(profile).await.unwrap()
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
    let shown = whole["Users"][0]["Attributes"].as_array().unwrap().iter();
    let shown: Vec<_> = shown.map(|one| one["Name"].as_str().unwrap()).collect();
    assert_eq!(shown, ["sub", "email", "given_name", "identities"]);
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
    let all = world.ok("ListUsers", list(json!({ "AttributesToGet": [] }))).await;
    assert_eq!(all, whole, "none asked for: all of them");
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

#[tokio::test]
async fn a_filtered_list_is_ordered_by_what_it_is_filtered_by_page_after_page() {
    let world = World::new().await;
    let pool = world.pool().await;
    for (subject, email) in [("a", "zoe@x.example"), ("bb", "ann@x.example"), ("ccc", "ann@x.example")] {
        sign_in(&world, &pool, subject, email).await;
    }
    let (mut seen, mut token) = (Vec::new(), Value::Null);
    loop {
        let page =
            json!({ "UserPoolId": pool, "Filter": r#"email ^= """#, "Limit": 1, "PaginationToken": token });
        let page = world.ok("ListUsers", page).await;
        seen.extend(names(&page).into_iter().map(str::to_owned));
        token = page["PaginationToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(seen, ["Corp_bb", "Corp_ccc", "Corp_a"]);
}

/// The value of an attribute, as an administrator sees it.
pub(super) async fn value(world: &World, this: &Value, name: &str) -> Option<String> {
    let user = world.ok("AdminGetUser", this.clone()).await;
    let mut attributes = user["UserAttributes"].as_array().unwrap().iter();
    let found = attributes.find(|one| one["Name"] == name);
    found.map(|one| one["Value"].as_str().unwrap().to_owned())
}

/// A pool with a required e-mail address and some custom attributes, and the user `Corp_a` in it.
pub(super) async fn furnished(world: &World) -> (String, Value) {
    let schema = json!([
        { "Name": "email", "Required": true, "Mutable": true },
        { "Name": "level", "AttributeDataType": "Number",
          "NumberAttributeConstraints": { "MinValue": "1", "MaxValue": "9" } },
        { "Name": "badge", "AttributeDataType": "String", "Mutable": false },
        { "Name": "note", "AttributeDataType": "String", "DeveloperOnlyAttribute": true },
    ]);
    let pool = world.pool_with(json!({ "Schema": schema })).await;
    sign_in(world, &pool, "a", "a@corp.example").await;
    let this = json!({ "UserPoolId": pool, "Username": "Corp_a" });
    (pool, this)
}

#[tokio::test]
async fn an_administrator_sets_and_removes_attributes_by_the_pools_rules() {
    let world = World::new().await;
    let (_, this) = furnished(&world).await;
    let update = |attributes: Value| merged(this.clone(), json!({ "UserAttributes": attributes }));
    let wish = json!([
        { "Name": "email_verified", "Value": "TRUE" }, { "Name": "custom:level", "Value": "7" },
        { "Name": "phone_number", "Value": "+14325551212" }, { "Name": "given_name", "Value": "" },
    ]);
    assert_eq!(world.ok("AdminUpdateUserAttributes", update(wish)).await, json!({}));
    for (name, expected) in [
        ("email_verified", Some("true")),
        ("custom:level", Some("7")),
        ("phone_number_verified", Some("false")),
        ("given_name", None),
    ] {
        assert_eq!(value(&world, &this, name).await.as_deref(), expected, "{name}");
    }
    for wrong in [
        json!([{ "Name": "custom:none", "Value": "x" }]),
        json!([{ "Name": "custom:badge", "Value": "x" }]),
        json!([{ "Name": "custom:level", "Value": "10" }]),
        json!([{ "Name": "email", "Value": "" }]),
        json!([{ "Name": "email" }]),
        json!([{ "Name": "sub", "Value": "00000000-0000-4000-8000-000000000009" }]),
        json!([{ "Name": "identities", "Value": "[]" }]),
        json!([{ "Name": "nickname", "Value": "x".repeat(2_049) }]),
        json!([{ "Name": "given_name", "Value": "Ann" }, { "Name": "birthdate", "Value": "1.1.2000" }]),
    ] {
        let shown = wrong.to_string();
        let (name, _) = world.refused("AdminUpdateUserAttributes", update(wrong)).await;
        assert_eq!(name, "InvalidParameterException", "{shown}");
    }
    assert_eq!(value(&world, &this, "given_name").await, None, "all of a request, or nothing");
    // A new address is nobody's until somebody says so.
    world
        .ok("AdminUpdateUserAttributes", update(json!([{ "Name": "email", "Value": "b@corp.example" }])))
        .await;
    assert_eq!(value(&world, &this, "email_verified").await.as_deref(), Some("false"));

    let delete = |names: Value| merged(this.clone(), json!({ "UserAttributeNames": names }));
    let gone = delete(json!(["phone_number", "custom:level", "nickname"]));
    assert_eq!(world.ok("AdminDeleteUserAttributes", gone).await, json!({}));
    for name in ["phone_number", "phone_number_verified", "custom:level"] {
        assert_eq!(value(&world, &this, name).await, None, "{name}");
    }
    for name in ["email", "sub", "identities", "custom:badge", "custom:none"] {
        let refused = world.refused("AdminDeleteUserAttributes", delete(json!([name]))).await;
        assert_eq!(refused.0, "InvalidParameterException", "{name}");
    }
    let flag = update(json!([{ "Name": "phone_number_verified", "Value": "true" }]));
    let (name, text) = world.refused("AdminUpdateUserAttributes", flag).await;
    assert_eq!(name, "InvalidParameterException", "{text}");
    assert!(text.contains("phone_number_verified needs a value of phone_number"), "{text}");
}

#[tokio::test]
async fn a_user_is_disabled_and_enabled_and_found_so() {
    let world = World::new().await;
    let (pool, this) = furnished(&world).await;
    let enabled = async || world.ok("AdminGetUser", this.clone()).await["Enabled"] == true;
    assert_eq!(world.ok("AdminDisableUser", this.clone()).await, json!({}));
    assert!(!enabled().await);
    let filter = json!({ "UserPoolId": pool, "Filter": r#"status = "Disabled""# });
    assert_eq!(names(&world.ok("ListUsers", filter).await), ["Corp_a"]);
    assert_eq!(world.ok("AdminEnableUser", this.clone()).await, json!({}));
    assert!(enabled().await);
    let user = world.api.core.directory.user(&pool, "Corp_a").await.unwrap().unwrap();
    assert_eq!(user.signed_out_at, Some(NOW), "what there was is over all the same");
}

#[tokio::test]
async fn every_operation_on_a_user_names_the_user_that_is_not_there() {
    let world = World::new().await;
    let (pool, _) = furnished(&world).await;
    let there = json!({ "UserPoolId": pool, "Username": "Corp_b" });
    for (operation, more) in [
        ("AdminUpdateUserAttributes", json!({ "UserAttributes": [{ "Name": "name", "Value": "x" }] })),
        ("AdminDeleteUserAttributes", json!({ "UserAttributeNames": ["name"] })),
        ("AdminDisableUser", json!({})),
        ("AdminEnableUser", json!({})),
        ("AdminUserGlobalSignOut", json!({})),
        ("AdminGetUser", json!({})),
        ("AdminDeleteUser", json!({})),
    ] {
        let (name, _) = world.refused(operation, merged(there.clone(), more)).await;
        assert_eq!(name, "UserNotFoundException", "{operation}");
    }
}
