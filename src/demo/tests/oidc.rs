use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use async_trait::async_trait;
use poolgate_providers::fetch::{FetchError, Http};
use serde_json::{Value, json};

use super::{CALLBACK, CHALLENGE, Site, VERIFIER, changed, claims};
use crate::demo::oidc_idp::{self, OidcIdp};

const AUTHORIZE: [(&str, &str); 7] = [
    ("client_id", oidc_idp::CLIENT_ID),
    ("redirect_uri", CALLBACK),
    ("response_type", "code"),
    ("scope", "openid"),
    ("state", "s"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

fn site() -> Site<OidcIdp> {
    Site::new(oidc_idp::routes, |own| OidcIdp::new("http://127.0.0.1:9232", own).unwrap())
}

async fn code(site: &Site<OidcIdp>) -> String {
    let answer = site.post("/sign-in", &changed(&AUTHORIZE, &[("person", "ada")])).await;
    answer.back("code").unwrap()
}

#[actix_web::test]
async fn the_simulated_oidc_provider_refuses_what_a_real_one_refuses() {
    let site = site();
    for change in [
        ("client_id", "somebody"),
        ("redirect_uri", "http://evil.example/oauth2/idpresponse"),
        ("response_type", "token"),
        ("scope", "email"),
        ("code_challenge_method", "plain"),
        ("person", "mallory"),
    ] {
        let answer =
            site.post("/sign-in", &changed(&changed(&AUTHORIZE, &[("person", "ada")]), &[change])).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{change:?}");
    }
    let secret = site.idp.client_secret();
    let good = [
        ("grant_type", "authorization_code"),
        ("client_id", oidc_idp::CLIENT_ID),
        ("client_secret", secret),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    for (name, value, error) in [
        ("client_secret", "wrong", "invalid_client"),
        ("redirect_uri", "http://localhost:9229/other", "invalid_grant"),
        ("code_verifier", CHALLENGE, "invalid_grant"),
        ("code_verifier", "", "invalid_grant"),
        ("grant_type", "password", "unsupported_grant_type"),
        ("code", "unknown", "invalid_grant"),
    ] {
        let code = code(&site).await;
        let pairs = changed(&changed(&good, &[("code", &code)]), &[(name, value)]);
        assert_eq!(site.post("/token", &pairs).await.json()["error"], error, "{name}");
    }
    let code = code(&site).await;
    let pairs = changed(&good, &[("code", &code)]);
    assert_eq!(site.post("/token", &pairs).await.status, StatusCode::OK);
    assert_eq!(site.post("/token", &pairs).await.json()["error"], "invalid_grant", "a code is used once");
}

/// Hears what the provider says behind the browser's back.
#[derive(Default)]
struct Gateway(Mutex<Vec<(String, String)>>);

#[async_trait]
impl Http for Gateway {
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
        let body = String::from_utf8(request.body().clone()).unwrap();
        self.0.lock().unwrap().push((request.uri().to_string(), body));
        Ok(http::Response::new(Vec::new()))
    }
}

async fn id_token(site: &Site<OidcIdp>) -> String {
    let code = code(site).await;
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", oidc_idp::CLIENT_ID),
        ("client_secret", site.idp.client_secret()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("code", &code),
    ];
    site.post("/token", &pairs).await.json()["id_token"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn the_simulated_oidc_provider_ends_a_session_for_its_own_hint_and_goes_to_the_registered_address() {
    let site = site();
    let hint = id_token(&site).await;
    let bye = "http://localhost:9229/oauth2/logoutresponse";
    let good = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", bye), ("state", "s")];
    let forged = format!("{}AAAA", &hint[..hint.len() - 4]);
    for change in [
        ("id_token_hint", ""),
        ("id_token_hint", "no.such.token"),
        ("id_token_hint", &forged),
        ("post_logout_redirect_uri", "http://evil.example/"),
    ] {
        let page = site.get("/end-session", &changed(&good, &[change])).await;
        page.is_page(StatusCode::BAD_REQUEST, "That did not work");
        assert!(site.get("/", &[]).await.body.contains("Sign out Ada Lovelace"), "{change:?}");
    }
    let back = site.get("/end-session", &good).await;
    assert_eq!(back.location().as_str(), format!("{bye}?state=s"));
    assert!(site.get("/", &[]).await.body.contains("Nobody is signed in"));
}

#[actix_web::test]
async fn whoever_signs_out_at_the_simulated_oidc_provider_is_announced_to_its_client() {
    let gateway = Arc::new(Gateway::default());
    let heard: Arc<dyn Http> = gateway.clone();
    let site = Site::new(oidc_idp::routes, |own| {
        OidcIdp::new("http://127.0.0.1:9232", own).unwrap().reaching(heard)
    });
    let sid = claims(&id_token(&site).await)["sid"].as_str().unwrap().to_owned();
    assert_eq!(site.post("/sign-out", &[("sid", &sid)]).await.status, StatusCode::SEE_OTHER);
    let (to, body) = gateway.0.lock().unwrap().remove(0);
    assert_eq!(to, "http://localhost:9229/oauth2/backchannel-logout");
    let token: Value = claims(body.strip_prefix("logout_token=").unwrap());
    assert_eq!(
        (&token["sid"], &token["sub"], &token["aud"]),
        (&json!(sid), &json!("ada"), &json!(oidc_idp::CLIENT_ID))
    );
    assert_eq!(token["events"], json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
    assert!(token["jti"].is_string() && token["exp"].is_i64() && token.get("nonce").is_none());
    let again = site.post("/sign-out", &[("sid", &sid)]).await;
    again.is_page(StatusCode::BAD_REQUEST, "There is no such session");
}
