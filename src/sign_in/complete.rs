//! The way back in: the attempt is used up, the answer verified, the user made, the app answered.

use poolgate_providers::Inbound;

use super::answer;
use super::attempt::Attempt;
use super::failure::{Cause, Failed};
use super::mapping::{self, Place};
use super::session::{self, HostedSession};
use crate::context::Context;
use crate::pool::ProviderType;
use crate::registry::LivePool;

/// A sign-in that succeeded.
pub struct Completed {
    /// Back to the app.
    pub location: String,
    /// The new hosted-UI session.
    pub session_cookie: String,
}

/// Completes an attempt that was taken from the store.
///
/// `old_session` is the browser's session cookie, if it had one: it ends, whoever it belonged to.
///
/// # Errors
/// [`Failed`], to be told to the app or on a page.
pub async fn complete(
    context: &Context,
    pool: &LivePool,
    attempt: &Attempt,
    inbound: Inbound,
    old_session: Option<&str>,
) -> Result<Completed, Failed> {
    let provider_type = pool.providers.get(&attempt.provider).map(|live| live.config.value.provider_type);
    let mut result = arrive(context, pool, attempt, inbound.clone(), old_session).await;
    // Nothing has come of it yet, and the provider may have a new key: fresh metadata knows.
    if let Err(Cause::Provider(error)) = &result
        && let Some(fresh) = context.upkeep.second_chance(pool, &attempt.provider, error).await
    {
        result = arrive(context, &fresh, attempt, inbound, old_session).await;
    }
    let outcome = result.as_ref().map_or_else(|cause| cause.code(), |_| "success");
    tracing::info!(
        pool_id = %attempt.pool_id,
        client_id = %attempt.client_id,
        provider = %attempt.provider,
        outcome,
        detail = result.as_ref().err().map(tracing::field::display),
        "sign-in"
    );
    result.map_err(|cause| fail(cause, attempt, provider_type))
}

fn fail(cause: Cause, attempt: &Attempt, provider_type: Option<ProviderType>) -> Failed {
    let unsolicited = matches!(&cause, Cause::Provider(poolgate_providers::ProviderError::Unsolicited(_)));
    Failed {
        cause,
        target: (!unsolicited).then(|| attempt.target.clone()),
        provider: provider_type.map(|provider_type| (attempt.provider.clone(), provider_type)),
    }
}

async fn arrive(
    context: &Context,
    pool: &LivePool,
    attempt: &Attempt,
    inbound: Inbound,
    old_session: Option<&str>,
) -> Result<Completed, Cause> {
    let client = pool
        .client(&attempt.client_id)
        .ok_or_else(|| Cause::Gone("The app client no longer exists".into()))?;
    let enabled = client.supported_identity_providers.contains(&attempt.provider);
    let live = pool.providers.get(&attempt.provider).filter(|_| enabled);
    let live =
        live.ok_or_else(|| Cause::Gone("The identity provider is no longer enabled for the client".into()))?;
    let adapter = live.adapter.as_ref().map_err(|why| Cause::Gone(why.clone()))?;
    let facts = attempt.facts(super::callback(context, pool, live)?, pool.entity_id());
    let identity = adapter.finish(&context.around, &facts, inbound).await?;

    let place = Place { pool: &pool.pool.value, client, provider: &live.config.value };
    let profile = mapping::profile(&identity, &place, context.uuid(), context.now())?;
    let user = context.directory.sign_in(profile).await?;

    let mut at_provider = identity.into_inner().session;
    at_provider.id_token = None;
    let auth_time = context.now().unix_timestamp();
    let session = HostedSession {
        pool_id: pool.id().to_owned(),
        sub: user.sub.clone(),
        provider: attempt.provider.clone(),
        auth_time,
        at_provider,
    };
    let request = answer::Request {
        client_id: &attempt.client_id,
        target: &attempt.target,
        challenge: attempt.challenge.as_deref(),
        scopes: &attempt.scopes,
        nonce: attempt.nonce.as_deref(),
        resource: attempt.resource.as_deref(),
        auth_time,
    };
    // Nobody learns of either before both are stored: they may share a commit.
    let (session_cookie, location) = tokio::try_join!(
        async { session::open(context, &session, old_session).await.map_err(Cause::from) },
        answer::success(context, pool, &user, request),
    )?;
    Ok(Completed { location, session_cookie })
}
