//! What a provider's sign-out ends here: kept in the directory, looked at with every use.

use poolgate_providers::ProviderSession;
use poolgate_providers::settings::LogoutEnds;
use time::{Duration, OffsetDateTime};

use super::provenance::of_person;
use super::senders::Sender;
use crate::context::{Context, digest_name};
use crate::directory::{DirectoryError, Ended};
use crate::pool::{AppClient, IdentityProvider, NotedSession, ProviderType};
use crate::registry::LivePool;
use crate::sign_in::session;

/// A noted session is kept this much longer than it is needed: so often at most it is written again.
const SLACK: Duration = Duration::days(1);

/// The provider that ended something.
#[derive(Clone, Copy)]
pub(super) struct By<'a> {
    pub(super) provider: &'a str,
    pub(super) ends: LogoutEnds,
}

impl<'a> From<&'a Sender> for By<'a> {
    fn from(sender: &'a Sender) -> Self {
        Self { provider: &sender.name, ends: sender.ends }
    }
}

/// Notes that the provider ended these sessions (marks; none: all) of `subject` at `at`. Whether the user is still
/// there. Once it returns, it is durable.
pub(super) async fn end_sessions(
    context: &Context,
    pool: &LivePool,
    by: By<'_>,
    sub: &str,
    subject: &str,
    sessions: Vec<String>,
    at: OffsetDateTime,
) -> Result<bool, DirectoryError> {
    let tokens = by.ends == LogoutEnds::SessionAndTokens;
    // As long as the oldest refresh token there can be, and the last access token it can have made.
    let longest = AppClient::REFRESH_RANGE.1 + AppClient::TOKEN_RANGE.1;
    let ended = Ended {
        person: of_person(by.provider, subject),
        sessions,
        at,
        tokens,
        until: at + if tokens { longest } else { session::LIFETIME },
    };
    match context.directory.end_provider_sessions(pool.id(), sub, ended).await {
        // Deleted in between, and everything of it.
        Err(DirectoryError::Missing(_)) => Ok(false),
        other => other.map(|()| true),
    }
}

/// Under what name a provider's session is noted.
pub(super) fn session_digest(sid: &str) -> String {
    digest_name(sid.trim())
}

/// What a sign-in notes of its session at the provider, so that a logout token finds its people that names the
/// session alone. It is needed as long as anything that was issued in the hour of our session can live, by what
/// the pool's clients are set to now.
pub fn noted(
    context: &Context,
    pool: &LivePool,
    provider: &IdentityProvider,
    session: &ProviderSession,
) -> Option<NotedSession> {
    let sid = session.session_indexes.first().filter(|_| provider.provider_type == ProviderType::Oidc)?;
    let refresh = pool.clients.values().map(|client| client.value.refresh_token_lifetime()).max();
    let longest = session::LIFETIME + refresh.unwrap_or(Duration::ZERO) + AppClient::TOKEN_RANGE.1;
    let needed_until = context.now() + longest;
    Some(NotedSession { digest: session_digest(sid), needed_until, until: needed_until + SLACK })
}
