//! A simulated OpenID Connect provider: discovery, authorize, token, JWKS, userinfo. It refuses what a real
//! one refuses. Anybody may sign in as anybody: it is for demonstrations and tests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use minijinja::context;
use poolgate_providers::Clock;
use poolgate_providers::ambient::random_token;
use serde_json::{Value, json};

use super::pages::{DemoPages, query, shown, value};
use super::people::{self, PEOPLE, Person};
use super::{DemoError, Own};
use crate::keys::SigningKey;
use crate::keys::signing::generate_pkcs8;
use crate::tokens::claims::at_hash;

/// The one client that is registered.
pub const CLIENT_ID: &str = "poolgate-demo";
/// Codes and tokens that are kept at most: the oldest simulation ends where this is reached.
const MAX_LIVE: usize = 10_000;
/// Seconds a code or a token lives.
const LIFETIME: i64 = 300;
const NAME: &str = "Globex";

/// The provider.
pub struct OidcIdp {
    base: String,
    pages: DemoPages,
    own: Own,
    key: SigningKey,
    client_secret: String,
    live: Mutex<Live>,
}

#[derive(Default)]
struct Live {
    codes: HashMap<String, Grant>,
    tokens: HashMap<String, (&'static Person, i64)>,
}

struct Grant {
    person: &'static Person,
    redirect_uri: String,
    challenge: Option<String>,
    nonce: Option<String>,
    expires_at: i64,
}

/// What the browser brings to `/authorize`.
struct Asked {
    redirect_uri: String,
    state: String,
    nonce: Option<String>,
    challenge: Option<String>,
}

type Refusal = (StatusCode, &'static str, &'static str);

impl OidcIdp {
    /// A provider that answers below `base`, with a new key and a new client secret.
    ///
    /// # Errors
    /// When key or templates cannot be made.
    pub fn new(base: &str, own: Own) -> Result<Self, DemoError> {
        let key = SigningKey::from_pkcs8(&generate_pkcs8()?)?;
        let client_secret = random_token(&own.random, 24);
        let live = Mutex::default();
        Ok(Self { base: base.to_owned(), pages: DemoPages::new()?, own, key, client_secret, live })
    }

    /// The secret of the registered client.
    pub fn client_secret(&self) -> &str {
        &self.client_secret
    }

    fn now(&self) -> i64 {
        self.own.clock.now().unix_timestamp()
    }

    fn live(&self) -> std::sync::MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks an authorize request; `Err` is a sentence for its page: such a request never redirects.
    fn asked(&self, encoded: &[u8]) -> Result<Asked, &'static str> {
        let of = |name: &str| value(encoded, name);
        if of("client_id").as_deref() != Some(CLIENT_ID) {
            return Err("This client is not registered here.");
        }
        let registered = format!("{}/oauth2/idpresponse", self.own.gateway);
        let redirect_uri = of("redirect_uri").filter(|uri| *uri == registered);
        let redirect_uri = redirect_uri.ok_or("The redirect_uri is not the registered one.")?;
        if of("response_type").as_deref() != Some("code") {
            return Err("Only response_type=code is known here.");
        }
        if !of("scope").unwrap_or_default().split(' ').any(|scope| scope == "openid") {
            return Err("The scope openid is missing.");
        }
        let challenge = of("code_challenge");
        if challenge.is_some() && of("code_challenge_method").as_deref() != Some("S256") {
            return Err("Only code_challenge_method=S256 is known here.");
        }
        Ok(Asked { redirect_uri, state: of("state").unwrap_or_default(), nonce: of("nonce"), challenge })
    }

    fn grant(&self, asked: Asked, person: &'static Person) -> String {
        let code = random_token(&self.own.random, 24);
        let expires_at = self.now() + LIFETIME;
        let back =
            with_query(&asked.redirect_uri, &[("code", &code), ("state", &asked.state), ("iss", &self.base)]);
        let grant = Grant {
            person,
            redirect_uri: asked.redirect_uri,
            challenge: asked.challenge,
            nonce: asked.nonce,
            expires_at,
        };
        let mut live = self.live();
        if live.codes.len() >= MAX_LIVE {
            live.codes.clear();
        }
        live.codes.insert(code, grant);
        back
    }

