//! Chromium at the demo.
