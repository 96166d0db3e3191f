//! `poolgate check-provider`: dry-runs one provider and says what it would do with each attribute.
//!
//! It decides nothing itself: a provider from a file is made through the management API in an installation that
//! is thrown away, a captured response goes through the adapter that signs people in, and every attribute
//! through the mapping.

mod mapping;
mod oidc;
mod report;
mod response;
mod saml;
mod social;
#[cfg(test)]
mod social_tests;
mod subject;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{ArgGroup, Args};
use poolgate_providers::fetch::Http;
use poolgate_providers::shared::Alone;
use poolgate_providers::{Clock, ProviderError, Random, Surroundings, SystemClock, SystemRandom, UsedOnce};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use crate::config::{Settings, SettingsError};
use crate::gateway;
use crate::pool::ProviderType;
use crate::registry::Surface;

pub use report::Report;
use subject::Subject;

/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Which provider, and what it is tried with.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["file", "pool"])))]
pub struct CheckArguments {
    /// JSON file: the input of create-identity-provider, or the answer of describe-identity-provider.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Id of a pool of the settings' directory. Gateways run on meanwhile where that is on PostgreSQL; the gateway of
    /// an embedded directory must be stopped.
    #[arg(long, requires = "provider")]
    pool: Option<String>,
    /// Name of the provider in that pool.
    #[arg(long, requires = "pool")]
    provider: Option<String>,
    /// App client whose WriteAttributes count [default: the first that enables the provider].
    #[arg(long, requires = "pool")]
    client: Option<String>,
    /// A captured SAMLResponse, base64 or XML: which check it passes, and what each attribute would become.
    #[arg(long)]
    response: Option<PathBuf>,
    /// When the response was captured, such as 2026-11-21T10:00:00Z: everything is judged as of then.
    #[arg(long, value_parser = moment)]
    at: Option<OffsetDateTime>,
    /// Where the response was sent [default: /saml2/idpresponse on the pool's domain].
    #[arg(long)]
    acs: Option<Url>,
    /// Our entity id [default: urn:amazon:cognito:sp: and the pool's id].
    #[arg(long)]
    entity_id: Option<String>,
    /// Id of the AuthnRequest [default: taken from the response].
    #[arg(long)]
    request_id: Option<String>,
    /// TOML file with settings: the same as for `serve`.
    #[arg(long)]
    config: Option<PathBuf>,
}

fn moment(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "a time such as 2026-11-21T10:00:00Z".to_owned())
}

/// Why nothing could be checked: exit code 2.
#[derive(Debug, Error)]
pub enum CheckError {
    /// A setting cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A file cannot be read.
    #[error("{path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// In words.
        why: String,
    },
    /// The arguments do not go together, or name something that is not there.
    #[error("{0}")]
    Usage(String),
    /// The gateway runs.
    #[error(
        "the gateway is running on this data directory: stop it, or write the answer of \
         `aws cognito-idp describe-identity-provider` to a file and give that with --file"
    )]
    Running,
}

/// What the command stands on.
struct Tools {
    surface: Surface,
    around: Surroundings,
}

/// The time that was given.
struct At(OffsetDateTime);

impl Clock for At {
    fn now(&self) -> OffsetDateTime {
        self.0
    }
}

/// A captured response was used before, of course: that is not held against it.
struct Forgetful;

#[async_trait::async_trait]
impl UsedOnce for Forgetful {
    async fn first_use(&self, _key: &str, _until: OffsetDateTime) -> Result<bool, ProviderError> {
        Ok(true)
    }
}

/// Checks one provider.
///
/// # Errors
/// See [`CheckError`]. What is wrong with the provider is in the report.
pub async fn run(arguments: CheckArguments) -> Result<Report, CheckError> {
    let settings = Settings::load(arguments.config.clone())?;
    let http: Arc<dyn Http> = Arc::new(gateway::outgoing(&settings)?);
    let clock: Arc<dyn Clock> = match arguments.at {
        Some(at) => Arc::new(At(at)),
        None => Arc::new(SystemClock),
    };
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let surface = gateway::surface(&settings);
    let tools = Tools {
        surface,
        around: Surroundings { clock, random, http, used: Arc::new(Forgetful), shared: Arc::new(Alone) },
    };
    check(&arguments, &settings, &tools).await
}

async fn check(arguments: &CheckArguments, settings: &Settings, tools: &Tools) -> Result<Report, CheckError> {
    let captured = arguments.response.as_deref().map(read).transpose()?;
    let mut report = Report::default();
    let subject = match (&arguments.file, &arguments.pool, &arguments.provider) {
        (Some(file), _, _) => {
            let document = serde_json::from_str(&read(file)?)
                .map_err(|error| CheckError::File { path: file.clone(), why: format!("no JSON: {error}") })?;
            match Subject::from_document(document, tools).await? {
                Ok(subject) => subject,
                Err(refusal) => {
                    report.section("create-identity-provider would be refused");
                    report.fail(refusal);
                    return Ok(report);
                }
            }
        }
        (None, Some(pool), Some(name)) => Subject::from_data(pool, name, settings, tools).await?,
        _ => return Err(CheckError::Usage("give --file, or --pool with --provider".to_owned())),
    };
    let result = look(arguments, &subject, captured.as_deref(), tools, &mut report).await;
    subject.close().await;
    result.map(|()| report)
}

async fn look(
    arguments: &CheckArguments,
    subject: &Subject,
    captured: Option<&str>,
    tools: &Tools,
    report: &mut Report,
) -> Result<(), CheckError> {
    let provider = &subject.provider()?.config.value;
    report.section(&format!("{} ({})", provider.provider_name, provider.provider_type));
    for assumption in &subject.assumptions {
        report.note(assumption);
    }
    if captured.is_some() && provider.provider_type != ProviderType::Saml {
        return Err(CheckError::Usage("--response is for SAML providers".to_owned()));
    }
    let place = response::Place::of(arguments, subject, &tools.surface)?;
    match provider.provider_type {
        ProviderType::Saml => saml::look(subject, &place, tools, report).await?,
        ProviderType::Oidc => oidc::look(subject, tools, report).await?,
        _ => social::look(subject, tools, report).await?,
    }
    let client = subject.client(arguments.client.as_deref())?;
    mapping::of_configuration(subject, report)?;
    if let Some(captured) = captured
        && let Some(identity) = response::judge(captured, subject, &place, tools, report).await?
    {
        mapping::of_identity(&identity, subject, client, tools, report)?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, CheckError> {
    let failed = |why: String| CheckError::File { path: path.to_owned(), why };
    let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if size > MAX_FILE {
        return Err(failed(format!("it is larger than {MAX_FILE} bytes")));
    }
    std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))
}
