//! Everything that `/metrics` tells, written anew at each scrape: what is gone from the configuration is gone from
//! here.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::histogram::Histogram;
use super::labels::{Counter, Label, Table};
use super::metrics::{Asked, Metrics};
use super::process::Process;
use super::sign_ins::{MOST, NONE, Pair};
use crate::context::Context;
use crate::keys::pool_keys::KeyUse;
use crate::registry::{Registry as Configuration, Snapshot};
use crate::upkeep::metrics::Ends;

/// The whole text, in OpenMetrics 1.0. `ready`: what `/readyz` says.
///
/// # Errors
/// When a metric cannot be written.
pub fn open_metrics(context: &Context, ready: bool) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("poolgate");
    registry.register_collector(Box::new(Gateway { context: context.clone(), ready }));
    registry.register_collector(Box::new(Ends(context.upkeep.clone())));
    let mut process = Registry::default();
    process.register_collector(Box::new(Process));
    let mut text = String::new();
    encode_registry(&mut text, &registry)?;
    encode_registry(&mut text, &process)?;
    encode_eof(&mut text)?;
    Ok(text)
}

struct Gateway {
    context: Context,
    ready: bool,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Gateway")
    }
}

impl Collector for Gateway {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let snapshot = self.context.registry.snapshot();
        let mut page = Page(encoder);
        page.sign_ins(&self.context.metrics, &snapshot)?;
        page.counts(&self.context.metrics)?;
        page.latencies(&self.context.metrics)?;
        page.state(&self.context.metrics, self.ready)?;
        page.configuration(&self.context.registry)?;
        page.key_ages(&snapshot, self.context.now().unix_timestamp())
    }
}

/// Labels of one sample.
type Labels<'l> = &'l [(&'l str, &'l str)];

struct Page<'e>(DescriptorEncoder<'e>);

