//! The hosted-UI session: one hour, not sliding, a new id at every sign-in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poolgate_providers::ProviderSession;
use poolgate_providers::oidc::LONGEST_HINT;
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
    /// The same in milliseconds, in the order that all replicas share. Sessions of before this was kept have none.
    #[serde(default)]
    pub signed_in_at: Option<i64>,
    /// When the person last proved who they are at the provider, seconds since 1970, where it said so: a session
    /// there may be older than ours.
    #[serde(default)]
    pub authenticated_at: Option<i64>,
    /// What a sign-out at the provider must quote, without the ID token.
    pub at_provider: ProviderSession,
    /// The provider's ID token, where a sign-out there is to quote it: sealed, in base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_id_token: Option<String>,
}

impl HostedSession {
    /// When the person proved who they are, as far as is known: what an app's `max_age` is about.
    pub fn proved_at(&self) -> i64 {
        self.authenticated_at.map_or(self.auth_time, |at| at.min(self.auth_time))
    }

    /// When it began, in milliseconds since 1970.
    pub fn began_at(&self) -> i64 {
        self.signed_in_at.unwrap_or_else(|| self.auth_time.saturating_mul(1000))
    }

    /// Which sign-in it comes from.
    pub fn provenance(&self) -> Provenance {
        Provenance::new(&self.provider, &self.at_provider, self.began_at())
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

/// What a sealed ID token is bound to: no other session can make use of it.
fn seal_context(pool_id: &str, key: &Key) -> String {
    format!("provider id token {pool_id} {}", key.name)
}

/// Seals an ID token for the session under `key`; `None` for one that no sign-out would quote.
fn seal(
    context: &Context,
    pool_id: &str,
    key: &Key,
    id_token: Option<&str>,
) -> Result<Option<String>, SessionError> {
    let Some(id_token) = id_token.filter(|token| token.len() <= LONGEST_HINT) else { return Ok(None) };
    let sealed = context
        .registry
        .sealer()
        .seal(&seal_context(pool_id, key), id_token.as_bytes())
        .map_err(|error| SessionError::Away(error.to_string()))?;
    Ok(Some(URL_SAFE_NO_PAD.encode(sealed)))
}

/// The ID token of this session, if it has one that still opens.
pub fn id_token(context: &Context, cookie: &str, session: &HostedSession) -> Option<String> {
    let sealed = URL_SAFE_NO_PAD.decode(session.sealed_id_token.as_ref()?).ok()?;
    let opened =
        context.registry.sealer().open(&seal_context(&session.pool_id, &key(cookie)), &sealed).ok()?;
    String::from_utf8(opened.to_vec()).ok()
}

/// Opens a session and returns its cookie, 43 characters. The one it replaces is ended. `id_token` is kept sealed,
/// for the sign-out at the provider.
///
/// # Errors
/// [`SessionError`].
pub async fn open(
    context: &Context,
    mut session: HostedSession,
    id_token: Option<&str>,
    replaces: Option<&str>,
) -> Result<String, SessionError> {
    if let Some(old) = replaces.filter(|old| old.len() <= MAX_COOKIE) {
        context.sessions.delete(&key(old)).await?;
    }
    let cookie = context.handle();
    let key = key(&cookie);
    session.at_provider.id_token = None;
    session.sealed_id_token = seal(context, &session.pool_id, &key, id_token)?;
    let value = serde_json::to_vec(&session).map_err(|error| SessionError::Away(error.to_string()))?;
    context.sessions.put(&key, value, context.now() + LIFETIME).await?;
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
    if user.has_signed_out_since(session.began_at()) {
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
