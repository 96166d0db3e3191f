//! A simulated Google: authorization, tokens and keys as in Google's "OpenID Connect" guide and reference
//! (developers.google.com/identity/openid-connect) and "Using OAuth 2.0 for Web Server Applications"
//! (developers.google.com/identity/protocols/oauth2/web-server), the People API in [`people_api`]. What these pages
//! leave out is worded as Google answers. Anybody may sign in as anybody: it is for demonstrations and tests.

mod people_api;
mod scopes;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use poolgate_providers::ambient::random_token;
use serde_json::{Value, json};

use super::grants::{Challenge, Client, Grant, Grants, Worthless, credentials, repeated, with_query};
use super::key_ring::KeyRing;
use super::pages::{Brand, DemoPages, value};
use super::people::{self, PEOPLE, Person};
use super::{DemoError, Own};
use crate::keys::KeyError;
use crate::tokens::claims::at_hash;

/// The client that is registered.
pub const CLIENT_ID: &str = "407408718192-demo.apps.googleusercontent.com";
/// Seconds a token lives.
pub const TOKEN_LIFETIME: i64 = 3_599;
const BRAND: Brand = Brand { name: "Google", style: "google" };

/// The provider.
pub struct GoogleIdp {
    base: String,
    pages: DemoPages,
    own: Own,
    client: Client,
    keys: KeyRing,
    grants: Grants,
}

/// What the browser brings.
struct Asked {
    grant: Grant,
    state: Option<String>,
    silent: bool,
    hosted_domain: Option<String>,
}

