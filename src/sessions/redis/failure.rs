//! What went wrong with one command, read for one question: did it run?

use redis::{ErrorKind, RedisError, ServerErrorKind, Value};

use super::address::HostPort;
use crate::sessions::SessionError;

/// Longest words of a server that are passed on, in characters.
const MAX_WORDS: usize = 160;

/// Why there is no answer to a command. No reason holds a secret or the name of a key.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// Not run: another node serves the key. Without a host: this node's own.
    Moved(Option<HostPort>),
    /// Not run: this once, another node serves the key.
    Ask(Option<HostPort>),
    /// Not run: the server does not have the script.
    NoScript,
    /// Not run: the server cannot now.
    Later(String),
    /// Not run: the server is no master any more.
    NotMaster(String),
    /// Never sent.
    Unreachable(String),
    /// Sent, and the connection broke: nobody knows whether it ran.
    Lost(String),
    /// Sent, and no answer in time: it may still run, however much later.
    Late,
    /// Ran, but not as many replicas as asked for know of it.
    Unconfirmed,
    /// Not run: no memory for it.
    Full,
    /// Not run, and will not be.
    Refused(String),
}

impl Failure {
    /// What the caller of the store hears.
    pub(super) fn into_error(self) -> SessionError {
        SessionError::Away(match self {
            Self::Full => return SessionError::Full,
            Self::Moved(_) | Self::Ask(_) => "the cluster sends every step to another node".to_owned(),
            Self::NoScript => "Redis forgets its scripts".to_owned(),
            Self::Late => "Redis did not answer in time".to_owned(),
            Self::Unconfirmed => {
                "not as many replicas as wait_replicas asks for confirmed the step in time".to_owned()
            }
            Self::Later(why)
            | Self::NotMaster(why)
            | Self::Unreachable(why)
            | Self::Lost(why)
            | Self::Refused(why) => why,
        })
    }

    /// What a failed call means.
    pub(super) fn of(error: &RedisError) -> Self {
        match error.kind() {
            ErrorKind::Server(kind) => Self::of_server(kind, error),
            ErrorKind::Extension => Self::of_other(error),
            ErrorKind::AuthenticationFailed => {
                Self::Refused(format!("Redis refuses the login: {}", words(error)))
            }
            ErrorKind::RESP3NotSupported => Self::Refused("this Redis is older than 6.2".to_owned()),
            _ if error.is_timeout() => Self::Late,
            _ => Self::Lost(format!("the connection broke: {}", words(error))),
        }
    }

    /// The answer, or the error that came as one.
    pub(super) fn or_value(value: Value) -> Result<Value, Self> {
        value.extract_error().map_err(|error| Self::of(&error))
    }

    fn of_server(kind: ServerErrorKind, error: &RedisError) -> Self {
        let to = || {
            let (address, _) = error.redirect_node()?;
            let (host, port) = address.rsplit_once(':')?;
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let port = port.parse().ok()?;
            Some(HostPort { host: host.to_owned(), port })
        };
        match kind {
            ServerErrorKind::Moved => Self::Moved(to()),
            ServerErrorKind::Ask => Self::Ask(to()),
            ServerErrorKind::NoScript => Self::NoScript,
            ServerErrorKind::BusyLoading | ServerErrorKind::TryAgain | ServerErrorKind::ClusterDown => {
                Self::Later(format!("Redis answers {}", words(error)))
            }
            ServerErrorKind::MasterDown | ServerErrorKind::ReadOnly => {
                Self::NotMaster(format!("Redis answers {}", words(error)))
            }
            _ => Self::of_other(error),
        }
    }

    fn of_other(error: &RedisError) -> Self {
        let code = error.code().unwrap_or_default();
        let detail = error.detail().unwrap_or_default();
        // Before version 7, an error inside a script came as ERR with the real one in its words.
        if code == "OOM" || detail.contains("OOM command not allowed") {
            return Self::Full;
        }
        if ["READONLY", "MASTERDOWN"].contains(&code) || detail.contains("-READONLY") {
            return Self::NotMaster(format!("Redis answers {}", words(error)));
        }
        if ["NOREPLICAS", "MISCONF", "BUSY"].contains(&code) || detail.contains("-NOREPLICAS") {
            return Self::Later(format!("Redis answers {}", words(error)));
        }
        match code {
            "WRONGPASS" | "NOAUTH" => Self::Refused(format!("Redis refuses the login: {}", words(error))),
            _ => Self::Refused(format!("Redis refuses: {}", words(error))),
        }
    }
}

/// What the server or the system said, shortened, without the arguments that some servers repeat.
fn words(error: &RedisError) -> String {
    let text = match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        (Some(code), None) => code.to_owned(),
        _ => error.to_string(),
    };
    let text = text.split(", with args").next().unwrap_or_default();
    text.chars().filter(|c| !c.is_control()).take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(line: &str) -> Failure {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        Failure::or_value(value).unwrap_err()
    }

    #[test]
    fn an_error_inside_a_script_counts_as_what_it_is_on_servers_of_any_age() {
        for line in [
            "OOM command not allowed when used memory > 'maxmemory'.",
            "ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed when used memory",
        ] {
            assert!(matches!(answered(line), Failure::Full), "{line}");
        }
        for line in [
            "READONLY You can't write against a read only replica.",
            "MASTERDOWN Link with MASTER is down.",
            "ERR Error running script (call to f_1): @user_script:1: -READONLY You can't write",
        ] {
            assert!(matches!(answered(line), Failure::NotMaster(_)), "{line}");
        }
        for line in [
            "NOREPLICAS Not enough good replicas to write.",
            "MISCONF Redis is configured to save RDB snapshots",
            "BUSY Redis is busy running a script.",
            "LOADING Redis is loading the dataset in memory",
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "CLUSTERDOWN The cluster is down",
        ] {
            assert!(matches!(answered(line), Failure::Later(_)), "{line}");
        }
        for line in ["ERR unknown command 'GETDEL'", "NOPERM no permissions", "WRONGTYPE not a string"] {
            assert!(matches!(answered(line), Failure::Refused(_)), "{line}");
        }
    }

    #[test]
    fn a_redirection_names_its_node_also_by_an_ipv6_address() {
        let node = |host: &str| Some(HostPort { host: host.to_owned(), port: 7001 });
        for (line, expected) in [
            ("MOVED 5 db:7001", node("db")),
            ("MOVED 5 [::1]:7001", node("::1")),
            ("MOVED 5 :7001", node("")),
        ] {
            let Failure::Moved(to) = answered(line) else { panic!("{line}") };
            assert_eq!(to, expected, "{line}");
        }
    }

    #[test]
    fn no_argument_of_a_step_is_told_and_no_long_story() {
        let SessionError::Away(told) =
            answered("ERR unknown command 'GETDEL', with args beginning with: 'poolgate:v1:code:hunter2'")
                .into_error()
        else {
            panic!("it is away")
        };
        assert!(told.contains("GETDEL") && !told.contains("hunter2"), "{told}");
        let SessionError::Away(long) = answered(&format!("ERR {}", "x".repeat(5_000))).into_error() else {
            panic!("it is away")
        };
        assert!(long.len() < 300, "{}", long.len());
    }
}
