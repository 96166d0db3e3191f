//! Two replicas over the same stores: any step may land on either.

use serde_json::json;
use time::Duration;

use super::house::{Browser, House, POOL, authorize_path, callback_path, person};
use super::saml::{BOTH, Idp, Key};
use super::single_logout::Person;
use crate::api;
use crate::registry::Edit;
use crate::testing;

async fn replicas() -> (House, House) {
    let one = House::build().await;
    let two = one.beside(Duration::ZERO).await;
    (one, two)
}

#[actix_web::test]
async fn a_script_finds_on_one_replica_what_it_made_on_the_other() {
    let (one, two) = replicas().await;
    let (one, two) = (&one.state.api, &two.state.api);
    let pool = api::call(one, "CreateUserPool", json!({"PoolName": "both"})).await.unwrap();
    let pool = pool["UserPool"]["Id"].clone();
    let client = json!({"UserPoolId": pool, "ClientName": "first"});
    let client = api::call(two, "CreateUserPoolClient", client).await.unwrap();
    let id = client["UserPoolClient"]["ClientId"].clone();
    let input = json!({"UserPoolId": pool, "ClientId": id});
    let shown = api::call(one, "DescribeUserPoolClient", input.clone()).await.unwrap();
    assert_eq!(shown["UserPoolClient"]["ClientName"], "first");
    api::call(one, "DeleteUserPoolClient", input.clone()).await.unwrap();
    let gone = api::call(two, "DescribeUserPoolClient", input).await.unwrap_err();
    assert_eq!(gone.name(), "ResourceNotFoundException");
    let list = api::call(two, "ListUserPoolClients", json!({"UserPoolId": pool})).await.unwrap();
    assert_eq!(list["UserPoolClients"], json!([]));
}

#[actix_web::test]
async fn many_who_configure_one_pool_at_once_on_both_replicas_all_succeed() {
    let (one, two) = replicas().await;
    let make = async |house: &House, name: String| {
        let input = json!({"UserPoolId": POOL, "ClientName": name});
        api::call(&house.state.api, "CreateUserPoolClient", input).await.map(|_| ())
    };
    let (mut made, mut rounds) = (4, 0);
    while rounds < 5 {
        let (a, b) = tokio::join!(make(&one, format!("a{rounds}")), make(&two, format!("b{rounds}")));
        a.unwrap();
        b.unwrap();
        (made, rounds) = (made + 2, rounds + 1);
    }
    one.state.context.registry.caught_up().await.unwrap();
    assert_eq!(one.state.context.registry.snapshot().pool(POOL).unwrap().clients.len(), made);
}

#[actix_web::test]
async fn an_app_is_known_on_the_other_replica_before_anybody_announced_it() {
    let (one, two) = replicas().await;
    let mut fresh = testing::client(json!({"ClientId": "fresh"}));
    fresh.supported_identity_providers.push("New".into());
    let new = super::house::oidc("New");
    one.edit(vec![Edit::CreateProvider(new), Edit::CreateClient(fresh)]).await;
    let mut browser = Browser::default();
    let wish = [("client_id", "fresh"), ("identity_provider", "New")];
    let leaving = two.authorize(&mut browser, &wish).await;
    let back = callback_path(&leaving, &person("alice"));
    let code = one.get(&mut browser, &back).await.code();
    let third = one.beside(Duration::ZERO).await;
    one.edit(vec![Edit::CreateClient(testing::client(json!({"ClientId": "fresher"})))]).await;
    let unknown = third.redeem(&code, &[("client_id", "fresher")]).await;
    assert_eq!(
        unknown.json()["error"],
        "invalid_grant",
        "the client is known, the code is another's: {unknown:?}"
    );
    let other = one.second_pool().await;
    let page =
        third.get_at(other, &mut Browser::default(), &authorize_path(&[("client_id", "stranger")])).await;
    assert_eq!(page.status, 302, "the host is known: {page:?}");
}

#[actix_web::test]
async fn a_sign_in_that_began_with_a_new_provider_ends_on_a_replica_that_had_not_heard_of_it() {
    let (one, two) = replicas().await;
    one.edit(vec![Edit::CreateProvider(super::house::oidc("New"))]).await;
    one.change_client("app", |client| client.supported_identity_providers.push("New".into())).await;
    let mut browser = Browser::default();
    let leaving = one.authorize(&mut browser, &[("identity_provider", "New")]).await;
    two.get(&mut browser, &callback_path(&leaving, &person("alice"))).await.code();
}

#[actix_web::test]
async fn a_sign_out_on_a_replica_whose_clock_is_behind_ends_what_began_on_one_ahead() {
    for binding in BOTH {
        let server = House::build().await;
        let corp = Idp::new("Corp", Key::good());
        corp.move_in(&server, &[]).await;
        let (fast, slow) =
            (server.beside(Duration::seconds(20)).await, server.beside(Duration::seconds(-20)).await);
        fast.asks_the_clock_of(&server).await;
        slow.asks_the_clock_of(&server).await;
        let pass = |by| [&server, &fast, &slow].map(|house| house.advance(by));

        let alice = Person::arrives(&fast, &corp, "alice", "s1").await;
        alice.assert_tokens_live(&slow).await;
        pass(Duration::milliseconds(1));
        let out = corp.send(&slow, binding, &corp.request(&slow, "alice", &[])).await;
        assert_eq!(out.status, 302, "{out:?}");
        for house in [&server, &fast, &slow] {
            assert!(!alice.has_session(house).await);
            assert_eq!(house.user_info(&alice.access).await.status, 401);
            assert_eq!(house.refresh("app", &alice.refresh).await.status, 400);
        }
        // Later is later, on every clock.
        pass(Duration::milliseconds(250));
        Person::arrives(&slow, &corp, "alice", "s2").await.assert_all_live(&fast).await;
        Person::arrives(&fast, &corp, "alice", "s3").await.assert_all_live(&slow).await;
    }
}

#[actix_web::test]
async fn a_clock_set_back_between_sign_in_and_sign_out_lets_nothing_outlive_it() {
    let house = House::build().await;
    let corp = Idp::new("Corp", Key::good());
    corp.move_in(&house, &[]).await;
    let alice = Person::arrives(&house, &corp, "alice", "s1").await;
    house.advance(Duration::milliseconds(1));
    house.clock_steps(Duration::seconds(-50));
    let out = corp.send(&house, BOTH[0], &corp.request(&house, "alice", &[])).await;
    assert_eq!(out.status, 302, "{out:?}");
    alice.assert_all_over(&house).await;
    house.advance(Duration::milliseconds(1));
    Person::arrives(&house, &corp, "alice", "s2").await.assert_all_live(&house).await;
}
