//! Addresses that may stand in a page.

use serde::Serialize;
use url::Url;

/// An address that cannot run a script: a path on the gateway, or an absolute address whose scheme
/// is not one that a browser executes or opens inside itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Href(String);

/// Schemes that act inside the browser instead of leaving for somewhere.
const REFUSED: [&str; 8] =
    ["javascript", "data", "vbscript", "blob", "file", "filesystem", "about", "view-source"];

/// Whether a browser may be sent to this scheme.
pub(super) fn harmless(scheme: &str) -> bool {
    !REFUSED.contains(&scheme)
}

impl Href {
    /// A path on the gateway, with its query: `/oauth2/authorize?client_id=…`. `None` when it is not
    /// a plain absolute path (`//host` and `/\host` would leave the gateway).
    pub fn local(path: impl Into<String>) -> Option<Self> {
        let path = path.into();
        let rest = path.strip_prefix('/')?;
        let leaves = rest.starts_with(['/', '\\']) || path.chars().any(|c| c.is_control());
        (!leaves).then_some(Self(path))
    }

    /// An absolute address: https, http or an app's own scheme. `None` for a scheme that acts inside
    /// the browser.
    pub fn absolute(address: &Url) -> Option<Self> {
        harmless(address.scheme()).then(|| Self(address.as_str().to_owned()))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
