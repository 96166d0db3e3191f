//! One gateway over Redis and PostgreSQL, each behind a network that can fail, and every step of a sign-in asked while
//! a store is away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use poolgate_testing::{Postgres, Proxy, Redis};
use serde_json::{Value, json};
use url::Url;

use crate::harness::{Gateway, Landing, MASTER_KEY, Person};
use crate::load::{Load, Request, Signed, Soul, Trouble};

/// What the stores' addresses say how long one answer may take.
pub const TIMEOUT: Duration = Duration::from_secs(1);
/// By then every request has its answer: a step on a store is tried twice at most, the first that fails is the last
/// of its request, and the machine may be busy.
pub const BOUND: Duration = Duration::from_secs(3);
/// How long the gateway may take to be ready after a store is back.
pub const RECOVERY: Duration = Duration::from_secs(15);

/// The gateway and its stores.
pub struct Scene {
    pub redis: Redis,
    pub postgres: Postgres,
    /// Before Redis.
    pub to_redis: Proxy,
    /// Before PostgreSQL.
    pub to_postgres: Proxy,
    pub gateway: Gateway,
    pub load: Arc<Load>,
}

/// How one request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// As if nothing were broken.
    Right,
    /// A clear refusal: a store is away.
    Away,
    /// A clear refusal: what was under way is not known any more.
    Lost,
}

/// What is under way when the store fails.
pub struct UnderWay {
    /// Asked at the provider, not yet answered: SAML and OIDC.
    asked: Vec<(Soul, Person, Request, Url)>,
    /// Signed in, the code not yet exchanged.
    landed: (Soul, Request, Landing),
    /// Signed in, with tokens and a session in this browser.
    known: (Soul, Person, Signed),
    /// About to sign out.
    leaving: Person,
}

impl Scene {
    /// One over these stores; `user` is the part before `@` of Redis' address, and `@`.
    pub async fn new(redis: Redis, user: &str, postgres: Postgres) -> Self {
        Self::with_timeout(redis, user, postgres, TIMEOUT).await
    }

    /// The same, with another time that one answer of a store may take.
    pub async fn with_timeout(redis: Redis, user: &str, postgres: Postgres, timeout: Duration) -> Self {
        let (to_redis, to_postgres) = (Proxy::before(redis.port()), Proxy::before(postgres.port()));
        let (directory, sessions) = addresses(&to_redis, &to_postgres, user, timeout);
        let gateway = Gateway::start_with(&settings(&directory, &sessions)).await;
        let load = Load::provision(&gateway.url()).await;
        Self { redis, postgres, to_redis, to_postgres, gateway, load }
    }

    /// Sign-ins at every stage.
    pub async fn under_way(&self, round: usize) -> UnderWay {
        let load = &self.load;
        let mut asked = Vec::new();
        for provider in ["Saml", "Oidc"] {
            let (soul, browser) = (Soul::new(format!("asked{round}"), provider), load.browser());
            let request = load.request(load.client("app"), provider);
            let at = load.ask(&browser, &request).await.unwrap();
            asked.push((soul, browser, request, at));
        }
        let (soul, _, request, landing) = self.land(&format!("landed{round}")).await;
        let (known, browser, asked_for, back) = self.land(&format!("known{round}")).await;
        let signed = load.redeem(&known, &asked_for, &back).await.unwrap();
        let (_, leaving, ..) = self.land(&format!("leaving{round}")).await;
        UnderWay { asked, landed: (soul, request, landing), known: (known, browser, signed), leaving }
    }

    async fn land(&self, name: &str) -> (Soul, Person, Request, Landing) {
        let load = &self.load;
        let (soul, browser) = (Soul::new(name, "Saml"), load.browser());
        let request = load.request(load.client("app"), "Saml");
        let at = load.ask(&browser, &request).await.unwrap();
        let landing = load.provider_answers(&browser, &soul, &at).await.unwrap();
        (soul, browser, request, landing)
    }

