//! A refresh token becomes new ID and access tokens (RFC 6749 section 6).

use super::{GrantError, TokenAnswer};
use crate::context::Context;
use crate::pool::AppClient;
use crate::registry::LivePool;
use crate::tokens::{self, Holder, Occasion, refresh};

/// New ID and access tokens; the refresh token stays as it is. A scope that was taken from the client since is
/// granted no longer.
///
/// # Errors
/// [`GrantError::InvalidGrant`] when the token is not a live one of this client, or none of its scopes is left;
/// [`GrantError::Unavailable`].
pub async fn redeem(
    context: &Context,
    pool: &LivePool,
    client: &AppClient,
    token: &str,
) -> Result<TokenAnswer, GrantError> {
    let mut live = refresh::verify(context, pool, client, token).await?;
    live.granted.scopes.retain(|scope| client.allowed_oauth_scopes.contains(scope));
    if live.granted.scopes.is_empty() {
        return Err(GrantError::InvalidGrant(
            "The client may use none of the sign-in's scopes any more".into(),
        ));
    }
    let holder = Holder { pool, client, user: &live.user };
    let pair = tokens::mint(context, holder, &live.granted, Occasion::RefreshTokens).await?;
    Ok(TokenAnswer {
        id_token: pair.id_token,
        access_token: pair.access_token,
        refresh_token: None,
        expires_in: pair.expires_in,
        token_type: "Bearer",
    })
}
