//! Which answers of Apple are believed.

use super::*;

#[tokio::test]
async fn a_person_signs_in_with_what_the_id_token_says() {
    let (fake, apple) = apple(&[]).await;
    for yes in [json!("true"), json!(true)] {
        fake.claims(|claims| {
            for (name, value) in [
                ("email", json!("x1@privaterelay.appleid.com")),
                ("email_verified", yes.clone()),
                ("is_private_email", yes.clone()),
                ("nonce_supported", json!(true)),
                ("auth_time", json!(NOW.unix_timestamp() - 1)),
            ] {
                claims[name] = value;
            }
        });
        let person = fake.finish(&apple).await.unwrap();
        assert_eq!((person.subject.as_str(), &person.issuer), ("person-1", &fake.uri()));
        assert_eq!(person.attributes["email"], ["x1@privaterelay.appleid.com"]);
        assert_eq!(person.attributes["email_verified"], ["true"]);
        assert_eq!(person.attributes["is_private_email"], ["true"]);
    }
}

#[tokio::test]
async fn an_id_token_bound_to_its_access_token_is_believed() {
    let (fake, apple) = apple(&[]).await;
    fake.claims(|claims| claims["at_hash"] = json!(at_hash("at-1")));
    fake.finish(&apple).await.unwrap();
    fake.claims(|claims| claims["at_hash"] = json!(at_hash("at-2")));
    assert_eq!(check_of(&fake.finish(&apple).await.unwrap_err()), "oidc_at_hash");
}

#[tokio::test]
async fn no_id_token_that_breaks_a_rule_signs_anybody_in() {
    let (fake, apple) = apple(&[]).await;
    for (check, token) in bad_id_tokens(&fake.uri()) {
        fake.id_token(&token);
        assert_eq!(check_of(&fake.finish(&apple).await.unwrap_err()), check, "{token}");
    }
}

#[tokio::test]
async fn an_id_token_that_came_through_the_browser_counts_for_nothing() {
    let (fake, apple) = apple(&[]).await;
    let good = rsa().sign(&header(), claims(&fake.uri()).to_string().as_bytes());
    fake.reply("/token", ok(&json!({ "access_token": "at-1", "token_type": "Bearer" })));
    let error = fake.finish_with(&apple, &[("code", "c"), ("id_token", &good)]).await.unwrap_err();
    assert_eq!(check_of(&error), "oidc_id_token_missing");
    let error = fake.finish_with(&apple, &[("id_token", &good)]).await.unwrap_err();
    assert_eq!(check_of(&error), "oidc_code");
    fake.claims(|_| ());
    let person = fake.finish_with(&apple, &[("code", "c"), ("id_token", "nonsense")]).await.unwrap();
    assert_eq!(person.subject, "person-1");
}

#[tokio::test]
async fn the_time_of_the_sign_in_is_held_against_max_age() {
    let (mut fake, apple) = apple(&[]).await;
    fake.facts.asked.max_age = Some(60);
    assert_times(&fake, &apple, NOW.unix_timestamp() - 120).await;
}

#[tokio::test]
async fn a_new_sign_in_that_was_asked_for_must_have_happened() {
    let (mut fake, apple) = apple(&[]).await;
    fake.facts.asked.prompt = vec![Prompt::Login];
    fake.facts.started_at = NOW - time::Duration::seconds(30);
    assert_times(&fake, &apple, NOW.unix_timestamp() - 90).await;
}

/// Nothing older than `oldest` counts, nor a token that does not say.
async fn assert_times(fake: &Fake, apple: &SignInWithApple, oldest: i64) {
    for (said, good) in [(Some(oldest), true), (Some(oldest - 1), false), (None, false)] {
        fake.claims(|claims| {
            if let Some(at) = said {
                claims["auth_time"] = json!(at);
            }
        });
        match fake.finish(apple).await {
            Ok(_) => assert!(good, "{said:?}"),
            Err(error) => assert!(!good && check_of(&error) == "oidc_auth_time", "{said:?}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_failing_token_endpoint_is_told_by_status_and_oauth_code_alone() {
    let (fake, apple) = apple(&[]).await;
    for (status, body, told) in [
        (400, json!({ "error": "invalid_grant", "error_description": "hidden" }), "invalid_grant"),
        (400, json!({ "error": "invalid_client" }), "invalid_client"),
        (400, json!({ "error": "invalid_request", "error_description": "hidden" }), "invalid_request"),
        (401, json!({ "error": "unauthorized_client" }), "unauthorized_client"),
        (500, json!("hidden"), "no OAuth error code"),
    ] {
        fake.reply("/token", ResponseTemplate::new(status).set_body_json(&body));
        match fake.finish(&apple).await.unwrap_err() {
            ProviderError::BadReply { at: Upstream::Token, status: came, reason } => {
                assert!(came == status && reason.contains(told) && !reason.contains("hidden"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_person_who_cancels_is_a_denial() {
    let (fake, apple) = apple(&[]).await;
    for code in ["user_cancelled_authorize", "access_denied"] {
        let error = fake.finish_with(&apple, &[("error", code)]).await.unwrap_err();
        assert!(matches!(error, ProviderError::Denied(_)), "{error:?}");
    }
    let other = fake.finish_with(&apple, &[("error", "invalid_scope")]).await;
    assert!(matches!(other, Err(ProviderError::Refused { code, .. }) if code == "invalid_scope"));
    let forged = fake.finish_with(&apple, &[("error", "user_cancelled_authorize"), ("code", "c")]).await;
    assert_eq!(check_of(&forged.unwrap_err()), "oidc_code");
}
