//! Files applied to an installation with embedded stores.

use std::path::Path;

use serde_json::{Value, json};

use super::draft::Draft;
use super::references::{self, Around};
use super::*;
use crate::api;
use crate::api::tests::World;
use crate::pool::{FederatedProfile, Identity};

const NOW: time::OffsetDateTime = time::macros::datetime!(2026-11-21 12:00 UTC);
const POOL: &str = "us-east-1_Acme00001";
const WEB: &str = "acmewebclient0000000000001";
const SECRET: &str = "robotsecretrobotsecretrobotsecretrobotsecretrobot000";

/// The example of the manual, as it stands there.
fn example() -> String {
    let manual = include_str!("../../docs/apply.md");
    let (_, rest) = manual.split_once("```yaml\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

fn wish(text: &str) -> Result<Wish, YamlError> {
    let mut document = yaml::read(text)?.unwrap();
    let variable = |name: &str| match name {
        "CORP_SECRET" => Some("corpsecret".to_owned()),
        "ROBOT_SECRET" => Some(SECRET.to_owned()),
        _ => None,
    };
    references::resolve(&mut document, &Around { variable: &variable, folder: Path::new("") })?;
    Wish::read(&document)
}

const DO: Options = Options { prune: false, only_plan: false };
const PRUNE: Options = Options { prune: true, only_plan: false };
const PLAN: Options = Options { prune: true, only_plan: true };

async fn applied(world: &World, text: &str, options: Options) -> Result<Vec<String>, ApplyError> {
    apply(&world.api.core, &world.api.sealer, &wish(text).unwrap(), options).await
}

async fn ok(world: &World, text: &str, options: Options) -> Vec<String> {
    applied(world, text, options).await.unwrap_or_else(|error| panic!("{error}\n{text}"))
}

async fn call(world: &World, operation: &str, input: Value) -> Value {
    api::call(&world.api, operation, input).await.unwrap_or_else(|error| panic!("{operation}: {error}"))
}

fn export(world: &World, secrets: bool) -> String {
    export::document(&world.api.core.registry.snapshot(), None, secrets).unwrap()
}

#[tokio::test]
async fn the_example_of_the_manual_makes_everything_and_again_nothing() {
    let world = World::new().await;
    let lines = ok(&world, &example(), DO).await;
    assert!(lines.iter().all(|line| line.starts_with("+ ")) && lines.len() == 7, "{lines:?}");
    assert_eq!(ok(&world, &example(), PRUNE).await, [""; 0]);

    let pool = json!({ "UserPoolId": POOL });
    let shown = call(&world, "DescribeUserPool", pool.clone()).await;
    assert_eq!(shown["UserPool"]["Domain"], "acme");
    assert_eq!(shown["UserPool"]["UserPoolTags"]["team"], "identity");
    let web = json!({ "UserPoolId": POOL, "ClientId": WEB });
    let web = call(&world, "DescribeUserPoolClient", web).await;
    assert_eq!(web["UserPoolClient"]["ClientName"], "web");
    let clients = call(&world, "ListUserPoolClients", pool.clone()).await;
    let robot =
        clients["UserPoolClients"].as_array().unwrap().iter().find(|one| one["ClientName"] == "robot");
    let robot = json!({ "UserPoolId": POOL, "ClientId": robot.unwrap()["ClientId"] });
    assert_eq!(call(&world, "DescribeUserPoolClient", robot).await["UserPoolClient"]["ClientSecret"], SECRET);
    let corp = json!({ "UserPoolId": POOL, "ProviderName": "Corp" });
    let corp = call(&world, "DescribeIdentityProvider", corp).await;
    assert_eq!(corp["IdentityProvider"]["ProviderDetails"]["client_secret"], "corpsecret");
    let groups = call(&world, "ListGroups", pool).await;
    assert_eq!(groups["Groups"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_exported_is_applied_with_no_change_here_and_makes_the_same_elsewhere() {
    let world = World::new().await;
    ok(&world, &example(), DO).await;
    let own = json!({ "UserPoolId": POOL, "GroupName": format!("{POOL}_Corp"), "Precedence": 3 });
    call(&world, "UpdateGroup", own).await;
    for secrets in [false, true] {
        let text = export(&world, secrets);
        assert_eq!(text.contains("corpsecret"), secrets);
        assert_eq!(text.contains(SECRET), secrets);
        assert_eq!(ok(&world, &text, PRUNE).await, [""; 0], "{text}");
    }
    let text = export(&world, true);
    let elsewhere = World::new().await;
    ok(&elsewhere, &text, DO).await;
    assert_eq!(export(&elsewhere, true), text);
}

#[tokio::test]
async fn a_change_is_planned_done_and_told_without_secrets() {
    let world = World::new().await;
    ok(&world, &example(), DO).await;
    let before = export(&world, true);
    let text = example()
        .replace("https://app.acme.example/cb]", "https://new.acme.example/cb]")
        .replace("client_id: poolgate", "client_id: other")
        .replace("${CORP_SECRET}", "anothersecret")
        .replace("Precedence: 10", "Precedence: 0");
    let plan = ok(&world, &text, PLAN).await;
    assert_eq!(export(&world, true), before);
    let client = format!("~ app client web ({WEB}) in {POOL}: CallbackURLs: ");
    let client = client + r#"["https://app.acme.example/cb"] -> ["https://new.acme.example/cb"]"#;
    for line in [
        client,
        format!(r#"~ identity provider Corp in {POOL}: ProviderDetails.client_id: "poolgate" -> "other""#),
        format!("~ identity provider Corp in {POOL}: its secret changes"),
        format!("~ group editors in {POOL}: Precedence: 10 -> 0"),
    ] {
        assert!(plan.contains(&line), "{line} is missing in {plan:?}");
    }
    assert_eq!(plan.len(), 4, "{plan:?}");
    assert!(!plan.join("\n").contains("secret\""), "{plan:?}");
    assert_eq!(ok(&world, &text, DO).await, plan);
    assert!(export(&world, true).contains("anothersecret"));
    assert_eq!(ok(&world, &text, PRUNE).await, [""; 0]);
}

#[tokio::test]
async fn only_pruning_removes_and_never_a_pool_or_a_group_with_members() {
    let world = World::new().await;
    ok(&world, &example(), DO).await;
    call(&world, "CreateUserPool", json!({ "PoolName": "other" })).await;
    let less = format!("UserPools:\n- PoolName: acme\n  UserPoolId: {POOL}\n  DeletionProtection: ACTIVE\n");
    let profile = FederatedProfile {
        pool_id: POOL.into(),
        username: "Corp_ann".into(),
        new_sub: "sub".into(),
        identity: Identity {
            provider_name: "Corp".into(),
            provider_type: "OIDC".into(),
            user_id: "ann".into(),
            issuer: None,
            primary: true,
            date_created: 0,
        },
        set: Default::default(),
        remove: Vec::new(),
        recognised: Default::default(),
        required: Vec::new(),
        immutable: Vec::new(),
        group: format!("{POOL}_Corp"),
        mapped_groups: vec!["editors".into()],
        session: None,
        may_sign_up: true,
        at: NOW,
    };
    world.api.core.directory.sign_in(profile).await.unwrap();
    let before = export(&world, true);
    for options in [PRUNE, PLAN] {
        let error = applied(&world, &less, options).await.unwrap_err().to_string();
        assert!(error.contains("editors") && error.contains("members"), "{error}");
    }
    assert_eq!(export(&world, true), before);
    world.api.core.directory.leave_group(POOL, "Corp_ann", "editors").await.unwrap();
    // The tags take their default, nothing else goes.
    assert_eq!(ok(&world, &less, DO).await.len(), 1);
    let lines = ok(&world, &less, PRUNE).await;
    assert!(lines.len() == 6 && lines.iter().all(|line| line.starts_with("- ")), "{lines:?}");
    let pools = world.api.core.registry.snapshot().pools().count();
    assert_eq!(pools, 2);
    assert_eq!(ok(&world, &less, PRUNE).await, [""; 0]);
}

#[tokio::test]
async fn what_the_api_refuses_is_told_with_its_line_and_nothing_is_done() {
    let world = World::new().await;
    for (find, replace, words) in [
        ("Domain: acme\n", "Domain: -acme\n", ["UserPoolDomain -acme", "InvalidParameterException"]),
        ("[Corp]", "[Nobody]", ["UserPoolClient web", "Nobody"]),
        ("Precedence: 10", "Precedence: ten", ["Group editors", "whole number"]),
        ("oidc_issuer: https", "oidc_issuer: ftp", ["IdentityProvider Corp", "oidc_issuer"]),
        ("Name: department", "Name: a:b", ["UserPool acme", "a:b"]),
        (POOL, "nonsense", ["UserPool acme", "userPoolId"]),
    ] {
        let text = example();
        assert!(text.contains(find), "{find}");
        let error = applied(&world, &text.replace(find, replace), DO).await.unwrap_err();
        let ApplyError::Refused(refused) = &error else { panic!("{error}") };
        assert!(words.iter().all(|word| error.to_string().contains(word)), "{error}");
        let named = text.lines().nth(refused.line - 1).unwrap();
        assert!(
            named.trim_start().starts_with("- ") || named.contains("Name"),
            "line {}: {named}",
            refused.line
        );
        assert_eq!(world.api.core.registry.snapshot().pools().count(), 0, "{replace}");
    }
}

#[tokio::test]
async fn what_was_decided_on_a_pool_that_changed_is_decided_anew() {
    let world = World::new().await;
    ok(&world, &example(), DO).await;
    let draft = Draft::open(&world.api.core, &world.api.sealer).await.unwrap();
    let text = example().replace("Precedence: 10", "Precedence: 0");
    let (_, changes) = decide(&world.api.core, &draft, &wish(&text).unwrap(), DO).await.unwrap();
    call(&world, "CreateGroup", json!({ "UserPoolId": POOL, "GroupName": "new" })).await;
    let registry = &world.api.core.registry;
    let overtaken = registry.write_as_of(draft.generation(), changes).await;
    assert!(matches!(overtaken, Err(DirectoryError::Overtaken(_))), "{overtaken:?}");
    assert_eq!(ok(&world, &text, DO).await.len(), 1);
}

#[tokio::test]
async fn a_domain_moves_to_another_pool_in_one_file() {
    let world = World::new().await;
    let file = |first: &str, second: &str| {
        let domain =
            |name: &str| if name.is_empty() { "[]".to_owned() } else { format!("\n  - Domain: {name}") };
        format!(
            "UserPools:\n- PoolName: a\n  UserPoolDomains: {}\n- PoolName: b\n  UserPoolDomains: {}\n",
            domain(first),
            domain(second)
        )
    };
    ok(&world, &file("", "acme"), DO).await;
    let lines = ok(&world, &file("acme", ""), PRUNE).await;
    assert_eq!(lines.iter().map(|line| &line[..1]).collect::<Vec<_>>(), ["-", "+"], "{lines:?}");
    let pool = call(&world, "DescribeUserPoolDomain", json!({ "Domain": "acme" })).await;
    let id = pool["DomainDescription"]["UserPoolId"].as_str().unwrap().to_owned();
    assert_eq!(world.api.core.registry.snapshot().pool(&id).unwrap().pool.value.name, "a");
}

#[tokio::test]
async fn what_only_making_a_thing_can_say_is_not_changed() {
    let world = World::new().await;
    ok(&world, &example(), DO).await;
    for (find, replace, word) in [
        ("ProviderType: OIDC", "ProviderType: SAML", "ProviderType"),
        ("AttributeDataType: String", "AttributeDataType: Number", "department"),
        (
            "DeletionProtection: ACTIVE",
            "UsernameConfiguration: { CaseSensitive: false }",
            "UsernameConfiguration",
        ),
        ("${ROBOT_SECRET}", "anotherrobotsecretanotherrobotsecretanotherrobotsecre", "ClientSecret"),
        ("ClientName: web", "ClientName: web\n    GenerateSecret: true", "GenerateSecret"),
    ] {
        let error = applied(&world, &example().replace(find, replace), DO).await.unwrap_err().to_string();
        assert!(error.contains(word) && !error.contains("robotsecret"), "{replace}: {error}");
    }
    // A pool is known by its name, where only one has it.
    let by_name = "UserPools:\n- PoolName: acme\n  Groups:\n  - GroupName: readers\n";
    assert_eq!(ok(&world, by_name, DO).await.iter().filter(|line| line.starts_with('+')).count(), 1);
    call(&world, "CreateUserPool", json!({ "PoolName": "acme" })).await;
    let error = applied(&world, by_name, DO).await.unwrap_err().to_string();
    assert!(error.contains("UserPoolId"), "{error}");
}
