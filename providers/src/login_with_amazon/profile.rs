//! Whose access token it is, for whom, and what Amazon says of the customer.

use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

use super::settings::AmazonSettings;
use crate::fetch::Http;
use crate::oauth::call;
use crate::oidc::claims;
use crate::{Attributes, ProviderError, Upstream, social};

/// "Login with Amazon only supports application/json" ("Obtain Customer Profile Information").
const MEDIA: [&str; 1] = ["application/json"];
/// What `iss` of a token of Amazon is.
const TOKEN_ISSUER: &str = "https://www.amazon.com";
/// Longest `user_id`, in bytes.
const LONGEST_ID: usize = 256;

/// The `user_id` that `access_token` is of, after what the token-info endpoint says of it was checked: an access
/// token is a bearer token, and one that was given to another app says nothing here ("Verify the access token").
pub(super) async fn token_of(
    http: &dyn Http,
    settings: &AmazonSettings,
    access_token: &SecretString,
) -> Result<String, ProviderError> {
    const AT: Upstream = Upstream::TokenInfo;
    let mut url = settings.token_info.clone();
    url.query_pairs_mut().append_pair("access_token", access_token.expose_secret());
    let info = call::object(AT, &call::ask(http, AT, || call::get(&url)).await?, &MEDIA)?;
    let text = |name: &str| info.get(name).and_then(Value::as_str);
    // Its own word for itself, over its own connection: it need not be there, but may not be another's.
    if info.contains_key("iss") && text("iss") != Some(TOKEN_ISSUER) {
        return Err(not_believed(
            "amazon_issuer",
            "the token-info endpoint says that the access token is not of https://www.amazon.com (iss)",
        ));
    }
    if text("aud") != Some(&settings.client_id) {
        return Err(not_believed(
            "amazon_audience",
            "the token-info endpoint does not say that the access token is for client_id (aud)",
        ));
    }
    // Seconds that are left, no moment.
    if info.get("exp").and_then(Value::as_i64).is_none_or(|left| left <= 0) {
        return Err(not_believed(
            "amazon_expired",
            "the token-info endpoint does not say that the access token has any time left (exp)",
        ));
    }
    user_id(&info, "token-info endpoint")
}

/// What Amazon says of the customer, who must be `user`.
pub(super) async fn profile(
    http: &dyn Http,
    settings: &AmazonSettings,
    access_token: &SecretString,
    user: &str,
) -> Result<Attributes, ProviderError> {
    const AT: Upstream = Upstream::UserInfo;
    let answer = social::ask(http, AT, &settings.profile, access_token).await?;
    let profile = call::object(AT, &answer, &MEDIA)?;
    if profile.contains_key("error") {
        return Err(call::bad(AT, StatusCode::OK, "it is an error with status 200"));
    }
    if user_id(&profile, "profile endpoint")? != user {
        return Err(not_believed(
            "amazon_user",
            "the profile endpoint's user_id is not the one that the access token is of",
        ));
    }
    let attributes = profile.iter().map(|(name, value)| (name.clone(), claims::values(value)));
    Ok(attributes.filter(|(_, values)| !values.is_empty()).collect())
}

fn user_id(of: &Map<String, Value>, said_by: &str) -> Result<String, ProviderError> {
    let id = of.get("user_id").and_then(Value::as_str).unwrap_or_default();
    if !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(id.to_owned());
    }
    Err(not_believed(
        "amazon_user_id",
        format!("the {said_by} gives no user_id that is a text of 1 to 256 printable characters"),
    ))
}

fn not_believed(check: &'static str, detail: impl Into<String>) -> ProviderError {
    ProviderError::not_believed(check, detail)
}
