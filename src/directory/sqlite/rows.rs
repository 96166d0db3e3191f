//! Users as rows.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::directory::stored::StoredUser;
use crate::pool::User;

/// What [`read_user`] reads, of a table or join in which the user is `u`. Its first column is `id`.
macro_rules! user_columns {
    () => {
        "u.id, u.pool_id, u.username, u.sub, u.attributes, u.enabled, u.status, u.created_at, u.modified_at, \
         u.signed_out_at, \
         (SELECT json_group_array(json_array(i.provider, i.provider_type, i.subject, i.issuer, i.is_primary, \
          i.date_created) ORDER BY i.date_created, i.position) FROM identities i WHERE i.user_id = u.id), \
         (SELECT json_group_array(json_array(m.group_name, m.provider) ORDER BY m.position) FROM memberships m WHERE m.user_id = u.id)"
    };
}
pub(super) use user_columns;

/// Row id and user, read from the columns of [`user_columns`] that begin at `first`; `None` where the join found none.
pub(super) fn read_user(row: &SqliteRow, first: usize) -> Result<Option<(i64, User)>, sqlx::Error> {
    let Some(id) = row.try_get::<Option<i64>, _>(first)? else { return Ok(None) };
    let text = |column: usize| row.try_get::<&str, _>(first + column);
    let number = |column: usize| row.try_get::<i64, _>(first + column);
    let stored = StoredUser {
        pool_id: text(1)?,
        username: text(2)?,
        sub: text(3)?,
        attributes: text(4)?,
        enabled: number(5)? != 0,
        status: text(6)?,
        created_at: number(7)?,
        modified_at: number(8)?,
        signed_out_at: row.try_get(first + 9)?,
        identities: text(10)?,
        groups: text(11)?,
    };
    Ok(Some((id, stored.read()?)))
}
