//! `poolgate migrate`: what an administrator types when one gateway becomes several.

use std::process::{Output, Stdio};
use std::time::Duration;

use poolgate_testing::{Database, Postgres};
use serde_json::json;
use tokio::process::Command;

use crate::harness::{App, CALLBACK, Gateway, Oidc, Person, claims};

const PATIENCE: Duration = Duration::from_secs(60);

fn migrate(gateway: &Gateway, target: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_poolgate"));
    command
        .arg("migrate")
        .args(arguments)
        .env("POOLGATE_DATA_DIR", gateway.data())
        .env("POOLGATE_PUBLIC_URL", gateway.url())
        .env("POOLGATE_MIGRATE_TO", target)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn ended(mut command: Command) -> (Option<i32>, String, String) {
    let output: Output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What it says when it succeeds.
async fn said(command: Command) -> String {
    let (code, out, err) = ended(command).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    out
}

/// The one line that says why not.
async fn refused(command: Command, code: i32) -> String {
    let (ended, out, err) = ended(command).await;
    assert_eq!(ended, Some(code), "{out}{err}");
    assert!(err.starts_with("poolgate: ") && err.trim().lines().count() == 1, "{err}");
    err
}

/// What the gateway is given to run on PostgreSQL with the key it made itself.
fn on(target: &str, gateway: &Gateway) -> Vec<(String, String)> {
    let key = std::fs::read_to_string(gateway.data().join("master.key")).unwrap();
    [("POOLGATE_DIRECTORY_URL", target), ("POOLGATE_MASTER_KEY", key.trim())]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

async fn restart_on(gateway: &mut Gateway, target: &str) {
    let settings = on(target, gateway);
    let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    gateway.restart_with(&settings).await;
}

/// A gateway with a provider, an app, and somebody who has signed in.
async fn inhabited() -> (Gateway, Oidc, App, crate::harness::Tokens) {
    let gateway = Gateway::start().await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let clients = json!([{"name": "app", "callbacks": [CALLBACK], "providers": ["Acme"]}]);
    let pool = gateway.provision(json!([oidc.provider("Acme")]), clients).await;
    let app = App::new(&pool, "app");
    let tokens = app.sign_in(&Person::new(), &[("identity_provider", "Acme"), ("login_hint", "alice")]).await;
    (gateway, oidc, app, tokens)
}

#[tokio::test]
async fn people_keep_their_tokens_and_their_names_when_the_directory_moves() {
    let (mut gateway, _oidc, app, alice) = inhabited().await;
    let bob = app.sign_in(&Person::new(), &[("identity_provider", "Acme"), ("login_hint", "bob")]).await;
    assert_eq!(app.revoke(&bob.refresh).await.0, 200);
    let database = Database::new();
    let why = refused(migrate(&gateway, database.url(), &[]), 1).await;
    assert!(why.contains("the gateway is running on this data directory: stop it first"), "{why}");
    gateway.stop().await;

    let out = said(migrate(&gateway, database.url(), &[])).await;
    for line in ["users: 2 rows, the same, SHA-256 ", "done: every row was read back", "master.key"] {
        assert!(out.contains(line), "{line}: {out}");
    }
    let key = std::fs::read_to_string(gateway.data().join("master.key")).unwrap();
    assert!(!out.contains(key.trim()), "no secret is shown");
    let why = refused(migrate(&gateway, database.url(), &[]), 1).await;
    assert!(why.contains("holds a directory already"), "{why}");
    assert!(
        said(migrate(&gateway, database.url(), &["--check"]))
            .await
            .contains("done: PostgreSQL holds the same")
    );

    restart_on(&mut gateway, database.url()).await;
    let (status, answer) = app.try_refresh(&alice.refresh).await;
    assert_eq!(status, 200, "{answer}");
    let (status, answer) = app.try_refresh(&bob.refresh).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")), "revoked before the move");
    let again = app.sign_in(&Person::new(), &[("identity_provider", "Acme"), ("login_hint", "alice")]).await;
    assert_eq!(claims(&again.id)["sub"], claims(&alice.id)["sub"], "the same person");
    let carol = app.sign_in(&Person::new(), &[("identity_provider", "Acme"), ("login_hint", "carol")]).await;
    assert_eq!(app.user_info(&carol.access).await.status(), 200);
    gateway.stop().await;
    let why = refused(migrate(&gateway, database.url(), &["--check"]), 1).await;
    assert!(why.contains("not the same: users: "), "{why}");

    // The way back: the file is where it was.
    gateway.restart_with(&[]).await;
    assert_eq!(app.try_refresh(&alice.refresh).await.0, 200);
    gateway.stop().await;
}

/// A copy that stands still in its middle, for as long as the server lives.
async fn stuck(gateway: &Gateway, postgres: &Postgres) -> tokio::process::Child {
    let child = migrate(gateway, &postgres.url(), &[]).spawn().unwrap();
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    tokio::time::timeout(PATIENCE, async {
        while postgres.sql(waits) != "1" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("the copy gets to the trap");
    child
}

#[tokio::test]
async fn killed_in_the_middle_it_leaves_nothing_that_a_gateway_would_use_and_begins_anew() {
    let (mut gateway, _oidc, app, alice) = inhabited().await;
    gateway.stop().await;
    let mut postgres = Postgres::start();
    // The tables of a finished copy, emptied, and a trap in the middle: whoever copies a membership waits for an hour.
    said(migrate(&gateway, &postgres.url(), &[])).await;
    postgres.sql(
        "TRUNCATE configuration, unique_names, generations, users, identities, memberships, revoked_families, \
         endings, waiting_links, provider_sessions, used_once, rotations; \
         CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN PERFORM pg_sleep(3600); RETURN NEW; END'; \
         CREATE TRIGGER trap BEFORE INSERT ON memberships FOR EACH ROW EXECUTE FUNCTION wait()",
    );
    for crash_of_the_server in [false, true] {
        let mut child = stuck(&gateway, &postgres).await;
        if crash_of_the_server {
            postgres.crash();
            let (code, err) =
                (child.wait().await.unwrap().code(), child.wait_with_output().await.unwrap().stderr);
            assert_eq!(code, Some(1), "{}", String::from_utf8_lossy(&err));
            postgres.restart();
        } else {
            child.kill().await.unwrap();
            // A server notices that its client is gone when it next looks.
            postgres
                .sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
        }
        assert_eq!(postgres.sql("SELECT count(*) FROM users"), "0");
        assert_eq!(postgres.sql("SELECT importing FROM poolgate_directory"), "t");
    }
    let why = refused(migrate(&gateway, &postgres.url(), &["--check"]), 1).await;
    assert!(why.contains("unfinished migration: run `poolgate migrate` again"), "{why}");
    let serve = Command::new(env!("CARGO_BIN_EXE_poolgate"))
        .arg("serve")
        .envs(on(&postgres.url(), &gateway))
        .envs([("POOLGATE_LISTEN", "127.0.0.1:0"), ("POOLGATE_METRICS_LISTEN", "127.0.0.1:0")])
        .envs([
            ("POOLGATE_ACCESS_KEY_ID", "AKIDOUTSIDE"),
            ("POOLGATE_SECRET_ACCESS_KEY", "outside-secret-key"),
        ])
        .env("POOLGATE_PUBLIC_URL", gateway.url())
        .env("POOLGATE_DATA_DIR", gateway.data())
        .kill_on_drop(true)
        .output();
    let serve = tokio::time::timeout(PATIENCE, serve).await.expect("it ends").unwrap();
    let why = String::from_utf8_lossy(&serve.stderr).into_owned();
    assert_eq!(serve.status.code(), Some(1), "{why}");
    assert!(why.contains("migrat"), "{why}");

    postgres.sql("DROP TRIGGER trap ON memberships; DROP FUNCTION wait()");
    said(migrate(&gateway, &postgres.url(), &[])).await;
    restart_on(&mut gateway, &postgres.url()).await;
    assert_eq!(app.try_refresh(&alice.refresh).await.0, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_said_in_one_line_without_the_password() {
    let (mut gateway, _oidc, _app, _alice) = inhabited().await;
    gateway.stop().await;
    let database = Database::new();
    for (target, found) in [
        ("mysql://root:hunter2@localhost/x", "postgres://"),
        ("postgres://poolgate:hunter2@127.0.0.1:1/none", "127.0.0.1:1/none"),
        ("postgres://poolgate:hunter2@127.0.0.1/none?shcema=x", "shcema"),
    ] {
        let (_, out, err) = ended(migrate(&gateway, target, &[])).await;
        assert!(err.contains(found) && err.trim().lines().count() == 1, "{target}: {err}");
        assert!(!out.contains("hunter2") && !err.contains("hunter2"), "{out}{err}");
    }
    let mut wrong = migrate(&gateway, database.url(), &[]);
    wrong.env("POOLGATE_MASTER_KEY", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
    let why = refused(wrong, 1).await;
    assert!(why.contains("do not open with this master key"), "{why}");
    let mut already = migrate(&gateway, database.url(), &[]);
    already.envs(on(database.url(), &gateway));
    already.envs([
        ("POOLGATE_ACCESS_KEY_ID", "AKIDOUTSIDE"),
        ("POOLGATE_SECRET_ACCESS_KEY", "outside-secret-key"),
    ]);
    let why = refused(already, 1).await;
    assert!(why.contains("POOLGATE_DIRECTORY_URL names PostgreSQL already"), "{why}");
    let mut nowhere = migrate(&gateway, database.url(), &[]);
    nowhere.env("POOLGATE_DATA_DIR", gateway.data().join("none"));
    let why = refused(nowhere, 1).await;
    assert!(why.contains("there is no directory at"), "{why}");
    assert_eq!(
        database.sql("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"),
        "0"
    );
}
