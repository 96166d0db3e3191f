//! What is in `deploy/`, run for real: the same files, the same commands, no container engine needed. The tests
//! themselves are in `tests/deploy`, where an administrator can run them one by one.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::harness::{python_path, repository};

async fn run(program: std::path::PathBuf, arguments: &[&str]) -> String {
    let mut command = Command::new(&program);
    command
        .args(arguments)
        .current_dir(repository())
        .env("POOLGATE_BINARY", env!("CARGO_BIN_EXE_poolgate"))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(240), command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{command:?} hangs")).unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
    out.into_owned()
}

/// Runs `tests/deploy/{script}`, which ends by saying that all is well.
async fn check(script: &str, arguments: &[&str]) {
    let script = repository().join("tests/deploy").join(script);
    let mut line = vec![script.to_str().unwrap()];
    line.extend(arguments);
    let said = run(python_path().join("python"), &line).await;
    assert!(said.contains(": well"), "{said}");
}

#[tokio::test]
async fn the_linters_accept_what_is_shipped() {
    run(repository().join("scripts/lint-deploy"), &[]).await;
}

#[tokio::test]
async fn haproxy_before_gateways_does_what_its_file_promises() {
    check("proxies.py", &["haproxy"]).await;
}

#[tokio::test]
async fn nginx_before_gateways_does_what_its_file_promises() {
    check("proxies.py", &["nginx"]).await;
}

#[tokio::test]
async fn a_gateway_works_within_the_confinement_of_its_systemd_unit() {
    check("systemd.py", &[]).await;
}

#[tokio::test]
async fn the_topology_of_compose_signs_people_in_and_outlives_a_gateway_and_redis() {
    check("compose.py", &[]).await;
}

#[tokio::test]
async fn every_panel_of_the_dashboard_shows_what_a_real_prometheus_has_scraped() {
    check("dashboard.py", &[]).await;
}

#[tokio::test]
async fn an_embedded_directory_comes_back_from_the_backup_page() {
    check("backup.py", &["embedded"]).await;
}

#[tokio::test]
async fn a_database_comes_back_from_the_backup_page() {
    check("backup.py", &["postgres"]).await;
}

#[tokio::test]
async fn a_database_comes_back_to_the_last_moment_that_was_archived() {
    check("backup.py", &["point-in-time"]).await;
}
