//! The Python and Node programs beside this harness.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::Landing;

/// The repository's root.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the pinned Python environment's programs.
pub fn python_path() -> PathBuf {
    tool("tests/.cache/venv/bin")
}

pub(super) fn tool(path: &str) -> PathBuf {
    let path = repository().join(path);
    assert!(path.exists(), "{} is missing: run scripts/install-test-tools", path.display());
    path
}

pub(super) fn command(program: &Path, script: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.arg(script).args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn run(mut command: Command) -> Value {
    let output = command.output().await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} failed\n{out}\n{err}");
    serde_json::from_str(out.trim()).unwrap_or_else(|_| panic!("{command:?} printed no JSON\n{out}\n{err}"))
}

/// Runs `tests/python/{script}` and parses what it prints.
pub async fn python(script: &str, arguments: &[&str]) -> Value {
    run(command(&python_path().join("python"), &repository().join("tests/python").join(script), arguments))
        .await
}

/// Runs `tests/node/{script}` and parses what it prints.
pub async fn node(script: &str, arguments: &[&str]) -> Value {
    run(command(&tool("tests/.cache/node-bin"), &repository().join("tests/node").join(script), arguments))
        .await
}

/// Starts `tests/node/{script}`, which goes on running.
pub async fn node_helper(script: &str, arguments: &[&str]) -> Helper {
    let script = repository().join("tests/node").join(script);
    Helper::start(command(&tool("tests/.cache/node-bin"), &script, arguments)).await
}

/// Starts `tests/python/{script}`, which goes on running.
pub async fn python_helper(script: &str, arguments: &[&str]) -> Helper {
    let script = repository().join("tests/python").join(script);
    Helper::start(command(&python_path().join("python"), &script, arguments)).await
}

/// A program that goes on running; ended when dropped.
pub struct Helper {
    _child: Child,
    /// The line of JSON it printed once it answered.
    pub told: Value,
}

impl Helper {
    pub(super) async fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap_or_else(|| panic!("{command:?} ended"));
        let told = serde_json::from_str(&line).unwrap();
        // Keep reading, so that it never stops on a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { _child: child, told }
    }
}

/// pysaml2 as identity provider.
pub struct Saml {
    helper: Helper,
}

impl Saml {
    /// Starts it; it reads the gateway's metadata when the first request comes.
    pub async fn start(gateway_url: &str) -> Self {
        let script = repository().join("tests/python/saml_idp.py");
        let metadata = format!("{gateway_url}/saml2/metadata");
        let helper = Helper::start(command(&python_path().join("python"), &script, &[&metadata])).await;
        Self { helper }
    }

    /// Base URL of its identity providers.
    pub fn base(&self) -> &str {
        self.helper.told["base"].as_str().unwrap()
    }

    /// Entity id of the identity provider that `tests/python/saml_provider.py` calls `variant`.
    pub fn entity_id(&self, variant: &str) -> String {
        self.address(variant, "metadata")
    }

    /// An address of that identity provider.
    pub fn address(&self, variant: &str, path: &str) -> String {
        format!("{}/{variant}/{path}", self.base())
    }

    /// The sessions that it has and nobody ended: SessionIndex → person.
    pub async fn sessions(&self, variant: &str) -> BTreeMap<String, String> {
        self.read(variant, "sessions").await
    }

    /// What pysaml2 understood of the pool's metadata.
    pub async fn service_provider(&self, variant: &str) -> Value {
        self.read(variant, "service-provider").await
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, variant: &str, path: &str) -> T {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = http.get(self.address(variant, path)).send().await.unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    }

    /// Whether the walk ended at a provider that does not know who the person is: its session has ended.
    pub fn asks(&self, landing: &Landing) -> bool {
        landing.url.as_str().starts_with(self.base()) && landing.body.contains("Who are you?")
    }

    /// For [`super::Gateway::provision`]: the identity provider that `tests/python/saml_provider.py` calls `variant`.
    pub fn provider(&self, name: &str, variant: &str) -> Value {
        json!({
            "name": name,
            "type": "SAML",
            "details": {"MetadataURL": self.entity_id(variant)},
            "mapping": {
                "email": "urn:oid:0.9.2342.19200300.100.1.3",
                "given_name": "urn:oid:2.5.4.42",
                "family_name": "urn:oid:2.5.4.4",
            },
        })
    }
}
