//! Links: made and removed by an administrator, taken by a sign-in that brings an identity for the first time.

use sqlx::sqlite::SqlitePool;
use sqlx::{Row as _, SqliteConnection};

use super::endings;
use super::rows::{read_user, user_columns};
use super::writer::{Done, Outcome};
use crate::directory::decisions::{Waiting, WaitingKey};
use crate::directory::stored::{json, millis};
use crate::directory::{DirectoryError, Kind, Unlink};
use crate::pool::limits::LINKS;
use crate::pool::{IdentityProvider, LinkBy, LinkError, LinkSource, NewLink, User, WaitingLink};

/// The links that wait for these sign-ins, and the users they lead to.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    keys: &[WaitingKey],
) -> Result<Vec<(WaitingKey, Waiting, User)>, sqlx::Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(concat!(
        "SELECT w.key, l.date_created, ",
        user_columns!(),
        " FROM json_each(?1) w CROSS JOIN waiting_links l ON l.pool_id = w.value ->> 0 \
         AND l.provider = w.value ->> 1 AND l.attribute = w.value ->> 2 AND l.value = w.value ->> 3 \
         JOIN users u ON u.id = l.user_id"
    ))
    .bind(json(keys)?)
    .fetch_all(connection)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let place = usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(usize::MAX);
        let (Some(key), Some((id, user))) = (keys.get(place), read_user(row, 2)?) else { continue };
        found.push((key.clone(), Waiting { user: id, date_created: row.try_get(1)? }, user));
    }
    Ok(found)
}

