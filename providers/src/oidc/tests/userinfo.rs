//! What userinfo says of the person: plain, signed, and not believed.

use super::*;
use crate::Upstream;

#[tokio::test]
async fn userinfo_of_another_person_is_refused() {
    let idp = Idp::new().await;
    for body in [json!({ "sub": "person-2" }), json!({ "email": "x" }), json!({ "sub": ["person-1"] })] {
        idp.play(|script| script.userinfo = ok(&body));
        assert_eq!(check_of(&idp.finish().await.unwrap_err()), "oidc_userinfo_subject");
    }
}

#[tokio::test]
async fn a_provider_without_userinfo_needs_none() {
    let idp = Idp::new().await;
    let mut metadata = Idp::metadata(&idp.issuer());
    metadata.as_object_mut().unwrap().remove("userinfo_endpoint");
    idp.play(|script| script.discovery = ok(&metadata));
    assert_eq!(idp.finish().await.unwrap().subject, "person-1");
    assert!(idp.requests("/userinfo").await.is_empty());
}

#[tokio::test]
async fn userinfo_of_another_media_type_is_refused() {
    let idp = Idp::new().await;
    let body = json!({ "sub": "person-1" }).to_string();
    idp.play(|script| script.userinfo = ResponseTemplate::new(200).set_body_raw(body.clone(), "text/html"));
    let error = idp.finish().await.unwrap_err();
    assert!(error.to_string().contains("text/html"), "{error}");
    idp.play(|script| script.userinfo = ResponseTemplate::new(200).set_body_bytes(body.clone()));
    assert!(matches!(idp.finish().await, Err(ProviderError::BadReply { at: Upstream::UserInfo, .. })));
    let kind = "Application/JSON; charset=utf-8";
    idp.play(|script| script.userinfo = ResponseTemplate::new(200).set_body_raw(body, kind));
    idp.finish().await.unwrap();
}

/// Claims of a good signed answer.
fn signed_claims(idp: &Idp) -> Value {
    json!({ "iss": idp.issuer(), "aud": CLIENT, "sub": "person-1", "email": "signed@example.com" })
}

fn answer(idp: &Idp, token: String) {
    idp.play(|script| script.userinfo = ResponseTemplate::new(200).set_body_raw(token, "application/jwt"));
}

fn sign(claims: &Value) -> String {
    rsa().sign(&header(), claims.to_string().as_bytes())
}

async fn refused(idp: &Idp, token: String) -> &'static str {
    answer(idp, token);
    check_of(&idp.finish().await.unwrap_err())
}

/// The check that refuses a good signed answer after `change`.
async fn refused_with(idp: &Idp, change: impl FnOnce(&mut Value)) -> &'static str {
    let mut claims = signed_claims(idp);
    change(&mut claims);
    refused(idp, sign(&claims)).await
}

#[tokio::test]
async fn signed_userinfo_is_verified_and_read() {
    let idp = Idp::new().await;
    answer(&idp, sign(&signed_claims(&idp)));
    assert_eq!(idp.finish().await.unwrap().attributes["email"], ["signed@example.com"]);
    assert_eq!(idp.requests("/jwks").await.len(), 1);
}

#[tokio::test]
async fn signed_userinfo_needs_neither_issuer_nor_audience_and_may_not_have_others() {
    let idp = Idp::new().await;
    let mut bare = signed_claims(&idp);
    for name in ["iss", "aud"] {
        bare.as_object_mut().unwrap().remove(name);
    }
    answer(&idp, sign(&bare));
    assert!(idp.finish().await.is_ok());
    for odd in [json!("https://evil.example"), json!(format!("{}/", idp.issuer())), Value::Null, json!([])] {
        assert_eq!(refused_with(&idp, |c| c["iss"] = odd).await, "oidc_issuer");
    }
    for odd in [json!("other"), json!(["other"]), json!([]), Value::Null, json!([CLIENT, 7])] {
        assert_eq!(refused_with(&idp, |c| c["aud"] = odd).await, "oidc_audience");
    }
    let mut several = signed_claims(&idp);
    several["aud"] = json!(["other", CLIENT]);
    answer(&idp, sign(&several));
    assert!(idp.finish().await.is_ok());
}

#[tokio::test]
async fn signed_userinfo_of_another_person_is_refused() {
    let idp = Idp::new().await;
    assert_eq!(refused_with(&idp, |c| c["sub"] = json!("person-2")).await, "oidc_userinfo_subject");
    assert_eq!(refused_with(&idp, |c| c["sub"] = Value::Null).await, "oidc_userinfo_subject");
}

