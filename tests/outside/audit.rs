//! The audit log and the limits, as those who run the gateway and those who call it meet them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::harness::{Gateway, Oidc, Person, free_port};

fn events(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn names(path: &Path) -> BTreeSet<String> {
    events(path).iter().map(|event| event["eventName"].as_str().unwrap().to_owned()).collect()
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let waited = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), waited).await.is_ok(), "{what}");
}

#[tokio::test]
async fn what_administrators_and_people_do_is_told_in_a_file_that_can_be_rotated() {
    let folder = TempDir::new().unwrap();
    let (path, moved) = (folder.path().join("audit.jsonl"), folder.path().join("audit.jsonl.1"));
    let mut gateway = Gateway::start_with(&[("POOLGATE_AUDIT_LOG", path.to_str().unwrap())]).await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let (pool, app) = gateway.provision_app(vec![oidc.provider("Acme")]).await;
    let person = Person::new();
    let tokens = app.sign_in(&person, &[("identity_provider", "Acme")]).await;
    let refused = gateway.call("describe_user_pool", json!({"UserPoolId": "us-east-1_000000000"})).await;
    until("the refusal is told", || names(&path).contains("DescribeUserPool")).await;
    std::fs::rename(&path, &moved).unwrap();
    gateway.signal("HUP").await;
    until("the log is opened anew", || path.exists()).await;
    app.refresh(&tokens.refresh).await;
    app.sign_out(&person).await;
    assert_eq!(gateway.stop().await, Some(0));

    let before = [
        "CreateUserPool",
        "CreateIdentityProvider",
        "CreateUserPoolClient",
        "Authorize_GET",
        "OAuth2Response_GET",
        "Token_POST",
        "DescribeUserPool",
    ];
    assert!(names(&moved).is_superset(&before.map(str::to_owned).into()), "{:?}", names(&moved));
    assert!(
        names(&path).is_superset(&["Token_POST", "Logout_GET"].map(str::to_owned).into()),
        "{:?}",
        names(&path)
    );
    let events = events(&moved);
    let told = events.iter().find(|event| event["eventName"] == "DescribeUserPool").unwrap();
    assert_eq!(told["requestID"], refused["request_id"]);
    assert_eq!((&told["errorCode"], &told["sourceIPAddress"]), (&refused["error"], &json!("127.0.0.1")));
    assert!(told["userAgent"].as_str().unwrap().contains("Boto3"), "{told}");
    let whole = [&moved, &path].map(|path| std::fs::read_to_string(path).unwrap()).concat();
    let secret = pool.clients["app"]["secret"].as_str().unwrap();
    for hidden in [secret, &tokens.refresh] {
        assert!(!whole.contains(hidden), "{hidden} is in {whole}");
    }
}

#[tokio::test]
async fn on_standard_output_the_line_that_says_ready_comes_first() {
    let (home, port) = (TempDir::new().unwrap(), free_port());
    let mut gateway = Command::new(env!("CARGO_BIN_EXE_poolgate"))
        .arg("serve")
        .env("POOLGATE_LISTEN", format!("127.0.0.1:{port}"))
        .env("POOLGATE_METRICS_LISTEN", "127.0.0.1:0")
        .env("POOLGATE_DATA_DIR", home.path())
        .env("POOLGATE_AUDIT_LOG", "stdout")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(gateway.stdout.take().unwrap()).lines();
    assert!(lines.next_line().await.unwrap().unwrap().starts_with("poolgate ready on "));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let call = http.post(format!("http://127.0.0.1:{port}/")).body("{}");
    let call = call.header("content-type", "application/x-amz-json-1.1");
    let call = call.header("x-amz-target", "AWSCognitoIdentityProviderService.ListUserPools");
    assert_eq!(call.send().await.unwrap().status(), 400);
    let event: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    assert_eq!(
        (&event["eventName"], &event["errorCode"]),
        (&json!("ListUserPools"), &json!("MissingAuthenticationTokenException"))
    );
}

#[tokio::test]
async fn boto3_is_told_that_it_asks_too_often_and_is_answered_again_later() {
    let gateway = Gateway::start_with(&[("POOLGATE_RATE_LIMITS", "list=1")]).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let throttled = async || {
        let scrape = http.get(format!("{}/metrics", gateway.metrics_url())).send().await.unwrap();
        !scrape.text().await.unwrap().contains("poolgate_throttled_total{scope=\"list\"} 0")
    };
    // More than come at once; a machine that is slow enough stays within one a second.
    let call = ("list_user_pools", json!({"MaxResults": 1}));
    for _ in 0..10 {
        for answer in gateway.calls(&vec![call.clone(); 62]).await {
            // boto3 asks again by itself before it gives up.
            assert!(answer["error"].is_null() || answer["error"] == "TooManyRequestsException", "{answer}");
        }
        if throttled().await {
            return;
        }
    }
    panic!("nothing was ever one too many");
}
