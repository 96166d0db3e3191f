//! Links: made and removed by an administrator, taken by a sign-in that brings an identity for the first time.
//!
//! Whoever makes or removes one holds the user's row and counts its revision up, so that a sign-in comes before or
//! after it, and holds the provider's record, so that none outlives its provider.

use std::time::Duration;

use poolgate_providers::Clock;
use sqlx::Row as _;

use super::connections::{Connections, Session};
use super::endings;
use super::trouble::Trouble;
use crate::directory::stored::millis;
use crate::directory::{DirectoryError, Kind, Unlink};
use crate::pool::limits::LINKS;
use crate::pool::{IdentityProvider, LinkBy, LinkError, LinkSource, NewLink, WaitingLink};

/// How often what lost a race is decided anew.
const TRIES: u32 = 10;

type Verdict = Result<Result<(), LinkError>, Trouble>;

/// The user to whom a source leads, and whether as its own identity.
struct Owner {
    user: i64,
    sub: String,
    own: bool,
}

async fn owner(
    transaction: &mut Session<'_>,
    pool_id: &str,
    source: &LinkSource,
) -> Result<Option<Owner>, Trouble> {
    let query = match &source.by {
        LinkBy::Subject(subject) => sqlx::query(
            "SELECT d.user_id, u.sub, d.is_primary FROM identities d JOIN users u ON u.id = d.user_id \
             WHERE d.pool_id = $1 AND d.provider = $2 AND d.subject = $3",
        )
        .bind(pool_id)
        .bind(&source.provider_name)
        .bind(subject),
        LinkBy::Attribute { name, value } => sqlx::query(
            "SELECT l.user_id, u.sub, false FROM waiting_links l JOIN users u ON u.id = l.user_id \
             WHERE l.pool_id = $1 AND l.provider = $2 AND l.attribute = $3 \
             AND l.digest = sha256(convert_to($4, 'UTF8')) AND l.value = $4",
        )
        .bind(pool_id)
        .bind(&source.provider_name)
        .bind(name)
        .bind(value),
    };
    let rows = transaction.fetch(query).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Owner { user: row.try_get(0)?, sub: row.try_get(1)?, own: row.try_get(2)? }))
}

/// Makes a link, or says which rule refuses it.
pub(super) async fn link(connections: &Connections, link: &NewLink) -> Result<(), DirectoryError> {
    for _ in 0..TRIES {
        let mut transaction = connections.begin(connections.timeout()).await?;
        let verdict = make(&mut transaction, link).await;
        if let Some(end) = finish(&mut transaction, verdict).await? {
            return end.map_err(Into::into);
        }
    }
    Err(restless())
}

fn restless() -> DirectoryError {
    DirectoryError::Away(format!("what is linked changed {TRIES} times while that was decided"))
}

/// Keeps what was done, or undoes it; `None` when the race was lost.
async fn finish(
    transaction: &mut Session<'_>,
    verdict: Verdict,
) -> Result<Option<Result<(), LinkError>>, DirectoryError> {
    match verdict {
        Ok(Ok(())) => {
            match transaction.commit().await {
                Ok(()) => Ok(Some(Ok(()))),
                // PostgreSQL itself says that it kept nothing.
                Err(trouble) if trouble.lost_a_race() => Ok(None),
                Err(trouble) => Err(trouble.into()),
            }
        }
        Ok(Err(why)) => {
            transaction.roll_back().await;
            Ok(Some(Err(why)))
        }
        Err(trouble) if trouble.lost_a_race() => {
            transaction.roll_back().await;
            Ok(None)
        }
        Err(trouble) => Err(trouble.into()),
    }
}

