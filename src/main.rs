//! Command line only: everything else is in the library.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use poolgate::config::Settings;
use poolgate::gateway::{self, Running, StartError};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A federation gateway: apps speak Amazon Cognito to it, identity providers SAML 2.0 or OpenID Connect.
#[derive(Parser)]
#[command(name = "poolgate", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the gateway. Settings come from POOLGATE_… in the environment, over the file, over the defaults.
    Serve {
        /// TOML file with settings: the names of the environment, lower case, without the prefix.
        #[arg(long)]
        config: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        return fail("another TLS provider is installed already", 1);
    }
    start_logs();
    // Requests are served by threads of their own: this one thread drives the stores' writers.
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string(), 1),
    };
    match arguments.command {
        Command::Serve { config } => runtime.block_on(serve(config)),
    }
}

/// Logs are JSON lines on standard error; `POOLGATE_LOG` filters them (default `info`).
fn start_logs() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("POOLGATE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

async fn serve(config: Option<PathBuf>) -> ExitCode {
    let settings = match Settings::load(config) {
        Ok(settings) => settings,
        Err(error) => return fail(&error.to_string(), 2),
    };
    // Before anybody is told that it is ready: a signal that came in between would kill it outright.
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(terminate), Ok(interrupt)) = signals else { return fail("signals cannot be received", 1) };
    let public_url = settings.public_url.as_str().trim_end_matches('/').to_owned();
    let running = match gateway::start(settings).await {
        Ok(running) => running,
        Err(StartError::Settings(error)) => return fail(&error.to_string(), 2),
        Err(error) => return fail(&error.to_string(), 1),
    };
    say(&format!("poolgate ready on {public_url}"));
    wait_and_stop(running, terminate, interrupt).await
}

async fn wait_and_stop(running: Running, mut terminate: Signal, mut interrupt: Signal) -> ExitCode {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    running.stop().await;
    ExitCode::SUCCESS
}

/// One line to standard output, at once.
fn say(line: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

fn fail(why: &str, code: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "poolgate: {why}");
    ExitCode::from(code)
}
