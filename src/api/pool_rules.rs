//! What a user pool may be, beyond the model.

use serde_json::{Value, json};

use super::error::invalid;
use super::members::Members;
use super::{ApiError, mfa, tags};
use crate::pool::{Rest, SchemaAttribute};

/// What creating and updating a pool check alike.
pub(super) fn check(input: &Members) -> Result<(), ApiError> {
    mfa::check_off(input)?;
    tags::check_given(input)?;
    check_first_factors(input)
}

/// A password is always one of the ways to begin, as the reference service has it.
fn check_first_factors(input: &Members) -> Result<(), ApiError> {
    let policy = input.get("Policies").and_then(|policies| policies.get("SignInPolicy"));
    let factors = policy.and_then(|policy| policy.get("AllowedFirstAuthFactors")).and_then(Value::as_array);
    let Some(factors) = factors else { return Ok(()) };
    let place = "Policies.SignInPolicy.AllowedFirstAuthFactors";
    if !factors.contains(&json!("PASSWORD")) {
        return Err(invalid(format!("{place} must hold PASSWORD.")));
    }
    if factors.contains(&json!("SOFTWARE_TOKEN")) {
        return Err(invalid(format!("{place}: SOFTWARE_TOKEN cannot be a first factor.")));
    }
    let mut seen = std::collections::BTreeSet::new();
    match factors.iter().filter_map(Value::as_str).find(|factor| !seen.insert(*factor)) {
        Some(factor) => Err(invalid(format!("{place} names {factor} more than once."))),
        None => Ok(()),
    }
}

/// Other names that users may sign in with.
pub(super) fn check_aliases(input: &Members, schema: &[SchemaAttribute]) -> Result<(), ApiError> {
    let aliases = input.get("AliasAttributes");
    if aliases.is_some() && input.get("UsernameAttributes").is_some() {
        return Err(invalid(
            "Only one of the aliasAttributes or usernameAttributes can be set in a user pool.",
        ));
    }
    // An alias is set after sign-up only, a required attribute must be there before.
    const NAME: &str = "preferred_username";
    let alias = aliases.and_then(Value::as_array).is_some_and(|aliases| aliases.contains(&json!(NAME)));
    if alias && schema.iter().any(|attribute| attribute.name == NAME && attribute.required) {
        return Err(invalid(format!("{NAME} cannot be an alias and a required attribute both.")));
    }
    Ok(())
}

/// What the reference service sets where a request is silent, on creation and on update alike.
pub(super) fn with_defaults(mut rest: Rest) -> Rest {
    let password = json!({
        "MinimumLength": 8, "RequireUppercase": true, "RequireLowercase": true, "RequireNumbers": true,
        "RequireSymbols": true, "TemporaryPasswordValidityDays": 7,
    });
    for (member, value) in [
        ("Policies", json!({})),
        ("VerificationMessageTemplate", json!({ "DefaultEmailOption": "CONFIRM_WITH_CODE" })),
        ("MfaConfiguration", json!("OFF")),
        ("EmailConfiguration", json!({ "EmailSendingAccount": "COGNITO_DEFAULT" })),
        ("UserPoolTags", json!({})),
        (
            "AdminCreateUserConfig",
            json!({ "AllowAdminCreateUserOnly": false, "UnusedAccountValidityDays": 7 }),
        ),
        ("UserPoolTier", json!("ESSENTIALS")),
    ] {
        rest.entry(member).or_insert(value);
    }
    if let Some(Value::Object(policies)) = rest.get_mut("Policies") {
        if let Some(Value::Object(given)) = policies.get_mut("PasswordPolicy") {
            complete_password_policy(given);
        }
        policies.entry("PasswordPolicy").or_insert(password);
        policies.entry("SignInPolicy").or_insert(json!({ "AllowedFirstAuthFactors": ["PASSWORD"] }));
    }
    rest
}

/// A policy that is given requires what it says, and nothing that it is silent about.
fn complete_password_policy(policy: &mut Rest) {
    for (member, value) in [
        ("MinimumLength", json!(8)),
        ("RequireUppercase", json!(false)),
        ("RequireLowercase", json!(false)),
        ("RequireNumbers", json!(false)),
        ("RequireSymbols", json!(false)),
        ("TemporaryPasswordValidityDays", json!(7)),
    ] {
        policy.entry(member).or_insert(value);
    }
}
