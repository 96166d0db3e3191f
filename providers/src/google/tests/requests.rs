//! What is sent to Google.

use super::*;

/// The query of the authorization request for what the app asked.
async fn sent(changes: &[(&str, &str)], asked: Asked) -> BTreeMap<String, String> {
    let (mut fake, google) = google(changes, &[]).await;
    fake.facts.asked = asked;
    let url = fake.begin(&google).await.unwrap();
    assert_eq!(url.path(), "/auth");
    unique(url.query_pairs().into_owned())
}

#[tokio::test]
async fn the_authorization_request_is_what_google_documents() {
    let expected = texts(&[
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", "https://login.example.com/oauth2/idpresponse"),
        ("scope", "openid email profile"),
        ("state", HANDLE),
        ("nonce", NONCE),
        ("code_challenge", "fD3GLJ_KzCDB0w6uDOSFNNdflrHwtv8Cizh6P5pJkfQ"),
        ("code_challenge_method", "S256"),
    ]);
    assert_eq!(sent(&[], Asked::default()).await, expected);
}

#[tokio::test]
async fn wishes_of_the_app_are_put_in_googles_words() {
    let asked = Asked {
        prompt: vec![Prompt::Login, Prompt::Consent],
        login_hint: Some("a&b@example.com".into()),
        max_age: Some(60),
        lang: Some("pt-BR de".into()),
        acr_values: Some("gold".into()),
    };
    let query = sent(&[("hd", "Acme.example")], asked).await;
    assert_eq!(query["prompt"], "select_account consent", "Google refuses prompt=login");
    assert_eq!(query["login_hint"], "a&b@example.com");
    assert_eq!(query["hl"], "pt-BR");
    assert_eq!(query["hd"], "acme.example");
    assert_eq!(query["claims"], r#"{"id_token":{"auth_time":{"essential":true}}}"#);
    for unknown in ["max_age", "ui_locales", "acr_values"] {
        assert!(!query.contains_key(unknown), "{query:?}");
    }
}

#[tokio::test]
async fn each_prompt_is_sent_once_and_a_silent_one_as_it_is() {
    for (asked, expected) in [
        (vec![Prompt::None], "none"),
        (vec![Prompt::Login], "select_account"),
        (vec![Prompt::SelectAccount, Prompt::Login], "select_account"),
        (vec![Prompt::Consent], "consent"),
    ] {
        let query = sent(&[], Asked { prompt: asked, ..Asked::default() }).await;
        assert_eq!(query["prompt"], expected);
    }
}

#[tokio::test]
async fn the_login_hint_and_the_challenge_stay_here_when_switched_off() {
    let asked = Asked { login_hint: Some("a@example.com".into()), ..Asked::default() };
    let query = sent(&[("login_hint", "none"), ("pkce", "off")], asked).await;
    assert!(!query.contains_key("login_hint") && !query.contains_key("code_challenge"), "{query:?}");
}

#[tokio::test]
async fn the_code_is_redeemed_with_verifier_redirect_uri_and_secret() {
    let (fake, google) = google(&[], &[]).await;
    fake.finish(&google).await.unwrap();
    let expected = texts(&[
        ("grant_type", "authorization_code"),
        ("code", "code-1"),
        ("redirect_uri", "https://login.example.com/oauth2/idpresponse"),
        ("code_verifier", VERIFIER),
        ("client_id", CLIENT),
        ("client_secret", "s3cr&t"),
    ]);
    assert_eq!(fake.form("/token").await, expected);
}

#[tokio::test]
async fn the_people_api_is_asked_for_the_mapped_fields_alone() {
    let mapped = ["email", "genders", "birthdays", "metadata", "names&sources=x"];
    let (fake, google) = google(&[], &mapped).await;
    fake.reply("/people/me", ok(&json!({ "resourceName": "people/person-1" })));
    fake.finish(&google).await.unwrap();
    let requests = fake.requests("/people/me").await;
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].method.as_str(), "GET");
    assert_eq!(requests[0].headers["authorization"], "Bearer at-1");
    let query = unique(requests[0].url.query_pairs().into_owned());
    let expected = [("personFields", "birthdays,genders"), ("sources", "READ_SOURCE_TYPE_PROFILE")];
    assert_eq!(query, texts(&expected));
}

#[tokio::test]
async fn the_people_api_is_not_asked_when_the_id_token_says_all_that_is_mapped() {
    let (fake, google) = google(&[], &["email", "given_name", "sub", "picture"]).await;
    fake.finish(&google).await.unwrap();
    assert!(fake.requests("/people/me").await.is_empty());
}

#[tokio::test]
async fn openid_is_asked_for_whether_or_not_the_settings_name_it() {
    let query = sent(&[("authorize_scopes", "email")], Asked::default()).await;
    assert_eq!(query["scope"], "openid email");
}
