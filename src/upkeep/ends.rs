//! What is about to end: certificates and metadata, providers' and our own.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poolgate_providers::saml::keys::VerifyKey;
use time::{Duration, OffsetDateTime};

use super::{Upkeep, lock, metadata_url};
use crate::registry::{LivePool, LiveProvider, Snapshot};

/// How often is looked for what ends.
const PAUSE: Duration = Duration::DAY;

/// How near an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Stage {
    /// It is over.
    Over,
    /// A day or less.
    Day,
    /// Seven days or less.
    Week,
    /// Thirty days or less.
    Month,
}

impl Stage {
    fn of(left: Duration) -> Option<Self> {
        match left {
            left if left <= Duration::ZERO => Some(Self::Over),
            left if left <= Duration::DAY => Some(Self::Day),
            left if left <= Duration::days(7) => Some(Self::Week),
            left if left <= Duration::days(30) => Some(Self::Month),
            _ => None,
        }
    }
}

/// What ends, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Ending {
    /// A signing certificate of a provider.
    Certificate {
        pool_id: String,
        provider: String,
        fingerprint: String,
        /// Nothing that lasts longer verifies the provider's signatures.
        last: bool,
    },
    /// A provider's metadata.
    Metadata {
        pool_id: String,
        provider: String,
        /// It is fetched again without anybody's help.
        by_url: bool,
    },
    /// The pool's own certificate, which providers know it by.
    Own { pool_id: String },
}

/// What was said last.
#[derive(Default)]
pub(super) struct Said {
    at: Option<OffsetDateTime>,
    stages: HashMap<Ending, Stage>,
}

impl Upkeep {
    /// At start and once a day: each thing at 30, 7 and 1 days before its end, then every day.
    pub(super) fn warn_of_ends(&self) {
        let now = self.now();
        let mut said = lock(&self.said);
        if said.at.is_some_and(|at| at <= now && now < at + PAUSE) {
            return;
        }
        said.at = Some(now);
        let before = std::mem::take(&mut said.stages);
        for (ending, at, stage) in self.near(now) {
            if stage <= Stage::Day || before.get(&ending) != Some(&stage) {
                warn(&ending, at, now);
            }
            said.stages.insert(ending, stage);
        }
    }

    /// Everything that ends within thirty days, or has ended.
    pub(super) fn near(&self, now: OffsetDateTime) -> Vec<(Ending, OffsetDateTime, Stage)> {
        let all = endings(&self.registry.snapshot(), now);
        let near = all.into_iter().filter_map(|(ending, at)| Some((Stage::of(at - now)?, ending, at)));
        near.filter(|(stage, ending, _)| !self.renews_itself(ending, *stage))
            .map(|(stage, ending, at)| (ending, at, stage))
            .collect()
    }

    /// Metadata by URL is fetched again long before it ends: that is worth a word only when fetching fails, or
    /// the end is near all the same.
    fn renews_itself(&self, ending: &Ending, stage: Stage) -> bool {
        match ending {
            Ending::Metadata { pool_id, provider, by_url: true } => {
                stage > Stage::Day && self.failures(&(pool_id.clone(), provider.clone())) == 0
            }
            _ => false,
        }
    }
}

/// Everything with an end.
fn endings(snapshot: &Snapshot, now: OffsetDateTime) -> Vec<(Ending, OffsetDateTime)> {
    let mut all = Vec::new();
    for pool in snapshot.pools() {
        if let Some(end) = own_end(pool, now) {
            all.push((Ending::Own { pool_id: pool.id().to_owned() }, end));
        }
        for (provider, live) in &pool.providers {
            of_provider(pool.id(), provider, live, &mut all);
        }
    }
    all
}

fn of_provider(pool_id: &str, provider: &str, live: &LiveProvider, all: &mut Vec<(Ending, OffsetDateTime)>) {
    let Some(metadata) = live.adapter.as_ref().ok().and_then(|adapter| adapter.metadata()) else { return };
    let last = metadata.keys.iter().map(|key| key.not_after).max();
    for key in &metadata.keys {
        let ending = Ending::Certificate {
            pool_id: pool_id.to_owned(),
            provider: provider.to_owned(),
            fingerprint: key.fingerprint().to_string(),
            last: Some(key.not_after) == last,
        };
        all.push((ending, key.not_after));
    }
    if let Some(until) = metadata.valid_until {
        let by_url = metadata_url(&live.config.value).is_some();
        let (pool_id, provider) = (pool_id.to_owned(), provider.to_owned());
        all.push((Ending::Metadata { pool_id, provider, by_url }, until));
    }
}

/// When the first of the pool's own SAML certificates in use at `now` ends: the one that signs, the one that
/// providers encrypt for.
pub(super) fn own_end(pool: &LivePool, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let in_use = [pool.keys.saml_signing().in_use(now).certificate(), pool.keys.encryption_certificate()];
    let ends = in_use.into_iter().filter_map(|certificate| {
        let der = STANDARD.decode(certificate).ok()?;
        VerifyKey::from_der(&der).ok().map(|key| key.not_after)
    });
    ends.min()
}

fn warn(ending: &Ending, at: OffsetDateTime, now: OffsetDateTime) {
    let (end, days) = (at.date(), (at - now).whole_days());
    match ending {
        Ending::Certificate { pool_id, provider, fingerprint, last: true } => tracing::warn!(
            %pool_id, %provider, certificate = %fingerprint, %end, days,
            "the provider's last signing certificate ends: nobody can sign in with it afterwards, unless its \
             metadata brings another"
        ),
        Ending::Certificate { pool_id, provider, fingerprint, last: false } => tracing::info!(
            %pool_id, %provider, certificate = %fingerprint, %end, days,
            "a signing certificate of the provider ends; another one lasts longer"
        ),
        Ending::Metadata { pool_id, provider, by_url: true } => tracing::warn!(
            %pool_id, %provider, %end, days,
            "the provider's metadata ends (validUntil), and its address gives nothing newer"
        ),
        Ending::Metadata { pool_id, provider, by_url: false } => tracing::warn!(
            %pool_id, %provider, %end, days,
            "the provider's metadata ends (validUntil): nobody can sign in with it afterwards. Update MetadataFile"
        ),
        Ending::Own { pool_id } => tracing::warn!(
            %pool_id, %end, days,
            "one of the pool's own SAML certificates ends: roll it over (poolgate keys), and give every provider \
             the new one"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_said_thirty_seven_and_one_days_before_and_when_it_has_come() {
        let stage = |days: i64| Stage::of(Duration::days(days));
        assert_eq!([31, 30, 8].map(stage), [None, Some(Stage::Month), Some(Stage::Month)]);
        assert_eq!([7, 2].map(stage), [Some(Stage::Week); 2]);
        assert_eq!(stage(1), Some(Stage::Day));
        assert_eq!([0, -1].map(stage), [Some(Stage::Over); 2]);
    }
}