impl Page<'_> {
    fn counters(&mut self, name: &str, help: &str, rows: &[(Vec<(&str, &str)>, u64)]) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in rows {
            let labels: Labels<'_> = labels;
            ConstCounter::new(*value).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn gauges(&mut self, name: &str, help: &str, rows: &[(Vec<(&str, &str)>, i64)]) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in rows {
            let labels: Labels<'_> = labels;
            ConstGauge::new(*value).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// One value without labels.
    fn gauge(&mut self, name: &str, help: &str, value: i64) -> fmt::Result {
        ConstGauge::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    /// Only what has happened: an operation that nobody asks for would be fifteen lines of zeros.
    fn histograms(
        &mut self,
        name: &str,
        help: &str,
        rows: &[(Vec<(&str, &str)>, &Histogram)],
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, histogram) in rows.iter().filter(|(_, histogram)| histogram.count() > 0) {
            let labels: Labels<'_> = labels;
            histogram.encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn sign_ins(&mut self, metrics: &Metrics, snapshot: &Snapshot) -> fmt::Result {
        metrics.sign_ins.keep(|pool_id, provider| {
            snapshot
                .pool(pool_id)
                .is_some_and(|pool| provider == NONE || pool.providers.contains_key(provider))
        });
        let mut pairs: Vec<(String, String, &'static str, Row)> = Vec::new();
        metrics.sign_ins.each(|pool_id, provider, pair| {
            let live = snapshot.pool(pool_id).and_then(|pool| pool.providers.get(provider));
            let provider_type = live.map_or("", |live| live.config.value.provider_type.as_str());
            pairs.push((pool_id.to_owned(), provider.to_owned(), provider_type, Row::of(pair)));
        });
        let (mut ended, mut departed) = (Vec::new(), Vec::new());
        for (pool_id, provider, provider_type, row) in &pairs {
            let whose = [("pool", &**pool_id), ("provider", &**provider), ("type", *provider_type)];
            for (start, outcome, count) in &row.ended {
                let labels =
                    whose.iter().copied().chain([("start", *start), ("outcome", *outcome)]).collect();
                ended.push((labels, *count));
            }
            departed.push((whose.to_vec(), row.departed));
        }
        self.counters("sign_ins", "Sign-ins that ended", &ended)?;
        self.counters("departures", "Browsers sent to a provider", &departed)
    }

    fn counts(&mut self, metrics: &Metrics) -> fmt::Result {
        let failures: Vec<_> =
            metrics.failures().into_iter().map(|(code, count)| (vec![("code", code)], count)).collect();
        self.counters("sign_in_failures", "Sign-ins that did not end well, by code", &failures)?;
        self.counters("grants", "Tokens asked for", &two("grant", "outcome", &metrics.grants))?;
        self.counters("sign_outs", "Sign-outs", &two("start", "outcome", &metrics.sign_outs))?;
        let triggers: Vec<_> = metrics
            .triggers
            .iter()
            .filter(|(_, asked)| asked.seconds.count() > 0)
            .map(|(trigger, asked)| (vec![("trigger", trigger)], asked.failures.get()))
            .collect();
        self.counters("trigger_failures", "Functions that did not let it go on", &triggers)?;
        let answers: Vec<_> =
            metrics.answers.iter().map(|(class, count)| (vec![("class", class)], count.get())).collect();
        self.counters("http_answers", "Answers of the public listener, by class", &answers)?;
        let throttled: Vec<_> =
            metrics.throttled.iter().map(|(scope, count)| (vec![("scope", scope)], count.get())).collect();
        self.counters("throttled", "Requests that were one too many, by limit", &throttled)?;
        let audited: Vec<_> = metrics
            .audited
            .iter()
            .map(|(outcome, count)| (vec![("outcome", outcome)], count.get()))
            .collect();
        self.counters("audit_events", "Events for the audit log", &audited)?;
        let mut failures = store_failures("directory", &metrics.directory);
        failures.extend(store_failures("sessions", &metrics.sessions));
        self.counters("store_failures", "How often a store was away", &failures)
    }

    fn latencies(&mut self, metrics: &Metrics) -> fmt::Result {
        let steps: Vec<_> =
            metrics.steps.iter().map(|(step, histogram)| (vec![("step", step)], histogram)).collect();
        self.histograms("step_seconds", "Requests to the public listener", &steps)?;
        let calls = metrics.providers.iter().flat_map(|(provider_type, calls)| {
            let labels = move |call| vec![("type", provider_type), ("call", call)];
            calls.iter().map(move |(call, histogram)| (labels(call), histogram))
        });
        let help = "What provider adapters did, their calls and verification included";
        self.histograms("provider_seconds", help, &calls.collect::<Vec<_>>())?;
        let fetches: Vec<_> = metrics
            .fetches
            .iter()
            .map(|(outcome, histogram)| (vec![("outcome", outcome)], histogram))
            .collect();
        self.histograms("fetch_seconds", "Calls to providers over HTTP", &fetches)?;
        let triggers =
            metrics.triggers.iter().map(|(trigger, asked)| (vec![("trigger", trigger)], &asked.seconds));
        let help = "Functions that were asked, every attempt included";
        self.histograms("trigger_seconds", help, &triggers.collect::<Vec<_>>())?;
        let mut asked = store_seconds("directory", &metrics.directory);
        asked.extend(store_seconds("sessions", &metrics.sessions));
        self.histograms("store_seconds", "What the stores were asked", &asked)
    }

    fn state(&mut self, metrics: &Metrics, ready: bool) -> fmt::Result {
        let up = [
            (vec![("store", "directory")], i64::from(metrics.directory_up.get())),
            (vec![("store", "sessions")], i64::from(metrics.sessions_up.get())),
        ];
        self.gauges("store_up", "Whether the store answered when it was last asked", &up)?;
        self.gauge("ready", "Whether traffic should come here", i64::from(ready))?;
        let build = [(vec![("version", env!("CARGO_PKG_VERSION"))], 1)];
        self.gauges("build_info", "Which Poolgate this is", &build)
    }

    fn configuration(&mut self, registry: &Configuration) -> fmt::Result {
        let help = "The newest change of the configuration that is in force here";
        self.gauge("configuration_generation", help, registry.generation())?;
        let help = "Since the directory was last asked for changes";
        let metric = self.0.encode_descriptor("configuration_age_seconds", help, None, MetricType::Gauge)?;
        ConstGauge::new(registry.age().as_seconds_f64()).encode(metric)?;
        let Some(offset) = registry.common_time().offset() else { return Ok(()) };
        let help = "This machine's clock minus PostgreSQL's";
        let metric = self.0.encode_descriptor("clock_offset_seconds", help, None, MetricType::Gauge)?;
        ConstGauge::new(offset.as_seconds_f64()).encode(metric)
    }

    fn key_ages(&mut self, snapshot: &Snapshot, now: i64) -> fmt::Result {
        let mut ages: Vec<(&str, &str, i64)> = Vec::new();
        for pool in snapshot.pools() {
            for (key_use, name) in [(KeyUse::IdToken, "id_token"), (KeyUse::AccessToken, "access_token")] {
                let records = pool.keys.records().iter().filter(|record| record.key_use == key_use);
                ages.extend(
                    records.map(|record| record.created).max().map(|made| (pool.id(), name, now - made)),
                );
            }
        }
        ages.sort_by_key(|(_, _, age)| std::cmp::Reverse(*age));
        ages.truncate(MOST);
        let rows: Vec<_> = ages
            .into_iter()
            .map(|(pool, key_use, age)| (vec![("pool", pool), ("use", key_use)], age))
            .collect();
        self.gauges("token_signing_key_age_seconds", "Since the key was made that signs tokens now", &rows)
    }
}

/// The numbers of one pair at one moment.
struct Row {
    ended: Vec<(&'static str, &'static str, u64)>,
    departed: u64,
}

impl Row {
    /// Every outcome of a start that was ever seen: a counter that is there at zero shows its first step.
    fn of(pair: &Pair) -> Self {
        let ended =
            pair.ended.iter().filter(|(_, outcomes)| outcomes.iter().any(|(_, count)| count.get() > 0));
        let ended = ended.flat_map(|(start, outcomes)| {
            outcomes.iter().map(move |(outcome, count)| (start, outcome, count.get()))
        });
        Self { ended: ended.collect(), departed: pair.departed.get() }
    }
}

/// Labels of a row, and its value.
type Rows<V> = Vec<(Vec<(&'static str, &'static str)>, V)>;

fn two<A: Label, B: Label>(
    outer: &'static str,
    inner: &'static str,
    table: &Table<A, Table<B, Counter>>,
) -> Rows<u64> {
    let row = |(one, cells): (&'static str, &Table<B, Counter>)| -> Rows<u64> {
        cells.iter().map(|(other, count)| (vec![(outer, one), (inner, other)], count.get())).collect()
    };
    table.iter().flat_map(row).collect()
}

fn store_failures<L: Label>(store: &'static str, table: &Table<L, Asked>) -> Rows<u64> {
    let labels = |operation| vec![("store", store), ("operation", operation)];
    table.iter().map(|(operation, asked)| (labels(operation), asked.failures.get())).collect()
}

fn store_seconds<'m, L: Label>(
    store: &'static str,
    table: &'m Table<L, Asked>,
) -> Vec<(Vec<(&'static str, &'static str)>, &'m Histogram)> {
    let labels = |operation| vec![("store", store), ("operation", operation)];
    table.iter().map(|(operation, asked)| (labels(operation), &asked.seconds)).collect()
}
