//! Metadata by URL is fetched again before it gets old; whatever goes wrong, the last good copy stays.

use std::sync::Arc;

use poolgate_providers::fetch::FetchError;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::super::house::POOL;
use super::{Corp, URL, fingerprint, listen, with_attribute, with_key_of};
use crate::directory::sqlite::SqliteDirectory;
use crate::keys::Sealer;
use crate::pool::Timestamp;
use crate::registry::{Edit, Registry};
use crate::testing;
use crate::upkeep::{self, Upkeep};

fn at(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap()
}

#[actix_web::test]
async fn metadata_is_fetched_before_it_is_six_hours_old_and_not_all_the_time() {
    let corp = Corp::build().await;
    assert_eq!(corp.asked(), 1);
    for minutes in [0, 1, 60, 226] {
        corp.wait(Duration::minutes(minutes)).await;
        assert_eq!(corp.asked(), 1);
    }
    corp.wait(Duration::minutes(73)).await;
    assert_eq!(corp.asked(), 2, "six hours have passed");
    corp.wait(Duration::minutes(287)).await;
    assert_eq!(corp.asked(), 2);
    corp.wait(Duration::minutes(73)).await;
    assert_eq!(corp.asked(), 3, "and again");
}

#[actix_web::test]
async fn a_short_cache_duration_is_kept_and_a_silly_one_is_not() {
    let corp = Corp::with(|document| with_attribute(&document, "cacheDuration=\"PT10M\"")).await;
    corp.wait(Duration::minutes(7)).await;
    assert_eq!(corp.asked(), 1);
    corp.says(&with_attribute(&corp.idp.metadata().unwrap(), "cacheDuration=\"PT1S\""));
    corp.wait(Duration::minutes(3)).await;
    assert_eq!(corp.asked(), 2);
    corp.wait(Duration::seconds(59)).await;
    assert_eq!(corp.asked(), 2, "a second of cache does not hammer the provider");
    corp.wait(Duration::SECOND).await;
    assert_eq!(corp.asked(), 3);
}

#[actix_web::test]
async fn metadata_is_fetched_before_it_ends_and_the_last_good_copy_serves_no_longer() {
    let start = testing::NOW;
    let until =
        |end| move |document: String| with_attribute(&document, &format!("validUntil=\"{}\"", at(end)));
    let corp = Corp::with(until(start + Duration::hours(1))).await;
    corp.wait(Duration::minutes(58)).await;
    assert_eq!(corp.asked(), 2, "before it ends");
    corp.says(&until(start + Duration::hours(2))(corp.idp.metadata().unwrap()));
    corp.wait(Duration::seconds(115)).await;
    assert_eq!(corp.asked(), 3, "and again, as it had nothing newer");

    corp.answers(Err(FetchError::TimedOut));
    corp.wait(Duration::minutes(60)).await;
    assert!(corp.asked() > 3);
    corp.sign_in(&corp.idp).await.code();
    corp.house.advance(start + Duration::hours(2) - corp.house.state.context.now());
    let refused = corp.sign_in(&corp.idp).await;
    corp.assert_refused(&refused, "valid until");

    corp.says(&corp.idp.metadata().unwrap());
    corp.wait(Duration::minutes(15)).await;
    corp.sign_in(&corp.idp).await.code();
}

#[actix_web::test]
async fn a_key_that_fresh_metadata_leaves_out_verifies_nothing_from_then_on() {
    let corp = Corp::build().await;
    let next = corp.other_key();
    let both = with_key_of(&corp.idp.metadata().unwrap(), &next);
    corp.says(&both);
    corp.wait(Duration::hours(6)).await;
    assert_eq!(corp.document(), both);
    corp.sign_in(&corp.idp).await.code();
    corp.sign_in(&next).await.code();
    corp.says(&next.metadata().unwrap());
    corp.wait(Duration::hours(6)).await;
    corp.assert_refused(&corp.sign_in(&corp.idp).await, "none of the provider's signing certificates");
    corp.sign_in(&next).await.code();
}

