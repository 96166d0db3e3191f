//! What exists, as a file that `poolgate apply` reads back with no change.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::ApplyError;
use super::wish::{POOLS, ThingKind};
use super::yaml;
use crate::api::{self, model};
use crate::directory::DirectoryError;
use crate::pool::identity_provider::SECRET_DETAILS;
use crate::pool::{Group, SchemaAttribute};
use crate::registry::{LivePool, Snapshot};

/// The file.
pub(super) fn document(
    snapshot: &Snapshot,
    pool_id: Option<&str>,
    secrets: bool,
) -> Result<String, ApplyError> {
    let mut pools = Vec::new();
    for live in snapshot.pools().filter(|live| pool_id.is_none_or(|id| live.id() == id)) {
        pools.push(pool(live, secrets)?);
    }
    if let Some(id) = pool_id.filter(|_| pools.is_empty()) {
        return Err(ApplyError::NoPool(id.to_owned()));
    }
    let mut text = String::new();
    if !secrets {
        text.push_str("# Without secrets: `poolgate export --with-secrets` writes them, too.\n");
    }
    yaml::write(&json!({ POOLS: pools }), 0, &mut text);
    Ok(text)
}

/// The members that the operation takes that makes such a thing: its name first, the others by the alphabet.
fn taken(operation: &str, thing: &impl Serialize) -> Result<Map<String, Value>, ApplyError> {
    let value = serde_json::to_value(thing).map_err(|error| DirectoryError::Away(error.to_string()))?;
    let named = |name: &str| ThingKind::ALL.into_iter().any(|kind| kind.name() == name);
    let mut members: Vec<(String, Value)> = value
        .as_object()
        .cloned()
        .unwrap_or_default()
        .into_iter()
        .filter(|(name, value)| model::takes(operation, name) && name != "UserPoolId" && !value.is_null())
        .collect();
    members.sort_by(|(one, _), (other, _)| (!named(one), one).cmp(&(!named(other), other)));
    Ok(members.into_iter().collect())
}

fn pool(live: &LivePool, secrets: bool) -> Result<Value, ApplyError> {
    let pool = &live.pool.value;
    let mut members = Map::new();
    members.insert("PoolName".to_owned(), pool.name.clone().into());
    members.insert("UserPoolId".to_owned(), pool.id.clone().into());
    members.extend(taken("CreateUserPool", pool)?);
    let schema = schema(&pool.schema_attributes)?;
    if !schema.is_empty() {
        members.insert("Schema".to_owned(), schema.into());
    }
    for kind in ThingKind::ALL {
        let things = things(live, kind, secrets)?;
        if !things.is_empty() {
            members.insert(kind.list(), things.into());
        }
    }
    Ok(Value::Object(members))
}

/// The attributes that are not as every pool has them.
fn schema(attributes: &[SchemaAttribute]) -> Result<Vec<Value>, ApplyError> {
    let standard = api::standard_schema();
    let own = attributes.iter().filter(|attribute| !standard.contains(attribute));
    own.map(|attribute| {
        let mut shown =
            serde_json::to_value(attribute).map_err(|error| DirectoryError::Away(error.to_string()))?;
        if let Some((_, name)) = attribute.name.rsplit_once(':') {
            shown["Name"] = name.into();
        }
        Ok(shown)
    })
    .collect()
}

fn things(live: &LivePool, kind: ThingKind, secrets: bool) -> Result<Vec<Value>, ApplyError> {
    let operation = format!("Create{}", kind.noun());
    let mut found = Vec::new();
    match kind {
        ThingKind::IdentityProvider => {
            for provider in live.providers.values().map(|provider| &provider.config.value) {
                let mut shown = provider.clone();
                if !secrets {
                    SECRET_DETAILS.iter().for_each(|secret| drop(shown.provider_details.remove(*secret)));
                }
                found.push(taken(&operation, &shown)?);
            }
        }
        ThingKind::ResourceServer => {
            for server in live.resource_servers.values() {
                found.push(taken(&operation, &server.value)?);
            }
        }
        ThingKind::UserPoolClient => {
            for client in live.clients.values().map(|client| &client.value) {
                let mut members = taken(&operation, client)?;
                members.insert("ClientId".to_owned(), client.client_id.clone().into());
                match api::newest_secret(client) {
                    Some(secret) if secrets => drop(members.insert("ClientSecret".to_owned(), secret.into())),
                    Some(_) => drop(members.insert("GenerateSecret".to_owned(), true.into())),
                    None => {}
                }
                found.push(members);
            }
        }
        ThingKind::UserPoolDomain => {
            for domain in &live.domains {
                found.push(taken(&operation, &domain.value)?);
            }
        }
        ThingKind::Group => {
            let told = live.groups.values().map(|group| &group.value).filter(|group| is_told(live, group));
            for group in told {
                found.push(taken(&operation, group)?);
            }
        }
    }
    Ok(found.into_iter().map(Value::Object).collect())
}

/// A provider's own group comes with it: it is told where it was given something.
fn is_told(live: &LivePool, group: &Group) -> bool {
    let own = live.providers.values().map(|provider| Group::of_provider(&provider.config.value));
    let as_made = |made: &Group| {
        made.group_name == group.group_name
            && (&made.role_arn, made.precedence, &made.description)
                == (&group.role_arn, group.precedence, &group.description)
    };
    !own.into_iter().any(|made| as_made(&made))
}
