//! A sign-in: one statement that reads all there is to decide by, and one that writes what was decided, if anything.
//!
//! The second writes only while the user's row still has the revision that was read: everything that a decision about
//! a stored user depends on counts it up. For an identity and a username that were free it is the keys that
//! tell. Whoever lost a race reads anew, now holding the rows of the users concerned, so that those who wait are
//! served one after the other instead of racing again.

use std::collections::HashMap;

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::connections::{Connections, Session, Statement};
use super::rows::{read_user, user_columns};
use super::trouble::Trouble;
use crate::directory::DirectoryError;
use crate::directory::decisions::{SignIns, Slot, Waiting};
use crate::directory::stored::{json, millis, no_pool};
use crate::pool::{FederatedProfile, User};

/// How often a sign-in that lost a race is decided anew.
const TRIES: u32 = 10;

/// Everything that the decision about a sign-in depends on, as of one moment.
///
/// $1 pool, $2 provider, $3 subject, $4 username, $5 session, $6 and $7 the names and values it is recognised by.
pub(super) const READ: &str = concat!(
    "SELECT t.id, s.user_id, s.until, NULL::text, NULL::text, NULL::bigint, ",
    user_columns!(),
    " FROM (SELECT 1) one \
     LEFT JOIN identities d ON d.pool_id = $1 AND d.provider = $2 AND d.subject = $3 \
     LEFT JOIN users u ON u.id = d.user_id \
     LEFT JOIN users t ON t.pool_id = $1 AND t.username = $4 \
     LEFT JOIN provider_sessions s ON s.pool_id = $1 AND s.provider = $2 AND s.digest = $5 AND s.subject = $3 \
     UNION ALL \
     SELECT NULL, NULL, NULL, w.name, w.value, l.date_created, ",
    user_columns!(),
    " FROM unnest($6::text[], $7::text[]) w (name, value) \
     JOIN waiting_links l ON l.pool_id = $1 AND l.provider = $2 AND l.attribute = w.name \
      AND l.digest = sha256(convert_to(w.value, 'UTF8')) AND l.value = w.value \
     JOIN users u ON u.id = l.user_id \
     WHERE NOT EXISTS (SELECT FROM identities d WHERE d.pool_id = $1 AND d.provider = $2 AND d.subject = $3)"
);

/// Holds the users whom a sign-in may be or become.
pub(super) const HOLD: &str = "SELECT id FROM users WHERE id IN \
     (SELECT user_id FROM identities WHERE pool_id = $1 AND provider = $2 AND subject = $3 \
      UNION SELECT l.user_id FROM unnest($4::text[], $5::text[]) w (name, value) \
      JOIN waiting_links l ON l.pool_id = $1 AND l.provider = $2 AND l.attribute = w.name \
       AND l.digest = sha256(convert_to(w.value, 'UTF8'))) \
     ORDER BY id FOR NO KEY UPDATE";

/// What follows a head that gives `held`, the row of the user, or no row where the race is lost: then nothing is
/// written. $1 to $7 as in `identities`, $8 whether it is new, $9 new groups, $10 and $11 the names and values of
/// links that are used up, $12 and $13 the session and its end, $14 by whose mapping the new groups are the user's,
/// $15 groups that are left.
///
/// Of the groups that a mapping says only those come about that are there, and whose provider is: the records are
/// held, so that whoever deletes one waits and then sees the membership. One that somebody is deleting is not waited
/// for, but taken for gone.
macro_rules! with_head {
    ($head:literal) => {
        concat!(
            "WITH held AS (",
            $head,
            "), joined AS (INSERT INTO identities \
              (user_id, pool_id, provider, subject, position, provider_type, issuer, is_primary, date_created) \
              SELECT h.id, $1, $2, $3, \
              (SELECT coalesce(max(i.position) + 1, 0) FROM identities i WHERE i.user_id = h.id), $4, $5, $6, $7 \
              FROM held h WHERE $8), \
             there AS (SELECT c.id FROM configuration c JOIN configuration p ON p.kind = 'identity_provider' \
              AND p.pool_id = $1 AND p.id = $2 WHERE c.kind = 'group' AND c.pool_id = $1 AND c.id IN \
              (SELECT name FROM unnest($9::text[], $14::text[]) g (name, provider) WHERE provider IS NOT NULL) \
              FOR KEY SHARE SKIP LOCKED), \
             gone AS (DELETE FROM memberships m USING held h \
              WHERE m.user_id = h.id AND m.group_name = ANY ($15::text[])), \
             placed AS (INSERT INTO memberships (user_id, group_name, pool_id, provider, position) \
              SELECT h.id, g.name, $1, g.provider, g.place - 1 + \
              (SELECT coalesce(max(m.position) + 1, 0) FROM memberships m WHERE m.user_id = h.id) \
              FROM held h CROSS JOIN unnest($9::text[], $14::text[]) WITH ORDINALITY g (name, provider, place) \
              WHERE g.provider IS NULL OR g.name IN (SELECT id FROM there) \
              ON CONFLICT (user_id, group_name) DO UPDATE SET provider = excluded.provider), \
             used AS (DELETE FROM waiting_links l USING held h, unnest($10::text[], $11::text[]) w (name, value) \
              WHERE l.user_id = h.id AND l.pool_id = $1 AND l.provider = $2 AND l.attribute = w.name \
              AND l.digest = sha256(convert_to(w.value, 'UTF8')) AND l.value = w.value), \
             noted AS (INSERT INTO provider_sessions (pool_id, provider, digest, subject, user_id, until) \
              SELECT $1, $2, $12, $3, h.id, $13 FROM held h WHERE $12 IS NOT NULL \
              ON CONFLICT (pool_id, provider, digest, subject) DO UPDATE SET user_id = excluded.user_id, \
              until = greatest(provider_sessions.until, excluded.until)) \
             SELECT id FROM held"
        )
    };
}

