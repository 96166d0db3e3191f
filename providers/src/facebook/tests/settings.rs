//! `ProviderDetails`: what may be given, and what describing adds.

use super::*;

fn derived(changes: &[(&str, &str)], dev: bool) -> BTreeMap<&'static str, String> {
    made(changes, &[], dev)
        .unwrap_or_else(|error| panic!("{changes:?}: {error}"))
        .derived()
        .into_iter()
        .collect()
}

#[test]
fn describing_adds_what_follows_from_the_version() {
    let expected: BTreeMap<&str, String> = [
        ("attributes_url", "https://graph.facebook.com/v17.0/me?fields="),
        ("attributes_url_add_attributes", "true"),
        ("authorize_url", "https://www.facebook.com/v17.0/dialog/oauth"),
        ("token_request_method", "GET"),
        ("token_url", "https://graph.facebook.com/v17.0/oauth/access_token"),
    ]
    .map(|(key, value)| (key, value.to_owned()))
    .into();
    assert_eq!(derived(&[("api_version", "v17.0")], false), expected);
}

#[test]
fn without_a_version_a_default_one_is_used_and_shown() {
    let derived = derived(&[], false);
    assert_eq!(derived["api_version"], "v26.0");
    assert_eq!(derived["token_url"], "https://graph.facebook.com/v26.0/oauth/access_token");
}

#[test]
fn what_describing_added_may_be_sent_back() {
    for dev in [false, true] {
        let before = derived(&[("api_version", "v17.0")], dev);
        let sent: Vec<(&str, &str)> = before
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .chain([("api_version", "v17.0")])
            .collect();
        assert_eq!(derived(&sent, dev), before);
    }
}

#[test]
fn a_new_version_beside_the_old_addresses_makes_new_addresses() {
    for dev in [false, true] {
        let old = derived(&[("api_version", "v17.0")], dev);
        let sent: Vec<(&str, &str)> =
            old.iter().map(|(key, value)| (*key, value.as_str())).chain([("api_version", "v25.0")]).collect();
        assert_eq!(derived(&sent, dev), derived(&[("api_version", "v25.0")], dev));
    }
}

#[test]
fn another_address_is_refused_unless_in_development() {
    for (key, given) in [
        ("authorize_url", "https://www.facebook.com/v26.0/dialog/oauth?x=1"),
        ("authorize_url", "https://www.facebook.com/dialog/oauth"),
        ("authorize_url", "https://evil.example/v26.0/dialog/oauth"),
        ("authorize_url", "https://www.facebook.com/v26.0/../evil/dialog/oauth"),
        ("token_url", "https://graph.facebook.com/v26.0@evil.example/oauth/access_token"),
        ("token_url", "http://graph.facebook.com/v26.0/oauth/access_token"),
        ("attributes_url", "https://graph.facebook.com/v26.0/4?fields="),
    ] {
        let text = refused(&[(key, given)], false);
        assert!(text.contains(key) && text.contains("facebook.com/v26.0/"), "{text}");
        assert!(!text.contains("POOLGATE_DEV"), "{text}");
    }
    let own = "http://localhost:4000/oauth/access_token";
    assert!(refused(&[("token_url", own)], false).contains("token_url"));
    let shown = derived(&[("token_url", own)], true);
    assert!(!shown.contains_key("token_url"), "what was given stays: {shown:?}");
    assert!(refused(&[("token_url", "http://evil.example/t")], true).contains("POOLGATE_DEV"));
}

#[test]
fn every_setting_that_is_not_allowed_is_refused_by_name() {
    for (key, given) in [
        ("client_id", ""),
        ("client_id", "a\nb"),
        ("client_secret", ""),
        ("authorize_scopes", ""),
        ("authorize_scopes", "public_profile email"),
        ("authorize_scopes", "public_profile,,email"),
        ("authorize_scopes", "public_profile,e-mail"),
        ("authorize_scopes", "a&b"),
        ("api_version", "17.0"),
        ("api_version", "v17"),
        ("api_version", "v17.0/.."),
        ("api_version", "v017.0"),
        ("api_version", "v0.1"),
        ("api_version", "v17.0.1"),
        ("api_version", "v1234.0"),
        ("api_version", "v17.a/b"),
        ("api_version", "va.0"),
        ("api_version", "latest"),
        ("pkce", "plain"),
        ("callback", "mine"),
        ("attributes_url_add_attributes", "false"),
        ("token_request_method", "POST"),
        ("IDPSignout", "true"),
        ("clock_skew_seconds", "301"),
        ("multi_valued", "array"),
        ("oidc_issuer", "https://www.facebook.com"),
        ("login_hint", "forward"),
        ("colour", "red"),
    ] {
        let text = refused(&[(key, given)], true);
        assert!(text.contains(&format!("ProviderDetails.{key}:")) && !text.contains(SECRET), "{key}: {text}");
    }
    let long = "x".repeat(16 * 1024 + 1);
    assert!(refused(&[("colour", &long)], true).contains("at most 16,384 bytes"));
    assert!(
        refused(&[("IDPSignout", "true")], false).contains("no address where an app can sign people out")
    );
}

#[test]
fn every_setting_that_is_allowed_is_taken() {
    for (key, given) in [
        ("authorize_scopes", "public_profile"),
        ("authorize_scopes", "public_profile,email,user_birthday"),
        ("api_version", "v9.0"),
        ("api_version", "v2.12"),
        ("pkce", "off"),
        ("IDPSignout", "false"),
        ("trusted_email_domains", "example.com"),
        ("missing_attributes", "remove"),
        ("multi_valued", "json"),
        ("logout_ends", "session"),
        ("clock_skew_seconds", "0"),
    ] {
        assert!(made(&[(key, given)], &[], false).is_ok(), "{key} = {given}");
    }
}

#[test]
fn a_mapped_name_that_is_no_field_is_refused() {
    for field in
        ["", "email,birthday", "email&access_token=x", "friends{name}", "picture.width(9)", "e mail", "ä"]
    {
        let error = made(&[], &["name", field], false).err().unwrap_or_else(|| panic!("{field} passed"));
        assert!(error.to_string().contains("letters, digits and underscores"), "{error}");
    }
    assert!(made(&[], &super::super::FIELDS.map(|field| field.name), false).is_ok());
}
