use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{App, test, web};
use async_trait::async_trait;
use poolgate_providers::fetch::{FetchError, Http};
use poolgate_providers::saml::{SamlProvider, SamlSettings, metadata};
use poolgate_providers::{
    Asked, AttemptFacts, Clock, Inbound, Outbound, Prompt, Provider, ProviderError, Surroundings,
    SystemRandom, UsedOnce,
};
use serde_json::Value;
use time::OffsetDateTime;
use url::Url;

use super::oidc_idp::{self, OidcIdp};
use super::saml_idp::{AuthnRequest, SamlIdp, Signs, read_request};
use super::{Own, people};
use crate::testing::NOW;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> OffsetDateTime {
        NOW
    }
}

struct Nowhere;

#[async_trait]
impl Http for Nowhere {
    async fn send(&self, _: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
        Err(FetchError::Broken("no network in this test".into()))
    }
}

struct AlwaysFirst;

#[async_trait]
impl UsedOnce for AlwaysFirst {
    async fn first_use(&self, _: &str, _: OffsetDateTime) -> Result<bool, ProviderError> {
        Ok(true)
    }
}

fn own() -> Own {
    Own { gateway: "http://localhost:9229".into(), clock: Arc::new(Fixed), random: Arc::new(SystemRandom) }
}

fn around() -> Surroundings {
    Surroundings {
        clock: Arc::new(Fixed),
        random: Arc::new(SystemRandom),
        http: Arc::new(Nowhere),
        used: Arc::new(AlwaysFirst),
    }
}

fn facts(prompt: Vec<Prompt>) -> AttemptFacts {
    AttemptFacts {
        handle: "handle".into(),
        request_id: "_0123456789".into(),
        nonce: "nonce".to_owned().into(),
        pkce_verifier: "verifier".to_owned().into(),
        callback: Url::parse("http://localhost:9229/saml2/idpresponse").unwrap(),
        entity_id: "urn:amazon:cognito:sp:us-east-1_Tests0001".into(),
        started_at: NOW,
        asked: Asked { prompt, ..Asked::default() },
    }
}

fn adapter(idp: &SamlIdp) -> SamlProvider {
    let metadata = metadata::parse(idp.metadata().unwrap().as_bytes()).unwrap();
    let details = [("MetadataFile".to_owned(), "x".to_owned())].into();
    SamlProvider::new(SamlSettings::from_details(&details, metadata, true).unwrap(), None)
}

async fn request(provider: &SamlProvider, facts: &AttemptFacts) -> AuthnRequest {
    let Outbound::Redirect(url) = provider.begin(&around(), facts).await.unwrap() else {
        panic!("a redirect")
    };
    let encoded = url.query_pairs().find(|(name, _)| name == "SAMLRequest").unwrap().1.into_owned();
    read_request(&encoded).unwrap()
}

#[actix_web::test]
async fn the_simulated_saml_provider_is_believed_whatever_part_it_signs() {
    let idp = SamlIdp::new("http://127.0.0.1:9231", own()).unwrap();
    let (provider, facts) = (adapter(&idp), facts(vec![]));
    let request = request(&provider, &facts).await;
    for signs in [Signs::Assertion, Signs::Response, Signs::Both] {
        let response = idp.respond(&request, people::find("ada"), signs).unwrap();
        let identity = provider.finish(&around(), &facts, Inbound::SamlResponse(response)).await.unwrap();
        assert_eq!(identity.get().subject, "ada", "{signs:?}");
        assert_eq!(identity.get().attributes["groups"], ["engineers", "authors"]);
    }
}

#[actix_web::test]
async fn asked_passively_the_simulated_saml_provider_says_that_nobody_is_signed_in() {
    let idp = SamlIdp::new("http://127.0.0.1:9231", own()).unwrap();
    let (provider, facts) = (adapter(&idp), facts(vec![Prompt::None]));
    let request = request(&provider, &facts).await;
    assert!(request.passive);
    let response = idp.respond(&request, None, Signs::Assertion).unwrap();
    let error = provider.finish(&around(), &facts, Inbound::SamlResponse(response)).await.unwrap_err();
    assert!(matches!(error, ProviderError::LoginRequired(_)), "{error:?}");
}

