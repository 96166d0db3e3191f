//! The discovery document.

use super::*;
use crate::{Outbound, Upstream};

async fn begin(idp: &Idp) -> Result<Outbound, ProviderError> {
    idp.provider.begin(&idp.around, &idp.facts).await
}

async fn begin_with(change: impl FnOnce(&mut Value, &str)) -> Result<Outbound, ProviderError> {
    let idp = Idp::new().await;
    let mut metadata = Idp::metadata(&idp.issuer());
    change(&mut metadata, &idp.issuer());
    idp.play(|script| script.discovery = ok(&metadata));
    begin(&idp).await
}

#[tokio::test]
async fn a_document_of_another_issuer_is_refused() {
    for issuer in ["https://evil.example", ""] {
        let error = begin_with(|m, _| m["issuer"] = json!(issuer)).await.unwrap_err();
        assert_eq!(check_of(&error), "oidc_discovery_issuer");
    }
    let error = begin_with(|m, issuer| m["issuer"] = json!(format!("{issuer}//"))).await.unwrap_err();
    assert_eq!(check_of(&error), "oidc_discovery_issuer");
}

#[tokio::test]
async fn an_issuer_that_ends_with_a_slash_is_held_to_its_slash() {
    let idp = Idp::new().await;
    let mut metadata = Idp::metadata(&idp.issuer());
    metadata["issuer"] = json!(format!("{}/", idp.issuer()));
    idp.play(|script| script.discovery = ok(&metadata));
    assert_eq!(check_of(&idp.finish().await.unwrap_err()), "oidc_issuer");
    idp.tokens(&claims(&format!("{}/", idp.issuer())));
    assert!(idp.finish().await.is_ok());
}

#[tokio::test]
async fn endpoints_must_be_https_or_loopback_in_development() {
    for name in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"] {
        for url in [
            "http://idp.example.com/x",
            "ftp://a.example",
            "x",
            "https://u@a.example/",
            "https://a.example/#f",
        ] {
            let error = begin_with(|m, _| m[name] = json!(url)).await.unwrap_err();
            assert!(
                matches!(&error, ProviderError::BadReply { at: Upstream::Discovery, .. }),
                "{name} {url}"
            );
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}

#[tokio::test]
async fn a_missing_endpoint_is_named() {
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        let error = begin_with(|m, _| m[name] = Value::Null).await.unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn an_authorization_endpoint_that_sets_our_parameters_is_refused() {
    let error =
        begin_with(|m, issuer| m["authorization_endpoint"] = json!(format!("{issuer}/a?state=x"))).await;
    assert!(error.unwrap_err().to_string().contains("state"));
}

#[tokio::test]
async fn a_provider_with_symmetric_algorithms_alone_is_refused() {
    let error =
        begin_with(|m, _| m["id_token_signing_alg_values_supported"] = json!(["HS256", "none"])).await;
    assert!(error.unwrap_err().to_string().contains("id_token_signing_alg_values_supported"));
}

#[tokio::test]
async fn without_announced_algorithms_only_rs256_is_believed() {
    let idp = Idp::new().await;
    let mut metadata = Idp::metadata(&idp.issuer());
    metadata.as_object_mut().unwrap().remove("id_token_signing_alg_values_supported");
    idp.play(|script| script.discovery = ok(&metadata));
    assert!(idp.finish().await.is_ok());
    let header = json!({ "alg": "RS512", "kid": "k1" });
    idp.token_reply(rsa().sign(&header, claims(&idp.issuer()).to_string().as_bytes()));
    assert_eq!(check_of(&idp.finish().await.unwrap_err()), "oidc_alg");
}

#[tokio::test]
async fn the_document_is_fetched_once_a_day() {
    let idp = Idp::new().await;
    for _ in 0..3 {
        begin(&idp).await.unwrap();
    }
    assert_eq!(idp.requests("/.well-known/openid-configuration").await.len(), 1);
    idp.clock.pass(Duration::hours(24));
    begin(&idp).await.unwrap();
    assert_eq!(idp.requests("/.well-known/openid-configuration").await.len(), 2);
}

#[tokio::test]
async fn a_failure_is_not_repeated_at_once_and_the_old_document_stays() {
    let idp = Idp::new().await;
    idp.play(|script| script.discovery = ResponseTemplate::new(503));
    for _ in 0..3 {
        let error = begin(&idp).await.unwrap_err();
        assert!(matches!(error, ProviderError::BadReply { at: Upstream::Discovery, status: 503, .. }));
    }
    assert_eq!(idp.requests("/.well-known/openid-configuration").await.len(), 1);
    idp.clock.pass(Duration::seconds(5));
    let good = ok(&Idp::metadata(&idp.issuer()));
    idp.play(|script| script.discovery = good);
    begin(&idp).await.unwrap();
    idp.clock.pass(Duration::hours(25));
    idp.play(|script| script.discovery = ResponseTemplate::new(500));
    begin(&idp).await.unwrap();
}
