//! `ProviderDetails` of Google.

use super::*;

const DERIVED: [(&str, &str); 6] = [
    ("attributes_url", "https://people.googleapis.com/v1/people/me?personFields="),
    ("attributes_url_add_attributes", "true"),
    ("authorize_url", "https://accounts.google.com/o/oauth2/v2/auth"),
    ("oidc_issuer", "https://accounts.google.com"),
    ("token_request_method", "POST"),
    ("token_url", "https://www.googleapis.com/oauth2/v4/token"),
];

fn refused(changes: &[(&str, &str)]) -> SettingError {
    new(&details(changes), &[], false).err().unwrap_or_else(|| panic!("{changes:?} was accepted"))
}

#[test]
fn describing_shows_googles_endpoints_and_they_are_accepted_when_sent_back() {
    let shown: BTreeMap<_, _> = new(&details(&[]), &[], false).unwrap().derived().into_iter().collect();
    assert_eq!(shown, DERIVED.map(|(key, value)| (key, value.to_owned())).into());
    let again = new(&details(&DERIVED), &[], false).unwrap();
    assert_eq!(again.derived().into_iter().collect::<BTreeMap<_, _>>(), shown);
}

#[test]
fn no_other_endpoint_is_taken_outside_of_development() {
    for (key, _) in DERIVED.iter().chain(&[("jwks_uri", "")]) {
        let error = refused(&[(*key, "https://evil.example/personFields?personFields=")]);
        assert_eq!(error.key, *key);
    }
}

#[test]
fn development_may_name_other_endpoints_and_describing_shows_them() {
    let given = [
        ("attributes_url", "http://127.0.0.1:9/people?personFields="),
        ("authorize_url", "http://127.0.0.1:9/auth"),
        ("oidc_issuer", "http://127.0.0.1:9"),
        ("token_url", "http://127.0.0.1:9/token"),
    ];
    let shown: BTreeMap<_, _> = new(&details(&given), &[], true).unwrap().derived().into_iter().collect();
    for (key, value) in given {
        assert_eq!(shown[key], value);
    }
    let bare = [("attributes_url", "http://127.0.0.1:9/people")];
    let shown: BTreeMap<_, _> = new(&details(&bare), &[], true).unwrap().derived().into_iter().collect();
    assert_eq!(shown["attributes_url"], "http://127.0.0.1:9/people?personFields=");
    let open = [("attributes_url", "http://127.0.0.1:9/people?fields=")];
    assert_eq!(new(&details(&open), &[], true).err().unwrap().key, "attributes_url");
}

#[test]
fn a_setting_that_is_not_allowed_is_refused_by_name() {
    for (key, value) in [
        ("client_id", ""),
        ("client_secret", ""),
        ("authorize_scopes", ""),
        ("authorize_scopes", "openid  email"),
        ("pkce", "plain"),
        ("callback", "mine"),
        ("login_hint", "subject"),
        ("hd", "example"),
        ("hd", "acme.example,other.example"),
        ("hd", "*.acme.example"),
        ("hd", "-a.example"),
        ("clock_skew_seconds", "301"),
        ("missing_attributes", "maybe"),
        ("response_mode", "form_post"),
        ("attributes_request_method", "GET"),
        ("private_key", "x"),
    ] {
        assert_eq!(refused(&[(key, value)]).key, key, "{key}={value}");
    }
}

#[test]
fn a_hosted_domain_is_as_long_as_a_domain_can_be_and_no_longer() {
    let of = |label: usize, labels: usize| vec!["a".repeat(label); labels].join(".");
    for (domain, fits) in
        [(of(63, 2), true), (of(64, 2), false), (of(1, 127), true), (of(1, 128), false), (of(63, 4), false)]
    {
        let given = details(&[("hd", &domain)]);
        assert_eq!(new(&given, &[], false).is_ok(), fits, "{} bytes", domain.len());
    }
}

#[test]
fn a_sign_out_at_google_is_refused_because_there_is_none() {
    let error = refused(&[("IDPSignout", "true")]);
    assert!(error.key == "IDPSignout" && error.allowed.contains("no address"), "{error}");
    assert!(new(&details(&[("IDPSignout", "false")]), &[], false).is_ok());
}

#[test]
fn a_refused_setting_never_shows_the_secret() {
    let error = refused(&[("client_secret", "hush\u{7}hush")]);
    assert!(!error.to_string().contains("hush"), "{error}");
}
