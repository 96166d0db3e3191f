//! Complete sign-ins a second and core, beside the raw cost of their cryptography in the same run: with embedded
//! stores and with Redis and PostgreSQL, from a thousand users to a million.
//!
//! A sign-in is what a browser and an app do: authorize, the provider's answer, the way back with a code,
//! the code for tokens. The CPU time of the gateway counts, and beside it that of the servers behind it
//! (`/proc/PID/stat`); providers, browsers and apps run beside them in this process.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench stops at the first surprise"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "outside the gateway, time, HTTP and randomness are the bench's own"
)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the figures are its product")]
#![expect(
    dead_code,
    unused_imports,
    reason = "the harness belongs to the tests; the bench needs a part of it"
)]

mod figures;
#[path = "../../tests/outside/harness/mod.rs"]
mod harness;
mod population;
mod providers;
mod stage;
mod stores;

use std::sync::Arc;
use std::time::{Duration, Instant};

use figures::{cpu, machine, raw_cryptography, resident_megabytes};
use harness::Gateway;
use stage::{AT_ONCE, Kind, Stage};
use stores::{Servers, Spent};

const WARM_UP: Duration = Duration::from_secs(3);
const MEASURED: Duration = Duration::from_secs(12);
/// Users in the directory, one after another: everybody may sign in.
const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];
const STARTS: usize = 5;

/// One line of the table.
struct Line {
    users: usize,
    stores: &'static str,
    kind: Kind,
    gateway: f64,
    servers: (f64, f64),
    p50: f64,
    p99: f64,
    size: u64,
    memory: f64,
    wall: f64,
}

impl Line {
    /// CPU time of everything, in milliseconds.
    fn all(&self) -> f64 {
        self.gateway + self.servers.0 + self.servers.1
    }
}

struct Bench {
    gateway: Gateway,
    stage: Arc<Stage>,
    servers: Servers,
    raw: Duration,
    lines: Vec<Line>,
}

impl Bench {
    async fn measure(&mut self, users: usize, stores: &'static str, kind: Kind, size: u64) {
        self.stage.load(kind, AT_ONCE, WARM_UP).await;
        let stat = format!("/proc/{}/stat", self.gateway.pid());
        let (before, servers_before, start) = (cpu(&stat), self.servers.spent(), Instant::now());
        let took = self.stage.load(kind, AT_ONCE, MEASURED).await;
        let (spent, servers, wall) = (cpu(&stat) - before, self.servers.spent(), start.elapsed());
        #[expect(clippy::cast_precision_loss, reason = "a count of sign-ins")]
        let count = took.len() as f64;
        let each = |spent: Duration| spent.as_secs_f64() * 1e3 / count;
        let quantile = |part: usize| took[(took.len() * part / 100).min(took.len() - 1)].as_secs_f64() * 1e3;
        let line = Line {
            users,
            stores,
            kind,
            gateway: each(spent),
            servers: (
                each(servers.postgres - servers_before.postgres),
                each(servers.redis - servers_before.redis),
            ),
            p50: quantile(50),
            p99: quantile(99),
            size,
            memory: resident_megabytes(self.gateway.pid()),
            wall: count / wall.as_secs_f64(),
        };
        println!("{} with {} users, {}: {:.3} ms of CPU each", line.stores, users, kind.name(), line.all());
        self.lines.push(line);
    }

