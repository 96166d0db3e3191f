//! Google: OpenID Connect with attributes of the People API.

use async_trait::async_trait;

use crate::settings::SettingError;
use crate::social::Setup;
use crate::{
    AttemptFacts, ExternalIdentity, Inbound, Outbound, Provider, ProviderError, Surroundings, Verified,
};

/// Google: OpenID Connect with attributes of the People API.
pub struct Google;

impl Google {
    /// Reads its settings.
    ///
    /// # Errors
    /// The first key that is missing, unknown or has a value that is not allowed.
    pub fn new(_setup: Setup<'_>) -> Result<Self, SettingError> {
        Err(SettingError::missing("client_id", "nothing: this provider is not built yet"))
    }
}

#[async_trait]
impl Provider for Google {
    async fn begin(&self, _around: &Surroundings, _facts: &AttemptFacts) -> Result<Outbound, ProviderError> {
        Err(ProviderError::Settings("not built yet".to_owned()))
    }

    async fn finish(
        &self,
        _around: &Surroundings,
        _facts: &AttemptFacts,
        _inbound: Inbound,
    ) -> Result<Verified<ExternalIdentity>, ProviderError> {
        Err(ProviderError::Settings("not built yet".to_owned()))
    }

    fn origins(&self) -> Vec<url::Origin> {
        Vec::new()
    }
}
