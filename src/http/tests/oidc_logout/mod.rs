//! Sign-out with OpenID providers: ours there, and theirs here, behind the browser's back and in its frames.

mod backchannel;
mod frontchannel;
mod rp_initiated;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::house::{Browser, House, POOL, callback_path, person};
use super::provider;
use super::single_logout::Person;
use crate::registry::{Edit, Versioned};

/// The event that makes a logout token one.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

async fn set(house: &House, name: &str, more: &[(&str, &str)]) {
    let snapshot = house.state.context.registry.snapshot();
    let Versioned { mut value, version } = snapshot.pool(POOL).unwrap().providers[name].config.clone();
    let more = more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    value.provider_details.extend(more.collect::<BTreeMap<_, _>>());
    house.edit(vec![Edit::UpdateProvider(Versioned { value, version })]).await;
}

/// A house whose provider Acme has these settings besides the usual ones.
async fn with_acme(more: &[(&str, &str)]) -> House {
    let house = House::build().await;
    set(&house, "Acme", more).await;
    house
}

/// Somebody signs in at a provider, in a session of this name there; an empty name: the provider names none.
async fn sign_in(house: &House, browser: &mut Browser, provider: &str, subject: &str, sid: &str) -> String {
    let leaving = house.authorize(browser, &[("identity_provider", provider), ("prompt", "login")]).await;
    let mut claims = person(subject);
    if !sid.is_empty() {
        claims["sid"] = sid.into();
    }
    house.get(browser, &callback_path(&leaving, &claims)).await.code()
}

/// The same, with session, tokens and a code that is not redeemed yet.
async fn arrives(house: &House, provider: &str, subject: &str, sid: &str) -> Person {
    let mut browser = Browser::default();
    let code = sign_in(house, &mut browser, provider, subject, sid).await;
    Person::with(house, browser, &code).await
}

/// Good claims of a logout token of Acme, with `edits` over them; null takes one away.
fn claims(house: &House, edits: &Value) -> Value {
    let now = house.state.context.now().unix_timestamp();
    let mut claims = json!({"iss": "https://acme.example", "aud": provider::CLIENT, "iat": now, "exp": now + 120,
                            "jti": house.state.context.uuid(), "events": {EVENT: {}}});
    for (name, value) in edits.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

/// A logout token of Acme.
fn token(house: &House, edits: &Value) -> String {
    house.web.sign(&claims(house, edits))
}

/// Whether session and tokens live: can be asked again and again.
async fn assert_lives(house: &House, person: &Person) {
    assert!(person.has_session(house).await);
    assert_eq!(house.user_info(&person.access).await.status, 200);
    assert_refreshes(house, person).await;
}

async fn assert_refreshes(house: &House, person: &Person) {
    let refreshed = house.refresh("app", &person.refresh).await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
}
