//! TLS and a password.

use super::*;

/// A server that listens with TLS too, and where its certificate is.
fn with_tls() -> (Redis, tempfile::TempDir, u16) {
    // Installed already where another test of the process was here.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, certified.cert.pem()).unwrap();
    std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    let port = poolgate_testing::free_port();
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let redis = Redis::start_with(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        certificate,
        "--tls-key-file",
        key,
        "--tls-ca-cert-file",
        certificate,
        "--tls-auth-clients",
        "no",
    ]);
    redis.command(&["ACL", "SETUSER", "gate", "on", ">secret", "~*", "&*", "+@all"]);
    redis.command(&["ACL", "SETUSER", "default", "off"]);
    (redis, folder, port)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_holds_over_tls_with_a_user() {
    let (_redis, folder, port) = with_tls();
    let number = std::sync::atomic::AtomicUsize::new(0);
    let file = folder.path().join("cert.pem").display().to_string();
    let make = || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        At::new(format!("rediss://gate:secret@127.0.0.1:{port}?ca_file={file}&prefix=rule{number}"))
    };
    let failed = |rule: &str, error: tokio::task::JoinError| panic!("{rule}: {error}");
    crate::sessions::conformance::session_conformance!(in_one_test make, failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_another_authority_vouches_for_is_not_spoken_to() {
    let (redis, folder, port) = with_tls();
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let file = folder.path().join("other.pem");
    std::fs::write(&file, other.cert.pem()).unwrap();
    for (host, file) in [("127.0.0.1", file), ("localhost", folder.path().join("cert.pem"))] {
        let parameters = format!("?timeout_ms=200&ca_file={}", file.display());
        let store = At::new(format!("rediss://gate:secret@{host}:{port}{parameters}")).store().await;
        assert_away(store.put(&code("a"), Vec::new(), OffsetDateTime::UNIX_EPOCH).await);
    }
    // Nobody logged in, and so nothing was asked.
    let at = At::new(format!("redis://gate:secret@127.0.0.1:{}", redis.port()));
    assert_eq!(at.store().await.get(&code("a")).await.unwrap(), None);
}

#[tokio::test]
async fn a_ca_file_that_is_not_there_is_refused() {
    let at = At::new("rediss://127.0.0.1?ca_file=/nowhere/ca.pem");
    match at.try_open(7).await.err() {
        Some(SessionError::Unusable(why)) => assert!(why.contains("/nowhere/ca.pem"), "{why}"),
        other => panic!("{other:?}"),
    }
}
