//! The provider that is looked at: from a file, in an installation that is thrown away, or from the data
//! directory.

use std::sync::Arc;

use poolgate_providers::ambient::random_hex;
use poolgate_providers::{Clock, SystemClock};
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::{CheckError, Tools};
use crate::api::{self, ApiContext, ApiError, Credentials};
use crate::audit::Audit;
use crate::config::{Secrets, Settings};
use crate::context::{Context, Parts};
use crate::directory::sqlite::SqliteDirectory;
use crate::directory::{Directory, DirectoryError};
use crate::gateway;
use crate::keys::Sealer;
use crate::pool::AppClient;
use crate::registry::{LivePool, LiveProvider, Registry};
use crate::sessions::embedded::EmbeddedSessions;
use crate::stores;
use crate::throttle::Throttle;
use crate::triggers::Triggers;

/// What a describe adds to what was given.
const DESCRIBED: [&str; 3] = ["CreationDate", "LastModifiedDate", "UserPoolId"];

/// One provider and the pool it is in.
pub(super) struct Subject {
    pub(super) pool: Arc<LivePool>,
    pub(super) name: String,
    /// The pool that the file names, if it does.
    pub(super) named_pool: Option<String>,
    /// Whether pool and clients are the installation's own.
    pub(super) is_real: bool,
    /// What was taken for granted.
    pub(super) assumptions: Vec<String>,
    directory: Arc<dyn Directory>,
    _folder: Option<TempDir>,
}

impl Subject {
    /// Makes the provider through the management API, in an installation that lasts as long as this value.
    /// The inner error is what the API says to it.
    ///
    /// # Errors
    /// When the installation cannot be made.
    pub(super) async fn from_document(
        document: Value,
        tools: &Tools,
    ) -> Result<Result<Self, String>, CheckError> {
        let Value::Object(mut input) = document else {
            return Err(CheckError::Usage("the file must hold one JSON object".to_owned()));
        };
        if let Some(Value::Object(described)) = input.remove("IdentityProvider") {
            input = described;
        }
        let named_pool = input.get("UserPoolId").and_then(Value::as_str).map(str::to_owned);
        DESCRIBED.iter().for_each(|member| drop(input.remove(*member)));
        let folder = TempDir::new().map_err(|error| broken(&error))?;
        let (directory, context) = throwaway(&folder, tools).await?;
        let (schema, assumptions) = assumed_schema(&input);
        match make(&context, input, schema).await {
            Ok((pool_id, name)) => {
                let snapshot = context.core.registry.snapshot();
                let pool = snapshot.pool(&pool_id).ok_or_else(|| broken(&"the pool is not there"))?;
                let pool = Arc::clone(pool);
                let folder = Some(folder);
                Ok(Ok(Self {
                    pool,
                    name,
                    named_pool,
                    is_real: false,
                    assumptions,
                    directory,
                    _folder: folder,
                }))
            }
            Err(refusal) => {
                directory.close().await;
                Ok(Err(refusal.to_string()))
            }
        }
    }

    /// Reads the provider from the data directory.
    ///
    /// # Errors
    /// When the gateway is running on it, or there is no such pool or provider.
    pub(super) async fn from_data(
        pool_id: &str,
        name: &str,
        settings: &Settings,
        tools: &Tools,
    ) -> Result<Self, CheckError> {
        if let Some(path) = settings.directory.missing() {
            let why = "there is no directory here: give the settings that `poolgate serve` runs with";
            return Err(CheckError::File { path: path.to_owned(), why: why.to_owned() });
        }
        // Not the moment that the check is of: by this one keys are dated, and what is over is thrown away.
        let (clock, random): (Arc<dyn Clock>, _) = (Arc::new(SystemClock), Arc::clone(&tools.around.random));
        let master_key = Secrets::master_key_in_place(settings)?;
        let sealer = gateway::sealer(&master_key, &random)?;
        let opened = stores::open_directory(settings, &clock).await;
        let directory = opened.map_err(|error| match error {
            DirectoryError::InUse(_) => CheckError::Running,
            other => broken(&other),
        })?;
        let registry =
            Registry::open(Arc::clone(&directory), sealer, clock, random, tools.surface.clone()).await;
        let found = registry.map_err(|error| broken(&error)).and_then(|registry| {
            let snapshot = registry.snapshot();
            let pool = snapshot.pool(pool_id).cloned();
            let pool = pool.ok_or_else(|| CheckError::Usage(format!("there is no pool {pool_id}")))?;
            if pool.providers.contains_key(name) {
                return Ok(pool);
            }
            let names: Vec<_> = pool.providers.keys().map(String::as_str).collect();
            let why = format!("the pool has no provider {name}; it has: {}", names.join(", "));
            Err(CheckError::Usage(why))
        });
        match found {
            Ok(pool) => Ok(Self {
                pool,
                name: name.to_owned(),
                named_pool: None,
                is_real: true,
                assumptions: Vec::new(),
                directory,
                _folder: None,
            }),
            Err(error) => {
                directory.close().await;
                Err(error)
            }
        }
    }

