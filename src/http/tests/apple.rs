//! Sign in with Apple through the gateway: the form that the browser posts, and the name that comes once.

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};

use super::house::{Answer, Browser, House};
use super::provider;
use crate::registry::Edit;
use crate::testing;

/// A house where `app` offers Apple, which runs at `apple.example`; it removes what a provider no longer sends.
async fn with_apple() -> House {
    let house = House::build().await;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    let apple = json!({
        "ProviderType": "SignInWithApple",
        "ProviderDetails": {
            "client_id": provider::CLIENT, "team_id": "DEF123GHIJ", "key_id": "ABC123DEFG", "private_key": key,
            "authorize_scopes": "email name", "missing_attributes": "remove",
            "oidc_issuer": "https://apple.example", "authorize_url": "https://apple.example/auth",
            "token_url": "https://apple.example/token", "jwks_uri": "https://apple.example/keys",
        },
        "AttributeMapping": { "email": "email", "name": "name" },
    });
    house.edit(vec![Edit::CreateProvider(testing::provider("Apple", apple))]).await;
    house.change_client("app", |client| client.supported_identity_providers.push("Apple".to_owned())).await;
    house
}

/// Signs jane in; `user` is the field that only the first sign-in has.
async fn sign_in(house: &House, user: Option<&str>) -> Answer {
    let mut browser = Browser::default();
    let asked = [("identity_provider", "Apple"), ("scope", "openid email profile")];
    let leaving = house.authorize(&mut browser, &asked).await;
    assert_eq!(leaving.told("response_mode").as_deref(), Some("form_post"));
    let (state, nonce) = (leaving.told("state").unwrap(), leaving.told("nonce").unwrap());
    let person = json!({ "sub": "001.jane", "email": "jane@acme.example", "nonce": nonce });
    let code = provider::code(&person);
    let mut form = vec![("state", state.as_str()), ("code", &code)];
    form.extend(user.map(|user| ("user", user)));
    // Apple's page posts across sites, so the cookie stays behind; our own page posts the same fields again.
    let hop = house.post_from(&mut Browser::default(), "/oauth2/idpresponse", &form).await;
    assert_eq!(hop.status, 200, "{hop:?}");
    assert_eq!(hop.body.contains("name=\"user\""), user.is_some(), "{hop:?}");
    house.post_from(&mut browser, "/oauth2/idpresponse?poolgate_same_site", &form).await.led_on()
}

async fn user(house: &House, answer: &Answer) -> Value {
    let tokens = house.redeem(&answer.code(), &[]).await.json();
    house.user_info(tokens["access_token"].as_str().unwrap()).await.json()
}

#[actix_web::test]
async fn the_name_that_apple_tells_once_stays() {
    let house = with_apple().await;
    let form = r#"{"name":{"firstName":"Jane","lastName":"Doe"},"email":"else@evil.example"}"#;
    let first = user(&house, &sign_in(&house, Some(form)).await).await;
    assert_eq!((&first["name"], &first["email"]), (&json!("Jane Doe"), &json!("jane@acme.example")));
    let later = user(&house, &sign_in(&house, None).await).await;
    assert_eq!(later, first, "missing_attributes=remove says nothing of what is told once");
}

#[actix_web::test]
async fn a_silent_sign_in_comes_back_to_the_app_without_apple() {
    let house = with_apple().await;
    let asked = [("identity_provider", "Apple"), ("prompt", "none")];
    let answer = house.authorize(&mut Browser::default(), &asked).await;
    assert_eq!(answer.told("error").as_deref(), Some("login_required"));
    assert!(answer.header("location").starts_with(super::house::CALLBACK), "{answer:?}");
}

#[actix_web::test]
async fn a_person_who_cancels_at_apple_is_an_access_denied() {
    let house = with_apple().await;
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[("identity_provider", "Apple")]).await;
    let state = leaving.told("state").unwrap();
    let form = [("state", state.as_str()), ("error", "user_cancelled_authorize")];
    let answer = house.post_from(&mut browser, "/oauth2/idpresponse?poolgate_same_site", &form).await;
    assert_eq!(answer.led_on().told("error").as_deref(), Some("access_denied"));
}