#[actix_web::test]
async fn the_simulated_saml_provider_answers_its_own_relying_party_only() {
    let idp = Arc::new(SamlIdp::new("http://127.0.0.1:9231", own()).unwrap());
    let provider = adapter(&idp);
    let app = App::new().app_data(web::Data::new(idp)).configure(super::saml_idp::routes);
    let service = test::init_service(app).await;
    let mut facts = facts(vec![]);
    for (callback, expected) in [
        ("http://localhost:9229/saml2/idpresponse", StatusCode::OK),
        ("http://evil.example/saml2/idpresponse", StatusCode::BAD_REQUEST),
        ("http://localhost:9229@evil.example/saml2/idpresponse", StatusCode::BAD_REQUEST),
        ("http://localhost:9229/elsewhere", StatusCode::BAD_REQUEST),
    ] {
        facts.callback = Url::parse(callback).unwrap();
        let Outbound::Redirect(url) = provider.begin(&around(), &facts).await.unwrap() else {
            panic!("a redirect")
        };
        let form = format!("{}&person=ada", url.query().unwrap());
        let sent = test::TestRequest::post().uri("/sign-in").set_payload(form).to_request();
        assert_eq!(test::call_service(&service, sent).await.status(), expected, "{}", facts.callback);
    }
}

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "http://localhost:9229/oauth2/idpresponse";

/// Signs Ada in at the simulated OIDC provider with these changes to the request; the status, and the code.
async fn oidc_code(idp: &Arc<OidcIdp>, changes: &[(&str, &str)]) -> (StatusCode, Option<String>) {
    let mut pairs = vec![
        ("client_id", oidc_idp::CLIENT_ID),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("person", "ada"),
    ];
    pairs.retain(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    pairs.extend_from_slice(changes);
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let app = App::new().app_data(web::Data::new(Arc::clone(idp))).configure(oidc_idp::routes);
    let service = test::init_service(app).await;
    let sent = test::TestRequest::post().uri("/sign-in").set_payload(form).to_request();
    let answer = test::call_service(&service, sent).await;
    let location = answer.headers().get("location").map(|value| Url::parse(value.to_str().unwrap()).unwrap());
    let code = location.and_then(|url| {
        let code = url.query_pairs().find(|(name, _)| name == "code")?.1.into_owned();
        Some(code)
    });
    (answer.status(), code)
}

async fn oidc_token(idp: &Arc<OidcIdp>, pairs: &[(&str, &str)]) -> (StatusCode, Value) {
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let app = App::new().app_data(web::Data::new(Arc::clone(idp))).configure(oidc_idp::routes);
    let service = test::init_service(app).await;
    let sent = test::TestRequest::post().uri("/token").set_payload(form).to_request();
    let answer = test::call_service(&service, sent).await;
    (answer.status(), test::read_body_json(answer).await)
}

#[actix_web::test]
async fn the_simulated_oidc_provider_refuses_what_a_real_one_refuses() {
    let idp = Arc::new(OidcIdp::new("http://127.0.0.1:9232", own()).unwrap());
    for change in [
        ("client_id", "somebody"),
        ("redirect_uri", "http://evil.example/oauth2/idpresponse"),
        ("response_type", "token"),
        ("scope", "email"),
        ("code_challenge_method", "plain"),
        ("person", "mallory"),
    ] {
        assert_eq!(oidc_code(&idp, &[change]).await.0, StatusCode::BAD_REQUEST, "{change:?}");
    }
    let secret = idp.client_secret().to_owned();
    let good = |code: &str| {
        [
            ("grant_type", "authorization_code".to_owned()),
            ("client_id", oidc_idp::CLIENT_ID.to_owned()),
            ("client_secret", secret.clone()),
            ("redirect_uri", CALLBACK.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
            ("code", code.to_owned()),
        ]
    };
    for (name, value, error) in [
        ("client_secret", "wrong", "invalid_client"),
        ("redirect_uri", "http://localhost:9229/other", "invalid_grant"),
        ("code_verifier", CHALLENGE, "invalid_grant"),
        ("grant_type", "password", "unsupported_grant_type"),
        ("code", "unknown", "invalid_grant"),
    ] {
        let code = oidc_code(&idp, &[]).await.1.unwrap();
        let mut pairs = good(&code);
        pairs.iter_mut().find(|(known, _)| *known == name).unwrap().1 = value.to_owned();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(oidc_token(&idp, &pairs).await.1["error"], error, "{name}");
    }
    let code = oidc_code(&idp, &[]).await.1.unwrap();
    let pairs = good(&code);
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(oidc_token(&idp, &pairs).await.0, StatusCode::OK);
    assert_eq!(oidc_token(&idp, &pairs).await.1["error"], "invalid_grant", "a code is used once");
}
