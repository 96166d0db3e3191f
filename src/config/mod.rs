//! Settings: environment over file over defaults, each checked before anything starts (`interface.md`).

mod generated;
mod source;
mod stores;

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use poolgate_providers::saml::Engines;
use secrecy::SecretString;
use thiserror::Error;
use url::Url;
use zeroize::Zeroizing;

pub use generated::{Credentials, Secrets};
use source::Source;

use crate::audit;
use crate::stores::{DirectoryPlace, SessionPlace};
use crate::throttle::Rates;

/// A setting that cannot be used. One line: its name, what was given, what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{setting}: {given}; allowed: {allowed}")]
pub struct SettingsError {
    /// `POOLGATE_…`, or `--config`.
    pub setting: String,
    /// What was given, never a secret.
    pub given: String,
    /// What would do.
    pub allowed: String,
}

impl SettingsError {
    fn new(setting: &str, given: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self { setting: setting.to_owned(), given: given.into(), allowed: allowed.into() }
    }
}

/// PEM files for HTTPS.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// Every setting, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address of the public listener.
    pub listen: SocketAddr,
    /// Base of issuers and of pool domains: scheme, host, port, nothing else.
    pub public_url: Url,
    /// First half of pool ids; region of ARNs and signatures.
    pub region: String,
    /// Twelve digits, for ARNs.
    pub account_id: String,
    /// Embedded stores and generated secrets.
    pub data_dir: PathBuf,
    /// Where the directory is.
    pub directory: DirectoryPlace,
    /// Where the session store is.
    pub sessions: SessionPlace,
    /// Management credentials, when given.
    pub credentials: Option<(String, SecretString)>,
    /// The master key, when given.
    pub master_key: Option<Zeroizing<Vec<u8>>>,
    /// HTTPS, when given.
    pub tls: Option<TlsFiles>,
    /// Whose `Forwarded` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Address of metrics and health.
    pub metrics_listen: SocketAddr,
    /// Where audit events are written.
    pub audit_log: audit::Place,
    /// How often a source, a client or a user may ask.
    pub rate_limits: Rates,
    /// Extra trust roots for calls to providers.
    pub idp_ca_file: Option<PathBuf>,
    /// Networks that calls to providers may reach besides public ones.
    pub idp_networks: Vec<IpNet>,
    /// Which engines must accept a SAML signature.
    pub saml_engines: Engines,
    /// Lambda Invoke API of triggers, when given.
    pub lambda_endpoint: Option<Url>,
    /// Providers may be plain http on loopback.
    pub dev: bool,
    /// Sentences to say at start.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Reads the environment, and the file if there is one.
    ///
    /// # Errors
    /// The first setting that is wrong.
    pub fn load(file: Option<PathBuf>) -> Result<Self, SettingsError> {
        Self::from_source(&Source::load(file.as_deref(), |name| std::env::var(name).ok())?)
    }

    /// What the demo runs with: everything default, providers on loopback, data in `data_dir`.
    ///
    /// # Errors
    /// When the URL is no base URL.
    pub fn for_demo(public_url: &str, data_dir: &std::path::Path) -> Result<Self, SettingsError> {
        let data_dir = data_dir.to_string_lossy().into_owned();
        Self::from_source(&Source::load(None, |name| match name {
            "POOLGATE_PUBLIC_URL" => Some(public_url.to_owned()),
            "POOLGATE_DATA_DIR" => Some(data_dir.clone()),
            "POOLGATE_DEV" => Some("true".to_owned()),
            // One person at one browser, and tests.
            "POOLGATE_RATE_LIMITS" => Some("off".to_owned()),
            _ => None,
        })?)
    }

    fn from_source(source: &Source) -> Result<Self, SettingsError> {
        let data_dir = PathBuf::from(source.get("data_dir").unwrap_or("./poolgate-data"));
        let (public_url, mut warnings) = public_url(source)?;
        warnings.extend(not_in_this_build(source)?);
        let (lambda_endpoint, about_lambda) = lambda_endpoint(source)?;
        warnings.extend(about_lambda);
        let directory = stores::directory(source, &data_dir)?;
        let (sessions, about_sessions) = stores::sessions(source, &data_dir)?;
        warnings.extend(stores::shared(source, &directory, &sessions)?);
        warnings.extend(about_sessions);
        Ok(Self {
            listen: address(source, "listen", "127.0.0.1:9229")?,
            public_url,
            region: region(source)?,
            account_id: account_id(source)?,
            directory,
            sessions,
            data_dir,
            credentials: credentials(source)?,
            master_key: master_key(source)?,
            tls: tls(source)?,
            trusted_proxies: networks(source, "trusted_proxies")?,
            metrics_listen: address(source, "metrics_listen", "127.0.0.1:9230")?,
            audit_log: audit_log(source),
            rate_limits: rate_limits(source)?,
            idp_ca_file: source.get("idp_ca_file").map(PathBuf::from),
            idp_networks: networks(source, "idp_networks")?,
            saml_engines: engines(source)?,
            lambda_endpoint,
            dev: flag(source, "dev")?,
            warnings,
        })
    }
}

