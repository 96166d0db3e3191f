//! Before and after somebody becomes a user, and before and after each sign-in.

use serde_json::{Value, json};

use super::super::house::claims;
use super::*;

fn identities(at: i64) -> String {
    json!([{ "userId": "alice", "providerName": "Acme", "providerType": "OIDC", "issuer": null, "primary": true,
             "dateCreated": at }])
    .to_string()
}

fn common(source: &str) -> Value {
    json!({
        "version": "1", "triggerSource": source, "region": "us-east-1", "userPoolId": POOL,
        "userName": "Acme_alice",
        "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "app" },
    })
}

#[actix_web::test]
async fn the_events_have_the_documented_shape() {
    let (house, lambda) = house_with(every_trigger()).await;
    sign_in(&house, &mut Browser::default(), &person("alice"), &[]).await.code();
    let made = user(&house, "Acme_alice").await.unwrap();
    let with = |source: &str, request: Value, response: Value| {
        let mut event = common(source);
        event["request"] = request;
        event["response"] = response;
        event
    };
    let said = json!({ "email": "alice@acme.example", "email_verified": "true", "name": "alice" });
    let mut aliases = said.clone();
    aliases["cognito:email_alias"] = "".into();
    aliases["cognito:phone_number_alias"] = "".into();
    assert_eq!(
        lambda.event("PreSignUp"),
        with(
            "PreSignUp_ExternalProvider",
            json!({ "userAttributes": aliases, "validationData": {} }),
            json!({ "autoConfirmUser": false, "autoVerifyEmail": false, "autoVerifyPhone": false }),
        )
    );
    assert_eq!(
        lambda.event("PreAuthentication"),
        with(
            "PreAuthentication_Authentication",
            json!({ "userAttributes": said, "validationData": {} }),
            json!({}),
        )
    );
    let mut stored = said;
    stored["sub"] = made.sub.clone().into();
    stored["cognito:user_status"] = "EXTERNAL_PROVIDER".into();
    stored["identities"] = identities(made.identities[0].date_created).into();
    assert_eq!(
        lambda.event("PostConfirmation"),
        with("PostConfirmation_ConfirmSignUp", json!({ "userAttributes": stored }), json!({}))
    );
    let after = json!({ "userAttributes": stored, "newDeviceUsed": false });
    assert_eq!(
        lambda.event("PostAuthentication"),
        with("PostAuthentication_Authentication", after, json!({}))
    );
    // The next time a function sees the user as they are, before this sign-in changes them.
    lambda.forget();
    let renamed = json!({ "sub": "alice", "email": "new@acme.example", "email_verified": true });
    sign_in(&house, &mut Browser::default(), &renamed, &[]).await.code();
    let before = lambda.event("PreAuthentication");
    assert_eq!(before["request"]["userAttributes"], stored);
    assert_eq!(lambda.event("PostAuthentication")["request"]["userAttributes"]["email"], "new@acme.example");
}

#[actix_web::test]
async fn an_address_may_be_said_to_be_verified_where_there_is_one() {
    let (house, lambda) = house_with(json!({ "PreSignUp": arn("PreSignUp") })).await;
    let unverified = json!({ "sub": "alice", "email": "alice@acme.example", "email_verified": false });
    for said in [json!(true), json!("true")] {
        lambda.one_does("PreSignUp", Does::Responds(json!({ "autoVerifyEmail": said })));
        let who = json!({ "sub": said.to_string(), "email": "a@acme.example", "email_verified": false });
        let answer = sign_in(&house, &mut Browser::default(), &who, &[]).await;
        let tokens = tokens_of(&house, &answer).await;
        assert_eq!(claims(&tokens["id_token"])["email_verified"], true);
    }
    for response in [
        json!({ "autoVerifyPhone": true }),
        json!({ "autoVerifyEmail": 1 }),
        json!({ "autoVerifyEmail": "yes" }),
        json!({ "autoConfirmUser": {} }),
    ] {
        lambda.one_does("PreSignUp", Does::Responds(response.clone()));
        let answer = sign_in(&house, &mut Browser::default(), &unverified, &[]).await;
        assert_eq!(answer.told("error").as_deref(), Some("invalid_request"), "{response}");
        assert!(answer.told("error_description").unwrap().starts_with("Unrecognizable lambda output"));
        assert!(user(&house, "Acme_alice").await.is_none(), "{response}");
    }
}

#[actix_web::test]
async fn somebody_who_is_expected_by_a_link_does_not_sign_up() {
    use crate::pool::{LinkBy, LinkSource, NewLink};
    let (house, lambda) = house_with(every_trigger()).await;
    sign_in(&house, &mut Browser::default(), &person("alice"), &[]).await.code();
    let alice = user(&house, "Acme_alice").await.unwrap();
    let by = LinkBy::Attribute { name: "email".into(), value: "al@acme.example".into() };
    let link = NewLink {
        pool_id: POOL.into(),
        sub: alice.sub,
        source: LinkSource { provider_name: "Globex".into(), by },
        provider_type: "OIDC".into(),
        issuer: None,
        at: house.state.context.now(),
    };
    house.directory.inner.link(link).await.unwrap();
    lambda.forget();
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[("identity_provider", "Globex")]).await;
    house.get(&mut browser, &callback_path(&leaving, &person("al"))).await.code();
    assert!(!lambda.names().contains(&"PreSignUp".to_owned()), "{:?}", lambda.names());
    assert!(!lambda.names().contains(&"PostConfirmation".to_owned()));
    assert_eq!(lambda.event("PostAuthentication")["userName"], "Acme_alice");
}
