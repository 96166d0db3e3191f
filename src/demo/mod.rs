//! `poolgate demo`: the gateway, a simulated SAML provider, a simulated OIDC provider, simulations of Google, Facebook,
//! Login with Amazon and Sign in with Apple, a sample app, and a preview of the hosted pages, all on loopback. The
//! simulators serve the tests too.

pub mod amazon_idp;
pub mod app;
pub mod apple_idp;
pub mod configure;
pub mod facebook_idp;
pub mod google_idp;
pub mod grants;
pub mod key_ring;
pub mod oidc_idp;
pub mod pages;
pub mod people;
pub mod preview;
pub mod saml_idp;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpServer};
use poolgate_providers::fetch::Http;
use poolgate_providers::{Clock, Random};
use thiserror::Error;

use crate::config::Settings;
use crate::gateway::{self, StartError};
use crate::http::pages::PageError;
use crate::keys::KeyError;
use amazon_idp::AmazonIdp;
use app::SampleApp;
use apple_idp::AppleIdp;
use facebook_idp::FacebookIdp;
use google_idp::GoogleIdp;
use oidc_idp::OidcIdp;
use preview::Preview;
use saml_idp::SamlIdp;

/// Where everything listens, on 127.0.0.1. Port 0: any that is free.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// The gateway.
    pub gateway: u16,
    /// The SAML provider.
    pub saml: u16,
    /// The OIDC provider.
    pub oidc: u16,
    /// Google.
    pub google: u16,
    /// Facebook.
    pub facebook: u16,
    /// Login with Amazon.
    pub amazon: u16,
    /// Sign in with Apple.
    pub apple: u16,
    /// The sample app.
    pub app: u16,
    /// The preview of the hosted pages.
    pub preview: u16,
}

/// Why the demo did not start.
#[derive(Debug, Error)]
pub enum DemoError {
    /// The gateway did not start.
    #[error(transparent)]
    Gateway(#[from] StartError),
    /// A port is taken, or a server could not be made.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
    /// The management API refused.
    #[error("the pool could not be made: {0}")]
    Configuration(String),
    /// A template is at fault.
    #[error(transparent)]
    Template(#[from] minijinja::Error),
    /// A hosted page, or what one says, is at fault.
    #[error(transparent)]
    Page(#[from] PageError),
    /// A key could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A certificate could not be made.
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    /// A response could not be signed.
    #[error("cannot sign: {0}")]
    Signing(String),
}

/// What the simulators and the app are handed.
#[derive(Clone)]
pub struct Own {
    /// Base URL of the gateway.
    pub gateway: String,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

/// A demo that is running.
pub struct Running {
    /// The gateway.
    pub gateway: gateway::Running,
    /// What to open.
    pub url: String,
    /// The preview of the hosted pages.
    pub pages: String,
    servers: Vec<ServerHandle>,
}

impl Running {
    /// Stops everything.
    pub async fn stop(self) {
        for server in &self.servers {
            server.stop(false).await;
        }
        self.gateway.stop().await;
    }
}

fn listen(port: u16) -> Result<(TcpListener, u16), DemoError> {
    let failed = |source| DemoError::Listen { port, source };
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    Ok((listener, port))
}

/// Starts everything, with the gateway's data in `data_dir`. Call it inside a Tokio runtime.
///
/// # Errors
/// See [`DemoError`].
pub async fn run(ports: Ports, data_dir: &Path) -> Result<Running, DemoError> {
    let (gateway_listener, gateway_port) = listen(ports.gateway)?;
    let (metrics_listener, _) = listen(0)?;
    let (app_listener, app_port) = listen(ports.app)?;
    let (preview_listener, preview_port) = listen(ports.preview)?;
    let gateway_url = format!("http://localhost:{gateway_port}");
    let settings = Settings::for_demo(&gateway_url, data_dir).map_err(StartError::from)?;
    let gateway = gateway::start_on(settings, gateway_listener, metrics_listener).await?;
    let around = &gateway.state.context.around;
    let (clock, random) = (Arc::clone(&around.clock), Arc::clone(&around.random));
    let own = Own { gateway: gateway_url, clock, random };
    let http: Arc<dyn Http> = Arc::clone(&around.http);

    let (providers, mut servers) = providers(ports, &own, &http)?;
    let url = format!("http://localhost:{app_port}");
    let made = configure::configure(&gateway.state.api, &providers, &url).await?;
    let app = Arc::new(SampleApp::new(&url, &made, own, http)?);
    servers.push(serve(app_listener, app, app::routes)?);
    servers.push(serve(preview_listener, Arc::new(Preview::new()?), preview::routes)?);
    let pages = format!("http://127.0.0.1:{preview_port}/");
    Ok(Running { gateway, url, pages, servers })
}

/// Starts the simulated providers. They have another host name than gateway and app: to the browser they are other
/// sites.
fn providers(
    ports: Ports,
    own: &Own,
    http: &Arc<dyn Http>,
) -> Result<(Vec<configure::Plan>, Vec<ServerHandle>), DemoError> {
    let listen = |port| listen(port).map(|(listener, port)| (listener, format!("http://127.0.0.1:{port}")));
    let (saml_listener, base) = listen(ports.saml)?;
    let saml = Arc::new(SamlIdp::new(&base, own.clone())?);
    let saml_plan = configure::saml(&saml.metadata()?);
    let (oidc_listener, base) = listen(ports.oidc)?;
    let oidc = Arc::new(OidcIdp::new(&base, own.clone())?.reaching(Arc::clone(http)));
    let oidc_plan = configure::oidc(&base, oidc.client_secret());
    let (google_listener, base) = listen(ports.google)?;
    let google = Arc::new(GoogleIdp::new(&base, own.clone())?);
    let google_plan = configure::google(&base, google.client_secret());
    let (facebook_listener, base) = listen(ports.facebook)?;
    let facebook = Arc::new(FacebookIdp::new(&base, own.clone())?);
    let facebook_plan = configure::facebook(&base, facebook.client_secret());
    let (amazon_listener, base) = listen(ports.amazon)?;
    let amazon = Arc::new(AmazonIdp::new(own.clone())?);
    let amazon_plan = configure::amazon(&base, amazon.client_secret());
    let (apple_listener, base) = listen(ports.apple)?;
    let apple = Arc::new(AppleIdp::new(&base, own.clone())?);
    let apple_plan = configure::apple(&base, apple.private_key());
    let servers = vec![
        serve(saml_listener, saml, saml_idp::routes)?,
        serve(oidc_listener, oidc, oidc_idp::routes)?,
        serve(google_listener, google, google_idp::routes)?,
        serve(facebook_listener, facebook, facebook_idp::routes)?,
        serve(amazon_listener, amazon, amazon_idp::routes)?,
        serve(apple_listener, apple, apple_idp::routes)?,
    ];
    let plans = vec![google_plan, facebook_plan, amazon_plan, apple_plan, saml_plan, oidc_plan];
    Ok((plans, servers))
}

/// Serves one simulator.
///
/// # Errors
/// When the server cannot be made.
pub fn serve<T: Send + Sync + 'static>(
    listener: TcpListener,
    what: Arc<T>,
    routes: fn(&mut ServiceConfig),
) -> Result<ServerHandle, DemoError> {
    let port = listener.local_addr().map(|address| address.port()).unwrap_or_default();
    let server =
        HttpServer::new(move || App::new().app_data(web::Data::new(Arc::clone(&what))).configure(routes))
            .workers(1)
            .disable_signals()
            .listen(listener)
            .map_err(|source| DemoError::Listen { port, source })?
            .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(handle)
}
