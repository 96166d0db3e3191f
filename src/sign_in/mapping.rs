//! From a verified identity to a pool profile (`gateway.md` section 7).

use std::collections::BTreeMap;

use poolgate_providers::{Attributes, ExternalIdentity, Verified};
use thiserror::Error;
use time::OffsetDateTime;

use super::{chosen, recognition};
use crate::pool::limits::{ATTRIBUTE_VALUE, USERNAME};
use crate::pool::{
    AppClient, FederatedProfile, Group, Identity, IdentityProvider, ProviderType, SchemaAttribute, UserPool,
};
use crate::registry::Versioned;

/// Mapped to groups, not to an attribute.
pub const GROUPS: &str = "cognito:groups";
/// Fixed by the provider's type, never mapped.
const USERNAME_TARGET: &str = "username";

/// Why an identity does not fit the pool. Each names the attribute.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MappingError {
    /// Over 128 characters.
    #[error(
        "1 validation error detected: Value at 'username' failed to satisfy constraint: \
         Member must have length less than or equal to {USERNAME} (the provider's name and subject make {0})"
    )]
    UsernameTooLong(usize),
    /// Over 2,048 characters.
    #[error("Invalid user attributes: {0}: The value is longer than {ATTRIBUTE_VALUE} characters")]
    ValueTooLong(String),
    /// Not what the schema asks for.
    #[error("Invalid user attributes: {name}: {why}")]
    Value {
        /// The pool attribute.
        name: String,
        /// In words.
        why: String,
    },
    /// The client may not write it.
    #[error("Invalid user attributes: {0}: The app client may not write this attribute (WriteAttributes)")]
    NotWritable(String),
    /// The pool has no such attribute.
    #[error("Invalid user attributes: {0}: The pool's schema has no such attribute")]
    Unknown(String),
}

/// Where the identity is to fit.
pub struct Place<'a> {
    /// The pool.
    pub pool: &'a UserPool,
    /// The app client that asked.
    pub client: &'a AppClient,
    /// The provider that vouched.
    pub provider: &'a IdentityProvider,
    /// The groups of the pool.
    pub groups: &'a BTreeMap<String, Versioned<Group>>,
}

/// What the values that are mapped to `cognito:groups` come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MappedGroups {
    /// Groups of the pool, each once.
    pub groups: Vec<String>,
    /// Names of no group that a mapping may put anybody into.
    pub ignored: Vec<String>,
}

/// The groups that these attributes say their user is in. A provider's own group is none of them, not even the own one of
/// this provider: whoever is in it was signed in by that provider, and nobody's attribute says so.
pub fn mapped_groups(attributes: &Attributes, place: &Place<'_>) -> MappedGroups {
    let mut mapped = MappedGroups::default();
    let Some(source) = place.provider.attribute_mapping.get(GROUPS) else { return mapped };
    for name in attributes.get(source).into_iter().flatten() {
        let may = place.groups.contains_key(name) && !Group::is_of_a_provider(&place.pool.id, name);
        let list = if may { &mut mapped.groups } else { &mut mapped.ignored };
        if !list.contains(name) {
            list.push(name.clone());
        }
    }
    mapped
}

/// What the sign-in says the user shall be. Only a verified identity is accepted. `chosen` are the attributes that a
/// function of the administrator put in place of the provider's: they verify nobody and nothing.
///
/// # Errors
/// See [`MappingError`].
pub fn profile(
    identity: &Verified<ExternalIdentity>,
    chosen: Option<&Attributes>,
    place: &Place<'_>,
    new_sub: String,
    at: OffsetDateTime,
) -> Result<FederatedProfile, MappingError> {
    profile_of(identity.get(), chosen, place, new_sub, at)
}

fn profile_of(
    identity: &ExternalIdentity,
    chosen: Option<&Attributes>,
    place: &Place<'_>,
    new_sub: String,
    at: OffsetDateTime,
) -> Result<FederatedProfile, MappingError> {
    let provider = place.provider;
    let username = format!("{}_{}", provider.provider_name, identity.subject);
    let length = username.chars().count();
    if length > USERNAME {
        return Err(MappingError::UsernameTooLong(length));
    }
    let (mut set, mut remove) = (BTreeMap::new(), Vec::new());
    for (name, source) in &provider.attribute_mapping {
        match name.as_str() {
            USERNAME_TARGET => {}
            GROUPS => {}
            name => {
                let attributes = chosen.unwrap_or(&identity.attributes);
                let values = attributes.get(source).map_or(&[][..], Vec::as_slice);
                let told_once = identity.told_once.contains(&&**source);
                map_one(values, told_once, place, name, &mut set, &mut remove)?;
            }
        }
    }
    if let Some(chosen) = chosen {
        chosen::unverify(identity, chosen, provider, &mut set);
    }
    settle_verified("email", "email_verified", place, &mut set, &mut remove);
    settle_verified("phone_number", "phone_number_verified", place, &mut set, &mut remove);
    let mut recognised = recognition::recognised(identity, provider, &set);
    if let Some(chosen) = chosen {
        recognised.retain(|name, _| chosen::is_unchanged(identity, chosen, provider, name));
    }
    Ok(FederatedProfile {
        pool_id: place.pool.id.clone(),
        username,
        new_sub,
        identity: who(identity, provider, at),
        set,
        remove,
        recognised,
        required: place.pool.required_attributes().map(str::to_owned).collect(),
        immutable: immutable(place.pool),
        group: provider.group(),
        mapped_groups: mapped_groups(chosen.unwrap_or(&identity.attributes), place).groups,
        session: None,
        may_sign_up: true,
        at,
    })
}

