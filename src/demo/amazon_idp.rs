//! A simulated Login with Amazon, as in its documentation: "Authorization Code Grant", "Verifying Access Tokens" and
//! "Obtain Customer Profile Information" (developer.amazon.com/docs/login-with-amazon). Anybody may sign in as
//! anybody: it is for demonstrations and tests.

use std::collections::BTreeSet;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use poolgate_providers::ambient::{random_hex, random_token};
use serde_json::{Value, json};

use super::grants::{
    Access, Challenge, Client, Grant, Grants, Worthless, bearer, credentials, repeated, with_query,
};
use super::pages::{Brand, DemoPages, query, value};
use super::people::{self, PEOPLE, Person};
use super::{DemoError, Own};

/// The client that is registered.
pub const CLIENT_ID: &str = "amzn1.application-oa2-client.demo";
/// The application that the client belongs to.
pub const APPLICATION: &str = "amzn1.application.demo";
/// Seconds a token lives.
pub const TOKEN_LIFETIME: i64 = 3_600;
const BRAND: Brand = Brand { name: "Amazon", style: "amazon" };

/// "Customer Profile": the scopes, and what the page says of them.
const SCOPES: [(&str, &str); 3] = [
    ("profile", "your name and e-mail address"),
    ("profile:user_id", "an id that is yours at this app"),
    ("postal_code", "your postal code"),
];

/// The provider.
pub struct AmazonIdp {
    pages: DemoPages,
    own: Own,
    client: Client,
    grants: Grants,
}

/// What the browser brings.
struct Asked {
    grant: Grant,
    state: Option<String>,
}

