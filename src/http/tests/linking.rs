//! Linked people sign in: one pass, the right user, and everything over once the link is removed.

use serde_json::{Value, json};

use super::house::{Answer, Browser, House, POOL, callback_path, claims, person};
use super::saml::{self, Idp};
use super::single_logout::Person;
use crate::api;
use crate::directory::{Ended, Unlink};
use crate::pool::{LinkBy, LinkSource};
use crate::sign_out::provenance::of_person;
use crate::testing::NOW;

async fn call(house: &House, operation: &str, members: Value) -> Value {
    let mut input = json!({"UserPoolId": POOL});
    input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    api::call(&house.state.api, operation, input).await.unwrap_or_else(|error| panic!("{operation}: {error}"))
}

async fn link(house: &House, username: &str, provider: &str, attribute: &str, value: &str) {
    let members = json!({
        "DestinationUser": {"ProviderName": "Cognito", "ProviderAttributeValue": username},
        "SourceUser": source(provider, attribute, value),
    });
    call(house, "AdminLinkProviderForUser", members).await;
}

async fn unlink(house: &House, provider: &str, subject: &str) {
    let members = json!({"User": source(provider, "Cognito_Subject", subject)});
    call(house, "AdminDisableProviderForUser", members).await;
}

fn source(provider: &str, attribute: &str, value: &str) -> Value {
    json!({"ProviderName": provider, "ProviderAttributeName": attribute, "ProviderAttributeValue": value})
}

/// Signs this person in at an OpenID provider.
async fn by(house: &House, provider: &str, claims: &Value) -> Answer {
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[("identity_provider", provider)]).await;
    house.get(&mut browser, &callback_path(&leaving, claims)).await
}

/// The claims of the ID token of a sign-in that succeeded.
async fn id(house: &House, landed: &Answer) -> Value {
    let tokens = house.redeem(&landed.code(), &[]).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    claims(&tokens.json()["id_token"])
}

async fn usernames(house: &House) -> Vec<String> {
    let users = call(house, "ListUsers", json!({})).await;
    let users = users["Users"].as_array().unwrap().iter();
    users.map(|user| user["Username"].as_str().unwrap().to_owned()).collect()
}

async fn with_corp(details: &[(&str, &str)]) -> (House, Idp) {
    let house = House::build().await;
    let corp = Idp::new("Corp", saml::Key::good());
    corp.move_in(&house, details).await;
    (house, corp)
}

#[actix_web::test]
async fn the_first_linked_sign_in_succeeds_in_one_pass_as_the_same_user() {
    let (house, corp) = with_corp(&[]).await;
    let own = id(&house, &by(&house, "Acme", &person("alice")).await).await;
    link(&house, "Acme_alice", "Corp", "Cognito_Subject", "a.smith").await;
    let landed = corp.sign_in(&house, &mut Browser::default(), "a.smith", "s1").await;
    let tokens = house.redeem(&landed.code(), &[]).await.json();
    let linked = claims(&tokens["id_token"]);
    assert_eq!(linked["sub"], own["sub"]);
    assert_eq!(linked["cognito:username"], "Acme_alice");
    assert_eq!(claims(&tokens["access_token"])["username"], "Acme_alice");
    assert_eq!(linked["email"], "a.smith@example.com", "attributes follow the provider that signs in");
    let groups = [format!("{POOL}_Acme"), format!("{POOL}_Corp")];
    assert_eq!(linked["cognito:groups"], json!(groups));
    let created = NOW.unix_timestamp() * 1000;
    let identity = |user: &str, provider: &str, kind: &str, issuer: Value, primary: bool| {
        json!({"userId": user, "providerName": provider, "providerType": kind, "issuer": issuer,
               "primary": primary.to_string(), "dateCreated": created.to_string()})
    };
    let identities = json!([
        identity("alice", "Acme", "OIDC", Value::Null, true),
        identity("a.smith", "Corp", "SAML", corp.entity.clone().into(), false),
    ]);
    assert_eq!(linked["identities"], identities);
    assert_eq!(usernames(&house).await, ["Acme_alice"]);
    // And back by the first, with its own attributes again.
    let again = id(&house, &by(&house, "Acme", &person("alice")).await).await;
    assert_eq!((&again["sub"], &again["email"]), (&own["sub"], &json!("alice@acme.example")));
    assert_eq!(again["identities"], identities);
}