#[actix_web::test]
async fn whatever_the_address_says_instead_the_last_good_copy_stays() {
    let corp = Corp::build().await;
    let good = corp.document();
    let renamed = good.replacen("saml.example", "other.example", 1);
    assert_ne!(renamed, good);
    let ended = with_attribute(&good, &format!("validUntil=\"{}\"", at(testing::NOW)));
    let ok = |text: &str| Ok((200, text.as_bytes().to_vec()));
    for (page, says) in [
        (ok(""), "cannot be read"),
        (ok("<html>maintenance</html>"), "no SAML 2.0 identity provider"),
        (ok(&good[..good.len() / 2]), "cannot be read"),
        (ok(&good.replace("signing", "encryption")), "no usable signing certificate"),
        (ok(&renamed), "another provider"),
        (ok(&ended), "valid until"),
        (Ok((200, vec![0xff; 8])), "UTF-8"),
        (Ok((302, good.clone().into_bytes())), "answered 302"),
        (Ok((404, good.clone().into_bytes())), "answered 404"),
        (Ok((500, Vec::new())), "answered 500"),
        (Err(FetchError::TimedOut), "timed out"),
        (Err(FetchError::TooLarge), "larger than"),
        (Err(FetchError::AddressRefused("10.0.0.1".into())), "10.0.0.1 is not allowed"),
        (Err(FetchError::Broken("connection refused".into())), "connection refused"),
    ] {
        corp.answers(page);
        let (_guard, lines) = listen();
        let before = corp.asked();
        corp.wait(Duration::hours(6)).await;
        assert_eq!(corp.asked(), before + 1, "{says}");
        assert_eq!(corp.document(), good, "{says}");
        let warned = lines.with("could not be refreshed");
        assert_eq!(warned.len(), 1, "{says}");
        assert_eq!((&warned[0]["level"], &warned[0]["fields"]["provider"]), (&"WARN".into(), &"Corp".into()));
        let why = warned[0]["fields"]["error"].as_str().unwrap();
        assert!(why.contains(says), "{why}");
        corp.sign_in(&corp.idp).await.code();
    }
}

#[actix_web::test]
async fn a_failure_is_tried_again_soon_then_less_often_and_a_good_fetch_forgets_it() {
    let corp = Corp::build().await;
    corp.answers(Err(FetchError::TimedOut));
    corp.wait(Duration::hours(6)).await;
    assert_eq!(corp.asked(), 2);
    corp.wait(Duration::seconds(47)).await;
    assert_eq!(corp.asked(), 2);
    corp.wait(Duration::seconds(13)).await;
    assert_eq!(corp.asked(), 3);
    corp.wait(Duration::seconds(95)).await;
    assert_eq!(corp.asked(), 3, "the second wait is longer");
    for _ in 0..20 {
        corp.wait(Duration::minutes(15)).await;
    }
    assert_eq!(corp.asked(), 23, "never longer than a quarter of an hour");
    corp.says(&corp.idp.metadata().unwrap());
    corp.wait(Duration::minutes(15)).await;
    corp.wait(Duration::hours(4)).await;
    assert_eq!(corp.asked(), 24);
}

#[actix_web::test]
async fn a_refresh_keeps_the_administrators_date_and_the_rest_of_the_provider() {
    let corp = Corp::build().await;
    let before = corp.stored();
    let fresh = with_attribute(&corp.document(), "ID=\"_2\"");
    corp.says(&fresh);
    corp.wait(Duration::hours(6)).await;
    let after = corp.stored();
    assert_eq!(after.metadata_document.as_deref(), Some(fresh.as_str()));
    assert_eq!(after.metadata_fetched, Some(Timestamp::from(corp.house.state.context.now())));
    assert_eq!(after.last_modified_date, before.last_modified_date);
    assert_eq!(after.creation_date, before.creation_date);
    assert_eq!(after.provider_details, before.provider_details);
    assert_eq!(after.attribute_mapping, before.attribute_mapping);
    let shown = json!({ "UserPoolId": POOL, "ProviderName": "Corp" });
    let shown = crate::api::call(&corp.house.state.api, "DescribeIdentityProvider", shown).await.unwrap();
    assert!(!shown.to_string().contains("PoolgateMetadata"), "{shown}");
}

/// Lets a fetch of another document begin, does this, and lets it end.
async fn during_a_fetch(corp: &Arc<Corp>, change: impl AsyncFnOnce()) {
    corp.says(&with_attribute(&corp.document(), "ID=\"_fetched\""));
    corp.house.advance(Duration::hours(6));
    let turn = corp.site.open.acquire().await.unwrap();
    let fetching = tokio::task::spawn_local({
        let corp = Arc::clone(corp);
        async move { corp.run_due().await }
    });
    while corp.asked() < 2 {
        tokio::task::yield_now().await;
    }
    change().await;
    drop(turn);
    fetching.await.unwrap();
}

