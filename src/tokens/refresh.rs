//! Refresh tokens: sealed capsules. What is stored is only what ends them, and how far a family was rotated.
//!
//! A token carries its generation. Of one family the newest generation is good; one that was replaced is taken for a
//! retry within the client's grace, and for theft afterwards: the family ends then.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Granted, TokenError};
use crate::context::Context;
use crate::directory::{Rotated, Rotation, TokenState};
use crate::pool::{AppClient, User};
use crate::registry::LivePool;
use crate::sign_out::provenance::{Provenance, millis, unmarked_have_ended};

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
    /// When the family's first token was issued: what ends the family ends every token of it.
    issued_at: i64,
    /// When the family's first token ends, and with it every one that took its place.
    expires_at: i64,
    /// How many tokens of the family came before it. Those of before there was rotation are the first.
    #[serde(default, skip_serializing_if = "is_zero")]
    generation: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Where a token stands in its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is the newest.
    Newest,
    /// It was replaced, by now by one of this generation, and is used again within the grace.
    Retried(i64),
}

/// A refresh token that opened, belongs to the client and is alive.
pub struct LiveRefresh {
    /// The user.
    pub user: User,
    /// What it grants.
    pub granted: Granted,
    content: Content,
    standing: Standing,
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
        generation: 0,
    };
    seal(context, pool, &content)
}

fn seal(context: &Context, pool: &LivePool, content: &Content) -> Result<String, TokenError> {
    Ok(pool.keys.refresh_token(context.now()).seal(context.random(), content)?)
}

fn open(pool: &LivePool, client: &AppClient, token: &str) -> Option<Content> {
    let content: Content = pool.keys.refresh_tokens().find_map(|key| key.open(token))?;
    (content.pool == pool.id() && content.client == client.client_id).then_some(content)
}

/// Checks a refresh token that came back. One that was replaced, and whose grace is over, ends its family.
///
/// # Errors
/// [`TokenError::Invalid`], [`TokenError::NoUser`] and [`TokenError::Reused`] when it is not a live one of this
/// client; [`TokenError::Directory`].
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
    let (user, rotated) = welcome(&content, state)?;
    let standing = stand(context, client, &content, rotated.as_ref()).await?;
    let granted = Granted {
        scopes: content.scopes.clone(),
        auth_time: content.auth_time,
        origin_jti: content.origin_jti.clone(),
        event_id: content.event_id.clone(),
        nonce: None,
        resource: content.resource.clone(),
        provenance: content.provenance.clone(),
    };
    Ok(LiveRefresh { user, granted, content, standing })
}

/// The user, where neither it nor the family has ended.
fn welcome(content: &Content, state: TokenState) -> Result<(User, Option<Rotated>), TokenError> {
    let user = state.user.ok_or(TokenError::NoUser)?;
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
    Ok((user, state.rotated))
}

/// Where the token stands. Whoever uses a replaced one after the grace, or after rotation was switched off, may have
/// stolen it, or been stolen from: the family ends.
async fn stand(
    context: &Context,
    client: &AppClient,
    content: &Content,
    rotated: Option<&Rotated>,
) -> Result<Standing, TokenError> {
    let Some(rotated) = rotated.filter(|rotated| content.generation < rotated.generation) else {
        return Ok(Standing::Newest);
    };
    let steps = usize::try_from(rotated.generation - 1 - content.generation).unwrap_or(usize::MAX);
    let grace = client.rotation().unwrap_or_default().whole_milliseconds();
    let now = millis(context.common_now());
    // A clock that is a little behind the one that replaced it finds no grace where there is none.
    let within = |at: &i64| grace > 0 && i128::from(now.saturating_sub(*at)) < grace;
    if rotated.replaced.get(steps).is_some_and(within) {
        return Ok(Standing::Retried(rotated.generation));
    }
    let until = end_of_family(content)?;
    context.directory.revoke_family(&content.pool, &content.origin_jti, until).await?;
    tracing::warn!(client_id = %client.client_id, "a replaced refresh token was used again: its family is revoked");
    Err(TokenError::Reused)
}

/// When the last token of the family can have ended, access tokens included.
fn end_of_family(content: &Content) -> Result<OffsetDateTime, TokenError> {
    Ok(end(content)? + AppClient::TOKEN_RANGE.1)
}

fn end(content: &Content) -> Result<OffsetDateTime, TokenError> {
    OffsetDateTime::from_unix_timestamp(content.expires_at)
        .map_err(|_| TokenError::Invalid("Invalid Refresh Token"))
}

/// The refresh token that takes the place of this one, for the rest of its life. It is on the disk that this one is
/// replaced when this returns.
///
/// # Errors
/// As [`verify`], for somebody else may have used the same token meanwhile.
pub async fn rotate(
    context: &Context,
    pool: &LivePool,
    client: &AppClient,
    live: &LiveRefresh,
) -> Result<String, TokenError> {
    let content = &live.content;
    let generation = match live.standing {
        Standing::Retried(generation) => generation,
        Standing::Newest => {
            let next = content.generation.saturating_add(1);
            let rotation = Rotation {
                pool_id: content.pool.clone(),
                origin_jti: content.origin_jti.clone(),
                generation: next,
                jti: context.uuid(),
                at: context.common_now(),
                until: end(content)?,
            };
            if context.directory.rotate(rotation).await? {
                next
            } else {
                overtaken(context, client, content).await?
            }
        }
    };
    seal(context, pool, &Content { generation, ..content.clone() })
}

/// The generation for somebody who used the token while somebody else did.
async fn overtaken(context: &Context, client: &AppClient, content: &Content) -> Result<i64, TokenError> {
    let state = context.directory.token_state(&content.pool, &content.sub, &content.origin_jti).await?;
    let (_, rotated) = welcome(content, state)?;
    match stand(context, client, content, rotated.as_ref()).await? {
        Standing::Retried(generation) => Ok(generation),
        // It was replaced a moment ago, and is not any more.
        Standing::Newest => Err(TokenError::Invalid("Invalid Refresh Token")),
    }
}

/// The family of a refresh token of this client, and when it ends by itself; `None` for anything else.
pub fn family(pool: &LivePool, client: &AppClient, token: &str) -> Option<(String, OffsetDateTime)> {
    let content = open(pool, client, token)?;
    let end = OffsetDateTime::from_unix_timestamp(content.expires_at).ok()?;
    Some((content.origin_jti, end))
}
