//! Endings: which sign-ins hold no longer because their provider ended them.

use sqlx::{Row as _, SqliteConnection};

use super::writer::{Done, Outcome};
use crate::directory::stored::{ENDINGS_TOGETHER, MOST_ENDINGS, json, millis};
use crate::directory::{DirectoryError, Ended};

/// The endings of user `u`, as one column that `stored::read_endings` reads.
macro_rules! endings_column {
    () => {
        "(SELECT json_group_array(json_array(e.mark, e.at, e.tokens)) FROM endings e WHERE e.user_id = u.id)"
    };
}
pub(super) use endings_column;

/// Notes what ended; a later moment moves an earlier one out, never in.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    pool_id: &str,
    sub: &str,
    ended: &Ended,
) -> Result<Outcome, sqlx::Error> {
    let user = sqlx::query("SELECT id FROM users WHERE pool_id = ?1 AND sub = ?2")
        .bind(pool_id)
        .bind(sub)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(user) = user else { return Ok(Err(DirectoryError::Missing("the user".to_owned()))) };
    note(connection, user.try_get(0)?, ended).await?;
    Ok(Ok(Done::Written))
}

/// The same for the user of this row.
pub(super) async fn note(
    connection: &mut SqliteConnection,
    user: i64,
    ended: &Ended,
) -> Result<(), sqlx::Error> {
    let person = [ended.person.clone()];
    let marks = if ended.sessions.is_empty() { &person[..] } else { &ended.sessions };
    sqlx::query(
        "INSERT INTO endings (user_id, mark, tokens, person, at, until) \
         SELECT ?1, value, ?2, ?3, ?4, ?5 FROM json_each(?6) WHERE true \
         ON CONFLICT DO UPDATE SET at = max(at, excluded.at), until = max(until, excluded.until)",
    )
    .bind(user)
    .bind(ended.tokens)
    .bind(&ended.person)
    .bind(millis(ended.at))
    .bind(millis(ended.until))
    .bind(json(marks)?)
    .execute(&mut *connection)
    .await?;
    put_together(connection, user).await
}

/// Keeps what one user has within bounds. Of too many, the oldest become one ending of everything at their
/// provider before the youngest of them: more may end by it, never less.
async fn put_together(connection: &mut SqliteConnection, user: i64) -> Result<(), sqlx::Error> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM endings WHERE user_id = ?1 AND mark <> person")
        .bind(user)
        .fetch_one(&mut *connection)
        .await?;
    if count <= MOST_ENDINGS {
        return Ok(());
    }
    let oldest = sqlx::query(
        "SELECT mark, tokens FROM endings WHERE user_id = ?1 AND mark <> person ORDER BY at, mark LIMIT ?2",
    )
    .bind(user)
    .bind(count - MOST_ENDINGS + ENDINGS_TOGETHER)
    .fetch_all(&mut *connection)
    .await?;
    let oldest: Vec<(String, i64)> = oldest
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_, sqlx::Error>>()?;
    let oldest = json(&oldest)?;
    for statement in [
        "INSERT INTO endings (user_id, mark, tokens, person, at, until) \
         SELECT user_id, person, tokens, person, max(at), max(until) FROM endings \
         WHERE user_id = ?1 AND (mark, tokens) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2)) \
         GROUP BY user_id, person, tokens \
         ON CONFLICT DO UPDATE SET at = max(at, excluded.at), until = max(until, excluded.until)",
        "DELETE FROM endings \
         WHERE user_id = ?1 AND (mark, tokens) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))",
    ] {
        sqlx::query(statement).bind(user).bind(&oldest).execute(&mut *connection).await?;
    }
    Ok(())
}
