//! The pool's keys that sign SAML messages, and which of them is in use when.

use std::sync::Arc;

use time::OffsetDateTime;

use super::KeyRecord;
use super::saml_identity::SamlIdentity;

/// Every live SAML signing key of a pool: one in use, and during a roll-over another beside it.
#[derive(Debug, Clone)]
pub struct SamlSigning {
    /// At least one, newest first.
    keys: Vec<(KeyRecord, Arc<SamlIdentity>)>,
}

impl SamlSigning {
    /// From these keys, newest first; `None` without any.
    pub(super) fn new(keys: Vec<(KeyRecord, Arc<SamlIdentity>)>) -> Option<Self> {
        (!keys.is_empty()).then_some(Self { keys })
    }

    /// The key that signs at `now`.
    pub fn in_use(&self, now: OffsetDateTime) -> &Arc<SamlIdentity> {
        let chosen = in_use(self.keys.iter().map(|(record, _)| record), now);
        let found = self.keys.iter().find(|(record, _)| Some(&record.id) == chosen.map(|record| &record.id));
        // There is always one: `in_use` chooses among these.
        &found.unwrap_or(&self.keys[0]).1
    }

    /// Every certificate that providers must know: the one in use at `now` first, then the others.
    pub fn published(&self, now: OffsetDateTime) -> Vec<&str> {
        let first = self.in_use(now);
        let others = self.keys.iter().map(|(_, key)| key).filter(|key| !Arc::ptr_eq(key, first));
        std::iter::once(first).chain(others).map(|key| key.certificate()).collect()
    }
}

/// Of these signing keys the one in use at `now`: the last whose time to be used has come. Should the clock
/// stand before all of them, the first that will be used.
pub(super) fn in_use<'k>(
    keys: impl Iterator<Item = &'k KeyRecord> + Clone,
    now: OffsetDateTime,
) -> Option<&'k KeyRecord> {
    let order = |key: &&KeyRecord| (key.used_from, key.created, key.id.clone());
    let started = keys.clone().filter(|key| key.used_from <= now.unix_timestamp()).max_by_key(order);
    started.or_else(|| keys.min_by_key(order))
}
