//! The management API: AWS JSON 1.1 at `POST /`, shapes and errors as in the public service model.
//!
//! [`envelope::handle`] answers raw requests: it checks the signature, then calls [`call`], which the
//! demo and the tests call directly. Every request is checked against the [`model`] before an operation
//! sees it; one file per resource holds the rules beyond the model.

mod attribute_mapping;
mod client_rules;
mod client_secrets;
mod domains;
pub mod envelope;
pub mod error;
mod groups;
mod identity_providers;
mod ids;
mod initiate_auth;
mod linking;
mod members;
mod mfa;
pub mod model;
mod own_user;
mod pages;
mod pool_rules;
mod provider_settings;
mod resource_servers;
mod schema;
pub mod sigv4;
mod tags;
#[cfg(test)]
pub(crate) mod tests;
mod tokens;
mod triggers;
mod ui_customization;
mod urls;
mod user_attributes;
mod user_filter;
mod user_pool_clients;
mod user_pools;
mod users;

use serde_json::Value;
use tokio::sync::Mutex;

use crate::context::Context;
use crate::keys::Sealer;

use members::Members;

pub use envelope::{Caller, handle, refuse};
pub use error::ApiError;
pub(crate) use schema::{of_request as schema_of_request, standard as standard_schema};
pub use sigv4::Credentials;
pub(crate) use user_pool_clients::newest_secret;

/// Everything an operation may use.
pub struct ApiContext {
    /// What every step of a sign-in stands on, too.
    pub core: Context,
    /// Seals page tokens.
    pub sealer: Sealer,
    /// Who may call.
    pub credentials: Credentials,
    /// One change at a time, so that what a change was checked against still holds when it is written.
    pub writing: Mutex<()>,
}

/// How often an operation is run that other replicas overtake each time.
const TRIES: u32 = 8;

/// Runs one operation, if this build has it: checks its input against the model, then its own rules, on what every
/// replica has written until now. Where another one writes to the pool before it does, it is run anew: nothing was written then.
///
/// # Errors
/// See [`ApiError`].
pub async fn call(context: &ApiContext, operation: &str, input: Value) -> Result<Value, ApiError> {
    call_naming(context, operation, input, None).await
}

/// The same; the pool or client that is made gets this id, where one is given. For `poolgate apply`: the API itself
/// leaves ids to chance.
///
/// # Errors
/// See [`ApiError`].
pub(crate) async fn call_naming(
    context: &ApiContext,
    operation: &str,
    input: Value,
    id: Option<&str>,
) -> Result<Value, ApiError> {
    if let Some(why) = model::why_unbuilt(operation) {
        return Err(ApiError::Unsupported(format!("{operation} is not part of this build: {why}.")));
    }
    model::validate(operation, &input)?;
    let members = || Members::new(input.clone()).naming(id);
    for _ in 1..TRIES {
        context.core.registry.caught_up().await?;
        match run(context, operation, members()).await {
            Err(ApiError::Overtaken(_)) => {}
            done => return done,
        }
    }
    context.core.registry.caught_up().await?;
    run(context, operation, members()).await
}

