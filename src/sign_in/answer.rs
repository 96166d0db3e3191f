//! The way back to the app: a code in the query, tokens in the fragment, or an error in either.

use poolgate_providers::ProviderError;

use super::failure::Cause;
use super::request::{ResponseType, ReturnTarget};
use crate::context::Context;
use crate::grants::{authorization_code, implicit};
use crate::observe::labels::Grant;
use crate::pool::User;
use crate::registry::LivePool;
use crate::sign_out::provenance::Provenance;
use crate::tokens::{Granted, Holder};

/// What the app is to be given, whichever way it signed in.
pub struct Request<'a> {
    /// The app client.
    pub client_id: &'a str,
    /// Where the answer goes.
    pub target: &'a ReturnTarget,
    /// PKCE challenge of the app.
    pub challenge: Option<&'a str>,
    /// Scopes that are granted.
    pub scopes: &'a [String],
    /// The app's nonce.
    pub nonce: Option<&'a str>,
    /// RFC 8707 resource.
    pub resource: Option<&'a str>,
    /// When the user signed in, seconds since 1970.
    pub auth_time: i64,
    /// The sign-in it comes from.
    pub provenance: Provenance,
}

/// The `Location` that takes the browser back with what was asked for.
///
/// # Errors
/// When a store is away, or the client is gone.
pub async fn success(
    context: &Context,
    pool: &LivePool,
    user: &User,
    request: Request<'_>,
) -> Result<String, Cause> {
    let client = pool
        .client(request.client_id)
        .ok_or_else(|| Cause::Gone("The app client no longer exists".into()))?;
    crate::audit::notes::user(&user.sub);
    let granted = Granted {
        scopes: request.scopes.to_vec(),
        auth_time: request.auth_time,
        // Every token of the sign-in tells by it when the sign-in began, whenever the token was made.
        origin_jti: context.uuid_of(request.provenance.began_at()),
        event_id: context.uuid(),
        nonce: request.nonce.map(str::to_owned),
        resource: request.resource.map(str::to_owned),
        provenance: Some(request.provenance),
    };
    let issuer = pool.issuer(&context.surface);
    let mut pairs: Vec<(&str, String)> = Vec::with_capacity(6);
    match request.target.response_type {
        ResponseType::Code => {
            let binding = authorization_code::Binding {
                redirect_uri: &request.target.redirect_uri,
                challenge: request.challenge,
            };
            let code = authorization_code::issue(context, pool, client, user, &granted, binding).await?;
            pairs.push(("code", code));
            pairs.push(("iss", issuer));
        }
        ResponseType::Token => {
            still_stands(context, pool, user, granted.provenance.as_ref()).await?;
            let pair = implicit::issue(context, Holder { pool, client, user }, &granted).await?;
            context.metrics.granted(Grant::Implicit, 200);
            pairs.extend(pair.id_token.map(|token| ("id_token", token)));
            pairs.push(("access_token", pair.access_token));
            pairs.push(("token_type", "bearer".to_owned()));
            pairs.push(("expires_in", pair.expires_in.to_string()));
        }
    }
    pairs.extend(request.target.state.clone().map(|state| ("state", state)));
    Ok(location(request.target, &pairs))
}

/// Refuses what a code's redemption would refuse: tokens in the fragment are looked at by nobody again, and those
/// made after an ending are younger than it.
async fn still_stands(
    context: &Context,
    pool: &LivePool,
    user: &User,
    provenance: Option<&Provenance>,
) -> Result<(), Cause> {
    let state = context.directory.token_state(pool.id(), &user.sub, "").await?;
    let welcome = state.user.is_some_and(|user| {
        let signed_out = |provenance: &Provenance| user.has_signed_out_since(provenance.began_at());
        user.enabled && !provenance.is_some_and(signed_out)
    });
    if welcome && !provenance.is_some_and(|provenance| provenance.tokens_have_ended(&state.endings)) {
        return Ok(());
    }
    Err(ProviderError::Denied("The sign-in has ended while it went on".to_owned()).into())
}

/// The `Location` that takes the browser back with an error.
pub fn error(target: &ReturnTarget, error: &str, description: &str, issuer: String) -> String {
    let mut pairs = vec![("error", error.to_owned())];
    if !description.is_empty() {
        pairs.push(("error_description", description.to_owned()));
    }
    if target.response_type == ResponseType::Code {
        pairs.push(("iss", issuer));
    }
    pairs.extend(target.state.clone().map(|state| ("state", state)));
    location(target, &pairs)
}

/// Adds the pairs to a registered callback URL without touching a character of it.
fn location(target: &ReturnTarget, pairs: &[(&str, String)]) -> String {
    let base = &target.redirect_uri;
    match target.response_type {
        ResponseType::Code => {
            let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            let joint = match base.split_once('?') {
                None => "?",
                Some((_, "")) => "",
                Some((_, query)) if query.ends_with('&') => "",
                Some(_) => "&",
            };
            format!("{base}{joint}{query}")
        }
        ResponseType::Token => {
            let parts: Vec<_> =
                pairs.iter().map(|(name, value)| format!("{name}={}", fragment_value(value))).collect();
            format!("{base}#{}", parts.join("&"))
        }
    }
}

/// Escapes only what RFC 3986 section 3.5 forbids in a fragment, and what would split the pairs: Amplify reads
/// the fragment without decoding it.
fn fragment_value(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for byte in value.bytes() {
        let allowed = byte.is_ascii_alphanumeric() || b"-._~!$'()*+,;=:@/?".contains(&byte);
        if allowed {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(redirect_uri: &str, response_type: ResponseType) -> ReturnTarget {
        ReturnTarget { redirect_uri: redirect_uri.into(), state: Some("a+b/c== d&e".into()), response_type }
    }

    #[test]
    fn the_state_comes_back_as_it_went() {
        let location = error(&target("https://app.example/cb?x=1", ResponseType::Code), "e", "", "i".into());
        let url = url::Url::parse(&location).unwrap();
        let state = url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        assert_eq!(state, "a+b/c== d&e");
        assert!(location.starts_with("https://app.example/cb?x=1&error=e&"), "{location}");
    }

    #[test]
    fn a_callback_with_a_custom_scheme_is_left_as_it_is() {
        let location = error(&target("myapp://CB", ResponseType::Code), "e", "", "i".into());
        assert!(location.starts_with("myapp://CB?error=e&"), "{location}");
    }

    #[test]
    fn in_a_fragment_only_what_the_grammar_forbids_is_escaped() {
        let location = error(&target("https://app.example/cb", ResponseType::Token), "e", "", "i".into());
        assert_eq!(location, "https://app.example/cb#error=e&state=a+b/c==%20d%26e");
    }
}
