//! `POST /oauth2/backchannel-logout` (OpenID Connect Back-Channel Logout 1.0).

use std::sync::Arc;

use actix_web::test::TestRequest;
use poolgate_providers::fetch::Http;
use serde_json::{Value, json};
use time::Duration;
use tokio::sync::Notify;

use super::super::house::{Answer, Browser, House, callback_path, oidc, person, query};
use super::super::moods::Mood;
use super::super::provider;
use super::super::single_logout::Person;
use super::super::token::assert_refused;
use super::{EVENT, arrives, assert_lives, claims, set, sign_in, token, with_acme};
use crate::context::digest_name;
use crate::registry::Edit;
use crate::sessions::{Key, Kind};

const PATH: &str = "/oauth2/backchannel-logout";

async fn send(house: &House, token: &str) -> Answer {
    house.post_form(PATH, &[("logout_token", token)]).await
}

async fn ends(house: &House, edits: Value) {
    let answer = send(house, &token(house, &edits)).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (200, ""), "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
}

/// What is refused says why: with this code, and the request's id.
fn assert_not_believed(answer: &Answer, code: &str) {
    assert_eq!(answer.status, 400, "expected {code}: {answer:?}");
    assert_eq!(answer.json()["error"], "invalid_request");
    let description = answer.json()["error_description"].as_str().unwrap().to_owned();
    assert!(description.contains(code), "expected {code}: {description}");
    assert!(description.ends_with(answer.header("x-amzn-requestid")), "{description}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("access-control-allow-origin"), "", "no browser has business here");
}

/// The provider is asked to send it again.
fn assert_not_now(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!answer.body.contains("fishing"), "the reason is for the log");
}

async fn refused(house: &House, edits: Value, code: &str) {
    assert_not_believed(&send(house, &token(house, &edits)).await, code);
}

#[actix_web::test]
async fn a_person_is_signed_out_everywhere_with_every_token_and_nobody_else_is() {
    let house = House::build().await;
    let desk = arrives(&house, "Acme", "alice", "s1").await;
    let phone = arrives(&house, "Acme", "alice", "s2").await;
    let nameless = arrives(&house, "Acme", "alice", "").await;
    let bob = arrives(&house, "Acme", "bob", "s3").await;
    let namesake = arrives(&house, "Globex", "alice", "s1").await;
    house.advance(Duration::milliseconds(300));
    ends(&house, json!({"sub": "alice"})).await;
    for over in [&desk, &phone, &nameless] {
        over.assert_all_over(&house).await;
    }
    bob.assert_all_live(&house).await;
    namesake.assert_all_live(&house).await;
    // In the same second, somebody who signs in anew is signed in.
    house.advance(Duration::milliseconds(1));
    arrives(&house, "Acme", "alice", "s1").await.assert_all_live(&house).await;
    desk.assert_all_over(&house).await;
}

#[actix_web::test]
async fn white_space_around_the_name_of_a_session_does_not_count() {
    let house = House::build().await;
    let alice = arrives(&house, "Acme", "alice", " s1 ").await;
    house.advance(Duration::milliseconds(1));
    ends(&house, json!({"sid": "s1"})).await;
    alice.assert_all_over(&house).await;
}

#[actix_web::test]
async fn a_refresh_token_is_over_for_as_long_as_it_would_have_lived() {
    let house = House::build().await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    ends(&house, json!({"sub": "alice"})).await;
    house.advance(Duration::days(29));
    // What nothing needs any more is forgotten along with what is written.
    for somebody in ["bob", "carol"] {
        arrives(&house, "Acme", somebody, "").await;
    }
    assert_refused("refresh", &house.refresh("app", &alice.refresh).await, 400, "invalid_grant");
    assert_refused("code", &house.redeem(&alice.code, &[]).await, 400, "invalid_grant");
}

