use actix_web::http::StatusCode;

use super::{CALLBACK, CHALLENGE, Site, VERIFIER, changed};
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
        let answer = site.post("/sign-in", &changed(&changed(&AUTHORIZE, &[("person", "ada")]), &[change])).await;
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