#[actix_web::test]
async fn user_info_lists_every_identity() {
    let house = House::build().await;
    id(&house, &by(&house, "Acme", &person("alice")).await).await;
    link(&house, "Acme_alice", "Globex", "Cognito_Subject", "g1").await;
    let mut browser = Browser::default();
    let wish = [("identity_provider", "Globex"), ("scope", "openid profile")];
    let leaving = house.authorize(&mut browser, &wish).await;
    let landed = house.get(&mut browser, &callback_path(&leaving, &person("g1"))).await;
    let tokens = house.redeem(&landed.code(), &[]).await.json();
    let info = house.user_info(tokens["access_token"].as_str().unwrap()).await.json();
    let identities: Value = serde_json::from_str(info["identities"].as_str().unwrap()).unwrap();
    let ids: Vec<_> = identities.as_array().unwrap().iter().map(|one| one["userId"].clone()).collect();
    assert_eq!(ids, ["alice", "g1"]);
    assert_eq!(info["username"], "Acme_alice");
}

#[actix_web::test]
async fn an_address_that_is_not_verified_takes_no_link() {
    let house = House::build().await;
    let own = id(&house, &by(&house, "Globex", &person("alice")).await).await;
    link(&house, "Globex_alice", "Acme", "email", "alice@acme.example").await;
    for (name, verified) in [("mallory", json!(false)), ("mallet", Value::Null), ("m3", json!("false"))] {
        let mut thief = person("alice");
        (thief["sub"], thief["email_verified"]) = (name.into(), verified);
        let thief = id(&house, &by(&house, "Acme", &thief).await).await;
        assert_eq!(thief["cognito:username"], format!("Acme_{name}"));
        assert_ne!(thief["sub"], own["sub"]);
    }
    let mut herself = person("alice");
    herself["sub"] = "a1".into();
    let herself = id(&house, &by(&house, "Acme", &herself).await).await;
    assert_eq!((&herself["sub"], &herself["cognito:username"]), (&own["sub"], &json!("Globex_alice")));
    // Bound for good, to that identity alone.
    let mut next = person("alice");
    next["sub"] = "a2".into();
    assert_eq!(id(&house, &by(&house, "Acme", &next).await).await["cognito:username"], "Acme_a2");
    let moved = json!({"sub": "a1", "email": "new@acme.example", "email_verified": false});
    assert_eq!(id(&house, &by(&house, "Acme", &moved).await).await["sub"], own["sub"]);
}

#[actix_web::test]
async fn an_address_in_a_domain_that_the_pool_trusts_takes_a_link() {
    let (house, corp) = with_corp(&[("trusted_email_domains", "example.com")]).await;
    let own = id(&house, &by(&house, "Acme", &person("alice")).await).await;
    link(&house, "Acme_alice", "Corp", "email", "a.smith@example.com").await;
    let landed = corp.sign_in(&house, &mut Browser::default(), "a.smith", "s1").await;
    let linked = id(&house, &landed).await;
    assert_eq!((&linked["sub"], &linked["identities"][1]["userId"]), (&own["sub"], &json!("a.smith")));
}

#[actix_web::test]
async fn without_a_link_the_same_verified_address_is_another_user() {
    let house = House::build().await;
    let one = id(&house, &by(&house, "Acme", &person("alice")).await).await;
    let other = id(&house, &by(&house, "Globex", &person("alice")).await).await;
    assert_eq!(one["email"], other["email"]);
    assert_ne!(one["sub"], other["sub"]);
}

#[actix_web::test]
async fn links_that_lead_to_two_users_sign_nobody_in_and_the_app_is_told() {
    let house = House::build().await;
    for name in ["alice", "bob"] {
        by(&house, "Globex", &person(name)).await.code();
    }
    link(&house, "Globex_alice", "Acme", "email", "both@acme.example").await;
    link(&house, "Globex_bob", "Acme", "name", "Both").await;
    let both = json!({"sub": "x", "email": "both@acme.example", "email_verified": true, "name": "Both"});
    let landed = by(&house, "Acme", &both).await;
    assert_eq!(landed.told("error").as_deref(), Some("server_error"));
    let told = landed.told("error_description").unwrap();
    assert!(told.contains("lead to different users"), "{told}");
    assert_eq!(usernames(&house).await, ["Globex_alice", "Globex_bob"]);
}

