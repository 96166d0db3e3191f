//! Resource servers: APIs of the app's own, and their scopes.

use serde_json::{Value, json};

use super::error::{invalid, room_for};
use super::members::Members;
use super::user_pools::{to_value, unknown_pool, with_next};
use super::{ApiContext, ApiError, pages};
use crate::pool::limits::{RESOURCE_SERVER_SCOPES, RESOURCE_SERVERS};
use crate::pool::{ResourceServer, ResourceServerScope};
use crate::registry::{Edit, LivePool, Versioned};

/// Longest page of the list, which is the model's bound of `MaxResults`.
const LONGEST_PAGE: usize = 50;

fn unknown_server(identifier: &str) -> ApiError {
    ApiError::ResourceNotFound(format!("Resource server {identifier} does not exist."))
}

fn shown(server: &ResourceServer) -> Result<Value, ApiError> {
    Ok(json!({ "ResourceServer": to_value(server)? }))
}

/// The resource server that a request describes: without `Scopes` it has none, on creation and on update alike.
fn read(mut input: Members) -> Result<ResourceServer, ApiError> {
    let server = ResourceServer {
        user_pool_id: input.text("UserPoolId")?,
        identifier: input.text("Identifier")?,
        name: input.text("Name")?,
        scopes: input.take("Scopes")?.unwrap_or_default(),
    };
    check_scopes(&server.scopes)?;
    Ok(server)
}

fn check_scopes(scopes: &[ResourceServerScope]) -> Result<(), ApiError> {
    if scopes.len() > RESOURCE_SERVER_SCOPES {
        let given = scopes.len();
        return Err(ApiError::LimitExceeded(format!(
            "A resource server may have at most {RESOURCE_SERVER_SCOPES} scopes, not {given}."
        )));
    }
    let mut seen = std::collections::BTreeSet::new();
    match scopes.iter().find(|scope| !seen.insert(&scope.scope_name)) {
        Some(scope) => Err(invalid(format!("Scopes names {} more than once.", scope.scope_name))),
        None => Ok(()),
    }
}

pub(super) async fn create(context: &ApiContext, input: Members) -> Result<Value, ApiError> {
    let server = read(input)?;
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let pool_id = &server.user_pool_id;
    let live = snapshot.pool(pool_id).ok_or_else(|| unknown_pool(pool_id))?;
    if live.resource_servers.contains_key(&server.identifier) {
        let identifier = &server.identifier;
        return Err(invalid(format!("{identifier} already exists in user pool {pool_id}.")));
    }
    room_for("resource servers in a user pool", live.resource_servers.len(), RESOURCE_SERVERS)?;
    let output = shown(&server)?;
    context.core.registry.edit_as_of(&snapshot, vec![Edit::CreateResourceServer(server)]).await?;
    Ok(output)
}

/// The resource server that a request names, in the pool that it names.
fn named<'a>(live: &'a LivePool, identifier: &str) -> Result<&'a Versioned<ResourceServer>, ApiError> {
    live.resource_servers.get(identifier).ok_or_else(|| unknown_server(identifier))
}

pub(super) async fn describe(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, identifier) = (input.text("UserPoolId")?, input.text("Identifier")?);
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    shown(&named(live, &identifier)?.value)
}

pub(super) async fn update(context: &ApiContext, input: Members) -> Result<Value, ApiError> {
    let server = read(input)?;
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let pool_id = &server.user_pool_id;
    let live = snapshot.pool(pool_id).ok_or_else(|| unknown_pool(pool_id))?;
    let version = named(live, &server.identifier)?.version;
    let output = shown(&server)?;
    let edit = Edit::UpdateResourceServer(Versioned { value: server, version });
    context.core.registry.edit_as_of(&snapshot, vec![edit]).await?;
    Ok(output)
}

/// Clients keep the names of its scopes; they are ignored when tokens are asked for.
pub(super) async fn delete(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, identifier) = (input.text("UserPoolId")?, input.text("Identifier")?);
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    named(live, &identifier)?;
    let edit = Edit::DeleteResourceServer { pool_id, identifier };
    context.core.registry.edit_as_of(&snapshot, vec![edit]).await?;
    Ok(json!({}))
}

pub(super) async fn list(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let pool_id = input.text("UserPoolId")?;
    let list = format!("ListResourceServers/{pool_id}");
    let length = input.take("MaxResults")?.unwrap_or(LONGEST_PAGE);
    let after = pages::last_seen(context, &list, input.take("NextToken")?)?;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    let servers = live.resource_servers.iter().map(|(identifier, server)| (identifier.as_str(), server));
    let page = pages::page(context, &list, servers, after.as_deref(), length)?;
    let servers: Result<Vec<Value>, ApiError> =
        page.items.into_iter().map(|server| to_value(&server.value)).collect();
    Ok(with_next(json!({ "ResourceServers": servers? }), "NextToken", page.next))
}
