//! Settings that a later build will honour and whose silence would weaken security: refused by name.
//!
//! Every other member that means nothing here yet is stored and returned.

use serde_json::Value;

use super::ApiError;
use super::members::Members;

/// Triggers that may refuse a sign-in or take claims away.
const DECIDING_TRIGGERS: [&str; 5] =
    ["PreSignUp", "PreAuthentication", "PreTokenGeneration", "PreTokenGenerationConfig", "InboundFederation"];

fn unsupported(setting: &str, why: &str) -> ApiError {
    ApiError::Unsupported(format!("{setting} is not part of this build: {why}"))
}

/// Pool settings.
pub(super) fn check_pool(input: &Members) -> Result<(), ApiError> {
    let triggers = input.get("LambdaConfig").and_then(Value::as_object);
    for trigger in DECIDING_TRIGGERS {
        let set = triggers.and_then(|triggers| triggers.get(trigger));
        if set.is_some_and(|value| value.as_str() != Some("")) {
            let why = "a trigger that may refuse a sign-in or change its claims would not run.";
            return Err(unsupported(&format!("LambdaConfig.{trigger}"), why));
        }
    }
    Ok(())
}
