//! Facebook and Login with Amazon, from the app's request to its tokens.

use serde_json::{Value, json};

use super::house::{Answer, Browser, CALLBACK, House, POOL, claims, query};
use crate::diagnosis::attempts;
use crate::registry::Edit;
use crate::testing;

const FACEBOOK_TOKEN: &str = "https://graph.facebook.com/v26.0/oauth/access_token";
const FACEBOOK_ME: &str = "https://graph.facebook.com/v26.0/me";
const AMAZON_TOKEN: &str = "https://api.amazon.com/auth/o2/token";
const AMAZON_INFO: &str = "https://api.amazon.com/auth/o2/tokeninfo";
const AMAZON_PROFILE: &str = "https://api.amazon.com/user/profile";

/// A house whose `app` offers Facebook and Amazon, both of which sign somebody in.
async fn with_both() -> House {
    let house = House::build().await;
    let provider = |kind: &str, scopes: &str, mapping: Value| {
        let details = json!({ "client_id": "us", "client_secret": "hush-hush", "authorize_scopes": scopes });
        let members = json!({ "UserPoolId": POOL, "ProviderType": kind, "ProviderDetails": details,
                              "AttributeMapping": mapping });
        Edit::CreateProvider(testing::provider(kind, members))
    };
    house
        .edit(vec![
            provider(
                "Facebook",
                "public_profile, email",
                json!({ "email": "email", "name": "name", "username": "id" }),
            ),
            provider("LoginWithAmazon", "profile", json!({ "email": "email", "username": "user_id" })),
        ])
        .await;
    let names = ["Facebook", "LoginWithAmazon"].map(str::to_owned);
    house.change_client("app", |client| client.supported_identity_providers.extend(names)).await;
    house.web.says(FACEBOOK_TOKEN, 200, json!({ "access_token": "EAAG|hush", "token_type": "bearer" }));
    house.web.says(FACEBOOK_ME, 200, json!({ "id": "10", "email": "p@example.com", "name": "Pat" }));
    house.web.says(AMAZON_TOKEN, 200, json!({ "access_token": "Atza|hush", "token_type": "bearer" }));
    let info =
        json!({ "iss": "https://www.amazon.com", "aud": "us", "exp": 3_597, "user_id": "amzn1.account.K2" });
    house.web.says(AMAZON_INFO, 200, info);
    house.web.says(AMAZON_PROFILE, 200, json!({ "user_id": "amzn1.account.K2", "email": "p@example.com" }));
    house
}

/// The app sends a person to the provider, who comes back with this.
async fn comes_back(house: &House, provider: &str, answer: &[(&str, &str)]) -> Answer {
    let mut browser = Browser::default();
    let leaving = house.authorize(&mut browser, &[("identity_provider", provider)]).await;
    let state = leaving.told("state").unwrap_or_else(|| panic!("not at a provider: {leaving:?}"));
    let pairs = [answer, &[("state", state.as_str())]].concat();
    house.get(&mut browser, &format!("/oauth2/idpresponse?{}", query(&pairs))).await
}

#[actix_web::test]
async fn a_person_signs_in_and_the_app_gets_tokens_that_name_the_provider() {
    let house = with_both().await;
    for (provider, username, id) in [
        ("Facebook", "Facebook_10", "10"),
        ("LoginWithAmazon", "LoginWithAmazon_amzn1.account.K2", "amzn1.account.K2"),
    ] {
        let code = comes_back(&house, provider, &[("code", "upstream-code")]).await.code();
        let tokens = house.redeem(&code, &[]).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        let said = claims(&tokens.json()["id_token"]);
        assert_eq!(said["cognito:username"], username);
        assert_eq!(said["email"], "p@example.com");
        assert_eq!(said["email_verified"], json!(false), "neither says that it is");
        let identity = &said["identities"][0];
        assert_eq!(identity["userId"], id);
        assert_eq!(
            (&identity["providerName"], &identity["providerType"]),
            (&json!(provider), &json!(provider))
        );
        assert_eq!(identity["issuer"], Value::Null);
    }
}

#[actix_web::test]
async fn every_failure_leads_back_to_the_app_and_says_nothing_secret() {
    let house = with_both().await;
    let cancel = [
        ("error", "access_denied"),
        ("error_code", "200"),
        ("error_description", "Permissions error"),
        ("error_reason", "user_denied"),
    ];
    let unpublished = [("error_code", "1349126"), ("error_message", "App not setup: in development")];
    let code = [("code", "upstream-code")];
    let graph = json!({ "error": { "message": "hush", "type": "OAuthException", "code": 190, "fbtrace_id": "hush" } });
    let oauth = json!({ "error": "invalid_token", "error_description": "hush" });
    let other = json!({ "iss": "https://www.amazon.com", "aud": "them", "exp": 9, "user_id": "hush" });
    for (provider, answer, broken, error, describes) in [
        ("Facebook", &cancel[..], None, "access_denied", "Permissions error"),
        ("Facebook", &unpublished[..], None, "server_error", "App not setup"),
        ("Facebook", &code[..], Some((FACEBOOK_TOKEN, 400, graph.clone())), "invalid_request", "400"),
        ("Facebook", &code[..], Some((FACEBOOK_ME, 400, graph)), "invalid_request", "OAuthException 190"),
        ("Facebook", &code[..], Some((FACEBOOK_ME, 200, json!({ "name": "hush" }))), "server_error", "no id"),
        ("LoginWithAmazon", &cancel[..1], None, "access_denied", "refused"),
        (
            "LoginWithAmazon",
            &code[..],
            Some((AMAZON_PROFILE, 401, oauth.clone())),
            "invalid_request",
            "invalid_token",
        ),
        ("LoginWithAmazon", &code[..], Some((AMAZON_INFO, 400, oauth)), "invalid_request", "token-info"),
        ("LoginWithAmazon", &code[..], Some((AMAZON_INFO, 200, other)), "server_error", "(aud)"),
    ] {
        let mut own = None;
        let house = match broken {
            None => &house,
            Some((url, status, body)) => {
                let house = own.insert(with_both().await);
                house.web.says(url, status, body);
                house
            }
        };
        let back = comes_back(house, provider, answer).await;
        assert!(back.header("location").starts_with(CALLBACK), "{back:?}");
        let told = |name: &str| back.told(name).unwrap_or_default();
        let description = told("error_description");
        assert_eq!((told("error").as_str(), told("state").as_str()), (error, "the state"), "{description}");
        assert!(description.contains(describes), "{description}");
        let seen = attempts::text(&house.state.attempts.list(Some(POOL), Some(provider)));
        assert!(seen.contains(provider), "{seen}");
        let said = format!("{back:?} {seen}");
        for never in ["hush", "upstream-code", "client_secret", "graph.facebook.com"] {
            assert!(!said.contains(never), "{never} in {said}");
        }
    }
}

#[actix_web::test]
async fn what_the_provider_cannot_be_asked_for_leads_back_to_the_app_at_once() {
    let house = with_both().await;
    for (provider, more) in [
        ("Facebook", ("prompt", "none")),
        ("Facebook", ("max_age", "60")),
        ("LoginWithAmazon", ("prompt", "none")),
        ("LoginWithAmazon", ("prompt", "login")),
        ("LoginWithAmazon", ("max_age", "60")),
    ] {
        let answer = house.authorize(&mut Browser::default(), &[("identity_provider", provider), more]).await;
        assert!(answer.header("location").starts_with(CALLBACK), "{answer:?}");
        assert_eq!(answer.told("error").as_deref(), Some("login_required"), "{provider} {more:?}");
    }
}
