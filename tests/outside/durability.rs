//! SIGKILL in the middle of the work: what a person or an app was told is still true afterwards.

use std::sync::Arc;
use std::time::Duration;

use poolgate_testing::{Postgres, Redis};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::harness::{App, CALLBACK, Gateway, Oidc, Person, Replicas, Saml, Tokens, claims};
use crate::load::{Load, Soul, Way};

const SIGN_INS: usize = 500;
/// Of these, through SAML: signing with xmlsec1 is slow.
const SAML_SIGN_INS: usize = 50;
const KILL_AFTER: usize = 150;
const REVOKED: usize = 20;

/// How a sign-in ended.
enum Outcome {
    Issued {
        code: String,
        tokens: Tokens,
    },
    /// The connection was lost.
    Cut,
    /// The gateway refused: nothing here gives it a reason.
    Refused(String),
}

async fn sign_in(app: &App, person: &Person, more: &[(&str, &str)]) -> Outcome {
    let Ok(landing) = person.try_open(&app.authorize_url(more), CALLBACK).await else { return Outcome::Cut };
    let Some(code) = landing.query("code") else { return Outcome::Refused(format!("{landing:?}")) };
    let Ok(response) = app.post("/oauth2/token", &App::code_form(&code)).await else { return Outcome::Cut };
    let status = response.status();
    match response.json::<Value>().await {
        Ok(answer) if status == 200 => Outcome::Issued { code, tokens: answer.into() },
        Ok(answer) => Outcome::Refused(answer.to_string()),
        Err(_) => Outcome::Cut,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_of_500_sign_ins_it_loses_no_user_and_no_revocation() {
    let mut gateway = Gateway::start().await;
    let oidc = Oidc::start(&gateway.url(), "client_secret_post").await;
    let saml = Saml::start(&gateway.url()).await;
    let providers = json!([oidc.provider("Acme"), saml.provider("Corp", "assertion")]);
    let clients = json!([{"name": "app", "callbacks": [CALLBACK], "providers": ["Acme", "Corp"]}]);
    let pool = gateway.provision(providers, clients).await;
    let app = App::new(&pool, "app");

    let (told, mut hear) = mpsc::unbounded_channel();
    let mut people = JoinSet::new();
    let first = Person::new();
    for number in 0..SIGN_INS {
        let (app, person, told, base) = (app.clone(), first.another(), told.clone(), saml.base().to_owned());
        people.spawn(async move {
            let name = format!("person{number}");
            let outcome = if number % (SIGN_INS / SAML_SIGN_INS) == 0 {
                let _ = person.try_open(&format!("{base}/as/{name}"), CALLBACK).await;
                sign_in(&app, &person, &[("identity_provider", "Corp")]).await
            } else {
                sign_in(&app, &person, &[("identity_provider", "Acme"), ("login_hint", &name)]).await
            };
            let _ = told.send(outcome);
        });
    }
    drop(told);

    let mut issued = Vec::new();
    let mut refused = Vec::new();
    let mut cut = 0;
    let mut killed = false;
    while let Some(outcome) = hear.recv().await {
        match outcome {
            Outcome::Issued { code, tokens } => {
                if issued.len() < REVOKED {
                    assert_eq!(app.revoke(&tokens.refresh).await.0, 200);
                }
                issued.push((code, tokens));
            }
            Outcome::Cut => cut += 1,
            Outcome::Refused(why) => refused.push(why),
        }
        if issued.len() == KILL_AFTER && !killed {
            gateway.kill().await;
            killed = true;
        }
    }
    people.join_all().await;
    println!("{} issued, {cut} cut off, {} refused", issued.len(), refused.len());
    assert!(killed, "too few sign-ins succeeded: {:?}", refused.first());
    assert!(cut > 0, "the kill came too late");
    assert!(refused.is_empty(), "{:?}", refused.first());

    gateway.restart().await;

    let username = |tokens: &Tokens| claims(&tokens.id)["cognito:username"].clone();
    let calls: Vec<_> = issued
        .iter()
        .map(|(_, tokens)| ("admin_get_user", json!({"UserPoolId": pool.id, "Username": username(tokens)})))
        .collect();
    for ((_, tokens), user) in issued.iter().zip(gateway.calls(&calls).await) {
        let sub = json!({"Name": "sub", "Value": claims(&tokens.id)["sub"]});
        let attributes = user["UserAttributes"].as_array().unwrap_or_else(|| panic!("{user}"));
        assert!(attributes.contains(&sub), "{sub} in {user}");
    }
    for (number, (code, tokens)) in issued.iter().enumerate() {
        if number < REVOKED {
            let (status, answer) = app.try_refresh(&tokens.refresh).await;
            assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")), "revoked before the kill");
            assert_eq!(app.user_info(&tokens.access).await.status(), 401);
        } else {
            let fresh = app.refresh(&tokens.refresh).await;
            assert_eq!(claims(fresh["id_token"].as_str().unwrap())["sub"], claims(&tokens.id)["sub"]);
        }
        if number % 25 == 0 {
            let (status, answer) = app.token(&App::code_form(code)).await;
            assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")), "a used code stays used");
        }
    }
    // The door is open again, and the person is who they were.
    let (_, known) = &issued[REVOKED];
    let name = username(known);
    let (provider, subject) = name.as_str().unwrap().split_once('_').unwrap();
    let person = Person::new();
    let subject = subject.trim_start_matches("persistent-");
    person.open(&format!("{}/as/{subject}", saml.base()), CALLBACK).await;
    let again = app.sign_in(&person, &[("identity_provider", provider), ("login_hint", subject)]).await;
    assert_eq!(claims(&again.id)["sub"], claims(&known.id)["sub"]);
}

#[tokio::test]
async fn an_assertion_stays_used_after_a_kill() {
    let mut gateway = Gateway::start().await;
    let saml = Saml::start(&gateway.url()).await;
    let clients = json!([{"name": "app", "callbacks": [CALLBACK], "providers": ["Corp"]}]);
    let pool = gateway.provision(json!([saml.provider("Corp", "both")]), clients).await;
    let (app, person) = (App::new(&pool, "app"), Person::new());
    let landing = app.send(&person, &[("identity_provider", "Corp")]).await;
    let tokens = app.redeem(&app.code(&landing)).await;
    gateway.kill().await;
    gateway.restart().await;
    let acs = format!("{}/saml2/idpresponse", gateway.url()).parse().unwrap();
    let again = person.post_from(&saml.base().parse().unwrap(), &acs, &landing.posted, CALLBACK).await;
    assert_eq!((again.status, again.query("code")), (400, None), "{again:?}");
    app.refresh(&tokens.refresh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_of_300_sign_ins_on_redis_and_postgresql_it_loses_nobody() {
    const PEOPLE: usize = 300;
    let redis = tokio::task::spawn_blocking(Redis::start).await.unwrap();
    let postgres = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
    let mut replicas = Replicas::start(1, &postgres.url(), &redis.url()).await;
    let load = Load::provision(&replicas.url()).await;
    let mut people = JoinSet::new();
    for number in 0..PEOPLE {
        let load = Arc::clone(&load);
        people.spawn(async move {
            let provider = if number % 2 == 0 { "Saml" } else { "Oidc" };
            load.visit(&Soul::new(format!("d{number}"), provider), Way::Asked).await;
        });
    }
    while load.record.people().len() < PEOPLE / 4 {
        assert!(!people.is_empty(), "{}", load.record.figures());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let window = load.record.opens("the only gateway is killed", true);
    replicas.gateways[0].kill().await;
    let used = load.record.last_issued();
    replicas.gateways[0].restart().await;
    people.join_all().await;
    load.record.closes(window, Duration::ZERO);
    eprintln!("{}", load.record.figures());
    let served = load.record.people().len();
    assert!(served < PEOPLE, "the kill came too late: everybody had tokens");
    let wrongs = load.record.wrongs();
    assert!(wrongs.is_empty(), "{wrongs:#?}");
    load.everybody_is_there().await;
    for signed in &used {
        load.use_again(&load.browser(), signed).await.unwrap();
    }
}

#[tokio::test]
async fn data_files_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let gateway = Gateway::start().await;
    gateway.call("create_user_pool", json!({"PoolName": "People"})).await;
    let mut files = 0;
    for entry in std::fs::read_dir(gateway.data()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o077;
        assert_eq!(mode, 0, "{} may be read by others", entry.path().display());
        files += 1;
    }
    assert!(files > 0);
}