#[actix_web::test]
async fn a_session_ends_with_its_tokens_and_the_persons_other_sessions_live_on() {
    for who in [json!({"sub": "alice", "sid": "s1"}), json!({"sid": "s1"})] {
        let house = House::build().await;
        let desk = arrives(&house, "Acme", "alice", "s1").await;
        let again = arrives(&house, "Acme", "alice", "s1").await;
        let phone = arrives(&house, "Acme", "alice", "s2").await;
        let bob = arrives(&house, "Acme", "bob", "s3").await;
        let namesake = arrives(&house, "Globex", "alice", "s1").await;
        house.advance(Duration::milliseconds(1));
        ends(&house, who.clone()).await;
        desk.assert_all_over(&house).await;
        again.assert_all_over(&house).await;
        bob.assert_all_live(&house).await;
        namesake.assert_all_live(&house).await;
        assert!(phone.has_session(&house).await, "{who}");
        house.advance(Duration::milliseconds(1));
        phone.assert_tokens_live(&house).await;
        assert_eq!(
            house.user_info(&phone.access).await.status,
            401,
            "access tokens do not say which session"
        );
    }
}

#[actix_web::test]
async fn a_named_session_of_a_person_ends_their_sign_ins_that_named_none() {
    let house = House::build().await;
    let nameless = arrives(&house, "Acme", "alice", "").await;
    let other = arrives(&house, "Acme", "alice", "s2").await;
    let bob = arrives(&house, "Acme", "bob", "").await;
    house.advance(Duration::milliseconds(1));
    ends(&house, json!({"sid": "s1"})).await;
    assert_lives(&house, &nameless).await;
    house.advance(Duration::milliseconds(1));
    ends(&house, json!({"sid": "s1", "sub": "alice"})).await;
    assert!(!nameless.has_session(&house).await);
    assert_refused("refresh", &house.refresh("app", &nameless.refresh).await, 400, "invalid_grant");
    assert!(other.has_session(&house).await);
    bob.assert_all_live(&house).await;
}

#[actix_web::test]
async fn a_session_and_a_person_that_do_not_belong_together_end_nothing() {
    let house = House::build().await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    let bob = arrives(&house, "Acme", "bob", "s2").await;
    house.advance(Duration::milliseconds(1));
    ends(&house, json!({"sid": "s1", "sub": "bob"})).await;
    assert!(bob.has_session(&house).await);
    alice.assert_all_live(&house).await;
}

#[actix_web::test]
async fn where_a_sign_out_ends_sessions_only_tokens_live_on() {
    for who in [json!({"sub": "alice"}), json!({"sid": "s1"})] {
        let house = with_acme(&[("logout_ends", "session")]).await;
        let alice = arrives(&house, "Acme", "alice", "s1").await;
        ends(&house, who).await;
        assert!(!alice.has_session(&house).await);
        assert_eq!(house.user_info(&alice.access).await.status, 200);
        alice.assert_tokens_live(&house).await;
    }
}

#[actix_web::test]
async fn a_sign_out_while_a_sign_in_still_asks_the_provider_ends_that_sign_in() {
    for who in [json!({"sub": "alice"}), json!({"sub": "alice", "sid": "s1"}), json!({"sid": "s1"})] {
        let house = House::build().await;
        let before = arrives(&house, "Acme", "alice", "s1").await;
        house.advance(Duration::milliseconds(1));
        let mut browser = Browser::default();
        let leaving =
            house.authorize(&mut browser, &[("identity_provider", "Acme"), ("prompt", "login")]).await;
        let mut claims = person("alice");
        claims["sid"] = "s1".into();
        let back = callback_path(&leaving, &claims);
        let gate = Arc::new(provider::Gate {
            provider: Arc::clone(&house.web),
            asked: Notify::new(),
            opens: Notify::new(),
        });
        let site: Arc<dyn Http> = Arc::<provider::Gate>::clone(&gate);
        house.web.sites.lock().unwrap().insert("https://acme.example/token".into(), site);
        let sign_out = async {
            gate.asked.notified().await;
            house.advance(Duration::milliseconds(1));
            ends(&house, who.clone()).await;
            house.advance(Duration::milliseconds(1));
            gate.opens.notify_one();
        };
        let (landed, ()) = tokio::join!(house.get(&mut browser, &back), sign_out);
        let redeemed = house.redeem(&landed.code(), &[]).await;
        assert_refused("code", &redeemed, 400, "invalid_grant");
        let session = house.authorize(&mut browser, &[("prompt", "none")]).await;
        assert_eq!(session.told("error").as_deref(), Some("login_required"), "{who}: {session:?}");
        before.assert_all_over(&house).await;
    }
}

