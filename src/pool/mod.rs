//! The nouns, as plain data with their rules and limits. No I/O.
//!
//! Names and members are those of the public service model (`cognito-idp/2016-04-18`). A member that
//! means nothing to Poolgate yet is kept in `rest` and returned, never dropped.

pub mod app_client;
pub mod certificate;
pub mod client_secret;
pub mod domain;
pub mod group;
pub mod identity_provider;
pub mod lambda_config;
pub mod limits;
pub mod link;
pub mod resource_server;
pub mod ui_customization;
pub mod user;
pub mod user_change;
pub mod user_pool;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use app_client::{AppClient, OAuthFlow, TimeUnit, TokenValidityUnits};
pub use certificate::Certificate;
pub use client_secret::ClientSecret;
pub use domain::Domain;
pub use group::{Group, GroupError};
pub use identity_provider::{IdentityProvider, ProviderType};
pub use lambda_config::{LambdaConfig, Trigger};
pub use link::{LinkBy, LinkError, LinkSource, NewLink, WaitingLink};
pub use resource_server::{ResourceServer, ResourceServerScope};
pub use ui_customization::{LogoSize, UiCustomization};
pub use user::{FederatedProfile, Identity, NotedSession, ProfileError, User};
pub use user_change::{ChangeError, UserChange};
pub use user_pool::{AttributeDataType, SchemaAttribute, UserPool};

/// Members kept as they came.
pub type Rest = serde_json::Map<String, serde_json::Value>;

/// A moment as the API writes it: seconds since 1970, with a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub f64);

impl Timestamp {
    /// The moment, to the millisecond. One that no calendar holds is the beginning of 1970.
    pub fn moment(self) -> OffsetDateTime {
        #[expect(clippy::cast_possible_truncation, reason = "a cast from a float stays within the integer")]
        let millis = (self.0 * 1000.0).round() as i64;
        let nanos = i128::from(millis) * 1_000_000;
        OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(moment: OffsetDateTime) -> Self {
        let millis = moment.unix_timestamp_nanos() / 1_000_000;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double")]
        Self(millis as f64 / 1000.0)
    }
}
