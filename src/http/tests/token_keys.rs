//! The keys of tokens rolled over, before the eyes of a verifier that keeps the JWKS for as long as it may.

use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::house::{Browser, House, POOL};
use crate::keys::roll_over::RollOverError;
use crate::keys::{KeyRecord, KeyUse};
use crate::registry::KeyChangeError;

/// Whoever verifies our tokens, with a copy of the JWKS that it reads anew when its time is over and never sooner.
struct Verifier {
    kept: Option<(OffsetDateTime, Vec<Value>)>,
}

impl Verifier {
    async fn keys(&mut self, house: &House) -> &[Value] {
        let now = house.state.context.now();
        if self.kept.as_ref().is_none_or(|(until, _)| now >= *until) {
            let answer = house.get(&mut Browser::default(), &format!("/{POOL}/.well-known/jwks.json")).await;
            let seconds = answer.header("cache-control").split_once("max-age=").unwrap().1.parse().unwrap();
            let keys = answer.json()["keys"].as_array().unwrap().clone();
            self.kept = Some((now + Duration::seconds(seconds), keys));
        }
        &self.kept.as_ref().unwrap().1
    }

    async fn verifies(&mut self, house: &House, token: &Value) -> bool {
        let token = token.as_str().unwrap();
        let kid = kid(token);
        let keys = self.keys(house).await;
        let Some(key) = keys.iter().find(|key| key["kid"] == kid.as_str()) else { return false };
        let part = |name: &str| key[name].as_str().unwrap();
        let decoding = jsonwebtoken::DecodingKey::from_rsa_components(part("n"), part("e")).unwrap();
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        (validation.validate_exp, validation.validate_aud) = (false, false);
        jsonwebtoken::decode::<Value>(token, &decoding, &validation).is_ok()
    }
}

fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

fn of_use(house: &House, key_use: KeyUse) -> Vec<KeyRecord> {
    let snapshot = house.state.context.registry.snapshot();
    let mut keys = snapshot.pool(POOL).unwrap().keys.records().to_vec();
    keys.retain(|key| key.key_use == key_use);
    keys.sort_by_key(|key| key.created);
    keys
}

#[actix_web::test]
async fn no_verification_fails_while_the_keys_that_sign_roll_over() {
    let house = House::build().await;
    let registry = &house.state.context.registry;
    let mut verifier = Verifier { kept: None };
    let before = house.tokens(&[]).await;
    // Its copy is as old as it can be when the new keys begin to sign.
    assert!(verifier.verifies(&house, &before["id_token"]).await);
    for key_use in [KeyUse::IdToken, KeyUse::AccessToken] {
        registry.roll_key(POOL, key_use, Duration::ZERO).await.unwrap();
    }
    let mut all = vec![before.clone()];
    for _ in 0..12 {
        let tokens = house.tokens(&[]).await;
        all.push(tokens);
        for tokens in &all {
            for name in ["id_token", "access_token"] {
                assert!(verifier.verifies(&house, &tokens[name]).await, "{name} after {} steps", all.len());
            }
            assert_eq!(house.user_info(tokens["access_token"].as_str().unwrap()).await.status, 200);
        }
        house.advance(Duration::seconds(59));
    }
    for name in ["id_token", "access_token"] {
        let kids: Vec<_> = all.iter().map(|tokens| kid(tokens[name].as_str().unwrap())).collect();
        let changes = kids.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(changes, 1, "{name}: the new key signs from its moment on: {kids:?}");
        assert_eq!(kids[5], kids[0], "{name}: not within five minutes");
    }
}

#[actix_web::test]
async fn the_old_key_stays_in_the_jwks_until_the_last_token_that_it_signed_has_ended() {
    let house = House::build().await;
    let registry = &house.state.context.registry;
    let old = of_use(&house, KeyUse::AccessToken).remove(0);
    let new = registry.roll_key(POOL, KeyUse::AccessToken, Duration::days(1)).await.unwrap();
    let retire = async |id: &str| registry.retire_key(POOL, id, false).await;
    let shown = async || Verifier { kept: None }.keys(&house).await.len();
    assert_eq!(shown().await, 3, "both, and that of ID tokens");
    assert!(matches!(retire(&old.id).await, Err(KeyChangeError::Rule(RollOverError::Signs(_)))));
    house.advance(Duration::days(1) - Duration::SECOND);
    house.change_client("app", |client| client.access_token_validity = Some(24)).await;
    let last = house.tokens(&[]).await;
    house.advance(Duration::SECOND);
    assert!(matches!(retire(&new.id).await, Err(KeyChangeError::Rule(RollOverError::Signs(_)))));
    house.advance(Duration::days(1) - Duration::seconds(2));
    assert_eq!(house.user_info(last["access_token"].as_str().unwrap()).await.status, 200, "it lives a day");
    assert!(matches!(retire(&old.id).await, Err(KeyChangeError::Rule(RollOverError::Needed(..)))));
    assert_eq!(shown().await, 3);
    house.advance(Duration::minutes(6));
    retire(&old.id).await.unwrap();
    assert_eq!(shown().await, 2);
}

#[actix_web::test]
async fn refresh_tokens_of_the_old_key_live_on_beside_those_of_the_new_one() {
    let house = House::build().await;
    house.rotate("app", 0).await;
    let registry = &house.state.context.registry;
    let sealed_by = |token: &Value| token.as_str().unwrap().split('.').next().unwrap().to_owned();
    let (one, two) = (house.tokens(&[]).await, house.tokens(&[]).await);
    let old = of_use(&house, KeyUse::RefreshToken).remove(0);
    registry.roll_key(POOL, KeyUse::RefreshToken, Duration::ZERO).await.unwrap();
    let early = house.tokens(&[]).await;
    assert_eq!(sealed_by(&early["refresh_token"]), sealed_by(&one["refresh_token"]), "not yet");
    house.advance(Duration::minutes(5));
    let renewed = house.refresh("app", one["refresh_token"].as_str().unwrap()).await.json();
    assert_ne!(sealed_by(&renewed["refresh_token"]), sealed_by(&one["refresh_token"]), "now");
    let other = house.beside(Duration::ZERO).await;
    let again = other.refresh("app", renewed["refresh_token"].as_str().unwrap()).await;
    assert_eq!(again.status, 200, "{again:?}");
    let needed = registry.retire_key(POOL, &old.id, false).await;
    assert!(matches!(needed, Err(KeyChangeError::Rule(RollOverError::Needed(..)))), "{needed:?}");
    // The old key was stolen: what it sealed ends, and nothing else.
    registry.retire_key(POOL, &old.id, true).await.unwrap();
    assert_eq!(house.refresh("app", two["refresh_token"].as_str().unwrap()).await.status, 400);
    let newest = again.json()["refresh_token"].clone();
    assert_eq!(house.refresh("app", newest.as_str().unwrap()).await.status, 200);
}
