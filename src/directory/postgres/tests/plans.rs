//! What the sign-in path costs: one round trip, and an index for every table.

use poolgate_testing::{Database, Postgres};
use sqlx::{Connection as _, PgConnection, Row as _};

use super::super::{marks, sign_ins};
use super::open;
use crate::directory::Directory;
use crate::directory::conformance::profile;
use crate::directory::conformance::provider_sessions::within;
use crate::directory::conformance::rotations::rotation;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_changes_nothing_a_token_and_a_rotation_are_one_round_trip_each() {
    let server = Postgres::start_with(&["log_statement = all"]);
    let directory = open(&format!("{}?max_connections=1", server.url())).await;
    let said = || {
        let log = server.log();
        log.lines().filter(|line| line.contains("execute ") || line.contains("statement: ")).count()
    };
    let user = directory.sign_in(within("Okta", "alice", "s1")).await.unwrap();
    directory.token_state(super::POOL, &user.sub, "family").await.unwrap();
    directory.rotate(rotation("family", 1, "a")).await.unwrap();
    let before = said();
    for _ in 0..20 {
        directory.sign_in(within("Okta", "alice", "s1")).await.unwrap();
    }
    assert_eq!(said() - before, 20);
    for _ in 0..20 {
        directory.token_state(super::POOL, &user.sub, "family").await.unwrap();
    }
    assert_eq!(said() - before, 40);
    for number in 2..22 {
        directory.rotate(rotation("family", number, "a")).await.unwrap();
    }
    assert_eq!(said() - before, 60);
    // One that reads, one that writes.
    directory.sign_in(within("Okta", "bob", "s2")).await.unwrap();
    let mut changed = profile("Okta", "alice");
    changed.set.insert("name".into(), "Alice".into());
    directory.sign_in(changed).await.unwrap();
    assert_eq!(said() - before, 64);
}

/// Each statement with values of its own, as a server plans it for any values.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_statement_of_the_sign_in_path_finds_what_it_needs_by_an_index() {
    const FILL: &str = "\
        INSERT INTO users (pool_id, username, sub, attributes, enabled, status, created_at, modified_at) \
         SELECT 'p' || n % 3, 'Okta_' || n, 'sub' || n, '{\"email\": \"a@b.example\"}', true, 'EXTERNAL_PROVIDER', 0, 0 \
         FROM generate_series(1, 10000) n; \
        INSERT INTO identities SELECT pool_id, 'Okta', username, id, 0, 'SAML', NULL, true, 0 FROM users; \
        INSERT INTO memberships (user_id, group_name, position, pool_id) SELECT id, 'g', 0, pool_id FROM users; \
        INSERT INTO waiting_links SELECT pool_id, 'Corp', 'email', sub, sha256(convert_to(sub, 'UTF8')), id, 'SAML', \
         NULL, 0 FROM users; \
        INSERT INTO provider_sessions SELECT pool_id, 'Okta', sub, username, id, 0 FROM users; \
        INSERT INTO endings SELECT id, 'm', true, 'p', 0, 0 FROM users; \
        INSERT INTO revoked_families SELECT pool_id, sub, 0 FROM users; \
        INSERT INTO rotations SELECT pool_id, sub, 1, 'j', '0', 0 FROM users; \
        INSERT INTO configuration SELECT 'user_pool', 'p' || n, 'p' || n, '{}', NULL, 0 \
         FROM generate_series(1, 1000) n; \
        ANALYZE";
    let database = Database::new();
    open(database.url()).await.close().await;
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql(FILL).execute(&mut connection).await.unwrap();
    let identity = "text, text, text, text, text, boolean, bigint, boolean, text[], text[], text[], text, bigint, text[], text[]";
    let values = "'p1', 'Okta', 'Okta_1', 'SAML', NULL, true, 0, false, '{g}', '{email}', '{sub1}', 'sub1', 1, '{Okta}', '{h}'";
    let identity_values = |rest: &str| format!("{values}, {rest}");
    let statements = [
        (
            sign_ins::READ,
            "text, text, text, text, text, text[], text[]".to_owned(),
            "'p1', 'Okta', 'Okta_1', 'Okta_1', 'sub1', '{email}', '{sub1}'".to_owned(),
        ),
        (
            sign_ins::HOLD,
            "text, text, text, text[], text[]".to_owned(),
            "'p1', 'Okta', 'Okta_1', '{email}', '{sub1}'".to_owned(),
        ),
        (
            sign_ins::MAKE,
            format!("{identity}, text, text, text, boolean, text, bigint, bigint"),
            identity_values("'u', 's', '{}', true, 'EXTERNAL_PROVIDER', 0, 0"),
        ),
        (
            sign_ins::CHANGE,
            format!("{identity}, bigint, bigint, text, bigint"),
            identity_values("1, 0, '{}', 0"),
        ),
        (sign_ins::NOTE, format!("{identity}, bigint, bigint"), identity_values("1, 0")),
        (marks::TOKEN_STATE, "text, text, text".to_owned(), "'p1', 'sub1', 'sub1'".to_owned()),
    ];
    for mode in ["force_generic_plan", "force_custom_plan"] {
        for (sql, types, values) in &statements {
            let text = format!(
                "SET plan_cache_mode = {mode}; PREPARE it ({types}) AS {sql}; EXPLAIN EXECUTE it ({values}); \
                 DEALLOCATE it"
            );
            let rows = sqlx::raw_sql(sqlx::AssertSqlSafe(text)).fetch_all(&mut connection).await.unwrap();
            let lines: Vec<String> = rows.iter().map(|row| row.try_get(0).unwrap()).collect();
            let plan = lines.join("\n");
            assert!(plan.contains("Index") && !plan.contains("Seq Scan"), "{mode}\n{sql}\n{plan}");
        }
    }
}
