//! What the app wishes of the provider: it travels there, and the provider's answer is held against it.

use serde_json::json;

use super::house::{Answer, Browser, House, POOL, authorize_path, callback_path, claims, person};
use crate::registry::{Edit, Versioned};
use crate::testing::attributes;

const WISHES: [(&str, &str); 6] = [
    ("prompt", "login consent"),
    ("login_hint", "jane+a&b=c@acme.example"),
    ("max_age", "300"),
    ("lang", "de"),
    ("ui_locales", "fr-CA de it"),
    ("acr_values", "urn:example:gold phr"),
];
const TOLD: [(&str, &str); 5] = [
    ("prompt", "login consent"),
    ("login_hint", "jane+a&b=c@acme.example"),
    ("max_age", "300"),
    ("ui_locales", "de fr-CA it"),
    ("acr_values", "urn:example:gold phr"),
];

fn assert_told(answer: &Answer) {
    assert!(answer.header("location").starts_with("https://acme.example/authorize?"), "{answer:?}");
    for (name, value) in TOLD {
        assert_eq!(answer.told(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(answer.told("lang"), None, "that is our own word for it");
}

#[actix_web::test]
async fn every_wish_of_the_app_reaches_the_provider() {
    let house = House::build().await;
    let named = [&WISHES[..], &[("identity_provider", "Acme")]].concat();
    assert_told(&house.authorize(&mut Browser::default(), &named).await);
}

#[actix_web::test]
async fn every_wish_survives_the_page_with_the_buttons() {
    let house = House::build().await;
    let browser = &mut Browser::default();
    let page = authorize_path(&WISHES).replace("/oauth2/authorize", "/login");
    let page = house.get(browser, &page).await;
    let mut links = attributes(&page.body, "href").into_iter();
    let button = links.find(|link| link.ends_with("identity_provider=Acme")).unwrap();
    assert_told(&house.get(browser, &button).await);
}

#[actix_web::test]
async fn an_answer_that_does_not_grant_max_age_or_prompt_login_is_refused() {
    let house = House::build().await;
    let now = house.state.context.now().unix_timestamp();
    for (wish, auth_time, good) in [
        (("max_age", "300"), Some(now - 300), true),
        (("max_age", "300"), Some(now - 361), false),
        (("max_age", "300"), None, false),
        (("prompt", "login"), Some(now), true),
        (("prompt", "login"), Some(now - 61), false),
        (("prompt", "login"), None, true),
        (("acr_values", "gold"), None, true),
    ] {
        let browser = &mut Browser::default();
        let leaving = house.authorize(browser, &[wish, ("identity_provider", "Acme")]).await;
        let mut jane = person("jane");
        if let Some(auth_time) = auth_time {
            jane["auth_time"] = auth_time.into();
        }
        let answer = house.get(browser, &callback_path(&leaving, &jane)).await;
        assert_eq!(answer.told("code").is_some(), good, "{wish:?} {auth_time:?}: {answer:?}");
        assert_eq!(answer.told("error").as_deref(), (!good).then_some("server_error"), "{wish:?}");
    }
}

#[actix_web::test]
async fn how_the_person_signed_in_can_be_mapped() {
    let house = House::build().await;
    let snapshot = house.state.context.registry.snapshot();
    let Versioned { mut value, version } = snapshot.pool(POOL).unwrap().providers["Acme"].config.clone();
    value.attribute_mapping.insert("name".into(), "acr".into());
    value.attribute_mapping.insert("custom:groups".into(), "amr".into());
    house.edit(vec![Edit::UpdateProvider(Versioned { value, version })]).await;
    let browser = &mut Browser::default();
    let leaving = house
        .authorize(
            browser,
            &[("acr_values", "gold silver"), ("identity_provider", "Acme"), ("scope", "openid profile")],
        )
        .await;
    let mut jane = person("jane");
    jane["acr"] = json!("silver");
    jane["amr"] = json!(["pwd", "otp"]);
    let code = house.get(browser, &callback_path(&leaving, &jane)).await.code();
    let id = claims(&house.redeem(&code, &[]).await.json()["id_token"]);
    assert_eq!((id["name"].as_str(), id["custom:groups"].as_str()), (Some("silver"), Some("[pwd, otp]")));
}
