//! `poolgate keys`: what an administrator types, on the data of a gateway that is stopped meanwhile.

use std::process::{Output, Stdio};

use serde_json::json;
use tokio::process::Command;

use crate::harness::{App, CALLBACK, Gateway, Person, Saml};

async fn keys(gateway: &Gateway, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_poolgate"))
        .arg("keys")
        .args(arguments)
        .env("POOLGATE_DATA_DIR", gateway.data())
        .env("POOLGATE_PUBLIC_URL", gateway.url())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What the command says when it succeeds.
pub async fn said(gateway: &Gateway, arguments: &[&str]) -> String {
    let (code, out, err) = keys(gateway, arguments).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments:?}: {out}");
    out
}

/// The one line that says why not.
async fn refused(gateway: &Gateway, arguments: &[&str], code: i32) -> String {
    let (ended, out, err) = keys(gateway, arguments).await;
    assert_eq!((ended, out.as_str()), (Some(code), ""), "{arguments:?}: {err}");
    assert!(err.starts_with("poolgate: ") && err.trim().lines().count() == 1, "{err}");
    err
}

/// (use, id, certificate in base64) of each key in a list.
fn listed(text: &str) -> Vec<(String, String, String)> {
    text.split("\n\n")
        .filter_map(|part| {
            let (key_use, id) = part.lines().next()?.split_once(' ')?;
            let (_, pem) = part.split_once("-----BEGIN CERTIFICATE-----")?;
            let base64 = pem.split_once("-----END")?.0.replace('\n', "");
            Some((key_use.to_owned(), id.to_owned(), base64))
        })
        .collect()
}

#[tokio::test]
async fn an_administrator_rolls_over_both_keys_and_nobody_is_signed_out() {
    let mut gateway = Gateway::start().await;
    let saml = Saml::start(&gateway.url()).await;
    let clients = json!([{"name": "app", "callbacks": [CALLBACK], "providers": ["Corp"]}]);
    let pool = gateway.provision(json!([saml.provider("Corp", "assertion")]), clients).await;
    let (app, person) = (App::new(&pool, "app"), Person::new());
    let tokens = app.sign_in(&person, &[("identity_provider", "Corp")]).await;

    let here = ["--pool", &pool.id];
    let why = refused(&gateway, &[&["list"], &here[..]].concat(), 1).await;
    assert!(why.contains("stop it first"), "{why}");
    gateway.stop().await;

    let before = listed(&said(&gateway, &[&["list"], &here[..]].concat()).await);
    let uses: Vec<_> = before.iter().map(|key| key.0.as_str()).collect();
    assert!(uses.len() == 2 && uses.contains(&"saml-signing") && uses.contains(&"saml-encryption"));
    for (key_use, id, _) in &before {
        let why = refused(&gateway, &[&["retire", "--key", id], &here[..]].concat(), 1).await;
        assert!(why.contains("the last of its use"), "{key_use}: {why}");
        let said = said(&gateway, &[&["roll", "--use", key_use], &here[..]].concat()).await;
        assert!(said.contains(&format!("{}/saml2/metadata", pool.url)), "{said}");
    }
    let why = refused(&gateway, &[&["roll", "--use", "saml-signing"], &here[..]].concat(), 1).await;
    assert!(why.contains("waits to be used"), "{why}");
    // The keys of tokens have no certificates, and roll over alike.
    for key_use in ["id-token", "access-token", "refresh-token"] {
        let said =
            said(&gateway, &[&["roll", "--use", key_use, "--use-after", "0"], &here[..]].concat()).await;
        assert!(said.contains("from 20"), "{said}");
    }
    let all = said(&gateway, &[&["list"], &here[..]].concat()).await;
    for key_use in ["id-token", "access-token", "refresh-token"] {
        let of_use: Vec<_> = all.split("\n\n").filter(|part| part.starts_with(key_use)).collect();
        assert_eq!(of_use.len(), 2, "{all}");
        assert!(of_use.iter().any(|part| part.contains("in use: ")), "{all}");
        let id = of_use.iter().find(|part| part.contains("in use: ")).unwrap();
        let id = id.lines().next().unwrap().split_once(' ').unwrap().1;
        let why = refused(&gateway, &[&["retire", "--end-tokens", "--key", id], &here[..]].concat(), 1).await;
        assert!(why.contains("in use at this moment"), "{why}");
    }
    let after = listed(&said(&gateway, &[&["list"], &here[..]].concat()).await);
    assert_eq!(after.len(), 4);

    gateway.restart().await;
    let metadata = app.http().get(format!("{}/saml2/metadata", pool.url)).send().await.unwrap();
    let metadata = metadata.text().await.unwrap();
    for (key_use, id, certificate) in &after {
        let old = before.iter().any(|key| key.1 == *id);
        let shown = metadata.contains(certificate.as_str());
        assert_eq!(shown, key_use == "saml-signing" || !old, "{key_use} {id}");
    }
    app.refresh(&tokens.refresh).await;
    assert_eq!(app.user_info(&tokens.access).await.status(), 200);
    app.sign_in(&Person::new(), &[("identity_provider", "Corp")]).await;

    gateway.stop().await;
    let old = before.iter().find(|key| key.0 == "saml-encryption").unwrap();
    let said_so = said(&gateway, &[&["retire", "--key", &old.1], &here[..]].concat()).await;
    assert!(said_so.contains(&old.1), "{said_so}");
    assert!(!said(&gateway, &[&["list"], &here[..]].concat()).await.contains(&old.1));
}

#[tokio::test]
async fn what_cannot_be_done_is_said_in_one_line() {
    let mut gateway = Gateway::start().await;
    let made = gateway.call("create_user_pool", json!({"PoolName": "People"})).await;
    let pool = made["UserPool"]["Id"].as_str().unwrap().to_owned();
    gateway.stop().await;
    let here = ["--pool", pool.as_str()];
    for (arguments, code, says) in [
        (&["list", "--pool", "us-east-1_Nobody00"][..], 1, "no pool us-east-1_Nobody00"),
        (&[&["retire", "--key", "-none"], &here[..]].concat(), 1, "no key -none"),
        (&[&["roll", "--use", "saml-encryption", "--use-after", "3"], &here[..]].concat(), 1, "at once"),
        (&[&["roll", "--use", "saml-signing", "--use-after", "366"], &here[..]].concat(), 1, "365 days"),
        (&[&["list", "--config", "/nowhere.toml"], &here[..]].concat(), 2, "/nowhere.toml"),
    ] {
        let why = refused(&gateway, arguments, code).await;
        assert!(why.contains(says), "{arguments:?}: {why}");
    }
    let (key, away) = (gateway.data().join("master.key"), gateway.data().join("master.key.away"));
    std::fs::rename(&key, &away).unwrap();
    let why = refused(&gateway, &[&["list"], &here[..]].concat(), 2).await;
    assert!(why.contains("POOLGATE_MASTER_KEY"), "{why}");
    assert!(!key.exists(), "no key is made that opens nothing");
    std::fs::rename(&away, &key).unwrap();
    let access = gateway.data().join("credentials.json");
    assert!(said(&gateway, &[&["list"], &here[..]].concat()).await.contains("saml-signing"));
    assert!(!access.exists(), "no credentials are made");
    std::fs::rename(gateway.data(), gateway.data().with_extension("elsewhere")).unwrap();
    let why = refused(&gateway, &[&["list"], &here[..]].concat(), 1).await;
    assert!(why.contains("there is no directory at"), "{why}");
    assert!(!gateway.data().exists(), "nothing is made where there was nothing");
}
