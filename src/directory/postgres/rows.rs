//! Users as rows.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::directory::stored::StoredUser;
use crate::pool::User;

/// What [`read_user`] reads, of a table or join in which the user is `u`.
macro_rules! user_columns {
    () => {
        "u.id, u.revision, u.pool_id, u.username, u.sub, u.attributes::text, u.enabled, u.status, u.created_at, \
         u.modified_at, u.signed_out_at, \
         (SELECT coalesce(json_agg(json_build_array(i.provider, i.provider_type, i.subject, i.issuer, \
          i.is_primary::int, i.date_created) ORDER BY i.date_created, i.position), '[]')::text \
          FROM identities i WHERE i.user_id = u.id), \
         (SELECT coalesce(json_agg(json_build_array(m.group_name, m.provider) ORDER BY m.position), '[]')::text \
          FROM memberships m WHERE m.user_id = u.id)"
    };
}
pub(super) use user_columns;

/// A user, and which row it is in which state.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) id: i64,
    pub(super) revision: i64,
    pub(super) user: User,
}

/// The user in the columns of [`user_columns`] that begin at `first`; `None` where the join found none.
pub(super) fn read_user(row: &PgRow, first: usize) -> Result<Option<Found>, sqlx::Error> {
    let Some(id) = row.try_get::<Option<i64>, _>(first)? else { return Ok(None) };
    let text = |column: usize| row.try_get::<&str, _>(first + column);
    let stored = StoredUser {
        pool_id: text(2)?,
        username: text(3)?,
        sub: text(4)?,
        attributes: text(5)?,
        enabled: row.try_get(first + 6)?,
        status: text(7)?,
        created_at: row.try_get(first + 8)?,
        modified_at: row.try_get(first + 9)?,
        signed_out_at: row.try_get(first + 10)?,
        identities: text(11)?,
        groups: text(12)?,
    };
    Ok(Some(Found { id, revision: row.try_get(first + 1)?, user: stored.read()? }))
}