async fn run(context: &ApiContext, operation: &str, input: Members) -> Result<Value, ApiError> {
    match operation {
        "CreateUserPool" => user_pools::create(context, input).await,
        "DescribeUserPool" => user_pools::describe(context, input).await,
        "UpdateUserPool" => user_pools::update(context, input).await,
        "DeleteUserPool" => user_pools::delete(context, input).await,
        "ListUserPools" => user_pools::list(context, input).await,
        "AddCustomAttributes" => user_pools::add_attributes(context, input).await,
        "GetUserPoolMfaConfig" => mfa::get(context, input).await,
        "SetUserPoolMfaConfig" => mfa::set(context, input).await,
        "TagResource" => tags::tag(context, input).await,
        "UntagResource" => tags::untag(context, input).await,
        "ListTagsForResource" => tags::list(context, input).await,
        "GetSigningCertificate" => user_pools::signing_certificate(context, input).await,
        "CreateUserPoolClient" => user_pool_clients::create(context, input).await,
        "DescribeUserPoolClient" => user_pool_clients::describe(context, input).await,
        "UpdateUserPoolClient" => user_pool_clients::update(context, input).await,
        "DeleteUserPoolClient" => user_pool_clients::delete(context, input).await,
        "ListUserPoolClients" => user_pool_clients::list(context, input).await,
        "AddUserPoolClientSecret" => client_secrets::add(context, input).await,
        "ListUserPoolClientSecrets" => client_secrets::list(context, input).await,
        "DeleteUserPoolClientSecret" => client_secrets::delete(context, input).await,
        "CreateUserPoolDomain" => domains::create(context, input).await,
        "DescribeUserPoolDomain" => domains::describe(context, input).await,
        "UpdateUserPoolDomain" => domains::update(context, input).await,
        "DeleteUserPoolDomain" => domains::delete(context, input).await,
        "CreateIdentityProvider" => identity_providers::create(context, input).await,
        "DescribeIdentityProvider" => identity_providers::describe(context, input).await,
        "UpdateIdentityProvider" => identity_providers::update(context, input).await,
        "DeleteIdentityProvider" => identity_providers::delete(context, input).await,
        "ListIdentityProviders" => identity_providers::list(context, input).await,
        "GetIdentityProviderByIdentifier" => identity_providers::by_identifier(context, input).await,
        "CreateGroup" => groups::create(context, input).await,
        "GetGroup" => groups::get(context, input).await,
        "UpdateGroup" => groups::update(context, input).await,
        "DeleteGroup" => groups::delete(context, input).await,
        "ListGroups" => groups::list(context, input).await,
        "AdminAddUserToGroup" => groups::add_user(context, input).await,
        "AdminRemoveUserFromGroup" => groups::remove_user(context, input).await,
        "AdminListGroupsForUser" => groups::list_for_user(context, input).await,
        "ListUsersInGroup" => groups::list_users(context, input).await,
        "CreateResourceServer" => resource_servers::create(context, input).await,
        "DescribeResourceServer" => resource_servers::describe(context, input).await,
        "UpdateResourceServer" => resource_servers::update(context, input).await,
        "DeleteResourceServer" => resource_servers::delete(context, input).await,
        "ListResourceServers" => resource_servers::list(context, input).await,
        "GetUICustomization" => ui_customization::get(context, input).await,
        "SetUICustomization" => ui_customization::set(context, input).await,
        "AdminGetUser" => users::get(context, input).await,
        "AdminDeleteUser" => users::delete(context, input).await,
        "AdminLinkProviderForUser" => linking::link(context, input).await,
        "AdminDisableProviderForUser" => linking::disable(context, input).await,
        "GetTokensFromRefreshToken" => tokens::refresh(context, input).await,
        "RevokeToken" => tokens::revoke(context, input).await,
        "InitiateAuth" => initiate_auth::initiate(context, input).await,
        "AdminInitiateAuth" => initiate_auth::admin_initiate(context, input).await,
        "ListUsers" => users::list(context, input).await,
        "AdminUpdateUserAttributes" => users::update_attributes(context, input).await,
        "AdminDeleteUserAttributes" => users::delete_attributes(context, input).await,
        "AdminDisableUser" => users::disable(context, input).await,
        "AdminEnableUser" => users::enable(context, input).await,
        "AdminUserGlobalSignOut" => users::sign_out(context, input).await,
        "GetUser" => own_user::get(context, input).await,
        "UpdateUserAttributes" => own_user::update_attributes(context, input).await,
        "DeleteUserAttributes" => own_user::delete_attributes(context, input).await,
        "DeleteUser" => own_user::delete(context, input).await,
        "GlobalSignOut" => own_user::sign_out(context, input).await,
        other => Err(ApiError::Unsupported(format!("{other} is not part of this build."))),
    }
}
