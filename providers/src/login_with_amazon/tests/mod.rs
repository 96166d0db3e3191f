//! A small Login with Amazon, and everything it can do wrong.

mod answers;
mod requests;
mod settings;
mod sign_in;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::LoginWithAmazon;
use crate::settings::SettingError;
use crate::social::Setup;
use crate::testing::{CLIENT, Fake, HANDLE, VERIFIER, check_of, ok, texts, unique};
use crate::{ExternalIdentity, Inbound, Provider, ProviderError, Upstream};

const SECRET: &str = "profile-s3cr&t";
/// Tokens of Amazon begin so, and hold what must be escaped in a query.
const TOKEN: &str = "Atza|IQEBLjAs+A/hR=";
const CODE: &str = "ANdNAVhyhqirUelHGEHA";
const USER: &str = "amzn1.account.K2LI23KL2LK2";
const TOKEN_PATH: &str = "/auth/o2/token";
const INFO_PATH: &str = "/auth/o2/tokeninfo";
const PROFILE_PATH: &str = "/user/profile";

/// Settings that are right, with `changes` on top; an empty value takes a key away.
fn details(changes: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut details = texts(&[
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("authorize_scopes", "profile postal_code"),
    ]);
    for (key, value) in changes {
        match value.is_empty() {
            true => details.remove(*key),
            false => details.insert((*key).to_owned(), (*value).to_owned()),
        };
    }
    details
}

fn made(changes: &[(&str, &str)], dev: bool) -> Result<LoginWithAmazon, SettingError> {
    LoginWithAmazon::new(Setup { details: &details(changes), mapped: &BTreeSet::new(), dev })
}

fn refused(changes: &[(&str, &str)], dev: bool) -> String {
    made(changes, dev).err().map(|error| error.to_string()).unwrap_or_else(|| panic!("{changes:?}"))
}

/// What the token-info endpoint says of a good token.
fn info() -> Value {
    json!({ "iss": "https://www.amazon.com", "user_id": USER, "aud": CLIENT,
            "app_id": "amzn1.application.436457DFHDH", "exp": 3597, "iat": 1_795_262_400 })
}

/// An Amazon on loopback that signs [`USER`] in.
struct Amazon {
    fake: Fake,
    amazon: LoginWithAmazon,
}

impl Amazon {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(changes: &[(&str, &str)]) -> Self {
        let fake = Fake::new().await;
        let at = |path: &str| format!("{}{path}", fake.uri());
        let (authorize, token, profile) = (at("/ap/oa"), at(TOKEN_PATH), at(PROFILE_PATH));
        let own = [
            ("authorize_url", authorize.as_str()),
            ("token_url", token.as_str()),
            ("attributes_url", profile.as_str()),
        ];
        let amazon = made(&[&own[..], changes].concat(), true).unwrap_or_else(|error| panic!("{error}"));
        fake.reply(
            TOKEN_PATH,
            ok(&json!({ "access_token": TOKEN, "token_type": "bearer", "expires_in": 3600,
                        "refresh_token": "Atzr|tell-nobody" })),
        );
        fake.reply(INFO_PATH, ok(&info()));
        let person =
            json!({ "user_id": USER, "email": "p@example.com", "name": "Pat", "postal_code": "98052" });
        fake.reply(PROFILE_PATH, ok(&person));
        Self { fake, amazon }
    }

    async fn finish(&self) -> Result<ExternalIdentity, ProviderError> {
        self.finish_with(&[("code", CODE)]).await
    }

    /// What must hold of every failure is held here: it says nothing that is secret.
    async fn finish_with(&self, pairs: &[(&str, &str)]) -> Result<ExternalIdentity, ProviderError> {
        let result = self.fake.finish_with(&self.amazon, pairs).await;
        if let Err(error) = &result {
            let said = format!("{error} {error:?}");
            for never in [SECRET, "s3cr", TOKEN, "Atza", "Atzr", CODE, VERIFIER, "tell-nobody"] {
                assert!(!said.contains(never), "{never} in {said}");
            }
        }
        result
    }
}

/// The endpoints that are called, by what they are called in failures.
const CALLED: [(Upstream, &str); 3] =
    [(Upstream::Token, TOKEN_PATH), (Upstream::TokenInfo, INFO_PATH), (Upstream::UserInfo, PROFILE_PATH)];
