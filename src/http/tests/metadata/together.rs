//! Two replicas refresh the metadata of one provider.

use time::Duration;

use super::super::house::{House, POOL};
use super::super::moods::Mood;
use super::{Corp, with_attribute};
use poolgate_providers::fetch::FetchError;

/// The provider's replica, and another one.
async fn two() -> (Corp, House) {
    let corp = Corp::build().await;
    let other = corp.house.beside(Duration::ZERO).await;
    (corp, other)
}

async fn wait(corp: &Corp, other: &House, by: Duration) {
    corp.house.advance(by);
    other.advance(by);
    other.state.context.upkeep.run_due().await;
    corp.run_due().await;
    other.state.context.registry.caught_up().await.unwrap();
}

#[actix_web::test]
async fn one_replica_fetches_and_the_other_takes_it_from_the_directory() {
    let (corp, other) = two().await;
    let fresh = with_attribute(&corp.document(), "ID=\"_2\"");
    corp.says(&fresh);
    wait(&corp, &other, Duration::hours(6)).await;
    assert_eq!(corp.asked(), 2);
    corp.house.state.context.registry.caught_up().await.unwrap();
    assert_eq!(corp.document(), fresh);
    wait(&corp, &other, Duration::minutes(4)).await;
    assert_eq!(corp.asked(), 2, "due is what was fetched six hours ago, by whomever");
}

#[actix_web::test]
async fn both_at_the_same_moment_make_one_fetch() {
    let (corp, other) = two().await;
    let turn = corp.site.open.acquire().await.unwrap();
    for house in [&corp.house, &other] {
        house.advance(Duration::hours(6));
    }
    let mut rounds = tokio::task::JoinSet::new();
    for house in [&corp.house, &other] {
        let upkeep = std::sync::Arc::clone(&house.state.context.upkeep);
        rounds.spawn(async move { upkeep.run_due().await });
    }
    // Whoever does not fetch is done at once.
    rounds.join_next().await.unwrap().unwrap();
    drop(turn);
    rounds.join_next().await.unwrap().unwrap();
    assert_eq!(corp.asked(), 2);
}

#[actix_web::test]
async fn a_replica_that_died_over_a_fetch_delays_it_for_as_long_as_its_lease() {
    let (corp, other) = two().await;
    for house in [&corp.house, &other] {
        house.advance(Duration::hours(6));
    }
    let turn = corp.site.open.acquire().await.unwrap();
    let mut dying = tokio::task::JoinSet::new();
    let upkeep = std::sync::Arc::clone(&corp.house.state.context.upkeep);
    dying.spawn(async move { upkeep.run_due().await });
    while corp.asked() < 2 {
        tokio::task::yield_now().await;
    }
    dying.shutdown().await;
    drop(turn);
    other.state.context.upkeep.run_due().await;
    assert_eq!(corp.asked(), 2);
    for house in [&corp.house, &other] {
        house.advance(Duration::seconds(30));
    }
    other.state.context.upkeep.run_due().await;
    assert_eq!(corp.asked(), 3);
}

#[actix_web::test]
async fn failures_are_counted_and_waited_for_together() {
    let (corp, other) = two().await;
    corp.answers(Err(FetchError::TimedOut));
    wait(&corp, &other, Duration::hours(6)).await;
    assert_eq!(corp.asked(), 2, "one tried, for both");
    let mut asked = Vec::new();
    for _ in 0..60 {
        wait(&corp, &other, Duration::minutes(1)).await;
        asked.push(corp.asked());
    }
    // 1, 2, 4, 8 and then every 15 minutes, each a little less.
    assert!((7..=10).contains(&corp.asked()), "{asked:?}");
    corp.says(&corp.document());
    wait(&corp, &other, Duration::minutes(15)).await;
    let there = other.state.context.registry.snapshot();
    let there = there.pool(POOL).unwrap().providers["Corp"].config.value.metadata_fetched;
    assert_eq!(there, Some(corp.house.state.context.now().into()), "and it is well again, for both");
}

#[actix_web::test]
async fn without_the_session_store_refreshing_goes_on_a_little_later() {
    let (corp, other) = two().await;
    for house in [&corp.house, &other] {
        house.sessions.becomes(Mood::Away);
    }
    // Between 4 h 48 min and 5 h 42 min it is due.
    wait(&corp, &other, Duration::minutes(288)).await;
    assert_eq!(corp.asked(), 1);
    for house in [&corp.house, &other] {
        house.advance(Duration::minutes(72));
    }
    other.state.context.upkeep.run_due().await;
    assert_eq!(corp.asked(), 2);
    corp.run_due().await;
    assert_eq!(corp.asked(), 2, "the other has it from the directory");
}

#[actix_web::test]
async fn a_new_key_that_one_replica_fetches_is_waited_for_and_known_on_the_other() {
    let (corp, other) = two().await;
    let next = corp.other_key();
    corp.says(&next.metadata().unwrap());
    for house in [&corp.house, &other] {
        house.advance(Duration::seconds(10));
    }
    let turn = corp.site.open.acquire().await.unwrap();
    let on_the_other = async {
        while corp.asked() < 2 {
            tokio::task::yield_now().await;
        }
        let (answer, ()) = tokio::join!(Corp::sign_in_at(&other, &next), async {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            drop(turn);
        });
        answer
    };
    let (here, there) = tokio::join!(corp.sign_in(&next), on_the_other);
    here.code();
    there.code();
    assert_eq!(corp.asked(), 2);
}

#[actix_web::test]
async fn a_clock_that_was_a_day_ahead_keeps_metadata_no_older_once_it_is_right() {
    let corp = Corp::build().await;
    corp.house.clock_steps(Duration::DAY);
    corp.run_due().await;
    corp.run_due().await;
    assert_eq!(corp.asked(), 2, "six hours have passed, as far as can be told");
    corp.house.clock_steps(-Duration::DAY);
    // What it last fetched is of a moment to come.
    corp.house.advance(Duration::minutes(1));
    corp.run_due().await;
    assert_eq!(corp.asked(), 3);
    corp.wait(Duration::hours(6)).await;
    assert_eq!(corp.asked(), 4);
}
