//! Throttling: how often a source, a client or a user may ask.

/// Who has asked how often.
#[derive(Debug, Default)]
pub struct Throttle {}
