//! The real stores, with moods: away, or of another opinion about a user.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::sync::Semaphore;

use crate::directory::{
    Change, Changed, Directory, DirectoryError, Ended, Member, Record, Rotation, SessionOwner, TokenState,
    Unlink, UserQuery,
};
use crate::pool::{FederatedProfile, NewLink, User, UserChange, WaitingLink};
use crate::sessions::{Key, SessionError, SessionStore};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mood {
    Well,
    Away,
    /// Takes questions and never answers them.
    Silent,
    /// Writes, and does not read the configuration back.
    Unreadable,
    /// Every user is disabled.
    Disabled,
    /// Every family of tokens is revoked.
    Revoked,
    /// Every user signed out everywhere at this moment.
    SignedOut(OffsetDateTime),
}

/// A store in a mood.
pub(crate) struct Moody<T: ?Sized> {
    pub(crate) inner: Arc<T>,
    mood: Mutex<Mood>,
    /// What happens behind the next sign-in, before anybody learns of it.
    behind: Mutex<Option<Behind>>,
    /// How a user changes behind the next sign-in, and by what name.
    pub(crate) changes_behind: Mutex<Option<(String, UserChange)>>,
    /// The pool that cannot be read, while the others can.
    pub(crate) unreadable: Mutex<Option<String>>,
    /// The clock of its server, as if it had one.
    pub(crate) server: Mutex<Option<Server>>,
    /// How often it was asked what has changed.
    asked: AtomicUsize,
    /// Whoever asks what has changed takes one of these and gives it back: without any it waits.
    pub(crate) open: Semaphore,
}

/// Tells the time.
type Server = Box<dyn Fn() -> OffsetDateTime + Send>;

/// A link is removed, then something else happens.
type Behind = (Unlink, Box<dyn FnOnce() + Send>);

impl<T: ?Sized> Moody<T> {
    pub(crate) fn new(inner: Arc<T>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            mood: Mutex::new(Mood::Well),
            behind: Mutex::default(),
            changes_behind: Mutex::default(),
            unreadable: Mutex::default(),
            server: Mutex::default(),
            asked: AtomicUsize::new(0),
            open: Semaphore::new(1),
        })
    }

    pub(crate) fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub(crate) fn unlinks_behind_the_next_sign_in(&self, unlink: Unlink, then: Box<dyn FnOnce() + Send>) {
        *self.behind.lock().unwrap() = Some((unlink, then));
    }

    /// How often it was asked what has changed.
    pub(crate) fn asked_for_changes(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn mood(&self) -> Mood {
        *self.mood.lock().unwrap()
    }
}

impl Moody<dyn Directory> {
    fn asked(&self) -> Result<&dyn Directory, DirectoryError> {
        match self.mood() {
            Mood::Away => Err(DirectoryError::Away("gone fishing".into())),
            _ => Ok(&*self.inner),
        }
    }
}

#[async_trait]
impl Directory for Moody<dyn Directory> {
    async fn load(&self) -> Result<Vec<Record>, DirectoryError> {
        self.asked()?.load().await
    }

    async fn load_pool(&self, pool_id: &str) -> Result<Vec<Record>, DirectoryError> {
        let unreadable = self.unreadable.lock().unwrap().as_deref() == Some(pool_id);
        if unreadable || self.mood() == Mood::Unreadable {
            return Err(DirectoryError::Away("lost its glasses".into()));
        }
        self.asked()?.load_pool(pool_id).await
    }

