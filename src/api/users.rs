//! Users, as an administrator sees them.

use serde_json::{Value, json};

use super::error::invalid;
use super::members::Members;
use super::user_pools::{unknown_pool, with_next};
use super::{ApiContext, ApiError, pages, user_filter};
use crate::directory::{DirectoryError, UserQuery};
use crate::pool::{Timestamp, User, WaitingLink};

fn check_pool(context: &ApiContext, pool_id: &str) -> Result<(), ApiError> {
    context.core.registry.snapshot().pool(pool_id).map(|_| ()).ok_or_else(|| unknown_pool(pool_id))
}

/// `identities` as profiles carry it: a JSON text, `primary` a boolean, `dateCreated` a number; oldest first. Links
/// that wait are there too, as in the reference service, with the value they wait for as `userId`; beyond it, they
/// say by which attribute.
fn identities(user: &User, waiting: &[WaitingLink]) -> String {
    let bound = user.identities.iter().map(|identity| {
        let shown = json!({
            "userId": identity.user_id, "providerName": identity.provider_name,
            "providerType": identity.provider_type, "issuer": identity.issuer,
            "primary": identity.primary, "dateCreated": identity.date_created,
        });
        (identity.date_created, shown)
    });
    let waiting = waiting.iter().filter(|link| link.sub == user.sub).map(|link| {
        let shown = json!({
            "userId": link.value, "providerName": link.provider_name,
            "providerType": link.provider_type, "issuer": link.issuer,
            "primary": false, "dateCreated": link.date_created, "providerAttributeName": link.attribute,
        });
        (link.date_created, shown)
    });
    let mut all: Vec<(i64, Value)> = bound.chain(waiting).collect();
    all.sort_by_key(|(created, _)| *created);
    Value::from_iter(all.into_iter().map(|(_, shown)| shown)).to_string()
}

/// Every attribute with its value, those asked for when something was asked.
fn attributes(user: &User, waiting: &[WaitingLink], wanted: Option<&[String]>) -> Vec<Value> {
    let own = user.attributes.iter().map(|(name, value)| (name.as_str(), value.clone()));
    let sub = std::iter::once(("sub", user.sub.clone()));
    let from = (!user.identities.is_empty()).then(|| ("identities", identities(user, waiting)));
    sub.chain(own)
        .chain(from)
        .filter(|(name, _)| wanted.is_none_or(|wanted| wanted.iter().any(|known| known == name)))
        .map(|(name, value)| json!({ "Name": name, "Value": value }))
        .collect()
}

/// A user without its attributes.
fn shown(user: &User) -> Value {
    json!({
        "Username": user.username,
        "UserCreateDate": Timestamp::from(user.created_at),
        "UserLastModifiedDate": Timestamp::from(user.modified_at),
        "Enabled": user.enabled,
        "UserStatus": user.status.as_str(),
    })
}

pub(super) async fn get(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, username) = (input.text("UserPoolId")?, input.text("Username")?);
    check_pool(context, &pool_id)?;
    let user = context.core.directory.user(&pool_id, &username).await?.ok_or(ApiError::UserNotFound)?;
    let mut output = shown(&user);
    let waiting = context.core.directory.waiting_links(&pool_id, std::slice::from_ref(&user.sub)).await?;
    output["UserAttributes"] = attributes(&user, &waiting, None).into();
    Ok(output)
}

pub(super) async fn delete(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, username) = (input.text("UserPoolId")?, input.text("Username")?);
    check_pool(context, &pool_id)?;
    match context.core.directory.delete_user(&pool_id, &username).await {
        Ok(()) => Ok(json!({})),
        Err(DirectoryError::Missing(_)) => Err(ApiError::UserNotFound),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn list(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let pool_id = input.text("UserPoolId")?;
    let filter: String = input.take("Filter")?.unwrap_or_default();
    let wanted: Option<Vec<String>> = input.take("AttributesToGet")?;
    let snapshot = context.core.registry.snapshot();
    let pool = &snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?.pool.value;
    if wanted.iter().flatten().any(|name| pool.attribute(name).is_none()) {
        return Err(invalid("One or more requested attributes do not exist in user pool."));
    }
    // A token belongs to one filter: with another the pages would not fit together.
    let list = format!("ListUsers/{pool_id}/{filter}");
    let after = pages::last_seen(context, &list, input.take("PaginationToken")?)?;
    let length = pages::length(input.take("Limit")?);
    let limit = u32::try_from(length + 1).unwrap_or(u32::MAX);
    let query = UserQuery { filter: user_filter::parse(&filter)?, after, limit };
    let mut users = context.core.directory.users(&pool_id, query).await?;
    let more = users.len() > length;
    users.truncate(length);
    let next = match users.last() {
        Some(last) if more => Some(pages::token(context, &list, &last.username)?),
        _ => None,
    };
    let users = in_list(context, &pool_id, &users, wanted.as_deref()).await?;
    Ok(with_next(json!({ "Users": users }), "PaginationToken", next))
}

/// Users as lists show them, with the attributes that were asked for, if any were.
pub(super) async fn in_list(
    context: &ApiContext,
    pool_id: &str,
    users: &[User],
    wanted: Option<&[String]>,
) -> Result<Vec<Value>, ApiError> {
    let subs: Vec<String> = users.iter().map(|user| user.sub.clone()).collect();
    let waiting = context.core.directory.waiting_links(pool_id, &subs).await?;
    let shown = users.iter().map(|user| {
        let mut one = shown(user);
        one["Attributes"] = attributes(user, &waiting, wanted).into();
        one
    });
    Ok(shown.collect())
}