fn address(source: &Source, key: &str, default: &str) -> Result<SocketAddr, SettingsError> {
    let given = source.get(key).unwrap_or(default);
    given.parse().map_err(|_| source.error(key, given, "an IP address and port, such as 127.0.0.1:9229"))
}

fn public_url(source: &Source) -> Result<(Url, Vec<String>), SettingsError> {
    let given = source.get("public_url").unwrap_or("http://localhost:9229");
    let refuse = || {
        let allowed = "https://HOST[:PORT] or http://HOST[:PORT], with nothing after it";
        source.error("public_url", given, allowed)
    };
    let url = Url::parse(given).map_err(|_| refuse())?;
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !bare || url.host_str().is_none() || !matches!(url.scheme(), "http" | "https") {
        return Err(refuse());
    }
    let mut warnings = Vec::new();
    if url.scheme() == "http" && !is_local(&url) {
        warnings.push(format!(
            "POOLGATE_PUBLIC_URL is {url}: without https, cookies and codes travel in the open"
        ));
    }
    Ok((url, warnings))
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn region(source: &Source) -> Result<String, SettingsError> {
    let given = source.get("region").unwrap_or("us-east-1");
    let good = (1..=32).contains(&given.len())
        && given.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let allowed = "1 to 32 lower-case letters, digits and hyphens, such as us-east-1";
    if good { Ok(given.to_owned()) } else { Err(source.error("region", given, allowed)) }
}

fn account_id(source: &Source) -> Result<String, SettingsError> {
    let given = source.get("account_id").unwrap_or("000000000000");
    let good = given.len() == 12 && given.bytes().all(|byte| byte.is_ascii_digit());
    if good { Ok(given.to_owned()) } else { Err(source.error("account_id", given, "12 digits")) }
}

fn engines(source: &Source) -> Result<Engines, SettingsError> {
    match source.get("saml_engines") {
        None | Some("rust") => Ok(Engines::Rust),
        Some("both") => Engines::both().ok_or_else(|| {
            let allowed = "rust (both needs a build with the cargo feature samael)";
            source.error("saml_engines", "both", allowed)
        }),
        Some(given) => Err(source.error("saml_engines", given, "rust or both")),
    }
}

fn credentials(source: &Source) -> Result<Option<(String, SecretString)>, SettingsError> {
    match (source.get("access_key_id"), source.get("secret_access_key")) {
        (None, None) => Ok(None),
        (Some(id), Some(secret)) => {
            let good = (3..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !good {
                return Err(source.error("access_key_id", id, "3 to 128 letters and digits"));
            }
            if secret.len() < 8 {
                return Err(source.error("secret_access_key", "(hidden)", "8 characters or more"));
            }
            Ok(Some((id.to_owned(), SecretString::from(secret))))
        }
        (Some(_), None) => Err(source.error("secret_access_key", "nothing", "both credentials, or neither")),
        (None, Some(_)) => Err(source.error("access_key_id", "nothing", "both credentials, or neither")),
    }
}

fn master_key(source: &Source) -> Result<Option<Zeroizing<Vec<u8>>>, SettingsError> {
    use base64::Engine as _;
    let Some(given) = source.get("master_key") else { return Ok(None) };
    match base64::engine::general_purpose::STANDARD.decode(given).map(Zeroizing::new) {
        Ok(bytes) if bytes.len() == 32 => Ok(Some(bytes)),
        _ => Err(source.error("master_key", "(hidden)", "32 bytes in base64 (44 characters)")),
    }
}

fn tls(source: &Source) -> Result<Option<TlsFiles>, SettingsError> {
    match (source.get("tls_cert"), source.get("tls_key")) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            Ok(Some(TlsFiles { certificate: PathBuf::from(certificate), key: PathBuf::from(key) }))
        }
        (Some(_), None) => Err(source.error("tls_key", "nothing", "both PEM files, or neither")),
        (None, Some(_)) => Err(source.error("tls_cert", "nothing", "both PEM files, or neither")),
    }
}

