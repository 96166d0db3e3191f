//! The authorization code becomes tokens (RFC 6749 section 4.1.3).

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use http::StatusCode;
use jsonwebtoken::{Algorithm, Header};
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet, EndpointSet,
    ExtraTokenFields, HttpRequest, HttpResponse, RedirectUrl, RequestTokenError, StandardRevocableToken,
    StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use url::Url;

use super::{ClientAuth, call, verifier};
use crate::ambient::random_token;
use crate::fetch::{FetchError, Http};
use crate::{AttemptFacts, ProviderError, Random, Surroundings, Upstream};

/// How long a client assertion is good for, in seconds.
const ASSERTION_LIFETIME: i64 = 60;
/// How long a signed secret is good for, in seconds: it is made for one exchange, and clocks differ.
const SECRET_LIFETIME: i64 = 300;

/// What OpenID Connect adds to a token response.
#[derive(Serialize, Deserialize)]
struct WithIdToken {
    id_token: Option<String>,
}

impl fmt::Debug for WithIdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WithIdToken")
    }
}

impl ExtraTokenFields for WithIdToken {}

type Client = oauth2::Client<
    BasicErrorResponse,
    StandardTokenResponse<WithIdToken, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The tokens of a successful exchange, not yet verified.
pub(crate) struct Tokens {
    pub(crate) access_token: SecretString,
    /// OpenID Connect only.
    pub(crate) id_token: Option<SecretString>,
    /// The whole answer.
    pub(crate) response: Map<String, Value>,
}

/// Who redeems, and where.
pub(crate) struct Redeemer<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) auth: &'a ClientAuth,
    /// Token endpoint.
    pub(crate) token: &'a Url,
    /// Whether the request carried a PKCE challenge.
    pub(crate) pkce: bool,
}

/// Redeems `code`.
pub(crate) async fn redeem(
    around: &Surroundings,
    redeemer: &Redeemer<'_>,
    facts: &AttemptFacts,
    code: &SecretString,
) -> Result<Tokens, ProviderError> {
    let client = client(redeemer, around.clock.now())?;
    let mut request = client
        .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
        .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(facts.callback.clone())));
    if redeemer.pkce {
        request = request.set_pkce_verifier(verifier(facts)?);
    }
    if let ClientAuth::PrivateKeyJwt { .. } = redeemer.auth {
        let assertion = assertion(around.random.as_ref(), around.clock.now(), redeemer)?;
        request = request
            .add_extra_param(
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            )
            .add_extra_param("client_assertion", assertion);
    }
    let outgoing = Outgoing { http: around.http.as_ref(), refused: Mutex::new(None) };
    let answered = request.request_async(&outgoing).await;
    // The library reads some answers that are refused here: without a content type, with a member twice.
    if let Some(refused) = outgoing.refused() {
        return Err(refused);
    }
    let response = answered.map_err(|error| match error {
        RequestTokenError::Request(error) => call::failed(Upstream::Token, error),
        // The library's own text may quote the answer, which may hold tokens.
        _ => call::bad(Upstream::Token, StatusCode::OK, "it is not a JSON token response"),
    })?;
    if *response.token_type() != BasicTokenType::Bearer {
        return Err(call::bad(Upstream::Token, StatusCode::OK, "its token_type is not Bearer"));
    }
    let id_token = response.extra_fields().id_token.clone().map(SecretString::from);
    let whole = match serde_json::to_value(&response) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let access_token = response.access_token().secret().clone().into();
    Ok(Tokens { access_token, id_token, response: whole })
}

fn client(redeemer: &Redeemer<'_>, now: OffsetDateTime) -> Result<Client, ProviderError> {
    let client: Client = oauth2::Client::new(ClientId::new(redeemer.client_id.to_owned()))
        .set_token_uri(TokenUrl::from_url(redeemer.token.clone()));
    Ok(match redeemer.auth {
        ClientAuth::SecretPost(secret) => {
            client.set_auth_type(AuthType::RequestBody).set_client_secret(secret_of(secret))
        }
        ClientAuth::SecretBasic(secret) => {
            client.set_auth_type(AuthType::BasicAuth).set_client_secret(secret_of(secret))
        }
        ClientAuth::PrivateKeyJwt { .. } => client.set_auth_type(AuthType::RequestBody),
        ClientAuth::SignedSecret { key, key_id, team_id, audience } => {
            let now = now.unix_timestamp();
            let claims = SignedSecret {
                iss: team_id,
                sub: redeemer.client_id,
                aud: audience,
                iat: now,
                exp: now + SECRET_LIFETIME,
            };
            let header = Header { kid: Some(key_id.clone()), ..Header::new(Algorithm::ES256) };
            let secret = jsonwebtoken::encode(&header, &claims, key)
                .map_err(|_| ProviderError::Settings("private_key cannot sign".to_owned()))?;
            client.set_auth_type(AuthType::RequestBody).set_client_secret(ClientSecret::new(secret))
        }
    })
}

/// The claims of Apple's client secret ("Creating a client secret").
#[derive(Serialize)]
struct SignedSecret<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

fn secret_of(secret: &SecretString) -> ClientSecret {
    ClientSecret::new(secret.expose_secret().to_owned())
}

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: i64,
    exp: i64,
}

/// A client assertion for this one exchange (RFC 7523 section 3, Core section 9).
fn assertion(
    random: &dyn Random,
    now: OffsetDateTime,
    redeemer: &Redeemer<'_>,
) -> Result<String, ProviderError> {
    let failed = || ProviderError::Settings("private_key cannot sign".to_owned());
    let ClientAuth::PrivateKeyJwt { key, algorithm, key_id } = redeemer.auth else {
        return Err(failed());
    };
    let mut header = Header::new(*algorithm);
    header.kid.clone_from(key_id);
    let now = now.unix_timestamp();
    let claims = Assertion {
        iss: redeemer.client_id,
        sub: redeemer.client_id,
        aud: redeemer.token.as_str(),
        jti: random_token(random, 20),
        iat: now,
        exp: now + ASSERTION_LIFETIME,
    };
    jsonwebtoken::encode(&header, &claims, key).map_err(|_| failed())
}

/// Our [`Http`] as the OAuth library wants it; remembers how an answer of no use failed.
struct Outgoing<'h> {
    http: &'h dyn Http,
    refused: Mutex<Option<ProviderError>>,
}

impl Outgoing<'_> {
    fn refused(&self) -> Option<ProviderError> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<'c> AsyncHttpClient<'c> for Outgoing<'_> {
    type Error = FetchError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let response = self.http.send(request).await?;
            // One place decides what a failed answer means: the status and the OAuth error code.
            if let Err(error) = call::object(Upstream::Token, &response, &["application/json"]) {
                *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
            Ok(response)
        })
    }
}
