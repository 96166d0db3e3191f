//! The token operations of the management API, as apps and SDKs call them.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::Duration;

use super::house::{Browser, House, POOL, SECRET, claims, query};
use super::moods::Mood;
use crate::api::ApiError;

/// Client ids of the model have letters and digits only: `app` and `confidential` do.
async fn refresh(house: &House, client: &str, token: &str) -> Result<Value, ApiError> {
    let input = json!({"ClientId": client, "RefreshToken": token});
    house.call("GetTokensFromRefreshToken", input).await.map(|answer| answer["AuthenticationResult"].clone())
}

async fn initiate(house: &House, flow: &str, client: &str, parameters: Value) -> Result<Value, ApiError> {
    let input = json!({"AuthFlow": flow, "ClientId": client, "AuthParameters": parameters});
    house.call("InitiateAuth", input).await
}

fn refused(what: &str, answer: Result<Value, ApiError>, name: &str, says: &str) {
    let error = answer.err().unwrap_or_else(|| panic!("{what}: accepted"));
    assert_eq!(
        (error.status_and_name(), true),
        ((400, name), error.to_string().contains(says)),
        "{what}: {error}"
    );
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}"))
}

/// The refresh token of a sign-in of `confidential`.
async fn confidential(house: &House) -> String {
    let browser = &mut Browser::default();
    let code = house.sign_in(browser, &[("client_id", "confidential")]).await.code();
    let edits = [("client_id", "confidential"), ("client_secret", SECRET)];
    text(&house.redeem(&code, &edits).await.json(), "refresh_token").to_owned()
}

fn secret_hash(username: &str, client: &str, secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, format!("{username}{client}").as_bytes()))
}

#[actix_web::test]
async fn an_app_refreshes_without_a_signature() {
    let house = House::build().await;
    let first = house.tokens(&[]).await;
    house.advance(Duration::minutes(30));
    let second = refresh(&house, "app", text(&first, "refresh_token")).await.unwrap();
    let mut members: Vec<_> = second.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["AccessToken", "ExpiresIn", "IdToken", "TokenType"], "and no refresh token");
    assert_eq!((&second["TokenType"], &second["ExpiresIn"]), (&json!("Bearer"), &json!(3600)));
    for name in ["sub", "origin_jti", "auth_time", "event_id"] {
        assert_eq!(claims(&first["id_token"])[name], claims(&second["IdToken"])[name], "{name}");
    }
    assert_eq!(house.user_info(text(&second, "AccessToken")).await.status, 200);
    // Whether the client may use the OAuth endpoints does not matter here.
    house.change_client("app", |client| client.allowed_oauth_flows_user_pool_client = false).await;
    refresh(&house, "app", text(&first, "refresh_token")).await.unwrap();
}

#[actix_web::test]
async fn a_rotating_client_gets_a_new_refresh_token_and_the_name_of_a_reuse() {
    let house = House::build().await;
    house.rotate("app", 10).await;
    let first = house.tokens(&[]).await;
    let first = text(&first, "refresh_token");
    let second = refresh(&house, "app", first).await.unwrap();
    assert_ne!(text(&second, "RefreshToken"), first);
    refresh(&house, "app", first).await.unwrap();
    house.advance(Duration::seconds(10));
    refused("reuse", refresh(&house, "app", first).await, "RefreshTokenReuseException", "used before");
    let after = refresh(&house, "app", text(&second, "RefreshToken")).await;
    refused("the family", after, "NotAuthorizedException", "Refresh Token has been revoked");
    refused("again", refresh(&house, "app", first).await, "NotAuthorizedException", "has been revoked");
}

