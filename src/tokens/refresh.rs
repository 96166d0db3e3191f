//! Refresh tokens: sealed capsules. What is stored is only what ends them.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Granted, TokenError};
use crate::context::Context;
use crate::pool::{AppClient, User};
use crate::registry::LivePool;
use crate::sign_out::provenance::{Provenance, unmarked_have_ended};

/// What a refresh token says to us, and to nobody else.
#[derive(Clone, Serialize, Deserialize)]
struct Content {
    pool: String,
    client: String,
    sub: String,
    scopes: Vec<String>,
    auth_time: i64,
    origin_jti: String,
    event_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provenance: Option<Provenance>,
    issued_at: i64,
    expires_at: i64,
}

/// A refresh token that opened, belongs to the client and is alive.
pub struct LiveRefresh {
    /// The user.
    pub user: User,
    /// What it grants.
    pub granted: Granted,
}

/// Seals a refresh token.
///
/// # Errors
/// [`TokenError::Key`].
pub fn issue(
    context: &Context,
    pool: &LivePool,
    client: &AppClient,
    user: &User,
    granted: &Granted,
) -> Result<String, TokenError> {
    let now = context.now();
    let content = Content {
        pool: pool.id().to_owned(),
        client: client.client_id.clone(),
        sub: user.sub.clone(),
        scopes: granted.scopes.clone(),
        auth_time: granted.auth_time,
        origin_jti: granted.origin_jti.clone(),
        event_id: granted.event_id.clone(),
        resource: granted.resource.clone(),
        provenance: granted.provenance.clone(),
        issued_at: now.unix_timestamp(),
        expires_at: (now + client.refresh_token_lifetime()).unix_timestamp(),
    };
    Ok(pool.keys.refresh_token().seal(context.random(), &content)?)
}

fn open(pool: &LivePool, client: &AppClient, token: &str) -> Option<Content> {
    let content: Content = pool.keys.refresh_tokens().find_map(|key| key.open(token))?;
    (content.pool == pool.id() && content.client == client.client_id).then_some(content)
}

/// Checks a refresh token that came back.
///
/// # Errors
/// [`TokenError::Invalid`] when it is not a live one of this client; [`TokenError::Directory`].
pub async fn verify(
    context: &Context,
    pool: &LivePool,
    client: &AppClient,
    token: &str,
) -> Result<LiveRefresh, TokenError> {
    let content = open(pool, client, token).ok_or(TokenError::Invalid("Invalid Refresh Token"))?;
    if context.now().unix_timestamp() >= content.expires_at {
        return Err(TokenError::Invalid("Refresh Token has expired"));
    }
    let state = context.directory.token_state(pool.id(), &content.sub, &content.origin_jti).await?;
    let user = state.user.ok_or(TokenError::Invalid("User does not exist"))?;
    if !user.enabled {
        return Err(TokenError::Invalid("User is disabled"));
    }
    let (began, ended_there) = match &content.provenance {
        Some(provenance) => (provenance.began_at(), provenance.tokens_have_ended(&state.endings)),
        None => {
            let began = content.issued_at.saturating_mul(1000);
            (began, unmarked_have_ended(&state.endings, began))
        }
    };
    if state.revoked || user.has_signed_out_since(began) || ended_there {
        return Err(TokenError::Invalid("Refresh Token has been revoked"));
    }
    let granted = Granted {
        scopes: content.scopes,
        auth_time: content.auth_time,
        origin_jti: content.origin_jti,
        event_id: content.event_id,
        nonce: None,
        resource: content.resource,
        provenance: content.provenance,
    };
    Ok(LiveRefresh { user, granted })
}

/// The family of a refresh token of this client, and when it ends by itself; `None` for anything else.
pub fn family(pool: &LivePool, client: &AppClient, token: &str) -> Option<(String, OffsetDateTime)> {
    let content = open(pool, client, token)?;
    let end = OffsetDateTime::from_unix_timestamp(content.expires_at).ok()?;
    Some((content.origin_jti, end))
}
