//! Several replicas, and what they fetch for each other.

use async_trait::async_trait;
use time::OffsetDateTime;

use super::*;
use crate::shared::{SharedCopies, SharedCopy, Turn};

/// The memory that replicas share, by the tests' clock.
struct Memory {
    clock: Arc<TestClock>,
    copies: Mutex<BTreeMap<String, (SharedCopy, OffsetDateTime)>>,
    turns: Mutex<BTreeMap<String, (OffsetDateTime, OffsetDateTime)>>,
}

#[async_trait]
impl SharedCopies for Memory {
    async fn find(&self, name: &str) -> Option<SharedCopy> {
        let copies = self.copies.lock().unwrap();
        copies.get(name).filter(|(_, until)| self.clock.now() < *until).map(|(copy, _)| copy.clone())
    }

    async fn turn(&self, name: &str, pause: Duration) -> Turn {
        let (mut turns, now) = (self.turns.lock().unwrap(), self.clock.now());
        match turns.get(name) {
            Some((since, until)) if now < *until => Turn::Theirs(*since),
            _ => {
                turns.insert(name.to_owned(), (now, now + pause));
                Turn::Ours
            }
        }
    }

    async fn keep(&self, name: &str, copy: SharedCopy, until: OffsetDateTime) {
        self.copies.lock().unwrap().insert(name.to_owned(), (copy, until));
    }

    fn give_back(&self, name: &str) {
        self.turns.lock().unwrap().remove(name);
    }
}

/// A provider, two replicas of ours, and their memory.
struct Two {
    idp: Idp,
    other: OidcProvider,
    memory: Arc<Memory>,
}

impl Two {
    async fn new() -> Self {
        let mut idp = Idp::new().await;
        let clock = Arc::clone(&idp.clock);
        let memory = Arc::new(Memory { clock, copies: Mutex::default(), turns: Mutex::default() });
        idp.around.shared = Arc::<Memory>::clone(&memory);
        let other = Self::replica(&idp);
        idp.tokens(&Self::said(&idp));
        Self { idp, other, memory }
    }

    fn replica(idp: &Idp) -> OidcProvider {
        let details = details(&[("oidc_issuer", &idp.issuer())]);
        let mapped = MAPPED.map(str::to_owned).into();
        OidcProvider::of(Setup { details: &details, mapped: &mapped, dev: true }).unwrap()
    }

    /// What the provider says, for two hours.
    fn said(idp: &Idp) -> Value {
        let mut said = claims(&idp.issuer());
        said["exp"] = json!(NOW.unix_timestamp() + 7200);
        said
    }

