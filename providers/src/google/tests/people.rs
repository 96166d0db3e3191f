//! What the People API says, and whom it may say it of.

use super::*;
use crate::Attributes;

const MAPPED: [&str; 8] = [
    "names",
    "birthdays",
    "genders",
    "phoneNumbers",
    "addresses",
    "photos",
    "emailAddresses",
    "organizations",
];

async fn attributes(person: Value) -> Attributes {
    let (fake, google) = google(&[], &MAPPED).await;
    let mut person = person;
    person["resourceName"] = json!("people/person-1");
    fake.reply("/people/me", ok(&person));
    let mut all = fake.finish(&google).await.unwrap().attributes;
    assert_eq!(all.remove("sub").unwrap(), ["person-1"]);
    all
}

#[tokio::test]
async fn each_field_becomes_its_values_the_primary_one_first() {
    let all = attributes(json!({
        "etag": "%x",
        "names": [{ "metadata": { "primary": true }, "displayName": "Pat Doe", "givenName": "Pat" }],
        "birthdays": [{ "date": { "month": 2, "day": 29 } },
                      { "metadata": { "primary": true }, "date": { "year": 1984, "month": 2, "day": 29 }, "text": "x" }],
        "genders": [{ "value": "female", "formattedValue": "Female" }],
        "phoneNumbers": [{ "value": "0 79", "canonicalForm": "+4179" }, { "value": "0 78" }],
        "addresses": [{ "formattedValue": "Main St 1\nBern", "city": "Bern" }],
        "photos": [{ "url": "https://lh3.example/p" }],
        "emailAddresses": [{ "value": "claimed@evil.example" },
                           { "value": "false@evil.example", "metadata": { "verified": false, "primary": true } },
                           { "value": "p@acme.example", "metadata": { "verified": true } }],
        "organizations": [{ "name": "Acme", "title": "Chief" }],
        "nicknames": [{ "value": "not mapped" }],
    }))
    .await;
    let expected: Attributes = [
        ("names", vec!["Pat Doe"]),
        ("birthdays", vec!["1984-02-29", "0000-02-29"]),
        ("genders", vec!["female"]),
        ("phoneNumbers", vec!["+4179", "0 78"]),
        ("addresses", vec!["Main St 1\nBern"]),
        ("photos", vec!["https://lh3.example/p"]),
        ("emailAddresses", vec!["p@acme.example"]),
        ("organizations", vec!["Acme"]),
    ]
    .map(|(name, values)| (name.to_owned(), values.into_iter().map(str::to_owned).collect()))
    .into();
    assert_eq!(all, expected);
}

#[tokio::test]
async fn what_has_another_form_gives_no_value() {
    let all = attributes(json!({
        "names": "Pat",
        "genders": [{ "value": 7 }, { "value": "" }, {}, "female", null],
        "photos": {},
        "birthdays": [{ "date": { "year": 1984 } }, { "date": { "year": 1984, "month": 13, "day": 1 } },
                      { "date": { "year": 1983, "month": 2, "day": 29 } }, { "date": { "month": -1, "day": 1 } },
                      { "date": { "year": 99999, "month": 1, "day": 1 } }, { "text": "yesterday" }],
    }))
    .await;
    assert!(all.is_empty(), "{all:?}");
}

#[tokio::test]
async fn another_persons_fields_are_refused() {
    let (fake, google) = google(&[], &MAPPED).await;
    for name in [
        json!("people/person-2"),
        json!("people/c123"),
        json!("person-1"),
        json!("people/person-1/x"),
        json!("people/"),
        json!("people/me"),
        json!(["people/person-1"]),
        json!(null),
    ] {
        fake.reply("/people/me", ok(&json!({ "resourceName": name, "genders": [{ "value": "x" }] })));
        let error = fake.finish(&google).await.unwrap_err();
        assert_eq!(check_of(&error), "oidc_userinfo_subject", "{name}");
    }
}

fn bad_reply(error: ProviderError) -> (u16, String) {
    match error {
        ProviderError::BadReply { at: Upstream::UserInfo, status, reason } => (status, reason),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_scope_that_was_not_asked_for_is_named() {
    let birthday = "https://www.googleapis.com/auth/user.birthday.read";
    let scopes = format!("openid {birthday} https://www.googleapis.com/auth/userinfo.email");
    let (fake, google) =
        google(&[("authorize_scopes", &scopes)], &["birthdays", "genders", "names", "emailAddresses"]).await;
    let body = json!({ "error": { "code": 403, "status": "PERMISSION_DENIED", "message": "hidden",
        "details": [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                      "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT" }] } });
    fake.reply("/people/me", ResponseTemplate::new(403).set_body_json(&body));
    let (status, reason) = bad_reply(fake.finish(&google).await.unwrap_err());
    assert_eq!(status, 403);
    let wanted = "authorize_scopes lacks https://www.googleapis.com/auth/user.gender.read (genders), \
                  profile (names), which the attribute mapping needs";
    assert!(reason == wanted && !reason.contains(birthday), "{reason}");
    fake.reply("/people/me", ResponseTemplate::new(403).set_body_string("hidden"));
    let (_, reason) = bad_reply(fake.finish(&google).await.unwrap_err());
    assert!(reason == wanted, "{reason}");
}

#[tokio::test]
async fn a_refusal_with_every_scope_asked_for_is_the_persons_or_the_projects() {
    let (fake, google) = google(&[], &["names"]).await;
    fake.reply("/people/me", ResponseTemplate::new(403).set_body_json(json!({ "error": {} })));
    let (_, reason) = bad_reply(fake.finish(&google).await.unwrap_err());
    assert!(reason.contains("did not allow to read names"), "{reason}");
    let off = json!({ "error": { "code": 403, "details": [{ "reason": "SERVICE_DISABLED" }] } });
    fake.reply("/people/me", ResponseTemplate::new(403).set_body_json(&off));
    let (_, reason) = bad_reply(fake.finish(&google).await.unwrap_err());
    assert!(reason.contains("People API is not enabled"), "{reason}");
}

#[tokio::test]
async fn a_failing_people_api_ends_the_sign_in() {
    let (fake, google) = google(&[], &["names"]).await;
    let twice = r#"{"resourceName":"people/person-1","resourceName":"people/person-1"}"#;
    for (reply, status) in [
        (ResponseTemplate::new(401).set_body_json(json!({ "error": { "code": 401 } })), 401),
        (ResponseTemplate::new(500), 500),
        (ResponseTemplate::new(302).insert_header("location", "https://evil.example"), 302),
        (ResponseTemplate::new(200).set_body_raw("garbage", "application/json"), 200),
        (ResponseTemplate::new(200).set_body_raw("[]", "application/json"), 200),
        (ResponseTemplate::new(200).set_body_raw(twice, "application/json"), 200),
        (ResponseTemplate::new(200).set_body_raw("{}", "text/html"), 200),
    ] {
        fake.reply("/people/me", reply);
        assert_eq!(bad_reply(fake.finish(&google).await.unwrap_err()).0, status);
    }
}
