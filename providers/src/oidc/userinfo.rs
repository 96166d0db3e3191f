//! What the provider says of the person (OpenID Connect Core 5.3).

use http::{Request, header};
use secrecy::SecretString;
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};
use url::Url;

use super::id_token::{IdToken, audiences, moment};
use super::jws::{Document, Jws};
use super::keys::{Alg, KeySet};
use super::settings::AttributesMethod;
use crate::fetch::Http;
use crate::oauth::{call, json};
use crate::{ProviderError, Upstream};

const AT: Upstream = Upstream::UserInfo;
/// Claims that only tokens for other purposes have: an ID token is made for one sign-in (`nonce`) or names what
/// it came with, a logout token names an event. Signed with the same key and about the same person, neither is
/// an answer to our question. (An access token is for another audience.)
const OF_OTHER_TOKENS: [&str; 5] = ["nonce", "at_hash", "c_hash", "s_hash", "events"];

/// An answer, not yet believed.
pub(super) enum Reply {
    /// Plain JSON: believed for the connection it came over.
    Plain(Map<String, Value>),
    /// A signed token.
    Signed(String),
}

/// Asks for the claims that belong to `access_token`.
pub(super) async fn ask(
    http: &dyn Http,
    url: &Url,
    method: AttributesMethod,
    access_token: &SecretString,
) -> Result<Reply, ProviderError> {
    let bearer = call::bearer(access_token)?;
    let request = || {
        let request = match method {
            AttributesMethod::Get => Request::get(url.as_str()),
            AttributesMethod::Post => {
                Request::post(url.as_str()).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            }
        };
        request
            .header(header::ACCEPT, "application/json, application/jwt")
            .header(header::AUTHORIZATION, bearer.clone())
            .body(Vec::new())
    };
    // Asking for claims changes nothing, by whichever method.
    let response = call::ask(http, AT, request).await?;
    if response.status() == http::StatusCode::OK
        && call::media_type(&response).as_deref() == Some("application/jwt")
    {
        let status = response.status();
        return String::from_utf8(response.into_body())
            .map(Reply::Signed)
            .map_err(|_| call::bad(AT, status, "it is no token"));
    }
    call::object(AT, &response, &["application/json", "application/jwt"]).map(Reply::Plain)
}

/// What a signed answer must say.
pub(super) struct Expected<'a> {
    /// The ID token that it goes with.
    pub(super) id_token: &'a IdToken,
    /// Our client id there.
    pub(super) client_id: &'a str,
    /// Algorithms the provider may sign with.
    pub(super) algs: &'a [Alg],
    /// Clock difference that is forgiven.
    pub(super) skew: Duration,
    /// Now.
    pub(super) now: OffsetDateTime,
}

/// The claims of a signed answer. Its issuer and audience need not be there (Core 5.3.2: SHOULD), but may not
/// be others.
pub(super) fn verify(
    jws: &Jws<'_>,
    keys: &KeySet,
    expected: &Expected<'_>,
) -> Result<Map<String, Value>, ProviderError> {
    const IT: Document = Document::UserInfo;
    jws.check_header(expected.algs)?;
    let claims = jws.claims(keys)?;
    if let Some(name) = OF_OTHER_TOKENS.into_iter().find(|name| claims.contains_key(*name)) {
        return Err(
            IT.fault("oidc_typ", format!(" has the claim {name}: it is a token made for something else"))
        );
    }
    if let Some(issuer) =
        claims.get("iss").filter(|issuer| Some(*issuer) != expected.id_token.claims.get("iss"))
    {
        let came = json::shown(issuer.as_str().unwrap_or_default(), 300);
        let text = format!(" is from issuer \"{came}\", expected that of the ID token");
        return Err(IT.fault("oidc_issuer", text));
    }
    if claims.contains_key("aud") && !audiences(&claims).contains(&expected.client_id) {
        let came = json::shown(&audiences(&claims).join(", "), 300);
        let text = format!(" is for \"{came}\", expected the client id \"{}\"", expected.client_id);
        return Err(IT.fault("oidc_audience", text));
    }
    if moment(&claims, "exp", "oidc_expired")?.is_some_and(|until| expected.now >= until + expected.skew) {
        return Err(IT.fault("oidc_expired", " expired by our clock (clock_skew_seconds forgives up to 300)"));
    }
    if moment(&claims, "nbf", "oidc_not_before")?.is_some_and(|from| from > expected.now + expected.skew) {
        return Err(IT.fault("oidc_not_before", " is not valid yet by our clock"));
    }
    Ok(claims)
}

/// The claims, if they are of `subject` (Core 5.3.2: otherwise somebody else's could be put beside this
/// person's ID token).
pub(super) fn of_subject(
    claims: Map<String, Value>,
    subject: &str,
) -> Result<Map<String, Value>, ProviderError> {
    match claims.get("sub").and_then(Value::as_str) {
        Some(sub) if sub == subject => Ok(claims),
        None => Err(ProviderError::not_believed(
            "oidc_userinfo_subject",
            "the userinfo endpoint's answer does not say whom it is about (sub, a text)",
        )),
        Some(_) => Err(ProviderError::not_believed(
            "oidc_userinfo_subject",
            "the userinfo endpoint's sub is not the sub of the ID token",
        )),
    }
}
