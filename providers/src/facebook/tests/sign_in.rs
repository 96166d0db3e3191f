//! What Graph answers: what is accepted, what is refused, and what is said of it.

use super::*;
use crate::ProviderSession;

#[tokio::test]
async fn a_person_signs_in() {
    let graph = Graph::new().await;
    let person = graph.finish().await.unwrap();
    assert_eq!((person.subject.as_str(), person.issuer.as_str()), ("10", "https://www.facebook.com"));
    let expected = [("id", "10"), ("email", "p@example.com"), ("name", "Pat")];
    assert_eq!(
        person.attributes,
        expected.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).into()
    );
    assert_eq!(person.session, ProviderSession { subject: "10".into(), ..ProviderSession::default() });
    assert_eq!(person.authenticated_at, None, "Facebook does not say when");
}

#[tokio::test]
async fn fields_become_attributes() {
    let mapped =
        ["picture", "location", "hometown", "languages", "age_range", "verified", "about", "gender", "x"];
    let graph = Graph::with(&[], &mapped).await;
    graph.person(&json!({
        "id": "10", "picture": { "data": { "height": 50, "is_silhouette": false, "url": "https://cdn.example/p" } },
        "location": { "id": "1", "name": "Bern" }, "hometown": { "id": "2" }, "about": null, "gender": "x",
        "languages": [{ "id": "3", "name": "German" }, { "id": "4", "name": "French" }],
        "age_range": { "min": 21 }, "verified": true, "email": "not asked for",
        "x": { "data": [{ "id": "5", "name": "Five" }, "six"], "paging": { "cursors": {} } },
    }));
    let expected: BTreeMap<String, Vec<String>> = [
        ("id", vec!["10"]),
        ("picture", vec!["https://cdn.example/p"]),
        ("location", vec!["Bern"]),
        ("hometown", vec!["{\"id\":\"2\"}"]),
        ("gender", vec!["x"]),
        ("languages", vec!["German", "French"]),
        ("age_range", vec!["{\"min\":21}"]),
        ("verified", vec!["true"]),
        ("x", vec!["Five", "six"]),
    ]
    .map(|(name, values)| (name.to_owned(), values.into_iter().map(str::to_owned).collect()))
    .into();
    assert_eq!(graph.finish().await.unwrap().attributes, expected);
}

#[tokio::test]
async fn nobody_is_known_without_an_id_of_digits() {
    let graph = Graph::new().await;
    let long = "1".repeat(65);
    for body in [
        json!({ "name": "Pat" }),
        json!({ "id": "", "name": "Pat" }),
        json!({ "id": 10 }),
        json!({ "id": null }),
        json!({ "id": ["10"] }),
        json!({ "id": "10 " }),
        json!({ "id": "1\n0" }),
        json!({ "id": "١٠" }),
        json!({ "id": long }),
    ] {
        graph.person(&body);
        assert_eq!(check_of(&graph.finish().await.unwrap_err()), "facebook_id", "{body}");
    }
    let longest = "1".repeat(64);
    graph.person(&json!({ "id": longest }));
    assert_eq!(graph.finish().await.unwrap().subject, longest);
}

#[tokio::test]
async fn the_type_of_the_token_is_read_without_case() {
    let graph = Graph::new().await;
    for kind in ["bearer", "Bearer", "BEARER"] {
        graph.tokens(&json!({ "access_token": TOKEN, "token_type": kind }));
        graph.finish().await.unwrap();
    }
}

#[tokio::test]
async fn a_token_answer_of_another_form_is_refused() {
    let graph = Graph::new().await;
    let long = "t".repeat(8 * 1024 + 1);
    for body in [
        json!({}),
        json!({ "access_token": TOKEN }),
        json!({ "access_token": TOKEN, "token_type": "mac" }),
        json!({ "access_token": TOKEN, "token_type": 7 }),
        json!({ "token_type": "bearer" }),
        json!({ "access_token": "", "token_type": "bearer" }),
        json!({ "access_token": 7, "token_type": "bearer" }),
        json!({ "access_token": "a\nb", "token_type": "bearer" }),
        json!({ "access_token": long, "token_type": "bearer" }),
    ] {
        graph.tokens(&body);
        let error = graph.finish().await.unwrap_err();
        assert!(matches!(error, ProviderError::BadReply { at: Upstream::Token, .. }), "{body}: {error:?}");
    }
    assert!(graph.fake.requests(PROFILE_PATH).await.is_empty());
}

