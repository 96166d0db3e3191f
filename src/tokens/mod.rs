//! The pool's own tokens: what they say, signed, and verified when they come back.

pub mod access;
pub mod claims;
pub mod hint;
pub mod jwks;
mod jws;
pub mod refresh;

use serde_json::Value;
use thiserror::Error;

use crate::context::Context;
use crate::directory::DirectoryError;
use crate::keys::KeyError;
use crate::observe::trace;
use crate::pool::{AppClient, User};
use crate::registry::LivePool;
use crate::sign_out::provenance::Provenance;

/// What a sign-in granted, from which tokens are minted, at first and at each refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Scopes, in the order asked.
    pub scopes: Vec<String>,
    /// When the user signed in, seconds since 1970.
    pub auth_time: i64,
    /// Names the family of tokens that one sign-in made.
    pub origin_jti: String,
    /// Names the sign-in in logs and triggers.
    pub event_id: String,
    /// The app's nonce, for the ID token.
    pub nonce: Option<String>,
    /// RFC 8707 resource: audience of the access token.
    pub resource: Option<String>,
    /// The sign-in at the provider that it comes from. None where it does not say: in an access token, and in
    /// what was issued before this was kept.
    pub provenance: Option<Provenance>,
}

impl Granted {
    /// Whether this scope was granted.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

/// ID and access token of one moment.
#[derive(Clone)]
pub struct TokenPair {
    /// Only with the scope `openid`.
    pub id_token: Option<String>,
    /// Access token.
    pub access_token: String,
    /// Seconds the access token lives.
    pub expires_in: i64,
}

/// Why a token cannot be made or believed.
#[derive(Debug, Error)]
pub enum TokenError {
    /// It is not one of ours, was altered, has expired, was revoked, or its user is gone. The sentence is
    /// for the caller and says no more than that.
    #[error("{0}")]
    Invalid(&'static str),
    /// Signing failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The directory is away.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// For whom tokens are minted.
#[derive(Clone, Copy)]
pub struct Holder<'a> {
    /// The pool.
    pub pool: &'a LivePool,
    /// The app client.
    pub client: &'a AppClient,
    /// The user.
    pub user: &'a User,
}

/// What tokens are minted for: the `triggerSource` that a pre-token-generation function is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// A sign-in through the hosted pages.
    HostedAuth,
    /// A refresh token was redeemed.
    RefreshTokens,
}

/// Mints the tokens of `granted`, valid from now.
///
/// # Errors
/// [`TokenError::Key`].
#[expect(clippy::unused_async, reason = "a function of the administrator is asked here")]
pub async fn mint(
    context: &Context,
    holder: Holder<'_>,
    granted: &Granted,
    _occasion: Occasion,
) -> Result<TokenPair, TokenError> {
    let _signing = trace::sign().entered();
    crate::audit::notes::user(&holder.user.sub);
    let (surface, now) = (&context.surface, context.now());
    let keys = &holder.pool.keys;
    let access_claims = claims::access_token(holder, granted, surface, now, context.timed_uuid());
    let access_token = keys.access_token().sign_jwt(Value::Object(access_claims).to_string().as_bytes())?;
    let id_token = if granted.has_scope("openid") {
        let at_hash = claims::at_hash(&access_token);
        let id_claims = claims::id_token(holder, granted, surface, now, context.timed_uuid(), at_hash);
        Some(keys.id_token().sign_jwt(Value::Object(id_claims).to_string().as_bytes())?)
    } else {
        None
    };
    let expires_in = holder.client.access_token_lifetime().whole_seconds();
    Ok(TokenPair { id_token, access_token, expires_in })
}
