//! What Apple is asked, and which of its answers are believed.

mod answers;
mod names;
mod requests;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use aws_lc_rs::signature::{self, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::SignInWithApple;
use crate::settings::SettingError;
use crate::social::Setup;
use crate::testing::*;
use crate::{Asked, ExternalIdentity, Prompt, Provider, ProviderError, Upstream};

/// The key of every test, PKCS #8.
fn key() -> &'static [u8] {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    KEY.get_or_init(|| {
        let pair = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        pair.to_pkcs8v1().unwrap().as_ref().to_vec()
    })
}

/// As Apple hands it out: lines of 64 characters.
fn p8(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", lines.join("\n"))
}

/// Settings that are right, with `changes` on top; an empty value takes a key away.
fn details(changes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut details = texts(&[
        ("client_id", CLIENT),
        ("team_id", "DEF123GHIJ"),
        ("key_id", "ABC123DEFG"),
        ("private_key", &p8(key())),
        ("authorize_scopes", "email name"),
    ]);
    details.extend(texts(changes));
    details.retain(|_, value| !value.is_empty());
    details
}

fn new(details: &BTreeMap<String, String>, dev: bool) -> Result<SignInWithApple, SettingError> {
    SignInWithApple::new(Setup { details, mapped: &BTreeSet::new(), dev })
}

/// An Apple on loopback and its adapter.
async fn apple(changes: &[(&str, &str)]) -> (Fake, SignInWithApple) {
    let fake = Fake::new().await;
    let uri = fake.uri();
    let mut details = details(changes);
    details.extend(texts(&[
        ("oidc_issuer", &uri),
        ("authorize_url", &format!("{uri}/auth/authorize")),
        ("token_url", &format!("{uri}/token")),
        ("jwks_uri", &format!("{uri}/jwks")),
    ]));
    let apple = new(&details, true).unwrap();
    fake.claims(|_| ());
    (fake, apple)
}
