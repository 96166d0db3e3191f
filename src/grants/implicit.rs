//! Tokens straight to the browser (RFC 6749 section 4.2), for apps that still ask for it.

use super::GrantError;
use crate::context::Context;
use crate::tokens::{self, Granted, Holder, TokenPair};

/// ID and access token; never a refresh token.
///
/// # Errors
/// [`GrantError::Key`].
pub fn issue(context: &Context, holder: Holder<'_>, granted: &Granted) -> Result<TokenPair, GrantError> {
    Ok(tokens::mint(holder, granted, &context.surface, context.now(), || context.timed_uuid())?)
}
