//! Users who sign out everywhere, are disabled or deleted: nothing of before is of use, anywhere, and what comes later
//! is.

use actix_web::test::TestRequest;
use serde_json::{Value, json};
use time::Duration;

use super::house::{Answer, Browser, House, POOL, authorize_path, callback_path, claims, person};
use super::single_logout::Person;
use super::token::assert_refused;
use crate::api;
use crate::pool::UserChange;
use crate::tokens::{self, Granted, Holder, Occasion};

const SCOPES: [(&str, &str); 1] = [("scope", "openid email aws.cognito.signin.user.admin")];

/// `POST /` without a signature, as Amplify does.
async fn post(house: &House, operation: &str, input: &Value) -> Answer {
    let request = TestRequest::post()
        .uri("/")
        .insert_header(("host", "localhost"))
        .insert_header(("content-type", "application/x-amz-json-1.1"))
        .insert_header(("x-amz-target", format!("AWSCognitoIdentityProviderService.{operation}")));
    house.send(request.set_payload(input.to_string())).await
}

async fn admin(house: &House, operation: &str) {
    let input = json!({"UserPoolId": POOL, "Username": "Acme_alice"});
    api::call(&house.state.api, operation, input)
        .await
        .unwrap_or_else(|error| panic!("{operation}: {error}"));
}

/// Alice signs in; her tokens may do everything, and she has a code that is not redeemed yet.
async fn alice(house: &House) -> Person {
    let mut browser = Browser::default();
    let code = house.sign_in(&mut browser, &SCOPES).await.code();
    Person::with(house, browser, &code).await
}

/// Nothing that this person had is of use, whatever the reason is called.
async fn is_over(house: &House, person: &Person) {
    assert!(!person.has_session(house).await, "the session");
    assert_refused("refresh", &house.refresh("app", &person.refresh).await, 400, "invalid_grant");
    assert_refused("code", &house.redeem(&person.code, &[]).await, 400, "invalid_grant");
    assert_eq!(house.user_info(&person.access).await.status, 401, "the access token");
}

fn is_refused(answer: &Answer, name: &str, text: &str) {
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.json(), json!({"__type": name, "message": text}));
    assert_eq!(answer.header("x-amzn-errortype"), name);
}

#[actix_web::test]
async fn an_access_token_is_permission_enough_and_a_script_may_ask_from_anywhere() {
    let house = House::build().await;
    let alice = alice(&house).await;
    let user = post(&house, "GetUser", &json!({"AccessToken": alice.access})).await;
    assert_eq!(user.status, 200, "{user:?}");
    assert_eq!(user.header("access-control-allow-origin"), "*");
    assert_eq!(user.json()["Username"], "Acme_alice");
    let update = json!({"AccessToken": alice.access,
                        "UserAttributes": [{"Name": "name", "Value": "Alice L."}]});
    assert_eq!(
        post(&house, "UpdateUserAttributes", &update).await.json(),
        json!({"CodeDeliveryDetailsList": []})
    );
    assert_eq!(house.user_info(&alice.access).await.json()["name"], "Alice L.");
    let refreshed = house.refresh("app", &alice.refresh).await.json();
    assert_eq!(claims(&refreshed["id_token"])["name"], "Alice L.", "and the next ID token says so");
    let signed = post(&house, "AdminGetUser", &json!({"UserPoolId": POOL, "Username": "Acme_alice"})).await;
    assert_eq!(signed.json()["__type"], "MissingAuthenticationTokenException");
}

#[actix_web::test]
async fn a_sign_out_everywhere_ends_everything_on_every_replica_at_once_and_nothing_later() {
    for by_admin in [false, true] {
        let server = House::build().await;
        let (fast, slow) =
            (server.beside(Duration::seconds(20)).await, server.beside(Duration::seconds(-20)).await);
        fast.asks_the_clock_of(&server).await;
        slow.asks_the_clock_of(&server).await;
        let pass = |by| [&server, &fast, &slow].map(|house| house.advance(by));
        for (one, other) in [(&fast, &slow), (&slow, &fast)] {
            let before = alice(one).await;
            before.assert_tokens_live(other).await;
            pass(Duration::milliseconds(1));
            if by_admin {
                admin(other, "AdminUserGlobalSignOut").await;
            } else {
                let done = post(other, "GlobalSignOut", &json!({"AccessToken": before.access})).await;
                assert_eq!((done.status.as_u16(), done.json()), (200, json!({})));
            }
            for house in [&fast, &slow] {
                before.assert_all_over(house).await;
                let refused = post(house, "GetUser", &json!({"AccessToken": before.access})).await;
                is_refused(&refused, "NotAuthorizedException", "Access Token has been revoked");
            }
            // By so much the replicas may disagree: what begins within it may have begun before.
            pass(Duration::milliseconds(100));
            assert_refused("a moment later", &alice_refused(other).await, 400, "invalid_grant");
            // Later is later, on every clock, and in the same second too.
            pass(Duration::milliseconds(150));
            for house in [&fast, &slow] {
                alice(house).await.assert_all_live(other).await;
            }
            pass(Duration::SECOND);
        }
    }
}

