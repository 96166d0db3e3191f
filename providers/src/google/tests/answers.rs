//! Which answers of Google are believed.

use super::*;
use crate::Inbound;

#[tokio::test]
async fn a_person_signs_in_with_what_the_id_token_says() {
    let (fake, google) = google(&[], &["email"]).await;
    fake.claims(|claims| {
        for (name, value) in [
            ("azp", json!(CLIENT)),
            ("email", json!("p@acme.example")),
            ("email_verified", json!(true)),
            ("name", json!("Pat Doe")),
            ("given_name", json!("Pat")),
            ("family_name", json!("Doe")),
            ("picture", json!("https://lh3.example/p")),
            ("hd", json!("acme.example")),
        ] {
            claims[name] = value;
        }
    });
    let pairs = [
        ("code", "4/0AX"),
        ("iss", &fake.uri()),
        ("scope", "email profile openid"),
        ("authuser", "0"),
        ("hd", "acme.example"),
        ("prompt", "consent"),
    ];
    let person = fake.finish_with(&google, &pairs).await.unwrap();
    assert_eq!((person.subject.as_str(), person.issuer), ("person-1", fake.uri()));
    assert!(person.told_once.is_empty());
    let expected = [
        ("sub", "person-1"),
        ("email", "p@acme.example"),
        ("email_verified", "true"),
        ("name", "Pat Doe"),
        ("given_name", "Pat"),
        ("family_name", "Doe"),
        ("picture", "https://lh3.example/p"),
        ("hd", "acme.example"),
    ];
    let expected: BTreeMap<_, _> =
        expected.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()])).collect();
    assert_eq!(person.attributes, expected);
}

#[tokio::test]
async fn an_id_token_bound_to_its_access_token_is_believed() {
    let (fake, google) = google(&[], &[]).await;
    fake.claims(|claims| claims["at_hash"] = json!(at_hash("at-1")));
    fake.finish(&google).await.unwrap();
    fake.claims(|claims| claims["at_hash"] = json!(at_hash("at-2")));
    assert_eq!(check_of(&fake.finish(&google).await.unwrap_err()), "oidc_at_hash");
}

#[tokio::test]
async fn no_id_token_that_breaks_a_rule_signs_anybody_in() {
    let (fake, google) = google(&[], &["birthdays"]).await;
    for (check, token) in bad_id_tokens(&fake.uri()) {
        fake.id_token(&token);
        assert_eq!(check_of(&fake.finish(&google).await.unwrap_err()), check, "{token}");
    }
    let nothing = json!({ "access_token": "at-1", "token_type": "Bearer" });
    fake.reply("/token", ok(&nothing));
    assert_eq!(check_of(&fake.finish(&google).await.unwrap_err()), "oidc_id_token_missing");
    assert!(fake.requests("/people/me").await.is_empty());
}

#[tokio::test]
async fn google_may_name_itself_without_scheme_and_another_issuer_may_not_be_google() {
    let (mut fake, _) = google(&[], &[]).await;
    let uri = fake.uri();
    let endpoints = [("token_url", format!("{uri}/token")), ("jwks_uri", format!("{uri}/jwks"))];
    let endpoints = endpoints.each_ref().map(|(key, value)| (*key, value.as_str()));
    let real = new(&details(&endpoints), &[], true).unwrap();
    for issuer in ["https://accounts.google.com", "accounts.google.com"] {
        fake.claims(|claims| claims["iss"] = json!(issuer));
        let person = fake.finish(&real).await.unwrap();
        assert_eq!(person.issuer, "https://accounts.google.com");
    }
    for issuer in ["http://accounts.google.com", "https://accounts.google.com/", uri.as_str()] {
        fake.claims(|claims| claims["iss"] = json!(issuer));
        assert_eq!(check_of(&fake.finish(&real).await.unwrap_err()), "oidc_issuer", "{issuer}");
    }
    let other = google(&[], &[]).await;
    other.0.claims(|claims| claims["iss"] = json!("accounts.google.com"));
    fake = other.0;
    assert_eq!(check_of(&fake.finish(&other.1).await.unwrap_err()), "oidc_issuer");
}

#[tokio::test]
async fn an_answer_of_another_provider_is_refused_before_its_code_is_used() {
    let (fake, google) = google(&[], &[]).await;
    let pairs = [("code", "c"), ("iss", "https://evil.example")];
    assert_eq!(check_of(&fake.finish_with(&google, &pairs).await.unwrap_err()), "oidc_iss_parameter");
    assert!(fake.requests("/token").await.is_empty());
    let saml = google.finish(&fake.around, &fake.facts, Inbound::SamlResponse("x".into())).await;
    assert!(matches!(saml, Err(ProviderError::Unsolicited(_))));
}

