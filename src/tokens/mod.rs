//! The pool's own tokens: what they say, signed, and verified when they come back.

pub mod access;
pub mod claims;
mod groups;
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
use crate::sign_out::provenance::{Provenance, millis};
use crate::triggers::{TriggerError, token_generation};

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
    /// The user is gone.
    #[error("User does not exist.")]
    NoUser,
    /// The refresh token was replaced before, and its grace is over. Its whole family has been revoked.
    #[error("Refresh Token has been used before: the sign-in has been revoked")]
    Reused,
    /// Signing failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The directory is away.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// A function of the administrator did not let it go on.
    #[error(transparent)]
    Trigger(#[from] TriggerError),
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
/// [`TokenError::Key`], [`TokenError::Trigger`].
pub async fn mint(
    context: &Context,
    holder: Holder<'_>,
    granted: &Granted,
    occasion: Occasion,
) -> Result<TokenPair, TokenError> {
    // What ends while the function is asked was not looked at, so the tokens are no younger than the question.
    let began = millis(context.common_now());
    let changes = token_generation::of_user(context, holder, granted, occasion).await?;
    let _signing = trace::sign().entered();
    crate::audit::notes::user(&holder.user.sub);
    let (surface, now) = (&context.surface, context.now());
    let keys = &holder.pool.keys;
    let mut access_claims = claims::access_token(holder, granted, surface, now, context.uuid_of(began));
    changes.apply_to_access_token(&mut access_claims);
    let access_token =
        keys.access_token(now).sign_jwt(Value::Object(access_claims).to_string().as_bytes())?;
    let id_token = if granted.has_scope("openid") {
        let at_hash = claims::at_hash(&access_token);
        let mut id_claims = claims::id_token(holder, granted, surface, now, context.uuid_of(began), at_hash);
        changes.apply_to_id_token(&mut id_claims);
        Some(keys.id_token(now).sign_jwt(Value::Object(id_claims).to_string().as_bytes())?)
    } else {
        None
    };
    let expires_in = holder.client.access_token_lifetime().whole_seconds();
    Ok(TokenPair { id_token, access_token, expires_in })
}

/// Mints the access token of an app itself, without a user (`client_credentials`), valid from now: the token, and how
/// many seconds it lives.
///
/// # Errors
/// [`TokenError::Key`], [`TokenError::Trigger`].
pub async fn mint_for_client(
    context: &Context,
    pool: &LivePool,
    client: &AppClient,
    scopes: &[String],
) -> Result<(String, i64), TokenError> {
    let changes = token_generation::of_client(context, pool, client, scopes).await?;
    let _signing = trace::sign().entered();
    let now = context.now();
    let mut claims = claims::client_token(pool, client, scopes, &context.surface, now, context.timed_uuid());
    changes.apply_to_access_token(&mut claims);
    let token = pool.keys.access_token(now).sign_jwt(Value::Object(claims).to_string().as_bytes())?;
    Ok((token, client.access_token_lifetime().whole_seconds()))
}
