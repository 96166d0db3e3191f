//! What a browser may fetch of a customisation: made once when the configuration is loaded, not per request.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::{Format, Logo, Sheet};
use crate::pool::UiCustomization;

/// Characters of the digest in a path: 96 bits.
const HASH: usize = 16;

/// How the hosted pages of an app client look. Both may be absent: a client may have a look of its own that is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dress {
    /// Its style sheet.
    pub css: Option<Served>,
    /// Its logo.
    pub logo: Option<ServedLogo>,
}

/// One file of a customisation, as a browser gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// `custom.css`, `logo.png` or `logo.jpg`.
    pub name: &'static str,
    /// The first 16 characters of the base64url SHA-256 of the bytes.
    pub hash: String,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The content.
    pub bytes: Arc<[u8]>,
}

/// A logo, with the size that a page keeps free for it until it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedLogo {
    /// The file.
    pub file: Served,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

impl Served {
    fn new(name: &'static str, content_type: &'static str, bytes: Vec<u8>) -> Self {
        let mut hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, &bytes));
        hash.truncate(HASH);
        Self { name, hash, content_type, bytes: bytes.into() }
    }

    /// `/assets/{hash}/{name}`, at the pool's domain.
    pub fn path(&self) -> String {
        format!("/assets/{}/{}", self.hash, self.name)
    }
}

impl ServedLogo {
    fn of(logo: Logo) -> Self {
        let (name, content_type) = match logo.format {
            Format::Png => ("logo.png", "image/png"),
            Format::Jpeg => ("logo.jpg", "image/jpeg"),
        };
        let file = Served::new(name, content_type, logo.bytes);
        Self { file, width: logo.width, height: logo.height }
    }
}

impl Dress {
    /// What of this customisation may be served. A part that was stored before a rule forbade it is left out, and
    /// the log says so: a pool must not fail to load because of how its pages look.
    pub fn of(ui: &UiCustomization) -> Self {
        let left_out = |what: &str, why: &dyn std::fmt::Display| {
            let (pool_id, client_id) = (&ui.user_pool_id, &ui.client_id);
            tracing::warn!(%pool_id, %client_id, %why, "the stored {what} of the hosted pages is not served: set it anew");
        };
        let sheet = ui.css.as_deref().and_then(|css| {
            let read = Sheet::parse(css);
            read.inspect_err(|why| left_out("style sheet", why)).ok()
        });
        let text = sheet.map(|sheet| sheet.served()).filter(|text| !text.is_empty());
        let logo = ui.logo.as_deref().and_then(|encoded| {
            let read = stored_logo(encoded, ui);
            read.inspect_err(|why| left_out("logo", why)).ok()
        });
        Self {
            css: text.map(|text| Served::new("custom.css", "text/css; charset=utf-8", text.into_bytes())),
            logo: logo.map(ServedLogo::of),
        }
    }

    /// Its files.
    pub fn files(&self) -> impl Iterator<Item = &Served> {
        self.css.iter().chain(self.logo.as_ref().map(|logo| &logo.file))
    }
}

/// A logo with its size was written anew when it was set; one without was stored by a release that took it as it
/// came, and is written anew now, every time it is loaded.
fn stored_logo(encoded: &str, ui: &UiCustomization) -> Result<Logo, String> {
    let bytes = STANDARD.decode(encoded).map_err(|error| error.to_string())?;
    match ui.logo_size {
        Some(size) => {
            let format = Format::of(&bytes).ok_or("it is neither PNG nor JPEG")?;
            Ok(Logo { format, width: size.width, height: size.height, bytes })
        }
        None => Logo::rewrite(&bytes).map_err(|error| error.to_string()),
    }
}
