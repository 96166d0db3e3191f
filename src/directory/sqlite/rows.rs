//! Users as rows.

use std::collections::BTreeMap;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;

use crate::pool::user::UserStatus;
use crate::pool::{Identity, User};

/// What [`read_user`] reads, of a table or join in which the user is `u`. Its first column is `id`.
macro_rules! user_columns {
    () => {
        "u.id, u.pool_id, u.username, u.sub, u.attributes, u.enabled, u.status, u.created_at, u.modified_at, \
         u.signed_out_at, \
         (SELECT json_group_array(json_array(i.provider, i.provider_type, i.subject, i.issuer, i.is_primary, \
          i.date_created) ORDER BY i.date_created, i.position) FROM identities i WHERE i.user_id = u.id), \
         (SELECT json_group_array(m.group_name ORDER BY m.position) FROM memberships m WHERE m.user_id = u.id)"
    };
}
pub(super) use user_columns;

/// Milliseconds since 1970.
pub(crate) fn millis(moment: OffsetDateTime) -> i64 {
    moment.unix_timestamp() * 1000 + i64::from(moment.millisecond())
}

/// The moment so many milliseconds after 1970.
pub(super) fn moment(millis: i64) -> Result<OffsetDateTime, sqlx::Error> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).map_err(unreadable)
}

fn unreadable(why: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(why))
}

/// Row id and user, read from the columns of [`user_columns`] that begin at `first`; `None` where the join found none.
pub(super) fn read_user(row: &SqliteRow, first: usize) -> Result<Option<(i64, User)>, sqlx::Error> {
    let Some(id) = row.try_get::<Option<i64>, _>(first)? else { return Ok(None) };
    let text = |column: usize| row.try_get::<&str, _>(first + column);
    let number = |column: usize| row.try_get::<i64, _>(first + column);
    let attributes: BTreeMap<String, String> = serde_json::from_str(text(4)?).map_err(unreadable)?;
    let identities: Vec<(String, String, String, Option<String>, i64, i64)> =
        serde_json::from_str(text(10)?).map_err(unreadable)?;
    let user = User {
        pool_id: text(1)?.to_owned(),
        username: text(2)?.to_owned(),
        sub: text(3)?.to_owned(),
        attributes,
        identities: identities
            .into_iter()
            .map(|(provider_name, provider_type, user_id, issuer, primary, date_created)| Identity {
                provider_name,
                provider_type,
                user_id,
                issuer,
                primary: primary != 0,
                date_created,
            })
            .collect(),
        groups: serde_json::from_str(text(11)?).map_err(unreadable)?,
        enabled: number(5)? != 0,
        status: read_status(text(6)?)?,
        created_at: moment(number(7)?)?,
        modified_at: moment(number(8)?)?,
        signed_out_at: row.try_get::<Option<i64>, _>(first + 9)?.map(moment).transpose()?,
    };
    Ok(Some((id, user)))
}

fn read_status(text: &str) -> Result<UserStatus, sqlx::Error> {
    if text == UserStatus::ExternalProvider.as_str() {
        Ok(UserStatus::ExternalProvider)
    } else {
        Err(sqlx::Error::Decode(format!("unknown user status {text:?}").into()))
    }
}
