//! A refresh token becomes new tokens (RFC 6749 section 6; rotation: RFC 9700 section 4.14.2).

use super::{GrantError, TokenAnswer};
use crate::context::Context;
use crate::pool::AppClient;
use crate::registry::LivePool;
use crate::tokens::refresh::{self, LiveRefresh};
use crate::tokens::{self, Holder, Occasion};

/// New ID and access tokens, and where the client's refresh tokens rotate a new one of those. A scope that was taken
/// from the client since, or deleted, is granted no longer.
///
/// # Errors
/// [`GrantError::InvalidGrant`], [`GrantError::NoUser`] and [`GrantError::Reused`] when the token is not a live one of
/// this client, or none of its scopes is left; [`GrantError::Unavailable`].
pub async fn redeem(
    context: &Context,
    pool: &LivePool,
    client: &AppClient,
    token: &str,
) -> Result<TokenAnswer, GrantError> {
    let live = refresh::verify(context, pool, client, token).await?;
    renew(context, pool, client, live).await
}

/// The same for a token that was looked at already.
///
/// # Errors
/// As [`redeem`].
pub async fn renew(
    context: &Context,
    pool: &LivePool,
    client: &AppClient,
    mut live: LiveRefresh,
) -> Result<TokenAnswer, GrantError> {
    live.granted.scopes.retain(|scope| pool.grants_scope(client, scope));
    if live.granted.scopes.is_empty() {
        return Err(GrantError::InvalidGrant(
            "The client may use none of the sign-in's scopes any more".into(),
        ));
    }
    let holder = Holder { pool, client, user: &live.user };
    let pair = tokens::mint(context, holder, &live.granted, Occasion::RefreshTokens).await?;
    // Last: what failed until now has replaced nothing.
    let refresh_token = match client.rotation() {
        Some(_) => Some(refresh::rotate(context, pool, client, &live).await?),
        None => None,
    };
    Ok(TokenAnswer {
        id_token: pair.id_token,
        access_token: pair.access_token,
        refresh_token,
        expires_in: pair.expires_in,
        token_type: "Bearer",
    })
}
