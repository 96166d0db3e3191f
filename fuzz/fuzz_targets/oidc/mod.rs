//! What the targets share: a provider whose key signs here, and a sign-in there with any of its answers replaced.
#![allow(dead_code, reason = "each target uses a part of it")]

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poolgate_providers::fetch::{FetchError, Http};
use poolgate_providers::oidc::{OidcProvider, OidcSettings};
use poolgate_providers::{
    Asked, AttemptFacts, Clock, ExternalIdentity, Inbound, Outbound, Provider as _, ProviderError, Random,
    Surroundings, UsedOnce,
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use url::Url;

/// When the seeds are good.
pub const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
pub const ISSUER: &str = "https://idp.example";
pub const CLIENT: &str = "pool-client";
pub const NONCE: &str = "nonce-of-this-sign-in";
pub const HANDLE: &str = "handle-of-this-sign-in";
pub const PERSON: &str = "person-1";

static KEY: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key"));

/// The public half of the key, as a key set writes it.
pub fn public() -> String {
    URL_SAFE_NO_PAD.encode(KEY.public_key().as_ref())
}

/// A token that the provider's key signs.
pub fn sign(header: &[u8], payload: &[u8]) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(KEY.sign(signed.as_bytes()).as_ref());
    format!("{signed}.{signature}")
}

pub const HEADER: &[u8] = br#"{"alg":"EdDSA","kid":"ed"}"#;

/// A good ID token.
pub fn id_token() -> String {
    let now = NOW.unix_timestamp();
    let claims =
        json!({"iss": ISSUER, "aud": CLIENT, "sub": PERSON, "nonce": NONCE, "iat": now, "exp": now + 300});
    sign(HEADER, claims.to_string().as_bytes())
}

/// What the provider answers; all of it good, until something is replaced.
#[derive(Clone)]
pub struct Answers {
    pub discovery: Vec<u8>,
    pub jwks: Vec<u8>,
    pub token: Vec<u8>,
    pub userinfo: (&'static str, Vec<u8>),
}

impl Answers {
    /// Of the provider at `base`, whose issuer is `issuer`.
    pub fn good(base: &str, issuer: &str) -> Self {
        let algorithms = ["RS256", "PS256", "ES256", "ES512", "EdDSA"];
        let discovery = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"),
            "userinfo_endpoint": format!("{base}/userinfo"),
            "jwks_uri": format!("{base}/jwks"),
            "id_token_signing_alg_values_supported": algorithms,
        });
        // Beside the key that signs, two that the tokens of nobody here were signed with (RFC 7515 A.2, A.3).
        let jwks = json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": public()},
            {"kty": "RSA", "kid": "rsa", "e": "AQAB", "n":
                "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yR\
                 T-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQ\
                 OS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8\
                 q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"},
            {"kty": "EC", "crv": "P-256", "kid": "ec", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
             "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
        ]});
        let mut answers = Self {
            discovery: discovery.to_string().into_bytes(),
            jwks: jwks.to_string().into_bytes(),
            token: Vec::new(),
            userinfo: ("application/json", json!({"sub": PERSON}).to_string().into_bytes()),
        };
        answers.give(&id_token());
        answers
    }

    /// The token endpoint gives this ID token.
    pub fn give(&mut self, id_token: &str) {
        let reply = json!({"access_token": "at-1", "token_type": "Bearer", "id_token": id_token});
        self.token = reply.to_string().into_bytes();
    }
}

#[async_trait]
impl Http for Answers {
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
        let json = "application/json";
        let (media, body) = match request.uri().path() {
            path if path.ends_with("/.well-known/openid-configuration") => (json, &self.discovery),
            "/jwks" => (json, &self.jwks),
            "/token" => (json, &self.token),
            "/userinfo" => (self.userinfo.0, &self.userinfo.1),
            _ => return Err(FetchError::Broken("nothing is there".to_owned())),
        };
        let response = http::Response::builder().header("content-type", media);
        Ok(response.body(body.clone()).expect("an answer"))
    }
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> OffsetDateTime {
        NOW
    }
}

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

#[async_trait]
impl UsedOnce for Fixed {
    async fn first_use(&self, _: &str, _: OffsetDateTime) -> Result<bool, ProviderError> {
        Ok(true)
    }
}

/// Nothing here waits for anything.
fn now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("it waits");
}

/// The way there and back, with these settings over the usual ones.
pub fn sign_in(
    answers: Answers,
    settings: &[(&str, &str)],
) -> Result<(Url, ExternalIdentity), ProviderError> {
    let mut details: BTreeMap<String, String> = BTreeMap::new();
    let usual = [
        ("client_id", CLIENT),
        ("client_secret", "s3cret"),
        ("oidc_issuer", ISSUER),
        ("authorize_scopes", "openid"),
        ("attributes_request_method", "GET"),
    ];
    for (key, value) in usual.iter().chain(settings) {
        details.insert((*key).to_owned(), (*value).to_owned());
    }
    let provider = OidcProvider::new(OidcSettings::from_details(&details, false).expect("settings"));
    let facts = AttemptFacts {
        handle: HANDLE.to_owned(),
        request_id: "_r".to_owned(),
        nonce: NONCE.into(),
        pkce_verifier: "verifier-verifier-verifier-verifier-verifier".into(),
        callback: Url::parse("https://auth.example/oauth2/idpresponse").expect("a URL"),
        entity_id: String::new(),
        started_at: NOW,
        asked: Asked::default(),
    };
    let around = Surroundings {
        clock: Arc::new(Fixed),
        random: Arc::new(Fixed),
        http: Arc::new(answers),
        used: Arc::new(Fixed),
        shared: Arc::new(poolgate_providers::shared::Alone),
    };
    let Outbound::Redirect(url) = now(provider.begin(&around, &facts))? else { panic!("no redirect") };
    let pairs = vec![("state".to_owned(), HANDLE.to_owned()), ("code".to_owned(), "c".to_owned())];
    let verified = now(provider.finish(&around, &facts, Inbound::OAuth(pairs)))?;
    Ok((url, verified.into_inner()))
}

/// Every seed of this target must be believed, or the fuzzer is far from everything that can go wrong.
pub fn assert_seeds(target: &str, believed: impl Fn(&[u8]) -> bool) {
    let folder = format!("{}/seeds/{target}", env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(folder).expect("seeds") {
        let path = entry.expect("an entry").path();
        assert!(believed(&std::fs::read(&path).expect("a seed")), "{} is not believed", path.display());
    }
}

/// A document as another reader understands it.
pub fn read(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_default()
}
