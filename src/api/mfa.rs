//! What a pool says about second factors. There are none in this build: whatever would promise one is refused, so
//! that nobody relies on it.

use serde_json::{Value, json};

use super::members::Members;
use super::user_pools::unknown_pool;
use super::{ApiContext, ApiError};
use crate::pool::UserPool;
use crate::registry::{Edit, Versioned};

/// The one setting beside `MfaConfiguration` that says off.
pub(super) const SOFTWARE_TOKEN: &str = "SoftwareTokenMfaConfiguration";

fn unsupported(setting: &str) -> ApiError {
    ApiError::Unsupported(format!(
        "{setting} is not part of this build: nobody would be asked for a second factor. People who sign in through \
         an identity provider are asked by that provider. OFF is allowed."
    ))
}

/// `MfaConfiguration`, wherever a request may hold it.
pub(super) fn check_off(input: &Members) -> Result<(), ApiError> {
    match input.get("MfaConfiguration").and_then(Value::as_str) {
        None | Some("OFF") => Ok(()),
        Some(other) => Err(unsupported(&format!("MfaConfiguration {other}"))),
    }
}

fn shown(pool: &UserPool) -> Value {
    let mut shown = json!({ "MfaConfiguration": pool.rest.get("MfaConfiguration") });
    if let Some(setting) = pool.rest.get(SOFTWARE_TOKEN) {
        shown[SOFTWARE_TOKEN] = setting.clone();
    }
    shown
}

pub(super) async fn get(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let id = input.text("UserPoolId")?;
    let snapshot = context.core.registry.snapshot();
    Ok(shown(&snapshot.pool(&id).ok_or_else(|| unknown_pool(&id))?.pool.value))
}

pub(super) async fn set(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let id = input.text("UserPoolId")?;
    for member in ["SmsMfaConfiguration", "EmailMfaConfiguration", "WebAuthnConfiguration"] {
        if input.get(member).is_some() {
            return Err(unsupported(member));
        }
    }
    check_off(&input)?;
    let software_token: Option<Value> = input.take(SOFTWARE_TOKEN)?;
    let enabled = software_token.as_ref().and_then(|setting| setting.get("Enabled"));
    if enabled.and_then(Value::as_bool) == Some(true) {
        return Err(unsupported(&format!("{SOFTWARE_TOKEN} with Enabled true")));
    }
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let before = &snapshot.pool(&id).ok_or_else(|| unknown_pool(&id))?.pool;
    let mut pool = before.value.clone();
    pool.rest.insert("MfaConfiguration".into(), json!("OFF"));
    match software_token {
        Some(_) => pool.rest.insert(SOFTWARE_TOKEN.into(), json!({ "Enabled": false })),
        None => pool.rest.remove(SOFTWARE_TOKEN),
    };
    pool.last_modified_date = context.core.now().into();
    let output = shown(&pool);
    let edit = Edit::UpdatePool(Versioned { value: pool, version: before.version });
    context.core.registry.edit_as_of(&snapshot, vec![edit]).await?;
    Ok(output)
}
