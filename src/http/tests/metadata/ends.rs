//! What ends is said in time, in the log and in the metrics.

use actix_web::test::{TestRequest, init_service, read_body};
use actix_web::{App, web};
use poolgate_providers::fetch::FetchError;
use serde_json::json;
use time::Duration;

use super::{Corp, fingerprint, listen, with_attribute, with_key_of};
use crate::http::health;

async fn metrics(corp: &Corp) -> String {
    let app = App::new().app_data(web::Data::new(corp.house.state.clone())).configure(health::routes);
    let service = init_service(app).await;
    let response =
        actix_web::test::call_service(&service, TestRequest::get().uri("/metrics").to_request()).await;
    String::from_utf8(read_body(response).await.to_vec()).unwrap()
}

/// The value of Corp's gauge.
fn gauge(text: &str, name: &str) -> Option<i64> {
    let start = format!("poolgate_{name}{{pool=\"us-east-1_Tests0001\",provider=\"Corp\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&start)).map(|value| value.parse().unwrap())
}

#[actix_web::test]
async fn metrics_tell_how_long_a_provider_lasts_and_how_its_refresh_goes() {
    let corp = Corp::with(|document| with_attribute(&document, "validUntil=\"2026-11-25T10:00:00Z\"")).await;
    let text = metrics(&corp).await;
    assert_eq!(gauge(&text, "provider_certificate_expiry_seconds"), Some(365 * 86_400));
    assert_eq!(gauge(&text, "provider_metadata_valid_until_seconds"), Some(4 * 86_400));
    assert_eq!(gauge(&text, "provider_metadata_age_seconds"), Some(0));
    assert_eq!(gauge(&text, "provider_metadata_refresh_failures"), Some(0));
    assert!(text.contains("poolgate_providers_left_out 0\n"), "{text}");
    let own = "poolgate_pool_certificate_expiry_seconds{pool=\"us-east-1_Tests0001\"} ";
    assert!(text.contains(&format!("{own}{}", 3_652 * 86_400)), "{text}");

    corp.answers(Err(FetchError::TimedOut));
    corp.wait(Duration::hours(6)).await;
    let text = metrics(&corp).await;
    assert_eq!(gauge(&text, "provider_metadata_age_seconds"), Some(6 * 3_600));
    assert_eq!(gauge(&text, "provider_metadata_refresh_failures"), Some(1));

    let file = json!({ "MetadataFile": corp.idp.metadata().unwrap() });
    corp.configure("UpdateIdentityProvider", file).await.unwrap();
    corp.wait(Duration::days(366)).await;
    let text = metrics(&corp).await;
    assert_eq!(gauge(&text, "provider_certificate_expiry_seconds"), Some(-86_400 - 6 * 3_600));
    assert_eq!(gauge(&text, "provider_metadata_age_seconds"), None);
    assert_eq!(gauge(&text, "provider_metadata_refresh_failures"), None);
}

#[actix_web::test]
async fn a_signing_certificate_is_warned_of_thirty_seven_and_one_days_before_its_end() {
    let corp = Corp::build().await;
    let file = json!({ "MetadataFile": corp.idp.metadata().unwrap() });
    corp.configure("UpdateIdentityProvider", file).await.unwrap();
    let (_guard, lines) = listen();
    let said = || lines.with("last signing certificate ends").len();
    corp.run_due().await;
    corp.wait(Duration::days(334)).await;
    assert_eq!(said(), 0, "31 days are left");
    corp.wait(Duration::DAY).await;
    assert_eq!(said(), 1, "30 days are left");
    let line = lines.with("last signing certificate ends").remove(0);
    assert_eq!((&line["level"], &line["fields"]["provider"]), (&"WARN".into(), &"Corp".into()));
    assert_eq!(line["fields"]["certificate"], fingerprint(&corp.idp).as_str());
    assert_eq!((&line["fields"]["days"], &line["fields"]["end"]), (&30.into(), &"2027-11-21".into()));
    for _ in 0..22 {
        corp.wait(Duration::DAY).await;
    }
    assert_eq!(said(), 1, "8 days are left");
    corp.wait(Duration::DAY).await;
    assert_eq!(said(), 2, "7 days are left");
    for _ in 0..5 {
        corp.wait(Duration::DAY).await;
    }
    assert_eq!(said(), 2, "2 days are left");
    for days in 3..6 {
        corp.wait(Duration::hours(23)).await;
        assert_eq!(said(), days - 1, "once a day");
        corp.wait(Duration::HOUR).await;
        assert_eq!(said(), days, "every day at the end and after it");
    }
}

#[actix_web::test]
async fn a_certificate_that_another_outlasts_is_told_and_not_warned_of() {
    let corp = Corp::build().await;
    corp.house.advance(Duration::days(340));
    corp.says(&with_key_of(&corp.document(), &corp.other_key()));
    let (_guard, lines) = listen();
    corp.run_due().await;
    assert!(lines.with("last signing certificate ends").is_empty());
    let told = lines.with("another one lasts longer");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["level"], "INFO");
}

#[actix_web::test]
async fn metadata_that_ends_is_warned_of_where_nothing_renews_it() {
    let corp = Corp::with(|document| with_attribute(&document, "validUntil=\"2026-11-25T10:00:00Z\"")).await;
    let (_guard, lines) = listen();
    corp.run_due().await;
    assert!(lines.with("metadata ends").is_empty(), "it is fetched again long before");
    corp.answers(Err(FetchError::TimedOut));
    corp.wait(Duration::DAY).await;
    assert_eq!(lines.with("gives nothing newer").len(), 1, "but it is not");
    let file = json!({ "MetadataFile": corp.document() });
    corp.configure("UpdateIdentityProvider", file).await.unwrap();
    corp.wait(Duration::DAY).await;
    assert_eq!(lines.with("Update MetadataFile").len(), 1);
}

#[actix_web::test]
async fn the_pools_own_certificate_is_warned_of_too() {
    let corp = Corp::build().await;
    let (_guard, lines) = listen();
    corp.wait(Duration::days(3_652 - 31)).await;
    assert!(lines.with("own SAML certificates ends").is_empty());
    corp.wait(Duration::DAY).await;
    assert_eq!(lines.with("own SAML certificates ends").len(), 1);
}