    /// Every step, all at once; how each ended, none of them wrong and none later than `bound`.
    pub async fn every_step(&self, under_way: &UnderWay, bound: Duration) -> BTreeMap<&'static str, End> {
        let load = &self.load;
        let (soul, request, landing) = &under_way.landed;
        let (known, browser, signed) = &under_way.known;
        let [saml, oidc] = under_way.asked.as_slice() else { panic!("two are asked") };
        let begun = Instant::now();
        let ends = tokio::join!(
            within(bound, "authorize", async {
                load.ask(&load.browser(), &self.asks("Saml")).await.map(|_| ())
            }),
            within(bound, "authorize, session", async {
                load.return_to_app(browser, known).await.map(|_| ())
            }),
            within(bound, "callback, SAML", self.come_back(saml)),
            within(bound, "callback, OIDC", self.come_back(oidc)),
            within(bound, "code", async { load.redeem(soul, request, landing).await.map(|_| ()) }),
            within(bound, "refresh", load.refresh(known, signed)),
            within(bound, "userInfo", load.user_info(known, signed)),
            within(bound, "logout", load.sign_out(&under_way.leaving)),
            within(bound, "discovery", self.discovery()),
            self.manage(bound + begun.elapsed()),
        );
        let (a, b, c, d, e, f, g, h, i, j) = ends;
        [a, b, c, d, e, f, g, h, i, j].into_iter().collect()
    }

    fn asks(&self, provider: &str) -> Request {
        self.load.request(self.load.client("app"), provider)
    }

    async fn come_back(
        &self,
        (soul, browser, request, at): &(Soul, Person, Request, Url),
    ) -> Result<(), Trouble> {
        let landing = self.load.provider_answers(browser, soul, at).await?;
        // The code itself is looked at by those who exchange one.
        self.load.code_of(request, &landing).map(|_| ())
    }

    async fn discovery(&self) -> Result<(), Trouble> {
        let url = format!("{}/{}/.well-known/openid-configuration", self.load.url, self.load.pool.id);
        let found = self.load.http().get(url).send().await.unwrap();
        assert_eq!(found.status(), 200, "discovery needs no store");
        Ok(())
    }

    /// A management call that writes; boto3 itself takes its time to start.
    async fn manage(&self, bound: Duration) -> (&'static str, End) {
        let begun = Instant::now();
        let named = json!({"UserPoolId": self.load.pool.id, "ClientName": "made in a storm"});
        let answer = self.gateway.call("create_user_pool_client", named).await;
        assert!(begun.elapsed() < bound + Duration::from_secs(8), "management took {:?}", begun.elapsed());
        ("management", managed(&answer))
    }

    /// Waits until `/readyz` says so; `/healthz` is green all the while.
    pub async fn readiness(&self, ready: bool) -> Duration {
        let took = self.gateway.wait_for_readiness(ready, RECOVERY).await;
        assert_eq!(self.gateway.health("/healthz").await, Some(200), "alive throughout");
        took
    }

    /// Everybody who was under way signs in, and is one user.
    pub async fn all_is_well(&self, under_way: &UnderWay) {
        let mut souls: Vec<_> = under_way.asked.iter().map(|(soul, ..)| soul).collect();
        souls.extend([&under_way.landed.0, &under_way.known.0]);
        for soul in &souls {
            let (browser, request) = (self.load.browser(), self.asks(soul.provider));
            let at = self.load.ask(&browser, &request).await.unwrap();
            let landing = self.load.provider_answers(&browser, soul, &at).await.unwrap();
            let signed = self.load.redeem(soul, &request, &landing).await.unwrap();
            self.load.refresh(soul, &signed).await.unwrap();
            self.load.user_info(soul, &signed).await.unwrap();
        }
        let (known, _, signed) = &under_way.known;
        self.load.refresh(known, signed).await.expect("who was signed in before still is");
        let calls: Vec<_> = souls.iter().map(|soul| self.all_like(soul)).collect();
        for (soul, found) in souls.iter().zip(self.gateway.calls(&calls).await) {
            let users = found["Users"].as_array().unwrap_or_else(|| panic!("{found}"));
            assert_eq!(users.len(), 1, "{soul:?} is one user: {found}");
        }
    }

    fn all_like(&self, soul: &Soul) -> (&'static str, Value) {
        let filter = format!("username ^= \"{}\"", soul.username());
        ("list_users", json!({"UserPoolId": self.load.pool.id, "Filter": filter}))
    }
}

/// Where the stores are, through the proxies.
pub fn addresses(to_redis: &Proxy, to_postgres: &Proxy, user: &str, timeout: Duration) -> (String, String) {
    let millis = timeout.as_millis();
    (
        format!("postgres://poolgate@127.0.0.1:{}/poolgate?timeout_ms={millis}", to_postgres.port()),
        format!("redis://{user}127.0.0.1:{}?timeout_ms={millis}", to_redis.port()),
    )
}

/// The settings of a gateway over these.
pub fn settings<'a>(directory: &'a str, sessions: &'a str) -> [(&'a str, &'a str); 3] {
    [
        ("POOLGATE_MASTER_KEY", MASTER_KEY),
        ("POOLGATE_DIRECTORY_URL", directory),
        ("POOLGATE_SESSION_URL", sessions),
    ]
}

async fn within(
    bound: Duration,
    step: &'static str,
    asked: impl Future<Output = Result<(), Trouble>>,
) -> (&'static str, End) {
    let begun = Instant::now();
    let end = match asked.await {
        Ok(()) => End::Right,
        Err(Trouble::Refused { lost: false, .. }) => End::Away,
        Err(Trouble::Refused { lost: true, .. }) => End::Lost,
        Err(trouble) => panic!("{step}: {trouble:?}"),
    };
    assert!(begun.elapsed() < bound, "{step} took {:?}: {end:?}", begun.elapsed());
    (step, end)
}

fn managed(answer: &Value) -> End {
    match (answer["error"].as_str(), answer["status"].as_u64()) {
        (None, _) => End::Right,
        (Some("InternalErrorException"), Some(503)) => {
            assert!(answer["request_id"].is_string(), "{answer}");
            End::Away
        }
        _ => panic!("{answer}"),
    }
}
