//! Command line only: everything else is in the library.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use poolgate::apply::ApplyError;
use poolgate::apply::command::{self as apply_command, ApplyArguments, ExportArguments};
use poolgate::audit::Place;
use poolgate::certificates_command::{self, CertificatesCommand, CertificatesError};
use poolgate::check_provider::{self, CheckArguments};
use poolgate::config::Settings;
use poolgate::demo::{self, Ports};
use poolgate::gateway::{self, StartError};
use poolgate::healthcheck::{self, HealthcheckArguments, HealthcheckError};
use poolgate::keys_command::{self, KeysCommand, KeysError};
use poolgate::migrate::{self, MigrateArguments, MigrateError};
use poolgate::observe::logs;
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
    /// Dry-runs one provider: what its metadata and settings amount to, whether a captured response would be
    /// believed, and what would become of each attribute. Exit code 1 when something is wrong.
    CheckProvider {
        #[command(flatten)]
        arguments: Box<CheckArguments>,
    },
    /// Makes user pools, and what is in them, match a YAML file with the names of the management API: all at once, or
    /// not at all. Safe to repeat. Gateways run on meanwhile where the directory is on PostgreSQL; the gateway of an
    /// embedded directory must be stopped.
    Apply {
        #[command(flatten)]
        arguments: ApplyArguments,
    },
    /// Prints what exists as a file that `apply` reads back with no change.
    Export {
        #[command(flatten)]
        arguments: ExportArguments,
    },
    /// Asks the running gateway of the same settings how it is: exit code 0 when it is well, 1 when it is not.
    Healthcheck {
        #[command(flatten)]
        arguments: HealthcheckArguments,
    },
    /// Shows, rolls over and retires the keys of a pool: SAML, ID, access and refresh tokens. Gateways run on meanwhile where the directory is on
    /// PostgreSQL; the gateway of an embedded directory must be stopped.
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Imports, shows and removes the certificates of custom domains. Gateways run on meanwhile where the directory is
    /// on PostgreSQL; the gateway of an embedded directory must be stopped.
    Certificates {
        #[command(subcommand)]
        command: CertificatesCommand,
    },
    /// Copies the embedded directory into an empty PostgreSQL directory and compares every row. The gateway must be
    /// stopped meanwhile; nothing changes in the embedded directory.
    Migrate {
        #[command(flatten)]
        arguments: MigrateArguments,
    },
    /// Runs the gateway with simulated identity providers (SAML, OIDC, Google, Facebook, Login with Amazon, Sign in
    /// with Apple) and a sample app, on loopback, and prints the URL to open; and shows each hosted page in each
    /// state and language at another. Nothing is kept. A port of 0 is any that is free.
    Demo {
        /// Port of the gateway.
        #[arg(long, default_value_t = 9229)]
        gateway_port: u16,
        /// Port of the simulated SAML provider.
        #[arg(long, default_value_t = 9231)]
        saml_port: u16,
        /// Port of the simulated OIDC provider.
        #[arg(long, default_value_t = 9232)]
        oidc_port: u16,
        /// Port of the sample app.
        #[arg(long, default_value_t = 9233)]
        app_port: u16,
        /// Port of the simulated Google.
        #[arg(long, default_value_t = 9234)]
        google_port: u16,
        /// Port of the simulated Facebook.
        #[arg(long, default_value_t = 9235)]
        facebook_port: u16,
        /// Port of the simulated Login with Amazon.
        #[arg(long, default_value_t = 9236)]
        amazon_port: u16,
        /// Port of the simulated Sign in with Apple.
        #[arg(long, default_value_t = 9237)]
        apple_port: u16,
        /// Port of the preview of the hosted pages.
        #[arg(long, default_value_t = 9238)]
        preview_port: u16,
        /// Any free port for everything.
        #[arg(long)]
        free_ports: bool,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        return fail("another TLS provider is installed already", 1);
    }
    // Requests are served by threads of their own: this one thread drives the stores' writers.
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.to_string(), 1),
    };
    // The demo is for looking at the browser: only warnings are worth a line there. A printed answer needs none.
    let logs = match arguments.command {
        Command::Serve { .. } => logs::start("info", Some(runtime.handle())),
        Command::Demo { .. } => logs::start("warn", Some(runtime.handle())),
        _ => logs::start("error", None),
    };
    let code = run(arguments.command, &runtime);
    logs.close();
    code
}

