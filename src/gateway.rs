//! Puts the parts together; starts, tells when it is ready, and stops.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use poolgate_providers::fetch::{GuardedClient, Http, Rules};
use poolgate_providers::{Clock, Random, SteadyClock, Surroundings, SystemClock, SystemRandom};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use tokio::sync::Mutex;

use crate::api::{ApiContext, Credentials};
use crate::audit::{Audit, Place};
use crate::certificates::Resolver;
use crate::config::{Secrets, Settings, SettingsError, TlsFiles};
use crate::context::{Context, Parts};
use crate::directory::{Directory, DirectoryError};
use crate::http::pages::{PageError, Pages};
use crate::http::{self, State, auditing, correlation, prefetch, throttling};
use crate::keys::Sealer;
use crate::observe::directory::WatchedDirectory;
use crate::observe::fetch::WatchedHttp;
use crate::observe::metrics::Metrics;
use crate::observe::sessions::WatchedSessions;
use crate::registry::Surface;
use crate::registry::follow::Follower;
use crate::sessions::redis::SessionSeal;
use crate::sessions::{SessionError, SessionStore};
use crate::sign_in::shared_copies::SharedMemory;
use crate::sign_in::used_once::UsedMarks;
use crate::stores;
use crate::throttle::Throttle;
use crate::triggers::Triggers;
use crate::upkeep;

