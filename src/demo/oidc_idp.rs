//! A simulated OpenID Connect provider: discovery, authorize, token, JWKS, userinfo, sign-out. It refuses what a real
//! one refuses. Anybody may sign in as anybody: it is for demonstrations and tests.

mod sign_out;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use minijinja::context;
use poolgate_providers::ambient::random_token;
use poolgate_providers::fetch::Http;
use serde_json::{Value, json};

use super::grants::{Access, Challenge, Client, Grant, Grants, Worthless, bearer, credentials, with_query};
use super::pages::{DemoPages, query, shown, value};
use super::people::{self, PEOPLE, Person};
use super::{DemoError, Own};
use crate::keys::SigningKey;
use crate::keys::signing::generate_pkcs8;
use crate::tokens::claims::at_hash;

/// The one client that is registered.
pub const CLIENT_ID: &str = "poolgate-demo";
/// Seconds a token lives.
const LIFETIME: i64 = 300;
/// Sessions that are kept at most.
const MAX_SESSIONS: usize = 100;
const NAME: &str = "Globex";

/// The provider.
pub struct OidcIdp {
    base: String,
    pages: DemoPages,
    own: Own,
    key: SigningKey,
    client: Client,
    grants: Grants,
    /// Session → who.
    sessions: Mutex<BTreeMap<String, &'static Person>>,
    /// The way to the client, for what it is told behind the browser's back.
    http: Option<Arc<dyn Http>>,
}

/// What the browser brings to `/authorize`.
struct Asked {
    grant: Grant,
    state: String,
}

type Refusal = (StatusCode, &'static str, &'static str);

impl OidcIdp {
    /// A provider that answers below `base`, with a new key and a new client secret.
    ///
    /// # Errors
    /// When key or templates cannot be made.
    pub fn new(base: &str, own: Own) -> Result<Self, DemoError> {
        let key = SigningKey::from_pkcs8(&generate_pkcs8()?)?;
        let (client, grants) = (Client::gateway(CLIENT_ID, &own), Grants::new(own.clone()));
        let (base, sessions) = (base.to_owned(), Mutex::default());
        Ok(Self { base, pages: DemoPages::new()?, own, key, client, grants, sessions, http: None })
    }

