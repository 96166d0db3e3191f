//! How often a provider is asked.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::cached::Cached;
use super::*;
use crate::Upstream;

fn es256(idp: &Idp, pair: &Pair, kid: &str) {
    let header = json!({ "alg": "ES256", "kid": kid });
    idp.token_reply(pair.sign(&header, claims(&idp.issuer()).to_string().as_bytes()));
}

fn offer(idp: &Idp, jwks: &[Value]) {
    let body = ok(&Value::Object(keys(jwks)));
    idp.play(|script| script.jwks = body);
}

#[tokio::test]
async fn the_key_set_is_fetched_once_for_many_sign_ins() {
    let idp = Idp::new().await;
    for _ in 0..3 {
        idp.finish().await.unwrap();
    }
    assert_eq!(idp.requests("/jwks").await.len(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_at_once_after_the_first_fetch() {
    let idp = Idp::new().await;
    idp.finish().await.unwrap();
    let new = Pair::ec("P-256");
    offer(&idp, &[new.jwk("k2")]);
    es256(&idp, &new, "k2");
    idp.finish().await.unwrap();
    assert_eq!(idp.requests("/jwks").await.len(), 2);
}

#[tokio::test]
async fn an_unknown_key_fetches_the_set_at_most_once_a_minute() {
    let idp = Idp::new().await;
    idp.finish().await.unwrap();
    let new = Pair::ec("P-256");
    es256(&idp, &new, "k2");
    for _ in 0..3 {
        assert_eq!(check_of(&idp.finish().await.unwrap_err()), "oidc_kid");
        idp.clock.pass(Duration::seconds(19));
    }
    assert_eq!(idp.requests("/jwks").await.len(), 2);
    offer(&idp, &[new.jwk("k2")]);
    idp.clock.pass(Duration::seconds(3));
    idp.finish().await.unwrap();
    assert_eq!(idp.requests("/jwks").await.len(), 3);
}

#[tokio::test]
async fn many_sign_ins_with_a_new_key_at_once_cost_one_fetch_and_all_succeed() {
    let idp = Idp::new().await;
    idp.finish().await.unwrap();
    let new = Pair::ec("P-256");
    offer(&idp, &[rsa().jwk("k1"), new.jwk("k2")]);
    es256(&idp, &new, "k2");
    let all = [idp.finish(), idp.finish(), idp.finish(), idp.finish(), idp.finish()];
    let [a, b, c, d, e] = all;
    let (a, b, c, d, e) = tokio::join!(a, b, c, d, e);
    assert!([a, b, c, d, e].iter().all(Result::is_ok));
    assert_eq!(idp.requests("/jwks").await.len(), 2);
}

#[tokio::test]
async fn a_key_that_was_replaced_stops_as_soon_as_the_new_one_is_seen() {
    let idp = Idp::new().await;
    idp.finish().await.unwrap();
    let new = Pair::ec("P-256");
    offer(&idp, &[new.jwk("k2")]);
    es256(&idp, &new, "k2");
    idp.finish().await.unwrap();
    idp.tokens(&claims(&idp.issuer()));
    assert_eq!(check_of(&idp.finish().await.unwrap_err()), "oidc_kid");
    assert_eq!(idp.requests("/jwks").await.len(), 2, "and the minute is kept");
}

#[tokio::test]
async fn a_refetch_that_fails_leaves_the_keys_that_are_known() {
    let idp = Idp::new().await;
    idp.finish().await.unwrap();
    idp.play(|script| script.jwks = ResponseTemplate::new(503));
    es256(&idp, &Pair::ec("P-256"), "k2");
    assert!(matches!(
        idp.finish().await,
        Err(ProviderError::BadReply { at: Upstream::Jwks, status: 503, .. })
    ));
    idp.tokens(&claims(&idp.issuer()));
    idp.finish().await.unwrap();
}

#[tokio::test]
async fn a_withdrawn_key_is_not_believed_for_longer_than_an_hour() {
    let idp = Idp::new().await;
    idp.finish().await.unwrap();
    offer(&idp, &[]);
    idp.clock.pass(Duration::hours(1));
    let mut said = claims(&idp.issuer());
    said["exp"] = json!(NOW.unix_timestamp() + 7200);
    idp.tokens(&said);
    assert_eq!(check_of(&idp.finish().await.unwrap_err()), "oidc_kid");
}

#[tokio::test]
async fn an_old_key_set_serves_while_the_provider_cannot_give_a_new_one() {
    let idp = Idp::new().await;
    idp.finish().await.unwrap();
    idp.play(|script| script.jwks = ResponseTemplate::new(500));
    let mut said = claims(&idp.issuer());
    said["exp"] = json!(NOW.unix_timestamp() + 200_000);
    for hours in [2, 21, 2] {
        idp.clock.pass(Duration::hours(hours));
        said["iat"] = json!(idp.clock.now().unix_timestamp());
        idp.tokens(&said);
        // The second time within the minute, nothing is fetched and the answer is the same.
        for _ in 0..2 {
            let result = idp.finish().await;
            if idp.clock.now() < NOW + Duration::hours(24) {
                assert!(result.is_ok(), "{result:?}");
            } else {
                assert!(matches!(
                    result,
                    Err(ProviderError::BadReply { at: Upstream::Jwks, status: 500, .. })
                ));
            }
        }
    }
}

#[tokio::test]
async fn a_key_set_that_is_none_is_refused() {
    let many: Vec<Value> = (0..101).map(|_| json!({})).collect();
    for body in [json!({}), json!({ "keys": 1 }), json!({ "keys": many })] {
        let idp = Idp::new().await;
        idp.play(|script| script.jwks = ok(&body));
        let error = idp.finish().await.unwrap_err();
        assert!(
            matches!(error, ProviderError::BadReply { at: Upstream::Jwks, status: 200, .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn one_fetches_and_the_others_take_what_it_got() {
    let cached = Arc::new(Cached::<usize>::default());
    let fetches = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(tokio::sync::Notify::new());
    let seen = cached.look().attempts;
    let ask = || {
        let (cached, fetches, gate) = (Arc::clone(&cached), Arc::clone(&fetches), Arc::clone(&gate));
        async move {
            let fetch = || async move {
                fetches.fetch_add(1, Ordering::SeqCst);
                gate.notified().await;
                Err::<Option<(usize, time::OffsetDateTime)>, _>(ProviderError::TimedOut(Upstream::Jwks))
            };
            cached.refresh(seen, NOW, Duration::ZERO, fetch).await
        }
    };
    let all = tokio::spawn({
        let asks: Vec<_> = (0..8).map(|_| tokio::spawn(ask())).collect();
        async move {
            let mut failures = 0;
            for asked in asks {
                failures += usize::from(asked.await.unwrap() == Err(ProviderError::TimedOut(Upstream::Jwks)));
            }
            failures
        }
    });
    gate.notify_one();
    assert_eq!(all.await.unwrap(), 8);
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_fetch_that_is_given_up_leaves_the_way_free() {
    let cached = Cached::<usize>::default();
    let never = cached.refresh(0, NOW, Duration::ZERO, std::future::pending);
    let mut never = Box::pin(never);
    assert!(futures_now(never.as_mut()).is_none());
    drop(never);
    let got = cached.refresh(0, NOW, Duration::ZERO, || async { Ok(Some((5, NOW))) }).await;
    assert_eq!(got.as_deref(), Ok(&5));
}

#[tokio::test]
async fn who_hangs_up_keeps_a_new_copy_from_nobody() {
    let cached = Cached::<usize>::default();
    cached.refresh(0, NOW, Duration::MINUTE, || async { Ok(Some((1, NOW))) }).await.unwrap();
    for _ in 0..3 {
        let mut given_up = Box::pin(cached.refresh(1, NOW, Duration::MINUTE, std::future::pending));
        assert!(futures_now(given_up.as_mut()).is_none());
    }
    let got = cached.refresh(1, NOW, Duration::MINUTE, || async { Ok(Some((2, NOW))) }).await;
    assert_eq!(got.as_deref(), Ok(&2));
    let kept = cached.refresh(2, NOW, Duration::MINUTE, || async { Ok(Some((3, NOW))) }).await;
    assert_eq!(kept.as_deref(), Ok(&2), "what was fetched to its end counts");
}

/// Polls once.
fn futures_now<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(&mut future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