    /// Every kind of sign-in is measured with the fewest users: what a provider costs depends on no directory.
    fn kinds(users: usize) -> &'static [Kind] {
        if users == SIZES[0] { &Kind::ALL } else { &[Kind::Saml] }
    }

    async fn embedded(&mut self, users: usize) {
        self.gateway.restart_with(&[]).await;
        let size = stores::embedded_size(&self.gateway.data());
        for kind in Self::kinds(users) {
            self.measure(users, "embedded", *kind, size).await;
        }
    }

    async fn starts(&mut self, users: usize) {
        let mut starts = Vec::new();
        for _ in 0..STARTS {
            assert_eq!(self.gateway.stop().await, Some(0));
            let start = Instant::now();
            self.gateway.restart().await;
            starts.push(start.elapsed());
        }
        starts.sort_unstable();
        println!(
            "start: ready {} ms after the process starts, {users} users",
            starts[STARTS / 2].as_millis()
        );
    }

    async fn remote(&mut self, users: usize) {
        let name = format!("poolgate{users}");
        let database = self.servers.empty(&name);
        let took = stores::migrate(&self.gateway, &database).await;
        println!("migrate: {users} users copied to PostgreSQL and compared in {:.1} s", took.as_secs_f64());
        let size = self.servers.settle(&name);
        let settings = self.servers.settings(&database, &self.gateway);
        let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.gateway.restart_with(&settings).await;
        for kind in Self::kinds(users) {
            self.measure(users, "Redis + PostgreSQL", *kind, size).await;
        }
        assert_eq!(self.gateway.stop().await, Some(0));
        self.servers.drop_database(&name);
    }

    /// What a sign-in costs with the most users, in parts of what it costs with the fewest.
    fn growth(&self) {
        for stores in ["embedded", "Redis + PostgreSQL"] {
            let saml = |line: &&Line| line.stores == stores && line.kind == Kind::Saml;
            let (Some(few), Some(many)) = (self.lines.iter().find(saml), self.lines.iter().rev().find(saml))
            else {
                continue;
            };
            println!(
                "{stores}: a SAML sign-in costs {:.3} ms of CPU with {} users and {:.3} ms with {}: {:+.0}%",
                few.all(),
                few.users,
                many.all(),
                many.users,
                (many.all() / few.all() - 1.0) * 100.0
            );
        }
    }
}

const HEAD: &str = "| users | stores | sign-in | logins/s/core | of raw cryptography | CPU each, ms: gateway + PostgreSQL + Redis | wall, logins/s | p50, ms | p99, ms | on disk, MB | gateway, MB |";

fn print(line: &Line, raw: Duration) {
    #[expect(clippy::cast_precision_loss, reason = "megabytes")]
    let size = line.size as f64 / 1e6;
    println!(
        "| {} | {} | {} | {:.0} | {:.0}% | {:.3} + {:.3} + {:.3} | {:.0} | {:.0} | {:.0} | {size:.1} | {:.0} |",
        line.users,
        line.stores,
        line.kind.name(),
        1e3 / line.gateway,
        raw.as_secs_f64() * 1e5 / line.gateway,
        line.gateway,
        line.servers.0,
        line.servers.1,
        line.wall,
        line.p50,
        line.p99,
        line.memory,
    );
}

/// `cargo bench --bench logins -- 100000` goes no further than so many users.
fn most_users() -> usize {
    std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(usize::MAX)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!("{}", machine());
    let raw = raw_cryptography();
    let raw_line = raw.as_secs_f64();
    println!(
        "raw: 2 RSA-2048 signatures + 1 verification = {:.3} ms, {:.0}/s/core",
        raw_line * 1e3,
        1.0 / raw_line
    );
    let gateway = Gateway::start().await;
    println!("memory: {:.0} MB resident before the first sign-in", resident_megabytes(gateway.pid()));
    let stage = Stage::new(&gateway).await;
    // Whom everybody is a copy of.
    stage.sign_in(Kind::Saml).await;
    let mut bench = Bench { gateway, stage, servers: Servers::start(), raw, lines: Vec::new() };
    assert_eq!(bench.gateway.stop().await, Some(0));
    let mut there = 1;
    for users in SIZES.into_iter().filter(|users| *users <= most_users()) {
        let directory = bench.gateway.data().join("directory.sqlite");
        population::grow(&directory, &bench.stage.pool_id, there, users).await;
        there = users;
        bench.stage.set_people(users);
        bench.embedded(users).await;
        bench.starts(users).await;
        assert_eq!(bench.gateway.stop().await, Some(0));
        bench.remote(users).await;
    }
    println!("\n{AT_ONCE} sign-ins at once, {} s each\n\n{HEAD}", MEASURED.as_secs());
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    bench.lines.iter().for_each(|line| print(line, raw));
    println!();
    bench.growth();
}
