//! The way to the provider's sign-out (OpenID Connect RP-Initiated Logout 1.0 section 2).

use url::Url;

use super::discovery::Endpoints;
use crate::{ProviderSession, SignOutFacts};

/// Longest ID token that is quoted, in bytes: with a longer one, servers and proxies refuse the address.
pub const LONGEST_HINT: usize = 4096;

/// Where the browser goes, if the provider says that it can sign people out. Without an ID token to quote, the
/// provider asks the person: `logout_hint` means something else at each provider, so none is sent.
pub(super) fn url(
    endpoints: &Endpoints,
    client_id: &str,
    session: &ProviderSession,
    facts: &SignOutFacts,
) -> Option<Url> {
    let mut url = endpoints.end_session.clone()?;
    let hint = session.id_token.as_deref().filter(|token| token.len() <= LONGEST_HINT);
    url.query_pairs_mut().extend_pairs(hint.map(|token| ("id_token_hint", token))).extend_pairs([
        ("client_id", client_id),
        ("post_logout_redirect_uri", facts.callback.as_str()),
        ("state", &facts.handle),
    ]);
    Some(url)
}
