//! The provider's answer through the browser.

use super::*;

#[tokio::test]
async fn an_answer_with_another_state_is_refused() {
    let idp = Idp::new().await;
    for pairs in
        [&[("state", "other"), ("code", "c")][..], &[("code", "c")][..], &[("state", ""), ("code", "c")][..]]
    {
        assert_eq!(check_of(&idp.finish_with(pairs).await.unwrap_err()), "oidc_state");
    }
    assert!(idp.requests("/token").await.is_empty());
}

#[tokio::test]
async fn a_parameter_that_comes_twice_is_refused() {
    let idp = Idp::new().await;
    for twice in ["state", "code", "iss", "anything"] {
        let pairs = [("state", HANDLE), ("code", "c"), ("iss", "i"), ("anything", "x"), (twice, HANDLE)];
        assert_eq!(check_of(&idp.finish_with(&pairs).await.unwrap_err()), "oidc_duplicate_parameter");
    }
    assert!(idp.requests("/token").await.is_empty());
}

#[tokio::test]
async fn an_answer_without_a_usable_code_is_refused() {
    let idp = Idp::new().await;
    let long = "c".repeat(8 * 1024 + 1);
    for pairs in [
        vec![("state", HANDLE)],
        vec![("state", HANDLE), ("code", "")],
        vec![("state", HANDLE), ("code", &long)],
        vec![("state", HANDLE), ("code", "c"), ("error", "access_denied")],
    ] {
        assert_eq!(check_of(&idp.finish_with(&pairs).await.unwrap_err()), "oidc_code");
    }
}

#[tokio::test]
async fn a_denial_is_a_denial() {
    let idp = Idp::new().await;
    let pairs =
        [("state", HANDLE), ("error", "access_denied"), ("error_description", "not\u{7} \u{202e}you")];
    let error = idp.finish_with(&pairs).await.unwrap_err();
    assert_eq!(error, ProviderError::Denied("not you".into()));
}

#[tokio::test]
async fn passive_failures_ask_for_a_login() {
    let idp = Idp::new().await;
    for code in ["login_required", "interaction_required", "consent_required", "account_selection_required"] {
        let error = idp.finish_with(&[("state", HANDLE), ("error", code)]).await.unwrap_err();
        assert!(matches!(error, ProviderError::LoginRequired(_)), "{code}: {error:?}");
    }
}

#[tokio::test]
async fn any_other_error_is_passed_on_with_a_short_clean_description() {
    let idp = Idp::new().await;
    let long = "x".repeat(5000);
    let pairs = [("state", HANDLE), ("error", "server_error"), ("error_description", &long)];
    let ProviderError::Refused { code, description } = idp.finish_with(&pairs).await.unwrap_err() else {
        panic!("not refused");
    };
    assert_eq!((code.as_str(), description.len()), ("server_error", 300));
    let error = idp.finish_with(&[("state", HANDLE), ("error", "a\"<b>\n")]).await.unwrap_err();
    assert!(
        matches!(&error, ProviderError::Refused { code, .. } if code == "invalid_error_code"),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_answer_from_another_issuer_is_refused() {
    let idp = Idp::new().await;
    let pairs = [("state", HANDLE), ("code", "c"), ("iss", "https://evil.example")];
    assert_eq!(check_of(&idp.finish_with(&pairs).await.unwrap_err()), "oidc_iss_parameter");
    assert!(idp.requests("/token").await.is_empty());
    let issuer = idp.issuer();
    assert!(idp.finish_with(&[("state", HANDLE), ("code", "c"), ("iss", &issuer)]).await.is_ok());
}

#[tokio::test]
async fn a_provider_that_promises_its_issuer_must_name_it() {
    let idp = Idp::new().await;
    let mut metadata = Idp::metadata(&idp.issuer());
    metadata["authorization_response_iss_parameter_supported"] = json!(true);
    idp.play(|script| script.discovery = ok(&metadata));
    assert_eq!(check_of(&idp.finish().await.unwrap_err()), "oidc_iss_parameter");
    let denied = idp.finish_with(&[("state", HANDLE), ("error", "access_denied")]).await.unwrap_err();
    assert_eq!(check_of(&denied), "oidc_iss_parameter");
}

#[tokio::test]
async fn an_answer_as_one_signed_token_is_refused() {
    let idp = Idp::new().await;
    let jarm = rsa()
        .sign(&header(), json!({ "iss": idp.issuer(), "code": "c", "state": HANDLE }).to_string().as_bytes());
    assert_eq!(check_of(&idp.finish_with(&[("response", &jarm)]).await.unwrap_err()), "oidc_state");
    let beside = [("response", jarm.as_str()), ("state", HANDLE)];
    assert_eq!(check_of(&idp.finish_with(&beside).await.unwrap_err()), "oidc_code");
    assert!(idp.requests("/token").await.is_empty());
}

#[tokio::test]
async fn tokens_that_come_through_the_browser_are_not_read() {
    let idp = Idp::new().await;
    let mut other = claims(&idp.issuer());
    other["sub"] = json!("person-of-the-browser");
    let other = rsa().sign(&header(), other.to_string().as_bytes());
    let pairs =
        [("state", HANDLE), ("code", "c"), ("id_token", &other), ("access_token", "at-of-the-browser")];
    assert_eq!(idp.finish_with(&pairs).await.unwrap().subject, "person-1");
    assert_eq!(idp.requests("/userinfo").await[0].headers["authorization"], "Bearer at-1");
    let alone = [("state", HANDLE), ("id_token", other.as_str())];
    assert_eq!(check_of(&idp.finish_with(&alone).await.unwrap_err()), "oidc_code");
}

#[tokio::test]
async fn a_saml_response_is_no_answer_to_an_oidc_sign_in() {
    let idp = Idp::new().await;
    let inbound = Inbound::SamlResponse("x".into());
    let result = idp.provider.finish(&idp.around, &idp.facts, inbound).await;
    assert!(matches!(result, Err(ProviderError::Unsolicited(_))));
}
