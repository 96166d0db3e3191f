//! The directory on PostgreSQL: any number of gateways over one database.
//!
//! `docs/decisions/2026-11-21-postgresql.md` says what keeps them from each other's feet.

mod address;
mod configuration;
mod connections;
mod endings;
mod groups;
pub(crate) mod import;
mod links;
mod list;
mod marks;
mod prune;
mod rows;
mod schema;
mod sign_ins;
#[cfg(test)]
mod tests;
mod trouble;
mod users;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use poolgate_providers::Clock;
use sqlx::Row as _;
use time::OffsetDateTime;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, sleep};

pub use self::address::{Address, AddressError};
use self::connections::Connections;
use self::rows::{read_user, user_columns};
use self::schema::{Unusable, Visitor};
use self::trouble::Trouble;
use super::storable::{
    any_nul, refuse_any_nul, refuse_nul, refuse_nul_in_change, refuse_nul_in_ending, refuse_nul_in_source,
};
use super::stored::{millis, moment, rounded};
use super::{
    Change, Changed, Directory, DirectoryError, Ended, Member, Record, Rotation, SessionOwner, TokenState,
    Unlink, UserQuery,
};
use crate::pool::{FederatedProfile, GroupError, NewLink, User, UserChange, WaitingLink};

/// How long a start waits for a server that is not there yet.
const START: Duration = Duration::from_secs(30);

/// Between two looks for it.
const LOOK: Duration = Duration::from_millis(500);

/// Between two log lines that say so.
const SAY: Duration = Duration::from_secs(5);

/// Between two rounds of forgetting what has expired.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// The directory in one schema of a PostgreSQL database.
pub struct PostgresDirectory {
    connections: Arc<Connections>,
    clock: Arc<dyn Clock>,
    pruning: JoinHandle<()>,
}

impl PostgresDirectory {
    /// Opens it, and makes its tables or brings them up to date. A server that is not there yet is waited for, for
    /// half a minute. `clock` tells what has expired. Must be called within a tokio runtime that lives as long as the
    /// directory.
    ///
    /// # Errors
    /// [`DirectoryError::Away`] with the reason: no server answered, or the tables are a newer build's.
    pub async fn open(address: &Address, clock: Arc<dyn Clock>) -> Result<Self, DirectoryError> {
        Self::open_within(address, clock, START).await
    }

    async fn open_within(
        address: &Address,
        clock: Arc<dyn Clock>,
        patience: Duration,
    ) -> Result<Self, DirectoryError> {
        let connections = Arc::new(Connections::new(address));
        let begun = Instant::now();
        let mut said: Option<Instant> = None;
        loop {
            match schema::prepare(&connections, Visitor::Gateway).await {
                Ok(()) => break,
                Err(Unusable::Trouble(trouble)) if trouble.may_pass() && begun.elapsed() < patience => {
                    if said.is_none_or(|at| at.elapsed() >= SAY) {
                        tracing::warn!(
                            place = address.place(),
                            why = trouble.words(),
                            "waiting for PostgreSQL"
                        );
                        said = Some(Instant::now());
                    }
                    sleep(LOOK).await;
                }
                Err(why) => {
                    connections.close().await;
                    return Err(at_start(why, address));
                }
            }
        }
        let pruning = tokio::spawn(prune_for_ever(Arc::clone(&connections), Arc::clone(&clock)));
        Ok(Self { connections, clock, pruning })
    }
}

/// Why the directory cannot be opened, and where it was looked for.
fn at_start(why: Unusable, address: &Address) -> DirectoryError {
    match why.into() {
        DirectoryError::Away(why) => {
            DirectoryError::Away(format!("{why} (POOLGATE_DIRECTORY_URL leads to {})", address.place()))
        }
        other => other,
    }
}

async fn prune_for_ever(connections: Arc<Connections>, clock: Arc<dyn Clock>) {
    let mut rounds = tokio::time::interval_at(Instant::now() + PRUNE_EVERY, PRUNE_EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        if let Err(trouble) = prune::prune(&connections, millis(clock.now())).await {
            tracing::warn!(why = trouble.words(), "what has expired was not forgotten");
        }
    }
}

impl Drop for PostgresDirectory {
    fn drop(&mut self) {
        self.pruning.abort();
    }
}

