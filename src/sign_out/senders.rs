//! Which of a pool's providers sent a sign-out message.

use std::sync::Arc;

use async_trait::async_trait;
use poolgate_providers::saml::UNKNOWN_KEY;
use poolgate_providers::settings::{CommonSettings, LogoutEnds};
use poolgate_providers::{
    Provider, ProviderError, SignOutFacts, SignOutMessage, SignOutNotice, Surroundings, UsedOnce,
};
use time::OffsetDateTime;

use crate::audit::notes;
use crate::context::Context;
use crate::observe::labels::ProviderCall;
use crate::pool::ProviderType;
use crate::registry::{LivePool, LiveProvider};

/// A provider that sent the message, by its signature.
pub(super) struct Sender {
    pub(super) name: String,
    pub(super) ends: LogoutEnds,
    pub(super) adapter: Arc<dyn Provider>,
}

/// What a sign-out that this provider starts ends.
pub(super) fn ends(live: &LiveProvider) -> LogoutEnds {
    let settings = CommonSettings::from_details(&live.config.value.provider_details);
    settings.map_or(LogoutEnds::SessionAndTokens, |settings| settings.logout_ends)
}

/// The pool's providers of this type that may be meant by this issuer.
pub(super) fn of_issuer<'p>(
    pool: &'p LivePool,
    kind: ProviderType,
    claimed: &str,
) -> impl Iterator<Item = (&'p LiveProvider, &'p Arc<dyn Provider>)> {
    let of_kind = pool.providers.values().filter(move |live| live.config.value.provider_type == kind);
    of_kind.filter_map(move |live| {
        live.adapter.as_ref().ok().filter(|adapter| adapter.is_issuer(claimed)).map(|adapter| (live, adapter))
    })
}

/// Which of the pool's providers sent it, and what it says: one at least. The name it gives for itself only says
/// whose keys are tried; several providers may have it, and each whose checks pass has sent it.
pub(super) async fn verify(
    context: &Context,
    pool: &LivePool,
    kind: ProviderType,
    claimed: &str,
    facts: &SignOutFacts,
    message: &SignOutMessage,
) -> Result<Vec<(Sender, SignOutNotice)>, ProviderError> {
    let (mut heard, mut refusal) = (Vec::new(), None::<ProviderError>);
    for (live, adapter) in of_issuer(pool, kind, claimed) {
        match ask(context, pool, live, adapter, facts, message).await {
            Ok(one) => {
                notes::provider(&one.0.name);
                heard.push(one);
            }
            Err(error @ ProviderError::StoreAway) => return Err(error),
            Err(error) => refusal = Some(telling(refusal, error)),
        }
    }
    match (heard.is_empty(), refusal) {
        (false, _) => Ok(heard),
        (true, Some(error)) => Err(error),
        (true, None) => Err(ProviderError::NotBelieved {
            check: if kind == ProviderType::Saml { "saml_issuer" } else { "oidc_issuer" },
            detail: format!("the issuer of the message is no {} provider of this user pool", kind.as_str()),
        }),
    }
}

/// Of two refusals the one that knows better what is wrong: who could not look may still believe it, and one whose
/// key it is, or whose client, has seen more of it.
fn telling(before: Option<ProviderError>, error: ProviderError) -> ProviderError {
    let weight = |error: &ProviderError| match error {
        ProviderError::NotBelieved { check, .. } if [UNKNOWN_KEY, "oidc_audience"].contains(check) => 0,
        ProviderError::NotBelieved { .. } => 1,
        _ => 2,
    };
    match before {
        Some(before) if weight(&before) >= weight(&error) => before,
        _ => error,
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
    let heard = async |adapter: &Arc<dyn Provider>| {
        let hearing = adapter.hear_sign_out(&around, facts, message);
        let provider_type = live.config.value.provider_type;
        context.metrics.provider(provider_type, ProviderCall::HearSignOut, hearing).await
    };
    let mut answer = heard(&adapter).await;
    if let Err(error) = &answer
        && let Some(fresh) = context.upkeep.second_chance(pool, name, error).await
        && let Some(Ok(renewed)) = fresh.providers.get(name).map(|live| live.adapter.as_ref())
    {
        adapter = Arc::clone(renewed);
        answer = heard(&adapter).await;
    }
    let notice = answer?.into_inner();
    Ok((Sender { name: name.clone(), ends: ends(live), adapter }, notice))
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

    async fn first_use_unasked(&self, key: &str, until: OffsetDateTime) -> Result<bool, ProviderError> {
        self.used.first_use_unasked(&format!("{} {key}", self.own), until).await
    }
}
