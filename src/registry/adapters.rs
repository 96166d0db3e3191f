//! From a configured provider to the adapter that speaks its protocol.

use std::sync::Arc;

use poolgate_providers::Provider;
use poolgate_providers::oidc::OidcProvider;
use poolgate_providers::oidc::settings::OidcSettings;

use crate::keys::PoolKeys;
use crate::pool::{IdentityProvider, ProviderType};

/// The adapter of this provider, or a sentence that says why there is none.
///
/// # Errors
/// When its settings do not fit, or this build does not speak its protocol.
pub fn build(provider: &IdentityProvider, _keys: &PoolKeys, dev: bool) -> Result<Arc<dyn Provider>, String> {
    match provider.provider_type {
        ProviderType::Oidc => {
            let settings = OidcSettings::from_details(&provider.provider_details, dev)
                .map_err(|error| error.to_string())?;
            Ok(Arc::new(OidcProvider::new(settings)))
        }
        other => Err(format!("providers of type {other} are not part of this build")),
    }
}
