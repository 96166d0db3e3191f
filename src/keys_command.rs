//! `poolgate keys`: an administrator shows, rolls over and retires a pool's keys, those of SAML and those of tokens. An embedded directory belongs to
//! one process, so its gateway must be stopped; with PostgreSQL gateways run on, and follow within seconds.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand, ValueEnum};
use poolgate_providers::saml::keys::VerifyKey;
use poolgate_providers::{Clock, Random, SystemClock, SystemRandom};
use thiserror::Error;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::config::{Secrets, Settings, SettingsError};
use crate::directory::{Directory, DirectoryError};
use crate::gateway;
use crate::keys::roll_over::{self, KeyState};
use crate::keys::{KeyRecord, KeyUse};
use crate::registry::{KeyChangeError, LivePool, Registry, Surface};
use crate::stores;

/// How long a new SAML signing key is published before it is used, unless told otherwise, in days.
const WAIT_DAYS: u16 = 7;
/// How long a new key of tokens is, in days: few verifiers keep a JWKS longer.
const TOKEN_WAIT_DAYS: u16 = 1;

/// What is done with the keys of one pool.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Shows the pool's keys, what each one does, and the certificates of those of SAML.
    List {
        /// Which pool.
        #[command(flatten)]
        place: Place,
    },
    /// Makes a new key beside the old one, which stays accepted until it is retired.
    Roll {
        /// Which pool.
        #[command(flatten)]
        place: Place,
        /// What the key is for.
        #[arg(long = "use", value_enum)]
        key_use: RollingUse,
        /// How many days the new key is published before it is used; not for saml-encryption [default: 7 for
        /// saml-signing, 1 for the keys of tokens, of which 0 means 5 minutes].
        #[arg(long, value_name = "DAYS")]
        use_after: Option<u16>,
    },
    /// Removes a key that nobody needs any more, for good.
    Retire {
        /// Which pool.
        #[command(flatten)]
        place: Place,
        /// Its id, as the list shows it.
        #[arg(long, value_name = "KEYID", allow_hyphen_values = true)]
        key: String,
        /// Retire a key of tokens although some that it made still live: they end.
        #[arg(long)]
        end_tokens: bool,
    },
}

/// Which pool of which installation.
#[derive(Debug, Args)]
pub struct Place {
    /// The pool's id.
    #[arg(long, value_name = "ID")]
    pool: String,
    /// TOML file with settings: the same as for `serve`.
    #[arg(long)]
    config: Option<PathBuf>,
}

/// The keys that roll over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RollingUse {
    /// Signs ID tokens.
    IdToken,
    /// Signs access tokens.
    AccessToken,
    /// Seals refresh tokens.
    RefreshToken,
    /// Signs SAML requests and logout messages.
    SamlSigning,
    /// Decrypts SAML assertions.
    SamlEncryption,
}

impl RollingUse {
    /// What it is for, and how many days it is published before that unless told otherwise; `None`: it is shown at
    /// once.
    const fn meaning(self) -> (KeyUse, Option<u16>) {
        match self {
            Self::IdToken => (KeyUse::IdToken, Some(TOKEN_WAIT_DAYS)),
            Self::AccessToken => (KeyUse::AccessToken, Some(TOKEN_WAIT_DAYS)),
            Self::RefreshToken => (KeyUse::RefreshToken, Some(TOKEN_WAIT_DAYS)),
            Self::SamlSigning => (KeyUse::SamlSigning, Some(WAIT_DAYS)),
            Self::SamlEncryption => (KeyUse::SamlEncryption, None),
        }
    }
}

