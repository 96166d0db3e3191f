//! Which settings are allowed.

use super::super::OidcProvider;
use super::super::settings::{AttributesMethod, OidcSettings, ResponseMode};
use super::details;
use crate::Provider as _;
use crate::oauth::ClientAuth;
use crate::settings::{LogoutEnds, MissingAttributes, MultiValued, SettingError};
use crate::social::Setup;

fn read(changes: &[(&str, &str)]) -> Result<OidcSettings, SettingError> {
    OidcSettings::from_details(&details(changes), false)
}

/// The key that is named when these changes are refused.
fn refused(changes: &[(&str, &str)]) -> String {
    read(changes).expect_err(&format!("{changes:?} was allowed")).key
}

#[test]
fn the_reference_services_keys_are_enough() {
    let settings = read(&[]).unwrap();
    assert_eq!(settings.client_id, "pool-client");
    assert_eq!(settings.attributes_request_method, AttributesMethod::Get);
    assert_eq!(settings.issuer, "https://idp.example.com");
    assert_eq!(settings.scopes, ["openid", "email"]);
    assert!(settings.endpoints.is_none() && settings.pkce && settings.forward_login_hint);
    assert_eq!(settings.response_mode, ResponseMode::Query);
    assert!(matches!(settings.client_auth, ClientAuth::SecretPost(_)));
    let common = settings.common;
    assert_eq!(common.clock_skew_seconds, 60);
    assert_eq!(common.missing_attributes, MissingAttributes::Keep);
    assert_eq!(common.multi_valued, MultiValued::String);
    assert_eq!(common.logout_ends, LogoutEnds::SessionAndTokens);
    assert!(!common.idp_signout && common.trusted_email_domains.is_empty());
}

#[test]
fn a_setting_of_more_than_16_384_bytes_is_refused_whichever_it_is() {
    let scopes = |length: usize| format!("openid {}", "x".repeat(length - "openid ".len()));
    assert!(read(&[("authorize_scopes", &scopes(16_384))]).is_ok());
    assert_eq!(refused(&[("authorize_scopes", &scopes(16_385))]), "authorize_scopes");
}

#[test]
fn a_client_id_or_secret_of_more_than_1024_characters_is_refused() {
    for key in ["client_id", "client_secret"] {
        assert!(read(&[(key, &"x".repeat(1024))]).is_ok(), "{key}");
        assert_eq!(refused(&[(key, &"x".repeat(1025))]), key);
    }
}

#[test]
fn every_setting_beyond_the_reference_is_read() {
    let settings = read(&[
        ("attributes_request_method", "POST"),
        ("token_endpoint_auth_method", "client_secret_basic"),
        ("pkce", "off"),
        ("response_mode", "form_post"),
        ("login_hint", "none"),
        ("clock_skew_seconds", "300"),
        ("trusted_email_domains", "Example.com, b.example.org"),
        ("missing_attributes", "remove"),
        ("multi_valued", "json"),
        ("IDPSignout", "true"),
        ("logout_ends", "session"),
        ("attributes_url_add_attributes", "false"),
    ])
    .unwrap();
    assert_eq!(settings.attributes_request_method, AttributesMethod::Post);
    assert!(!settings.pkce && !settings.forward_login_hint);
    assert_eq!(settings.response_mode, ResponseMode::FormPost);
    assert!(matches!(settings.client_auth, ClientAuth::SecretBasic(_)));
    let common = settings.common;
    assert_eq!(common.clock_skew_seconds, 300);
    assert_eq!(common.trusted_email_domains, ["example.com", "b.example.org"]);
    assert_eq!(common.missing_attributes, MissingAttributes::Remove);
    assert_eq!(common.multi_valued, MultiValued::Json);
    assert_eq!(common.logout_ends, LogoutEnds::Session);
    assert!(common.idp_signout);
}

