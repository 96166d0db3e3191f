//! `poolgate serve` as a child process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::{App, CALLBACK, LOGGED_OUT, free_port, python};

/// Long enough for a busy machine; nobody waits for it when all is well.
const PATIENCE: Duration = Duration::from_secs(60);
const ACCESS_KEY: &str = "AKIDOUTSIDE";
const SECRET_KEY: &str = "outside-secret-key";
const REGION: &str = "us-east-1";

/// A running gateway, killed when dropped. When the test fails, the end of its log is printed.
pub struct Gateway {
    child: Child,
    port: u16,
    metrics_port: u16,
    home: TempDir,
    settings: Vec<(String, String)>,
}

/// What [`Gateway::provision`] made.
pub struct Pool {
    /// Its id.
    pub id: String,
    /// App clients by name: `{id, secret}`.
    pub clients: Value,
    /// Base of its domain, without a slash at the end.
    pub url: String,
}

impl Gateway {
    /// Starts one on a fresh data directory and waits until it accepts logins.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same, with further settings (`POOLGATE_…`).
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let home = TempDir::new().unwrap();
        let (port, metrics_port) = (free_port(), free_port());
        let settings: Vec<_> =
            settings.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        let child = spawn(port, metrics_port, home.path(), &settings).await;
        Self { child, port, metrics_port, home, settings }
    }

    /// Base URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Where `/healthz`, `/readyz` and `/metrics` answer.
    pub fn metrics_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.metrics_port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("the gateway runs")
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// SIGKILL, now.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM; returns its exit code.
    pub async fn stop(&mut self) -> Option<i32> {
        self.signal("TERM").await;
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("the gateway stops").unwrap().code()
    }

    /// Starts again on the same data directory and ports.
    pub async fn restart(&mut self) {
        self.child = spawn(self.port, self.metrics_port, self.home.path(), &self.settings).await;
    }

    /// The same with these settings instead.
    pub async fn restart_with(&mut self, settings: &[(&str, &str)]) {
        self.settings = settings.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        self.restart().await;
    }

    /// Address and credentials, as the Python helpers take them.
    pub fn access(&self) -> Value {
        access(&self.url())
    }

    /// The same for the AWS CLI.
    pub fn aws_environment(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.url().as_str()),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Makes a pool, its domain `localhost`, providers and app clients, through boto3 alone.
    pub async fn provision(&self, providers: Value, clients: Value) -> Pool {
        provision(&self.url(), providers, clients).await
    }

    /// A pool with these providers and one app that uses all of them.
    pub async fn provision_app(&self, providers: Vec<Value>) -> (Pool, App) {
        let names: Vec<_> = providers.iter().map(|provider| provider["name"].clone()).collect();
        let clients = json!([{
            "name": "app", "secret": true, "callbacks": [CALLBACK], "logouts": [LOGGED_OUT], "providers": names,
        }]);
        let pool = self.provision(providers.into(), clients).await;
        let app = App::new(&pool, "app");
        (pool, app)
    }

    /// One API call through boto3. An error comes back as `{error, message, status, request_id}`.
    pub async fn call(&self, operation: &str, parameters: Value) -> Value {
        self.calls(&[(operation, parameters)]).await.remove(0)
    }

    /// API calls through boto3, in order.
    pub async fn calls(&self, calls: &[(&str, Value)]) -> Vec<Value> {
        run_calls(self.access(), calls).await
    }

    /// The same with boto3's own checks off: the gateway must stand on its own.
    pub async fn unchecked_calls(&self, calls: &[(&str, Value)]) -> Vec<Value> {
        let mut access = self.access();
        access["unchecked"] = true.into();
        run_calls(access, calls).await
    }

    fn log(&self) -> PathBuf {
        self.home.path().join("gateway.log")
    }

    /// Sends it a signal by name, such as `HUP`.
    pub async fn signal(&self, name: &str) {
        let id = self.pid().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().await.unwrap().success());
    }

    /// What `/readyz` or `/healthz` answers: the status, or `None` when nobody does within 10 s.
    pub async fn health(&self, path: &str) -> Option<u16> {
        let asked = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        let answer = asked.get(format!("{}{path}", self.metrics_url())).send().await.ok()?;
        Some(answer.status().as_u16())
    }

    /// Waits until `/readyz` is green, or red; how long that took.
    pub async fn wait_for_readiness(&self, ready: bool, patience: Duration) -> Duration {
        let begun = Instant::now();
        let wanted = if ready { 200 } else { 503 };
        loop {
            let status = self.health("/readyz").await;
            if status == Some(wanted) {
                return begun.elapsed();
            }
            assert!(begun.elapsed() < patience, "/readyz is {status:?} after {patience:?}, not {wanted}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Everything it has logged.
    pub fn logged(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        if std::thread::panicking() {
            let log = self.logged();
            let lines: Vec<_> = log.lines().collect();
            let from = lines.len().saturating_sub(40);
            eprintln!("--- end of the gateway's log ---\n{}\n---", lines[from..].join("\n"));
        }
    }
}

/// Address and credentials of a gateway behind this address, as the Python helpers take them.
pub fn access(url: &str) -> Value {
    json!({"endpoint": url, "region": REGION, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY})
}

/// Makes a pool, its domain `localhost`, providers and app clients, at this address.
pub async fn provision(url: &str, providers: Value, clients: Value) -> Pool {
    let mut spec = access(url);
    spec["providers"] = providers;
    spec["clients"] = clients;
    let made = python("provision.py", &[&spec.to_string()]).await;
    Pool {
        id: made["pool_id"].as_str().unwrap().to_owned(),
        clients: made["clients"].clone(),
        url: url.to_owned(),
    }
}

/// Calls with any address and credentials.
pub async fn run_calls(access: Value, calls: &[(&str, Value)]) -> Vec<Value> {
    let answers = python("calls.py", &[&access.to_string(), &json!(calls).to_string()]).await;
    answers.as_array().unwrap().clone()
}

async fn spawn(port: u16, metrics_port: u16, home: &Path, settings: &[(String, String)]) -> Child {
    let log = File::options().create(true).append(true).open(home.join("gateway.log")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_poolgate"))
        .arg("serve")
        .env("POOLGATE_LISTEN", format!("127.0.0.1:{port}"))
        .env("POOLGATE_PUBLIC_URL", format!("http://localhost:{port}"))
        .env("POOLGATE_METRICS_LISTEN", format!("127.0.0.1:{metrics_port}"))
        .env("POOLGATE_DATA_DIR", home.join("data"))
        .env("POOLGATE_REGION", REGION)
        .env("POOLGATE_ACCESS_KEY_ID", ACCESS_KEY)
        .env("POOLGATE_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("POOLGATE_DEV", "true")
        // What a test asks in a second, a person asks in an hour.
        .env("POOLGATE_RATE_LIMITS", "off")
        .env("POOLGATE_SAML_ENGINES", if cfg!(feature = "samael") { "both" } else { "rust" })
        .envs(settings.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = tokio::time::timeout(PATIENCE, async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.starts_with("poolgate ready on ") {
                return true;
            }
        }
        false
    });
    if !ready.await.expect("the gateway gets ready in time") {
        let log = std::fs::read_to_string(home.join("gateway.log")).unwrap_or_default();
        panic!("the gateway ended before it was ready:\n{log}");
    }
    child
}
