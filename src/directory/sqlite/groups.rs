//! Memberships: made and removed by an administrator. What sign-ins make of them is in `sign_ins`.

use sqlx::SqliteConnection;
use sqlx::sqlite::SqlitePool;

use super::rows::{read_user, user_columns};
use super::writer::{Done, Outcome};
use crate::directory::{Kind, Member};
use crate::pool::limits::GROUPS_OF_A_USER;
use crate::pool::{GroupError, IdentityProvider};

async fn user_id(
    connection: &mut SqliteConnection,
    pool_id: &str,
    username: &str,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT id FROM users WHERE pool_id = ?1 AND username = ?2")
        .bind(pool_id)
        .bind(username)
        .fetch_optional(connection)
        .await
}

/// Puts a user into a group, or says which rule refuses it.
pub(super) async fn join(
    connection: &mut SqliteConnection,
    pool_id: &str,
    username: &str,
    group: &str,
) -> Result<Outcome, sqlx::Error> {
    let configured: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM configuration WHERE kind = ?1 AND pool_id = ?2 AND id = ?3)",
    )
    .bind(Kind::Group.as_str())
    .bind(pool_id)
    .bind(group)
    .fetch_one(&mut *connection)
    .await?;
    let Some(user) = user_id(&mut *connection, pool_id, username).await? else {
        return Ok(Err(GroupError::NoUser.into()));
    };
    if !configured {
        return Ok(Err(GroupError::NoGroup(group.to_owned()).into()));
    }
    let others: i64 =
        sqlx::query_scalar("SELECT count(*) FROM memberships WHERE user_id = ?1 AND group_name <> ?2")
            .bind(user)
            .bind(group)
            .fetch_one(&mut *connection)
            .await?;
    let others = usize::try_from(others).unwrap_or(usize::MAX);
    if others >= GROUPS_OF_A_USER {
        return Ok(Err(GroupError::TooMany(others).into()));
    }
    sqlx::query(
        "INSERT INTO memberships (user_id, group_name, pool_id, position) VALUES (?1, ?2, ?3, \
         (SELECT coalesce(max(position) + 1, 0) FROM memberships WHERE user_id = ?1)) \
         ON CONFLICT (user_id, group_name) DO UPDATE SET provider = NULL",
    )
    .bind(user)
    .bind(group)
    .bind(pool_id)
    .execute(connection)
    .await?;
    Ok(Ok(Done::Written))
}

/// Takes a user out of a group.
pub(super) async fn leave(
    connection: &mut SqliteConnection,
    pool_id: &str,
    username: &str,
    group: &str,
) -> Result<Outcome, sqlx::Error> {
    let Some(user) = user_id(&mut *connection, pool_id, username).await? else {
        return Ok(Err(GroupError::NoUser.into()));
    };
    sqlx::query("DELETE FROM memberships WHERE user_id = ?1 AND group_name = ?2")
        .bind(user)
        .bind(group)
        .execute(connection)
        .await?;
    Ok(Ok(Done::Written))
}

/// Whether somebody is in the group.
pub(super) async fn has_members(
    connection: &mut SqliteConnection,
    pool_id: &str,
    group: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM memberships WHERE pool_id = ?1 AND group_name = ?2)")
        .bind(pool_id)
        .bind(group)
        .fetch_one(connection)
        .await
}

/// Removes a provider's own group, and every membership that came by the provider.
pub(super) async fn provider_goes(
    connection: &mut SqliteConnection,
    pool_id: &str,
    provider: &str,
) -> Result<(), sqlx::Error> {
    let group = IdentityProvider::group_of(pool_id, provider);
    sqlx::query("DELETE FROM memberships WHERE pool_id = ?1 AND (group_name = ?2 OR provider = ?3)")
        .bind(pool_id)
        .bind(&group)
        .bind(provider)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM configuration WHERE kind = ?1 AND pool_id = ?2 AND id = ?3")
        .bind(Kind::Group.as_str())
        .bind(pool_id)
        .bind(&group)
        .execute(connection)
        .await?;
    Ok(())
}

/// Some members of a group, by the row that each user has.
pub(super) async fn members(
    readers: &SqlitePool,
    pool_id: &str,
    group: &str,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<Member>, sqlx::Error> {
    let rows = sqlx::query(concat!(
        "SELECT ",
        user_columns!(),
        " FROM memberships g CROSS JOIN users u ON u.id = g.user_id \
         WHERE g.pool_id = ?1 AND g.group_name = ?2 AND g.user_id > ?3 ORDER BY g.user_id LIMIT ?4"
    ))
    .bind(pool_id)
    .bind(group)
    .bind(after.unwrap_or(i64::MIN))
    .bind(i64::from(limit))
    .fetch_all(readers)
    .await?;
    let users = rows.iter().filter_map(|row| read_user(row, 0).transpose());
    users.map(|found| found.map(|(place, user)| Member { place, user })).collect()
}
