//! A draft of the installation: its configuration in a directory that is thrown away, on which the management API does
//! what a file asks for. What came of it is then written to the real one, all at once.
//!
//! So every rule of the API holds for a file, and none is written twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use poolgate_providers::ambient::random_hex;
use secrecy::SecretString;
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::ApplyError;
use crate::api::{ApiContext, Credentials};
use crate::context::Context;
use crate::directory::sqlite::SqliteDirectory;
use crate::directory::{Change, Directory, DirectoryError, Kind, Record};
use crate::keys::Sealer;
use crate::pool::IdentityProvider;
use crate::registry::{self, Registry};

/// What every write sets anew, whatever it is about.
const UNSAID: [&str; 3] = ["LastModifiedDate", "PoolgateMetadataFetched", "Version"];

/// The order in which things are made: what others refer to comes first.
const ORDER: [Kind; 8] = [
    Kind::UserPool,
    Kind::Key,
    Kind::IdentityProvider,
    Kind::Group,
    Kind::ResourceServer,
    Kind::AppClient,
    Kind::Domain,
    Kind::UiCustomization,
];

pub(super) struct Draft {
    /// The management API of the draft.
    pub(super) api: ApiContext,
    /// What it was made from.
    base: Vec<Record>,
    /// A generation that this is no older than.
    generation: i64,
    sealer: Sealer,
    directory: Arc<dyn Directory>,
    _folder: TempDir,
}

/// What a record says, and what is sealed in it.
type Essence = (Value, Option<Zeroizing<Vec<u8>>>);

/// A record that is not as it was.
pub(super) struct Touched {
    pub(super) before: Option<Record>,
    pub(super) after: Option<Record>,
}

impl Touched {
    /// Whichever there is, the later rather.
    pub(super) fn record(&self) -> Option<&Record> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

impl Draft {
    /// As the installation is now.
    pub(super) async fn open(core: &Context, sealer: &Sealer) -> Result<Self, ApplyError> {
        let folder = TempDir::new().map_err(|error| ApplyError::Draft(error.to_string()))?;
        // Before everything is read: what is written in between is found out when the draft is.
        let generation = core.directory.changed_since(0).await?.generation;
        let base = core.directory.load().await?;
        let (clock, random) = (Arc::clone(&core.around.clock), Arc::clone(&core.around.random));
        let path = folder.path().join("draft.sqlite");
        let directory: Arc<dyn Directory> = Arc::new(SqliteDirectory::open(&path, Arc::clone(&clock)).await?);
        directory.write(base.iter().cloned().map(Change::Create).collect()).await?;
        let surface = core.surface.clone();
        let registry =
            Registry::open(Arc::clone(&directory), sealer.clone(), clock, Arc::clone(&random), surface);
        let registry = Arc::new(registry.await?);
        let core = Context { registry, directory: Arc::clone(&directory), ..core.clone() };
        // Nobody calls it from outside.
        let credentials = Credentials {
            access_key_id: random_hex(&*random, 16),
            secret_access_key: SecretString::from(random_hex(&*random, 32)),
        };
        let api = ApiContext { core, sealer: sealer.clone(), credentials, writing: Mutex::new(()) };
        Ok(Self { api, base, generation, sealer: sealer.clone(), directory, _folder: folder })
    }

    pub(super) const fn generation(&self) -> i64 {
        self.generation
    }

    /// What differs from the installation in more than a date, in the order in which it can be written.
    pub(super) async fn touched(&self) -> Result<Vec<Touched>, ApplyError> {
        let mut after: BTreeMap<_, _> =
            self.directory.load().await?.into_iter().map(|record| (key(&record), record)).collect();
        let mut touched = Vec::new();
        for before in &self.base {
            let after = after.remove(&key(before));
            let same = match &after {
                Some(after) => self.essence(before)? == self.essence(after)?,
                None => false,
            };
            if !same {
                touched.push(Touched { before: Some(before.clone()), after });
            }
        }
        touched.extend(after.into_values().map(|after| Touched { before: None, after: Some(after) }));
        touched.sort_by_key(|one| {
            let gives_up_names = match (&one.before, &one.after) {
                (Some(before), Some(after)) => after.names.iter().all(|name| before.names.contains(name)),
                _ => false,
            };
            let step = match (&one.before, &one.after) {
                (_, None) => 0,
                (Some(_), _) if gives_up_names => 1,
                _ => 2,
            };
            (step, one.record().map(|record| ORDER.iter().position(|kind| *kind == record.kind)))
        });
        Ok(touched)
    }

    /// What a record says, dates of changes apart, and its secret.
    fn essence(&self, record: &Record) -> Result<Essence, ApplyError> {
        Ok((Value::Object(said(record)?), registry::secret_of(record, &self.sealer)?))
    }

    /// Whether only what is secret differs.
    pub(super) fn secret_differs(&self, before: &Record, after: &Record) -> Result<bool, ApplyError> {
        Ok(self.essence(before)?.1 != self.essence(after)?.1)
    }

    pub(super) async fn close(self) {
        self.directory.close().await;
    }
}

fn key(record: &Record) -> (&'static str, String, String) {
    (record.kind.as_str(), record.pool_id.clone(), record.id.clone())
}

/// The members of a record, dates of changes apart.
pub(super) fn said(record: &Record) -> Result<Map<String, Value>, ApplyError> {
    let mut members: Map<String, Value> = serde_json::from_str(&record.document)
        .map_err(|error| DirectoryError::Away(format!("{}: {error}", record.id)))?;
    UNSAID.iter().for_each(|member| drop(members.remove(*member)));
    Ok(members)
}

/// What is written to the installation for this. A provider's own group goes with the provider.
pub(super) fn changes(touched: &[Touched]) -> Vec<Change> {
    let going: Vec<String> = touched
        .iter()
        .filter(|one| one.after.is_none())
        .filter_map(|one| one.before.as_ref())
        .filter(|before| before.kind == Kind::IdentityProvider)
        .map(|before| IdentityProvider::group_of(&before.pool_id, &before.id))
        .collect();
    let change = |one: &Touched| match (&one.before, &one.after) {
        (Some(before), Some(after)) => {
            Some(Change::Replace(Record { version: before.version, ..after.clone() }))
        }
        (None, Some(after)) => Some(Change::Create(after.clone())),
        (Some(before), None) if before.kind == Kind::Group && going.contains(&before.id) => None,
        (Some(before), None) => Some(Change::Delete(before.kind, before.pool_id.clone(), before.id.clone())),
        (None, None) => None,
    };
    touched.iter().filter_map(change).collect()
}
