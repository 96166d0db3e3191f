//! User pools, and their SAML signing certificate.

use serde_json::{Value, json};

use super::error::{invalid, room_for};
use super::members::Members;
use super::{ApiContext, ApiError, ids, mfa, model, pages, pool_rules, schema, triggers};
use crate::pool::limits::USER_POOLS;
use crate::pool::user_pool::UsernameConfiguration;
use crate::pool::{Timestamp, UserPool};
use crate::registry::{Edit, LivePool, Versioned};

/// Members that `UpdateUserPool` cannot set: an update carries them over.
const SET_ELSEWHERE: [&str; 3] = ["AliasAttributes", "UsernameAttributes", mfa::SOFTWARE_TOKEN];

pub(super) fn unknown_pool(id: &str) -> ApiError {
    ApiError::ResourceNotFound(format!("User pool {id} does not exist."))
}

pub(super) async fn create(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    pool_rules::check(&input)?;
    let schema = schema::of_new_pool(input.take("Schema")?.unwrap_or_default())?;
    pool_rules::check_aliases(&input, &schema)?;
    let now = Timestamp::from(context.core.now());
    let id = match input.wanted_id() {
        Some(id) => {
            model::validate("DescribeUserPool", &json!({ "UserPoolId": id }))?;
            id
        }
        None => ids::pool_id(context.core.random(), &context.core.surface.region),
    };
    let username: Option<UsernameConfiguration> = input.take("UsernameConfiguration")?;
    let pool = UserPool {
        name: input.text("PoolName")?,
        arn: format!(
            "arn:aws:cognito-idp:{}:{}:userpool/{id}",
            context.core.surface.region, context.core.surface.account_id
        ),
        id,
        creation_date: now,
        last_modified_date: now,
        schema_attributes: schema,
        deletion_protection: Some(deletion_protection(&mut input)?),
        username_configuration: username,
        lambda_config: triggers::taken(context, &mut input)?,
        rest: pool_rules::with_defaults(input.rest()),
    };
    let _alone = context.writing.lock().await;
    room_for("user pools", context.core.registry.snapshot().pools().count(), USER_POOLS)?;
    let id = pool.id.clone();
    context.core.registry.edit(vec![Edit::CreatePool(pool)]).await?;
    Ok(json!({ "UserPool": shown(context, &id).await? }))
}

fn deletion_protection(input: &mut Members) -> Result<String, ApiError> {
    Ok(input.take("DeletionProtection")?.unwrap_or_else(|| "INACTIVE".to_owned()))
}

pub(super) async fn describe(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let id = input.text("UserPoolId")?;
    Ok(json!({ "UserPool": shown(context, &id).await? }))
}

/// The pool as `DescribeUserPool` shows it.
async fn shown(context: &ApiContext, id: &str) -> Result<Value, ApiError> {
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(id).ok_or_else(|| unknown_pool(id))?;
    let mut shown = to_value(&live.pool.value)?;
    if let Value::Object(members) = &mut shown {
        // `GetUserPoolMfaConfig` shows it.
        members.remove(mfa::SOFTWARE_TOKEN);
    }
    shown["EstimatedNumberOfUsers"] = context.core.directory.count_users(id).await?.into();
    for domain in &live.domains {
        let custom = domain.value.custom_domain_config.is_some();
        shown[if custom { "CustomDomain" } else { "Domain" }] = domain.value.domain.clone().into();
    }
    Ok(shown)
}

pub(super) fn to_value(thing: &impl serde::Serialize) -> Result<Value, ApiError> {
    serde_json::to_value(thing).map_err(|error| ApiError::Internal(error.to_string()))
}

pub(super) async fn update(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    pool_rules::check(&input)?;
    let lambda_config = triggers::taken(context, &mut input)?;
    let id = input.text("UserPoolId")?;
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let before = &snapshot.pool(&id).ok_or_else(|| unknown_pool(&id))?.pool;
    let mut pool = before.value.clone();
    if let Some(name) = input.take("PoolName")? {
        pool.name = name;
    }
    pool.deletion_protection = Some(deletion_protection(&mut input)?);
    pool.lambda_config = lambda_config;
    pool.last_modified_date = context.core.now().into();
    let mut rest = input.rest();
    for member in SET_ELSEWHERE {
        if let Some(value) = pool.rest.remove(member) {
            rest.insert(member.to_owned(), value);
        }
    }
    pool.rest = pool_rules::with_defaults(rest);
    context
        .core
        .registry
        .edit_as_of(&snapshot, vec![Edit::UpdatePool(Versioned { value: pool, version: before.version })])
        .await?;
    Ok(json!({}))
}

pub(super) async fn add_attributes(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let id = input.text("UserPoolId")?;
    let wanted = input.take("CustomAttributes")?.unwrap_or_default();
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let before = &snapshot.pool(&id).ok_or_else(|| unknown_pool(&id))?.pool;
    let mut pool = before.value.clone();
    schema::add(&mut pool.schema_attributes, wanted)?;
    pool.last_modified_date = context.core.now().into();
    let edit = Edit::UpdatePool(Versioned { value: pool, version: before.version });
    context.core.registry.edit_as_of(&snapshot, vec![edit]).await?;
    Ok(json!({}))
}

pub(super) async fn delete(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let id = input.text("UserPoolId")?;
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&id).ok_or_else(|| unknown_pool(&id))?;
    if live.pool.value.deletion_protection.as_deref() == Some("ACTIVE") {
        return Err(invalid(
            "The user pool cannot be deleted because deletion protection is activated. Deletion protection \
             must be inactivated first.",
        ));
    }
    if !live.domains.is_empty() {
        return Err(invalid(
            "User pool cannot be deleted. It has a domain configured that should be deleted first.",
        ));
    }
    context.core.registry.edit_as_of(&snapshot, vec![Edit::DeletePool(id)]).await?;
    Ok(json!({}))
}

pub(super) async fn list(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    const LIST: &str = "ListUserPools";
    let length = pages::length(input.take("MaxResults")?);
    let after = pages::last_seen(context, LIST, input.take("NextToken")?)?;
    let snapshot = context.core.registry.snapshot();
    let pools = snapshot.pools().map(|pool| (pool.id(), pool));
    let page = pages::page(context, LIST, pools, after.as_deref(), length)?;
    let pools: Vec<Value> = page.items.into_iter().map(|pool| in_list(pool)).collect();
    Ok(with_next(json!({ "UserPools": pools }), "NextToken", page.next))
}

fn in_list(live: &LivePool) -> Value {
    let pool = &live.pool.value;
    json!({
        "Id": pool.id, "Name": pool.name, "LambdaConfig": pool.lambda_config,
        "CreationDate": pool.creation_date, "LastModifiedDate": pool.last_modified_date,
    })
}

/// Adds the token of the next page, when there is one.
pub(super) fn with_next(mut output: Value, member: &str, next: Option<String>) -> Value {
    if let Some(next) = next {
        output[member] = next.into();
    }
    output
}

pub(super) async fn signing_certificate(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let id = input.text("UserPoolId")?;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&id).ok_or_else(|| unknown_pool(&id))?;
    let key = live.keys.saml_signing().in_use(context.core.now());
    Ok(json!({ "Certificate": key.certificate() }))
}