#[actix_web::test]
async fn an_unlinked_identity_is_over_at_once_and_becomes_somebody_else() {
    let (house, corp) = with_corp(&[]).await;
    let rival = Idp::new("Rival", saml::Key::evil());
    rival.move_in(&house, &[]).await;
    let own = Person::arrives(&house, &rival, "alice", "s1").await;
    link(&house, "Rival_alice", "Corp", "Cognito_Subject", "a.smith").await;
    let linked = Person::arrives(&house, &corp, "a.smith", "s1").await;
    let bystander = Person::arrives(&house, &corp, "bob", "s1").await;
    linked.assert_all_live(&house).await;
    let linked = Person::arrives(&house, &corp, "a.smith", "s2").await;
    house.advance(time::Duration::milliseconds(1));
    let before = usernames(&house).await;
    unlink(&house, "Corp", "a.smith").await;
    linked.assert_all_over(&house).await;
    bystander.assert_all_live(&house).await;
    assert!(own.has_session(&house).await, "what another identity of the user proved stands");
    // Access tokens do not say which identity they come from: those of before are over, the next are good.
    assert_eq!(house.user_info(&own.access).await.status, 401);
    house.advance(time::Duration::milliseconds(1));
    own.assert_tokens_live(&house).await;
    assert_eq!(usernames(&house).await, before);
    let anew = Person::arrives(&house, &corp, "a.smith", "s3").await;
    anew.assert_all_live(&house).await;
    assert_eq!(usernames(&house).await, ["Corp_a.smith", "Corp_bob", "Rival_alice"]);
}

#[actix_web::test]
async fn a_refresh_token_of_an_unlinked_identity_is_over_for_as_long_as_it_would_have_lived() {
    let (house, corp) = with_corp(&[]).await;
    by(&house, "Acme", &person("alice")).await.code();
    link(&house, "Acme_alice", "Corp", "Cognito_Subject", "a.smith").await;
    let linked = Person::arrives(&house, &corp, "a.smith", "s1").await;
    unlink(&house, "Corp", "a.smith").await;
    house.advance(time::Duration::days(29));
    // What nothing needs any more is forgotten along with what is written.
    for subject in ["bob", "carol"] {
        by(&house, "Acme", &person(subject)).await.code();
    }
    let refreshed = house.refresh("app", &linked.refresh).await;
    assert_eq!(refreshed.status, 400, "{refreshed:?}");
    assert_eq!(refreshed.json()["error_description"], "Refresh Token has been revoked");
}

/// The link of the provider's `a.smith` is removed behind the next sign-in.
fn is_unlinked_behind_the_next_sign_in(house: &House, provider: &str) {
    let ended = Ended {
        person: of_person(provider, "a.smith"),
        sessions: Vec::new(),
        at: NOW,
        tokens: true,
        until: NOW + time::Duration::DAY,
    };
    let by_subject = LinkBy::Subject("a.smith".into());
    let source = LinkSource { provider_name: provider.into(), by: by_subject };
    house.unlink_behind_the_next_sign_in(Unlink { pool_id: POOL.into(), source, ended });
}

#[actix_web::test]
async fn a_sign_in_that_is_under_way_while_its_link_is_removed_opens_nothing() {
    let (house, corp) = with_corp(&[]).await;
    by(&house, "Acme", &person("alice")).await.code();
    link(&house, "Acme_alice", "Corp", "Cognito_Subject", "a.smith").await;
    is_unlinked_behind_the_next_sign_in(&house, "Corp");
    let mut browser = Browser::default();
    let code = corp.sign_in(&house, &mut browser, "a.smith", "s1").await.code();
    let refused = house.redeem(&code, &[]).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (400, &json!("invalid_grant")));
    let passive = house.authorize(&mut browser, &[("prompt", "none")]).await;
    assert_eq!(passive.told("error").as_deref(), Some("login_required"));
}

#[actix_web::test]
async fn tokens_in_the_fragment_come_of_no_sign_in_whose_link_is_removed_meanwhile() {
    let house = House::build().await;
    by(&house, "Acme", &person("alice")).await.code();
    link(&house, "Acme_alice", "Globex", "Cognito_Subject", "a.smith").await;
    is_unlinked_behind_the_next_sign_in(&house, "Globex");
    let mut browser = Browser::default();
    let implicit = [
        ("client_id", "spa"),
        ("response_type", "token"),
        ("identity_provider", "Globex"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ];
    let leaving = house.authorize(&mut browser, &implicit).await;
    let landed = house.get(&mut browser, &callback_path(&leaving, &person("a.smith"))).await;
    let fragment = landed.location().fragment().unwrap().to_owned();
    assert!(fragment.contains("error=access_denied") && !fragment.contains("token="), "{fragment}");
    // As a new user, which the person is from now on.
    let leaving = house.authorize(&mut browser, &implicit).await;
    let landed = house.get(&mut browser, &callback_path(&leaving, &person("a.smith"))).await;
    assert!(landed.location().fragment().unwrap().contains("access_token="), "{landed:?}");
    assert_eq!(usernames(&house).await, ["Acme_alice", "Globex_a.smith"]);
}
