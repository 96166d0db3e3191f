//! `client_credentials`: an app that acts for itself, for scopes of resource servers.

use serde_json::{Value, json};

use super::house::{Answer, Browser, House, ISSUER, SECRET, basic, claims};
use super::token::assert_refused;
use crate::pool::ClientSecret;
use crate::pool::OAuthFlow;
use crate::registry::Edit;
use crate::testing;

/// Client `machine` with a secret, and the scopes `api.example/read`, `/write` and the deleted `/gone`.
async fn house() -> House {
    let house = House::build().await;
    house.resource_server(&["read", "write", "secret"]).await;
    let mut machine = testing::client(json!({
        "ClientId": "machine", "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthScopes": ["api.example/write", "api.example/read", "api.example/gone"],
    }));
    let secret = ClientSecret::new("machine", machine.creation_date, SECRET.into(), &[]);
    machine.client_secrets.push(secret);
    house.edit(vec![Edit::CreateClient(machine)]).await;
    house
}

async fn ask(house: &House, more: &[(&str, &str)]) -> Answer {
    let secret = basic("machine", SECRET);
    let form = [&[("grant_type", "client_credentials")], more].concat();
    house.post_with("/oauth2/token", &form, &[("authorization", secret.as_str())]).await
}

async fn granted(house: &House, more: &[(&str, &str)]) -> Value {
    let answer = ask(house, more).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn scope(answer: &Value) -> Value {
    claims(&answer["access_token"])["scope"].clone()
}

#[actix_web::test]
async fn an_app_gets_an_access_token_of_its_own_and_nothing_else() {
    let house = house().await;
    let answer = granted(&house, &[("scope", "api.example/read")]).await;
    let members: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["access_token", "expires_in", "token_type"]);
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let now = house.state.context.now().unix_timestamp();
    let mut claims = claims(&answer["access_token"]);
    assert!(claims["jti"].is_string());
    claims.as_object_mut().unwrap().remove("jti");
    assert_eq!(
        claims,
        json!({"sub": "machine", "token_use": "access", "scope": "api.example/read", "auth_time": now, "iss": ISSUER,
               "exp": now + 3600, "iat": now, "version": 2, "client_id": "machine"})
    );
}

#[actix_web::test]
async fn who_asks_for_no_scope_gets_all_that_exist() {
    let house = house().await;
    assert_eq!(scope(&granted(&house, &[]).await), "api.example/write api.example/read");
    let asked = "api.example/read api.example/read  api.example/write";
    assert_eq!(scope(&granted(&house, &[("scope", asked)]).await), "api.example/read api.example/write");
}

#[actix_web::test]
async fn a_scope_that_was_deleted_is_ignored() {
    let house = house().await;
    let asked = [("scope", "api.example/gone api.example/read")];
    assert_eq!(scope(&granted(&house, &asked).await), "api.example/read");
    house.resource_server(&["write"]).await;
    assert_eq!(scope(&granted(&house, &[]).await), "api.example/write");
    assert_refused("nothing is left", &ask(&house, &asked).await, 400, "invalid_scope");
}

#[actix_web::test]
async fn a_scope_that_the_client_may_not_use_is_refused() {
    let house = house().await;
    for asked in
        ["api.example/secret", "api.example/read api.example/secret", "openid", "api.example/none", "read"]
    {
        assert_refused(asked, &ask(&house, &[("scope", asked)]).await, 400, "invalid_scope");
    }
    // However it came about: a scope about a user is for no app.
    house.change_client("machine", |client| client.allowed_oauth_scopes = vec!["openid".into()]).await;
    for asked in [vec![], vec![("scope", "openid")]] {
        assert_refused("openid", &ask(&house, &asked).await, 400, "invalid_scope");
    }
}

#[actix_web::test]
async fn only_a_client_with_this_grant_and_a_secret_gets_one() {
    let house = house().await;
    let form = [("grant_type", "client_credentials"), ("client_id", "machine")];
    assert_refused("no secret", &house.post_form("/oauth2/token", &form).await, 400, "invalid_client");
    let twice = [("scope", "api.example/read"), ("scope", "api.example/write")];
    assert_refused("scope twice", &ask(&house, &twice).await, 400, "invalid_request");
    house.change_client("machine", |client| client.allowed_oauth_flows = vec![OAuthFlow::Code]).await;
    assert_refused("another grant", &ask(&house, &[]).await, 400, "unauthorized_client");
    house
        .change_client("machine", |client| {
            client.allowed_oauth_flows = vec![OAuthFlow::ClientCredentials];
            client.client_secrets.clear();
        })
        .await;
    let public = house.post_form("/oauth2/token", &form).await;
    assert_refused("a public client", &public, 400, "unauthorized_client");
}

#[actix_web::test]
async fn a_token_of_an_app_is_nobodys() {
    let house = house().await;
    let answer = granted(&house, &[]).await;
    let token = answer["access_token"].as_str().unwrap();
    let info = house.user_info(token).await;
    assert_eq!(info.status, 401, "{info:?}");
    assert!(info.header("www-authenticate").contains("invalid_token"), "{info:?}");
    let context = &house.state.context;
    let snapshot = context.registry.snapshot();
    let pool = snapshot.pool(super::house::POOL).unwrap();
    assert!(crate::tokens::access::verify(context, pool, token).await.is_err());
}

#[actix_web::test]
async fn an_app_with_users_is_granted_scopes_of_resource_servers_beside_the_others() {
    let house = house().await;
    let both = ["openid", "email", "api.example/read", "api.example/gone"];
    house.change_client("app", |client| client.allowed_oauth_scopes = both.map(str::to_owned).to_vec()).await;
    let asked = "openid api.example/read api.example/secret api.example/gone";
    let tokens = house.tokens(&[("scope", asked)]).await;
    assert_eq!(
        scope(&tokens),
        "openid api.example/read",
        "known, but not this client's, or deleted: ignored"
    );
    let all = house.tokens(&[("scope", "")]).await;
    assert_eq!(scope(&all), "openid email api.example/read");
    let browser = &mut Browser::default();
    let unknown = house.authorize(browser, &[("scope", "openid api.example/none")]).await;
    assert_eq!(unknown.told("error").as_deref(), Some("invalid_scope"));
    house.resource_server(&["write"]).await;
    let refreshed = house.refresh("app", all["refresh_token"].as_str().unwrap()).await.json();
    assert_eq!(scope(&refreshed), "openid email", "deleted since");
}

#[actix_web::test]
async fn the_discovery_document_lists_the_pools_scopes_and_every_grant() {
    let house = house().await;
    let answer = house.get(&mut Browser::default(), "/.well-known/openid-configuration").await.json();
    assert_eq!(
        answer["scopes_supported"],
        json!([
            "openid",
            "email",
            "phone",
            "profile",
            "api.example/read",
            "api.example/write",
            "api.example/secret"
        ])
    );
    assert_eq!(
        answer["grant_types_supported"],
        json!(["authorization_code", "implicit", "refresh_token", "client_credentials"])
    );
}
