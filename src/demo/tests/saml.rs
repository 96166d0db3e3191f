use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{App, test, web};
use async_trait::async_trait;
use poolgate_providers::fetch::{FetchError, Http};
use poolgate_providers::saml::{SamlProvider, SamlSettings, metadata};
use poolgate_providers::{
    Asked, AttemptFacts, Inbound, Outbound, Prompt, Provider, ProviderError, Surroundings, SystemRandom,
    UsedOnce,
};
use time::OffsetDateTime;
use url::Url;

use super::{Hands, own};
use crate::demo::people;
use crate::demo::saml_idp::{self, AuthnRequest, SamlIdp, Signs, read_request};
use crate::testing::NOW;

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

fn around() -> Surroundings {
    Surroundings {
        clock: Arc::new(Hands::at(NOW)),
        random: Arc::new(SystemRandom),
        http: Arc::new(Nowhere),
        used: Arc::new(AlwaysFirst),
        shared: Arc::new(poolgate_providers::shared::Alone),
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
    let idp = SamlIdp::new("http://127.0.0.1:9231", own(&Hands::at(NOW))).unwrap();
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
    let idp = SamlIdp::new("http://127.0.0.1:9231", own(&Hands::at(NOW))).unwrap();
    let (provider, facts) = (adapter(&idp), facts(vec![Prompt::None]));
    let request = request(&provider, &facts).await;
    assert!(request.passive);
    let response = idp.respond(&request, None, Signs::Assertion).unwrap();
    let error = provider.finish(&around(), &facts, Inbound::SamlResponse(response)).await.unwrap_err();
    assert!(matches!(error, ProviderError::LoginRequired(_)), "{error:?}");
}

#[actix_web::test]
async fn the_simulated_saml_provider_answers_its_own_relying_party_only() {
    let idp = Arc::new(SamlIdp::new("http://127.0.0.1:9231", own(&Hands::at(NOW))).unwrap());
    let provider = adapter(&idp);
    let app = App::new().app_data(web::Data::new(idp)).configure(saml_idp::routes);
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
