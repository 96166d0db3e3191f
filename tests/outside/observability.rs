//! What operators see of a gateway: metrics that Prometheus's own tool takes, and logs that their page lists.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::harness::{App, Gateway, Oidc, Person, Saml, repository};

/// A gateway where somebody has signed in by SAML and by OIDC, refreshed, failed and signed out.
async fn lived_in() -> (Gateway, App, Saml, Oidc) {
    let gateway = Gateway::start().await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let saml = Saml::start(&gateway.url()).await;
    let providers = vec![oidc.provider("Acme"), saml.provider("Corp", "both"), saml.provider("None", "none")];
    let (_pool, app) = gateway.provision_app(providers).await;
    for provider in ["Acme", "Corp"] {
        let person = Person::new();
        let tokens = app.sign_in(&person, &[("identity_provider", provider)]).await;
        app.refresh(&tokens.refresh).await;
        app.sign_out(&person).await;
    }
    app.send(&Person::new(), &[("identity_provider", "None")]).await;
    (gateway, app, saml, oidc)
}

async fn metrics(gateway: &Gateway, accept: &str) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let asked = http.get(format!("{}/metrics", gateway.metrics_url())).header("accept", accept);
    asked.send().await.unwrap().error_for_status().unwrap().text().await.unwrap()
}

#[tokio::test]
async fn prometheus_own_tool_finds_no_fault_with_a_scrape_of_a_gateway_that_signed_people_in() {
    let (gateway, ..) = lived_in().await;
    let scrape = metrics(&gateway, "text/plain").await;
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is there: run scripts/install-test-tools");
    promtool.stdin.take().unwrap().write_all(scrape.as_bytes()).await.unwrap();
    let said = promtool.wait_with_output().await.unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success() && told.trim().is_empty(), "{told}\n{scrape}");
    for expected in [
        "provider=\"Corp\",type=\"SAML\",start=\"app\",outcome=\"signed_in\"} 1\n",
        "provider=\"Acme\",type=\"OIDC\",start=\"app\",outcome=\"signed_in\"} 1\n",
        "provider=\"None\",type=\"SAML\",start=\"app\",outcome=\"failed\"} 1\n",
        "poolgate_grants_total{grant=\"refresh_token\",outcome=\"issued\"} 2\n",
        "poolgate_sign_outs_total{start=\"app\",outcome=\"done\"} 2\n",
        "poolgate_fetch_seconds_count{outcome=\"2xx\"}",
        "poolgate_token_signing_key_age_seconds{",
        "process_resident_memory_bytes ",
        "process_start_time_seconds ",
    ] {
        assert!(scrape.contains(expected), "{expected} is not in\n{scrape}");
    }
}

/// Names in backquotes at the beginning of the rows of a table under this heading.
fn listed(page: &str, heading: &str) -> BTreeSet<String> {
    let (_, rest) = page.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let section = rest.split("\n#").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.flat_map(|row| {
        row.split('|').next().unwrap().split('`').step_by(2).map(str::to_owned).collect::<Vec<_>>()
    })
    .filter(|name| !name.is_empty())
    .collect()
}

fn page() -> String {
    std::fs::read_to_string(repository().join("docs/observability.md")).unwrap()
}

#[tokio::test]
async fn every_metric_of_a_scrape_is_in_the_page_and_the_page_promises_no_other() {
    let (gateway, ..) = lived_in().await;
    let scrape = metrics(&gateway, "text/plain").await;
    let told = scrape.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let told: BTreeSet<_> = told.map(str::to_owned).collect();
    let page = page();
    let promised: BTreeSet<_> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|name| name.split('{').next().unwrap())
        .filter(|name| name.starts_with("poolgate_") || name.starts_with("process_"))
        .map(str::to_owned)
        .collect();
    // Only where the directory is PostgreSQL.
    let elsewhere = BTreeSet::from(["poolgate_clock_offset_seconds".to_owned()]);
    let missing: Vec<_> = told.difference(&promised).collect();
    assert!(missing.is_empty(), "the page says nothing of {missing:?}");
    let broken: Vec<_> = promised.difference(&told).filter(|name| !elsewhere.contains(*name)).collect();
    assert!(broken.is_empty(), "no metric is called {broken:?}");
}

/// Fields that stand in the lines of a run: those of the line, of `fields` and of `span`.
fn fields_of(line: &Value) -> [BTreeSet<String>; 3] {
    let keys =
        |value: &Value| value.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default();
    [keys(line), keys(&line["fields"]), keys(&line["span"])]
}

