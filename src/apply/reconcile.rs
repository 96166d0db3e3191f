//! Brings a draft to what a file asks for, by the operations of the management API.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::wish::{PoolWish, Thing, ThingKind, Wish};
use super::{ApplyError, Refused};
use crate::api::{self, ApiContext, ApiError, model};
use crate::pool::identity_provider::SECRET_DETAILS;
use crate::pool::{AppClient, Group, IdentityProvider};
use crate::registry::LivePool;

/// What is still to be done.
enum Task<'w> {
    Ensure { pool_id: String, thing: &'w Thing },
    Delete { pool_id: String, line: usize, kind: ThingKind, id: String },
}

impl Task<'_> {
    fn refused(&self, why: ApiError) -> Refused {
        let (line, what) = match self {
            Self::Ensure { thing, .. } => (thing.line, format!("{} {}", thing.kind.noun(), thing.name())),
            Self::Delete { line, kind, id, .. } => (*line, format!("deleting {} {id}", kind.noun())),
        };
        Refused { line, what, why }
    }
}

/// Does everything, or says what the API refuses first.
///
/// What is refused is tried again after the rest, for as long as that helps: one thing may wait for another that the
/// file names later, such as a domain that another pool gives up.
pub(super) async fn reconcile(api: &ApiContext, wish: &Wish, prune: bool) -> Result<(), ApplyError> {
    let mut tasks = Vec::new();
    for pool in &wish.pools {
        let pool_id = ensure_pool(api, pool).await.map_err(|why| {
            let what = format!(
                "UserPool {}",
                pool.members.get("PoolName").and_then(Value::as_str).unwrap_or_default()
            );
            ApplyError::Refused(Box::new(Refused { line: pool.line, what, why }))
        })?;
        tasks.extend(pool.things.iter().map(|thing| Task::Ensure { pool_id: pool_id.clone(), thing }));
        if prune && let Some(live) = api.core.registry.snapshot().pool(&pool_id) {
            tasks.extend(superfluous(live, pool));
        }
    }
    while !tasks.is_empty() {
        let (mut waiting, mut first) = (Vec::new(), None);
        let before = tasks.len();
        for task in tasks {
            let done = match &task {
                Task::Ensure { pool_id, thing } => ensure(api, pool_id, thing).await,
                Task::Delete { pool_id, kind, id, .. } => delete(api, pool_id, *kind, id).await,
            };
            if let Err(why) = done {
                first.get_or_insert_with(|| task.refused(why));
                waiting.push(task);
            }
        }
        match first {
            Some(refused) if waiting.len() == before => return Err(ApplyError::Refused(Box::new(refused))),
            _ => tasks = waiting,
        }
    }
    Ok(())
}

fn wrong(why: impl Into<String>) -> ApiError {
    ApiError::InvalidParameter(why.into())
}

/// The pool's id, once it is as the file says.
async fn ensure_pool(api: &ApiContext, wish: &PoolWish) -> Result<String, ApiError> {
    let name = wish.members.get("PoolName").and_then(Value::as_str).unwrap_or_default();
    let snapshot = api.core.registry.snapshot();
    let found = match &wish.id {
        Some(id) => snapshot.pool(id).map(|live| live.id().to_owned()),
        None => {
            let mut named = snapshot.pools().filter(|live| live.pool.value.name == name);
            match (named.next(), named.next()) {
                (Some(_), Some(_)) => {
                    return Err(wrong(format!(
                        "several user pools are named {name}: say which by UserPoolId"
                    )));
                }
                (first, _) => first.map(|live| live.id().to_owned()),
            }
        }
    };
    let Some(id) = found else {
        let input = Value::Object(wish.members.clone());
        let made = api::call_naming(api, "CreateUserPool", input, wish.id.as_deref()).await?;
        return Ok(made["UserPool"]["Id"].as_str().unwrap_or_default().to_owned());
    };
    let live = snapshot.pool(&id).ok_or(ApiError::UserNotFound)?;
    keep_what_lasts(live, &wish.members)?;
    if let Some(schema) = wish.members.get("Schema") {
        add_attributes(api, live, schema).await?;
    }
    let input = update_input("UpdateUserPool", &wish.members, json!({ "UserPoolId": id }));
    api::call(api, "UpdateUserPool", input).await?;
    Ok(id)
}

