//! The audit log: one JSON event for each management call, sign-in, sign-out, refresh and failure.

/// Where events are written.
#[derive(Debug, Default)]
pub struct Audit {}
