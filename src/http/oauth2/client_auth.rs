//! Which app client is calling, and whether it is (RFC 6749 section 2.3).

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::http::body::{Pairs, once};
use crate::http::reply::OAuthError;
use crate::pool::AppClient;
use crate::registry::LivePool;

/// Longest `Authorization` header that is read, in bytes.
const MAX_HEADER: usize = 4_096;

/// Why the client was not recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientError {
    /// Malformed: a parameter twice, two methods at once.
    Malformed(String),
    /// Unknown client, wrong secret, or a secret where none belongs.
    Unknown(&'static str),
}

impl ClientError {
    /// What the caller is told; `unknown` is the endpoint's status for a client that did not prove itself.
    pub fn told(self, unknown: StatusCode) -> OAuthError {
        match self {
            Self::Malformed(why) => OAuthError::bad_request("invalid_request", &why),
            Self::Unknown(why) => OAuthError::new(unknown, "invalid_client", why),
        }
    }
}

/// The calling client: by `client_secret_basic`, `client_secret_post`, or as a public client by `client_id`.
///
/// # Errors
/// See [`ClientError`].
pub fn authenticate<'p>(
    pool: &'p LivePool,
    request: &HttpRequest,
    form: &Pairs,
) -> Result<&'p AppClient, ClientError> {
    let posted_id = once(form, "client_id").map_err(ClientError::Malformed)?;
    let posted_secret = once(form, "client_secret").map_err(ClientError::Malformed)?;
    let basic = basic_credentials(request)?;
    let (id, secret) = match (&basic, posted_secret) {
        (Some(_), Some(_)) => {
            return Err(ClientError::Malformed("the client authenticates in two ways at once".into()));
        }
        (Some((id, secret)), None) => {
            if posted_id.is_some_and(|posted| posted != id) {
                return Err(ClientError::Malformed("client_id differs from the Authorization header".into()));
            }
            (id.as_str(), Some(secret.as_str()))
        }
        (None, secret) => {
            let missing = || ClientError::Malformed("client_id is missing".into());
            (posted_id.ok_or_else(missing)?, secret)
        }
    };
    let client =
        pool.client(id).ok_or(ClientError::Unknown("no app client of this pool has this client_id"))?;
    match (client.is_confidential(), secret) {
        (false, None) => Ok(client),
        (false, Some(_)) => Err(ClientError::Unknown("the client has no secret, but one was sent")),
        (true, None) => Err(ClientError::Unknown("the client has a secret, but none was sent")),
        (true, Some(sent)) if client.has_secret(sent) => Ok(client),
        (true, Some(_)) => Err(ClientError::Unknown("the client secret is wrong")),
    }
}

/// The client that the caller says it is, unproved.
pub fn claimed(request: &HttpRequest, form: &Pairs) -> Option<String> {
    match basic_credentials(request) {
        Ok(Some((id, _))) => Some(id),
        Ok(None) => once(form, "client_id").ok().flatten().map(str::to_owned),
        Err(_) => None,
    }
}

fn basic_credentials(request: &HttpRequest) -> Result<Option<(String, String)>, ClientError> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let Some(header) = headers.next() else { return Ok(None) };
    if headers.next().is_some() {
        return Err(ClientError::Malformed("the Authorization header was given more than once".into()));
    }
    let malformed = || ClientError::Malformed("the Authorization header is not HTTP Basic".into());
    let header = header.to_str().map_err(|_| malformed())?;
    if header.len() > MAX_HEADER {
        return Err(malformed());
    }
    let (scheme, encoded) = header.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(malformed());
    }
    let decoded = STANDARD.decode(encoded.trim()).map_err(|_| malformed())?;
    let decoded = String::from_utf8(decoded).map_err(|_| malformed())?;
    let (id, secret) = decoded.split_once(':').ok_or_else(malformed)?;
    Ok(Some((form_decode(id), form_decode(secret))))
}

/// Id and secret are form-encoded inside the header (RFC 6749 section 2.3.1). Ours hold no character that
/// encoding would change, so clients that leave it out work too.
fn form_decode(text: &str) -> String {
    let pair = format!("v={}", text.replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
