//! What a signed-in user does with an access token: no signature, the token is the permission.

use std::sync::Arc;

use serde_json::{Value, json};

use super::members::Members;
use super::user_attributes::{Changes, Given, Writer};
use super::users::{attributes, missing};
use super::{ApiContext, ApiError, user_attributes};
use crate::audit::notes;
use crate::pool::{AppClient, User, UserChange};
use crate::registry::LivePool;
use crate::tokens::access::{self, AccessFault, Refusal};

/// The scope that these operations need.
const SCOPE: &str = "aws.cognito.signin.user.admin";

/// Whose token it is, and which app's.
struct Caller {
    pool: Arc<LivePool>,
    client_id: String,
    user: User,
}

impl Caller {
    /// Who calls: the token's issuer names the pool, the pool's key and the user's state decide.
    ///
    /// # Errors
    /// As the reference service words them.
    async fn of(context: &ApiContext, input: &mut Members) -> Result<Self, ApiError> {
        let token = input.text("AccessToken")?;
        let snapshot = context.core.registry.snapshot();
        let pool_id = access::pool_named(&context.core.surface, &token);
        let pool =
            pool_id.and_then(|id| snapshot.pool(&id).cloned()).ok_or(Refusal::NotOurs).map_err(refused)?;
        let live = match access::examine(&context.core, &pool, &token).await {
            Ok(live) => live,
            Err(AccessFault::Refused(why)) => return Err(refused(why)),
            Err(AccessFault::Directory(error)) => return Err(error.into()),
        };
        notes::user(&live.user.sub);
        context.core.throttle.user(pool.id(), &live.user.sub)?;
        if !live.granted.has_scope(SCOPE) {
            return Err(ApiError::NotAuthorized("Access Token does not have required scopes".to_owned()));
        }
        Ok(Self { pool, client_id: live.client_id, user: live.user })
    }

    fn client(&self) -> Result<&AppClient, ApiError> {
        self.pool.client(&self.client_id).ok_or_else(|| refused(Refusal::NotOurs))
    }

    /// Changes this very user, not one who came by the same name since.
    async fn change(&self, context: &ApiContext, change: UserChange) -> Result<(), ApiError> {
        let change = UserChange { only: Some(self.user.sub.clone()), ..change };
        let changed = context.core.directory.change_user(self.pool.id(), &self.user.username, change).await;
        changed.map_err(missing)
    }
}

fn refused(why: Refusal) -> ApiError {
    let text = match why {
        Refusal::NotOurs => "Invalid Access Token",
        Refusal::Expired => "Access Token has expired",
        Refusal::Ended => "Access Token has been revoked",
        Refusal::Disabled => "User is disabled.",
        Refusal::NoUser => return ApiError::UserNotFound,
    };
    ApiError::NotAuthorized(text.to_owned())
}

pub(super) async fn get(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let caller = Caller::of(context, &mut input).await?;
    let (client, schema) = (caller.client()?, &caller.pool.pool.value);
    let for_developers =
        |name: &str| schema.attribute(name).is_some_and(|rule| rule.developer_only_attribute);
    let readable = |name: &str| name == "sub" || (client.may_read(name) && !for_developers(name));
    let attributes = attributes(&caller.user, &[], readable);
    Ok(json!({ "Username": caller.user.username, "UserAttributes": attributes }))
}

pub(super) async fn update_attributes(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let caller = Caller::of(context, &mut input).await?;
    let given: Vec<Given> = input.take("UserAttributes")?.unwrap_or_default();
    let Changes { set, remove } =
        user_attributes::check(&caller.pool.pool.value, given, Writer::User(caller.client()?))?;
    let changes =
        |name: &&str| set.get(*name).is_some_and(|value| caller.user.attributes.get(*name) != Some(value));
    if let Some(address) = verified_first(&caller.pool).find(changes) {
        return Err(ApiError::Unsupported(format!(
            "The user pool wants a new {address} verified before it replaces the old one \
             (AttributesRequireVerificationBeforeUpdate), and this build sends no codes."
        )));
    }
    caller.change(context, UserChange { set, remove, ..UserChange::at(context.core.now()) }).await?;
    Ok(json!({ "CodeDeliveryDetailsList": [] }))
}

/// Addresses that the pool keeps until the new one is verified.
fn verified_first(pool: &LivePool) -> impl Iterator<Item = &str> {
    let settings = pool.pool.value.rest.get("UserAttributeUpdateSettings");
    let names = settings.and_then(|settings| settings.get("AttributesRequireVerificationBeforeUpdate"));
    names.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

pub(super) async fn delete_attributes(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let caller = Caller::of(context, &mut input).await?;
    let names = input.list("UserAttributeNames")?;
    let schema = &caller.pool.pool.value;
    let Changes { remove, .. } =
        user_attributes::check_removal(schema, names, Writer::User(caller.client()?))?;
    caller.change(context, UserChange { remove, ..UserChange::at(context.core.now()) }).await?;
    Ok(json!({}))
}

pub(super) async fn delete(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let caller = Caller::of(context, &mut input).await?;
    let directory = &context.core.directory;
    directory.delete_user_of_sub(caller.pool.id(), &caller.user.sub).await.map_err(missing)?;
    Ok(json!({}))
}

pub(super) async fn sign_out(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    // The model does not list UserNotFoundException here.
    let gone = |error| match error {
        ApiError::UserNotFound => refused(Refusal::Ended),
        error => error,
    };
    let caller = Caller::of(context, &mut input).await.map_err(gone)?;
    let signed_out_at = Some(context.core.end_now());
    let change = UserChange { signed_out_at, ..UserChange::at(context.core.now()) };
    caller.change(context, change).await.map_err(gone)?;
    Ok(json!({}))
}
