//! The app itself, without a user (RFC 6749 section 4.4): an access token for scopes of resource servers.

use super::{GrantError, TokenAnswer};
use crate::context::Context;
use crate::pool::{AppClient, OAuthFlow};
use crate::registry::LivePool;
use crate::tokens;

/// An access token, and nothing else. The client has proved itself.
///
/// # Errors
/// [`GrantError::UnauthorizedClient`] when the client may not use this grant, [`GrantError::InvalidScope`],
/// [`GrantError::Key`], [`GrantError::Trigger`].
pub async fn issue(
    context: &Context,
    pool: &LivePool,
    client: &AppClient,
    asked: Option<&str>,
) -> Result<TokenAnswer, GrantError> {
    if !client.may_use(OAuthFlow::ClientCredentials) {
        let why = "the client does not allow the client_credentials grant";
        return Err(GrantError::UnauthorizedClient(why));
    }
    if !client.is_confidential() {
        let why = "client_credentials is for clients with a secret: this one could be anybody";
        return Err(GrantError::UnauthorizedClient(why));
    }
    let scopes = scopes(pool, client, asked)?;
    let (access_token, expires_in) = tokens::mint_for_client(context, pool, client, &scopes).await?;
    Ok(TokenAnswer { id_token: None, access_token, refresh_token: None, expires_in, token_type: "Bearer" })
}

/// Of the scopes asked for those that a resource server still defines; all that the client may use, when none was
/// asked for.
fn scopes(pool: &LivePool, client: &AppClient, asked: Option<&str>) -> Result<Vec<String>, GrantError> {
    let mut wanted: Vec<&str> = Vec::new();
    for scope in asked.unwrap_or_default().split(' ').filter(|scope| !scope.is_empty()) {
        if !client.allowed_oauth_scopes.iter().any(|own| own == scope) {
            return Err(GrantError::InvalidScope("the client may not use a scope asked for"));
        }
        if !wanted.contains(&scope) {
            wanted.push(scope);
        }
    }
    if wanted.is_empty() {
        wanted.extend(client.allowed_oauth_scopes.iter().map(String::as_str));
    }
    // The reserved ones are about a user; those of a resource server may have been deleted since.
    wanted.retain(|scope| pool.defines_scope(scope));
    if wanted.is_empty() {
        return Err(GrantError::InvalidScope("client_credentials needs a scope of a resource server"));
    }
    Ok(wanted.into_iter().map(str::to_owned).collect())
}
