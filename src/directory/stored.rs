//! What both directories store in the same form.

use std::collections::BTreeMap;

use serde::Serialize;
use time::OffsetDateTime;

use super::{DirectoryError, Ending, Kind, MOST_REPLACED, Rotated, UniqueName};
use crate::pool::user::UserStatus;
use crate::pool::{Identity, User, UserChange};

/// Most endings of single sessions that are kept for one user: so much is read with each token.
pub(super) const MOST_ENDINGS: i64 = 200;
/// So many of them, the oldest, are put together when there are more.
pub(super) const ENDINGS_TOGETHER: i64 = 100;

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

/// The change as it will be stored: to the millisecond.
pub(super) fn rounded(mut change: UserChange) -> Result<UserChange, sqlx::Error> {
    change.at = moment(millis(change.at))?;
    change.signed_out_at = change.signed_out_at.map(|at| moment(millis(at))).transpose()?;
    Ok(change)
}

/// The refusal of a user who is not there.
pub(super) fn no_user(username: &str) -> DirectoryError {
    DirectoryError::Missing(format!("user {username}"))
}

/// As a parameter of a statement.
pub(super) fn json(value: &(impl Serialize + ?Sized)) -> Result<String, sqlx::Error> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

/// A row of rotations, where the join found one.
pub(super) fn read_rotated(
    generation: Option<i64>,
    replaced: Option<&str>,
) -> Result<Option<Rotated>, sqlx::Error> {
    let (Some(generation), Some(replaced)) = (generation, replaced) else { return Ok(None) };
    let replaced: Result<Vec<i64>, _> = replaced.split(',').map(str::parse).collect();
    Ok(Some(Rotated { generation, replaced: replaced.map_err(unreadable)? }))
}

/// A moment in `rotations.replaced`: always of the same length, so that the last ones can be cut off.
pub(super) fn replaced_at(at: OffsetDateTime) -> String {
    format!("{:013}", millis(at))
}

/// Characters of `rotations.replaced` that are kept: [`MOST_REPLACED`] moments and the commas between them.
#[expect(clippy::cast_possible_wrap, reason = "a hundred or so")]
pub(super) const REPLACED: i32 = (MOST_REPLACED * 14 - 1) as i32;

/// A user as its row and its joined rows hold it.
pub(super) struct StoredUser<'a> {
    pub(super) pool_id: &'a str,
    pub(super) username: &'a str,
    pub(super) sub: &'a str,
    /// A JSON object.
    pub(super) attributes: &'a str,
    /// A JSON array of (provider, type, subject, issuer, 1 where primary, date), oldest first.
    pub(super) identities: &'a str,
    /// A JSON array of (name, provider whose mapping said so), in the order joined.
    pub(super) groups: &'a str,
    pub(super) enabled: bool,
    pub(super) status: &'a str,
    pub(super) created_at: i64,
    pub(super) modified_at: i64,
    pub(super) signed_out_at: Option<i64>,
}

impl StoredUser<'_> {
    pub(super) fn read(&self) -> Result<User, sqlx::Error> {
        let attributes: BTreeMap<String, String> =
            serde_json::from_str(self.attributes).map_err(unreadable)?;
        let identities: Vec<(String, String, String, Option<String>, i64, i64)> =
            serde_json::from_str(self.identities).map_err(unreadable)?;
        let identities = identities.into_iter();
        let groups: Vec<(String, Option<String>)> = serde_json::from_str(self.groups).map_err(unreadable)?;
        let mapped = groups.iter().filter_map(|(group, by)| Some((group.clone(), by.clone()?)));
        Ok(User {
            pool_id: self.pool_id.to_owned(),
            username: self.username.to_owned(),
            sub: self.sub.to_owned(),
            attributes,
            identities: identities
                .map(|(provider_name, provider_type, user_id, issuer, primary, date_created)| Identity {
                    provider_name,
                    provider_type,
                    user_id,
                    issuer,
                    primary: primary != 0,
                    date_created,
                })
                .collect(),
            mapped_groups: mapped.collect(),
            groups: groups.into_iter().map(|(group, _)| group).collect(),
            enabled: self.enabled,
            status: read_status(self.status)?,
            created_at: moment(self.created_at)?,
            modified_at: moment(self.modified_at)?,
            signed_out_at: self.signed_out_at.map(moment).transpose()?,
        })
    }
}

fn read_status(text: &str) -> Result<UserStatus, sqlx::Error> {
    if text == UserStatus::ExternalProvider.as_str() {
        Ok(UserStatus::ExternalProvider)
    } else {
        Err(sqlx::Error::Decode(format!("unknown user status {text:?}").into()))
    }
}

/// Reads a JSON array of (mark, moment, 1 where tokens ended too).
pub(super) fn read_endings(text: &str) -> Result<Vec<Ending>, sqlx::Error> {
    let rows: Vec<(String, i64, i64)> = serde_json::from_str(text).map_err(unreadable)?;
    Ok(rows.into_iter().map(|(mark, at, tokens)| Ending { mark, at, tokens: tokens != 0 }).collect())
}

/// From its stored form.
pub(super) fn read_kind(text: &str) -> Result<Kind, sqlx::Error> {
    Kind::parse(text).ok_or_else(|| sqlx::Error::Decode(format!("unknown kind of record {text:?}").into()))
}

/// What errors call a record.
pub(super) fn label(kind: Kind, id: &str) -> String {
    format!("{} {id}", kind.as_str().replace('_', " "))
}

/// The refusal of a name that another record holds.
pub(super) fn held_already(name: &UniqueName) -> DirectoryError {
    let scope = name.scope.split(':').next().unwrap_or_default();
    DirectoryError::Exists(format!("{scope} {}", name.name))
}

/// The refusal of a user in a pool that has gone.
pub(super) fn no_pool(pool_id: &str) -> DirectoryError {
    DirectoryError::Missing(label(Kind::UserPool, pool_id))
}

/// The first text behind all that begin with `prefix`; `None` when there is none. (UTF-8 sorts by scalar.)
pub(super) fn after_prefix(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::after_prefix;

    #[test]
    fn the_end_of_a_prefix_range_skips_what_is_no_character() {
        assert_eq!(after_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(after_prefix("a\u{D7FF}").as_deref(), Some("a\u{E000}"));
        assert_eq!(after_prefix("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{10FFFF}"), None);
        assert_eq!(after_prefix(""), None);
    }
}