#[actix_web::test]
async fn a_sign_in_of_the_next_millisecond_is_another_one() {
    let house = House::build().await;
    let before = alice(&house).await;
    admin(&house, "AdminUserGlobalSignOut").await;
    let same = alice_refused(&house).await;
    house.advance(Duration::milliseconds(1));
    alice(&house).await.assert_all_live(&house).await;
    before.assert_all_over(&house).await;
    assert_refused("the same millisecond", &same, 400, "invalid_grant");
}

/// What becomes of the code of a sign-in that began too early.
async fn alice_refused(house: &House) -> Answer {
    let code = house.sign_in(&mut Browser::default(), &SCOPES).await.code();
    house.redeem(&code, &[]).await
}

#[actix_web::test]
async fn tokens_made_while_their_user_signed_out_are_over_too() {
    let house = House::build().await;
    let alice = alice(&house).await;
    let old = claims(&Value::from(alice.access.as_str()));
    house.advance(Duration::seconds(1));
    admin(&house, "AdminUserGlobalSignOut").await;
    house.advance(Duration::seconds(1));
    // Somebody had looked at the refresh token before, and mints only now.
    let context = &house.state.context;
    let snapshot = context.registry.snapshot();
    let pool = snapshot.pool(POOL).unwrap();
    let user = context.directory.user(POOL, "Acme_alice").await.unwrap().unwrap();
    let text = |name: &str| old[name].as_str().unwrap().to_owned();
    let granted = Granted {
        scopes: vec!["openid".to_owned()],
        auth_time: old["auth_time"].as_i64().unwrap(),
        origin_jti: text("origin_jti"),
        event_id: text("event_id"),
        nonce: None,
        resource: None,
        provenance: None,
    };
    let holder = Holder { pool, client: pool.client("app").unwrap(), user: &user };
    let late = tokens::mint(context, holder, &granted, Occasion::RefreshTokens).await.unwrap();
    assert_eq!(house.user_info(&late.access_token).await.status, 401);
}

#[actix_web::test]
async fn a_sign_in_under_way_does_not_survive_a_sign_out() {
    let house = House::build().await;
    house.sign_in(&mut Browser::default(), &SCOPES).await.code();
    for spa in [false, true] {
        house.advance(Duration::milliseconds(5));
        let out = UserChange {
            signed_out_at: Some(house.state.context.end_now()),
            ..UserChange::at(house.state.context.now())
        };
        *house.directory.changes_behind.lock().unwrap() = Some(("Acme_alice".to_owned(), out));
        let mut browser = Browser::default();
        if spa {
            let wish = [
                ("client_id", "spa"),
                ("response_type", "token"),
                ("code_challenge", ""),
                ("code_challenge_method", ""),
            ];
            let landed = house.sign_in(&mut browser, &wish).await;
            let fragment = landed.location().fragment().unwrap_or_default().to_owned();
            assert!(fragment.contains("error=access_denied"), "{landed:?}");
            assert!(!fragment.contains("_token"), "{landed:?}");
        } else {
            let code = house.sign_in(&mut browser, &SCOPES).await.code();
            assert_refused("code", &house.redeem(&code, &[]).await, 400, "invalid_grant");
            let again = house.get(&mut browser, &authorize_path(&[("prompt", "none")])).await;
            assert_eq!(again.told("error").as_deref(), Some("login_required"), "{again:?}");
        }
    }
}

#[actix_web::test]
async fn a_disabled_user_can_do_nothing_and_signs_in_anew_once_enabled() {
    let house = House::build().await;
    let before = alice(&house).await;
    house.advance(Duration::milliseconds(1));
    admin(&house, "AdminDisableUser").await;
    is_over(&house, &before).await;
    let refused = post(&house, "GetUser", &json!({"AccessToken": before.access})).await;
    is_refused(&refused, "NotAuthorizedException", "User is disabled.");
    let landed = house.sign_in(&mut Browser::default(), &[]).await;
    assert_eq!(landed.told("error").as_deref(), Some("access_denied"), "{landed:?}");
    assert_eq!(landed.told("error_description").as_deref(), Some("User is disabled"), "{landed:?}");
    house.advance(Duration::milliseconds(1));
    admin(&house, "AdminEnableUser").await;
    is_over(&house, &before).await;
    alice(&house).await.assert_all_live(&house).await;
}

#[actix_web::test]
async fn who_comes_back_after_being_deleted_is_somebody_else() {
    for by_admin in [false, true] {
        let house = House::build().await;
        let before = alice(&house).await;
        let sub = claims(&Value::from(before.access.as_str()))["sub"].clone();
        if by_admin {
            admin(&house, "AdminDeleteUser").await;
        } else {
            let gone = post(&house, "DeleteUser", &json!({"AccessToken": before.access})).await;
            assert_eq!(gone.status, 200, "{gone:?}");
        }
        is_over(&house, &before).await;
        let mut browser = Browser::default();
        let leaving = house.authorize(&mut browser, &[("identity_provider", "Acme")]).await;
        let code = house.get(&mut browser, &callback_path(&leaving, &person("alice"))).await.code();
        let again = Person::with(&house, browser, &code).await;
        assert_ne!(claims(&Value::from(again.access.as_str()))["sub"], sub);
        is_over(&house, &before).await;
        let refused = post(&house, "DeleteUser", &json!({"AccessToken": before.access})).await;
        is_refused(&refused, "UserNotFoundException", "User does not exist.");
        again.assert_all_live(&house).await;
    }
}