#[tokio::test]
async fn only_accounts_of_the_hosted_domain_sign_in() {
    let (fake, google) = google(&[("hd", "acme.example")], &["birthdays"]).await;
    let person = json!({ "resourceName": "people/person-1" });
    fake.reply("/people/me", ok(&person));
    for good in ["acme.example", "ACME.example"] {
        fake.claims(|claims| claims["hd"] = json!(good));
        fake.finish(&google).await.unwrap();
    }
    let asked = fake.requests("/people/me").await.len();
    for bad in [
        json!("other.example"),
        json!("mail.acme.example"),
        json!("acme.example.evil.example"),
        json!("*"),
        json!(["acme.example"]),
        json!(null),
        json!(""),
    ] {
        fake.claims(|claims| claims["hd"] = bad.clone());
        let error = fake.finish(&google).await.unwrap_err();
        assert!(
            matches!(&error, ProviderError::Denied(text) if text.contains("acme.example")),
            "{bad}: {error}"
        );
    }
    // The parameter of the same name is not the claim.
    fake.claims(|_| ());
    let pairs = [("code", "c"), ("hd", "acme.example")];
    let error = fake.finish_with(&google, &pairs).await.unwrap_err();
    assert!(matches!(&error, ProviderError::Denied(text) if text.contains("no Workspace domain")), "{error}");
    assert_eq!(fake.requests("/people/me").await.len(), asked, "nobody is asked about a stranger");
}

#[tokio::test]
async fn any_hosted_domain_means_some_hosted_domain() {
    let (fake, google) = google(&[("hd", "*")], &[]).await;
    assert!(matches!(fake.finish(&google).await, Err(ProviderError::Denied(_))));
    fake.claims(|claims| claims["hd"] = json!(""));
    assert!(matches!(fake.finish(&google).await, Err(ProviderError::Denied(_))));
    fake.claims(|claims| claims["hd"] = json!("whatever.example"));
    fake.finish(&google).await.unwrap();
}

#[tokio::test]
async fn max_age_is_held_against_the_time_that_google_states() {
    let (mut fake, google) = google(&[], &[]).await;
    fake.facts.asked.max_age = Some(60);
    let now = NOW.unix_timestamp();
    for (said, good) in [(Some(now - 100), true), (Some(now - 121), false), (None, false)] {
        fake.claims(|claims| {
            if let Some(at) = said {
                claims["auth_time"] = json!(at);
            }
        });
        let result = fake.finish(&google).await;
        assert_eq!(result.is_ok(), good, "{said:?}");
        if let Err(error) = result {
            assert_eq!(check_of(&error), "oidc_auth_time");
        }
    }
}

#[tokio::test]
async fn a_failing_token_endpoint_is_told_by_status_and_oauth_code_alone() {
    let (fake, google) = google(&[], &[]).await;
    for (status, body, told) in [
        (
            400,
            json!({ "error": "invalid_grant", "error_description": "Malformed auth code." }),
            "invalid_grant",
        ),
        (
            400,
            json!({ "error": "redirect_uri_mismatch", "error_description": "Bad Request" }),
            "redirect_uri_mismatch",
        ),
        (401, json!({ "error": "invalid_client", "error_description": "Unauthorized" }), "invalid_client"),
        (500, json!({ "error": { "code": 500, "message": "hidden" } }), "no OAuth error code"),
        (503, json!("hidden"), "no OAuth error code"),
    ] {
        fake.reply("/token", ResponseTemplate::new(status).set_body_json(&body));
        match fake.finish(&google).await.unwrap_err() {
            ProviderError::BadReply { at: Upstream::Token, status: told_status, reason } => {
                assert!(told_status == status && reason.contains(told), "{reason}");
                assert!(!reason.contains("hidden") && !reason.contains("Malformed"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_person_who_says_no_is_a_denial_and_a_silent_failure_asks_for_a_login() {
    let (fake, google) = google(&[], &[]).await;
    let denied = fake.finish_with(&google, &[("error", "access_denied")]).await;
    assert!(matches!(denied, Err(ProviderError::Denied(_))));
    for code in ["interaction_required", "login_required", "consent_required"] {
        let silent = fake.finish_with(&google, &[("error", code)]).await;
        assert!(matches!(silent, Err(ProviderError::LoginRequired(_))), "{code}");
    }
    let policy = fake.finish_with(&google, &[("error", "admin_policy_enforced")]).await;
    assert!(matches!(policy, Err(ProviderError::Refused { code, .. }) if code == "admin_policy_enforced"));
}
