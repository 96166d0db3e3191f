//! A store fails under one gateway, in every way a store can: at every step of a sign-in a clear answer within a
//! bounded time, nothing half-written, and recovery without a restart.

mod scene;

use std::cell::RefCell;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use poolgate_testing::{Postgres, Proxy, Redis, Wire};

use crate::harness::Gateway;
use crate::load::{Load, Soul};
use scene::{BOUND, End, RECOVERY, Scene, TIMEOUT, UnderWay, addresses, settings};

/// Steps that need Redis: what is under way lives there.
const NEED_REDIS: [&str; 6] =
    ["authorize", "authorize, session", "callback, SAML", "callback, OIDC", "code", "logout"];
/// Steps that need PostgreSQL: users and revocations are never remembered.
const NEED_POSTGRES: [&str; 7] =
    ["authorize, session", "callback, SAML", "callback, OIDC", "code", "refresh", "userInfo", "management"];

/// Breaks, asks every step, mends; steps that `need` what is broken are refused, all others are right.
async fn ride_out(
    mut scene: Scene,
    need: &[&str],
    break_it: impl FnOnce(&mut Scene),
    mend_it: impl FnOnce(&mut Scene),
) {
    let under_way = scene.under_way(0).await;
    tokio::task::block_in_place(|| break_it(&mut scene));
    let ends = scene.every_step(&under_way, BOUND).await;
    let red = scene.readiness(false).await;
    tokio::task::block_in_place(|| mend_it(&mut scene));
    let green = scene.readiness(true).await;
    eprintln!("red after {red:?}, green after {green:?}; {ends:?}");
    for (step, end) in &ends {
        let wanted = if need.contains(step) { End::Away } else { End::Right };
        assert_eq!(*end, wanted, "{step}: {ends:?}");
    }
    scene.all_is_well(&under_way).await;
}

async fn redis() -> Redis {
    tokio::task::spawn_blocking(Redis::start).await.unwrap()
}

async fn postgres() -> Postgres {
    tokio::task::spawn_blocking(Postgres::start).await.unwrap()
}

