//! Google, Facebook, Amazon and Apple, looked at without anybody who signs in.

use serde_json::{Value, json};

use super::tests::{Desk, assert_lines};
use crate::keys::SigningKey;
use crate::keys::signing::generate_pkcs8;

fn file(desk: &Desk, kind: &str, details: Value, mapping: Value) -> String {
    let provider = json!({ "ProviderName": kind, "ProviderType": kind, "ProviderDetails": details,
                           "AttributeMapping": mapping });
    desk.write("social.json", &provider.to_string())
}

fn facebook(desk: &Desk) -> String {
    let details = json!({ "client_id": "123", "client_secret": "hush-hush", "api_version": "v25.0",
                          "authorize_scopes": "public_profile" });
    let mapping = json!({ "name": "name", "email": "email", "custom:team": "team" });
    file(desk, "Facebook", details, mapping)
}

#[tokio::test]
async fn facebook_is_told_by_its_addresses_fields_and_permissions() {
    let mut desk = Desk::new();
    let file = facebook(&desk);
    let away = "FAIL  [provider_unreachable] could not reach the token endpoint";
    assert_lines(&desk.told(&["--file", &file]).await, false, &[away]);

    desk.web.insert("https://graph.facebook.com/v25.0/oauth/access_token".into(), "{}".into());
    let report = desk.told(&["--file", &file]).await;
    let lines = [
        "Facebook (Facebook)",
        "client id 123",
        "scopes public_profile",
        "PKCE (S256): yes",
        "authorization endpoint https://www.facebook.com/v25.0/dialog/oauth",
        "profile endpoint https://graph.facebook.com/v25.0/me?fields=",
        "ok    the token endpoint is reached",
        "fields=id,email,name,team",
        "warn  email comes with the scope email, which is not asked for",
        "warn  team is nothing that Facebook documents",
        "email <- email",
    ];
    assert_lines(&report, true, &lines);
    for never in ["hush-hush", "name is nothing", "name comes with", "id is nothing"] {
        assert!(!report.text().contains(never), "{never}: {}", report.text());
    }
}

#[tokio::test]
async fn amazon_is_told_by_its_addresses_and_scopes() {
    let mut desk = Desk::new();
    let details = json!({ "client_id": "amzn1.c", "client_secret": "hush-hush", "pkce": "off",
                          "authorize_scopes": "profile:user_id" });
    let mapping = json!({ "name": "name", "custom:zip": "postal_code", "locale": "locale" });
    let file = file(&desk, "LoginWithAmazon", details, mapping);
    desk.web.insert("https://api.amazon.com/auth/o2/token".into(), "{}".into());
    let lines = [
        "scopes profile:user_id",
        "PKCE (S256): no",
        "authorization endpoint https://www.amazon.com/ap/oa",
        "profile endpoint https://api.amazon.com/user/profile",
        "ok    the token endpoint is reached",
        "warn  name comes with the scope profile, which is not asked for",
        "warn  postal_code comes with the scope postal_code, which is not asked for",
        "warn  locale is nothing that LoginWithAmazon documents",
    ];
    let report = desk.told(&["--file", &file]).await;
    assert_lines(&report, true, &lines);
    assert!(!report.text().contains("user_id comes with"), "{}", report.text());
}

#[tokio::test]
async fn google_is_told_by_its_keys_claims_and_fields() {
    let mut desk = Desk::new();
    let details = json!({ "client_id": "g.apps", "client_secret": "hush-hush",
                          "authorize_scopes": "openid https://www.googleapis.com/auth/userinfo.email \
                          https://www.googleapis.com/auth/user.birthday.read" });
    let mapping = json!({ "email": "email", "name": "name", "birthdate": "birthdays", "custom:x": "shoeSize",
                          "phone_number": "phoneNumbers" });
    let file = file(&desk, "Google", details, mapping);
    desk.web.insert("https://www.googleapis.com/oauth2/v4/token".into(), "{}".into());
    let keys = "https://www.googleapis.com/oauth2/v3/certs";
    assert_lines(&desk.told(&["--file", &file]).await, false, &["FAIL  [provider_unreachable]"]);
    let key = SigningKey::from_pkcs8(&generate_pkcs8().unwrap()).unwrap();
    desk.web.insert(keys.into(), json!({ "keys": [key.jwk()] }).to_string());
    let report = desk.told(&["--file", &file]).await;
    let lines = [
        "issuer https://accounts.google.com",
        "ok    the key set can be used",
        "personFields=birthdays,phoneNumbers",
        "warn  name comes with the scope profile, which is not asked for",
        "warn  phoneNumbers comes with the scope user.phonenumbers.read, which is not asked for",
        "warn  shoeSize is nothing that Google documents",
    ];
    assert_lines(&report, true, &lines);
    for never in ["hush-hush", "birthdays comes with", "email comes with"] {
        assert!(!report.text().contains(never), "{never}: {}", report.text());
    }
}

#[tokio::test]
async fn apple_is_told_by_its_keys_and_names() {
    let mut desk = Desk::new();
    let pem = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    let details = json!({ "client_id": "com.example.web", "team_id": "ABCDE12345", "key_id": "KEY1234567",
                          "private_key": pem, "authorize_scopes": "email" });
    let mapping = json!({ "email": "email", "name": "firstName", "picture": "picture" });
    let file = file(&desk, "SignInWithApple", details, mapping);
    desk.web.insert("https://appleid.apple.com/auth/token".into(), "{}".into());
    desk.web.insert("https://appleid.apple.com/auth/keys".into(), json!({ "keys": [] }).to_string());
    assert_lines(&desk.told(&["--file", &file]).await, false, &["FAIL  no key in the set fits"]);
    let key = SigningKey::from_pkcs8(&generate_pkcs8().unwrap()).unwrap();
    desk.web.insert("https://appleid.apple.com/auth/keys".into(), json!({ "keys": [key.jwk()] }).to_string());
    let report = desk.told(&["--file", &file]).await;
    let lines = [
        "scopes email",
        "issuer https://appleid.apple.com",
        "ok    the token endpoint is reached",
        "warn  firstName comes with the scope name, which is not asked for",
        "warn  picture is nothing that SignInWithApple documents",
    ];
    assert_lines(&report, true, &lines);
    assert!(!report.text().contains("PRIVATE KEY"), "{}", report.text());
}

#[tokio::test]
async fn a_captured_response_is_for_saml_alone() {
    let desk = Desk::new();
    let (file, response) = (facebook(&desk), desk.write("r", "PHg+"));
    let error = desk.run(&["--file", &file, "--response", &response]).await;
    assert!(error.unwrap_err().to_string().contains("--response is for SAML providers"));
}

#[tokio::test]
async fn a_mapping_that_facebook_cannot_be_asked_for_is_told_in_the_words_of_the_management_api() {
    let desk = Desk::new();
    let details = json!({ "client_id": "1", "client_secret": "hush-hush", "authorize_scopes": "email" });
    let file = file(&desk, "Facebook", details, json!({ "email": "email,name" }));
    let lines = ["create-identity-provider would be refused", "AttributeMapping.email"];
    assert_lines(&desk.told(&["--file", &file]).await, false, &lines);
}
