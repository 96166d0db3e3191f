//! Whole sign-ins: what comes back, and how the provider's failures are told apart.

use super::*;
use crate::{Outbound, ProviderSession, SignOutFacts, Upstream};

#[tokio::test]
async fn a_person_signs_in() {
    let idp = Idp::new().await;
    let mut said = claims(&idp.issuer());
    said["sid"] = json!("session-9");
    said["auth_time"] = json!(NOW.unix_timestamp() - 5);
    idp.tokens(&said);
    let person = idp.finish().await.unwrap();
    assert_eq!(person.subject, "person-1");
    assert_eq!(person.issuer, idp.issuer());
    assert_eq!(person.attributes["email"], ["p@example.com"]);
    assert_eq!(person.authenticated_at, Some(NOW - Duration::seconds(5)));
    assert_eq!(person.session.subject, "person-1");
    assert_eq!(person.session.session_indexes, ["session-9"]);
    assert!(person.session.id_token.is_some_and(|token| token.split('.').count() == 3));
}

#[tokio::test]
async fn claims_become_attributes() {
    let idp = Idp::new().await;
    let mut said = claims(&idp.issuer());
    said["email"] = json!("old@example.com");
    said["acr"] = json!("strong");
    said["amr"] = json!(["pwd", "otp"]);
    said["name"] = json!("  as it is  ");
    idp.tokens(&said);
    let userinfo = json!({
        "sub": "person-1", "email": "new@example.com", "email_verified": true, "age": 41, "ratio": 1.5,
        "address": { "country": "CH" }, "groups": ["a", "b", 7, null, ["c"]], "nothing": null, "none": [],
        "acr": "forged", "auth_time": 1, "nonce": "n", "iss": "x", "aud": "y", "at_hash": "z", "jti": "j",
    });
    idp.play(|script| script.userinfo = ok(&userinfo));
    let person = idp.finish().await.unwrap();
    let expected: BTreeMap<String, Vec<String>> = [
        ("sub", vec!["person-1"]),
        ("email", vec!["new@example.com"]),
        ("email_verified", vec!["true"]),
        ("age", vec!["41"]),
        ("ratio", vec!["1.5"]),
        ("address", vec!["{\"country\":\"CH\"}"]),
        ("groups", vec!["a", "b", "7", "[\"c\"]"]),
        ("acr", vec!["strong"]),
        ("amr", vec!["pwd", "otp"]),
        ("name", vec!["  as it is  "]),
    ]
    .map(|(name, values)| (name.to_owned(), values.into_iter().map(str::to_owned).collect()))
    .into();
    assert_eq!(person.attributes, expected);
}

#[tokio::test]
async fn entras_word_on_a_domain_is_a_truth_value_however_it_is_written() {
    let idp = Idp::new().await;
    for (said, read) in [
        (json!("1"), "true"),
        (json!(1), "true"),
        (json!(true), "true"),
        (json!("True"), "true"),
        (json!("0"), "false"),
        (json!(0), "false"),
        (json!(false), "false"),
        (json!("2"), "2"),
    ] {
        let mut token = claims(&idp.issuer());
        token["email"] = json!("p@example.com");
        token["xms_edov"] = said;
        token["other"] = json!("1");
        idp.tokens(&token);
        let attributes = idp.finish().await.unwrap().attributes;
        assert_eq!((attributes["xms_edov"][0].as_str(), attributes["other"][0].as_str()), (read, "1"));
    }
}

#[tokio::test]
async fn a_failing_endpoint_is_told_by_its_status_and_oauth_code_alone() {
    let idp = Idp::new().await;
    let secret = json!({ "error": "invalid_grant", "error_description": "tell-nobody", "access_token": "tell-nobody" });
    for status in [400, 401, 403, 500, 503] {
        idp.play(|script| script.token = ResponseTemplate::new(status).set_body_json(&secret));
        let error = idp.finish().await.unwrap_err();
        let reason = "invalid_grant".to_owned();
        assert_eq!(error, ProviderError::BadReply { at: Upstream::Token, status, reason });
    }
    idp.play(|script| script.token = ResponseTemplate::new(500).set_body_string("<html>tell-nobody</html>"));
    let error = idp.finish().await.unwrap_err();
    assert!(
        matches!(error, ProviderError::BadReply { status: 500, .. }) && !error.to_string().contains("tell")
    );
}

