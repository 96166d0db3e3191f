//! Attributes that a function of the administrator put in place of what the provider said: what they may not do.
//!
//! A function may write any attribute, but it proves nothing: an address that it wrote is not verified by the
//! provider's word for another one, and no waiting link goes by it.

use std::collections::BTreeMap;

use poolgate_providers::{Attributes, ExternalIdentity};

use super::mapping::is_trusted_email;
use crate::pool::IdentityProvider;

/// Whether this pool attribute comes of the same values as the provider gave.
pub(super) fn is_unchanged(
    identity: &ExternalIdentity,
    chosen: &Attributes,
    provider: &IdentityProvider,
    name: &str,
) -> bool {
    let source = provider.attribute_mapping.get(name);
    source.is_some_and(|source| {
        let said = identity.attributes.get(source);
        said.is_some() && chosen.get(source) == said
    })
}

/// Takes "verified" from an address unless the provider itself said it of this very address, or is trusted with its
/// domain.
pub(super) fn unverify(
    identity: &ExternalIdentity,
    chosen: &Attributes,
    provider: &IdentityProvider,
    set: &mut BTreeMap<String, String>,
) {
    for (address, flag) in [("email", "email_verified"), ("phone_number", "phone_number_verified")] {
        if set.get(flag).is_none_or(|said| said != "true") {
            continue;
        }
        let by_provider = is_unchanged(identity, chosen, provider, address)
            && is_unchanged(identity, chosen, provider, flag);
        let trusted =
            address == "email" && set.get(address).is_some_and(|email| is_trusted_email(email, provider));
        if !by_provider && !trusted {
            set.insert(flag.to_owned(), "false".to_owned());
        }
    }
}
