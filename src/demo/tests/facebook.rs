use actix_web::http::StatusCode;
use aws_lc_rs::hmac;
use serde_json::{Value, json};
use time::Duration;

use super::{Answer, CALLBACK, CHALLENGE, Site, VERIFIER, changed};
use crate::demo::facebook_idp::{self, FacebookIdp, user_id};
use crate::demo::people;

const BASE: &str = "http://127.0.0.1:9235";
const AUTHORIZE: [(&str, &str); 7] = [
    ("client_id", facebook_idp::CLIENT_ID),
    ("redirect_uri", CALLBACK),
    ("response_type", "code"),
    ("scope", "public_profile,email"),
    ("state", "s"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

fn site() -> Site<FacebookIdp> {
    Site::new(facebook_idp::routes, |own| FacebookIdp::new(BASE, own).unwrap())
}

async fn sign_in(site: &Site<FacebookIdp>, changes: &[(&str, &str)]) -> Answer {
    site.post("/sign-in", &changed(&changed(&AUTHORIZE, &[("person", "ada")]), changes)).await
}

async fn redeem(site: &Site<FacebookIdp>, code: &str, changes: &[(&str, &str)]) -> Answer {
    let good = [
        ("client_id", facebook_idp::CLIENT_ID),
        ("client_secret", site.idp.client_secret()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("code", code),
    ];
    site.get("/v17.0/oauth/access_token", &changed(&good, changes)).await
}

async fn token(site: &Site<FacebookIdp>, scope: &str) -> String {
    let code = sign_in(site, &[("scope", scope)]).await.back("code").unwrap();
    redeem(site, &code, &[]).await.json()["access_token"].as_str().unwrap().to_owned()
}

fn proof(site: &Site<FacebookIdp>, token: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, site.idp.client_secret().as_bytes());
    hmac::sign(&key, token.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_error(answer: &Answer, kind: &str, code: u16, saying: &str) {
    let (body, status) = (answer.json(), answer.status);
    let error = &body["error"];
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    assert_eq!((&error["type"], &error["code"]), (&json!(kind), &json!(code)), "{body}");
    assert!(error["message"].as_str().unwrap().contains(saying), "{saying}: {body}");
    assert!(error["fbtrace_id"].is_string());
}

#[actix_web::test]
async fn facebook_shows_an_error_page_for_a_dialog_that_it_does_not_open() {
    let site = site();
    for (change, saying) in [
        (("client_id", "1"), "Invalid App ID"),
        (("redirect_uri", "http://evil.example/"), "URL Blocked"),
        (("redirect_uri", ""), "URL Blocked"),
        (("response_type", "token"), "response_type"),
        (("scope", "email,shoe_size"), "Invalid Scopes: shoe_size"),
        (("code_challenge_method", "S512"), "code_challenge_method"),
    ] {
        let page = site.get("/v17.0/dialog/oauth", &changed(&AUTHORIZE, &[change])).await;
        page.is_page(StatusCode::BAD_REQUEST, saying);
        sign_in(&site, &[change]).await.is_page(StatusCode::BAD_REQUEST, saying);
    }
    for version in ["v1.0", "v99.0", "v17", "17.0"] {
        let page = site.get(&format!("/{version}/dialog/oauth"), &AUTHORIZE).await;
        page.is_page(StatusCode::NOT_FOUND, "isn&#x27;t available");
    }
    for scope in ["public_profile,email", "public_profile email", "email", ""] {
        let page = site.get("/v17.0/dialog/oauth", &changed(&AUTHORIZE, &[("scope", scope)])).await;
        page.is_page(StatusCode::OK, "name and profile picture");
        assert_eq!(page.body.contains("e-mail address"), scope.contains("email"), "{scope}");
    }
}

#[actix_web::test]
async fn facebook_sends_the_browser_back_with_code_and_state_and_its_own_fragment() {
    let back = sign_in(&site(), &[]).await;
    assert!(back.back("code").unwrap().starts_with("AQ"));
    assert_eq!(back.back("state").unwrap(), "s");
    assert_eq!(back.location().fragment(), Some("_=_"));
}

#[actix_web::test]
async fn a_person_who_cancels_at_facebook_goes_back_with_its_four_error_parameters() {
    let back = sign_in(&site(), &[("cancel", "yes")]).await;
    for (name, value) in [
        ("error", "access_denied"),
        ("error_code", "200"),
        ("error_description", "Permissions error"),
        ("error_reason", "user_denied"),
        ("state", "s"),
    ] {
        assert_eq!(back.back(name).as_deref(), Some(value), "{name}");
    }
}

#[actix_web::test]
async fn facebook_redeems_a_code_once_by_get_for_the_app_it_was_given_to() {
    let site = site();
    for (change, code, saying) in [
        (("client_id", "1"), 101, "Error validating application"),
        (("client_id", ""), 101, "Missing client_id"),
        (("client_secret", "wrong"), 1, "Error validating client secret"),
        (("client_secret", ""), 1, "Error validating client secret"),
        (("redirect_uri", "http://localhost:9229/"), 100, "identical to the one you used"),
        (("redirect_uri", ""), 191, "Missing redirect_uri"),
        (("code_verifier", CHALLENGE), 100, "code_verifier"),
        (("code_verifier", ""), 100, "code_verifier"),
        (("code", "unknown"), 100, "Invalid verification code format"),
        (("code", ""), 1, "Missing authorization code"),
    ] {
        let granted = sign_in(&site, &[]).await.back("code").unwrap();
        is_error(&redeem(&site, &granted, &[change]).await, "OAuthException", code, saying);
    }
    let code = sign_in(&site, &[]).await.back("code").unwrap();
    let answer = redeem(&site, &code, &[]).await.json();
    assert!(answer["access_token"].as_str().unwrap().starts_with("EAA"));
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("bearer"), &json!(5_184_000)));
    is_error(&redeem(&site, &code, &[]).await, "OAuthException", 100, "has been used");
    let late = sign_in(&site, &[]).await.back("code").unwrap();
    site.hands.forward(Duration::minutes(6));
    is_error(&redeem(&site, &late, &[]).await, "OAuthException", 100, "has expired");
    let posted = site.post("/v17.0/oauth/access_token", &[]).await;
    is_error(&posted, "GraphMethodException", 100, "Unsupported post request");
    let unknown = site.get("/v99.0/oauth/access_token", &[]).await;
    is_error(&unknown, "OAuthException", 2_500, "Unknown path components");
}

#[actix_web::test]
async fn the_graph_opens_to_a_live_token_with_proof_of_the_app_secret() {
    let site = site();
    let token = token(&site, "email").await;
    let proof = proof(&site, &token);
    let me = |pairs: Vec<(&'static str, String)>| {
        let site = &site;
        async move {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
            site.get("/v17.0/me", &pairs).await
        }
    };
    let with = |token: &str, proof: &str| {
        vec![("access_token", token.to_owned()), ("appsecret_proof", proof.to_owned())]
    };
    is_error(&me(vec![]).await, "OAuthException", 2_500, "active access token");
    is_error(&me(with("EAAother", &proof)).await, "OAuthException", 190, "Cannot parse access token");
    let without = vec![("access_token", token.clone())];
    is_error(&me(without).await, "GraphMethodException", 100, "require an appsecret_proof");
    let other = proof.replace(&proof[..2], if proof.starts_with("00") { "01" } else { "00" });
    for wrong in [other.as_str(), &proof[..62], "zz"] {
        is_error(&me(with(&token, wrong)).await, "GraphMethodException", 100, "Invalid appsecret_proof");
    }
    let found = me(with(&token, &proof)).await.json();
    assert_eq!(found, json!({"id": user_id(people::find("ada").unwrap()), "name": "Ada Lovelace"}));
    let pairs = [("access_token", token.as_str()), ("appsecret_proof", &proof)];
    is_error(&site.get("/v99.0/me", &pairs).await, "OAuthException", 2_500, "Unknown path components");
    is_error(&site.post("/v17.0/me", &pairs).await, "GraphMethodException", 100, "Unsupported post request");
    site.hands.forward(Duration::days(60));
    let expired = me(with(&token, &proof)).await;
    is_error(&expired, "OAuthException", 190, "Session has expired");
    assert_eq!(expired.json()["error"]["error_subcode"], 463);
}

#[actix_web::test]
async fn the_graph_gives_the_fields_that_exist_and_were_agreed_to() {
    let site = site();
    let me = async |token: &str, fields: &str| -> Answer {
        let proof = proof(&site, token);
        let pairs = [("access_token", token), ("appsecret_proof", &proof), ("fields", fields)];
        site.get("/v17.0/me", &pairs).await
    };
    let fields = "email,first_name,last_name,picture,birthday";
    let full: Value = me(&token(&site, "email,user_birthday").await, fields).await.json();
    assert_eq!(full["id"], user_id(people::find("ada").unwrap()));
    assert_eq!(full["first_name"], "Ada");
    assert_eq!(full["email"], "ada@example.com");
    assert_eq!(full["birthday"], "12/10/1815");
    assert_eq!(full["picture"]["data"]["url"], format!("{BASE}/portrait/ada"));
    let little = me(&token(&site, "").await, fields).await.json();
    assert!(little.get("email").is_none() && little.get("birthday").is_none(), "{little}");
    let unknown = me(&token(&site, "").await, "id,shoe_size").await;
    is_error(&unknown, "OAuthException", 100, "(#100) Tried accessing nonexisting field (shoe_size)");
}
