//! An access token that comes back: is it ours, is it alive, is its user still welcome?

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::{Granted, TokenError, jws};
use crate::context::Context;
use crate::directory::DirectoryError;
use crate::pool::User;
use crate::registry::{LivePool, Surface};
use crate::sign_out::provenance::{told_by, unmarked_have_ended};

/// Longest payload that is looked into, in characters.
const MAX_PAYLOAD: usize = 64 * 1024;

/// An access token that passed every check, and whose user may use it now.
pub struct LiveAccess {
    /// The user.
    pub user: User,
    /// The client it was issued to.
    pub client_id: String,
    /// What it grants.
    pub granted: Granted,
}

#[derive(Clone, Deserialize)]
struct AccessClaims {
    sub: String,
    iss: String,
    token_use: String,
    client_id: String,
    #[serde(default)]
    scope: String,
    exp: i64,
    iat: i64,
    auth_time: i64,
    origin_jti: String,
    #[serde(default)]
    event_id: String,
    #[serde(default)]
    jti: String,
}

impl AccessClaims {
    /// When it was issued, in milliseconds since 1970: its id tells, see [`Context::timed_uuid`]. One of before
    /// ids told counts as issued when its second began.
    fn issued_at(&self) -> i64 {
        told_by(&self.jti).unwrap_or_else(|| self.iat.saturating_mul(1000))
    }

    /// When the sign-in began that it comes from: a token that is made while its user signs out everywhere is no
    /// younger than its sign-in. One of before `origin_jti` told began when it was issued.
    fn began_at(&self) -> i64 {
        told_by(&self.origin_jti).unwrap_or_else(|| self.issued_at())
    }
}

/// The pool that a token names as its issuer, for [`examine`] to look at: nothing of it is verified yet.
pub fn pool_named(surface: &Surface, token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Issued {
        iss: String,
    }
    let payload = token.split('.').nth(1).filter(|payload| payload.len() <= MAX_PAYLOAD)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let Issued { iss } = serde_json::from_slice(&payload).ok()?;
    let base = surface.public_url.as_str().trim_end_matches('/');
    iss.strip_prefix(base)?.strip_prefix('/').map(str::to_owned)
}

/// Why an access token is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is none of the pool's, was altered, or its app client has gone.
    NotOurs,
    /// Its time has passed.
    Expired,
    /// Its user no longer exists.
    NoUser,
    /// Its user is disabled.
    Disabled,
    /// It was revoked, or its user signed out everywhere or was signed out by a provider.
    Ended,
}

/// Why an access token cannot be used.
#[derive(Debug)]
pub enum AccessFault {
    /// It is of no use.
    Refused(Refusal),
    /// The directory is away.
    Directory(DirectoryError),
}

impl From<Refusal> for AccessFault {
    fn from(why: Refusal) -> Self {
        Self::Refused(why)
    }
}

impl From<DirectoryError> for AccessFault {
    fn from(error: DirectoryError) -> Self {
        Self::Directory(error)
    }
}

impl From<AccessFault> for TokenError {
    fn from(fault: AccessFault) -> Self {
        match fault {
            AccessFault::Refused(Refusal::NotOurs) => Self::Invalid("Access token is not valid"),
            AccessFault::Refused(Refusal::Expired) => Self::Invalid("Access token has expired"),
            AccessFault::Refused(Refusal::NoUser | Refusal::Disabled | Refusal::Ended) => {
                Self::Invalid("Access token has been revoked")
            }
            AccessFault::Directory(error) => Self::Directory(error),
        }
    }
}

/// Verifies an access token of this pool.
///
/// # Errors
/// [`TokenError::Invalid`] for anything that is not a live access token of the pool, of an existing, enabled
/// user who has not signed out since, nor been signed out by a provider; [`TokenError::Directory`] when that cannot be asked.
pub async fn verify(context: &Context, pool: &Arc<LivePool>, token: &str) -> Result<LiveAccess, TokenError> {
    Ok(examine(context, pool, token).await?)
}

/// The same, telling why not.
///
/// # Errors
/// [`AccessFault`].
pub async fn examine(
    context: &Context,
    pool: &Arc<LivePool>,
    token: &str,
) -> Result<LiveAccess, AccessFault> {
    let claims: AccessClaims = jws::claims(token, |kid| pool.keys.access_key(kid)).ok_or(Refusal::NotOurs)?;
    let now = context.now().unix_timestamp();
    if claims.iss != pool.issuer(&context.surface) || claims.token_use != "access" {
        return Err(Refusal::NotOurs.into());
    }
    if now >= claims.exp {
        return Err(Refusal::Expired.into());
    }
    if pool.client(&claims.client_id).is_none() {
        return Err(Refusal::NotOurs.into());
    }
    let state = context.directory.token_state(pool.id(), &claims.sub, &claims.origin_jti).await?;
    let user = state.user.ok_or(Refusal::NoUser)?;
    if !user.enabled {
        return Err(Refusal::Disabled.into());
    }
    let ended_there = unmarked_have_ended(&state.endings, claims.issued_at());
    if state.revoked || user.has_signed_out_since(claims.began_at()) || ended_there {
        return Err(Refusal::Ended.into());
    }
    let granted = Granted {
        scopes: claims.scope.split_ascii_whitespace().map(str::to_owned).collect(),
        auth_time: claims.auth_time,
        origin_jti: claims.origin_jti,
        event_id: claims.event_id,
        nonce: None,
        resource: None,
        provenance: None,
    };
    Ok(LiveAccess { user, client_id: claims.client_id, granted })
}