/// Why it was not done. One line for the administrator.
#[derive(Debug, Error)]
pub enum KeysError {
    /// A setting cannot be used: exit code 2.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// There are no data where the settings point.
    #[error("there is no directory at {0}: give the settings that `poolgate serve` runs with")]
    NoDirectory(PathBuf),
    /// The gateway runs.
    #[error(
        "the gateway is running on this data directory, which belongs to one process: stop it first, and start it \
         again afterwards. Sessions and tokens survive that"
    )]
    Running,
    /// Encryption keys are shown at once.
    #[error("--use-after is for keys that sign or seal: an encryption key is shown to providers at once")]
    NoWait,
    /// The rules of a roll-over, or the directory.
    #[error(transparent)]
    Change(#[from] KeyChangeError),
}

impl From<DirectoryError> for KeysError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::InUse(_) => Self::Running,
            other => Self::Change(KeyChangeError::Directory(other)),
        }
    }
}

/// Does it, and says what was done. What is said has reached the disk.
///
/// # Errors
/// See [`KeysError`]: nothing was changed then.
pub async fn run(command: KeysCommand) -> Result<String, KeysError> {
    let (KeysCommand::List { place } | KeysCommand::Roll { place, .. } | KeysCommand::Retire { place, .. }) =
        &command;
    let Opened { registry, directory, surface, now } = open(place.config.clone()).await?;
    let said = change(&registry, &command, &surface, now).await;
    directory.close().await;
    said
}

/// What a command of an administrator works on.
pub(crate) struct Opened {
    pub(crate) registry: Arc<Registry>,
    /// To be closed.
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) surface: Surface,
    pub(crate) now: OffsetDateTime,
}

