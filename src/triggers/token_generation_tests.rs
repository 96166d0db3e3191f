use serde_json::json;

use super::*;

fn changes(version: TokenEventVersion, response: Value) -> Result<Changes, TriggerError> {
    let Value::Object(response) = response else { panic!("not an object: {response}") };
    read(response, version)
}

fn first(details: Value) -> Result<Changes, TriggerError> {
    changes(TokenEventVersion::V1, json!({ "claimsOverrideDetails": details }))
}

fn second(details: Value) -> Result<Changes, TriggerError> {
    changes(TokenEventVersion::V2, json!({ "claimsAndScopeOverrideDetails": details }))
}

fn id_token(changes: &Changes) -> Value {
    let mut claims = json!({
        "sub": "s", "aud": "app", "iss": "i", "exp": 1, "iat": 1, "auth_time": 1, "token_use": "id", "jti": "j",
        "origin_jti": "o", "event_id": "e", "at_hash": "h", "nonce": "n", "cognito:username": "Acme_alice",
        "identities": [{}], "email": "a@b.example", "email_verified": false,
        "cognito:groups": ["one"], "cognito:roles": ["r"], "cognito:preferred_role": "r",
    });
    changes.apply_to_id_token(claims.as_object_mut().unwrap());
    claims
}

fn access_token(changes: &Changes) -> Value {
    let mut claims = json!({
        "sub": "s", "client_id": "app", "iss": "i", "exp": 1, "iat": 1, "auth_time": 1, "token_use": "access",
        "jti": "j", "origin_jti": "o", "event_id": "e", "version": 2, "username": "Acme_alice",
        "scope": "openid email", "cognito:groups": ["one"],
    });
    changes.apply_to_access_token(claims.as_object_mut().unwrap());
    claims
}

/// Every claim that names somebody or something.
const RESERVED_OF_ALL: [&str; 22] = [
    "acr",
    "amr",
    "aud",
    "at_hash",
    "auth_time",
    "azp",
    "cognito:username",
    "exp",
    "iat",
    "identities",
    "iss",
    "jti",
    "nbf",
    "nonce",
    "origin_jti",
    "sub",
    "token_use",
    "event_id",
    "cognito:groups",
    "cognito:roles",
    "cognito:preferred_role",
    "dev:custom:x",
];

#[test]
fn what_names_user_app_sign_in_and_token_cannot_be_changed_or_taken_away() {
    let evil: Map<String, Value> =
        RESERVED_OF_ALL.map(|name| (name.to_owned(), json!("evil"))).into_iter().collect();
    let nothing = Changes::default();
    for wanted in [
        json!({ "claimsToAddOrOverride": evil }),
        json!({ "claimsToSuppress": RESERVED_OF_ALL }),
        json!({ "claimsToAddOrOverride": evil, "claimsToSuppress": RESERVED_OF_ALL }),
    ] {
        assert_eq!(id_token(&first(wanted.clone()).unwrap()), id_token(&nothing), "{wanted}");
        let both = second(json!({ "idTokenGeneration": wanted, "accessTokenGeneration": wanted })).unwrap();
        assert_eq!(id_token(&both), id_token(&nothing), "{wanted}");
        assert_eq!(access_token(&both), access_token(&nothing), "{wanted}");
    }
    for name in ["client_id", "device_key", "scope", "username", "version"] {
        let wanted = json!({ "claimsToAddOrOverride": { name: "evil" }, "claimsToSuppress": [name] });
        let changed = second(json!({ "accessTokenGeneration": wanted })).unwrap();
        assert_eq!(access_token(&changed), access_token(&nothing), "{name}");
    }
}

#[test]
fn the_first_version_changes_the_id_token_alone() {
    let changed = first(json!({
        "claimsToAddOrOverride": { "email": "new@b.example", "team": "red", "gone": "x", "email_verified": "true" },
        "claimsToSuppress": ["gone", "name"],
    }))
    .unwrap();
    let claims = id_token(&changed);
    assert_eq!((&claims["email"], &claims["team"]), (&json!("new@b.example"), &json!("red")));
    assert_eq!(claims["email_verified"], true, "a flag is a truth value");
    assert_eq!(claims.get("gone"), None, "suppressing wins");
    assert_eq!(access_token(&changed), access_token(&Changes::default()));
}

