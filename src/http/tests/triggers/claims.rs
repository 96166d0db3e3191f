//! Before tokens are made.

use serde_json::{Value, json};

use super::super::house::{SECRET, basic, claims};
use super::*;
use crate::pool::ClientSecret;
use crate::testing;

fn config(version: &str) -> Value {
    json!({ "PreTokenGenerationConfig":
        { "LambdaArn": arn("PreTokenGeneration"), "LambdaVersion": version } })
}

/// The same without what no two tokens share.
fn lasting(token: &Value) -> Value {
    let mut claims = claims(token);
    for claim in ["jti", "at_hash", "origin_jti", "event_id", "iat", "exp", "auth_time", "nonce"] {
        claims.as_object_mut().unwrap().remove(claim);
    }
    claims
}

#[actix_web::test]
async fn the_event_is_told_what_the_tokens_would_say_and_why_they_are_made() {
    for (version, shape, member) in [
        ("V1_0", "1", "claimsOverrideDetails"),
        ("V2_0", "2", "claimsAndScopeOverrideDetails"),
        ("V3_0", "3", "claimsAndScopeOverrideDetails"),
    ] {
        let (house, lambda) = house_with(config(version)).await;
        let group = format!("{POOL}_Acme");
        let role = "arn:aws:iam::000000000000:role/acme";
        let snapshot = house.state.context.registry.snapshot();
        let Versioned { mut value, version: group_version } =
            snapshot.pool(POOL).unwrap().groups[&group].clone();
        value.role_arn = Some(role.to_owned());
        house.edit(vec![Edit::UpdateGroup(Versioned { value, version: group_version })]).await;
        let answer = sign_in(&house, &mut Browser::default(), &person("alice"), &[]).await;
        assert_eq!(lambda.names(), Vec::<String>::new(), "a code is no token");
        let tokens = tokens_of(&house, &answer).await;
        let made = user(&house, "Acme_alice").await.unwrap();
        let mut event = lambda.event("PreTokenGeneration");
        assert_eq!(
            (&event["version"], &event["triggerSource"]),
            (&json!(shape), &json!("TokenGeneration_HostedAuth"))
        );
        assert_eq!(event["response"], json!({ member: null }));
        assert_eq!(event["callerContext"]["clientId"], "app");
        let request = event["request"].take();
        assert_eq!(request["userAttributes"]["sub"], made.sub.as_str());
        assert_eq!(request["userAttributes"]["cognito:user_status"], "EXTERNAL_PROVIDER");
        assert_eq!(
            request["groupConfiguration"],
            json!({ "groupsToOverride": [group], "iamRolesToOverride": [role], "preferredRole": role })
        );
        let scopes = (version != "V1_0").then(|| json!(["openid", "email"]));
        assert_eq!(request.get("scopes"), scopes.as_ref());
        lambda.forget();
        house.refresh("app", tokens["refresh_token"].as_str().unwrap()).await;
        let event = lambda.event("PreTokenGeneration");
        assert_eq!(event["triggerSource"], "TokenGeneration_RefreshTokens");
    }
}

