//! The Graph API: the two calls of a sign-in, and what its answers mean.

use aws_lc_rs::hmac;
use http::{Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::settings::FacebookSettings;
use crate::fetch::Http;
use crate::oauth::{self, call, json};
use crate::oidc::claims;
use crate::{AttemptFacts, Attributes, ProviderError, Upstream};

/// Media types of its answers: JSON since version 2.3 ("Graph API Changelog"). Servers of Graph have been seen to
/// call that JavaScript, as they also serve JSONP; it must parse as JSON all the same.
const MEDIA: [&str; 2] = ["application/json", "text/javascript"];
/// Longest access token, in bytes ("Access Tokens": "expect that the length of all access token types will change").
const LONGEST_TOKEN: usize = 8 * 1024;
/// Longest `id`, in bytes.
const LONGEST_ID: usize = 64;

/// Redeems `code` ("Manually Build a Login Flow", "Exchanging Code for an Access Token").
///
/// The app's secret travels in the URL, as Facebook has it: this URL may not get into any text.
pub(super) async fn redeem(
    http: &dyn Http,
    settings: &FacebookSettings,
    facts: &AttemptFacts,
    code: &SecretString,
) -> Result<(SecretString, Map<String, Value>), ProviderError> {
    const AT: Upstream = Upstream::Token;
    let mut url = settings.token.clone();
    {
        let mut query = url.query_pairs_mut();
        query
            .append_pair("client_id", &settings.client_id)
            .append_pair("client_secret", settings.client_secret.expose_secret())
            .append_pair("redirect_uri", facts.callback.as_str())
            .append_pair("code", code.expose_secret());
        if settings.pkce {
            query.append_pair("code_verifier", oauth::verifier(facts)?.secret());
        }
    }
    let answer = object(AT, &call::send(http, AT, call::get(&url)).await?)?;
    let bad = |reason: &str| call::bad(AT, StatusCode::OK, reason);
    match answer.get("token_type").and_then(Value::as_str) {
        Some(kind) if kind.eq_ignore_ascii_case("bearer") => {}
        _ => return Err(bad("its token_type is not bearer")),
    }
    match answer.get("access_token").and_then(Value::as_str) {
        Some(token)
            if (1..=LONGEST_TOKEN).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            Ok((token.into(), answer))
        }
        _ => Err(bad("it holds no access token of 1 to 8,192 printable characters")),
    }
}

/// The fields of the person that the token is of, `id` among them ("Graph API: User").
pub(super) async fn profile(
    http: &dyn Http,
    settings: &FacebookSettings,
    access_token: &SecretString,
) -> Result<(String, Attributes), ProviderError> {
    const AT: Upstream = Upstream::UserInfo;
    let url = profile_url(settings, access_token);
    let answer = object(AT, &call::ask(http, AT, || call::get(&url)).await?)?;
    let id = answer.get("id").and_then(Value::as_str).unwrap_or_default();
    if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(ProviderError::not_believed(
            "facebook_id",
            "the Graph API's answer has no id that is a text of 1 to 64 printable characters",
        ));
    }
    let attributes = settings
        .fields
        .iter()
        .filter_map(|field| Some((field.clone(), values(answer.get(field)?))))
        .filter(|(_, values)| !values.is_empty())
        .collect();
    Ok((id.to_owned(), attributes))
}

/// The token goes into the query, as all of Facebook's pages have it: this URL may not get into any text either.
fn profile_url(settings: &FacebookSettings, access_token: &SecretString) -> Url {
    let mut url = settings.profile.clone();
    // `attributes_url` ends with an empty field list.
    let kept = settings.profile.query_pairs().filter(|(name, _)| name != "fields");
    url.query_pairs_mut()
        .clear()
        .extend_pairs(kept)
        .append_pair("fields", &settings.fields.join(","))
        .append_pair("access_token", access_token.expose_secret())
        .append_pair("appsecret_proof", &proof(&settings.client_secret, access_token));
    url
}

/// `appsecret_proof`: the token is used by who knows the app's secret ("Secure Graph API Calls").
fn proof(client_secret: &SecretString, access_token: &SecretString) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, client_secret.expose_secret().as_bytes());
    let tag = hmac::sign(&key, access_token.expose_secret().as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The JSON object of a successful answer.
fn object(at: Upstream, response: &Response<Vec<u8>>) -> Result<Map<String, Value>, ProviderError> {
    if let Some(reason) = error(response) {
        return Err(call::bad(at, response.status(), reason));
    }
    call::object(at, response, &MEDIA)
}

/// Type and code of the error that an answer holds ("Handle Errors"), such as `OAuthException 190`. Its message is
/// not passed on: it can quote what was sent.
fn error(response: &Response<Vec<u8>>) -> Option<String> {
    if response.status().is_redirection() {
        return None;
    }
    let answer = json::object(response.body()).ok()?;
    let error = answer.get("error")?.as_object()?;
    let kind = error.get("type").and_then(Value::as_str).and_then(call::error_code);
    let kind = kind.unwrap_or_else(|| "an error without a type".to_owned());
    let number = |name: &str| error.get(name).and_then(Value::as_i64);
    Some(match (number("code"), number("error_subcode")) {
        (Some(code), Some(subcode)) => format!("{kind} {code}/{subcode}"),
        (Some(code), None) => format!("{kind} {code}"),
        (None, _) => kind,
    })
}

/// The values of a field. Facebook wraps some: a picture is `{"data": {"url": …}}`, a list `{"data": […]}`, a place
/// `{"id": …, "name": …}`.
fn values(field: &Value) -> Vec<String> {
    match field {
        Value::Array(several) => several.iter().flat_map(values).collect(),
        Value::Object(members) => match (members.get("data"), members.get("name")) {
            (Some(Value::Array(several)), _) => several.iter().flat_map(values).collect(),
            (Some(Value::Object(data)), _) if data.get("url").is_some_and(Value::is_string) => {
                data.get("url").map(claims::values).unwrap_or_default()
            }
            (None, Some(Value::String(name))) => vec![name.clone()],
            _ => claims::values(field),
        },
        one => claims::values(one),
    }
}
