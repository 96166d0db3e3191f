//! The tokens, as clients that nobody here wrote see them, and what ends them.

use serde_json::{Value, json};

use crate::harness::{
    App, CALLBACK, Gateway, LOGGED_OUT, Oidc, Person, Pool, Saml, Tokens, claims, node, python,
};

async fn stage() -> (Gateway, Oidc, Pool, App) {
    let gateway = Gateway::start().await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let clients = json!([{
        "name": "app", "secret": true, "callbacks": [CALLBACK], "logouts": [LOGGED_OUT], "providers": ["Acme"],
        "scopes": ["openid", "email", "profile", "aws.cognito.signin.user.admin"],
    }]);
    let pool = gateway.provision(json!([oidc.provider("Acme")]), clients).await;
    let app = App::new(&pool, "app");
    (gateway, oidc, pool, app)
}

fn issuer(pool: &Pool) -> String {
    format!("{}/{}", pool.url, pool.id)
}

async fn with_pyjwt(pool: &Pool, app: &App, id: &str, access: &str) -> Value {
    let given =
        json!({"issuer": issuer(pool), "client_id": app.client_id, "id_token": id, "access_token": access});
    python("verify.py", &[&given.to_string()]).await
}

async fn with_aws_jwt_verify(pool: &Pool, app: &App, id: &str, access: &str) -> Value {
    let given =
        json!({"issuer": issuer(pool), "clientId": app.client_id, "idToken": id, "accessToken": access});
    node("verify.mjs", &[&given.to_string()]).await
}

fn words(value: &Value) -> Vec<&str> {
    let mut words: Vec<_> = value.as_str().unwrap().split(' ').collect();
    words.sort_unstable();
    words
}

#[tokio::test]
async fn tokens_of_a_saml_and_an_oidc_sign_in_verify_with_pyjwt_and_aws_jwt_verify() {
    let gateway = Gateway::start().await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let saml = Saml::start(&gateway.url()).await;
    let providers = json!([oidc.provider("Acme"), saml.provider("Corp", "both")]);
    let clients = json!([{"name": "app", "callbacks": [CALLBACK], "providers": ["Acme", "Corp"]}]);
    let pool = gateway.provision(providers, clients).await;
    let app = App::new(&pool, "app");
    for provider in ["Acme", "Corp"] {
        let tokens = app.sign_in(&Person::new(), &[("identity_provider", provider)]).await;
        let refreshed = app.refresh(&tokens.refresh).await;
        let fresh = |name: &str| refreshed[name].as_str().unwrap().to_owned();
        for (id, access) in [(tokens.id, tokens.access), (fresh("id_token"), fresh("access_token"))] {
            let python = with_pyjwt(&pool, &app, &id, &access).await;
            let node = with_aws_jwt_verify(&pool, &app, &id, &access).await;
            assert_eq!(python["id"], node["id"]);
            assert_eq!(python["access"], node["access"]);
            assert_eq!(python["access"]["version"], 2);
            assert_eq!(words(&python["access"]["scope"]), ["email", "openid", "profile"]);
            assert_eq!(python["access"]["username"], python["id"]["cognito:username"]);
            assert_eq!(python["access"]["origin_jti"], python["id"]["origin_jti"]);
            assert_eq!(python["access"]["event_id"], python["id"]["event_id"]);
            assert_ne!(python["headers"][0]["kid"], python["headers"][1]["kid"], "one key each");
        }
    }
}

#[tokio::test]
async fn discovery_names_addresses_on_the_pools_domain() {
    let (gateway, _oidc, pool, app) = stage().await;
    let get = async |url: String| -> Value {
        app.http().get(url).send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    };
    let discovery = get(format!("{}/.well-known/openid-configuration", issuer(&pool))).await;
    assert_eq!(discovery["issuer"], issuer(&pool));
    for (name, path) in [
        ("authorization_endpoint", "/oauth2/authorize"),
        ("token_endpoint", "/oauth2/token"),
        ("userinfo_endpoint", "/oauth2/userInfo"),
        ("revocation_endpoint", "/oauth2/revoke"),
        ("end_session_endpoint", "/logout"),
    ] {
        assert_eq!(discovery[name], format!("{}{path}", gateway.url()), "{name}");
    }
    assert_eq!(discovery["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(discovery["authorization_response_iss_parameter_supported"], true);
    let keys = get(discovery["jwks_uri"].as_str().unwrap().to_owned()).await;
    let keys = keys["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    for key in keys {
        assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&json!("RSA"), &json!("RS256"), &json!("sig")));
        assert!(key.get("d").is_none(), "a private key is published");
    }
}

#[tokio::test]
async fn the_answer_to_the_app_names_the_issuer() {
    let (_gateway, _oidc, pool, app) = stage().await;
    let landing = app.send(&Person::new(), &[]).await;
    assert_eq!(landing.query("iss"), Some(issuer(&pool)), "{landing:?}");
}

#[tokio::test]
async fn user_info_tells_what_the_scopes_allow() {
    let (_gateway, _oidc, _pool, app) = stage().await;
    let all = app.sign_in(&Person::new(), &[("scope", "openid email profile")]).await;
    let told: Value = app.user_info(&all.access).await.error_for_status().unwrap().json().await.unwrap();
    assert_eq!(told["sub"], claims(&all.id)["sub"]);
    assert_eq!(told["username"], "Acme_alice");
    assert_eq!(told["email"], "alice@example.com");
    assert_eq!(told["email_verified"], "true", "a string, as the reference has it");
    let narrow = app.sign_in(&Person::new(), &[("scope", "openid")]).await;
    let told: Value = app.user_info(&narrow.access).await.error_for_status().unwrap().json().await.unwrap();
    assert!(told.get("email").is_none(), "{told}");
}

