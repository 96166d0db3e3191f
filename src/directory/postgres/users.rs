//! Users, changed and removed.

use super::connections::{Connections, Session, Statement};
use super::rows::{read_user, user_columns};
use super::trouble::Trouble;
use crate::directory::DirectoryError;
use crate::directory::stored::{json, millis, no_user};
use crate::pool::UserChange;

/// How often a change that lost a race is made anew.
const TRIES: u32 = 10;

/// The user, held until the transaction ends: whoever signs in as the user waits, or finds another revision.
const HOLD: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users u WHERE u.pool_id = $1 AND u.username = $2 FOR NO KEY UPDATE OF u"
);

const CHANGE: &str = "UPDATE users SET attributes = $2::jsonb, enabled = $3, modified_at = $4, signed_out_at = $5, \
     revision = revision + 1 WHERE id = $1";

/// Changes a user, or says why not.
pub(super) async fn change(
    connections: &Connections,
    pool_id: &str,
    username: &str,
    change: &UserChange,
) -> Result<(), DirectoryError> {
    for _ in 0..TRIES {
        let mut transaction = connections.begin(connections.timeout()).await?;
        let made = match make(&mut transaction, pool_id, username, change).await {
            // PostgreSQL itself says, if so, that it kept nothing.
            Ok(Ok(())) => transaction.commit().await,
            Ok(Err(why)) => {
                transaction.roll_back().await;
                return Err(why);
            }
            Err(trouble) => {
                if trouble.lost_a_race() {
                    transaction.roll_back().await;
                }
                Err(trouble)
            }
        };
        match made {
            Ok(()) => return Ok(()),
            Err(trouble) if trouble.lost_a_race() => {}
            Err(trouble) => return Err(trouble.into()),
        }
    }
    Err(DirectoryError::Away(format!("the user changed {TRIES} times while it was to be changed")))
}

async fn make(
    transaction: &mut Session<'_>,
    pool_id: &str,
    username: &str,
    change: &UserChange,
) -> Result<Result<(), DirectoryError>, Trouble> {
    let rows = transaction.fetch(sqlx::query(HOLD).bind(pool_id).bind(username)).await?;
    let found = rows.first().map_or(Ok(None), |row| read_user(row, 0))?;
    let Some(found) = found.filter(|found| change.is_about(&found.user)) else {
        return Ok(Err(no_user(username)));
    };
    let after = match change.apply(&found.user) {
        Ok(after) => after,
        Err(why) => return Ok(Err(why.into())),
    };
    if after != found.user {
        let write = sqlx::query(CHANGE)
            .bind(found.id)
            .bind(json(&after.attributes)?)
            .bind(after.enabled)
            .bind(millis(after.modified_at))
            .bind(after.signed_out_at.map(millis));
        transaction.execute(write).await?;
    }
    Ok(Ok(()))
}

/// Removes a user; everything that belongs to it goes with it.
pub(super) async fn delete(
    connections: &Connections,
    pool_id: &str,
    username: &str,
) -> Result<(), DirectoryError> {
    let delete = sqlx::query("DELETE FROM users WHERE pool_id = $1 AND username = $2");
    match run(connections, delete.bind(pool_id).bind(username)).await? {
        0 => Err(no_user(username)),
        _ => Ok(()),
    }
}

/// The same for the user of this `sub`.
pub(super) async fn delete_of_sub(
    connections: &Connections,
    pool_id: &str,
    sub: &str,
) -> Result<(), DirectoryError> {
    let delete = sqlx::query("DELETE FROM users WHERE pool_id = $1 AND sub = $2");
    match run(connections, delete.bind(pool_id).bind(sub)).await? {
        0 => Err(DirectoryError::Missing("the user".to_owned())),
        _ => Ok(()),
    }
}

/// How many rows a statement removed.
async fn run(connections: &Connections, statement: Statement<'_>) -> Result<u64, Trouble> {
    let mut transaction = connections.begin(connections.timeout()).await?;
    let removed = transaction.execute(statement).await?;
    transaction.commit().await?;
    Ok(removed)
}
