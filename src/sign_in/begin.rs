//! The way out: is the browser signed in already, and if not, where does it go?

use poolgate_providers::{Outbound, Prompt};

use super::attempt::Attempt;
use super::failure::{Cause, Failed};
use super::request::{AuthorizeRequest, Wanted};
use super::session::SignedIn;
use crate::context::Context;
use crate::observe::labels::ProviderCall;
use crate::pool::{AppClient, ProviderType};
use crate::registry::{LivePool, LiveProvider};

/// What happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The live session answers.
    Session,
    /// To this provider.
    Provider(String),
    /// The hosted page.
    Page,
    /// `prompt=none`, and nobody is signed in.
    LoginRequired,
}

/// Decides, without doing anything.
pub fn decide(pool: &LivePool, request: &AuthorizeRequest, session: Option<&SignedIn>, now: i64) -> Next {
    let Some(client) = pool.client(&request.client_id) else { return Next::Page };
    let satisfied = session.is_some_and(|signed_in| satisfies(signed_in, request, client, now));
    let choosing = request.asked.wants(Prompt::SelectAccount);
    match &request.wanted {
        _ if satisfied && !choosing => Next::Session,
        Wanted::Provider(name) => Next::Provider(name.clone()),
        _ if request.asked.wants(Prompt::None) => Next::LoginRequired,
        // The person chooses: the account that is here, or another.
        _ if satisfied => Next::Page,
        Wanted::HostedPage => Next::Page,
        Wanted::Any => only_provider(pool, client).map_or(Next::Page, Next::Provider),
    }
}

/// A live session does unless the app wants a fresh sign-in, another provider, or does not take this one. Whether it
/// answers by itself or the person chooses it (`prompt=select_account`) is another question.
pub fn satisfies(signed_in: &SignedIn, request: &AuthorizeRequest, client: &AppClient, now: i64) -> bool {
    let provider = &signed_in.session.provider;
    let enabled = client.supported_identity_providers.iter().any(|own| own == provider);
    let right_provider = match &request.wanted {
        Wanted::Provider(name) => name == provider,
        Wanted::Any | Wanted::HostedPage => true,
    };
    let fresh_enough = request
        .asked
        .max_age
        .is_none_or(|max_age| now.saturating_sub(signed_in.session.proved_at()) <= i64::from(max_age));
    enabled && right_provider && fresh_enough && !request.asked.wants(Prompt::Login)
}

/// The client's providers that exist, in the client's order.
pub fn enabled_providers<'p>(pool: &'p LivePool, client: &AppClient) -> Vec<&'p LiveProvider> {
    client.supported_identity_providers.iter().filter_map(|name| pool.providers.get(name)).collect()
}

/// A single provider and no sign-in of the pool's own: nothing to choose.
fn only_provider(pool: &LivePool, client: &AppClient) -> Option<String> {
    let own = client.supported_identity_providers.iter().any(|name| name == "COGNITO");
    match enabled_providers(pool, client).as_slice() {
        [one] if !own => Some(one.config.value.provider_name.clone()),
        _ => None,
    }
}

/// The provider that an e-mail address (or a bare domain) belongs to, by identifier: the whole address first,
/// then its domain. Only providers that the client enables are found. Identifiers are ASCII: an international domain
/// is looked up as DNS knows it (UTS #46), which is how Chromium sends it and others do not.
pub fn discover(pool: &LivePool, client: &AppClient, address: &str) -> Option<String> {
    let address = address.trim();
    let (local, domain) = match address.rsplit_once('@') {
        Some((local, domain)) => (Some(local), domain),
        None => (None, address),
    };
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let ascii = match url::Host::parse(domain) {
        Ok(url::Host::Domain(name)) => Some(name),
        _ => None,
    };
    let in_ascii = local.zip(ascii.as_deref()).map(|(local, domain)| format!("{local}@{domain}"));
    [Some(address), in_ascii.as_deref(), Some(domain), ascii.as_deref()]
        .into_iter()
        .flatten()
        .filter(|name| !name.is_empty())
        .filter_map(|name| pool.provider_by_identifier(name))
        .map(|provider| &provider.config.value.provider_name)
        .find(|name| client.supported_identity_providers.contains(name))
        .cloned()
}

/// Where the browser goes, and with which attempt.
pub struct Departure {
    /// The attempt's handle.
    pub handle: String,
    /// The way to the provider.
    pub outbound: Outbound,
}

/// Makes and stores an attempt, and asks the provider's adapter where the browser goes.
///
/// # Errors
/// [`Failed`], to be told to the app.
pub async fn begin(
    context: &Context,
    pool: &LivePool,
    request: &AuthorizeRequest,
    provider: &str,
    browser: &str,
) -> Result<Departure, Failed> {
    let mut known = None;
    let result = leave(context, pool, request, provider, browser, &mut known).await;
    result.map_err(|cause| Failed {
        cause,
        target: Some(Box::new(request.target())),
        provider: known.map(|provider_type| (provider.to_owned(), provider_type)),
        client_id: request.client_id.clone(),
    })
}

async fn leave(
    context: &Context,
    pool: &LivePool,
    request: &AuthorizeRequest,
    provider: &str,
    browser: &str,
    known: &mut Option<ProviderType>,
) -> Result<Departure, Cause> {
    let gone = || Cause::Gone("The identity provider no longer exists".into());
    let live = pool.providers.get(provider).ok_or_else(gone)?;
    *known = Some(live.config.value.provider_type);
    let adapter = live.adapter.as_ref().map_err(|why| Cause::Gone(why.clone()))?;
    let attempt = Attempt::new(context, pool, request, provider, browser);
    let callback = super::callback(context, pool, live)?;
    let facts = attempt.facts(callback, pool.entity_id());
    let going = adapter.begin(&context.around, &facts);
    let provider_type = live.config.value.provider_type;
    let outbound = context.metrics.provider(provider_type, ProviderCall::Begin, going).await?;
    attempt.save(context).await?;
    Ok(Departure { handle: attempt.handle, outbound })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{client, live_pool, provider};
    use serde_json::json;

    #[test]
    fn an_address_leads_to_a_provider_of_the_client_by_the_whole_or_by_its_domain() {
        let pool = live_pool(
            client(json!({})),
            vec![
                provider("Acme", json!({"IdpIdentifiers": ["acme.example"]})),
                provider("Globex", json!({"IdpIdentifiers": ["vip@acme.example"]})),
                provider("Hidden", json!({"IdpIdentifiers": ["boss@acme.example", "hidden.example"]})),
            ],
        );
        let find = |address: &str| discover(&pool, pool.client("app").unwrap(), address);
        assert_eq!(find(" Jane@ACME.example ").as_deref(), Some("Acme"));
        assert_eq!(find("acme.example").as_deref(), Some("Acme"));
        assert_eq!(find("vip@acme.example").as_deref(), Some("Globex"));
        assert_eq!(
            find("boss@acme.example").as_deref(),
            Some("Acme"),
            "of another client's provider, nothing shows"
        );
        for nowhere in ["", "@", "jane@hidden.example", "jane@sub.acme.example", "acme.example@"] {
            assert_eq!(find(nowhere), None, "{nowhere}");
        }
    }
}
