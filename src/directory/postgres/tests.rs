//! What is particular to the directory on PostgreSQL; the rest is the conformance suite.

use std::sync::Arc;

use async_trait::async_trait;
use poolgate_testing::Database;

use super::{Address, PostgresDirectory};
use crate::directory::Directory;
use crate::directory::conformance::{Setting, directory_conformance};
use crate::directory::sqlite::tests::TestClock;

struct InADatabase(Database);

impl InADatabase {
    fn new() -> Self {
        Self(Database::new())
    }
}

#[async_trait]
impl Setting for InADatabase {
    async fn open(&self) -> Arc<dyn Directory> {
        let address = Address::parse(self.0.url()).unwrap();
        Arc::new(PostgresDirectory::open(&address, TestClock::at_noon()).await.unwrap())
    }
}

directory_conformance!(InADatabase::new());
