//! SimpleSAMLphp as identity provider: Debian's package, with the settings of `tests/php`.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{Landing, Person, free_port, repository};

/// How long PHP may take to answer for the first time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Its identity providers, below one address; ended when dropped.
///
/// One request at a time: PHP's own server knows no other way, and no test needs one.
pub struct SimpleSaml {
    _child: Child,
    base: String,
    home: TempDir,
}

impl SimpleSaml {
    /// Starts it and waits until it answers. It knows no service provider until [`SimpleSaml::trust`].
    pub async fn start() -> Self {
        let (port, home) = (free_port(), TempDir::new().unwrap());
        let log = File::create(home.path().join("php.log")).unwrap();
        let child = Command::new("php")
            .args(["-S", &format!("127.0.0.1:{port}")])
            .arg(repository().join("tests/php/router.php"))
            .env("SIMPLESAMLPHP_TEST_HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("PHP is installed: run scripts/install-test-tools");
        let mut this = Self { _child: child, base: format!("http://127.0.0.1:{port}"), home };
        tokio::time::timeout(PATIENCE, this.wait()).await.expect("SimpleSAMLphp answers in time");
        this
    }

    async fn wait(&mut self) {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let entity_id = self.entity_id("plain");
        loop {
            if let Some(status) = self._child.try_wait().unwrap() {
                let log = std::fs::read_to_string(self.home.path().join("php.log")).unwrap_or_default();
                panic!("PHP ended ({status}):\n{log}");
            }
            if let Ok(answer) = http.get(&entity_id).send().await {
                let (status, body) = (answer.status(), answer.text().await.unwrap());
                assert!(
                    status == 200 && body.contains(&entity_id),
                    "SimpleSAMLphp is installed (run scripts/install-test-tools), {status}:\n{body}"
                );
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Makes its identity providers know the gateway's pool, through its own metadata converter; returns what
    /// that understood: entity id → SimpleSAMLphp's settings for the service provider.
    pub async fn trust(&self, gateway_url: &str) -> Value {
        let output = Command::new("php")
            .arg(repository().join("tests/php/trust.php"))
            .arg(format!("{gateway_url}/saml2/metadata"))
            .env("SIMPLESAMLPHP_TEST_HOME", self.home.path())
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{out}\n{err}");
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("no JSON: {out}\n{err}"))
    }

    /// Entity id of the identity provider that `tests/php/metadata/saml20-idp-hosted.php` calls `variant`;
    /// its metadata is there.
    pub fn entity_id(&self, variant: &str) -> String {
        self.address(variant, "saml2/idp/metadata.php")
    }

    /// An address of the identity provider.
    pub fn address(&self, variant: &str, path: &str) -> String {
        format!("{}/{variant}/{path}", self.base)
    }

    /// For [`super::Gateway::provision`]: that identity provider, with the names that SimpleSAMLphp gives attributes.
    pub fn provider(&self, name: &str, variant: &str) -> Value {
        json!({
            "name": name,
            "type": "SAML",
            "details": {"MetadataURL": self.entity_id(variant)},
            "mapping": {"email": "mail", "given_name": "givenName", "family_name": "sn"},
        })
    }

    /// Whether the walk ended at its login page.
    pub fn asks(&self, landing: &Landing) -> bool {
        landing.status == 200
            && landing.url.as_str().starts_with(&self.base)
            && landing.url.path().ends_with("/loginuserpass.php")
    }

    /// Signs in at the login page where the walk ended, and goes on.
    pub async fn log_in(&self, person: &Person, page: &Landing, who: (&str, &str), until: &str) -> Landing {
        assert!(self.asks(page), "the login page of SimpleSAMLphp, not {page:?}\n{}", self.log());
        person.fill(page, &[("username", who.0), ("password", who.1)], until).await
    }

    /// What it logged, for the message of a test that fails.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("log/simplesamlphp.log")).unwrap_or_default()
    }
}
