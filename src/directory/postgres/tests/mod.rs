//! What is particular to the directory on PostgreSQL; the rest is the conformance suite, run on it straight and
//! through PgBouncer.

mod bouncer;
mod faults;
mod plans;
mod pools;
mod races;
mod start;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use poolgate_testing::Database;
use tokio::time::{Instant, sleep};

use super::{Address, PostgresDirectory};
use crate::directory::conformance::{Setting, directory_conformance, with_pools};
use crate::directory::sqlite::tests::TestClock;
use crate::directory::{Directory, DirectoryError};

const POOL: &str = "eu-west-1_aBcDeF123";

struct InADatabase(Database);

impl InADatabase {
    fn new() -> Self {
        Self(Database::new())
    }
}

#[async_trait]
impl Setting for InADatabase {
    async fn open(&self) -> Arc<dyn Directory> {
        bare(self.0.url()).await
    }
}

directory_conformance!(InADatabase::new());

/// One replica's directory, with the pools in it that users are made in.
async fn open(url: &str) -> Arc<PostgresDirectory> {
    let directory = bare(url).await;
    with_pools(&*directory).await;
    directory
}

/// One replica's directory, as it is.
async fn bare(url: &str) -> Arc<PostgresDirectory> {
    Arc::new(try_open(url).await.unwrap())
}

/// The same, without waiting for a server that is not there.
async fn try_open(url: &str) -> Result<PostgresDirectory, DirectoryError> {
    let address = Address::parse(url).unwrap();
    PostgresDirectory::open_within(&address, TestClock::at_noon(), Duration::ZERO).await
}

/// Waits until it is so.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never came to be so");
        sleep(Duration::from_millis(5)).await;
    }
}

fn why(error: DirectoryError) -> String {
    match error {
        DirectoryError::Away(why) => why,
        other => panic!("{other:?}"),
    }
}