    async fn finish(&self, replica: &OidcProvider) -> Result<ExternalIdentity, ProviderError> {
        let pairs = [("state", HANDLE), ("code", "code-1")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let inbound = Inbound::OAuth(pairs.into());
        Ok(replica.finish(&self.idp.around, &self.idp.facts, inbound).await?.into_inner())
    }

    async fn fetched(&self) -> (usize, usize) {
        let discovery = self.idp.requests("/.well-known/openid-configuration").await.len();
        (discovery, self.idp.requests("/jwks").await.len())
    }

    /// From now on the provider signs with this key, and offers it.
    fn rotates(&self, kid: &str) {
        let new = Pair::ec("P-256");
        let body = ok(&Value::Object(keys(&[new.jwk(kid)])));
        self.idp.play(|script| script.jwks = body);
        let header = json!({ "alg": "ES256", "kid": kid });
        self.idp.token_reply(new.sign(&header, Self::said(&self.idp).to_string().as_bytes()));
        // Clocks tell one fetch from the next.
        self.idp.clock.pass(Duration::SECOND);
    }
}

#[tokio::test]
async fn what_one_replica_fetched_another_need_not_fetch() {
    let two = Two::new().await;
    two.finish(&two.idp.provider).await.unwrap();
    two.idp.clock.pass(Duration::minutes(9));
    two.finish(&two.other).await.unwrap();
    assert_eq!(two.fetched().await, (1, 1));
    // Who knows nothing yet takes nothing old: a provider that is saved anew is read anew.
    two.idp.clock.pass(Duration::minutes(2));
    two.finish(&Two::replica(&two.idp)).await.unwrap();
    assert_eq!(two.fetched().await, (2, 2));
}

#[tokio::test]
async fn a_set_of_another_replica_gets_no_younger_by_being_shared() {
    let two = Two::new().await;
    two.finish(&two.idp.provider).await.unwrap();
    two.idp.clock.pass(Duration::minutes(9));
    two.finish(&two.other).await.unwrap();
    two.idp.clock.pass(Duration::minutes(52));
    two.finish(&two.other).await.unwrap();
    assert_eq!(two.fetched().await.1, 2, "an hour after it was fetched, not after it was taken");
    two.finish(&two.idp.provider).await.unwrap();
    assert_eq!(two.fetched().await.1, 2, "and that serves the first as well");
}

#[tokio::test]
async fn a_new_key_is_found_at_once_on_every_replica_and_fetched_once() {
    let two = Two::new().await;
    two.finish(&two.idp.provider).await.unwrap();
    two.finish(&two.other).await.unwrap();
    two.rotates("k2");
    two.finish(&two.other).await.unwrap();
    two.finish(&two.idp.provider).await.unwrap();
    assert_eq!(two.fetched().await.1, 2);
    // A replica that starts now has the set of before the next roll-over from the others, and may look again.
    two.idp.clock.pass(Duration::minutes(1));
    two.rotates("k3");
    two.finish(&Two::replica(&two.idp)).await.unwrap();
    assert_eq!(two.fetched().await.1, 3);
}

#[tokio::test]
async fn a_key_that_nobody_knows_fetches_once_a_minute_on_all_replicas_together() {
    let two = Two::new().await;
    two.finish(&two.idp.provider).await.unwrap();
    two.finish(&two.other).await.unwrap();
    let new = Pair::ec("P-256");
    let header = json!({ "alg": "ES256", "kid": "k2" });
    two.idp.token_reply(new.sign(&header, claims(&two.idp.issuer()).to_string().as_bytes()));
    for _ in 0..3 {
        for replica in [&two.idp.provider, &two.other] {
            assert_eq!(check_of(&two.finish(replica).await.unwrap_err()), "oidc_kid");
        }
        two.idp.clock.pass(Duration::seconds(19));
    }
    assert_eq!(two.fetched().await.1, 2);
    let body = ok(&Value::Object(keys(&[new.jwk("k2")])));
    two.idp.play(|script| script.jwks = body);
    two.idp.clock.pass(Duration::seconds(3));
    two.finish(&two.other).await.unwrap();
    two.finish(&two.idp.provider).await.unwrap();
    assert_eq!(two.fetched().await.1, 3, "a minute after the last fetch the new key is there for all");
}

#[tokio::test]
async fn a_copy_of_another_issuer_or_of_no_use_is_not_believed() {
    let two = Two::new().await;
    two.finish(&two.idp.provider).await.unwrap();
    let evil = Two::new().await;
    let foreign = Idp::metadata(&evil.idp.issuer()).to_string().into_bytes();
    for (name, (copy, _)) in two.memory.copies.lock().unwrap().iter_mut() {
        copy.body = if name.starts_with("discovery") { foreign.clone() } else { b"no key set".to_vec() };
    }
    two.memory.turns.lock().unwrap().clear();
    two.finish(&two.other).await.unwrap();
    assert_eq!(two.fetched().await, (2, 2), "each was fetched, as if there had been none");
    assert_eq!(evil.fetched().await, (0, 0));
}

#[tokio::test]
async fn what_is_shared_is_named_after_its_address_issuer_and_client() {
    let two = Two::new().await;
    two.finish(&two.idp.provider).await.unwrap();
    let names: Vec<_> = two.memory.copies.lock().unwrap().keys().cloned().collect();
    assert_eq!(names.len(), 2);
    let issuer = two.idp.issuer();
    let whose = format!(" {}:{issuer} {}:{CLIENT}", issuer.len(), CLIENT.len());
    assert!(names.iter().all(|name| name.ends_with(&whose)), "{names:?}");
}

#[tokio::test]
async fn who_hangs_up_gives_the_turn_back_and_who_dies_holds_nobody_up_for_long() {
    let two = Two::new().await;
    let slow = ok(&Idp::metadata(&two.idp.issuer())).set_delay(std::time::Duration::from_secs(60));
    two.idp.play(|script| script.discovery = slow);
    let given_up =
        tokio::time::timeout(std::time::Duration::from_millis(300), two.finish(&two.idp.provider)).await;
    assert!(given_up.is_err());
    assert!(two.memory.turns.lock().unwrap().is_empty());
    two.idp.play(|script| script.discovery = ok(&Idp::metadata(&two.idp.issuer())));
    // As if another replica had begun, and died.
    let (issuer, now) = (two.idp.issuer(), two.idp.clock.now());
    let name = two.name_of_discovery(&issuer);
    two.memory.turns.lock().unwrap().insert(name, (now, now + Duration::seconds(12)));
    let started = std::time::Instant::now();
    two.finish(&two.other).await.unwrap();
    assert!(started.elapsed() >= std::time::Duration::from_secs(1), "it was waited for");
}

impl Two {
    fn name_of_discovery(&self, issuer: &str) -> String {
        let address = format!("{issuer}/.well-known/openid-configuration");
        let parts = [address.as_str(), issuer, CLIENT];
        let parts: String = parts.iter().map(|part| format!(" {}:{part}", part.len())).collect();
        format!("discovery{parts} first")
    }
}

#[tokio::test]
async fn what_a_clock_dated_that_was_hours_ahead_is_fetched_anew_once_the_clock_is_right() {
    let two = Two::new().await;
    let hours = Duration::hours(3);
    two.idp.clock.pass(hours);
    let mut ahead = claims(&two.idp.issuer());
    for (name, seconds) in [("iat", 0), ("exp", 300)] {
        ahead[name] = json!((NOW + hours).unix_timestamp() + seconds);
    }
    two.idp.tokens(&ahead);
    two.finish(&two.idp.provider).await.unwrap();
    two.idp.clock.pass(-hours);
    // The provider withdraws its key. Neither the replica's own set nor the copy is new for three hours more.
    let next = Pair::ec("P-256");
    let body = ok(&Value::Object(keys(&[next.jwk("k2")])));
    two.idp.play(|script| script.jwks = body);
    two.idp.tokens(&Two::said(&two.idp));
    assert_eq!(check_of(&two.finish(&two.idp.provider).await.unwrap_err()), "oidc_kid");
    two.memory.turns.lock().unwrap().clear();
    assert_eq!(check_of(&two.finish(&two.other).await.unwrap_err()), "oidc_kid");
}

#[tokio::test]
async fn a_failure_that_a_clock_dated_that_was_hours_ahead_holds_nobody_up() {
    let two = Two::new().await;
    two.idp.clock.pass(Duration::hours(3));
    two.idp.play(|script| script.discovery = ResponseTemplate::new(500));
    two.finish(&two.idp.provider).await.unwrap_err();
    two.idp.clock.pass(-Duration::hours(3));
    two.memory.turns.lock().unwrap().clear();
    two.idp.play(|script| script.discovery = ok(&Idp::metadata(&two.idp.issuer())));
    two.finish(&two.idp.provider).await.unwrap();
}
