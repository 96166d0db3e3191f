//! What the simulated OAuth 2.0 providers share: a registered client, codes that are used once, access tokens that
//! expire, PKCE. What each of them says when it refuses is its own.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use poolgate_providers::Clock;
use poolgate_providers::ambient::random_token;
use subtle::ConstantTimeEq;

use super::Own;
use super::pages::value;
use super::people::Person;

/// Codes and tokens that are kept at most: the oldest simulation ends where this is reached.
const MAX_LIVE: usize = 10_000;
/// Seconds a code lives.
pub const CODE_LIFETIME: i64 = 300;

/// The one client that is registered at a simulator.
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// Its one redirect URI.
    pub redirect_uri: String,
}

impl Client {
    /// The gateway as a client called `id`, with a new secret.
    pub fn gateway(id: &str, own: &Own) -> Self {
        let secret = random_token(&own.random, 24);
        Self { id: id.to_owned(), secret, redirect_uri: format!("{}/oauth2/idpresponse", own.gateway) }
    }

    /// Whether this is its secret.
    pub fn has_secret(&self, secret: Option<&str>) -> bool {
        secret.is_some_and(|secret| bool::from(secret.as_bytes().ct_eq(self.secret.as_bytes())))
    }
}

/// Client id and secret of a token request: of the `Authorization` header, else of the form
/// (RFC 6749 section 2.3.1).
pub fn credentials(request: &HttpRequest, form: &[u8]) -> (Option<String>, Option<String>) {
    let header = request.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok());
    match header.and_then(|header| header.strip_prefix("Basic ")) {
        None => (value(form, "client_id"), value(form, "client_secret")),
        Some(encoded) => {
            let pair = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let pair = pair.and_then(|pair| {
                let (id, secret) = pair.split_once(':')?;
                Some((id.to_owned(), secret.to_owned()))
            });
            pair.unzip()
        }
    }
}

/// The bearer token of a request (RFC 6750 section 2.1).
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    request.headers().get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// What a client committed itself to (RFC 7636 section 4.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// The SHA-256 of the verifier.
    S256(String),
    /// The verifier itself.
    Plain(String),
}

/// A `code_challenge_method` that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownMethod;

impl Challenge {
    /// Of an authorization request, if it has one.
    ///
    /// # Errors
    /// When its method is unknown.
    pub fn asked(encoded: &[u8]) -> Result<Option<Self>, UnknownMethod> {
        let Some(challenge) = value(encoded, "code_challenge") else { return Ok(None) };
        match value(encoded, "code_challenge_method").as_deref() {
            Some("S256") => Ok(Some(Self::S256(challenge))),
            None | Some("plain") => Ok(Some(Self::Plain(challenge))),
            Some(_) => Err(UnknownMethod),
        }
    }

    fn fits(&self, verifier: &str) -> bool {
        match self {
            Self::S256(hash) => *hash == URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())),
            Self::Plain(plain) => plain == verifier,
        }
    }
}

/// What somebody agreed to.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Who.
    pub person: &'static Person,
    /// Where the code went.
    pub redirect_uri: String,
    /// What the client committed itself to.
    pub challenge: Option<Challenge>,
    /// The client's nonce.
    pub nonce: Option<String>,
    /// The scopes.
    pub scopes: BTreeSet<String>,
}

/// What an access token opens.
#[derive(Debug, Clone)]
pub struct Access {
    /// Whose data.
    pub person: &'static Person,
    /// Which of it.
    pub scopes: BTreeSet<String>,
    /// Since when, in seconds since 1970.
    pub issued_at: i64,
    /// Until when.
    pub expires_at: i64,
}

/// Why a code is worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worthless {
    /// Nobody gave it.
    Unknown,
    /// It was redeemed, or tried, before.
    Used,
    /// It is too old.
    Expired,
    /// It was sent to another redirect URI.
    RedirectUri,
    /// It needs a verifier, and none came.
    VerifierMissing,
    /// The verifier does not fit.
    Verifier,
}

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Nobody gave it.
    Unknown,
    /// It is too old; since when.
    Expired(i64),
}

/// Everything that was given and is not forgotten.
pub struct Grants {
    own: Own,
    live: Mutex<Live>,
}

#[derive(Default)]
struct Live {
    codes: HashMap<String, Code>,
    tokens: HashMap<String, Access>,
}

struct Code {
    grant: Grant,
    expires_at: i64,
    used: bool,
}

impl Grants {
    /// Nothing yet.
    pub fn new(own: Own) -> Self {
        Self { own, live: Mutex::default() }
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The moment, in seconds since 1970.
    pub fn now(&self) -> i64 {
        self.own.clock.now().unix_timestamp()
    }

    /// Keeps a code.
    pub fn keep_code(&self, code: &str, grant: Grant) {
        let expires_at = self.now() + CODE_LIFETIME;
        let mut live = self.live();
        if live.codes.len() >= MAX_LIVE {
            live.codes.clear();
        }
        live.codes.insert(code.to_owned(), Code { grant, expires_at, used: false });
    }

    /// What a code stands for. It is tried once: whatever comes of it, it is used up.
    ///
    /// # Errors
    /// Why it is worth nothing.
    pub fn redeem(
        &self,
        code: &str,
        redirect_uri: Option<&str>,
        verifier: Option<&str>,
    ) -> Result<Grant, Worthless> {
        let now = self.now();
        let mut live = self.live();
        let kept = live.codes.get_mut(code).ok_or(Worthless::Unknown)?;
        if std::mem::replace(&mut kept.used, true) {
            return Err(Worthless::Used);
        }
        if now >= kept.expires_at {
            return Err(Worthless::Expired);
        }
        if redirect_uri != Some(kept.grant.redirect_uri.as_str()) {
            return Err(Worthless::RedirectUri);
        }
        match (&kept.grant.challenge, verifier) {
            (Some(_), None) => Err(Worthless::VerifierMissing),
            (Some(challenge), Some(verifier)) if !challenge.fits(verifier) => Err(Worthless::Verifier),
            // A verifier for nothing: the challenge was lost on the way (RFC 9700 section 4.8.2).
            (None, Some(_)) => Err(Worthless::Verifier),
            _ => Ok(kept.grant.clone()),
        }
    }

    /// Keeps a token that lives for `lifetime` seconds.
    pub fn keep_token(&self, token: &str, grant: &Grant, lifetime: i64) {
        let issued_at = self.now();
        let (person, scopes) = (grant.person, grant.scopes.clone());
        let access = Access { person, scopes, issued_at, expires_at: issued_at + lifetime };
        let mut live = self.live();
        if live.tokens.len() >= MAX_LIVE {
            live.tokens.clear();
        }
        live.tokens.insert(token.to_owned(), access);
    }

    /// What a token opens.
    ///
    /// # Errors
    /// Why it opens nothing.
    pub fn access(&self, token: &str) -> Result<Access, Closed> {
        let access = self.live().tokens.get(token).cloned().ok_or(Closed::Unknown)?;
        if self.now() < access.expires_at { Ok(access) } else { Err(Closed::Expired(access.expires_at)) }
    }
}

/// A parameter that stands there twice (RFC 6749 section 3.1 forbids it).
pub fn repeated(encoded: &[u8]) -> Option<String> {
    let mut seen = BTreeSet::new();
    url::form_urlencoded::parse(encoded)
        .map(|(name, _)| name.into_owned())
        .find(|name| !seen.insert(name.clone()))
}

/// An address with more in its query.
pub fn with_query(base: &str, pairs: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{base}?{query}")
}
