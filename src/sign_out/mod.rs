//! The way out: what ends when somebody signs out.

use crate::context::Context;
use crate::sessions::SessionError;
use crate::sign_in::session;

/// Ends the hosted-UI session of this cookie. Tokens that were issued live on until they expire or are revoked.
///
/// # Errors
/// When the session store is away.
pub async fn end_session(context: &Context, cookie: &str) -> Result<(), SessionError> {
    session::close(context, cookie).await
}
