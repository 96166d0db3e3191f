//! What Google is asked, and which of its answers are believed.

mod answers;
mod people;
mod requests;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::Google;
use crate::settings::SettingError;
use crate::social::Setup;
use crate::testing::*;
use crate::{Asked, Prompt, Provider, ProviderError, Upstream};

/// Settings that are right, with `changes` on top; an empty value takes a key away.
fn details(changes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut details = texts(&[
        ("client_id", CLIENT),
        ("client_secret", "s3cr&t"),
        ("authorize_scopes", "email profile openid"),
    ]);
    details.extend(texts(changes));
    details.retain(|_, value| !value.is_empty());
    details
}

fn new(details: &BTreeMap<String, String>, mapped: &[&str], dev: bool) -> Result<Google, SettingError> {
    let mapped: BTreeSet<String> = mapped.iter().map(|name| (*name).to_owned()).collect();
    Google::new(Setup { details, mapped: &mapped, dev })
}

/// A Google on loopback and its adapter; what `mapped` names is mapped.
async fn google(changes: &[(&str, &str)], mapped: &[&str]) -> (Fake, Google) {
    let fake = Fake::new().await;
    let uri = fake.uri();
    let mut details = details(changes);
    details.extend(texts(&[
        ("oidc_issuer", &uri),
        ("authorize_url", &format!("{uri}/auth")),
        ("token_url", &format!("{uri}/token")),
        ("jwks_uri", &format!("{uri}/jwks")),
        ("attributes_url", &format!("{uri}/people/me?personFields=")),
    ]));
    let google = new(&details, mapped, true).unwrap();
    fake.claims(|_| ());
    (fake, google)
}
