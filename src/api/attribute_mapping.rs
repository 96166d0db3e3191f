//! Pool attribute → provider attribute or claim: checked when configured, so that sign-ins need not guess.

use std::collections::BTreeMap;

use poolgate_providers::facebook;

use super::ApiError;
use super::error::invalid;
use crate::pool::{ProviderType, UserPool};

/// Longest name of a provider's attribute or claim, in characters.
const LONGEST: usize = 2_048;
/// Membership of the pool's groups follows what is mapped here.
const GROUPS: &str = "cognito:groups";
/// The subject: fixed by the protocol.
const USERNAME: &str = "username";

/// The mapping in force: what was given, and what the protocol fixes.
///
/// # Errors
/// A target that the pool lacks, that cannot change, or that the pool keeps itself.
pub(super) fn check(
    given: BTreeMap<String, String>,
    kind: ProviderType,
    pool: &UserPool,
) -> Result<BTreeMap<String, String>, ApiError> {
    for (target, source) in &given {
        let refused = |why: &str| invalid(format!("AttributeMapping.{target}: {why}"));
        if source.trim().is_empty() || source.chars().count() > LONGEST {
            return Err(refused(&format!(
                "the provider's attribute must be named with 1 to {LONGEST} characters."
            )));
        }
        if kind == ProviderType::Facebook && !facebook::is_field(source) {
            return Err(refused(&format!("'{source}' cannot be asked for; allowed: {}.", facebook::FIELD)));
        }
        match (target.as_str(), pool.attribute(target)) {
            (USERNAME, _) => check_username(source, kind)?,
            (GROUPS, _) => {}
            ("sub" | "identities", _) => return Err(refused("the pool keeps this attribute itself.")),
            (_, None) => return Err(refused("the user pool has no such attribute.")),
            (_, Some(attribute)) if !attribute.mutable => {
                return Err(refused("this attribute is immutable; a mapped attribute must be mutable."));
            }
            (_, Some(attribute)) if attribute.developer_only_attribute => {
                return Err(refused("this attribute is for developers only."));
            }
            _ => {}
        }
    }
    let mut mapping = given;
    if kind != ProviderType::Saml {
        mapping.insert(USERNAME.to_owned(), subject(kind).to_owned());
    }
    Ok(mapping)
}

/// What a provider of this type calls its own key for a person.
const fn subject(kind: ProviderType) -> &'static str {
    match kind {
        ProviderType::Saml => "NameID",
        ProviderType::Facebook => "id",
        ProviderType::LoginWithAmazon => "user_id",
        ProviderType::Oidc | ProviderType::Google | ProviderType::SignInWithApple => "sub",
    }
}

fn check_username(source: &str, kind: ProviderType) -> Result<(), ApiError> {
    let fixed = subject(kind);
    if source == fixed {
        return Ok(());
    }
    Err(invalid(format!("AttributeMapping.username is fixed for {kind}: it can only be '{fixed}'.")))
}
