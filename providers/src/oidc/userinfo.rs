//! What the provider says of the person (OpenID Connect Core 5.3).

use http::{Request, header};
use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

use super::settings::AttributesMethod;
use crate::fetch::Http;
use crate::oauth::call;
use crate::{ProviderError, Upstream};

const AT: Upstream = Upstream::UserInfo;

/// Asks for the claims that belong to `access_token`; they must be of `subject`.
pub(super) async fn ask(
    http: &dyn Http,
    url: &Url,
    method: AttributesMethod,
    access_token: &SecretString,
    subject: &str,
) -> Result<Map<String, Value>, ProviderError> {
    let request = match method {
        AttributesMethod::Get => Request::get(url.as_str()),
        AttributesMethod::Post => {
            Request::post(url.as_str()).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        }
    };
    let request = request
        .header(header::ACCEPT, "application/json")
        .header(header::AUTHORIZATION, call::bearer(access_token)?)
        .body(Vec::new());
    let response = call::send(http, AT, request).await?;
    if response.status() == http::StatusCode::OK
        && call::media_type(&response).as_deref() == Some("application/jwt")
    {
        let reason = "signed or encrypted userinfo (application/jwt) is not supported";
        return Err(call::bad(AT, response.status(), reason));
    }
    let claims = call::object(AT, &response, &["application/json"])?;
    // Core 5.3.2: otherwise somebody else's claims could be put beside this person's ID token.
    match claims.get("sub").and_then(Value::as_str) {
        Some(sub) if sub == subject => Ok(claims),
        _ => Err(ProviderError::not_believed(
            "oidc_userinfo_subject",
            "the userinfo endpoint's sub is not the sub of the ID token",
        )),
    }
}
