//! Users, as an administrator sees them.

use serde_json::{Value, json};

use super::error::invalid;
use super::members::Members;
use super::user_pools::{unknown_pool, with_next};
use super::{ApiContext, ApiError, pages, user_filter};
use crate::directory::{DirectoryError, UserQuery};
use crate::pool::{Timestamp, User};

fn check_pool(context: &ApiContext, pool_id: &str) -> Result<(), ApiError> {
    context.registry.snapshot().pool(pool_id).map(|_| ()).ok_or_else(|| unknown_pool(pool_id))
}

/// `identities` as profiles carry it: a JSON text, `primary` a boolean, `dateCreated` a number.
fn identities(user: &User) -> String {
    let identities: Vec<Value> = user
        .identities
        .iter()
        .map(|identity| {
            json!({
                "userId": identity.user_id, "providerName": identity.provider_name,
                "providerType": identity.provider_type, "issuer": identity.issuer,
                "primary": identity.primary, "dateCreated": identity.date_created,
            })
        })
        .collect();
    Value::from(identities).to_string()
}

/// Every attribute with its value, those asked for when something was asked.
fn attributes(user: &User, wanted: Option<&[String]>) -> Vec<Value> {
    let own = user.attributes.iter().map(|(name, value)| (name.as_str(), value.clone()));
    let sub = std::iter::once(("sub", user.sub.clone()));
    let from = (!user.identities.is_empty()).then(|| ("identities", identities(user)));
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
    let user = context.directory.user(&pool_id, &username).await?.ok_or(ApiError::UserNotFound)?;
    let mut output = shown(&user);
    output["UserAttributes"] = attributes(&user, None).into();
    Ok(output)
}

pub(super) async fn delete(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, username) = (input.text("UserPoolId")?, input.text("Username")?);
    check_pool(context, &pool_id)?;
    match context.directory.delete_user(&pool_id, &username).await {
        Ok(()) => Ok(json!({})),
        Err(DirectoryError::Missing(_)) => Err(ApiError::UserNotFound),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn list(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let pool_id = input.text("UserPoolId")?;
    let filter: String = input.take("Filter")?.unwrap_or_default();
    let wanted: Option<Vec<String>> = input.take("AttributesToGet")?;
    let snapshot = context.registry.snapshot();
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
    let mut users = context.directory.users(&pool_id, query).await?;
    let more = users.len() > length;
    users.truncate(length);
    let next = match users.last() {
        Some(last) if more => Some(pages::token(context, &list, &last.username)?),
        _ => None,
    };
    let users: Vec<Value> = users
        .iter()
        .map(|user| {
            let mut one = shown(user);
            one["Attributes"] = attributes(user, wanted.as_deref()).into();
            one
        })
        .collect();
    Ok(with_next(json!({ "Users": users }), "PaginationToken", next))
}