#[test]
fn the_second_version_changes_each_token_by_itself_with_values_of_any_shape() {
    let deep = json!({ "a": [1, true, { "b": "c" }], "d": 1.5 });
    let changed = second(json!({
        "idTokenGeneration": { "claimsToAddOrOverride": { "deep": deep }, "claimsToSuppress": ["email"] },
        "accessTokenGeneration": {
            "claimsToAddOrOverride": { "tenant": ["x", 7] },
            "scopesToAdd": ["api/read", "profile", "openid", "aws.cognito.signin.user.admin", "aws.cognito.other"],
            "scopesToSuppress": ["email"],
        },
    }))
    .unwrap();
    let (id, access) = (id_token(&changed), access_token(&changed));
    assert_eq!((&id["deep"], id.get("email"), id.get("tenant")), (&deep, None, None));
    assert_eq!((&access["tenant"], access.get("deep")), (&json!(["x", 7]), None));
    assert_eq!(access["scope"], "openid api/read profile", "the service's own scopes cannot be added");
    let none =
        second(json!({ "accessTokenGeneration": { "scopesToSuppress": ["openid", "email"] } })).unwrap();
    assert_eq!(access_token(&none)["scope"], "");
}

#[test]
fn groups_are_replaced_whole_and_absent_means_kept() {
    for read in [first, second] {
        let kept = read(json!({})).unwrap();
        assert_eq!(id_token(&kept), id_token(&Changes::default()));
        for empty in [json!(null), json!({}), json!({ "groupsToOverride": [], "preferredRole": null })] {
            let none = read(json!({ "groupOverrideDetails": empty })).unwrap();
            let (id, access) = (id_token(&none), access_token(&none));
            for claim in ["cognito:groups", "cognito:roles", "cognito:preferred_role"] {
                assert_eq!((id.get(claim), access.get(claim)), (None, None), "{claim} {empty}");
            }
        }
        let other = read(json!({ "groupOverrideDetails": { "groupsToOverride": ["two", "three"],
            "iamRolesToOverride": ["x"], "preferredRole": "x" } }))
        .unwrap();
        let (id, access) = (id_token(&other), access_token(&other));
        assert_eq!(id["cognito:groups"], json!(["two", "three"]));
        assert_eq!((&id["cognito:roles"], &id["cognito:preferred_role"]), (&json!(["x"]), &json!("x")));
        assert_eq!(access["cognito:groups"], json!(["two", "three"]));
        assert_eq!((access.get("cognito:roles"), access.get("cognito:preferred_role")), (None, None));
    }
}

#[test]
fn a_response_of_another_shape_makes_no_token() {
    let large = "x".repeat(LARGEST);
    for details in [
        json!([]),
        json!("x"),
        json!({ "claimsToAddOrOverride": [] }),
        json!({ "claimsToAddOrOverride": { "a": 1 } }),
        json!({ "claimsToAddOrOverride": { "a": true } }),
        json!({ "claimsToAddOrOverride": { "a": null } }),
        json!({ "claimsToAddOrOverride": { "a": large } }),
        json!({ "claimsToSuppress": "email" }),
        json!({ "claimsToSuppress": [1] }),
        json!({ "groupOverrideDetails": [] }),
        json!({ "groupOverrideDetails": { "groupsToOverride": "one" } }),
        json!({ "groupOverrideDetails": { "groupsToOverride": [1] } }),
    ] {
        let error = first(details.clone()).unwrap_err();
        assert_eq!(error.code(), "trigger_answer", "{details}");
        assert!(!error.to_string().contains("xxx"), "the function's text is not repeated");
    }
    for token in ["idTokenGeneration", "accessTokenGeneration"] {
        for details in [
            json!([]),
            json!({ "claimsToAddOrOverride": { "a": null } }),
            json!({ "claimsToAddOrOverride": { "a": [large] } }),
            json!({ "claimsToSuppress": {} }),
        ] {
            assert!(second(json!({ token: details })).is_err(), "{token} {details}");
        }
    }
    for scopes in
        [json!(["a b"]), json!([""]), json!(["a\"b"]), json!(["a\u{e9}"]), json!([1]), json!("openid")]
    {
        let details = json!({ "accessTokenGeneration": { "scopesToAdd": scopes } });
        assert!(second(details).is_err(), "{scopes}");
    }
    for name in PLAIN {
        let details = json!({ "idTokenGeneration": { "claimsToAddOrOverride": { name: {} } } });
        assert!(second(details).is_err(), "{name}");
    }
}

#[test]
fn what_is_meant_for_another_version_is_not_passed_over() {
    let (one, two) = ("claimsOverrideDetails", "claimsAndScopeOverrideDetails");
    for (version, other) in
        [(TokenEventVersion::V1, two), (TokenEventVersion::V2, one), (TokenEventVersion::V3, one)]
    {
        let error = changes(version, json!({ other: { "claimsToSuppress": ["email"] } })).unwrap_err();
        assert!(error.to_string().contains(other), "{error}");
        for nothing in [json!({}), json!({ one: null }), json!({ one: null, two: null })] {
            assert_eq!(changes(version, nothing).unwrap(), Changes::default());
        }
    }
}
