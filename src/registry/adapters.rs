//! From a configured provider to the adapter that speaks its protocol.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use poolgate_providers::facebook::Facebook;
use poolgate_providers::google::Google;
use poolgate_providers::login_with_amazon::LoginWithAmazon;
use poolgate_providers::oidc::OidcProvider;
use poolgate_providers::saml::{
    RequestSignature, RequestSigner, SamlProvider, SamlSettings, SigningFailed, metadata,
};
use poolgate_providers::settings::SettingError;
use poolgate_providers::sign_in_with_apple::SignInWithApple;
use poolgate_providers::social::Setup;
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
        kind => {
            let mapped = provider.attribute_mapping.values().cloned().collect();
            oauth(kind, &provider.provider_details, &mapped, surface.dev).map_err(|error| error.to_string())
        }
    }
}

/// The adapter of a provider that is not SAML: its settings are all there is to it. `mapped` names the provider's
/// attributes that are mapped to anything.
///
/// # Errors
/// The first setting that is missing, unknown or has a value that is not allowed.
pub fn oauth(
    kind: ProviderType,
    details: &BTreeMap<String, String>,
    mapped: &BTreeSet<String>,
    dev: bool,
) -> Result<Arc<dyn Provider>, SettingError> {
    let setup = Setup { details, mapped, dev };
    Ok(match kind {
        ProviderType::Oidc => Arc::new(OidcProvider::of(setup)?),
        ProviderType::Google => Arc::new(Google::new(setup)?),
        ProviderType::Facebook => Arc::new(Facebook::new(setup)?),
        ProviderType::LoginWithAmazon => Arc::new(LoginWithAmazon::new(setup)?),
        ProviderType::SignInWithApple => Arc::new(SignInWithApple::new(setup)?),
        ProviderType::Saml => {
            return Err(SettingError::missing("MetadataFile", "the metadata of a SAML provider"));
        }
    })
}

/// The settings that are switched on and weaken security: their names begin with `insecure_`.
fn weakened(provider: &IdentityProvider) -> impl Iterator<Item = &str> {
    let insecure = |(key, value): &(&String, &String)| key.starts_with("insecure_") && *value == "true";
    provider.provider_details.iter().filter(insecure).map(|(key, _)| key.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::json;

    use super::{oauth, weakened};
    use crate::pool::ProviderType;
    use crate::testing::provider;

    #[test]
    fn what_weakens_security_is_named_at_every_start() {
        let details = json!({"ProviderDetails": {"insecure_allow_sha1": "true", "clock_skew_seconds": "60"}});
        assert_eq!(weakened(&provider("Acme", details)).collect::<Vec<_>>(), ["insecure_allow_sha1"]);
        let off = json!({"ProviderDetails": {"insecure_allow_sha1": "false"}});
        assert_eq!(weakened(&provider("Acme", off)).count(), 0);
    }

    #[test]
    fn an_address_that_development_allowed_makes_no_adapter_without_it() {
        let facebook = json!({"client_id": "us", "client_secret": "hush", "authorize_scopes": "email",
                              "api_version": "v17.0", "token_url": "https://evil.example/token"});
        let amazon = json!({"client_id": "us", "client_secret": "hush", "authorize_scopes": "profile",
                            "attributes_url": "http://localhost:9236/user/profile"});
        let google = json!({"client_id": "us", "client_secret": "hush", "authorize_scopes": "openid",
                            "oidc_issuer": "https://evil.example"});
        let oidc = json!({"client_id": "us", "client_secret": "hush", "authorize_scopes": "openid",
                          "oidc_issuer": "http://localhost:9232", "attributes_request_method": "GET"});
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
        let apple = json!({"client_id": "us", "team_id": "DEF123GHIJ", "key_id": "ABC123DEFG",
                           "private_key": key, "authorize_scopes": "email name",
                           "jwks_uri": "https://evil.example/keys"});
        for (kind, details) in [
            (ProviderType::Facebook, facebook),
            (ProviderType::LoginWithAmazon, amazon),
            (ProviderType::Google, google),
            (ProviderType::Oidc, oidc),
            (ProviderType::SignInWithApple, apple),
        ] {
            let details: BTreeMap<String, String> = serde_json::from_value(details).unwrap();
            let stored =
                |dev| oauth(kind, &details, &BTreeSet::new(), dev).err().map(|error| error.to_string());
            assert_eq!(stored(true), None, "{kind}");
            let why = stored(false).unwrap_or_else(|| panic!("{kind} is still used"));
            assert!(!why.contains("hush"), "{why}");
        }
    }
}