/// Largest body that is read at all, in bytes.
const MAX_BODY: usize = http::body::MAX_SAML_FORM;
/// How long requests in flight may take once the gateway stops, in seconds.
const GRACE: u64 = 10;
/// How long new connections are still taken once the gateway stops, when a load balancer watches `/readyz`: it has
/// to see red before a connection is refused.
const FAREWELL: Duration = Duration::from_secs(3);
/// How long an idle connection stays open: longer than the 60 s of common proxies, which would otherwise send
/// a request down a connection that is just being closed, and answer 502.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Why the gateway did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A setting cannot be used: exit code 2.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The directory does not open.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The session store does not open.
    #[error(transparent)]
    Sessions(#[from] SessionError),
    /// A template does not parse.
    #[error(transparent)]
    Pages(#[from] PageError),
    /// The server could not be made.
    #[error("{0}")]
    Server(#[from] std::io::Error),
}

/// A gateway that is listening.
pub struct Running {
    /// What its handlers use.
    pub state: State,
    /// Where the public listener is.
    pub address: SocketAddr,
    /// Where the metrics listener is.
    pub metrics_address: SocketAddr,
    public: ServerHandle,
    metrics: ServerHandle,
    upkeep: upkeep::Running,
    follower: Follower,
}

/// Opens the stores and starts both listeners. Call it inside a Tokio runtime.
///
/// # Errors
/// See [`StartError`]: nothing is left running then.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    let public = listen(settings.listen, "POOLGATE_LISTEN")?;
    let metrics = listen(settings.metrics_listen, "POOLGATE_METRICS_LISTEN")?;
    start_on(settings, public, metrics).await
}

/// The same on listeners that are bound already.
///
/// # Errors
/// See [`StartError`].
pub async fn start_on(
    settings: Settings,
    public: TcpListener,
    metrics: TcpListener,
) -> Result<Running, StartError> {
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    if settings.dev {
        tracing::warn!("POOLGATE_DEV is true: identity providers may be plain http on loopback");
    }
    let tls = settings.tls.as_ref().map(load_tls).transpose()?;
    let state = build_state(&settings).await?;
    let (address, metrics_address) = (public.local_addr()?, metrics.local_addr()?);
    let tls = tls.map(|own| with_certificates(own, &state));
    let (public, metrics) = (serve_public(public, tls, &state)?, serve_metrics(metrics, &state)?);
    let upkeep = upkeep::Running::start(Arc::clone(&state.context.upkeep));
    let follower = Follower::start(Arc::clone(&state.context.registry), &*state.context.sessions);
    Ok(Running { state, address, metrics_address, public, metrics, upkeep, follower })
}

impl Running {
    /// Turns `/readyz` red, stops accepting, finishes what is in flight, closes the stores.
    pub async fn stop(self) {
        if self.state.readiness.stops(self.state.context.now()) {
            tokio::time::sleep(FAREWELL).await;
        }
        self.upkeep.stop().await;
        self.public.stop(true).await;
        self.follower.stop().await;
        // To the end it says that traffic should go elsewhere. Nobody waits for its answers.
        self.metrics.stop(false).await;
        self.state.context.audit.close().await;
        self.state.context.sessions.close().await;
        self.state.context.directory.close().await;
    }
}

fn listen(address: SocketAddr, setting: &str) -> Result<TcpListener, StartError> {
    let listener = TcpListener::bind(address).map_err(|error| SettingsError {
        setting: setting.to_owned(),
        given: format!("given {address}, which cannot be listened on ({error})"),
        allowed: "a free address of this machine".to_owned(),
    })?;
    Ok(listener)
}

async fn build_state(settings: &Settings) -> Result<State, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SteadyClock::new(SystemClock));
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let secrets = Secrets::obtain(settings, &random)?;
    if let Some(file) = &secrets.credentials_file {
        tracing::info!(file = %file.display(), "management credentials are in this file");
    }
    let sealer = sealer(&secrets.master_key, &random)?;
    let metrics = Arc::<Metrics>::default();
    let directory = stores::open_directory(settings, &clock).await?;
    let directory: Arc<dyn Directory> = Arc::new(WatchedDirectory::new(directory, Arc::clone(&metrics)));
    let seal = SessionSeal::new(&secrets.master_key, Arc::clone(&random)).map_err(|_| wrong_master_key())?;
    let sessions = stores::open_sessions(settings, &clock, seal).await?;
    let sessions: Arc<dyn SessionStore> = Arc::new(WatchedSessions::new(sessions, Arc::clone(&metrics)));
    let outgoing: Arc<dyn Http> =
        Arc::new(WatchedHttp::new(Arc::new(outgoing(settings)?), Arc::clone(&metrics)));
    let around = Surroundings {
        clock: Arc::clone(&clock),
        random: Arc::clone(&random),
        http: Arc::clone(&outgoing),
        used: Arc::new(UsedMarks::new(Arc::clone(&sessions), Arc::clone(&directory))),
        shared: Arc::new(SharedMemory::new(Arc::clone(&sessions), Arc::clone(&clock))),
    };
    let audit = audit(settings, Arc::clone(&metrics))?;
    let throttle = Throttle::new(&settings.rate_limits, &clock, &random, Arc::clone(&metrics));
    let context = Context::open(Parts {
        directory,
        sessions,
        sealer: sealer.clone(),
        around,
        surface: surface(settings),
        metrics,
        triggers: triggers(settings)?,
        audit,
        throttle,
    })
    .await?;
    // Before anything is dated.
    context.registry.compare_clocks().await?;
    let api = ApiContext {
        core: context.clone(),
        sealer,
        credentials: Credentials {
            access_key_id: secrets.credentials.access_key_id.clone(),
            secret_access_key: secrets.credentials.secret_access_key.clone(),
        },
        writing: Mutex::new(()),
    };
    Ok(State {
        context,
        readiness: Arc::default(),
        api: Arc::new(api),
        pages: Arc::new(Pages::new()?),
        attempts: Arc::default(),
        trusted_proxies: settings.trusted_proxies.clone().into(),
    })
}

fn audit(settings: &Settings, metrics: Arc<Metrics>) -> Result<Audit, SettingsError> {
    Audit::open(&settings.audit_log, metrics).map_err(|error| SettingsError {
        setting: "POOLGATE_AUDIT_LOG".to_owned(),
        given: match &settings.audit_log {
            Place::File(path) => format!("given {}, which cannot be appended to ({error})", path.display()),
            Place::Off | Place::Stdout => error.to_string(),
        },
        allowed: "off, stdout, or the path of a file in a directory that can be written to".to_owned(),
    })
}

/// How this installation is reached, and what it lets providers do.
pub(crate) fn surface(settings: &Settings) -> Surface {
    Surface {
        public_url: settings.public_url.clone(),
        region: settings.region.clone(),
        account_id: settings.account_id.clone(),
        dev: settings.dev,
        engines: settings.saml_engines,
    }
}

/// Where the functions of the administrator are invoked.
pub(crate) fn triggers(settings: &Settings) -> Result<Triggers, SettingsError> {
    let Some(endpoint) = &settings.lambda_endpoint else { return Ok(Triggers::default()) };
    Triggers::connect(endpoint.clone()).map_err(|error| SettingsError {
        setting: "POOLGATE_LAMBDA_ENDPOINT".to_owned(),
        given: format!("given {endpoint}, which cannot be asked ({error})"),
        allowed: "base URL of a Lambda Invoke API".to_owned(),
    })
}

