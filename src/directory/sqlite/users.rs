//! Users, changed and removed.

use sqlx::SqliteConnection;

use super::rows::{read_user, user_columns};
use super::writer::{Done, Outcome};
use crate::directory::DirectoryError;
use crate::directory::stored::{json, millis, no_user};
use crate::pool::UserChange;

/// Which user: a name of today, or one user for ever.
#[derive(Debug, Clone)]
pub(super) enum Who {
    Username(String),
    Sub(String),
}

/// Changes a user, or says why not. Nobody else writes meanwhile.
pub(super) async fn change(
    connection: &mut SqliteConnection,
    pool_id: &str,
    username: &str,
    change: &UserChange,
) -> Result<Outcome, sqlx::Error> {
    let row = sqlx::query(concat!(
        "SELECT ",
        user_columns!(),
        " FROM users u WHERE u.pool_id = ?1 AND u.username = ?2"
    ))
    .bind(pool_id)
    .bind(username)
    .fetch_optional(&mut *connection)
    .await?;
    let found = row.map_or(Ok(None), |row| read_user(&row, 0))?;
    let Some((id, before)) = found.filter(|(_, user)| change.is_about(user)) else {
        return Ok(Err(no_user(username)));
    };
    let after = match change.apply(&before) {
        Ok(after) => after,
        Err(why) => return Ok(Err(why.into())),
    };
    if after != before {
        sqlx::query(
            "UPDATE users SET attributes = ?2, enabled = ?3, modified_at = ?4, signed_out_at = ?5 WHERE id = ?1",
        )
        .bind(id)
        .bind(json(&after.attributes)?)
        .bind(after.enabled)
        .bind(millis(after.modified_at))
        .bind(after.signed_out_at.map(millis))
        .execute(connection)
        .await?;
    }
    Ok(Ok(Done::Written))
}

/// Removes a user; identities and memberships go with it.
pub(super) async fn delete(
    connection: &mut SqliteConnection,
    pool_id: &str,
    who: &Who,
) -> Result<Outcome, sqlx::Error> {
    let (statement, name) = match who {
        Who::Username(name) => ("DELETE FROM users WHERE pool_id = ?1 AND username = ?2", name),
        Who::Sub(sub) => ("DELETE FROM users WHERE pool_id = ?1 AND sub = ?2", sub),
    };
    let removed = sqlx::query(statement).bind(pool_id).bind(name).execute(connection).await?;
    if removed.rows_affected() > 0 {
        return Ok(Ok(Done::Written));
    }
    Ok(Err(match who {
        Who::Username(name) => no_user(name),
        Who::Sub(_) => DirectoryError::Missing("the user".to_owned()),
    }))
}