#[async_trait]
impl Directory for PostgresDirectory {
    async fn load(&self) -> Result<Vec<Record>, DirectoryError> {
        Ok(configuration::load(&self.connections, None).await?)
    }

    async fn load_pool(&self, pool_id: &str) -> Result<Vec<Record>, DirectoryError> {
        Ok(configuration::load(&self.connections, Some(pool_id)).await?)
    }

    async fn changed_since(&self, generation: i64) -> Result<Changed, DirectoryError> {
        Ok(configuration::changed_since(&self.connections, generation).await?)
    }

    async fn write(&self, changes: Vec<Change>) -> Result<(), DirectoryError> {
        configuration::write(&self.connections, &changes).await
    }

    async fn sign_in(&self, mut profile: FederatedProfile) -> Result<User, DirectoryError> {
        refuse_nul(&profile)?;
        // As it will be stored, so that what is returned now is what is read later.
        profile.at = moment(millis(profile.at)).map_err(Trouble::from)?;
        // What is recognised by a text that cannot be stored is recognised by nothing.
        profile.recognised.retain(|name, value| !any_nul(&[name, value]));
        sign_ins::sign_in(&self.connections, &profile).await
    }

    async fn user(&self, pool_id: &str, username: &str) -> Result<Option<User>, DirectoryError> {
        const BY_NAME: &str =
            concat!("SELECT ", user_columns!(), " FROM users u WHERE u.pool_id = $1 AND u.username = $2");
        if any_nul(&[pool_id, username]) {
            return Ok(None);
        }
        let rows = self.connections.fetch(|| Ok(sqlx::query(BY_NAME).bind(pool_id).bind(username))).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(read_user(row, 0).map_err(Trouble::from)?.map(|found| found.user))
    }

    async fn users(&self, pool_id: &str, query: UserQuery) -> Result<Vec<User>, DirectoryError> {
        Ok(list::users(&self.connections, pool_id, &query).await?)
    }

    async fn count_users(&self, pool_id: &str) -> Result<u64, DirectoryError> {
        Ok(list::count(&self.connections, pool_id).await?)
    }

    async fn change_user(
        &self,
        pool_id: &str,
        username: &str,
        change: UserChange,
    ) -> Result<(), DirectoryError> {
        refuse_nul_in_change(&change)?;
        if any_nul(&[pool_id, username]) {
            return Err(DirectoryError::Missing("the user".to_owned()));
        }
        let change = rounded(change).map_err(Trouble::from)?;
        users::change(&self.connections, pool_id, username, &change).await
    }

    async fn delete_user(&self, pool_id: &str, username: &str) -> Result<(), DirectoryError> {
        if any_nul(&[pool_id, username]) {
            return Err(DirectoryError::Missing("the user".to_owned()));
        }
        users::delete(&self.connections, pool_id, username).await
    }

    async fn delete_user_of_sub(&self, pool_id: &str, sub: &str) -> Result<(), DirectoryError> {
        if any_nul(&[pool_id, sub]) {
            return Err(DirectoryError::Missing("the user".to_owned()));
        }
        users::delete_of_sub(&self.connections, pool_id, sub).await
    }

    async fn join_group(&self, pool_id: &str, username: &str, group: &str) -> Result<(), DirectoryError> {
        refuse_any_nul("group", &[group])?;
        if any_nul(&[pool_id, username]) {
            return Err(GroupError::NoUser.into());
        }
        groups::change(&self.connections, groups::Wish::Join, groups::Place { pool_id, username, group })
            .await
    }

    async fn leave_group(&self, pool_id: &str, username: &str, group: &str) -> Result<(), DirectoryError> {
        refuse_any_nul("group", &[group])?;
        if any_nul(&[pool_id, username]) {
            return Err(GroupError::NoUser.into());
        }
        groups::change(&self.connections, groups::Wish::Leave, groups::Place { pool_id, username, group })
            .await
    }