#[tokio::test]
async fn nonsense_from_the_token_endpoint_is_refused_and_not_quoted() {
    let idp = Idp::new().await;
    let json = "application/json";
    for (body, kind) in [
        ("tell-nobody", json),
        ("", json),
        ("[]", json),
        ("{\"access_token\":\"tell-nobody\"}", json),
        ("{\"access_token\":\"tell-nobody\",\"token_type\":\"mac\",\"id_token\":\"x\"}", json),
        ("{\"access_token\":7,\"token_type\":\"bearer\",\"id_token\":\"tell-nobody\"}", json),
        ("{\"access_token\":\"a\",\"token_type\":\"bearer\",\"id_token\":{\"a\":\"tell-nobody\"}}", json),
        (
            "{\"access_token\":\"a\",\"access_token\":\"b\",\"token_type\":\"bearer\",\"id_token\":\"x\"}",
            json,
        ),
        ("{\"access_token\":\"a\",\"token_type\":\"bearer\",\"id_token\":\"x\"}", "text/html"),
        ("access_token=tell-nobody&token_type=bearer", "application/x-www-form-urlencoded"),
    ] {
        idp.play(|script| script.token = ResponseTemplate::new(200).set_body_raw(body, kind));
        let error = idp.finish().await.unwrap_err();
        assert!(
            matches!(error, ProviderError::BadReply { at: Upstream::Token, status: 200, .. }),
            "{body}: {error:?}"
        );
        assert!(!format!("{error:?}").contains("tell-nobody"), "{error:?}");
    }
}

#[tokio::test]
async fn a_token_reply_with_any_member_twice_is_refused() {
    let idp = Idp::new().await;
    let good = rsa().sign(&header(), claims(&idp.issuer()).to_string().as_bytes());
    let reply =
        json!({ "access_token": "at-1", "token_type": "Bearer", "id_token": good, "x": 1 }).to_string();
    for member in ["\"x\":2", "\"id_token\":\"a.b.c\"", "\"access_token\":\"b\"", "\"token_type\":\"Bearer\""]
    {
        let twice = reply.replacen('{', &format!("{{{member},"), 1);
        idp.play(|script| script.token = ResponseTemplate::new(200).set_body_raw(twice, "application/json"));
        let error = idp.finish().await.unwrap_err();
        assert!(matches!(error, ProviderError::BadReply { at: Upstream::Token, .. }), "{member}: {error:?}");
    }
    idp.play(|script| script.token = ResponseTemplate::new(200).set_body_raw(reply, "application/json"));
    assert!(idp.finish().await.is_ok());
}

#[tokio::test]
async fn a_token_reply_without_an_id_token_is_refused() {
    let idp = Idp::new().await;
    idp.play(|script| script.token = ok(&json!({ "access_token": "a", "token_type": "Bearer" })));
    assert_eq!(check_of(&idp.finish().await.unwrap_err()), "oidc_id_token_missing");
}

#[tokio::test]
async fn redirects_of_the_token_endpoint_are_not_followed() {
    let idp = Idp::new().await;
    let elsewhere = format!("{}/elsewhere", idp.issuer());
    idp.play(|script| {
        script.token = ResponseTemplate::new(307).insert_header("location", elsewhere.as_str())
    });
    let error = idp.finish().await.unwrap_err();
    assert!(matches!(&error, ProviderError::BadReply { status: 307, .. }), "{error:?}");
    assert!(idp.requests("/elsewhere").await.is_empty());
}

#[tokio::test]
async fn an_answer_larger_than_a_mebibyte_is_refused() {
    let idp = Idp::new().await;
    idp.play(|script| {
        script.userinfo =
            ResponseTemplate::new(200).set_body_raw(vec![b' '; 1024 * 1024 + 1], "application/json");
    });
    let error = idp.finish().await.unwrap_err();
    assert!(matches!(&error, ProviderError::BadReply { at: Upstream::UserInfo, .. }), "{error:?}");
}

#[tokio::test]
async fn a_token_signed_by_a_stranger_signs_nobody_in() {
    let idp = Idp::new().await;
    let stranger = Pair::ec("P-256");
    let header = json!({ "alg": "ES256", "kid": "k1" });
    idp.token_reply(stranger.sign(&header, claims(&idp.issuer()).to_string().as_bytes()));
    assert_eq!(check_of(&idp.finish().await.unwrap_err()), "oidc_kid");
    assert!(idp.requests("/userinfo").await.is_empty());
}

#[tokio::test]
async fn every_claim_check_stands_between_a_token_and_a_sign_in() {
    let idp = Idp::new().await;
    for (claim, value, check) in [
        ("iss", "https://evil.example", "oidc_issuer"),
        ("aud", "other", "oidc_audience"),
        ("nonce", "other", "oidc_nonce"),
        ("at_hash", "other", "oidc_at_hash"),
        ("azp", "other", "oidc_azp"),
    ] {
        let mut said = claims(&idp.issuer());
        said[claim] = json!(value);
        idp.tokens(&said);
        assert_eq!(check_of(&idp.finish().await.unwrap_err()), check);
    }
    idp.tokens(&claims(&idp.issuer()));
    idp.clock.pass(Duration::seconds(360));
    assert_eq!(check_of(&idp.finish().await.unwrap_err()), "oidc_expired");
}

