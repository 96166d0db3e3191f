//! Before a sign-in, and after.

use std::collections::BTreeMap;

use serde::Serialize;

use super::event::{Kind, Nothing, user_attributes};
use super::{Asking, TriggerError};
use crate::context::Context;
use crate::pool::{Trigger, User};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Before {
    user_attributes: BTreeMap<String, String>,
    validation_data: Nothing,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct After {
    user_attributes: BTreeMap<String, String>,
    new_device_used: bool,
}

/// Asks whether this user may sign in, where a function is named for it. `attributes` are those from before the
/// sign-in, or those that a new user would get.
///
/// # Errors
/// See [`TriggerError`]: nothing may be written then.
pub(crate) async fn before(
    context: &Context,
    asking: &Asking<'_>,
    user_name: &str,
    user_attributes: BTreeMap<String, String>,
) -> Result<(), TriggerError> {
    let Some(function) = asking.function(Trigger::PreAuthentication) else { return Ok(()) };
    let kind = Kind {
        trigger: Trigger::PreAuthentication,
        source: "PreAuthentication_Authentication",
        version: "1",
        user_name,
    };
    let request = Before { user_attributes, validation_data: Nothing {} };
    context.triggers.ask(&context.metrics, asking, function, kind, (request, Nothing {})).await.map(drop)
}

/// Tells that this user has signed in, where a function is named for it.
///
/// # Errors
/// See [`TriggerError`]: the sign-in ends.
pub(crate) async fn after(context: &Context, asking: &Asking<'_>, user: &User) -> Result<(), TriggerError> {
    let Some(function) = asking.function(Trigger::PostAuthentication) else { return Ok(()) };
    let kind = Kind {
        trigger: Trigger::PostAuthentication,
        source: "PostAuthentication_Authentication",
        version: "1",
        user_name: &user.username,
    };
    let request = After { user_attributes: user_attributes(user), new_device_used: false };
    context.triggers.ask(&context.metrics, asking, function, kind, (request, Nothing {})).await.map(drop)
}
