//! The directory, timed: what it is asked, and whether it is away.

use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;
use tracing::Instrument as _;

use super::labels::{DirectoryCall, Label as _};
use super::metrics::Metrics;
use super::trace;
use crate::directory::{
    Change, Changed, Directory, DirectoryError, Ended, Member, Record, Rotation, SessionOwner, TokenState,
    Unlink, UserQuery,
};
use crate::pool::{FederatedProfile, NewLink, User, UserChange, WaitingLink};

/// The directory, watched.
pub struct WatchedDirectory {
    inner: Arc<dyn Directory>,
    metrics: Arc<Metrics>,
}

impl WatchedDirectory {
    /// Around `inner`.
    pub fn new(inner: Arc<dyn Directory>, metrics: Arc<Metrics>) -> Self {
        Self { inner, metrics }
    }

    async fn watch<T>(
        &self,
        call: DirectoryCall,
        work: impl Future<Output = Result<T, DirectoryError>>,
    ) -> Result<T, DirectoryError> {
        let asked = self.metrics.directory.of(call);
        let timer = asked.seconds.timer();
        let answer = work.instrument(trace::store("directory", call.as_str())).await;
        drop(timer);
        let away = matches!(answer, Err(DirectoryError::Away(_)));
        self.metrics.directory_up.set(!away);
        if away {
            asked.failures.inc();
        }
        answer
    }
}

#[async_trait]
impl Directory for WatchedDirectory {
    async fn load(&self) -> Result<Vec<Record>, DirectoryError> {
        self.watch(DirectoryCall::Load, self.inner.load()).await
    }

    async fn load_pool(&self, pool_id: &str) -> Result<Vec<Record>, DirectoryError> {
        self.watch(DirectoryCall::LoadPool, self.inner.load_pool(pool_id)).await
    }

    async fn changed_since(&self, generation: i64) -> Result<Changed, DirectoryError> {
        self.watch(DirectoryCall::ChangedSince, self.inner.changed_since(generation)).await
    }

    async fn write(&self, changes: Vec<Change>) -> Result<(), DirectoryError> {
        self.watch(DirectoryCall::Write, self.inner.write(changes)).await
    }

    async fn sign_in(&self, profile: FederatedProfile) -> Result<User, DirectoryError> {
        self.watch(DirectoryCall::SignIn, self.inner.sign_in(profile)).await
    }

    async fn user(&self, pool_id: &str, username: &str) -> Result<Option<User>, DirectoryError> {
        self.watch(DirectoryCall::User, self.inner.user(pool_id, username)).await
    }

    async fn users(&self, pool_id: &str, query: UserQuery) -> Result<Vec<User>, DirectoryError> {
        self.watch(DirectoryCall::Users, self.inner.users(pool_id, query)).await
    }

    async fn count_users(&self, pool_id: &str) -> Result<u64, DirectoryError> {
        self.watch(DirectoryCall::CountUsers, self.inner.count_users(pool_id)).await
    }

    async fn change_user(
        &self,
        pool_id: &str,
        username: &str,
        change: UserChange,
    ) -> Result<(), DirectoryError> {
        self.watch(DirectoryCall::ChangeUser, self.inner.change_user(pool_id, username, change)).await
    }

    async fn delete_user_of_sub(&self, pool_id: &str, sub: &str) -> Result<(), DirectoryError> {
        self.watch(DirectoryCall::DeleteUser, self.inner.delete_user_of_sub(pool_id, sub)).await
    }

    async fn delete_user(&self, pool_id: &str, username: &str) -> Result<(), DirectoryError> {
        self.watch(DirectoryCall::DeleteUser, self.inner.delete_user(pool_id, username)).await
    }

    async fn join_group(&self, pool_id: &str, username: &str, group: &str) -> Result<(), DirectoryError> {
        self.watch(DirectoryCall::JoinGroup, self.inner.join_group(pool_id, username, group)).await
    }

    async fn leave_group(&self, pool_id: &str, username: &str, group: &str) -> Result<(), DirectoryError> {
        self.watch(DirectoryCall::LeaveGroup, self.inner.leave_group(pool_id, username, group)).await
    }

    async fn members(
        &self,
        pool_id: &str,
        group: &str,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Member>, DirectoryError> {
        self.watch(DirectoryCall::Members, self.inner.members(pool_id, group, after, limit)).await
    }

    async fn token_state(
        &self,
        pool_id: &str,
        sub: &str,
        origin_jti: &str,
    ) -> Result<TokenState, DirectoryError> {
        self.watch(DirectoryCall::TokenState, self.inner.token_state(pool_id, sub, origin_jti)).await
    }

    async fn revoke_family(
        &self,
        pool_id: &str,
        origin_jti: &str,
        until: OffsetDateTime,
    ) -> Result<(), DirectoryError> {
        self.watch(DirectoryCall::RevokeFamily, self.inner.revoke_family(pool_id, origin_jti, until)).await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<bool, DirectoryError> {
        self.watch(DirectoryCall::Rotate, self.inner.rotate(rotation)).await
    }

    async fn user_of_identity(
        &self,
        pool_id: &str,
        provider: &str,
        subject: &str,
    ) -> Result<Option<String>, DirectoryError> {
        self.watch(DirectoryCall::UserOfIdentity, self.inner.user_of_identity(pool_id, provider, subject))
            .await
    }

    async fn link(&self, link: NewLink) -> Result<(), DirectoryError> {
        self.watch(DirectoryCall::Link, self.inner.link(link)).await
    }

    async fn unlink(&self, unlink: Unlink) -> Result<(), DirectoryError> {
        self.watch(DirectoryCall::Unlink, self.inner.unlink(unlink)).await
    }

    async fn waiting_links(
        &self,
        pool_id: &str,
        subs: &[String],
    ) -> Result<Vec<WaitingLink>, DirectoryError> {
        self.watch(DirectoryCall::WaitingLinks, self.inner.waiting_links(pool_id, subs)).await
    }

    async fn owners_of_session(
        &self,
        pool_id: &str,
        provider: &str,
        digest: &str,
    ) -> Result<Vec<SessionOwner>, DirectoryError> {
        self.watch(DirectoryCall::OwnersOfSession, self.inner.owners_of_session(pool_id, provider, digest))
            .await
    }

    async fn end_provider_sessions(
        &self,
        pool_id: &str,
        sub: &str,
        ended: Ended,
    ) -> Result<(), DirectoryError> {
        self.watch(DirectoryCall::EndProviderSessions, self.inner.end_provider_sessions(pool_id, sub, ended))
            .await
    }

    async fn use_once(&self, mark: &str, until: OffsetDateTime) -> Result<bool, DirectoryError> {
        self.watch(DirectoryCall::UseOnce, self.inner.use_once(mark, until)).await
    }

    /// Not timed: it says how far the clocks are apart, and an answer that took long says little.
    async fn now(&self) -> Result<Option<OffsetDateTime>, DirectoryError> {
        self.inner.now().await
    }

    async fn ping(&self) -> Result<(), DirectoryError> {
        self.watch(DirectoryCall::Ping, self.inner.ping()).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
