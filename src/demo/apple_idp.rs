//! A simulated Sign in with Apple, as in its REST API ("Request an authorization to the Sign in with Apple server",
//! "Generate and validate tokens") and "TN3107: Resolving Sign in with Apple response errors"
//! (developer.apple.com/documentation). What they leave out is worded as Apple answers. Anybody may sign in as
//! anybody: it is for demonstrations and tests.

mod client_secret;
mod consent;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use poolgate_providers::ambient::{random_hex, random_token};
use serde_json::{Value, json};

use super::grants::{Challenge, Client, Grant, Grants, Worthless, repeated, with_query};
use super::key_ring::KeyRing;
use super::pages::{Brand, DemoPages, shown, value};
use super::people::{self, PEOPLE, Person};
use super::{DemoError, Own};
use crate::keys::KeyError;
use crate::tokens::claims::at_hash;
use client_secret::RegisteredKey;
pub use client_secret::{KEY_ID, TEAM_ID};
use consent::Told;

/// The Services ID that is registered.
pub const CLIENT_ID: &str = "com.example.poolgate.demo";
/// Seconds an access token lives.
pub const TOKEN_LIFETIME: i64 = 3_600;
/// Seconds an identity token lives.
const ID_TOKEN_LIFETIME: i64 = 24 * 60 * 60;
const BRAND: Brand = Brand { name: "Apple", style: "apple" };

/// The provider.
pub struct AppleIdp {
    base: String,
    pages: DemoPages,
    own: Own,
    client: Client,
    key: RegisteredKey,
    keys: KeyRing,
    grants: Grants,
    /// Who has signed in to this client before, and under which e-mail address. To them no name is sent again.
    known: Mutex<HashMap<&'static str, String>>,
}

/// How the answer comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Query,
    Fragment,
    FormPost,
}

/// What the browser brings.
struct Asked {
    grant: Grant,
    state: Option<String>,
    mode: Mode,
    id_token: bool,
}

/// A page of Apple's: the browser stays there.
struct Refusal(&'static str, &'static str);

/// `error`, `error_description`; the status is 400.
type TokenFault = (&'static str, Option<&'static str>);

impl AppleIdp {
    /// A provider that answers below `base`, with new keys, and a new key for the client.
    ///
    /// # Errors
    /// When keys or templates cannot be made.
    pub fn new(base: &str, own: Own) -> Result<Self, DemoError> {
        Ok(Self {
            base: base.to_owned(),
            pages: DemoPages::new()?,
            client: Client::gateway(CLIENT_ID, &own),
            key: RegisteredKey::new(base)?,
            keys: KeyRing::new(Arc::clone(&own.random), 5)?,
            grants: Grants::new(own.clone()),
            own,
            known: Mutex::default(),
        })
    }

    /// The client's private key, as the file that Apple hands out once.
    pub fn private_key(&self) -> &str {
        self.key.p8()
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
        let invalid = |what| Refusal("invalid_request", what);
        if repeated(encoded).is_some() {
            return Err(invalid("A parameter is included more than once."));
        }
        if of("client_id").as_deref() != Some(self.client.id.as_str()) {
            return Err(Refusal("invalid_client", "Invalid client id or web redirect url."));
        }
        let redirect_uri = of("redirect_uri").filter(|uri| *uri == self.client.redirect_uri);
        let redirect_uri = redirect_uri.ok_or(invalid("Invalid web redirect url."))?;
        let id_token = match of("response_type").as_deref() {
            Some("code") => false,
            Some("code id_token") => true,
            Some(_) => return Err(Refusal("unsupported_response_type", "Invalid response type.")),
            None => return Err(invalid("The response_type is missing.")),
        };
        let scope = of("scope").unwrap_or_default();
        let scopes: BTreeSet<_> =
            scope.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if scopes.iter().any(|name| !["name", "email", "openid"].contains(&name.as_str())) {
            return Err(Refusal("invalid_scope", "The requested scope is invalid."));
        }
        let mode = match of("response_mode").as_deref() {
            None if id_token => Mode::Fragment,
            None | Some("query") => Mode::Query,
            Some("fragment") => Mode::Fragment,
            Some("form_post") => Mode::FormPost,
            Some(_) => return Err(invalid("Invalid response mode.")),
        };
        let personal = scopes.contains("name") || scopes.contains("email");
        if personal && mode != Mode::FormPost {
            return Err(invalid("response_mode must be form_post when name or email scope is requested."));
        }
        if id_token && mode == Mode::Query {
            return Err(invalid(
                "response_mode must be fragment or form_post when an id_token is requested.",
            ));
        }
        let challenge = Challenge::asked(encoded).map_err(|_| invalid("Invalid code challenge method."))?;
        let grant = Grant { person, redirect_uri, challenge, nonce: of("nonce"), scopes };
        Ok(Asked { grant, state: of("state"), mode, id_token })
    }

