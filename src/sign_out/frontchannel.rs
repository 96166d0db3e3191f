//! `/oauth2/frontchannel-logout`: an OpenID provider has ended a session, and its page says so by a frame (OpenID
//! Connect Front-Channel Logout 1.0). Nothing is signed: whoever knows the name of a session can end it.

use poolgate_providers::oidc::logout_token::LONGEST_SESSION;
use url::{Origin, Url};

use super::ending::{By, end_sessions, session_digest};
use super::hearing::Refused;
use super::provenance::{of_session, of_sign_in};
use super::senders;
use crate::context::Context;
use crate::directory::DirectoryError;
use crate::pool::ProviderType;
use crate::registry::{LivePool, LiveProvider};
use crate::sign_in::session::{self, HostedSession};

/// Longest issuer that is compared, in bytes.
const LONGEST_ISSUER: usize = 2048;

/// What became of it. Whether anybody was known is not said to the provider.
#[derive(Debug)]
pub struct Heard {
    /// Whose pages may frame the answer.
    pub framed_by: Vec<Origin>,
    /// Whether the session of this browser's cookie ended.
    pub cookie_ended: bool,
}

/// What the provider's page says.
pub struct Said<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `sid`.
    pub sid: &'a str,
}

/// Ends the session of this name; `None` when no provider of the pool has this issuer.
///
/// Without a cookie a session is found by the name in its ID token alone. A session whose ID token named none ends
/// where the parameter is its person's `sub`, and only by the cookie of this very browser: a `sub` can be guessed.
///
/// # Errors
/// [`Refused::Away`].
pub async fn hear(
    context: &Context,
    pool: &LivePool,
    said: &Said<'_>,
    cookie: Option<&str>,
) -> Result<Option<Heard>, Refused> {
    if said.issuer.len() > LONGEST_ISSUER || said.sid.len() > LONGEST_SESSION {
        return Ok(None);
    }
    let session = match cookie {
        Some(cookie) => session::peek(context, pool, cookie).await?,
        None => None,
    };
    let (mut known, mut framed_by, mut cookie_ended) = (false, Vec::new(), false);
    for (live, adapter) in senders::of_issuer(pool, ProviderType::Oidc, said.issuer) {
        known = true;
        framed_by.extend(Url::parse(said.issuer).map(|url| url.origin()));
        framed_by.extend(adapter.origins());
        let by = By { provider: &live.config.value.provider_name, ends: senders::ends(live) };
        end_named(context, pool, by, said.sid).await?;
        if let Some(session) = &session {
            cookie_ended |= end_here(context, pool, live, by, session, said.sid).await?;
        }
    }
    if let Some(cookie) = cookie.filter(|_| cookie_ended) {
        session::close(context, cookie).await?;
    }
    Ok(known.then_some(Heard { framed_by, cookie_ended }))
}

/// Ends the session that sign-ins have noted under this name.
async fn end_named(context: &Context, pool: &LivePool, by: By<'_>, sid: &str) -> Result<(), DirectoryError> {
    let owners = context.directory.owners_of_session(pool.id(), by.provider, &session_digest(sid)).await?;
    for owner in &owners {
        let marks = vec![of_session(by.provider, &owner.subject, sid)];
        end_sessions(context, pool, by, &owner.sub, &owner.subject, marks, context.end_now()).await?;
    }
    if !owners.is_empty() {
        let (pool_id, provider) = (pool.id(), by.provider);
        tracing::info!(%pool_id, %provider, users = owners.len(), "the provider signs out in the browser");
    }
    Ok(())
}

/// Ends the session of this browser, if it is the one that is meant.
async fn end_here(
    context: &Context,
    pool: &LivePool,
    live: &LiveProvider,
    by: By<'_>,
    session: &HostedSession,
    sid: &str,
) -> Result<bool, DirectoryError> {
    let (there, provider) = (&session.at_provider, &live.config.value.provider_name);
    if session.provider != *provider {
        return Ok(false);
    }
    let mark = if there.session_indexes.iter().any(|index| index.trim() == sid.trim()) {
        of_session(provider, &there.subject, sid)
    } else if there.session_indexes.is_empty() && there.subject == sid {
        of_sign_in(provider, &there.subject, session.began_at())
    } else {
        return Ok(false);
    };
    end_sessions(context, pool, by, &session.sub, &there.subject, vec![mark], context.end_now()).await?;
    Ok(true)
}