#[actix_web::test]
async fn nobody_being_known_is_no_fault() {
    let house = House::build().await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    for nobody in [
        json!({"sub": "bob"}),
        json!({"sub": "Alice"}),
        json!({"sub": "Acme_alice"}),
        json!({"sid": "s9"}),
        json!({"sid": "S1"}),
        json!({"sid": "alice"}),
    ] {
        ends(&house, nobody).await;
    }
    alice.assert_all_live(&house).await;
}

#[actix_web::test]
async fn what_is_not_believed_ends_nothing() {
    let house = House::build().await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    house.advance(Duration::milliseconds(1));
    let now = house.state.context.now().unix_timestamp();
    let with = |more: Value| {
        let mut edits = json!({"sub": "alice", "sid": "s1"});
        edits.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        edits
    };
    for (edit, code) in [
        (json!({"iss": "https://nobody.example"}), "oidc_issuer"),
        (json!({"iss": "https://globex.example", "aud": "another"}), "oidc_audience"),
        (json!({"aud": "another"}), "oidc_audience"),
        (json!({"events": null}), "oidc_logout_events"),
        (json!({"nonce": "n"}), "oidc_logout_nonce"),
        (json!({"jti": null}), "oidc_jti"),
        (json!({"exp": now - 60}), "oidc_expired"),
        (json!({"sub": null, "sid": null}), "oidc_logout_who"),
    ] {
        refused(&house, with(edit), code).await;
    }
    // A stranger's key, and an ID token of the right one.
    let stranger = provider::Provider::new(Arc::clone(&house.state.context.around.clock));
    let forged = stranger.sign(&claims(&house, &with(json!({}))));
    assert_not_believed(&send(&house, &forged).await, "oidc_kid");
    let id_token = json!({"events": null, "nonce": "n", "email": "alice@acme.example"});
    refused(&house, with(id_token), "oidc_logout_events").await;
    for (form, code) in [
        (&[][..], "logout_token is missing"),
        (&[("logout_token", "")], "logout_token is missing"),
        (&[("logout_token", "a"), ("logout_token", "b")], "more than once"),
        (&[("logout_token", "a.b")], "oidc_logout_token_form"),
        (&[("logout_token", "eyJhbGciOiJub25lIn0.e30.")], "oidc_alg"),
        (&[("id_token_hint", "a.b.c")], "logout_token is missing"),
    ] {
        assert_not_believed(&house.post_form(PATH, form).await, code);
    }
    let large = format!("{}.{}.x", "A".repeat(40_000), "B".repeat(40_000));
    assert_not_believed(&send(&house, &large).await, "too large");
    let json_body = TestRequest::post().uri(PATH).insert_header(("host", "localhost"));
    let json_body = json_body.insert_header(("content-type", "application/json")).set_payload("{}");
    assert_not_believed(&house.send(json_body).await, "application/x-www-form-urlencoded");
    alice.assert_all_live(&house).await;
}

#[actix_web::test]
async fn only_a_post_is_heard_and_no_browser_may_ask_first() {
    let house = House::build().await;
    let path = format!("{PATH}?{}", query(&[("logout_token", &token(&house, &json!({"sub": "alice"})))]));
    assert_eq!(house.get(&mut Browser::default(), &path).await.status, 405);
    let preflight = TestRequest::default().method(actix_web::http::Method::OPTIONS).uri(PATH);
    assert_eq!(house.send(preflight.insert_header(("host", "localhost"))).await.status, 405);
}

#[actix_web::test]
async fn a_token_that_was_followed_ends_no_later_session() {
    for who in [json!({"sub": "alice"}), json!({"sid": "s1"}), json!({"sub": "alice", "sid": "s1"})] {
        let house = House::build().await;
        arrives(&house, "Acme", "alice", "s1").await;
        let token = token(&house, &who);
        assert_eq!(send(&house, &token).await.status, 200);
        house.advance(Duration::seconds(1));
        let back = arrives(&house, "Acme", "alice", "s1").await;
        assert_not_believed(&send(&house, &token).await, "oidc_logout_replay");
        back.assert_all_live(&house).await;
        // For as long as it would be believed: then its times refuse it.
        house.advance(Duration::seconds(178));
        assert_not_believed(&send(&house, &token).await, "oidc_logout_replay");
        house.advance(Duration::seconds(1));
        assert_not_believed(&send(&house, &token).await, "oidc_expired");
        assert!(back.has_session(&house).await);
    }
}

