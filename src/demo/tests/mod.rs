//! The simulators, as a client meets them over HTTP: what they give, and what they refuse.

mod amazon;
mod apple;
mod facebook;
mod google;
mod oidc;
mod preview;
mod saml;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::test::TestRequest;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, test};
use poolgate_providers::{Clock, SystemRandom};
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use url::Url;

use super::Own;
use crate::testing::NOW;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "http://localhost:9229/oauth2/idpresponse";

/// A clock whose hands are moved by the test.
#[derive(Clone)]
struct Hands(Arc<AtomicI64>);

impl Hands {
    fn at(moment: OffsetDateTime) -> Self {
        Self(Arc::new(AtomicI64::new(moment.unix_timestamp())))
    }

    fn forward(&self, by: Duration) {
        self.0.fetch_add(by.whole_seconds(), Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

fn own(hands: &Hands) -> Own {
    Own {
        gateway: "http://localhost:9229".into(),
        clock: Arc::new(hands.clone()),
        random: Arc::new(SystemRandom),
    }
}

/// A simulator and the way to it.
struct Site<T> {
    idp: Arc<T>,
    routes: fn(&mut ServiceConfig),
    hands: Hands,
}

/// What came back.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

type Pairs<'a> = [(&'a str, &'a str)];

fn encoded(pairs: &Pairs<'_>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// These pairs, of which the changed ones are replaced; one without a value is left out.
fn changed<'a>(pairs: &Pairs<'a>, changes: &Pairs<'a>) -> Vec<(&'a str, &'a str)> {
    let kept = pairs.iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    kept.chain(changes.iter().filter(|(_, value)| !value.is_empty())).copied().collect()
}

impl<T: Send + Sync + 'static> Site<T> {
    fn new(routes: fn(&mut ServiceConfig), make: impl FnOnce(Own) -> T) -> Self {
        let hands = Hands::at(NOW);
        Self { idp: Arc::new(make(own(&hands))), routes, hands }
    }

    async fn send(&self, request: TestRequest) -> Answer {
        let app = App::new().app_data(web::Data::new(Arc::clone(&self.idp))).configure(self.routes);
        let service = test::init_service(app).await;
        let answer = test::call_service(&service, request.to_request()).await;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = String::from_utf8(test::read_body(answer).await.to_vec()).unwrap();
        Answer { status, headers, body }
    }

    async fn get(&self, path: &str, pairs: &Pairs<'_>) -> Answer {
        self.send(TestRequest::get().uri(&format!("{path}?{}", encoded(pairs)))).await
    }

    async fn get_as(&self, path: &str, pairs: &Pairs<'_>, bearer: &str) -> Answer {
        let request = TestRequest::get().uri(&format!("{path}?{}", encoded(pairs)));
        self.send(request.insert_header(("authorization", format!("Bearer {bearer}")))).await
    }

    async fn post(&self, path: &str, pairs: &Pairs<'_>) -> Answer {
        self.send(TestRequest::post().uri(path).set_payload(encoded(pairs))).await
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.body))
    }

    fn location(&self) -> Url {
        let location =
            self.headers.get("location").unwrap_or_else(|| panic!("{} {}", self.status, self.body));
        Url::parse(location.to_str().unwrap()).unwrap()
    }

    /// A value of the query that the browser carries back.
    fn back(&self, name: &str) -> Option<String> {
        let location = self.location();
        assert!(location.as_str().starts_with(CALLBACK), "{location}");
        location.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// It is a page with a form for the client.
    fn posts_back(&self) -> bool {
        self.body.contains(&format!("action=\"{}\"", CALLBACK.replace('/', "&#x2f;")))
    }

    /// A field of the form that the page posts back.
    fn field(&self, name: &str) -> Option<String> {
        assert!(self.posts_back(), "{}", self.body);
        let (_, rest) = self.body.split_once(&format!("name=\"{name}\" value=\""))?;
        let value = rest.split_once('"')?.0;
        Some(value.replace("&quot;", "\"").replace("&#x2f;", "/").replace("&amp;", "&"))
    }

    /// It stays with the browser, as a page.
    fn is_page(&self, status: StatusCode, saying: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert!(self.headers.get("location").is_none());
        assert!(!self.posts_back(), "{}", self.body);
        assert!(self.body.contains(saying), "{saying}: {}", self.body);
    }
}

/// The claims of a token, unverified.
fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// The claims of a token that a published key signed.
fn verified(token: &str, jwks: &Value) -> Option<Value> {
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_value(jwks.clone()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(keys.find(&kid)?).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    (validation.validate_exp, validation.validate_aud) = (false, false);
    Some(jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims)
}
