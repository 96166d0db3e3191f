//! What is asked of Facebook, parameter by parameter.

use super::*;
use crate::{Asked, Prompt};

/// S256 of the verifier of these tests.
const CHALLENGE: &str = "fD3GLJ_KzCDB0w6uDOSFNNdflrHwtv8Cizh6P5pJkfQ";

async fn asked(changes: &[(&str, &str)], wishes: Asked) -> Result<BTreeMap<String, String>, ProviderError> {
    let mut fake = Fake::new().await;
    fake.facts.asked = wishes;
    let facebook = made(changes, &["email"], false).unwrap_or_else(|error| panic!("{error}"));
    let url = fake.begin(&facebook).await?;
    assert_eq!(url.as_str().split('?').next(), Some("https://www.facebook.com/v26.0/dialog/oauth"));
    Ok(unique(url.query_pairs().into_owned()))
}

fn prompts(prompt: &[Prompt]) -> Asked {
    Asked { prompt: prompt.to_vec(), ..Asked::default() }
}

#[tokio::test]
async fn the_dialog_is_asked_with_these_parameters_and_no_other() {
    let expected = texts(&[
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", "https://login.example.com/oauth2/idpresponse"),
        ("scope", "public_profile,email"),
        ("state", HANDLE),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    assert_eq!(asked(&[], Asked::default()).await.unwrap(), expected);
}

#[tokio::test]
async fn without_pkce_there_is_no_challenge_and_no_verifier() {
    let query = asked(&[("pkce", "off")], Asked::default()).await.unwrap();
    assert!(!query.keys().any(|name| name.starts_with("code_challenge")), "{query:?}");
    let graph = Graph::with(&[("pkce", "off")], &[]).await;
    graph.finish().await.unwrap();
    assert!(!graph.query(TOKEN_PATH).await.contains_key("code_verifier"));
}

#[tokio::test]
async fn what_the_app_wishes_is_told_in_facebooks_words_or_left_out() {
    for (wishes, auth_type) in [
        (prompts(&[Prompt::Login]), Some("reauthenticate")),
        (prompts(&[Prompt::Consent]), Some("rerequest")),
        (prompts(&[Prompt::Consent, Prompt::Login]), Some("reauthenticate,rerequest")),
        (prompts(&[Prompt::SelectAccount]), None),
        (
            Asked { login_hint: Some("p@example.com".into()), lang: Some("de".into()), ..Asked::default() },
            None,
        ),
    ] {
        let query = asked(&[], wishes.clone()).await.unwrap();
        assert_eq!(query.get("auth_type").map(String::as_str), auth_type, "{wishes:?}");
        let plain = asked(&[], Asked::default()).await.unwrap();
        let others: BTreeMap<_, _> = query.into_iter().filter(|(name, _)| name != "auth_type").collect();
        assert_eq!(others, plain, "nothing else is sent for {wishes:?}");
    }
}

#[tokio::test]
async fn what_facebook_cannot_be_asked_for_ends_the_sign_in_with_a_sentence() {
    for (wishes, says) in [
        (prompts(&[Prompt::None]), "prompt=none"),
        (Asked { max_age: Some(0), ..Asked::default() }, "max_age"),
        (Asked { max_age: Some(86_400), ..Asked::default() }, "max_age"),
    ] {
        let error = asked(&[], wishes).await.unwrap_err();
        assert!(matches!(&error, ProviderError::LoginRequired(text) if text.contains(says)), "{error:?}");
    }
}

#[tokio::test]
async fn the_code_is_redeemed_by_get_with_these_parameters_and_no_other() {
    let graph = Graph::new().await;
    graph.finish().await.unwrap();
    let expected = texts(&[
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("redirect_uri", "https://login.example.com/oauth2/idpresponse"),
        ("code", CODE),
        ("code_verifier", VERIFIER),
    ]);
    assert_eq!(graph.query(TOKEN_PATH).await, expected);
    let headers = &graph.fake.requests(TOKEN_PATH).await[0].headers;
    assert_eq!(headers["accept"], "application/json");
    assert!(!headers.contains_key("authorization"));
}

#[tokio::test]
async fn the_profile_is_asked_for_the_mapped_fields_with_a_proof_of_the_secret() {
    let graph = Graph::with(&[], &["name", "id", "email", "picture"]).await;
    graph.finish().await.unwrap();
    let expected = texts(&[
        ("fields", "id,email,name,picture"),
        ("access_token", TOKEN),
        // HMAC-SHA256 of the token with the secret as key, worked out elsewhere.
        ("appsecret_proof", "b3cffaad207ef43f6017ee11981731eb660f7d6127d02b0bf4c9716b96314b8e"),
    ]);
    assert_eq!(graph.query(PROFILE_PATH).await, expected);
    let headers = &graph.fake.requests(PROFILE_PATH).await[0].headers;
    assert!(!headers.contains_key("authorization"));
}

#[tokio::test]
async fn with_nothing_mapped_the_id_is_asked_for_alone() {
    let graph = Graph::with(&[], &[]).await;
    graph.finish().await.unwrap();
    assert_eq!(graph.query(PROFILE_PATH).await["fields"], "id");
}

#[tokio::test]
async fn a_query_of_an_address_of_development_stays() {
    let graph = Graph::new().await;
    let profile = format!("{}{PROFILE_PATH}?flavour=x%26y&fields=", graph.fake.uri());
    let graph = Graph { facebook: with_profile(&graph, &profile), ..graph };
    graph.finish().await.unwrap();
    let query = graph.query(PROFILE_PATH).await;
    assert_eq!((query["flavour"].as_str(), query["fields"].as_str()), ("x&y", "id,email"));
}

fn with_profile(graph: &Graph, profile: &str) -> Facebook {
    let token = format!("{}{TOKEN_PATH}", graph.fake.uri());
    made(&[("token_url", &token), ("attributes_url", profile)], &["email"], true)
        .unwrap_or_else(|error| panic!("{error}"))
}
