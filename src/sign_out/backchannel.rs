//! `/oauth2/backchannel-logout`: an OpenID provider has ended sessions, and says so behind the browser's back.

use std::collections::BTreeSet;

use poolgate_providers::oidc::logout_token;
use poolgate_providers::{EndedThere, EndedWho, ProviderError, SignOutMessage, SignOutNotice};
use time::OffsetDateTime;

use super::ending::{end_sessions, session_digest};
use super::hearing::Refused;
use super::leaving::facts_at;
use super::provenance::{millis, of_nameless, of_session};
use super::senders::{self, Sender};
use crate::context::{Context, digest_name};
use crate::directory::DirectoryError;
use crate::pool::ProviderType;
use crate::registry::LivePool;
use crate::sessions::{Key, Kind, SessionError};

/// Verifies a logout token and follows it. Nobody being known is no fault: then nothing is left to end.
///
/// # Errors
/// [`Refused`]: after [`Refused::Away`] the same token works again.
pub async fn hear(context: &Context, pool: &LivePool, token: String) -> Result<(), Refused> {
    let facts = facts_at(context, pool, ProviderType::Oidc)
        .ok_or_else(|| ProviderError::Settings("The pool has no domain".to_owned()))?;
    let claimed = logout_token::claimed_issuer(&token)?;
    let message = SignOutMessage::LogoutToken(token);
    let heard = senders::verify(context, pool, ProviderType::Oidc, &claimed, &facts, &message).await?;
    let mut followed = false;
    for (sender, notice) in &heard {
        if let SignOutNotice::Ended(ended) = notice {
            followed |= follow(context, pool, sender, ended).await?;
        }
    }
    if followed {
        return Ok(());
    }
    Err(Refused::NotBelieved(ProviderError::not_believed(
        "oidc_logout_replay",
        "the logout token was used before (jti)",
    )))
}

/// Ends what the token ends; `false` for one that was followed before.
///
/// The token is marked first, with the moment; then everything ends up to that moment; then the mark says that it
/// is done. Whatever breaks off in between, the same token ends the same again when it is sent again, and never a
/// session that began later.
async fn follow(
    context: &Context,
    pool: &LivePool,
    sender: &Sender,
    ended: &EndedThere,
) -> Result<bool, Refused> {
    let mark = Mark::of(pool, sender, &ended.id);
    let Some(at) = mark.begin(context, ended.remember_until).await? else { return Ok(false) };
    let people = people(context, pool, sender, &ended.who).await?;
    for (sub, subject) in &people {
        let sessions = marks(&sender.name, subject, &ended.who);
        end_sessions(context, pool, sender.into(), sub, subject, sessions, at).await?;
    }
    let (pool_id, provider) = (pool.id(), &sender.name);
    tracing::info!(%pool_id, %provider, users = people.len(), "the provider signs out");
    if let Err(error) = mark.done(context).await {
        // It has ended. The token could only end the same once more.
        tracing::warn!(%error, %pool_id, %provider, "a logout token is not marked as used");
    }
    Ok(true)
}

/// Users here (`sub`), each with the subject there.
async fn people(
    context: &Context,
    pool: &LivePool,
    sender: &Sender,
    who: &EndedWho,
) -> Result<BTreeSet<(String, String)>, DirectoryError> {
    let (directory, provider) = (&context.directory, &*sender.name);
    let (sid, subject) = match who {
        EndedWho::Person(subject) => (None, Some(subject)),
        EndedWho::Session { sid, subject } => (Some(sid), subject.as_ref()),
    };
    let mut people = BTreeSet::new();
    if let Some(sid) = sid {
        let owners = directory.owners_of_session(pool.id(), provider, &session_digest(sid)).await?;
        let named =
            owners.into_iter().filter(|owner| subject.is_none_or(|subject| *subject == owner.subject));
        people.extend(named.map(|owner| (owner.sub, owner.subject)));
    }
    if let Some(subject) = subject {
        let sub = directory.user_of_identity(pool.id(), provider, subject).await?;
        people.extend(sub.map(|sub| (sub, subject.clone())));
    }
    Ok(people)
}

/// What of this person ended; nothing named: all.
fn marks(provider: &str, subject: &str, who: &EndedWho) -> Vec<String> {
    match who {
        EndedWho::Person(_) => Vec::new(),
        EndedWho::Session { sid, subject: None } => vec![of_session(provider, subject, sid)],
        // A sign-in whose session was never named may have been of this one.
        EndedWho::Session { sid, subject: Some(_) } => {
            vec![of_session(provider, subject, sid), of_nameless(provider, subject)]
        }
    }
}

/// The memory of one logout token: its moment, and whether it has been followed.
struct Mark(Key);

impl Mark {
    const DONE: &[u8] = b"done";

    fn of(pool: &LivePool, sender: &Sender, jti: &str) -> Self {
        // The name's length first: names may have blanks in them, and a provider chooses its `jti`.
        let name = format!("logout_token {} {}:{} {jti}", pool.id(), sender.name.len(), sender.name);
        Self(Key::new(Kind::Used, digest_name(&name)))
    }

    /// Up to which moment the token ends sessions: when it first came. `None` once it has been followed.
    async fn begin(
        &self,
        context: &Context,
        until: OffsetDateTime,
    ) -> Result<Option<OffsetDateTime>, SessionError> {
        let now = context.end_now();
        if context.sessions.put_new(&self.0, millis(now).to_string().into_bytes(), until).await? {
            return Ok(Some(now));
        }
        let stored = context.sessions.get(&self.0).await?;
        let first = stored.and_then(|value| String::from_utf8(value).ok()?.parse::<i64>().ok());
        Ok(first
            .and_then(|first| OffsetDateTime::from_unix_timestamp_nanos(i128::from(first) * 1_000_000).ok()))
    }

    async fn done(&self, context: &Context) -> Result<(), SessionError> {
        context.sessions.exchange(&self.0, Self::DONE.to_vec()).await.map(|_| ())
    }
}
