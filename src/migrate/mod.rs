//! `poolgate migrate`: an embedded directory is copied to PostgreSQL and compared there, row by row.
//!
//! The target is filled in one transaction that commits only after the comparison, so it holds everything or
//! nothing. A mark of its own says meanwhile that it is not whole: `poolgate serve` refuses to start on it. The
//! embedded directory is locked and only read: whatever happens, it is as it was.

mod compare;
mod copy_text;
mod report;
mod source;
mod tables;
mod target;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use poolgate_providers::{Random, SystemRandom};
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

use self::source::{PAGE, Source};
use self::tables::{Row, TABLES, Table, Value, label};
use self::target::Target;
use crate::config::{Secrets, Settings, SettingsError};
use crate::directory::Kind;
use crate::directory::postgres::Address;
use crate::gateway;
use crate::keys::Sealer;
use crate::registry;
use crate::stores::DirectoryPlace;

/// A line is said after so many rows of one table.
const PROGRESS: usize = 100_000;

/// What is copied where.
#[derive(Debug, Args)]
pub struct MigrateArguments {
    /// Address of the PostgreSQL directory, as in POOLGATE_DIRECTORY_URL: postgres://USER:PASSWORD@HOST/DATABASE.
    /// Other users of the machine can read the arguments of a command: give an address with a password in the
    /// environment.
    #[arg(long, value_name = "URL", env = "POOLGATE_MIGRATE_TO", hide_env_values = true, value_parser = secret)]
    to: SecretString,
    /// TOML file with the settings that `poolgate serve` runs with on the embedded directory.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Copies nothing: compares what is there already.
    #[arg(long)]
    check: bool,
}

#[expect(clippy::unnecessary_wraps, reason = "as clap wants it")]
fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(SecretString::from(text))
}

/// Why it was not done. One line for the administrator.
#[derive(Debug, Error)]
pub enum MigrateError {
    /// A setting cannot be used: exit code 2.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The settings are those of afterwards.
    #[error(
        "POOLGATE_DIRECTORY_URL names PostgreSQL already: give the settings that `poolgate serve` runs with on the \
         embedded directory, and change them when the copy is done"
    )]
    NotEmbedded,
    /// There are no data where the settings point.
    #[error("there is no directory at {0}: give the settings that `poolgate serve` runs with")]
    NoDirectory(PathBuf),
    /// The gateway runs.
    #[error(
        "the gateway is running on this data directory: stop it first, so that nothing is written there that \
         would not be copied"
    )]
    Running,
    /// The file was last opened by an older build.
    #[error(
        "the embedded directory has the tables of an older version ({found}, this build knows {wanted}): start \
         `poolgate serve` of this version on it once and stop it again, which brings them up to date"
    )]
    OldSource {
        /// Its schema.
        found: i64,
        /// Ours.
        wanted: i64,
    },
    /// The file was last opened by a newer build.
    #[error(
        "the embedded directory has the tables of a newer version ({found}, this build knows {wanted}): use the \
         poolgate that it was last opened with"
    )]
    NewSource {
        /// Its schema.
        found: i64,
        /// Ours.
        wanted: i64,
    },
    /// The embedded directory cannot be read.
    #[error("{0}")]
    Source(String),
    /// Another master key, or a damaged record.
    #[error(
        "the secrets of {0} do not open with this master key: give the POOLGATE_MASTER_KEY that `poolgate serve` \
         runs with (or leave it out, when the key is in the data directory)"
    )]
    MasterKey(String),
    /// No PostgreSQL can hold it.
    #[error("{table}, row with {row}: {column} contains the character U+0000, which PostgreSQL cannot hold")]
    Unstorable {
        /// Which table.
        table: &'static str,
        /// Its key.
        row: String,
        /// Which column.
        column: &'static str,
    },
    /// The target does not open, or refuses something.
    #[error("the target: {0}")]
    Target(String),
    /// Somebody's data are there.
    #[error(
        "PostgreSQL holds a directory already (there are rows in {table}): nothing was changed there. Give another \
         database or another schema (…?schema=NAME); `--check` compares what is there"
    )]
    NotEmpty {
        /// Where rows were found.
        table: &'static str,
    },
    /// An earlier copy was not finished.
    #[error("PostgreSQL holds an unfinished migration: run `poolgate migrate` again without --check")]
    Unfinished,
    /// The two sides are not the same.
    #[error("not the same: {table}: {what}. What was copied is undone; the embedded directory is as it was")]
    Different {
        /// Which table.
        table: &'static str,
        /// The first difference.
        what: String,
    },
    /// The answer to the last commit was lost.
    #[error(
        "PostgreSQL did not answer whether it kept the copy ({0}): run `poolgate migrate --check` with the same \
         address, which says so"
    )]
    Unknown(String),
}

