//! Sign-ins of one batch: one read, decisions in memory, one write per table.

use std::collections::BTreeSet;

use serde::Serialize;
use sqlx::{Row as _, SqliteConnection};

use super::links;
use super::rows::{read_user, user_columns};
use crate::directory::decisions::{SignIns, Slot, waiting_keys};
use crate::directory::stored::{json, millis};
use crate::pool::FederatedProfile;

/// Reads every user that one of the profiles' identities or usernames belongs to.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    profiles: &[&FederatedProfile],
) -> Result<SignIns, sqlx::Error> {
    let mut batch = SignIns::default();
    if profiles.is_empty() {
        return Ok(batch);
    }
    let wanted: Vec<[&str; 4]> = profiles
        .iter()
        .map(|profile| {
            let identity = &profile.identity;
            [&*profile.pool_id, &*identity.provider_name, &*identity.user_id, &*profile.username]
        })
        .collect();
    let rows = sqlx::query(concat!(
        "SELECT w.key, t.id, ",
        user_columns!(),
        " FROM json_each(?1) w \
         LEFT JOIN identities d ON d.pool_id = w.value ->> 0 AND d.provider = w.value ->> 1 \
          AND d.subject = w.value ->> 2 \
         LEFT JOIN users u ON u.id = d.user_id \
         LEFT JOIN users t ON t.pool_id = w.value ->> 0 AND t.username = w.value ->> 3"
    ))
    .bind(json(&wanted)?)
    .fetch_all(&mut *connection)
    .await?;
    let (mut unknown, mut pools) = (Vec::new(), BTreeSet::new());
    for row in &rows {
        let index = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX);
        let Some(profile) = profiles.get(index) else { continue };
        if row.try_get::<Option<i64>, _>(1)?.is_some() {
            batch.is_taken(profile);
        }
        match read_user(row, 2)? {
            Some((id, user)) => batch.knows(profile, id, user),
            None => {
                unknown.extend(waiting_keys(profile));
                pools.insert(&*profile.pool_id);
            }
        }
    }
    for pool_id in without_record(connection, &pools).await? {
        batch.has_gone(pool_id);
    }
    for (key, link, user) in links::find(connection, &unknown).await? {
        batch.awaits(key, link, user);
    }
    Ok(batch)
}

/// Those of these pools that have gone: nobody else writes before the users are written.
async fn without_record(
    connection: &mut SqliteConnection,
    pools: &BTreeSet<&str>,
) -> Result<Vec<String>, sqlx::Error> {
    if pools.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(
        "SELECT w.value FROM json_each(?1) w WHERE NOT EXISTS (SELECT 1 FROM configuration c \
         WHERE c.kind = 'user_pool' AND c.pool_id = w.value AND c.id = w.value)",
    )
    .bind(json(pools)?)
    .fetch_all(connection)
    .await
}

/// Writes the final state of every changed user.
pub(super) async fn write(connection: &mut SqliteConnection, batch: &SignIns) -> Result<(), sqlx::Error> {
    let mut users = Vec::new();
    let mut identities = Vec::new();
    let (mut memberships, mut left) = (Vec::new(), Vec::new());
    for slot in batch.changed() {
        users.push(UserRow::new(slot)?);
        identities.extend(IdentityRow::joined(slot));
        let pool_id = &slot.user.pool_id;
        let groups = slot.new_groups().enumerate();
        memberships.extend(groups.map(|(place, (group, by))| (slot.id, group, place, pool_id, by)));
        left.extend(slot.left_groups().map(|group| (slot.id, group)));
    }
    with_rows(
        connection,
        "INSERT INTO users (id, pool_id, username, sub, attributes, enabled, status, created_at, modified_at) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
         value ->> 7, value ->> 8 FROM json_each(?1) WHERE true \
         ON CONFLICT (id) DO UPDATE SET attributes = excluded.attributes, modified_at = excluded.modified_at",
        &users,
    )
    .await?;
    with_rows(
        connection,
        "INSERT INTO identities (user_id, pool_id, provider, subject, position, provider_type, issuer, \
         is_primary, date_created) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 + \
         (SELECT coalesce(max(i.position) + 1, 0) FROM identities i WHERE i.user_id = value ->> 0), \
         value ->> 5, value ->> 6, value ->> 7, value ->> 8 FROM json_each(?1)",
        &identities,
    )
    .await?;
    with_rows(
        connection,
        "DELETE FROM memberships WHERE (user_id, group_name) IN \
         (SELECT value ->> 0, value ->> 1 FROM json_each(?1))",
        &left,
    )
    .await?;
    // A group, and a provider whose mapping names it, may have gone since the mapping was read.
    with_rows(
        connection,
        "INSERT INTO memberships (user_id, group_name, position, pool_id, provider) \
         SELECT value ->> 0, value ->> 1, value ->> 2 + \
         (SELECT coalesce(max(m.position) + 1, 0) FROM memberships m WHERE m.user_id = value ->> 0), \
         value ->> 3, value ->> 4 FROM json_each(?1) WHERE value ->> 4 IS NULL OR ( \
          EXISTS (SELECT 1 FROM configuration c WHERE c.kind = 'group' AND c.pool_id = value ->> 3 \
           AND c.id = value ->> 1) \
          AND EXISTS (SELECT 1 FROM configuration c WHERE c.kind = 'identity_provider' \
           AND c.pool_id = value ->> 3 AND c.id = value ->> 4)) \
         ON CONFLICT (user_id, group_name) DO UPDATE SET provider = excluded.provider",
        &memberships,
    )
    .await?;
    links::remove(connection, batch.used_links()).await
}

/// In the order of the columns that [`write`] names.
#[derive(Serialize)]
struct UserRow<'a>(i64, &'a str, &'a str, &'a str, String, u8, &'static str, i64, i64);

impl<'a> UserRow<'a> {
    fn new(slot: &'a Slot) -> Result<Self, sqlx::Error> {
        let user = &slot.user;
        Ok(Self(
            slot.id,
            &user.pool_id,
            &user.username,
            &user.sub,
            json(&user.attributes)?,
            u8::from(user.enabled),
            user.status.as_str(),
            millis(user.created_at),
            millis(user.modified_at),
        ))
    }
}

/// In the order of the columns that [`write`] names.
#[derive(Serialize)]
struct IdentityRow<'a>(i64, &'a str, &'a str, &'a str, usize, &'a str, Option<&'a str>, u8, i64);

impl<'a> IdentityRow<'a> {
    fn joined(slot: &'a Slot) -> impl Iterator<Item = Self> {
        slot.joined.iter().enumerate().map(|(place, identity)| {
            Self(
                slot.id,
                &slot.user.pool_id,
                &identity.provider_name,
                &identity.user_id,
                place,
                &identity.provider_type,
                identity.issuer.as_deref(),
                u8::from(identity.primary),
                identity.date_created,
            )
        })
    }
}

/// Runs a statement about rows, where there are any.
async fn with_rows<T: Serialize>(
    connection: &mut SqliteConnection,
    sql: &'static str,
    rows: &[T],
) -> Result<(), sqlx::Error> {
    if !rows.is_empty() {
        sqlx::query(sql).bind(json(rows)?).execute(connection).await?;
    }
    Ok(())
}
