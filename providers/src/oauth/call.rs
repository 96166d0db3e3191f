//! One call to the provider, and what its failures mean.

use http::{HeaderValue, Request, Response, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::json;
use crate::fetch::{FetchError, Http};
use crate::{ProviderError, Upstream};

/// A call that brought no answer.
pub(crate) fn failed(at: Upstream, error: FetchError) -> ProviderError {
    match error {
        FetchError::TimedOut => ProviderError::TimedOut(at),
        FetchError::BrokeOff => ProviderError::BrokeOff(at),
        FetchError::TooLarge => {
            ProviderError::BadReply { at, status: 200, reason: "the answer is larger than 1 MiB".to_owned() }
        }
        other => ProviderError::Unreachable { at, reason: json::shown(&other.to_string(), 300) },
    }
}

/// An answer that is of no use.
pub(crate) fn bad(at: Upstream, status: http::StatusCode, reason: impl Into<String>) -> ProviderError {
    ProviderError::BadReply { at, status: status.as_u16(), reason: reason.into() }
}

/// A GET of a JSON document.
pub(crate) fn get(url: &Url) -> Result<Request<Vec<u8>>, http::Error> {
    Request::get(url.as_str()).header(header::ACCEPT, "application/json").body(Vec::new())
}

/// The `Authorization` header of a call that `access_token` allows (RFC 6750 section 2.1).
pub(crate) fn bearer(access_token: &SecretString) -> Result<HeaderValue, ProviderError> {
    let text = format!("Bearer {}", access_token.expose_secret());
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| bad(Upstream::Token, http::StatusCode::OK, "its access token is not a Bearer token"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Sends `request` and returns the answer, whatever its status.
pub(crate) async fn send(
    http: &dyn Http,
    at: Upstream,
    request: Result<Request<Vec<u8>>, http::Error>,
) -> Result<Response<Vec<u8>>, ProviderError> {
    let request = request.map_err(|_| ProviderError::Unreachable {
        at,
        reason: "the request cannot be written as HTTP".to_owned(),
    })?;
    http.send(request).await.map_err(|error| failed(at, error))
}

/// Asks for something that asking changes nothing of, and once more where the connection broke off: a server
/// may close an idle one at the moment it is used again. What redeems or ends anything is never sent twice.
pub(crate) async fn ask(
    http: &dyn Http,
    at: Upstream,
    request: impl Fn() -> Result<Request<Vec<u8>>, http::Error>,
) -> Result<Response<Vec<u8>>, ProviderError> {
    match send(http, at, request()).await {
        Err(ProviderError::BrokeOff(_)) => send(http, at, request()).await,
        answered => answered,
    }
}

/// The media type of an answer, lower case, without parameters.
pub(crate) fn media_type(response: &Response<Vec<u8>>) -> Option<String> {
    let value = response.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next().unwrap_or(value);
    Some(essence.trim().to_ascii_lowercase())
}

/// The JSON object of a successful answer. `media` says which media types may hold it; none named
/// means any (key sets and discovery documents are served as all sorts of things).
pub(crate) fn object(
    at: Upstream,
    response: &Response<Vec<u8>>,
    media: &[&str],
) -> Result<Map<String, Value>, ProviderError> {
    let status = response.status();
    if status != http::StatusCode::OK {
        return Err(bad(at, status, refusal(at, response)));
    }
    match media_type(response) {
        _ if media.is_empty() => {}
        Some(kind) if media.contains(&kind.as_str()) => {}
        Some(kind) => {
            let kind = json::shown(&kind, 100);
            return Err(bad(at, status, format!("its content type is {kind}, not {}", media.join(" or "))));
        }
        None => return Err(bad(at, status, "it has no content type")),
    }
    json::object(response.body()).map_err(|reason| bad(at, status, reason))
}

/// What a failed answer says of itself: the OAuth `error` code and nothing more.
fn refusal(at: Upstream, response: &Response<Vec<u8>>) -> String {
    if response.status().is_redirection() {
        return "redirects are not followed".to_owned();
    }
    json::object(response.body())
        .ok()
        .and_then(|object| object.get("error").and_then(Value::as_str).and_then(error_code))
        .unwrap_or_else(|| match at {
            Upstream::Discovery | Upstream::Jwks => "there is no such document".to_owned(),
            _ => "no OAuth error code was given".to_owned(),
        })
}

/// An OAuth error code that may be shown (RFC 6749 section 5.2: printable ASCII without `"` and `\`).
pub(crate) fn error_code(code: &str) -> Option<String> {
    let allowed = |b: u8| (0x20..=0x7e).contains(&b) && b != b'"' && b != b'\\';
    (!code.is_empty() && code.len() <= 100 && code.bytes().all(allowed)).then(|| code.to_owned())
}
