//! Complete sign-ins as a load: many people at once, each answer of the gateway checked against who signed in at the
//! provider. What is no right answer must be a clear refusal, within a bounded time.

mod login;
mod people;
mod record;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Client;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{CALLBACK, LOGGED_OUT, Person, Pool, access, provision, run_calls};
use crate::light_providers::{OIDC_CLIENT, Oidc, Saml};
use people::Crowd;

pub use login::{Request, Signed, Trouble, Way};
pub use people::Soul;
pub use record::Record;

/// An answer that takes longer is a hang.
pub const HANG: Duration = Duration::from_secs(12);

/// Gateway and providers, as apps and people see them.
pub struct Load {
    /// Where the gateway answers.
    pub url: String,
    /// The pool.
    pub pool: Pool,
    /// What happened.
    pub record: Record,
    browser: Person,
    http: Client,
    saml: Saml,
    oidc: Oidc,
    keys: jsonwebtoken::jwk::JwkSet,
    number: AtomicUsize,
    stop: AtomicBool,
}

impl Load {
    /// Makes pool, providers and clients at this address: `app` takes both providers, `portal` those that start
    /// sign-ins themselves.
    pub async fn provision(url: &str) -> Arc<Self> {
        let (saml, oidc) = (Saml::new(), Oidc::start());
        let mapping = |mail: &str| json!({"email": mail});
        let providers = json!([
            {"name": "Saml", "type": "SAML", "mapping": mapping("mail"),
             "details": {"MetadataFile": saml.metadata(), "IDPInit": "true"}},
            {"name": "Oidc", "type": "OIDC", "mapping": mapping("email"),
             "details": {"client_id": OIDC_CLIENT, "client_secret": "load", "oidc_issuer": oidc.issuer,
                         "authorize_scopes": "openid email", "attributes_request_method": "GET"}},
        ]);
        let clients = json!([
            {"name": "app", "callbacks": [CALLBACK], "logouts": [LOGGED_OUT],
             "providers": ["Saml", "Oidc"]},
            {"name": "portal", "callbacks": [CALLBACK], "providers": ["Saml"]},
        ]);
        let pool = provision(url, providers, clients).await;
        let builder = || Client::builder().no_proxy().timeout(HANG).pool_max_idle_per_host(0);
        let http = builder().build().unwrap();
        let jwks = http.get(format!("{url}/{}/.well-known/jwks.json", pool.id)).send().await.unwrap();
        Arc::new(Self {
            url: url.to_owned(),
            pool,
            record: Record::new(),
            browser: Person::with(builder().redirect(Policy::none()).build().unwrap()),
            http,
            saml,
            oidc,
            keys: jwks.json().await.unwrap(),
            number: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        })
    }

    /// Signs people in, `at_once` at any time, until [`Load::stop`].
    pub fn run(self: &Arc<Self>, at_once: usize) -> JoinSet<()> {
        let mut people = JoinSet::new();
        for number in 0..at_once {
            let load = Arc::clone(self);
            people.spawn(async move { load.keep_signing_in(Crowd::new(number)).await });
        }
        people
    }

    /// Lets [`Load::run`] end after the sign-ins under way.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    async fn keep_signing_in(&self, mut crowd: Crowd) {
        while !self.stop.load(Ordering::Relaxed) {
            let (soul, way, twice) = crowd.next();
            if twice {
                // Two browsers of one person at the same moment, often before there is a user.
                tokio::join!(self.visit(soul, way), self.visit(soul, way));
            } else {
                self.visit(soul, way).await;
            }
        }
    }

    /// A whole visit, recorded.
    pub async fn visit(&self, soul: &Soul, way: Way) {
        let began = Instant::now();
        let ended = self.whole_visit(soul, way).await;
        self.record.visited(began, &ended);
    }

    /// A client of the pool.
    pub fn client(&self, name: &str) -> &str {
        self.pool.clients[name]["id"].as_str().expect("the client was provisioned")
    }

    /// The plain HTTP client of apps.
    pub fn http(&self) -> &Client {
        &self.http
    }

    /// A fresh browser.
    pub fn browser(&self) -> Person {
        self.browser.another()
    }

    /// Where the OIDC provider answers.
    pub fn issuer(&self) -> &str {
        &self.oidc.issuer
    }

    /// Everybody who was given tokens is in the directory, once, with the `sub` of those tokens.
    pub async fn everybody_is_there(&self) {
        let all = ("all:list_users", json!({"UserPoolId": self.pool.id}));
        let found = run_calls(access(&self.url), &[all]).await.remove(0);
        let users = found["Users"].as_array().unwrap_or_else(|| panic!("{found}"));
        let sub = |user: &Value| {
            let attributes = user["Attributes"].as_array().cloned().unwrap_or_default();
            attributes.into_iter().find(|one| one["Name"] == "sub").map(|sub| sub["Value"].clone())
        };
        let mut there = HashMap::new();
        for user in users {
            let name = user["Username"].as_str().unwrap_or_default().to_owned();
            assert!(there.insert(name, sub(user)).is_none(), "a user is there twice: {user}");
        }
        let people = self.record.people();
        assert!(!people.is_empty(), "somebody was given tokens");
        for (name, sub) in &people {
            assert_eq!(there.get(name), Some(&Some(json!(sub))), "{name} is lost");
        }
        eprintln!("{} users, {} of them were given tokens: all are there", users.len(), people.len());
    }

    fn next_number(&self) -> usize {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    /// The claims of a token that this pool signed.
    fn verified(&self, token: &str) -> Result<Value, String> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| error.to_string())?;
        let key = header.kid.and_then(|kid| self.keys.find(&kid)).ok_or("the key is not in the JWKS")?;
        let key = jsonwebtoken::DecodingKey::from_jwk(key).map_err(|error| error.to_string())?;
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        rules.set_issuer(&[format!("{}/{}", self.url, self.pool.id)]);
        rules.validate_aud = false;
        rules.set_required_spec_claims(&["exp", "iss"]);
        let data = jsonwebtoken::decode::<Value>(token, &key, &rules).map_err(|error| error.to_string())?;
        Ok(data.claims)
    }
}

/// The PKCE challenge of this verifier.
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}