#[actix_web::test]
async fn a_refresh_token_that_is_not_good_says_why() {
    let house = House::build().await;
    let tokens = house.tokens(&[]).await;
    let token = text(&tokens, "refresh_token");
    let not = "NotAuthorizedException";
    refused("made up", refresh(&house, "app", "made.up").await, not, "Invalid Refresh Token");
    let access = text(&tokens, "access_token");
    refused("an access token", refresh(&house, "app", access).await, not, "Invalid Refresh Token");
    refused("another client", refresh(&house, "narrow", token).await, not, "Invalid Refresh Token");
    refused("nobody", refresh(&house, "nobody", token).await, "ResourceNotFoundException", "nobody");
    refused("no token", refresh(&house, "app", "").await, "InvalidParameterException", "refreshToken");
    house.directory.becomes(Mood::Disabled);
    refused("disabled", refresh(&house, "app", token).await, not, "User is disabled");
    house.directory.becomes(Mood::Revoked);
    refused("revoked", refresh(&house, "app", token).await, not, "Refresh Token has been revoked");
    house.directory.becomes(Mood::Well);
    house.advance(Duration::days(30));
    refused("late", refresh(&house, "app", token).await, not, "Refresh Token has expired");
    let tokens = house.tokens(&[]).await;
    house.state.context.directory.delete_user(POOL, "Acme_alice").await.unwrap();
    let gone = refresh(&house, "app", text(&tokens, "refresh_token")).await;
    refused("deleted", gone, "UserNotFoundException", "User does not exist");
    house.directory.becomes(Mood::Away);
    let away = refresh(&house, "app", token).await.unwrap_err();
    assert_eq!(away.status_and_name(), (503, "InternalErrorException"));
}

#[actix_web::test]
async fn a_client_with_a_secret_proves_itself_by_it() {
    let house = House::build().await;
    let token = confidential(&house).await;
    let call = async |operation: &str, name: &str, secret: Value| {
        let mut input = json!({"ClientId": "confidential", "ClientSecret": secret});
        input[name] = token.clone().into();
        house.call(operation, input).await
    };
    let wrong = json!("x".repeat(51));
    for secret in [Value::Null, wrong] {
        let answer = call("GetTokensFromRefreshToken", "RefreshToken", secret.clone()).await;
        refused("refresh", answer, "NotAuthorizedException", "ClientSecret");
        refused(
            "revoke",
            call("RevokeToken", "Token", secret).await,
            "UnauthorizedException",
            "ClientSecret",
        );
    }
    let input = json!({"ClientId": "app", "RefreshToken": token, "ClientSecret": SECRET});
    let public = house.call("GetTokensFromRefreshToken", input).await;
    refused("a public client", public, "NotAuthorizedException", "has no secret");
    call("GetTokensFromRefreshToken", "RefreshToken", json!(SECRET)).await.unwrap();
    call("RevokeToken", "Token", json!(SECRET)).await.unwrap();
    let after = call("GetTokensFromRefreshToken", "RefreshToken", json!(SECRET)).await;
    refused("it has ended", after, "NotAuthorizedException", "revoked");
}

#[actix_web::test]
async fn a_revoked_token_ends_its_whole_family_at_once() {
    let house = House::build().await;
    house.rotate("app", 60).await;
    let (ours, other) = (house.tokens(&[]).await, house.tokens(&[]).await);
    let second = refresh(&house, "app", text(&ours, "refresh_token")).await.unwrap();
    let input = json!({"ClientId": "app", "Token": ours["refresh_token"]});
    for _ in 0..2 {
        assert_eq!(house.call("RevokeToken", input.clone()).await.unwrap(), json!({}), "again is no error");
    }
    for token in [text(&ours, "refresh_token"), text(&second, "RefreshToken")] {
        refused("ended", refresh(&house, "app", token).await, "NotAuthorizedException", "revoked");
    }
    for token in [text(&ours, "access_token"), text(&second, "AccessToken")] {
        assert_eq!(house.user_info(token).await.status, 401);
    }
    refresh(&house, "app", text(&other, "refresh_token")).await.unwrap();
}

