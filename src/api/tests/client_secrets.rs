use super::*;

async fn client(world: &World, pool: &str, more: Value) -> (Value, Value) {
    let made = json!({ "UserPoolId": pool, "ClientName": "web" });
    let made = world.ok("CreateUserPoolClient", merged(made, more)).await["UserPoolClient"].take();
    (json!({ "UserPoolId": pool, "ClientId": made["ClientId"] }), made)
}

fn accepts(world: &World, this: &Value, secret: &Value) -> bool {
    let snapshot = world.api.core.registry.snapshot();
    let pool = snapshot.pool(this["UserPoolId"].as_str().unwrap()).unwrap();
    pool.client(this["ClientId"].as_str().unwrap()).unwrap().has_secret(secret.as_str().unwrap())
}

#[tokio::test]
async fn a_second_secret_takes_the_place_of_the_first_without_an_outage() {
    let world = World::new().await;
    let pool = world.pool().await;
    let (this, made) = client(&world, &pool, json!({ "GenerateSecret": true })).await;
    let first = made["ClientSecret"].clone();
    let added = world.ok("AddUserPoolClientSecret", this.clone()).await["ClientSecretDescriptor"].take();
    let second = added["ClientSecretValue"].clone();
    assert!(second != first && second.as_str().unwrap().len() == 52);
    assert!(accepts(&world, &this, &first) && accepts(&world, &this, &second), "both are live");
    let shown = world.ok("DescribeUserPoolClient", this.clone()).await;
    assert_eq!(shown["UserPoolClient"]["ClientSecret"], second, "the newest is the one to use");

    let listed = world.ok("ListUserPoolClientSecrets", this.clone()).await["ClientSecrets"].take();
    let id = format!("{}--1795262400", this["ClientId"].as_str().unwrap());
    assert_eq!(listed[0], json!({ "ClientSecretId": id, "ClientSecretCreateDate": 1_795_262_400.0 }));
    assert_eq!(listed[1]["ClientSecretId"], added["ClientSecretId"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains(second.as_str().unwrap()), "a list holds no secret");

    let (name, text) = world.refused("AddUserPoolClientSecret", this.clone()).await;
    assert!(name == "LimitExceededException" && text.contains('2'), "{text}");

    world.ok("UpdateUserPoolClient", this.clone()).await;
    assert!(accepts(&world, &this, &first) && accepts(&world, &this, &second), "an update keeps both");

    let old = merged(this.clone(), json!({ "ClientSecretId": id }));
    assert_eq!(world.ok("DeleteUserPoolClientSecret", old.clone()).await, json!({}));
    assert!(!accepts(&world, &this, &first) && accepts(&world, &this, &second));
    assert_eq!(world.refused("DeleteUserPoolClientSecret", old).await.0, "ResourceNotFoundException");
    let last = merged(this.clone(), json!({ "ClientSecretId": added["ClientSecretId"] }));
    let (name, text) = world.refused("DeleteUserPoolClientSecret", last).await;
    assert!(name == "InvalidParameterException" && text.contains("last"), "{text}");
    assert!(accepts(&world, &this, &second));
}

#[tokio::test]
async fn both_secrets_outlast_a_restart_sealed() {
    let world = World::new().await;
    let pool = world.pool().await;
    let (this, made) = client(&world, &pool, json!({ "GenerateSecret": true })).await;
    let own = json!("a_secret_that_the_caller_chose_1");
    let add = merged(this.clone(), json!({ "ClientSecret": own }));
    let added = world.ok("AddUserPoolClientSecret", add).await["ClientSecretDescriptor"].take();
    assert!(added.get("ClientSecretValue").is_none(), "the caller knows it");

    let records = world.api.core.directory.load_pool(&pool).await.unwrap();
    let stored = records.iter().find(|record| this["ClientId"] == *record.id).unwrap();
    for secret in [&made["ClientSecret"], &own] {
        let secret = secret.as_str().unwrap();
        assert!(!stored.document.contains(secret));
        let sealed = stored.sealed.as_deref().unwrap();
        assert!(!sealed.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
    let around = &world.api.core.around;
    let (clock, random) = (Arc::clone(&around.clock), Arc::clone(&around.random));
    let directory = Arc::clone(&world.api.core.directory);
    let sealer = world.api.sealer.clone();
    let again = crate::registry::Registry::open(directory, sealer, clock, random, testing::surface());
    let again = again.await.unwrap().snapshot();
    let known = again.pool(&pool).unwrap().client(this["ClientId"].as_str().unwrap()).unwrap();
    assert!(
        known.has_secret(made["ClientSecret"].as_str().unwrap()) && known.has_secret(own.as_str().unwrap())
    );
}

#[tokio::test]
async fn a_secret_that_breaks_a_rule_is_refused() {
    let world = World::new().await;
    let pool = world.pool().await;
    let (public, _) = client(&world, &pool, json!({})).await;
    let (name, text) = world.refused("AddUserPoolClientSecret", public.clone()).await;
    assert!(name == "InvalidParameterException" && text.contains("no secret"), "{text}");
    assert_eq!(world.ok("ListUserPoolClientSecrets", public).await, json!({ "ClientSecrets": [] }));

    let own = "x".repeat(40);
    let (this, _) = client(&world, &pool, json!({ "ClientSecret": own })).await;
    for bad in [own.as_str(), "too_short", &"x".repeat(65), "a-secret-with-hyphens-in-it"] {
        let input = merged(this.clone(), json!({ "ClientSecret": bad }));
        let (name, text) = world.refused("AddUserPoolClientSecret", input).await;
        assert_eq!(name, "InvalidParameterException", "{text}");
        assert!(!text.contains(bad), "{text}");
    }
    let token = merged(this, json!({ "NextToken": "made-up" }));
    assert_eq!(world.refused("ListUserPoolClientSecrets", token).await.0, "InvalidParameterException");
}