async fn make(transaction: &mut Session<'_>, link: &NewLink) -> Verdict {
    let provider = &link.source.provider_name;
    let configured =
        sqlx::query("SELECT 1 FROM configuration WHERE kind = $1 AND pool_id = $2 AND id = $3 FOR SHARE")
            .bind(Kind::IdentityProvider.as_str())
            .bind(&link.pool_id)
            .bind(provider);
    let configured = !transaction.fetch(configured).await?.is_empty();
    let held = sqlx::query("SELECT id FROM users WHERE pool_id = $1 AND sub = $2 FOR NO KEY UPDATE")
        .bind(&link.pool_id)
        .bind(&link.sub);
    let held = transaction.fetch(held).await?;
    let Some(row) = held.first() else { return Ok(Err(LinkError::NoUser)) };
    let user: i64 = row.try_get(0)?;
    if !configured {
        return Ok(Err(LinkError::NoProvider(provider.clone())));
    }
    match owner(&mut *transaction, &link.pool_id, &link.source).await? {
        Some(owner) if owner.user == user => return Ok(Err(LinkError::Already)),
        Some(Owner { own: true, .. }) => return Ok(Err(LinkError::SignedUp)),
        Some(_) => return Ok(Err(LinkError::Elsewhere)),
        None => {}
    }
    let count = sqlx::query(
        "SELECT (SELECT count(*) FROM identities WHERE user_id = $1 AND NOT is_primary) + \
         (SELECT count(*) FROM waiting_links WHERE user_id = $1)",
    );
    let counted = transaction.fetch(count.bind(user)).await?;
    let links: i64 = counted.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)?;
    let links = usize::try_from(links).unwrap_or(usize::MAX);
    if links >= LINKS {
        return Ok(Err(LinkError::TooMany(links)));
    }
    insert(&mut *transaction, user, link).await?;
    touch(transaction, user, millis(link.at)).await?;
    Ok(Ok(()))
}

async fn insert(transaction: &mut Session<'_>, user: i64, link: &NewLink) -> Result<(), Trouble> {
    let query = match &link.source.by {
        LinkBy::Subject(_) => sqlx::query(
            "INSERT INTO identities (user_id, pool_id, provider, provider_type, issuer, date_created, subject, \
             is_primary, position) VALUES ($1, $2, $3, $4, $5, $6, $7, false, \
             (SELECT coalesce(max(position) + 1, 0) FROM identities WHERE user_id = $1))",
        ),
        LinkBy::Attribute { .. } => sqlx::query(
            "INSERT INTO waiting_links (user_id, pool_id, provider, provider_type, issuer, date_created, \
             attribute, value, digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, sha256(convert_to($8, 'UTF8')))",
        ),
    };
    let query = query
        .bind(user)
        .bind(&link.pool_id)
        .bind(&link.source.provider_name)
        .bind(&link.provider_type)
        .bind(&link.issuer)
        .bind(millis(link.at));
    let query = match &link.source.by {
        LinkBy::Subject(subject) => query.bind(subject),
        LinkBy::Attribute { name, value } => query.bind(name).bind(value),
    };
    transaction.execute(query).await.map(|_| ())
}

/// Counts the revision up, and the date of the last change with it.
async fn touch(transaction: &mut Session<'_>, user: i64, at: i64) -> Result<(), Trouble> {
    let touch = sqlx::query(
        "UPDATE users SET modified_at = greatest(modified_at, $2), revision = revision + 1 WHERE id = $1",
    );
    transaction.execute(touch.bind(user).bind(at)).await.map(|_| ())
}

/// Removes a link with everything that came of it.
///
/// A sign-in that changes nothing holds nothing: it may have read the identity just before this is committed, and
/// have proved it a moment after the clock was asked. So the ending is dated as late as the transaction can last.
pub(super) async fn unlink(
    connections: &Connections,
    unlink: &Unlink,
    clock: &dyn Clock,
) -> Result<(), DirectoryError> {
    for _ in 0..TRIES {
        let mut transaction = connections.begin(connections.timeout()).await?;
        let verdict = remove(&mut transaction, unlink, clock.now(), connections.timeout()).await;
        match verdict {
            Ok(Some(done)) => {
                if let Some(end) = finish(&mut transaction, Ok(done)).await? {
                    return end.map_err(Into::into);
                }
            }
            // The link has gone to somebody else in between.
            Ok(None) => transaction.roll_back().await,
            Err(trouble) => {
                finish(&mut transaction, Err(trouble)).await?;
            }
        }
    }
    Err(restless())
}

