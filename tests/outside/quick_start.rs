//! The commands of `docs/quick-start.md`, run as they stand: the page cannot rot.
//!
//! Blocks marked `sh` are run in order in one bash; the test sets what blocks marked `sh variables` set, and
//! puts its own port where the page says 9229. Where the page sets `CODE`, the test signs in, as a reader would.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::harness::{Gateway, Oidc, Person, Saml, claims, python_path, repository};

const CALLBACK: &str = "http://localhost:3000/callback";

struct Block {
    variables: bool,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let text: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
        if info == "sh" || info == "sh variables" {
            blocks.push(Block { variables: info != "sh", text: text.join("\n") });
        }
    }
    blocks
}

/// Runs the commands with the state of the run before; the last line printed is the result.
async fn run(
    gateway: &Gateway,
    folder: &std::path::Path,
    variables: &[(&str, &str)],
    commands: &[&Block],
) -> String {
    let commands: Vec<_> = commands.iter().map(|block| block.text.as_str()).collect();
    let commands = commands.join("\n").replace("localhost:9229", &format!("localhost:{}", gateway.port()));
    let script = format!(
        "set -euo pipefail\n[ -f state ] && . ./state\n{commands}\n\
         for name in POOL CLIENT_ID CLIENT_SECRET; do declare -p $name; done >state"
    );
    let path = format!("{}:{}", python_path().display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .arg("-c")
        .arg(&script)
        .current_dir(folder)
        .env("PATH", path)
        .env("AWS_PAGER", "")
        .envs(gateway.aws_environment())
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{commands}\n{out}\n{}", String::from_utf8_lossy(&output.stderr));
    out
}

#[tokio::test]
async fn the_commands_of_the_quick_start_work_as_they_stand() {
    let page = std::fs::read_to_string(repository().join("docs/quick-start.md")).unwrap();
    let blocks = blocks(&page);
    let code_at =
        blocks.iter().position(|block| block.text.starts_with("CODE=")).expect("the page sets CODE");
    let commands = |blocks| {
        Iterator::collect::<Vec<&Block>>(Iterator::filter(blocks, |block: &&Block| !block.variables))
    };

    let gateway = Gateway::start().await;
    let (saml, oidc) =
        (Saml::start(&gateway.url()).await, Oidc::start(&gateway.url(), "client_secret_post").await);
    let details = oidc.details();
    let metadata = saml.entity_id("both");
    let variables = [
        ("SAML_METADATA_URL", metadata.as_str()),
        ("OIDC_ISSUER", oidc.issuer()),
        ("OIDC_CLIENT_ID", details["client_id"].as_str().unwrap()),
        ("OIDC_CLIENT_SECRET", details["client_secret"].as_str().unwrap()),
    ];
    let folder = tempfile::TempDir::new().unwrap();
    let before = run(&gateway, folder.path(), &variables, &commands(blocks[..code_at].iter())).await;
    let url = before
        .lines()
        .rfind(|line| line.contains("/oauth2/authorize?"))
        .expect("the page prints the address");
    for (provider, prefix) in [("Corp", "Corp_persistent-alice"), ("Acme", "Acme_alice")] {
        let chosen = format!("{url}&identity_provider={provider}");
        let landing = Person::new().open(&chosen, CALLBACK).await;
        let code = landing.query("code").unwrap_or_else(|| panic!("{landing:?}"));
        let after =
            run(&gateway, folder.path(), &[("CODE", &code)], &commands(blocks[code_at..].iter())).await;
        let tokens = after
            .lines()
            .find_map(|line| serde_json::from_str::<Value>(line).ok())
            .expect("tokens are shown");
        assert_eq!(claims(tokens["id_token"].as_str().unwrap())["cognito:username"], prefix);
        assert!(after.contains("alice@example.com"), "the user is shown: {after}");
    }
}