#[actix_web::test]
async fn a_revocation_that_cannot_be_done_says_why() {
    let house = House::build().await;
    let tokens = house.tokens(&[]).await;
    let revoke = async |client: &str, token: &Value| {
        house.call("RevokeToken", json!({"ClientId": client, "Token": token})).await
    };
    for name in ["access_token", "id_token"] {
        let answer = revoke("app", &tokens[name]).await;
        refused(name, answer, "UnsupportedTokenTypeException", "Only refresh tokens");
    }
    let stranger = revoke("nobody", &tokens["refresh_token"]).await;
    refused("unknown client", stranger, "UnauthorizedException", "nobody");
    assert_eq!(
        revoke("narrow", &tokens["refresh_token"]).await.unwrap(),
        json!({}),
        "another client's token"
    );
    refresh(&house, "app", text(&tokens, "refresh_token")).await.unwrap();
    house.change_client("app", |client| client.enable_token_revocation = Some(false)).await;
    let off = revoke("app", &tokens["refresh_token"]).await;
    refused("switched off", off, "UnsupportedOperationException", "EnableTokenRevocation");
}

#[actix_web::test]
async fn initiate_auth_refreshes_by_either_name_and_gives_no_refresh_token() {
    let house = House::build().await;
    let tokens = house.tokens(&[]).await;
    let parameters = json!({"REFRESH_TOKEN": tokens["refresh_token"]});
    for flow in ["REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"] {
        let answer = initiate(&house, flow, "app", parameters.clone()).await.unwrap();
        assert_eq!(answer["ChallengeParameters"], json!({}));
        let result = &answer["AuthenticationResult"];
        assert_eq!(result.get("RefreshToken"), None);
        assert_eq!(house.user_info(text(result, "AccessToken")).await.status, 200);
        let input =
            json!({"AuthFlow": flow, "ClientId": "app", "UserPoolId": POOL, "AuthParameters": parameters});
        let admin = house.call("AdminInitiateAuth", input).await.unwrap();
        assert_eq!(claims(&admin["AuthenticationResult"]["IdToken"])["aud"], "app");
    }
}

#[actix_web::test]
async fn initiate_auth_wants_the_secret_hash_of_a_client_with_a_secret() {
    let house = House::build().await;
    let token = confidential(&house).await;
    let with = async |hash: Option<String>| {
        let mut parameters = json!({"REFRESH_TOKEN": token});
        if let Some(hash) = hash {
            parameters["SECRET_HASH"] = hash.into();
        }
        initiate(&house, "REFRESH_TOKEN_AUTH", "confidential", parameters).await
    };
    let not = "NotAuthorizedException";
    refused("none", with(None).await, not, "SECRET_HASH was not received");
    for (what, hash) in [
        ("another user's", secret_hash("Acme_bob", "confidential", SECRET)),
        ("another client's", secret_hash("Acme_alice", "app", SECRET)),
        ("another secret's", secret_hash("Acme_alice", "confidential", "x")),
        ("the secret itself", SECRET.to_owned()),
    ] {
        refused(what, with(Some(hash)).await, not, "SecretHash does not match");
    }
    with(Some(secret_hash("Acme_alice", "confidential", SECRET))).await.unwrap();
    let tokens = house.tokens(&[]).await;
    let parameters = json!({"REFRESH_TOKEN": tokens["refresh_token"], "SECRET_HASH": "x"});
    let public = initiate(&house, "REFRESH_TOKEN_AUTH", "app", parameters).await;
    refused("a public client", public, not, "not configured for secret");
}

