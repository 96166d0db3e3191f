//! The answer through the browser.

use super::*;

#[tokio::test]
async fn a_person_who_cancels_was_denied() {
    let amazon = Amazon::new().await;
    // "Authorization Code Grant", "Authorization Errors".
    let pairs = [("error", "access_denied"), ("error_description", "Access not permitted.")];
    let denied = ProviderError::Denied("Access not permitted.".into());
    assert_eq!(amazon.finish_with(&pairs).await.unwrap_err(), denied);
}

#[tokio::test]
async fn other_failures_keep_their_code() {
    let amazon = Amazon::new().await;
    for code in [
        "invalid_request",
        "unauthorized_client",
        "unsupported_response_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
    ] {
        match amazon.finish_with(&[("error", code), ("error_description", "why\u{7}")]).await.unwrap_err() {
            ProviderError::Refused { code: came, description } => {
                assert_eq!((came.as_str(), description.as_str()), (code, "why"));
            }
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_scope_in_an_answer_is_no_obstacle() {
    let amazon = Amazon::new().await;
    amazon.finish_with(&[("code", CODE), ("scope", "profile postal_code")]).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_not_ours_or_not_clear_reaches_no_endpoint() {
    let amazon = Amazon::new().await;
    for (pairs, check) in [
        (vec![], "oidc_code"),
        (vec![("code", "")], "oidc_code"),
        (vec![("code", CODE), ("error", "access_denied")], "oidc_code"),
        (vec![("error_code", "1"), ("error_message", "only Facebook says it so")], "oidc_code"),
        (vec![("code", CODE), ("code", CODE)], "oidc_duplicate_parameter"),
        (vec![("code", CODE), ("iss", "https://www.facebook.com")], "oidc_iss_parameter"),
    ] {
        assert_eq!(check_of(&amazon.finish_with(&pairs).await.unwrap_err()), check, "{pairs:?}");
    }
    for pairs in [&[("state", "another"), ("code", CODE)][..], &[("code", CODE)]] {
        let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let result =
            amazon.amazon.finish(&amazon.fake.around, &amazon.fake.facts, Inbound::OAuth(pairs)).await;
        assert_eq!(check_of(&result.unwrap_err()), "oidc_state");
    }
    let saml = Inbound::SamlResponse("x".into());
    let result = amazon.amazon.finish(&amazon.fake.around, &amazon.fake.facts, saml).await;
    assert!(matches!(result, Err(ProviderError::Unsolicited(_))));
    assert!(amazon.fake.requests(TOKEN_PATH).await.is_empty());
}
