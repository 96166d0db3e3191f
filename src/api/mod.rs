//! The management API: AWS JSON 1.1 at `POST /`, shapes and errors as in the public service model.
//!
//! [`envelope::handle`] answers raw requests: it checks the signature, then calls [`call`], which the
//! demo and the tests call directly. Every request is checked against the [`model`] before an operation
//! sees it; one file per resource holds the rules beyond the model.

pub mod envelope;
pub mod error;
pub mod model;
pub mod sigv4;

use std::sync::Arc;

use poolgate_providers::fetch::Http;
use poolgate_providers::{Clock, Random};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use crate::directory::Directory;
use crate::keys::Sealer;
use crate::registry::Registry;

pub use envelope::handle;
pub use error::ApiError;
pub use sigv4::Credentials;

/// Everything an operation may use.
pub struct ApiContext {
    /// The configuration in force.
    pub registry: Arc<Registry>,
    /// Users.
    pub directory: Arc<dyn Directory>,
    /// Seals page tokens.
    pub sealer: Sealer,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Fetches metadata.
    pub http: Arc<dyn Http>,
    /// Who may call.
    pub credentials: Credentials,
    /// First half of pool ids; part of ARNs and of signatures.
    pub region: String,
    /// Part of ARNs.
    pub account_id: String,
    /// Base of issuers; its host carries the prefix domains.
    pub public_url: Url,
    /// Whether providers may be plain http on loopback.
    pub dev: bool,
    /// One change at a time, so that what a change was checked against still holds when it is written.
    pub writing: Mutex<()>,
}

/// Runs one operation: checks its input against the model, then its own rules.
///
/// # Errors
/// See [`ApiError`].
pub async fn call(context: &ApiContext, operation: &str, input: Value) -> Result<Value, ApiError> {
    model::validate(operation, &input)?;
    let _ = context;
    match operation {
        other => Err(ApiError::Unsupported(format!("{other} is not part of this build."))),
    }
}
