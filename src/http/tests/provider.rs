//! An OpenID provider in memory: discovery, key set and token endpoint of every `https://NAME.example`.
//!
//! It keeps nothing: the code it hands out is the identity itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poolgate_providers::Clock;
use poolgate_providers::fetch::{FetchError, Http};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::keys::SigningKey;
use crate::keys::signing::generate_pkcs8;

/// The client id that every provider knows Poolgate by.
pub(super) const CLIENT: &str = "poolgate";

pub(super) struct Provider {
    key: SigningKey,
    clock: Arc<dyn Clock>,
    /// Other addresses, with the query or without.
    pub(super) sites: Mutex<BTreeMap<String, Arc<dyn Http>>>,
}

struct Says(u16, Value);

#[async_trait]
impl Http for Says {
    async fn send(&self, _request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
        let answer = http::Response::builder().status(self.0).header("content-type", "application/json");
        Ok(answer.body(self.1.to_string().into_bytes()).unwrap())
    }
}

/// The code that stands for this identity.
pub(super) fn code(claims: &Value) -> String {
    URL_SAFE_NO_PAD.encode(claims.to_string())
}

impl Provider {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            key: SigningKey::from_pkcs8(&generate_pkcs8().unwrap()).unwrap(),
            clock,
            sites: Mutex::default(),
        }
    }

    /// From now on this address says the same to everybody.
    pub(super) fn says(&self, url: &str, status: u16, body: Value) {
        self.sites.lock().unwrap().insert(url.to_owned(), Arc::new(Says(status, body)));
    }

    /// A token with these claims, signed by the provider.
    pub(super) fn sign(&self, claims: &Value) -> String {
        self.key.sign_jwt(claims.to_string().as_bytes()).unwrap()
    }

    fn tokens(&self, issuer: &str, form: &[u8]) -> Value {
        let mut pairs = url::form_urlencoded::parse(form);
        let code = pairs.find(|(name, _)| name == "code").unwrap().1.into_owned();
        let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(code).unwrap()).unwrap();
        let now = self.clock.now().unix_timestamp();
        let fixed = json!({"iss": issuer, "aud": CLIENT, "iat": now, "exp": now + 60});
        claims.as_object_mut().unwrap().extend(fixed.as_object().unwrap().clone());
        json!({"access_token": "upstream", "token_type": "Bearer",
               "id_token": self.sign(&claims)})
    }
}

/// Answers as the provider does, but not before it is let go on.
pub(super) struct Gate {
    pub(super) provider: Arc<Provider>,
    /// Told when somebody asks.
    pub(super) asked: Notify,
    /// Lets the answer out.
    pub(super) opens: Notify,
}

#[async_trait]
impl Http for Gate {
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
        self.asked.notify_one();
        self.opens.notified().await;
        self.provider.answer(&request)
    }
}

#[async_trait]
impl Http for Provider {
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
        let whole = request.uri().to_string();
        let plain = whole.split('?').next().unwrap().to_owned();
        let sites = self.sites.lock().unwrap().clone();
        if let Some(site) = sites.get(&whole).or_else(|| sites.get(&plain)) {
            return site.send(request).await;
        }
        self.answer(&request)
    }
}

impl Provider {
    fn answer(&self, request: &http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
        let issuer = format!("https://{}", request.uri().host().unwrap());
        let body = match request.uri().path() {
            "/.well-known/openid-configuration" => json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/keys"),
                "end_session_endpoint": format!("{issuer}/end?of=all"),
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }),
            "/keys" => json!({"keys": [self.key.jwk()]}),
            "/token" => self.tokens(&issuer, request.body()),
            other => return Err(FetchError::Broken(format!("{other} is not there"))),
        };
        let response = http::Response::builder().header("content-type", "application/json");
        Ok(response.body(body.to_string().into_bytes()).unwrap())
    }
}
