//! Endings: which sign-ins hold no longer because their provider ended them.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::connections::{Connections, Session, Statement};
use super::trouble::Trouble;
use crate::directory::stored::{ENDINGS_TOGETHER, MOST_ENDINGS, millis};
use crate::directory::{DirectoryError, Ended};

/// The endings of user `u`, as one column that `stored::read_endings` reads.
macro_rules! endings_column {
    () => {
        "(SELECT coalesce(json_agg(json_build_array(e.mark, e.at, e.tokens::int)), '[]')::text \
         FROM endings e WHERE e.user_id = u.id)"
    };
}
pub(super) use endings_column;

/// Notes what ended, and tells how many endings there were before; no row without such a user. A later moment moves
/// an earlier one out, never in.
const NOTE: &str = "WITH held AS (SELECT id FROM users WHERE pool_id = $1 AND sub = $2 FOR NO KEY UPDATE), \
     noted AS (INSERT INTO endings (user_id, mark, tokens, person, at, until) \
      SELECT h.id, w.mark, $4, $5, $6, $7 FROM held h CROSS JOIN (SELECT DISTINCT unnest($3::text[])) w (mark) \
      ON CONFLICT (user_id, mark, tokens) DO UPDATE SET at = greatest(endings.at, excluded.at), \
      until = greatest(endings.until, excluded.until)) \
     SELECT h.id, (SELECT count(*) FROM endings e WHERE e.user_id = h.id AND e.mark <> e.person) FROM held h";

/// Of too many, the oldest become one ending of everything at their provider before the youngest of them: more may
/// end by it, never less. The user must be held.
const PUT_TOGETHER: &str = "WITH oldest AS (DELETE FROM endings e USING \
      (SELECT mark, tokens FROM endings WHERE user_id = $1 AND mark <> person ORDER BY at, mark \
       LIMIT (SELECT CASE WHEN count(*) > $2 THEN count(*) - $2 + $3 ELSE 0 END FROM endings \
        WHERE user_id = $1 AND mark <> person)) o \
      WHERE e.user_id = $1 AND e.mark = o.mark AND e.tokens = o.tokens \
      RETURNING e.tokens, e.person, e.at, e.until) \
     INSERT INTO endings (user_id, mark, tokens, person, at, until) \
     SELECT $1, person, tokens, person, max(at), max(until) FROM oldest GROUP BY person, tokens \
     ON CONFLICT (user_id, mark, tokens) DO UPDATE SET at = greatest(endings.at, excluded.at), \
     until = greatest(endings.until, excluded.until)";

pub(super) fn note<'q>(pool_id: &'q str, sub: &'q str, ended: &'q Ended) -> Statement<'q> {
    sqlx::query(NOTE)
        .bind(pool_id)
        .bind(sub)
        .bind(marks(ended))
        .bind(ended.tokens)
        .bind(&ended.person)
        .bind(millis(ended.at))
        .bind(millis(ended.until))
}

fn marks(ended: &Ended) -> &[String] {
    if ended.sessions.is_empty() { std::slice::from_ref(&ended.person) } else { &ended.sessions }
}

/// The user's row, and whether it may have too many endings by now.
pub(super) fn noted(rows: &[PgRow], ended: &Ended) -> Result<Option<(i64, bool)>, sqlx::Error> {
    let Some(row) = rows.first() else { return Ok(None) };
    let before: i64 = row.try_get(1)?;
    let new = i64::try_from(marks(ended).len()).unwrap_or(i64::MAX);
    Ok(Some((row.try_get(0)?, before.saturating_add(new) > MOST_ENDINGS)))
}

/// Notes what ended for the user of this `sub`.
pub(super) async fn write(
    connections: &Connections,
    pool_id: &str,
    sub: &str,
    ended: &Ended,
) -> Result<(), DirectoryError> {
    let rows = connections.fetch(|| Ok(note(pool_id, sub, ended))).await?;
    let Some((user, many)) = noted(&rows, ended).map_err(Trouble::from)? else {
        return Err(DirectoryError::Missing("the user".to_owned()));
    };
    if many {
        // What ended is kept; the next ending finds as many to put together.
        if let Err(trouble) = tidy(connections, user).await {
            tracing::warn!(why = trouble.words(), "the endings of a user were not put together");
        }
    }
    Ok(())
}

async fn tidy(connections: &Connections, user: i64) -> Result<(), Trouble> {
    let mut transaction = connections.begin(connections.timeout()).await?;
    hold(&mut transaction, user).await?;
    put_together(&mut transaction, user).await?;
    transaction.commit().await
}

/// Nobody else changes the user before the transaction ends; whether it is there.
pub(super) async fn hold(transaction: &mut Session<'_>, user: i64) -> Result<bool, Trouble> {
    let hold = sqlx::query("SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE").bind(user);
    Ok(!transaction.fetch(hold).await?.is_empty())
}

/// Keeps what one user has within bounds. The user must be held.
pub(super) async fn put_together(transaction: &mut Session<'_>, user: i64) -> Result<(), Trouble> {
    let statement = sqlx::query(PUT_TOGETHER).bind(user).bind(MOST_ENDINGS).bind(ENDINGS_TOGETHER);
    transaction.execute(statement).await.map(|_| ())
}
