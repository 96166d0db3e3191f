//! What we send: authorization and token requests.

use std::collections::BTreeMap;

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::super::authorize;
use super::super::discovery::Discovery;
use super::*;
use crate::oauth::callback::{self, Issuer};
use crate::{Outbound, Prompt};

const EXPLICIT: [(&str, &str); 4] = [
    ("authorize_url", "https://idp.example.com/authorize?tenant=a%20b"),
    ("token_url", "https://idp.example.com/token"),
    ("attributes_url", "https://idp.example.com/userinfo"),
    ("jwks_uri", "https://idp.example.com/jwks"),
];

fn authorize_url(changes: &[(&str, &str)], facts: &AttemptFacts) -> Result<Url, ProviderError> {
    let settings = OidcSettings::from_details(&details(&[&EXPLICIT, changes].concat()), false).unwrap();
    let endpoints = Discovery::new(&settings).known().unwrap();
    authorize::url(&settings, &endpoints, facts)
}

fn query(url: &Url) -> BTreeMap<String, String> {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let map: BTreeMap<String, String> = pairs.iter().cloned().collect();
    assert_eq!(map.len(), pairs.len(), "a parameter twice in {url}");
    map
}

#[test]
fn the_authorization_request_carries_state_nonce_and_challenge() {
    let url = authorize_url(&[], &facts()).unwrap();
    assert_eq!(url.origin().ascii_serialization(), "https://idp.example.com");
    let expected: BTreeMap<String, String> = [
        ("tenant", "a b"),
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", "https://login.example.com/oauth2/idpresponse"),
        ("scope", "openid email"),
        ("state", HANDLE),
        ("nonce", NONCE),
        ("code_challenge", "fD3GLJ_KzCDB0w6uDOSFNNdflrHwtv8Cizh6P5pJkfQ"),
        ("code_challenge_method", "S256"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()))
    .into();
    assert_eq!(query(&url), expected);
}

#[test]
fn wishes_of_the_app_travel_to_the_provider() {
    let mut facts = facts();
    facts.asked = Asked {
        prompt: vec![Prompt::Login, Prompt::Consent, Prompt::SelectAccount],
        login_hint: Some("a&b=c@example.com".into()),
        max_age: Some(30),
        lang: Some("de fr-CH".into()),
        acr_values: Some("urn:example:gold phr".into()),
    };
    let sent = query(&authorize_url(&[("response_mode", "form_post")], &facts).unwrap());
    assert_eq!(sent["prompt"], "login consent select_account");
    assert_eq!(sent["login_hint"], "a&b=c@example.com");
    assert_eq!(sent["max_age"], "30");
    assert_eq!(sent["ui_locales"], "de fr-CH");
    assert_eq!(sent["acr_values"], "urn:example:gold phr");
    assert_eq!(sent["response_mode"], "form_post");
}

#[test]
fn the_login_hint_stays_here_when_switched_off() {
    let mut facts = facts();
    facts.asked.login_hint = Some("a@example.com".into());
    assert!(!query(&authorize_url(&[("login_hint", "none")], &facts).unwrap()).contains_key("login_hint"));
}

#[test]
fn no_challenge_is_sent_when_pkce_is_off() {
    let sent = query(&authorize_url(&[("pkce", "off")], &facts()).unwrap());
    assert!(!sent.contains_key("code_challenge") && !sent.contains_key("code_challenge_method"));
}

#[test]
fn a_verifier_of_the_wrong_form_is_an_error_and_no_panic() {
    for verifier in ["short", &"v".repeat(129), &"ü".repeat(30)] {
        let mut facts = facts();
        facts.pkce_verifier = verifier.into();
        assert!(matches!(authorize_url(&[], &facts), Err(ProviderError::Settings(_))), "{verifier}");
    }
}

proptest! {
    #[test]
    fn whatever_the_app_asks_stays_inside_its_own_parameter(
        hint in any::<String>(), lang in any::<String>(), handle in "[A-Za-z0-9_-]{1,43}",
    ) {
        let mut facts = facts();
        facts.handle = handle.clone();
        facts.asked.login_hint = Some(hint.clone());
        facts.asked.lang = Some(lang.clone());
        facts.asked.acr_values = Some(hint.clone());
        let url = authorize_url(&[], &facts).unwrap();
        let sent = query(&url);
        prop_assert_eq!(&sent["login_hint"], &hint);
        prop_assert_eq!(&sent["ui_locales"], &lang);
        prop_assert_eq!(&sent["acr_values"], &hint);
        prop_assert_eq!(&sent["state"], &handle);
        prop_assert_eq!(sent["client_id"].as_str(), CLIENT);
        prop_assert_eq!(url.path(), "/authorize");
        prop_assert!(url.fragment().is_none());
    }

    #[test]
    fn no_answer_through_the_browser_makes_the_reader_panic(
        pairs in proptest::collection::vec((any::<String>(), any::<String>()), 0..6),
    ) {
        let settings = OidcSettings::from_details(&details(&EXPLICIT), false).unwrap();
        let endpoints = Discovery::new(&settings).known().unwrap();
        let issuer = Issuer { name: Some(&endpoints.issuer), always: endpoints.iss_parameter };
        prop_assert!(callback::code(pairs, &facts(), issuer).is_err());
    }
}

