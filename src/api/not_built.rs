//! Settings that a later build will honour and whose silence would weaken security: refused by name.
//!
//! Every other member that means nothing here yet is stored and returned.

use serde_json::Value;

use super::ApiError;
use super::members::Members;

fn unsupported(setting: &str, why: &str) -> ApiError {
    ApiError::Unsupported(format!("{setting} is not part of this build: {why}"))
}

/// Client settings.
pub(super) fn check_client(input: &Members) -> Result<(), ApiError> {
    let rotation = input.get("RefreshTokenRotation").and_then(|rotation| rotation.get("Feature"));
    if rotation.and_then(Value::as_str) == Some("ENABLED") {
        return Err(unsupported("RefreshTokenRotation", "refresh tokens would not be replaced when used."));
    }
    Ok(())
}
