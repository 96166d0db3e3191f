//! What is asked of Amazon, parameter by parameter.

use super::*;
use crate::{Asked, Prompt};

/// S256 of the verifier of these tests.
const CHALLENGE: &str = "fD3GLJ_KzCDB0w6uDOSFNNdflrHwtv8Cizh6P5pJkfQ";

async fn asked(changes: &[(&str, &str)], wishes: Asked) -> Result<BTreeMap<String, String>, ProviderError> {
    let mut fake = Fake::new().await;
    fake.facts.asked = wishes;
    let amazon = made(changes, false).unwrap_or_else(|error| panic!("{error}"));
    let url = fake.begin(&amazon).await?;
    assert_eq!(url.as_str().split('?').next(), Some("https://www.amazon.com/ap/oa"));
    Ok(unique(url.query_pairs().into_owned()))
}

fn prompts(prompt: &[Prompt]) -> Asked {
    Asked { prompt: prompt.to_vec(), ..Asked::default() }
}

#[tokio::test]
async fn the_authorization_endpoint_is_asked_with_these_parameters_and_no_other() {
    let expected = texts(&[
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", "https://login.example.com/oauth2/idpresponse"),
        ("scope", "profile postal_code"),
        ("state", HANDLE),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    assert_eq!(asked(&[], Asked::default()).await.unwrap(), expected);
    let twice =
        asked(&[("authorize_scopes", "profile postal_code profile")], Asked::default()).await.unwrap();
    assert_eq!(twice, expected, "each scope once");
}

#[tokio::test]
async fn without_pkce_there_is_no_challenge_and_no_verifier() {
    let query = asked(&[("pkce", "off")], Asked::default()).await.unwrap();
    assert!(!query.keys().any(|name| name.starts_with("code_challenge")), "{query:?}");
    let amazon = Amazon::with(&[("pkce", "off")]).await;
    amazon.finish().await.unwrap();
    assert!(!amazon.fake.form(TOKEN_PATH).await.contains_key("code_verifier"));
}

#[tokio::test]
async fn wishes_that_amazon_has_no_word_for_are_left_out() {
    let plain = asked(&[], Asked::default()).await.unwrap();
    for wishes in [
        prompts(&[Prompt::SelectAccount]),
        prompts(&[Prompt::Consent]),
        Asked { login_hint: Some("p@example.com".into()), lang: Some("de".into()), ..Asked::default() },
    ] {
        assert_eq!(asked(&[], wishes).await.unwrap(), plain);
    }
}

#[tokio::test]
async fn what_amazon_cannot_be_asked_for_ends_the_sign_in_with_a_sentence() {
    for (wishes, says) in [
        (prompts(&[Prompt::None]), "prompt=none"),
        (prompts(&[Prompt::Login]), "prompt=login"),
        (prompts(&[Prompt::Consent, Prompt::Login]), "prompt=login"),
        (Asked { max_age: Some(3_600), ..Asked::default() }, "max_age"),
    ] {
        let error = asked(&[], wishes).await.unwrap_err();
        assert!(matches!(&error, ProviderError::LoginRequired(text) if text.contains(says)), "{error:?}");
    }
}

#[tokio::test]
async fn the_code_is_redeemed_by_post_with_these_fields_and_no_other() {
    let amazon = Amazon::new().await;
    amazon.finish().await.unwrap();
    let expected = texts(&[
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("redirect_uri", "https://login.example.com/oauth2/idpresponse"),
        ("code", CODE),
        ("code_verifier", VERIFIER),
    ]);
    assert_eq!(amazon.fake.form(TOKEN_PATH).await, expected);
    let request = &amazon.fake.requests(TOKEN_PATH).await[0];
    assert_eq!(request.url.query(), None);
    assert!(!request.headers.contains_key("authorization"));
}

#[tokio::test]
async fn the_token_is_looked_up_by_query_and_the_profile_asked_with_a_bearer_header() {
    let amazon = Amazon::new().await;
    amazon.finish().await.unwrap();
    let lookups = amazon.fake.requests(INFO_PATH).await;
    assert_eq!((lookups.len(), lookups[0].method.as_str()), (1, "GET"));
    assert_eq!(lookups[0].url.query(), Some("access_token=Atza%7CIQEBLjAs%2BA%2FhR%3D"));
    assert!(!lookups[0].headers.contains_key("authorization"));
    let profiles = amazon.fake.requests(PROFILE_PATH).await;
    assert_eq!((profiles.len(), profiles[0].method.as_str()), (1, "GET"));
    assert_eq!(profiles[0].url.query(), None);
    assert_eq!(profiles[0].headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(profiles[0].headers["accept"], "application/json");
}
