//! Decoded parameters of a query or a form.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, web};

/// Names and values, in the order they came.
pub type Pairs = Vec<(String, String)>;

/// Largest form of the OAuth endpoints, in bytes.
pub const MAX_FORM: usize = 64 * 1024;
/// Largest form of `/saml2/idpresponse`: 256 KiB of XML in base64, percent-encoded.
pub const MAX_SAML_FORM: usize = 1_200 * 1024;

/// The decoded query.
pub fn query(request: &HttpRequest) -> Pairs {
    url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect()
}

/// The decoded form, when the body says that it is one.
pub fn form(request: &HttpRequest, body: &[u8]) -> Option<Pairs> {
    let content_type = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = content_type.split(';').next()?.trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return None;
    }
    Some(url::form_urlencoded::parse(body).into_owned().collect())
}

/// A body, or why it could not be read: too large even for the server, or broken off.
pub type Received = Result<web::Bytes, actix_web::Error>;

/// The decoded form of an OAuth endpoint, at most [`MAX_FORM`] bytes.
///
/// # Errors
/// What is wrong with the body, in words.
pub fn oauth_form(request: &HttpRequest, received: &Received) -> Result<Pairs, &'static str> {
    let bytes = received.as_ref().map_err(|_| "the body is too large or incomplete")?;
    if bytes.len() > MAX_FORM {
        return Err("the body is too large");
    }
    form(request, bytes).ok_or("the body must be application/x-www-form-urlencoded")
}

/// The value of a parameter that may come once only.
///
/// # Errors
/// The name, when it came twice.
pub fn once<'a>(pairs: &'a Pairs, name: &str) -> Result<Option<&'a str>, String> {
    let mut values = pairs.iter().filter(|(key, value)| key == name && !value.is_empty());
    let first = values.next().map(|(_, value)| value.as_str());
    if values.next().is_some() { Err(format!("{name} was given more than once")) } else { Ok(first) }
}
