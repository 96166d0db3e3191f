//! Tokens straight to the browser (RFC 6749 section 4.2), for apps that still ask for it.

use super::GrantError;
use crate::context::Context;
use crate::tokens::{self, Granted, Holder, Occasion, TokenPair};

/// ID and access token; never a refresh token.
///
/// # Errors
/// [`GrantError::Key`].
pub async fn issue(
    context: &Context,
    holder: Holder<'_>,
    granted: &Granted,
) -> Result<TokenPair, GrantError> {
    Ok(tokens::mint(context, holder, granted, Occasion::HostedAuth).await?)
}
