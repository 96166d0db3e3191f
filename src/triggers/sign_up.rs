//! Before somebody becomes a user, and after.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::event::{Kind, Nothing, user_attributes};
use super::{Asking, TriggerError};
use crate::context::Context;
use crate::pool::{FederatedProfile, Trigger, User};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignUpRequest<'a> {
    user_attributes: BTreeMap<&'a str, &'a str>,
    validation_data: Nothing,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct SignUpResponse {
    auto_confirm_user: bool,
    auto_verify_email: bool,
    auto_verify_phone: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WithAttributes {
    pub(super) user_attributes: BTreeMap<String, String>,
}

/// Asks whether whoever this profile is of may become a user, where a function is named for it. It may say that the
/// addresses count as verified.
///
/// # Errors
/// See [`TriggerError`]: nobody may become a user then.
pub(crate) async fn before(
    context: &Context,
    asking: &Asking<'_>,
    profile: &mut FederatedProfile,
) -> Result<(), TriggerError> {
    let Some(function) = asking.function(Trigger::PreSignUp) else { return Ok(()) };
    let kind = Kind {
        trigger: Trigger::PreSignUp,
        source: "PreSignUp_ExternalProvider",
        version: "1",
        user_name: &profile.username,
    };
    let mut attributes: BTreeMap<&str, &str> =
        profile.set.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    attributes.extend([("cognito:email_alias", ""), ("cognito:phone_number_alias", "")]);
    let request = SignUpRequest { user_attributes: attributes, validation_data: Nothing {} };
    let sent = (request, SignUpResponse::default());
    let response = context.triggers.ask(&context.metrics, asking, function, kind, sent).await?;
    // A federated user needs no confirmation: only the value's type counts.
    flag(&response, "autoConfirmUser")?;
    for (asked, address, verified) in [
        ("autoVerifyEmail", "email", "email_verified"),
        ("autoVerifyPhone", "phone_number", "phone_number_verified"),
    ] {
        if flag(&response, asked)? {
            verify(profile, asked, address, verified)?;
        }
    }
    Ok(())
}

/// `true` and `false`, also as text: the guide prints them so.
fn flag(response: &Map<String, Value>, name: &str) -> Result<bool, TriggerError> {
    match response.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(Value::String(text)) if text == "true" => Ok(true),
        Some(Value::String(text)) if text == "false" => Ok(false),
        Some(_) => {
            Err(TriggerError::invalid(Trigger::PreSignUp, format!("{name} is neither true nor false")))
        }
    }
}

/// An address counts as verified only where there is one (PSU-05, PSU-06).
fn verify(
    profile: &mut FederatedProfile,
    asked: &str,
    address: &str,
    verified: &str,
) -> Result<(), TriggerError> {
    let shape = if address == "email" { '@' } else { '+' };
    if !profile.set.get(address).is_some_and(|value| value.contains(shape)) {
        let why = format!("{asked} is true, but the user has no valid {address}");
        return Err(TriggerError::invalid(Trigger::PreSignUp, why));
    }
    profile.remove.retain(|name| name != verified);
    profile.set.insert(verified.to_owned(), "true".to_owned());
    Ok(())
}

/// Tells of a new user, where a function is named for it.
///
/// # Errors
/// See [`TriggerError`]: the user has been made, and the sign-in ends.
pub(crate) async fn after(context: &Context, asking: &Asking<'_>, user: &User) -> Result<(), TriggerError> {
    let Some(function) = asking.function(Trigger::PostConfirmation) else { return Ok(()) };
    let kind = Kind {
        trigger: Trigger::PostConfirmation,
        source: "PostConfirmation_ConfirmSignUp",
        version: "1",
        user_name: &user.username,
    };
    let request = WithAttributes { user_attributes: user_attributes(user) };
    context.triggers.ask(&context.metrics, asking, function, kind, (request, Nothing {})).await.map(drop)
}