    /// The provider.
    ///
    /// # Errors
    /// Never, as it was there when this was made.
    pub(super) fn provider(&self) -> Result<&LiveProvider, CheckError> {
        self.pool.providers.get(&self.name).ok_or_else(|| broken(&"the provider is not there"))
    }

    /// The client of this id, or the first that enables the provider.
    ///
    /// # Errors
    /// When there is none of this id.
    pub(super) fn client(&self, id: Option<&str>) -> Result<Option<&AppClient>, CheckError> {
        let enabling = |client: &&AppClient| client.supported_identity_providers.contains(&self.name);
        match id {
            None => Ok(self.pool.clients.values().map(|client| &client.value).find(enabling)),
            Some(id) => {
                let missing = || CheckError::Usage(format!("the pool has no app client {id}"));
                self.pool.client(id).ok_or_else(missing).map(Some)
            }
        }
    }

    /// Closes the directory.
    pub(super) async fn close(self) {
        self.directory.close().await;
    }
}

fn broken(error: &dyn std::fmt::Display) -> CheckError {
    CheckError::Usage(error.to_string())
}

async fn throwaway(folder: &TempDir, tools: &Tools) -> Result<(Arc<dyn Directory>, ApiContext), CheckError> {
    let (clock, random) = (Arc::clone(&tools.around.clock), Arc::clone(&tools.around.random));
    let mut key = [0_u8; 32];
    random.fill(&mut key);
    let sealer = Sealer::new(&key, Arc::clone(&random)).map_err(|error| broken(&error))?;
    let path = folder.path().join("directory.sqlite");
    let directory = SqliteDirectory::open(&path, Arc::clone(&clock)).await.map_err(|error| broken(&error))?;
    let directory: Arc<dyn Directory> = Arc::new(directory);
    let path = folder.path().join("sessions.sqlite");
    let sessions = EmbeddedSessions::open(&path, clock).await.map_err(|error| broken(&error))?;
    let core = Context::open(Parts {
        directory: Arc::clone(&directory),
        sessions: Arc::new(sessions),
        sealer: sealer.clone(),
        around: tools.around.clone(),
        surface: tools.surface.clone(),
        metrics: Arc::default(),
        triggers: Triggers::default(),
        audit: Audit::default(),
        throttle: Throttle::default(),
    });
    let core = core.await.map_err(|error| broken(&error))?;
    let credentials = Credentials {
        access_key_id: random_hex(&random, 16),
        secret_access_key: SecretString::from(random_hex(&random, 32)),
    };
    let context = ApiContext { core, sealer, credentials, writing: Mutex::new(()) };
    Ok((directory, context))
}

/// The custom attributes that the mapping names: what the pool's own schema says of them is not known here.
fn assumed_schema(input: &Map<String, Value>) -> (Value, Vec<String>) {
    let targets = input.get("AttributeMapping").and_then(Value::as_object);
    let custom: Vec<&str> =
        targets.into_iter().flat_map(Map::keys).filter_map(|target| target.strip_prefix("custom:")).collect();
    let attributes: Vec<Value> = custom
        .iter()
        .map(|name| json!({"Name": name, "AttributeDataType": "String", "Mutable": true}))
        .collect();
    let assumed = |name: &&str| format!("custom:{name} is taken for a mutable String of the pool's schema");
    (Value::Array(attributes), custom.iter().map(assumed).collect())
}

async fn make(
    context: &ApiContext,
    mut input: Map<String, Value>,
    schema: Value,
) -> Result<(String, String), ApiError> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut pool = json!({"PoolName": "check"});
    if schema.as_array().is_some_and(|attributes| !attributes.is_empty()) {
        pool["Schema"] = schema;
    }
    let pool = api::call(context, "CreateUserPool", pool).await?;
    let pool_id = text(&pool["UserPool"]["Id"]);
    input.insert("UserPoolId".to_owned(), pool_id.clone().into());
    let made = api::call(context, "CreateIdentityProvider", Value::Object(input)).await?;
    let name = text(&made["IdentityProvider"]["ProviderName"]);
    let client = json!({"UserPoolId": pool_id, "ClientName": "check", "SupportedIdentityProviders": [name]});
    api::call(context, "CreateUserPoolClient", client).await?;
    Ok((pool_id, name))
}
