use super::*;

fn load(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let find = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Settings::from_source(&Source::load(None, find)?)
}

#[test]
fn without_any_setting_the_defaults_of_the_interface_hold() {
    let settings = load(&[]).unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:9229");
    assert_eq!(settings.public_url.as_str(), "http://localhost:9229/");
    assert_eq!(settings.metrics_listen.to_string(), "127.0.0.1:9230");
    assert_eq!((settings.region.as_str(), settings.account_id.as_str()), ("us-east-1", "000000000000"));
    assert!(!settings.dev && settings.warnings.is_empty());
    assert_eq!((settings.audit_log, settings.rate_limits), (audit::Place::Off, Rates::guide()));
}

#[test]
fn every_bad_setting_is_named_with_what_was_given_and_what_is_allowed() {
    for (name, value) in [
        ("POOLGATE_LISTEN", "localhost"),
        ("POOLGATE_PUBLIC_URL", "https://a.example/path"),
        ("POOLGATE_PUBLIC_URL", "ftp://a.example"),
        ("POOLGATE_REGION", "US East"),
        ("POOLGATE_ACCOUNT_ID", "12"),
        ("POOLGATE_DIRECTORY_URL", "mysql://db/pool"),
        ("POOLGATE_DIRECTORY_URL", "sqlite:"),
        ("POOLGATE_DIRECTORY_URL", "postgres://db/pool?max_connections=0"),
        ("POOLGATE_SESSION_URL", "memcached://localhost"),
        ("POOLGATE_SESSION_URL", "redis://localhost/zero"),
        ("POOLGATE_SESSION_URL", "redis://localhost?retries=3"),
        ("POOLGATE_SAML_ENGINES", "xmlsec"),
        ("POOLGATE_MASTER_KEY", "c2hvcnQ="),
        ("POOLGATE_TRUSTED_PROXIES", "10.0.0.0/99"),
        ("POOLGATE_IDP_NETWORKS", "intranet"),
        ("POOLGATE_METRICS_LISTEN", "9230"),
        ("POOLGATE_RATE_LIMITS", "slow"),
        ("POOLGATE_RATE_LIMITS", "create=0"),
        ("POOLGATE_LAMBDA_ENDPOINT", "not a url"),
        ("POOLGATE_DEV", "yes"),
    ] {
        let error = load(&[(name, value)]).unwrap_err();
        assert_eq!(error.setting, name);
        assert!(!error.allowed.is_empty());
        assert!(!error.to_string().contains('\n'));
    }
}

