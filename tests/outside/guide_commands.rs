//! The developer guide's commands through the AWS CLI.

use serde_json::Value;

use crate::harness::{Gateway, Oidc, python};

#[tokio::test]
async fn the_guides_commands_run_unchanged() {
    let gateway = Gateway::start_with(&[("POOLGATE_RATE_LIMITS", "off")]).await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let mut spec = gateway.access();
    spec["provider"] = oidc.provider("Acme");
    let report = python("guide_commands.py", &[&spec.to_string()]).await;
    let failures: Vec<_> = report["failures"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(
        failures.is_empty(),
        "{} of {} commands:\n{}",
        failures.len(),
        report["commands"],
        failures.join("\n")
    );
}
