//! A simulated Facebook: "Manually Build a Login Flow" (developers.facebook.com/docs/facebook-login/guides/advanced/
//! manual-flow), PKCE as in "OIDC Code Flow with PKCE for Manually Built Facebook Login Flows", and the `me` node of
//! the Graph API in [`graph`]. What these pages leave out is worded as Facebook answers. Anybody may sign in as
//! anybody: it is for demonstrations and tests.

mod graph;

use std::collections::BTreeSet;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use poolgate_providers::ambient::{random_hex, random_token};
use serde_json::{Value, json};

use super::grants::{Challenge, Client, Grant, Grants, Worthless, repeated, with_query};
use super::pages::{Brand, DemoPages, value};
use super::people::{self, PEOPLE, Person};
use super::{DemoError, Own};
use graph::Fault;

/// The app that is registered.
pub const CLIENT_ID: &str = "268417059183742";
/// Seconds a token lives: web tokens last about 60 days ("Access Token Guide").
pub const TOKEN_LIFETIME: i64 = 60 * 24 * 60 * 60;
/// "Platform Versions". A version that has ended is answered as the oldest one alive.
const MAJOR_VERSIONS: std::ops::RangeInclusive<u32> = 2..=26;
const BRAND: Brand = Brand { name: "Facebook", style: "facebook" };

/// "Permissions Reference": some of them, and what the page says.
const SCOPES: [(&str, &str); 8] = [
    ("public_profile", "your name and profile picture"),
    ("email", "your e-mail address"),
    ("user_birthday", "your date of birth"),
    ("user_gender", "your gender"),
    ("user_hometown", "your home town"),
    ("user_link", "the link to your profile"),
    ("user_location", "your current city"),
    ("user_age_range", "your age range"),
];

