//! The way back in: the attempt is used up, the answer verified, the user made, the app answered.

use poolgate_providers::{ExternalIdentity, Inbound, Provider, ProviderError, Verified};

use super::answer;
use super::attempt::Attempt;
use super::failure::{Cause, Failed};
use super::mapping::{self, Place};
use super::request::ReturnTarget;
use super::session::{self, HostedSession};
use crate::context::Context;
use crate::pool::AppClient;
use crate::registry::{LivePool, LiveProvider};

/// A sign-in that succeeded.
pub struct Completed {
    /// Back to the app.
    pub location: String,
    /// The new hosted-UI session.
    pub session_cookie: String,
    /// The provider that vouched.
    pub provider: String,
    /// The app client.
    pub client_id: String,
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
    let result = with_second_chance(context, pool, &attempt.provider, async |pool: &LivePool| {
        arrive(context, pool, attempt, inbound.clone(), old_session).await
    });
    let result = result.await;
    tell(pool, &attempt.client_id, &attempt.provider, &result);
    result.map_err(|cause| fail(pool, &attempt.client_id, &attempt.provider, &attempt.target, cause))
}

/// Lets an answer arrive, and once more over fresh metadata where the provider may have a new key: nothing has
/// come of it yet then.
pub(super) async fn with_second_chance(
    context: &Context,
    pool: &LivePool,
    provider: &str,
    arrive: impl AsyncFn(&LivePool) -> Result<Completed, Cause>,
) -> Result<Completed, Cause> {
    let result = arrive(pool).await;
    if let Err(Cause::Provider(error)) = &result
        && let Some(fresh) = context.upkeep.second_chance(pool, provider, error).await
    {
        return arrive(&fresh).await;
    }
    result
}

/// Tells the log how a sign-in ended.
pub(super) fn tell(pool: &LivePool, client_id: &str, provider: &str, result: &Result<Completed, Cause>) {
    let outcome = result.as_ref().map_or_else(|cause| cause.code(), |_| "success");
    let detail = result.as_ref().err().map(tracing::field::display);
    tracing::info!(pool_id = %pool.id(), client_id, provider, outcome, detail, "sign-in");
}

/// Whom to tell of a failure: the app, unless the answer belongs to no request of ours.
pub(super) fn fail(
    pool: &LivePool,
    client_id: &str,
    provider: &str,
    target: &ReturnTarget,
    cause: Cause,
) -> Failed {
    let unsolicited = matches!(&cause, Cause::Provider(ProviderError::Unsolicited(_)));
    let known = pool.providers.get(provider).map(|live| live.config.value.provider_type);
    Failed {
        cause,
        target: (!unsolicited).then(|| target.clone()),
        provider: known.map(|provider_type| (provider.to_owned(), provider_type)),
        client_id: client_id.to_owned(),
    }
}

/// Who takes part when an answer comes: the app client, and the provider that it enables.
pub(super) struct Parties<'p> {
    pub(super) client: &'p AppClient,
    pub(super) provider: &'p LiveProvider,
    pub(super) adapter: &'p dyn Provider,
}

impl<'p> Parties<'p> {
    /// As they are now, which may not be as they were when the attempt left.
    pub(super) fn find(pool: &'p LivePool, client_id: &str, provider: &str) -> Result<Self, Cause> {
        let client =
            pool.client(client_id).ok_or_else(|| Cause::Gone("The app client no longer exists".into()))?;
        let enabled = client.supported_identity_providers.iter().any(|name| name == provider);
        let provider =
            pool.providers.get(provider).filter(|_| enabled).ok_or_else(|| {
                Cause::Gone("The identity provider is no longer enabled for the client".into())
            })?;
        let adapter = provider.adapter.as_ref().map_err(|why| Cause::Gone(why.clone()))?.as_ref();
        Ok(Self { client, provider, adapter })
    }
}

async fn arrive(
    context: &Context,
    pool: &LivePool,
    attempt: &Attempt,
    inbound: Inbound,
    old_session: Option<&str>,
) -> Result<Completed, Cause> {
    let parties = Parties::find(pool, &attempt.client_id, &attempt.provider)?;
    let facts = attempt.facts(super::callback(context, pool, parties.provider)?, pool.entity_id());
    let identity = parties.adapter.finish(&context.around, &facts, inbound).await?;
    let request = answer::Request {
        client_id: &attempt.client_id,
        target: &attempt.target,
        challenge: attempt.challenge.as_deref(),
        scopes: &attempt.scopes,
        nonce: attempt.nonce.as_deref(),
        resource: attempt.resource.as_deref(),
        auth_time: context.now().unix_timestamp(),
    };
    welcome(context, pool, &parties, identity, request, old_session).await
}

/// Makes the user of a verified identity, opens the session and answers the app, whoever began the sign-in.
pub(super) async fn welcome(
    context: &Context,
    pool: &LivePool,
    parties: &Parties<'_>,
    identity: Verified<ExternalIdentity>,
    request: answer::Request<'_>,
    old_session: Option<&str>,
) -> Result<Completed, Cause> {
    let provider = &parties.provider.config.value;
    let place = Place { pool: &pool.pool.value, client: parties.client, provider };
    let profile = mapping::profile(&identity, &place, context.uuid(), context.now())?;
    let user = context.directory.sign_in(profile).await?;

    let mut at_provider = identity.into_inner().session;
    at_provider.id_token = None;
    let session = HostedSession {
        pool_id: pool.id().to_owned(),
        sub: user.sub.clone(),
        provider: provider.provider_name.clone(),
        auth_time: request.auth_time,
        at_provider,
    };
    // Nobody learns of either before both are stored: they may share a commit.
    let (session_cookie, location) = tokio::try_join!(
        async { session::open(context, &session, old_session).await.map_err(Cause::from) },
        answer::success(context, pool, &user, request),
    )?;
    let (provider, client_id) = (provider.provider_name.clone(), parties.client.client_id.clone());
    Ok(Completed { location, session_cookie, provider, client_id })
}