/// A page of Google's: the browser stays there.
struct Refusal(StatusCode, &'static str, String);

fn bad(code: &'static str, what: impl Into<String>) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, code, what.into())
}

/// Status, `error`, `error_description`.
type TokenFault = (StatusCode, &'static str, String);

impl GoogleIdp {
    /// A provider that answers below `base`, with new keys and a new client secret.
    ///
    /// # Errors
    /// When keys or templates cannot be made.
    pub fn new(base: &str, own: Own) -> Result<Self, DemoError> {
        let keys = KeyRing::new(Arc::clone(&own.random), 20)?;
        let (client, grants) = (Client::gateway(CLIENT_ID, &own), Grants::new(own.clone()));
        Ok(Self { base: base.to_owned(), pages: DemoPages::new()?, own, client, keys, grants })
    }

    /// The secret of the registered client.
    pub fn client_secret(&self) -> &str {
        &self.client.secret
    }

    /// Signs with a new key from now on; two stay published.
    ///
    /// # Errors
    /// When the key cannot be made.
    pub fn rotate_keys(&self) -> Result<(), KeyError> {
        self.keys.rotate()
    }

    /// Checks an authorization request made for `person`.
    fn asked(&self, encoded: &[u8], person: &'static Person) -> Result<Asked, Refusal> {
        let of = |name: &str| value(encoded, name);
        if let Some(name) = repeated(encoded) {
            return Err(bad(
                "invalid_request",
                format!("OAuth 2 parameters can only have a single value: {name}"),
            ));
        }
        let missing = |name: &str| bad("invalid_request", format!("Missing required parameter: {name}"));
        if of("client_id").ok_or_else(|| missing("client_id"))? != self.client.id {
            let what = "The OAuth client was not found.".to_owned();
            return Err(Refusal(StatusCode::UNAUTHORIZED, "invalid_client", what));
        }
        let redirect_uri = of("redirect_uri").ok_or_else(|| missing("redirect_uri"))?;
        if redirect_uri != self.client.redirect_uri {
            let what = "The redirect URI in the request does not match one authorized for the OAuth client.";
            return Err(bad("redirect_uri_mismatch", what));
        }
        match of("response_type").ok_or_else(|| missing("response_type"))?.as_str() {
            "code" => {}
            other => return Err(bad("invalid_request", format!("Invalid response_type: {other}"))),
        }
        let scopes = scopes::read(&of("scope").ok_or_else(|| missing("scope"))?);
        let scopes = scopes.map_err(|what| bad("invalid_scope", what))?;
        let prompt = of("prompt").unwrap_or_default();
        let prompts: Vec<_> = prompt.split(' ').filter(|prompt| !prompt.is_empty()).collect();
        // "OpenID Connect API reference": none, consent and select_account; no login.
        if let Some(other) = prompts.iter().find(|one| !["none", "consent", "select_account"].contains(one)) {
            let what = format!("Invalid parameter value for prompt: Invalid prompt: {other}");
            return Err(bad("invalid_request", what));
        }
        let silent = prompts.contains(&"none");
        if silent && prompts.len() > 1 {
            let what = "Invalid parameter value for prompt: none stands alone";
            return Err(bad("invalid_request", what));
        }
        let challenge = Challenge::asked(encoded)
            .map_err(|_| bad("invalid_request", "Invalid parameter value for code_challenge_method"))?;
        let grant = Grant { person, redirect_uri, challenge, nonce: of("nonce"), scopes };
        Ok(Asked { grant, state: of("state"), silent, hosted_domain: of("hd") })
    }

    /// "Refresh tokens" and "hd" of the reference: what the browser carries back.
    fn back(&self, asked: &Asked, more: &[(&str, &str)]) -> HttpResponse {
        let mut pairs: Vec<_> = asked.state.iter().map(|state| ("state", state.as_str())).collect();
        pairs.push(("iss", &self.base));
        pairs.extend_from_slice(more);
        let location = with_query(&asked.grant.redirect_uri, &pairs);
        HttpResponse::SeeOther().insert_header(("location", location)).finish()
    }

    fn grant(&self, asked: &Asked) -> HttpResponse {
        let code = format!("4/0A{}", random_token(&self.own.random, 40));
        self.grants.keep_code(&code, asked.grant.clone());
        let scope = scopes::long(&asked.grant.scopes);
        let mut pairs = vec![("code", code.as_str()), ("scope", scope.as_str()), ("authuser", "0")];
        if let Some(domain) = asked.grant.person.hosted_domain {
            pairs.push(("hd", domain));
        }
        pairs.push(("prompt", "consent"));
        self.back(asked, &pairs)
    }

    fn exchange(&self, request: &HttpRequest, form: &[u8]) -> Result<Value, TokenFault> {
        let refused = |error, what: &str| (StatusCode::BAD_REQUEST, error, what.to_owned());
        let missing = |name: &str| refused("invalid_request", &format!("Missing required parameter: {name}"));
        let (id, secret) = credentials(request, form);
        if id.as_deref() != Some(self.client.id.as_str()) {
            let what = "The OAuth client was not found.".to_owned();
            return Err((StatusCode::UNAUTHORIZED, "invalid_client", what));
        }
        if !self.client.has_secret(secret.as_deref()) {
            return Err((StatusCode::UNAUTHORIZED, "invalid_client", "Unauthorized".to_owned()));
        }
        match value(form, "grant_type").ok_or_else(|| missing("grant_type"))?.as_str() {
            "authorization_code" => {}
            other => {
                return Err(refused("unsupported_grant_type", &format!("Invalid grant_type: {other}")));
            }
        }
        let code = value(form, "code").ok_or_else(|| missing("code"))?;
        let (redirect_uri, verifier) = (value(form, "redirect_uri"), value(form, "code_verifier"));
        let grant = self.grants.redeem(&code, redirect_uri.as_deref(), verifier.as_deref());
        let grant = grant.map_err(|why| match why {
            Worthless::Unknown if !code.starts_with("4/") => refused("invalid_grant", "Malformed auth code."),
            Worthless::Unknown | Worthless::Used | Worthless::Expired => {
                refused("invalid_grant", "Bad Request")
            }
            Worthless::RedirectUri => refused("redirect_uri_mismatch", "Bad Request"),
            Worthless::VerifierMissing => refused("invalid_grant", "Missing code verifier."),
            Worthless::Verifier => refused("invalid_grant", "Invalid code verifier."),
        })?;
        self.tokens(&grant).map_err(|error| {
            (StatusCode::INTERNAL_SERVER_ERROR, "internal_failure", format!("cannot sign: {error}"))
        })
    }

    fn tokens(&self, grant: &Grant) -> Result<Value, KeyError> {
        let access_token = format!("ya29.a0{}", random_token(&self.own.random, 60));
        self.grants.keep_token(&access_token, grant, TOKEN_LIFETIME);
        let mut answer = json!({
            "access_token": access_token, "expires_in": TOKEN_LIFETIME, "token_type": "Bearer",
            "scope": scopes::long(&grant.scopes),
        });
        if grant.scopes.contains(scopes::OPENID) {
            answer["id_token"] = self.keys.sign(&self.claims(grant, &access_token))?.into();
        }
        Ok(answer)
    }

    /// "An ID token's payload".
    fn claims(&self, grant: &Grant, access_token: &str) -> Value {
        let (person, now) = (grant.person, self.grants.now());
        let mut claims = json!({
            "iss": self.base, "azp": self.client.id, "aud": self.client.id, "sub": subject(person),
            "at_hash": at_hash(access_token), "iat": now, "exp": now + 3_600,
        });
        if let Some(domain) = person.hosted_domain {
            claims["hd"] = domain.into();
        }
        if grant.scopes.contains(scopes::EMAIL) {
            claims["email"] = person.email.into();
            claims["email_verified"] = true.into();
        }
        if grant.scopes.contains(scopes::PROFILE) {
            claims["name"] = person.name().into();
            claims["given_name"] = person.given_name.into();
            claims["family_name"] = person.family_name.into();
            claims["picture"] = self.portrait(person).into();
        }
        if let Some(nonce) = &grant.nonce {
            claims["nonce"] = nonce.as_str().into();
        }
        claims
    }

    fn portrait(&self, person: &Person) -> String {
        format!("{}/portrait/{}", self.base, person.id)
    }
}

/// Google's id of somebody: 21 digits.
pub fn subject(person: &Person) -> String {
    format!("1{:020}", person.number("google"))
}

/// Whether an account is of the domain that `hd` asks for: `*` is any Google Workspace or Cloud organization.
fn belongs(person: &Person, hosted_domain: Option<&str>) -> bool {
    match hosted_domain {
        None => true,
        Some("*") => person.hosted_domain.is_some(),
        Some(domain) => person.hosted_domain == Some(domain),
    }
}

/// Its routes: in life they answer at accounts.google.com, www.googleapis.com and people.googleapis.com.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/.well-known/openid-configuration", web::get().to(discovery))
        .route("/o/oauth2/v2/auth", web::get().to(authorize))
        .route("/sign-in", web::post().to(sign_in))
        .route("/oauth2/v4/token", web::post().to(token))
        .route("/oauth2/v3/certs", web::get().to(certs))
        .route("/v1/people/me", web::get().to(people_api::me))
        .route("/portrait/{person}", web::get().to(super::pages::portrait))
        .configure(super::pages::assets);
}

async fn discovery(idp: web::Data<Arc<GoogleIdp>>) -> HttpResponse {
    let at = |path: &str| format!("{}/{path}", idp.base);
    HttpResponse::Ok().json(json!({
        "issuer": idp.base, "authorization_endpoint": at("o/oauth2/v2/auth"),
        "token_endpoint": at("oauth2/v4/token"), "jwks_uri": at("oauth2/v3/certs"),
        "response_types_supported": ["code"], "response_modes_supported": ["query"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile"], "grant_types_supported": ["authorization_code"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn certs(idp: web::Data<Arc<GoogleIdp>>) -> HttpResponse {
    HttpResponse::Ok().json(idp.keys.jwks())
}

async fn authorize(http: HttpRequest, idp: web::Data<Arc<GoogleIdp>>) -> HttpResponse {
    let encoded = http.query_string().as_bytes();
    match idp.asked(encoded, &PEOPLE[0]) {
        Err(Refusal(status, code, what)) => idp.pages.refusal(&BRAND, status, code, &what),
        // Nobody is ever signed in here.
        Ok(asked) if asked.silent => idp.back(&asked, &[("error", "login_required")]),
        Ok(asked) => {
            let people: Vec<_> =
                PEOPLE.iter().filter(|person| belongs(person, asked.hosted_domain.as_deref())).collect();
            idp.pages.chooser(&BRAND, &people, &scopes::words(&asked.grant.scopes), encoded)
        }
    }
}

async fn sign_in(idp: web::Data<Arc<GoogleIdp>>, body: web::Bytes) -> HttpResponse {
    // What the page's own buttons add to the request.
    let person = value(&body, "person").and_then(|id| people::find(&id));
    match idp.asked(&body, person.unwrap_or(&PEOPLE[0])) {
        Err(Refusal(status, code, what)) => idp.pages.refusal(&BRAND, status, code, &what),
        Ok(asked) if value(&body, "cancel").is_some() => idp.back(&asked, &[("error", "access_denied")]),
        Ok(asked) if person.is_some_and(|person| belongs(person, asked.hosted_domain.as_deref())) => {
            idp.grant(&asked)
        }
        Ok(_) => idp.pages.trouble(BRAND.name, "Choose one of the accounts."),
    }
}

async fn token(http: HttpRequest, idp: web::Data<Arc<GoogleIdp>>, body: web::Bytes) -> HttpResponse {
    match idp.exchange(&http, &body) {
        Ok(answer) => HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(answer),
        Err((status, error, description)) => {
            HttpResponse::build(status).json(json!({"error": error, "error_description": description}))
        }
    }
}
