//! `/logout`: the session ends here, then at the provider, where it is set up so.

use poolgate_providers::{Outbound, ProviderSession, SignOutFacts};
use serde::{Deserialize, Serialize};
use time::Duration;

use super::hearing::Refused;
use crate::audit::notes;
use crate::context::{Context, digest_name};
use crate::observe::labels::ProviderCall;
use crate::pool::ProviderType;
use crate::registry::LivePool;
use crate::sessions::{Key, Kind, SessionError};
use crate::sign_in::session::{self, HostedSession};

/// How long a sign-out waits for its provider's answer.
pub const LIFETIME: Duration = Duration::minutes(5);

/// Where the browser goes once the session has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Onward {
    /// A registered logout URL, with the state.
    There(String),
    /// The login page, with this query.
    Login(String),
    /// Nowhere: the signed-out page of this app client.
    Page(String),
}

/// What the browser does next.
#[derive(Debug)]
pub enum Next {
    /// It goes on.
    Onward(Onward),
    /// It signs out at this provider first.
    Provider(String, Outbound),
}

/// A sign-out that waits for its provider's answer: found by what the answer must name of our message, so it needs
/// no cookie. SAML: the id, as `InResponseTo`. OpenID Connect: the `state`.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) pool_id: String,
    pub(super) provider: String,
    pub(super) onward: Onward,
    /// The browser went there by a form of ours.
    #[serde(default)]
    pub(super) by_form: bool,
}

fn key(name: &str) -> Key {
    Key::new(Kind::SignOut, digest_name(name))
}

/// Takes the sign-out of this pool that waits under `name`, if its provider is one of `whose`: an answer of
/// another leaves it alone.
pub(super) async fn take(
    context: &Context,
    pool: &LivePool,
    name: &str,
    whose: impl Fn(&str) -> bool,
) -> Result<Option<Pending>, SessionError> {
    let key = key(name);
    let read = |value: Option<Vec<u8>>| {
        value
            .and_then(|value| serde_json::from_slice::<Pending>(&value).ok())
            .filter(|pending| pending.pool_id == pool.id() && whose(&pending.provider))
    };
    // Looked at first: who may not have it must not use it up.
    if read(context.sessions.get(&key).await?).is_none() {
        return Ok(None);
    }
    Ok(read(context.sessions.take(&key).await?))
}

/// What a message from or to this pool's providers of this type needs to know. `None` without a domain.
pub(super) fn facts_at(context: &Context, pool: &LivePool, kind: ProviderType) -> Option<SignOutFacts> {
    let mut callback = pool.domain_url(&context.surface)?;
    callback.set_path(match kind {
        ProviderType::Saml => "/saml2/logout",
        _ => "/oauth2/logoutresponse",
    });
    Some(SignOutFacts {
        handle: context.handle(),
        message_id: context.request_id(),
        entity_id: pool.entity_id(),
        callback,
    })
}

/// The provider sends the browser back from its sign-out: where it goes on (OpenID Connect RP-Initiated Logout 1.0
/// section 3). `error` is what the provider says went wrong there; here it is over either way.
///
/// # Errors
/// [`Refused::Unasked`] for a `state` that belongs to no sign-out here; [`Refused::Away`].
pub async fn come_back(
    context: &Context,
    pool: &LivePool,
    state: &str,
    error: Option<&str>,
) -> Result<Onward, Refused> {
    let kind = |name: &str| pool.providers.get(name).map(|live| live.config.value.provider_type);
    let openid = |name: &str| kind(name).is_some_and(|kind| kind != ProviderType::Saml);
    let pending = take(context, pool, state, openid).await?.ok_or(Refused::Unasked)?;
    let (pool_id, provider) = (pool.id(), &pending.provider);
    match error {
        None => tracing::info!(%pool_id, %provider, "signed out at the provider"),
        Some(error) => tracing::warn!(%pool_id, %provider, error, "signed out here, not at the provider"),
    }
    Ok(pending.onward)
}

/// Ends the hosted-UI session of this cookie. It ends here whatever the provider does. Tokens that were issued
/// live on until they expire or are revoked.
///
/// # Errors
/// When the session store is away: then nothing has ended.
pub async fn leave(
    context: &Context,
    pool: &LivePool,
    cookie: &str,
    onward: Onward,
) -> Result<Next, SessionError> {
    let ending = match session::peek(context, pool, cookie).await? {
        Some(session) => {
            notes::user(&session.sub);
            notes::provider(&session.provider);
            at_provider(context, pool, cookie, &session).await
        }
        None => None,
    };
    let next = match ending {
        Some((name, provider, outbound)) => {
            let by_form = matches!(outbound, Outbound::PostForm { .. });
            let pending =
                Pending { pool_id: pool.id().to_owned(), provider: provider.clone(), onward, by_form };
            let value =
                serde_json::to_vec(&pending).map_err(|error| SessionError::Away(error.to_string()))?;
            context.sessions.put(&key(&name), value, context.now() + LIFETIME).await?;
            tracing::info!(pool_id = pool.id(), %provider, "the browser goes to sign out at the provider");
            Next::Provider(provider, outbound)
        }
        None => Next::Onward(onward),
    };
    session::close(context, cookie).await?;
    Ok(next)
}

/// The way to the session's provider, if it is to be told, and what its answer will name. That it cannot be told
/// keeps nobody signed in.
async fn at_provider(
    context: &Context,
    pool: &LivePool,
    cookie: &str,
    session: &HostedSession,
) -> Option<(String, String, Outbound)> {
    let live = pool.providers.get(&session.provider)?;
    let adapter = live.adapter.as_ref().ok()?;
    let kind = live.config.value.provider_type;
    let facts = facts_at(context, pool, kind)?;
    let there = ProviderSession {
        id_token: session::id_token(context, cookie, session),
        ..session.at_provider.clone()
    };
    let going = adapter.end(&context.around, &there, &facts);
    match context.metrics.provider(kind, ProviderCall::End, going).await {
        Ok(outbound) => {
            let name = if kind == ProviderType::Saml { facts.message_id } else { facts.handle };
            outbound.map(|outbound| (name, session.provider.clone(), outbound))
        }
        Err(error) => {
            let (pool_id, provider) = (pool.id(), &session.provider);
            tracing::error!(%error, %pool_id, %provider, "the provider cannot be told of a sign-out");
            None
        }
    }
}
