//! Identity providers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::error::{invalid, room_for};
use super::members::Members;
use super::user_pools::{to_value, unknown_pool, with_next};
use super::{ApiContext, ApiError, attribute_mapping, pages, provider_settings};
use crate::pool::limits::{IDENTIFIERS, IDENTITY_PROVIDERS};
use crate::pool::{IdentityProvider, Timestamp};
use crate::registry::{Edit, LivePool, LiveProvider, Versioned};

fn unknown_provider(name: &str) -> ApiError {
    ApiError::ResourceNotFound(format!("Identity provider {name} does not exist."))
}

/// The provider as `DescribeIdentityProvider` shows it.
fn shown(context: &ApiContext, provider: &IdentityProvider) -> Result<Value, ApiError> {
    let mut shown = to_value(provider)?;
    if let Value::Object(members) = &mut shown {
        members.retain(|name, _| !name.starts_with("PoolgateMetadata"));
    }
    shown["ProviderDetails"] = to_value(&provider_settings::shown(context, provider))?;
    Ok(json!({ "IdentityProvider": shown }))
}

/// `{Provider}_{subject}` must name one user: no name may, with `_`, begin another's.
fn check_name(name: &str, live: &LivePool) -> Result<(), ApiError> {
    if name.to_uppercase() == "COGNITO" {
        return Err(invalid("The provider name COGNITO, in any case, stands for the pool's own sign-in."));
    }
    if live.providers.contains_key(name) {
        return Err(ApiError::DuplicateProvider(format!(
            "A provider named {name} exists in this user pool."
        )));
    }
    let begins = |short: &str, long: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with('_'));
    match live.providers.keys().find(|other| begins(name, other) || begins(other, name)) {
        Some(other) => Err(invalid(format!(
            "The provider names {name} and {other} cannot stand side by side: one, with '_', begins the \
             other, so that a username would not tell whose user it is."
        ))),
        None => Ok(()),
    }
}

/// At most 50, each once in the whole pool, case apart.
fn check_identifiers(identifiers: &[String], own_name: &str, live: &LivePool) -> Result<(), ApiError> {
    if identifiers.len() > IDENTIFIERS {
        let given = identifiers.len();
        return Err(ApiError::LimitExceeded(format!(
            "A provider may have at most {IDENTIFIERS} identifiers, not {given}."
        )));
    }
    let mut seen = std::collections::BTreeSet::new();
    for identifier in identifiers {
        if !seen.insert(identifier.to_lowercase()) {
            return Err(invalid(format!("The identifier {identifier} is given more than once.")));
        }
        let owner = live.provider_by_identifier(identifier).map(|provider| &provider.config.value);
        if let Some(owner) = owner.filter(|owner| owner.provider_name != own_name) {
            let owner = &owner.provider_name;
            return Err(invalid(format!("The identifier {identifier} belongs to the provider {owner}.")));
        }
    }
    Ok(())
}

pub(super) async fn create(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, name) = (input.text("UserPoolId")?, input.text("ProviderName")?);
    let kind = input
        .take("ProviderType")?
        .ok_or_else(|| ApiError::Internal("the model let ProviderType be absent".into()))?;
    let details = input.take("ProviderDetails")?.unwrap_or_default();
    let mapping: BTreeMap<String, String> = input.take("AttributeMapping")?.unwrap_or_default();
    if context.core.registry.snapshot().pool(&pool_id).is_none() {
        return Err(unknown_pool(&pool_id));
    }
    // Fetches metadata: nobody else waits for that.
    let accepted = provider_settings::check(context, kind, details).await?;
    let now = Timestamp::from(context.core.now());
    let mut provider = IdentityProvider {
        user_pool_id: pool_id.clone(),
        provider_name: name,
        provider_type: kind,
        provider_details: accepted.details,
        attribute_mapping: BTreeMap::new(),
        idp_identifiers: input.list("IdpIdentifiers")?,
        metadata_document: accepted.metadata_document,
        metadata_fetched: accepted.metadata_fetched,
        creation_date: now,
        last_modified_date: now,
        rest: input.rest(),
    };
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    room_for("identity providers in a user pool", live.providers.len(), IDENTITY_PROVIDERS)?;
    check_name(&provider.provider_name, live)?;
    check_identifiers(&provider.idp_identifiers, &provider.provider_name, live)?;
    provider.attribute_mapping = attribute_mapping::check(mapping, kind, &live.pool.value)?;
    let output = shown(context, &provider)?;
    context.core.registry.edit_as_of(&snapshot, vec![Edit::CreateProvider(provider)]).await?;
    Ok(output)
}