#[actix_web::test]
async fn a_change_of_the_administrator_during_a_fetch_wins() {
    let corp = Arc::new(Corp::build().await);
    let by_file = with_attribute(&corp.document(), "ID=\"_file\"");
    during_a_fetch(&corp, async || {
        corp.configure("UpdateIdentityProvider", json!({ "MetadataFile": by_file })).await.unwrap();
    })
    .await;
    assert_eq!(corp.document(), by_file);
    assert_eq!(corp.stored().metadata_fetched, None);
    corp.wait(Duration::days(1)).await;
    assert_eq!(corp.asked(), 2, "a file is not fetched");
}

#[actix_web::test]
async fn a_provider_that_was_made_anew_during_a_fetch_is_not_overwritten_by_the_one_before() {
    let corp = Arc::new(Corp::build().await);
    let anew = with_attribute(&corp.document(), "ID=\"_anew\"");
    during_a_fetch(&corp, async || {
        let gone = Edit::DeleteProvider { pool_id: POOL.into(), name: "Corp".into() };
        corp.house.edit(vec![gone]).await;
        corp.configure("CreateIdentityProvider", json!({ "MetadataFile": anew })).await.unwrap();
    })
    .await;
    assert_eq!(corp.document(), anew);
    assert!(!corp.stored().provider_details.contains_key("MetadataURL"));
}

#[actix_web::test]
async fn no_cache_duration_ends_the_refreshing() {
    let corp = Corp::build().await;
    for silly in ["P-292277024626Y", "P292277024626Y", "PT-1S", "P-1Y"] {
        let document = with_attribute(&corp.idp.metadata().unwrap(), &format!("cacheDuration=\"{silly}\""));
        corp.says(&document);
        corp.wait(Duration::hours(6)).await;
        assert_eq!(corp.document(), document);
        let before = corp.asked();
        corp.wait(Duration::hours(6)).await;
        assert_eq!(corp.asked(), before + 1, "{silly}");
    }
}

#[actix_web::test]
async fn a_fault_in_one_round_does_not_end_the_upkeep() {
    struct Faulty(std::sync::atomic::AtomicBool, Arc<dyn poolgate_providers::Clock>);
    impl poolgate_providers::Clock for Faulty {
        fn now(&self) -> OffsetDateTime {
            assert!(!self.0.swap(false, std::sync::atomic::Ordering::SeqCst), "a fault");
            self.1.now()
        }
    }
    let corp = Corp::build().await;
    let context = &corp.house.state.context;
    let mut around = context.around.clone();
    around.clock = Arc::new(Faulty(true.into(), Arc::clone(&context.around.clock)));
    let (registry, sessions) = (Arc::clone(&context.registry), Arc::clone(&context.sessions));
    let upkeep = Upkeep::new(registry, sessions, around, true);
    corp.house.advance(Duration::hours(6));
    upkeep.round().await;
    assert_eq!(corp.asked(), 1, "it broke off");
    upkeep.round().await;
    assert_eq!(corp.asked(), 2);
}

#[actix_web::test]
async fn a_refresh_outlives_the_process_and_a_restart_fetches_only_what_is_due() {
    let corp = Corp::build().await;
    let fresh = with_attribute(&corp.document(), "ID=\"_2\"");
    corp.says(&fresh);
    corp.wait(Duration::hours(6)).await;
    assert_eq!(corp.asked(), 2);
    let context = corp.house.state.context.clone();
    // As after a kill: nothing but what is on the disk.
    corp.house.directory.inner.close().await;
    let path = corp.house.folder.path().join("directory.sqlite");
    let clock = Arc::clone(&context.around.clock);
    let directory = Arc::new(SqliteDirectory::open(&path, Arc::clone(&clock)).await.unwrap());
    let random = Arc::clone(&context.around.random);
    let sealer = Sealer::new(&[7; 32], Arc::clone(&random)).unwrap();
    let registry = Registry::open(directory, sealer, clock, random, testing::surface()).await.unwrap();
    let registry = Arc::new(registry);
    let stored = || registry.snapshot().pool(POOL).unwrap().providers["Corp"].config.value.clone();
    assert_eq!(stored().metadata_document.as_deref(), Some(fresh.as_str()));
    let upkeep =
        Upkeep::new(Arc::clone(&registry), Arc::clone(&context.sessions), context.around.clone(), true);
    upkeep.run_due().await;
    corp.house.advance(Duration::hours(4));
    upkeep.run_due().await;
    assert_eq!(corp.asked(), 2, "it is fresh still");

    let again =
        Upkeep::new(Arc::clone(&registry), Arc::clone(&context.sessions), context.around.clone(), true);
    corp.house.advance(Duration::hours(2));
    again.run_due().await;
    assert_eq!(corp.asked(), 3, "it got old while nobody ran");
}

