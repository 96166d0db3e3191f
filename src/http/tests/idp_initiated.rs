//! Sign-ins that a SAML provider starts: a response nobody asked for, and an authorize query as RelayState.

use std::sync::Arc;

use poolgate_providers::SystemRandom;
use serde_json::json;
use time::Duration;

use super::house::{Answer, Browser, CALLBACK, House, POOL, claims, domain, query};
use super::moods::Mood;
use crate::demo::Own;
use crate::demo::people;
use crate::demo::saml_idp::{AuthnRequest, SamlIdp, Signs};
use crate::pool::IdentityProvider;
use crate::registry::Edit;
use crate::testing;

const ACS: &str = "http://localhost:9229/saml2/idpresponse";
const ENTITY_ID: &str = "urn:amazon:cognito:sp:us-east-1_Tests0001";

fn saml(name: &str, metadata: &str, details: serde_json::Value) -> IdentityProvider {
    let members = json!({"ProviderDetails": details, "AttributeMapping": {"email": "email"},
                         "IdpIdentifiers": [format!("{name}.example")]});
    let mut provider = testing::provider(name, members);
    provider.metadata_document = Some(metadata.to_owned());
    provider
}

/// The house with the SAML providers Desk (may start a sign-in) and Shy (may not), and clients for them:
/// `desk` takes both, `mixed` an OIDC provider besides, `own` the pool's sign-in besides.
async fn furnished() -> (House, SamlIdp) {
    let house = House::build().await;
    let clock = Arc::clone(&house.state.context.around.clock);
    let own = Own { gateway: "http://localhost:9229".into(), clock, random: Arc::new(SystemRandom) };
    let idp = SamlIdp::new("https://desk.example", own).unwrap();
    let metadata = idp.metadata().unwrap();
    let client = |id: &str, providers: &[&str]| {
        let members = json!({"ClientId": id, "SupportedIdentityProviders": providers});
        Edit::CreateClient(testing::client(members))
    };
    let implicit = json!({"ClientId": "fragment", "SupportedIdentityProviders": ["Desk"], "AllowedOAuthFlows": ["implicit"]});
    house
        .edit(vec![
            Edit::CreateProvider(saml("Desk", &metadata, json!({"IDPInit": "true"}))),
            Edit::CreateProvider(saml("Shy", &metadata, json!({}))),
            client("desk", &["Desk", "Shy"]),
            client("mixed", &["Desk", "Acme"]),
            client("own", &["Desk", "COGNITO"]),
            client("elsewhere", &["Shy"]),
            Edit::CreateClient(testing::client(implicit)),
        ])
        .await;
    (house, idp)
}

/// The RelayState that an administrator writes, with `edits` over it; an empty value leaves one out.
fn relay_state(edits: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("identity_provider", "Desk"),
        ("client_id", "desk"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email"),
    ];
    for (name, value) in edits {
        pairs.retain(|(known, _)| known != name);
        if !value.is_empty() {
            pairs.push((name, value));
        }
    }
    query(&pairs)
}

fn unasked(idp: &SamlIdp) -> String {
    idp.start(ENTITY_ID, ACS, people::find("ada").unwrap(), Signs::Assertion).unwrap()
}

async fn post(house: &House, browser: &mut Browser, response: &str, relay_state: &str) -> Answer {
    let form = [("SAMLResponse", response), ("RelayState", relay_state)];
    house.post_from(browser, "/saml2/idpresponse", &form).await
}

/// The page that somebody sees whose sign-in cannot go back to an app.
#[track_caller]
fn assert_page(what: &str, answer: &Answer, holds: &str) {
    assert_eq!(answer.status, 400, "{what}: {answer:?}");
    assert!(answer.body.contains(holds), "{what}: {}", answer.body);
    assert!(!answer.headers.contains_key("location") && !answer.headers.contains_key("set-cookie"), "{what}");
}

#[track_caller]
fn assert_told(what: &str, answer: &Answer, error: &str, holds: &str) {
    assert!(answer.header("location").starts_with(CALLBACK), "{what}: {answer:?}");
    assert_eq!(answer.told("error").as_deref(), Some(error), "{what}: {answer:?}");
    let description = answer.told("error_description").unwrap_or_default();
    assert!(description.contains(holds), "{what}: {description}");
    assert!(!answer.headers.contains_key("set-cookie"), "{what}");
}

#[actix_web::test]
async fn a_provider_that_may_start_a_sign_in_brings_its_user_to_the_app_without_a_cookie() {
    let (house, idp) = furnished().await;
    let mut browser = Browser::default();
    let named = [("identity_provider", ""), ("idp_identifier", "DESK.example"), ("state", "deep/link?x=1&y")];
    let answer = post(&house, &mut browser, &unasked(&idp), &relay_state(&named)).await;
    let code = answer.code();
    assert_eq!(answer.told("state").as_deref(), Some("deep/link?x=1&y"));
    let tokens = house.redeem(&code, &[("client_id", "desk"), ("code_verifier", "")]).await.json();
    let id = claims(&tokens["id_token"]);
    assert_eq!((&id["cognito:username"], &id["email"]), (&json!("Desk_ada"), &json!("ada@example.com")));

    let asked = [("client_id", "desk"), ("identity_provider", "Desk"), ("prompt", "none")];
    house.authorize(&mut browser, &asked).await.code();
}

