//! Single logout with a SAML provider that takes messages by HTTP-POST alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::house::{Browser, CALLBACK, House, POOL, query};
use super::saml::{BOTH, Binding, Idp, SUCCESS, attribute};
use super::single_logout::{BACK, Person, TO_APP, log_out, with_corp};
use crate::registry::{Edit, Versioned};
use crate::testing::attributes;

async fn with_corp_by_post() -> (House, Idp) {
    let (house, corp) = with_corp(&[]).await;
    let snapshot = house.state.context.registry.snapshot();
    let Versioned { mut value, version } = snapshot.pool(POOL).unwrap().providers["Corp"].config.clone();
    let document = value.metadata_document.take().unwrap();
    value.metadata_document = Some(document.replacen("HTTP-Redirect", "HTTP-POST", 1));
    house.edit(vec![Edit::UpdateProvider(Versioned { value, version })]).await;
    (house, corp)
}

#[actix_web::test]
async fn a_provider_may_be_reached_by_post_alone() {
    let (house, corp) = with_corp_by_post().await;
    let alice = Person::arrives(&house, &corp, "alice", "s1").await;
    let request = corp.request(&house, "alice", &[]);
    let reply = corp.send(&house, Binding::Post, &request).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    alice.assert_all_over(&house).await;
}

/// Its answer may come by a redirect, and would be in the chain of our form still.
#[actix_web::test]
async fn a_sign_out_that_went_by_post_is_led_on_by_a_page() {
    let (house, corp) = with_corp_by_post().await;
    house.change_client("app", |client| client.logout_urls.push("myapp://bye".to_owned())).await;
    for binding in BOTH {
        let leave = async |to: &[(&str, &str)]| {
            let mut browser = Browser::default();
            corp.sign_in(&house, &mut browser, "alice", "s1").await.code();
            let leaving = log_out(&house, &mut browser, to).await;
            let request = attributes(leaving.body.split("SAMLRequest").nth(1).unwrap(), "value").remove(0);
            let request = String::from_utf8(STANDARD.decode(request).unwrap()).unwrap();
            let answer = corp.answer(&house, &attribute(&request, "ID"), SUCCESS);
            (leaving.header("content-security-policy").to_owned(), corp.send(&house, binding, &answer).await)
        };
        let (policy, answer) = leave(TO_APP).await;
        assert!(policy.contains("form-action 'self' https://corp.example;"), "{policy}");
        assert!(answer.body.contains("Taking you to app.example."), "{answer:?}");
        assert_eq!(answer.led_on().header("location"), BACK);
        let (policy, answer) = leave(&[("logout_uri", "myapp://bye")]).await;
        assert!(policy.contains("form-action 'self' https://corp.example myapp:;"), "{policy}");
        assert_eq!((answer.status.as_u16(), answer.header("location")), (302, "myapp://bye"));
        let again = [("redirect_uri", CALLBACK), ("response_type", "code")];
        let (_, answer) = leave(&again).await;
        let login = query(&[&[("client_id", "app")], &again[..]].concat());
        assert_eq!(answer.led_on().header("location"), format!("/login?{login}"), "which may lead on, too");
        let (_, answer) = leave(&[]).await;
        assert!(answer.status == 200 && answer.body.contains("signed out"), "{answer:?}");
    }
}
