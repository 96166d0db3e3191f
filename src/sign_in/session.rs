//! The hosted-UI session: one hour, not sliding, a new id at every sign-in.

use poolgate_providers::ProviderSession;
use serde::{Deserialize, Serialize};
use time::Duration;

use crate::context::{Context, digest_name};
use crate::directory::DirectoryError;
use crate::pool::User;
use crate::registry::LivePool;
use crate::sessions::{Key, Kind, SessionError};
use crate::sign_out::provenance::Provenance;

/// How long a session lives.
pub const LIFETIME: Duration = Duration::hours(1);
/// Longest cookie that is looked up.
const MAX_COOKIE: usize = 128;

/// Who is signed in to the hosted UI of a pool in this browser. Not printable.
#[derive(Clone, Serialize, Deserialize)]
pub struct HostedSession {
    /// The pool.
    pub pool_id: String,
    /// The user.
    pub sub: String,
    /// The provider that proved it.
    pub provider: String,
    /// When, seconds since 1970.
    pub auth_time: i64,
    /// The same in milliseconds. Sessions of before this was kept have none.
    #[serde(default)]
    pub signed_in_at: Option<i64>,
    /// When the person last proved who they are at the provider, seconds since 1970, where it said so: a session
    /// there may be older than ours.
    #[serde(default)]
    pub authenticated_at: Option<i64>,
    /// What a sign-out at the provider must quote, without the ID token.
    pub at_provider: ProviderSession,
}

impl HostedSession {
    /// When the person proved who they are, as far as is known: what an app's `max_age` is about.
    pub fn proved_at(&self) -> i64 {
        self.authenticated_at.map_or(self.auth_time, |at| at.min(self.auth_time))
    }

    /// Which sign-in it comes from.
    pub fn provenance(&self) -> Provenance {
        let at = self.signed_in_at.unwrap_or_else(|| self.auth_time.saturating_mul(1000));
        Provenance::new(&self.provider, &self.at_provider, at)
    }
}

/// Why a session could not be opened or looked at.
#[derive(Debug, thiserror::Error)]
pub enum SessionFailure {
    /// The session store is away.
    #[error(transparent)]
    Sessions(#[from] SessionError),
    /// The directory is away.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// A live session and its user, as the directory knows it now.
pub struct SignedIn {
    /// The session.
    pub session: HostedSession,
    /// The user.
    pub user: User,
}

fn key(cookie: &str) -> Key {
    Key::new(Kind::Session, digest_name(cookie))
}

/// Opens a session and returns its cookie, 43 characters. The one it replaces is ended.
///
/// # Errors
/// [`SessionError`].
pub async fn open(
    context: &Context,
    session: &HostedSession,
    replaces: Option<&str>,
) -> Result<String, SessionError> {
    if let Some(old) = replaces.filter(|old| old.len() <= MAX_COOKIE) {
        context.sessions.delete(&key(old)).await?;
    }
    let cookie = context.handle();
    let value = serde_json::to_vec(session).map_err(|error| SessionError::Away(error.to_string()))?;
    context.sessions.put(&key(&cookie), value, context.now() + LIFETIME).await?;
    Ok(cookie)
}

/// The live session of this cookie in this pool, when its user still exists, is enabled, and has not signed
/// out everywhere since, nor been signed out by the provider.
///
/// # Errors
/// [`SessionFailure`].
pub async fn find(
    context: &Context,
    pool: &LivePool,
    cookie: &str,
) -> Result<Option<SignedIn>, SessionFailure> {
    let Some(session) = peek(context, pool, cookie).await? else { return Ok(None) };
    if !pool.providers.contains_key(&session.provider) {
        return Ok(None);
    }
    let state = context.directory.token_state(pool.id(), &session.sub, "").await?;
    let Some(user) = state.user.filter(|user| user.enabled) else { return Ok(None) };
    if session.provenance().has_ended(&state.endings) {
        return Ok(None);
    }
    if user.signed_out_at.is_some_and(|moment| session.auth_time <= moment.unix_timestamp()) {
        return Ok(None);
    }
    let ended_there = session.at_provider.ends_at.is_some_and(|end| context.now().unix_timestamp() >= end);
    Ok((!ended_there).then_some(SignedIn { session, user }))
}

/// What is stored under this cookie in this pool, whether or not it still holds.
///
/// # Errors
/// [`SessionError`].
pub async fn peek(
    context: &Context,
    pool: &LivePool,
    cookie: &str,
) -> Result<Option<HostedSession>, SessionError> {
    if cookie.len() > MAX_COOKIE {
        return Ok(None);
    }
    let value = context.sessions.get(&key(cookie)).await?;
    let session = value.and_then(|value| serde_json::from_slice::<HostedSession>(&value).ok());
    Ok(session.filter(|session| session.pool_id == pool.id()))
}

/// Ends the session of this cookie.
///
/// # Errors
/// [`SessionError`].
pub async fn close(context: &Context, cookie: &str) -> Result<(), SessionError> {
    if cookie.len() > MAX_COOKIE {
        return Ok(());
    }
    context.sessions.delete(&key(cookie)).await
}
