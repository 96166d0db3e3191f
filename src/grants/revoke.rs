//! Revocation (RFC 7009): the whole family of a refresh token ends here at once.

use super::GrantError;
use crate::context::Context;
use crate::pool::AppClient;
use crate::registry::LivePool;
use crate::tokens::refresh;

/// Ends the family of this refresh token. A token that is none of this client's changes nothing, and says so
/// to nobody.
///
/// # Errors
/// [`GrantError::Unavailable`].
pub async fn revoke(
    context: &Context,
    pool: &LivePool,
    client: &AppClient,
    token: &str,
) -> Result<(), GrantError> {
    if let Some((origin_jti, end)) = refresh::family(pool, client, token) {
        let until = end + AppClient::TOKEN_RANGE.1;
        context.directory.revoke_family(pool.id(), &origin_jti, until).await?;
    }
    Ok(())
}

/// Whether this is an ID or access token: a compact JWS, which has three parts. Refresh tokens have five.
pub fn is_signed_token(token: &str) -> bool {
    token.split('.').count() == 3 && jsonwebtoken::decode_header(token).is_ok()
}
