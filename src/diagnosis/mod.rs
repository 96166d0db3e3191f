//! Why sign-ins fail: the last failures of each provider, for the people who run the gateway.

pub mod attempts;
pub mod words;
