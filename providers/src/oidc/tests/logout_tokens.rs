//! What a logout token must be (OpenID Connect Back-Channel Logout 1.0 sections 2.4 to 2.6).

use super::super::logout_token::claimed_issuer;
use super::*;
use crate::{EndedThere, EndedWho, SignOutFacts, SignOutMessage, SignOutNotice};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn header() -> Value {
    json!({ "alg": "RS256", "kid": "k1", "typ": "logout+jwt" })
}

/// Good claims, with `edits` over them; null takes one away.
fn said(idp: &Idp, edits: &Value) -> Value {
    let now = NOW.unix_timestamp();
    let mut claims = json!({ "iss": idp.issuer(), "aud": CLIENT, "iat": now, "exp": now + 120, "jti": "j1",
                             "events": { EVENT: {} }, "sub": "person-1", "sid": "s1" });
    for (name, value) in edits.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

pub(super) fn signed(idp: &Idp, edits: &Value) -> String {
    rsa().sign(&header(), said(idp, edits).to_string().as_bytes())
}

pub(super) async fn hear(idp: &Idp, token: &str) -> Result<EndedThere, ProviderError> {
    let facts = SignOutFacts {
        handle: HANDLE.into(),
        message_id: "_1".into(),
        entity_id: String::new(),
        callback: Url::parse("https://login.example.com/oauth2/logoutresponse").unwrap(),
    };
    let message = SignOutMessage::LogoutToken(token.to_owned());
    match idp.provider.hear_sign_out(&idp.around, &facts, &message).await?.into_inner() {
        SignOutNotice::Ended(ended) => Ok(ended),
        other => panic!("{other:?}"),
    }
}

async fn believed(idp: &Idp, edits: &Value) -> EndedThere {
    hear(idp, &signed(idp, edits)).await.unwrap_or_else(|error| panic!("{edits}: {error:?}"))
}

async fn assert_refused(idp: &Idp, edits: &Value, check: &str) {
    let error = hear(idp, &signed(idp, edits)).await.expect_err(&edits.to_string());
    assert_eq!(check_of(&error), check, "{edits}: {error}");
    assert!(error.to_string().contains("token"), "{error}");
    assert!(!error.to_string().contains("ID token"), "it is none: {error}");
}

fn person(subject: &str) -> EndedWho {
    EndedWho::Person(subject.to_owned())
}

fn session(sid: &str, subject: Option<&str>) -> EndedWho {
    EndedWho::Session { sid: sid.to_owned(), subject: subject.map(str::to_owned) }
}

#[tokio::test]
async fn a_good_token_says_who_ended_and_until_when_to_remember_it() {
    let idp = Idp::new().await;
    let ended = believed(&idp, &json!({})).await;
    assert_eq!(ended.id, "j1");
    assert_eq!(ended.who, session("s1", Some("person-1")));
    assert_eq!(ended.remember_until, NOW + Duration::seconds(180), "exp and the skew");
    assert_eq!(believed(&idp, &json!({ "sid": null })).await.who, person("person-1"));
    assert_eq!(believed(&idp, &json!({ "sub": null })).await.who, session("s1", None));
    // A token that claims to last is remembered for as long as it is believed, which its age bounds.
    let late = NOW.unix_timestamp() + 365 * 86_400;
    let ended = believed(&idp, &json!({ "exp": late })).await;
    assert_eq!(ended.remember_until, NOW + Duration::seconds(660));
}

#[tokio::test]
async fn what_real_providers_write_is_accepted() {
    let idp = Idp::new().await;
    let now = NOW.unix_timestamp();
    for edits in [
        json!({ "aud": [CLIENT] }),
        json!({ "aud": [CLIENT, "another"], "azp": CLIENT }),
        json!({ "azp": CLIENT }),
        // Another event beside it (RFC 8417 section 2.2), and members in it.
        json!({ "events": { EVENT: { "reason": "timeout" }, "urn:example:other": {} } }),
        // Keycloak: the type in the claims, and its own event to revoke offline tokens.
        json!({ "typ": "Logout", "events": { EVENT: {}, "revoke_offline_access": true } }),
        json!({ "trace_id": "t", "exp": now + 119, "iat": now - 30 }),
        json!({ "iat": now + 60 }),
        json!({ "exp": now - 59 }),
        json!({ "iat": now - 659 }),
        json!({ "nbf": now + 60 }),
        json!({ "sub": "s".repeat(255), "sid": "s".repeat(1024), "jti": "j".repeat(1024) }),
    ] {
        believed(&idp, &edits).await;
    }
    for typ in [json!("JWT"), json!("jwt"), json!("Logout+JWT"), json!("application/logout+jwt"), json!(null)]
    {
        let mut header = header();
        header["typ"] = typ.clone();
        header.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let token = rsa().sign(&header, said(&idp, &json!({})).to_string().as_bytes());
        assert!(hear(&idp, &token).await.is_ok(), "{typ}");
    }
}

#[tokio::test]
async fn what_a_logout_token_may_not_be_is_refused_by_name() {
    let idp = Idp::new().await;
    let now = NOW.unix_timestamp();
    for (edits, check) in [
        (json!({ "events": null }), "oidc_logout_events"),
        (json!({ "events": {} }), "oidc_logout_events"),
        (json!({ "events": [EVENT] }), "oidc_logout_events"),
        (json!({ "events": EVENT }), "oidc_logout_events"),
        (json!({ "events": { EVENT: true } }), "oidc_logout_events"),
        (json!({ "events": { EVENT: [] } }), "oidc_logout_events"),
        (json!({ "events": { EVENT: "{}" } }), "oidc_logout_events"),
        (
            json!({ "events": { "http://schemas.openid.net/event/frontchannel-logout": {} } }),
            "oidc_logout_events",
        ),
        (json!({ "nonce": "n" }), "oidc_logout_nonce"),
        (json!({ "nonce": "" }), "oidc_logout_nonce"),
        (json!({ "iss": null }), "oidc_issuer"),
        (json!({ "iss": "https://other.example" }), "oidc_issuer"),
        (json!({ "iss": [idp.issuer()] }), "oidc_issuer"),
        (json!({ "iss": format!("{}/", idp.issuer()) }), "oidc_issuer"),
        (json!({ "aud": null }), "oidc_audience"),
        (json!({ "aud": "another" }), "oidc_audience"),
        (json!({ "aud": [] }), "oidc_audience"),
        (json!({ "aud": [CLIENT, 7] }), "oidc_audience"),
        (json!({ "aud": [CLIENT, "another"] }), "oidc_azp"),
        (json!({ "azp": "another" }), "oidc_azp"),
        (json!({ "azp": [CLIENT] }), "oidc_azp"),
        (json!({ "iat": null }), "oidc_issued_at"),
        (json!({ "iat": now + 61 }), "oidc_issued_at"),
        (json!({ "iat": now - 660 }), "oidc_issued_at"),
        (json!({ "iat": "now" }), "oidc_issued_at"),
        (json!({ "exp": null }), "oidc_expired"),
        (json!({ "exp": now - 60 }), "oidc_expired"),
        (json!({ "exp": -1 }), "oidc_expired"),
        (json!({ "nbf": now + 61 }), "oidc_not_before"),
        (json!({ "jti": null }), "oidc_jti"),
        (json!({ "jti": "" }), "oidc_jti"),
        (json!({ "jti": 7 }), "oidc_jti"),
        (json!({ "jti": "j".repeat(1025) }), "oidc_jti"),
        (json!({ "sub": null, "sid": null }), "oidc_logout_who"),
        (json!({ "sub": "" }), "oidc_subject"),
        (json!({ "sub": 7 }), "oidc_subject"),
        (json!({ "sub": "s".repeat(256) }), "oidc_subject"),
        (json!({ "sub": "a\nb" }), "oidc_subject"),
        (json!({ "sid": "" }), "oidc_sid"),
        (json!({ "sid": "  " }), "oidc_sid"),
        (json!({ "sid": ["s1"] }), "oidc_sid"),
        (json!({ "sid": "s".repeat(1025) }), "oidc_sid"),
    ] {
        assert_refused(&idp, &edits, check).await;
    }
}

#[tokio::test]
async fn what_is_null_is_there_and_odd() {
    let idp = Idp::new().await;
    for (name, check) in
        [("nonce", "oidc_logout_nonce"), ("sid", "oidc_sid"), ("sub", "oidc_subject"), ("azp", "oidc_azp")]
    {
        let mut claims = said(&idp, &json!({}));
        claims[name] = Value::Null;
        let token = rsa().sign(&header(), claims.to_string().as_bytes());
        assert_eq!(check_of(&hear(&idp, &token).await.unwrap_err()), check);
    }
}

#[tokio::test]
async fn an_id_token_is_no_logout_token_and_a_logout_token_no_id_token() {
    let idp = Idp::new().await;
    let id_token = rsa().sign(&crate::testing::header(), claims(&idp.issuer()).to_string().as_bytes());
    assert_eq!(check_of(&hear(&idp, &id_token).await.unwrap_err()), "oidc_logout_events");
    // Even one with an event smuggled in has the nonce of its sign-in.
    let mut both = claims(&idp.issuer());
    both["events"] = json!({ EVENT: {} });
    both["jti"] = "j".into();
    let both = rsa().sign(&crate::testing::header(), both.to_string().as_bytes());
    assert_eq!(check_of(&hear(&idp, &both).await.unwrap_err()), "oidc_logout_nonce");
    idp.token_reply(signed(&idp, &json!({})));
    assert_eq!(check_of(&idp.finish().await.unwrap_err()), "oidc_typ");
    let untyped = json!({ "alg": "RS256", "kid": "k1" });
    idp.token_reply(rsa().sign(&untyped, said(&idp, &json!({})).to_string().as_bytes()));
    assert_eq!(check_of(&idp.finish().await.unwrap_err()), "oidc_nonce");
}

#[tokio::test]
async fn signature_algorithm_and_type_are_checked_as_of_an_id_token() {
    let idp = Idp::new().await;
    let body = said(&idp, &json!({})).to_string();
    let with = |name: &str, value: Value| {
        let mut header = header();
        header[name] = value;
        rsa().sign(&header, body.as_bytes())
    };
    let unsigned = |alg: &str| {
        let head = URL_SAFE_NO_PAD.encode(json!({ "alg": alg, "typ": "logout+jwt" }).to_string());
        format!("{head}.{}.", URL_SAFE_NO_PAD.encode(&body))
    };
    let good = signed(&idp, &json!({}));
    let other = signed(&idp, &json!({ "sub": "person-2" }));
    let spliced = format!("{}.{}", other.rsplit_once('.').unwrap().0, good.rsplit_once('.').unwrap().1);
    let twice = body.replacen("\"aud\"", "\"sub\":\"person-2\",\"aud\"", 1);
    let rows = [
        (unsigned("none"), "oidc_alg"),
        (unsigned("HS256"), "oidc_alg"),
        (with("alg", "RS512".into()), "oidc_alg"),
        (with("typ", "at+jwt".into()), "oidc_typ"),
        (with("typ", "secevent+jwt".into()), "oidc_typ"),
        (with("kid", "k2".into()), "oidc_kid"),
        (with("crit", json!(["b64"])), "oidc_crit"),
        (spliced, "oidc_signature"),
        (rsa().sign(&header(), twice.as_bytes()), "oidc_logout_token_form"),
        (rsa().sign(&header(), b"[]"), "oidc_logout_token_form"),
        ("a.b.c.d.e".to_owned(), "oidc_logout_token_form"),
        (String::new(), "oidc_logout_token_form"),
        ("x".repeat(64 * 1024 + 1), "oidc_logout_token_size"),
    ];
    for (token, check) in rows {
        let error = hear(&idp, &token).await.unwrap_err();
        assert_eq!(check_of(&error), check, "{error}");
        assert!(!error.to_string().contains("ID token"), "it is none: {error}");
    }
}

#[tokio::test]
async fn a_key_that_is_new_at_the_provider_is_fetched() {
    let idp = Idp::new().await;
    believed(&idp, &json!({})).await;
    let new = Pair::ec("P-256");
    idp.play(|script| script.jwks = ok(&Value::Object(keys(&[new.jwk("k2")]))));
    idp.clock.pass(Duration::minutes(2));
    let now = idp.clock.now().unix_timestamp();
    let claims = said(&idp, &json!({ "iat": now, "exp": now + 120 }));
    let token = new.sign(&json!({ "alg": "ES256", "kid": "k2" }), claims.to_string().as_bytes());
    assert!(hear(&idp, &token).await.is_ok());
    assert_eq!(idp.requests("/jwks").await.len(), 2);
}

#[tokio::test]
async fn a_provider_that_cannot_be_asked_is_another_fault_than_a_token_that_is_wrong() {
    let idp = Idp::new().await;
    idp.play(|script| script.discovery = ResponseTemplate::new(500));
    let error = hear(&idp, &signed(&idp, &json!({}))).await.unwrap_err();
    assert!(matches!(error, ProviderError::BadReply { .. }), "{error:?}");
}

#[tokio::test]
async fn a_saml_message_is_refused() {
    let idp = Idp::new().await;
    let facts = SignOutFacts {
        handle: String::new(),
        message_id: String::new(),
        entity_id: String::new(),
        callback: Url::parse("https://login.example.com/").unwrap(),
    };
    let message = SignOutMessage::SamlRedirect { query: "SAMLRequest=x".into() };
    let error = idp.provider.hear_sign_out(&idp.around, &facts, &message).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unsolicited(_)), "{error:?}");
}

