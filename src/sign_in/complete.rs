//! The way back in: the attempt is used up, the answer verified, the user made, the app answered.

use poolgate_providers::{ExternalIdentity, Inbound, Provider, ProviderError, Verified};

use time::OffsetDateTime;

use super::admission;
use super::answer;
use super::attempt::Attempt;
use super::failure::{Cause, Failed};
use super::mapping::{self, MappedGroups, Place};
use super::request::{ResponseType, ReturnTarget};
use super::session::{self, HostedSession};
use crate::context::Context;
use crate::observe::labels::ProviderCall;
use crate::pool::{AppClient, IdentityProvider, User};
use crate::registry::{LivePool, LiveProvider};
use crate::sign_out::ending::noted;
use crate::sign_out::provenance::millis;
use crate::triggers::{Asking, federation};

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
    let arrived = with_fresh_metadata(context, pool, &attempt.provider, async |pool| {
        arrive(context, pool, attempt, inbound.clone(), old_session).await
    });
    close(pool, &attempt.client_id, &attempt.provider, &attempt.target, arrived.await)
}

/// Tells the log how a sign-in ended, and whom to tell of a failure.
pub(super) fn close(
    pool: &LivePool,
    client_id: &str,
    provider: &str,
    target: &ReturnTarget,
    result: Result<Completed, Cause>,
) -> Result<Completed, Failed> {
    let outcome = result.as_ref().map_or_else(|cause| cause.code(), |_| "success");
    let detail = result.as_ref().err().map(tracing::field::display);
    tracing::info!(pool_id = %pool.id(), client_id, provider, outcome, detail, "sign-in");
    result.map_err(|cause| {
        let unsolicited = matches!(&cause, Cause::Provider(ProviderError::Unsolicited(_)));
        let known = pool.providers.get(provider).map(|live| live.config.value.provider_type);
        Failed {
            cause,
            target: (!unsolicited).then(|| Box::new(target.clone())),
            provider: known.map(|provider_type| (provider.to_owned(), provider_type)),
            client_id: client_id.to_owned(),
        }
    })
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

/// Lets an answer arrive, and once more where no key that the provider is known by has signed it, but fresh
/// metadata may know the key. Nothing has come of it by then: nobody is signed in, and no id is used up.
pub(super) async fn with_fresh_metadata<T>(
    context: &Context,
    pool: &LivePool,
    provider: &str,
    arrive: impl AsyncFn(&LivePool) -> Result<T, Cause>,
) -> Result<T, Cause> {
    match arrive(pool).await {
        Err(Cause::Provider(error)) => match context.upkeep.second_chance(pool, provider, &error).await {
            Some(fresh) => arrive(&fresh).await,
            None => Err(error.into()),
        },
        arrived => arrived,
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
    let began = Began::now(context);
    let coming = parties.adapter.finish(&context.around, &facts, inbound);
    let provider_type = parties.provider.config.value.provider_type;
    let identity = context.metrics.provider(provider_type, ProviderCall::Finish, coming).await?;
    let wish = Wish {
        client_id: &attempt.client_id,
        target: &attempt.target,
        challenge: attempt.challenge.as_deref(),
        scopes: &attempt.scopes,
        nonce: attempt.nonce.as_deref(),
        resource: attempt.resource.as_deref(),
    };
    welcome(context, pool, &parties, identity, wish, began, old_session).await
}

/// What the app asked to be given.
pub(super) struct Wish<'a> {
    pub(super) client_id: &'a str,
    pub(super) target: &'a ReturnTarget,
    pub(super) challenge: Option<&'a str>,
    pub(super) scopes: &'a [String],
    pub(super) nonce: Option<&'a str>,
    pub(super) resource: Option<&'a str>,
}

/// When an answer came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Began {
    /// By this machine's clock: for dates.
    at: OffsetDateTime,
    /// In the order that all replicas share.
    in_order: OffsetDateTime,
}

impl Began {
    pub(super) fn now(context: &Context) -> Self {
        Self { at: context.now(), in_order: context.common_now() }
    }
}

/// Most names of groups that one log line tells.
const GROUPS_TOLD: usize = 25;

/// Tells the log which groups the provider named in vain: there is no such group, or the user is in too many.
fn tell_groups_left_out(provider: &IdentityProvider, mapped: MappedGroups, user: &User) {
    let MappedGroups { mut groups, mut ignored } = mapped;
    groups.retain(|group| !user.groups.contains(group));
    if ignored.is_empty() && groups.is_empty() {
        return;
    }
    ignored.append(&mut groups);
    let provider = &*provider.provider_name;
    let more = if ignored.len() > GROUPS_TOLD { " and more" } else { "" };
    ignored.truncate(GROUPS_TOLD);
    let detail = format!("{ignored:?}{more}");
    tracing::info!(provider, detail, "groups that the provider named are not given");
}

/// Makes the user of a verified identity, opens the session and answers the app, whoever began the sign-in.
///
/// `began` is when the answer came, before anything was asked of the provider: what the provider ends from then on
/// ends what comes of this sign-in, for it is no later one.
pub(super) async fn welcome(
    context: &Context,
    pool: &LivePool,
    parties: &Parties<'_>,
    identity: Verified<ExternalIdentity>,
    wish: Wish<'_>,
    began: Began,
    old_session: Option<&str>,
) -> Result<Completed, Cause> {
    let provider = &parties.provider.config.value;
    let place = Place { pool: &pool.pool.value, client: parties.client, provider, groups: &pool.groups };
    let asking = Asking { pool, client: parties.client, surface: &context.surface };
    let chosen = federation::attributes(context, &asking, provider, identity.get()).await?;
    let mut profile = mapping::profile(&identity, chosen.as_ref(), &place, context.uuid(), began.at)?;
    profile.session = noted(context, pool, provider, &identity.get().session);
    let mapped = mapping::mapped_groups(chosen.as_ref().unwrap_or(&identity.get().attributes), &place);
    let user = admission::admit(context, pool, parties.client, profile).await?;
    crate::audit::notes::user(&user.sub);
    tell_groups_left_out(provider, mapped, &user);

    let identity = identity.into_inner();
    let mut at_provider = identity.session;
    at_provider.subject = identity.subject;
    let id_token = at_provider.id_token.take().filter(|_| provider.detail("IDPSignout") == Some("true"));
    let session = HostedSession {
        pool_id: pool.id().to_owned(),
        sub: user.sub.clone(),
        provider: provider.provider_name.clone(),
        auth_time: began.at.unix_timestamp(),
        signed_in_at: Some(millis(began.in_order)),
        authenticated_at: identity.authenticated_at.map(OffsetDateTime::unix_timestamp),
        at_provider,
        sealed_id_token: None,
    };
    let request = answer::Request {
        client_id: wish.client_id,
        target: wish.target,
        challenge: wish.challenge,
        scopes: wish.scopes,
        nonce: wish.nonce,
        resource: wish.resource,
        auth_time: session.auth_time,
        provenance: session.provenance(),
    };
    let opening = async {
        session::open(context, session, id_token.as_deref(), old_session).await.map_err(Cause::from)
    };
    let answering = answer::success(context, pool, &user, request);
    let (session_cookie, location) = match wish.target.response_type {
        // Nobody learns of either before both are stored: they may share a commit.
        ResponseType::Code => tokio::try_join!(opening, answering)?,
        // A function may refuse the tokens: no session is opened then.
        ResponseType::Token => {
            let location = answering.await?;
            (opening.await?, location)
        }
    };
    let (provider, client_id) = (provider.provider_name.clone(), parties.client.client_id.clone());
    Ok(Completed { location, session_cookie, provider, client_id })
}
