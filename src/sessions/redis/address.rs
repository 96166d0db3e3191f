//! `POOLGATE_SESSION_URL` for Redis: standalone, Cluster or Sentinel, with or without TLS.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use redis::{ConnectionAddr, IntoConnectionInfo as _};
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;
use url::form_urlencoded;

/// The forms there are, for error messages.
pub const FORMS: &str = "redis://[USER:PASSWORD@]HOST[:PORT][/DB], redis+cluster://HOST[:PORT],HOST[:PORT],... or \
                         redis+sentinel://HOST[:PORT],HOST[:PORT],.../MASTER[/DB], each also with rediss for TLS";
/// Parameters behind the question mark.
const PARAMETERS: [&str; 6] =
    ["prefix", "ca_file", "sentinel_user", "sentinel_password", "wait_replicas", "timeout_ms"];
/// Most replicas that a step waits for.
const MOST_REPLICAS: u8 = 5;
/// Most hosts in a list.
const MOST_HOSTS: usize = 32;
/// Where a Redis listens, and a Sentinel.
const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// A part of the address that cannot be used; holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{given}")]
pub struct AddressError {
    /// What was given, or what is wrong with it.
    pub given: String,
    /// What is allowed there.
    pub allowed: String,
}

fn refuse(given: impl Into<String>, allowed: impl Into<String>) -> AddressError {
    AddressError { given: given.into(), allowed: allowed.into() }
}

/// Host (without brackets) and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl HostPort {
    /// Whether it is this machine.
    fn is_loopback(&self) -> bool {
        let address = self.host.parse::<std::net::IpAddr>();
        address.map_or(self.host == "localhost" || self.host.ends_with(".localhost"), |ip| ip.is_loopback())
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// How the servers stand to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// One server, or an address that leads to the one that is master.
    Standalone(HostPort),
    /// Sentinels, who know the master of this name.
    Sentinel {
        /// Who is asked.
        sentinels: Vec<HostPort>,
        /// The master's name.
        master: String,
    },
    /// Nodes of a cluster, who know the others.
    Cluster(Vec<HostPort>),
}

/// Whom a server takes us for. Debug shows no password.
#[derive(Debug, Clone, Default)]
pub struct Login {
    /// ACL user; without one, Redis' `default`.
    pub user: Option<String>,
    /// Password.
    pub password: Option<SecretString>,
}

impl PartialEq for Login {
    fn eq(&self, other: &Self) -> bool {
        let password = |login: &Self| login.password.as_ref().map(|secret| secret.expose_secret().to_owned());
        self.user == other.user && password(self) == password(other)
    }
}

impl Eq for Login {}

/// A Redis, as the setting names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisAddress {
    /// Standalone, Sentinel or Cluster.
    pub shape: Shape,
    /// TLS to every server, Sentinels too.
    pub tls: bool,
    /// Who we are.
    pub login: Login,
    /// Who we are to the Sentinels.
    pub sentinel_login: Login,
    /// Database number; 0 in a cluster.
    pub database: i64,
    /// First part of every key: 1 to 64 letters, digits, `-`, `_` and `.`.
    pub prefix: String,
    /// Trust roots (PEM) in the place of the system's.
    pub ca_file: Option<PathBuf>,
    /// How many replicas must confirm a step that uses something up, or marks it used: 0 to 5.
    pub wait_replicas: u8,
    /// How long a connection, and an answer, may take: 50 ms to 60 s.
    pub timeout: Duration,
}

impl RedisAddress {
    /// Whether this is an address of Redis at all, by its scheme.
    pub fn is_one(url: &str) -> bool {
        url.split_once("://").is_some_and(|(scheme, _)| {
            ["redis", "rediss"].contains(&scheme.split_once('+').map_or(scheme, |(first, _)| first))
        })
    }

