//! Groups and who is in them (`user-pools.md` section 10).

use serde_json::{Value, json};

use super::error::{invalid, room_for};
use super::members::Members;
use super::user_pools::{to_value, unknown_pool, with_next};
use super::{ApiContext, ApiError, pages, users};
use crate::pool::limits::GROUPS;
use crate::pool::{Group, GroupError, Timestamp};
use crate::registry::{Edit, LivePool, Versioned};

/// The group that a request names, in the pool that it names.
fn named<'a>(live: &'a LivePool, name: &str) -> Result<&'a Versioned<Group>, ApiError> {
    live.groups.get(name).ok_or_else(|| GroupError::NoGroup(name.to_owned()).into())
}

fn shown(group: &Group) -> Result<Value, ApiError> {
    Ok(json!({ "Group": to_value(group)? }))
}

/// The groups that people made: the one of each provider is not counted.
fn made(live: &LivePool) -> usize {
    live.groups.keys().filter(|name| !Group::is_of_a_provider(live.id(), name)).count()
}

pub(super) async fn create(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, name) = (input.text("UserPoolId")?, input.text("GroupName")?);
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    if live.groups.contains_key(&name) {
        return Err(ApiError::GroupExists(format!("A group named {name} exists in this user pool.")));
    }
    if Group::is_of_a_provider(&pool_id, &name) {
        return Err(invalid(format!(
            "A GroupName that begins with {pool_id}_ is that of an identity provider's own group, which is made \
             with the provider. Choose another name."
        )));
    }
    room_for("groups in a user pool", made(live), GROUPS)?;
    let now = Timestamp::from(context.core.now());
    let group = Group {
        group_name: name,
        user_pool_id: pool_id,
        description: input.take("Description")?,
        role_arn: input.take("RoleArn")?,
        precedence: input.take("Precedence")?,
        creation_date: now,
        last_modified_date: now,
    };
    let output = shown(&group)?;
    context.core.registry.edit_as_of(&snapshot, vec![Edit::CreateGroup(group)]).await?;
    Ok(output)
}

pub(super) async fn get(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, name) = (input.text("UserPoolId")?, input.text("GroupName")?);
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    shown(&named(live, &name)?.value)
}

/// A member that is given replaces the old one, a member that is absent stays.
pub(super) async fn update(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, name) = (input.text("UserPoolId")?, input.text("GroupName")?);
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    let mut group = named(live, &name)?.clone();
    if let Some(description) = input.take("Description")? {
        group.value.description = Some(description);
    }
    if let Some(role) = input.take("RoleArn")? {
        group.value.role_arn = Some(role);
    }
    if let Some(precedence) = input.take("Precedence")? {
        group.value.precedence = Some(precedence);
    }
    group.value.last_modified_date = context.core.now().into();
    let output = shown(&group.value)?;
    context.core.registry.edit_as_of(&snapshot, vec![Edit::UpdateGroup(group)]).await?;
    Ok(output)
}

/// Only a group without members goes (GRP-12), and a provider's own only with it.
pub(super) async fn delete(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, name) = (input.text("UserPoolId")?, input.text("GroupName")?);
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    named(live, &name)?;
    if let Some(provider) = live.providers.values().find(|provider| provider.config.value.group() == name) {
        let provider = &provider.config.value.provider_name;
        return Err(invalid(format!(
            "Group {name} belongs to the identity provider {provider}, and goes with it (DeleteIdentityProvider)."
        )));
    }
    context.core.registry.edit_as_of(&snapshot, vec![Edit::DeleteGroup { pool_id, name }]).await?;
    Ok(json!({}))
}

pub(super) async fn list(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let pool_id = input.text("UserPoolId")?;
    let list = format!("ListGroups/{pool_id}");
    let length = pages::length(input.take("Limit")?);
    let after = pages::last_seen(context, &list, input.take("NextToken")?)?;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    let groups = live.groups.iter().map(|(name, group)| (name.as_str(), &group.value));
    let page = pages::page(context, &list, groups, after.as_deref(), length)?;
    in_pages(page)
}

fn in_pages(page: pages::Page<&Group>) -> Result<Value, ApiError> {
    let groups = page.items.into_iter().map(to_value).collect::<Result<Vec<_>, _>>()?;
    Ok(with_next(json!({ "Groups": groups }), "NextToken", page.next))
}

pub(super) async fn add_user(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, name) = (input.text("UserPoolId")?, input.text("GroupName")?);
    let username = input.text("Username")?;
    check_pool(context, &pool_id)?;
    context.core.directory.join_group(&pool_id, &username, &name).await?;
    Ok(json!({}))
}

pub(super) async fn remove_user(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, name) = (input.text("UserPoolId")?, input.text("GroupName")?);
    let username = input.text("Username")?;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    named(live, &name)?;
    context.core.directory.leave_group(&pool_id, &username, &name).await?;
    Ok(json!({}))
}

fn check_pool(context: &ApiContext, pool_id: &str) -> Result<(), ApiError> {
    context.core.registry.snapshot().pool(pool_id).map(|_| ()).ok_or_else(|| unknown_pool(pool_id))
}

pub(super) async fn list_for_user(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, username) = (input.text("UserPoolId")?, input.text("Username")?);
    let list = format!("AdminListGroupsForUser/{pool_id}/{username}");
    let length = pages::length(input.take("Limit")?);
    let after = pages::last_seen(context, &list, input.take("NextToken")?)?;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    let user = context.core.directory.user(&pool_id, &username).await?.ok_or(ApiError::UserNotFound)?;
    let groups = live.groups.iter().filter(|(name, _)| user.groups.contains(name));
    let groups = groups.map(|(name, group)| (name.as_str(), &group.value));
    in_pages(pages::page(context, &list, groups, after.as_deref(), length)?)
}

/// In the order in which the users were made.
pub(super) async fn list_users(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, name) = (input.text("UserPoolId")?, input.text("GroupName")?);
    let list = format!("ListUsersInGroup/{pool_id}/{name}");
    let length = pages::length(input.take("Limit")?);
    let after = pages::last_seen(context, &list, input.take("NextToken")?)?;
    let after = after.map(|place| place.parse::<i64>()).transpose();
    let after = after.map_err(|error| ApiError::Internal(error.to_string()))?;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    named(live, &name)?;
    // One more than is shown tells whether there is a next page.
    let most = u32::try_from(length + 1).unwrap_or(u32::MAX);
    let mut members = context.core.directory.members(&pool_id, &name, after, most).await?;
    let more = members.len() > length;
    members.truncate(length);
    let next = match members.last() {
        Some(last) if more => Some(pages::token(context, &list, &last.place.to_string())?),
        _ => None,
    };
    let found: Vec<_> = members.into_iter().map(|member| member.user).collect();
    let found = users::in_list(context, &pool_id, &found, &[]).await?;
    Ok(with_next(json!({ "Users": found }), "NextToken", next))
}