#[actix_web::test]
async fn its_session_is_a_new_one_and_ends_the_one_the_browser_had() {
    let (house, idp) = furnished().await;
    let mut browser = Browser::default();
    post(&house, &mut browser, &unasked(&idp), &relay_state(&[])).await.code();
    let mut before = browser.clone();
    post(&house, &mut browser, &unasked(&idp), &relay_state(&[])).await.code();
    assert_ne!(before.session(), browser.session());
    let asked = [("client_id", "desk"), ("identity_provider", "Desk")];
    let answer = house.authorize(&mut before, &asked).await;
    assert_eq!(answer.location().host_str(), Some("desk.example"), "the old session still answers");
}

#[actix_web::test]
async fn a_provider_that_may_not_start_a_sign_in_gets_a_page_that_names_the_setting() {
    let (house, idp) = furnished().await;
    let shy = relay_state(&[("identity_provider", "Shy")]);
    let mut browser = Browser::default();
    let answer = post(&house, &mut browser, &unasked(&idp), &shy).await;
    assert_page("off", &answer, "IDPInit");
    // An OIDC provider has no such sign-in at all.
    let acme = relay_state(&[("identity_provider", "Acme"), ("client_id", "app")]);
    let answer = post(&house, &mut browser, &unasked(&idp), &acme).await;
    assert_told("an OIDC provider", &answer, "unauthorized_client", "SupportedIdentityProviders");
    assert_eq!(browser.session(), "");
}

#[actix_web::test]
async fn an_answer_to_a_request_starts_no_sign_in_as_the_test_button_of_azure_would() {
    let (house, idp) = furnished().await;
    let request = AuthnRequest {
        id: "id6c1c178c166d486687be4aaf5e482730".into(),
        issuer: ENTITY_ID.into(),
        assertion_consumer_service: ACS.into(),
        passive: false,
    };
    let response = idp.respond(&request, people::find("ada"), Signs::Both).unwrap();
    let answer = post(&house, &mut Browser::default(), &response, &relay_state(&[])).await;
    assert_told("an answer", &answer, "server_error", "InResponseTo");
}

#[actix_web::test]
async fn an_unasked_answer_is_good_for_six_minutes_and_once() {
    let (house, idp) = furnished().await;
    let response = unasked(&idp);
    let mut browser = Browser::default();
    post(&house, &mut browser, &response, &relay_state(&[])).await.code();
    let mut other = Browser::default();
    let again = post(&house, &mut other, &response, &relay_state(&[])).await;
    assert_told("again", &again, "server_error", "used before");

    let late = unasked(&idp);
    house.advance(Duration::minutes(6) + Duration::SECOND);
    let answer = post(&house, &mut other, &late, &relay_state(&[])).await;
    assert_told("late", &answer, "server_error", "6 minutes");
    assert_eq!(other.session(), "");
}

#[actix_web::test]
async fn an_unasked_answer_for_another_audience_or_address_is_refused() {
    let (house, idp) = furnished().await;
    let ada = people::find("ada").unwrap();
    for (audience, acs, holds) in [
        ("urn:amazon:cognito:sp:us-east-1_Other0001", ACS, "Audience"),
        (ENTITY_ID, "http://other.localhost:9229/saml2/idpresponse", "Destination"),
    ] {
        let response = idp.start(audience, acs, ada, Signs::Both).unwrap();
        let answer = post(&house, &mut Browser::default(), &response, &relay_state(&[])).await;
        assert_told(holds, &answer, "server_error", holds);
    }
}

#[actix_web::test]
async fn the_query_is_checked_like_any_authorize_request() {
    let (house, idp) = furnished().await;
    let mut browser = Browser::default();
    for (edits, holds) in [
        (vec![("client_id", "nobody")], "client_id"),
        (vec![("redirect_uri", "https://evil.example/cb")], "redirect_uri"),
        (vec![("redirect_uri", "")], "redirect_uri"),
    ] {
        let answer = post(&house, &mut browser, &unasked(&idp), &relay_state(&edits)).await;
        assert_page(holds, &answer, holds);
    }
    for (edits, error, holds) in [
        (vec![("response_type", "")], "invalid_request", "response_type"),
        (vec![("client_id", "fragment")], "unauthorized_client", "response_type"),
        (vec![("scope", "openid unheard/of")], "invalid_scope", "scope"),
        (vec![("identity_provider", "Nowhere")], "invalid_request", "not enabled"),
        (vec![("identity_provider", "Globex")], "invalid_request", "not enabled"),
        (vec![("client_id", "elsewhere")], "invalid_request", "not enabled"),
    ] {
        let answer = post(&house, &mut browser, &unasked(&idp), &relay_state(&edits)).await;
        assert_told(holds, &answer, error, holds);
    }
    let twice = format!("{}&client_id=app", relay_state(&[]));
    assert_page("twice", &post(&house, &mut browser, &unasked(&idp), &twice).await, "client_id");
    assert_eq!(browser.session(), "");
}

