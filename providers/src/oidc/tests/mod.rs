//! A small provider, and everything it can do wrong.

mod answers;
mod caches;
mod discovery;
mod entra;
mod id_tokens;
mod logout_tokens;
mod requests;
mod settings;
mod sign_in;
mod together;
mod userinfo;
mod wycheproof;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::Duration;
use url::Url;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::{OidcProvider, OidcSettings};
use crate::social::Setup;
use crate::testing::*;
use crate::{Asked, AttemptFacts, Clock, ExternalIdentity, Inbound, Provider, ProviderError, Surroundings};

/// The claims that every provider of these tests has mapped.
const MAPPED: [&str; 4] = ["email", "sub", "acr", "given_name"];

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
        let around = around(&clock);
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
