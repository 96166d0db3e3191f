//! What is sent to Apple.

use super::*;
use crate::Inbound;

#[tokio::test]
async fn the_authorization_request_is_what_apple_documents() {
    let (fake, apple) = apple(&[]).await;
    let url = fake.begin(&apple).await.unwrap();
    assert_eq!(url.path(), "/auth/authorize");
    let expected = texts(&[
        ("response_type", "code"),
        ("response_mode", "form_post"),
        ("client_id", CLIENT),
        ("redirect_uri", "https://login.example.com/oauth2/idpresponse"),
        ("scope", "email name"),
        ("state", HANDLE),
        ("nonce", NONCE),
        ("code_challenge", "fD3GLJ_KzCDB0w6uDOSFNNdflrHwtv8Cizh6P5pJkfQ"),
        ("code_challenge_method", "S256"),
    ]);
    assert_eq!(unique(url.query_pairs().into_owned()), expected);
}

#[tokio::test]
async fn the_scopes_are_sent_as_configured() {
    for (scopes, sent) in [("name", "name"), ("email openid", "openid email"), ("email email", "email")] {
        let (fake, apple) = apple(&[("authorize_scopes", scopes)]).await;
        let query = unique(fake.begin(&apple).await.unwrap().query_pairs().into_owned());
        assert_eq!((query["scope"].as_str(), query["response_mode"].as_str()), (sent, "form_post"));
    }
}

#[tokio::test]
async fn what_apple_does_not_know_is_not_sent() {
    let (mut fake, apple) = apple(&[("pkce", "off")]).await;
    fake.facts.asked = Asked {
        prompt: vec![Prompt::Login, Prompt::SelectAccount],
        login_hint: Some("p@example.com".into()),
        max_age: Some(60),
        lang: Some("de".into()),
        acr_values: Some("gold".into()),
    };
    let query = unique(fake.begin(&apple).await.unwrap().query_pairs().into_owned());
    let names: Vec<&str> = query.keys().map(String::as_str).collect();
    let known = ["client_id", "nonce", "redirect_uri", "response_mode", "response_type", "scope", "state"];
    assert_eq!(names, known);
}

#[tokio::test]
async fn a_silent_sign_in_is_answered_without_leaving() {
    let (mut fake, apple) = apple(&[]).await;
    fake.facts.asked.prompt = vec![Prompt::None];
    assert!(matches!(fake.begin(&apple).await, Err(ProviderError::LoginRequired(_))));
}

#[tokio::test]
async fn the_code_is_redeemed_with_a_secret_signed_for_this_exchange() {
    let (fake, apple) = apple(&[]).await;
    fake.finish(&apple).await.unwrap();
    let mut form = fake.form("/token").await;
    let secret = form.remove("client_secret").unwrap();
    let expected = texts(&[
        ("grant_type", "authorization_code"),
        ("code", "code-1"),
        ("redirect_uri", "https://login.example.com/oauth2/idpresponse"),
        ("code_verifier", VERIFIER),
        ("client_id", CLIENT),
    ]);
    assert_eq!(form, expected);
    let parts: Vec<&str> = secret.split('.').collect();
    let part = |index: usize| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[index]).unwrap()).unwrap()
    };
    assert_eq!(part(0), json!({ "typ": "JWT", "alg": "ES256", "kid": "ABC123DEFG" }));
    let now = NOW.unix_timestamp();
    let claims =
        json!({ "iss": "DEF123GHIJ", "sub": CLIENT, "aud": fake.uri(), "iat": now, "exp": now + 300 });
    assert_eq!(part(1), claims);
    let pair = EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, key()).unwrap();
    let public = signature::KeyPair::public_key(&pair).as_ref().to_vec();
    signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, public)
        .verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &URL_SAFE_NO_PAD.decode(parts[2]).unwrap())
        .unwrap();
}

#[tokio::test]
async fn nobody_else_is_asked() {
    let (fake, apple) = apple(&[]).await;
    fake.finish(&apple).await.unwrap();
    let (token, keys) = (fake.requests("/token").await.len(), fake.requests("/jwks").await.len());
    assert_eq!((token, keys, fake.all().await), (1, 1, 2));
    let saml = apple.finish(&fake.around, &fake.facts, Inbound::SamlResponse("x".into())).await;
    assert!(matches!(saml, Err(ProviderError::Unsolicited(_))));
}