#[actix_web::test]
async fn a_token_whose_following_broke_off_works_again_and_ends_what_it_would_have_ended() {
    let house = House::build().await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    let token = token(&house, &json!({"sub": "alice"}));
    house.sessions.becomes(Mood::Away);
    assert_not_now(&send(&house, &token).await);
    house.sessions.becomes(Mood::Well);
    assert_lives(&house, &alice).await;
    // It is marked, and then the directory is away: as if the process had died in between.
    house.directory.becomes(Mood::Away);
    assert_not_now(&send(&house, &token).await);
    house.directory.becomes(Mood::Well);
    assert_lives(&house, &alice).await;
    house.advance(Duration::seconds(20));
    let later = arrives(&house, "Acme", "alice", "s2").await;
    house.advance(Duration::seconds(20));
    assert_eq!(send(&house, &token).await.status, 200);
    alice.assert_all_over(&house).await;
    later.assert_all_live(&house).await;
    assert_not_believed(&send(&house, &token).await, "oidc_logout_replay");
}

#[actix_web::test]
async fn a_token_that_ended_everything_but_is_not_marked_ends_nothing_more() {
    let house = House::build().await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    let said = claims(&house, &json!({"sub": "alice"}));
    let token = house.web.sign(&said);
    assert_eq!(send(&house, &token).await.status, 200);
    // As if the process had died before the last mark.
    let name = format!("logout_token us-east-1_Tests0001 4:Acme {}", said["jti"].as_str().unwrap());
    let mark = Key::new(Kind::Used, digest_name(&name));
    let first = (house.state.context.now().unix_timestamp_nanos() / 1_000_000).to_string();
    assert!(house.sessions.inner.exchange(&mark, first.into_bytes()).await.unwrap().is_some());
    house.advance(Duration::seconds(1));
    let back = arrives(&house, "Acme", "alice", "s1").await;
    assert_eq!(send(&house, &token).await.status, 200);
    alice.assert_all_over(&house).await;
    back.assert_all_live(&house).await;
    assert_not_believed(&send(&house, &token).await, "oidc_logout_replay");
}

#[actix_web::test]
async fn the_same_token_at_the_same_time_is_followed_and_harms_nobody() {
    let house = House::build().await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    let token = token(&house, &json!({"sid": "s1"}));
    let answers = tokio::join!(send(&house, &token), send(&house, &token), send(&house, &token));
    let answers = [answers.0, answers.1, answers.2];
    assert!(answers.iter().any(|answer| answer.status == 200));
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_not_believed(answer, "oidc_logout_replay");
    }
    alice.assert_all_over(&house).await;
}

#[actix_web::test]
async fn a_provider_whose_keys_cannot_be_fetched_is_asked_to_try_again() {
    let house = House::build().await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    set(&house, "Acme", &[("oidc_issuer", "https://acme.example/nowhere")]).await;
    let edits = json!({"sub": "alice", "iss": "https://acme.example/nowhere"});
    assert_not_now(&send(&house, &token(&house, &edits)).await);
    alice.assert_all_live(&house).await;
}

#[actix_web::test]
async fn another_pool_has_its_own_people_and_its_own_memory() {
    let house = House::build().await;
    let other = house.second_pool().await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    for who in [json!({"sub": "alice"}), json!({"sid": "s1"})] {
        let token = token(&house, &who);
        let there = house.post_with_host(PATH, &[("logout_token", &token)], other).await;
        assert_eq!(there.status, 200, "the provider of that name there has the same issuer and client id");
        assert_lives(&house, &alice).await;
    }
    let token = token(&house, &json!({"sid": "s1"}));
    assert_eq!(house.post_with_host(PATH, &[("logout_token", &token)], other).await.status, 200);
    assert_eq!(send(&house, &token).await.status, 200);
    alice.assert_all_over(&house).await;
}

/// A second provider of the pool at Acme's issuer.
async fn with_twin(client_id: &str) -> House {
    let house = House::build().await;
    let mut twin = oidc("Twin");
    twin.provider_details.insert("oidc_issuer".into(), "https://acme.example".into());
    twin.provider_details.insert("client_id".into(), client_id.into());
    house.edit(vec![Edit::CreateProvider(twin)]).await;
    let names = ["Acme", "Globex", "Twin"].map(str::to_owned);
    house.change_client("app", |client| client.supported_identity_providers = names.into()).await;
    house
}

