//! What is sent again when a connection breaks off, and what never is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use http::{Request, Response};
use secrecy::SecretString;
use time::OffsetDateTime;
use url::Url;

use super::callback::{self, Issuer};
use super::exchange::{self, Redeemer};
use super::{ClientAuth, call};
use crate::fetch::{FetchError, Http};
use crate::{
    Asked, AttemptFacts, ProviderError, Surroundings, SystemClock, SystemRandom, Upstream, UsedOnce,
};

/// Fails so many times, then answers; counts what arrived.
struct Failing {
    times: usize,
    with: FetchError,
    seen: AtomicUsize,
}

impl Failing {
    fn new(times: usize, with: FetchError) -> Arc<Self> {
        Arc::new(Self { times, with, seen: AtomicUsize::new(0) })
    }

    fn seen(&self) -> usize {
        self.seen.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Http for Failing {
    async fn send(&self, _request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, FetchError> {
        let seen = self.seen.fetch_add(1, Ordering::Relaxed);
        if seen < self.times {
            return Err(self.with.clone());
        }
        let answer = br#"{"access_token": "at", "token_type": "Bearer"}"#.to_vec();
        Ok(Response::builder().header("content-type", "application/json").body(answer).unwrap())
    }
}

struct NoMemory;

#[async_trait]
impl UsedOnce for NoMemory {
    async fn first_use(&self, _key: &str, _until: OffsetDateTime) -> Result<bool, ProviderError> {
        Err(ProviderError::StoreAway)
    }
}

async fn ask(http: &Failing) -> Result<Response<Vec<u8>>, ProviderError> {
    let url = Url::parse("https://idp.example.com/jwks").unwrap();
    call::ask(http, Upstream::Jwks, || call::get(&url)).await
}

#[tokio::test]
async fn a_document_is_asked_for_once_more_where_the_connection_broke_off() {
    let http = Failing::new(1, FetchError::BrokeOff);
    assert!(ask(&http).await.is_ok());
    assert_eq!(http.seen(), 2);
    let http = Failing::new(9, FetchError::BrokeOff);
    assert_eq!(ask(&http).await.unwrap_err(), ProviderError::BrokeOff(Upstream::Jwks));
    assert_eq!(http.seen(), 2, "once more, and no oftener");
}

#[tokio::test]
async fn what_took_too_long_or_could_not_be_reached_is_not_asked_again() {
    for error in [FetchError::TimedOut, FetchError::TooLarge, FetchError::Broken("refused".into())] {
        let http = Failing::new(1, error);
        assert!(ask(&http).await.is_err());
        assert_eq!(http.seen(), 1);
    }
}

fn facts(handle: &str) -> AttemptFacts {
    AttemptFacts {
        handle: handle.into(),
        request_id: "_r".into(),
        nonce: "nonce".into(),
        pkce_verifier: "verifier-verifier-verifier-verifier-verifier".into(),
        callback: Url::parse("https://login.example.com/oauth2/idpresponse").unwrap(),
        entity_id: "urn:amazon:cognito:sp:pool".into(),
        started_at: OffsetDateTime::UNIX_EPOCH,
        asked: Asked::default(),
    }
}

#[tokio::test]
async fn a_code_is_never_sent_twice() {
    let http = Failing::new(1, FetchError::BrokeOff);
    let around = Surroundings {
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        http: Arc::<Failing>::clone(&http),
        used: Arc::new(NoMemory),
        shared: Arc::new(crate::shared::Alone),
    };
    let token = Url::parse("https://idp.example.com/token").unwrap();
    let auth = ClientAuth::SecretPost("secret".into());
    let redeemer = Redeemer { client_id: "client", auth: &auth, token: &token, pkce: true };
    let facts = facts("handle");
    let redeemed = exchange::redeem(&around, &redeemer, &facts, &SecretString::from("code")).await;
    assert_eq!(redeemed.err(), Some(ProviderError::BrokeOff(Upstream::Token)));
    assert_eq!(http.seen(), 1);
}

#[test]
fn an_answer_without_a_state_is_of_no_attempt_even_of_one_that_has_none() {
    let issuer = Issuer { name: None, always: false };
    for state in [None, Some("")] {
        let state = state.map(|state| ("state".to_owned(), state.to_owned()));
        let pairs = state.into_iter().chain([("code".to_owned(), "c".to_owned())]).collect();
        let error = callback::code(pairs, &facts(""), issuer).unwrap_err();
        assert!(matches!(error, ProviderError::NotBelieved { check: "oidc_state", .. }), "{error}");
    }
}

#[test]
fn an_access_token_is_marked_so_that_no_log_of_headers_shows_it() {
    let header = call::bearer(&SecretString::from("hush-hush")).unwrap();
    assert!(header.is_sensitive());
    assert!(!format!("{header:?}").contains("hush"));
}

#[test]
fn an_error_code_of_up_to_100_printable_characters_is_shown_and_no_other() {
    assert_eq!(call::error_code(&"a".repeat(100)), Some("a".repeat(100)));
    for odd in ["", "a\nb", "a\"b", "a\\b", "\u{e4}", &"a".repeat(101)] {
        assert_eq!(call::error_code(odd), None, "{odd}");
    }
}