fn who(identity: &ExternalIdentity, provider: &IdentityProvider, at: OffsetDateTime) -> Identity {
    let millis = at.unix_timestamp_nanos() / 1_000_000;
    Identity {
        provider_name: provider.provider_name.clone(),
        provider_type: provider.provider_type.as_str().to_owned(),
        user_id: identity.subject.clone(),
        issuer: (provider.provider_type == ProviderType::Saml).then(|| identity.issuer.clone()),
        primary: true,
        date_created: i64::try_from(millis).unwrap_or(i64::MAX),
    }
}

fn immutable(pool: &UserPool) -> Vec<String> {
    let fixed = pool.schema_attributes.iter().filter(|attribute| !attribute.mutable);
    fixed.map(|attribute| attribute.name.clone()).collect()
}

fn map_one(
    values: &[String],
    told_once: bool,
    place: &Place<'_>,
    name: &str,
    set: &mut BTreeMap<String, String>,
    remove: &mut Vec<String>,
) -> Result<(), MappingError> {
    let rule = place.pool.attribute(name).ok_or_else(|| MappingError::Unknown(name.to_owned()))?;
    if !place.client.may_write(governing(name)) {
        return Err(MappingError::NotWritable(name.to_owned()));
    }
    let value = match values {
        [] => String::new(),
        [one] => one.clone(),
        several if place.provider.detail("multi_valued") == Some("json") => {
            serde_json::Value::from(several.to_vec()).to_string()
        }
        several => bracketed(several),
    };
    if value.is_empty() {
        if place.provider.detail("missing_attributes") == Some("remove") && !told_once {
            remove.push(name.to_owned());
        }
        return Ok(());
    }
    set.insert(name.to_owned(), check_value(rule, value)?);
    Ok(())
}

/// The attribute whose write permission counts: no client is given the two flags to write (the reference service
/// refuses them in `WriteAttributes`), they go with their address.
fn governing(name: &str) -> &str {
    match name {
        "email_verified" => "email",
        "phone_number_verified" => "phone_number",
        other => other,
    }
}

/// Several values as one string, as the reference service writes them: `[a, b]`, each value form-url-encoded.
fn bracketed(values: &[String]) -> String {
    let encoded: Vec<String> =
        values.iter().map(|value| url::form_urlencoded::byte_serialize(value.as_bytes()).collect()).collect();
    format!("[{}]", encoded.join(", "))
}

fn check_value(rule: &SchemaAttribute, value: String) -> Result<String, MappingError> {
    let length = value.chars().count();
    if length > ATTRIBUTE_VALUE {
        return Err(MappingError::ValueTooLong(rule.name.clone()));
    }
    rule.conform(value).map_err(|why| MappingError::Value { name: rule.name.clone(), why })
}

/// An address counts as verified only when this very sign-in says so: the provider through a mapping, or the
/// pool's trust in the provider for exactly that domain. An older "verified" never outlives its address.
fn settle_verified(
    address: &str,
    flag: &str,
    place: &Place<'_>,
    set: &mut BTreeMap<String, String>,
    remove: &mut Vec<String>,
) {
    if remove.iter().any(|name| name == address) {
        set.remove(flag);
        remove.push(flag.to_owned());
        return;
    }
    let Some(value) = set.get(address) else {
        // Said of no address, it would be taken for the one that is kept from before.
        if set.get(flag).is_some_and(|said| said == "true") {
            set.remove(flag);
        }
        return;
    };
    if !set.contains_key(flag) {
        let trusted = address == "email" && is_trusted_email(value, place.provider);
        remove.retain(|name| name != flag);
        set.insert(flag.to_owned(), trusted.to_string());
    }
}

pub(super) fn is_trusted_email(email: &str, provider: &IdentityProvider) -> bool {
    let Some((_, domain)) = email.rsplit_once('@') else { return false };
    let trusted = provider.detail("trusted_email_domains").unwrap_or_default();
    trusted.split(',').map(str::trim).any(|known| !known.is_empty() && known.eq_ignore_ascii_case(domain))
}

#[cfg(test)]
#[path = "mapping_tests.rs"]
mod tests;