#[actix_web::test]
async fn claims_groups_and_scopes_are_what_the_function_says() {
    let (house, lambda) = house_with(config("V2_0")).await;
    lambda.one_does(
        "PreTokenGeneration",
        Does::Responds(json!({ "claimsAndScopeOverrideDetails": {
            "idTokenGeneration": { "claimsToAddOrOverride": { "team": { "id": 7 }, "sub": "somebody else" },
                                   "claimsToSuppress": ["email", "aud"] },
            "accessTokenGeneration": { "claimsToAddOrOverride": { "tenant": "red", "username": "Acme_admin" },
                                       "scopesToAdd": ["api/read", "aws.cognito.signin.user.admin"],
                                       "scopesToSuppress": ["email"] },
            "groupOverrideDetails": { "groupsToOverride": ["staff"], "iamRolesToOverride": ["r"],
                                      "preferredRole": "r" },
        } })),
    );
    let answer = sign_in(&house, &mut Browser::default(), &person("alice"), &[]).await;
    let tokens = tokens_of(&house, &answer).await;
    let made = user(&house, "Acme_alice").await.unwrap();
    let (id, access) = (claims(&tokens["id_token"]), claims(&tokens["access_token"]));
    assert_eq!((&id["team"], id.get("email")), (&json!({ "id": 7 }), None));
    assert_eq!((&id["sub"], &id["aud"]), (&json!(made.sub), &json!("app")));
    assert_eq!((&id["cognito:groups"], &id["cognito:preferred_role"]), (&json!(["staff"]), &json!("r")));
    assert_eq!((&access["tenant"], &access["username"]), (&json!("red"), &json!("Acme_alice")));
    assert_eq!(access["scope"], "openid api/read");
    assert_eq!(access["cognito:groups"], json!(["staff"]));
    // The tokens are whole: the ID token names the access token, and userInfo takes it.
    let info = house.user_info(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(info.status, 200, "{info:?}");
    assert_eq!(info.json()["sub"], made.sub.as_str());
    // What a function added once is asked for anew: nothing of it is in the refresh token.
    lambda.does(|_, event| returns(event));
    let again = house.refresh("app", tokens["refresh_token"].as_str().unwrap()).await.json();
    assert_eq!(claims(&again["access_token"])["scope"], "openid email");
    assert_eq!(claims(&again["id_token"]).get("team"), None);
}

#[actix_web::test]
async fn a_function_that_says_nothing_changes_nothing() {
    let (house, lambda) = house_with(json!({})).await;
    let answer = sign_in(&house, &mut Browser::default(), &person("alice"), &[]).await;
    let plain = tokens_of(&house, &answer).await;
    for version in ["V1_0", "V2_0", "V3_0"] {
        configure(&house, config(version)).await;
        let answer = sign_in(&house, &mut Browser::default(), &person("alice"), &[]).await;
        let tokens = tokens_of(&house, &answer).await;
        for token in ["id_token", "access_token"] {
            assert_eq!(lasting(&tokens[token]), lasting(&plain[token]), "{version}");
        }
    }
    assert_eq!(lambda.names().len(), 3);
}

#[actix_web::test]
async fn of_machines_only_the_third_version_is_asked() {
    let (house, lambda) = house_with(config("V2_0")).await;
    house.resource_server(&["read", "write"]).await;
    let mut machine = testing::client(
        json!({ "ClientId": "machine", "AllowedOAuthFlows": ["client_credentials"],
                                              "AllowedOAuthScopes": ["api.example/read", "api.example/write"] }),
    );
    let secret = ClientSecret::new("machine", machine.creation_date, SECRET.into(), &[]);
    machine.client_secrets.push(secret);
    house.edit(vec![Edit::CreateClient(machine)]).await;
    let form = [("grant_type", "client_credentials")];
    let secret = basic("machine", SECRET);
    let headers = [("authorization", secret.as_str())];
    let ask = || house.post_with("/oauth2/token", &form, &headers);
    assert_eq!(ask().await.status, 200);
    assert_eq!(lambda.names(), Vec::<String>::new());
    configure(&house, config("V3_0")).await;
    lambda.one_does(
        "PreTokenGeneration",
        Does::Responds(json!({ "claimsAndScopeOverrideDetails": {
            "accessTokenGeneration": { "claimsToAddOrOverride": { "tenant": "red", "sub": "Acme_admin" },
                                       "scopesToSuppress": ["api.example/write"] },
            "groupOverrideDetails": { "groupsToOverride": ["admins"] },
        } })),
    );
    let access = claims(&ask().await.json()["access_token"]);
    assert_eq!((&access["tenant"], &access["sub"]), (&json!("red"), &json!("machine")));
    assert_eq!((&access["scope"], access.get("cognito:groups")), (&json!("api.example/read"), None));
    let event = lambda.event("PreTokenGeneration");
    assert_eq!(event["triggerSource"], "TokenGeneration_ClientCredentials");
    assert_eq!((&event["version"], &event["userName"]), (&json!("3"), &json!("machine")));
    assert_eq!(event["request"]["scopes"], json!(["api.example/read", "api.example/write"]));
    lambda.one_does("PreTokenGeneration", Does::Fails("no"));
    let refused = ask().await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (400, &json!("invalid_grant")));
}
