//! An access token that comes back: is it ours, is it alive, is its user still welcome?

use std::sync::Arc;

use serde::Deserialize;
use uuid::Uuid;

use super::{Granted, TokenError, jws};
use crate::context::Context;
use crate::pool::User;
use crate::registry::LivePool;
use crate::sign_out::provenance::unmarked_have_ended;

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
        let told = Uuid::parse_str(&self.jti).ok().filter(|id| id.get_version_num() == 7);
        let told = told.and_then(|id| i64::try_from(id.as_u128() >> 80).ok());
        told.unwrap_or_else(|| self.iat.saturating_mul(1000))
    }
}

const NOT_OURS: TokenError = TokenError::Invalid("Access token is not valid");
const EXPIRED: TokenError = TokenError::Invalid("Access token has expired");
const ENDED: TokenError = TokenError::Invalid("Access token has been revoked");

/// Verifies an access token of this pool.
///
/// # Errors
/// [`TokenError::Invalid`] for anything that is not a live access token of the pool, of an existing, enabled
/// user who has not signed out since, nor been signed out by a provider; [`TokenError::Directory`] when that cannot be asked.
pub async fn verify(context: &Context, pool: &Arc<LivePool>, token: &str) -> Result<LiveAccess, TokenError> {
    let claims: AccessClaims = jws::claims(token, |kid| pool.keys.access_key(kid)).ok_or(NOT_OURS)?;
    let now = context.now().unix_timestamp();
    if claims.iss != pool.issuer(&context.surface) || claims.token_use != "access" {
        return Err(NOT_OURS);
    }
    if now >= claims.exp {
        return Err(EXPIRED);
    }
    if pool.client(&claims.client_id).is_none() {
        return Err(NOT_OURS);
    }
    let state = context.directory.token_state(pool.id(), &claims.sub, &claims.origin_jti).await?;
    let user = state.user.filter(|user| user.enabled).ok_or(ENDED)?;
    let signed_out = user.signed_out_at.is_some_and(|moment| claims.iat <= moment.unix_timestamp());
    let ended_there = unmarked_have_ended(&state.endings, claims.issued_at());
    if state.revoked || signed_out || ended_there {
        return Err(ENDED);
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
