//! Between a provider's answer and the attribute mapping.

use serde_json::{Value, json};

use super::super::house::{claims, oidc};
use super::*;

async fn with_federation() -> (House, web::Data<Lambda>) {
    house_with(json!({ "InboundFederation":
        { "LambdaArn": arn("InboundFederation"), "LambdaVersion": "V1_0" } }))
    .await
}

/// From now on Acme is trusted with the addresses of `trusted.example`.
async fn trust(house: &House) {
    let snapshot = house.state.context.registry.snapshot();
    let version = snapshot.pool(POOL).unwrap().providers["Acme"].config.version;
    let mut value = oidc("Acme");
    value.provider_details.insert("trusted_email_domains".into(), "trusted.example".into());
    house.edit(vec![Edit::UpdateProvider(Versioned { value, version })]).await;
}

fn maps(attributes: Value) -> Does {
    Does::Responds(json!({ "userAttributesToMap": attributes }))
}

async fn id_token(house: &House, who: &Value) -> Value {
    let answer = sign_in(house, &mut Browser::default(), who, &[]).await;
    claims(&tokens_of(house, &answer).await["id_token"])
}

#[actix_web::test]
async fn the_event_has_the_provider_s_answer_in_its_parts() {
    let (house, lambda) = with_federation().await;
    let mut who = person("alice");
    who["groups"] = json!(["a", 7]);
    id_token(&house, &who).await;
    let mut event = lambda.event("InboundFederation");
    assert_eq!(event["triggerSource"], "InboundFederation_ExternalProvider");
    assert_eq!((&event["version"], &event["userName"]), (&json!("1"), &json!("Acme_alice")));
    assert_eq!(event["response"], json!({ "userAttributesToMap": {} }));
    let mut request = event["request"].take();
    let mut attributes = request["attributes"].take();
    assert_eq!((&request["providerName"], &request["providerType"]), (&json!("Acme"), &json!("OIDC")));
    let id_token = attributes["idToken"].take();
    assert_eq!((&id_token["sub"], &id_token["email_verified"]), (&json!("alice"), &json!("true")));
    assert_eq!(id_token["groups"], json!(["a", "7"]));
    let answer = attributes["tokenResponse"].take();
    assert_eq!(answer["access_token"], "upstream");
    assert!(answer["id_token"].as_str().unwrap().contains('.'), "{answer}");
    assert_eq!(attributes.get("samlResponse"), None);
}

#[actix_web::test]
async fn what_it_returns_is_mapped_and_nothing_keeps_everything() {
    let (house, lambda) = with_federation().await;
    let alice = id_token(&house, &person("alice")).await;
    assert_eq!((&alice["email"], &alice["name"]), (&json!("alice@acme.example"), &json!("alice")));
    lambda.one_does(
        "InboundFederation",
        maps(json!({ "email": "alice@acme.example", "email_verified": true, "name": "Alice A." })),
    );
    let renamed = id_token(&house, &person("alice")).await;
    assert_eq!((&renamed["name"], &renamed["email_verified"]), (&json!("Alice A."), &json!(true)));
    lambda.one_does("InboundFederation", maps(json!({ "email": "bob@acme.example" })));
    let bob = id_token(&house, &person("bob")).await;
    assert_eq!(
        (&bob["email"], bob.get("name")),
        (&json!("bob@acme.example"), None),
        "what is left out is dropped"
    );
    lambda.one_does("InboundFederation", maps(json!({ "email": null })));
    let answer = sign_in(&house, &mut Browser::default(), &person("carol"), &[]).await;
    assert!(
        answer.told("error_description").unwrap().contains("email: The attribute is required"),
        "{answer:?}"
    );
}

#[actix_web::test]
async fn it_cannot_make_one_person_another() {
    let (house, lambda) = with_federation().await;
    let alice = id_token(&house, &person("alice")).await;
    lambda.one_does(
        "InboundFederation",
        maps(json!({ "sub": "alice", "username": "Acme_alice", "email": "alice@acme.example",
                     "identities": "[]", "cognito:username": "Acme_alice" })),
    );
    let mallory = id_token(&house, &person("mallory")).await;
    assert_ne!(mallory["sub"], alice["sub"]);
    assert_eq!(mallory["cognito:username"], "Acme_mallory");
    assert_eq!(mallory["identities"][0]["userId"], "mallory");
}

