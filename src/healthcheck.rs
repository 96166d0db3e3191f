//! `poolgate healthcheck`: asks the gateway of the same settings how it is, for a container's health check. An image
//! without a shell has no other program that could.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::config::{Settings, SettingsError};

/// Most of an answer that is read, in bytes: the first line is all that counts.
const MOST: u64 = 4 * 1024;

/// What is asked, and for how long.
#[derive(Debug, Args)]
pub struct HealthcheckArguments {
    /// TOML file with settings: the same as for `serve`.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Asks whether it can sign people in (`/readyz`: both stores answer), not only whether it runs (`/healthz`).
    #[arg(long)]
    ready: bool,
    /// Seconds to wait for the answer, 1 to 60.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
}

/// Why it is not well. One line.
#[derive(Debug, Error)]
pub enum HealthcheckError {
    /// A setting cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// No answer came.
    #[error("http://{address}{path} does not answer: {why}")]
    Silent {
        /// The metrics listener.
        address: SocketAddr,
        /// `/healthz` or `/readyz`.
        path: &'static str,
        /// What happened instead.
        why: String,
    },
    /// It answered something else than 200.
    #[error("http://{address}{path} answers {status}")]
    Unwell {
        /// The metrics listener.
        address: SocketAddr,
        /// `/healthz` or `/readyz`.
        path: &'static str,
        /// The first line of the answer without its version.
        status: String,
    },
}

/// Asks once.
///
/// # Errors
/// See [`HealthcheckError`]: everything but an answer 200 within the time.
pub async fn run(arguments: HealthcheckArguments) -> Result<&'static str, HealthcheckError> {
    let address = reached_at(Settings::load(arguments.config)?.metrics_listen);
    let path = if arguments.ready { "/readyz" } else { "/healthz" };
    let silent = |why: String| HealthcheckError::Silent { address, path, why };
    let line = tokio::time::timeout(Duration::from_secs(arguments.timeout), first_line(address, path))
        .await
        .map_err(|_| silent(format!("nothing came within {} s", arguments.timeout)))?
        .map_err(|error| silent(error.to_string()))?;
    // HTTP/1.1 200 OK
    match line.split_once(' ') {
        Some((version, status)) if version.starts_with("HTTP/1.") => {
            if status.starts_with("200 ") {
                return Ok(if arguments.ready { "ready" } else { "ok" });
            }
            Err(HealthcheckError::Unwell { address, path, status: status.to_owned() })
        }
        _ => Err(silent("what came is not HTTP".to_owned())),
    }
}

/// A listener on every address is reached on loopback.
fn reached_at(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

async fn first_line(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer).await?;
    let text = String::from_utf8_lossy(&answer);
    // One line of printable characters: whatever listens there must not write to a terminal.
    let line = text.lines().next().unwrap_or_default();
    Ok(line.chars().filter(|character| !character.is_control()).take(80).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_asked_on_loopback() {
        for (listen, asked) in [
            ("0.0.0.0:9230", "127.0.0.1:9230"),
            ("[::]:9230", "[::1]:9230"),
            ("10.0.0.7:9230", "10.0.0.7:9230"),
            ("127.0.0.1:1", "127.0.0.1:1"),
        ] {
            assert_eq!(reached_at(listen.parse().unwrap()), asked.parse().unwrap(), "{listen}");
        }
    }
}
