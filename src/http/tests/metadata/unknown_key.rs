//! A signature that no known key has made: fresh metadata may know the key, and garbage gains nothing.

use std::sync::Arc;

use serde_json::json;
use time::Duration;

use super::super::house::{Browser, CALLBACK, query};
use super::super::moods::Mood;
use super::super::saml;
use super::{Corp, Site, URL, with_attribute, with_key_of};
use crate::demo::people::PEOPLE;
use crate::demo::saml_idp::Signs;

const NOBODY: &str = "none of the provider's signing certificates";

#[actix_web::test]
async fn a_sign_in_with_a_key_that_only_fresh_metadata_knows_succeeds() {
    let corp = Corp::build().await;
    let next = corp.other_key();
    corp.says(&next.metadata().unwrap());
    corp.house.advance(Duration::seconds(10));
    corp.sign_in(&next).await.code();
    assert_eq!(corp.asked(), 2);
    corp.assert_refused(&corp.sign_in(&corp.idp).await, NOBODY);
    corp.sign_in(&next).await.code();
    assert_eq!(corp.asked(), 2, "a known key needs no fetch, and another one waits a minute");
}

#[actix_web::test]
async fn metadata_is_never_fetched_within_ten_seconds_of_the_last_time() {
    let corp = Corp::build().await;
    let next = corp.other_key();
    corp.says(&next.metadata().unwrap());
    corp.house.advance(Duration::milliseconds(9_999));
    corp.assert_refused(&corp.sign_in(&next).await, NOBODY);
    assert_eq!(corp.asked(), 1);
    corp.house.advance(Duration::milliseconds(1));
    corp.sign_in(&next).await.code();

    // A fetch that was due counts too, whether it failed or not.
    corp.answers(Ok((500, Vec::new())));
    corp.wait(Duration::hours(6)).await;
    assert_eq!(corp.asked(), 3);
    corp.house.advance(Duration::milliseconds(9_999));
    corp.assert_refused(&corp.sign_in(&corp.idp).await, NOBODY);
    assert_eq!(corp.asked(), 3);
}

#[actix_web::test]
async fn garbage_has_metadata_fetched_once_a_minute_and_no_more() {
    let corp = Corp::build().await;
    let stranger = corp.other_key();
    corp.house.advance(Duration::seconds(10));
    for second in 0..180 {
        corp.assert_refused(&corp.sign_in(&stranger).await, NOBODY);
        assert_eq!(corp.asked(), 2 + second / 60, "after {second} s");
        corp.house.advance(Duration::SECOND);
    }
    corp.sign_in(&corp.idp).await.code();
}

#[actix_web::test]
async fn failed_fetches_count_and_the_answer_is_refused() {
    let corp = Corp::build().await;
    let next = corp.other_key();
    corp.answers(Err(poolgate_providers::fetch::FetchError::TimedOut));
    corp.house.advance(Duration::seconds(10));
    for _ in 0..5 {
        corp.assert_refused(&corp.sign_in(&next).await, NOBODY);
        corp.house.advance(Duration::seconds(11));
    }
    assert_eq!(corp.asked(), 2);
    corp.says(&with_key_of(&corp.document(), &next));
    corp.house.advance(Duration::seconds(5));
    corp.sign_in(&next).await.code();
}

#[actix_web::test]
async fn sign_ins_at_the_same_time_share_one_fetch() {
    let corp = Corp::build().await;
    let next = corp.other_key();
    corp.says(&next.metadata().unwrap());
    corp.house.advance(Duration::seconds(10));
    let turn = corp.site.open.acquire().await.unwrap();
    let opening = async {
        while corp.asked() < 2 {
            tokio::task::yield_now().await;
        }
        // All of them wait by now, or come to a fresh copy.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        drop(turn);
    };
    let sign_in = || corp.sign_in(&next);
    let (a, b, c, d, ()) = tokio::join!(sign_in(), sign_in(), sign_in(), sign_in(), opening);
    for answer in [a, b, c, d] {
        answer.code();
    }
    assert_eq!(corp.asked(), 2);
}

#[actix_web::test]
async fn a_fetch_for_an_unknown_key_goes_on_when_the_browser_does_not_wait() {
    let corp = Corp::build().await;
    let next = corp.other_key();
    corp.says(&next.metadata().unwrap());
    corp.house.advance(Duration::seconds(10));
    let turn = corp.site.open.acquire().await.unwrap();
    tokio::select! {
        _ = corp.sign_in(&next) => panic!("there is no answer yet"),
        () = async { while corp.asked() < 2 { tokio::task::yield_now().await } } => {}
    }
    drop(turn);
    while corp.document() != next.metadata().unwrap() {
        tokio::task::yield_now().await;
    }
    corp.sign_in(&next).await.code();
    assert_eq!(corp.asked(), 2);
}

