//! `ProviderDetails`: what may be given, and what describing adds.

use super::*;

fn derived(changes: &[(&str, &str)], dev: bool) -> BTreeMap<&'static str, String> {
    made(changes, dev).unwrap_or_else(|error| panic!("{changes:?}: {error}")).derived().into_iter().collect()
}

#[test]
fn describing_adds_amazons_addresses_which_may_be_sent_back() {
    let expected: BTreeMap<&str, String> = [
        ("attributes_url", "https://api.amazon.com/user/profile"),
        ("attributes_url_add_attributes", "false"),
        ("authorize_url", "https://www.amazon.com/ap/oa"),
        ("token_request_method", "POST"),
        ("token_url", "https://api.amazon.com/auth/o2/token"),
    ]
    .map(|(key, value)| (key, value.to_owned()))
    .into();
    assert_eq!(derived(&[], false), expected);
    let sent: Vec<(&str, &str)> = expected.iter().map(|(key, value)| (*key, value.as_str())).collect();
    for dev in [false, true] {
        let given = details(&sent);
        let shown: BTreeMap<_, _> =
            given.iter().map(|(k, v)| (k.as_str(), v.clone())).chain(derived(&sent, dev)).collect();
        for (key, value) in &expected {
            assert_eq!(&shown[key], value);
        }
    }
}

#[test]
fn another_address_is_refused_unless_in_development() {
    for (key, given) in [
        ("authorize_url", "https://www.amazon.co.uk/ap/oa"),
        ("token_url", "https://evil.example/auth/o2/token"),
        ("token_url", "http://api.amazon.com/auth/o2/token"),
        ("attributes_url", "https://api.amazon.com/user/profile?x"),
    ] {
        let text = refused(&[(key, given)], false);
        assert!(
            text.contains(key) && text.contains("amazon.com") && !text.contains("POOLGATE_DEV"),
            "{text}"
        );
    }
    let own = "http://localhost:4000/auth/o2/token";
    assert!(refused(&[("token_url", own)], false).contains("token_url"));
    assert!(!derived(&[("token_url", own)], true).contains_key("token_url"), "what was given stays");
    assert!(refused(&[("token_url", "http://evil.example/t")], true).contains("POOLGATE_DEV"));
}

#[test]
fn tokens_are_looked_up_where_they_are_given() {
    for (token, info) in [
        ("", "https://api.amazon.com/auth/o2/tokeninfo"),
        ("http://localhost:4000/auth/o2/token?x=1", "http://localhost:4000/auth/o2/tokeninfo"),
        ("http://localhost:4000/amazon/auth/o2/token", "http://localhost:4000/amazon/auth/o2/tokeninfo"),
        ("http://127.0.0.1:4000/token", "http://127.0.0.1:4000/auth/o2/tokeninfo"),
    ] {
        let made = made(&[("token_url", token)], true).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(made.settings.token_info.as_str(), info);
    }
}

#[test]
fn every_setting_that_is_not_allowed_is_refused_by_name() {
    for (key, given) in [
        ("client_id", ""),
        ("client_secret", ""),
        ("authorize_scopes", ""),
        ("authorize_scopes", "profile,postal_code"),
        ("authorize_scopes", "profile  postal_code"),
        ("authorize_scopes", "postal_code"),
        ("authorize_scopes", "profile email"),
        ("authorize_scopes", "profile_x"),
        ("pkce", "plain"),
        ("callback", "mine"),
        ("attributes_url_add_attributes", "true"),
        ("token_request_method", "GET"),
        ("IDPSignout", "true"),
        ("clock_skew_seconds", "301"),
        ("api_version", "v17.0"),
        ("colour", "red"),
    ] {
        let text = refused(&[(key, given)], true);
        assert!(text.contains(&format!("ProviderDetails.{key}:")) && !text.contains(SECRET), "{key}: {text}");
    }
    assert!(
        refused(&[("IDPSignout", "true")], false).contains("has no address where an app can sign people out")
    );
}

#[test]
fn every_setting_that_is_allowed_is_taken() {
    for (key, given) in [
        ("authorize_scopes", "profile"),
        ("authorize_scopes", "profile:user_id"),
        ("authorize_scopes", "postal_code profile:user_id profile"),
        ("pkce", "off"),
        ("IDPSignout", "false"),
        ("trusted_email_domains", "example.com"),
        ("missing_attributes", "remove"),
        ("multi_valued", "json"),
    ] {
        assert!(made(&[(key, given)], false).is_ok(), "{key} = {given}");
    }
}
