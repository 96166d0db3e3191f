//! What tests of several adapters share: a clock, keys, a good ID token, and a provider on loopback.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use url::Url;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::fetch::{GuardedClient, Rules};
use crate::{
    Asked, AttemptFacts, Clock, ExternalIdentity, Inbound, Outbound, Provider, ProviderError, Random,
    Surroundings, UsedOnce,
};

pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
pub(crate) const CLIENT: &str = "pool-client";
pub(crate) const NONCE: &str = "nonce-of-this-sign-in";
pub(crate) const HANDLE: &str = "handle-of-this-sign-in";
pub(crate) const VERIFIER: &str = "verifier-verifier-verifier-verifier-verifier";

pub(crate) struct TestClock(pub(crate) Mutex<OffsetDateTime>);

impl TestClock {
    pub(crate) fn pass(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

pub(crate) struct Sevens;

impl Random for Sevens {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

pub(crate) struct NoMemory;

#[async_trait]
impl UsedOnce for NoMemory {
    async fn first_use(&self, _key: &str, _until: OffsetDateTime) -> Result<bool, ProviderError> {
        Err(ProviderError::StoreAway)
    }
}

/// A key pair that signs anything.
pub(crate) enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair, &'static str),
    Ed(Ed25519KeyPair),
}

impl Pair {
    pub(crate) fn ec(curve: &'static str) -> Self {
        let alg = match curve {
            "P-256" => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            "P-384" => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            _ => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
        };
        Self::Ec(EcdsaKeyPair::generate(alg).unwrap(), curve)
    }

    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(pair) => {
                let public = pair.public_key();
                json!({ "kty": "RSA", "kid": kid,
                        "n": b64(public.modulus().big_endian_without_leading_zero()),
                        "e": b64(public.exponent().big_endian_without_leading_zero()) })
            }
            Self::Ec(pair, curve) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point[1..].split_at((point.len() - 1) / 2);
                json!({ "kty": "EC", "crv": curve, "kid": kid, "x": b64(x), "y": b64(y) })
            }
            Self::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": b64(pair.public_key().as_ref()) })
            }
        }
    }

    /// A token with this header and this payload, signed as the header's `alg` says.
    pub(crate) fn sign(&self, header: &Value, payload: &[u8]) -> String {
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload));
        let random = SystemRandom::new();
        let signature = match self {
            Self::Rsa(pair) => {
                let padding: &dyn signature::RsaEncoding = match header["alg"].as_str() {
                    Some("RS384") => &signature::RSA_PKCS1_SHA384,
                    Some("RS512") => &signature::RSA_PKCS1_SHA512,
                    Some("PS256") => &signature::RSA_PSS_SHA256,
                    Some("PS384") => &signature::RSA_PSS_SHA384,
                    Some("PS512") => &signature::RSA_PSS_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut bytes = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, signed.as_bytes(), &mut bytes).unwrap();
                bytes
            }
            Self::Ec(pair, _) => pair.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(signed.as_bytes()).as_ref().to_vec(),
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The RSA key of every test: made once, because making one is slow.
pub(crate) fn rsa() -> &'static Pair {
    static KEY: OnceLock<Pair> = OnceLock::new();
    KEY.get_or_init(|| Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
}

pub(crate) fn keys(keys: &[Value]) -> Map<String, Value> {
    json!({ "keys": keys }).as_object().unwrap().clone()
}

/// Good claims from `issuer`.
pub(crate) fn claims(issuer: &str) -> Value {
    json!({ "iss": issuer, "aud": CLIENT, "sub": "person-1", "nonce": NONCE,
            "iat": NOW.unix_timestamp(), "exp": NOW.unix_timestamp() + 300 })
}

pub(crate) fn header() -> Value {
    json!({ "alg": "RS256", "kid": "k1", "typ": "JWT" })
}

pub(crate) fn facts() -> AttemptFacts {
    AttemptFacts {
        handle: HANDLE.into(),
        request_id: "_r".into(),
        nonce: NONCE.into(),
        pkce_verifier: VERIFIER.into(),
        callback: Url::parse("https://login.example.com/oauth2/idpresponse").unwrap(),
        entity_id: "urn:amazon:cognito:sp:pool".into(),
        started_at: NOW,
        asked: Asked::default(),
    }
}

pub(crate) fn check_of(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::NotBelieved { check, .. } => check,
        other => panic!("expected a check to fail, got {other:?}"),
    }
}

pub(crate) fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

/// Surroundings with this clock that reach loopback.
pub(crate) fn around(clock: &Arc<TestClock>) -> Surroundings {
    Surroundings {
        clock: Arc::<TestClock>::clone(clock),
        random: Arc::new(Sevens),
        http: Arc::new(GuardedClient::new(Rules { dev: true, ..Rules::default() }).unwrap()),
        used: Arc::new(NoMemory),
        shared: Arc::new(crate::shared::Alone),
    }
}

/// A provider on loopback that answers each path as it was told, and a sign-in that is about to come back from it.
pub(crate) struct Fake {
    server: MockServer,
    replies: Arc<Mutex<BTreeMap<String, ResponseTemplate>>>,
    pub(crate) around: Surroundings,
    pub(crate) facts: AttemptFacts,
}

impl Fake {
    /// One with a key set at `/jwks` that answers 404 elsewhere.
    pub(crate) async fn new() -> Self {
        let server = MockServer::start().await;
        let replies: Arc<Mutex<BTreeMap<String, ResponseTemplate>>> = Arc::default();
        let played = Arc::clone(&replies);
        Mock::given(any())
            .respond_with(move |request: &Request| {
                let replies = played.lock().unwrap();
                replies.get(request.url.path()).cloned().unwrap_or_else(|| ResponseTemplate::new(404))
            })
            .mount(&server)
            .await;
        let clock = Arc::new(TestClock(Mutex::new(NOW)));
        let fake = Self { server, replies, around: around(&clock), facts: facts() };
        fake.reply("/jwks", ok(&Value::Object(keys(&[rsa().jwk("k1")]))));
        fake
    }

