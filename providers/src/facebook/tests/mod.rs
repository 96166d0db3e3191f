//! A small Facebook, and everything it can do wrong.

mod answers;
mod requests;
mod settings;
mod sign_in;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::Facebook;
use crate::settings::SettingError;
use crate::social::Setup;
use crate::testing::{CLIENT, Fake, HANDLE, VERIFIER, check_of, ok, texts, unique};
use crate::{ExternalIdentity, Inbound, Provider, ProviderError, Upstream};

const SECRET: &str = "app-s3cr&t";
const TOKEN: &str = "EAAG|token";
const CODE: &str = "AQB-code";
const TOKEN_PATH: &str = "/v26.0/oauth/access_token";
const PROFILE_PATH: &str = "/v26.0/me";

/// Settings that are right, with `changes` on top; an empty value takes a key away.
fn details(changes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut details = texts(&[
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("authorize_scopes", "public_profile, email"),
    ]);
    for (key, value) in changes {
        match value.is_empty() {
            true => details.remove(*key),
            false => details.insert((*key).to_owned(), (*value).to_owned()),
        };
    }
    details
}

fn made(changes: &[(&str, &str)], mapped: &[&str], dev: bool) -> Result<Facebook, SettingError> {
    let mapped: BTreeSet<String> = mapped.iter().map(|field| (*field).to_owned()).collect();
    Facebook::new(Setup { details: &details(changes), mapped: &mapped, dev })
}

fn refused(changes: &[(&str, &str)], dev: bool) -> String {
    made(changes, &[], dev).err().map(|error| error.to_string()).unwrap_or_else(|| panic!("{changes:?}"))
}

/// A Facebook on loopback that signs person 10 in.
struct Graph {
    fake: Fake,
    facebook: Facebook,
}

impl Graph {
    async fn new() -> Self {
        Self::with(&[], &["email", "name"]).await
    }

    async fn with(changes: &[(&str, &str)], mapped: &[&str]) -> Self {
        let fake = Fake::new().await;
        let uri = fake.uri();
        let (authorize, token, profile) = (
            format!("{uri}/v26.0/dialog/oauth"),
            format!("{uri}{TOKEN_PATH}"),
            format!("{uri}{PROFILE_PATH}?fields="),
        );
        let own = [
            ("authorize_url", authorize.as_str()),
            ("token_url", token.as_str()),
            ("attributes_url", profile.as_str()),
        ];
        let facebook = made(&[&own[..], changes].concat(), mapped, true).unwrap_or_else(|e| panic!("{e}"));
        let graph = Self { fake, facebook };
        graph.tokens(&json!({ "access_token": TOKEN, "token_type": "bearer", "expires_in": 5183944 }));
        graph.person(&json!({ "id": "10", "email": "p@example.com", "name": "Pat" }));
        graph
    }

    fn tokens(&self, body: &Value) {
        self.fake.reply(TOKEN_PATH, ok(body));
    }

    fn person(&self, body: &Value) {
        self.fake.reply(PROFILE_PATH, ok(body));
    }

    async fn finish(&self) -> Result<ExternalIdentity, ProviderError> {
        self.finish_with(&[("code", CODE)]).await
    }

    /// What must hold of every failure is held here: it says nothing that is secret.
    async fn finish_with(&self, pairs: &[(&str, &str)]) -> Result<ExternalIdentity, ProviderError> {
        let result = self.fake.finish_with(&self.facebook, pairs).await;
        if let Err(error) = &result {
            let said = format!("{error} {error:?}");
            for never in [SECRET, "s3cr", TOKEN, CODE, VERIFIER, "tell-nobody", "appsecret_proof"] {
                assert!(!said.contains(never), "{never} in {said}");
            }
        }
        result
    }

    /// The query of the one request that came to `path`.
    async fn query(&self, path: &str) -> BTreeMap<String, String> {
        let requests = self.fake.requests(path).await;
        assert_eq!(requests.len(), 1, "requests to {path}");
        assert_eq!(requests[0].method.as_str(), "GET");
        assert!(requests[0].body.is_empty());
        unique(requests[0].url.query_pairs().into_owned())
    }
}

/// Both endpoints that are called, by what they are called in failures.
const CALLED: [(Upstream, &str); 2] = [(Upstream::Token, TOKEN_PATH), (Upstream::UserInfo, PROFILE_PATH)];
