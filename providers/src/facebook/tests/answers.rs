//! The answer through the browser.

use super::*;

#[tokio::test]
async fn a_person_who_cancels_was_denied() {
    let graph = Graph::new().await;
    // "Manually Build a Login Flow", "Canceled Login".
    let pairs = [
        ("error_reason", "user_denied"),
        ("error", "access_denied"),
        ("error_description", "Permissions error."),
        ("error_code", "200"),
    ];
    assert_eq!(
        graph.finish_with(&pairs).await.unwrap_err(),
        ProviderError::Denied("Permissions error.".into())
    );
    assert!(matches!(graph.finish_with(&[("error", "access_denied")]).await, Err(ProviderError::Denied(_))));
}

#[tokio::test]
async fn a_refusal_of_the_dialog_is_one_although_it_has_no_error() {
    let graph = Graph::new().await;
    let message = "App Not Setup: This app is still in development mode";
    for (pairs, code, says) in [
        (vec![("error_code", "1349126"), ("error_message", message)], "1349126", message),
        (vec![("error_message", message)], "error_message", message),
        (vec![("error_code", "1349126")], "1349126", "1349126"),
        (vec![("error_code", "a\"b"), ("error_message", "a\u{202e}\nb")], "invalid_error_code", "ab"),
    ] {
        match graph.finish_with(&pairs).await.unwrap_err() {
            ProviderError::Refused { code: came, description } => {
                assert!(came == code && description.contains(says), "{pairs:?}: {came}, {description}");
            }
            other => panic!("{pairs:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn other_failures_keep_their_code() {
    let graph = Graph::new().await;
    for code in ["server_error", "temporarily_unavailable", "invalid_scope"] {
        let error = graph.finish_with(&[("error", code), ("error_code", "1"), ("error_message", "m")]).await;
        assert!(matches!(error, Err(ProviderError::Refused { code: came, .. }) if came == code));
    }
}

#[tokio::test]
async fn an_answer_that_is_not_ours_or_not_clear_reaches_no_endpoint() {
    let graph = Graph::new().await;
    let long = "c".repeat(8 * 1024 + 1);
    for (pairs, check) in [
        (vec![], "oidc_code"),
        (vec![("code", "")], "oidc_code"),
        (vec![("code", long.as_str())], "oidc_code"),
        (vec![("code", CODE), ("error", "access_denied")], "oidc_code"),
        (vec![("code", CODE), ("error_code", "1349126")], "oidc_code"),
        (vec![("code", CODE), ("error_message", "m")], "oidc_code"),
        (vec![("code", CODE), ("code", CODE)], "oidc_duplicate_parameter"),
        (vec![("code", CODE), ("state", HANDLE)], "oidc_duplicate_parameter"),
        (vec![("error_code", "1"), ("error_code", "2")], "oidc_duplicate_parameter"),
        (vec![("code", CODE), ("iss", "https://accounts.google.com")], "oidc_iss_parameter"),
    ] {
        assert_eq!(check_of(&graph.finish_with(&pairs).await.unwrap_err()), check, "{pairs:?}");
    }
    let foreign = [("state", "another"), ("error_code", "1349126")];
    for pairs in [&foreign[..], &[("state", "another"), ("code", CODE)], &[("code", CODE)]] {
        let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let result =
            graph.facebook.finish(&graph.fake.around, &graph.fake.facts, Inbound::OAuth(pairs)).await;
        assert_eq!(check_of(&result.unwrap_err()), "oidc_state");
    }
    let saml = Inbound::SamlResponse("x".into());
    let result = graph.facebook.finish(&graph.fake.around, &graph.fake.facts, saml).await;
    assert!(matches!(result, Err(ProviderError::Unsolicited(_))));
    assert!(graph.fake.requests(TOKEN_PATH).await.is_empty());
}

#[tokio::test]
async fn its_own_name_beside_a_code_is_no_fault() {
    let graph = Graph::new().await;
    let pairs = [("code", CODE), ("iss", "https://www.facebook.com")];
    assert_eq!(graph.fake.finish_with(&graph.facebook, &pairs).await.unwrap().subject, "10");
}
