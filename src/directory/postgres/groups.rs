//! Memberships: made and removed by an administrator. What sign-ins make of them is in `sign_ins`.
//!
//! Whoever puts somebody into a group holds the group's record, so that its deletion comes before or after; then the
//! user's row, whose revision counts up. Everybody takes them in this order.

use sqlx::Row as _;

use super::connections::{Connections, Session};
use super::rows::{read_user, user_columns};
use super::trouble::Trouble;
use crate::directory::storable::any_nul;
use crate::directory::{DirectoryError, Kind, Member};
use crate::pool::limits::GROUPS_OF_A_USER;
use crate::pool::{GroupError, IdentityProvider};

/// How often what PostgreSQL gave up for the sake of others is done anew.
const TRIES: u32 = 5;

type Verdict = Result<Result<(), GroupError>, Trouble>;

/// Who shall be in which group, or not be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) pool_id: &'a str,
    pub(super) username: &'a str,
    pub(super) group: &'a str,
}

/// What an administrator wants.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wish {
    Join,
    Leave,
}

/// Does it, or says which rule refuses it.
pub(super) async fn change(
    connections: &Connections,
    wish: Wish,
    place: Place<'_>,
) -> Result<(), DirectoryError> {
    let mut tries = 0;
    loop {
        let mut transaction = connections.begin(connections.timeout()).await?;
        let verdict = match wish {
            Wish::Join => join(&mut transaction, place).await,
            Wish::Leave => leave(&mut transaction, place).await,
        };
        match verdict {
            Ok(Ok(())) => return Ok(transaction.commit().await?),
            Ok(Err(refused)) => {
                transaction.roll_back().await;
                return Err(refused.into());
            }
            Err(trouble) if trouble.was_given_up() && tries < TRIES => {
                transaction.roll_back().await;
                tries += 1;
            }
            Err(trouble) => return Err(trouble.into()),
        }
    }
}

/// The user's row, which nobody else changes before the transaction ends.
async fn hold(transaction: &mut Session<'_>, place: Place<'_>) -> Result<Option<i64>, Trouble> {
    let hold = sqlx::query("SELECT id FROM users WHERE pool_id = $1 AND username = $2 FOR NO KEY UPDATE");
    let rows = transaction.fetch(hold.bind(place.pool_id).bind(place.username)).await?;
    Ok(rows.first().map(|row| row.try_get(0)).transpose()?)
}

async fn join(transaction: &mut Session<'_>, place: Place<'_>) -> Verdict {
    let configured =
        sqlx::query("SELECT 1 FROM configuration WHERE kind = $1 AND pool_id = $2 AND id = $3 FOR KEY SHARE")
            .bind(Kind::Group.as_str())
            .bind(place.pool_id)
            .bind(place.group);
    let configured = !transaction.fetch(configured).await?.is_empty();
    let Some(user) = hold(&mut *transaction, place).await? else { return Ok(Err(GroupError::NoUser)) };
    if !configured {
        return Ok(Err(GroupError::NoGroup(place.group.to_owned())));
    }
    let count = sqlx::query("SELECT count(*) FROM memberships WHERE user_id = $1 AND group_name <> $2");
    let counted = transaction.fetch(count.bind(user).bind(place.group)).await?;
    let others: i64 = counted.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?;
    let others = usize::try_from(others).unwrap_or(usize::MAX);
    if others >= GROUPS_OF_A_USER {
        return Ok(Err(GroupError::TooMany(others)));
    }
    let insert = sqlx::query(
        "INSERT INTO memberships (user_id, group_name, pool_id, position) VALUES ($1, $2, $3, \
         (SELECT coalesce(max(position) + 1, 0) FROM memberships WHERE user_id = $1)) \
         ON CONFLICT (user_id, group_name) DO UPDATE SET provider = NULL",
    );
    transaction.execute(insert.bind(user).bind(place.group).bind(place.pool_id)).await?;
    count_up(transaction, user).await.map(Ok)
}

async fn leave(transaction: &mut Session<'_>, place: Place<'_>) -> Verdict {
    let Some(user) = hold(&mut *transaction, place).await? else { return Ok(Err(GroupError::NoUser)) };
    let delete = sqlx::query("DELETE FROM memberships WHERE user_id = $1 AND group_name = $2");
    transaction.execute(delete.bind(user).bind(place.group)).await?;
    count_up(transaction, user).await.map(Ok)
}

/// A sign-in that was decided on the memberships of before is decided anew.
async fn count_up(transaction: &mut Session<'_>, user: i64) -> Result<(), Trouble> {
    let count_up = sqlx::query("UPDATE users SET revision = revision + 1 WHERE id = $1").bind(user);
    transaction.execute(count_up).await.map(|_| ())
}

/// Whether somebody is in a group whose record is removed already: nobody can join it any more.
pub(super) async fn has_members(
    transaction: &mut Session<'_>,
    pool_id: &str,
    group: &str,
) -> Result<bool, Trouble> {
    let member = sqlx::query("SELECT 1 FROM memberships WHERE pool_id = $1 AND group_name = $2 LIMIT 1");
    Ok(!transaction.fetch(member.bind(pool_id).bind(group)).await?.is_empty())
}

/// Removes the own group of a provider whose record is removed already, and every membership that came by the
/// provider.
///
/// No revision counts up, for there may be millions: a sign-in that was decided before this writes memberships that
/// are new, never those that it found, and none by the mapping of a provider that is gone.
pub(super) async fn provider_goes(
    transaction: &mut Session<'_>,
    pool_id: &str,
    provider: &str,
) -> Result<(), Trouble> {
    let group = IdentityProvider::group_of(pool_id, provider);
    let delete = sqlx::query("DELETE FROM configuration WHERE kind = $1 AND pool_id = $2 AND id = $3");
    transaction.execute(delete.bind(Kind::Group.as_str()).bind(pool_id).bind(&group)).await?;
    for (statement, of) in [
        ("DELETE FROM memberships WHERE pool_id = $1 AND group_name = $2", &*group),
        ("DELETE FROM memberships WHERE pool_id = $1 AND provider = $2", provider),
    ] {
        transaction.execute(sqlx::query(statement).bind(pool_id).bind(of)).await?;
    }
    Ok(())
}

/// Some members of a group, by the row that each user has.
pub(super) async fn members(
    connections: &Connections,
    pool_id: &str,
    group: &str,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<Member>, Trouble> {
    const MEMBERS: &str = concat!(
        "SELECT ",
        user_columns!(),
        " FROM memberships g JOIN users u ON u.id = g.user_id \
         WHERE g.pool_id = $1 AND g.group_name = $2 AND g.user_id > $3 ORDER BY g.user_id LIMIT $4"
    );
    if any_nul(&[pool_id, group]) {
        return Ok(Vec::new());
    }
    let rows = connections.fetch(|| {
        let members = sqlx::query(MEMBERS).bind(pool_id).bind(group);
        Ok(members.bind(after.unwrap_or(i64::MIN)).bind(i64::from(limit)))
    });
    let rows = rows.await?;
    let users = rows.iter().filter_map(|row| read_user(row, 0).transpose());
    let members = users.map(|found| found.map(|found| Member { place: found.id, user: found.user }));
    Ok(members.collect::<Result<_, sqlx::Error>>()?)
}
