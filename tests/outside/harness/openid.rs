//! OpenID providers that nobody here wrote, told apart by nothing but [`Make`].

use std::collections::BTreeMap;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use url::Url;

use super::helpers::{Helper, command, python_path, tool};
use super::{Landing, Person, repository};

/// Which provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Make {
    /// npm oidc-provider, which is certified.
    OidcProvider,
    /// idpyoidc of the Identity Python project.
    Idpyoidc,
}

impl Make {
    /// What the suite tries and a provider does not offer: member of its discovery document, and why.
    pub const NOT_OFFERED: [(Self, &str, &str); 3] = [
        (Self::OidcProvider, "frontchannel_logout_supported", "version 9 has no such feature"),
        (
            Self::Idpyoidc,
            "authorization_response_iss_parameter_supported",
            "it sends iss with a code, and does not announce it (RFC 9207 section 3)",
        ),
        (
            Self::Idpyoidc,
            "id_token_encryption_alg_values_supported",
            "what a client is registered with encrypts its userinfo, never its ID tokens",
        ),
    ];

    /// Whether it offers what this member of a discovery document announces.
    pub fn offers(self, what: &str) -> bool {
        !Self::NOT_OFFERED.iter().any(|(one, lacks, _)| *one == self && *lacks == what)
    }

    /// The client secret that it is given.
    fn secret(self) -> &'static str {
        match self {
            Self::OidcProvider => "a secret with:reserved/characters+and=more%",
            // It does not undo the form encoding of a secret that comes by Basic (RFC 6749 section 2.3.1).
            Self::Idpyoidc => "a-secret-without-characters-that-Basic-encodes",
        }
    }
}

/// An OpenID provider as child process, ended when dropped. The person at its keyboard is whoever `login_hint`
/// names, or alice; `deny` refuses.
pub struct Oidc {
    helper: Helper,
    make: Make,
    http: reqwest::Client,
}

impl Oidc {
    /// npm oidc-provider with one client, for one gateway. `auth_method`: `client_secret_post` or
    /// `client_secret_basic`.
    pub async fn start(gateway_url: &str, auth_method: &str) -> Self {
        let client = json!({"token_endpoint_auth_method": auth_method});
        Self::of(Make::OidcProvider, gateway_url, &[("poolgate", client)]).await
    }

    /// A provider with these clients: their ids, and what they are registered with beyond the usual (RFC 7591,
    /// and `claims_in`: `userinfo` or `id_token`).
    pub async fn of(make: Make, gateway_url: &str, clients: &[(&str, Value)]) -> Self {
        let clients: Vec<_> = clients
            .iter()
            .map(|(id, more)| {
                let mut client = json!({
                    "client_id": id,
                    "client_secret": make.secret(),
                    "redirect_uris": [format!("{gateway_url}/oauth2/idpresponse")],
                    "post_logout_redirect_uris": [format!("{gateway_url}/oauth2/logoutresponse")],
                    "token_endpoint_auth_method": "client_secret_post",
                });
                client.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                client
            })
            .collect();
        let settings = json!({"clients": clients}).to_string();
        let (program, script) = match make {
            Make::OidcProvider => (tool("tests/.cache/node-bin"), "tests/node/oidc-provider.mjs"),
            Make::Idpyoidc => (python_path().join("python"), "tests/python/oidc_idp.py"),
        };
        let helper = Helper::start(command(&program, &repository().join(script), &[&settings])).await;
        Self { helper, make, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// Its issuer.
    pub fn issuer(&self) -> &str {
        self.helper.told["issuer"].as_str().unwrap()
    }

    /// One of its endpoints: `authorization`, `token`, `userinfo` or `jwks`.
    pub fn endpoint(&self, name: &str) -> &str {
        self.helper.told["endpoints"][name].as_str().unwrap()
    }

    /// `ProviderDetails` of the usual client, with discovery.
    pub fn details(&self) -> Value {
        self.details_of("poolgate")
    }

    fn details_of(&self, client: &str) -> Value {
        json!({
            "client_id": client,
            "client_secret": self.make.secret(),
            "oidc_issuer": self.issuer(),
            "authorize_scopes": "openid email profile",
            "attributes_request_method": "GET",
        })
    }

    /// For [`super::Gateway::provision`], with the usual client.
    pub fn provider(&self, name: &str) -> Value {
        self.provider_of(name, "poolgate")
    }

    /// The same with this client of the provider's.
    pub fn provider_of(&self, name: &str, client: &str) -> Value {
        json!({
            "name": name,
            "type": "OIDC",
            "details": self.details_of(client),
            "mapping": {
                "email": "email",
                "email_verified": "email_verified",
                "given_name": "given_name",
                "family_name": "family_name",
                "profile": "acr",
            },
        })
    }

    /// The parameters of the authorization request that came last.
    pub async fn asked(&self) -> BTreeMap<String, String> {
        serde_json::from_value(self.ask("asked").await).unwrap()
    }

    /// How often this person had to sign in: single sign-on is not counted.
    pub async fn logins(&self, person: &str) -> u64 {
        self.ask("logins").await[person].as_u64().unwrap_or(0)
    }

    /// What answered to its back-channel logouts: status and body.
    pub async fn told(&self) -> Vec<(u64, String)> {
        let told = self.ask("told").await;
        let one = |one: &Value| (one["status"].as_u64().unwrap(), one["body"].as_str().unwrap().to_owned());
        told.as_array().unwrap().iter().map(one).collect()
    }

    async fn ask(&self, what: &str) -> Value {
        let answer = self.http.get(format!("{}/tests/{what}", self.issuer())).send().await.unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    }

    /// It signs with new keys from now on; the old ones stay in its key set, or are gone.
    pub async fn new_key(&self, keep: bool) {
        self.tell("new-key", if keep { &[("keep", "1")] } else { &[] }).await;
    }

    /// Makes all its sessions older.
    pub async fn grow_older(&self, seconds: u32) {
        self.tell("older", &[("seconds", &seconds.to_string())]).await;
    }

    async fn tell(&self, what: &str, form: &[(&str, &str)]) {
        let answer =
            self.http.post(format!("{}/tests/{what}", self.issuer())).form(form).send().await.unwrap();
        answer.error_for_status().unwrap();
    }

    /// The person signs out at the provider itself; the walk ends on a page of the provider.
    pub async fn sign_out(&self, person: &Person) -> Landing {
        person.open(&format!("{}/session", self.issuer()), "nowhere:").await
    }

    /// Whether the walk ended on a page of the provider.
    pub fn shows(&self, landing: &Landing) -> bool {
        landing.url.origin() == Url::parse(self.issuer()).unwrap().origin()
    }
}

/// The key of a client that signs its assertions: P-256.
pub struct ClientKey {
    /// PKCS #8.
    pub pem: String,
    /// The public half, as the provider takes it.
    pub jwks: Value,
}

impl ClientKey {
    /// A fresh one of this name.
    pub fn new(id: &str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = key.to_pkcs8v1().unwrap();
        let body = STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let (x, y) = key.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        Self { pem, jwks: json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": id, "x": x, "y": y}]}) }
    }
}