#[tokio::test]
async fn prompt_login_is_held_against_the_time_of_the_attempt() {
    let mut idp = Idp::new().await;
    let mut said = claims(&idp.issuer());
    said["auth_time"] = json!(NOW.unix_timestamp() - 61);
    idp.tokens(&said);
    assert!(idp.finish().await.is_ok());
    idp.facts.asked.prompt = vec![crate::Prompt::Login];
    assert_eq!(check_of(&idp.finish().await.unwrap_err()), "oidc_auth_time");
    said["auth_time"] = json!(NOW.unix_timestamp());
    idp.tokens(&said);
    assert!(idp.finish().await.is_ok());
    idp.facts.asked.max_age = Some(0);
    assert!(idp.finish().await.is_ok());
    idp.tokens(&claims(&idp.issuer()));
    assert_eq!(check_of(&idp.finish().await.unwrap_err()), "oidc_auth_time", "max_age makes it required");
}

#[tokio::test]
async fn the_skew_of_the_settings_counts() {
    let idp = Idp::with(&[("clock_skew_seconds", "0")]).await;
    idp.clock.pass(Duration::seconds(300));
    assert_eq!(check_of(&idp.finish().await.unwrap_err()), "oidc_expired");
}

#[tokio::test]
async fn explicit_endpoints_need_no_discovery() {
    let idp = Idp::with(&[
        ("authorize_url", "ISSUER/authorize"),
        ("token_url", "ISSUER/token"),
        ("attributes_url", "ISSUER/userinfo"),
        ("jwks_uri", "ISSUER/jwks"),
    ])
    .await;
    assert_eq!(idp.provider.origins().len(), 1);
    idp.provider.begin(&idp.around, &idp.facts).await.unwrap();
    assert_eq!(idp.finish().await.unwrap().subject, "person-1");
    assert!(idp.requests("/.well-known/openid-configuration").await.is_empty());
}

#[tokio::test]
async fn signing_out_there_follows_the_setting() {
    let session = ProviderSession { id_token: Some("hint".into()), ..ProviderSession::default() };
    let back = SignOutFacts {
        handle: "handle".into(),
        message_id: "_1".into(),
        entity_id: String::new(),
        callback: Url::parse("https://pool.example.com/oauth2/logoutresponse").unwrap(),
    };
    let idp = Idp::new().await;
    assert_eq!(idp.provider.end(&idp.around, &session, &back).await.unwrap(), None);
    let idp = Idp::with(&[("IDPSignout", "true")]).await;
    let Some(Outbound::Redirect(url)) = idp.provider.end(&idp.around, &session, &back).await.unwrap() else {
        panic!("no redirect");
    };
    assert_eq!(url.path(), "/end");
    let pairs: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(pairs["id_token_hint"], "hint");
    assert_eq!(pairs["client_id"], CLIENT);
    assert_eq!(pairs["post_logout_redirect_uri"], back.callback.as_str());
    assert_eq!(pairs["state"], "handle");
    // Nothing to quote, or too much for an address.
    for id_token in [None, Some("h".repeat(4097))] {
        let session = ProviderSession { subject: "person 1".into(), id_token, ..ProviderSession::default() };
        let Some(Outbound::Redirect(url)) = idp.provider.end(&idp.around, &session, &back).await.unwrap()
        else {
            panic!("no redirect");
        };
        let pairs: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(pairs.keys().collect::<Vec<_>>(), ["client_id", "post_logout_redirect_uri", "state"]);
    }
}

#[tokio::test]
async fn a_provider_that_signs_nobody_out_is_said_to_be_set_up_wrongly() {
    let idp = Idp::with(&[("IDPSignout", "true")]).await;
    let mut metadata = Idp::metadata(&idp.issuer());
    metadata.as_object_mut().unwrap().remove("end_session_endpoint");
    idp.play(|script| script.discovery = ok(&metadata));
    let back = SignOutFacts {
        handle: "handle".into(),
        message_id: "_1".into(),
        entity_id: String::new(),
        callback: Url::parse("https://pool.example.com/oauth2/logoutresponse").unwrap(),
    };
    let error = idp.provider.end(&idp.around, &ProviderSession::default(), &back).await.unwrap_err();
    assert_eq!(error.code(), "provider_settings");
    assert!(error.to_string().contains("end_session_endpoint"), "{error}");
}