/// The provider that a request names, in the pool that it names.
fn named<'a>(live: &'a LivePool, name: &str) -> Result<&'a LiveProvider, ApiError> {
    live.providers.get(name).ok_or_else(|| unknown_provider(name))
}

pub(super) async fn describe(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, name) = (input.text("UserPoolId")?, input.text("ProviderName")?);
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    shown(context, &named(live, &name)?.config.value)
}

pub(super) async fn by_identifier(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, identifier) = (input.text("UserPoolId")?, input.text("IdpIdentifier")?);
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    let found = live.provider_by_identifier(&identifier);
    let missing =
        || ApiError::ResourceNotFound(format!("No identity provider has the identifier {identifier}."));
    shown(context, &found.ok_or_else(missing)?.config.value)
}

/// A member that is given replaces the old one whole, but for secrets; one that is absent stays.
pub(super) async fn update(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, name) = (input.text("UserPoolId")?, input.text("ProviderName")?);
    let details: Option<provider_settings::Details> = input.take("ProviderDetails")?;
    let mapping: Option<BTreeMap<String, String>> = input.take("AttributeMapping")?;
    let identifiers: Option<Vec<String>> = input.take("IdpIdentifiers")?;
    let rest = input.rest();
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    let before = &named(live, &name)?.config;
    let mut provider = before.value.clone();
    if let Some(mut given) = details {
        provider_settings::keep_secrets(&mut given, &before.value);
        let accepted = provider_settings::check(context, provider.provider_type, given).await?;
        provider.provider_details = accepted.details;
        provider.metadata_document = accepted.metadata_document;
        provider.metadata_fetched = accepted.metadata_fetched;
    }
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    if let Some(mapping) = mapping {
        let kind = provider.provider_type;
        provider.attribute_mapping = attribute_mapping::check(mapping, kind, &live.pool.value)?;
    }
    if let Some(identifiers) = identifiers {
        check_identifiers(&identifiers, &name, live)?;
        provider.idp_identifiers = identifiers;
    }
    provider.rest.extend(rest);
    provider.last_modified_date = context.core.now().into();
    let output = shown(context, &provider)?;
    // The version from before the fetch: whoever changed the provider meanwhile is not overwritten.
    let edit = Edit::UpdateProvider(Versioned { value: provider, version: before.version });
    context.core.registry.edit_as_of(&snapshot, vec![edit]).await?;
    Ok(output)
}

/// Clients stop offering the provider with it: one made later under the same name must be enabled anew.
pub(super) async fn delete(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, name) = (input.text("UserPoolId")?, input.text("ProviderName")?);
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    named(live, &name)?;
    let offering = live.clients.values().filter(|client| offers(&client.value, &name));
    let mut edits: Vec<Edit> = offering
        .map(|client| {
            let mut client = client.clone();
            client.value.supported_identity_providers.retain(|known| *known != name);
            Edit::UpdateClient(client)
        })
        .collect();
    edits.push(Edit::DeleteProvider { pool_id, name });
    context.core.registry.edit_as_of(&snapshot, edits).await?;
    Ok(json!({}))
}

fn offers(client: &crate::pool::AppClient, name: &str) -> bool {
    client.supported_identity_providers.iter().any(|known| known == name)
}

pub(super) async fn list(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let pool_id = input.text("UserPoolId")?;
    let list = format!("ListIdentityProviders/{pool_id}");
    let length = pages::length(input.take("MaxResults")?);
    let after = pages::last_seen(context, &list, input.take("NextToken")?)?;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    let providers = live.providers.iter().map(|(name, provider)| (name.as_str(), &provider.config.value));
    let page = pages::page(context, &list, providers, after.as_deref(), length)?;
    let providers: Vec<Value> = page
        .items
        .into_iter()
        .map(|provider| {
            json!({
                "ProviderName": provider.provider_name, "ProviderType": provider.provider_type,
                "CreationDate": provider.creation_date, "LastModifiedDate": provider.last_modified_date,
            })
        })
        .collect();
    Ok(with_next(json!({ "Providers": providers }), "NextToken", page.next))
}
