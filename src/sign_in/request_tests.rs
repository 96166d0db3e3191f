use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::{client, live_pool, provider};

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn pool() -> Arc<LivePool> {
    let acme = provider("Acme", json!({"IdpIdentifiers": ["acme.example", "Acme-SSO"]}));
    let hidden = provider("Hidden", json!({"IdpIdentifiers": ["hidden.example"]}));
    live_pool(client(json!({})), vec![acme, provider("Globex", json!({})), hidden])
}

fn good() -> Vec<(&'static str, &'static str)> {
    vec![("client_id", "app"), ("redirect_uri", "https://app.example/cb"), ("response_type", "code")]
}

fn check(pairs: &[(&str, &str)]) -> Result<AuthorizeRequest, Rejected> {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    AuthorizeRequest::check(&pool(), &pairs)
}

fn with(extra: &[(&'static str, &'static str)]) -> Result<AuthorizeRequest, Rejected> {
    let mut pairs = good();
    pairs.retain(|(name, _)| !extra.iter().any(|(other, _)| other == name));
    pairs.extend_from_slice(extra);
    check(&pairs)
}

fn error_of(result: Result<AuthorizeRequest, Rejected>) -> &'static str {
    match result {
        Err(Rejected::Redirect { error, .. }) => error,
        Err(Rejected::Page(_)) => "page",
        Ok(_) => "accepted",
    }
}

#[test]
fn a_good_request_gets_all_scopes_of_the_client_when_it_asks_for_none() {
    let request = check(&good()).unwrap();
    assert_eq!(request.scopes, ["openid", "email", "profile"]);
    assert_eq!(request.wanted, Wanted::Any);
}

#[test]
fn a_bad_client_or_redirect_uri_never_redirects() {
    assert_eq!(error_of(with(&[("client_id", "other")])), "page");
    assert_eq!(error_of(with(&[("client_id", "")])), "page");
    for uri in [
        "https://app.example/cb/",
        "https://app.example/CB",
        "https://APP.example/cb",
        "https://app.example/cb?x",
        "https://app.example/cb#f",
        "https://app.example/cb ",
        "https://evil.example/cb",
        "",
    ] {
        assert_eq!(error_of(with(&[("redirect_uri", uri)])), "page", "{uri}");
    }
    let mut twice = good();
    twice.push(("redirect_uri", "https://evil.example"));
    assert_eq!(error_of(check(&twice)), "page");
}

#[test]
fn everything_else_that_is_wrong_goes_back_to_the_app_with_its_error() {
    for (pairs, error) in [
        (vec![("response_type", "")], "invalid_request"),
        (vec![("response_type", "id_token")], "invalid_request"),
        (vec![("response_type", "token")], "unauthorized_client"),
        (vec![("code_challenge", CHALLENGE)], "invalid_request"),
        (vec![("code_challenge", CHALLENGE), ("code_challenge_method", "plain")], "invalid_request"),
        (vec![("code_challenge_method", "S256")], "invalid_request"),
        (vec![("code_challenge", "short"), ("code_challenge_method", "S256")], "invalid_request"),
        (vec![("scope", "openid admin")], "invalid_scope"),
        (vec![("scope", "email")], "invalid_scope"),
        (vec![("scope", "phone")], "invalid_scope"),
        (vec![("scope", "aws.cognito.signin.user.admin")], "invalid_scope"),
        (vec![("scope", "openid \u{7f}")], "invalid_scope"),
        (vec![("prompt", "sometimes")], "invalid_request"),
        (vec![("prompt", "none login")], "invalid_request"),
        (vec![("max_age", "soon")], "invalid_request"),
        (vec![("max_age", "-1")], "invalid_request"),
        (vec![("max_age", "+1")], "invalid_request"),
        (vec![("max_age", "4294967296")], "invalid_request"),
        (vec![("acr_values", "a  b")], "invalid_request"),
        (vec![("acr_values", " a")], "invalid_request"),
        (vec![("acr_values", "a\tb")], "invalid_request"),
        (vec![("acr_values", "a\u{0}")], "invalid_request"),
        (vec![("acr_values", "\"a\"")], "invalid_request"),
        (vec![("acr_values", "st\u{e4}rk")], "invalid_request"),
        (vec![("acr_values", "a"), ("acr_values", "b")], "invalid_request"),
        (vec![("resource", "http://api.example")], "invalid_request"),
        (vec![("resource", "https://api.example/#f")], "invalid_request"),
        (vec![("resource", "javascript:alert(1)")], "invalid_request"),
        (vec![("identity_provider", "Acme"), ("idp_identifier", "acme.example")], "invalid_request"),
        (vec![("identity_provider", "Nobody")], "invalid_request"),
        (vec![("identity_provider", "Hidden")], "invalid_request"),
        (vec![("idp_identifier", "hidden.example")], "invalid_request"),
        (vec![("idp_identifier", "unknown.example")], "invalid_request"),
    ] {
        assert_eq!(error_of(with(&pairs)), error, "{pairs:?}");
    }
    let mut twice = good();
    twice.extend([("state", "a"), ("state", "b")]);
    assert_eq!(error_of(check(&twice)), "invalid_request");
}

