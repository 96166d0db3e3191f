//! Lists in pages. A page token is opaque and sealed: it opens for the same list of the same operation only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::invalid;
use super::{ApiContext, ApiError};

/// Longest page, and the one given when none is asked for.
pub(super) const LONGEST: usize = 60;

/// The length asked for; 0 and absent mean [`LONGEST`].
pub(super) fn length(asked: Option<usize>) -> usize {
    asked.filter(|asked| *asked > 0).map_or(LONGEST, |asked| asked.min(LONGEST))
}

/// Where the list stands after `last`.
pub(super) fn token(context: &ApiContext, list: &str, last: &str) -> Result<String, ApiError> {
    let sealed = context.sealer.seal(&format!("page/{list}"), last.as_bytes());
    let sealed = sealed.map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

/// The last item that the holder of this token has seen.
pub(super) fn last_seen(
    context: &ApiContext,
    list: &str,
    token: Option<String>,
) -> Result<Option<String>, ApiError> {
    let Some(token) = token else { return Ok(None) };
    let refused = || invalid("The page token was not made for this list. Begin without one.");
    let sealed = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused())?;
    let last = context.sealer.open(&format!("page/{list}"), &sealed).map_err(|_| refused())?;
    String::from_utf8(last.to_vec()).map(Some).map_err(|_| refused())
}

/// One page of a list that is sorted by key.
pub(super) struct Page<T> {
    /// What is on it.
    pub(super) items: Vec<T>,
    /// The token of the next, when there is one.
    pub(super) next: Option<String>,
}

/// The page of at most `length` items that follows `after`.
pub(super) fn page<'a, T>(
    context: &ApiContext,
    list: &str,
    sorted: impl Iterator<Item = (&'a str, T)>,
    after: Option<&str>,
    length: usize,
) -> Result<Page<T>, ApiError> {
    let mut rest = sorted.skip_while(|(key, _)| after.is_some_and(|after| *key <= after));
    let mut items = Vec::with_capacity(length);
    let mut last = "";
    for (key, item) in rest.by_ref().take(length) {
        last = key;
        items.push(item);
    }
    let next = if rest.next().is_some() { Some(token(context, list, last)?) } else { None };
    Ok(Page { items, next })
}
