//! How long everything lasts and how refreshing goes, for alerts. Worked out at each scrape: what is gone from the
//! configuration is gone from here.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use time::OffsetDateTime;

use super::{Upkeep, ends, metadata_url};
use crate::pool::Timestamp;
use crate::registry::LiveProvider;

/// Most providers, and most pools, that are shown: of more, those that end first.
const MOST: usize = 1_000;

/// The collector behind `/metrics`.
pub struct Ends(pub Arc<Upkeep>);

impl fmt::Debug for Ends {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Ends")
    }
}

/// What is shown of one provider, in seconds from now.
struct Row {
    pool_id: String,
    provider: String,
    certificate: Option<i64>,
    valid_until: Option<i64>,
    age: Option<i64>,
    failures: Option<i64>,
}

/// One gauge's value in a row, where it has one.
type Value = fn(&Row) -> Option<i64>;

impl Row {
    fn ends(&self) -> i64 {
        self.certificate.into_iter().chain(self.valid_until).min().unwrap_or(i64::MAX)
    }
}

impl Upkeep {
    fn rows(&self, now: OffsetDateTime) -> Vec<Row> {
        let snapshot = self.registry.snapshot();
        let mut rows: Vec<_> = snapshot
            .pools()
            .flat_map(|pool| pool.providers.iter().map(move |(name, live)| (pool.id(), name, live)))
            .filter_map(|(pool_id, name, live)| self.row(pool_id, name, live, now))
            .collect();
        rows.sort_by_key(Row::ends);
        rows
    }

    fn row(&self, pool_id: &str, provider: &str, live: &LiveProvider, now: OffsetDateTime) -> Option<Row> {
        let left = |end: OffsetDateTime| (end - now).whole_seconds();
        let metadata = live.adapter.as_ref().ok().and_then(|adapter| adapter.metadata());
        let by_url = metadata_url(&live.config.value).is_some();
        if metadata.is_none() && !by_url {
            return None;
        }
        let last = metadata.and_then(|metadata| metadata.keys.iter().map(|key| key.not_after).max());
        let fetched = live.config.value.metadata_fetched.map(Timestamp::moment);
        let failures = || i64::from(self.failures(&(pool_id.to_owned(), provider.to_owned())));
        Some(Row {
            certificate: last.map(left),
            valid_until: metadata.and_then(|metadata| metadata.valid_until).map(left),
            age: fetched.filter(|_| by_url).map(|at| (now - at).whole_seconds()),
            failures: by_url.then(failures),
            pool_id: pool_id.to_owned(),
            provider: provider.to_owned(),
        })
    }

    fn own_rows(&self, now: OffsetDateTime) -> Vec<(String, i64)> {
        let snapshot = self.registry.snapshot();
        let mut own: Vec<_> = snapshot
            .pools()
            .filter_map(|pool| {
                Some((pool.id().to_owned(), (ends::own_end(pool, now)? - now).whole_seconds()))
            })
            .collect();
        own.sort_by_key(|(_, left)| *left);
        own.truncate(MOST);
        own
    }
}

impl Collector for Ends {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let now = self.0.now();
        let mut rows = self.0.rows(now);
        let left_out = rows.len().saturating_sub(MOST);
        rows.truncate(MOST);
        let families: [(&str, &str, Value); 4] = [
            (
                "provider_certificate_expiry_seconds",
                "Until the last signing certificate of a SAML provider ends; below zero when it has",
                |row| row.certificate,
            ),
            (
                "provider_metadata_valid_until_seconds",
                "Until the validUntil of a SAML provider's metadata; below zero when it is over",
                |row| row.valid_until,
            ),
            (
                "provider_metadata_age_seconds",
                "Since the metadata at a provider's MetadataURL was last fetched well",
                |row| row.age,
            ),
            (
                "provider_metadata_refresh_failures",
                "Fetches of the metadata at a provider's MetadataURL that have failed since the last good one",
                |row| row.failures,
            ),
        ];
        for (name, help, value) in families {
            let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for row in &rows {
                let Some(value) = value(row) else { continue };
                let labels = [("pool", row.pool_id.as_str()), ("provider", row.provider.as_str())];
                ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
            }
        }
        let help = "SAML providers that the metrics above leave out: those shown end first";
        let metric = encoder.encode_descriptor("providers_left_out", help, None, MetricType::Gauge)?;
        ConstGauge::new(i64::try_from(left_out).unwrap_or(i64::MAX)).encode(metric)?;
        let help = "Until the first of the pool's own SAML certificates in use ends; below zero when it has";
        let name = "pool_certificate_expiry_seconds";
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (pool_id, left) in self.0.own_rows(now) {
            ConstGauge::new(left).encode(metric.encode_family(&[("pool", pool_id.as_str())])?)?;
        }
        Ok(())
    }
}
