//! The sample app: a relying party that trusts Poolgate and nobody else. Authorization code with PKCE.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use minijinja::context;
use poolgate_providers::Clock;
use poolgate_providers::ambient::random_token;
use poolgate_providers::fetch::Http;
use serde::Serialize;
use serde_json::{Map, Value};

use super::configure::{Made, ProviderMade};
use super::pages::{DemoPages, query, shown};
use super::{DemoError, Own};

/// Cookie of the app's own session.
const COOKIE: &str = "sample-app";
/// Sessions that are kept at most: it is a sample.
const MAX_SESSIONS: usize = 1_000;
const NAME: &str = "Sample app";

/// The app.
pub struct SampleApp {
    base: String,
    issuer: String,
    client_id: String,
    providers: Vec<ProviderMade>,
    pages: DemoPages,
    own: Own,
    http: Arc<dyn Http>,
    sessions: Mutex<HashMap<String, Session>>,
}

#[derive(Clone)]
enum Session {
    /// Sent to Poolgate, not back yet.
    Away { state: String, verifier: String },
    /// Back, with tokens.
    Here { id_token: String, access_token: String, refresh_token: String, refreshed: u32 },
}

#[derive(Serialize)]
struct Shown {
    title: &'static str,
    header: Value,
    claims: Vec<Claim>,
}

#[derive(Serialize)]
struct Claim {
    name: String,
    value: String,
}

type Claims = Map<String, Value>;

impl SampleApp {
    /// An app at `base`, registered as `made`.
    ///
    /// # Errors
    /// When its templates cannot be read.
    pub fn new(base: &str, made: &Made, own: Own, http: Arc<dyn Http>) -> Result<Self, DemoError> {
        Ok(Self {
            base: base.to_owned(),
            issuer: format!("{}/{}", own.gateway, made.pool_id),
            client_id: made.client_id.clone(),
            providers: made.providers.clone(),
            pages: DemoPages::new()?,
            own,
            http,
            sessions: Mutex::default(),
        })
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session(&self, request: &HttpRequest) -> Option<(String, Session)> {
        let id = request.cookie(COOKIE)?.value().to_owned();
        let session = self.sessions().get(&id).cloned()?;
        Some((id, session))
    }

    /// Keeps a session under a new id and returns its cookie.
    fn keep(&self, session: Session) -> Cookie<'static> {
        let id = random_token(&self.own.random, 32);
        let mut sessions = self.sessions();
        if sessions.len() >= MAX_SESSIONS {
            sessions.clear();
        }
        sessions.insert(id.clone(), session);
        Cookie::build(COOKIE, id).path("/").http_only(true).same_site(SameSite::Lax).finish()
    }

    async fn call(&self, request: http::Request<Vec<u8>>) -> Result<Value, String> {
        let answer = self.http.send(request).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let body: Value = serde_json::from_slice(answer.body()).map_err(|error| error.to_string())?;
        if status.is_success() { Ok(body) } else { Err(format!("{status}: {body}")) }
    }

    async fn token(&self, pairs: &[(&str, &str)]) -> Result<Value, String> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &self.client_id)
            .extend_pairs(pairs)
            .finish();
        let request = http::Request::post(format!("{}/oauth2/token", self.own.gateway))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.into_bytes())
            .map_err(|error| error.to_string())?;
        self.call(request).await
    }

    /// Verifies a token with the pool's published keys: signature, issuer, use, audience, expiry.
    async fn verify(&self, token: &str, token_use: &str) -> Result<(Value, Claims), String> {
        let request = http::Request::get(format!("{}/.well-known/jwks.json", self.issuer))
            .body(Vec::new())
            .map_err(|error| error.to_string())?;
        let keys: JwkSet =
            serde_json::from_value(self.call(request).await?).map_err(|error| error.to_string())?;
        let header = jsonwebtoken::decode_header(token).map_err(|error| error.to_string())?;
        let kid = header.kid.clone().ok_or("the token names no key")?;
        let key = keys.find(&kid).ok_or("the pool has no such key")?;
        let key = DecodingKey::from_jwk(key).map_err(|error| error.to_string())?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[&self.issuer]);
        // The sample has its own clock.
        (validation.validate_exp, validation.validate_aud) = (false, false);
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
            .map_err(|error| error.to_string())?
            .claims;
        let client = if token_use == "id" { "aud" } else { "client_id" };
        let alive = claims
            .get("exp")
            .and_then(Value::as_i64)
            .is_some_and(|exp| self.own.clock.now().unix_timestamp() < exp);
        let ours = claims.get("token_use").and_then(Value::as_str) == Some(token_use)
            && claims.get(client).and_then(Value::as_str) == Some(&self.client_id);
        if !alive || !ours {
            return Err("the token has expired, or is for somebody else".to_owned());
        }
        Ok((serde_json::to_value(header).map_err(|error| error.to_string())?, claims))
    }

    async fn show(&self, id_token: &str, access_token: &str, refreshed: u32) -> Result<HttpResponse, String> {
        let (id_header, id_claims) = self.verify(id_token, "id").await?;
        let (access_header, access_claims) = self.verify(access_token, "access").await?;
        let text = |name: &str| id_claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let identity = |name: &str| {
            let found = id_claims.get("identities").and_then(|list| list.get(0)?.get(name)?.as_str());
            found.unwrap_or_default().to_owned()
        };
        // Not every provider tells both parts of a name.
        let parts = [text("given_name"), text("family_name")].join(" ");
        let facts = context! {
            name => if parts.trim().is_empty() { text("name") } else { parts },
            username => text("cognito:username"), provider => identity("providerName"),
            kind => identity("providerType"), refreshed,
            tokens => shown([
                decoded("ID token", id_header, &id_claims),
                decoded("Access token", access_header, &access_claims),
            ]),
        };
        Ok(self.pages.page(StatusCode::OK, "signed_in.html", facts))
    }

    fn trouble(&self, what: &str) -> HttpResponse {
        self.pages.page(StatusCode::BAD_REQUEST, "trouble.html", context! { who => NAME, what, home => true })
    }
}

