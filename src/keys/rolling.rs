//! Keys of one use that roll over, and which of them is in use when.

use time::OffsetDateTime;

use super::KeyRecord;

/// Every live key of one use: one in use, and during a roll-over others beside it.
#[derive(Debug, Clone)]
pub(super) struct Rolling<K> {
    /// At least one, newest first.
    keys: Vec<(KeyRecord, K)>,
}

impl<K> Rolling<K> {
    /// Of these keys, newest first; `None` without any.
    pub(super) fn new(keys: Vec<(KeyRecord, K)>) -> Option<Self> {
        (!keys.is_empty()).then_some(Self { keys })
    }

    /// The key in use at `now`.
    pub(super) fn in_use(&self, now: OffsetDateTime) -> &K {
        let chosen = in_use(self.keys.iter().map(|(record, _)| record), now);
        let found =
            self.keys.iter().find(|(record, _)| chosen.is_some_and(|chosen| std::ptr::eq(chosen, record)));
        // There is always one: `in_use` chooses among these.
        &found.unwrap_or(&self.keys[0]).1
    }

    /// Every key, newest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &K> {
        self.keys.iter().map(|(_, key)| key)
    }

    /// The key of the record with this id.
    pub(super) fn of_record(&self, id: &str) -> Option<&K> {
        self.keys.iter().find(|(record, _)| record.id == id).map(|(_, key)| key)
    }
}

/// The order in which keys of one use come into use.
pub(super) fn order(key: &KeyRecord) -> (i64, i64, &str) {
    (key.used_from, key.created, &key.id)
}

/// Of these keys the one in use at `now`: the last whose time to be used has come. Should the clock stand before all
/// of them, the first that will be used.
pub(super) fn in_use<'k>(
    keys: impl Iterator<Item = &'k KeyRecord> + Clone,
    now: OffsetDateTime,
) -> Option<&'k KeyRecord> {
    let started = keys.clone().filter(|key| key.used_from <= now.unix_timestamp());
    started.max_by(|a, b| order(a).cmp(&order(b))).or_else(|| keys.min_by(|a, b| order(a).cmp(&order(b))))
}
