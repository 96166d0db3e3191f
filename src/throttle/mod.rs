//! Throttling: how often a source, a client or a user may ask.
//!
//! Each limit is a GCRA ("leaky bucket as a meter", the crate `governor`) over a table of fixed size ([`cells`]), in
//! the memory of this process. `docs/decisions/2026-11-21-rate-limits.md` says why.

mod cells;
mod operations;
mod rates;
#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::Quota;
use poolgate_providers::{Clock, Random};

use crate::observe::labels::{Label as _, Limit};
use crate::observe::metrics::Metrics;

use cells::Meter;
pub use operations::limit_of;
pub use rates::Rates;

/// One request too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// Of what.
    pub limit: Limit,
    /// In how many seconds one is let through again: 1 or more.
    pub seconds: u64,
}

/// Who has asked how often. The default lets everybody through.
#[derive(Default)]
pub struct Throttle {
    on: Option<Box<On>>,
}

struct On {
    /// In the order of [`Limit::ALL`]; none: without limit.
    meters: Vec<Option<Meter>>,
    /// In front of every key, so that nobody outside can tell which keys share a cell.
    salt: [u8; 16],
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for Throttle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Throttle").field("on", &self.is_on()).finish()
    }
}

impl Throttle {
    /// Counts with this clock's ticks; what is refused is counted in `metrics`.
    pub fn new(rates: &Rates, clock: &Arc<dyn Clock>, random: &dyn Random, metrics: Arc<Metrics>) -> Self {
        if rates.is_off() {
            return Self::default();
        }
        let mut salt = [0_u8; 16];
        random.fill(&mut salt);
        let meter = |limit: &Limit| {
            let rate = rates.of(*limit)?;
            let burst = rate.saturating_mul(rates::burst_seconds(*limit));
            Some(Meter::new(Quota::per_second(rate).allow_burst(burst), rates::keys(*limit), clock))
        };
        let meters = Limit::ALL.iter().map(meter).collect();
        Self { on: Some(Box::new(On { meters, salt, metrics })) }
    }

    /// Whether anything is limited.
    pub fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// A request from this address to this pool's domain; `None`: to anything else here.
    ///
    /// IPv6 addresses count by their first 64 bits: one subscriber has at least as many.
    ///
    /// # Errors
    /// [`TooMany`], as those of the other functions here.
    pub fn source(&self, address: IpAddr, pool_id: Option<&str>) -> Result<(), TooMany> {
        self.check(Limit::Source, (subscriber(address), pool_id))
    }

    /// A request to a pool's domain.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn domain(&self, pool_id: &str) -> Result<(), TooMany> {
        self.check(Limit::Domain, pool_id)
    }

    /// A page that is asked for in the name of an app client, which anybody can do.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn client_page(&self, pool_id: &str, client_id: &str) -> Result<(), TooMany> {
        self.check(Limit::Client, (0_u8, pool_id, client_id))
    }

    /// A call of an app client that has proved itself, where it can. It is counted apart from the pages: what
    /// strangers ask in its name does not keep it from its tokens.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn client_call(&self, pool_id: &str, client_id: &str) -> Result<(), TooMany> {
        self.check(Limit::Client, (1_u8, pool_id, client_id))
    }

    /// A call with an access token of this user, which was verified.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn user(&self, pool_id: &str, sub: &str) -> Result<(), TooMany> {
        self.check(Limit::User, (pool_id, sub))
    }

    /// A call of an administrator, whose signature was verified. Limits of one kind of operation are shared by all
    /// of that kind.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn signed(&self, operation: &str) -> Result<(), TooMany> {
        self.check(limit_of(operation, true), ())
    }

    /// A call that needs no signature and no access token: by its source, because one of all sources could be used
    /// up by a stranger.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn unsigned(&self, operation: &str, source: IpAddr) -> Result<(), TooMany> {
        match limit_of(operation, false) {
            // Once the access token was verified: see `user`.
            Limit::User => Ok(()),
            limit => self.check(limit, subscriber(source)),
        }
    }

    fn check(&self, limit: Limit, key: impl Hash) -> Result<(), TooMany> {
        let Some(on) = &self.on else { return Ok(()) };
        let Some(meter) = on.meters.get(limit.place()).and_then(Option::as_ref) else { return Ok(()) };
        let mut hasher = DefaultHasher::new();
        (on.salt, limit.place(), key).hash(&mut hasher);
        meter.check(hasher.finish()).map_err(|wait| {
            on.metrics.throttled.of(limit).inc();
            TooMany { limit, seconds: whole_seconds(wait) }
        })
    }
}

/// Rounded up: whoever waits as long is let through.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// What of an address belongs to one subscriber.
fn subscriber(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(u32::from(address)),
        // The highest bit tells it from IPv4; networks that differ in it alone are not in use.
        IpAddr::V6(address) => u64::try_from(u128::from(address) >> 64).unwrap_or_default() | 1 << 63,
    }
}

/// A rate as `governor` takes it.
pub(crate) const fn per_second(rate: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(rate)
}
