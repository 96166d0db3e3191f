//! What ends tokens ends them on every replica, by the time the caller has its answer.

use serde_json::{Value, json};

use super::Stage;
use crate::harness::run_calls;
use crate::load::{Signed, Soul};

pub(super) async fn are_seen_by_all(stage: &Stage) {
    let load = &stage.load;
    for gateway in &stage.replicas.gateways {
        let (_, signed) = signed_in(stage, "revoked").await;
        assert_works(stage, &signed, true).await;
        let form = [("token", signed.refresh.as_str()), ("client_id", load.client("app"))];
        let revoked =
            load.http().post(format!("{}/oauth2/revoke", gateway.url())).form(&form).send().await.unwrap();
        assert_eq!(revoked.status(), 200);
        assert_works(stage, &signed, false).await;
    }
    for operation in ["admin_user_global_sign_out", "admin_disable_user", "admin_delete_user"] {
        let (soul, signed) = signed_in(stage, operation).await;
        let who = json!({"UserPoolId": load.pool.id, "Username": soul.username()});
        let answer: Value = run_calls(stage.replicas.access(), &[(operation, who)]).await.remove(0);
        if answer["error"] == "UnsupportedOperationException" {
            continue; // Not part of this build.
        }
        assert!(answer.get("error").is_none(), "{answer}");
        assert_works(stage, &signed, false).await;
        if operation == "admin_delete_user" {
            load.record.deleted(&soul.username());
        }
    }
}

async fn signed_in(stage: &Stage, name: &str) -> (Soul, Signed) {
    let load = &stage.load;
    let soul = Soul::new(format!("{name}-{}", load.record.successes()), "Saml");
    let (browser, request) = (load.browser(), load.request(load.client("app"), "Saml"));
    let at = load.ask(&browser, &request).await.unwrap();
    let landing = load.provider_answers(&browser, &soul, &at).await.unwrap();
    let signed = load.redeem(&soul, &request, &landing).await.unwrap();
    (soul, signed)
}

/// Each replica, by its own address, honours these tokens, or refuses both.
async fn assert_works(stage: &Stage, signed: &Signed, works: bool) {
    let load = &stage.load;
    for (number, gateway) in stage.replicas.gateways.iter().enumerate() {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", signed.refresh.as_str()),
            ("client_id", load.client("app")),
        ];
        let refreshed = load.http().post(format!("{}/oauth2/token", gateway.url())).form(&form).send();
        let info = load.http().get(format!("{}/oauth2/userInfo", gateway.url())).bearer_auth(&signed.access);
        let (refreshed, info) = (refreshed.await.unwrap().status(), info.send().await.unwrap().status());
        let wanted = if works { (200, 200) } else { (400, 401) };
        assert_eq!((refreshed.as_u16(), info.as_u16()), wanted, "refresh and userInfo at replica {number}");
    }
}
