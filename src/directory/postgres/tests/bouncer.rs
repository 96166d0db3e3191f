//! Behind PgBouncer in transaction mode, where every transaction may be on another connection, and every connection
//! has been somebody else's.

use std::sync::Arc;

use async_trait::async_trait;
use poolgate_testing::{Database, PgBouncer};

use super::{bare, open, try_open, why};
use crate::directory::Directory;
use crate::directory::conformance::{Setting, directory_conformance, profile};

struct BehindPgBouncer {
    bouncer: PgBouncer,
    _database: Database,
}

impl BehindPgBouncer {
    fn new() -> Self {
        let database = Database::new();
        // Fewer connections than callers: they are really shared.
        Self { bouncer: PgBouncer::start(database.url(), 2), _database: database }
    }
}

#[async_trait]
impl Setting for BehindPgBouncer {
    async fn open(&self) -> Arc<dyn Directory> {
        bare(&self.bouncer.url()).await
    }
}

directory_conformance!(BehindPgBouncer::new());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_of_different_schemas_share_connections_and_nothing_else() {
    let place = BehindPgBouncer::new();
    let one = open(&format!("{}&schema=one", place.bouncer.url())).await;
    let other = open(&format!("{}&schema=other", place.bouncer.url())).await;
    for number in 0..20 {
        one.sign_in(profile("Okta", &format!("a{number}"))).await.unwrap();
        other.sign_in(profile("Okta", "b")).await.unwrap();
    }
    assert_eq!(one.count_users(super::POOL).await.unwrap(), 20);
    assert_eq!(other.count_users(super::POOL).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_parameter_it_is_refused_at_the_start() {
    let place = BehindPgBouncer::new();
    let url = place.bouncer.url().replace("?pgbouncer=true", "");
    let Err(refused) = try_open(&url).await else { panic!("it was opened") };
    let said = why(refused);
    assert!(said.contains("unsupported startup parameter"), "{said}");
}