async fn token_request(changes: &[(&str, &str)]) -> (Request, BTreeMap<String, String>) {
    let idp = Idp::with(changes).await;
    idp.finish().await.unwrap();
    let request = idp.requests("/token").await.remove(0);
    let form = url::form_urlencoded::parse(&request.body).into_owned().collect();
    (request, form)
}

#[tokio::test]
async fn the_code_is_redeemed_with_verifier_redirect_uri_and_secret() {
    let (request, form) = token_request(&[]).await;
    let expected: BTreeMap<String, String> = [
        ("grant_type", "authorization_code"),
        ("code", "code-1"),
        ("redirect_uri", "https://login.example.com/oauth2/idpresponse"),
        ("code_verifier", VERIFIER),
        ("client_id", CLIENT),
        ("client_secret", "s3cr&t"),
    ]
    .map(|(k, v)| (k.to_owned(), v.to_owned()))
    .into();
    assert_eq!(form, expected);
    assert!(!request.headers.contains_key("authorization"));
}

#[tokio::test]
async fn client_secret_basic_sends_the_secret_in_the_header_alone() {
    let (request, form) = token_request(&[("token_endpoint_auth_method", "client_secret_basic")]).await;
    assert!(!form.contains_key("client_secret"));
    // RFC 6749 section 2.3.1: both are form-encoded before they are joined.
    let expected = base64::engine::general_purpose::STANDARD.encode("pool-client:s3cr%26t");
    assert_eq!(request.headers["authorization"], format!("Basic {expected}"));
}

#[tokio::test]
async fn no_verifier_is_sent_when_pkce_is_off() {
    let (_, form) = token_request(&[("pkce", "off")]).await;
    assert!(!form.contains_key("code_verifier"));
}

#[tokio::test]
async fn private_key_jwt_sends_a_signed_assertion_instead_of_a_secret() {
    let (pem, jwk) = private_key();
    let changes = [
        ("token_endpoint_auth_method", "private_key_jwt"),
        ("private_key", pem.as_str()),
        ("private_key_id", "our-key"),
        ("client_secret", ""),
    ];
    let (request, form) = token_request(&changes).await;
    assert!(!form.contains_key("client_secret") && !request.headers.contains_key("authorization"));
    assert_eq!(form["client_id"], CLIENT);
    assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let jws = super::super::jws::Jws::parse(&form["client_assertion"]).unwrap();
    assert_eq!(jws.kid.as_deref(), Some("our-key"));
    let set = super::super::keys::KeySet::read(&keys(&[jwk])).unwrap();
    let claims = jws.claims(&set).unwrap();
    let now = NOW.unix_timestamp();
    assert_eq!(claims["iss"], CLIENT);
    assert_eq!(claims["sub"], CLIENT);
    assert!(claims["aud"].as_str().unwrap().ends_with("/token"));
    assert_eq!((claims["iat"].as_i64(), claims["exp"].as_i64()), (Some(now), Some(now + 60)));
    assert!(claims["jti"].as_str().unwrap().len() >= 20);
}

