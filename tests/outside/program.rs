//! The program itself: its settings and what it says when one cannot be used.

use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::harness::{Gateway, free_port};

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

async fn run(arguments: &[&str], settings: &[(&str, &str)]) -> Said {
    let home = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_poolgate"));
    command
        .args(arguments)
        .current_dir(home.path())
        .env("POOLGATE_LISTEN", "127.0.0.1:0")
        .env("POOLGATE_METRICS_LISTEN", "127.0.0.1:0")
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(30), command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{settings:?} was accepted")).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[tokio::test]
async fn it_tells_its_version() {
    let said = run(&["--version"], &[]).await;
    assert_eq!((said.code, said.out.trim()), (Some(0), concat!("poolgate ", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn a_setting_that_cannot_be_used_stops_the_start_in_one_line_that_names_it() {
    // (setting, value, a word of what is allowed)
    for (setting, value, allowed) in [
        ("POOLGATE_LISTEN", "localhost", "port"),
        ("POOLGATE_PUBLIC_URL", "login.example.com", "https://"),
        ("POOLGATE_PUBLIC_URL", "https://login.example.com/path", "https://"),
        ("POOLGATE_REGION", "US East", "us-east-1"),
        ("POOLGATE_ACCOUNT_ID", "12", "12 digits"),
        ("POOLGATE_DIRECTORY_URL", "mysql://localhost/poolgate", "sqlite:"),
        ("POOLGATE_SESSION_URL", "memcached://localhost", "embedded:"),
        ("POOLGATE_SAML_ENGINES", "xmlsec", "rust or both"),
        ("POOLGATE_MASTER_KEY", "c2hvcnQ=", "32 bytes"),
        ("POOLGATE_ACCESS_KEY_ID", "AKIDALONE", "both"),
        ("POOLGATE_TLS_CERT", "/nowhere/cert.pem", "both"),
        ("POOLGATE_TRUSTED_PROXIES", "10.0.0.0/99", "10.0.0.0/8"),
        ("POOLGATE_IDP_NETWORKS", "intranet", "10.0.0.0/8"),
        ("POOLGATE_IDP_CA_FILE", "/nowhere/ca.pem", "PEM"),
        ("POOLGATE_METRICS_LISTEN", "9230", "port"),
        ("POOLGATE_DEV", "yes", "true or false"),
    ] {
        let said = run(&["serve"], &[(setting, value)]).await;
        let what = format!("{setting}={value}: {}", said.err);
        assert_eq!(said.code, Some(2), "{what}");
        // The log may have begun; what is wrong is one line, and the last.
        let line = said.err.trim().lines().last().unwrap_or_default();
        assert!(line.starts_with("poolgate: POOLGATE_") && line.contains(allowed), "{what}");
        assert_eq!(said.err.lines().filter(|line| line.starts_with("poolgate:")).count(), 1, "{what}");
        assert!(said.out.is_empty(), "{what}");
    }
}

#[cfg(not(feature = "samael"))]
#[tokio::test]
async fn both_signature_engines_need_a_build_that_has_both() {
    let said = run(&["serve"], &[("POOLGATE_SAML_ENGINES", "both")]).await;
    assert_eq!(said.code, Some(2));
    let named = said.err.contains("POOLGATE_SAML_ENGINES") && said.err.contains("cargo feature samael");
    assert!(named, "{}", said.err);
}

#[tokio::test]
async fn a_secret_setting_is_not_repeated() {
    for setting in ["POOLGATE_MASTER_KEY", "POOLGATE_SECRET_ACCESS_KEY"] {
        let said = run(&["serve"], &[(setting, "hush")]).await;
        assert_eq!(said.code, Some(2), "{setting}");
        assert!(!said.err.contains("hush"), "{}", said.err);
    }
}

#[tokio::test]
async fn the_file_is_read_and_an_unknown_key_in_it_is_refused() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("poolgate.toml");
    for (text, names) in [("region = \"US East\"", "region"), ("regoin = \"us-east-1\"", "regoin")] {
        std::fs::write(&file, text).unwrap();
        let said = run(&["serve", "--config", file.to_str().unwrap()], &[]).await;
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(said.err.contains(names), "{}", said.err);
    }
}

#[tokio::test]
async fn a_data_directory_that_cannot_be_used_is_named() {
    let said = run(&["serve"], &[("POOLGATE_DATA_DIR", "/proc/nowhere")]).await;
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("POOLGATE_DATA_DIR"), "{}", said.err);
}

#[tokio::test]
async fn it_stops_in_order_and_starts_again_on_the_same_data() {
    let mut gateway = Gateway::start().await;
    let made = gateway.call("create_user_pool", serde_json::json!({"PoolName": "People"})).await;
    assert_eq!(gateway.stop().await, Some(0));
    gateway.restart().await;
    let listed = gateway.call("list_user_pools", serde_json::json!({"MaxResults": 10})).await;
    assert_eq!(listed["UserPools"][0]["Id"], made["UserPool"]["Id"]);
}

#[tokio::test]
async fn a_provider_is_checked_from_a_file_and_from_the_data_of_a_gateway_that_is_stopped() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("provider.json");
    let provider = serde_json::json!({"ProviderName": "Corp", "ProviderType": "SAML",
                                      "ProviderDetails": {"MetadataFile": "<html/>"}});
    std::fs::write(&file, provider.to_string()).unwrap();
    let said = run(&["check-provider", "--file", file.to_str().unwrap()], &[]).await;
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.out.contains("FAIL  Error retrieving metadata from MetadataFile"), "{}", said.out);
    assert_eq!(run(&["check-provider"], &[]).await.code, Some(2));

    let mut gateway = Gateway::start().await;
    let details = serde_json::json!({
        "client_id": "a", "client_secret": "hush", "authorize_scopes": "openid",
        "attributes_request_method": "GET", "oidc_issuer": "http://127.0.0.1:9",
    });
    let provider = serde_json::json!({"name": "Acme", "type": "OIDC", "mapping": {"email": "email"}, "details": details});
    let clients = serde_json::json!([{"name": "Shop", "callbacks": ["https://shop.example/cb"], "providers": ["Acme"]}]);
    let pool = gateway.provision(serde_json::json!([provider]), clients).await;
    let data = gateway.data().display().to_string();
    let settings = [("POOLGATE_DATA_DIR", data.as_str()), ("POOLGATE_DEV", "true")];
    let arguments = ["check-provider", "--pool", pool.id.as_str(), "--provider", "Acme"];
    let said = run(&arguments, &settings).await;
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(said.err.contains("the gateway is running") && said.err.contains("--file"), "{}", said.err);
    gateway.stop().await;
    let said = run(&arguments, &settings).await;
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(
        said.out.contains("Acme (OIDC)") && said.out.contains("FAIL  [provider_unreachable]"),
        "{}",
        said.out
    );
    assert!(!said.out.contains("hush"), "{}", said.out);
}

/// A certificate for `localhost`, and where it and its key were written.
fn certificate(home: &std::path::Path) -> (rcgen::Certificate, String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let made =
        rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let (certificate, private) = (home.join("tls.pem"), home.join("tls.key"));
    std::fs::write(&certificate, made.pem()).unwrap();
    std::fs::write(&private, key.serialize_pem()).unwrap();
    (made, certificate.display().to_string(), private.display().to_string())
}

#[tokio::test]
async fn with_a_certificate_it_speaks_tls_and_its_cookies_are_for_tls_only() {
    let mut gateway = Gateway::start().await;
    let explicit = serde_json::json!({
        "name": "Acme", "type": "OIDC", "mapping": {},
        "details": {
            "client_id": "a", "client_secret": "b", "authorize_scopes": "openid",
            "attributes_request_method": "GET", "oidc_issuer": "http://127.0.0.1:9",
            "authorize_url": "http://127.0.0.1:9/a", "token_url": "http://127.0.0.1:9/t",
            "attributes_url": "http://127.0.0.1:9/u", "jwks_uri": "http://127.0.0.1:9/j",
        },
    });
    let clients = serde_json::json!([{"name": "Shop", "callbacks": ["https://shop.example/cb"], "providers": ["Acme"]}]);
    let pool = gateway.provision(serde_json::json!([explicit]), clients).await;
    gateway.stop().await;
    let home = TempDir::new().unwrap();
    let (made, certificate, key) = certificate(home.path());
    let public_url = format!("https://localhost:{}", gateway.port());
    gateway
        .restart_with(&[
            ("POOLGATE_TLS_CERT", &certificate),
            ("POOLGATE_TLS_KEY", &key),
            ("POOLGATE_PUBLIC_URL", &public_url),
        ])
        .await;
    let http = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_der(made.der()).unwrap()])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let authorize = format!(
        "{public_url}/oauth2/authorize?client_id={}&response_type=code&redirect_uri=https://shop.example/cb&identity_provider=Acme",
        pool.clients["Shop"]["id"].as_str().unwrap()
    );
    let answer = http.get(authorize).send().await.unwrap();
    assert_eq!(answer.status(), 302);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    for expected in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(expected), "{expected} in {cookie}");
    }
    assert!(answer.headers().get("strict-transport-security").is_none(), "never on localhost");
    let discovery = format!("{public_url}/{}/.well-known/openid-configuration", pool.id);
    let document: serde_json::Value = http.get(discovery).send().await.unwrap().json().await.unwrap();
    assert_eq!(document["issuer"], format!("{public_url}/{}", pool.id));
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_stops_the_start() {
    let home = TempDir::new().unwrap();
    let (_, certificate, _) = certificate(home.path());
    let (_, _, other_key) = {
        let other = home.path().join("other");
        std::fs::create_dir(&other).unwrap();
        self::certificate(&other)
    };
    for (key, setting) in
        [("/nowhere/key.pem", "POOLGATE_TLS_KEY"), (other_key.as_str(), "POOLGATE_TLS_CERT")]
    {
        let said = run(&["serve"], &[("POOLGATE_TLS_CERT", &certificate), ("POOLGATE_TLS_KEY", key)]).await;
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(said.err.contains(setting), "{}", said.err);
    }
}

