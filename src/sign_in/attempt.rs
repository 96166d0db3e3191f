//! One sign-in attempt: made before the browser leaves for the provider, used once when it comes back.

use poolgate_providers::{Asked, AttemptFacts, Prompt};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};
use url::Url;

use super::request::{AuthorizeRequest, ReturnTarget};
use crate::context::{Context, digest_name};
use crate::registry::LivePool;
use crate::sessions::{Key, Kind, SessionError};

/// How long an attempt lives.
pub const LIFETIME: Duration = Duration::minutes(5);
/// Longest handle that is looked up, in bytes.
pub const MAX_HANDLE: usize = 43;

/// Everything an attempt remembers. It is not printable: it holds the provider's nonce and our verifier.
#[derive(Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// Random; OAuth `state` and SAML `RelayState`.
    pub handle: String,
    /// The pool.
    pub pool_id: String,
    /// The app client.
    pub client_id: String,
    /// The provider the browser was sent to.
    pub provider: String,
    /// Where the answer goes.
    pub target: ReturnTarget,
    /// Scopes that will be granted.
    pub scopes: Vec<String>,
    /// The app's nonce.
    pub nonce: Option<String>,
    /// The app's PKCE challenge.
    pub challenge: Option<String>,
    /// RFC 8707 resource.
    pub resource: Option<String>,
    /// Digest of the browser's cookie.
    browser: String,
    /// Our SAML request id.
    request_id: String,
    /// Our nonce towards the provider.
    upstream_nonce: String,
    /// Our PKCE verifier towards the provider.
    upstream_verifier: String,
    prompt: Vec<Prompt>,
    login_hint: Option<String>,
    max_age: Option<u32>,
    lang: Option<String>,
    acr_values: Option<String>,
    started_at: i64,
}

impl Attempt {
    /// A new attempt of the browser that holds this cookie.
    pub fn new(
        context: &Context,
        pool: &LivePool,
        request: &AuthorizeRequest,
        provider: &str,
        browser: &str,
    ) -> Self {
        Self {
            handle: context.handle(),
            pool_id: pool.id().to_owned(),
            client_id: request.client_id.clone(),
            provider: provider.to_owned(),
            target: request.target(),
            scopes: request.scopes.clone(),
            nonce: request.nonce.clone(),
            challenge: request.challenge.clone(),
            resource: request.resource.clone(),
            browser: digest_name(browser),
            request_id: context.request_id(),
            upstream_nonce: context.handle(),
            upstream_verifier: context.handle(),
            prompt: request.asked.prompt.clone(),
            login_hint: request.asked.login_hint.clone(),
            max_age: request.asked.max_age,
            lang: request.asked.lang.clone(),
            acr_values: request.asked.acr_values.clone(),
            started_at: context.now().unix_timestamp(),
        }
    }

    /// Whether this cookie is the one the attempt was made with.
    pub fn is_of_browser(&self, cookie: &str) -> bool {
        digest_name(cookie).as_bytes().ct_eq(self.browser.as_bytes()).into()
    }

    /// The languages that the app asked for, best first, with spaces between them.
    pub fn languages(&self) -> Option<&str> {
        self.lang.as_deref()
    }

    /// What the provider's adapter needs to know.
    pub fn facts(&self, callback: Url, entity_id: String) -> AttemptFacts {
        AttemptFacts {
            handle: self.handle.clone(),
            request_id: self.request_id.clone(),
            nonce: SecretString::from(self.upstream_nonce.clone()),
            pkce_verifier: SecretString::from(self.upstream_verifier.clone()),
            callback,
            entity_id,
            started_at: OffsetDateTime::from_unix_timestamp(self.started_at)
                .unwrap_or(OffsetDateTime::UNIX_EPOCH),
            asked: Asked {
                prompt: self.prompt.clone(),
                login_hint: self.login_hint.clone(),
                max_age: self.max_age,
                lang: self.lang.clone(),
                acr_values: self.acr_values.clone(),
            },
        }
    }

    /// Stores it for [`LIFETIME`].
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn save(&self, context: &Context) -> Result<(), SessionError> {
        let value = serde_json::to_vec(self).map_err(|error| SessionError::Away(error.to_string()))?;
        context.sessions.put(&key(&self.handle), value, context.now() + LIFETIME).await
    }

    /// Looks at an attempt without using it up.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn peek(context: &Context, handle: &str) -> Result<Option<Self>, SessionError> {
        if handle.len() > MAX_HANDLE {
            return Ok(None);
        }
        let value = context.sessions.get(&key(handle)).await?;
        Ok(value.and_then(|value| serde_json::from_slice(&value).ok()))
    }

    /// Uses the attempt up: of several callers exactly one gets it.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn take(context: &Context, handle: &str) -> Result<Option<Self>, SessionError> {
        if handle.len() > MAX_HANDLE {
            return Ok(None);
        }
        let value = context.sessions.take(&key(handle)).await?;
        Ok(value.and_then(|value| serde_json::from_slice(&value).ok()))
    }
}

fn key(handle: &str) -> Key {
    Key::new(Kind::Attempt, handle)
}