#[actix_web::test]
async fn a_record_without_a_date_or_from_the_future_is_fetched_at_once() {
    let corp = Corp::build().await;
    let now = corp.house.state.context.now();
    for fetched in [None, Some(Timestamp::from(now + Duration::days(400)))] {
        let snapshot = corp.house.state.context.registry.snapshot();
        let mut config = snapshot.pool(POOL).unwrap().providers["Corp"].config.clone();
        config.value.metadata_fetched = fetched;
        corp.house.edit(vec![Edit::UpdateProvider(config)]).await;
        corp.wait(Duration::seconds(10)).await;
        assert_eq!(corp.stored().metadata_fetched, Some(corp.house.state.context.now().into()));
    }
    assert_eq!(corp.asked(), 3);
}

#[actix_web::test]
async fn one_provider_that_does_not_answer_keeps_no_other_from_its_refresh() {
    let corp = Corp::build().await;
    let house = &corp.house;
    let slow = "https://slow.example/metadata";
    house.web.sites.lock().unwrap().insert(slow.to_owned(), Arc::<super::Site>::clone(&corp.site));
    // Its metadata is of the same entity, which two providers may share.
    let mut config = corp.stored();
    config.provider_name = "Slow".into();
    config.provider_details.insert("MetadataURL".into(), slow.into());
    house.edit(vec![Edit::CreateProvider(config)]).await;
    struct Never;
    #[async_trait::async_trait]
    impl poolgate_providers::fetch::Http for Never {
        async fn send(&self, _: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
            std::future::pending().await
        }
    }
    house.web.sites.lock().unwrap().insert(slow.to_owned(), Arc::new(Never));
    house.advance(Duration::hours(6));
    let running = upkeep::Running::start(Arc::clone(&house.state.context.upkeep));
    while corp.stored().metadata_fetched != Some(house.state.context.now().into()) {
        tokio::task::yield_now().await;
    }
    // A fetch that never ends does not keep the gateway from stopping.
    running.stop().await;
}

#[actix_web::test]
async fn a_new_signing_certificate_is_logged_with_its_fingerprint() {
    let corp = Corp::build().await;
    let next = corp.other_key();
    corp.says(&with_key_of(&corp.document(), &next));
    let (_guard, lines) = listen();
    corp.wait(Duration::hours(6)).await;
    let warned = lines.with("a new signing certificate");
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert_eq!(warned[0]["level"], "WARN");
    assert_eq!(warned[0]["fields"]["certificate"], fingerprint(&next).as_str());
    corp.wait(Duration::hours(6)).await;
    assert_eq!(lines.with("a new signing certificate").len(), 1, "once");
    corp.sign_in(&next).await.code();
    let signed_in = lines.with("\"sign-in\"");
    assert_eq!(signed_in[0]["span"]["certificate"], fingerprint(&next).as_str(), "{signed_in:?}");
}

#[actix_web::test]
async fn only_pinned_certificates_are_ever_believed() {
    let corp = Corp::build().await;
    let next = corp.other_key();
    let pins = |idp| json!({ "MetadataURL": URL, "pinned_certificates": fingerprint(idp) });
    let refused = corp.configure("UpdateIdentityProvider", pins(&next)).await.unwrap_err();
    for part in ["pinned_certificates", &fingerprint(&next), &fingerprint(&corp.idp)] {
        assert!(refused.contains(part), "{refused}");
    }
    corp.configure("UpdateIdentityProvider", pins(&corp.idp)).await.unwrap();
    let both = with_key_of(&corp.document(), &next);
    corp.says(&both);
    let (_guard, lines) = listen();
    corp.wait(Duration::hours(6)).await;
    assert_eq!(corp.document(), both);
    assert!(lines.with("a new signing certificate").is_empty(), "it may not sign");
    corp.sign_in(&corp.idp).await.code();
    corp.assert_refused(&corp.sign_in(&next).await, "none of the provider's signing certificates");

    corp.says(&next.metadata().unwrap());
    corp.wait(Duration::hours(6)).await;
    assert_eq!(corp.document(), both, "metadata without a pinned certificate is not used");
    assert_eq!(lines.with("could not be refreshed").len(), 1);
}
