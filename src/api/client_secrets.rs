//! Secrets of app clients: a second one beside the first, so that apps can change over without an outage.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::error::{invalid, room_for};
use super::members::Members;
use super::user_pool_clients::named;
use super::user_pools::unknown_pool;
use super::{ApiContext, ApiError, ids, pages};
use crate::pool::client_secret::LIVE_SECRETS;
use crate::pool::{ClientSecret, Timestamp};
use crate::registry::{Edit, Versioned};

/// The secret as every answer describes it: without the secret itself.
fn described(secret: &ClientSecret) -> Value {
    json!({ "ClientSecretId": secret.id, "ClientSecretCreateDate": secret.created })
}

pub(super) async fn add(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, client_id) = (input.text("UserPoolId")?, input.text("ClientId")?);
    let given: Option<String> = input.take("ClientSecret")?;
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    let mut client: Versioned<_> = named(live, &client_id)?.clone();
    let known = &client.value.client_secrets;
    if known.is_empty() {
        return Err(invalid(
            "The app client has no secret, so it cannot have a second one. Make a client with GenerateSecret.",
        ));
    }
    room_for("live secrets of an app client", known.len(), LIVE_SECRETS)?;
    if given.as_ref().is_some_and(|given| client.value.has_secret(given)) {
        return Err(invalid("ClientSecret is a secret of the app client already."));
    }
    let made_here = given.is_none();
    let value = given.map_or_else(|| ids::client_secret(context.core.random()).into(), SecretString::from);
    let secret = ClientSecret::new(&client_id, Timestamp::from(context.core.now()), value, known);
    let mut shown = described(&secret);
    if made_here {
        shown["ClientSecretValue"] = secret.value.expose_secret().into();
    }
    client.value.client_secrets.push(secret);
    context.core.registry.edit_as_of(&snapshot, vec![Edit::UpdateClient(client)]).await?;
    Ok(json!({ "ClientSecretDescriptor": shown }))
}

/// Both at once: there never is a second page.
pub(super) async fn list(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, client_id) = (input.text("UserPoolId")?, input.text("ClientId")?);
    let list = format!("ListUserPoolClientSecrets/{pool_id}/{client_id}");
    pages::last_seen(context, &list, input.take("NextToken")?)?;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    let secrets = &named(live, &client_id)?.value.client_secrets;
    Ok(json!({ "ClientSecrets": secrets.iter().map(described).collect::<Vec<_>>() }))
}

pub(super) async fn delete(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, client_id) = (input.text("UserPoolId")?, input.text("ClientId")?);
    let secret_id = input.text("ClientSecretId")?;
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    let mut client: Versioned<_> = named(live, &client_id)?.clone();
    let secrets = &mut client.value.client_secrets;
    if secrets.iter().all(|secret| secret.id != secret_id) {
        return Err(ApiError::ResourceNotFound(format!("The app client has no secret {secret_id}.")));
    }
    if secrets.len() == 1 {
        return Err(invalid("The last secret of an app client cannot be deleted. Add another one first."));
    }
    secrets.retain(|secret| secret.id != secret_id);
    context.core.registry.edit_as_of(&snapshot, vec![Edit::UpdateClient(client)]).await?;
    Ok(json!({}))
}
