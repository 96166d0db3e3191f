//! What a signed-in user may do with an access token.

use super::users::{furnished, value};
use super::*;
use crate::tokens::{self, Granted, Holder, Occasion};

const ADMIN: &str = "aws.cognito.signin.user.admin";

/// A pool, a client of it, and its user `Corp_a`.
struct Home {
    world: World,
    pool: String,
    client: String,
    this: Value,
}

impl Home {
    async fn new() -> Self {
        let world = World::new().await;
        let (pool, this) = furnished(&world).await;
        let wish = json!({ "UserPoolId": pool, "ClientName": "app" });
        let made = world.ok("CreateUserPoolClient", wish).await;
        let client = made["UserPoolClient"]["ClientId"].as_str().unwrap().to_owned();
        Self { world, pool, client, this }
    }

    /// An access token of `Corp_a`, whose sign-in began before what comes next.
    async fn token(&self, scope: &str) -> String {
        let core = &self.world.api.core;
        let snapshot = core.registry.snapshot();
        let pool = snapshot.pool(&self.pool).unwrap();
        let user = core.directory.user(&self.pool, "Corp_a").await.unwrap().unwrap();
        let granted = Granted {
            scopes: vec![scope.to_owned()],
            auth_time: NOW.unix_timestamp(),
            origin_jti: core.timed_uuid(),
            event_id: core.uuid(),
            nonce: None,
            resource: None,
            provenance: None,
        };
        let holder = Holder { pool, client: pool.client(&self.client).unwrap(), user: &user };
        tokens::mint(core, holder, &granted, Occasion::HostedAuth).await.unwrap().access_token
    }

    async fn change_client(&self, more: Value) {
        let this = json!({ "UserPoolId": self.pool, "ClientId": self.client });
        self.world.ok("UpdateUserPoolClient", merged(this, more)).await;
    }

