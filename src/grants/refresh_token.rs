//! A refresh token becomes new ID and access tokens (RFC 6749 section 6).

use super::{GrantError, TokenAnswer};
use crate::context::Context;
use crate::pool::AppClient;
use crate::registry::LivePool;
use crate::tokens::{self, Holder, refresh};

/// New ID and access tokens; the refresh token stays as it is.
///
/// # Errors
/// [`GrantError::InvalidGrant`] when the token is not a live one of this client; [`GrantError::Unavailable`].
pub async fn redeem(
    context: &Context,
    pool: &LivePool,
    client: &AppClient,
    token: &str,
) -> Result<TokenAnswer, GrantError> {
    let live = refresh::verify(context, pool, client, token).await?;
    let holder = Holder { pool, client, user: &live.user };
    let pair = tokens::mint(holder, &live.granted, &context.surface, context.now(), || context.uuid())?;
    Ok(TokenAnswer {
        id_token: pair.id_token,
        access_token: pair.access_token,
        refresh_token: None,
        expires_in: pair.expires_in,
        token_type: "Bearer",
    })
}
