//! Small things that are looked up by a key: whether a token holds, what may be used once, sessions at providers.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::connections::Connections;
use super::endings::endings_column;
use super::rows::{read_user, user_columns};
use super::trouble::Trouble;
use crate::directory::stored::{REPLACED, millis, read_endings, read_rotated, replaced_at};
use crate::directory::{MOST_SESSION_OWNERS, Rotation, SessionOwner, TokenState};

/// $1 pool, $2 sub, $3 family. There is always one row.
pub(super) const TOKEN_STATE: &str = concat!(
    "SELECT EXISTS (SELECT FROM revoked_families r WHERE r.pool_id = $1 AND r.origin_jti = $3), ",
    endings_column!(),
    ", g.generation, g.replaced, ",
    user_columns!(),
    " FROM (SELECT 1) one LEFT JOIN users u ON u.pool_id = $1 AND u.sub = $2 \
     LEFT JOIN rotations g ON g.pool_id = $1 AND g.origin_jti = $3"
);

pub(super) async fn token_state(
    connections: &Connections,
    pool_id: &str,
    sub: &str,
    origin_jti: &str,
) -> Result<TokenState, Trouble> {
    let rows =
        connections.fetch(|| Ok(sqlx::query(TOKEN_STATE).bind(pool_id).bind(sub).bind(origin_jti))).await?;
    // No row is a fault, never a "not revoked".
    Ok(read_state(rows.first().ok_or(sqlx::Error::RowNotFound)?)?)
}

fn read_state(row: &PgRow) -> Result<TokenState, sqlx::Error> {
    let user = read_user(row, 4)?.map(|found| found.user);
    let rotated = read_rotated(row.try_get(2)?, row.try_get(3)?)?;
    Ok(TokenState { user, revoked: row.try_get(0)?, endings: read_endings(row.try_get(1)?)?, rotated })
}

/// Ends a family; asking twice changes nothing more.
pub(super) async fn revoke(
    connections: &Connections,
    pool_id: &str,
    origin_jti: &str,
    until: i64,
) -> Result<(), Trouble> {
    const REVOKE: &str = "INSERT INTO revoked_families (pool_id, origin_jti, until) VALUES ($1, $2, $3) \
         ON CONFLICT (pool_id, origin_jti) DO UPDATE SET until = greatest(revoked_families.until, excluded.until)";
    connections.fetch(|| Ok(sqlx::query(REVOKE).bind(pool_id).bind(origin_jti).bind(until))).await.map(|_| ())
}

/// $1 pool, $2 family, $3 generation, $4 name of the new token, $5 when, $6 until, $7 how much of the past is kept.
const ROTATE: &str = "INSERT INTO rotations (pool_id, origin_jti, generation, jti, replaced, until) \
     VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (pool_id, origin_jti) DO UPDATE SET generation = excluded.generation, jti = excluded.jti, \
     replaced = CASE WHEN rotations.generation = excluded.generation THEN rotations.replaced \
      ELSE left(excluded.replaced || ',' || rotations.replaced, $7) END, \
     until = greatest(rotations.until, excluded.until) \
     WHERE rotations.generation < excluded.generation \
     OR (rotations.generation = excluded.generation AND rotations.jti = excluded.jti) RETURNING 1";

/// Whether this rotation is the one of its generation. It may be asked twice: it knows its own token again.
pub(super) async fn rotate(connections: &Connections, rotation: &Rotation) -> Result<bool, Trouble> {
    let statement = || {
        Ok(sqlx::query(ROTATE)
            .bind(&rotation.pool_id)
            .bind(&rotation.origin_jti)
            .bind(rotation.generation)
            .bind(&rotation.jti)
            .bind(replaced_at(rotation.at))
            .bind(millis(rotation.until))
            .bind(REPLACED))
    };
    Ok(!connections.fetch(statement).await?.is_empty())
}

/// Asked once only: a second asking would take the first one's mark for somebody else's.
pub(super) async fn use_once(
    connections: &Connections,
    mark: &str,
    until: i64,
    now: i64,
) -> Result<bool, Trouble> {
    let mut transaction = connections.begin(connections.timeout()).await?;
    let mark = sqlx::query(
        "INSERT INTO used_once (mark, until) VALUES ($1, $2) \
         ON CONFLICT (mark) DO UPDATE SET until = excluded.until WHERE used_once.until <= $3",
    )
    .bind(mark)
    .bind(until)
    .bind(now);
    let first = transaction.execute(mark).await? == 1;
    transaction.commit().await?;
    Ok(first)
}

pub(super) async fn user_of_identity(
    connections: &Connections,
    pool_id: &str,
    provider: &str,
    subject: &str,
) -> Result<Option<String>, Trouble> {
    const OWNER: &str = "SELECT u.sub FROM identities d JOIN users u ON u.id = d.user_id \
         WHERE d.pool_id = $1 AND d.provider = $2 AND d.subject = $3";
    let rows =
        connections.fetch(|| Ok(sqlx::query(OWNER).bind(pool_id).bind(provider).bind(subject))).await?;
    Ok(rows.first().map(|row| row.try_get(0)).transpose()?)
}

/// Who signed in within the session of this digest.
pub(super) async fn owners(
    connections: &Connections,
    pool_id: &str,
    provider: &str,
    digest: &str,
) -> Result<Vec<SessionOwner>, Trouble> {
    const OWNERS: &str = "SELECT s.subject, u.sub FROM provider_sessions s JOIN users u ON u.id = s.user_id \
         WHERE s.pool_id = $1 AND s.provider = $2 AND s.digest = $3 ORDER BY s.until DESC, s.subject LIMIT $4";
    let most = i64::try_from(MOST_SESSION_OWNERS).unwrap_or(i64::MAX);
    let rows = connections
        .fetch(|| Ok(sqlx::query(OWNERS).bind(pool_id).bind(provider).bind(digest).bind(most)))
        .await?;
    let read = |row: &PgRow| Ok(SessionOwner { subject: row.try_get(0)?, sub: row.try_get(1)? });
    Ok(rows.iter().map(read).collect::<Result<_, sqlx::Error>>()?)
}
