//! What Amazon answers: what is accepted, what is refused, and what is said of it.

use super::*;
use crate::ProviderSession;

#[tokio::test]
async fn a_person_signs_in() {
    let amazon = Amazon::new().await;
    let person = amazon.finish().await.unwrap();
    assert_eq!((person.subject.as_str(), person.issuer.as_str()), (USER, "https://www.amazon.com"));
    let expected = [("user_id", USER), ("email", "p@example.com"), ("name", "Pat"), ("postal_code", "98052")];
    assert_eq!(
        person.attributes,
        expected.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).into()
    );
    assert_eq!(person.session, ProviderSession { subject: USER.into(), ..ProviderSession::default() });
    assert_eq!(person.authenticated_at, None, "Amazon does not say when");
}

#[tokio::test]
async fn members_without_a_value_are_no_attributes() {
    let amazon = Amazon::new().await;
    let profile = json!({ "user_id": USER, "name": null, "email": "", "postal_code": "98052-6399" });
    amazon.fake.reply(PROFILE_PATH, ok(&profile));
    let attributes = amazon.finish().await.unwrap().attributes;
    assert_eq!(attributes.keys().collect::<Vec<_>>(), ["email", "postal_code", "user_id"]);
}

/// The good token-info answer with one member changed, or without it.
fn changed(member: &str, value: Option<Value>) -> Value {
    let mut info = info();
    let members = info.as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(member.to_owned(), value),
        None => members.remove(member),
    };
    info
}

#[tokio::test]
async fn a_token_that_is_not_amazons_not_ours_or_over_signs_nobody_in() {
    let amazon = Amazon::new().await;
    for (member, values, check) in [
        (
            "iss",
            vec![json!("https://www.amazon.com/"), json!("https://evil.example"), json!(7)],
            "amazon_issuer",
        ),
        (
            "aud",
            vec![
                json!("amzn1.application-oa2-client.other"),
                json!([CLIENT]),
                json!(""),
                json!("POOL-CLIENT"),
            ],
            "amazon_audience",
        ),
        ("exp", vec![json!(0), json!(-1), json!("3597"), json!(1.5)], "amazon_expired"),
        (
            "user_id",
            vec![json!(""), json!(7), json!("a b"), json!("a\n"), json!("ä"), json!("a".repeat(257))],
            "amazon_user_id",
        ),
    ] {
        let missing = (member != "iss").then_some(None);
        for value in missing.into_iter().chain(values.into_iter().map(Some)) {
            let body = changed(member, value);
            amazon.fake.reply(INFO_PATH, ok(&body));
            assert_eq!(check_of(&amazon.finish().await.unwrap_err()), check, "{body}");
        }
    }
    assert!(amazon.fake.requests(PROFILE_PATH).await.is_empty(), "the profile is not asked for");
}

#[tokio::test]
async fn the_profile_of_another_person_signs_nobody_in() {
    let amazon = Amazon::new().await;
    for (user, check) in [
        (json!("amzn1.account.OTHER"), "amazon_user"),
        (json!(USER.to_lowercase()), "amazon_user"),
        (json!(""), "amazon_user_id"),
        (json!([USER]), "amazon_user_id"),
        (Value::Null, "amazon_user_id"),
    ] {
        amazon.fake.reply(PROFILE_PATH, ok(&json!({ "user_id": user, "email": "p@example.com" })));
        assert_eq!(check_of(&amazon.finish().await.unwrap_err()), check, "{user}");
    }
    amazon.fake.reply(PROFILE_PATH, ok(&json!({ "email": "p@example.com" })));
    assert_eq!(check_of(&amazon.finish().await.unwrap_err()), "amazon_user_id");
}

