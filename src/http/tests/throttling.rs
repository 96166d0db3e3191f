//! The limits of the hosted surface.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::test::TestRequest;
use serde_json::json;
use time::Duration;

use super::house::{Answer, Browser, House, SECRET, VERIFIER, authorize_path, basic};
use crate::observe::labels::Limit;
use crate::throttle::{Rates, Throttle};

async fn limited(rates: &str) -> House {
    let mut house = House::build().await;
    let context = &mut house.state.context;
    let (rates, metrics) = (Rates::parse(rates).unwrap(), Arc::clone(&context.metrics));
    context.throttle =
        Arc::new(Throttle::new(&rates, &context.around.clock, &context.around.random, metrics));
    house
}

async fn get_from(house: &House, peer: &str, path: &str) -> Answer {
    let peer = (peer.parse::<IpAddr>().unwrap(), 4711).into();
    house.send(TestRequest::get().uri(path).insert_header(("host", "localhost")).peer_addr(peer)).await
}

#[actix_web::test]
async fn a_source_that_asks_too_often_gets_a_page_that_says_when_and_others_are_served() {
    let house = limited("source=2").await;
    let path = authorize_path(&[]);
    for _ in 0..4 {
        assert_eq!(get_from(&house, "192.0.2.1", &path).await.status, 302);
    }
    let refused = get_from(&house, "192.0.2.1", &path).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "1"), "{refused:?}");
    assert!(refused.body.contains("Too many requests") && refused.body.contains("1 second"), "{refused:?}");
    assert!(refused.body.contains(refused.header("x-amzn-requestid")), "{refused:?}");
    assert_eq!(refused.header("cache-control"), "no-store");
    assert_eq!(get_from(&house, "192.0.2.2", &path).await.status, 302);
    assert_eq!(house.state.context.metrics.throttled.of(Limit::Source).get(), 1);
    house.advance(Duration::seconds(1));
    assert_eq!(get_from(&house, "192.0.2.1", &path).await.status, 302);
}

#[actix_web::test]
async fn each_endpoint_says_it_in_its_own_way() {
    let house = limited("source=1").await;
    for (method, path, status) in [
        ("POST", "/oauth2/token", 429),
        ("GET", "/oauth2/userInfo", 429),
        ("POST", "/oauth2/revoke", 429),
        ("POST", "/", 400),
        ("GET", "/.well-known/jwks.json", 429),
        ("GET", "/assets/x/y", 429),
    ] {
        let ask = async || {
            let request = TestRequest::with_uri(path).insert_header(("host", "localhost"));
            house.send(request.method(method.parse().unwrap())).await
        };
        for _ in 0..2 {
            ask().await;
        }
        let answer = ask().await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("retry-after")),
            (status, "1"),
            "{path} {answer:?}"
        );
        match path {
            "/" => {
                assert_eq!(answer.json()["__type"], "TooManyRequestsException");
                assert_eq!(answer.header("x-amzn-errortype"), "TooManyRequestsException");
            }
            _ if path.starts_with("/oauth2") => {
                let told = answer.json();
                assert_eq!(told["error"], "temporarily_unavailable");
                assert_eq!(told["error_message"], told["error_description"]);
            }
            _ => {}
        }
        if !path.starts_with("/assets") {
            assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        }
        house.advance(Duration::seconds(2));
    }
}

#[actix_web::test]
async fn a_name_that_somebody_makes_up_does_not_make_a_new_source() {
    let house = limited("source=1").await;
    let peer = (IpAddr::from([192, 0, 2, 1]), 4711).into();
    let mut statuses = Vec::new();
    for number in 0..4 {
        let host = format!("made-up-{number}.example");
        let request =
            TestRequest::get().uri(&authorize_path(&[])).insert_header(("host", host)).peer_addr(peer);
        statuses.push(house.send(request).await.status.as_u16());
    }
    assert_eq!(statuses, [404, 404, 429, 429]);
}

#[actix_web::test]
async fn an_app_client_has_a_limit_of_its_own_over_all_sources() {
    let house = limited("client=1").await;
    let ask = async |peer: &str, client: &str| {
        get_from(&house, peer, &authorize_path(&[("client_id", client)])).await.status.as_u16()
    };
    assert_eq!([ask("192.0.2.1", "app").await, ask("192.0.2.2", "app").await], [302, 302]);
    assert_eq!(ask("192.0.2.3", "app").await, 429);
    assert_eq!(ask("192.0.2.3", "confidential").await, 302);
    assert_eq!(ask("192.0.2.3", "made-up").await, 400, "only clients that there are have limits");
}

#[actix_web::test]
async fn a_domain_has_a_limit_of_its_own_over_all_sources() {
    let house = limited("domain=1").await;
    let mut statuses = Vec::new();
    for peer in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        statuses.push(get_from(&house, peer, &authorize_path(&[])).await.status.as_u16());
    }
    assert_eq!(statuses, [302, 302, 429]);
    assert_eq!(get_from(&house, "192.0.2.4", "/.well-known/jwks.json").await.status, 200);
}

#[actix_web::test]
async fn a_stranger_without_the_secret_does_not_keep_a_client_from_its_tokens() {
    let house = limited("client=1").await;
    let wrong = basic("confidential", "wrong");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", "x"),
        ("redirect_uri", "y"),
        ("code_verifier", VERIFIER),
    ];
    for _ in 0..5 {
        let answer = house.post_with("/oauth2/token", &form, &[("authorization", &wrong)]).await;
        assert_eq!(answer.json()["error"], "invalid_client");
        house.get(&mut Browser::default(), &authorize_path(&[("client_id", "confidential")])).await;
    }
    let right = basic("confidential", SECRET);
    let mut told = Vec::new();
    for _ in 0..3 {
        let answer = house.post_with("/oauth2/token", &form, &[("authorization", &right)]).await;
        told.push((
            answer.status.as_u16(),
            answer.json()["error"].clone(),
            answer.header("retry-after").to_owned(),
        ));
    }
    let refused = (400, json!("invalid_grant"), String::new());
    assert_eq!(told, [refused.clone(), refused, (429, json!("temporarily_unavailable"), "1".to_owned())]);
}