#[tokio::test]
async fn every_log_line_is_json_on_one_line_whose_fields_the_page_lists() {
    let (gateway, app, ..) = lived_in().await;
    let forged = "x\n{\"level\":\"INFO\",\"fields\":{\"message\":\"sign-in\",\"outcome\":\"success\"}}";
    app.send(&Person::new(), &[("identity_provider", forged), ("scope", forged)]).await;
    app.token(&[("grant_type", forged), ("client_id", forged)]).await;
    let page = page();
    let known =
        ["### Every line", "### Fields", "### The request (`span`)"].map(|heading| listed(&page, heading));
    let log = gateway.logged();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for (found, known) in fields_of(&line).iter().zip(&known) {
            let unknown: Vec<_> = found.difference(known).collect();
            assert!(unknown.is_empty(), "the page says nothing of {unknown:?} in {line}");
        }
        let claims = line["fields"]["outcome"] == "success" && line["span"]["id"].is_null();
        assert!(!claims, "somebody has written a line of our log: {line}");
    }
    assert!(log.lines().any(|line| line.contains("\"message\":\"sign-in\"")), "{log}");
}

/// The fields that `tracing`'s macros are given anywhere in the sources.
fn fields_in_sources() -> (BTreeSet<String>, String) {
    let output = std::process::Command::new("git")
        .args(["ls-files", "src/*.rs", "providers/src/*.rs"])
        .current_dir(repository())
        .output()
        .unwrap();
    let files = String::from_utf8(output.stdout).unwrap();
    let mut sources = String::new();
    for file in files.lines().filter(|file| !file.contains("tests") && !file.contains("/demo/")) {
        sources.push_str(&std::fs::read_to_string(repository().join(file)).unwrap());
    }
    let calls = regex::Regex::new(r"tracing::(?:info|warn|error|debug)!\(").unwrap();
    let field = regex::Regex::new(r"^\s*[%?]?([a-z_.]+)\s*(?:=\s*[^,]+)?$").unwrap();
    // Fields come before the message, which is the first text that is no field's value.
    let message = regex::Regex::new(r#"(?s)(?:^|,)\s*""#).unwrap();
    let mut fields = BTreeSet::new();
    for call in calls.find_iter(&sources) {
        let rest = &sources[call.end()..];
        let message = message.find(rest).unwrap().start();
        fields.extend(
            split(&rest[..message]).iter().filter_map(|part| Some(field.captures(part)?[1].to_owned())),
        );
    }
    (fields, sources)
}

/// At the commas that no bracket encloses.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(c);
    }
    parts.into_iter().map(|part| part.replace('\n', " ")).collect()
}

#[test]
fn the_page_lists_every_field_of_the_sources_and_no_other_and_no_message_that_is_gone() {
    let (fields, sources) = fields_in_sources();
    assert!(fields.len() > 20, "{fields:?}");
    let mut known = listed(&page(), "### Fields");
    assert!(known.remove("message"));
    let missing: Vec<_> = fields.difference(&known).collect();
    assert!(missing.is_empty(), "docs/observability.md says nothing of the fields {missing:?}");
    let gone: Vec<_> = known.difference(&fields).collect();
    assert!(gone.is_empty(), "no log line has the fields {gone:?}");
    let messages = listed(&page(), "### Messages");
    assert!(messages.len() > 10, "{messages:?}");
    for message in messages {
        assert!(sources.contains(&format!("\"{message}")), "no log line says: {message}");
    }
}

#[tokio::test]
async fn a_gateway_that_is_watched_turns_red_before_it_stops_taking_connections() {
    let mut gateway = Gateway::start().await;
    let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    let ready = format!("{}/readyz", gateway.metrics_url());
    assert_eq!(http.get(&ready).send().await.unwrap().status(), 200);
    let pid = gateway.pid().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let red = async {
        while http.get(&ready).send().await.unwrap().status() != 503 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(2), red).await.expect("red at once");
    let page = http.get(format!("{}/login", gateway.url())).send().await;
    assert!(page.is_ok(), "new connections are still taken: {page:?}");
    assert_eq!(gateway.stop().await, Some(0));
}

/// Not asked for by every build: without the feature, a warning says why no trace comes.
#[cfg(not(feature = "otel"))]
#[tokio::test]
async fn a_build_without_traces_says_so_when_they_are_asked_for() {
    let gateway = Gateway::start_with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]).await;
    assert!(gateway.logged().contains("this build is without OpenTelemetry"), "{}", gateway.logged());
}
