use super::*;

#[tokio::test]
async fn a_new_pool_has_the_defaults_of_the_reference() {
    let world = World::new().await;
    let made = world.ok("CreateUserPool", json!({ "PoolName": "acme" })).await;
    let pool = &made["UserPool"];
    let id = pool["Id"].as_str().unwrap();
    assert!(id.starts_with("us-east-1_") && id.len() == 19, "{id}");
    assert_eq!(pool["Arn"], format!("arn:aws:cognito-idp:us-east-1:000000000000:userpool/{id}"));
    assert_eq!(pool["CreationDate"], json!(1_795_262_400.0));
    for (member, value) in [
        ("Name", json!("acme")),
        ("DeletionProtection", json!("INACTIVE")),
        ("LambdaConfig", json!({})),
        ("MfaConfiguration", json!("OFF")),
        ("EstimatedNumberOfUsers", json!(0)),
        ("EmailConfiguration", json!({ "EmailSendingAccount": "COGNITO_DEFAULT" })),
        ("UserPoolTags", json!({})),
        ("UserPoolTier", json!("ESSENTIALS")),
        ("VerificationMessageTemplate", json!({ "DefaultEmailOption": "CONFIRM_WITH_CODE" })),
    ] {
        assert_eq!(pool[member], value, "{member}");
    }
    assert_eq!(pool["Policies"]["PasswordPolicy"]["MinimumLength"], 8);
    let described = world.ok("DescribeUserPool", json!({ "UserPoolId": id })).await;
    assert_eq!(described, made);
}

#[tokio::test]
async fn a_new_pool_has_the_standard_attributes_with_their_constraints() {
    let world = World::new().await;
    let made = world.ok("CreateUserPool", json!({ "PoolName": "acme" })).await;
    let schema = made["UserPool"]["SchemaAttributes"].as_array().unwrap();
    assert_eq!(schema.len(), 21);
    assert_eq!(
        schema[0],
        json!({
            "Name": "sub", "AttributeDataType": "String", "DeveloperOnlyAttribute": false, "Mutable": false,
            "Required": true, "StringAttributeConstraints": { "MinLength": "1", "MaxLength": "2048" },
        })
    );
    let named = |name: &str| schema.iter().find(|one| one["Name"] == name).unwrap();
    assert_eq!(
        named("birthdate")["StringAttributeConstraints"],
        json!({ "MinLength": "10", "MaxLength": "10" })
    );
    assert_eq!(named("email_verified")["AttributeDataType"], "Boolean");
    assert!(named("email_verified").get("StringAttributeConstraints").is_none());
    assert_eq!(named("updated_at")["NumberAttributeConstraints"], json!({ "MinValue": "0" }));
    assert_eq!(named("identities")["StringAttributeConstraints"], json!({}));
}

#[tokio::test]
async fn a_schema_may_change_standard_attributes_and_add_custom_ones() {
    let world = World::new().await;
    let schema = json!([
        { "Name": "email", "Required": true, "Mutable": false },
        { "Name": "team", "AttributeDataType": "String", "StringAttributeConstraints": { "MaxLength": "20" } },
        { "Name": "level", "AttributeDataType": "Number", "Mutable": false },
        { "Name": "note", "AttributeDataType": "String", "DeveloperOnlyAttribute": true },
    ]);
    let made = world.ok("CreateUserPool", json!({ "PoolName": "acme", "Schema": schema })).await;
    let schema = made["UserPool"]["SchemaAttributes"].as_array().unwrap();
    let named = |name: &str| schema.iter().find(|one| one["Name"] == name).unwrap();
    assert_eq!((&named("email")["Required"], &named("email")["Mutable"]), (&json!(true), &json!(false)));
    assert_eq!(named("custom:team")["Mutable"], true);
    assert_eq!(named("custom:team")["StringAttributeConstraints"], json!({ "MaxLength": "20" }));
    assert_eq!(named("custom:level")["NumberAttributeConstraints"], json!({}));
    assert_eq!(named("dev:custom:note")["DeveloperOnlyAttribute"], true);
}

