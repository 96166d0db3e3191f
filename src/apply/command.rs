//! The two commands. They work on the directory itself: one on PostgreSQL beside running gateways, which follow within
//! seconds; an embedded one belongs to one process, so its gateway must be stopped.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use poolgate_providers::shared::Alone;
use poolgate_providers::{Clock, Random, Surroundings, SystemClock, SystemRandom};
use tempfile::TempDir;

use super::references::{self, Around};
use super::{ApplyError, Options, Wish, apply, export, yaml};
use crate::audit::Audit;
use crate::config::{Secrets, Settings};
use crate::context::{Context, Parts};
use crate::gateway;
use crate::keys::Sealer;
use crate::registry::Registry;
use crate::sessions::SessionStore;
use crate::sessions::embedded::EmbeddedSessions;
use crate::sign_in::used_once::UsedMarks;
use crate::stores;
use crate::throttle::Throttle;

/// What `poolgate apply` is told.
#[derive(Debug, Args)]
pub struct ApplyArguments {
    /// YAML file: the pools, and what is in them.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Shows what would change, and changes nothing.
    #[arg(long)]
    plan: bool,
    /// Removes what the file's pools hold and the file does not name. Pools stay.
    #[arg(long)]
    prune: bool,
    /// TOML file with settings: the same as for `serve`.
    #[arg(long)]
    config: Option<PathBuf>,
}

/// What `poolgate export` is told.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// The one pool to write; without it, every pool.
    #[arg(long, value_name = "ID")]
    pool: Option<String>,
    /// Writes secrets, too.
    #[arg(long)]
    with_secrets: bool,
    /// TOML file with settings: the same as for `serve`.
    #[arg(long)]
    config: Option<PathBuf>,
}

/// Applies a file, and says what changed.
///
/// # Errors
/// See [`ApplyError`]: nothing was changed then.
pub async fn run_apply(arguments: ApplyArguments) -> Result<String, ApplyError> {
    let settings = Settings::load(arguments.config)?;
    let wish = read(&arguments.file)?;
    let options = Options { prune: arguments.prune, only_plan: arguments.plan };
    // A plan makes nothing, not even an empty installation.
    if let Some(path) = settings.directory.missing().filter(|_| options.only_plan) {
        return Err(ApplyError::NoDirectory(path.to_owned()));
    }
    let installation = Installation::open(&settings).await?;
    let applied = apply(&installation.core, &installation.sealer, &wish, options).await;
    installation.close().await;
    let lines = applied.map_err(|error| in_file(error, &arguments.file))?;
    Ok(said(&lines, options))
}

/// The plan, and what became of it.
fn said(lines: &[String], options: Options) -> String {
    let end = match (lines.len(), options.only_plan) {
        (0, _) => "nothing to change: everything is as the file says".to_owned(),
        (count, true) => format!("{count} to change; nothing was changed (--plan)"),
        (count, false) => format!("{count} changed"),
    };
    lines.iter().chain([&end]).map(String::as_str).collect::<Vec<_>>().join("\n")
}

fn read(path: &Path) -> Result<Wish, ApplyError> {
    let unreadable =
        |error: std::io::Error| ApplyError::File { path: path.to_owned(), why: error.to_string() };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    wish(&text, path).map_err(|error| in_file(error, path))
}

/// What the text of a file asks for, its references resolved.
pub(super) fn wish(text: &str, path: &Path) -> Result<Wish, ApplyError> {
    let Some(mut document) = yaml::read(text)? else {
        return Err(ApplyError::File { path: path.to_owned(), why: "the file is empty".to_owned() });
    };
    let variable = |name: &str| std::env::var(name).ok();
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    references::resolve(&mut document, &Around { variable: &variable, folder })?;
    Ok(Wish::read(&document)?)
}

/// Says which file it is about, where it is about one.
fn in_file(error: ApplyError, path: &Path) -> ApplyError {
    match error {
        ApplyError::Yaml(_) | ApplyError::Refused(_) => {
            ApplyError::File { path: path.to_owned(), why: error.to_string() }
        }
        other => other,
    }
}

/// What exists, as a file.
///
/// # Errors
/// See [`ApplyError`].
pub async fn run_export(arguments: ExportArguments) -> Result<String, ApplyError> {
    let settings = Settings::load(arguments.config)?;
    if let Some(path) = settings.directory.missing() {
        return Err(ApplyError::NoDirectory(path.to_owned()));
    }
    let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let master_key = Secrets::master_key_in_place(&settings)?;
    let sealer = gateway::sealer(&master_key, &random)?;
    let directory = stores::open_directory(&settings, &clock).await?;
    let surface = gateway::surface(&settings);
    let opened = Registry::open(Arc::clone(&directory), sealer, clock, random, surface).await;
    let document = opened.map_err(ApplyError::from).and_then(|registry| {
        export::document(&registry.snapshot(), arguments.pool.as_deref(), arguments.with_secrets)
    });
    directory.close().await;
    document
}

/// An installation without its listeners.
struct Installation {
    core: Context,
    sealer: Sealer,
    /// Sessions of nobody.
    _folder: TempDir,
}

impl Installation {
    /// Opens it, and makes it where there is none, as `serve` does.
    async fn open(settings: &Settings) -> Result<Self, ApplyError> {
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) =
            (Arc::new(SystemClock), Arc::new(SystemRandom));
        let secrets = Secrets::obtain(settings, &random)?;
        let sealer = gateway::sealer(&secrets.master_key, &random)?;
        let folder = TempDir::new().map_err(|error| ApplyError::Draft(error.to_string()))?;
        let sessions =
            EmbeddedSessions::open(&folder.path().join("sessions.sqlite"), Arc::clone(&clock)).await;
        let sessions: Arc<dyn SessionStore> =
            Arc::new(sessions.map_err(|error| ApplyError::Draft(error.to_string()))?);
        let (outgoing, triggers) = (Arc::new(gateway::outgoing(settings)?), gateway::triggers(settings)?);
        let directory = stores::open_directory(settings, &clock).await?;
        let around = Surroundings {
            clock,
            random,
            http: outgoing,
            used: Arc::new(UsedMarks::new(Arc::clone(&sessions), Arc::clone(&directory))),
            shared: Arc::new(Alone),
        };
        let core = Context::open(Parts {
            directory: Arc::clone(&directory),
            sessions,
            sealer: sealer.clone(),
            around,
            surface: gateway::surface(settings),
            metrics: Arc::default(),
            triggers,
            audit: Audit::default(),
            throttle: Throttle::default(),
        });
        match core.await {
            Ok(core) => Ok(Self { core, sealer, _folder: folder }),
            Err(error) => {
                directory.close().await;
                Err(error.into())
            }
        }
    }

    async fn close(self) {
        self.core.sessions.close().await;
        self.core.directory.close().await;
    }
}
