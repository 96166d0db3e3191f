//! Sign-ins of one batch: one read, decisions in memory, one write per table.

use std::collections::HashMap;
use std::collections::HashSet;

use serde::Serialize;
use sqlx::{Row as _, SqliteConnection};

use super::links::{self, WaitingLinks};
use super::rows::{millis, read_user, user_columns};
use super::writer::{Done, Outcome};
use crate::directory::DirectoryError;
use crate::pool::{FederatedProfile, Identity, User};

/// The users that the sign-ins of a batch are about, as stored and as decided so far.
#[derive(Default)]
pub(super) struct SignIns {
    users: Vec<Slot>,
    /// (pool, provider, subject) → place in `users`.
    by_identity: HashMap<(String, String, String), usize>,
    /// (pool, username) of every user the batch could collide with.
    taken: HashSet<(String, String)>,
    /// Row id → place in `users`.
    places: HashMap<i64, usize>,
    /// What waits for those who are not known yet.
    waiting: WaitingLinks,
}

struct Slot {
    id: i64,
    user: User,
    changed: bool,
    /// How many of the user's groups are stored already.
    groups: usize,
    /// Identities that are the user's since this batch.
    joined: Vec<Identity>,
}

fn key(profile: &FederatedProfile) -> (String, String, String) {
    let identity = &profile.identity;
    (profile.pool_id.clone(), identity.provider_name.clone(), identity.user_id.clone())
}

impl SignIns {
    /// Reads every user that one of the profiles' identities or usernames belongs to.
    pub(super) async fn read(
        connection: &mut SqliteConnection,
        profiles: &[&FederatedProfile],
    ) -> Result<Self, sqlx::Error> {
        let mut batch = Self::default();
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
        let mut unknown = Vec::new();
        for row in &rows {
            let index = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX);
            let Some(profile) = profiles.get(index) else { continue };
            if row.try_get::<Option<i64>, _>(1)?.is_some() {
                batch.taken.insert((profile.pool_id.clone(), profile.username.clone()));
            }
            let Some((id, user)) = read_user(row, 2)? else {
                unknown.extend(links::keys(profile));
                continue;
            };
            let place = batch.place(id, user);
            batch.by_identity.insert(key(profile), place);
        }
        for (key, link, user) in links::find(connection, &unknown).await? {
            batch.place(link.user, user);
            batch.waiting.add(key, link);
        }
        Ok(batch)
    }

    /// Where this stored user is in the batch: one place, by whatever it was found.
    fn place(&mut self, id: i64, user: User) -> usize {
        *self.places.entry(id).or_insert_with(|| {
            let (groups, changed, joined) = (user.groups.len(), false, Vec::new());
            self.users.push(Slot { id, user, changed, groups, joined });
            self.users.len() - 1
        })
    }

    /// What this sign-in makes of its user, after those decided before it.
    pub(super) fn decide(
        &mut self,
        profile: &FederatedProfile,
        next_user: &mut i64,
    ) -> Result<User, DirectoryError> {
        let key = key(profile);
        if let Some(slot) = self.by_identity.get(&key).and_then(|place| self.users.get_mut(*place)) {
            let (user, changed) = profile.apply(Some(&slot.user))?;
            if changed {
                slot.user = user.clone();
                slot.changed = true;
            }
            return Ok(user);
        }
        if let Some(link) = self.waiting.of(profile)?
            && let Some(place) = self.places.get(&link.user).copied()
            && let Some(slot) = self.users.get_mut(place)
        {
            let (user, identity) = profile.join(&slot.user, link.date_created)?;
            slot.user = user.clone();
            slot.changed = true;
            slot.joined.push(identity);
            self.by_identity.insert(key, place);
            self.waiting.use_up(profile);
            return Ok(user);
        }
        let (user, _) = profile.apply(None)?;
        if !self.taken.insert((user.pool_id.clone(), user.username.clone())) {
            return Err(DirectoryError::UsernameTaken(user.username));
        }
        self.by_identity.insert(key, self.users.len());
        let joined = user.identities.clone();
        let (id, groups, changed) = (*next_user, 0, true);
        self.users.push(Slot { id, user: user.clone(), changed, groups, joined });
        *next_user += 1;
        Ok(user)
    }

    /// Whether there is nothing to write.
    pub(super) fn unchanged(&self) -> bool {
        !self.users.iter().any(|slot| slot.changed)
    }

    /// Writes the final state of every changed user.
    pub(super) async fn write(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let mut users = Vec::new();
        let mut identities = Vec::new();
        let mut memberships = Vec::new();
        for slot in self.users.iter().filter(|slot| slot.changed) {
            users.push(UserRow::new(slot)?);
            identities.extend(IdentityRow::joined(slot));
            memberships.extend(
                slot.user
                    .groups
                    .iter()
                    .skip(slot.groups)
                    .enumerate()
                    .map(|(place, group)| (slot.id, group, place)),
            );
        }
        insert(
            connection,
            "INSERT INTO users (id, pool_id, username, sub, attributes, enabled, status, created_at, modified_at) \
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
             value ->> 7, value ->> 8 FROM json_each(?1) WHERE true \
             ON CONFLICT (id) DO UPDATE SET attributes = excluded.attributes, modified_at = excluded.modified_at",
            &users,
        )
        .await?;
        insert(
            connection,
            "INSERT INTO identities (user_id, pool_id, provider, subject, position, provider_type, issuer, \
             is_primary, date_created) \
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 + \
             (SELECT coalesce(max(i.position) + 1, 0) FROM identities i WHERE i.user_id = value ->> 0), \
             value ->> 5, value ->> 6, value ->> 7, value ->> 8 FROM json_each(?1)",
            &identities,
        )
        .await?;
        insert(
            connection,
            "INSERT INTO memberships (user_id, group_name, position) \
             SELECT value ->> 0, value ->> 1, value ->> 2 + \
             (SELECT coalesce(max(m.position) + 1, 0) FROM memberships m WHERE m.user_id = value ->> 0) \
             FROM json_each(?1)",
            &memberships,
        )
        .await?;
        links::remove(connection, self.waiting.used()).await
    }
}

/// In the order of the columns that [`SignIns::write`] names.
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

/// In the order of the columns that [`SignIns::write`] names.
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

async fn insert<T: Serialize>(
    connection: &mut SqliteConnection,
    sql: &'static str,
    rows: &[T],
) -> Result<(), sqlx::Error> {
    if !rows.is_empty() {
        sqlx::query(sql).bind(json(rows)?).execute(connection).await?;
    }
    Ok(())
}

pub(super) fn json(value: &(impl Serialize + ?Sized)) -> Result<String, sqlx::Error> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

/// Removes a user; identities and memberships go with it.
pub(super) async fn delete_user(
    connection: &mut SqliteConnection,
    pool_id: &str,
    username: &str,
) -> Result<Outcome, sqlx::Error> {
    let removed = sqlx::query("DELETE FROM users WHERE pool_id = ?1 AND username = ?2")
        .bind(pool_id)
        .bind(username)
        .execute(connection)
        .await?;
    Ok(if removed.rows_affected() == 0 {
        Err(DirectoryError::Missing(format!("user {username}")))
    } else {
        Ok(Done::Written)
    })
}
