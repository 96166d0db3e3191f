//! Each call leaves one event, and no event holds a secret.

use super::envelope::{call_plain, call_signed};
use super::*;
use crate::audit::{HIDDEN, Place};

/// Long enough for every sensitive member, and of the characters that all of them take.
const MARKER: &str = "MARKERmarkerMARKERmarker";

/// What writes to a file of its own.
async fn watched() -> (World, std::path::PathBuf) {
    let mut world = World::new().await;
    let path = world._folder.path().join("audit.jsonl");
    world.api.core.audit = Arc::new(Audit::open(&Place::File(path.clone()), Arc::default()).unwrap());
    (world, path)
}

/// What was written, once everything is.
async fn events(world: &World, path: &std::path::Path) -> (String, Vec<Value>) {
    world.api.core.audit.close().await;
    let text = std::fs::read_to_string(path).unwrap();
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (text, events)
}

/// The public model as it is, with an input made of it.
struct Made(Value);

impl Made {
    fn shape(&self, name: &str) -> &Value {
        &self.0["shapes"][name]
    }

    fn operations(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0["operations"].as_object().unwrap().iter()
    }

    /// Every member, with the marker wherever the model, or its name, says that it is secret; `only_required`: and
    /// of the others only those that must be there.
    fn fill(&self, name: &str, secret: bool, only_required: bool, depth: u8) -> Value {
        let shape = self.shape(name);
        let secret = secret || (shape["sensitive"] == true && name != "ClientIdType");
        if depth == 0 {
            return Value::Null;
        }
        let inner =
            |name: &Value, secret| self.fill(name.as_str().unwrap(), secret, only_required, depth - 1);
        match shape["type"].as_str().unwrap() {
            "structure" => {
                let empty = serde_json::Map::new();
                let members = shape["members"].as_object().unwrap_or(&empty).iter();
                let wanted = members.filter(|(member, inner)| {
                    let required =
                        shape["required"].as_array().is_some_and(|all| all.contains(&json!(member)));
                    !only_required || required || self.shape(inner.as_str().unwrap())["sensitive"] == true
                });
                wanted
                    .map(|(member, shape)| (member.clone(), inner(shape, secret || is_secret_name(member))))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }
            "list" => json!([inner(&shape["member"], secret)]),
            "map" if name == "ProviderDetailsType" => {
                json!({"client_id": "c", "client_secret": MARKER, "private_key": MARKER, "client_secert": MARKER,
                       "MetadataFile": MARKER, "oidc_issuer": format!("https://idp.example/?key={MARKER}")})
            }
            "map" => json!({ "key": inner(&shape["value"], secret) }),
            "string" if secret => json!(MARKER),
            "string" => shape["enum"].get(0).cloned().unwrap_or(json!("plain")),
            "blob" => json!("cGxhaW4="),
            "boolean" => json!(true),
            _ => json!(1),
        }
    }
}

fn is_secret_name(member: &str) -> bool {
    ["Secret", "Password", "Token", "Code", "SecretHash", "Session"].iter().any(|end| member.ends_with(end))
}

#[tokio::test]
async fn every_operation_leaves_one_event_and_no_sensitive_member_is_in_it() {
    let (world, path) = watched().await;
    let made = Made(serde_json::from_str(include_str!("../model/cognito-idp.json")).unwrap());
    let mut called = Vec::new();
    let mut given = 0;
    for (name, operation) in made.operations() {
        for only_required in [false, true] {
            let shape = operation["input"].as_str();
            let input = shape.map_or(json!({}), |shape| made.fill(shape, false, only_required, 8));
            given += input.to_string().matches(MARKER).count();
            let answer = match operation["authtype"] == "none" {
                true => call_plain(&world, name, &input).await,
                false => call_signed(&world, name, &input).await,
            };
            assert_ne!(answer.body["__type"], "InvalidSignatureException");
            called.push((name.clone(), answer.body["__type"].clone()));
        }
    }
    assert!(given > 200, "only {given} secrets were given");
    let (text, events) = events(&world, &path).await;
    assert!(!text.contains(MARKER), "{}", text.lines().find(|line| line.contains(MARKER)).unwrap());
    assert!(text.contains(HIDDEN));
    let told: Vec<_> = events
        .iter()
        .map(|event| (event["eventName"].as_str().unwrap().to_owned(), event["errorCode"].clone()))
        .collect();
    assert_eq!(told, called);
}

