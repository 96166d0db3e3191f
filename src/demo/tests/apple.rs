use actix_web::http::StatusCode;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use time::Duration;

use super::{Answer, CALLBACK, CHALLENGE, Site, VERIFIER, changed, claims, verified};
use crate::demo::apple_idp::{self, AppleIdp, CLIENT_ID, KEY_ID, TEAM_ID, subject};
use crate::demo::people;
use crate::testing::NOW;

const BASE: &str = "http://127.0.0.1:9237";
const AUTHORIZE: [(&str, &str); 9] = [
    ("client_id", CLIENT_ID),
    ("redirect_uri", CALLBACK),
    ("response_type", "code"),
    ("response_mode", "form_post"),
    ("scope", "email name"),
    ("state", "s"),
    ("nonce", "n"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];
const TOLD: [(&str, &str); 3] = [("share", "email"), ("first_name", "Ada"), ("last_name", "King")];

fn site() -> Site<AppleIdp> {
    Site::new(apple_idp::routes, |own| AppleIdp::new(BASE, own).unwrap())
}

/// Presses the buttons: somebody, and what they tell.
async fn sign_in(site: &Site<AppleIdp>, changes: &[(&str, &str)]) -> Answer {
    let pressed = [&AUTHORIZE[..], &[("person", "ada")], &TOLD].concat();
    site.post("/sign-in", &changed(&pressed, changes)).await
}

/// A client secret as a client should make it.
fn good_secret() -> (Header, Value) {
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(KEY_ID.to_owned());
    let now = NOW.unix_timestamp();
    (header, json!({"iss": TEAM_ID, "sub": CLIENT_ID, "aud": BASE, "iat": now, "exp": now + 300}))
}

fn signed(site: &Site<AppleIdp>, (header, claims): (Header, Value)) -> String {
    let key = EncodingKey::from_ec_pem(site.idp.private_key().as_bytes()).unwrap();
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}

async fn redeem(site: &Site<AppleIdp>, code: &str, changes: &[(&str, &str)]) -> Answer {
    let secret = signed(site, good_secret());
    let good = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT_ID),
        ("client_secret", secret.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("code", code),
    ];
    site.post("/auth/token", &changed(&good, changes)).await
}

