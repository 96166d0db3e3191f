//! `POOLGATE_DIRECTORY_URL=postgres://…`: where the database is, and how it is used.

use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

/// What sqlx reads of the query; the rest of what it knows would be in the way of what is set here.
const OF_THE_DRIVER: [&str; 10] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
];

/// A database, a schema in it, and how it is used.
#[derive(Clone)]
pub struct Address {
    pub(super) options: PgConnectOptions,
    /// Its tables are in this schema.
    pub(super) schema: String,
    /// Most connections of this process: 1 to 100.
    pub(super) max_connections: u32,
    /// PgBouncer in transaction mode stands before it.
    pub(super) bouncer: bool,
    /// How long a caller waits for a connection and an answer.
    pub(super) timeout: Duration,
}

/// What of an address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressError {
    /// What was given: never the password.
    pub given: String,
    /// What would do.
    pub allowed: &'static str,
}

fn refuse(given: impl Into<String>, allowed: &'static str) -> AddressError {
    AddressError { given: given.into(), allowed }
}

impl fmt::Debug for Address {
    /// Without the password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Address")
            .field("place", &self.place())
            .field("schema", &self.schema)
            .field("max_connections", &self.max_connections)
            .field("pgbouncer", &self.bouncer)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Address {
    /// Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE?…`; besides what PostgreSQL's own clients know (`sslmode`,
    /// `sslrootcert` and so on): `schema`, `max_connections`, `pgbouncer`, `timeout_ms`.
    ///
    /// # Errors
    /// What of it cannot be used.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        const FORM: &str = "postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full";
        // A password with a raw / ? or # would otherwise be shown as a host, port or database.
        let behind = text.split_once("://").and_then(|(_, rest)| rest.split_once(['/', '?', '#']));
        if text.contains('#') || behind.is_some_and(|(_, behind)| behind.contains('@')) {
            return Err(refuse(
                "an unencoded / ? # or @",
                "these percent-encoded in user, password and parameters",
            ));
        }
        let mut url = Url::parse(text).map_err(|error| refuse(format!("no URL ({error})"), FORM))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(refuse(url.scheme(), FORM));
        }
        let pairs: Vec<_> =
            url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        let (mut schema, mut max_connections) = ("public".to_owned(), 10);
        let (mut bouncer, mut timeout) = (false, Duration::from_millis(3000));
        let mut left = Vec::new();
        for (key, value) in pairs {
            match &*key {
                "schema" => schema = read_schema(&value)?,
                "max_connections" => {
                    max_connections = number(&key, &value, 1, 100, "max_connections=1 to 100")?
                }
                "timeout_ms" => {
                    let allowed = "timeout_ms=100 to 60000 (milliseconds)";
                    timeout = Duration::from_millis(number(&key, &value, 100, 60_000, allowed)?.into());
                }
                "pgbouncer" => {
                    bouncer = value.parse().map_err(|_| {
                        refuse(format!("pgbouncer={value}"), "pgbouncer=true or pgbouncer=false")
                    })?;
                }
                known if OF_THE_DRIVER.contains(&known) => left.push((key, value)),
                _ => {
                    let allowed = "schema, max_connections, timeout_ms, pgbouncer, sslmode, sslrootcert, sslcert, \
                                   sslkey, host, port, dbname, user, password, application_name";
                    return Err(refuse(format!("the unknown parameter {key}"), allowed));
                }
            }
        }
        url.set_query(None);
        if !left.is_empty() {
            url.query_pairs_mut().extend_pairs(left);
        }
        let options = PgConnectOptions::from_str(url.as_str())
            .map_err(|error| refuse(format!("what cannot be read ({error})"), FORM))?
            .disable_statement_logging();
        let options = match options.get_application_name() {
            Some(_) => options,
            None => options.application_name("poolgate"),
        };
        Ok(Self { options, schema, max_connections, bouncer, timeout })
    }

    /// Host, port and database, for people.
    pub fn place(&self) -> String {
        let host = match self.options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => self.options.get_host().to_owned(),
        };
        let database = self.options.get_database().unwrap_or_else(|| self.options.get_username());
        format!("{host}:{}/{database}", self.options.get_port())
    }

    /// What whoever runs the gateway should know, if anything.
    pub fn warning(&self) -> Option<String> {
        let host = self.options.get_host();
        let local = self.options.get_socket().is_some()
            || host.starts_with('/')
            || host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        let open =
            matches!(self.options.get_ssl_mode(), PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer);
        (open && !local).then(|| {
            format!(
                "POOLGATE_DIRECTORY_URL goes to {host} without sslmode=require, verify-ca or verify-full: what \
                 is stored there, and the password, may travel in the open"
            )
        })
    }
}

