//! `ProviderDetails` of Sign in with Apple.

use super::*;

const DERIVED: [(&str, &str); 5] = [
    ("attributes_url_add_attributes", "false"),
    ("authorize_url", "https://appleid.apple.com/auth/authorize"),
    ("oidc_issuer", "https://appleid.apple.com"),
    ("token_request_method", "POST"),
    ("token_url", "https://appleid.apple.com/auth/token"),
];

fn refused(changes: &[(&str, &str)]) -> SettingError {
    new(&details(changes), false).err().unwrap_or_else(|| panic!("{changes:?} was accepted"))
}

#[test]
fn describing_shows_apples_endpoints_and_they_are_accepted_when_sent_back() {
    let shown: BTreeMap<_, _> = new(&details(&[]), false).unwrap().derived().into_iter().collect();
    assert_eq!(shown, DERIVED.map(|(key, value)| (key, value.to_owned())).into());
    let again = new(&details(&DERIVED), false).unwrap();
    assert_eq!(again.derived().into_iter().collect::<BTreeMap<_, _>>(), shown);
}

#[test]
fn no_other_endpoint_is_taken_outside_of_development() {
    for (key, _) in DERIVED.iter().chain(&[("jwks_uri", "")]) {
        assert_eq!(refused(&[(*key, "https://evil.example")]).key, *key);
    }
    let given = [("token_url", "http://127.0.0.1:9/token"), ("oidc_issuer", "http://127.0.0.1:9")];
    let shown: BTreeMap<_, _> = new(&details(&given), true).unwrap().derived().into_iter().collect();
    assert_eq!((shown["token_url"].as_str(), shown["oidc_issuer"].as_str()), (given[0].1, given[1].1));
}

#[test]
fn a_setting_that_is_not_allowed_is_refused_by_name() {
    for (key, value) in [
        ("client_id", ""),
        ("team_id", ""),
        ("team_id", "DEF123GHI"),
        ("team_id", "DEF123GHIJK"),
        ("team_id", "DEF123GHI-"),
        ("key_id", ""),
        ("key_id", "ÄBC123DEF"),
        ("private_key", ""),
        ("authorize_scopes", ""),
        ("authorize_scopes", "email,name"),
        ("authorize_scopes", "email  name"),
        ("authorize_scopes", "email profile"),
        ("pkce", "plain"),
        ("callback", "mine"),
        ("client_secret", "made-elsewhere"),
        ("login_hint", "forward"),
        ("hd", "acme.example"),
        ("response_mode", "query"),
        ("IDPSignout", "true"),
    ] {
        assert_eq!(refused(&[(key, value)]).key, key, "{key}={value}");
    }
    for scopes in ["email", "name", "openid", "name email", "openid email name"] {
        assert!(new(&details(&[("authorize_scopes", scopes)]), false).is_ok(), "{scopes}");
    }
}

#[test]
fn the_key_is_taken_with_and_without_its_first_and_last_line() {
    let whole = p8(key());
    let bare = STANDARD.encode(key());
    let lines = whole.lines().filter(|line| !line.starts_with('-')).collect::<Vec<_>>().join("\r\n");
    let spaced = format!("\n {whole} \n");
    for good in [&whole, &bare, &lines, &spaced] {
        assert!(new(&details(&[("private_key", good)]), false).is_ok(), "{good}");
    }
}

/// A P-256 key as Apple writes it: the curve stands in the inner structure too, which RFC 5915 leaves open.
#[test]
fn a_key_that_names_its_curve_twice_is_taken() {
    const CURVE: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let (scalar, point) = (&key()[36..68], &key()[key().len() - 65..]);
    let kind = [&[0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01][..], &CURVE].concat();
    let start = [0x04, 0x79, 0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20];
    let inner = [&start[..], scalar, &[0xa0, 0x0a], &CURVE, &[0xa1, 0x44, 0x03, 0x42, 0x00], point].concat();
    let der = [&[0x30, 0x81, 0x93, 0x02, 0x01, 0x00][..], &kind, &inner].concat();
    assert_eq!((point[0], der.len()), (4, 150));
    assert!(p8(&der).contains("MIGTAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBHkwdwIBAQQg"), "how every .p8 begins");
    assert!(new(&details(&[("private_key", &p8(&der))]), false).is_ok());
}

#[test]
fn a_key_that_cannot_sign_for_apple_is_refused_when_it_is_configured_and_never_shown() {
    let whole = p8(key());
    let bare = STANDARD.encode(key());
    let leak = &bare[..20];
    let p384 = EcdsaKeyPair::generate(&signature::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let p384 = p8(p384.to_pkcs8v1().unwrap().as_ref());
    let no_end = whole.replace("-----END PRIVATE KEY-----", "");
    let public = whole.replace("PRIVATE", "PUBLIC");
    let mut changed = key().to_vec();
    let middle = changed.len() / 2;
    changed.truncate(middle);
    let twice = format!("{whole}\n{whole}");
    let escaped = whole.replace('\n', "\\n");
    for bad in
        [&p384, &no_end, &public, &p8(&changed), &twice, &escaped, "-----BEGIN PRIVATE KEY-----", "AAAA", "ü"]
    {
        let error = refused(&[("private_key", bad)]);
        assert!(error.key == "private_key" && !error.to_string().contains(leak), "{error}");
        assert!(error.given == "the value given" && error.allowed.contains(".p8"), "{error}");
    }
}
