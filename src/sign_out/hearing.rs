//! `/saml2/logout`: what a SAML provider says of a sign-out, its own or ours.

use std::sync::Arc;

use async_trait::async_trait;
use poolgate_providers::saml::{UNKNOWN_KEY, logout};
use poolgate_providers::settings::{CommonSettings, LogoutEnds};
use poolgate_providers::{
    Outbound, Provider, ProviderError, SignOutFacts, SignOutMessage, SignOutNotice, SignOutOutcome,
    SignOutRequest, Surroundings, UsedOnce,
};
use thiserror::Error;
use time::OffsetDateTime;

use super::leaving::{Onward, Pending, key, saml_facts};
use super::provenance::{of_person, of_session};
use crate::context::Context;
use crate::directory::{DirectoryError, Ended};
use crate::pool::{AppClient, ProviderType};
use crate::registry::{LivePool, LiveProvider};
use crate::sessions::SessionError;
use crate::sign_in::session;

/// What the browser does next.
#[derive(Debug)]
pub enum Heard {
    /// Our sign-out is over: it goes on.
    GoOn(Onward),
    /// It carries our answer to the provider of this name.
    Answer(String, Outbound),
    /// The provider ended its sessions, and takes no answer.
    Untold,
}

/// Why a message was not followed. Nothing ended.
#[derive(Debug, Error)]
pub enum Refused {
    /// It is not to be believed.
    #[error(transparent)]
    NotBelieved(#[from] ProviderError),
    /// It answers no sign-out of ours.
    #[error("The answer belongs to no sign-out here: it came late, or twice.")]
    Unasked,
    /// The session store is away.
    #[error("the session store is away: {0}")]
    Away(#[from] SessionError),
}

/// A provider that sent the message, by its signature.
struct Sender {
    name: String,
    ends: LogoutEnds,
    adapter: Arc<dyn Provider>,
}

/// Verifies a message and follows it.
///
/// # Errors
/// [`Refused`].
pub async fn hear(context: &Context, pool: &LivePool, message: &SignOutMessage) -> Result<Heard, Refused> {
    let facts = saml_facts(context, pool)
        .ok_or_else(|| ProviderError::Settings("The pool has no domain".to_owned()))?;
    let (senders, notice) = verify(context, pool, &facts, message).await?;
    match notice {
        SignOutNotice::Answer { in_response_to, outcome } => {
            go_on(context, pool, &senders, &in_response_to, &outcome).await
        }
        SignOutNotice::Request(request) => Ok(end(context, pool, &senders, &facts, &request).await),
    }
}

/// Which of the pool's providers sent it, and what it says. The name it gives for itself only says whose keys are
/// tried; several providers may have it, and each that its signature fits has sent it.
async fn verify(
    context: &Context,
    pool: &LivePool,
    facts: &SignOutFacts,
    message: &SignOutMessage,
) -> Result<(Vec<Sender>, SignOutNotice), Refused> {
    let claimed = logout::claimed_issuer(message).map_err(ProviderError::from)?;
    let (mut senders, mut heard, mut refusal) = (Vec::new(), None, None::<ProviderError>);
    for live in pool.providers.values() {
        let Ok(adapter) = &live.adapter else { continue };
        let saml = live.config.value.provider_type == ProviderType::Saml;
        if !saml || adapter.issuer() != Some(&claimed) {
            continue;
        }
        match ask(context, pool, live, adapter, facts, message).await {
            Ok((sender, notice)) => {
                senders.push(sender);
                heard = Some(notice);
            }
            Err(error @ ProviderError::StoreAway) => return Err(error.into()),
            // One whose key it is knows better what is wrong.
            Err(error) => refusal = refusal.filter(|before| before.code() != UNKNOWN_KEY).or(Some(error)),
        }
    }
    match (heard, refusal) {
        (Some(notice), _) => Ok((senders, notice)),
        (None, Some(error)) => Err(error.into()),
        (None, None) => Err(ProviderError::NotBelieved {
            check: "saml_issuer",
            detail: "the Issuer of the message is no SAML provider of this user pool".to_owned(),
        }
        .into()),
    }
}

/// Asks one provider's adapter whether its provider sent this; with fresh metadata too, if its keys may have
/// changed.
async fn ask(
    context: &Context,
    pool: &LivePool,
    live: &LiveProvider,
    adapter: &Arc<dyn Provider>,
    facts: &SignOutFacts,
    message: &SignOutMessage,
) -> Result<(Sender, SignOutNotice), ProviderError> {
    let name = &live.config.value.provider_name;
    let own = format!("{} {name}", pool.id());
    let used = Arc::new(OfProvider { own, used: Arc::clone(&context.around.used) });
    let around = Surroundings { used, ..context.around.clone() };
    let mut adapter = Arc::clone(adapter);
    let mut answer = adapter.hear_sign_out(&around, facts, message).await;
    if let Err(error) = &answer
        && let Some(fresh) = context.upkeep.second_chance(pool, name, error).await
        && let Some(Ok(renewed)) = fresh.providers.get(name).map(|live| live.adapter.as_ref())
    {
        adapter = Arc::clone(renewed);
        answer = adapter.hear_sign_out(&around, facts, message).await;
    }
    let settings = CommonSettings::from_details(&live.config.value.provider_details);
    let ends = settings.map_or(LogoutEnds::SessionAndTokens, |settings| settings.logout_ends);
    Ok((Sender { name: name.clone(), ends, adapter }, answer?.into_inner()))
}

/// The same message may come from two providers of one name: each remembers for itself that it was used.
struct OfProvider {
    /// Pool and name: neither has the `/` in it that every key has.
    own: String,
    used: Arc<dyn UsedOnce>,
}

#[async_trait]
impl UsedOnce for OfProvider {
    async fn first_use(&self, key: &str, until: OffsetDateTime) -> Result<bool, ProviderError> {
        self.used.first_use(&format!("{} {key}", self.own), until).await
    }
}

/// Our own sign-out has been answered: the browser goes on, whatever became of it there.
async fn go_on(
    context: &Context,
    pool: &LivePool,
    senders: &[Sender],
    in_response_to: &str,
    outcome: &SignOutOutcome,
) -> Result<Heard, Refused> {
    let key = key(in_response_to);
    let read = |value: Option<Vec<u8>>| {
        value
            .and_then(|value| serde_json::from_slice::<Pending>(&value).ok())
            .filter(|pending| pending.pool_id == pool.id())
            .filter(|pending| senders.iter().any(|sender| sender.name == pending.provider))
            .ok_or(Refused::Unasked)
    };
    // Looked at first: another provider's answer must not use it up.
    read(context.sessions.get(&key).await?)?;
    let pending = read(context.sessions.take(&key).await?)?;
    let (pool_id, provider) = (pool.id(), &pending.provider);
    match outcome {
        SignOutOutcome::Complete => tracing::info!(%pool_id, %provider, "signed out at the provider"),
        other => tracing::warn!(%pool_id, %provider, outcome = ?other, "signed out here, not everywhere"),
    }
    Ok(Heard::GoOn(pending.onward))
}

/// Ends what the provider ends, and says what became of it. It is said once it is durable.
async fn end(
    context: &Context,
    pool: &LivePool,
    senders: &[Sender],
    facts: &SignOutFacts,
    request: &SignOutRequest,
) -> Heard {
    let mut outcome = SignOutOutcome::UnknownPrincipal;
    for sender in senders {
        match end_at(context, pool, sender, request).await {
            Ok(true) if outcome == SignOutOutcome::UnknownPrincipal => outcome = SignOutOutcome::Complete,
            Ok(_) => {}
            Err(error) => {
                let (pool_id, provider) = (pool.id(), &sender.name);
                tracing::error!(%error, %pool_id, %provider, "a provider's sign-out could not be followed");
                outcome = SignOutOutcome::Failed("a store is away: ask again".to_owned());
            }
        }
    }
    for sender in senders {
        let (pool_id, provider) = (pool.id(), &sender.name);
        tracing::info!(
            %pool_id, %provider, ?outcome, sessions = request.session_indexes.len(), "the provider signs out"
        );
        match sender.adapter.answer_sign_out(&context.around, facts, request, outcome.clone()).await {
            Ok(outbound) => return Heard::Answer(provider.clone(), outbound),
            Err(error) => tracing::warn!(%error, %pool_id, %provider, "the provider takes no answer"),
        }
    }
    Heard::Untold
}

/// Whether the person is known here.
async fn end_at(
    context: &Context,
    pool: &LivePool,
    sender: &Sender,
    request: &SignOutRequest,
) -> Result<bool, DirectoryError> {
    let (provider, subject) = (&*sender.name, &*request.subject);
    let Some(sub) = context.directory.user_of_identity(pool.id(), provider, subject).await? else {
        return Ok(false);
    };
    let tokens = sender.ends == LogoutEnds::SessionAndTokens;
    let at = context.now();
    // As long as the oldest refresh token there can be, and the last access token it can have made.
    let longest = AppClient::REFRESH_RANGE.1 + AppClient::TOKEN_RANGE.1;
    let ended = Ended {
        person: of_person(provider, subject),
        sessions: request.session_indexes.iter().map(|index| of_session(provider, subject, index)).collect(),
        at,
        tokens,
        until: at + if tokens { longest } else { session::LIFETIME },
    };
    match context.directory.end_provider_sessions(pool.id(), &sub, ended).await {
        // Deleted in between, and everything of it.
        Err(DirectoryError::Missing(_)) => Ok(false),
        other => other.map(|()| true),
    }
}
