//! What the stores cost, embedded and as servers: wall time per step by criterion, CPU time per step beside it.

#![expect(clippy::expect_used, reason = "a bench that cannot go on says so")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use poolgate::directory::Directory;
use poolgate::directory::postgres::{Address, PostgresDirectory};
use poolgate::directory::sqlite::SqliteDirectory;
use poolgate::pool::{FederatedProfile, Identity};
use poolgate::sessions::embedded::EmbeddedSessions;
use poolgate::sessions::redis::{RedisAddress, RedisSessions, SessionSeal};
use poolgate::sessions::{Key, Kind, SessionStore};
use poolgate_providers::{Clock, SystemClock, SystemRandom};
use poolgate_testing::{Postgres, Redis};

const POOL: &str = "eu-west-1_aBcDeF123";

fn profile(number: u64) -> FederatedProfile {
    let subject = format!("{:016x}@corp.example", number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    FederatedProfile {
        pool_id: POOL.into(),
        username: format!("Okta_{subject}"),
        new_sub: format!("6f1b2c3d-0000-4000-8000-{number:012x}"),
        identity: Identity {
            provider_name: "Okta".into(),
            provider_type: "SAML".into(),
            user_id: subject.clone(),
            issuer: Some("https://idp.example/saml".into()),
            primary: true,
            date_created: 1_795_262_400_000,
        },
        set: BTreeMap::from([
            ("email".to_owned(), subject),
            ("given_name".to_owned(), "Ada".to_owned()),
            ("family_name".to_owned(), "Lovelace".to_owned()),
            ("custom:department".to_owned(), "Research".to_owned()),
        ]),
        remove: Vec::new(),
        recognised: BTreeMap::new(),
        required: vec!["email".into()],
        immutable: Vec::new(),
        group: format!("{POOL}_Okta"),
        mapped_groups: Vec::new(),
        session: None,
        may_sign_up: true,
        at: SystemClock.now(),
    }
}

/// CPU time of this process, user and system, in clock ticks of 10 ms.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// Runs `step` with the numbers from `first` on, `count` of them, so many at a time.
async fn at_once<F>(
    concurrency: u64,
    first: u64,
    count: u64,
    step: impl Fn(u64) -> F + Clone + Send + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let tasks: Vec<_> = (0..concurrency)
        .map(|lane| {
            let step = step.clone();
            tokio::spawn(async move {
                let mut number = lane;
                while number < count {
                    step(first + number).await;
                    number += concurrency;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a step failed");
    }
}

struct Bench<'a> {
    criterion: &'a mut Criterion,
    runtime: &'a tokio::runtime::Runtime,
    /// `embedded`, or the servers' names.
    stores: &'static str,
}

impl Bench<'_> {
    #[expect(clippy::print_stderr, reason = "a bench talks to a person")]
    fn measure<F>(&mut self, name: &str, next: &mut u64, step: impl Fn(u64) -> F + Clone + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stores = self.stores;
        for concurrency in [1, 32] {
            let (mut spent, mut wall, mut steps) = (Duration::ZERO, Duration::ZERO, 0);
            let mut group = self.criterion.benchmark_group(stores);
            group.throughput(Throughput::Elements(1)).sample_size(10);
            group.bench_function(format!("{name}, {concurrency} at once"), |bencher| {
                bencher.iter_custom(|count| {
                    let (cpu_before, before) = (cpu(), Instant::now());
                    self.runtime.block_on(at_once(concurrency, *next, count, step.clone()));
                    let took = before.elapsed();
                    *next += count;
                    spent += cpu() - cpu_before;
                    wall += took;
                    steps += count;
                    took
                });
            });
            group.finish();
            #[expect(clippy::cast_precision_loss, reason = "counts are small")]
            let steps = steps.max(1) as f64;
            eprintln!(
                "{stores}: {name}, {concurrency} at once: {:.0} per second, {:.1} µs CPU each",
                steps / wall.as_secs_f64(),
                spent.as_secs_f64() * 1e6 / steps
            );
        }
    }

    /// Every step of a sign-in that asks one of these stores.
    fn steps(&mut self, directory: &Arc<dyn Directory>, sessions: &Arc<dyn SessionStore>) {
        let mut next = 0;
        let on = Arc::clone(directory);
        self.measure("new user signs in", &mut next, move |number| {
            let on = Arc::clone(&on);
            async move { drop(on.sign_in(profile(number)).await.expect("signed in")) }
        });
        let (on, known) = (Arc::clone(directory), next);
        self.measure("known user signs in, nothing new", &mut 0, move |number| {
            let on = Arc::clone(&on);
            async move { drop(on.sign_in(profile(number * 7919 % known)).await.expect("signed in")) }
        });
        let on = Arc::clone(directory);
        self.measure("state of a token is read", &mut 0, move |number| {
            let on = Arc::clone(&on);
            let sub = profile(number * 7919 % known).new_sub;
            async move { drop(on.token_state(POOL, &sub, "family").await.expect("read")) }
        });
        let on = Arc::clone(sessions);
        self.measure("an attempt is put and taken (1 kB)", &mut 0, move |number| {
            let on = Arc::clone(&on);
            async move {
                let key = Key::new(Kind::Attempt, format!("{number:043}"));
                on.put(&key, vec![7; 1024], SystemClock.now() + time::Duration::minutes(5))
                    .await
                    .expect("put");
                on.take(&key).await.expect("taken").expect("there");
            }
        });
        self.runtime.block_on(async {
            directory.close().await;
            sessions.close().await;
        });
    }
}

type Stores = (Arc<dyn Directory>, Arc<dyn SessionStore>);

async fn embedded(place: &Path) -> Stores {
    let clock = Arc::new(SystemClock);
    let directory = SqliteDirectory::open(&place.join("directory.sqlite"), clock.clone()).await;
    let sessions = EmbeddedSessions::open(&place.join("sessions.sqlite"), clock).await;
    (Arc::new(directory.expect("a directory")), Arc::new(sessions.expect("a session store")))
}

async fn served(postgres: &Postgres, redis: &Redis) -> Stores {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let address = Address::parse(&postgres.url()).expect("an address");
    let directory = PostgresDirectory::open(&address, Arc::clone(&clock)).await;
    let seal = SessionSeal::new(&[7; 32], Arc::new(SystemRandom)).expect("a seal");
    let address = RedisAddress::parse(&redis.url()).expect("an address");
    let sessions = RedisSessions::open(&address, clock, seal).await;
    (Arc::new(directory.expect("a directory")), Arc::new(sessions.expect("a session store")))
}

/// CPU time is that of this process: what the servers need comes on top.
fn stores(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    // On a real disk, not in the memory that /tmp may be.
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let (directory, sessions) = runtime.block_on(embedded(place.path()));
    Bench { criterion, runtime: &runtime, stores: "embedded" }.steps(&directory, &sessions);
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let (directory, sessions) = runtime.block_on(served(&postgres, &redis));
    Bench { criterion, runtime: &runtime, stores: "PostgreSQL and Redis" }.steps(&directory, &sessions);
}

criterion_group!(benches, stores);
criterion_main!(benches);
