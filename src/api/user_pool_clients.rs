//! App clients.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::error::{invalid, room_for};
use super::members::Members;
use super::user_pools::{to_value, unknown_pool, with_next};
use super::{ApiContext, ApiError, client_rules, ids, model, pages};
use crate::pool::limits::APP_CLIENTS;
use crate::pool::{AppClient, ClientSecret, Timestamp};
use crate::registry::{Edit, LivePool, Versioned};

/// Lists that the reference service shows only when they hold something.
const SHOWN_WHEN_FILLED: [&str; 5] =
    ["CallbackURLs", "LogoutURLs", "AllowedOAuthFlows", "AllowedOAuthScopes", "SupportedIdentityProviders"];

fn unknown_client(id: &str) -> ApiError {
    ApiError::ResourceNotFound(format!("User pool client {id} does not exist."))
}

/// What stays the same over an update.
struct Lasting {
    client_id: String,
    client_secrets: Vec<ClientSecret>,
    user_pool_id: String,
    creation_date: Timestamp,
}

/// The client that this request describes: what it does not name takes its default, on creation and on
/// update alike, as the reference service does.
fn read(lasting: Lasting, name: String, now: Timestamp, mut input: Members) -> Result<AppClient, ApiError> {
    let mut client = AppClient {
        client_id: lasting.client_id,
        client_name: name,
        user_pool_id: lasting.user_pool_id,
        client_secrets: lasting.client_secrets,
        creation_date: lasting.creation_date,
        last_modified_date: now,
        callback_urls: input.list("CallbackURLs")?,
        logout_urls: input.list("LogoutURLs")?,
        default_redirect_uri: input.take("DefaultRedirectURI")?,
        allowed_oauth_flows: input.take("AllowedOAuthFlows")?.unwrap_or_default(),
        allowed_oauth_flows_user_pool_client: input
            .take("AllowedOAuthFlowsUserPoolClient")?
            .unwrap_or_default(),
        allowed_oauth_scopes: input.list("AllowedOAuthScopes")?,
        supported_identity_providers: input.list("SupportedIdentityProviders")?,
        read_attributes: input.take("ReadAttributes")?,
        write_attributes: input.take("WriteAttributes")?,
        access_token_validity: input.take("AccessTokenValidity")?,
        id_token_validity: input.take("IdTokenValidity")?,
        refresh_token_validity: input.take("RefreshTokenValidity")?,
        token_validity_units: Some(input.take("TokenValidityUnits")?.unwrap_or_default()),
        enable_token_revocation: Some(input.take("EnableTokenRevocation")?.unwrap_or(true)),
        refresh_token_rotation: input.take("RefreshTokenRotation")?,
        rest: input.rest(),
    };
    client.refresh_token_validity = Some(client_rules::refresh_validity(&client));
    client.rest.entry("EnablePropagateAdditionalUserContextData").or_insert(json!(false));
    client.rest.entry("AuthSessionValidity").or_insert(json!(3));
    Ok(client)
}

/// The client as `DescribeUserPoolClient` shows it, its secret included.
fn shown(client: &AppClient) -> Result<Value, ApiError> {
    let mut shown = to_value(client)?;
    if let Value::Object(members) = &mut shown {
        members.retain(|name, value| {
            !(SHOWN_WHEN_FILLED.contains(&name.as_str()) && value.as_array().is_some_and(Vec::is_empty))
        });
    }
    if let Some(secret) = client.newest_secret() {
        shown["ClientSecret"] = secret.expose_secret().into();
    }
    Ok(json!({ "UserPoolClient": shown }))
}

fn secret_for(context: &ApiContext, input: &mut Members) -> Result<Option<SecretString>, ApiError> {
    let generate = input.take("GenerateSecret")?.unwrap_or(false);
    let given: Option<String> = input.take("ClientSecret")?;
    match (generate, given) {
        (true, Some(_)) => Err(invalid("Give ClientSecret or set GenerateSecret, not both.")),
        (true, None) => Ok(Some(ids::client_secret(context.core.random()).into())),
        (false, given) => Ok(given.map(SecretString::from)),
    }
}

