//! From a configured provider to the adapter that speaks its protocol.

use std::sync::Arc;

use poolgate_providers::oidc::{OidcProvider, OidcSettings};
use poolgate_providers::saml::{
    RequestSignature, RequestSigner, SamlProvider, SamlSettings, SigningFailed, metadata,
};
use poolgate_providers::{Clock, Provider};

use crate::keys::PoolKeys;
use crate::keys::saml_signing::SamlSigning;
use crate::pool::{IdentityProvider, ProviderType};
use crate::registry::Surface;

/// Signs with the key of the pool that is in use at that moment: a roll-over needs no new adapter.
struct PoolSigner {
    keys: Arc<SamlSigning>,
    clock: Arc<dyn Clock>,
}

impl RequestSigner for PoolSigner {
    fn sign_rsa_sha256(&self, message: &[u8]) -> Result<RequestSignature, SigningFailed> {
        let key = self.keys.in_use(self.clock.now());
        let value = key.sign(message).map_err(|error| SigningFailed(error.to_string()))?;
        Ok(RequestSignature { value, certificate: key.certificate().into() })
    }
}

/// The adapter of this provider, or a sentence that says why there is none.
///
/// # Errors
/// When its settings or its metadata cannot be used, or this build does not speak its protocol.
pub fn build(
    provider: &IdentityProvider,
    keys: &PoolKeys,
    clock: &Arc<dyn Clock>,
    surface: &Surface,
) -> Result<Arc<dyn Provider>, String> {
    for setting in weakened(provider) {
        let (pool_id, provider) = (&provider.user_pool_id, &provider.provider_name);
        tracing::warn!(%pool_id, %provider, setting, "this setting weakens security");
    }
    match provider.provider_type {
        ProviderType::Saml => {
            // What has run out since it was configured is said at each sign-in, as in a process that runs on.
            let document = provider.metadata_document.as_deref().ok_or("the provider has no metadata")?;
            let metadata = metadata::parse(document.as_bytes()).map_err(|error| error.to_string())?;
            let settings = SamlSettings::from_details(&provider.provider_details, metadata, surface.dev)
                .map_err(|error| error.to_string())?;
            let signer = PoolSigner { keys: Arc::clone(keys.saml_signing()), clock: Arc::clone(clock) };
            let decryption = keys.saml_encryption().iter().map(|key| key.decryption()).collect();
            let adapter = SamlProvider::new(settings, Some(Arc::new(signer))).with_decryption(decryption);
            Ok(Arc::new(adapter.with_engine(surface.engines.engine())))
        }
        ProviderType::Oidc => {
            let settings = OidcSettings::from_details(&provider.provider_details, surface.dev)
                .map_err(|error| error.to_string())?;
            Ok(Arc::new(OidcProvider::new(settings)))
        }
        other => Err(format!("providers of type {other} are not part of this build")),
    }
}

/// The settings that are switched on and weaken security: their names begin with `insecure_`.
fn weakened(provider: &IdentityProvider) -> impl Iterator<Item = &str> {
    let insecure = |(key, value): &(&String, &String)| key.starts_with("insecure_") && *value == "true";
    provider.provider_details.iter().filter(insecure).map(|(key, _)| key.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::weakened;
    use crate::testing::provider;

    #[test]
    fn what_weakens_security_is_named_at_every_start() {
        let details = json!({"ProviderDetails": {"insecure_allow_sha1": "true", "clock_skew_seconds": "60"}});
        assert_eq!(weakened(&provider("Acme", details)).collect::<Vec<_>>(), ["insecure_allow_sha1"]);
        let off = json!({"ProviderDetails": {"insecure_allow_sha1": "false"}});
        assert_eq!(weakened(&provider("Acme", off)).count(), 0);
    }
}