#[test]
fn a_value_that_is_not_allowed_is_refused_by_its_key() {
    for (key, value) in [
        ("client_id", "a\nb"),
        ("client_secret", "a\nb"),
        ("attributes_request_method", "PUT"),
        ("token_endpoint_auth_method", "none"),
        ("pkce", "plain"),
        ("callback", "mine"),
        ("response_mode", "fragment"),
        ("login_hint", "subject"),
        ("clock_skew_seconds", "301"),
        ("clock_skew_seconds", "-1"),
        ("clock_skew_seconds", "+1"),
        ("trusted_email_domains", "*.example.com"),
        ("trusted_email_domains", "com"),
        ("trusted_email_domains", "a.com,"),
        ("missing_attributes", "drop"),
        ("multi_valued", "list"),
        ("IDPSignout", "True"),
        ("logout_ends", "nothing"),
        ("attributes_url_add_attributes", "true"),
        ("attributes_url_add_attributes", "yes"),
        ("issuer_template", "microsoft"),
        ("issuer_template", "{tenantid}"),
        ("private_key", "x"),
        ("private_key_id", "x"),
        ("no_such_key", "x"),
        ("SLORedirectBindingURI", "x"),
    ] {
        assert_eq!(refused(&[(key, value)]), key);
    }
}

#[test]
fn a_missing_setting_is_named() {
    for key in ["client_id", "client_secret", "oidc_issuer", "authorize_scopes"] {
        assert_eq!(refused(&[(key, "")]), key);
    }
}

#[test]
fn the_issuer_is_an_https_url_without_ornaments() {
    for issuer in [
        "http://idp.example.com",
        "http://localhost:8080",
        "https://idp.example.com/",
        "https://idp.example.com/realm/",
        "https://idp.example.com?x=1",
        "https://idp.example.com#x",
        "https://user@idp.example.com",
        "https://u:p@idp.example.com",
        "ftp://idp.example.com",
        "idp.example.com",
        "https://idp.example.com/a b",
        " https://idp.example.com",
    ] {
        assert_eq!(refused(&[("oidc_issuer", issuer)]), "oidc_issuer", "{issuer}");
    }
    assert!(read(&[("oidc_issuer", "https://idp.example.com/realms/a")]).is_ok());
}

#[test]
fn development_allows_http_on_loopback_alone() {
    let dev = |issuer: &str| OidcSettings::from_details(&details(&[("oidc_issuer", issuer)]), true);
    for issuer in ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "http://idp.localhost"] {
        assert!(dev(issuer).is_ok(), "{issuer}");
    }
    for issuer in ["http://idp.example.com", "http://localhost.example.com", "http://10.0.0.1"] {
        assert!(dev(issuer).is_err(), "{issuer}");
    }
}

#[test]
fn scopes_hold_openid_and_nothing_odd() {
    for scopes in ["email profile", "openid  email", "openid ", "OpenID", "openid \"x\"", "openid,email"] {
        assert_eq!(refused(&[("authorize_scopes", scopes)]), "authorize_scopes", "{scopes}");
    }
    assert_eq!(read(&[("authorize_scopes", "email openid email")]).unwrap().scopes, ["email", "openid"]);
}

#[test]
fn explicit_endpoints_are_all_four_or_none() {
    let all = [
        ("authorize_url", "https://a.example/auth"),
        ("token_url", "https://a.example/token"),
        ("attributes_url", "https://a.example/me"),
        ("jwks_uri", "https://a.example/jwks"),
    ];
    assert!(read(&all).unwrap().endpoints.is_some());
    for missing in 0..all.len() {
        let mut some = all.to_vec();
        let (key, _) = some.remove(missing);
        assert_eq!(refused(&some), key);
        some.push((key, "http://a.example/x"));
        assert_eq!(refused(&some), key);
    }
}