#[tokio::test]
async fn no_answer_brings_a_secret_into_its_event() {
    let made = Made(serde_json::from_str(include_str!("../model/cognito-idp.json")).unwrap());
    let mut given = 0;
    for (name, operation) in made.operations() {
        let Some(shape) = operation["output"].as_str() else { continue };
        let output = made.fill(shape, false, false, 8);
        given += output.to_string().matches(MARKER).count();
        let shown = model::redact::output(name, &output).to_string();
        assert!(!shown.contains(MARKER), "{name}: {shown}");
    }
    assert!(given > 50, "only {given} secrets were given");
}

#[tokio::test]
async fn an_event_tells_who_did_what_from_where_and_what_became_of_it() {
    let (world, path) = watched().await;
    let pool = call_signed(&world, "CreateUserPool", &json!({"PoolName": "acme"})).await.body;
    let pool_id = pool["UserPool"]["Id"].as_str().unwrap();
    let client = json!({"UserPoolId": pool_id, "ClientName": "web", "GenerateSecret": true});
    let client = call_signed(&world, "CreateUserPoolClient", &client).await.body;
    let secret = client["UserPoolClient"]["ClientSecret"].as_str().unwrap().to_owned();
    let named = json!({"UserPoolId": pool_id, "ClientId": client["UserPoolClient"]["ClientId"]});
    call_signed(&world, "DescribeUserPoolClient", &named).await;
    call_plain(&world, "DeleteUserPool", &json!({"UserPoolId": pool_id})).await;
    call_signed(&world, "DescribeUserPool", &json!({"UserPoolId": "us-east-1_000000000"})).await;
    let (text, events) = events(&world, &path).await;
    assert!(!text.contains(&secret), "{text}");
    let [made, client, described, unsigned, missing] = &events[..] else { panic!("{text}") };
    for (member, expected) in [
        ("eventVersion", json!("1.03")),
        ("eventSource", json!("cognito-idp.amazonaws.com")),
        ("eventName", json!("CreateUserPool")),
        ("eventTime", json!("2026-11-21T12:00:00Z")),
        ("eventType", json!("AwsApiCall")),
        ("awsRegion", json!("us-east-1")),
        ("sourceIPAddress", json!("127.0.0.1")),
        ("requestID", json!("id-1")),
        ("recipientAccountId", json!("000000000000")),
        ("requestParameters", json!({"poolName": "acme"})),
    ] {
        assert_eq!(made[member], expected, "{member}");
    }
    let who = json!({"type": "IAMUser", "principalId": "AKIDEXAMPLE", "accessKeyId": "AKIDEXAMPLE",
                     "arn": "arn:aws:iam::000000000000:user/poolgate", "accountId": "000000000000",
                     "userName": "poolgate"});
    assert_eq!(made["userIdentity"], who);
    assert_eq!(made["responseElements"]["userPool"]["id"], json!(pool_id));
    assert_ne!(made["eventID"], client["eventID"]);
    assert_eq!(client["responseElements"]["userPoolClient"]["clientSecret"], HIDDEN);
    assert_eq!(client["responseElements"]["userPoolClient"]["clientId"], named["ClientId"]);
    assert_eq!((&described["readOnly"], &described["responseElements"]), (&json!(true), &Value::Null));
    assert_eq!(unsigned["errorCode"], "MissingAuthenticationTokenException");
    assert_eq!(unsigned["userIdentity"], json!({"type": "Unknown", "principalId": "Anonymous"}));
    assert_eq!(missing["errorCode"], "ResourceNotFoundException");
    assert!(missing["errorMessage"].as_str().unwrap().contains("us-east-1_000000000"));
}

#[tokio::test]
async fn whom_a_call_is_about_is_told_by_an_id_that_tells_nothing_of_the_person() {
    let (world, path) = watched().await;
    let pool = world.pool().await;
    super::users::sign_in(&world, &pool, "ann@corp.example", "ann@corp.example").await;
    let named = json!({"UserPoolId": pool, "Username": "Corp_ann@corp.example"});
    let user = call_signed(&world, "AdminGetUser", &named).await.body;
    let attributes = user["UserAttributes"].as_array().unwrap();
    let sub = &attributes.iter().find(|one| one["Name"] == "sub").unwrap()["Value"];
    call_signed(&world, "AdminDeleteUser", &named).await;
    call_signed(&world, "AdminDeleteUser", &named).await;
    let (text, events) = events(&world, &path).await;
    let told: Vec<_> = events.iter().map(|event| &event["additionalEventData"]["sub"]).collect();
    assert_eq!(told, [sub, sub, &Value::Null], "{text}");
    assert_eq!(events[2]["errorCode"], "UserNotFoundException");
    assert!(!text.contains("ann"), "{text}");
}