#[tokio::test]
async fn a_token_made_for_something_else_is_no_userinfo() {
    let idp = Idp::new().await;
    // The very ID token of this sign-in, which says all that userinfo must say.
    assert_eq!(refused(&idp, sign(&claims(&idp.issuer()))).await, "oidc_typ");
    let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    assert_eq!(refused_with(&idp, |c| c["events"] = event).await, "oidc_typ");
    for name in ["at_hash", "c_hash", "s_hash", "nonce"] {
        assert_eq!(refused_with(&idp, |c| c[name] = Value::Null).await, "oidc_typ", "{name}");
    }
    for typ in ["at+jwt", "logout+jwt", "application/logout+jwt"] {
        let header = json!({ "alg": "RS256", "kid": "k1", "typ": typ });
        let token = rsa().sign(&header, signed_claims(&idp).to_string().as_bytes());
        assert_eq!(refused(&idp, token).await, "oidc_typ", "{typ}");
    }
}

#[tokio::test]
async fn signed_userinfo_that_is_over_or_not_yet_good_is_refused() {
    let idp = Idp::new().await;
    let now = NOW.unix_timestamp();
    assert_eq!(refused_with(&idp, |c| c["exp"] = json!(now - 60)).await, "oidc_expired");
    assert_eq!(refused_with(&idp, |c| c["exp"] = json!("soon")).await, "oidc_expired");
    assert_eq!(refused_with(&idp, |c| c["nbf"] = json!(now + 61)).await, "oidc_not_before");
    let mut claims = signed_claims(&idp);
    (claims["exp"], claims["nbf"], claims["iat"]) = (json!(now - 59), json!(now + 60), json!(now));
    answer(&idp, sign(&claims));
    assert!(idp.finish().await.is_ok());
}

#[tokio::test]
async fn userinfo_signed_by_a_stranger_is_refused() {
    let idp = Idp::new().await;
    let stranger = Pair::ec("P-256");
    let text = signed_claims(&idp).to_string();
    let token = stranger.sign(&json!({ "alg": "ES256", "kid": "k1" }), text.as_bytes());
    assert_eq!(refused(&idp, token).await, "oidc_kid");
    let (other, good) = (sign(&claims("https://evil.example")), sign(&signed_claims(&idp)));
    let (signed, _) = good.rsplit_once('.').unwrap();
    let (_, signature) = other.rsplit_once('.').unwrap();
    assert_eq!(refused(&idp, format!("{signed}.{signature}")).await, "oidc_signature");
}

#[tokio::test]
async fn userinfo_without_a_signature_is_not_taken_as_signed() {
    let idp = Idp::new().await;
    for alg in ["none", "HS256"] {
        let head = URL_SAFE_NO_PAD.encode(json!({ "alg": alg }).to_string());
        let body = URL_SAFE_NO_PAD.encode(signed_claims(&idp).to_string());
        assert_eq!(refused(&idp, format!("{head}.{body}.")).await, "oidc_alg", "{alg}");
    }
}

#[tokio::test]
async fn userinfo_is_signed_with_what_is_announced_for_it() {
    let idp = Idp::new().await;
    let key = "userinfo_signing_alg_values_supported";
    let announce = |list: Value| {
        let mut metadata = Idp::metadata(&idp.issuer());
        metadata[key] = list;
        idp.play(|script| script.discovery = ok(&metadata));
        // Past the age of the document that was fetched before.
        idp.clock.pass(Duration::hours(24));
        let mut said = claims(&idp.issuer());
        let now = idp.clock.now().unix_timestamp();
        (said["iat"], said["exp"]) = (json!(now), json!(now + 300));
        idp.tokens(&said);
    };
    let text = signed_claims(&idp).to_string();
    let ps256 = rsa().sign(&json!({ "alg": "PS256", "kid": "k1" }), text.as_bytes());
    announce(json!(["PS256", "none"]));
    answer(&idp, ps256.clone());
    assert!(idp.finish().await.is_ok());
    assert_eq!(refused(&idp, sign(&signed_claims(&idp))).await, "oidc_alg", "RS256 is for ID tokens alone");
    announce(json!(["none", "HS256"]));
    assert_eq!(refused(&idp, sign(&signed_claims(&idp))).await, "oidc_alg");
    // Nothing announced: what ID tokens are signed with.
    announce(Value::Null);
    assert_eq!(refused(&idp, ps256).await, "oidc_alg");
    answer(&idp, sign(&signed_claims(&idp)));
    assert!(idp.finish().await.is_ok());
}

