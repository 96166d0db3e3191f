//! Three replicas on Redis under Sentinel and on PostgreSQL, under a load of complete sign-ins of which every request
//! goes to a replica drawn at random, while Redis fails over, a replica is killed and PostgreSQL crashes.
//!
//! `scripts/soak MINUTES` runs the same for longer.

mod changes;
mod endings;

use std::sync::Arc;
use std::time::{Duration, Instant};

use poolgate_testing::{Postgres, RedisSentinel};

use crate::harness::Replicas;
use crate::load::{Load, Signed};

/// Sign-ins under way at any time.
const AT_ONCE: usize = 8;
/// Sign-ins that must succeed between two faults, and after each before it counts as mended.
const QUIET: usize = 60;
/// How long those may take, and how long everything may take to work again after a fault.
const RECOVERY: Duration = Duration::from_secs(30);
/// Visits that begin this long after everything was ready may not fail.
const SLACK: Duration = Duration::from_millis(500);

/// Everything that runs.
struct Stage {
    redis: RedisSentinel,
    postgres: Postgres,
    replicas: Replicas,
    load: Arc<Load>,
}

impl Stage {
    async fn set() -> Self {
        let redis = tokio::task::spawn_blocking(RedisSentinel::start);
        let postgres = tokio::task::spawn_blocking(Postgres::start);
        let (redis, postgres) = (redis.await.unwrap(), postgres.await.unwrap());
        // Both replicas confirm what was used: with one of them Sentinel may promote the other, which has not seen it.
        let redis_url = format!("{}?wait_replicas=2", redis.url());
        let replicas = Replicas::start(3, &postgres.url(), &redis_url).await;
        let load = Load::provision(&replicas.url()).await;
        Self { redis, postgres, replicas, load }
    }

    /// Waits until so many more visits have succeeded.
    async fn successes(&self, count: usize) {
        let (begun, wanted) = (Instant::now(), self.load.record.successes() + count);
        while self.load.record.successes() < wanted {
            assert!(begun.elapsed() < RECOVERY, "{}", self.trouble("no sign-in succeeds any more"));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Something is broken and mended by `fault`; returns when sign-ins succeed again everywhere.
    async fn fault(&mut self, name: &str, cuts: bool, fault: impl AsyncFnOnce(&mut Self)) {
        let window = self.load.record.opens(name, cuts);
        fault(self).await;
        self.replicas.wait_until_ready().await;
        self.load.record.closes(window, SLACK);
        self.successes(QUIET).await;
    }

    /// What was used before is not good again.
    async fn nothing_is_good_twice(&self, used: &[Signed]) {
        for signed in used {
            self.load.use_again(&self.load.browser(), signed).await.unwrap();
        }
    }

    /// What went wrong comes last: whoever reads the end of a long log sees it.
    fn trouble(&self, what: &str) -> String {
        format!("{}\n{}\n{what}", self.replicas.logged(15), self.load.record.figures())
    }

    /// Redis fails over, a replica dies and comes back, PostgreSQL crashes and comes back.
    async fn everything_fails(&mut self) {
        self.successes(QUIET).await;
        let used = self.load.record.last_issued();
        self.fault("Redis' master is killed and comes back as a replica", false, async |stage| {
            tokio::task::block_in_place(|| {
                let killed = stage.redis.kill_master();
                stage.redis.wait_for_another(killed);
                stage.redis.servers_mut()[killed].restart();
                stage.redis.wait_until_whole();
            });
        })
        .await;
        self.nothing_is_good_twice(&used).await;

        self.fault("a replica is killed and started again", true, async |stage| {
            let victim = stage.load.record.successes() % stage.replicas.gateways.len();
            let victim = &mut stage.replicas.gateways[victim];
            victim.kill().await;
            victim.restart().await;
        })
        .await;

        let used = self.load.record.last_issued();
        self.fault("PostgreSQL crashes and starts again", false, async |stage| {
            tokio::task::block_in_place(|| {
                stage.postgres.crash();
                stage.postgres.restart();
            });
        })
        .await;
        self.nothing_is_good_twice(&used).await;
    }

    /// What must be true in the end.
    async fn check(&self) {
        eprintln!(
            "{}requests for each replica: {:?}",
            self.load.record.figures(),
            self.replicas.balancer.served()
        );
        let wrongs = self.load.record.wrongs();
        let some = &wrongs[..wrongs.len().min(10)];
        assert!(wrongs.is_empty(), "{}", self.trouble(&format!("{} wrong: {some:#?}", wrongs.len())));
        self.load.everybody_is_there().await;
        let total: u64 = self.replicas.balancer.served().iter().sum();
        for count in self.replicas.balancer.served() {
            assert!(count > total / 5, "each replica had its share: {:?}", self.replicas.balancer.served());
        }
        for gateway in &self.replicas.gateways {
            assert!(!gateway.logged().contains("panicked"), "{}", self.trouble("a replica panicked"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_give_no_wrong_answer_and_lose_nobody_while_everything_fails() {
    let mut stage = Stage::set().await;
    let people = stage.load.run(AT_ONCE);
    stage.everything_fails().await;
    changes::are_seen_by_all(&stage).await;
    endings::are_seen_by_all(&stage).await;
    stage.load.stop();
    people.join_all().await;
    stage.check().await;
}

/// The same again and again, for `POOLGATE_SOAK_MINUTES`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes as long as it is told to: scripts/soak MINUTES"]
async fn soak() {
    let minutes = std::env::var("POOLGATE_SOAK_MINUTES").expect("POOLGATE_SOAK_MINUTES is set");
    let end = Instant::now() + Duration::from_secs(60) * minutes.parse().expect("a number of minutes");
    let mut stage = Stage::set().await;
    let people = stage.load.run(AT_ONCE);
    while Instant::now() < end {
        stage.everything_fails().await;
        changes::are_seen_by_all(&stage).await;
        endings::are_seen_by_all(&stage).await;
        eprintln!("{}", stage.load.record.figures());
    }
    stage.load.stop();
    people.join_all().await;
    stage.check().await;
}
