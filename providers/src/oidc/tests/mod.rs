//! A small provider, and everything it can do wrong.

mod answers;
mod caches;
mod discovery;
mod entra;
mod id_tokens;
mod requests;
mod settings;
mod sign_in;
mod userinfo;
mod wycheproof;

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

use super::{OidcProvider, OidcSettings};
use crate::fetch::{GuardedClient, Rules};
use crate::social::Setup;
use crate::{
    Asked, AttemptFacts, Clock, ExternalIdentity, Inbound, Provider, ProviderError, Random, Surroundings,
    UsedOnce,
};

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
const CLIENT: &str = "pool-client";
/// The claims that every provider of these tests has mapped.
const MAPPED: [&str; 4] = ["email", "sub", "acr", "given_name"];
const NONCE: &str = "nonce-of-this-sign-in";
const HANDLE: &str = "handle-of-this-sign-in";
const VERIFIER: &str = "verifier-verifier-verifier-verifier-verifier";

struct TestClock(Mutex<OffsetDateTime>);

impl TestClock {
    fn pass(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

struct Sevens;

impl Random for Sevens {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

struct NoMemory;

#[async_trait]
impl UsedOnce for NoMemory {
    async fn first_use(&self, _key: &str, _until: OffsetDateTime) -> Result<bool, ProviderError> {
        Err(ProviderError::StoreAway)
    }
}

/// A key pair that signs anything.
enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair, &'static str),
    Ed(Ed25519KeyPair),
}

impl Pair {
    fn ec(curve: &'static str) -> Self {
        let alg = match curve {
            "P-256" => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            "P-384" => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            _ => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
        };
        Self::Ec(EcdsaKeyPair::generate(alg).unwrap(), curve)
    }

    fn jwk(&self, kid: &str) -> Value {
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
    fn sign(&self, header: &Value, payload: &[u8]) -> String {
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
fn rsa() -> &'static Pair {
    static KEY: OnceLock<Pair> = OnceLock::new();
    KEY.get_or_init(|| Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
}

fn keys(keys: &[Value]) -> Map<String, Value> {
    json!({ "keys": keys }).as_object().unwrap().clone()
}

/// Good claims from `issuer`.
fn claims(issuer: &str) -> Value {
    json!({ "iss": issuer, "aud": CLIENT, "sub": "person-1", "nonce": NONCE,
            "iat": NOW.unix_timestamp(), "exp": NOW.unix_timestamp() + 300 })
}

fn header() -> Value {
    json!({ "alg": "RS256", "kid": "k1", "typ": "JWT" })
}

fn facts() -> AttemptFacts {
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

/// Settings that are right, with `changes` on top; an empty value takes a key away.
fn details(changes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut details: BTreeMap<String, String> = [
        ("client_id", CLIENT),
        ("client_secret", "s3cr&t"),
        ("attributes_request_method", "GET"),
        ("oidc_issuer", "https://idp.example.com"),
        ("authorize_scopes", "openid email"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect();
    for (key, value) in changes {
        if value.is_empty() {
            details.remove(*key);
        } else {
            details.insert((*key).to_owned(), (*value).to_owned());
        }
    }
    details
}

fn check_of(error: &ProviderError) -> &'static str {
    match error {
        ProviderError::NotBelieved { check, .. } => check,
        other => panic!("expected a check to fail, got {other:?}"),
    }
}

/// What the provider answers.
struct Script {
    discovery: ResponseTemplate,
    jwks: ResponseTemplate,
    token: ResponseTemplate,
    userinfo: ResponseTemplate,
}

/// A provider on loopback, and a sign-in that is about to come back from it.
struct Idp {
    server: MockServer,
    script: Arc<Mutex<Script>>,
    provider: OidcProvider,
    around: Surroundings,
    clock: Arc<TestClock>,
    facts: AttemptFacts,
}

fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

impl Idp {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(changes: &[(&str, &str)]) -> Self {
        let server = MockServer::start().await;
        let issuer = server.uri();
        let script = Arc::new(Mutex::new(Script {
            discovery: ok(&Self::metadata(&issuer)),
            jwks: ok(&Value::Object(keys(&[rsa().jwk("k1")]))),
            token: ResponseTemplate::new(500),
            userinfo: ok(&json!({ "sub": "person-1", "email": "p@example.com" })),
        }));
        let played = Arc::clone(&script);
        Mock::given(any())
            .respond_with(move |request: &Request| {
                let script = played.lock().unwrap();
                match request.url.path() {
                    path if path.ends_with("/.well-known/openid-configuration") => script.discovery.clone(),
                    "/jwks" => script.jwks.clone(),
                    "/token" => script.token.clone(),
                    "/userinfo" => script.userinfo.clone(),
                    _ => ResponseTemplate::new(404),
                }
            })
            .mount(&server)
            .await;
        let mut details = details(changes);
        if !changes.iter().any(|(key, _)| *key == "oidc_issuer") {
            details.insert("oidc_issuer".into(), issuer.clone());
        }
        for value in details.values_mut() {
            *value = value.replace("ISSUER", &issuer);
        }
        let clock = Arc::new(TestClock(Mutex::new(NOW)));
        let around = Surroundings {
            clock: Arc::<TestClock>::clone(&clock),
            random: Arc::new(Sevens),
            http: Arc::new(GuardedClient::new(Rules { dev: true, ..Rules::default() }).unwrap()),
            used: Arc::new(NoMemory),
        };
        let mapped = MAPPED.map(str::to_owned).into();
        let setup = Setup { details: &details, mapped: &mapped, dev: true };
        let provider = OidcProvider::of(setup).unwrap();
        let idp = Self { server, script, provider, around, clock, facts: facts() };
        idp.tokens(&claims(&idp.issuer()));
        idp
    }

    fn metadata(issuer: &str) -> Value {
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "jwks_uri": format!("{issuer}/jwks"),
            "end_session_endpoint": format!("{issuer}/end"),
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "none", "HS256"],
        })
    }

    fn issuer(&self) -> String {
        self.server.uri()
    }

    fn play(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    /// The token endpoint gives an ID token with these claims.
    fn tokens(&self, claims: &Value) {
        self.token_reply(rsa().sign(&header(), claims.to_string().as_bytes()));
    }

    fn token_reply(&self, id_token: String) {
        let reply =
            json!({ "access_token": "at-1", "token_type": "bearer", "expires_in": 60, "id_token": id_token });
        self.play(|script| script.token = ok(&reply));
    }

    async fn finish(&self) -> Result<ExternalIdentity, ProviderError> {
        self.finish_with(&[("state", HANDLE), ("code", "code-1")]).await
    }

    async fn finish_with(&self, pairs: &[(&str, &str)]) -> Result<ExternalIdentity, ProviderError> {
        let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let verified = self.provider.finish(&self.around, &self.facts, Inbound::OAuth(pairs)).await?;
        Ok(verified.into_inner())
    }

    async fn requests(&self, path: &str) -> Vec<Request> {
        let all = self.server.received_requests().await.unwrap();
        all.into_iter().filter(|request| request.url.path() == path).collect()
    }
}