/// Only in a pool that is there: its record is held, so that whoever deletes the pool waits and then sees the user. A
/// record that somebody is deleting is not waited for, but taken for gone.
pub(super) const MAKE: &str = with_head!(
    "INSERT INTO users (pool_id, username, sub, attributes, enabled, status, created_at, modified_at) \
     SELECT $1, $16, $17, $18::jsonb, $19, $20, $21, $22 FROM configuration c \
     WHERE c.kind = 'user_pool' AND c.pool_id = $1 AND c.id = $1 FOR KEY SHARE SKIP LOCKED RETURNING id"
);
pub(super) const CHANGE: &str = with_head!(
    "UPDATE users SET attributes = $18::jsonb, modified_at = $19, revision = revision + 1 \
     WHERE id = $16 AND revision = $17 RETURNING id"
);
pub(super) const NOTE: &str = with_head!("SELECT id FROM users WHERE id = $16 AND revision = $17 FOR SHARE");

/// Signs in, or says why not.
pub(super) async fn sign_in(
    connections: &Connections,
    profile: &FederatedProfile,
) -> Result<User, DirectoryError> {
    let rows = connections.fetch(|| Ok(read(profile))).await?;
    let plan = Plan::new(profile, &rows)?;
    if plan.writes_nothing() {
        return Ok(plan.user);
    }
    // To ask twice is harmless: the second finds another revision, or the identity taken.
    match connections.fetch(|| plan.write(profile)).await {
        Ok(held) if !held.is_empty() => return Ok(plan.user),
        Ok(_) if plan.makes_a_user() => return Err(no_pool(&profile.pool_id)),
        Ok(_) => {}
        Err(trouble) if trouble.lost_a_race() => {}
        Err(trouble) => return Err(trouble.into()),
    }
    for _ in 0..TRIES {
        let mut transaction = connections.begin(connections.timeout()).await?;
        match holding(&mut transaction, profile).await {
            Ok(Some(signed_in)) => return Ok(signed_in),
            Ok(None) => transaction.roll_back().await,
            Err(Refused::Trouble(trouble)) if trouble.lost_a_race() => transaction.roll_back().await,
            Err(Refused::Trouble(trouble)) => return Err(trouble.into()),
            Err(Refused::Rule(why)) => {
                transaction.roll_back().await;
                return Err(why);
            }
        }
    }
    Err(DirectoryError::Away(format!("the user changed {TRIES} times while the sign-in was decided")))
}

enum Refused {
    Rule(DirectoryError),
    Trouble(Trouble),
}

impl From<Trouble> for Refused {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<DirectoryError> for Refused {
    fn from(why: DirectoryError) -> Self {
        Self::Rule(why)
    }
}

/// The same, while nobody else can change the users concerned; `None` when the race was lost all the same.
async fn holding(transaction: &mut Session<'_>, profile: &FederatedProfile) -> Result<Option<User>, Refused> {
    let (names, values) = recognised(profile);
    let hold = sqlx::query(HOLD)
        .bind(&profile.pool_id)
        .bind(&profile.identity.provider_name)
        .bind(&profile.identity.user_id)
        .bind(names)
        .bind(values);
    transaction.fetch(hold).await?;
    let plan = Plan::new(profile, &transaction.fetch(read(profile)).await?)?;
    if !plan.writes_nothing() {
        let write = plan.write(profile).map_err(Trouble::from)?;
        if transaction.fetch(write).await?.is_empty() {
            return if plan.makes_a_user() { Err(no_pool(&profile.pool_id).into()) } else { Ok(None) };
        }
    }
    transaction.commit().await?;
    Ok(Some(plan.user))
}

fn recognised(profile: &FederatedProfile) -> (Vec<&str>, Vec<&str>) {
    profile.recognised.iter().map(|(name, value)| (&**name, &**value)).unzip()
}

fn read(profile: &FederatedProfile) -> Statement<'_> {
    let (names, values) = recognised(profile);
    sqlx::query(READ)
        .bind(&profile.pool_id)
        .bind(&profile.identity.provider_name)
        .bind(&profile.identity.user_id)
        .bind(&profile.username)
        .bind(profile.session.as_ref().map(|session| &session.digest))
        .bind(names)
        .bind(values)
}