fn run(command: Command, runtime: &tokio::runtime::Runtime) -> ExitCode {
    match command {
        Command::Serve { config } => runtime.block_on(serve(config)),
        Command::CheckProvider { arguments } => match runtime.block_on(check_provider::run(*arguments)) {
            Ok(report) => {
                say(report.text().trim_end());
                ExitCode::from(u8::from(!report.is_good()))
            }
            Err(error) => fail(&error.to_string(), 2),
        },
        Command::Apply { arguments } => told(runtime.block_on(apply_command::run_apply(arguments))),
        Command::Export { arguments } => told(runtime.block_on(apply_command::run_export(arguments))),
        Command::Healthcheck { arguments } => match runtime.block_on(healthcheck::run(arguments)) {
            Ok(said) => {
                say(said);
                ExitCode::SUCCESS
            }
            Err(error @ HealthcheckError::Settings(_)) => fail(&error.to_string(), 2),
            Err(error) => fail(&error.to_string(), 1),
        },
        Command::Keys { command } => match runtime.block_on(keys_command::run(command)) {
            Ok(said) => {
                say(&said);
                ExitCode::SUCCESS
            }
            Err(error @ KeysError::Settings(_)) => fail(&error.to_string(), 2),
            Err(error) => fail(&error.to_string(), 1),
        },
        Command::Certificates { command } => match runtime.block_on(certificates_command::run(command)) {
            Ok(said) => {
                say(&said);
                ExitCode::SUCCESS
            }
            Err(error @ CertificatesError::Open(KeysError::Settings(_))) => fail(&error.to_string(), 2),
            Err(error) => fail(&error.to_string(), 1),
        },
        Command::Migrate { arguments } => match runtime.block_on(migrate::run(arguments, &mut say)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error @ MigrateError::Settings(_)) => fail(&error.to_string(), 2),
            Err(error) => fail(&error.to_string(), 1),
        },
        Command::Demo {
            gateway_port,
            saml_port,
            oidc_port,
            app_port,
            google_port,
            facebook_port,
            amazon_port,
            apple_port,
            preview_port,
            free_ports,
        } => {
            let port = |given| if free_ports { 0 } else { given };
            let ports = Ports {
                gateway: port(gateway_port),
                saml: port(saml_port),
                oidc: port(oidc_port),
                google: port(google_port),
                facebook: port(facebook_port),
                amazon: port(amazon_port),
                apple: port(apple_port),
                app: port(app_port),
                preview: port(preview_port),
            };
            runtime.block_on(run_demo(ports))
        }
    }
}

async fn serve(config: Option<PathBuf>) -> ExitCode {
    let settings = match Settings::load(config) {
        Ok(settings) => settings,
        Err(error) => return fail(&error.to_string(), 2),
    };
    // Before anybody is told that it is ready: a signal that came in between would kill it outright.
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
        return fail("signals cannot be received", 1);
    };
    let mut rotated = match &settings.audit_log {
        Place::File(_) => signal(SignalKind::hangup()).ok(),
        Place::Off | Place::Stdout => None,
    };
    let public_url = settings.public_url.as_str().trim_end_matches('/').to_owned();
    // A start may wait half a minute for its directory.
    let started = tokio::select! {
        started = gateway::start(settings) => started,
        () = told_to_stop(&mut terminate, &mut interrupt) => return ExitCode::SUCCESS,
    };
    let running = match started {
        Ok(running) => running,
        Err(StartError::Settings(error)) => return fail(&error.to_string(), 2),
        Err(error) => return fail(&error.to_string(), 1),
    };
    say(&format!("poolgate ready on {public_url}"));
    running.state.context.audit.begin();
    loop {
        tokio::select! {
            () = told_to_stop(&mut terminate, &mut interrupt) => break,
            () = told_of_rotation(&mut rotated) => running.state.context.audit.reopen(),
        }
    }
    running.stop().await;
    ExitCode::SUCCESS
}

/// Somebody has moved the audit log away; never, where it is no file.
async fn told_of_rotation(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => drop(hangup.recv().await),
        None => std::future::pending().await,
    }
}

async fn run_demo(ports: Ports) -> ExitCode {
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
        return fail("signals cannot be received", 1);
    };
    let data = match tempfile::Builder::new().prefix("poolgate-demo-").tempdir() {
        Ok(data) => data,
        Err(error) => return fail(&format!("no temporary directory: {error}"), 1),
    };
    let running = match demo::run(ports, data.path()).await {
        Ok(running) => running,
        Err(error) => return fail(&error.to_string(), 1),
    };
    say(&format!("poolgate demo: open {}", running.url));
    say(&format!("poolgate demo: pages at {}", running.pages));
    told_to_stop(&mut terminate, &mut interrupt).await;
    running.stop().await;
    ExitCode::SUCCESS
}

async fn told_to_stop(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
}

/// Says what was done, or why it was not.
fn told(done: Result<String, ApplyError>) -> ExitCode {
    match done {
        Ok(said) => {
            say(said.trim_end());
            ExitCode::SUCCESS
        }
        Err(error @ ApplyError::Settings(_)) => fail(&error.to_string(), 2),
        Err(error) => fail(&error.to_string(), 1),
    }
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