#[test]
fn an_authorize_url_that_sets_our_parameters_is_refused() {
    let ours = [
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "response_mode",
        "prompt",
        "login_hint",
        "max_age",
        "ui_locales",
        "client%5Fid",
    ];
    for query in ours.map(|name| format!("a=b&{name}=x")) {
        let url = format!("https://a.example/auth?{query}");
        let changes = [
            ("authorize_url", url.as_str()),
            ("token_url", "https://a.example/token"),
            ("attributes_url", "https://a.example/me"),
            ("jwks_uri", "https://a.example/jwks"),
        ];
        assert_eq!(refused(&changes), "authorize_url", "{query}");
    }
}

#[test]
fn a_private_key_that_cannot_sign_is_refused() {
    let base = [("token_endpoint_auth_method", "private_key_jwt"), ("client_secret", "")];
    assert_eq!(refused(&base), "private_key");
    let error = read(
        &[&base[..], &[("private_key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")]]
            .concat(),
    );
    assert_eq!(error.unwrap_err().key, "private_key");
}

#[test]
fn a_secret_never_shows_in_errors_or_debug_output() {
    let error = read(&[("client_secret", "hidden\u{7}value")]).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hidden"));
    let settings = read(&[("client_secret", "hidden-value")]).unwrap();
    assert!(!format!("{settings:?}").contains("hidden"));
}

#[test]
fn names_are_appended_only_to_a_parameter_of_an_attributes_url_that_is_given() {
    let with = |url: &str| {
        read(&[
            ("authorize_url", "https://a.example/auth"),
            ("token_url", "https://a.example/token"),
            ("attributes_url", url),
            ("jwks_uri", "https://a.example/jwks"),
            ("attributes_url_add_attributes", "true"),
        ])
    };
    assert!(with("https://a.example/me?fields=").is_ok());
    for url in ["https://a.example/me", "https://a.example/me?fields", "https://a.example/me="] {
        assert_eq!(with(url).unwrap_err().key, "attributes_url_add_attributes", "{url}");
    }
    assert_eq!(refused(&[("attributes_url_add_attributes", "true")]), "attributes_url_add_attributes");
}

#[test]
fn a_mapped_name_that_is_not_plain_cannot_be_appended() {
    let details = details(&[
        ("authorize_url", "https://a.example/auth"),
        ("token_url", "https://a.example/token"),
        ("attributes_url", "https://a.example/me?fields="),
        ("jwks_uri", "https://a.example/jwks"),
        ("attributes_url_add_attributes", "true"),
    ]);
    let make = |name: &str| {
        let mapped = [name.to_owned()].into();
        OidcProvider::of(Setup { details: &details, mapped: &mapped, dev: false }).map(|_| ())
    };
    for name in ["a,b", "a&b=c", "https://example.com/roles", "a b", "\u{e4}", "", &"a".repeat(129)] {
        assert_eq!(make(name).unwrap_err().key, "attributes_url_add_attributes", "{name}");
    }
    assert!(make("given_name").is_ok() && make("x-a.B_9").is_ok());
}

#[test]
fn describing_adds_the_derived_value() {
    let provider = OidcProvider::new(OidcSettings::from_details(&details(&[]), false).unwrap());
    assert_eq!(provider.derived(), [("attributes_url_add_attributes", "false".to_owned())]);
}

#[test]
fn signing_out_there_needs_discovery() {
    let explicit = [
        ("authorize_url", "https://idp.example.com/authorize"),
        ("token_url", "https://idp.example.com/token"),
        ("attributes_url", "https://idp.example.com/userinfo"),
        ("jwks_uri", "https://idp.example.com/jwks"),
    ];
    read(&[("IDPSignout", "true")]).unwrap();
    read(&explicit).unwrap();
    let both: Vec<_> = explicit.into_iter().chain([("IDPSignout", "true")]).collect();
    let error = read(&both).unwrap_err();
    assert_eq!(error.key, "IDPSignout");
    assert!(error.allowed.contains("end_session_endpoint"), "{error}");
}
