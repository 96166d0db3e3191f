//! A provider's metadata, fetched again: when it is due, and when a signature names a key that it does not know.

use std::sync::{Arc, Mutex};
use std::time::Duration as Wait;

use poolgate_providers::saml::keys::Fingerprint;
use poolgate_providers::saml::{IdpMetadata, UNKNOWN_KEY, metadata};
use poolgate_providers::{ProviderError, Random as _};
use thiserror::Error;
use time::{Duration, OffsetDateTime};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::document::{self, FetchFailed, Unusable};
use super::schedule::{self, Jitter, REST};
use super::{Name, Upkeep, find, lock, metadata_url};
use crate::directory::DirectoryError;
use crate::pool::Timestamp;
use crate::registry::{Edit, LivePool, LiveProvider, Versioned};
use crate::sessions::{Key, Kind};

/// How many documents are fetched at once.
const AT_ONCE: usize = 8;
/// How often a signature that nobody knows may have a provider's metadata fetched.
const UNKNOWN_KEY_PAUSE: Duration = Duration::minutes(1);
/// How long a sign-in waits for fresh metadata: as long as one fetch may take.
const PATIENCE: Wait = Wait::from_secs(10);
/// How often is looked whether another replica's fetch is done.
const GLANCE: Wait = Wait::from_millis(50);

/// How long a replica has for one fetch: it, and its write.
const LEASE: Duration = Duration::seconds(30);
/// How much later than due a fetch is made when replicas cannot agree on who makes it; up to three and a half times
/// that, by chance.
const ALONE: Duration = Duration::minutes(2);
/// How long failures are remembered.
const KEPT: Duration = Duration::hours(2);

/// What is known of a provider's fetches beyond the record.
#[derive(Default)]
pub(super) struct Known {
    /// One fetch at a time: whoever else wants one waits, and finds what it brought.
    fetching: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The good fetch from which `due` follows.
    since: Option<Timestamp>,
    due: Option<OffsetDateTime>,
    /// When the last fetch ended, however.
    ended: Option<OffsetDateTime>,
    /// Fetches that failed since the last good one.
    failures: u32,
}

/// Why metadata is fetched.
enum Why {
    /// Its time has come.
    Due,
    /// A signature was made by none of the keys in this document.
    UnknownKey { tried: Option<String> },
}

/// What a good fetch brought.
struct Fetched {
    changed: bool,
    new_certificates: Vec<Fingerprint>,
}

/// Why the last good copy stays.
#[derive(Debug, Error)]
enum Failed {
    #[error("it cannot be fetched: {0}")]
    Fetch(#[from] FetchFailed),
    #[error("the document is not used: {0}")]
    Document(#[from] Unusable),
    #[error(
        "the document is of another provider, {0}: configure the provider again if it has a new entity id"
    )]
    OtherEntity(String),
    #[error("the copy in store cannot be read, so nobody can tell whose it is: configure the provider again")]
    UnreadableCopy,
    #[error("somebody else changed the provider meanwhile")]
    Overtaken,
    #[error("it cannot be stored: {0}")]
    Store(DirectoryError),
}

impl From<DirectoryError> for Failed {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Stale(_) | DirectoryError::Overtaken(_) | DirectoryError::Missing(_) => {
                Self::Overtaken
            }
            other => Self::Store(other),
        }
    }
}

impl Upkeep {
    /// The pool with fresher metadata of this provider than `pool` has, where `error` says that a signature was
    /// made by no key that it knows. The caller verifies once more, with the new adapter, in full.
    ///
    /// Metadata is fetched for this at most once a minute for each provider, on all replicas together, and not
    /// within 10 s of the last fetch; whoever comes meanwhile, to whichever replica, waits for the same fetch, for 20 s
    /// at most. `None` for every other error, for a provider whose metadata was given as a file, and when nothing is
    /// new.
    pub async fn second_chance(
        self: &Arc<Self>,
        pool: &LivePool,
        provider: &str,
        error: &ProviderError,
    ) -> Option<Arc<LivePool>> {
        if error.code() != UNKNOWN_KEY {
            return None;
        }
        let before = &pool.providers.get(provider)?.config.value;
        metadata_url(before)?;
        let tried = before.metadata_document.clone();
        let name = (pool.id().to_owned(), provider.to_owned());
        let fresher = || {
            let fresh = self.registry.snapshot().pool(pool.id()).cloned()?;
            let now = fresh.providers.get(provider)?.config.value.metadata_document.as_ref();
            (now != tried.as_ref()).then_some(fresh)
        };
        // Another replica may have just brought it.
        self.takes_what_is_written().await;
        if let Some(fresh) = fresher() {
            return Some(fresh);
        }
        let (upkeep, why) = (Arc::clone(self), Why::UnknownKey { tried: tried.clone() });
        // On its own: a browser that goes away must not break the fetch off and use up the minute.
        let fetch = tokio::spawn(async move { upkeep.refresh(&name, why).await }.in_current_span());
        let _ = tokio::time::timeout(PATIENCE, fetch).await;
        if let Some(fresh) = fresher() {
            return Some(fresh);
        }
        self.others_are_done(&(pool.id().to_owned(), provider.to_owned())).await;
        fresher()
    }

