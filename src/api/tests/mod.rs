//! Every operation against the embedded directory, as the demo calls it: without a signature.

mod audit;
mod client_secrets;
mod clients;
mod domains;
mod envelope;
mod groups;
mod linking;
mod mfa;
mod own_user;
mod pools;
mod providers;
mod resource_servers;
mod social_providers;
mod tags;
mod throttle;
mod triggers;
mod ui_customization;
mod users;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use poolgate_providers::fetch::{FetchError, Http};
use poolgate_providers::shared::Alone;
use poolgate_providers::{Clock, Surroundings, SystemRandom};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

use super::*;
use crate::audit::Audit;
use crate::context::Parts;
use crate::directory::Directory;
use crate::directory::sqlite::SqliteDirectory;
use crate::sessions::SessionStore;
use crate::sessions::embedded::EmbeddedSessions;
use crate::sign_in::used_once::UsedMarks;
use crate::testing;
use crate::throttle::Throttle;
use crate::triggers::Triggers;

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> OffsetDateTime {
        NOW
    }
}

/// The web, as far as these tests know it: URL → status and body.
#[derive(Default)]
struct FakeWeb(std::sync::Mutex<HashMap<String, (u16, Vec<u8>)>>);

impl FakeWeb {
    fn put(&self, url: &str, status: u16, body: &[u8]) {
        self.0.lock().unwrap().insert(url.to_owned(), (status, body.to_vec()));
    }
}

#[async_trait]
impl Http for FakeWeb {
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
        let answer = self.0.lock().unwrap().get(&request.uri().to_string()).cloned();
        let (status, body) = answer.ok_or_else(|| FetchError::Broken("connection refused".into()))?;
        Ok(http::Response::builder().status(status).body(body).unwrap())
    }
}

/// An installation of its own for one test.
pub(crate) struct World {
    pub(crate) api: ApiContext,
    web: Arc<FakeWeb>,
    _folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, random) = (Arc::new(FixedClock), Arc::new(SystemRandom));
        let path = folder.path().join("directory.sqlite");
        let directory = Arc::new(SqliteDirectory::open(&path, clock.clone()).await.unwrap());
        let sealer = Sealer::new(&[7; 32], random.clone()).unwrap();
        let surface = testing::surface();
        let path = folder.path().join("sessions.sqlite");
        let sessions = EmbeddedSessions::open(&path, clock.clone()).await.unwrap();
        let sessions: Arc<dyn SessionStore> = Arc::new(sessions);
        let directory: Arc<dyn Directory> = directory;
        let web = Arc::new(FakeWeb::default());
        let around = Surroundings {
            clock: clock.clone(),
            random,
            http: web.clone(),
            used: Arc::new(UsedMarks::new(Arc::clone(&sessions), Arc::clone(&directory))),
            shared: Arc::new(Alone),
        };
        let core = Context::open(Parts {
            directory,
            sessions,
            sealer: sealer.clone(),
            around,
            surface,
            metrics: Arc::default(),
            triggers: Triggers::default(),
            audit: Audit::default(),
            throttle: Throttle::default(),
        });
        let api = ApiContext {
            core: core.await.unwrap(),
            sealer,
            credentials: Credentials {
                access_key_id: "AKIDEXAMPLE".into(),
                secret_access_key: "secret".into(),
            },
            writing: Mutex::new(()),
        };
        Self { api, web, _folder: folder }
    }

    async fn call(&self, operation: &str, input: Value) -> Result<Value, ApiError> {
        call(&self.api, operation, input).await
    }

    async fn ok(&self, operation: &str, input: Value) -> Value {
        let shown = input.to_string();
        self.call(operation, input).await.unwrap_or_else(|error| panic!("{operation} {shown}: {error}"))
    }

    /// The name and the text of the refusal.
    async fn refused(&self, operation: &str, input: Value) -> (&'static str, String) {
        let shown = input.to_string();
        match self.call(operation, input).await {
            Ok(output) => panic!("{operation} {shown}: {output}"),
            Err(error) => (error.name(), error.to_string()),
        }
    }

    /// A pool with defaults; its id.
    async fn pool(&self) -> String {
        self.pool_with(json!({})).await
    }

    async fn pool_with(&self, more: Value) -> String {
        let made = self.ok("CreateUserPool", merged(json!({ "PoolName": "acme" }), more)).await;
        made["UserPool"]["Id"].as_str().unwrap().to_owned()
    }
}

/// `base` with the members of `more`.
fn merged(mut base: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("not an object: {more}") };
    base.as_object_mut().unwrap().extend(more);
    base
}

/// Settings of an OIDC provider that are good.
fn oidc_details() -> Value {
    json!({
        "client_id": "poolgate", "client_secret": "hush", "oidc_issuer": "https://idp.example",
        "authorize_scopes": "openid email", "attributes_request_method": "GET",
    })
}

fn oidc(pool_id: &str, name: &str, more: Value) -> Value {
    let base = json!({
        "UserPoolId": pool_id, "ProviderName": name, "ProviderType": "OIDC",
        "ProviderDetails": oidc_details(),
    });
    merged(base, more)
}

