//! How long things take, counted in atomics: nobody waits for anybody.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prometheus_client::encoding::MetricEncoder;

/// Upper bounds of the buckets, in microseconds: an embedded read takes some 50 µs, a signature 1 ms, a call to a
/// provider is given up after 10 s.
const BOUNDS: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];

/// A histogram of durations.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One for each bound, and what is longer.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    /// All durations together, in microseconds.
    sum: AtomicU64,
}

impl Histogram {
    /// It took this long.
    pub fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS.partition_point(|bound| *bound < micros);
        self.buckets[place].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(micros, Ordering::Relaxed);
    }

    /// Observes from now until it is dropped: also what nobody waits for any more.
    pub fn timer(&self) -> Timer<'_> {
        Timer { histogram: self, since: Instant::now() }
    }

    /// How many durations there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    #[expect(clippy::cast_precision_loss, reason = "exact for 285 years of microseconds")]
    fn seconds(micros: u64) -> f64 {
        micros as f64 / 1_000_000.0
    }

    /// As Prometheus reads it. The count is that of the buckets that were read: it never contradicts them.
    ///
    /// # Errors
    /// When the encoder cannot write.
    pub fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = BOUNDS.iter().map(|bound| Self::seconds(*bound)).chain([f64::INFINITY]);
        let read = |bucket: &AtomicU64| bucket.load(Ordering::Relaxed);
        let buckets: Vec<(f64, u64)> = bounds.zip(self.buckets.iter().map(read)).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = Self::seconds(self.sum.load(Ordering::Relaxed));
        encoder.encode_histogram::<Vec<(&str, &str)>>(sum, count, &buckets, None)
    }
}

/// See [`Histogram::timer`].
#[derive(Debug)]
pub struct Timer<'h> {
    histogram: &'h Histogram,
    since: Instant,
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.histogram.observe(self.since.elapsed());
    }
}