    pub(crate) fn uri(&self) -> String {
        self.server.uri()
    }

    pub(crate) fn reply(&self, path: &str, with: ResponseTemplate) {
        self.replies.lock().unwrap().insert(path.to_owned(), with);
    }

    /// The token endpoint gives an ID token with the good claims of this issuer after `change`.
    pub(crate) fn claims(&self, change: impl FnOnce(&mut Value)) {
        let mut claims = claims(&self.uri());
        change(&mut claims);
        self.id_token(&rsa().sign(&header(), claims.to_string().as_bytes()));
    }

    pub(crate) fn id_token(&self, id_token: &str) {
        self.reply("/token", ok(&json!({ "access_token": "at-1", "token_type": "Bearer", "expires_in": 3599, "id_token": id_token })));
    }

    /// Every request that came to `path`.
    pub(crate) async fn requests(&self, path: &str) -> Vec<Request> {
        let all = self.server.received_requests().await.unwrap();
        all.into_iter().filter(|request| request.url.path() == path).collect()
    }

    /// How many requests came.
    pub(crate) async fn all(&self) -> usize {
        self.server.received_requests().await.unwrap().len()
    }

    /// The form of the one request that came to `path`.
    pub(crate) async fn form(&self, path: &str) -> BTreeMap<String, String> {
        let requests = self.requests(path).await;
        assert_eq!(requests.len(), 1, "requests to {path}");
        assert_eq!(requests[0].method.as_str(), "POST");
        unique(url::form_urlencoded::parse(&requests[0].body).into_owned())
    }

    pub(crate) async fn begin(&self, provider: &dyn Provider) -> Result<Url, ProviderError> {
        match provider.begin(&self.around, &self.facts).await? {
            Outbound::Redirect(url) => Ok(url),
            Outbound::PostForm { .. } => panic!("expected a redirect"),
        }
    }

    /// The answer that holds our state and a code.
    pub(crate) async fn finish(&self, provider: &dyn Provider) -> Result<ExternalIdentity, ProviderError> {
        self.finish_with(provider, &[("code", "code-1")]).await
    }

    /// The answer that holds our state and these pairs.
    pub(crate) async fn finish_with(
        &self,
        provider: &dyn Provider,
        pairs: &[(&str, &str)],
    ) -> Result<ExternalIdentity, ProviderError> {
        let pairs = [&[("state", HANDLE)], pairs].concat();
        let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let verified = provider.finish(&self.around, &self.facts, Inbound::OAuth(pairs)).await?;
        Ok(verified.into_inner())
    }
}

/// Parameters by name, none of them twice.
pub(crate) fn unique(pairs: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    for (name, value) in pairs {
        let before = map.insert(name.clone(), value);
        assert!(before.is_none(), "the parameter {name} comes twice");
    }
    map
}

/// A map of texts.
pub(crate) fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// `at_hash` of an access token whose ID token is signed with RS256 (OpenID Connect Core 3.1.3.6).
pub(crate) fn at_hash(access_token: &str) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

/// ID tokens of `issuer` that no adapter may believe, each with the check that refuses it.
pub(crate) fn bad_id_tokens(issuer: &str) -> Vec<(&'static str, String)> {
    let good = claims(issuer);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        rsa().sign(&header(), claims.to_string().as_bytes())
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        rsa().sign(&header(), claims.to_string().as_bytes())
    };
    let headed = |header: Value| rsa().sign(&header, good.to_string().as_bytes());
    let now = NOW.unix_timestamp();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", part(&json!({ "alg": "none" })), part(&good));
    let public = format!("{}.{}", part(&json!({ "alg": "HS256", "kid": "k1" })), part(&good));
    let jwk = rsa().jwk("k1");
    let secret =
        aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, jwk["n"].as_str().unwrap().as_bytes());
    let tag = URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&secret, public.as_bytes()).as_ref());
    let (signed, signature) =
        headed(header()).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let (_, payload) = signed.split_once('.').unwrap();
    let mut other = good.clone();
    other["sub"] = json!("person-2");
    vec![
        ("oidc_issuer", with("iss", json!("https://evil.example"))),
        ("oidc_issuer", without("iss")),
        ("oidc_audience", with("aud", json!("somebody-else"))),
        ("oidc_audience", without("aud")),
        ("oidc_azp", with("azp", json!("somebody-else"))),
        ("oidc_nonce", with("nonce", json!("another"))),
        ("oidc_nonce", without("nonce")),
        ("oidc_subject", with("sub", json!(""))),
        ("oidc_subject", without("sub")),
        ("oidc_expired", with("exp", json!(now - 61))),
        ("oidc_expired", without("exp")),
        ("oidc_issued_at", with("iat", json!(now + 61))),
        ("oidc_issued_at", with("iat", json!(now - 2 * 3600))),
        ("oidc_at_hash", with("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"))),
        ("oidc_kid", headed(json!({ "alg": "RS256", "kid": "k2" }))),
        ("oidc_alg", unsigned),
        ("oidc_alg", format!("{public}.{tag}")),
        ("oidc_alg", headed(json!({ "alg": "RS512", "kid": "k1" }))),
        ("oidc_alg", headed(json!({ "alg": "PS256", "kid": "k1" }))),
        ("oidc_signature", format!("{}.{}.{signature}", part(&header()), part(&other))),
        ("oidc_id_token_form", format!("{}.{payload}", part(&header()))),
    ]
}