fn number(key: &str, value: &str, least: u32, most: u32, allowed: &'static str) -> Result<u32, AddressError> {
    match value.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(refuse(format!("{key}={value}"), allowed)),
    }
}

fn read_schema(value: &str) -> Result<String, AddressError> {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let good = (1..=63).contains(&value.len())
        && value.bytes().next().is_some_and(first)
        && value.bytes().all(|byte| first(byte) || byte.is_ascii_digit())
        && !value.starts_with("pg_");
    let allowed = "schema=1 to 63 lower-case letters, digits and underscores, no digit and no pg_ first";
    if good { Ok(value.to_owned()) } else { Err(refuse(format!("schema={value}"), allowed)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_is_taken_out_and_the_rest_is_the_drivers() {
        let address = Address::parse(
            "postgresql://me:secret@db.example:6432/pool?schema=gate&max_connections=7&pgbouncer=true&\
             timeout_ms=500&sslmode=require&sslrootcert=/tmp/a.pem",
        )
        .unwrap();
        assert_eq!((&*address.schema, address.max_connections, address.bouncer), ("gate", 7, true));
        assert_eq!(address.timeout, Duration::from_millis(500));
        assert_eq!(address.place(), "db.example:6432/pool");
        assert!(matches!(address.options.get_ssl_mode(), PgSslMode::Require));
        assert_eq!(address.warning(), None);
        assert!(!format!("{address:?}").contains("secret"));
    }

    #[test]
    fn without_parameters_the_defaults_hold() {
        let address = Address::parse("postgres://me@127.0.0.1/pool").unwrap();
        assert_eq!((&*address.schema, address.max_connections, address.bouncer), ("public", 10, false));
        assert_eq!((address.timeout, address.warning()), (Duration::from_secs(3), None));
        assert_eq!(address.options.get_application_name(), Some("poolgate"));
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name_and_the_password_is_never_shown() {
        for (query, named) in [
            ("schema=Pool", "schema=Pool"),
            ("schema=", "schema="),
            ("schema=a%22b", "schema=a\"b"),
            ("schema=pg_temp", "schema=pg_temp"),
            ("max_connections=0", "max_connections=0"),
            ("max_connections=101", "max_connections=101"),
            ("timeout_ms=soon", "timeout_ms=soon"),
            ("pgbouncer=yes", "pgbouncer=yes"),
            ("options=-c%20search_path%3Dx", "options"),
            ("statement-cache-capacity=0", "statement-cache-capacity"),
            ("shcema=x", "shcema"),
            ("sslmode=maybe", "maybe"),
            ("port=many", "what cannot be read"),
        ] {
            let error = Address::parse(&format!("postgres://me:hunter2@db/pool?{query}")).unwrap_err();
            assert!(error.given.contains(named), "{query}: {error:?}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        let error = Address::parse("postgres://me:hunter2@db:99999/pool").unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        // Each would be read as another host and database, which are shown.
        for raw in ["12/hunter2", "12?hunter2", "12#hunter2", "12/hunter@2"] {
            let error = Address::parse(&format!("postgres://me:{raw}@db/pool")).unwrap_err();
            assert_eq!(error.given, "an unencoded / ? # or @", "{raw}");
        }
        let encoded = "postgres://me:1%2F2%3F3%234%405@db/pool";
        assert_eq!(Address::parse(encoded).unwrap().place(), "db:5432/pool");
    }

    #[test]
    fn a_connection_that_may_be_plain_is_warned_of_unless_it_stays_on_this_machine() {
        for (url, warned) in [
            ("postgres://db.example/p", true),
            ("postgres://db.example/p?sslmode=disable", true),
            ("postgres://db.example/p?sslmode=verify-full", false),
            ("postgres://localhost/p?sslmode=disable", false),
            ("postgres://[::1]/p", false),
            ("postgres://%2Frun%2Fpostgresql/p", false),
        ] {
            assert_eq!(Address::parse(url).unwrap().warning().is_some(), warned, "{url}");
        }
    }
}