#[tokio::test]
async fn a_health_check_tells_by_its_exit_code_how_the_gateway_is() {
    let mut gateway = Gateway::start().await;
    let address = gateway.metrics_url().replace("http://", "");
    let ask = async |more: &[&str]| {
        let arguments: Vec<_> = ["healthcheck"].iter().chain(more).copied().collect();
        run(&arguments, &[("POOLGATE_METRICS_LISTEN", &address)]).await
    };
    for (more, word) in [(&[][..], "ok"), (&["--ready"], "ready")] {
        let said = ask(more).await;
        assert_eq!((said.code, said.out.trim()), (Some(0), word), "{}", said.err);
    }
    gateway.stop().await;
    let said = ask(&[]).await;
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains(&format!("http://{address}/healthz does not answer")), "{}", said.err);
    let wrong = run(&["healthcheck"], &[("POOLGATE_METRICS_LISTEN", "9230")]).await;
    assert_eq!(wrong.code, Some(2), "{}", wrong.err);
}

#[tokio::test]
async fn a_health_check_believes_nothing_but_200_and_waits_for_nobody() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    for (answer, says) in [
        (Some("HTTP/1.1 503 Service Unavailable\r\n\r\n"), "answers 503"),
        (Some("HTTP/1.1 2000 \u{1b}[31m\r\n\r\n"), "answers 2000 [31m"),
        (Some("SSH-2.0-OpenSSH_9.2\r\n"), "is not HTTP"),
        (None, "nothing came within 1 s"),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await;
            match answer {
                Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                // Open until the other side has had enough.
                None => drop(stream.read(&mut [0; 1024]).await),
            }
        });
        let said = run(&["healthcheck", "--timeout", "1"], &[("POOLGATE_METRICS_LISTEN", &address)]).await;
        assert_eq!(said.code, Some(1), "{says}: {}", said.out);
        assert!(said.err.contains(says), "{}", said.err);
        server.await.unwrap();
    }
}

#[tokio::test]
async fn a_start_that_waits_for_its_directory_ends_when_it_is_told_to() {
    let home = TempDir::new().unwrap();
    let mut gateway = Command::new(env!("CARGO_BIN_EXE_poolgate"))
        .arg("serve")
        .env("POOLGATE_LISTEN", "127.0.0.1:0")
        .env("POOLGATE_METRICS_LISTEN", "127.0.0.1:0")
        .env("POOLGATE_DATA_DIR", home.path())
        .env("POOLGATE_DIRECTORY_URL", format!("postgres://me@127.0.0.1:{}/pool", free_port()))
        .env("POOLGATE_MASTER_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        .env("POOLGATE_ACCESS_KEY_ID", "AKIDSTART")
        .env("POOLGATE_SECRET_ACCESS_KEY", "secretsecret")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(gateway.stderr.take().unwrap()).lines();
    while !lines.next_line().await.unwrap().expect("it waits").contains("waiting for PostgreSQL") {}
    let id = gateway.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    let ended = tokio::time::timeout(Duration::from_secs(15), gateway.wait()).await;
    assert_eq!(ended.expect("it does not wait on").unwrap().code(), Some(0));
}
