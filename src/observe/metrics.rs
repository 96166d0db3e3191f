//! What is counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tracing::Instrument as _;

use super::histogram::Histogram;
use super::labels::{
    Audited, Class, Counter, DirectoryCall, Fetched, Grant, Granting, Limit, Outcome, ProviderCall,
    SessionCall, SignOutEnd, SignOutStart, Start, Step, Table, TypeLabel,
};
use super::sign_ins::SignIns;
use super::trace;
use crate::pool::{ProviderType, Trigger};

/// What is counted of one kind of question to a store, or to a function.
#[derive(Debug, Default)]
pub struct Asked {
    /// How long the answers took.
    pub seconds: Histogram,
    /// How often it was away, or did not let it go on.
    pub failures: Counter,
}

/// Everything that is counted, from zero when the process starts.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Requests to the public listener.
    pub steps: Table<Step, Histogram>,
    /// Its answers.
    pub answers: Table<Class, Counter>,
    /// Sign-ins by pool and provider.
    pub sign_ins: SignIns,
    /// Sign-ins that did not end well, by code.
    failures: Mutex<BTreeMap<&'static str, u64>>,
    /// Tokens that apps asked for.
    pub grants: Table<Grant, Table<Granting, Counter>>,
    /// Sign-outs.
    pub sign_outs: Table<SignOutStart, Table<SignOutEnd, Counter>>,
    /// What adapters did.
    pub providers: Table<TypeLabel, Table<ProviderCall, Histogram>>,
    /// Calls to providers over HTTP.
    pub fetches: Table<Fetched, Histogram>,
    /// Functions that were asked.
    pub triggers: Table<Trigger, Asked>,
    /// Questions to the directory.
    pub directory: Table<DirectoryCall, Asked>,
    /// Questions to the session store.
    pub sessions: Table<SessionCall, Asked>,
    /// Requests that were one too many.
    pub throttled: Table<Limit, Counter>,
    /// Audit events.
    pub audited: Table<Audited, Counter>,
    /// Whether the directory answered last.
    pub directory_up: Up,
    /// Whether the session store answered last.
    pub sessions_up: Up,
}

/// Whether something is up.
#[derive(Debug, Default)]
pub struct Up(AtomicBool);

impl Up {
    /// What is known now.
    pub fn set(&self, up: bool) {
        // Written at every answer of a store: the line of memory is shared as long as nothing changes.
        if self.0.load(Ordering::Relaxed) != up {
            self.0.store(up, Ordering::Relaxed);
        }
    }

    /// What is known.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Metrics {
    /// A sign-in did not end well. `code` is one of `docs/errors.md`.
    pub fn sign_in_failed(
        &self,
        pool_id: &str,
        provider: Option<&str>,
        start: Start,
        outcome: Outcome,
        code: &'static str,
    ) {
        self.sign_ins.ended(pool_id, provider, start, outcome);
        *self.failures.lock().unwrap_or_else(PoisonError::into_inner).entry(code).or_default() += 1;
    }

    /// Failures by code.
    pub fn failures(&self) -> BTreeMap<&'static str, u64> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A grant was answered with this HTTP status.
    pub fn granted(&self, grant: Grant, status: u16) {
        let end = match status {
            200..=299 => Granting::Issued,
            503 => Granting::Unavailable,
            500..=599 => Granting::Internal,
            _ => Granting::Refused,
        };
        self.grants.of(grant).of(end).inc();
    }

    /// A sign-out was answered with this HTTP status.
    pub fn signed_out(&self, start: SignOutStart, status: u16) {
        let end = match status {
            200..=399 => SignOutEnd::Done,
            500..=599 => SignOutEnd::Unavailable,
            _ => SignOutEnd::Refused,
        };
        self.sign_outs.of(start).of(end).inc();
    }

    /// Waits for what an adapter does, timed and with a span.
    pub async fn provider<T>(
        &self,
        provider_type: ProviderType,
        call: ProviderCall,
        work: impl Future<Output = T>,
    ) -> T {
        let label = TypeLabel::from(provider_type);
        let _timer = self.providers.of(label).of(call).timer();
        work.instrument(trace::provider(label, call)).await
    }
}