/// The provider.
pub struct FacebookIdp {
    base: String,
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

/// A page of Facebook's: the browser stays there.
struct Refusal(&'static str, String);

impl FacebookIdp {
    /// A provider that answers below `base`, with a new app secret.
    ///
    /// # Errors
    /// When templates cannot be made.
    pub fn new(base: &str, own: Own) -> Result<Self, DemoError> {
        let mut client = Client::gateway(CLIENT_ID, &own);
        client.secret = random_hex(&own.random, 16);
        let grants = Grants::new(own.clone());
        Ok(Self { base: base.to_owned(), pages: DemoPages::new()?, own, client, grants })
    }

    /// The secret of the registered app.
    pub fn client_secret(&self) -> &str {
        &self.client.secret
    }

    /// Checks a request for the Login Dialog, made for `person`.
    fn asked(&self, encoded: &[u8], person: &'static Person) -> Result<Asked, Refusal> {
        let of = |name: &str| value(encoded, name);
        if of("client_id").as_deref() != Some(self.client.id.as_str()) {
            let what = "The provided app ID does not look like a valid app ID.";
            return Err(Refusal("Invalid App ID", what.to_owned()));
        }
        let redirect_uri = of("redirect_uri").filter(|uri| *uri == self.client.redirect_uri);
        let redirect_uri = redirect_uri.ok_or_else(|| {
            let what = "This redirect failed because the redirect URI is not white-listed in the app's client \
                        OAuth settings.";
            Refusal("URL Blocked", what.to_owned())
        })?;
        let invalid = |what: &str| Refusal("Invalid parameter", what.to_owned());
        if let Some(name) = repeated(encoded) {
            return Err(invalid(&format!("{name} stands there twice.")));
        }
        // "response_type … If this parameter is not set, defaults to code".
        if of("response_type").is_some_and(|kind| kind != "code") {
            return Err(invalid("response_type: only code is known here."));
        }
        let challenge = Challenge::asked(encoded).map_err(|_| invalid("code_challenge_method"))?;
        let scopes = read_scopes(&of("scope").unwrap_or_default())?;
        let grant = Grant { person, redirect_uri, challenge, nonce: None, scopes };
        Ok(Asked { grant, state: of("state") })
    }

    /// Facebook ends its redirects in a fragment of its own.
    fn back(&self, asked: &Asked, pairs: &[(&str, &str)]) -> HttpResponse {
        let state = asked.state.iter().map(|state| ("state", state.as_str()));
        let pairs: Vec<_> = pairs.iter().copied().chain(state).collect();
        let location = format!("{}#_=_", with_query(&asked.grant.redirect_uri, &pairs));
        HttpResponse::SeeOther().insert_header(("location", location)).finish()
    }

    fn grant(&self, asked: &Asked) -> HttpResponse {
        let code = format!("AQ{}", random_token(&self.own.random, 60));
        self.grants.keep_code(&code, asked.grant.clone());
        self.back(asked, &[("code", &code)])
    }

    /// "Exchanging Code for an Access Token": everything is in the query.
    fn exchange(&self, encoded: &[u8]) -> Result<Value, Fault> {
        let of = |name: &str| value(encoded, name);
        let missing = |name: &str| Fault::oauth(101, format!("Missing {name} parameter."));
        if of("client_id").ok_or_else(|| missing("client_id"))? != self.client.id {
            let what = "Error validating application. Cannot get application info due to a system error.";
            return Err(Fault::oauth(101, what));
        }
        let redirect_uri =
            of("redirect_uri").ok_or_else(|| Fault::oauth(191, "Missing redirect_uri parameter."))?;
        if !self.client.has_secret(of("client_secret").as_deref()) {
            return Err(Fault::oauth(1, "Error validating client secret."));
        }
        let code = of("code").ok_or_else(|| Fault::oauth(1, "Missing authorization code"))?;
        let verifier = of("code_verifier");
        let grant = self.grants.redeem(&code, Some(&redirect_uri), verifier.as_deref());
        let grant = grant.map_err(|why| match why {
            Worthless::Unknown => Fault::oauth(100, "Invalid verification code format."),
            Worthless::Used => Fault::oauth(100, "This authorization code has been used.").sub(36_009),
            Worthless::Expired => Fault::oauth(100, "This authorization code has expired.").sub(36_007),
            Worthless::RedirectUri => Fault::oauth(
                100,
                "Error validating verification code. Please make sure your redirect_uri is identical to the one \
                 you used in the OAuth dialog request",
            )
            .sub(36_008),
            Worthless::VerifierMissing => Fault::oauth(100, "Missing code_verifier parameter."),
            Worthless::Verifier => Fault::oauth(100, "Invalid code_verifier parameter."),
        })?;
        let access_token = format!("EAAD{}", random_hex(&self.own.random, 80));
        self.grants.keep_token(&access_token, &grant, TOKEN_LIFETIME);
        Ok(json!({"access_token": access_token, "token_type": "bearer", "expires_in": TOKEN_LIFETIME}))
    }

    fn fault(&self, fault: &Fault) -> HttpResponse {
        fault.answer(&random_token(&self.own.random, 12))
    }
}

/// "scope. A comma or space separated list of Permissions". The public profile belongs to every login.
fn read_scopes(scope: &str) -> Result<BTreeSet<String>, Refusal> {
    let mut scopes: BTreeSet<_> =
        scope.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    scopes.insert("public_profile".to_owned());
    let unknown: Vec<_> =
        scopes.iter().filter(|name| SCOPES.iter().all(|(known, _)| known != name)).cloned().collect();
    if unknown.is_empty() {
        return Ok(scopes);
    }
    let what = format!(
        "Invalid Scopes: {}. This message is only shown to developers. Users of your app will ignore these \
         permissions if present.",
        unknown.join(", ")
    );
    Err(Refusal("Invalid Scopes", what))
}

/// Facebook's id of somebody in this app.
pub fn user_id(person: &Person) -> String {
    format!("1{:016}", person.number("facebook") % 10_000_000_000_000_000)
}

/// Whether `v17.0` and the like is a version of the API.
fn is_version(version: &str) -> bool {
    let major = version.strip_prefix('v').and_then(|rest| rest.strip_suffix(".0"));
    major.and_then(|major| major.parse().ok()).is_some_and(|major| MAJOR_VERSIONS.contains(&major))
}

/// Its routes: in life they answer at www.facebook.com and graph.facebook.com.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/sign-in", web::post().to(sign_in))
        .route("/portrait/{person}", web::get().to(super::pages::portrait))
        .configure(super::pages::assets)
        .route("/{version}/dialog/oauth", web::get().to(dialog))
        .service(
            web::resource("/{version}/oauth/access_token")
                .get(access_token)
                .default_service(web::to(unsupported)),
        )
        .service(web::resource("/{version}/me").get(graph::me).default_service(web::to(unsupported)));
}

async fn dialog(
    http: HttpRequest,
    version: web::Path<String>,
    idp: web::Data<Arc<FacebookIdp>>,
) -> HttpResponse {
    if !is_version(&version) {
        let what = "Sorry, this content isn't available at the moment.";
        return idp.pages.refusal(&BRAND, StatusCode::NOT_FOUND, "404", what);
    }
    let encoded = http.query_string().as_bytes();
    match idp.asked(encoded, &PEOPLE[0]) {
        Err(Refusal(title, what)) => idp.pages.refusal(&BRAND, StatusCode::BAD_REQUEST, title, &what),
        Ok(asked) => {
            let asks = SCOPES.iter().filter(|(scope, _)| asked.grant.scopes.contains(*scope));
            let asks: Vec<_> = asks.map(|(_, words)| *words).collect();
            idp.pages.chooser(&BRAND, &PEOPLE.iter().collect::<Vec<_>>(), &asks, encoded)
        }
    }
}

async fn sign_in(idp: web::Data<Arc<FacebookIdp>>, body: web::Bytes) -> HttpResponse {
    let person = value(&body, "person").and_then(|id| people::find(&id));
    match idp.asked(&body, person.unwrap_or(&PEOPLE[0])) {
        Err(Refusal(title, what)) => idp.pages.refusal(&BRAND, StatusCode::BAD_REQUEST, title, &what),
        // "Canceled Login".
        Ok(asked) if value(&body, "cancel").is_some() => idp.back(
            &asked,
            &[
                ("error", "access_denied"),
                ("error_code", "200"),
                ("error_description", "Permissions error"),
                ("error_reason", "user_denied"),
            ],
        ),
        Ok(asked) if person.is_some() => idp.grant(&asked),
        Ok(_) => idp.pages.trouble(BRAND.name, "Choose one of the accounts."),
    }
}

async fn access_token(
    http: HttpRequest,
    version: web::Path<String>,
    idp: web::Data<Arc<FacebookIdp>>,
) -> HttpResponse {
    if !is_version(&version) {
        return idp.fault(&Fault::oauth(2_500, "Unknown path components: /oauth/access_token"));
    }
    match idp.exchange(http.query_string().as_bytes()) {
        Ok(answer) => HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(answer),
        Err(fault) => idp.fault(&fault),
    }
}

async fn unsupported(http: HttpRequest, idp: web::Data<Arc<FacebookIdp>>) -> HttpResponse {
    let method = http.method().as_str().to_ascii_lowercase();
    idp.fault(&Fault::method(100, format!("Unsupported {method} request.")))
}