async fn remove(
    transaction: &mut Session<'_>,
    unlink: &Unlink,
    now: time::OffsetDateTime,
    longest: Duration,
) -> Result<Option<Result<(), LinkError>>, Trouble> {
    let Unlink { pool_id, source, ended } = unlink;
    let Some(before) = owner(&mut *transaction, pool_id, source).await? else {
        return Ok(Some(Err(LinkError::NotLinked)));
    };
    if !endings::hold(&mut *transaction, before.user).await? {
        return Ok(None);
    }
    let owner = match owner(&mut *transaction, pool_id, source).await? {
        Some(owner) if owner.user == before.user => owner,
        _ => return Ok(None),
    };
    if owner.own {
        return Ok(Some(Err(LinkError::Own)));
    }
    match &source.by {
        LinkBy::Subject(subject) => {
            let delete =
                sqlx::query("DELETE FROM identities WHERE pool_id = $1 AND provider = $2 AND subject = $3");
            let delete = delete.bind(pool_id).bind(&source.provider_name).bind(subject);
            transaction.execute(delete).await?;
            leave_group(&mut *transaction, pool_id, &source.provider_name, owner.user).await?;
            let mut ended = ended.clone();
            ended.at = ended.at.max(now + longest);
            let noted = transaction.fetch(endings::note(pool_id, &owner.sub, &ended)).await?;
            if let Some((user, true)) = endings::noted(&noted, &ended)? {
                endings::put_together(&mut *transaction, user).await?;
            }
        }
        LinkBy::Attribute { name, value } => {
            let delete = sqlx::query(
                "DELETE FROM waiting_links WHERE pool_id = $1 AND provider = $2 AND attribute = $3 \
                 AND digest = sha256(convert_to($4, 'UTF8')) AND value = $4",
            );
            let delete = delete.bind(pool_id).bind(&source.provider_name).bind(name).bind(value);
            transaction.execute(delete).await?;
        }
    }
    touch(transaction, owner.user, millis(ended.at.max(now))).await?;
    Ok(Some(Ok(())))
}

/// A user who signs in by a provider no more is in its group no more, nor in those that its mapping said.
async fn leave_group(
    transaction: &mut Session<'_>,
    pool_id: &str,
    provider: &str,
    user: i64,
) -> Result<(), Trouble> {
    let leave = sqlx::query(
        "DELETE FROM memberships WHERE user_id = $1 AND (group_name = $2 OR provider = $3) \
         AND NOT EXISTS (SELECT FROM identities WHERE user_id = $1 AND provider = $3)",
    )
    .bind(user)
    .bind(IdentityProvider::group_of(pool_id, provider))
    .bind(provider);
    transaction.execute(leave).await.map(|_| ())
}

/// Removes every link of a provider whose record is removed already: one made later under its name must be linked
/// anew.
pub(super) async fn provider_goes(
    transaction: &mut Session<'_>,
    pool_id: &str,
    provider: &str,
) -> Result<(), Trouble> {
    // First: waits for sign-ins that are about to take a link, and undoes the decisions of those that come too late.
    // Nobody can make another link any more.
    let hold = sqlx::query(
        "UPDATE users SET revision = revision + 1 WHERE id IN \
         (SELECT user_id FROM identities WHERE pool_id = $1 AND provider = $2 AND NOT is_primary \
          UNION SELECT user_id FROM waiting_links WHERE pool_id = $1 AND provider = $2)",
    );
    transaction.execute(hold.bind(pool_id).bind(provider)).await?;
    for statement in [
        "DELETE FROM identities WHERE pool_id = $1 AND provider = $2 AND NOT is_primary",
        "DELETE FROM waiting_links WHERE pool_id = $1 AND provider = $2",
    ] {
        transaction.execute(sqlx::query(statement).bind(pool_id).bind(provider)).await?;
    }
    Ok(())
}

/// The links of these users that wait.
pub(super) async fn waiting(
    connections: &Connections,
    pool_id: &str,
    subs: &[String],
) -> Result<Vec<WaitingLink>, Trouble> {
    let rows = connections
        .fetch(|| {
            let query = sqlx::query(
                "SELECT u.sub, l.provider, l.provider_type, l.issuer, l.attribute, l.value, l.date_created \
                 FROM users u JOIN waiting_links l ON l.user_id = u.id \
                 WHERE u.pool_id = $1 AND u.sub = ANY ($2::text[]) \
                 ORDER BY l.date_created, l.provider, l.attribute, l.value",
            );
            Ok(query.bind(pool_id).bind(subs))
        })
        .await?;
    let read = |row: &sqlx::postgres::PgRow| {
        Ok(WaitingLink {
            sub: row.try_get(0)?,
            provider_name: row.try_get(1)?,
            provider_type: row.try_get(2)?,
            issuer: row.try_get(3)?,
            attribute: row.try_get(4)?,
            value: row.try_get(5)?,
            date_created: row.try_get(6)?,
        })
    };
    Ok(rows.iter().map(read).collect::<Result<_, sqlx::Error>>()?)
}