async fn id_token(site: &Site<AppleIdp>, changes: &[(&str, &str)]) -> String {
    let code = sign_in(site, changes).await.field("code").unwrap();
    redeem(site, &code, &[]).await.json()["id_token"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn apple_shows_an_error_page_for_a_request_that_it_does_not_answer() {
    let site = site();
    let scoped = "response_mode must be form_post when name or email scope is requested";
    for (changes, saying) in [
        (&[("client_id", "somebody")][..], "invalid_client"),
        (&[("redirect_uri", "http://evil.example/")], "Invalid web redirect url"),
        (&[("redirect_uri", "")], "Invalid web redirect url"),
        (&[("response_type", "")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_mode", "")], scoped),
        (&[("response_mode", "query")], scoped),
        (&[("response_mode", "fragment"), ("scope", "name")], scoped),
        (&[("response_mode", "web_message")], "Invalid response mode"),
        (&[("scope", "email,name")], "invalid_scope"),
        (&[("scope", "email profile")], "invalid_scope"),
        (&[("scope", ""), ("response_mode", "query"), ("response_type", "code id_token")], "invalid_request"),
        (&[("code_challenge_method", "S512")], "invalid_request"),
    ] {
        let page = site.get("/auth/authorize", &changed(&AUTHORIZE, changes)).await;
        page.is_page(StatusCode::BAD_REQUEST, saying);
        sign_in(&site, changes).await.is_page(StatusCode::BAD_REQUEST, saying);
    }
    let twice = site.get("/auth/authorize", &[&AUTHORIZE[..], &[("state", "t")]].concat()).await;
    twice.is_page(StatusCode::BAD_REQUEST, "more than once");
    site.get("/auth/authorize", &AUTHORIZE).await.is_page(StatusCode::OK, "Ada Lovelace");
}

#[actix_web::test]
async fn apple_answers_by_a_form_that_posts_itself_and_has_a_button_for_browsers_without_script() {
    let answer = sign_in(&site(), &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.field("state").unwrap(), "s");
    assert!(answer.field("code").is_some());
    assert!(answer.body.contains("<button") && answer.body.contains("auto-post.js"));
}

#[actix_web::test]
async fn without_scopes_apple_answers_in_the_query_or_in_the_fragment() {
    let site = site();
    for mode in ["query", ""] {
        let back = sign_in(&site, &[("scope", ""), ("response_mode", mode)]).await;
        assert!(back.back("code").is_some());
    }
    let back = sign_in(&site, &[("scope", ""), ("response_mode", "fragment")]).await;
    assert!(back.location().fragment().unwrap().contains("code="));
}

#[actix_web::test]
async fn apple_tells_the_name_at_the_first_sign_in_only_and_as_the_person_wrote_it() {
    let site = site();
    let pressed = changed(&AUTHORIZE, &[("person", "ada")]);
    let asks = site.post("/sign-in", &pressed).await;
    asks.is_page(StatusCode::OK, "Hide my e-mail");
    let first = sign_in(&site, &[]).await;
    let user: Value = serde_json::from_str(&first.field("user").unwrap()).unwrap();
    let expected = json!({"name": {"firstName": "Ada", "lastName": "King"}, "email": "ada@example.com"});
    assert_eq!(user, expected);
    // Whoever is known is asked nothing, and whatever the form says is not told again.
    for again in [site.post("/sign-in", &pressed).await, sign_in(&site, &[]).await] {
        assert!(again.field("code").is_some());
        assert_eq!(again.field("user"), None);
    }
    assert!(
        sign_in(&site, &[("person", "grace")]).await.field("user").is_some(),
        "to each their own first time"
    );
}

#[actix_web::test]
async fn apple_tells_no_more_than_the_scopes_ask_for() {
    let site = site();
    let only_name = sign_in(&site, &[("scope", "name"), ("person", "ada")]).await.field("user").unwrap();
    assert!(!only_name.contains("email"), "{only_name}");
    let only_email = sign_in(&site, &[("scope", "email"), ("person", "grace")]).await.field("user").unwrap();
    assert!(!only_email.contains("name"), "{only_email}");
    assert!(claims(&id_token(&site, &[("scope", "name")]).await).get("email").is_none());
}

#[actix_web::test]
async fn a_person_may_hide_their_address_from_the_client_of_apple() {
    let site = site();
    let hidden = claims(&id_token(&site, &[("share", "hide")]).await);
    let address = hidden["email"].as_str().unwrap().to_owned();
    assert!(address.ends_with("@privaterelay.appleid.com"), "{address}");
    assert_eq!(hidden["is_private_email"], "true");
    assert_eq!(hidden["email_verified"], "true", "a string here");
    let again = claims(&id_token(&site, &[("share", "email")]).await);
    assert_eq!(again["email"], address, "it is chosen once");
    let open = claims(&id_token(&site, &[("person", "grace")]).await);
    assert_eq!(open["email"], "grace@example.com");
    assert_eq!(open["email_verified"], true, "a Boolean there");
    assert!(open.get("is_private_email").is_none());
}

#[actix_web::test]
async fn a_person_who_cancels_at_apple_goes_back_with_its_own_error() {
    let site = site();
    for more in [&[][..], &[("person", "ada")]] {
        let pressed = [&AUTHORIZE[..], more, &[("cancel", "yes")]].concat();
        let back = site.post("/sign-in", &pressed).await;
        assert_eq!(back.field("error").unwrap(), "user_cancelled_authorize");
        assert_eq!(back.field("state").unwrap(), "s");
        assert_eq!(back.field("code"), None);
    }
}

#[actix_web::test]
async fn apple_redeems_a_code_once_for_the_client_it_was_given_to() {
    let site = site();
    for (change, error) in [
        (("client_id", "somebody"), "invalid_client"),
        (("client_id", ""), "invalid_request"),
        (("client_secret", ""), "invalid_client"),
        (("client_secret", "no.such.token"), "invalid_client"),
        (("grant_type", "password"), "unsupported_grant_type"),
        (("redirect_uri", "http://localhost:9229/"), "invalid_grant"),
        (("redirect_uri", ""), "invalid_grant"),
        (("code_verifier", CHALLENGE), "invalid_grant"),
        (("code_verifier", ""), "invalid_grant"),
        (("code", "unknown"), "invalid_grant"),
        (("code", ""), "invalid_request"),
    ] {
        let code = sign_in(&site, &[]).await.field("code").unwrap();
        let answer = redeem(&site, &code, &[change]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{change:?}");
        assert_eq!(answer.json()["error"], error, "{change:?}");
    }
    let code = sign_in(&site, &[]).await.field("code").unwrap();
    let answer = redeem(&site, &code, &[]).await.json();
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert!(answer["access_token"].is_string() && answer["refresh_token"].is_string());
    let used = redeem(&site, &code, &[]).await.json();
    let expired = json!({"error": "invalid_grant",
                         "error_description": "The code has expired or has been revoked."});
    assert_eq!(used, expired);
    // The client's own secret is made for the moment, the code is too old.
    let late = sign_in(&site, &[]).await.field("code").unwrap();
    site.hands.forward(Duration::seconds(299));
    let early = sign_in(&site, &[]).await.field("code").unwrap();
    assert_eq!(redeem(&site, &early, &[]).await.status, StatusCode::OK);
    site.hands.forward(Duration::seconds(1));
    let (header, mut claims) = good_secret();
    claims["exp"] = (NOW.unix_timestamp() + 900).into();
    let secret = signed(&site, (header, claims));
    assert_eq!(redeem(&site, &late, &[("client_secret", &secret)]).await.json(), expired);
}

type Forge = fn(&mut Header, &mut Value);

#[actix_web::test]
async fn apple_takes_a_client_secret_only_with_the_right_key_names_audience_and_life() {
    let site = site();
    let forgeries: [(&str, Forge); 11] = [
        ("kid", |header, _| header.kid = Some("OTHERKEY12".to_owned())),
        ("no kid", |header, _| header.kid = None),
        ("iss", |_, claims| claims["iss"] = "OTHERTEAM1".into()),
        ("sub", |_, claims| claims["sub"] = "com.example.other".into()),
        ("aud", |_, claims| claims["aud"] = "https://example.com".into()),
        ("expired", |_, claims| claims["exp"] = NOW.unix_timestamp().into()),
        ("too long", |_, claims| claims["exp"] = (NOW.unix_timestamp() + 15_777_001).into()),
        ("of the future", |_, claims| claims["iat"] = (NOW.unix_timestamp() + 60).into()),
        ("no exp", |_, claims| _ = claims.as_object_mut().unwrap().remove("exp")),
        ("no iat", |_, claims| _ = claims.as_object_mut().unwrap().remove("iat")),
        ("no sub", |_, claims| _ = claims.as_object_mut().unwrap().remove("sub")),
    ];
    let attempt = async |secret: &str| {
        let code = sign_in(&site, &[]).await.field("code").unwrap();
        redeem(&site, &code, &[("client_secret", secret)]).await
    };
    for (what, forge) in forgeries {
        let (mut header, mut claims) = good_secret();
        forge(&mut header, &mut claims);
        let answer = attempt(&signed(&site, (header, claims))).await;
        assert_eq!(answer.json(), json!({"error": "invalid_client"}), "{what}");
    }
    let (mut header, claims) = good_secret();
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    let foreign =
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_pem(other.as_bytes()).unwrap()).unwrap();
    assert_eq!(attempt(&foreign).await.json()["error"], "invalid_client", "another key");
    header.alg = Algorithm::HS256;
    let shared = EncodingKey::from_secret(site.idp.private_key().as_bytes());
    let hmac = jsonwebtoken::encode(&header, &claims, &shared).unwrap();
    assert_eq!(attempt(&hmac).await.json()["error"], "invalid_client", "another algorithm");
    let (header, mut claims) = good_secret();
    claims["exp"] = (NOW.unix_timestamp() + 15_777_000).into();
    assert_eq!(attempt(&signed(&site, (header, claims))).await.status, StatusCode::OK, "six months");
}

#[actix_web::test]
async fn apple_s_identity_token_names_client_nonce_and_person() {
    let site = site();
    let code = sign_in(&site, &[]).await.field("code").unwrap();
    let answer = redeem(&site, &code, &[]).await.json();
    let token = claims(answer["id_token"].as_str().unwrap());
    for (name, expected) in [
        ("iss", json!(BASE)),
        ("aud", json!(CLIENT_ID)),
        ("sub", json!(subject(people::find("ada").unwrap()))),
        ("nonce", json!("n")),
        ("nonce_supported", json!(true)),
        ("at_hash", json!(crate::tokens::claims::at_hash(answer["access_token"].as_str().unwrap()))),
    ] {
        assert_eq!(token[name], expected, "{name}");
    }
    let hybrid = sign_in(&site, &[("response_type", "code id_token")]).await.field("id_token").unwrap();
    assert_eq!(claims(&hybrid)["nonce"], "n");
}

#[actix_web::test]
async fn apple_s_keys_rotate_and_the_one_before_stays_published() {
    let site = site();
    let token = id_token(&site, &[]).await;
    let published = async || site.get("/auth/keys", &[]).await.json();
    assert!(verified(&token, &published().await).is_some());
    site.idp.rotate_keys().unwrap();
    assert!(verified(&token, &published().await).is_some());
    assert!(verified(&id_token(&site, &[]).await, &published().await).is_some());
    site.idp.rotate_keys().unwrap();
    assert!(verified(&token, &published().await).is_none());
}