#[tokio::test]
async fn the_issuer_of_a_token_says_whose_keys_are_tried_and_nothing_else() {
    let idp = Idp::new().await;
    let token = signed(&idp, &json!({ "iss": "https://anybody.example" }));
    assert_eq!(claimed_issuer(&token).unwrap(), "https://anybody.example");
    let none = signed(&idp, &json!({ "iss": 7 }));
    assert_eq!(check_of(&claimed_issuer(&none).unwrap_err()), "oidc_issuer");
    for odd in ["", "a.b", "a.b.c", "eyJhbGciOiJSUzI1NiJ9.!.x", &"x".repeat(70_000)] {
        claimed_issuer(odd).unwrap_err();
    }
    let issuer = idp.issuer();
    assert!(idp.provider.is_issuer(&issuer));
    assert!(idp.provider.is_issuer(&format!("{issuer}/")), "discovery may state it so");
    assert!(!idp.provider.is_issuer(&format!("{issuer}//")));
    assert!(!idp.provider.is_issuer(&format!("{issuer}/x")));
    assert!(!idp.provider.is_issuer(""));
}

#[tokio::test]
async fn an_id_token_names_its_session_where_a_logout_token_could() {
    let idp = Idp::new().await;
    for (sid, noted) in [
        (json!("s1"), Some("s1".to_owned())),
        (json!("s".repeat(1024)), Some("s".repeat(1024))),
        (json!("s".repeat(1025)), None),
        (json!(""), None),
        (json!(7), None),
        (json!(null), None),
    ] {
        let mut claims = claims(&idp.issuer());
        claims["sid"] = sid.clone();
        idp.tokens(&claims);
        let indexes = idp.finish().await.unwrap().session.session_indexes;
        assert_eq!(indexes, noted.into_iter().collect::<Vec<_>>(), "{sid}");
    }
}

#[test]
fn every_tenant_that_an_issuer_template_lets_in_may_be_meant() {
    let issuer = "https://login.microsoftonline.com/organizations/v2.0";
    let details = details(&[("issuer_template", "entra"), ("oidc_issuer", issuer)]);
    let provider = OidcProvider::new(OidcSettings::from_details(&details, false).unwrap());
    let of = |tenant: &str| format!("https://login.microsoftonline.com/{tenant}/v2.0");
    assert!(provider.is_issuer(&of("72f988bf-86f1-41af-91ab-2d7cd011db47")));
    for other in ["9188040d-6c67-4c5b-b112-36a304b66dad", "organizations", "{tenantid}", "x"] {
        assert!(!provider.is_issuer(&of(other)), "{other}");
    }
    assert!(!provider.is_issuer("https://login.example/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0"));
}