/// Removes links that were used up.
pub(super) async fn remove(
    connection: &mut SqliteConnection,
    keys: &[WaitingKey],
) -> Result<(), sqlx::Error> {
    if keys.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "DELETE FROM waiting_links WHERE (pool_id, provider, attribute, value) IN \
         (SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1))",
    )
    .bind(json(keys)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// The user to whom a source leads, and whether as its own identity.
struct Owner {
    user: i64,
    own: bool,
}

async fn owner(
    connection: &mut SqliteConnection,
    pool_id: &str,
    source: &LinkSource,
) -> Result<Option<Owner>, sqlx::Error> {
    let query = match &source.by {
        LinkBy::Subject(subject) => sqlx::query(
            "SELECT user_id, is_primary FROM identities WHERE pool_id = ?1 AND provider = ?2 AND subject = ?3",
        )
        .bind(pool_id)
        .bind(&source.provider_name)
        .bind(subject),
        LinkBy::Attribute { name, value } => sqlx::query(
            "SELECT user_id, 0 FROM waiting_links \
             WHERE pool_id = ?1 AND provider = ?2 AND attribute = ?3 AND value = ?4",
        )
        .bind(pool_id)
        .bind(&source.provider_name)
        .bind(name)
        .bind(value),
    };
    let row = query.fetch_optional(connection).await?;
    row.map(|row| Ok(Owner { user: row.try_get(0)?, own: row.try_get::<i64, _>(1)? != 0 })).transpose()
}

/// Makes a link, or says which rule refuses it.
pub(super) async fn link(connection: &mut SqliteConnection, link: &NewLink) -> Result<Outcome, sqlx::Error> {
    let refused = |why: LinkError| Ok(Err(DirectoryError::Link(why)));
    let provider = &link.source.provider_name;
    let row = sqlx::query(
        "SELECT u.id, EXISTS (SELECT 1 FROM configuration WHERE kind = ?3 AND pool_id = ?1 AND id = ?4), \
         (SELECT count(*) FROM identities i WHERE i.user_id = u.id AND i.is_primary = 0) + \
         (SELECT count(*) FROM waiting_links l WHERE l.user_id = u.id) \
         FROM users u WHERE u.pool_id = ?1 AND u.sub = ?2",
    )
    .bind(&link.pool_id)
    .bind(&link.sub)
    .bind(Kind::IdentityProvider.as_str())
    .bind(provider)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return refused(LinkError::NoUser) };
    let (user, configured, links): (i64, bool, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    if !configured {
        return refused(LinkError::NoProvider(provider.clone()));
    }
    match owner(&mut *connection, &link.pool_id, &link.source).await? {
        Some(owner) if owner.user == user => return refused(LinkError::Already),
        Some(Owner { own: true, .. }) => return refused(LinkError::SignedUp),
        Some(_) => return refused(LinkError::Elsewhere),
        None => {}
    }
    let links = usize::try_from(links).unwrap_or(usize::MAX);
    if links >= LINKS {
        return refused(LinkError::TooMany(links));
    }
    insert(&mut *connection, user, link).await?;
    touch(connection, user, millis(link.at)).await?;
    Ok(Ok(Done::Written))
}

async fn insert(connection: &mut SqliteConnection, user: i64, link: &NewLink) -> Result<(), sqlx::Error> {
    let query = match &link.source.by {
        LinkBy::Subject(subject) => sqlx::query(
            "INSERT INTO identities (user_id, pool_id, provider, provider_type, issuer, date_created, subject, \
             is_primary, position) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, (SELECT coalesce(max(position) + 1, 0) FROM identities WHERE user_id = ?1))",
        )
        .bind(user)
        .bind(&link.pool_id)
        .bind(&link.source.provider_name)
        .bind(&link.provider_type)
        .bind(&link.issuer)
        .bind(millis(link.at))
        .bind(subject),
        LinkBy::Attribute { name, value } => sqlx::query(
            "INSERT INTO waiting_links (user_id, pool_id, provider, provider_type, issuer, date_created, \
             attribute, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .bind(user)
        .bind(&link.pool_id)
        .bind(&link.source.provider_name)
        .bind(&link.provider_type)
        .bind(&link.issuer)
        .bind(millis(link.at))
        .bind(name)
        .bind(value),
    };
    query.execute(connection).await?;
    Ok(())
}

/// Removes a link with everything that came of it. `now` is the writer's: what was proved by a sign-in that was
/// written before this has an earlier moment, whatever order the two were asked in.
pub(super) async fn unlink(
    connection: &mut SqliteConnection,
    unlink: &Unlink,
    now: time::OffsetDateTime,
) -> Result<Outcome, sqlx::Error> {
    let Unlink { pool_id, source, ended } = unlink;
    let owner = match owner(&mut *connection, pool_id, source).await? {
        None => return Ok(Err(LinkError::NotLinked.into())),
        Some(Owner { own: true, .. }) => return Ok(Err(LinkError::Own.into())),
        Some(owner) => owner,
    };
    let provider = &*source.provider_name;
    match &source.by {
        LinkBy::Subject(subject) => {
            sqlx::query("DELETE FROM identities WHERE pool_id = ?1 AND provider = ?2 AND subject = ?3")
                .bind(pool_id)
                .bind(provider)
                .bind(subject)
                .execute(&mut *connection)
                .await?;
            leave_group(&mut *connection, pool_id, provider, owner.user).await?;
            let mut ended = ended.clone();
            ended.at = ended.at.max(now);
            endings::note(&mut *connection, owner.user, &ended).await?;
        }
        LinkBy::Attribute { name, value } => {
            let key = (pool_id.clone(), source.provider_name.clone(), name.clone(), value.clone());
            remove(&mut *connection, &[key]).await?;
        }
    }
    touch(connection, owner.user, millis(ended.at.max(now))).await?;
    Ok(Ok(Done::Written))
}

/// A user who signs in by a provider no more is in its group no more, nor in those that its mapping said.
async fn leave_group(
    connection: &mut SqliteConnection,
    pool_id: &str,
    provider: &str,
    user: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM memberships WHERE user_id = ?1 AND (group_name = ?2 OR provider = ?3) \
         AND NOT EXISTS (SELECT 1 FROM identities WHERE user_id = ?1 AND provider = ?3)",
    )
    .bind(user)
    .bind(IdentityProvider::group_of(pool_id, provider))
    .bind(provider)
    .execute(connection)
    .await?;
    Ok(())
}

async fn touch(connection: &mut SqliteConnection, user: i64, at: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE users SET modified_at = max(modified_at, ?2) WHERE id = ?1")
        .bind(user)
        .bind(at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes every link of a provider that goes: one made later under its name must be linked anew.
pub(super) async fn provider_goes(
    connection: &mut SqliteConnection,
    pool_id: &str,
    provider: &str,
) -> Result<(), sqlx::Error> {
    for statement in [
        "DELETE FROM identities WHERE pool_id = ?1 AND provider = ?2 AND is_primary = 0",
        "DELETE FROM waiting_links WHERE pool_id = ?1 AND provider = ?2",
    ] {
        sqlx::query(statement).bind(pool_id).bind(provider).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The links of these users that wait.
pub(super) async fn waiting(
    readers: &SqlitePool,
    pool_id: &str,
    subs: &[String],
) -> Result<Vec<WaitingLink>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT u.sub, l.provider, l.provider_type, l.issuer, l.attribute, l.value, l.date_created \
         FROM json_each(?2) w CROSS JOIN users u ON u.pool_id = ?1 AND u.sub = w.value \
         JOIN waiting_links l ON l.user_id = u.id ORDER BY l.date_created, l.provider, l.attribute, l.value",
    )
    .bind(pool_id)
    .bind(json(subs)?)
    .fetch_all(readers)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(WaitingLink {
                sub: row.try_get(0)?,
                provider_name: row.try_get(1)?,
                provider_type: row.try_get(2)?,
                issuer: row.try_get(3)?,
                attribute: row.try_get(4)?,
                value: row.try_get(5)?,
                date_created: row.try_get(6)?,
            })
        })
        .collect()
}