/// Copies and compares; `say` is given line after line. When it returns `Ok`, PostgreSQL has kept everything.
///
/// # Errors
/// See [`MigrateError`]: nothing was kept then.
pub async fn run(arguments: MigrateArguments, say: &mut dyn FnMut(&str)) -> Result<(), MigrateError> {
    let settings = Settings::load(arguments.config)?;
    let DirectoryPlace::Sqlite(path) = &settings.directory else { return Err(MigrateError::NotEmbedded) };
    let address = Address::parse(arguments.to.expose_secret()).map_err(|error| SettingsError {
        setting: "--to".to_owned(),
        given: format!("given {:?}", error.given),
        allowed: error.allowed.to_owned(),
    })?;
    let mut source = Source::open(path).await?;
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let sealer = gateway::sealer(&Secrets::master_key_in_place(&settings)?, &random)?;
    check_secrets(&mut source, &sealer).await?;
    say(&format!("from {} to PostgreSQL, {}", path.display(), address.place()));
    if let Some(warning) = address.warning() {
        say(&warning);
    }
    let mut target = Target::open(&address, !arguments.check).await?;
    let done = if arguments.check {
        check(&mut source, &mut target, say).await
    } else {
        transfer(&mut source, &mut target, say).await
    };
    target.close().await;
    done?;
    say(&report::next_steps(&settings, arguments.check));
    Ok(())
}

/// Everything, or nothing.
async fn transfer(
    source: &mut Source,
    target: &mut Target,
    say: &mut dyn FnMut(&str),
) -> Result<(), MigrateError> {
    target.mark_unfinished().await?;
    target.begin_empty().await?;
    for table in &TABLES {
        copy(source, target, table, say).await?;
    }
    target.continue_numbers().await?;
    say("comparing every row");
    compare_all(source, target, say).await?;
    target.finish().await
}

async fn check(
    source: &mut Source,
    target: &mut Target,
    say: &mut dyn FnMut(&str),
) -> Result<(), MigrateError> {
    target.begin_reading().await?;
    if target.is_unfinished().await? {
        return Err(MigrateError::Unfinished);
    }
    compare_all(source, target, say).await
}

/// Every sealed record opens: a copy with another master key would start no gateway.
async fn check_secrets(source: &mut Source, sealer: &Sealer) -> Result<(), MigrateError> {
    let [configuration, ..] = &TABLES;
    let mut last = None;
    loop {
        let rows = source.page(configuration, last.as_ref()).await?;
        for row in &rows {
            let [Value::Text(kind), Value::Text(pool), Value::Text(id), _, Value::Bytes(sealed), ..] =
                &row[..]
            else {
                continue;
            };
            let opens = Kind::parse(kind).is_some_and(|kind| registry::opens(kind, pool, id, sealed, sealer));
            if !opens {
                return Err(MigrateError::MasterKey(format!("{} {id}", kind.replace('_', " "))));
            }
        }
        if rows.len() < PAGE {
            return Ok(());
        }
        last = rows.last().cloned();
    }
}

async fn copy(
    source: &mut Source,
    target: &mut Target,
    table: &'static Table,
    say: &mut dyn FnMut(&str),
) -> Result<(), MigrateError> {
    let (mut last, mut count) = (None, 0);
    loop {
        let rows = source.page(table, last.as_ref()).await?;
        for row in &rows {
            refuse_nul(table, row)?;
        }
        if !rows.is_empty() {
            target.copy(table, &rows).await?;
        }
        let before = count;
        count += rows.len();
        let last_page = rows.len() < PAGE;
        if last_page || before / PROGRESS != count / PROGRESS {
            say(&format!("  {}: {count} rows copied", table.name));
        }
        if last_page {
            return Ok(());
        }
        last = rows.last().cloned();
    }
}

fn refuse_nul(table: &'static Table, row: &Row) -> Result<(), MigrateError> {
    let mut columns = table.columns.iter().zip(row);
    match columns.find(|(_, value)| matches!(value, Value::Text(text) if text.contains('\0'))) {
        Some((column, _)) => {
            Err(MigrateError::Unstorable { table: table.name, row: label(table, row), column: column.name })
        }
        None => Ok(()),
    }
}

async fn compare_all(
    source: &mut Source,
    target: &mut Target,
    say: &mut dyn FnMut(&str),
) -> Result<(), MigrateError> {
    for table in &TABLES {
        let compared = compare::table(source, target, table).await?;
        say(&format!("  {}: {} rows, the same, SHA-256 {}", table.name, compared.rows, compared.fingerprint));
    }
    Ok(())
}