/// Why an authorization request is not answered.
enum Refusal {
    /// On a page: who asks is not known.
    Page(&'static str),
    /// At the client ("Authorization Errors").
    Back { state: Option<String>, error: &'static str, description: &'static str },
}

/// Status, `error`, `error_description`.
type Fault = (StatusCode, &'static str, String);

impl AmazonIdp {
    /// A provider with a new client secret.
    ///
    /// # Errors
    /// When templates cannot be made.
    pub fn new(own: Own) -> Result<Self, DemoError> {
        let (client, grants) = (Client::gateway(CLIENT_ID, &own), Grants::new(own.clone()));
        Ok(Self { pages: DemoPages::new()?, own, client, grants })
    }

    /// The secret of the registered client.
    pub fn client_secret(&self) -> &str {
        &self.client.secret
    }

    /// Checks an authorization request made for `person`.
    fn asked(&self, encoded: &[u8], person: &'static Person) -> Result<Asked, Refusal> {
        let of = |name: &str| value(encoded, name);
        if of("client_id").as_deref() != Some(self.client.id.as_str()) {
            return Err(Refusal::Page("Unknown client_id."));
        }
        let redirect_uri = of("redirect_uri").filter(|uri| *uri == self.client.redirect_uri);
        let whitelisted = "The redirect URI you provided has not been whitelisted for your application.";
        let redirect_uri = redirect_uri.ok_or(Refusal::Page(whitelisted))?;
        let state = of("state");
        let back = |error, description| Refusal::Back { state: state.clone(), error, description };
        if repeated(encoded).is_some() {
            return Err(back("invalid_request", "A parameter stands there twice."));
        }
        match of("response_type").as_deref() {
            Some("code") => {}
            None => return Err(back("invalid_request", "The request is missing response_type.")),
            Some(_) => return Err(back("unsupported_response_type", "The response_type is not supported.")),
        }
        let scope = of("scope").filter(|scope| !scope.trim().is_empty());
        let scope = scope.ok_or_else(|| back("invalid_request", "The request is missing scope."))?;
        let scopes: BTreeSet<_> = scope.split(' ').filter(|name| !name.is_empty()).collect();
        if scopes.iter().any(|name| SCOPES.iter().all(|(known, _)| known != name)) {
            return Err(back("invalid_scope", "An unknown scope was requested."));
        }
        let challenge = Challenge::asked(encoded)
            .map_err(|_| back("invalid_request", "The code_challenge_method is not supported."))?;
        let scopes = scopes.into_iter().map(str::to_owned).collect();
        Ok(Asked { grant: Grant { person, redirect_uri, challenge, nonce: None, scopes }, state })
    }

    fn back(&self, state: Option<&str>, pairs: &[(&str, &str)]) -> HttpResponse {
        let state = state.map(|state| ("state", state));
        let pairs: Vec<_> = pairs.iter().copied().chain(state).collect();
        let location = with_query(&self.client.redirect_uri, &pairs);
        HttpResponse::SeeOther().insert_header(("location", location)).finish()
    }

    fn refuse(&self, refusal: &Refusal) -> HttpResponse {
        match refusal {
            Refusal::Page(what) => {
                self.pages.refusal(&BRAND, StatusCode::BAD_REQUEST, "400 Bad Request", what)
            }
            Refusal::Back { state, error, description } => {
                self.back(state.as_deref(), &[("error", error), ("error_description", description)])
            }
        }
    }

    fn grant(&self, asked: &Asked) -> HttpResponse {
        let code = format!("AN{}", random_hex(&self.own.random, 9));
        self.grants.keep_code(&code, asked.grant.clone());
        let scope = asked.grant.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        self.back(asked.state.as_deref(), &[("code", &code), ("scope", &scope)])
    }

    /// "Access Token Request" and "Access Token Errors".
    fn exchange(&self, request: &HttpRequest, form: &[u8]) -> Result<Value, Fault> {
        let bad = |error, what: &str| (StatusCode::BAD_REQUEST, error, what.to_owned());
        let missing = |name: &str| {
            bad("invalid_request", &format!("The request is missing a required parameter : {name}"))
        };
        let grant_type = value(form, "grant_type").ok_or_else(|| missing("grant_type"))?;
        if grant_type != "authorization_code" {
            let what = "The authorization grant type is not supported by the authorization server";
            return Err(bad("unsupported_grant_type", what));
        }
        let (id, secret) = credentials(request, form);
        let id = id.ok_or_else(|| missing("client_id"))?;
        if id != self.client.id || !self.client.has_secret(secret.as_deref()) {
            let what = "Client authentication failed".to_owned();
            return Err((StatusCode::UNAUTHORIZED, "invalid_client", what));
        }
        let code = value(form, "code").ok_or_else(|| missing("code"))?;
        let (redirect_uri, verifier) = (value(form, "redirect_uri"), value(form, "code_verifier"));
        let grant = self.grants.redeem(&code, redirect_uri.as_deref(), verifier.as_deref());
        let grant = grant.map_err(|why| match why {
            Worthless::VerifierMissing => missing("code_verifier"),
            Worthless::Unknown
            | Worthless::Used
            | Worthless::Expired
            | Worthless::RedirectUri
            | Worthless::Verifier => {
                bad("invalid_grant", "The request has an invalid grant parameter : code")
            }
        })?;
        let access_token = format!("Atza|IwEBI{}", random_token(&self.own.random, 60));
        let refresh_token = format!("Atzr|IwEBI{}", random_token(&self.own.random, 60));
        self.grants.keep_token(&access_token, &grant, TOKEN_LIFETIME);
        Ok(json!({
            "access_token": access_token, "token_type": "bearer", "expires_in": TOKEN_LIFETIME,
            "refresh_token": refresh_token,
        }))
    }

    /// "Verifying Access Tokens": whose token it is.
    fn token_info(&self, access: &Access) -> Value {
        let left = access.expires_at - self.grants.now();
        json!({
            "iss": "https://www.amazon.com", "user_id": user_id(access.person), "aud": self.client.id,
            "app_id": APPLICATION, "exp": left, "iat": access.issued_at,
        })
    }

    fn fault(&self, (status, error, description): Fault) -> HttpResponse {
        let request_id = random_hex(&self.own.random, 16);
        HttpResponse::build(status)
            .insert_header(("x-amzn-requestid", request_id.clone()))
            .json(json!({"error": error, "error_description": description, "request_id": request_id}))
    }
}

/// Amazon's id of somebody.
pub fn user_id(person: &Person) -> String {
    format!("amzn1.account.AE{:020X}", person.number("amazon"))
}

/// "Customer Profile Response": what the scopes open. `None`: nothing.
fn profile(access: &Access) -> Option<Value> {
    let (person, has) = (access.person, |scope: &str| access.scopes.contains(scope));
    let mut answer = json!({"user_id": user_id(person)});
    if has("profile") {
        answer["name"] = person.name().into();
        answer["email"] = person.email.into();
    }
    if has("postal_code") {
        answer["postal_code"] = person.postal_code.into();
    }
    SCOPES.iter().any(|(scope, _)| has(scope)).then_some(answer)
}

/// Its routes: in life they answer at www.amazon.com and api.amazon.com.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/ap/oa", web::get().to(authorize))
        .route("/sign-in", web::post().to(sign_in))
        .route("/auth/o2/token", web::post().to(token))
        .route("/auth/o2/tokeninfo", web::get().to(token_info))
        .route("/user/profile", web::get().to(user_profile))
        .configure(super::pages::assets);
}

async fn authorize(http: HttpRequest, idp: web::Data<Arc<AmazonIdp>>) -> HttpResponse {
    let encoded = http.query_string().as_bytes();
    match idp.asked(encoded, &PEOPLE[0]) {
        Err(refusal) => idp.refuse(&refusal),
        Ok(asked) => {
            let asks = SCOPES.iter().filter(|(scope, _)| asked.grant.scopes.contains(*scope));
            let asks: Vec<_> = asks.map(|(_, words)| *words).collect();
            idp.pages.chooser(&BRAND, &PEOPLE.iter().collect::<Vec<_>>(), &asks, encoded)
        }
    }
}

async fn sign_in(idp: web::Data<Arc<AmazonIdp>>, body: web::Bytes) -> HttpResponse {
    let person = value(&body, "person").and_then(|id| people::find(&id));
    match idp.asked(&body, person.unwrap_or(&PEOPLE[0])) {
        Err(refusal) => idp.refuse(&refusal),
        Ok(asked) if value(&body, "cancel").is_some() => idp.back(
            asked.state.as_deref(),
            &[("error", "access_denied"), ("error_description", "Access not permitted.")],
        ),
        Ok(asked) if person.is_some() => idp.grant(&asked),
        Ok(_) => idp.pages.trouble(BRAND.name, "Choose one of the accounts."),
    }
}

async fn token(http: HttpRequest, idp: web::Data<Arc<AmazonIdp>>, body: web::Bytes) -> HttpResponse {
    match idp.exchange(&http, &body) {
        Ok(answer) => HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(answer),
        Err(fault) => idp.fault(fault),
    }
}

async fn token_info(http: HttpRequest, idp: web::Data<Arc<AmazonIdp>>) -> HttpResponse {
    match query(&http, "access_token").map(|token| idp.grants.access(&token)) {
        Some(Ok(access)) => HttpResponse::Ok().json(idp.token_info(&access)),
        Some(Err(_)) => {
            let what = "The request has an invalid parameter : access_token".to_owned();
            idp.fault((StatusCode::BAD_REQUEST, "invalid_token", what))
        }
        None => {
            let what = "The request is missing a required parameter : access_token".to_owned();
            idp.fault((StatusCode::BAD_REQUEST, "invalid_request", what))
        }
    }
}

/// The token comes as a query parameter, as a bearer token or in `x-amz-access-token`.
async fn user_profile(http: HttpRequest, idp: web::Data<Arc<AmazonIdp>>) -> HttpResponse {
    let header = http.headers().get("x-amz-access-token").and_then(|header| header.to_str().ok());
    let token = bearer(&http).or(header).map(str::to_owned).or_else(|| query(&http, "access_token"));
    let Some(token) = token else {
        let what = "The request is missing a required parameter : access_token".to_owned();
        return idp.fault((StatusCode::BAD_REQUEST, "invalid_request", what));
    };
    let Ok(access) = idp.grants.access(&token) else {
        let what = "The access token provided is expired, revoked, malformed or invalid for other reasons.";
        return idp.fault((StatusCode::BAD_REQUEST, "invalid_token", what.to_owned()));
    };
    match profile(&access) {
        Some(profile) => HttpResponse::Ok().json(profile),
        None => {
            let what = "The access token provided does not have access to the required scope.".to_owned();
            idp.fault((StatusCode::UNAUTHORIZED, "insufficient_scope", what))
        }
    }
}
