//! A profile becomes, or stays, a user: with the functions of the administrator that are asked before and after.

use crate::context::Context;
use crate::directory::DirectoryError;
use crate::pool::{AppClient, FederatedProfile, Trigger, User};
use crate::registry::LivePool;
use crate::triggers::{Asking, authentication, sign_up, user_attributes};

use super::failure::Cause;

/// Makes or updates the user of this profile. Whatever a function refuses beforehand leaves nothing behind; what one
/// refuses afterwards leaves the user, who is no session and no token.
///
/// # Errors
/// What a function, the profile's rules or the directory refuses.
pub(super) async fn admit(
    context: &Context,
    pool: &LivePool,
    client: &AppClient,
    mut profile: FederatedProfile,
) -> Result<User, Cause> {
    let functions = &pool.pool.value.lambda_config;
    let asking = Asking { pool, client, surface: &context.surface };
    let asked_of = match functions.function(Trigger::PreAuthentication) {
        Some(_) => Some(before_sign_in(context, &asking, &profile).await?),
        None => None,
    };
    let new_sub = profile.new_sub.clone();
    let user = if functions.function(Trigger::PreSignUp).is_some() {
        // The directory alone knows, in one step, whether somebody is new: a link may wait for them.
        profile.may_sign_up = false;
        match context.directory.sign_in(profile.clone()).await {
            Err(DirectoryError::NotKnown(_)) => {
                sign_up::before(context, &asking, &mut profile).await?;
                profile.may_sign_up = true;
                context.directory.sign_in(profile).await?
            }
            known => known?,
        }
    } else {
        context.directory.sign_in(profile).await?
    };
    // A link that waited has led to somebody of whom the function was not asked.
    if asked_of.is_some_and(|name| name != user.username) {
        authentication::before(context, &asking, &user.username, user_attributes(&user)).await?;
    }
    if user.sub == new_sub {
        sign_up::after(context, &asking, &user).await?;
    }
    authentication::after(context, &asking, &user).await?;
    Ok(user)
}

/// A function is asked of the user as they are, or as they would be made: the name that it was asked of.
async fn before_sign_in(
    context: &Context,
    asking: &Asking<'_>,
    profile: &FederatedProfile,
) -> Result<String, Cause> {
    let (pool_id, who) = (&profile.pool_id, &profile.identity);
    let sub = context.directory.user_of_identity(pool_id, &who.provider_name, &who.user_id).await?;
    let stored = match sub {
        Some(sub) => context.directory.token_state(pool_id, &sub, "").await?.user,
        None => None,
    };
    let (name, attributes) = match &stored {
        Some(user) => (&user.username, user_attributes(user)),
        None => (&profile.username, profile.set.clone()),
    };
    authentication::before(context, asking, name, attributes).await?;
    Ok(name.clone())
}