    /// The answer, by the way that was asked for.
    fn back(&self, asked: &Asked, pairs: &[(&str, &str)]) -> HttpResponse {
        let state = asked.state.iter().map(|state| ("state", state.as_str()));
        let pairs: Vec<_> = state.chain(pairs.iter().copied()).collect();
        let target = &asked.grant.redirect_uri;
        let location = match asked.mode {
            Mode::FormPost => {
                let facts = minijinja::context! {
                    provider => BRAND.name, brand => BRAND.style, action => target, fields => shown(pairs),
                };
                return self.pages.page(StatusCode::OK, "auto_post.html", facts);
            }
            Mode::Query => with_query(target, &pairs),
            Mode::Fragment => with_query(target, &pairs).replacen('?', "#", 1),
        };
        HttpResponse::SeeOther().insert_header(("location", location)).finish()
    }

    /// The e-mail address that somebody chose to share with this client, if they have been here before.
    fn known(&self, person: &Person) -> Option<String> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(person.id).cloned()
    }

    fn grant(&self, asked: &Asked, told: Option<Told>) -> HttpResponse {
        let (person, random) = (asked.grant.person, &self.own.random);
        let mut user = None;
        if let Some(told) = told {
            user = told.user_field(&asked.grant.scopes);
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(person.id, told.email);
        }
        let code = format!("c{}.0.srvx.{}", random_hex(random, 16), random_token(random, 16));
        self.grants.keep_code(&code, asked.grant.clone());
        let mut pairs = vec![("code", code.as_str())];
        let id_token = asked.id_token.then(|| self.keys.sign(&self.claims(&asked.grant, None))).transpose();
        let id_token = match id_token {
            Ok(token) => token,
            Err(error) => return self.pages.trouble(BRAND.name, &error.to_string()),
        };
        pairs.extend(id_token.iter().map(|token| ("id_token", token.as_str())));
        pairs.extend(user.iter().map(|user| ("user", user.as_str())));
        self.back(asked, &pairs)
    }

    /// "Generate and validate tokens".
    fn exchange(&self, form: &[u8]) -> Result<Value, TokenFault> {
        let of = |name: &str| value(form, name);
        let id = of("client_id").ok_or(("invalid_request", None))?;
        let secret = of("client_secret").ok_or(("invalid_client", None))?;
        if id != self.client.id || !self.key.signed(&secret, &self.client.id, self.grants.now()) {
            return Err(("invalid_client", None));
        }
        if of("grant_type").as_deref() != Some("authorization_code") {
            return Err(("unsupported_grant_type", None));
        }
        let code = of("code").ok_or(("invalid_request", None))?;
        let redirect_uri = of("redirect_uri");
        let grant = self.grants.redeem(&code, redirect_uri.as_deref(), of("code_verifier").as_deref());
        let grant = grant.map_err(|why| {
            let what = match why {
                Worthless::RedirectUri => {
                    "redirect_uri mismatch. The code was not issued to this redirect URI."
                }
                Worthless::Verifier | Worthless::VerifierMissing => "code_verifier mismatch.",
                Worthless::Unknown | Worthless::Used | Worthless::Expired => {
                    "The code has expired or has been revoked."
                }
            };
            ("invalid_grant", Some(what))
        })?;
        self.tokens(&grant).map_err(|_| ("server_error", None))
    }

    fn tokens(&self, grant: &Grant) -> Result<Value, KeyError> {
        let random = &self.own.random;
        let access_token = format!("a{}.0.srvx.{}", random_hex(random, 16), random_token(random, 16));
        let refresh_token = format!("r{}.0.srvx.{}", random_hex(random, 16), random_token(random, 16));
        let id_token = self.keys.sign(&self.claims(grant, Some(&access_token)))?;
        Ok(json!({
            "access_token": access_token, "token_type": "Bearer", "expires_in": TOKEN_LIFETIME,
            "refresh_token": refresh_token, "id_token": id_token,
        }))
    }

    /// "Identity token": `email_verified` and `is_private_email` are a string or a Boolean, and both are sent here.
    fn claims(&self, grant: &Grant, access_token: Option<&str>) -> Value {
        let (person, now) = (grant.person, self.grants.now());
        let mut claims = json!({
            "iss": self.base, "aud": self.client.id, "sub": subject(person), "iat": now, "auth_time": now,
            "exp": now + ID_TOKEN_LIFETIME, "nonce_supported": true,
        });
        if let Some(access_token) = access_token {
            claims["at_hash"] = at_hash(access_token).into();
        }
        if let Some(nonce) = &grant.nonce {
            claims["nonce"] = nonce.as_str().into();
        }
        if let Some(email) = self.known(person).filter(|_| grant.scopes.contains("email")) {
            if email == person.email {
                claims["email_verified"] = true.into();
            } else {
                claims["email_verified"] = "true".into();
                claims["is_private_email"] = "true".into();
            }
            claims["email"] = email.into();
        }
        claims
    }
}