/// What only making a pool can say must be as it is.
fn keep_what_lasts(live: &LivePool, members: &Map<String, Value>) -> Result<(), ApiError> {
    let stored =
        serde_json::to_value(&live.pool.value).map_err(|error| ApiError::Internal(error.to_string()))?;
    let lasting =
        members.iter().filter(|(name, _)| !model::takes("UpdateUserPool", name) && *name != "Schema");
    for (name, value) in lasting {
        if stored.get(name) != Some(value) {
            return Err(wrong(format!(
                "{name} is set when a user pool is made and cannot be changed: it is {}",
                stored.get(name).unwrap_or(&Value::Null)
            )));
        }
    }
    Ok(())
}

/// Attributes that the pool lacks are added; those that it has must be as the file says.
async fn add_attributes(api: &ApiContext, live: &LivePool, schema: &Value) -> Result<(), ApiError> {
    let pool = &live.pool.value;
    let mut new = Vec::new();
    for (given, attribute) in api::schema_of_request(schema)? {
        match pool.attribute(&attribute.name) {
            Some(known) if *known == attribute => {}
            Some(_) => {
                let name = &attribute.name;
                return Err(wrong(format!(
                    "Schema: the attribute {name} is there already, and cannot be changed"
                )));
            }
            None => new.push(given),
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    let input = json!({ "UserPoolId": live.id(), "CustomAttributes": new });
    api::call(api, "AddCustomAttributes", input).await.map(|_| ())
}

/// What an update takes of what was given, and which thing it is about.
fn update_input(operation: &str, members: &Map<String, Value>, key: Value) -> Value {
    let taken = members.iter().filter(|(name, _)| model::takes(operation, name));
    let mut input: Map<String, Value> = taken.map(|(name, value)| (name.clone(), value.clone())).collect();
    if let Value::Object(key) = key {
        input.extend(key);
    }
    Value::Object(input)
}

/// Makes one thing, or brings it to what the file says.
async fn ensure(api: &ApiContext, pool_id: &str, thing: &Thing) -> Result<(), ApiError> {
    let snapshot = api.core.registry.snapshot();
    let live = snapshot.pool(pool_id).ok_or(ApiError::UserNotFound)?;
    let (noun, name) = (thing.kind.noun(), thing.name());
    let there = match thing.kind {
        ThingKind::UserPoolClient => return ensure_client(api, live, thing).await,
        ThingKind::IdentityProvider => match live.providers.get(name) {
            Some(known) if says_the_same(&known.config.value, &thing.members)? => return Ok(()),
            known => known.is_some(),
        },
        ThingKind::ResourceServer => live.resource_servers.contains_key(name),
        ThingKind::UserPoolDomain => live.domains.iter().any(|known| known.value.domain == name),
        ThingKind::Group => live.groups.contains_key(name),
    };
    let operation = format!("{}{noun}", if there { "Update" } else { "Create" });
    let input = update_input(&operation, &thing.members, json!({ "UserPoolId": pool_id }));
    api::call(api, &operation, input).await.map(|_| ())
}

/// Whether an update could change nothing. It would fetch metadata: no file that says nothing new needs the provider.
fn says_the_same(known: &IdentityProvider, members: &Map<String, Value>) -> Result<bool, ApiError> {
    let said = |name: &str| members.get(name);
    if said("ProviderType").is_some_and(|kind| *kind != known.provider_type.as_str()) {
        let kind = known.provider_type;
        return Err(wrong(format!(
            "ProviderType cannot be changed: it is {kind}. Delete the provider first"
        )));
    }
    let strings = |value: &Value| -> Vec<(String, String)> {
        let members = value.as_object().into_iter().flatten();
        members.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
    };
    let same_details = said("ProviderDetails").is_none_or(|details| {
        let mut given: std::collections::BTreeMap<_, _> = strings(details).into_iter().collect();
        for secret in SECRET_DETAILS {
            if let Some(kept) = known.provider_details.get(secret) {
                given.entry(secret.to_owned()).or_insert_with(|| kept.clone());
            }
        }
        given == known.provider_details
    });
    let same_mapping = said("AttributeMapping").is_none_or(|mapping| {
        let own = |(name, _): &(String, String)| name != "username";
        let given: BTreeSet<_> = strings(mapping).into_iter().filter(own).collect();
        given == known.attribute_mapping.clone().into_iter().filter(own).collect::<BTreeSet<_>>()
    });
    let same_identifiers =
        said("IdpIdentifiers").is_none_or(|given| *given == Value::from(known.idp_identifiers.clone()));
    Ok(same_details && same_mapping && same_identifiers)
}

async fn ensure_client(api: &ApiContext, live: &LivePool, thing: &Thing) -> Result<(), ApiError> {
    let key = json!({ "UserPoolId": live.id() });
    let Some(client) = find_client(live, thing)? else {
        let input = update_input("CreateUserPoolClient", &thing.members, key);
        return api::call_naming(api, "CreateUserPoolClient", input, thing.id.as_deref()).await.map(|_| ());
    };
    check_secret(client, &thing.members)?;
    let mut input = update_input("UpdateUserPoolClient", &thing.members, key);
    input["ClientId"] = client.client_id.clone().into();
    api::call(api, "UpdateUserPoolClient", input).await.map(|_| ())
}

fn find_client<'a>(live: &'a LivePool, thing: &Thing) -> Result<Option<&'a AppClient>, ApiError> {
    if let Some(id) = &thing.id {
        return Ok(live.client(id));
    }
    let mut named = live.clients.values().filter(|client| client.value.client_name == thing.name());
    match (named.next(), named.next()) {
        (Some(_), Some(_)) => {
            Err(wrong(format!("several app clients are named {}: say which by ClientId", thing.name())))
        }
        (first, _) => Ok(first.map(|client| &client.value)),
    }
}

