//! Sessions at providers: noted with a sign-in, found by the provider's name for them.

use serde::Serialize;
use sqlx::sqlite::SqlitePool;
use sqlx::{Row as _, SqliteConnection};

use super::writer::away;
use crate::directory::storable::any_nul;
use crate::directory::stored::{json, millis};
use crate::directory::{DirectoryError, MOST_SESSION_OWNERS, SessionOwner};
use crate::pool::{FederatedProfile, User};

/// Forgets some of those that nothing needs any more.
pub(super) const PRUNE: &str = "DELETE FROM provider_sessions WHERE (pool_id, provider, digest, subject) IN \
     (SELECT pool_id, provider, digest, subject FROM provider_sessions WHERE until < ?1 ORDER BY until LIMIT 512)";

/// What one sign-in notes: in the order in which the statements below count its members.
#[derive(Serialize)]
pub(super) struct Row<'a>(&'a str, &'a str, &'a str, &'a str, String, i64, i64);

impl<'a> Row<'a> {
    /// Of a sign-in that made or found this user; `None` where it names no session.
    pub(super) fn new(profile: &'a FederatedProfile, user: &User) -> Option<Self> {
        let session = profile.session.as_ref()?;
        let identity = &profile.identity;
        Some(Self(
            &profile.pool_id,
            &identity.provider_name,
            &session.digest,
            &identity.user_id,
            user.sub.clone(),
            millis(session.needed_until),
            millis(session.until),
        ))
    }
}

/// Those that must be written: new ones, of another user by now, or forgotten too soon.
pub(super) async fn wanting<'a>(
    connection: &mut SqliteConnection,
    rows: Vec<Row<'a>>,
) -> Result<Vec<Row<'a>>, sqlx::Error> {
    if rows.is_empty() {
        return Ok(rows);
    }
    let kept = sqlx::query_scalar::<_, i64>(
        "SELECT w.key FROM json_each(?1) w \
         JOIN provider_sessions s ON s.pool_id = w.value ->> 0 AND s.provider = w.value ->> 1 \
          AND s.digest = w.value ->> 2 AND s.subject = w.value ->> 3 AND s.until >= w.value ->> 5 \
         JOIN users u ON u.id = s.user_id AND u.sub = w.value ->> 4",
    )
    .bind(json(&rows)?)
    .fetch_all(connection)
    .await?;
    let numbered = rows.into_iter().enumerate();
    let wanting = numbered.filter(|(place, _)| !kept.iter().any(|kept| usize::try_from(*kept) == Ok(*place)));
    Ok(wanting.map(|(_, row)| row).collect())
}

/// Writes them. Their users are there by now.
pub(super) async fn write(connection: &mut SqliteConnection, rows: &[Row<'_>]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO provider_sessions (pool_id, provider, digest, subject, user_id, until) \
         SELECT w.value ->> 0, w.value ->> 1, w.value ->> 2, w.value ->> 3, u.id, w.value ->> 6 \
         FROM json_each(?1) w JOIN users u ON u.pool_id = w.value ->> 0 AND u.sub = w.value ->> 4 WHERE true \
         ON CONFLICT DO UPDATE SET user_id = excluded.user_id, until = max(until, excluded.until)",
    )
    .bind(json(rows)?)
    .execute(connection)
    .await
    .map(|_| ())
}

/// Who signed in within the session of this digest.
pub(super) async fn owners(
    readers: &SqlitePool,
    pool_id: &str,
    provider: &str,
    digest: &str,
) -> Result<Vec<SessionOwner>, DirectoryError> {
    // Nothing is stored under a text with U+0000.
    if any_nul(&[pool_id, provider, digest]) {
        return Ok(Vec::new());
    }
    let read = async {
        let rows = sqlx::query(
            "SELECT s.subject, u.sub FROM provider_sessions s JOIN users u ON u.id = s.user_id \
             WHERE s.pool_id = ?1 AND s.provider = ?2 AND s.digest = ?3 ORDER BY s.until DESC, s.subject LIMIT ?4",
        )
        .bind(pool_id)
        .bind(provider)
        .bind(digest)
        .bind(i64::try_from(MOST_SESSION_OWNERS).unwrap_or(i64::MAX))
        .fetch_all(readers)
        .await?;
        rows.iter()
            .map(|row| Ok(SessionOwner { subject: row.try_get(0)?, sub: row.try_get(1)? }))
            .collect::<Result<_, sqlx::Error>>()
    };
    read.await.map_err(|error| away(&error))
}
