use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

use time::OffsetDateTime;

use super::*;
use crate::testing::NOW;

/// Time stands still until it is told to go on.
struct Still(Mutex<OffsetDateTime>);

impl Clock for Still {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }
}

/// The same bytes in every run, so that the same keys share a cell in every run.
struct Counting(AtomicU8);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| *byte = self.0.fetch_add(1, Ordering::Relaxed));
    }
}

struct Bench {
    throttle: Throttle,
    clock: Arc<Still>,
    metrics: Arc<Metrics>,
}

fn bench(rates: &str) -> Bench {
    let clock = Arc::new(Still(Mutex::new(NOW)));
    let metrics = Arc::<Metrics>::default();
    let ambient: Arc<dyn Clock> = Arc::<Still>::clone(&clock);
    let rates = Rates::parse(rates).unwrap();
    let throttle = Throttle::new(&rates, &ambient, &Counting(AtomicU8::new(7)), Arc::clone(&metrics));
    Bench { throttle, clock, metrics }
}

impl Bench {
    fn wait(&self, seconds: i64) {
        *self.clock.0.lock().unwrap() += time::Duration::seconds(seconds);
    }
}

fn source(last: u8) -> IpAddr {
    Ipv4Addr::new(198, 51, 100, last).into()
}

/// How many are let through at once.
fn let_through(mut ask: impl FnMut() -> Result<(), TooMany>) -> u32 {
    let mut count = 0;
    while ask().is_ok() {
        count += 1;
        assert!(count < 100_000, "there is no limit");
    }
    count
}

#[test]
fn a_minutes_worth_of_an_administrators_changes_comes_at_once_and_then_one_a_second() {
    let bench = bench("guide");
    assert_eq!(let_through(|| bench.throttle.signed("CreateUserPoolClient")), 60);
    let refused = bench.throttle.signed("DeleteUserPool").unwrap_err();
    assert_eq!(refused, TooMany { limit: Limit::Create, seconds: 1 });
    assert!(bench.throttle.signed("DescribeUserPool").is_ok(), "other kinds count for themselves");
    bench.wait(1);
    assert_eq!(let_through(|| bench.throttle.signed("UpdateUserPool")), 1);
    bench.wait(3600);
    assert_eq!(let_through(|| bench.throttle.signed("UpdateUserPool")), 60);
}

#[test]
fn one_source_does_not_use_up_what_another_may_ask() {
    let bench = bench("source=5");
    assert_eq!(let_through(|| bench.throttle.source(source(1), Some("p"))), 10);
    assert!(bench.throttle.source(source(2), Some("p")).is_ok());
    assert!(bench.throttle.source(source(1), Some("q")).is_ok(), "each domain counts for itself");
    assert_eq!(bench.metrics.throttled.of(Limit::Source).get(), 1);
    assert_eq!(bench.metrics.throttled.of(Limit::Client).get(), 0);
}

#[test]
fn the_addresses_of_one_ipv6_network_are_one_source_and_so_are_both_ways_to_write_ipv4() {
    let bench = bench("source=5");
    let host = |network: u16, host: u16| Ipv6Addr::new(0x2001, 0xdb8, 0, network, host, 0, 0, host).into();
    let mut next = 0;
    let asked = let_through(|| {
        next += 1;
        bench.throttle.source(host(1, next), None)
    });
    assert_eq!(asked, 10);
    assert!(bench.throttle.source(host(2, 1), None).is_ok());
    assert_eq!(let_through(|| bench.throttle.source(source(9), None)), 10);
    let mapped = Ipv4Addr::new(198, 51, 100, 9).to_ipv6_mapped();
    assert!(bench.throttle.source(mapped.into(), None).is_err());
}

#[test]
fn a_thousand_hostile_sources_leave_the_others_alone() {
    let bench = bench("source=5");
    let hostile = |number: u32| Ipv4Addr::from(0xCB00_7100 + number).into();
    for number in 0..1000 {
        let_through(|| bench.throttle.source(hostile(number), None));
    }
    let refused = (1..=250).filter(|last| bench.throttle.source(source(*last), None).is_err()).count();
    assert!(refused <= 2, "{refused} of 250 are refused for what others did");
}

#[test]
fn what_is_asked_without_a_signature_counts_by_source_and_never_against_an_administrator() {
    let bench = bench("guide");
    assert_eq!(let_through(|| bench.throttle.unsigned("InitiateAuth", source(1))), 100);
    assert!(bench.throttle.unsigned("InitiateAuth", source(2)).is_ok());
    assert!(bench.throttle.signed("AdminInitiateAuth").is_ok());
}

#[test]
fn a_user_is_counted_once_the_token_was_verified() {
    let bench = bench("guide");
    for _ in 0..200 {
        bench.throttle.unsigned("GetUser", source(1)).unwrap();
    }
    assert_eq!(let_through(|| bench.throttle.user("p", "jane")), 100);
    assert!(bench.throttle.user("p", "john").is_ok());
    assert!(bench.throttle.user("q", "jane").is_ok());
}

#[test]
fn pages_in_a_clients_name_do_not_keep_it_from_its_tokens() {
    let bench = bench("client=5");
    assert_eq!(let_through(|| bench.throttle.client_page("p", "app")), 10);
    assert_eq!(let_through(|| bench.throttle.client_call("p", "app")), 10);
}

#[test]
fn whoever_waits_as_long_as_was_said_is_let_through() {
    let bench = bench("list=1,describe=off");
    let_through(|| bench.throttle.signed("ListUsers"));
    let refused = bench.throttle.signed("ListUsers").unwrap_err();
    bench.wait(i64::try_from(refused.seconds).unwrap());
    assert!(bench.throttle.signed("ListUsers").is_ok());
    for _ in 0..10_000 {
        bench.throttle.signed("DescribeUserPool").unwrap();
    }
}

#[test]
fn nothing_is_limited_where_limits_are_off() {
    let off = bench("off").throttle;
    assert!(!off.is_on() && !Throttle::default().is_on());
    for _ in 0..10_000 {
        off.source(source(1), None).unwrap();
        off.signed("CreateUserPool").unwrap();
    }
}
