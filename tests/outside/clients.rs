//! OpenID clients that nobody here wrote, told nothing but the issuer: the rest is in the discovery document.

use serde_json::{Value, json};

use crate::harness::{Gateway, LOGGED_OUT, Oidc, Pool, node, python};

struct Stage {
    _gateway: Gateway,
    _oidc: Oidc,
    pool: Pool,
}

/// Without a query: openid-client takes the address that it was answered at, without one, for the `redirect_uri`.
const CALLBACK: &str = "http://localhost:3000/callback";

async fn stage() -> Stage {
    let gateway = Gateway::start().await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let client = |name: &str, secret: bool| {
        json!({
            "name": name, "secret": secret, "callbacks": [CALLBACK], "logouts": [LOGGED_OUT],
            "providers": ["Acme"],
        })
    };
    let clients = json!([client("server", true), client("public", false)]);
    let pool = gateway.provision(json!([oidc.provider("Acme")]), clients).await;
    Stage { _gateway: gateway, _oidc: oidc, pool }
}

impl Stage {
    fn issuer(&self) -> String {
        format!("{}/{}", self.pool.url, self.pool.id)
    }

    /// What came of a sign-in, a refresh, a revocation and a sign-out.
    fn went_well(&self, client: &str, told: &Value) {
        let claims = &told["claims"];
        assert_eq!(claims["iss"], self.issuer(), "{told}");
        assert_eq!(claims["aud"], self.pool.clients[client]["id"], "{told}");
        assert_eq!(claims["cognito:username"], "Acme_alice", "{told}");
        assert_eq!(told["userinfo"]["sub"], claims["sub"], "{told}");
        assert_eq!(told["userinfo"]["email"], "alice@example.com", "{told}");
        let refreshed = told["refreshed"].as_object().unwrap();
        assert!(refreshed.contains_key("access_token") && refreshed.contains_key("id_token"), "{told}");
        assert_eq!(told["after"]["refresh"], "invalid_grant", "revoked: {told}");
        assert_eq!(told["after"]["session"], "login_required", "signed out: {told}");
    }
}

#[tokio::test]
async fn openid_client_needs_the_issuer_alone() {
    let stage = stage().await;
    for (client, method) in
        [("server", "ClientSecretPost"), ("server", "ClientSecretBasic"), ("public", "None")]
    {
        let app = &stage.pool.clients[client];
        let given = json!({
            "issuer": stage.issuer(), "clientId": app["id"], "clientSecret": app["secret"], "method": method,
            "callback": CALLBACK, "loggedOut": LOGGED_OUT,
        });
        let told = node("openid-client.mjs", &[&given.to_string()]).await;
        stage.went_well(client, &told);
        assert_eq!(told["after"]["userinfo"], "OAUTH_WWW_AUTHENTICATE_CHALLENGE", "401: {told}");
    }
}

#[tokio::test]
async fn authlib_needs_the_issuer_alone() {
    let stage = stage().await;
    for client in ["server", "public"] {
        let app = &stage.pool.clients[client];
        let given = json!({
            "issuer": stage.issuer(), "client_id": app["id"], "client_secret": app["secret"],
            "callback": CALLBACK, "logged_out": LOGGED_OUT,
        });
        let told = python("authlib_app.py", &[&given.to_string()]).await;
        stage.went_well(client, &told);
        assert_eq!(told["after"]["userinfo"], 401, "{told}");
    }
}
