//! `/metrics`: sign-ins are counted by how they end, and nothing of a person shows.

use std::collections::BTreeMap;

use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, web};
use serde_json::json;
use time::Duration;

use super::house::{Answer, Browser, House, POOL, authorize_path, callback_path, person};
use super::moods::Mood;
use crate::http::health;
use crate::registry::Edit;

pub(super) async fn ask(house: &House, uri: &str, accept: &str) -> Answer {
    let state = web::Data::new(house.state.clone());
    let service = init_service(App::new().app_data(state).configure(health::routes)).await;
    let request = TestRequest::get().uri(uri).insert_header(("accept", accept.to_owned()));
    let response = call_service(&service, request.to_request()).await;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = String::from_utf8(read_body(response).await.to_vec()).unwrap();
    Answer { status, headers, body }
}

/// Samples of a scrape that are not zero: name with labels → value.
async fn scraped(house: &House) -> BTreeMap<String, String> {
    let answer = ask(house, "/metrics", "text/plain").await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let samples = answer.body.lines().filter(|line| !line.starts_with('#'));
    let samples = samples.filter_map(|line| line.rsplit_once(' ')).filter(|(_, value)| *value != "0");
    samples.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn sign_ins(samples: &BTreeMap<String, String>, provider: &str) -> Vec<(String, String)> {
    let whose = format!("poolgate_sign_ins_total{{pool=\"{POOL}\",provider=\"{provider}\",");
    let rest = samples.iter().filter_map(|(name, value)| Some((name.strip_prefix(&whose)?, value)));
    rest.map(|(labels, value)| (labels.trim_end_matches('}').to_owned(), value.clone())).collect()
}

fn row(provider_type: &str, start: &str, outcome: &str, count: &str) -> (String, String) {
    (format!("type=\"{provider_type}\",start=\"{start}\",outcome=\"{outcome}\""), count.to_owned())
}

#[actix_web::test]
async fn sign_ins_are_counted_by_how_they_end() {
    let house = House::build().await;
    let mut browser = Browser::default();
    house.sign_in(&mut browser, &[]).await.code();
    house.authorize(&mut browser, &[("prompt", "none")]).await.code();
    let acme = [("identity_provider", "Acme"), ("prompt", "login")];

    let leaving = house.authorize(&mut browser, &acme).await;
    let back = callback_path(&leaving, &person("alice"));
    house.get(&mut Browser::default(), &back).await;
    let denied = format!("/oauth2/idpresponse?error=access_denied&state={}", leaving.told("state").unwrap());
    house.get(&mut browser, &denied).await;
    let leaving = house.authorize(&mut browser, &acme).await;
    house.get(&mut browser, &callback_path(&leaving, &json!({"sub": "nobody", "email": ""}))).await;
    house.get(&mut browser, "/oauth2/idpresponse?code=x&state=unheard").await;
    let leaving = house.authorize(&mut browser, &acme).await;
    house.directory.becomes(Mood::Away);
    house.get(&mut browser, &callback_path(&leaving, &person("alice"))).await;
    house.sessions.becomes(Mood::Away);
    house.get(&mut browser, &callback_path(&leaving, &person("alice"))).await;

    let samples = scraped(&house).await;
    let expected = [
        row("OIDC", "app", "failed", "1"),
        row("OIDC", "app", "refused", "1"),
        row("OIDC", "app", "signed_in", "1"),
        row("OIDC", "app", "unavailable", "1"),
        row("OIDC", "app", "unmatched", "1"),
        row("OIDC", "session", "signed_in", "1"),
    ];
    assert_eq!(sign_ins(&samples, "Acme"), expected);
    let nobodys = [row("", "app", "unavailable", "1"), row("", "app", "unmatched", "1")];
    assert_eq!(sign_ins(&samples, "(none)"), nobodys);
    let departures = format!("poolgate_departures_total{{pool=\"{POOL}\",provider=\"Acme\",type=\"OIDC\"}}");
    assert_eq!(samples[&departures], "4");
    for (code, count) in [("attribute_required", "1"), ("attempt_unknown", "1"), ("store_away", "2")] {
        assert_eq!(samples[&format!("poolgate_sign_in_failures_total{{code=\"{code}\"}}")], count, "{code}");
    }
    for (store, operation) in [("directory", "sign_in"), ("sessions", "get")] {
        let labels = format!("{{store=\"{store}\",operation=\"{operation}\"}}");
        assert_eq!(samples[&format!("poolgate_store_failures_total{labels}")], "1", "{labels}");
        assert!(samples.contains_key(&format!("poolgate_store_seconds_count{labels}")), "{labels}");
    }
    let text = ask(&house, "/metrics", "").await.body;
    assert!(!text.contains("alice"), "nothing of a person: {text}");
}

#[actix_web::test]
async fn tokens_and_sign_outs_are_counted_and_steps_timed() {
    let house = House::build().await;
    let tokens = house.tokens(&[]).await;
    house.refresh("app", tokens["refresh_token"].as_str().unwrap()).await;
    house.refresh("app", "forged").await;
    house.post_form("/oauth2/token", &[("grant_type", "password"), ("client_id", "app")]).await;
    house.get(&mut Browser::default(), "/logout?client_id=app&logout_uri=https://evil.example").await;
    let spa = [
        ("client_id", "spa"),
        ("response_type", "token"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ];
    house.sign_in(&mut Browser::default(), &spa).await;
    let samples = scraped(&house).await;
    for (labels, count) in [
        ("grants_total{grant=\"authorization_code\",outcome=\"issued\"}", "1"),
        ("grants_total{grant=\"refresh_token\",outcome=\"issued\"}", "1"),
        ("grants_total{grant=\"refresh_token\",outcome=\"refused\"}", "1"),
        ("grants_total{grant=\"other\",outcome=\"refused\"}", "1"),
        ("grants_total{grant=\"implicit\",outcome=\"issued\"}", "1"),
        ("sign_outs_total{start=\"app\",outcome=\"refused\"}", "1"),
        ("step_seconds_count{step=\"authorize\"}", "2"),
        ("step_seconds_count{step=\"callback\"}", "2"),
        ("step_seconds_count{step=\"token\"}", "4"),
        ("step_seconds_bucket{le=\"+Inf\",step=\"token\"}", "4"),
        ("provider_seconds_count{type=\"OIDC\",call=\"finish\"}", "2"),
        ("store_up{store=\"directory\"}", "1"),
        ("store_up{store=\"sessions\"}", "1"),
        ("ready", "1"),
    ] {
        let found = samples.get(&format!("poolgate_{labels}"));
        assert_eq!(found.map(String::as_str), Some(count), "{labels} of {samples:#?}");
    }
}

#[actix_web::test]
async fn what_was_deleted_is_counted_no_more_and_a_name_cannot_break_a_line() {
    let house = House::build().await;
    let mut odd = super::house::oidc("Odd");
    odd.provider_name = "Odd \nName".into();
    house.edit(vec![Edit::CreateProvider(odd)]).await;
    house
        .change_client("app", |client| {
            client.supported_identity_providers = vec!["Acme".into(), "Globex".into(), "Odd \nName".into()];
        })
        .await;
    house.authorize(&mut Browser::default(), &[("identity_provider", "Odd \nName")]).await;
    house.sign_in(&mut Browser::default(), &[]).await.code();
    let samples = scraped(&house).await;
    assert!(samples.keys().any(|name| name.contains("provider=\"Odd \\nName\"")), "{samples:#?}");
    assert!(samples.keys().all(|name| name.starts_with("poolgate_") || name.starts_with("process_")));

    house.edit(vec![Edit::DeleteProvider { pool_id: POOL.into(), name: "Acme".into() }]).await;
    let samples = scraped(&house).await;
    assert!(!samples.keys().any(|name| name.contains("\"Acme\"")), "{samples:#?}");
}

#[actix_web::test]
async fn who_asks_for_open_metrics_gets_it_to_its_end() {
    let house = House::build().await;
    let answer = ask(&house, "/metrics", "application/openmetrics-text;version=1.0.0,*/*;q=0.1").await;
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(answer.body.ends_with("# EOF\n"));
    assert!(answer.body.contains("# TYPE poolgate_http_answers counter\n"));
}

async fn ready(house: &House) -> (u16, String) {
    let answer = ask(house, "/readyz", "").await;
    assert_eq!(ask(house, "/healthz", "").await.status, 200, "the process answers whatever its stores do");
    (answer.status.as_u16(), answer.body)
}

#[actix_web::test]
async fn readiness_outlasts_a_blink_of_a_store_then_turns_red_and_green_again_by_itself() {
    let house = House::build().await;
    assert_eq!(ready(&house).await.0, 200);
    house.directory.becomes(Mood::Away);
    house.advance(Duration::milliseconds(2_900));
    assert_eq!(ready(&house).await.0, 200, "a blink");
    house.directory.becomes(Mood::Well);
    house.advance(Duration::seconds(1));
    assert_eq!(ready(&house).await.0, 200);
    house.directory.becomes(Mood::Away);
    house.advance(Duration::seconds(3));
    assert_eq!(ready(&house).await, (503, "the directory is away\n".into()));
    house.sessions.becomes(Mood::Away);
    house.directory.becomes(Mood::Well);
    house.advance(Duration::seconds(3));
    assert_eq!(ready(&house).await, (503, "the session store is away\n".into()));
    assert!(!scraped(&house).await.contains_key("poolgate_ready"), "it is zero");
    house.sessions.becomes(Mood::Well);
    house.advance(Duration::seconds(1));
    assert_eq!(ready(&house).await.0, 200);
}

#[actix_web::test]
async fn a_store_that_is_away_from_the_start_shows_at_once() {
    let house = House::build().await;
    house.sessions.becomes(Mood::Away);
    assert_eq!(ready(&house).await.0, 503);
}

#[actix_web::test]
async fn a_store_that_does_not_answer_within_a_second_is_away() {
    let house = House::build().await;
    house.sessions.becomes(Mood::Silent);
    assert_eq!(ready(&house).await, (503, "the session store is away\n".into()));
    let samples = scraped(&house).await;
    assert!(!samples.contains_key("poolgate_store_up{store=\"sessions\"}"), "it is zero");
    assert_eq!(samples["poolgate_store_up{store=\"directory\"}"], "1");
}

#[actix_web::test]
async fn a_directory_that_does_not_answer_within_a_second_is_away() {
    let house = House::build().await;
    house.directory.becomes(Mood::Silent);
    assert_eq!(ready(&house).await, (503, "the directory is away\n".into()));
    let samples = scraped(&house).await;
    assert!(!samples.contains_key("poolgate_store_up{store=\"directory\"}"), "it is zero");
}

#[actix_web::test]
async fn a_clock_that_was_set_back_hides_no_store_that_is_away() {
    let house = House::build().await;
    assert_eq!(ready(&house).await.0, 200);
    house.directory.becomes(Mood::Away);
    house.clock_steps(Duration::minutes(-1));
    assert_eq!(ready(&house).await, (503, "the directory is away\n".into()));
}

#[actix_web::test]
async fn a_replica_whose_clock_is_far_off_gets_no_traffic() {
    for (seconds, expected) in [(30, 200), (31, 503), (-31, 503)] {
        let (house, server) = (House::build().await, House::build().await);
        server.advance(Duration::seconds(seconds));
        house.asks_the_clock_of(&server).await;
        assert_eq!(ready(&house).await.0, expected, "{seconds}");
    }
}

#[actix_web::test]
async fn the_stores_are_asked_once_a_second_however_often_somebody_probes() {
    let house = House::build().await;
    for _ in 0..5 {
        ready(&house).await;
    }
    let pings = |samples: BTreeMap<String, String>| {
        samples["poolgate_store_seconds_count{store=\"directory\",operation=\"ping\"}"].clone()
    };
    assert_eq!(pings(scraped(&house).await), "1");
    house.advance(Duration::seconds(1));
    assert_eq!(pings(scraped(&house).await), "2");
}

#[actix_web::test]
async fn a_replica_that_stops_is_red_at_once_and_knows_whether_somebody_watches() {
    let house = House::build().await;
    let now = |house: &House| house.state.context.now();
    assert!(!house.state.readiness.stops(now(&house)), "nobody has ever asked");
    assert_eq!(ready(&house).await, (503, "stopping\n".into()));
    assert!(house.state.readiness.stops(now(&house)));
    house.advance(Duration::seconds(15));
    assert!(!house.state.readiness.stops(now(&house)), "who watched has gone");
    house.get(&mut Browser::default(), &authorize_path(&[])).await;
}
