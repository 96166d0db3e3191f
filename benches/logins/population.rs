//! A directory full of people: copies, made by SQL, of one who signed in.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};

/// Random UUIDs, so that an index on them is as scattered as a real one.
const SUB: &str = "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) \
     || '-8' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))";

/// Makes everybody from `person{from}` to before `person{to}` a user of the SQLite directory: what `person0` is after
/// signing in once through the provider `Saml` (an identity, a group, the attributes), under a name and `sub` of
/// their own. No gateway may have the file open.
pub async fn grow(file: &Path, pool_id: &str, from: usize, to: usize) {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .foreign_keys(true)
        // An index of a million random keys does not fit the usual 2 MB.
        .pragma("cache_size", "-400000");
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let numbers = format!(
        "WITH RECURSIVE number (i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM number WHERE i + 1 < {to}), \
         first (id) AS (SELECT id FROM users WHERE pool_id = '{pool_id}' AND username = 'Saml_person0'), \
         last (id) AS (SELECT max(id) FROM users) "
    );
    let named = |column: &str| format!("replace({column}, 'person0', 'person' || i)");
    let id = format!("last.id + 1 + i - {from}");
    let mut transaction = connection.begin().await.unwrap();
    // The ids that the new users get: counted before the first is there.
    sqlx::raw_sql("CREATE TEMP TABLE base AS SELECT max(id) AS id FROM users")
        .execute(&mut *transaction)
        .await
        .unwrap();
    let numbers = numbers.replace("SELECT max(id) FROM users", "SELECT id FROM base");
    for sql in [
        format!(
            "{numbers} INSERT INTO users (id, pool_id, username, sub, attributes, enabled, status, created_at, \
             modified_at) SELECT {id}, u.pool_id, {}, {SUB}, {}, u.enabled, u.status, u.created_at, u.modified_at \
             FROM number, last, users u JOIN first ON u.id = first.id",
            named("u.username"),
            named("u.attributes"),
        ),
        format!(
            "{numbers} INSERT INTO identities (pool_id, provider, subject, user_id, position, provider_type, issuer, \
             is_primary, date_created) SELECT d.pool_id, d.provider, {}, {id}, d.position, d.provider_type, \
             d.issuer, d.is_primary, d.date_created \
             FROM number, last, identities d JOIN first ON d.user_id = first.id",
            named("d.subject"),
        ),
        format!(
            "{numbers} INSERT INTO memberships (user_id, group_name, position, pool_id, provider) \
             SELECT {id}, m.group_name, m.position, m.pool_id, m.provider \
             FROM number, last, memberships m JOIN first ON m.user_id = first.id"
        ),
        "DROP TABLE base".to_owned(),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM users u JOIN identities i ON i.user_id = u.id AND i.provider = 'Saml'",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!(usize::try_from(count), Ok(to), "everybody is there");
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