    fn exchange(&self, request: &HttpRequest, form: &[u8]) -> Result<Value, Refusal> {
        let bad = |error, why| (StatusCode::BAD_REQUEST, error, why);
        let authenticated = self.is_client(request, form);
        if !authenticated {
            return Err((StatusCode::UNAUTHORIZED, "invalid_client", "unknown client or wrong secret"));
        }
        if value(form, "grant_type").as_deref() != Some("authorization_code") {
            return Err(bad("unsupported_grant_type", "only authorization_code"));
        }
        let code = value(form, "code").ok_or(bad("invalid_request", "code is missing"))?;
        let grant = self.live().codes.remove(&code);
        let grant = grant.filter(|grant| self.now() < grant.expires_at);
        let grant = grant.ok_or(bad("invalid_grant", "the code is unknown, used or expired"))?;
        if value(form, "redirect_uri").as_deref() != Some(&grant.redirect_uri) {
            return Err(bad("invalid_grant", "another redirect_uri"));
        }
        let computed = value(form, "code_verifier")
            .map(|verifier| URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())));
        if computed != grant.challenge {
            return Err(bad("invalid_grant", "the code_verifier does not fit"));
        }
        self.tokens(&grant).map_err(|_| (StatusCode::INTERNAL_SERVER_ERROR, "server_error", "signing failed"))
    }

    fn is_client(&self, request: &HttpRequest, form: &[u8]) -> bool {
        let basic =
            request.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok()).and_then(|header| {
                let decoded = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
                String::from_utf8(decoded).ok()
            });
        match basic {
            Some(pair) => pair == format!("{CLIENT_ID}:{}", self.client_secret),
            None => {
                value(form, "client_id").as_deref() == Some(CLIENT_ID)
                    && value(form, "client_secret").as_deref() == Some(&self.client_secret)
            }
        }
    }

    fn tokens(&self, grant: &Grant) -> Result<Value, crate::keys::KeyError> {
        let access_token = random_token(&self.own.random, 32);
        let now = self.now();
        let claims = json!({
            "iss": self.base, "aud": CLIENT_ID, "sub": grant.person.id, "iat": now, "exp": now + LIFETIME,
            "auth_time": now, "nonce": grant.nonce, "at_hash": at_hash(&access_token),
        });
        let id_token = self.key.sign_jwt(claims.to_string().as_bytes())?;
        let mut live = self.live();
        if live.tokens.len() >= MAX_LIVE {
            live.tokens.clear();
        }
        live.tokens.insert(access_token.clone(), (grant.person, now + LIFETIME));
        Ok(json!({
            "access_token": access_token, "id_token": id_token, "token_type": "Bearer", "expires_in": LIFETIME,
        }))
    }
}

fn with_query(base: &str, pairs: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{base}?{query}")
}

/// Its routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/.well-known/openid-configuration", web::get().to(discovery))
        .route("/jwks", web::get().to(jwks))
        .route("/authorize", web::get().to(authorize))
        .route("/sign-in", web::post().to(sign_in))
        .route("/token", web::post().to(token))
        .route("/userinfo", web::get().to(user_info))
        .configure(super::pages::assets);
}

async fn discovery(idp: web::Data<Arc<OidcIdp>>) -> HttpResponse {
    let at = |path: &str| format!("{}/{path}", idp.base);
    HttpResponse::Ok().json(json!({
        "issuer": idp.base, "authorization_endpoint": at("authorize"), "token_endpoint": at("token"),
        "jwks_uri": at("jwks"), "userinfo_endpoint": at("userinfo"), "response_types_supported": ["code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"], "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn jwks(idp: web::Data<Arc<OidcIdp>>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "keys": [idp.key.jwk()] }))
}

async fn authorize(http: HttpRequest, idp: web::Data<Arc<OidcIdp>>) -> HttpResponse {
    let asked = match idp.asked(http.query_string().as_bytes()) {
        Ok(asked) => asked,
        Err(why) => return idp.pages.trouble(NAME, why),
    };
    let silent = query(&http, "prompt").is_some_and(|prompt| prompt.split(' ').any(|value| value == "none"));
    if silent {
        let pairs = [("error", "login_required"), ("state", asked.state.as_str()), ("iss", &idp.base)];
        let location = with_query(&asked.redirect_uri, &pairs);
        return HttpResponse::Found().insert_header(("location", location)).finish();
    }
    let fields: Vec<_> = url::form_urlencoded::parse(http.query_string().as_bytes()).into_owned().collect();
    let facts =
        context! { provider => NAME, kind => "OpenID Connect provider", people => shown(PEOPLE), fields };
    idp.pages.page(StatusCode::OK, "provider.html", facts)
}

async fn sign_in(idp: web::Data<Arc<OidcIdp>>, body: web::Bytes) -> HttpResponse {
    let person = value(&body, "person").and_then(|id| people::find(&id));
    match (idp.asked(&body), person) {
        (Ok(asked), Some(person)) => {
            HttpResponse::SeeOther().insert_header(("location", idp.grant(asked, person))).finish()
        }
        (Err(why), _) => idp.pages.trouble(NAME, why),
        (_, None) => idp.pages.trouble(NAME, "Choose one of the people."),
    }
}

async fn token(http: HttpRequest, idp: web::Data<Arc<OidcIdp>>, body: web::Bytes) -> HttpResponse {
    match idp.exchange(&http, &body) {
        Ok(answer) => HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(answer),
        Err((status, error, description)) => {
            HttpResponse::build(status).json(json!({"error": error, "error_description": description}))
        }
    }
}

async fn user_info(http: HttpRequest, idp: web::Data<Arc<OidcIdp>>) -> HttpResponse {
    let bearer =
        http.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok()?.strip_prefix("Bearer "));
    let live = bearer.and_then(|token| idp.live().tokens.get(token).copied());
    match live.filter(|(_, expires_at)| idp.now() < *expires_at) {
        Some((person, _)) => HttpResponse::Ok().json(json!({
            "sub": person.id, "given_name": person.given_name, "family_name": person.family_name,
            "name": format!("{} {}", person.given_name, person.family_name),
            "email": person.email, "email_verified": true, "groups": person.groups,
        })),
        None => HttpResponse::Unauthorized()
            .insert_header(("www-authenticate", "Bearer error=\"invalid_token\""))
            .finish(),
    }
}