/// Seals and opens under the master key.
pub(crate) fn sealer(master_key: &[u8], random: &Arc<dyn Random>) -> Result<Sealer, SettingsError> {
    Sealer::new(master_key, Arc::clone(random)).map_err(|_| wrong_master_key())
}

fn wrong_master_key() -> SettingsError {
    SettingsError {
        setting: "POOLGATE_MASTER_KEY".to_owned(),
        given: "(hidden)".to_owned(),
        allowed: "32 bytes in base64".to_owned(),
    }
}

/// Calls to identity providers, under the settings' address rules.
pub(crate) fn outgoing(settings: &Settings) -> Result<GuardedClient, SettingsError> {
    let refuse = |given: String| SettingsError {
        setting: "POOLGATE_IDP_CA_FILE".to_owned(),
        given,
        allowed: "a readable PEM file of certificates".to_owned(),
    };
    let extra_roots_pem = match &settings.idp_ca_file {
        None => None,
        Some(path) => {
            let read = std::fs::read(path);
            Some(read.map_err(|error| refuse(format!("given {}, unreadable ({error})", path.display())))?)
        }
    };
    let rules = Rules { networks: settings.idp_networks.clone(), dev: settings.dev, extra_roots_pem };
    GuardedClient::new(rules).map_err(|error| refuse(error.to_string()))
}

/// TLS that shows a custom domain's imported certificate where there is one, and the listener's own otherwise.
fn with_certificates(own: CertifiedKey, state: &State) -> rustls::ServerConfig {
    let resolver = Resolver::new(own, Arc::clone(&state.context.registry));
    rustls::ServerConfig::builder().with_no_client_auth().with_cert_resolver(Arc::new(resolver))
}

fn load_tls(files: &TlsFiles) -> Result<CertifiedKey, SettingsError> {
    use rustls_pki_types::pem::PemObject as _;
    use rustls_pki_types::{CertificateDer, PrivateKeyDer};
    let refuse = |setting: &str, path: &std::path::Path, error: &dyn std::fmt::Display| SettingsError {
        setting: setting.to_owned(),
        given: format!("given {}, which cannot be used ({error})", path.display()),
        allowed: "a readable PEM file; certificate and key belong together".to_owned(),
    };
    let (certificate, key) = (&files.certificate, &files.key);
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| refuse("POOLGATE_TLS_CERT", certificate, &error))?;
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| refuse("POOLGATE_TLS_KEY", key, &error))?;
    if chain.is_empty() {
        return Err(refuse("POOLGATE_TLS_CERT", certificate, &"it holds no certificate"));
    }
    CertifiedKey::from_der(chain, private, &rustls::crypto::aws_lc_rs::default_provider())
        .map_err(|error| refuse("POOLGATE_TLS_CERT", certificate, &error))
}

fn serve_public(
    listener: TcpListener,
    tls: Option<rustls::ServerConfig>,
    state: &State,
) -> Result<ServerHandle, StartError> {
    let state = state.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(state.clone()))
            .app_data(web::PayloadConfig::new(MAX_BODY))
            // The last is the first to see a request.
            .wrap(from_fn(auditing::middleware))
            .wrap(from_fn(prefetch::middleware))
            .wrap(from_fn(throttling::middleware))
            .wrap(from_fn(correlation::middleware))
            .configure(http::routes)
            .default_service(web::to(http::nothing))
    })
    .shutdown_timeout(GRACE)
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(Duration::from_secs(10))
    .disable_signals();
    let server = match tls {
        Some(config) => server.listen_rustls_0_23(listener, config)?,
        None => server.listen(listener)?,
    };
    Ok(spawn(server.run()))
}

fn serve_metrics(listener: TcpListener, state: &State) -> Result<ServerHandle, StartError> {
    let state = state.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(state.clone()))
            .configure(http::health::routes)
            .default_service(web::to(http::nothing))
    })
    .workers(1)
    .shutdown_timeout(GRACE)
    .disable_signals()
    .listen(listener)?;
    Ok(spawn(server.run()))
}

fn spawn(server: actix_web::dev::Server) -> ServerHandle {
    let handle = server.handle();
    tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "a listener ended");
        }
    });
    handle
}
