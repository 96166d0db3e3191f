//! `/logout`: the session ends here, then at the provider, where it is set up so.

use poolgate_providers::{Outbound, SignOutFacts};
use serde::{Deserialize, Serialize};
use time::Duration;

use crate::context::{Context, digest_name};
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
    /// Nowhere: the signed-out page, with the app's name.
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

/// A sign-out that waits for its provider's answer: found by the id of our message, which the answer names, so it
/// needs neither cookie nor RelayState.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) pool_id: String,
    pub(super) provider: String,
    pub(super) onward: Onward,
}

pub(super) fn key(message_id: &str) -> Key {
    Key::new(Kind::SignOut, digest_name(message_id))
}

/// What a message from or to this pool's SAML providers needs to know. `None` without a domain.
pub(super) fn saml_facts(context: &Context, pool: &LivePool) -> Option<SignOutFacts> {
    let mut callback = pool.domain_url(&context.surface)?;
    callback.set_path("/saml2/logout");
    Some(SignOutFacts {
        handle: context.handle(),
        message_id: context.request_id(),
        entity_id: pool.entity_id(),
        callback,
    })
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
        Some(session) => at_provider(context, pool, &session).await,
        None => None,
    };
    let next = match ending {
        Some((facts, provider, outbound)) => {
            let pending = Pending { pool_id: pool.id().to_owned(), provider: provider.clone(), onward };
            let value =
                serde_json::to_vec(&pending).map_err(|error| SessionError::Away(error.to_string()))?;
            context.sessions.put(&key(&facts.message_id), value, context.now() + LIFETIME).await?;
            Next::Provider(provider, outbound)
        }
        None => Next::Onward(onward),
    };
    session::close(context, cookie).await?;
    Ok(next)
}

/// The way to the session's provider, if it is to be told. That it cannot be told keeps nobody signed in.
async fn at_provider(
    context: &Context,
    pool: &LivePool,
    session: &HostedSession,
) -> Option<(SignOutFacts, String, Outbound)> {
    let live = pool.providers.get(&session.provider)?;
    // An OpenID provider would have to send the browser back to an address that this version does not have.
    if live.config.value.provider_type != ProviderType::Saml {
        return None;
    }
    let adapter = live.adapter.as_ref().ok()?;
    let facts = saml_facts(context, pool)?;
    match adapter.end(&context.around, &session.at_provider, &facts).await {
        Ok(outbound) => outbound.map(|outbound| (facts, session.provider.clone(), outbound)),
        Err(error) => {
            let (pool_id, provider) = (pool.id(), &session.provider);
            tracing::error!(%error, %pool_id, %provider, "the provider cannot be told of a sign-out");
            None
        }
    }
}
