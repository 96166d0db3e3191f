//! The pool's keys that sign SAML messages, and which of them is in use when.

use std::sync::Arc;

use time::OffsetDateTime;

use super::KeyRecord;
use super::rolling::Rolling;
use super::saml_identity::SamlIdentity;

/// Every live SAML signing key of a pool: one in use, and during a roll-over another beside it.
#[derive(Debug, Clone)]
pub struct SamlSigning {
    keys: Rolling<Arc<SamlIdentity>>,
}

impl SamlSigning {
    /// From these keys, newest first; `None` without any.
    pub(super) fn new(keys: Vec<(KeyRecord, Arc<SamlIdentity>)>) -> Option<Self> {
        Some(Self { keys: Rolling::new(keys)? })
    }

    /// The key that signs at `now`.
    pub fn in_use(&self, now: OffsetDateTime) -> &Arc<SamlIdentity> {
        self.keys.in_use(now)
    }

    /// Every certificate that providers must know: the one in use at `now` first, then the others.
    pub fn published(&self, now: OffsetDateTime) -> Vec<&str> {
        let first = self.in_use(now);
        let others = self.keys.all().filter(|key| !Arc::ptr_eq(key, first));
        std::iter::once(first).chain(others).map(|key| key.certificate()).collect()
    }
}