#[tokio::test]
async fn an_operation_of_the_model_that_is_not_built_is_refused_by_name() {
    let world = World::new().await;
    for operation in model::UNBUILT.iter().flat_map(|group| group.operations) {
        let (name, text) = world.refused(operation, json!({})).await;
        assert_eq!(name, "UnsupportedOperationException", "whatever its input is");
        assert!(text.contains(operation) && text.contains("not part of this build"), "{text}");
    }
    assert_eq!(world.refused("Fly", json!({})).await.0, "UnknownOperationException");
}

#[tokio::test]
async fn every_operation_names_the_pool_that_is_not_there() {
    let world = World::new().await;
    let there = json!({ "UserPoolId": "us-east-1_nowhere00" });
    for (operation, more) in [
        ("DescribeUserPool", json!({})),
        ("UpdateUserPool", json!({})),
        ("DeleteUserPool", json!({})),
        ("AddCustomAttributes", json!({ "CustomAttributes": [{ "Name": "team" }] })),
        ("GetUserPoolMfaConfig", json!({})),
        ("SetUserPoolMfaConfig", json!({})),
        ("GetSigningCertificate", json!({})),
        ("CreateUserPoolClient", json!({ "ClientName": "web" })),
        ("DescribeUserPoolClient", json!({ "ClientId": "abc" })),
        ("UpdateUserPoolClient", json!({ "ClientId": "abc" })),
        ("DeleteUserPoolClient", json!({ "ClientId": "abc" })),
        ("ListUserPoolClients", json!({})),
        ("AddUserPoolClientSecret", json!({ "ClientId": "abc" })),
        ("ListUserPoolClientSecrets", json!({ "ClientId": "abc" })),
        ("DeleteUserPoolClientSecret", json!({ "ClientId": "abc", "ClientSecretId": "x" })),
        ("CreateUserPoolDomain", json!({ "Domain": "acme" })),
        ("UpdateUserPoolDomain", json!({ "Domain": "acme" })),
        (
            "CreateIdentityProvider",
            json!({
            "ProviderName": "A", "ProviderType": "OIDC", "ProviderDetails": oidc_details() }),
        ),
        ("DescribeIdentityProvider", json!({ "ProviderName": "A" })),
        ("UpdateIdentityProvider", json!({ "ProviderName": "A" })),
        ("DeleteIdentityProvider", json!({ "ProviderName": "A" })),
        ("ListIdentityProviders", json!({})),
        ("GetIdentityProviderByIdentifier", json!({ "IdpIdentifier": "a.example" })),
        ("CreateResourceServer", json!({ "Identifier": "api", "Name": "API" })),
        ("DescribeResourceServer", json!({ "Identifier": "api" })),
        ("UpdateResourceServer", json!({ "Identifier": "api", "Name": "API" })),
        ("DeleteResourceServer", json!({ "Identifier": "api" })),
        ("ListResourceServers", json!({})),
        ("GetUICustomization", json!({})),
        ("SetUICustomization", json!({})),
        ("AdminGetUser", json!({ "Username": "u" })),
        ("AdminDeleteUser", json!({ "Username": "u" })),
        ("AdminUpdateUserAttributes", json!({ "Username": "u", "UserAttributes": [] })),
        ("AdminDeleteUserAttributes", json!({ "Username": "u", "UserAttributeNames": [] })),
        ("AdminDisableUser", json!({ "Username": "u" })),
        ("AdminEnableUser", json!({ "Username": "u" })),
        ("AdminUserGlobalSignOut", json!({ "Username": "u" })),
        (
            "AdminLinkProviderForUser",
            json!({
            "DestinationUser": { "ProviderName": "Cognito", "ProviderAttributeValue": "u" },
            "SourceUser": { "ProviderName": "A", "ProviderAttributeValue": "s" } }),
        ),
        (
            "AdminDisableProviderForUser",
            json!({ "User": { "ProviderName": "A", "ProviderAttributeValue": "s" } }),
        ),
        ("ListUsers", json!({})),
        ("CreateGroup", json!({ "GroupName": "g" })),
        ("GetGroup", json!({ "GroupName": "g" })),
        ("UpdateGroup", json!({ "GroupName": "g" })),
        ("DeleteGroup", json!({ "GroupName": "g" })),
        ("ListGroups", json!({})),
        ("AdminAddUserToGroup", json!({ "GroupName": "g", "Username": "u" })),
        ("AdminRemoveUserFromGroup", json!({ "GroupName": "g", "Username": "u" })),
        ("AdminListGroupsForUser", json!({ "Username": "u" })),
        ("ListUsersInGroup", json!({ "GroupName": "g" })),
    ] {
        let (name, text) = world.refused(operation, merged(there.clone(), more)).await;
        assert_eq!(name, "ResourceNotFoundException", "{operation}: {text}");
        assert!(text.contains("us-east-1_nowhere00"), "{operation}: {text}");
    }
}