#[tokio::test]
async fn an_error_of_graph_is_told_by_its_type_and_codes_alone() {
    for (error, reason) in [
        (
            json!({ "message": "tell-nobody", "type": "OAuthException", "code": 190, "error_subcode": 460,
                    "error_user_msg": "tell-nobody", "fbtrace_id": "tell-nobody" }),
            "OAuthException 190/460",
        ),
        (json!({ "message": "tell-nobody", "type": "OAuthException", "code": 100 }), "OAuthException 100"),
        (json!({ "message": "tell-nobody", "type": "OAuthException" }), "OAuthException"),
        (json!({ "message": "tell-nobody", "code": 1 }), "an error without a type 1"),
        (json!({ "type": "tell\"-nobody", "code": "tell-nobody" }), "an error without a type"),
    ] {
        for (at, path) in CALLED {
            for status in [400, 401, 500, 200] {
                let graph = Graph::new().await;
                let body = json!({ "error": error });
                graph.fake.reply(path, ResponseTemplate::new(status).set_body_json(body));
                let expected = ProviderError::BadReply { at, status, reason: reason.into() };
                assert_eq!(graph.finish().await.unwrap_err(), expected);
            }
        }
    }
}

#[tokio::test]
async fn every_answer_that_is_of_no_use_is_told_and_not_quoted() {
    let good = r#"{"id":"10","access_token":"tell-nobody","token_type":"bearer"}"#;
    let raw = |status: u16, body: &str, kind: &str| {
        ResponseTemplate::new(status).set_body_raw(body.as_bytes().to_vec(), kind)
    };
    let json = "application/json";
    for (case, answer, status) in [
        ("HTML", raw(200, "<html>tell-nobody</html>", "text/html"), 200),
        ("HTML that says it is JSON", raw(200, "<html>tell-nobody</html>", json), 200),
        ("an HTML error page", raw(502, "<html>tell-nobody</html>", "text/html"), 502),
        ("another content type", raw(200, good, "text/plain"), 200),
        ("no content type", ResponseTemplate::new(200).set_body_bytes(good), 200),
        ("nothing", raw(200, "", json), 200),
        ("a list", raw(200, "[]", json), 200),
        (
            "a member twice",
            raw(200, r#"{"id":"10","id":"11","access_token":"a","token_type":"bearer"}"#, json),
            200,
        ),
        ("the form of old versions", raw(200, "access_token=tell-nobody&expires=1", "text/plain"), 200),
        ("JSONP", raw(200, "/**/ cb({\"id\":\"10\"});", "text/javascript"), 200),
        (
            "an error of OAuth",
            raw(400, r#"{"error":"invalid_grant","error_description":"tell-nobody"}"#, json),
            400,
        ),
        ("no content", ResponseTemplate::new(204), 204),
        ("too much", raw(200, &" ".repeat(1024 * 1024 + 1), json), 200),
        ("away", raw(503, "", json), 503),
    ] {
        for (at, path) in CALLED {
            let graph = Graph::new().await;
            graph.fake.reply(path, answer.clone());
            match graph.finish().await.unwrap_err() {
                ProviderError::BadReply { at: came, status: with, .. } => {
                    assert_eq!((came, with), (at, status), "{case}");
                }
                other => panic!("{case}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn json_that_graph_calls_javascript_is_read() {
    let graph = Graph::new().await;
    let person = r#"{"id":"10","email":"p@example.com"}"#;
    let answer = ResponseTemplate::new(200).set_body_raw(person, "text/javascript; charset=UTF-8");
    graph.fake.reply(PROFILE_PATH, answer);
    assert_eq!(graph.finish().await.unwrap().subject, "10");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for (at, path) in CALLED {
        let graph = Graph::new().await;
        let elsewhere = format!("{}/elsewhere", graph.fake.uri());
        let answer = ResponseTemplate::new(302).insert_header("location", elsewhere.as_str());
        graph.fake.reply(path, answer);
        let reason = "redirects are not followed".to_owned();
        assert_eq!(graph.finish().await.unwrap_err(), ProviderError::BadReply { at, status: 302, reason });
        assert!(graph.fake.requests("/elsewhere").await.is_empty());
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_without_the_address_that_holds_the_secret() {
    let graph = Graph::new().await;
    // Nothing can listen on port 0.
    let away = "http://127.0.0.1:0/v26.0/oauth/access_token";
    let facebook = made(&[("token_url", away)], &[], true).unwrap_or_else(|error| panic!("{error}"));
    let graph = Graph { facebook, ..graph };
    let error = graph.finish().await.unwrap_err();
    assert!(matches!(error, ProviderError::Unreachable { at: Upstream::Token, .. }), "{error:?}");
}
