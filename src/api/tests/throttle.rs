//! The limits of the API.

use super::envelope::{Answer, call_plain, call_signed};
use super::*;
use crate::audit::Place;
use crate::observe::labels::Limit;
use crate::throttle::Rates;

async fn limited(rates: &str) -> World {
    let mut world = World::new().await;
    limit(&mut world, rates);
    world
}

/// From now on these limits hold.
pub(super) fn limit(world: &mut World, rates: &str) {
    let core = &mut world.api.core;
    let rates = Rates::parse(rates).unwrap();
    let metrics = Arc::clone(&core.metrics);
    core.throttle = Arc::new(Throttle::new(&rates, &core.around.clock, &core.around.random, metrics));
}

fn is_throttled(answer: &Answer) -> bool {
    answer.body["__type"] == "TooManyRequestsException"
}

#[tokio::test]
async fn an_administrator_who_asks_too_often_is_told_when_to_ask_again() {
    let world = limited("list=1").await;
    let ask = async || call_signed(&world, "ListUserPools", &json!({"MaxResults": 1})).await;
    for _ in 0..60 {
        assert_eq!(ask().await.status, 200);
    }
    let refused = ask().await;
    assert_eq!((refused.status, is_throttled(&refused)), (400, true), "{}", refused.body);
    assert_eq!(refused.headers["x-amzn-errortype"], "TooManyRequestsException");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(world.api.core.metrics.throttled.of(Limit::List).get(), 1);
    let other = call_signed(&world, "DescribeUserPool", &json!({"UserPoolId": "us-east-1_000000000"})).await;
    assert_eq!(other.body["__type"], "ResourceNotFoundException");
}

#[tokio::test]
async fn strangers_use_up_nothing_of_what_an_administrator_may_ask() {
    let world = limited("list=1").await;
    for _ in 0..200 {
        let answer = call_plain(&world, "ListUserPools", &json!({"MaxResults": 1})).await;
        assert_eq!(answer.body["__type"], "MissingAuthenticationTokenException");
    }
    assert_eq!(call_signed(&world, "ListUserPools", &json!({"MaxResults": 1})).await.status, 200);
}

#[tokio::test]
async fn what_is_refused_as_too_much_changes_nothing() {
    let world = limited("create=1").await;
    for _ in 0..60 {
        call_signed(&world, "DeleteUserPool", &json!({"UserPoolId": "us-east-1_000000000"})).await;
    }
    let refused = call_signed(&world, "CreateUserPool", &json!({"PoolName": "acme"})).await;
    assert!(is_throttled(&refused), "{}", refused.body);
    let pools = world.ok("ListUserPools", json!({"MaxResults": 1})).await;
    assert_eq!(pools, json!({ "UserPools": [] }));
}

#[tokio::test]
async fn unsigned_calls_count_by_source() {
    let world = limited("auth=1").await;
    let mut count = 0;
    while !is_throttled(&call_plain(&world, "SignUp", &json!({})).await) {
        count += 1;
    }
    assert_eq!(count, 10);
}

#[tokio::test]
async fn a_strangers_flood_does_not_fill_the_audit_log_and_an_administrators_is_told() {
    let mut world = limited("auth=1,list=1").await;
    let path = world._folder.path().join("audit.jsonl");
    world.api.core.audit = Arc::new(Audit::open(&Place::File(path.clone()), Arc::default()).unwrap());
    for _ in 0..20 {
        call_plain(&world, "SignUp", &json!({})).await;
    }
    for _ in 0..61 {
        call_signed(&world, "ListUserPools", &json!({"MaxResults": 1})).await;
    }
    world.api.core.audit.close().await;
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(text.lines().filter(|line| line.contains("\"SignUp\"")).count(), 10);
    assert_eq!(text.lines().filter(|line| line.contains("TooManyRequestsException")).count(), 1, "{text}");
}
