//! Users, as an administrator sees them.

use serde_json::{Value, json};

use super::error::invalid;
use super::members::Members;
use super::user_attributes::{Changes, Given, Writer};
use super::user_pools::{unknown_pool, with_next};
use super::{ApiContext, ApiError, pages, user_attributes, user_filter};
use crate::directory::{DirectoryError, LastUser, UserFilter, UserQuery};
use crate::pool::{Timestamp, User, UserChange, UserPool, WaitingLink};

fn check_pool(context: &ApiContext, pool_id: &str) -> Result<(), ApiError> {
    context.core.registry.snapshot().pool(pool_id).map(|_| ()).ok_or_else(|| unknown_pool(pool_id))
}

/// The user of this name is not there, whatever the directory calls it.
pub(super) fn missing(error: DirectoryError) -> ApiError {
    match error {
        DirectoryError::Missing(_) => ApiError::UserNotFound,
        error => error.into(),
    }
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

/// Every attribute that is wanted, with its value.
pub(super) fn attributes(user: &User, waiting: &[WaitingLink], wanted: impl Fn(&str) -> bool) -> Vec<Value> {
    let own = user.attributes.iter().map(|(name, value)| (name.as_str(), value.clone()));
    let sub = std::iter::once(("sub", user.sub.clone()));
    let from = (!user.identities.is_empty()).then(|| ("identities", identities(user, waiting)));
    sub.chain(own)
        .chain(from)
        .filter(|(name, _)| wanted(name))
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
    output["UserAttributes"] = attributes(&user, &waiting, |_| true).into();
    Ok(output)
}

pub(super) async fn delete(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, username) = (input.text("UserPoolId")?, input.text("Username")?);
    check_pool(context, &pool_id)?;
    context.core.directory.delete_user(&pool_id, &username).await.map_err(missing)?;
    Ok(json!({}))
}

/// Changes the user that the request names; what changes depends on the pool.
async fn change(
    context: &ApiContext,
    mut input: Members,
    wish: impl FnOnce(&mut Members, &UserPool, UserChange) -> Result<UserChange, ApiError>,
) -> Result<Value, ApiError> {
    let (pool_id, username) = (input.text("UserPoolId")?, input.text("Username")?);
    let snapshot = context.core.registry.snapshot();
    let pool = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    let change = wish(&mut input, &pool.pool.value, UserChange::at(context.core.now()))?;
    context.core.directory.change_user(&pool_id, &username, change).await.map_err(missing)?;
    Ok(json!({}))
}

pub(super) async fn update_attributes(context: &ApiContext, input: Members) -> Result<Value, ApiError> {
    change(context, input, |input, pool, change| {
        let given: Vec<Given> = input.take("UserAttributes")?.unwrap_or_default();
        let Changes { set, remove } = user_attributes::check(pool, given, Writer::Admin)?;
        Ok(UserChange { set, remove, ..change })
    })
    .await
}

pub(super) async fn delete_attributes(context: &ApiContext, input: Members) -> Result<Value, ApiError> {
    change(context, input, |input, pool, change| {
        let names = input.list("UserAttributeNames")?;
        let Changes { remove, .. } = user_attributes::check_removal(pool, names, Writer::Admin)?;
        Ok(UserChange { remove, ..change })
    })
    .await
}

/// Ends what there is of the user, too: enabled again, the user signs in anew.
pub(super) async fn disable(context: &ApiContext, input: Members) -> Result<Value, ApiError> {
    let signed_out_at = Some(context.core.end_now());
    change(context, input, |_, _, change| Ok(UserChange { enabled: Some(false), signed_out_at, ..change }))
        .await
}

pub(super) async fn enable(context: &ApiContext, input: Members) -> Result<Value, ApiError> {
    change(context, input, |_, _, change| Ok(UserChange { enabled: Some(true), ..change })).await
}

pub(super) async fn sign_out(context: &ApiContext, input: Members) -> Result<Value, ApiError> {
    let signed_out_at = Some(context.core.end_now());
    change(context, input, |_, _, change| Ok(UserChange { signed_out_at, ..change })).await
}

/// A place in a list, as a page token holds it.
fn place(filter: Option<&UserFilter>, last: &User) -> String {
    json!([filter.map_or("", |filter| filter.value_of(last)), last.username]).to_string()
}

fn read_place(text: &str) -> Result<LastUser, ApiError> {
    let (value, username) = serde_json::from_str(text)
        .map_err(|error| ApiError::Internal(format!("a page token of ours holds something else: {error}")))?;
    Ok(LastUser { value, username })
}

pub(super) async fn list(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let pool_id = input.text("UserPoolId")?;
    let filter: String = input.take("Filter")?.unwrap_or_default();
    // None asked for: all of them.
    let wanted = input.list("AttributesToGet")?;
    let snapshot = context.core.registry.snapshot();
    let pool = &snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?.pool.value;
    if wanted.iter().any(|name| pool.attribute(name).is_none()) {
        return Err(invalid("One or more requested attributes do not exist in user pool."));
    }
    // A token belongs to one filter: with another the pages would not fit together.
    let list = format!("ListUsers/{pool_id}/{filter}");
    let after = pages::last_seen(context, &list, input.take("PaginationToken")?)?;
    let after = after.as_deref().map(read_place).transpose()?;
    let filter = user_filter::parse(&filter)?;
    let length = pages::length(input.take("Limit")?);
    let limit = u32::try_from(length + 1).unwrap_or(u32::MAX);
    let query = UserQuery { filter: filter.clone(), after, limit };
    let mut users = context.core.directory.users(&pool_id, query).await?;
    let more = users.len() > length;
    users.truncate(length);
    let next = match users.last() {
        Some(last) if more => Some(pages::token(context, &list, &place(filter.as_ref(), last))?),
        _ => None,
    };
    let users = in_list(context, &pool_id, &users, &wanted).await?;
    Ok(with_next(json!({ "Users": users }), "PaginationToken", next))
}

/// Users as lists show them, with the attributes that were asked for; none asked for: all of them.
pub(super) async fn in_list(
    context: &ApiContext,
    pool_id: &str,
    users: &[User],
    wanted: &[String],
) -> Result<Vec<Value>, ApiError> {
    let subs: Vec<String> = users.iter().map(|user| user.sub.clone()).collect();
    let waiting = context.core.directory.waiting_links(pool_id, &subs).await?;
    let shown = users.iter().map(|user| {
        let mut one = shown(user);
        let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|known| known == name);
        one["Attributes"] = attributes(user, &waiting, is_wanted).into();
        one
    });
    Ok(shown.collect())
}
