//! A sign-in that the provider starts (SAML profiles 4.1.5, `gateway.md` section 5): no app asked, no attempt
//! waits. The RelayState is an authorize query and says where the person goes.
//!
//! Off unless the provider's `IDPInit` is true: such an answer is bound to no browser, so whoever holds one for
//! an account of their own can sign somebody else's browser in with it.

use std::sync::Arc;

use poolgate_providers::{Inbound, UnsolicitedFacts};

use super::complete::{self, Began, Completed, Parties, Wish};
use super::failure::{Cause, Failed};
use super::request::{AuthorizeRequest, Rejected, Wanted};
use crate::context::Context;
use crate::observe::labels::ProviderCall;
use crate::pool::ProviderType;
use crate::registry::LivePool;

/// Longest RelayState that is read as a query, in bytes.
const MAX_QUERY: usize = 8 * 1024;
/// Parameters that speak to a provider that is asked, or for an app that waits. Here is neither: a nonce or a
/// challenge that stands in the provider's configuration would be the same for everybody and protect nobody.
const MEANINGLESS: [&str; 7] =
    ["code_challenge", "code_challenge_method", "nonce", "prompt", "login_hint", "max_age", "acr_values"];

/// A request that stood in a provider's RelayState, every parameter of it good.
pub struct Started {
    request: AuthorizeRequest,
    provider: String,
}

/// The authorize query in a RelayState, decoded. `None` for anything else: the handle of an attempt is base64url
/// and has no `=` in it.
pub fn query(relay_state: &str) -> Option<Vec<(String, String)>> {
    if relay_state.len() > MAX_QUERY || !relay_state.contains('=') {
        return None;
    }
    let query = relay_state.strip_prefix('?').unwrap_or(relay_state);
    let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    pairs.iter().any(|(name, _)| name == "client_id").then_some(pairs)
}

/// The provider and the client that a query names, where the pool has both: for diagnosis only.
pub fn named<'a>(pool: &'a LivePool, pairs: &'a [(String, String)]) -> Option<(&'a str, &'a str)> {
    let value = |name| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let client = pool.client(value("client_id")?)?;
    let provider = match value("identity_provider") {
        Some(name) => pool.providers.get(name)?,
        None => pool.provider_by_identifier(value("idp_identifier")?)?,
    };
    Some((&provider.config.value.provider_name, &client.client_id))
}

/// Checks the query like any authorize request, and what is true of these alone: it names a SAML provider, its
/// client takes SAML providers only, and it asks nothing that cannot be given.
///
/// # Errors
/// See [`Rejected`].
pub fn check(pool: &Arc<LivePool>, pairs: &[(String, String)]) -> Result<Started, Rejected> {
    let request = AuthorizeRequest::check(pool, pairs)?;
    let refuse =
        |error, description: String| Rejected::Redirect { target: request.target(), error, description };
    let given = |name: &&str| pairs.iter().any(|(key, value)| key == name && !value.is_empty());
    if let Some(name) = MEANINGLESS.into_iter().find(given) {
        let why = format!("{name} has no meaning in the RelayState of a sign-in that the provider starts");
        return Err(refuse("invalid_request", why));
    }
    let Wanted::Provider(provider) = &request.wanted else {
        let why = "the RelayState must name a SAML provider: identity_provider or idp_identifier";
        return Err(refuse("invalid_request", why.to_owned()));
    };
    if let Some(other) = other_than_saml(pool, &request.client_id) {
        let why = format!(
            "a provider may start a sign-in only where the client's SupportedIdentityProviders are SAML providers \
             alone: {other} is none"
        );
        return Err(refuse("unauthorized_client", why));
    }
    Ok(Started { provider: provider.clone(), request })
}

/// The first of the client's sign-ins that is no SAML provider of the pool.
fn other_than_saml<'p>(pool: &'p LivePool, client_id: &str) -> Option<&'p str> {
    let is_saml = |name: &str| {
        pool.providers.get(name).is_some_and(|live| live.config.value.provider_type == ProviderType::Saml)
    };
    let names = pool.client(client_id).into_iter().flat_map(|client| &client.supported_identity_providers);
    names.map(String::as_str).find(|name| !is_saml(name))
}

/// Completes a sign-in that the provider started. There is no attempt to take: that the assertion is new, young
/// and names no request is all that bounds it.
///
/// `old_session` is the browser's session cookie, if it came along: it ends, whoever it belonged to.
///
/// # Errors
/// [`Failed`], to be told to the app or on a page.
pub async fn complete(
    context: &Context,
    pool: &LivePool,
    started: &Started,
    inbound: Inbound,
    old_session: Option<&str>,
) -> Result<Completed, Failed> {
    let arrived = complete::with_fresh_metadata(context, pool, &started.provider, async |pool| {
        arrive(context, pool, started, inbound.clone(), old_session).await
    });
    let (client_id, target) = (&started.request.client_id, started.request.target());
    complete::close(pool, client_id, &started.provider, &target, arrived.await)
}

async fn arrive(
    context: &Context,
    pool: &LivePool,
    started: &Started,
    inbound: Inbound,
    old_session: Option<&str>,
) -> Result<Completed, Cause> {
    let Started { request, provider } = started;
    let parties = Parties::find(pool, &request.client_id, provider)?;
    let callback = super::callback(context, pool, parties.provider)?;
    let facts = UnsolicitedFacts { callback, entity_id: pool.entity_id() };
    let began = Began::now(context);
    let coming = parties.adapter.finish_unsolicited(&context.around, &facts, inbound);
    let provider_type = parties.provider.config.value.provider_type;
    let identity = context.metrics.provider(provider_type, ProviderCall::FinishUnsolicited, coming).await?;
    let wanted = Wish {
        client_id: &request.client_id,
        target: &request.target(),
        challenge: None,
        scopes: &request.scopes,
        nonce: None,
        resource: request.resource.as_deref(),
    };
    complete::welcome(context, pool, &parties, identity, wanted, began, old_session).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_state_is_a_query_only_with_a_client_in_it_and_a_handle_never_is() {
        let pairs =
            query("?identity_provider=Acme&client_id=app&redirect_uri=https%3A%2F%2Fa.example").unwrap();
        assert_eq!(pairs[2], ("redirect_uri".to_owned(), "https://a.example".to_owned()));
        for other in
            ["", "client_id", "a=b", "0123456789abcdefghijklmnopqrstuvwxyz-_ABCDE", "https://a.example/?x=1"]
        {
            assert!(query(other).is_none(), "{other}");
        }
        assert!(query(&format!("client_id=app&x={}", "x".repeat(MAX_QUERY))).is_none());
    }
}
