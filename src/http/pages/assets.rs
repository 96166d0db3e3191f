//! Style, script and picture of the hosted pages: in the binary, named by their content, so that a
//! browser may keep them for ever and never sees a mixture of two versions.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// One file as the browser gets it.
#[derive(Debug, Clone)]
pub struct Asset {
    /// File name, for example `poolgate.css`.
    pub name: &'static str,
    /// The first 12 characters of the base64url SHA-256 of the bytes.
    pub hash: String,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The content.
    pub bytes: &'static [u8],
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        asset(
            "poolgate.css",
            "text/css; charset=utf-8",
            include_bytes!("../../../templates/assets/poolgate.css"),
        ),
        asset("poolgate.svg", "image/svg+xml", include_bytes!("../../../templates/assets/poolgate.svg")),
        asset(
            "auto-post.js",
            "text/javascript; charset=utf-8",
            include_bytes!("../../../templates/assets/auto-post.js"),
        ),
    ]
});

fn asset(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    let mut hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, bytes));
    hash.truncate(12);
    Asset { name, hash, content_type, bytes }
}

/// Every file.
pub fn all() -> &'static [Asset] {
    &*ASSETS
}

/// The file at `/assets/{hash}/{name}`. `None` (a plain 404) when either is unknown.
pub fn find(hash: &str, name: &str) -> Option<&'static Asset> {
    all().iter().find(|asset| asset.name == name && asset.hash == hash)
}

/// The file called `name`, as it is in this version.
pub fn named(name: &str) -> Option<&'static Asset> {
    all().iter().find(|asset| asset.name == name)
}

/// The path under which a page links the file called `name`.
pub fn path(name: &str) -> Option<String> {
    let asset = named(name)?;
    Some(format!("/assets/{}/{}", asset.hash, asset.name))
}