#[actix_web::test]
async fn the_query_must_name_a_saml_provider_and_ask_nothing_that_cannot_be_given() {
    let (house, idp) = furnished().await;
    for edits in [vec![("identity_provider", "")], vec![("identity_provider", "COGNITO")]] {
        let answer = post(&house, &mut Browser::default(), &unasked(&idp), &relay_state(&edits)).await;
        assert_told("no provider", &answer, "invalid_request", "identity_provider");
    }
    for (name, value) in [
        ("nonce", "n-1"),
        ("prompt", "login"),
        ("login_hint", "ada@example.com"),
        ("max_age", "10"),
        ("acr_values", "gold"),
    ] {
        let answer =
            post(&house, &mut Browser::default(), &unasked(&idp), &relay_state(&[(name, value)])).await;
        assert_told(name, &answer, "invalid_request", name);
    }
    let challenge = [("code_challenge", super::house::CHALLENGE), ("code_challenge_method", "S256")];
    let answer = post(&house, &mut Browser::default(), &unasked(&idp), &relay_state(&challenge)).await;
    assert_told("a challenge", &answer, "invalid_request", "code_challenge");
}

#[actix_web::test]
async fn a_client_with_other_sign_ins_than_saml_takes_no_unasked_answer() {
    let (house, idp) = furnished().await;
    for (client, other) in [("mixed", "Acme"), ("own", "COGNITO")] {
        let relay = relay_state(&[("client_id", client)]);
        let answer = post(&house, &mut Browser::default(), &unasked(&idp), &relay).await;
        assert_told(client, &answer, "unauthorized_client", "SupportedIdentityProviders");
        assert_told(client, &answer, "unauthorized_client", other);
    }
    let seen = house.state.attempts.list(Some(POOL), Some("Desk"));
    let last = &seen[0].failures[0];
    assert_eq!(
        (last.code.as_str(), last.attempt.client_id.as_deref()),
        ("invalid_authorize_request", Some("own"))
    );
}

#[actix_web::test]
async fn tokens_of_an_unasked_answer_go_to_the_fragment_where_the_query_says_so() {
    let (house, idp) = furnished().await;
    let relay = relay_state(&[("client_id", "fragment"), ("response_type", "token")]);
    let answer = post(&house, &mut Browser::default(), &unasked(&idp), &relay).await;
    assert!(answer.header("location").starts_with(&format!("{CALLBACK}#id_token=")), "{answer:?}");
}

#[actix_web::test]
async fn an_unasked_answer_without_a_query_or_at_another_domain_is_a_page() {
    let (house, idp) = furnished().await;
    for relay in ["", "x=1", "client_id", "0123456789abcdefghijklmnopqrstuvwxyz-_ABCDE"] {
        let answer = post(&house, &mut Browser::default(), &unasked(&idp), relay).await;
        assert_eq!(answer.status, 400, "{relay}: {answer:?}");
    }
    house.edit(vec![Edit::CreateDomain(domain("z.localhost", POOL))]).await;
    let form = query(&[("SAMLResponse", &unasked(&idp)), ("RelayState", &relay_state(&[]))]);
    let request = actix_web::test::TestRequest::post()
        .uri("/saml2/idpresponse")
        .insert_header(("host", "z.localhost"))
        .insert_header(("content-type", "application/x-www-form-urlencoded"))
        .set_payload(form);
    assert_page("another domain", &house.send(request).await, "domain");
}

#[actix_web::test]
async fn what_nobody_asked_for_is_used_once_though_the_session_store_forgets_everything() {
    let (house, idp) = furnished().await;
    let response = unasked(&idp);
    post(&house, &mut Browser::default(), &response, &relay_state(&[])).await.code();
    let again = post(&house, &mut Browser::default(), &response, &relay_state(&[])).await;
    assert_told("again", &again, "server_error", "used before");
    let after = house.without_its_sessions().await;
    let replayed = post(&after, &mut Browser::default(), &response, &relay_state(&[])).await;
    assert_told("after the loss", &replayed, "server_error", "used before");
    post(&after, &mut Browser::default(), &unasked(&idp), &relay_state(&[])).await.code();

    // Without the directory nobody can tell: refused, and not used up by that.
    let fresh = unasked(&idp);
    after.directory.becomes(Mood::Away);
    let away = post(&after, &mut Browser::default(), &fresh, &relay_state(&[])).await;
    assert_eq!(away.status, 503, "{away:?}");
    after.directory.becomes(Mood::Well);
    post(&after, &mut Browser::default(), &fresh, &relay_state(&[])).await.code();
}
