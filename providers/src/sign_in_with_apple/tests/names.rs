//! The name, which comes once, unsigned, through the browser.

use super::*;

/// Who signs in when Apple's form holds this field `user`.
async fn person(scopes: &str, user: &str) -> ExternalIdentity {
    let (fake, apple) = apple(&[("authorize_scopes", scopes)]).await;
    fake.claims(|claims| claims["email"] = json!("signed@acme.example"));
    fake.finish_with(&apple, &[("code", "c"), ("user", user)]).await.unwrap()
}

fn names(person: &ExternalIdentity) -> BTreeMap<&str, &str> {
    let names = person.attributes.iter().filter(|(name, _)| name.to_lowercase().contains("name"));
    names.map(|(name, values)| (name.as_str(), values[0].as_str())).collect()
}

#[tokio::test]
async fn the_name_of_the_first_sign_in_becomes_three_attributes() {
    let user = r#"{"name":{"firstName":"Zoë","lastName":"van der Berg"},"email":"form@evil.example"}"#;
    let person = person("email name", user).await;
    let expected = [("firstName", "Zoë"), ("lastName", "van der Berg"), ("name", "Zoë van der Berg")];
    assert_eq!(names(&person), expected.into());
}

#[tokio::test]
async fn the_email_of_the_form_is_never_taken() {
    let user = r#"{"name":{"firstName":"A","lastName":"B"},"email":"form@evil.example","sub":"person-2",
                   "email_verified":"true"}"#;
    let (fake, apple) = apple(&[]).await;
    let silent = fake.finish_with(&apple, &[("code", "c"), ("user", user)]).await.unwrap();
    assert!(!silent.attributes.contains_key("email"), "{:?}", silent.attributes);
    let person = person("email name", user).await;
    assert_eq!(person.attributes["email"], ["signed@acme.example"]);
    assert!(person.subject == "person-1" && !person.attributes.contains_key("email_verified"));
}

#[tokio::test]
async fn that_a_name_is_missing_says_nothing() {
    let (fake, apple) = apple(&[]).await;
    let later = fake.finish(&apple).await.unwrap();
    assert!(names(&later).is_empty());
    assert_eq!(later.told_once, ["firstName", "lastName", "name"]);
}

#[tokio::test]
async fn part_of_a_name_is_taken_as_it_is() {
    for (user, expected) in [
        (r#"{"name":{"firstName":"Cher"}}"#, vec![("firstName", "Cher"), ("name", "Cher")]),
        (r#"{"name":{"firstName":"","lastName":" Doe "}}"#, vec![("lastName", "Doe"), ("name", "Doe")]),
        (r#"{"name":{"firstName":null,"lastName":"Doe"}}"#, vec![("lastName", "Doe"), ("name", "Doe")]),
        (r#"{"name":{"firstName":"A\u0000","lastName":"Doe"}}"#, vec![("lastName", "Doe"), ("name", "Doe")]),
        (r#"{"name":{"firstName":["A"],"lastName":"Doe"}}"#, vec![("lastName", "Doe"), ("name", "Doe")]),
    ] {
        assert_eq!(names(&person("name", user).await), expected.into_iter().collect(), "{user}");
    }
}

#[tokio::test]
async fn a_field_of_another_form_gives_no_name_and_ends_no_sign_in() {
    let long = format!(r#"{{"name":{{"firstName":"{}"}}}}"#, "x".repeat(201));
    let huge = format!(r#"{{"name":{{"firstName":"A"}},"x":"{}"}}"#, "x".repeat(4096));
    for user in [
        "",
        "{}",
        "null",
        "[]",
        "garbage",
        r#""A""#,
        r#"{"name":"A B"}"#,
        r#"{"name":["A","B"]}"#,
        r#"{"name":{"firstName":{"x":"A"}}}"#,
        r#"{"name":{"firstName":"A"},"name":{"firstName":"B"}}"#,
        r#"{"name":{"firstName":"A"}} {"#,
        r#"{"firstName":"A"}"#,
        &long,
        &huge,
    ] {
        let person = person("email name", user).await;
        assert!(names(&person).is_empty() && person.subject == "person-1", "{user}: {:?}", person.attributes);
    }
}

#[tokio::test]
async fn a_name_that_was_not_asked_for_is_not_taken() {
    let person = person("email openid", r#"{"name":{"firstName":"A","lastName":"B"}}"#).await;
    assert!(names(&person).is_empty());
}

#[tokio::test]
async fn the_form_never_replaces_what_the_id_token_says() {
    let (fake, apple) = apple(&[]).await;
    fake.claims(|claims| claims["name"] = json!("Signed Name"));
    let user = r#"{"name":{"firstName":"A","lastName":"B"}}"#;
    let person = fake.finish_with(&apple, &[("code", "c"), ("user", user)]).await.unwrap();
    assert_eq!(person.attributes["name"], ["Signed Name"]);
}

#[tokio::test]
async fn two_fields_are_not_one() {
    let (fake, apple) = apple(&[]).await;
    let pairs = [("code", "c"), ("user", r#"{"name":{"firstName":"A"}}"#), ("user", "{}")];
    assert_eq!(check_of(&fake.finish_with(&apple, &pairs).await.unwrap_err()), "oidc_duplicate_parameter");
}

proptest::proptest! {
    #[test]
    fn no_field_makes_the_reader_panic_or_gives_a_broken_name(field in proptest::prelude::any::<String>()) {
        for (_, value) in super::super::told_once::names(&field) {
            proptest::prop_assert!(!value.is_empty() && !value.chars().any(char::is_control));
        }
    }
}