/// What is to be written for a sign-in.
struct Plan {
    sign_ins: SignIns,
    user: User,
    /// The stored row, and the revision of it that the decision is about.
    row: Option<(i64, i64)>,
    /// Whether its session at the provider must be written.
    notes_session: bool,
}

impl Plan {
    fn new(profile: &FederatedProfile, rows: &[PgRow]) -> Result<Self, DirectoryError> {
        let unreadable = |error: sqlx::Error| DirectoryError::from(Trouble::from(error));
        let mut sign_ins = SignIns::default();
        let mut revisions = HashMap::new();
        let mut session = None;
        for row in rows {
            let (taken, owner, until) = read_sides(row).map_err(unreadable)?;
            if taken {
                sign_ins.is_taken(profile);
            }
            session = session.or(owner.zip(until));
            let Some(found) = read_user(row, 6).map_err(unreadable)? else { continue };
            revisions.insert(found.id, found.revision);
            match read_waiting(row).map_err(unreadable)? {
                Some((name, value, date_created)) => {
                    let (pool, provider) = (&profile.pool_id, &profile.identity.provider_name);
                    let link = Waiting { user: found.id, date_created };
                    sign_ins.awaits((pool.clone(), provider.clone(), name, value), link, found.user);
                }
                None => sign_ins.knows(profile, found.id, found.user),
            }
        }
        // No stored row has this number.
        let mut new_row = 0;
        let user = sign_ins.decide(profile, &mut new_row)?;
        let row = sign_ins.row_of(profile).and_then(|id| Some((id, *revisions.get(&id)?)));
        let notes_session = profile.session.as_ref().is_some_and(|wanted| {
            !session.is_some_and(|(owner, until)| {
                row.is_some_and(|(id, _)| id == owner) && until >= millis(wanted.needed_until)
            })
        });
        Ok(Self { sign_ins, user, row, notes_session })
    }

    fn slot(&self) -> Option<&Slot> {
        self.sign_ins.changed().next()
    }

    fn writes_nothing(&self) -> bool {
        self.slot().is_none() && !self.notes_session
    }

    /// Where that writes nothing, there is no such pool: a user who is there already is refused by the keys.
    const fn makes_a_user(&self) -> bool {
        self.row.is_none()
    }

    fn write<'q>(&'q self, profile: &'q FederatedProfile) -> Result<Statement<'q>, sqlx::Error> {
        let slot = self.slot();
        let sql = match (self.row, slot) {
            (None, _) => MAKE,
            (Some(_), Some(_)) => CHANGE,
            (Some(_), None) => NOTE,
        };
        let joined = slot.and_then(|slot| slot.joined.first());
        let identity = joined.unwrap_or(&profile.identity);
        let used = self.sign_ins.used_links().iter();
        let (names, values): (Vec<&str>, Vec<&str>) =
            used.map(|(_, _, name, value)| (&**name, &**value)).unzip();
        let session = profile.session.as_ref().filter(|_| self.notes_session);
        let (groups, by): (Vec<&str>, Vec<Option<&str>>) =
            slot.iter().flat_map(|slot| slot.new_groups()).unzip();
        let left: Vec<&str> = slot.iter().flat_map(|slot| slot.left_groups()).collect();
        let statement = sqlx::query(sql)
            .bind(&profile.pool_id)
            .bind(&identity.provider_name)
            .bind(&identity.user_id)
            .bind(&identity.provider_type)
            .bind(&identity.issuer)
            .bind(identity.primary)
            .bind(identity.date_created)
            .bind(joined.is_some())
            .bind(groups)
            .bind(names)
            .bind(values)
            .bind(session.map(|session| &session.digest))
            .bind(session.map(|session| millis(session.until)))
            .bind(by)
            .bind(left);
        self.bind_head(statement)
    }

    fn bind_head<'q>(&'q self, statement: Statement<'q>) -> Result<Statement<'q>, sqlx::Error> {
        let user = &self.user;
        Ok(match self.row {
            None => statement
                .bind(&user.username)
                .bind(&user.sub)
                .bind(json(&user.attributes)?)
                .bind(user.enabled)
                .bind(user.status.as_str())
                .bind(millis(user.created_at))
                .bind(millis(user.modified_at)),
            Some((id, revision)) => {
                let statement = statement.bind(id).bind(revision);
                match self.slot() {
                    Some(_) => statement.bind(json(&user.attributes)?).bind(millis(user.modified_at)),
                    None => statement,
                }
            }
        })
    }
}

type Sides = (bool, Option<i64>, Option<i64>);

/// Whether the username is somebody's; whose the session is, and until when it is kept.
fn read_sides(row: &PgRow) -> Result<Sides, sqlx::Error> {
    Ok((row.try_get::<Option<i64>, _>(0)?.is_some(), row.try_get(1)?, row.try_get(2)?))
}

/// Name, value and date of a waiting link, where the row is one.
fn read_waiting(row: &PgRow) -> Result<Option<(String, String, i64)>, sqlx::Error> {
    let Some(name) = row.try_get::<Option<String>, _>(3)? else { return Ok(None) };
    Ok(Some((name, row.try_get(4)?, row.try_get(5)?)))
}
