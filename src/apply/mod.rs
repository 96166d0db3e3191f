//! `poolgate apply` and `poolgate export`: an installation's pools as a file.
//!
//! A file is read into a [`wish::Wish`]; the management API does what it asks for on a [`draft::Draft`]; what came of
//! that is shown as a plan and written to the installation in one go, or not at all.

pub mod command;
mod draft;
mod export;
mod plan;
mod reconcile;
mod references;
#[cfg(test)]
mod tests;
mod wish;
mod yaml;

use std::path::PathBuf;

use thiserror::Error;

use crate::api::ApiError;
use crate::config::SettingsError;
use crate::context::Context;
use crate::directory::{Change, DirectoryError, Kind};
use crate::keys::Sealer;
use crate::pool::{Group, GroupError};

use draft::Draft;
use wish::Wish;
pub use yaml::YamlError;

/// How often a file is applied anew that others overtake each time.
const TRIES: u32 = 8;

/// Why nothing was applied, or exported. One line for the administrator.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// A setting cannot be used: exit code 2.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The file cannot be read.
    #[error("{}: {why}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// In words.
        why: String,
    },
    /// The file does not say what it must.
    #[error("{0}")]
    Yaml(#[from] YamlError),
    /// The management API refuses something that the file asks for.
    #[error("{0}")]
    Refused(Box<Refused>),
    /// There are no data where the settings point.
    #[error("there is no directory at {0}: give the settings that `poolgate serve` runs with")]
    NoDirectory(PathBuf),
    /// There is no such pool.
    #[error("there is no user pool {0}")]
    NoPool(String),
    /// The gateway runs.
    #[error(
        "the gateway is running on this data directory, which belongs to one process: stop it first, and start it \
         again afterwards. Sessions and tokens survive that. With the directory on PostgreSQL gateways run on"
    )]
    Running,
    /// The draft cannot be made.
    #[error("no draft can be made in the directory for temporary files: {0}")]
    Draft(String),
    /// The directory.
    #[error(transparent)]
    Directory(DirectoryError),
}

/// Something in a file that the management API refuses.
#[derive(Debug, Error)]
#[error("line {line}: {what}: {why} ({})", .why.name())]
pub struct Refused {
    /// Where it begins.
    pub line: usize,
    /// What it is.
    pub what: String,
    /// The API's own words.
    pub why: ApiError,
}

impl From<DirectoryError> for ApplyError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::InUse(_) => Self::Running,
            other => Self::Directory(other),
        }
    }
}

/// What is done with a wish.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Options {
    /// Removes what the file's pools hold and the file does not name.
    pub(crate) prune: bool,
    /// Changes nothing.
    pub(crate) only_plan: bool,
}

/// Brings an installation to what a file asks for, all at once, and tells what changed; nothing told is nothing
/// changed.
///
/// # Errors
/// See [`ApplyError`]: nothing was changed then.
pub(crate) async fn apply(
    core: &Context,
    sealer: &Sealer,
    wish: &Wish,
    options: Options,
) -> Result<Vec<String>, ApplyError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt(core, sealer, wish, options).await {
            Err(ApplyError::Directory(DirectoryError::Overtaken(_) | DirectoryError::Stale(_)))
                if tries < TRIES => {}
            done => return done,
        }
    }
}

async fn attempt(
    core: &Context,
    sealer: &Sealer,
    wish: &Wish,
    options: Options,
) -> Result<Vec<String>, ApplyError> {
    let draft = Draft::open(core, sealer).await?;
    let decided = decide(core, &draft, wish, options).await;
    let generation = draft.generation();
    draft.close().await;
    let (lines, changes) = decided?;
    if !options.only_plan && !changes.is_empty() {
        core.registry.write_as_of(generation, changes).await?;
    }
    Ok(lines)
}

async fn decide(
    core: &Context,
    draft: &Draft,
    wish: &Wish,
    options: Options,
) -> Result<(Vec<String>, Vec<Change>), ApplyError> {
    reconcile::reconcile(&draft.api, wish, options.prune).await?;
    let touched = draft.touched().await?;
    let lines = plan::lines(draft, &touched)?;
    let changes = draft::changes(&touched);
    // The draft has no users: what depends on them is asked of the installation. It looks again when it writes.
    for change in &changes {
        if let Change::Delete(Kind::Group, pool_id, name) = change
            && !Group::is_of_a_provider(pool_id, name)
            && !core.directory.members(pool_id, name, None, 1).await?.is_empty()
        {
            return Err(DirectoryError::Group(GroupError::HasMembers(name.clone())).into());
        }
    }
    Ok((lines, changes))
}