fn networks(source: &Source, key: &str) -> Result<Vec<IpNet>, SettingsError> {
    let given = source.get(key).unwrap_or_default();
    let parts = given.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let parsed = part.parse::<IpNet>().or_else(|_| part.parse::<std::net::IpAddr>().map(IpNet::from));
            parsed.map_err(|_| source.error(key, part, "networks such as 10.0.0.0/8, separated by commas"))
        })
        .collect()
}

fn audit_log(source: &Source) -> audit::Place {
    match source.get("audit_log") {
        None | Some("off") => audit::Place::Off,
        Some("stdout") => audit::Place::Stdout,
        Some(path) => audit::Place::File(PathBuf::from(path)),
    }
}

fn rate_limits(source: &Source) -> Result<Rates, SettingsError> {
    let given = source.get("rate_limits").unwrap_or("guide");
    Rates::parse(given).map_err(|(given, allowed)| source.error("rate_limits", &given, &allowed))
}

fn flag(source: &Source, key: &str) -> Result<bool, SettingsError> {
    match source.get(key) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(given) => Err(source.error(key, given, "true or false")),
    }
}

/// The Lambda Invoke API, and what there is to say of it. It may hold no password: a Lambda runtime asks for none.
fn lambda_endpoint(source: &Source) -> Result<(Option<Url>, Option<String>), SettingsError> {
    let Some(given) = source.get("lambda_endpoint") else { return Ok((None, None)) };
    let refuse = || {
        let shown = if given.contains('@') { "(hidden)" } else { given };
        let allowed =
            "https://HOST[:PORT][/PATH] or http://HOST[:PORT][/PATH], with no user and nothing after it";
        source.error("lambda_endpoint", shown, allowed)
    };
    let url = Url::parse(given).map_err(|_| refuse())?;
    let bare = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !bare || url.host_str().is_none() || !matches!(url.scheme(), "http" | "https") {
        return Err(refuse());
    }
    let open = url.scheme() == "http" && !is_local(&url);
    let warning = format!(
        "POOLGATE_LAMBDA_ENDPOINT is {url}: without https, people's attributes and their providers' tokens travel \
         in the open"
    );
    Ok((Some(url), open.then_some(warning)))
}

/// Settings whose work this build does not do yet: checked, and said so at start.
fn not_in_this_build(source: &Source) -> Result<Vec<String>, SettingsError> {
    let mut warnings = Vec::new();
    for (key, what) in [("smtp_url", "no mail is sent")] {
        if let Some(given) = source.get(key) {
            let url = Url::parse(given).map_err(|_| source.error(key, "(not a URL)", "an absolute URL"))?;
            let host = url.host_str().unwrap_or_default().to_owned();
            warnings.push(format!("{} is set ({host}), but in this build {what}", Source::name(key)));
        }
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests;