#[tokio::test]
async fn a_schema_that_breaks_a_rule_is_refused() {
    let world = World::new().await;
    let string = |name: &str| json!({ "Name": name, "AttributeDataType": "String" });
    let with = |more: Value| merged(string("x"), more);
    for (schema, says) in [
        (json!([{ "AttributeDataType": "String" }]), "must have a Name"),
        (json!([string("x"), string("x")]), "more than once"),
        (json!([{ "Name": "email", "AttributeDataType": "Number" }]), "can not change AttributeDataType"),
        (json!([{ "Name": "email", "DeveloperOnlyAttribute": true }]), "can not change AttributeDataType"),
        (json!([{ "Name": "sub", "Mutable": true }]), "sub"),
        (json!([{ "Name": "identities", "Required": true }]), "identities"),
        (json!([with(json!({ "Required": true }))]), "Required custom attributes are not supported"),
        (json!([{ "Name": "x" }]), "AttributeDataType"),
        (json!([string("custom:x")]), "without a prefix"),
        (json!([string("username")]), "reserved"),
        (json!([string(&"x".repeat(21))]), "less than or equal to 20"),
        (json!([with(json!({ "NumberAttributeConstraints": { "MinValue": "1" } }))]), "not of its type"),
        (json!([with(json!({ "StringAttributeConstraints": { "MinLength": "one" } }))]), "whole number"),
        (json!([with(json!({ "StringAttributeConstraints": { "MaxLength": "2049" } }))]), "0 to 2048"),
        (
            json!([with(json!({ "StringAttributeConstraints": { "MinLength": "3", "MaxLength": "2" } }))]),
            "greater than the largest",
        ),
    ] {
        let input = json!({ "PoolName": "acme", "Schema": schema });
        let (name, text) = world.refused("CreateUserPool", input).await;
        assert_eq!(name, "InvalidParameterException", "{text}");
        assert!(text.contains(says), "{text}");
    }
    let many: Vec<Value> = (0..51).map(|index| string(&format!("x{index}"))).collect();
    let (name, text) = world.refused("CreateUserPool", json!({ "PoolName": "acme", "Schema": many })).await;
    assert_eq!(name, "LimitExceededException");
    assert!(text.contains("50"), "{text}");
    world.ok("CreateUserPool", json!({ "PoolName": "acme", "Schema": many[..50] })).await;
}

#[tokio::test]
async fn members_that_mean_nothing_yet_are_stored_and_returned() {
    let world = World::new().await;
    let members = json!({
        "AliasAttributes": ["email"],
        "UserPoolTags": { "team": "identity" },
        "SmsAuthenticationMessage": "Your code is {####}",
        "AccountRecoverySetting": { "RecoveryMechanisms": [{ "Priority": 1, "Name": "verified_email" }] },
        "UsernameConfiguration": { "CaseSensitive": false },
        "LambdaConfig": { "CustomMessage": "arn:aws:lambda:us-east-1:000000000000:function:hello" },
    });
    let id = world.pool_with(members.clone()).await;
    let pool = world.ok("DescribeUserPool", json!({ "UserPoolId": id })).await;
    for (member, value) in members.as_object().unwrap() {
        assert_eq!(pool["UserPool"][member], *value, "{member}");
    }
}

#[tokio::test]
async fn aliases_and_username_attributes_exclude_each_other() {
    let world = World::new().await;
    let both = json!({ "PoolName": "a", "AliasAttributes": ["email"], "UsernameAttributes": ["email"] });
    assert_eq!(world.refused("CreateUserPool", both).await.0, "InvalidParameterException");
}

#[tokio::test]
async fn an_update_resets_what_it_does_not_name_but_for_what_is_set_once() {
    let world = World::new().await;
    let id = world
        .pool_with(json!({
            "UserPoolTier": "LITE", "UsernameAttributes": ["email"],
            "Schema": [{ "Name": "team", "AttributeDataType": "String" }], "DeletionProtection": "ACTIVE",
        }))
        .await;
    let update = json!({ "UserPoolId": id, "UserPoolTags": { "a": "b" }, "PoolName": "new name" });
    assert_eq!(world.ok("UpdateUserPool", update).await, json!({}));
    let after = world.ok("DescribeUserPool", json!({ "UserPoolId": id })).await["UserPool"].take();
    for (member, value) in [
        ("Name", json!("new name")),
        ("UserPoolTier", json!("ESSENTIALS")),
        ("DeletionProtection", json!("INACTIVE")),
        ("UserPoolTags", json!({ "a": "b" })),
        ("UsernameAttributes", json!(["email"])),
    ] {
        assert_eq!(after[member], value, "{member}");
    }
    assert_eq!(after["SchemaAttributes"].as_array().unwrap().len(), 22);
    world.ok("UpdateUserPool", json!({ "UserPoolId": id })).await;
    let kept = world.ok("DescribeUserPool", json!({ "UserPoolId": id })).await;
    assert_eq!(kept["UserPool"]["Name"], "new name");
}

