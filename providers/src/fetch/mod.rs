//! Outgoing HTTP: time-outs, size caps, address rules.

mod address;
mod client;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use thiserror::Error;

pub(crate) use client::is_loopback_host;
pub use client::{FixedClient, GuardedClient, Rules};

/// Largest body accepted from a provider, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// Sends one request. No redirects are followed, cookies are not kept.
#[async_trait]
pub trait Http: Send + Sync {
    /// Sends `request`; the whole answer, its body capped at [`MAX_BODY`].
    ///
    /// # Errors
    /// See [`FetchError`]. An HTTP error status is an answer, not an error.
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError>;
}

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FetchError {
    /// 5 s to connect or 10 s in all have passed.
    #[error("timed out")]
    TimedOut,
    /// The address is private, loopback or link-local and not allowed.
    #[error("the address {0} is not allowed: name its network in POOLGATE_IDP_NETWORKS")]
    AddressRefused(String),
    /// Not https (and http is not allowed here), or a URL that cannot be used.
    #[error("the URL is not allowed: {0}")]
    UrlRefused(String),
    /// More than [`MAX_BODY`].
    #[error("the answer is larger than 1 MiB")]
    TooLarge,
    /// The connection was made and then broke off: whether the request arrived is not known.
    #[error("the connection broke off")]
    BrokeOff,
    /// No connection: refused, no such name, TLS failure.
    #[error("{0}")]
    Broken(String),
}