#[actix_web::test]
async fn an_address_that_a_function_wrote_is_not_verified() {
    let (house, lambda) = with_federation().await;
    for (who, returned, verified) in [
        // The provider's own word about its own address stands.
        ("a", json!({ "email": "a@acme.example", "email_verified": "true" }), true),
        ("b", json!({ "email": "b@acme.example", "email_verified": "false" }), false),
        ("c", json!({ "email": "c@acme.example" }), false),
        // Said of one address, it is not said of another.
        ("d", json!({ "email": "boss@acme.example", "email_verified": "true" }), false),
        ("e", json!({ "email": "E@acme.example", "email_verified": "true" }), false),
    ] {
        lambda.one_does("InboundFederation", maps(returned.clone()));
        assert_eq!(id_token(&house, &person(who)).await["email_verified"], verified, "{returned}");
    }
    let doubtful = json!({ "sub": "f", "email": "f@acme.example", "email_verified": false });
    lambda.one_does("InboundFederation", maps(json!({ "email": "f@acme.example", "email_verified": true })));
    assert_eq!(id_token(&house, &doubtful).await["email_verified"], false, "the provider did not say so");
}

#[actix_web::test]
async fn a_domain_that_the_pool_trusts_the_provider_with_is_verified_whoever_wrote_it() {
    let (house, lambda) = with_federation().await;
    trust(&house).await;
    for (email, verified) in [("x@trusted.example", true), ("x@other.example", false)] {
        lambda.one_does("InboundFederation", maps(json!({ "email": email, "email_verified": "true" })));
        assert_eq!(id_token(&house, &person("alice")).await["email_verified"], verified, "{email}");
    }
}

#[actix_web::test]
async fn a_waiting_link_does_not_go_by_what_a_function_wrote() {
    use crate::pool::{LinkBy, LinkSource, NewLink};
    let (house, lambda) = with_federation().await;
    let alice = id_token(&house, &person("alice")).await;
    let by = LinkBy::Attribute { name: "email".into(), value: "al@acme.example".into() };
    let link = NewLink {
        pool_id: POOL.into(),
        sub: alice["sub"].as_str().unwrap().into(),
        source: LinkSource { provider_name: "Acme".into(), by },
        provider_type: "OIDC".into(),
        issuer: None,
        at: house.state.context.now(),
    };
    house.directory.inner.link(link).await.unwrap();
    lambda
        .one_does("InboundFederation", maps(json!({ "email": "al@acme.example", "email_verified": "true" })));
    let mallory = id_token(&house, &person("mallory")).await;
    assert_ne!(mallory["sub"], alice["sub"]);
    // Nor by what the provider said without having verified it, when a function puts a good address in its place.
    trust(&house).await;
    lambda.one_does("InboundFederation", maps(json!({ "email": "x@trusted.example" })));
    let doubtful = json!({ "sub": "eve", "email": "al@acme.example", "email_verified": false });
    let eve = id_token(&house, &doubtful).await;
    assert_eq!(eve["email_verified"], true);
    assert_ne!(eve["sub"], alice["sub"]);
    lambda.does(|_, event| returns(event));
    let al = id_token(&house, &person("al")).await;
    assert_eq!(al["sub"], alice["sub"], "whoever the provider itself says has the address");
}

#[actix_web::test]
async fn an_answer_of_another_shape_signs_nobody_in() {
    let (house, lambda) = with_federation().await;
    for response in [
        json!({}),
        json!({ "userAttributesToMap": null }),
        json!({ "userAttributesToMap": [] }),
        json!({ "userAttributesToMap": "x" }),
        json!({ "userAttributesToMap": { "email": { "value": "x" } } }),
        json!({ "userAttributesToMap": { "email": [["x"]] } }),
        json!({ "userAttributesToMap": { "email": [null] } }),
    ] {
        lambda.one_does("InboundFederation", Does::Responds(response.clone()));
        let answer = sign_in(&house, &mut Browser::default(), &person("alice"), &[]).await;
        let description = answer.told("error_description").unwrap_or_default();
        assert!(
            description.starts_with("Unrecognizable lambda output of InboundFederation"),
            "{response}: {answer:?}"
        );
        assert!(user(&house, "Acme_alice").await.is_none());
    }
}
