//! grants.
