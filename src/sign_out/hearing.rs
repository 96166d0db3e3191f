//! `/saml2/logout`: what a SAML provider says of a sign-out, its own or ours.

use poolgate_providers::saml::logout;
use poolgate_providers::{
    Outbound, ProviderError, SignOutFacts, SignOutMessage, SignOutNotice, SignOutOutcome, SignOutRequest,
};
use thiserror::Error;

use super::ending::end_sessions;
use super::leaving::{self, Onward, facts_at};
use super::provenance::of_session;
use super::senders::{self, Sender};
use crate::context::Context;
use crate::directory::DirectoryError;
use crate::observe::labels::ProviderCall;
use crate::pool::ProviderType;
use crate::registry::LivePool;
use crate::sessions::SessionError;

/// What the browser does next.
#[derive(Debug)]
pub enum Heard {
    /// Our sign-out is over: it goes on.
    GoOn {
        /// There.
        onward: Onward,
        /// It went to the provider by a form of ours, and may still be in that form's chain of redirects.
        by_form: bool,
    },
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
    /// A store is away.
    #[error("a store is away: {0}")]
    Away(String),
}

impl From<SessionError> for Refused {
    fn from(error: SessionError) -> Self {
        Self::Away(error.to_string())
    }
}

impl From<DirectoryError> for Refused {
    fn from(error: DirectoryError) -> Self {
        Self::Away(error.to_string())
    }
}

/// Verifies a message and follows it.
///
/// # Errors
/// [`Refused`].
pub async fn hear(context: &Context, pool: &LivePool, message: &SignOutMessage) -> Result<Heard, Refused> {
    let facts = facts_at(context, pool, ProviderType::Saml)
        .ok_or_else(|| ProviderError::Settings("The pool has no domain".to_owned()))?;
    let claimed = logout::claimed_issuer(message).map_err(ProviderError::from)?;
    let heard = senders::verify(context, pool, ProviderType::Saml, &claimed, &facts, message).await?;
    // Of one message all have read the same.
    let (senders, mut notices): (Vec<_>, Vec<_>) = heard.into_iter().unzip();
    match notices.pop() {
        Some(SignOutNotice::Answer { in_response_to, outcome }) => {
            go_on(context, pool, &senders, &in_response_to, &outcome).await
        }
        Some(SignOutNotice::Request(request)) => Ok(end(context, pool, &senders, &facts, &request).await),
        Some(SignOutNotice::Ended(_)) | None => Err(Refused::Unasked),
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
    let ours = |provider: &str| senders.iter().any(|sender| sender.name == provider);
    let pending = leaving::take(context, pool, in_response_to, ours).await?.ok_or(Refused::Unasked)?;
    let (pool_id, provider) = (pool.id(), &pending.provider);
    match outcome {
        SignOutOutcome::Complete => tracing::info!(%pool_id, %provider, "signed out at the provider"),
        other => tracing::warn!(%pool_id, %provider, outcome = ?other, "signed out here, not everywhere"),
    }
    Ok(Heard::GoOn { onward: pending.onward, by_form: pending.by_form })
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
        let told = sender.adapter.answer_sign_out(&context.around, facts, request, outcome.clone());
        match context.metrics.provider(ProviderType::Saml, ProviderCall::AnswerSignOut, told).await {
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
    let sessions = request.session_indexes.iter().map(|index| of_session(provider, subject, index)).collect();
    end_sessions(context, pool, sender.into(), &sub, subject, sessions, context.end_now()).await
}