fn pem(der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

/// A P-256 private key in PEM and its public JWK.
fn private_key() -> (String, Value) {
    let pair = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    (pem(pair.to_pkcs8v1().unwrap().as_ref()), Pair::Ec(pair, "P-256").jwk("our-key"))
}

#[tokio::test]
async fn the_browser_leaves_for_the_discovered_endpoint() {
    let idp = Idp::new().await;
    assert!(idp.provider.origins().is_empty());
    let Outbound::Redirect(url) = idp.provider.begin(&idp.around, &idp.facts).await.unwrap() else {
        panic!("no redirect");
    };
    assert!(url.as_str().starts_with(&format!("{}/authorize?", idp.issuer())), "{url}");
    assert_eq!(idp.provider.origins(), [url.origin()]);
}

#[test]
fn each_prompt_is_sent_by_its_name() {
    let every = [Prompt::None, Prompt::Login, Prompt::SelectAccount, Prompt::Consent];
    for (prompt, name) in every.into_iter().zip(["none", "login", "select_account", "consent"]) {
        let mut facts = facts();
        facts.asked.prompt = vec![prompt];
        assert_eq!(query(&authorize_url(&[], &facts).unwrap())["prompt"], name);
    }
}

#[test]
fn acr_values_of_the_endpoint_stand_over_those_of_the_app() {
    let mut facts = facts();
    facts.asked.acr_values = Some("low".into());
    let fixed = [("authorize_url", "https://idp.example.com/authorize?acr_values=eidas1")];
    assert_eq!(query(&authorize_url(&fixed, &facts).unwrap())["acr_values"], "eidas1");
}

#[tokio::test]
async fn private_key_jwt_signs_with_an_rsa_key_too() {
    let Pair::Rsa(pair) = rsa() else { panic!("another key") };
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = aws_lc_rs::encoding::AsDer::as_der(pair).unwrap();
    let pem = pem(der.as_ref());
    let changes =
        [("token_endpoint_auth_method", "private_key_jwt"), ("private_key", &pem), ("client_secret", "")];
    let (_, form) = token_request(&changes).await;
    let jws = super::super::jws::Jws::parse(&form["client_assertion"]).unwrap();
    assert_eq!((jws.alg.name(), jws.kid.as_deref()), ("RS256", None));
    let set = super::super::keys::KeySet::read(&keys(&[rsa().jwk("any")])).unwrap();
    assert_eq!(jws.claims(&set).unwrap()["iss"], CLIENT);
}

#[test]
fn a_private_key_on_another_curve_is_refused() {
    let pair = EcdsaKeyPair::generate(&signature::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let pem = pem(pair.to_pkcs8v1().unwrap().as_ref());
    let changes =
        [("token_endpoint_auth_method", "private_key_jwt"), ("private_key", &pem), ("client_secret", "")];
    assert_eq!(OidcSettings::from_details(&details(&changes), false).unwrap_err().key, "private_key");
}

#[test]
fn max_age_zero_is_sent() {
    let mut facts = facts();
    facts.asked.max_age = Some(0);
    assert_eq!(query(&authorize_url(&[], &facts).unwrap())["max_age"], "0");
}

#[tokio::test]
async fn client_secret_basic_encodes_id_and_secret_before_they_are_joined() {
    let method = ("token_endpoint_auth_method", "client_secret_basic");
    let (id, secret) = ("https://app.example:8443/a b", "p:w%+&\u{fc}");
    let idp = Idp::with(&[method, ("client_id", id), ("client_secret", secret)]).await;
    let mut said = claims(&idp.issuer());
    said["aud"] = json!(id);
    idp.tokens(&said);
    idp.finish().await.unwrap();
    let request = idp.requests("/token").await.remove(0);
    let value = request.headers["authorization"].to_str().unwrap().strip_prefix("Basic ").unwrap();
    let text = base64::engine::general_purpose::STANDARD.decode(value).unwrap();
    let (first, second) = std::str::from_utf8(&text).unwrap().split_once(':').unwrap();
    let decoded = |text: &str| {
        url::form_urlencoded::parse(format!("x={text}").as_bytes()).next().unwrap().1.into_owned()
    };
    assert_eq!((decoded(first), decoded(second)), (id.to_owned(), secret.to_owned()));
}

#[tokio::test]
async fn userinfo_is_asked_for_the_mapped_claims_by_name_where_that_is_set() {
    let mut changes = vec![
        ("authorize_url", "ISSUER/authorize"),
        ("token_url", "ISSUER/token"),
        ("attributes_url", "ISSUER/userinfo?v=2&fields="),
        ("jwks_uri", "ISSUER/jwks"),
        ("attributes_url_add_attributes", "true"),
    ];
    for method in ["GET", "POST"] {
        changes.push(("attributes_request_method", method));
        let idp = Idp::with(&changes).await;
        idp.finish().await.unwrap();
        let request = idp.requests("/userinfo").await.remove(0);
        // `acr` is the ID token's to say.
        assert_eq!(request.url.query(), Some("v=2&fields=sub,email,given_name"));
        assert_eq!(request.method.as_str(), method);
        assert_eq!(idp.provider.derived(), [("attributes_url_add_attributes", "true".to_owned())]);
    }
}

#[tokio::test]
async fn userinfo_is_asked_with_the_bearer_token_by_the_chosen_method() {
    for method in ["GET", "POST"] {
        let idp = Idp::with(&[("attributes_request_method", method)]).await;
        idp.finish().await.unwrap();
        let request = idp.requests("/userinfo").await.remove(0);
        assert_eq!(request.method.as_str(), method);
        assert_eq!(request.headers["authorization"], "Bearer at-1");
        assert!(request.url.query().is_none() && request.body.is_empty());
    }
}
