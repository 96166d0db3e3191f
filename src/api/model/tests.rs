use serde_json::json;

use super::*;
use crate::api::ApiError;

fn refused(operation: &str, input: serde_json::Value) -> String {
    match validate(operation, &input) {
        Err(ApiError::InvalidParameter(message)) => message,
        other => panic!("{input}: {other:?}"),
    }
}

#[test]
fn every_shape_an_input_reaches_exists_and_its_pattern_compiles() {
    fn walk(name: &str, seen: &mut std::collections::BTreeSet<String>) {
        if !seen.insert(name.to_owned()) {
            return;
        }
        let shape = model().shapes.get(name).unwrap_or_else(|| panic!("no shape {name}"));
        if let Some(java) = &shape.pattern {
            assert!(pattern::compile(java).is_some(), "{name}: {java}");
        }
        let parts = [&shape.member, &shape.key, &shape.value];
        for next in shape.members.values().chain(parts.into_iter().flatten()) {
            walk(next, seen);
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    for operation in model().operations.values() {
        walk(operation.input.as_deref().unwrap(), &mut seen);
    }
    assert!(model().operations.len() > 130 && seen.len() > 300);
}

#[test]
fn every_override_meets_a_shape_of_the_model() {
    for change in OVERRIDES {
        assert!(model().shapes.contains_key(change.shape), "{}", change.shape);
    }
}

#[test]
fn what_is_not_built_is_part_of_the_model_and_named_once() {
    let all: Vec<&str> = UNBUILT.iter().flat_map(|group| group.operations).copied().collect();
    for operation in &all {
        assert!(model().operations.contains_key(*operation), "{operation}");
        assert_eq!(all.iter().filter(|other| *other == operation).count(), 1, "{operation}");
    }
}

#[test]
fn the_documentation_names_every_operation_on_its_side() {
    let page = include_str!("../../../docs/api.md");
    let (built, unbuilt) = page.split_once("## Operations that are not built").unwrap();
    for operation in model().operations.keys() {
        let named = format!("`{operation}`");
        let side = if why_unbuilt(operation).is_some() { unbuilt } else { built };
        assert!(side.contains(&named), "{operation}");
    }
}

#[test]
fn the_model_says_which_operations_need_no_signature() {
    let signed = |name: &str| model().operations[name].signed();
    for name in ["GetTokensFromRefreshToken", "RevokeToken", "GetUser", "GlobalSignOut", "InitiateAuth"] {
        assert!(!signed(name), "{name}");
    }
    for name in ["CreateUserPool", "ListUsers", "AdminGetUser", "DescribeUserPoolDomain"] {
        assert!(signed(name), "{name}");
    }
}

#[test]
fn a_good_request_is_accepted() {
    validate("CreateUserPool", &json!({ "PoolName": "acme", "Policies": null })).unwrap();
    let client = json!({ "UserPoolId": "us-east-1_abcdefghi", "ClientName": "web", "CallbackURLs": [] });
    validate("CreateUserPoolClient", &client).unwrap();
}

#[test]
fn each_constraint_is_named_in_the_words_of_the_reference() {
    let long = "x".repeat(129);
    for (input, message) in [
        (json!({}), "Value null at 'poolName' failed to satisfy constraint: Member must not be null"),
        (json!({ "PoolName": null }), "Value null at 'poolName'"),
        (
            json!({ "PoolName": "" }),
            "Value '' at 'poolName' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (json!({ "PoolName": long }), "Member must have length less than or equal to 128"),
        (
            json!({ "PoolName": "a/b" }),
            r"Value 'a/b' at 'poolName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w\s+=,.@-]+",
        ),
        (
            json!({ "PoolName": "a", "MfaConfiguration": "MAYBE" }),
            "Value 'MAYBE' at 'mfaConfiguration' failed to satisfy constraint: Member must satisfy enum value set: [OFF, ON, OPTIONAL]",
        ),
        (
            json!({ "PoolName": "a", "Schema": [] }),
            "Value at 'schema' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (json!({ "PoolName": "a", "Schema": [{ "Name": "a b" }] }), "Value 'a b' at 'schema.1.member.name'"),
        (
            json!({ "PoolName": "a", "AdminCreateUserConfig": { "UnusedAccountValidityDays": 400 } }),
            "Value '400' at 'adminCreateUserConfig.unusedAccountValidityDays' failed to satisfy constraint: Member must have value less than or equal to 365",
        ),
        (json!({ "PoolName": "a", "Colour": "red" }), "'Colour' is not a member that 'the request' may have"),
        (
            json!({ "PoolName": "a", "LambdaConfig": { "X": 1 } }),
            "'X' is not a member that 'lambdaConfig' may have",
        ),
    ] {
        let text = refused("CreateUserPool", input);
        assert!(text.starts_with("1 validation error detected: ") && text.contains(message), "{text}");
    }
    let two = refused("CreateUserPool", json!({ "PoolName": "", "DeletionProtection": "YES" }));
    assert!(two.starts_with("2 validation errors detected: "), "{two}");
}

#[test]
fn a_value_of_another_type_is_a_serialization_fault() {
    for (operation, input) in [
        ("CreateUserPool", json!([])),
        ("CreateUserPool", json!({ "PoolName": 1 })),
        ("CreateUserPool", json!({ "PoolName": "a", "Policies": [] })),
        ("CreateUserPool", json!({ "PoolName": "a", "Schema": {} })),
        ("CreateUserPool", json!({ "PoolName": "a", "Schema": [null] })),
        ("ListUsers", json!({ "UserPoolId": "a_b", "Limit": 1.5 })),
        ("ListUsers", json!({ "UserPoolId": "a_b", "Limit": "1" })),
        ("CreateUserPoolClient", json!({ "UserPoolId": "a_b", "ClientName": "c", "GenerateSecret": "true" })),
    ] {
        let error = validate(operation, &input).unwrap_err();
        assert!(matches!(error, ApiError::Serialization(_)), "{input}: {error:?}");
    }
}

#[test]
fn sensitive_values_are_not_repeated() {
    let text = refused(
        "CreateUserPoolClient",
        json!({ "UserPoolId": "a_b", "ClientName": "c", "ClientSecret": "too-short!" }),
    );
    assert!(text.contains("Value at 'clientSecret'") && !text.contains("too-short!"), "{text}");
    let text = refused("AdminGetUser", json!({ "UserPoolId": "a_b", "Username": "x".repeat(200) }));
    assert!(!text.contains("xxx"), "{text}");
    let provider = json!({
        "UserPoolId": "a_b", "ProviderName": "corp", "ProviderType": "OIDC",
        "ProviderDetails": { "client_secret": "hush".repeat(40_000) }
    });
    let text = refused("CreateIdentityProvider", provider);
    assert!(text.contains("providerDetails.client_secret.member") && !text.contains("hush"), "{text}");
}

#[test]
fn long_values_are_cut_in_the_answer() {
    let text = refused("CreateUserPool", json!({ "PoolName": "/".repeat(100_000) }));
    assert!(text.len() < 1_000, "{}", text.len());
}

#[test]
fn provider_names_follow_the_guide_and_all_of_unicode() {
    let with = |name: &str| {
        let input = json!({ "UserPoolId": "a_b", "ProviderName": name, "ProviderType": "SAML", "ProviderDetails": {} });
        validate("CreateIdentityProvider", &input)
    };
    for good in ["SAML_provider_1", "회사", "a b", "é+=.@-", "x", &"x".repeat(40)] {
        assert!(with(good).is_ok(), "{good}");
    }
    for bad in ["", "a/b", "a:b", "<b>", "a'b", &"x".repeat(41)] {
        assert!(with(bad).is_err(), "{bad}");
    }
}

#[test]
fn patterns_match_whole_values_with_javas_classes() {
    for (java, good, bad) in [
        (r"[\w+]+", "aZ_9+", "é"),
        (r"[\w+]+", "a", "a\n"),
        (r"[\S]+", "é!", "a b"),
        (r"^[\w\- ]+$", "a-b c", "a/b"),
        (r"[A-Za-z0-9-_=.]+", "a-_=.", "a b"),
        (r".*\{####\}.*", "x{####}y", "x{####}\ny"),
        (r"(?s).*", "a\nb", ""),
    ] {
        let pattern = pattern::compile(java).unwrap();
        assert!(pattern.is_match(good), "{java} {good}");
        assert!(bad.is_empty() || !pattern.is_match(bad), "{java} {bad}");
    }
}

#[test]
fn text_that_no_store_can_hold_is_refused() {
    let provider = json!({
        "UserPoolId": "a_b", "ProviderName": "corp", "ProviderType": "OIDC", "ProviderDetails": {},
        "AttributeMapping": { "email": "a\u{0}b" },
    });
    assert!(refused("CreateIdentityProvider", provider).contains("U+0000"));
}