/// Apple's id of somebody for this developer team.
pub fn subject(person: &Person) -> String {
    let number = person.number("apple");
    format!("{:06}.{number:016x}{:016x}.{:04}", number % 3_000, number.rotate_left(29), number % 2_400)
}

/// Its routes: in life they answer at appleid.apple.com.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/auth/authorize", web::get().to(authorize))
        .route("/sign-in", web::post().to(sign_in))
        .route("/auth/token", web::post().to(token))
        .route("/auth/keys", web::get().to(keys))
        .route("/.well-known/openid-configuration", web::get().to(discovery))
        .configure(super::pages::assets);
}

async fn discovery(idp: web::Data<Arc<AppleIdp>>) -> HttpResponse {
    let at = |path: &str| format!("{}/auth/{path}", idp.base);
    HttpResponse::Ok().json(json!({
        "issuer": idp.base, "authorization_endpoint": at("authorize"), "token_endpoint": at("token"),
        "jwks_uri": at("keys"), "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"], "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"], "scopes_supported": ["openid", "email", "name"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    }))
}

async fn keys(idp: web::Data<Arc<AppleIdp>>) -> HttpResponse {
    HttpResponse::Ok().json(idp.keys.jwks())
}

async fn authorize(http: HttpRequest, idp: web::Data<Arc<AppleIdp>>) -> HttpResponse {
    let encoded = http.query_string().as_bytes();
    match idp.asked(encoded, &PEOPLE[0]) {
        Err(Refusal(code, what)) => idp.pages.refusal(&BRAND, StatusCode::BAD_REQUEST, code, what),
        Ok(_) => idp.pages.chooser(&BRAND, &PEOPLE.iter().collect::<Vec<_>>(), &[], encoded),
    }
}

/// One of the page's buttons: somebody, or no. Who is here for the first time is asked what the app may know.
async fn sign_in(idp: web::Data<Arc<AppleIdp>>, body: web::Bytes) -> HttpResponse {
    let person = value(&body, "person").and_then(|id| people::find(&id));
    match idp.asked(&body, person.unwrap_or(&PEOPLE[0])) {
        Err(Refusal(code, what)) => idp.pages.refusal(&BRAND, StatusCode::BAD_REQUEST, code, what),
        Ok(asked) if value(&body, "cancel").is_some() => {
            idp.back(&asked, &[("error", "user_cancelled_authorize")])
        }
        Ok(asked) => match person {
            None => idp.pages.trouble(BRAND.name, "Choose one of the accounts."),
            Some(person) if idp.known(person).is_some() => idp.grant(&asked, None),
            Some(person) => match Told::read(&body, person) {
                Some(told) => idp.grant(&asked, Some(told)),
                None => consent::page(&idp.pages, &asked.grant, &body),
            },
        },
    }
}

async fn token(idp: web::Data<Arc<AppleIdp>>, body: web::Bytes) -> HttpResponse {
    let (status, answer) = match idp.exchange(&body) {
        Ok(answer) => (StatusCode::OK, answer),
        Err((error, None)) => (StatusCode::BAD_REQUEST, json!({ "error": error })),
        Err((error, Some(what))) => {
            (StatusCode::BAD_REQUEST, json!({"error": error, "error_description": what}))
        }
    };
    HttpResponse::build(status).insert_header(("cache-control", "no-store")).json(answer)
}
