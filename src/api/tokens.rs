//! Refresh tokens: new tokens for one, and its end. An app calls these, without a signature.

use serde_json::{Map, Value, json};

use super::members::Members;
use super::{ApiContext, ApiError};
use crate::grants::{GrantError, TokenAnswer, refresh_token, revoke as revocation};
use crate::observe::labels::Grant;
use crate::pool::AppClient;
use crate::registry::{LivePool, Snapshot};

pub(super) fn unknown_client(id: &str) -> ApiError {
    ApiError::ResourceNotFound(format!("User pool client {id} does not exist."))
}

/// The app client of this id, in whichever pool.
pub(super) fn client_of<'s>(
    snapshot: &'s Snapshot,
    client_id: &str,
) -> Result<(&'s LivePool, &'s AppClient), ApiError> {
    let pool = snapshot.pool_of_client(client_id).ok_or_else(|| unknown_client(client_id))?;
    let client = pool.client(client_id).ok_or_else(|| unknown_client(client_id))?;
    Ok((pool, client))
}

/// Whether the client has proved itself by `ClientSecret`: one without a secret must send none.
fn prove(client: &AppClient, sent: Option<&str>) -> Result<(), String> {
    let id = &client.client_id;
    match (client.is_confidential(), sent) {
        (false, None) => Ok(()),
        (false, Some(_)) => Err(format!("Client {id} has no secret, but a ClientSecret was received.")),
        (true, None) => {
            Err(format!("Client {id} is configured with secret but no ClientSecret was received."))
        }
        (true, Some(sent)) if client.has_secret(sent) => Ok(()),
        (true, Some(_)) => Err(format!("The ClientSecret is not one of client {id}.")),
    }
}

/// `AuthenticationResultType`.
pub(super) fn authentication_result(answer: TokenAnswer) -> Value {
    let mut result = Map::new();
    result.insert("AccessToken".into(), answer.access_token.into());
    result.insert("ExpiresIn".into(), answer.expires_in.into());
    result.insert("TokenType".into(), answer.token_type.into());
    result.extend(answer.refresh_token.map(|token| ("RefreshToken".to_owned(), token.into())));
    result.extend(answer.id_token.map(|token| ("IdToken".to_owned(), token.into())));
    Value::Object(result)
}

/// Counts a refresh as the token endpoint counts its own.
pub(super) fn counted(
    context: &ApiContext,
    outcome: Result<TokenAnswer, GrantError>,
) -> Result<TokenAnswer, ApiError> {
    let outcome = outcome.map_err(ApiError::from);
    let status = outcome.as_ref().map_or_else(|error| error.status_and_name().0, |_| 200);
    context.core.metrics.granted(Grant::RefreshToken, status);
    outcome
}

/// `GetTokensFromRefreshToken`.
pub(super) async fn refresh(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (client_id, token) = (input.text("ClientId")?, input.text("RefreshToken")?);
    let secret: Option<String> = input.take("ClientSecret")?;
    let snapshot = context.core.registry.snapshot();
    let (pool, client) = client_of(&snapshot, &client_id)?;
    prove(client, secret.as_deref()).map_err(ApiError::NotAuthorized)?;
    let answer = counted(context, refresh_token::redeem(&context.core, pool, client, &token).await)?;
    Ok(json!({ "AuthenticationResult": authentication_result(answer) }))
}

/// `RevokeToken`. `RevokeAssociatedSessions` has no effect where sessions are not tracked, and they are not here.
pub(super) async fn revoke(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (client_id, token) = (input.text("ClientId")?, input.text("Token")?);
    let secret: Option<String> = input.take("ClientSecret")?;
    let snapshot = context.core.registry.snapshot();
    // The model has no ResourceNotFoundException here.
    let (pool, client) =
        client_of(&snapshot, &client_id).map_err(|error| ApiError::Unauthorized(error.to_string()))?;
    prove(client, secret.as_deref()).map_err(ApiError::Unauthorized)?;
    if !client.revocation_enabled() {
        return Err(ApiError::Unsupported(
            "Token revocation is switched off for this client (EnableTokenRevocation).".into(),
        ));
    }
    if revocation::is_signed_token(&token) {
        return Err(ApiError::UnsupportedTokenType(
            "Only refresh tokens can be revoked, and their access tokens end with them.".into(),
        ));
    }
    revocation::revoke(&context.core, pool, client, &token).await?;
    Ok(json!({}))
}
