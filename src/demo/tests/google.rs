use actix_web::http::StatusCode;
use serde_json::{Value, json};
use time::Duration;

use super::{Answer, CALLBACK, CHALLENGE, Site, VERIFIER, changed, claims, verified};
use crate::demo::google_idp::{self, GoogleIdp, subject};
use crate::demo::people;

const BASE: &str = "http://127.0.0.1:9234";
const BIRTHDAY: &str = "openid email profile https://www.googleapis.com/auth/user.birthday.read";
const AUTHORIZE: [(&str, &str); 8] = [
    ("client_id", google_idp::CLIENT_ID),
    ("redirect_uri", CALLBACK),
    ("response_type", "code"),
    ("scope", BIRTHDAY),
    ("state", "s"),
    ("nonce", "n"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

fn site() -> Site<GoogleIdp> {
    Site::new(google_idp::routes, |own| GoogleIdp::new(BASE, own).unwrap())
}

async fn sign_in(site: &Site<GoogleIdp>, changes: &[(&str, &str)]) -> Answer {
    site.post("/sign-in", &changed(&changed(&AUTHORIZE, &[("person", "ada")]), changes)).await
}

async fn redeem(site: &Site<GoogleIdp>, code: &str, changes: &[(&str, &str)]) -> Answer {
    let good = [
        ("grant_type", "authorization_code"),
        ("client_id", google_idp::CLIENT_ID),
        ("client_secret", site.idp.client_secret()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("code", code),
    ];
    site.post("/oauth2/v4/token", &changed(&good, changes)).await
}

/// The tokens of somebody who agreed to these scopes.
async fn tokens(site: &Site<GoogleIdp>, person: &str, scope: &str) -> Value {
    let code = sign_in(site, &[("person", person), ("scope", scope)]).await.back("code").unwrap();
    redeem(site, &code, &[]).await.json()
}

#[actix_web::test]
async fn google_shows_an_error_page_for_a_request_that_it_does_not_answer() {
    let site = site();
    for (changes, status, code) in [
        (&[("client_id", "somebody")][..], StatusCode::UNAUTHORIZED, "invalid_client"),
        (&[("client_id", "")], StatusCode::BAD_REQUEST, "invalid_request"),
        (&[("redirect_uri", "http://evil.example/")], StatusCode::BAD_REQUEST, "redirect_uri_mismatch"),
        (&[("redirect_uri", "")], StatusCode::BAD_REQUEST, "invalid_request"),
        (&[("response_type", "token")], StatusCode::BAD_REQUEST, "invalid_request"),
        (&[("response_type", "")], StatusCode::BAD_REQUEST, "invalid_request"),
        (&[("scope", "")], StatusCode::BAD_REQUEST, "invalid_request"),
        (&[("scope", "openid birthdays")], StatusCode::BAD_REQUEST, "invalid_scope"),
        (&[("scope", "openid,email")], StatusCode::BAD_REQUEST, "invalid_scope"),
        (&[("prompt", "login")], StatusCode::BAD_REQUEST, "invalid_request"),
        (&[("prompt", "none consent")], StatusCode::BAD_REQUEST, "invalid_request"),
        (&[("code_challenge_method", "S512")], StatusCode::BAD_REQUEST, "invalid_request"),
    ] {
        let pairs = changed(&AUTHORIZE, changes);
        site.get("/o/oauth2/v2/auth", &pairs).await.is_page(status, code);
        sign_in(&site, changes).await.is_page(status, code);
    }
    let twice = [&AUTHORIZE[..], &[("scope", "openid")]].concat();
    site.get("/o/oauth2/v2/auth", &twice).await.is_page(StatusCode::BAD_REQUEST, "invalid_request");
    site.get("/o/oauth2/v2/auth", &AUTHORIZE).await.is_page(StatusCode::OK, "Ada Lovelace");
}

#[actix_web::test]
async fn google_sends_the_browser_back_with_code_state_issuer_and_the_scopes_in_full() {
    let site = site();
    let back = sign_in(&site, &[("person", "grace")]).await;
    assert_eq!(back.back("state").unwrap(), "s");
    assert_eq!(back.back("iss").unwrap(), BASE);
    assert_eq!(back.back("hd").unwrap(), "example.com");
    assert!(back.back("code").unwrap().starts_with("4/0A"));
    assert!(back.back("scope").unwrap().contains("https://www.googleapis.com/auth/userinfo.email"));
}

#[actix_web::test]
async fn a_person_who_cancels_at_google_and_one_who_must_not_be_asked_go_back_with_an_error() {
    let site = site();
    let back = sign_in(&site, &[("cancel", "yes")]).await;
    assert_eq!(back.back("error").unwrap(), "access_denied");
    assert_eq!(back.back("state").unwrap(), "s");
    assert_eq!(back.back("code"), None);
    let silent = site.get("/o/oauth2/v2/auth", &changed(&AUTHORIZE, &[("prompt", "none")])).await;
    assert_eq!(silent.back("error").unwrap(), "login_required");
}

#[actix_web::test]
async fn google_offers_only_accounts_of_the_domain_that_was_asked_for() {
    let site = site();
    for (domain, grace, ada) in
        [("example.com", true, false), ("*", true, false), ("other.example", false, false)]
    {
        let page = site.get("/o/oauth2/v2/auth", &changed(&AUTHORIZE, &[("hd", domain)])).await;
        assert_eq!(page.body.contains("Grace Hopper"), grace, "{domain}");
        assert_eq!(page.body.contains("Ada Lovelace"), ada, "{domain}");
    }
    let other = sign_in(&site, &[("hd", "example.com"), ("person", "ada")]).await;
    other.is_page(StatusCode::BAD_REQUEST, "Choose one of the accounts");
    assert!(sign_in(&site, &[("hd", "example.com"), ("person", "grace")]).await.back("code").is_some());
}

#[actix_web::test]
async fn google_redeems_a_code_once_for_the_client_it_was_given_to() {
    let site = site();
    for (change, status, error, description) in [
        (("client_id", "somebody"), 401, "invalid_client", "The OAuth client was not found."),
        (("client_secret", "wrong"), 401, "invalid_client", "Unauthorized"),
        (("client_secret", ""), 401, "invalid_client", "Unauthorized"),
        (("grant_type", "password"), 400, "unsupported_grant_type", "Invalid grant_type: password"),
        (("redirect_uri", "http://localhost:9229/"), 400, "redirect_uri_mismatch", "Bad Request"),
        (("redirect_uri", ""), 400, "redirect_uri_mismatch", "Bad Request"),
        (("code_verifier", CHALLENGE), 400, "invalid_grant", "Invalid code verifier."),
        (("code_verifier", ""), 400, "invalid_grant", "Missing code verifier."),
        (("code", "unknown"), 400, "invalid_grant", "Malformed auth code."),
        (("code", "4/0Aunknown"), 400, "invalid_grant", "Bad Request"),
        (("code", ""), 400, "invalid_request", "Missing required parameter: code"),
    ] {
        let code = sign_in(&site, &[]).await.back("code").unwrap();
        let answer = redeem(&site, &code, &[change]).await;
        assert_eq!(answer.status.as_u16(), status, "{change:?}");
        assert_eq!(answer.json(), json!({"error": error, "error_description": description}), "{change:?}");
    }
    let code = sign_in(&site, &[]).await.back("code").unwrap();
    assert_eq!(redeem(&site, &code, &[]).await.status, StatusCode::OK);
    let again = redeem(&site, &code, &[]).await.json();
    assert_eq!(again, json!({"error": "invalid_grant", "error_description": "Bad Request"}));
    let late = sign_in(&site, &[]).await.back("code").unwrap();
    site.hands.forward(Duration::minutes(6));
    assert_eq!(redeem(&site, &late, &[]).await.json()["error"], "invalid_grant", "it has expired");
}

#[actix_web::test]
async fn google_s_id_token_says_what_the_scopes_allow() {
    let site = site();
    let answer = tokens(&site, "grace", BIRTHDAY).await;
    assert!(answer["access_token"].as_str().unwrap().starts_with("ya29."));
    assert_eq!((answer["token_type"].as_str(), answer["expires_in"].as_i64()), (Some("Bearer"), Some(3599)));
    let grace = claims(answer["id_token"].as_str().unwrap());
    for (name, expected) in [
        ("iss", json!(BASE)),
        ("aud", json!(google_idp::CLIENT_ID)),
        ("azp", json!(google_idp::CLIENT_ID)),
        ("sub", json!(subject(people::find("grace").unwrap()))),
        ("nonce", json!("n")),
        ("hd", json!("example.com")),
        ("email", json!("grace@example.com")),
        ("email_verified", json!(true)),
        ("given_name", json!("Grace")),
    ] {
        assert_eq!(grace[name], expected, "{name}");
    }
    let little = tokens(&site, "ada", "openid").await;
    let ada = claims(little["id_token"].as_str().unwrap());
    for name in ["hd", "email", "email_verified", "name", "given_name", "family_name", "picture"] {
        assert!(ada.get(name).is_none(), "{name}");
    }
    assert!(tokens(&site, "ada", "email").await.get("id_token").is_none(), "openid was not asked for");
}

#[actix_web::test]
async fn google_s_keys_rotate_and_the_one_before_stays_published() {
    let site = site();
    let signed = |answer: Value| answer["id_token"].as_str().unwrap().to_owned();
    let token = signed(tokens(&site, "ada", "openid").await);
    let published = async || site.get("/oauth2/v3/certs", &[]).await.json();
    assert_eq!(published().await["keys"].as_array().unwrap().len(), 2);
    assert!(verified(&token, &published().await).is_some());
    site.idp.rotate_keys().unwrap();
    let next = signed(tokens(&site, "ada", "openid").await);
    assert!(verified(&token, &published().await).is_some());
    assert!(verified(&next, &published().await).is_some());
    site.idp.rotate_keys().unwrap();
    assert!(verified(&token, &published().await).is_none(), "two are published");
}

#[actix_web::test]
async fn the_people_api_opens_to_a_live_token_with_a_fitting_scope_and_a_known_mask() {
    let site = site();
    let token = |answer: &Value| answer["access_token"].as_str().unwrap().to_owned();
    let full = token(&tokens(&site, "ada", BIRTHDAY).await);
    let bare = token(&tokens(&site, "ada", "openid").await);
    for (bearer, pairs, status, named) in [
        ("wrong", &[("personFields", "names")][..], 401, "UNAUTHENTICATED"),
        (bare.as_str(), &[("personFields", "names")], 403, "PERMISSION_DENIED"),
        (full.as_str(), &[], 400, "INVALID_ARGUMENT"),
        (full.as_str(), &[("personFields", "names,shoeSize")], 400, "INVALID_ARGUMENT"),
        (full.as_str(), &[("personFields", "names"), ("sources", "ANYWHERE")], 400, "INVALID_ARGUMENT"),
        (full.as_str(), &[("personFields", "names"), ("verbose", "1")], 400, "INVALID_ARGUMENT"),
    ] {
        let answer = site.get_as("/v1/people/me", pairs, bearer).await;
        assert_eq!(answer.status.as_u16(), status, "{pairs:?}");
        let error = &answer.json()["error"];
        assert_eq!((&error["code"], &error["status"]), (&json!(status), &json!(named)));
        assert!(error["message"].is_string());
    }
    let pairs = [("personFields", "birthdays,phoneNumbers,names")];
    let person = site.get_as("/v1/people/me", &pairs, &full).await.json();
    let id = subject(people::find("ada").unwrap());
    assert_eq!(person["resourceName"], format!("people/{id}"));
    assert_eq!(person["birthdays"][0]["date"], json!({"year": 1815, "month": 12, "day": 10}));
    assert_eq!(person["names"][0]["metadata"]["primary"], true);
    assert!(person.get("phoneNumbers").is_none(), "its scope was not granted");
    site.hands.forward(Duration::hours(1));
    assert_eq!(site.get_as("/v1/people/me", &pairs, &full).await.status, StatusCode::UNAUTHORIZED);
}