    /// Every operation that takes an access token, with members that are good.
    fn operations(token: &str) -> [(&'static str, Value); 5] {
        let token = json!({ "AccessToken": token });
        [
            ("GetUser", token.clone()),
            (
                "UpdateUserAttributes",
                merged(token.clone(), json!({ "UserAttributes": [{ "Name": "name", "Value": "Ann" }] })),
            ),
            ("DeleteUserAttributes", merged(token.clone(), json!({ "UserAttributeNames": ["name"] }))),
            ("DeleteUser", token.clone()),
            ("GlobalSignOut", token),
        ]
    }

    /// Every operation refuses this token so.
    async fn refuses(&self, token: &str, expected: (&str, &str)) {
        for (operation, input) in Self::operations(token) {
            let (name, text) = self.world.refused(operation, input).await;
            // The model does not let GlobalSignOut say that there is no such user.
            let expected = match (operation, expected) {
                ("GlobalSignOut", ("UserNotFoundException", _)) => {
                    ("NotAuthorizedException", "Access Token has been revoked")
                }
                _ => expected,
            };
            assert_eq!((name, &*text), expected, "{operation}");
        }
    }
}

fn names(answer: &Value) -> Vec<&str> {
    let attributes = answer["UserAttributes"].as_array().unwrap().iter();
    attributes.map(|one| one["Name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_user_reads_what_the_client_may_read() {
    let home = Home::new().await;
    let token = json!({ "AccessToken": home.token(ADMIN).await });
    let note = json!({ "UserAttributes": [{ "Name": "dev:custom:note", "Value": "for developers" }] });
    home.world.ok("AdminUpdateUserAttributes", merged(home.this.clone(), note)).await;
    let all = home.world.ok("GetUser", token.clone()).await;
    assert_eq!(all["Username"], "Corp_a");
    assert_eq!(names(&all), ["sub", "email", "given_name", "identities"]);
    home.change_client(json!({ "ReadAttributes": ["given_name"] })).await;
    let few = home.world.ok("GetUser", token).await;
    assert_eq!(names(&few), ["sub", "given_name"]);
}

#[tokio::test]
async fn a_user_writes_what_the_client_may_write() {
    let home = Home::new().await;
    home.change_client(json!({ "WriteAttributes": ["email", "given_name", "custom:level"] })).await;
    let token = home.token(ADMIN).await;
    let update = |attributes: Value| json!({ "AccessToken": token, "UserAttributes": attributes });
    let verified = json!({ "UserAttributes": [{ "Name": "email_verified", "Value": "true" }] });
    home.world.ok("AdminUpdateUserAttributes", merged(home.this.clone(), verified)).await;
    let wish = update(json!([
        { "Name": "given_name", "Value": "" }, { "Name": "email", "Value": "new@corp.example" },
        { "Name": "custom:level", "Value": "3" },
    ]));
    let done = home.world.ok("UpdateUserAttributes", wish).await;
    assert_eq!(done, json!({ "CodeDeliveryDetailsList": [] }));
    for (name, expected) in [
        ("given_name", None),
        ("email", Some("new@corp.example")),
        ("email_verified", Some("false")),
        ("custom:level", Some("3")),
    ] {
        assert_eq!(value(&home.world, &home.this, name).await.as_deref(), expected, "{name}");
    }
    for (attribute, expected) in [
        ("nickname", "NotAuthorizedException"),
        ("email_verified", "NotAuthorizedException"),
        ("phone_number_verified", "NotAuthorizedException"),
        ("custom:none", "InvalidParameterException"),
        ("custom:badge", "InvalidParameterException"),
        ("sub", "InvalidParameterException"),
        ("identities", "InvalidParameterException"),
    ] {
        let one = update(json!([{ "Name": attribute, "Value": "true" }]));
        assert_eq!(home.world.refused("UpdateUserAttributes", one).await.0, expected, "{attribute}");
        let gone = json!({ "AccessToken": token, "UserAttributeNames": [attribute] });
        assert_eq!(home.world.refused("DeleteUserAttributes", gone).await.0, expected, "{attribute}");
    }
    let gone = |name: &str| json!({ "AccessToken": token, "UserAttributeNames": [name] });
    assert_eq!(home.world.ok("DeleteUserAttributes", gone("custom:level")).await, json!({}));
    assert_eq!(value(&home.world, &home.this, "custom:level").await, None);
    let refused = home.world.refused("DeleteUserAttributes", gone("email")).await;
    assert_eq!(refused.0, "InvalidParameterException", "it is required");
}

#[tokio::test]
async fn an_address_that_must_be_verified_first_is_not_replaced() {
    let home = Home::new().await;
    let settings = json!({ "AttributesRequireVerificationBeforeUpdate": ["email"] });
    let change = json!({ "UserPoolId": home.pool, "UserAttributeUpdateSettings": settings,
                         "AutoVerifiedAttributes": ["email"] });
    home.world.ok("UpdateUserPool", change).await;
    let token = home.token(ADMIN).await;
    let update = |email: &str| {
        json!({ "AccessToken": token, "UserAttributes": [
            { "Name": "email", "Value": email }, { "Name": "name", "Value": "Ann" }] })
    };
    let (name, text) = home.world.refused("UpdateUserAttributes", update("new@corp.example")).await;
    assert_eq!(name, "UnsupportedOperationException", "{text}");
    assert_eq!(value(&home.world, &home.this, "email").await.as_deref(), Some("a@corp.example"));
    home.world.ok("UpdateUserAttributes", update("a@corp.example")).await;
    assert_eq!(value(&home.world, &home.this, "name").await.as_deref(), Some("Ann"));
}

#[tokio::test]
async fn a_token_without_the_scope_does_nothing() {
    let home = Home::new().await;
    let token = home.token("openid").await;
    home.refuses(&token, ("NotAuthorizedException", "Access Token does not have required scopes")).await;
}

#[tokio::test]
async fn a_token_that_is_none_of_ours_does_nothing() {
    let home = Home::new().await;
    let token = home.token(ADMIN).await;
    let (head, rest) = token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let core = &home.world.api.core;
    let snapshot = core.registry.snapshot();
    let keys = &snapshot.pool(&home.pool).unwrap().keys;
    let claims = |change: Value| {
        use base64::Engine as _;
        let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
        merged(serde_json::from_slice(&payload).unwrap(), change).to_string()
    };
    let signed = |change: Value| keys.access_token(core.now()).sign_jwt(claims(change).as_bytes()).unwrap();
    assert!(home.world.call("GetUser", json!({ "AccessToken": signed(json!({})) })).await.is_ok());
    let other = home.world.pool().await;
    let base = core.surface.public_url.as_str().trim_end_matches('/').to_owned();
    for bad in [
        "x".to_owned(),
        "a.b.c".to_owned(),
        format!("{head}.{payload}"),
        format!("{head}.{payload}.{}", signature.chars().rev().collect::<String>()),
        keys.id_token(core.now()).sign_jwt(claims(json!({})).as_bytes()).unwrap(),
        signed(json!({ "iss": format!("{base}/{other}") })),
        signed(json!({ "iss": format!("{base}/nowhere") })),
        signed(json!({ "iss": format!("https://evil.example/{}", home.pool) })),
        signed(json!({ "iss": home.pool })),
        signed(json!({ "token_use": "id" })),
        signed(json!({ "client_id": "nobody" })),
    ] {
        home.refuses(&bad, ("NotAuthorizedException", "Invalid Access Token")).await;
    }
    let expired = signed(json!({ "exp": NOW.unix_timestamp() }));
    home.refuses(&expired, ("NotAuthorizedException", "Access Token has expired")).await;
}

#[tokio::test]
async fn a_disabled_users_token_does_nothing_then_and_afterwards() {
    let home = Home::new().await;
    let token = home.token(ADMIN).await;
    home.world.ok("AdminDisableUser", home.this.clone()).await;
    home.refuses(&token, ("NotAuthorizedException", "User is disabled.")).await;
    home.world.ok("AdminEnableUser", home.this.clone()).await;
    home.refuses(&token, ("NotAuthorizedException", "Access Token has been revoked")).await;
}

#[tokio::test]
async fn a_sign_out_everywhere_ends_the_token_that_asked_for_it() {
    for by_admin in [false, true] {
        let home = Home::new().await;
        let token = home.token(ADMIN).await;
        let done = if by_admin {
            home.world.ok("AdminUserGlobalSignOut", home.this.clone()).await
        } else {
            home.world.ok("GlobalSignOut", json!({ "AccessToken": token })).await
        };
        assert_eq!(done, json!({}));
        home.refuses(&token, ("NotAuthorizedException", "Access Token has been revoked")).await;
    }
}

#[tokio::test]
async fn who_deleted_themselves_is_gone_and_whoever_comes_back_is_another() {
    let home = Home::new().await;
    let token = home.token(ADMIN).await;
    assert_eq!(home.world.ok("DeleteUser", json!({ "AccessToken": token })).await, json!({}));
    let gone = ("UserNotFoundException", "User does not exist.");
    home.refuses(&token, gone).await;
    // The same name, another sub.
    let mut again = crate::pool::FederatedProfile {
        new_sub: "00000000-0000-4000-8000-000000000099".to_owned(),
        ..profile(&home.pool)
    };
    again.at = NOW;
    let again = home.world.api.core.directory.sign_in(again).await.unwrap();
    assert_eq!(again.username, "Corp_a");
    home.refuses(&token, gone).await;
    assert_eq!(home.world.api.core.directory.user(&home.pool, "Corp_a").await.unwrap(), Some(again));
}

/// `Corp_a`, signing in.
fn profile(pool: &str) -> crate::pool::FederatedProfile {
    crate::pool::FederatedProfile {
        pool_id: pool.to_owned(),
        username: "Corp_a".to_owned(),
        new_sub: String::new(),
        identity: crate::pool::Identity {
            provider_name: "Corp".to_owned(),
            provider_type: "SAML".to_owned(),
            user_id: "a".to_owned(),
            issuer: None,
            primary: true,
            date_created: 0,
        },
        set: [("email".to_owned(), "a@corp.example".to_owned())].into(),
        remove: Vec::new(),
        recognised: std::collections::BTreeMap::new(),
        required: Vec::new(),
        immutable: Vec::new(),
        group: format!("{pool}_Corp"),
        mapped_groups: Vec::new(),
        session: None,
        may_sign_up: true,
        at: NOW,
    }
}

#[tokio::test]
async fn a_user_who_asks_too_often_waits_and_a_token_that_is_none_uses_up_nothing() {
    let mut home = Home::new().await;
    super::throttle::limit(&mut home.world, "user=1");
    let token = json!({ "AccessToken": home.token(ADMIN).await });
    let forged = json!({ "AccessToken": format!("{}x", token["AccessToken"].as_str().unwrap()) });
    for _ in 0..20 {
        home.world.refused("GetUser", forged.clone()).await;
    }
    for _ in 0..10 {
        home.world.ok("GetUser", token.clone()).await;
    }
    let another = json!({ "AccessToken": home.token(ADMIN).await });
    for token in [token, another] {
        assert_eq!(home.world.refused("GetUser", token).await.0, "TooManyRequestsException");
    }
}