#[actix_web::test]
async fn fresh_metadata_opens_no_door_to_anything_but_the_signature() {
    let corp = Corp::build().await;
    corp.house.advance(Duration::seconds(10));
    // Same metadata, new words: what the known key did not sign stays unsigned.
    let stranger = corp.other_key();
    corp.says(&with_attribute(&corp.document(), "ID=\"_2\""));
    corp.assert_refused(&corp.sign_in(&stranger).await, NOBODY);
    assert_eq!(corp.asked(), 2);
    // Another entity's metadata with the very key is not taken.
    corp.house.advance(Duration::minutes(1));
    let other = stranger.metadata().unwrap().replacen("saml.example", "evil.example", 1);
    corp.says(&other);
    corp.assert_refused(&corp.sign_in(&stranger).await, NOBODY);
    assert_eq!(corp.asked(), 3);
}

#[actix_web::test]
async fn metadata_that_came_as_a_file_is_not_fetched_and_the_error_says_what_to_do() {
    let corp = Corp::build().await;
    let file = json!({ "MetadataFile": corp.idp.metadata().unwrap() });
    corp.configure("UpdateIdentityProvider", file).await.unwrap();
    corp.house.advance(Duration::minutes(2));
    corp.assert_refused(&corp.sign_in(&corp.other_key()).await, "update MetadataFile");
    assert_eq!(corp.asked(), 1);
    corp.wait(Duration::days(2)).await;
    assert_eq!(corp.asked(), 1);
}

#[actix_web::test]
async fn a_sign_in_that_the_provider_starts_is_given_fresh_metadata_too() {
    let corp = Corp::build().await;
    corp.configure("UpdateIdentityProvider", json!({ "MetadataURL": URL, "IDPInit": "true" })).await.unwrap();
    corp.house.change_client("app", |client| client.supported_identity_providers = vec!["Corp".into()]).await;
    let next = corp.other_key();
    corp.says(&next.metadata().unwrap());
    corp.house.advance(Duration::seconds(10));
    let (entity_id, acs) =
        ("urn:amazon:cognito:sp:us-east-1_Tests0001", "http://localhost:9229/saml2/idpresponse");
    let response = next.start(entity_id, acs, &PEOPLE[0], Signs::Assertion).unwrap();
    let relay_state = query(&[
        ("identity_provider", "Corp"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
    ]);
    let form = [("SAMLResponse", response.as_str()), ("RelayState", relay_state.as_str())];
    corp.house.post_from(&mut Browser::default(), "/saml2/idpresponse", &form).await.code();
    assert_eq!(corp.asked(), 3);
}

#[actix_web::test]
async fn a_sign_out_that_the_provider_starts_is_given_fresh_metadata_too() {
    let corp = Corp::build().await;
    let roller = saml::Idp::new("Roller", saml::Key::good());
    let url = "https://roller.example/metadata";
    corp.house.web.sites.lock().unwrap().insert(url.to_owned(), Arc::<Site>::clone(&corp.site));
    roller.move_in(&corp.house, &[("MetadataURL", url)]).await;
    roller.sign_in(&corp.house, &mut Browser::default(), "alice", "s1").await.code();
    let rolled = saml::Idp { key: saml::Key::evil(), ..roller.clone() };
    let request = rolled.request(&corp.house, "alice", &["s1"]);
    corp.answers(Ok((500, Vec::new())));
    let refused = rolled.send(&corp.house, saml::Binding::Redirect, &request).await;
    assert!(refused.status == 400 && refused.body.contains("saml_unknown_key"), "{refused:?}");
    assert_eq!(corp.asked(), 2);
    corp.says(&rolled.provider(&[]).metadata_document.unwrap());
    corp.house.advance(Duration::minutes(1));
    let request = rolled.request(&corp.house, "alice", &["s1"]);
    let answered = rolled.send(&corp.house, saml::Binding::Redirect, &request).await;
    assert_eq!(answered.location().path(), "/slo-answer");
    assert_eq!(corp.asked(), 3);
}

#[actix_web::test]
async fn without_the_store_that_replicas_share_nothing_is_fetched_for_an_unknown_key() {
    let corp = Corp::build().await;
    let next = corp.other_key();
    corp.says(&next.metadata().unwrap());
    corp.house.advance(Duration::seconds(10));
    let context = &corp.house.state.context;
    let pool = std::sync::Arc::clone(context.registry.snapshot().pool(super::POOL).unwrap());
    let error = poolgate_providers::ProviderError::not_believed("saml_unknown_key", "");
    corp.house.sessions.becomes(Mood::Away);
    assert!(context.upkeep.second_chance(&pool, "Corp", &error).await.is_none());
    assert_eq!(corp.asked(), 1);
    corp.house.sessions.becomes(Mood::Well);
    let other = poolgate_providers::ProviderError::not_believed("saml_digest", "");
    assert!(context.upkeep.second_chance(&pool, "Corp", &other).await.is_none());
    assert!(context.upkeep.second_chance(&pool, "Acme", &error).await.is_none());
    assert_eq!(corp.asked(), 1);
    assert!(context.upkeep.second_chance(&pool, "Corp", &error).await.is_some());
    // Whoever still holds the old pool is given the new one, without another fetch.
    assert!(context.upkeep.second_chance(&pool, "Corp", &error).await.is_some());
    assert_eq!(corp.asked(), 2);
}