/// Opens the directory that these settings point at, which must be there.
pub(crate) async fn open(config: Option<PathBuf>) -> Result<Opened, KeysError> {
    let settings = Settings::load(config)?;
    if let Some(path) = settings.directory.missing() {
        return Err(KeysError::NoDirectory(path.to_owned()));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let master_key = Secrets::master_key_in_place(&settings)?;
    let sealer = gateway::sealer(&master_key, &random)?;
    let directory = stores::open_directory(&settings, &clock).await?;
    let surface = gateway::surface(&settings);
    let opened =
        Registry::open(Arc::clone(&directory), sealer, Arc::clone(&clock), random, surface.clone()).await;
    match opened {
        Ok(registry) => Ok(Opened { registry: Arc::new(registry), directory, surface, now: clock.now() }),
        Err(error) => {
            directory.close().await;
            Err(error.into())
        }
    }
}

async fn change(
    registry: &Arc<Registry>,
    command: &KeysCommand,
    surface: &Surface,
    now: OffsetDateTime,
) -> Result<String, KeysError> {
    match command {
        KeysCommand::List { place } => {
            let snapshot = registry.snapshot();
            let pool = snapshot.pool(&place.pool);
            let pool = pool.ok_or_else(|| KeyChangeError::NoPool(place.pool.clone()))?;
            Ok(pool
                .keys
                .records()
                .iter()
                .map(|key| describe(pool, key, now))
                .collect::<Vec<_>>()
                .join("\n\n"))
        }
        KeysCommand::Roll { place, key_use, use_after } => {
            let (key_use, days) = match (key_use.meaning(), use_after) {
                ((_, None), Some(_)) => return Err(KeysError::NoWait),
                ((key_use, default), days) => (key_use, days.or(default).unwrap_or_default()),
            };
            let made = registry.roll_key(&place.pool, key_use, Duration::days(days.into())).await?;
            let snapshot = registry.snapshot();
            let pool = snapshot.pool(&place.pool);
            let pool = pool.ok_or_else(|| KeyChangeError::NoPool(place.pool.clone()))?;
            Ok(format!("{}\n\n{}", describe(pool, &made, now), next_steps(pool, key_use, surface)))
        }
        KeysCommand::Retire { place, key, end_tokens } => {
            registry.retire_key(&place.pool, key, *end_tokens).await?;
            Ok(format!("key {key} is retired"))
        }
    }
}

/// What is to be done after a roll-over.
fn next_steps(pool: &LivePool, key_use: KeyUse, surface: &Surface) -> String {
    let metadata = || {
        pool.domain_url(surface).map_or_else(
            || "the certificate below".to_owned(),
            |url| format!("{}saml2/metadata or the certificate below", url.as_str()),
        )
    };
    match key_use {
        KeyUse::SamlSigning => format!(
            "Give every provider {} before the new key is used, and retire the older key when all have it.",
            metadata()
        ),
        KeyUse::SamlEncryption => format!(
            "Give every provider {}; the older key decrypts until then, and retire the older key when all have it.",
            metadata()
        ),
        KeyUse::IdToken | KeyUse::AccessToken => format!(
            "It is in {}/.well-known/jwks.json from now on: whoever keeps a copy must read it anew before the new key \
             is used. Retire the older key when the tokens that it signed have ended: the list says when.",
            pool.issuer(surface)
        ),
        KeyUse::RefreshToken => {
            "Nobody outside needs to know. Retire the older key when the tokens that it sealed have ended: the list \
             says when."
                .to_owned()
        }
    }
}

/// A key for a person: what it does, and what others know it by.
fn describe(pool: &LivePool, key: &KeyRecord, now: OffsetDateTime) -> String {
    let keys = pool.keys.records();
    let does = match (roll_over::state(keys, key, now), key.key_use) {
        (KeyState::InUse, KeyUse::SamlEncryption) => "in use: shown to providers, decrypts".to_owned(),
        (KeyState::InUse, KeyUse::RefreshToken) => "in use: seals".to_owned(),
        (KeyState::InUse, _) => "in use: signs".to_owned(),
        (KeyState::Waiting(from), KeyUse::RefreshToken) => format!("known, seals from {} on", moment(from)),
        (KeyState::Waiting(from), _) => format!("published, signs from {} on", moment(from)),
        (KeyState::Old, KeyUse::SamlSigning) => "old: published, signs no more".to_owned(),
        (KeyState::Old, KeyUse::SamlEncryption) => "old: still decrypts, shown no more".to_owned(),
        (KeyState::Old, _) => {
            let until = roll_over::needed_until(keys, key, pool.longest_refresh());
            let until = until.map(|until| moment(until.unix_timestamp())).unwrap_or_default();
            format!("old: makes no tokens any more, those that it made live until {until} at most")
        }
    };
    let mut text = format!("{} {}\n  {does}\n  made {}", name_of(key.key_use), key.id, moment(key.created));
    if let Some(kid) = pool.keys.kid(&key.id) {
        let _ = write!(text, "\n  kid {kid}");
    }
    if let Some(certificate) = &key.certificate {
        describe_certificate(&mut text, certificate);
    }
    text
}

const fn name_of(key_use: KeyUse) -> &'static str {
    match key_use {
        KeyUse::IdToken => "id-token",
        KeyUse::AccessToken => "access-token",
        KeyUse::RefreshToken => "refresh-token",
        KeyUse::SamlSigning => "saml-signing",
        KeyUse::SamlEncryption => "saml-encryption",
    }
}

/// Until when the certificate lasts, and the certificate as a PEM file.
fn describe_certificate(text: &mut String, certificate: &str) {
    let der = STANDARD.decode(certificate).unwrap_or_default();
    if let Ok(read) = VerifyKey::from_der(&der) {
        let fingerprint: Vec<_> =
            digest(&SHA256, &der).as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        let ends = moment(read.not_after.unix_timestamp());
        let _ = write!(text, "\n  certificate until {ends}\n  SHA-256 {}", fingerprint.join(":"));
    }
    let mut rest = certificate;
    text.push_str("\n-----BEGIN CERTIFICATE-----\n");
    while let Some((line, more)) = rest.split_at_checked(64) {
        let _ = writeln!(text, "{line}");
        rest = more;
    }
    if !rest.is_empty() {
        let _ = writeln!(text, "{rest}");
    }
    text.push_str("-----END CERTIFICATE-----");
}

fn moment(seconds: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(seconds).ok();
    moment.and_then(|moment| moment.format(&Rfc3339).ok()).unwrap_or_else(|| seconds.to_string())
}