fn decoded(title: &'static str, header: Value, claims: &Claims) -> Shown {
    let claims = claims
        .iter()
        .map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Claim { name: name.clone(), value }
        })
        .collect();
    Shown { title, header, claims }
}

/// Its routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(home))
        .route("/sign-in", web::get().to(sign_in))
        .route("/callback", web::get().to(callback))
        .route("/refresh", web::post().to(refresh))
        .route("/sign-out", web::post().to(sign_out))
        .configure(super::pages::assets);
}

async fn home(request: HttpRequest, app: web::Data<Arc<SampleApp>>) -> HttpResponse {
    if let Some((_, Session::Here { id_token, access_token, refreshed, .. })) = app.session(&request) {
        return app.show(&id_token, &access_token, refreshed).await.unwrap_or_else(|why| app.trouble(&why));
    }
    let providers = shown(&app.providers);
    app.pages.page(StatusCode::OK, "home.html", context! { providers })
}

async fn sign_in(request: HttpRequest, app: web::Data<Arc<SampleApp>>) -> HttpResponse {
    let state = random_token(&app.own.random, 24);
    let verifier = random_token(&app.own.random, 48);
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    let mut location =
        url::form_urlencoded::Serializer::new(format!("{}/oauth2/authorize?", app.own.gateway));
    location
        .append_pair("client_id", &app.client_id)
        .append_pair("redirect_uri", &format!("{}/callback", app.base))
        .append_pair("response_type", "code")
        .append_pair("scope", "openid email profile")
        .append_pair("state", &state)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256");
    if let Some(provider) = query(&request, "provider") {
        location.append_pair("identity_provider", &provider);
    }
    let cookie = app.keep(Session::Away { state, verifier });
    HttpResponse::Found()
        .cookie(cookie)
        .insert_header(("location", location.finish().replacen("?&", "?", 1)))
        .finish()
}

async fn callback(request: HttpRequest, app: web::Data<Arc<SampleApp>>) -> HttpResponse {
    if let Some(error) = query(&request, "error") {
        let description = query(&request, "error_description").unwrap_or_default();
        return app.trouble(&format!("Poolgate answered {error}: {description}"));
    }
    let Some((id, Session::Away { state, verifier })) = app.session(&request) else {
        return app.trouble("This app did not ask you to sign in just now.");
    };
    app.sessions().remove(&id);
    let code = query(&request, "code").unwrap_or_default();
    if query(&request, "state").as_deref() != Some(&state) {
        return app.trouble("The answer belongs to another sign-in.");
    }
    let redirect_uri = format!("{}/callback", app.base);
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", redirect_uri.as_str()),
        ("code_verifier", verifier.as_str()),
    ];
    match app.token(&pairs).await {
        Ok(answer) => {
            let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let session = Session::Here {
                id_token: text("id_token"),
                access_token: text("access_token"),
                refresh_token: text("refresh_token"),
                refreshed: 0,
            };
            HttpResponse::Found().cookie(app.keep(session)).insert_header(("location", "/")).finish()
        }
        Err(why) => app.trouble(&why),
    }
}

async fn refresh(request: HttpRequest, app: web::Data<Arc<SampleApp>>) -> HttpResponse {
    let Some((id, Session::Here { refresh_token, refreshed, .. })) = app.session(&request) else {
        return app.trouble("Nobody is signed in.");
    };
    let pairs = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str())];
    match app.token(&pairs).await {
        Ok(answer) => {
            let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (id_token, access_token) = (text("id_token"), text("access_token"));
            let refreshed = refreshed.saturating_add(1);
            app.sessions().insert(id, Session::Here { id_token, access_token, refresh_token, refreshed });
            HttpResponse::SeeOther().insert_header(("location", "/")).finish()
        }
        // As RFC 6749 section 5.2 has it: expired or revoked. The person signed out elsewhere, at the provider say.
        Err(why) if why.contains("\"invalid_grant\"") => {
            app.sessions().remove(&id);
            app.trouble(&format!("You were signed out elsewhere, so this app has forgotten you. {why}"))
        }
        Err(why) => app.trouble(&why),
    }
}

async fn sign_out(request: HttpRequest, app: web::Data<Arc<SampleApp>>) -> HttpResponse {
    if let Some((id, _)) = app.session(&request) {
        app.sessions().remove(&id);
    }
    let mut location = url::form_urlencoded::Serializer::new(format!("{}/logout?", app.own.gateway));
    location.append_pair("client_id", &app.client_id).append_pair("logout_uri", &format!("{}/", app.base));
    let mut gone = Cookie::build(COOKIE, "").path("/").finish();
    gone.make_removal();
    HttpResponse::SeeOther()
        .cookie(gone)
        .insert_header(("location", location.finish().replacen("?&", "?", 1)))
        .finish()
}