/// A secret is made with its client: a file that gives another one is not silently ignored.
fn check_secret(client: &AppClient, members: &Map<String, Value>) -> Result<(), ApiError> {
    let has = api::newest_secret(client);
    let wants = members.get("GenerateSecret") == Some(&Value::Bool(true));
    if wants && has.is_none() {
        return Err(wrong("GenerateSecret: the client was made without a secret. Delete it first"));
    }
    match members.get("ClientSecret").and_then(Value::as_str) {
        Some(given) if has != Some(given) => Err(wrong(
            "ClientSecret is another one than the client's: a secret is set when the client is made, and replaced by \
             AddUserPoolClientSecret and DeleteUserPoolClientSecret",
        )),
        _ => Ok(()),
    }
}

/// What the pool has and the file does not name. A provider's own group is no matter of its own.
fn superfluous<'w>(live: &LivePool, wish: &PoolWish) -> Vec<Task<'w>> {
    let named = |kind: ThingKind, name: &str| {
        wish.things.iter().any(|thing| thing.kind == kind && thing.name() == name)
    };
    let of = |kind: ThingKind, name: &String| (!named(kind, name)).then(|| (kind, name.clone()));
    let clients = live.clients.values().map(|client| &client.value).filter(|client| {
        let kept = |thing: &Thing| match &thing.id {
            Some(id) => *id == client.client_id,
            None => thing.name() == client.client_name,
        };
        !wish.things.iter().any(|thing| thing.kind == ThingKind::UserPoolClient && kept(thing))
    });
    let groups = live.groups.keys().filter(|name| !Group::is_of_a_provider(live.id(), name));
    let found = clients
        .map(|client| (ThingKind::UserPoolClient, client.client_id.clone()))
        .chain(live.providers.keys().filter_map(|name| of(ThingKind::IdentityProvider, name)))
        .chain(live.resource_servers.keys().filter_map(|name| of(ThingKind::ResourceServer, name)))
        .chain(live.domains.iter().filter_map(|domain| of(ThingKind::UserPoolDomain, &domain.value.domain)))
        .chain(groups.filter_map(|name| of(ThingKind::Group, name)));
    let (pool_id, line) = (live.id().to_owned(), wish.line);
    found.map(|(kind, id)| Task::Delete { pool_id: pool_id.clone(), line, kind, id }).collect()
}

async fn delete(api: &ApiContext, pool_id: &str, kind: ThingKind, id: &str) -> Result<(), ApiError> {
    let key = if kind == ThingKind::UserPoolClient { "ClientId" } else { kind.name() };
    let mut input = json!({ "UserPoolId": pool_id });
    input[key] = id.into();
    api::call(api, &format!("Delete{}", kind.noun()), input).await.map(|_| ())
}
