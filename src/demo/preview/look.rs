//! The looks of the preview: Poolgate's own, and one that an administrator could have given.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::pool::ui_customization::ALL;
use crate::pool::{Timestamp, UiCustomization};
use crate::style::Dress;

const CSS: &str = include_str!("../../../templates/demo/preview_look.css");
const LOGO: &[u8] = include_bytes!("../../../templates/demo/preview_logo.png");

/// How a page is dressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As Poolgate comes.
    Plain,
    /// With a logo and a style sheet.
    Custom,
}

impl Look {
    /// Every look.
    pub const ALL: [Self; 2] = [Self::Plain, Self::Custom];

    /// As in an address.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Custom => "custom",
        }
    }

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "Plain: Poolgate's own",
            Self::Custom => "Custom: a logo and a style sheet",
        }
    }
}

/// The sample customisation, read as one that is stored is read.
pub fn custom() -> Dress {
    Dress::of(&UiCustomization {
        user_pool_id: "preview".to_owned(),
        client_id: ALL.to_owned(),
        logo: Some(STANDARD.encode(LOGO)),
        logo_size: None,
        css: Some(CSS.to_owned()),
        css_version: "1".to_owned(),
        creation_date: Timestamp(0.0),
        last_modified_date: Timestamp(0.0),
    })
}