#[tokio::test]
async fn a_refresh_gives_new_tokens_of_the_same_sign_in_and_no_refresh_token() {
    let (_gateway, _oidc, _pool, app) = stage().await;
    let Tokens { id, refresh, .. } = app.sign_in(&Person::new(), &[]).await;
    let fresh = app.refresh(&refresh).await;
    assert!(fresh.get("refresh_token").is_none(), "{fresh}");
    let (old, new) = (claims(&id), claims(fresh["id_token"].as_str().unwrap()));
    for same in ["sub", "origin_jti", "auth_time", "aud", "cognito:username", "iss"] {
        assert_eq!(old[same], new[same], "{same}");
    }
    assert_ne!(old["jti"], new["jti"]);
}

#[tokio::test]
async fn a_revoked_refresh_token_ends_its_family_and_no_other() {
    let (_gateway, _oidc, _pool, app) = stage().await;
    let person = Person::new();
    let (one, other) = (app.sign_in(&person, &[]).await, app.sign_in(&person, &[]).await);
    assert_eq!(app.revoke(&one.refresh).await, (200, String::new()));
    assert_eq!(app.revoke(&one.refresh).await, (200, String::new()), "twice is as good as once");
    let (status, answer) = app.try_refresh(&one.refresh).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
    assert_eq!(app.user_info(&one.access).await.status(), 401);
    assert_eq!(app.user_info(&other.access).await.status(), 200);
    app.refresh(&other.refresh).await;
}

#[tokio::test]
async fn a_code_used_twice_takes_back_what_it_gave() {
    let (_gateway, _oidc, _pool, app) = stage().await;
    let code = app.code(&app.send(&Person::new(), &[]).await);
    let tokens = app.redeem(&code).await;
    app.refresh(&tokens.refresh).await;
    let (status, answer) = app.token(&App::code_form(&code)).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
    assert_eq!(app.try_refresh(&tokens.refresh).await.0, 400);
    assert_eq!(app.user_info(&tokens.access).await.status(), 401);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_returns_to_the_app() {
    let (gateway, oidc, _pool, app) = stage().await;
    let person = Person::new();
    app.sign_in(&person, &[]).await;
    let url =
        format!("{}/logout?client_id={}&logout_uri={LOGGED_OUT}&state=a%2Fb", gateway.url(), app.client_id);
    let landing = person.open(&url, LOGGED_OUT).await;
    assert_eq!(landing.url.as_str().split('?').next(), Some(LOGGED_OUT));
    assert_eq!(landing.query("state").as_deref(), Some("a/b"));
    // Nobody is signed in any more: the next sign-in needs the provider, and the provider is asked.
    let next = person.open(&app.authorize_url(&[]), oidc.issuer()).await;
    assert!(next.url.as_str().starts_with(oidc.issuer()), "{next:?}");
}

#[tokio::test]
async fn a_session_and_a_code_outlive_an_orderly_restart() {
    let (mut gateway, oidc, _pool, app) = stage().await;
    let person = Person::new();
    let code = app.code(&app.send(&person, &[]).await);
    assert_eq!(gateway.stop().await, Some(0));
    gateway.restart().await;
    let tokens = app.redeem(&code).await;
    app.refresh(&tokens.refresh).await;
    drop(oidc);
    let second = app.sign_in(&person, &[]).await;
    assert_eq!(claims(&second.id)["sub"], claims(&tokens.id)["sub"]);
}

#[tokio::test]
async fn a_user_who_was_deleted_cannot_refresh() {
    let (gateway, _oidc, pool, app) = stage().await;
    let tokens = app.sign_in(&Person::new(), &[]).await;
    gateway.call("admin_delete_user", json!({"UserPoolId": pool.id, "Username": "Acme_alice"})).await;
    let (status, answer) = app.try_refresh(&tokens.refresh).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
    assert_eq!(app.user_info(&tokens.access).await.status(), 401);
}

#[tokio::test]
async fn the_implicit_flow_answers_in_the_fragment() {
    let gateway = Gateway::start().await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let clients =
        json!([{"name": "app", "callbacks": [CALLBACK], "providers": ["Acme"], "flows": ["implicit"]}]);
    let pool = gateway.provision(json!([oidc.provider("Acme")]), clients).await;
    let app = App::new(&pool, "app");
    let url = format!(
        "{}/oauth2/authorize?client_id={}&response_type=token&redirect_uri={}&state=s%2Ft&nonce=n",
        gateway.url(),
        app.client_id,
        url::form_urlencoded::byte_serialize(CALLBACK.as_bytes()).collect::<String>(),
    );
    let landing = Person::new().open(&url, CALLBACK).await;
    assert_eq!(landing.fragment("token_type").as_deref(), Some("bearer"), "{landing:?}");
    assert_eq!(landing.fragment("state").as_deref(), Some("s/t"));
    assert_eq!(landing.fragment("expires_in").as_deref(), Some("3600"));
    assert_eq!(landing.fragment("refresh_token"), None);
    let (id, access) = (landing.fragment("id_token").unwrap(), landing.fragment("access_token").unwrap());
    with_pyjwt(&pool, &app, &id, &access).await;
}