#[actix_web::test]
async fn initiate_auth_refuses_what_the_client_or_this_build_does_not_allow() {
    let house = House::build().await;
    let tokens = house.tokens(&[]).await;
    let parameters = json!({"REFRESH_TOKEN": tokens["refresh_token"]});
    let with = async |flow: &str| initiate(&house, flow, "app", parameters.clone()).await;
    let (invalid, unsupported) = ("InvalidParameterException", "UnsupportedOperationException");
    for flow in ["USER_SRP_AUTH", "USER_PASSWORD_AUTH", "CUSTOM_AUTH", "USER_AUTH"] {
        refused(flow, with(flow).await, unsupported, flow);
    }
    for flow in ["ADMIN_NO_SRP_AUTH", "ADMIN_USER_PASSWORD_AUTH"] {
        refused(flow, with(flow).await, invalid, "AdminInitiateAuth");
        let input = json!({"AuthFlow": flow, "ClientId": "app", "UserPoolId": POOL});
        refused(flow, house.call("AdminInitiateAuth", input).await, unsupported, flow);
    }
    let nothing = initiate(&house, "REFRESH_TOKEN_AUTH", "app", json!({})).await;
    refused("no token", nothing, invalid, "REFRESH_TOKEN");
    let nobody = initiate(&house, "REFRESH_TOKEN_AUTH", "nobody", parameters.clone()).await;
    refused("no client", nobody, "ResourceNotFoundException", "nobody");
    house.second_pool().await;
    for pool in ["us-east-1_Tests0002", "us-east-1_Nobody00"] {
        let input = json!({"AuthFlow": "REFRESH_TOKEN_AUTH", "ClientId": "app", "UserPoolId": pool,
                           "AuthParameters": parameters});
        refused(
            pool,
            house.call("AdminInitiateAuth", input).await,
            "ResourceNotFoundException",
            "does not exist",
        );
    }
    let flows = async |flows: Value| {
        house
            .change_client("app", |client| drop(client.rest.insert("ExplicitAuthFlows".into(), flows)))
            .await;
        with("REFRESH_TOKEN_AUTH").await
    };
    refused("not allowed", flows(json!(["ALLOW_USER_SRP_AUTH"])).await, invalid, "ALLOW_REFRESH_TOKEN_AUTH");
    for allowed in [json!([]), json!(["ALLOW_REFRESH_TOKEN_AUTH"]), json!(["USER_PASSWORD_AUTH"])] {
        flows(allowed).await.unwrap();
    }
    refresh(&house, "app", text(&tokens, "refresh_token")).await.unwrap();
    house.rotate("app", 60).await;
    refused("rotating", with("REFRESH_TOKEN_AUTH").await, invalid, "GetTokensFromRefreshToken");
}

#[actix_web::test]
async fn a_refresh_over_http_needs_no_signature_and_an_administrators_does() {
    let house = House::build().await;
    let tokens = house.tokens(&[]).await;
    let post = async |operation: &str, input: Value| {
        let request = actix_web::test::TestRequest::post()
            .uri("/")
            .insert_header(("host", "localhost"))
            .insert_header(("x-amz-target", format!("AWSCognitoIdentityProviderService.{operation}")))
            .insert_header(("content-type", "application/x-amz-json-1.1"));
        house.send(request.set_payload(input.to_string())).await
    };
    let token = text(&tokens, "refresh_token");
    let good = post("GetTokensFromRefreshToken", json!({"ClientId": "app", "RefreshToken": token})).await;
    assert_eq!(good.status, 200, "{good:?}");
    assert_eq!(good.header("access-control-allow-origin"), "*");
    let parameters = json!({"REFRESH_TOKEN": token});
    let flow = json!({"AuthFlow": "REFRESH_TOKEN_AUTH", "ClientId": "app", "AuthParameters": parameters});
    assert_eq!(post("InitiateAuth", flow.clone()).await.status, 200);
    let mut admin = flow;
    admin["UserPoolId"] = POOL.into();
    let refused = post("AdminInitiateAuth", admin).await;
    assert_eq!(refused.header("x-amzn-errortype"), "MissingAuthenticationTokenException", "{refused:?}");
    let gone = post("RevokeToken", json!({"ClientId": "app", "Token": token})).await;
    assert_eq!((gone.status.as_u16(), gone.body.as_str()), (200, "{}"));
    let form = query(&[("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", token)]);
    assert!(!form.is_empty());
    assert_eq!(house.refresh("app", token).await.status, 400);
}