    /// Reads the setting.
    ///
    /// # Errors
    /// What is wrong with it, and what is allowed.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| refuse("no scheme", FORMS))?;
        let (tls, form) = match scheme.strip_prefix("redis") {
            Some(rest) => rest.strip_prefix('s').map_or((false, rest), |rest| (true, rest)),
            None => return Err(refuse(scheme, FORMS)),
        };
        // A password with a raw / or ? would otherwise be shown as a host, path or parameter.
        let behind = rest.split_once(['/', '?', '#']).map_or("", |(_, behind)| behind);
        if rest.contains('#') || behind.contains('@') {
            return Err(refuse(
                "an unencoded / ? # or @",
                "these percent-encoded in user, password and parameters",
            ));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let login = read_login(login)?;
        let (shape, database) = match form {
            "" => {
                let mut hosts = read_hosts(hosts, REDIS_PORT)?;
                let only = hosts.pop().filter(|_| hosts.is_empty());
                let host = only.ok_or_else(|| {
                    refuse("several hosts", "one host; see redis+cluster and redis+sentinel")
                })?;
                (Shape::Standalone(host), read_database(path)?)
            }
            "+cluster" if path.is_empty() => (Shape::Cluster(read_hosts(hosts, REDIS_PORT)?), 0),
            "+cluster" => return Err(refuse("a path", "no database number: a cluster has only 0")),
            "+sentinel" => {
                let (master, path) = path.split_once('/').unwrap_or((path, ""));
                let sentinels = read_hosts(hosts, SENTINEL_PORT)?;
                (Shape::Sentinel { sentinels, master: read_master(master)? }, read_database(path)?)
            }
            _ => return Err(refuse(scheme, FORMS)),
        };
        Parameters::read(query)?.into_address(shape, tls, login, database)
    }

    /// What is unwise about it, in sentences.
    pub fn warnings(&self) -> Vec<String> {
        let hosts = match &self.shape {
            Shape::Standalone(host) => std::slice::from_ref(host),
            Shape::Sentinel { sentinels: hosts, .. } | Shape::Cluster(hosts) => hosts,
        };
        let mut warnings = Vec::new();
        let Some(host) = hosts.iter().find(|host| !host.is_loopback()) else { return warnings };
        if !self.tls {
            warnings.push(format!(
                "POOLGATE_SESSION_URL reaches {host} without TLS: whoever is on the way sees the password and can \
                 change what is asked; use rediss"
            ));
        }
        if self.login.password.is_none() {
            warnings.push(format!(
                "POOLGATE_SESSION_URL has no password: whoever reaches {host} can end sessions and forget what was used"
            ));
        }
        warnings
    }
}

/// What stands behind the question mark.
#[derive(Default)]
struct Parameters {
    prefix: Option<String>,
    ca_file: Option<PathBuf>,
    sentinel_login: Login,
    wait_replicas: Option<u8>,
    timeout: Option<Duration>,
}

impl Parameters {
    fn read(query: &str) -> Result<Self, AddressError> {
        let mut all = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if seen.iter().any(|known| *known == name) {
                return Err(refuse(format!("the parameter {name} twice"), "each parameter once"));
            }
            match &*name {
                "prefix" => all.prefix = Some(read_prefix(&value)?),
                "ca_file" if !value.is_empty() => all.ca_file = Some(PathBuf::from(&*value)),
                "ca_file" => return Err(refuse("an empty ca_file", "the path of a PEM file")),
                "sentinel_user" => all.sentinel_login.user = Some(value.into_owned()),
                "sentinel_password" => all.sentinel_login.password = Some(SecretString::from(&*value)),
                "wait_replicas" => all.wait_replicas = Some(read_replicas(&value)?),
                "timeout_ms" => all.timeout = Some(read_timeout(&value)?),
                _ => return Err(refuse(format!("the unknown parameter {name:?}"), PARAMETERS.join(", "))),
            }
            seen.push(name.into_owned());
        }
        Ok(all)
    }

    fn into_address(
        self,
        shape: Shape,
        tls: bool,
        login: Login,
        database: i64,
    ) -> Result<RedisAddress, AddressError> {
        let is_sentinel = matches!(shape, Shape::Sentinel { .. });
        if !is_sentinel && self.sentinel_login != Login::default() {
            return Err(refuse("sentinel_user or sentinel_password", "these only with redis+sentinel"));
        }
        if !tls && self.ca_file.is_some() {
            return Err(refuse("ca_file without TLS", "ca_file only with rediss"));
        }
        let replicas = if matches!(shape, Shape::Standalone(_)) { 0 } else { 1 };
        Ok(RedisAddress {
            shape,
            tls,
            login,
            sentinel_login: self.sentinel_login,
            database,
            prefix: self.prefix.unwrap_or_else(|| "poolgate".to_owned()),
            ca_file: self.ca_file,
            wait_replicas: self.wait_replicas.unwrap_or(replicas),
            timeout: self.timeout.unwrap_or(Duration::from_secs(1)),
        })
    }
}

