//! Key material: the master key that seals secrets at rest, the pools' signing keys, sealed capsules.

pub mod seal;