    async fn changed_since(&self, generation: i64) -> Result<Changed, DirectoryError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let _turn = self.open.acquire().await.unwrap();
        self.asked()?.changed_since(generation).await
    }

    async fn use_once(&self, mark: &str, until: OffsetDateTime) -> Result<bool, DirectoryError> {
        self.asked()?.use_once(mark, until).await
    }

    async fn write(&self, changes: Vec<Change>) -> Result<(), DirectoryError> {
        self.asked()?.write(changes).await
    }

    async fn sign_in(&self, profile: FederatedProfile) -> Result<User, DirectoryError> {
        let user = self.asked()?.sign_in(profile).await?;
        let behind = self.behind.lock().unwrap().take();
        if let Some((unlink, then)) = behind {
            self.inner.unlink(unlink).await?;
            then();
        }
        let change = self.changes_behind.lock().unwrap().take();
        if let Some((username, change)) = change {
            self.inner.change_user(&user.pool_id, &username, change).await?;
        }
        Ok(user)
    }

    async fn user(&self, pool_id: &str, username: &str) -> Result<Option<User>, DirectoryError> {
        self.asked()?.user(pool_id, username).await
    }

    async fn users(&self, pool_id: &str, query: UserQuery) -> Result<Vec<User>, DirectoryError> {
        self.asked()?.users(pool_id, query).await
    }

    async fn count_users(&self, pool_id: &str) -> Result<u64, DirectoryError> {
        self.asked()?.count_users(pool_id).await
    }

    async fn change_user(
        &self,
        pool_id: &str,
        username: &str,
        change: UserChange,
    ) -> Result<(), DirectoryError> {
        self.asked()?.change_user(pool_id, username, change).await
    }

    async fn delete_user_of_sub(&self, pool_id: &str, sub: &str) -> Result<(), DirectoryError> {
        self.asked()?.delete_user_of_sub(pool_id, sub).await
    }

    async fn delete_user(&self, pool_id: &str, username: &str) -> Result<(), DirectoryError> {
        self.asked()?.delete_user(pool_id, username).await
    }

    async fn join_group(&self, pool_id: &str, username: &str, group: &str) -> Result<(), DirectoryError> {
        self.asked()?.join_group(pool_id, username, group).await
    }

    async fn leave_group(&self, pool_id: &str, username: &str, group: &str) -> Result<(), DirectoryError> {
        self.asked()?.leave_group(pool_id, username, group).await
    }

    async fn members(
        &self,
        pool_id: &str,
        group: &str,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Member>, DirectoryError> {
        self.asked()?.members(pool_id, group, after, limit).await
    }

    async fn token_state(
        &self,
        pool_id: &str,
        sub: &str,
        origin_jti: &str,
    ) -> Result<TokenState, DirectoryError> {
        let mut state = self.asked()?.token_state(pool_id, sub, origin_jti).await?;
        state.revoked |= self.mood() == Mood::Revoked;
        if let Some(user) = &mut state.user {
            match self.mood() {
                Mood::Disabled => user.enabled = false,
                Mood::SignedOut(at) => user.signed_out_at = Some(at),
                Mood::Well | Mood::Away | Mood::Silent | Mood::Unreadable | Mood::Revoked => {}
            }
        }
        Ok(state)
    }

    async fn revoke_family(
        &self,
        pool_id: &str,
        origin_jti: &str,
        until: OffsetDateTime,
    ) -> Result<(), DirectoryError> {
        self.asked()?.revoke_family(pool_id, origin_jti, until).await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<bool, DirectoryError> {
        self.asked()?.rotate(rotation).await
    }

    async fn user_of_identity(
        &self,
        pool_id: &str,
        provider: &str,
        subject: &str,
    ) -> Result<Option<String>, DirectoryError> {
        self.asked()?.user_of_identity(pool_id, provider, subject).await
    }

    async fn link(&self, link: NewLink) -> Result<(), DirectoryError> {
        self.asked()?.link(link).await
    }

    async fn unlink(&self, unlink: Unlink) -> Result<(), DirectoryError> {
        self.asked()?.unlink(unlink).await
    }

    async fn waiting_links(
        &self,
        pool_id: &str,
        subs: &[String],
    ) -> Result<Vec<WaitingLink>, DirectoryError> {
        self.asked()?.waiting_links(pool_id, subs).await
    }

    async fn owners_of_session(
        &self,
        pool_id: &str,
        provider: &str,
        digest: &str,
    ) -> Result<Vec<SessionOwner>, DirectoryError> {
        self.asked()?.owners_of_session(pool_id, provider, digest).await
    }

    async fn end_provider_sessions(
        &self,
        pool_id: &str,
        sub: &str,
        ended: Ended,
    ) -> Result<(), DirectoryError> {
        self.asked()?.end_provider_sessions(pool_id, sub, ended).await
    }

    async fn now(&self) -> Result<Option<OffsetDateTime>, DirectoryError> {
        let now = self.asked()?.now().await?;
        Ok(self.server.lock().unwrap().as_ref().map_or(now, |server| Some(server())))
    }

    async fn ping(&self) -> Result<(), DirectoryError> {
        if self.mood() == Mood::Silent {
            std::future::pending::<()>().await;
        }
        self.asked()?.ping().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

impl Moody<dyn SessionStore> {
    fn asked(&self) -> Result<&dyn SessionStore, SessionError> {
        match self.mood() {
            Mood::Away => Err(SessionError::Away("gone fishing".into())),
            _ => Ok(&*self.inner),
        }
    }
}

#[async_trait]
impl SessionStore for Moody<dyn SessionStore> {
    async fn put(&self, key: &Key, value: Vec<u8>, until: OffsetDateTime) -> Result<(), SessionError> {
        self.asked()?.put(key, value, until).await
    }

    async fn put_new(&self, key: &Key, value: Vec<u8>, until: OffsetDateTime) -> Result<bool, SessionError> {
        self.asked()?.put_new(key, value, until).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, SessionError> {
        self.asked()?.get(key).await
    }

    async fn take(&self, key: &Key) -> Result<Option<Vec<u8>>, SessionError> {
        self.asked()?.take(key).await
    }

    async fn exchange(&self, key: &Key, value: Vec<u8>) -> Result<Option<Vec<u8>>, SessionError> {
        self.asked()?.exchange(key, value).await
    }

    async fn delete(&self, key: &Key) -> Result<(), SessionError> {
        self.asked()?.delete(key).await
    }

    async fn announce(&self) -> Result<(), SessionError> {
        self.asked()?.announce().await
    }

    fn announcements(&self) -> tokio::sync::watch::Receiver<()> {
        self.inner.announcements()
    }

    async fn ping(&self) -> Result<(), SessionError> {
        if self.mood() == Mood::Silent {
            std::future::pending::<()>().await;
        }
        self.asked()?.ping().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