/// `USER:PASSWORD`, each percent-encoded: the client library decodes them.
fn read_login(text: &str) -> Result<Login, AddressError> {
    if text.is_empty() {
        return Ok(Login::default());
    }
    let wrong =
        || refuse("a user or password that cannot be read", "USER:PASSWORD@ with / ? # @ : percent-encoded");
    let info = format!("redis://{text}@host").into_connection_info().map_err(|_| wrong())?;
    let settings = info.redis_settings();
    let password = settings.password().filter(|password| !password.is_empty()).map(SecretString::from);
    if password.is_none() && settings.username().is_some() {
        return Err(refuse("a user without a password", "USER:PASSWORD@, or :PASSWORD@"));
    }
    Ok(Login { user: settings.username().map(str::to_owned), password })
}

fn read_hosts(text: &str, port: u16) -> Result<Vec<HostPort>, AddressError> {
    let hosts: Result<Vec<_>, _> = text.split(',').map(|host| read_host(host, port)).collect();
    let hosts = hosts?;
    if hosts.len() > MOST_HOSTS {
        return Err(refuse(format!("{} hosts", hosts.len()), format!("at most {MOST_HOSTS}")));
    }
    Ok(hosts)
}

fn read_host(text: &str, default_port: u16) -> Result<HostPort, AddressError> {
    // Not shown: where somebody forgot @HOST, it is the password.
    let wrong =
        || refuse("a host that cannot be read", "HOST, HOST:PORT, or [IPV6]:PORT, separated by commas");
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    if text.is_empty() || !text.chars().all(plain) || text.ends_with(':') {
        return Err(wrong());
    }
    let info = format!("redis://{text}").into_connection_info().map_err(|_| wrong())?;
    match info.addr() {
        ConnectionAddr::Tcp(_, 0) => Err(wrong()),
        ConnectionAddr::Tcp(host, port) => {
            // The library says its own default where no port was given.
            let given = text.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
            Ok(HostPort { host: host.clone(), port: if given { *port } else { default_port } })
        }
        _ => Err(wrong()),
    }
}

fn read_database(path: &str) -> Result<i64, AddressError> {
    if path.is_empty() {
        return Ok(0);
    }
    let number = path.parse::<u16>().ok().filter(|_| path.bytes().all(|byte| byte.is_ascii_digit()));
    number.map(i64::from).ok_or_else(|| refuse(format!("the database {path:?}"), "a number from 0 to 65535"))
}

fn read_master(name: &str) -> Result<String, AddressError> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !name.is_empty() && name.len() <= 128 && name.chars().all(good) {
        return Ok(name.to_owned());
    }
    Err(refuse(format!("the master's name {name:?}"), "/MASTER behind the hosts: letters, digits, - _ and ."))
}

fn read_prefix(text: &str) -> Result<String, AddressError> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if (1..=64).contains(&text.len()) && text.chars().all(good) {
        return Ok(text.to_owned());
    }
    Err(refuse(format!("the prefix {text:?}"), "1 to 64 letters, digits, - _ and ."))
}

fn read_replicas(text: &str) -> Result<u8, AddressError> {
    let number = text.parse::<u8>().ok().filter(|number| *number <= MOST_REPLICAS);
    number.ok_or_else(|| refuse(format!("wait_replicas={text}"), format!("0 to {MOST_REPLICAS}")))
}

fn read_timeout(text: &str) -> Result<Duration, AddressError> {
    let number = text.parse::<u64>().ok().filter(|number| (50..=60_000).contains(number));
    let millis = number.ok_or_else(|| refuse(format!("timeout_ms={text}"), "50 to 60000"))?;
    Ok(Duration::from_millis(millis))
}
