//! How sign-ins end, by pool and provider.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::labels::{Counter, Outcome, Start, Table};

/// Most pairs of pool and provider that are counted apart.
pub const MOST: usize = 1_000;
/// What cannot be attributed to a provider. No provider can have this name: it may hold no parenthesis.
pub const NONE: &str = "(none)";
/// What is beyond [`MOST`].
pub const OTHER: &str = "(other)";

/// What is counted of one provider.
#[derive(Debug, Default)]
pub struct Pair {
    /// Sign-ins that ended.
    pub ended: Table<Start, Table<Outcome, Counter>>,
    /// Browsers sent to it.
    pub departed: Counter,
}

type Pools = HashMap<String, HashMap<String, Arc<Pair>>>;

/// Sign-ins by pool and provider. Names come from the configuration; what is gone from there is forgotten at the
/// next scrape.
#[derive(Debug, Default)]
pub struct SignIns {
    pools: RwLock<Pools>,
    rest: Pair,
}

impl SignIns {
    /// A sign-in has ended.
    pub fn ended(&self, pool_id: &str, provider: Option<&str>, start: Start, outcome: Outcome) {
        self.at(pool_id, provider, |pair| pair.ended.of(start).of(outcome).inc());
    }

    /// A browser leaves for a provider.
    pub fn departed(&self, pool_id: &str, provider: &str) {
        self.at(pool_id, Some(provider), |pair| pair.departed.inc());
    }

    fn at(&self, pool_id: &str, provider: Option<&str>, count: impl FnOnce(&Pair)) {
        let provider = provider.unwrap_or(NONE);
        {
            let pools = self.pools.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(pair) = pools.get(pool_id).and_then(|pool| pool.get(provider)) {
                return count(pair);
            }
        }
        let mut pools = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        let known = pools.get(pool_id).is_some_and(|pool| pool.contains_key(provider));
        if !known && pools.values().map(HashMap::len).sum::<usize>() >= MOST {
            return count(&self.rest);
        }
        count(pools.entry(pool_id.to_owned()).or_default().entry(provider.to_owned()).or_default());
    }

    /// Forgets every pair that is not `configured` (pool, provider; [`NONE`] is asked, too).
    pub fn keep(&self, configured: impl Fn(&str, &str) -> bool) {
        let mut pools = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|pool_id, pool| {
            pool.retain(|provider, _| configured(pool_id, provider));
            !pool.is_empty()
        });
    }

    /// Every pair, sorted, then the rest where there is one.
    pub fn each(&self, mut show: impl FnMut(&str, &str, &Pair)) {
        let pools = self.pools.read().unwrap_or_else(PoisonError::into_inner);
        let mut pairs: Vec<(String, String, Arc<Pair>)> = pools
            .iter()
            .flat_map(|(pool_id, pool)| {
                pool.iter().map(|(provider, pair)| (pool_id.clone(), provider.clone(), Arc::clone(pair)))
            })
            .collect();
        drop(pools);
        pairs.sort_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
        for (pool_id, provider, pair) in &pairs {
            show(pool_id, provider, pair);
        }
        if self.rest.was_used() {
            show(OTHER, OTHER, &self.rest);
        }
    }
}

impl Pair {
    fn was_used(&self) -> bool {
        let ended = |(_, table): (_, &Table<Outcome, Counter>)| table.iter().any(|(_, cell)| cell.get() > 0);
        self.departed.get() > 0 || self.ended.iter().any(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sign_ins: &SignIns) -> Vec<(String, String, u64)> {
        let mut shown = Vec::new();
        sign_ins.each(|pool_id, provider, pair| {
            let count = pair.ended.of(Start::App).of(Outcome::SignedIn).get();
            shown.push((pool_id.to_owned(), provider.to_owned(), count));
        });
        shown
    }

    #[test]
    fn beyond_a_thousand_pairs_one_counts_for_all_and_room_is_made_by_what_was_deleted() {
        let sign_ins = SignIns::default();
        let sign_in = |provider: &str| sign_ins.ended("p", Some(provider), Start::App, Outcome::SignedIn);
        for number in 0..MOST + 5 {
            sign_in(&format!("P{number:04}"));
        }
        sign_in("P0000");
        let all = shown(&sign_ins);
        assert_eq!(all.len(), MOST + 1);
        assert_eq!(all[0], ("p".into(), "P0000".into(), 2));
        assert_eq!(all[MOST], (OTHER.into(), OTHER.into(), 5));
        sign_ins.keep(|_, provider| provider != "P0000");
        sign_in("new");
        let all = shown(&sign_ins);
        assert!(!all.iter().any(|(_, provider, _)| provider == "P0000"));
        assert!(all.contains(&("p".into(), "new".into(), 1)));
    }
}