#[tokio::test]
async fn a_pool_with_deletion_protection_or_a_domain_is_not_deleted() {
    let world = World::new().await;
    let id = world.pool_with(json!({ "DeletionProtection": "ACTIVE" })).await;
    let this = json!({ "UserPoolId": id });
    let (name, text) = world.refused("DeleteUserPool", this.clone()).await;
    assert!(name == "InvalidParameterException" && text.contains("deletion protection"), "{text}");
    world.ok("UpdateUserPool", json!({ "UserPoolId": id, "DeletionProtection": "INACTIVE" })).await;
    let domain = json!({ "UserPoolId": id, "Domain": "acme" });
    world.ok("CreateUserPoolDomain", domain.clone()).await;
    let (name, text) = world.refused("DeleteUserPool", this.clone()).await;
    assert!(name == "InvalidParameterException" && text.contains("domain"), "{text}");
    world.ok("DeleteUserPoolDomain", domain).await;
    assert_eq!(world.ok("DeleteUserPool", this.clone()).await, json!({}));
    assert_eq!(world.refused("DescribeUserPool", this).await.0, "ResourceNotFoundException");
}

#[tokio::test]
async fn pools_are_listed_in_pages_whose_tokens_cannot_be_made_up() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(world.pool().await);
    }
    ids.sort();
    let first = world.ok("ListUserPools", json!({ "MaxResults": 2 })).await;
    let token = first["NextToken"].as_str().unwrap().to_owned();
    let second = world.ok("ListUserPools", json!({ "MaxResults": 2, "NextToken": token })).await;
    let seen: Vec<_> = [&first, &second]
        .iter()
        .flat_map(|page| page["UserPools"].as_array().unwrap())
        .map(|pool| pool["Id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(seen, ids);
    assert!(second.get("NextToken").is_none());
    let whole = world.ok("ListUserPools", json!({ "MaxResults": 3 })).await;
    assert!(whole.get("NextToken").is_none());
    assert!(whole["UserPools"][0].get("SchemaAttributes").is_none());
    for made_up in ["abc", &token[..token.len() - 2], &ids[0]] {
        let input = json!({ "MaxResults": 2, "NextToken": made_up });
        assert_eq!(world.refused("ListUserPools", input).await.0, "InvalidParameterException");
    }
    let elsewhere = json!({ "UserPoolId": ids[0], "NextToken": token });
    assert_eq!(world.refused("ListUserPoolClients", elsewhere).await.0, "InvalidParameterException");
}

#[tokio::test]
async fn the_signing_certificate_is_the_pools_own_in_base64_der() {
    use base64::Engine as _;
    let world = World::new().await;
    let (one, two) = (world.pool().await, world.pool().await);
    let certificate = |id: String| {
        let world = &world;
        async move {
            let answer = world.ok("GetSigningCertificate", json!({ "UserPoolId": id })).await;
            let text = answer["Certificate"].as_str().unwrap().to_owned();
            base64::engine::general_purpose::STANDARD.decode(text).unwrap()
        }
    };
    let (one, two) = (certificate(one).await, certificate(two).await);
    assert_eq!(one[..2], [0x30, 0x82]);
    assert_ne!(one, two);
}

#[tokio::test]
async fn custom_attributes_are_added_to_a_pool_for_good() {
    let world = World::new().await;
    let pool =
        world.pool_with(json!({ "Schema": [{ "Name": "team", "AttributeDataType": "String" }] })).await;
    let add = |attributes: Value| json!({ "UserPoolId": pool, "CustomAttributes": attributes });
    let string = |name: &str| json!({ "Name": name, "AttributeDataType": "String" });
    let level = json!({ "Name": "level", "AttributeDataType": "Number", "Mutable": false,
        "NumberAttributeConstraints": { "MinValue": "1" } });
    assert_eq!(world.ok("AddCustomAttributes", add(json!([level, string("email")]))).await, json!({}));
    let shown = world.ok("DescribeUserPool", json!({ "UserPoolId": pool })).await;
    let schema = shown["UserPool"]["SchemaAttributes"].as_array().unwrap();
    assert_eq!(schema.len(), 24);
    let expected = json!({
        "Name": "custom:level", "AttributeDataType": "Number", "DeveloperOnlyAttribute": false,
        "Mutable": false, "Required": false, "NumberAttributeConstraints": { "MinValue": "1" },
    });
    assert_eq!(schema[22], expected);
    assert_eq!(schema[23]["Name"], "custom:email", "beside the standard one");
    for (attributes, says) in [
        (json!([string("team")]), "custom:team"),
        (json!([string("a"), string("a")]), "custom:a"),
        (json!([{ "AttributeDataType": "String" }]), "must have a Name"),
        (json!([merged(string("b"), json!({ "Required": true }))]), "Required custom attributes"),
        (json!([string("custom:b")]), "without a prefix"),
        (json!([]), "greater than or equal to 1"),
    ] {
        let (name, text) = world.refused("AddCustomAttributes", add(attributes)).await;
        assert_eq!(name, "InvalidParameterException", "{text}");
        assert!(text.contains(says), "{text}");
    }
    let some = |from: usize, to: usize| -> Value {
        (from..to).map(|index| string(&format!("x{index}"))).collect::<Vec<_>>().into()
    };
    world.ok("AddCustomAttributes", add(some(0, 24))).await;
    let (name, text) = world.refused("AddCustomAttributes", add(some(24, 48))).await;
    assert!(name == "LimitExceededException" && text.contains("at most 50") && text.contains("51"), "{text}");
    world.ok("AddCustomAttributes", add(some(24, 47))).await;
}

#[tokio::test]
async fn policies_are_completed_and_checked() {
    let world = World::new().await;
    let policies = json!({ "PasswordPolicy": { "MinimumLength": 12, "RequireNumbers": true } });
    let made = world.ok("CreateUserPool", json!({ "PoolName": "acme", "Policies": policies })).await;
    let expected = json!({
        "MinimumLength": 12, "RequireUppercase": false, "RequireLowercase": false, "RequireNumbers": true,
        "RequireSymbols": false, "TemporaryPasswordValidityDays": 7,
    });
    assert_eq!(made["UserPool"]["Policies"]["PasswordPolicy"], expected, "silence requires nothing");
    let factors = |factors: Value| json!({ "SignInPolicy": { "AllowedFirstAuthFactors": factors } });
    for (policies, says) in [
        (factors(json!(["EMAIL_OTP"])), "must hold PASSWORD"),
        (factors(json!(["PASSWORD", "PASSWORD"])), "more than once"),
        (factors(json!(["PASSWORD", "SOFTWARE_TOKEN"])), "SOFTWARE_TOKEN"),
        (json!({ "PasswordPolicy": { "MinimumLength": 5 } }), "greater than or equal to 6"),
        (json!({ "PasswordPolicy": { "MinimumLength": 100 } }), "less than or equal to 99"),
    ] {
        let (name, text) =
            world.refused("CreateUserPool", json!({ "PoolName": "acme", "Policies": policies })).await;
        assert_eq!(name, "InvalidParameterException", "{text}");
        assert!(text.contains(says), "{text}");
    }
    let good = factors(json!(["PASSWORD", "EMAIL_OTP"]));
    world.ok("CreateUserPool", json!({ "PoolName": "acme", "Policies": good })).await;
}

#[tokio::test]
async fn a_preferred_username_is_not_an_alias_and_required_both() {
    let world = World::new().await;
    let name = "preferred_username";
    let both =
        json!({ "PoolName": "a", "AliasAttributes": [name], "Schema": [{ "Name": name, "Required": true }] });
    let (error, text) = world.refused("CreateUserPool", both).await;
    assert!(error == "InvalidParameterException" && text.contains(name), "{text}");
    world.ok("CreateUserPool", json!({ "PoolName": "a", "AliasAttributes": [name] })).await;
}
