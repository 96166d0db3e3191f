//! Groups from the provider's claim into the tokens.

use serde_json::{Value, json};

use super::house::{Browser, House, POOL, callback_path, claims, person};
use crate::pool::Group;
use crate::registry::{Edit, Versioned};

async fn make_groups(house: &House, groups: &[(&str, Option<u32>, Option<&str>)]) {
    let make = groups.iter().map(|(name, precedence, role)| {
        let group: Group = serde_json::from_value(json!({
            "GroupName": name, "UserPoolId": POOL, "Precedence": precedence, "RoleArn": role,
            "CreationDate": 0.0, "LastModifiedDate": 0.0,
        }))
        .unwrap();
        Edit::CreateGroup(group)
    });
    house.edit(make.collect()).await;
}

/// Signs jane in with this claim `groups`; what ID and access token say.
async fn sign_in(house: &House, groups: Value) -> (Value, Value) {
    let browser = &mut Browser::default();
    let leaving = house.authorize(browser, &[("identity_provider", "Acme")]).await;
    let mut jane = person("jane");
    jane["groups"] = groups;
    let code = house.get(browser, &callback_path(&leaving, &jane)).await.code();
    let tokens = house.redeem(&code, &[]).await.json();
    (claims(&tokens["id_token"]), claims(&tokens["access_token"]))
}

#[actix_web::test]
async fn mapped_groups_follow_the_claim_at_every_sign_in_and_stand_in_the_tokens() {
    let house = House::build().await;
    make_groups(&house, &[("staff", None, Some("r-staff")), ("admins", Some(1), Some("r-admins"))]).await;
    let snapshot = house.state.context.registry.snapshot();
    let Versioned { mut value, version } = snapshot.pool(POOL).unwrap().providers["Acme"].config.clone();
    value.attribute_mapping.insert("cognito:groups".into(), "groups".into());
    house.edit(vec![Edit::UpdateProvider(Versioned { value, version })]).await;

    let own = format!("{POOL}_Acme");
    let others = format!("{POOL}_Globex");
    let (id, access) = sign_in(&house, json!(["staff", "admins", "nobody", others])).await;
    let expected = json!(["admins", own, "staff"]);
    assert_eq!((&id["cognito:groups"], &access["cognito:groups"]), (&expected, &expected));
    assert_eq!(id["cognito:roles"], json!(["r-admins", "r-staff"]));
    assert_eq!(id["cognito:preferred_role"], "r-admins");
    assert_eq!((access.get("cognito:roles"), access.get("cognito:preferred_role")), (None, None));

    let (id, _) = sign_in(&house, json!(["staff"])).await;
    assert_eq!(id["cognito:groups"], json!([own, "staff"]));
    assert_eq!(id["cognito:preferred_role"], "r-staff");
    let (id, _) = sign_in(&house, json!([])).await;
    assert_eq!(id["cognito:groups"], json!([own]));
    assert_eq!((id.get("cognito:roles"), id.get("cognito:preferred_role")), (None, None));
}

#[actix_web::test]
async fn a_claim_that_nobody_mapped_makes_nobody_a_member() {
    let house = House::build().await;
    make_groups(&house, &[("admins", Some(1), Some("r-admins"))]).await;
    let (id, _) = sign_in(&house, json!(["admins"])).await;
    assert_eq!(id["cognito:groups"], json!([format!("{POOL}_Acme")]));
}