    /// Waits while another replica fetches for an unknown key, for as long as one fetch may take, and takes what it
    /// brought.
    async fn others_are_done(&self, name: &Name) {
        let looking = looking(name);
        let done = async {
            while self.sessions.get(&looking).await.is_ok_and(|held| held.is_some()) {
                tokio::time::sleep(GLANCE).await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, done).await;
        self.takes_what_is_written().await;
    }

    async fn takes_what_is_written(&self) {
        if let Err(error) = self.registry.caught_up().await {
            tracing::debug!(%error, "what another replica fetched cannot be read");
        }
    }

    /// Refreshes every provider whose time has come, a few at once.
    pub(super) async fn refresh_due(self: &Arc<Self>) {
        let (permits, mut tasks) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
        for name in self.due_names() {
            let (upkeep, permits) = (Arc::clone(self), Arc::clone(&permits));
            tasks.spawn(async move {
                let _permit = permits.acquire().await;
                upkeep.refresh(&name, Why::Due).await;
            });
        }
        while tasks.join_next().await.is_some() {}
    }

    fn due_names(&self) -> Vec<Name> {
        let (snapshot, now) = (self.registry.snapshot(), self.now());
        let mut known = lock(&self.known);
        known.retain(|name, _| find(&snapshot, name).is_some());
        let mut due = Vec::new();
        for pool in snapshot.pools() {
            for (provider, live) in &pool.providers {
                if metadata_url(&live.config.value).is_none() {
                    continue;
                }
                let name = (pool.id().to_owned(), provider.clone());
                if self.due_at(live, known.entry(name.clone()).or_default(), now) <= now {
                    due.push(name);
                }
            }
        }
        due
    }

    /// When this provider's metadata is to be fetched.
    fn due_at(&self, live: &LiveProvider, known: &Known, now: OffsetDateTime) -> OffsetDateTime {
        let since = live.config.value.metadata_fetched;
        let mut state = lock(&known.state);
        // Further off than anything is put off: reckoned by a clock that has been set back since.
        let believed = |due: &OffsetDateTime| state.since == since && *due - now <= schedule::LONGEST;
        if let Some(due) = state.due.filter(believed) {
            return due;
        }
        // Never fetched, as far as the record says, or by a clock that has been set back since.
        let due = match since.map(Timestamp::moment).filter(|fetched| *fetched <= now) {
            Some(fetched) => {
                let metadata = live.adapter.as_ref().ok().and_then(|adapter| adapter.metadata());
                let cache_for = metadata.and_then(|metadata| metadata.cache_for);
                let valid_until = metadata.and_then(|metadata| metadata.valid_until);
                schedule::after_success(fetched, cache_for, valid_until, self.jitter())
            }
            None => now,
        };
        (state.since, state.due, state.failures) = (since, Some(due), 0);
        due
    }

    fn jitter(&self) -> Jitter {
        let mut byte = [0_u8];
        self.around.random.fill(&mut byte);
        Jitter(byte[0])
    }

    fn known(&self, name: &Name) -> Arc<Known> {
        Arc::clone(lock(&self.known).entry(name.clone()).or_default())
    }

    /// How many fetches of this provider have failed in a row.
    pub(super) fn failures(&self, name: &Name) -> u32 {
        lock(&self.known).get(name).map_or(0, |known| lock(&known.state).failures)
    }

    async fn refresh(&self, name: &Name, why: Why) {
        let known = self.known(name);
        let _alone = known.fetching.lock().await;
        let is_due = matches!(why, Why::Due);
        if is_due && !self.takes_turn(name, &known).await {
            return;
        }
        // As it is after the wait.
        let (snapshot, now) = (self.registry.snapshot(), self.now());
        let wanted = match find(&snapshot, name) {
            None => false,
            Some(live) if known.rests(live.config.value.metadata_fetched, now) => false,
            Some(live) => match why {
                Why::Due => self.due_at(live, &known, now) <= now,
                Why::UnknownKey { tried } => {
                    live.config.value.metadata_document == tried && self.may_look_for_key(name, now).await
                }
            },
        };
        let live = find(&snapshot, name).filter(|_| wanted);
        let Some((live, url)) = live.and_then(|live| Some((live, metadata_url(&live.config.value)?))) else {
            if is_due {
                self.gives_turn_back(name).await;
            }
            return;
        };
        known.failed_before(self.failures_of_all(name).await);
        if !is_due {
            self.tell_looking(name, now).await;
        }
        let result = self.fetch_and_keep(live, url).await;
        let now = self.now();
        known.ended(now, &result, self.jitter());
        self.tell(name, &result);
        self.tell_all(name, &known, now).await;
        if !is_due {
            let _ = self.sessions.delete(&looking(name)).await;
        }
    }

    /// Tells the other replicas that something is coming, until it is there or the time for it is over.
    async fn tell_looking(&self, name: &Name, now: OffsetDateTime) {
        if let Err(error) = self.sessions.put(&looking(name), Vec::new(), now + PATIENCE).await {
            tracing::debug!(%error, "the other replicas do not know of a fetch");
        }
    }

    /// Whether this replica fetches, by what every replica has written until now: the last turn may have just ended.
    async fn takes_turn(&self, name: &Name, known: &Known) -> bool {
        let (snapshot, now) = (self.registry.snapshot(), self.now());
        let Some(live) = find(&snapshot, name) else { return false };
        if self.due_at(live, known, now) > now || !self.is_ours(name, live, known, now).await {
            return false;
        }
        if let Err(error) = self.registry.caught_up().await {
            let (pool_id, provider) = name;
            tracing::debug!(%error, %pool_id, %provider, "nothing is refreshed while the directory is away");
            self.gives_turn_back(name).await;
            return false;
        }
        true
    }

    async fn gives_turn_back(&self, name: &Name) {
        if let Err(error) = self.sessions.delete(&lease(name)).await {
            tracing::debug!(%error, "a turn is not given back: it ends by itself");
        }
    }

    /// Whether this replica fetches what is due. One does; should it die, the next one does when its lease is over.
    ///
    /// Without the session store nobody can tell: each waits some time longer, by chance, so that what one of them
    /// fetches reaches the others through the directory.
    async fn is_ours(&self, name: &Name, live: &LiveProvider, known: &Known, now: OffsetDateTime) -> bool {
        match self.sessions.put_new(&lease(name), Vec::new(), now + LEASE).await {
            Ok(ours) => ours,
            Err(error) => {
                let (pool_id, provider) = name;
                tracing::debug!(%error, %pool_id, %provider, "which replica refreshes cannot be agreed on");
                self.due_at(live, known, now) + ALONE * (100 + u32::from(self.jitter().0)) / 100 <= now
            }
        }
    }

    /// How many fetches in a row have failed, on all replicas, as far as is known.
    async fn failures_of_all(&self, name: &Name) -> u32 {
        let value = self.sessions.get(&failures(name)).await.ok().flatten();
        value.and_then(|value| String::from_utf8(value).ok()?.parse().ok()).unwrap_or(0)
    }

    /// Tells the other replicas how the fetch went: nobody tries again before it is time.
    async fn tell_all(&self, name: &Name, known: &Known, now: OffsetDateTime) {
        let (failed, due) = {
            let state = lock(&known.state);
            (state.failures, state.due.filter(|_| state.failures > 0))
        };
        let told = match due {
            Some(due) => {
                let count = failed.to_string().into_bytes();
                let kept = self.sessions.put(&failures(name), count, now + KEPT).await;
                kept.and(self.sessions.put(&lease(name), Vec::new(), due).await)
            }
            None => {
                let kept = self.sessions.delete(&failures(name)).await;
                kept.and(self.sessions.delete(&lease(name)).await)
            }
        };
        if let Err(error) = told {
            tracing::debug!(%error, "how a refresh went is not known to the other replicas");
        }
    }

    /// At most once a minute, whichever replica is asked and however often it starts.
    async fn may_look_for_key(&self, (pool_id, provider): &Name, now: OffsetDateTime) -> bool {
        let key = Key::new(Kind::Used, format!("metadata {pool_id} {provider}"));
        let first = self.sessions.put_new(&key, Vec::new(), now + UNKNOWN_KEY_PAUSE).await;
        first.unwrap_or_else(|error| {
            tracing::error!(%error, "cannot tell when metadata was last fetched for an unknown key");
            false
        })
    }

    async fn fetch_and_keep(&self, live: &LiveProvider, url: &str) -> Result<Fetched, Failed> {
        let before = &live.config.value;
        let document = document::fetch(&*self.around.http, url).await?;
        let now = self.now();
        let fresh = document::read(&before.provider_details, &document, self.dev, now)?.metadata;
        let stored = before.metadata_document.as_deref().unwrap_or_default();
        // Whose it is is told by the copy in store alone, whether or not an adapter can be made of it.
        let old = metadata::parse(stored.as_bytes()).map_err(|_| Failed::UnreadableCopy)?;
        if old.entity_id != fresh.entity_id {
            return Err(Failed::OtherEntity(fresh.entity_id.chars().take(200).collect()));
        }
        let fetched =
            Fetched { changed: stored != document, new_certificates: new_certificates(&old, &fresh) };
        let mut value = before.clone();
        // The administrator changed nothing: LastModifiedDate stays.
        value.metadata_fetched = Some(now.into());
        value.metadata_document = Some(document);
        let edit = Edit::UpdateProvider(Versioned { value, version: live.config.version });
        self.registry.edit(vec![edit]).await?;
        Ok(fetched)
    }

    fn tell(&self, name: &Name, result: &Result<Fetched, Failed>) {
        let (pool_id, provider) = name;
        match result {
            Ok(fetched) => {
                if fetched.changed {
                    tracing::info!(%pool_id, %provider, "the metadata has changed: the new one is in force");
                }
                for certificate in &fetched.new_certificates {
                    tracing::warn!(
                        %pool_id,
                        %provider,
                        %certificate,
                        "the metadata has brought a new signing certificate (SHA-256): whoever holds its key can \
                         sign anybody in. Ask the provider's administrator, or set pinned_certificates"
                    );
                }
            }
            Err(error @ Failed::Overtaken) => {
                tracing::info!(%pool_id, %provider, %error, "fetched metadata is dropped");
            }
            Err(error) => {
                let failures = self.failures(name);
                tracing::warn!(
                    %pool_id,
                    %provider,
                    %error,
                    failures,
                    "the metadata could not be refreshed: the last good copy stays, until its validUntil"
                );
            }
        }
    }
}

/// Held by the replica that fetches this provider's metadata, and after a failure until it is time to try again.
fn lease((pool_id, provider): &Name) -> Key {
    Key::new(Kind::Lease, format!("metadata {pool_id} {provider}"))
}

/// There while some replica fetches this provider's metadata for an unknown key.
fn looking((pool_id, provider): &Name) -> Key {
    Key::new(Kind::Lease, format!("metadata key {pool_id} {provider}"))
}

/// How many fetches have failed in a row.
fn failures((pool_id, provider): &Name) -> Key {
    Key::new(Kind::Fetched, format!("metadata failures {pool_id} {provider}"))
}

fn new_certificates(old: &IdpMetadata, fresh: &IdpMetadata) -> Vec<Fingerprint> {
    let is_known = |certificate| old.keys.iter().any(|key| key.certificate == certificate);
    let new = fresh.keys.iter().filter(|key| !is_known(key.certificate.clone()));
    new.map(poolgate_providers::saml::keys::VerifyKey::fingerprint).collect()
}

impl Known {
    /// Other replicas have failed so often in a row.
    fn failed_before(&self, failures: u32) {
        let mut state = lock(&self.state);
        state.failures = state.failures.max(failures);
    }

    /// Whether the last fetch, by whomever, is too fresh for another.
    fn rests(&self, fetched: Option<Timestamp>, now: OffsetDateTime) -> bool {
        let ended = lock(&self.state).ended;
        // A moment to come is one of a clock that has been set back since.
        let last = fetched.map(Timestamp::moment).into_iter().chain(ended).filter(|last| *last <= now).max();
        last.is_some_and(|last| now < last + REST)
    }

    fn ended(&self, now: OffsetDateTime, result: &Result<Fetched, Failed>, jitter: Jitter) {
        let mut state = lock(&self.state);
        state.ended = Some(now);
        match result {
            // What is due next follows from the record.
            Ok(_) => state.failures = 0,
            Err(Failed::Overtaken) => state.due = Some(schedule::after_failure(now, 1, jitter)),
            Err(_) => {
                state.failures = state.failures.saturating_add(1);
                state.due = Some(schedule::after_failure(now, state.failures, jitter));
            }
        }
    }
}