    /// It can reach its client.
    #[must_use]
    pub fn reaching(self, http: Arc<dyn Http>) -> Self {
        Self { http: Some(http), ..self }
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<String, &'static Person>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The secret of the registered client.
    pub fn client_secret(&self) -> &str {
        &self.client.secret
    }

    /// Checks an authorize request; `Err` is a sentence for its page: such a request never redirects.
    fn asked(&self, encoded: &[u8], person: &'static Person) -> Result<Asked, &'static str> {
        let of = |name: &str| value(encoded, name);
        if of("client_id").as_deref() != Some(CLIENT_ID) {
            return Err("This client is not registered here.");
        }
        let redirect_uri = of("redirect_uri").filter(|uri| *uri == self.client.redirect_uri);
        let redirect_uri = redirect_uri.ok_or("The redirect_uri is not the registered one.")?;
        if of("response_type").as_deref() != Some("code") {
            return Err("Only response_type=code is known here.");
        }
        let scopes: BTreeSet<_> = of("scope").unwrap_or_default().split(' ').map(str::to_owned).collect();
        if !scopes.contains("openid") {
            return Err("The scope openid is missing.");
        }
        let challenge = match Challenge::asked(encoded) {
            Ok(Some(Challenge::Plain(_))) | Err(_) => {
                return Err("Only code_challenge_method=S256 is known here.");
            }
            Ok(challenge) => challenge,
        };
        let grant = Grant { person, redirect_uri, challenge, nonce: of("nonce"), scopes };
        Ok(Asked { grant, state: of("state").unwrap_or_default() })
    }

    fn grant(&self, asked: Asked) -> String {
        let code = random_token(&self.own.random, 24);
        let pairs = [("code", code.as_str()), ("state", &asked.state), ("iss", &self.base)];
        let back = with_query(&asked.grant.redirect_uri, &pairs);
        self.grants.keep_code(&code, asked.grant);
        back
    }

    fn exchange(&self, request: &HttpRequest, form: &[u8]) -> Result<Value, Refusal> {
        let bad = |error, why| (StatusCode::BAD_REQUEST, error, why);
        let (id, secret) = credentials(request, form);
        if id.as_deref() != Some(CLIENT_ID) || !self.client.has_secret(secret.as_deref()) {
            return Err((StatusCode::UNAUTHORIZED, "invalid_client", "unknown client or wrong secret"));
        }
        if value(form, "grant_type").as_deref() != Some("authorization_code") {
            return Err(bad("unsupported_grant_type", "only authorization_code"));
        }
        let code = value(form, "code").ok_or(bad("invalid_request", "code is missing"))?;
        let (redirect_uri, verifier) = (value(form, "redirect_uri"), value(form, "code_verifier"));
        let grant = self.grants.redeem(&code, redirect_uri.as_deref(), verifier.as_deref());
        let grant = grant.map_err(|why| match why {
            Worthless::RedirectUri => bad("invalid_grant", "another redirect_uri"),
            Worthless::Verifier | Worthless::VerifierMissing => {
                bad("invalid_grant", "the code_verifier does not fit")
            }
            Worthless::Unknown | Worthless::Used | Worthless::Expired => {
                bad("invalid_grant", "the code is unknown, used or expired")
            }
        })?;
        self.tokens(&grant).map_err(|_| (StatusCode::INTERNAL_SERVER_ERROR, "server_error", "signing failed"))
    }

    fn tokens(&self, grant: &Grant) -> Result<Value, crate::keys::KeyError> {
        let access_token = random_token(&self.own.random, 32);
        let (now, sid) = (self.grants.now(), random_token(&self.own.random, 12));
        let claims = json!({
            "iss": self.base, "aud": CLIENT_ID, "sub": grant.person.id, "iat": now, "exp": now + LIFETIME,
            "auth_time": now, "nonce": grant.nonce, "at_hash": at_hash(&access_token), "sid": sid,
        });
        let mut sessions = self.sessions();
        if sessions.len() >= MAX_SESSIONS {
            sessions.clear();
        }
        sessions.insert(sid, grant.person);
        drop(sessions);
        let id_token = self.key.sign_jwt(claims.to_string().as_bytes())?;
        self.grants.keep_token(&access_token, grant, LIFETIME);
        Ok(json!({
            "access_token": access_token, "id_token": id_token, "token_type": "Bearer", "expires_in": LIFETIME,
        }))
    }
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
        .route("/end-session", web::get().to(sign_out::end_session))
        .route("/", web::get().to(sign_out::home))
        .route("/sign-out", web::post().to(sign_out::sign_out))
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
        "authorization_response_iss_parameter_supported": true, "end_session_endpoint": at("end-session"),
        "backchannel_logout_supported": true, "backchannel_logout_session_supported": true,
    }))
}

async fn jwks(idp: web::Data<Arc<OidcIdp>>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "keys": [idp.key.jwk()] }))
}

async fn authorize(http: HttpRequest, idp: web::Data<Arc<OidcIdp>>) -> HttpResponse {
    let asked = match idp.asked(http.query_string().as_bytes(), &PEOPLE[0]) {
        Ok(asked) => asked,
        Err(why) => return idp.pages.trouble(NAME, why),
    };
    let silent = query(&http, "prompt").is_some_and(|prompt| prompt.split(' ').any(|value| value == "none"));
    if silent {
        let pairs = [("error", "login_required"), ("state", asked.state.as_str()), ("iss", &idp.base)];
        let location = with_query(&asked.grant.redirect_uri, &pairs);
        return HttpResponse::Found().insert_header(("location", location)).finish();
    }
    let fields: Vec<_> = url::form_urlencoded::parse(http.query_string().as_bytes()).into_owned().collect();
    let facts =
        context! { provider => NAME, kind => "OpenID Connect provider", people => shown(PEOPLE), fields };
    idp.pages.page(StatusCode::OK, "provider.html", facts)
}

async fn sign_in(idp: web::Data<Arc<OidcIdp>>, body: web::Bytes) -> HttpResponse {
    let person = value(&body, "person").and_then(|id| people::find(&id));
    match (idp.asked(&body, person.unwrap_or(&PEOPLE[0])), person) {
        (Ok(asked), Some(_)) => {
            HttpResponse::SeeOther().insert_header(("location", idp.grant(asked))).finish()
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
    match bearer(&http).and_then(|token| idp.grants.access(token).ok()) {
        Some(Access { person, .. }) => HttpResponse::Ok().json(json!({
            "sub": person.id, "given_name": person.given_name, "family_name": person.family_name,
            "name": person.name(), "email": person.email, "email_verified": true, "groups": person.groups,
        })),
        None => HttpResponse::Unauthorized()
            .insert_header(("www-authenticate", "Bearer error=\"invalid_token\""))
            .finish(),
    }
}