#[test]
fn acr_values_travel_on_as_they_are_up_to_their_bound() {
    let asked = "urn:mace:incommon:iap:silver phr https://refeds.org/profile/mfa";
    assert_eq!(with(&[("acr_values", asked)]).unwrap().asked.acr_values.as_deref(), Some(asked));
    assert_eq!(check(&good()).unwrap().asked.acr_values, None);
    let of = |length: usize| {
        let long = "x".repeat(length);
        let mut pairs = good();
        pairs.push(("acr_values", &long));
        error_of(check(&pairs))
    };
    assert_eq!((of(MAX_ACR_VALUES), of(MAX_ACR_VALUES + 1)), ("accepted", "invalid_request"));
}

#[test]
fn languages_come_from_lang_and_then_ui_locales_and_what_is_none_is_left_out() {
    let of = |pairs: &[(&'static str, &'static str)]| with(pairs).unwrap().asked.lang;
    assert_eq!(of(&[("lang", "ko")]).as_deref(), Some("ko"));
    assert_eq!(of(&[("ui_locales", "fr-CA fr en")]).as_deref(), Some("fr-CA fr en"));
    assert_eq!(of(&[("lang", "fr"), ("ui_locales", "fr-CA fr en")]).as_deref(), Some("fr fr-CA en"));
    assert_eq!(of(&[("lang", "<x>"), ("ui_locales", "de;x  en&a=b \u{e9} it")]).as_deref(), Some("it"));
    assert_eq!(of(&[("ui_locales", "<x>")]), None);
    assert_eq!(of(&[("ui_locales", "a b c d e f g h i j k l")]).as_deref(), Some("a b c d e f g h i j"));
}

#[test]
fn the_error_of_an_implicit_request_goes_into_the_fragment() {
    match with(&[("response_type", "token")]) {
        Err(Rejected::Redirect { target, .. }) => assert_eq!(target.response_type, ResponseType::Token),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_known_scope_that_the_client_may_not_use_is_ignored() {
    assert_eq!(with(&[("scope", "openid phone email")]).unwrap().scopes, ["openid", "email"]);
}

#[test]
fn without_openid_the_scopes_that_need_it_go_too() {
    let client = client(json!({"AllowedOAuthScopes": ["email", "aws.cognito.signin.user.admin"]}));
    let scopes = check_scopes(Some("openid email aws.cognito.signin.user.admin"), &pool(), &client).unwrap();
    assert_eq!(scopes, ["aws.cognito.signin.user.admin"]);
}

#[test]
fn an_identifier_is_compared_without_case_and_a_provider_name_with_it() {
    let named = Wanted::Provider("Acme".into());
    assert_eq!(with(&[("idp_identifier", "ACME.Example")]).unwrap().wanted, named);
    assert_eq!(with(&[("identity_provider", "Acme")]).unwrap().wanted, named);
    assert_eq!(error_of(with(&[("identity_provider", "acme")])), "invalid_request");
    assert_eq!(with(&[("identity_provider", "COGNITO")]).unwrap().wanted, Wanted::HostedPage);
}

#[test]
fn a_value_over_the_bound_is_refused() {
    let long = "x".repeat(MAX_VALUE + 1);
    let mut pairs: Vec<_> = good();
    pairs.push(("state", &long));
    assert_eq!(error_of(check(&pairs)), "invalid_request");
}

proptest! {
    #[test]
    fn only_a_registered_callback_is_ever_a_target(uri in "\\PC{0,60}") {
        let mut pairs = good();
        pairs[1].1 = &uri;
        match check(&pairs) {
            Err(Rejected::Page(_)) => {}
            Ok(request) => prop_assert!(["https://app.example/cb", "myapp://cb"].contains(&request.redirect_uri.as_str())),
            Err(Rejected::Redirect { target, .. }) => {
                prop_assert!(["https://app.example/cb", "myapp://cb"].contains(&target.redirect_uri.as_str()));
            }
        }
    }

    #[test]
    fn no_scope_is_granted_that_the_client_may_not_use(scope in "[a-z. ]{0,40}|openid( email| phone| profile| admin){0,3}") {
        let client = client(json!({}));
        if let Ok(scopes) = check_scopes(Some(&scope), &pool(), &client) {
            prop_assert!(scopes.iter().all(|scope| client.allowed_oauth_scopes.contains(scope)));
            prop_assert!(scopes.iter().all(|granted| scope.split(' ').any(|asked| asked == granted)));
        }
    }
}

#[test]
fn a_client_or_redirect_uri_that_comes_twice_never_redirects_whatever_else_comes_twice() {
    for name in ["client_id", "redirect_uri"] {
        let mut pairs = good();
        let value = pairs.iter().find(|(key, _)| *key == name).unwrap().1;
        pairs.extend([("state", "1"), ("state", "2"), (name, value)]);
        assert_eq!(error_of(check(&pairs)), "page", "{name}");
    }
}

#[test]
fn a_provider_of_other_clients_looks_like_one_that_does_not_exist() {
    let hidden = with(&[("idp_identifier", "hidden.example")]).unwrap_err();
    assert_eq!(hidden, with(&[("idp_identifier", "unknown.example")]).unwrap_err());
    assert_eq!(hidden, with(&[("identity_provider", "Nobody")]).unwrap_err());
}

#[test]
fn a_made_up_name_is_not_repeated_at_length() {
    let name = "x".repeat(50_000);
    let long = "v".repeat(4_097);
    for more in [vec![(name.as_str(), "1"), (name.as_str(), "2")], vec![(name.as_str(), long.as_str())]] {
        let mut pairs = good();
        pairs.extend(more);
        let Err(Rejected::Redirect { description, .. }) = check(&pairs) else { panic!("accepted") };
        assert!(description.len() < 200, "{}", description.len());
    }
}
