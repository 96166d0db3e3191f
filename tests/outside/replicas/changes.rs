//! Changes of the configuration: at once for who made them, within seconds for all.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Stage;
use crate::harness::{CALLBACK, run_calls};
use crate::load::{Load, Trouble};

/// How long a replica may take to see what another one changed.
const SEEN: Duration = Duration::from_secs(5);
/// Requests through the balancer, so that each replica gets some.
const TRIES: usize = 12;

pub(super) async fn are_seen_by_all(stage: &Stage) {
    a_new_client_works_at_once(stage).await;
    a_deleted_provider_is_gone(stage).await;
}

async fn a_new_client_works_at_once(stage: &Stage) {
    let made = json!({
        "UserPoolId": stage.load.pool.id, "ClientName": "late", "CallbackURLs": [CALLBACK],
        "AllowedOAuthFlows": ["code"], "AllowedOAuthScopes": ["openid", "email"],
        "AllowedOAuthFlowsUserPoolClient": true, "SupportedIdentityProviders": ["Saml", "Oidc"],
    });
    let answer = run_calls(stage.replicas.access(), &[("create_user_pool_client", made)]).await.remove(0);
    let client = answer["UserPoolClient"]["ClientId"].as_str().unwrap_or_else(|| panic!("{answer}"));
    for number in 0..TRIES {
        let (browser, request) = (stage.load.browser(), stage.load.request(client, "Saml"));
        let sent = stage.load.ask(&browser, &request).await;
        assert!(sent.is_ok(), "{}", stage.trouble(&format!("{sent:?} at request {number} of a new client")));
    }
    // A script reads on any replica what it wrote on another.
    let id = json!({"UserPoolId": stage.load.pool.id, "ClientId": client});
    let calls = vec![("describe_user_pool_client", id.clone()); TRIES];
    for found in run_calls(stage.replicas.access(), &calls).await {
        assert_eq!(found["UserPoolClient"]["ClientName"], "late", "{found}");
    }
    let gone = run_calls(stage.replicas.access(), &[("delete_user_pool_client", id)]).await;
    assert!(gone[0].get("error").is_none(), "{gone:?}");
}

async fn a_deleted_provider_is_gone(stage: &Stage) {
    let load = &stage.load;
    let pool = &load.pool.id;
    let providers = |names: &[&str]| {
        json!({"UserPoolId": pool, "ClientId": load.client("app"), "ClientName": "app", "CallbackURLs": [CALLBACK],
               "LogoutURLs": [crate::harness::LOGGED_OUT], "AllowedOAuthFlows": ["code"],
               "AllowedOAuthScopes": ["openid", "email", "profile"], "AllowedOAuthFlowsUserPoolClient": true,
               "SupportedIdentityProviders": names})
    };
    let made = json!({
        "UserPoolId": pool, "ProviderName": "Extra", "ProviderType": "OIDC",
        "ProviderDetails": {"client_id": "bench", "client_secret": "load", "oidc_issuer": load.issuer(),
                            "authorize_scopes": "openid email", "attributes_request_method": "GET"},
        "AttributeMapping": {"email": "email"},
    });
    let with = [
        ("create_identity_provider", made),
        ("update_user_pool_client", providers(&["Saml", "Oidc", "Extra"])),
    ];
    fine(run_calls(stage.replicas.access(), &with).await);
    everywhere(stage, true).await;
    let without = [
        ("update_user_pool_client", providers(&["Saml", "Oidc"])),
        ("delete_identity_provider", json!({"UserPoolId": pool, "ProviderName": "Extra"})),
    ];
    fine(run_calls(stage.replicas.access(), &without).await);
    everywhere(stage, false).await;
}

fn fine(answers: Vec<serde_json::Value>) {
    for answer in answers {
        assert!(answer.get("error").is_none(), "{answer}");
    }
}

/// Waits until every replica, asked by its own address, knows the provider, or does not.
async fn everywhere(stage: &Stage, known: bool) {
    let begun = Instant::now();
    for gateway in &stage.replicas.gateways {
        while knows(&stage.load, &gateway.url()).await != known {
            assert!(begun.elapsed() < SEEN, "{}", stage.trouble("a change is not seen in time"));
        }
    }
    eprintln!("a provider {} everywhere after {:?}", if known { "made" } else { "deleted" }, begun.elapsed());
}

async fn knows(load: &Load, replica: &str) -> bool {
    let mut request = load.request(load.client("app"), "Extra");
    request.url = request.url.replacen(&load.url, replica, 1);
    match load.ask(&load.browser(), &request).await {
        Ok(_) => true,
        // The app is told that there is no such provider.
        Err(Trouble::Wrong { what, .. }) if what.contains("error=") || what.starts_with("200 ") => false,
        Err(trouble) => panic!("{trouble:?}"),
    }
}
