//! What is seen of a running gateway: metrics, traces, logs, health.
//!
//! ```text
//!  request ── http::correlation ── Metrics::step ──────────────┐
//!  sign-in ends ── http::reply ── Metrics::sign_ins ───────────┤
//!  Directory ── WatchedDirectory ── Metrics::directory ────────┼▶ scrape ── /metrics
//!  SessionStore ── WatchedSessions ── Metrics::sessions ───────┤
//!  Http ── WatchedHttp ── Metrics::fetches ────────────────────┘
//! ```
//!
//! What is counted all the time is counted in atomics; locks are taken where a sign-in ends, and only to read.
//! `docs/observability.md` lists every name: they are stable.

pub mod directory;
#[cfg(feature = "otel")]
pub mod export;
pub mod fetch;
pub mod histogram;
pub mod labels;
pub mod logs;
pub mod metrics;
pub mod process;
pub mod readiness;
pub mod scrape;
pub mod sessions;
pub mod sign_ins;
pub mod text;
pub mod trace;