    async fn members(
        &self,
        pool_id: &str,
        group: &str,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Member>, DirectoryError> {
        Ok(groups::members(&self.connections, pool_id, group, after, limit).await?)
    }

    async fn token_state(
        &self,
        pool_id: &str,
        sub: &str,
        origin_jti: &str,
    ) -> Result<TokenState, DirectoryError> {
        // Nothing is stored under a text with U+0000.
        if any_nul(&[pool_id, sub, origin_jti]) {
            return Ok(TokenState { user: None, revoked: false, endings: Vec::new(), rotated: None });
        }
        Ok(marks::token_state(&self.connections, pool_id, sub, origin_jti).await?)
    }

    async fn revoke_family(
        &self,
        pool_id: &str,
        origin_jti: &str,
        until: OffsetDateTime,
    ) -> Result<(), DirectoryError> {
        refuse_any_nul("token family", &[pool_id, origin_jti])?;
        Ok(marks::revoke(&self.connections, pool_id, origin_jti, millis(until)).await?)
    }

    async fn rotate(&self, rotation: Rotation) -> Result<bool, DirectoryError> {
        refuse_any_nul("token family", &[&rotation.pool_id, &rotation.origin_jti, &rotation.jti])?;
        Ok(marks::rotate(&self.connections, &rotation).await?)
    }

    async fn user_of_identity(
        &self,
        pool_id: &str,
        provider: &str,
        subject: &str,
    ) -> Result<Option<String>, DirectoryError> {
        if any_nul(&[pool_id, provider, subject]) {
            return Ok(None);
        }
        Ok(marks::user_of_identity(&self.connections, pool_id, provider, subject).await?)
    }

    async fn link(&self, link: NewLink) -> Result<(), DirectoryError> {
        refuse_nul_in_source(&link.source)?;
        links::link(&self.connections, &link).await
    }

    async fn unlink(&self, unlink: Unlink) -> Result<(), DirectoryError> {
        refuse_nul_in_source(&unlink.source)?;
        links::unlink(&self.connections, &unlink, &*self.clock).await
    }

    async fn waiting_links(
        &self,
        pool_id: &str,
        subs: &[String],
    ) -> Result<Vec<WaitingLink>, DirectoryError> {
        Ok(links::waiting(&self.connections, pool_id, subs).await?)
    }

    async fn owners_of_session(
        &self,
        pool_id: &str,
        provider: &str,
        digest: &str,
    ) -> Result<Vec<SessionOwner>, DirectoryError> {
        if any_nul(&[pool_id, provider, digest]) {
            return Ok(Vec::new());
        }
        Ok(marks::owners(&self.connections, pool_id, provider, digest).await?)
    }

    async fn end_provider_sessions(
        &self,
        pool_id: &str,
        sub: &str,
        ended: Ended,
    ) -> Result<(), DirectoryError> {
        refuse_nul_in_ending(pool_id, sub, &ended)?;
        endings::write(&self.connections, pool_id, sub, &ended).await
    }

    async fn use_once(&self, mark: &str, until: OffsetDateTime) -> Result<bool, DirectoryError> {
        refuse_any_nul("mark", &[mark])?;
        Ok(marks::use_once(&self.connections, mark, millis(until), millis(self.clock.now())).await?)
    }

    async fn now(&self) -> Result<Option<OffsetDateTime>, DirectoryError> {
        // Not the moment at which the transaction began.
        const ASK: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8";
        let rows = self.connections.fetch(|| Ok(sqlx::query(ASK))).await?;
        let row = rows.first().ok_or(Trouble::Sql(sqlx::Error::RowNotFound))?;
        let micros: i64 = row.try_get(0).map_err(Trouble::from)?;
        let now = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000);
        now.map(Some).map_err(|error| DirectoryError::Away(format!("its clock is of no use: {error}")))
    }

    async fn ping(&self) -> Result<(), DirectoryError> {
        const ASK: &str = "SELECT current_setting('transaction_read_only') = 'on'";
        let rows = self.connections.fetch(|| Ok(sqlx::query(ASK))).await?;
        let row = rows.first().ok_or(Trouble::Sql(sqlx::Error::RowNotFound))?;
        if row.try_get(0).map_err(Trouble::from)? {
            let why = "PostgreSQL is read-only: a standby, or default_transaction_read_only";
            return Err(DirectoryError::Away(why.to_owned()));
        }
        Ok(())
    }

    async fn close(&self) {
        self.pruning.abort();
        self.connections.close().await;
    }
}
