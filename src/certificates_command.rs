//! `poolgate certificates`: an administrator imports, shows and removes certificates of custom domains. As with
//! `poolgate keys`, the gateway of an embedded directory must be stopped; with PostgreSQL gateways run on.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Subcommand;
use secrecy::SecretString;
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::certificates::{self, CertificateError};
use crate::directory::DirectoryError;
use crate::keys_command::{self, KeysError};
use crate::pool::{Certificate, Timestamp};
use crate::registry::{Edit, Registry, Snapshot, Versioned};

/// What is done with imported certificates.
#[derive(Debug, Subcommand)]
pub enum CertificatesCommand {
    /// Takes over a certificate and its key. One of the same ARN is replaced: that is how it is renewed.
    Import {
        /// What a domain's `CustomDomainConfig.CertificateArn` names it by: arn:aws:acm:REGION:ACCOUNT:certificate/ID.
        #[arg(long)]
        arn: String,
        /// PEM file: the certificate first, its issuers after it.
        #[arg(long, value_name = "FILE")]
        cert: PathBuf,
        /// PEM file: the private key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// TOML file with settings: the same as for `serve`.
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Shows what was imported, until when it is valid, and which domains use it.
    List {
        /// TOML file with settings: the same as for `serve`.
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Removes an imported certificate. Domains that name it are shown the listener's own from then on.
    Remove {
        /// Its ARN.
        #[arg(long)]
        arn: String,
        /// TOML file with settings: the same as for `serve`.
        #[arg(long)]
        config: Option<PathBuf>,
    },
}

/// Why it was not done. One line for the administrator.
#[derive(Debug, Error)]
pub enum CertificatesError {
    /// Settings, or the directory cannot be opened.
    #[error(transparent)]
    Open(#[from] KeysError),
    /// A file cannot be read.
    #[error("cannot read {0}: {1}")]
    File(PathBuf, std::io::Error),
    /// What was given cannot be imported.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// There is none.
    #[error("no certificate {0} was imported")]
    Missing(String),
    /// The directory refused.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// Does it, and says what was done. What is said has reached the disk.
///
/// # Errors
/// See [`CertificatesError`]: nothing was changed then.
pub async fn run(command: CertificatesCommand) -> Result<String, CertificatesError> {
    let (CertificatesCommand::Import { config, .. }
    | CertificatesCommand::List { config }
    | CertificatesCommand::Remove { config, .. }) = &command;
    let opened = keys_command::open(config.clone()).await?;
    let said = change(&opened.registry, command, opened.now).await;
    opened.directory.close().await;
    said
}

async fn change(
    registry: &Arc<Registry>,
    command: CertificatesCommand,
    now: OffsetDateTime,
) -> Result<String, CertificatesError> {
    let snapshot = registry.snapshot();
    match command {
        CertificatesCommand::Import { arn, cert, key, .. } => {
            let chain = std::fs::read(&cert).map_err(|error| CertificatesError::File(cert, error))?;
            let key = std::fs::read_to_string(&key).map_err(|error| CertificatesError::File(key, error))?;
            let certificate = certificates::read(&arn, &chain, SecretString::from(key), now)?;
            let edit = match snapshot.certificate(&arn) {
                Some(before) => {
                    Edit::UpdateCertificate(Versioned { value: certificate, version: before.version })
                }
                None => Edit::CreateCertificate(certificate),
            };
            registry.edit_as_of(&snapshot, vec![edit]).await?;
            let snapshot = registry.snapshot();
            let stored = snapshot.certificate(&arn).ok_or(CertificatesError::Missing(arn))?;
            Ok(format!("imported\n{}", describe(&stored.value, &snapshot)))
        }
        CertificatesCommand::List { .. } => {
            let all: Vec<String> =
                snapshot.certificates().map(|stored| describe(&stored.value, &snapshot)).collect();
            Ok(if all.is_empty() { "no certificate was imported".to_owned() } else { all.join("\n\n") })
        }
        CertificatesCommand::Remove { arn, .. } => {
            snapshot.certificate(&arn).ok_or_else(|| CertificatesError::Missing(arn.clone()))?;
            registry.edit_as_of(&snapshot, vec![Edit::DeleteCertificate(arn.clone())]).await?;
            Ok(format!("{arn} is removed"))
        }
    }
}

fn describe(certificate: &Certificate, snapshot: &Snapshot) -> String {
    let (from, until) = (moment(certificate.not_before), moment(certificate.not_after));
    let mut text = format!("{}\n  valid from {from} until {until}", certificate.arn);
    let domains = snapshot.pools().flat_map(|pool| &pool.domains).map(|domain| &domain.value);
    let mut used = false;
    for domain in domains.filter(|domain| domain.certificate_arn() == Some(&certificate.arn)) {
        used = true;
        let host = &domain.domain;
        let fits = if certificates::covers(certificate, host) { "" } else { ", WHICH IT DOES NOT COVER" };
        let _ = write!(text, "\n  used by {host}{fits}");
    }
    if !used {
        text.push_str("\n  used by no domain");
    }
    text
}

fn moment(at: Timestamp) -> String {
    at.moment().format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use poolgate_providers::{Clock, Random, SystemClock, SystemRandom};
    use rcgen::{CertificateParams, KeyPair};

    use super::*;
    use crate::config::{Secrets, Settings};
    use crate::stores;

    const ARN: &str = "arn:aws:acm:us-east-1:000000000000:certificate/login-2026";

    fn command(words: &[&str]) -> CertificatesCommand {
        #[derive(clap::Parser)]
        struct Line {
            #[command(subcommand)]
            command: CertificatesCommand,
        }
        <Line as clap::Parser>::try_parse_from([&["certificates"], words].concat()).unwrap().command
    }

    /// What the first start of a gateway leaves behind.
    async fn make_installation(settings: &str) {
        let settings = Settings::load(Some(settings.into())).unwrap();
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) =
            (Arc::new(SystemClock), Arc::new(SystemRandom));
        Secrets::obtain(&settings, &random).unwrap();
        stores::open_directory(&settings, &clock).await.unwrap().close().await;
    }

    #[tokio::test]
    async fn a_certificate_is_imported_listed_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate =
            CertificateParams::new(vec!["login.acme.example".into()]).unwrap().self_signed(&key);
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("cert.pem"), certificate.unwrap().pem()).unwrap();
        std::fs::write(path("key.pem"), key.serialize_pem()).unwrap();
        let data = path("data").replace('\\', "/");
        std::fs::write(path("settings.toml"), format!("data_dir = \"{data}\"\n")).unwrap();
        let settings = path("settings.toml");
        make_installation(&settings).await;

        let list = || command(&["list", "--config", &settings]);
        assert_eq!(run(list()).await.unwrap(), "no certificate was imported");
        let (cert, key) = (path("cert.pem"), path("key.pem"));
        let import = ["import", "--arn", ARN, "--cert", &cert, "--key", &key, "--config", &settings];
        let said = run(command(&import)).await.unwrap();
        assert!(said.starts_with("imported\n") && said.contains("used by no domain"), "{said}");
        run(command(&import)).await.unwrap();
        let said = run(list()).await.unwrap();
        assert_eq!(said.matches(ARN).count(), 1, "{said}");
        let remove = ["remove", "--arn", ARN, "--config", &settings];
        run(command(&remove)).await.unwrap();
        let error = run(command(&remove)).await.unwrap_err();
        assert!(matches!(&error, CertificatesError::Missing(arn) if arn == ARN), "{error}");
        let missing =
            ["import", "--arn", ARN, "--cert", "/no/such/file", "--key", &key, "--config", &settings];
        assert!(matches!(run(command(&missing)).await.unwrap_err(), CertificatesError::File(..)));
    }
}