#[tokio::test]
async fn encrypted_userinfo_is_refused_by_name() {
    let idp = Idp::new().await;
    answer(&idp, "a.b.c.d.e".to_owned());
    let error = idp.finish().await.unwrap_err();
    assert_eq!(check_of(&error), "oidc_userinfo_form");
    assert!(error.to_string().contains("signed userinfo is encrypted"), "{error}");
}

#[tokio::test]
async fn signed_userinfo_out_of_form_is_refused() {
    let idp = Idp::new().await;
    assert_eq!(refused(&idp, "a".repeat(64 * 1024 + 1)).await, "oidc_userinfo_size");
    for text in ["", "a.b", "{\"sub\":\"person-1\"}", "!.b.c"] {
        assert_eq!(refused(&idp, text.to_owned()).await, "oidc_userinfo_form", "{text}");
    }
    let twice = signed_claims(&idp).to_string().replacen('{', "{\"sub\":\"person-2\",", 1);
    assert_eq!(refused(&idp, rsa().sign(&header(), twice.as_bytes())).await, "oidc_userinfo_form");
    idp.play(|script| {
        script.userinfo = ResponseTemplate::new(200).set_body_raw(vec![0xff, 0xfe], "application/jwt");
    });
    assert!(matches!(idp.finish().await, Err(ProviderError::BadReply { at: Upstream::UserInfo, .. })));
}

#[tokio::test]
async fn a_new_key_signs_userinfo_at_once() {
    let idp = Idp::new().await;
    let new = Pair::ec("P-256");
    let body = ok(&Value::Object(keys(&[rsa().jwk("k1"), new.jwk("k2")])));
    idp.finish().await.unwrap();
    idp.play(|script| script.jwks = body);
    let text = signed_claims(&idp).to_string();
    answer(&idp, new.sign(&json!({ "alg": "ES256", "kid": "k2" }), text.as_bytes()));
    assert!(idp.finish().await.is_ok());
    assert_eq!(idp.requests("/jwks").await.len(), 2);
}

/// What the attributes say, when the ID token and userinfo say this.
async fn together(id_token: &[(&str, Value)], userinfo: &[(&str, Value)]) -> crate::Attributes {
    let idp = Idp::new().await;
    let (mut said, mut more) = (claims(&idp.issuer()), json!({ "sub": "person-1" }));
    id_token.iter().for_each(|(name, value)| said[*name] = value.clone());
    userinfo.iter().for_each(|(name, value)| more[*name] = value.clone());
    idp.tokens(&said);
    idp.play(|script| script.userinfo = ok(&more));
    idp.finish().await.unwrap().attributes
}

#[tokio::test]
async fn verified_of_one_address_is_not_said_of_the_one_that_replaced_it() {
    let own =
        [("email", json!("mine@evil.example")), ("email_verified", json!(true)), ("xms_edov", json!(1))];
    let attributes = together(&own, &[("email", json!("boss@example.com"))]).await;
    assert_eq!(attributes["email"], ["boss@example.com"]);
    assert!(!attributes.contains_key("email_verified") && !attributes.contains_key("xms_edov"));
    let attributes = together(&own[1..], &own[..1]).await;
    assert!(!attributes.contains_key("email_verified"), "said of no address, then an address");
    let own = [("phone_number", json!("+41790000001")), ("phone_number_verified", json!(true))];
    let attributes = together(&own, &[("phone_number", json!("+41790000002"))]).await;
    assert!(!attributes.contains_key("phone_number_verified"));
}

#[tokio::test]
async fn verified_stays_with_the_address_that_both_answers_state() {
    let own = [("email", json!("jane@example.com")), ("email_verified", json!(true))];
    for more in [&own[..1], &[("email", Value::Null)], &[]] {
        assert_eq!(together(&own, more).await["email_verified"], ["true"]);
    }
    let new = [("email", json!("new@example.com")), ("email_verified", json!(true))];
    assert_eq!(together(&own[..1], &new).await["email_verified"], ["true"], "userinfo says it of its own");
    assert_eq!(together(&own, &[("email_verified", json!(false))]).await["email_verified"], ["false"]);
}
