//! Sign-in through an OpenID provider that nobody here wrote: npm oidc-provider, which is certified.

use serde_json::json;

use crate::harness::{App, CALLBACK, Gateway, LOGGED_OUT, Oidc, Person, Pool, claims};

async fn stage(auth_method: &str, details: serde_json::Value) -> (Gateway, Oidc, Pool, App) {
    let gateway = Gateway::start().await;
    let oidc = Oidc::start(&gateway.url(), auth_method).await;
    let mut provider = oidc.provider("Acme");
    for (key, value) in details.as_object().unwrap() {
        provider["details"][key] = value.clone();
    }
    let clients =
        json!([{"name": "app", "callbacks": [CALLBACK], "logouts": [LOGGED_OUT], "providers": ["Acme"]}]);
    let pool = gateway.provision(json!([provider]), clients).await;
    let app = App::new(&pool, "app");
    (gateway, oidc, pool, app)
}

#[tokio::test]
async fn a_person_signs_in_with_client_secret_post_and_pkce() {
    let (gateway, _oidc, pool, app) = stage("client_secret_post", json!({})).await;
    let tokens = app.sign_in(&Person::new(), &[("identity_provider", "Acme"), ("login_hint", "alice")]).await;
    let id = claims(&tokens.id);
    assert_eq!(id["cognito:username"], "Acme_alice");
    assert_eq!(id["email"], "alice@example.com");
    assert_eq!(id["email_verified"], true, "mapped from the provider's claim");
    assert_eq!(id["family_name"], "Ångström 😀");
    assert_eq!(id["identities"][0]["providerType"], "OIDC");
    assert!(id["identities"][0]["issuer"].is_null());
    assert_eq!(tokens.answer["token_type"], "Bearer");
    assert_eq!(tokens.answer["expires_in"], 3600);
    let users = gateway.call("list_users", json!({"UserPoolId": pool.id})).await;
    assert_eq!(users["Users"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_person_signs_in_with_client_secret_basic() {
    let details = json!({"token_endpoint_auth_method": "client_secret_basic"});
    let (_gateway, _oidc, _pool, app) = stage("client_secret_basic", details).await;
    let tokens = app.sign_in(&Person::new(), &[("identity_provider", "Acme")]).await;
    assert_eq!(claims(&tokens.id)["cognito:username"], "Acme_alice");
}

#[tokio::test]
async fn a_single_provider_needs_no_page() {
    let (_gateway, _oidc, _pool, app) = stage("client_secret_post", json!({})).await;
    let tokens = app.sign_in(&Person::new(), &[]).await;
    assert_eq!(claims(&tokens.id)["cognito:username"], "Acme_alice");
}

#[tokio::test]
async fn the_providers_answer_may_come_by_form_post() {
    let (_gateway, _oidc, _pool, app) =
        stage("client_secret_post", json!({"response_mode": "form_post"})).await;
    let tokens = app.sign_in(&Person::new(), &[]).await;
    assert_eq!(claims(&tokens.id)["cognito:username"], "Acme_alice");
}

#[tokio::test]
async fn explicit_endpoints_work_without_discovery() {
    let gateway = Gateway::start().await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let mut provider = oidc.provider("Acme");
    for (key, path) in
        [("authorize_url", "auth"), ("token_url", "token"), ("attributes_url", "me"), ("jwks_uri", "jwks")]
    {
        provider["details"][key] = format!("{}/{path}", oidc.issuer()).into();
    }
    let clients = json!([{"name": "app", "callbacks": [CALLBACK], "providers": ["Acme"]}]);
    let pool = gateway.provision(json!([provider]), clients).await;
    let tokens = App::new(&pool, "app").sign_in(&Person::new(), &[]).await;
    assert_eq!(claims(&tokens.id)["email"], "alice@example.com");
}

#[tokio::test]
async fn a_person_who_refuses_at_the_provider_comes_back_with_access_denied() {
    let (_gateway, _oidc, _pool, app) = stage("client_secret_post", json!({})).await;
    let landing = app.send(&Person::new(), &[("login_hint", "deny")]).await;
    assert_eq!(landing.query("error").as_deref(), Some("access_denied"), "{landing:?}");
    assert!(landing.query("state").is_some());
}

#[tokio::test]
async fn a_provider_that_is_gone_is_an_error_at_the_app_and_never_a_hang() {
    let (_gateway, oidc, _pool, app) = stage("client_secret_post", json!({})).await;
    let person = Person::new();
    let callback = format!("{}/oauth2/idpresponse", app.url);
    let answer = person.open(&app.authorize_url(&[]), &callback).await;
    assert!(answer.query("code").is_some(), "{answer:?}");
    drop(oidc);
    let landing = person.open(answer.url.as_str(), CALLBACK).await;
    assert_eq!(landing.query("error").as_deref(), Some("invalid_request"), "{landing:?}");
    assert!(landing.query("error_description").is_some());
}

#[tokio::test]
async fn a_provider_with_the_wrong_secret_signs_nobody_in() {
    let (_gateway, _oidc, _pool, app) = stage("client_secret_post", json!({"client_secret": "wrong"})).await;
    let landing = app.send(&Person::new(), &[]).await;
    assert_eq!(landing.query("error").as_deref(), Some("invalid_request"), "{landing:?}");
    let told = landing.query("error_description").unwrap();
    assert_eq!(told, "Acme Error - 401 error getting token");
}

#[tokio::test]
async fn an_answer_is_of_no_use_in_another_browser() {
    let (gateway, _oidc, pool, app) = stage("client_secret_post", json!({})).await;
    let callback = format!("{}/oauth2/idpresponse", app.url);
    let attacker = Person::new().open(&app.authorize_url(&[]), &callback).await;
    let landing = Person::new().open(attacker.url.as_str(), CALLBACK).await;
    // The page is at the address the attacker made, provider's code and all: no code of ours came of it.
    assert_eq!((landing.status, landing.url.path()), (400, "/oauth2/idpresponse"), "{landing:?}");
    let users = gateway.call("list_users", json!({"UserPoolId": pool.id})).await;
    assert_eq!(users["Users"], json!([]));
}