#[test]
fn a_bad_secret_is_never_shown() {
    let error = load(&[("POOLGATE_MASTER_KEY", "hunter2hunter2")]).unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
    for url in ["postgres://user:hunter2@db/pool?schema=A", "redis://:hunter2@db"] {
        let error = load(&[("POOLGATE_DIRECTORY_URL", url)]).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
    let settings = load(&with_postgres("postgres://user:hunter2@db/pool")).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"), "{settings:?}");
    for url in [
        "redis://user:hunter2@db/pool/pool",
        "redis://user:hunter2",
        "redis://user:hunter2@",
        "redis://user:/hunter2@db",
        "redis://user:?hunter2@db",
        "redis://user:#hunter2@db",
        "redis://hunter2@db",
        "redis+sentinel://user:hunter2@db",
        "redis+sentinel://db/master?sentinel_password=hunter2&wait_replicas=all",
    ] {
        let error = load(&[("POOLGATE_SESSION_URL", url)]).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_redis_that_is_reached_over_a_network_without_tls_or_password_is_warned_of() {
    for (url, warnings) in [
        ("redis://localhost", 0),
        ("redis://127.0.0.1:7000/3", 0),
        ("redis://[::1]", 0),
        ("redis://db", 2),
        ("redis://:secret@db", 1),
        ("rediss://db", 1),
        ("rediss+sentinel://:secret@one,two/main", 0),
        ("redis+cluster://:secret@127.0.0.1,two", 1),
    ] {
        let settings = load(&[("POOLGATE_SESSION_URL", url)]).unwrap();
        assert_eq!(settings.warnings.len(), warnings, "{url}: {:?}", settings.warnings);
        assert!(!format!("{settings:?}").contains("secret"), "{url}");
    }
}

#[test]
fn half_of_a_pair_is_refused() {
    assert_eq!(load(&[("POOLGATE_TLS_CERT", "a.pem")]).unwrap_err().setting, "POOLGATE_TLS_KEY");
    assert_eq!(
        load(&[("POOLGATE_ACCESS_KEY_ID", "AKID")]).unwrap_err().setting,
        "POOLGATE_SECRET_ACCESS_KEY"
    );
}

#[test]
fn the_environment_wins_over_the_file_and_an_unknown_key_in_the_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("poolgate.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:1\"\nregion = \"eu-west-1\"\ndev = true\n").unwrap();
    let find = |name: &str| (name == "POOLGATE_REGION").then(|| "eu-central-1".to_owned());
    let settings = Settings::from_source(&Source::load(Some(&file), find).unwrap()).unwrap();
    assert_eq!((settings.listen.port(), settings.region.as_str(), settings.dev), (1, "eu-central-1", true));
    std::fs::write(&file, "lissten = \"127.0.0.1:1\"\n").unwrap();
    assert!(Source::load(Some(&file), |_| None).err().unwrap().given.contains("lissten"));
}

#[test]
fn generated_secrets_are_kept_and_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let settings = load(&[("POOLGATE_DATA_DIR", data.to_str().unwrap())]).unwrap();
    let first = Secrets::obtain(&settings, &poolgate_providers::SystemRandom).unwrap();
    let second = Secrets::obtain(&settings, &poolgate_providers::SystemRandom).unwrap();
    assert_eq!(first.master_key, second.master_key);
    assert_eq!(first.credentials.access_key_id, second.credentials.access_key_id);
    for name in ["master.key", "credentials.json"] {
        let mode = std::fs::metadata(data.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_file_that_does_not_parse_is_told_in_one_line_and_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("poolgate.toml");
    for text in
        ["secret_access_key = \"hush-hush\nlisten = 1", "secret_access_key = hush-hush", "= hush-hush"]
    {
        std::fs::write(&path, text).unwrap();
        let Err(error) = Source::load(Some(&path), |_| None) else { panic!("{text} was accepted") };
        let shown = error.to_string();
        assert!(shown.starts_with("--config: ") && shown.contains("line 1"), "{shown}");
        assert!(!shown.contains('\n') && !shown.contains("hush"), "{shown}");
    }
}

#[test]
fn both_signature_engines_need_a_build_that_has_both() {
    let loaded = load(&[("POOLGATE_SAML_ENGINES", "both")]).map(|settings| settings.saml_engines);
    match (loaded, Engines::both()) {
        (Ok(loaded), Some(both)) => assert_eq!(loaded, both),
        (Err(error), None) => {
            assert_eq!(error.setting, "POOLGATE_SAML_ENGINES");
            assert!(error.to_string().contains("the cargo feature samael"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(load(&[]).unwrap().saml_engines, Engines::Rust);
}

fn with_postgres(url: &str) -> Vec<(&str, &str)> {
    vec![
        ("POOLGATE_DIRECTORY_URL", url),
        ("POOLGATE_MASTER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        ("POOLGATE_ACCESS_KEY_ID", "AKID"),
        ("POOLGATE_SECRET_ACCESS_KEY", "long enough"),
    ]
}

#[test]
fn a_shared_directory_needs_the_secrets_that_gateways_share() {
    let whole = with_postgres("postgres://user:hunter2@db/pool?sslmode=verify-full");
    let settings = load(&whole).unwrap();
    assert!(matches!(settings.directory, DirectoryPlace::Postgres(_)));
    for (missing, how) in
        [("POOLGATE_MASTER_KEY", "openssl rand"), ("POOLGATE_ACCESS_KEY_ID", "openssl rand")]
    {
        let without: Vec<_> = whole
            .iter()
            .copied()
            .filter(|(key, _)| {
                *key != missing
                    && (missing != "POOLGATE_ACCESS_KEY_ID" || *key != "POOLGATE_SECRET_ACCESS_KEY")
            })
            .collect();
        let error = load(&without).unwrap_err();
        assert_eq!(error.setting, missing);
        assert!(error.allowed.contains(how), "{error}");
    }
    // An embedded directory makes its own.
    load(&[("POOLGATE_DIRECTORY_URL", "sqlite:/tmp/x.sqlite")]).unwrap();
}

#[test]
fn what_a_shared_directory_leaves_open_is_said_at_start() {
    let said = |url: &str| load(&with_postgres(url)).unwrap().warnings.join("\n");
    assert!(said("postgres://db/pool").contains("may travel in the open"));
    assert!(!said("postgres://127.0.0.1/pool").contains("may travel in the open"));
    assert!(said("postgres://127.0.0.1/pool").contains("only one gateway"));
}

#[test]
fn audit_events_go_nowhere_to_standard_output_or_to_a_file() {
    for (given, place) in [
        ("off", audit::Place::Off),
        ("stdout", audit::Place::Stdout),
        ("/var/log/poolgate/audit.jsonl", audit::Place::File("/var/log/poolgate/audit.jsonl".into())),
    ] {
        assert_eq!(load(&[("POOLGATE_AUDIT_LOG", given)]).unwrap().audit_log, place);
    }
}

#[test]
fn the_demo_limits_nobody() {
    let demo = Settings::for_demo("http://localhost:9229", std::path::Path::new("/tmp")).unwrap();
    assert!(demo.rate_limits.is_off());
}
