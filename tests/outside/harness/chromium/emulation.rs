//! What the browser pretends: a screen, and what the person prefers.

use serde_json::{Value, json};

use super::{Browser, Method};

/// A viewport, in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    pub width: u32,
    pub height: u32,
    /// Device pixels for each CSS pixel.
    pub scale: u32,
}

impl Screen {
    /// A window on a desk.
    pub const DESKTOP: Self = Self { width: 1280, height: 800, scale: 1 };
    /// A telephone held upright.
    pub const PHONE: Self = Self { width: 390, height: 844, scale: 1 };
    /// The narrowest that a page must do with (WCAG 1.4.10).
    pub const NARROW: Self = Self { width: 320, height: 640, scale: 1 };

    /// The same with the browser's zoom at this many times: fewer, larger CSS pixels.
    pub const fn zoomed(self, times: u32) -> Self {
        Self { width: self.width / times, height: self.height / times, scale: self.scale * times }
    }
}

impl Browser {
    /// Shows pages on this screen from now on. Never as a telephone that would zoom out of a page that is too wide.
    pub async fn screen(&self, screen: Screen) {
        let Screen { width, height, scale } = screen;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Answers media queries this way from now on, such as `("prefers-color-scheme", "dark")`; all others as usual.
    pub async fn prefer(&self, features: &[(&str, &str)]) {
        let features: Vec<_> =
            features.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        self.devtools("Emulation.setEmulatedMedia", json!({"media": "", "features": features})).await;
    }

    /// Text at this size unless a page says otherwise, in CSS pixels; people start with 16.
    pub async fn text_size(&self, pixels: u32) {
        self.devtools("Page.setFontSizes", json!({"fontSizes": {"standard": pixels, "fixed": pixels}})).await;
    }

    /// A command of the Chrome DevTools Protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.command(Method::POST, "goog/cdp/execute", Some(body)).await
    }
}