async fn scene() -> Scene {
    Scene::new(redis().await, "", postgres().await).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_down_and_comes_back() {
    let scene = scene().await;
    ride_out(scene, &NEED_REDIS, |scene| scene.redis.kill(), |scene| scene.redis.restart()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_frozen_and_goes_on() {
    let scene = scene().await;
    ride_out(scene, &NEED_REDIS, |scene| scene.redis.freeze(), |scene| scene.redis.thaw()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_to_redis_drops_everything_and_opens_again() {
    let scene = scene().await;
    let (silent, open) =
        (|s: &mut Scene| s.to_redis.set(Wire::Silent), |s: &mut Scene| s.to_redis.set(Wire::Open));
    ride_out(scene, &NEED_REDIS, silent, open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_answers_later_than_anybody_waits() {
    let scene = scene().await;
    let slow = |scene: &mut Scene| scene.to_redis.set(Wire::Slow(TIMEOUT * 2));
    ride_out(scene, &NEED_REDIS, slow, |scene| scene.to_redis.set(Wire::Open)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_store_makes_sign_ins_slow_and_nothing_else() {
    // A management call makes several round trips to PostgreSQL: with its default, all of them may take 3 s.
    let timeout = Duration::from_secs(3);
    let scene = Scene::with_timeout(redis().await, "", postgres().await, timeout).await;
    let under_way = scene.under_way(0).await;
    let delay = Wire::Slow(Duration::from_millis(200));
    scene.to_redis.set(delay);
    scene.to_postgres.set(delay);
    let ends = scene.every_step(&under_way, BOUND * 2).await;
    assert!(ends.values().all(|end| *end == End::Right), "{ends:?}");
    scene.readiness(true).await;
    scene.all_is_well(&under_way).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_refuses_our_password_and_takes_it_again() {
    let redis = redis().await;
    let user = |password: &str| {
        let said = redis.command(&["ACL", "SETUSER", "gate", "reset", "on", password, "~*", "&*", "+@all"]);
        assert!(said.contains("OK"), "{said}");
    };
    user(">right");
    let scene = Scene::new(redis, "gate:right@", postgres().await).await;
    let set = |scene: &mut Scene, password: &str| {
        let user = ["ACL", "SETUSER", "gate", "resetpass", password];
        assert!(scene.redis.command(&user).contains("OK"));
        scene.redis.command(&["CLIENT", "KILL", "USER", "gate"]);
    };
    ride_out(scene, &NEED_REDIS, |scene| set(scene, ">wrong"), |scene| set(scene, ">right")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_is_down_and_comes_back() {
    let scene = scene().await;
    let (down, up) = (|s: &mut Scene| s.postgres.crash(), |s: &mut Scene| s.postgres.restart());
    ride_out(scene, &NEED_POSTGRES, down, up).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_to_postgres_drops_everything_and_opens_again() {
    let scene = scene().await;
    let silent = |scene: &mut Scene| scene.to_postgres.set(Wire::Silent);
    ride_out(scene, &NEED_POSTGRES, silent, |scene| scene.to_postgres.set(Wire::Open)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_answers_later_than_anybody_waits() {
    let scene = scene().await;
    let slow = |scene: &mut Scene| scene.to_postgres.set(Wire::Slow(TIMEOUT * 2));
    ride_out(scene, &NEED_POSTGRES, slow, |scene| scene.to_postgres.set(Wire::Open)).await;
}

/// Connections of a PostgreSQL that is to run out of them.
const CONNECTIONS: usize = 14;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_has_no_connection_left_and_gets_some_back() {
    let few = format!("max_connections={CONNECTIONS}");
    let postgres = tokio::task::spawn_blocking(move || Postgres::start_with(&[&few])).await.unwrap();
    let scene = Scene::new(redis().await, "", postgres).await;
    let hogs = RefCell::new(Vec::new());
    let take = |scene: &mut Scene| {
        scene.to_postgres.set(Wire::Cut);
        hogs.borrow_mut().extend(take_every_connection(&scene.postgres));
        scene.to_postgres.set(Wire::Open);
    };
    let give = |_: &mut Scene| hogs.borrow_mut().clear();
    ride_out(scene, &NEED_POSTGRES, take, give).await;
}

/// A connection that does nothing. Dropped: closed.
struct Hog(Child);

impl Drop for Hog {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn take_every_connection(postgres: &Postgres) -> Vec<Hog> {
    let psql = |more: &[&str]| {
        let mut psql = Command::new("psql");
        psql.args(["-qXAt", &postgres.url()]).args(more).stdout(Stdio::null()).stderr(Stdio::piped());
        psql
    };
    // Each waits for a command that never comes.
    let hog = |_| Hog(psql(&[]).stdin(Stdio::piped()).spawn().unwrap());
    let hogs: Vec<_> = (0..CONNECTIONS).map(hog).collect();
    let begun = Instant::now();
    loop {
        let refused = psql(&["-c", "SELECT 1"]).output().unwrap();
        if String::from_utf8_lossy(&refused.stderr).contains("too many clients") {
            return hogs;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "there are still connections: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_was_flushed_costs_what_was_under_way_and_no_more() {
    let scene = scene().await;
    let under_way = scene.under_way(0).await;
    assert!(scene.redis.command(&["FLUSHALL"]).contains("OK"));
    forgotten(&scene, &under_way).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_comes_back_empty_costs_what_was_under_way_and_no_more() {
    let mut scene = scene().await;
    let under_way = scene.under_way(0).await;
    tokio::task::block_in_place(|| {
        scene.redis.kill();
        std::fs::remove_dir_all(scene.redis.folder().join("appendonlydir")).unwrap();
        scene.redis.restart();
    });
    scene.readiness(true).await;
    forgotten(&scene, &under_way).await;
}

/// What was under way is refused as something unknown; who has tokens keeps them; everybody signs in again.
async fn forgotten(scene: &Scene, under_way: &UnderWay) {
    const FORGOTTEN: [&str; 4] = ["authorize, session", "callback, SAML", "callback, OIDC", "code"];
    let ends = scene.every_step(under_way, BOUND).await;
    for (step, end) in &ends {
        let wanted = if FORGOTTEN.contains(step) { End::Lost } else { End::Right };
        assert_eq!(*end, wanted, "{step}: {ends:?}");
    }
    scene.readiness(true).await;
    scene.all_is_well(under_way).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_full_refuses_new_sign_ins_and_forgets_nothing() {
    const WRITE: [&str; 3] = ["authorize", "callback, SAML", "callback, OIDC"];
    let scene = scene().await;
    let under_way = scene.under_way(0).await;
    let limit = |bytes: &str| {
        assert!(scene.redis.command(&["CONFIG", "SET", "maxmemory", bytes]).contains("OK"));
    };
    limit("1");
    let ends = scene.every_step(&under_way, BOUND).await;
    for step in WRITE {
        assert_eq!(ends[step], End::Away, "{step}: {ends:?}");
    }
    assert!(ends.values().all(|end| *end != End::Lost), "{ends:?}");
    limit("0");
    scene.readiness(true).await;
    scene.all_is_well(&under_way).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_may_only_be_read_takes_no_new_user_and_says_so() {
    const WRITE: [&str; 3] = ["callback, SAML", "callback, OIDC", "management"];
    let scene = scene().await;
    let under_way = scene.under_way(0).await;
    let read_only = |on: &str| {
        let postgres = &scene.postgres;
        tokio::task::block_in_place(|| {
            postgres.sql(&format!("ALTER SYSTEM SET default_transaction_read_only = {on}"));
            postgres.sql("SELECT pg_reload_conf()");
            let begun = Instant::now();
            while postgres.sql("SHOW default_transaction_read_only") != on {
                assert!(begun.elapsed() < Duration::from_secs(30), "the setting is in force");
            }
        });
    };
    read_only("on");
    let ends = scene.every_step(&under_way, BOUND).await;
    for step in WRITE {
        assert_eq!(ends[step], End::Away, "{step}: {ends:?}");
    }
    assert_eq!((&ends["refresh"], &ends["userInfo"]), (&End::Right, &End::Right), "{ends:?}");
    read_only("off");
    scene.readiness(true).await;
    scene.all_is_well(&under_way).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_was_restarted_meanwhile_is_not_even_noticed() {
    let mut scene = scene().await;
    let under_way = scene.under_way(0).await;
    tokio::task::block_in_place(|| scene.postgres.restart());
    let ends = scene.every_step(&under_way, BOUND).await;
    assert!(ends.values().all(|end| *end == End::Right), "{ends:?}");
    scene.all_is_well(&under_way).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_starts_before_its_stores_waits_for_them() {
    let (redis, postgres) = (redis().await, postgres().await);
    let (to_redis, to_postgres) = (Proxy::before(redis.port()), Proxy::before(postgres.port()));
    to_redis.set(Wire::Cut);
    to_postgres.set(Wire::Cut);
    let (directory, sessions) = addresses(&to_redis, &to_postgres, "", TIMEOUT);
    let starting = tokio::spawn(async move { Gateway::start_with(&settings(&directory, &sessions)).await });
    // It has tried, in vain, and tried again.
    to_postgres.wait_for_refusals(2).await;
    to_postgres.set(Wire::Open);
    to_redis.wait_for_refusals(1).await;
    to_redis.set(Wire::Open);
    let gateway = starting.await.unwrap();
    gateway.wait_for_readiness(true, RECOVERY).await;
    let load = Load::provision(&gateway.url()).await;
    let (soul, browser) = (Soul::new("early", "Saml"), load.browser());
    let request = load.request(load.client("app"), "Saml");
    let at = load.ask(&browser, &request).await.unwrap();
    let landing = load.provider_answers(&browser, &soul, &at).await.unwrap();
    load.redeem(&soul, &request, &landing).await.unwrap();
}
