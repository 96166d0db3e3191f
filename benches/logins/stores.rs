//! The two ways to keep what the gateway knows: embedded, and in Redis and PostgreSQL.

use std::path::Path;
use std::time::{Duration, Instant};

use poolgate_testing::{Postgres, Redis};
use tokio::process::Command;

use crate::figures::cpu_of_family;
use crate::harness::Gateway;

/// Real servers with what they keep on a real disk.
pub struct Servers {
    redis: Redis,
    postgres: Postgres,
}

/// CPU time that the servers have used.
#[derive(Clone, Copy, Default)]
pub struct Spent {
    pub postgres: Duration,
    pub redis: Duration,
}

impl Servers {
    pub fn start() -> Self {
        // As a machine of its own would have it, as far as these settings matter here; every commit is flushed.
        let settings = ["shared_buffers = 512MB", "max_wal_size = 4GB", "wal_compression = on"];
        Self { redis: Redis::start(), postgres: Postgres::start_with(&settings) }
    }

    pub fn spent(&self) -> Spent {
        let pid = self.redis.command(&["INFO", "server"]);
        let pid =
            pid.lines().find_map(|line| line.trim().strip_prefix("process_id:")).unwrap().parse().unwrap();
        let file = std::fs::read_to_string(self.postgres.folder().join("data/postmaster.pid")).unwrap();
        let postmaster = file.lines().next().unwrap().parse().unwrap();
        Spent { postgres: cpu_of_family(postmaster), redis: cpu_of_family(pid) }
    }

    /// An empty database; the one before is gone.
    pub fn empty(&self, name: &str) -> String {
        self.postgres.sql(&format!("CREATE DATABASE {name}"));
        let url = self.postgres.url();
        format!("{}/{name}", url.rsplit_once('/').unwrap().0)
    }

    pub fn drop_database(&self, name: &str) {
        self.postgres.sql(&format!("DROP DATABASE {name} WITH (FORCE)"));
        let _ = self.redis.command(&["FLUSHALL"]);
    }

    /// What a gateway is given to use them.
    pub fn settings(&self, database: &str, gateway: &Gateway) -> Vec<(String, String)> {
        let key = std::fs::read_to_string(gateway.data().join("master.key")).unwrap();
        vec![
            ("POOLGATE_DIRECTORY_URL".to_owned(), database.to_owned()),
            ("POOLGATE_SESSION_URL".to_owned(), self.redis.url()),
            ("POOLGATE_MASTER_KEY".to_owned(), key.trim().to_owned()),
        ]
    }

    /// Size of a database, and what autovacuum would do in the middle of a measurement, done before it.
    pub fn settle(&self, name: &str) -> u64 {
        let url = self.postgres.url();
        let url = format!("{}/{name}", url.rsplit_once('/').unwrap().0);
        let psql = |sql: &str| {
            let said = std::process::Command::new("psql").args(["-qXAt", &url, "-c", sql]).output().unwrap();
            assert!(said.status.success(), "{sql}: {}", String::from_utf8_lossy(&said.stderr));
            String::from_utf8_lossy(&said.stdout).trim().to_owned()
        };
        psql("VACUUM ANALYZE");
        psql("CHECKPOINT");
        psql("SELECT pg_database_size(current_database())").parse().unwrap()
    }
}

/// `poolgate migrate`, from the data directory of a gateway that is stopped; how long it took.
pub async fn migrate(gateway: &Gateway, database: &str) -> Duration {
    let start = Instant::now();
    let done = Command::new(env!("CARGO_BIN_EXE_poolgate"))
        .args(["migrate", "--to", database])
        .env("POOLGATE_DATA_DIR", gateway.data())
        .output()
        .await
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    start.elapsed()
}

/// Size of the embedded directory, with its log.
pub fn embedded_size(data: &Path) -> u64 {
    ["directory.sqlite", "directory.sqlite-wal"]
        .iter()
        .filter_map(|name| std::fs::metadata(data.join(name)).ok())
        .map(|file| file.len())
        .sum()
}