pub(super) async fn create(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let pool_id = input.text("UserPoolId")?;
    let name = input.text("ClientName")?;
    let now = Timestamp::from(context.core.now());
    let client_id = match input.wanted_id() {
        Some(id) => {
            model::validate("DescribeUserPoolClient", &json!({ "UserPoolId": pool_id, "ClientId": id }))?;
            id
        }
        None => ids::client_id(context.core.random()),
    };
    let secret = secret_for(context, &mut input)?;
    let lasting = Lasting {
        client_secrets: secret
            .map(|value| ClientSecret::new(&client_id, now, value, &[]))
            .into_iter()
            .collect(),
        client_id,
        user_pool_id: pool_id.clone(),
        creation_date: now,
    };
    let client = read(lasting, name, now, input)?;
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    room_for("app clients in a user pool", live.clients.len(), APP_CLIENTS)?;
    client_rules::check(&client, live)?;
    let output = shown(&client)?;
    context.core.registry.edit_as_of(&snapshot, vec![Edit::CreateClient(client)]).await?;
    Ok(output)
}

/// The client that a request names, in the pool that it names.
pub(super) fn named<'a>(live: &'a LivePool, client_id: &str) -> Result<&'a Versioned<AppClient>, ApiError> {
    live.clients.get(client_id).ok_or_else(|| unknown_client(client_id))
}

pub(super) async fn describe(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, client_id) = (input.text("UserPoolId")?, input.text("ClientId")?);
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    shown(&named(live, &client_id)?.value)
}

pub(super) async fn update(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, client_id) = (input.text("UserPoolId")?, input.text("ClientId")?);
    let name: Option<String> = input.take("ClientName")?;
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    let before = named(live, &client_id)?;
    let lasting = Lasting {
        client_id,
        client_secrets: before.value.client_secrets.clone(),
        user_pool_id: pool_id.clone(),
        creation_date: before.value.creation_date,
    };
    let name = name.unwrap_or_else(|| before.value.client_name.clone());
    let client = read(lasting, name, context.core.now().into(), input)?;
    client_rules::check(&client, live)?;
    let output = shown(&client)?;
    let edit = Edit::UpdateClient(Versioned { value: client, version: before.version });
    context.core.registry.edit_as_of(&snapshot, vec![edit]).await?;
    Ok(output)
}

pub(super) async fn delete(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, client_id) = (input.text("UserPoolId")?, input.text("ClientId")?);
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    named(live, &client_id)?;
    let mut edits = Vec::new();
    if live.ui.contains_key(&client_id) {
        edits.push(Edit::DeleteUiCustomization { pool_id: pool_id.clone(), client_id: client_id.clone() });
    }
    edits.push(Edit::DeleteClient { pool_id, client_id });
    context.core.registry.edit_as_of(&snapshot, edits).await?;
    Ok(json!({}))
}

pub(super) async fn list(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let pool_id = input.text("UserPoolId")?;
    let list = format!("ListUserPoolClients/{pool_id}");
    let length = pages::length(input.take("MaxResults")?);
    let after = pages::last_seen(context, &list, input.take("NextToken")?)?;
    // Clients that registered themselves (DCR) are not part of this build: there are none.
    let regular = input.take::<String>("ClientType")?.is_none_or(|kind| kind == "REGULAR");
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    let clients = live.clients.iter().filter(|_| regular).map(|(id, client)| (id.as_str(), &client.value));
    let page = pages::page(context, &list, clients, after.as_deref(), length)?;
    let clients: Vec<Value> = page
        .items
        .into_iter()
        .map(|client| {
            json!({
                "ClientId": client.client_id, "UserPoolId": pool_id, "ClientName": client.client_name,
            })
        })
        .collect();
    Ok(with_next(json!({ "UserPoolClients": clients }), "NextToken", page.next))
}

/// The secret that describing the client shows.
pub(crate) fn newest_secret(client: &AppClient) -> Option<&str> {
    client.newest_secret().map(|secret| secret.expose_secret())
}