#[actix_web::test]
async fn of_two_providers_at_one_issuer_the_one_is_meant_whose_client_id_is_named() {
    // The provider in memory signs ID tokens for `poolgate` alone: so nobody signs in at the twin here.
    let house = with_twin("another").await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    house.advance(Duration::milliseconds(1));
    ends(&house, json!({"sub": "alice", "aud": "another"})).await;
    ends(&house, json!({"sid": "s1", "aud": "another"})).await;
    assert_lives(&house, &alice).await;
    refused(&house, json!({"sub": "alice", "aud": "third"}), "oidc_audience").await;
    refused(&house, json!({"sub": "alice", "aud": "another", "azp": provider::CLIENT}), "oidc_azp").await;
    ends(&house, json!({"sub": "alice"})).await;
    alice.assert_all_over(&house).await;
}

#[actix_web::test]
async fn of_two_providers_at_one_issuer_the_one_that_could_not_look_may_be_meant() {
    let house = with_twin("another").await;
    let explicit = [
        ("authorize_url", "https://acme.example/authorize"),
        ("token_url", "https://acme.example/token"),
        ("attributes_url", "https://acme.example/userinfo"),
        ("jwks_uri", "https://acme.example/nowhere"),
    ];
    set(&house, "Twin", &explicit).await;
    assert_not_now(&send(&house, &token(&house, &json!({"sub": "alice", "aud": "another"}))).await);
    // Acme could look, and that is enough.
    ends(&house, json!({"sub": "alice"})).await;
}

#[actix_web::test]
async fn of_two_providers_at_one_issuer_with_one_client_id_both_are_meant() {
    let house = with_twin(provider::CLIENT).await;
    let here = arrives(&house, "Acme", "alice", "s1").await;
    let there = arrives(&house, "Twin", "alice", "s1").await;
    let token = token(&house, &json!({"sid": "s1"}));
    assert_eq!(send(&house, &token).await.status, 200);
    here.assert_all_over(&house).await;
    there.assert_all_over(&house).await;
    assert_not_believed(&send(&house, &token).await, "oidc_logout_replay");
}

#[actix_web::test]
async fn a_token_is_verified_for_an_issuer_written_with_a_slash_only_as_the_provider_writes_it() {
    let house = House::build().await;
    arrives(&house, "Acme", "alice", "s1").await;
    refused(&house, json!({"sub": "alice", "iss": "https://acme.example/"}), "oidc_issuer").await;
}

#[actix_web::test]
async fn a_session_is_found_for_as_long_as_its_refresh_tokens_live() {
    let house = House::build().await;
    let alice = arrives(&house, "Acme", "alice", "s1").await;
    house.advance(Duration::days(29));
    // A write forgets what is over.
    let bob = arrives(&house, "Acme", "bob", "s2").await;
    ends(&house, json!({"sid": "s1"})).await;
    let refreshed = house.refresh("app", &alice.refresh).await;
    assert_refused("refresh", &refreshed, 400, "invalid_grant");
    assert_eq!(refreshed.json()["error_description"], "Refresh Token has been revoked");
    bob.assert_all_live(&house).await;
}

#[actix_web::test]
async fn an_odd_name_of_a_session_is_noted_as_it_came_or_not_at_all() {
    let house = House::build().await;
    let long = "s".repeat(1024);
    for sid in ["s 1", "\u{fc}\u{1f642}", "a\"b\\c", &long] {
        let alice = arrives(&house, "Acme", "alice", sid).await;
        house.advance(Duration::milliseconds(1));
        ends(&house, json!({"sid": sid})).await;
        alice.assert_all_over(&house).await;
        house.advance(Duration::milliseconds(1));
    }
    let longer = "s".repeat(1025);
    let mut browser = Browser::default();
    let code = sign_in(&house, &mut browser, "Acme", "alice", &longer).await;
    let alice = Person::with(&house, browser, &code).await;
    refused(&house, json!({"sid": longer}), "oidc_sid").await;
    refused(&house, json!({"sid": 7, "sub": "alice"}), "oidc_sid").await;
    refused(&house, json!({"sub": "alice", "events": [EVENT]}), "oidc_logout_events").await;
    alice.assert_all_live(&house).await;
}