#[tokio::test]
async fn an_error_of_amazon_is_told_by_its_code_alone() {
    for (status, code) in [
        (400, "invalid_grant"),
        (400, "invalid_token"),
        (401, "invalid_client"),
        (401, "insufficient_scope"),
        (500, "ServerError"),
    ] {
        let body = json!({ "error": code, "error_description": "tell-nobody", "request_id": "tell-nobody" });
        for (at, path) in CALLED {
            let amazon = Amazon::new().await;
            amazon.fake.reply(path, ResponseTemplate::new(status).set_body_json(&body));
            let expected = ProviderError::BadReply { at, status, reason: code.into() };
            assert_eq!(amazon.finish().await.unwrap_err(), expected);
        }
    }
}

#[tokio::test]
async fn an_error_with_status_200_is_one() {
    let amazon = Amazon::new().await;
    let body = json!({ "error": "invalid_token", "user_id": USER });
    amazon.fake.reply(PROFILE_PATH, ok(&body));
    let error = amazon.finish().await.unwrap_err();
    assert!(
        matches!(error, ProviderError::BadReply { at: Upstream::UserInfo, status: 200, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn every_answer_that_is_of_no_use_is_told_and_not_quoted() {
    let good = info().to_string().replace('{', r#"{"access_token":"Atza|x","token_type":"bearer","#);
    let twice = good.replace('{', &format!(r#"{{"user_id":"{USER}","access_token":"a","#));
    let raw = |status: u16, body: &str, kind: &str| {
        ResponseTemplate::new(status).set_body_raw(body.as_bytes().to_vec(), kind)
    };
    let json = "application/json";
    for (case, answer, status) in [
        ("HTML", raw(200, "<html>tell-nobody</html>", "text/html"), 200),
        ("HTML that says it is JSON", raw(200, "<html>tell-nobody</html>", json), 200),
        ("an HTML error page", raw(502, "<html>tell-nobody</html>", "text/html"), 502),
        ("another content type", raw(200, &good, "text/plain"), 200),
        ("no content type", ResponseTemplate::new(200).set_body_bytes(good.clone()), 200),
        ("nothing", raw(200, "", json), 200),
        ("a list", raw(200, "[]", json), 200),
        ("a member twice", raw(200, &twice, json), 200),
        ("too much", raw(200, &" ".repeat(1024 * 1024 + 1), json), 200),
        ("away", raw(503, "", json), 503),
        ("a redirect", ResponseTemplate::new(307).insert_header("location", "/elsewhere"), 307),
    ] {
        for (at, path) in CALLED {
            let amazon = Amazon::new().await;
            amazon.fake.reply(path, answer.clone());
            match amazon.finish().await.unwrap_err() {
                ProviderError::BadReply { at: came, status: with, .. } => {
                    assert_eq!((came, with), (at, status), "{case}");
                }
                other => panic!("{case}: {other:?}"),
            }
            assert!(amazon.fake.requests("/elsewhere").await.is_empty());
        }
    }
}

#[tokio::test]
async fn a_token_answer_that_is_not_bearer_is_refused() {
    let amazon = Amazon::new().await;
    for body in [
        json!({ "access_token": TOKEN, "token_type": "mac" }),
        json!({ "access_token": TOKEN }),
        json!({ "token_type": "bearer" }),
        json!({ "access_token": "a\nb", "token_type": "bearer" }),
    ] {
        amazon.fake.reply(TOKEN_PATH, ok(&body));
        let error = amazon.finish().await.unwrap_err();
        assert!(matches!(error, ProviderError::BadReply { at: Upstream::Token, .. }), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_without_the_address_that_holds_the_token() {
    let amazon = Amazon::new().await;
    // Nothing can listen on port 0.
    for (at, key, url) in [
        (Upstream::Token, "token_url", "http://127.0.0.1:0/auth/o2/token"),
        (Upstream::UserInfo, "attributes_url", "http://127.0.0.1:0/user/profile"),
    ] {
        let broken = Amazon::with(&[(key, url)]).await;
        let error = broken.finish().await.unwrap_err();
        assert!(matches!(&error, ProviderError::Unreachable { at: came, .. } if *came == at), "{error:?}");
    }
    assert!(amazon.finish().await.is_ok());
}
