//! The one HTTP client of the gateway for calls to identity providers.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::{FetchError, Http, MAX_BODY, address};

/// Where outgoing requests may go and whom they trust.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Networks allowed although they are not public (`POOLGATE_IDP_NETWORKS`).
    pub networks: Vec<IpNet>,
    /// Development: loopback is allowed, and plain http to loopback.
    pub dev: bool,
    /// Certificates of more authorities to trust, PEM (`POOLGATE_IDP_CA_FILE`).
    pub extra_roots_pem: Option<Vec<u8>>,
}

/// How long and how much.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) connect: Duration,
    pub(super) total: Duration,
    pub(super) body: usize,
}

impl Limits {
    const STANDARD: Self =
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(10), body: MAX_BODY };
}

/// Looks up the addresses of a host name. Tests bring their own.
pub(super) trait Lookup: Send + Sync {
    fn lookup(&self, name: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>;
}

/// The machine's resolver.
struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move {
            Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.map(|socket| socket.ip()).collect())
        })
    }
}

/// [`Http`] with time-outs (5 s to connect, 10 s in all), a body cap ([`MAX_BODY`]) and address rules.
///
/// Follows no redirect, keeps no cookie, uses no proxy of the environment. The address rules are
/// applied to the addresses that are really connected to, so a name that resolves to another address
/// the second time gains nothing.
#[derive(Clone)]
pub struct GuardedClient {
    client: reqwest::Client,
    guard: Arc<Guard>,
    limits: Limits,
}

impl fmt::Debug for GuardedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedClient").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl GuardedClient {
    /// A client under `rules`.
    ///
    /// # Errors
    /// [`FetchError::Broken`] when the extra certificates cannot be read or TLS cannot be set up.
    pub fn new(rules: Rules) -> Result<Self, FetchError> {
        Self::with(rules, Limits::STANDARD, Arc::new(SystemLookup))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the client that all outgoing HTTP goes through")]
    pub(super) fn with(rules: Rules, limits: Limits, lookup: Arc<dyn Lookup>) -> Result<Self, FetchError> {
        let guard = Arc::new(Guard { networks: rules.networks, dev: rules.dev });
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(limits.connect)
            .timeout(limits.total)
            .user_agent(concat!("poolgate/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(GuardedResolver { guard: Arc::clone(&guard), lookup });
        if let Some(pem) = &rules.extra_roots_pem {
            let roots = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|e| FetchError::Broken(format!("the extra CA certificates: {}", root_cause(&e))))?;
            if roots.is_empty() {
                return Err(FetchError::Broken("the extra CA file holds no PEM certificate".into()));
            }
            builder = builder.tls_certs_merge(roots);
        }
        let client = builder.build().map_err(|e| FetchError::Broken(root_cause(&e)))?;
        Ok(Self { client, guard, limits })
    }
}

/// Sends one request and reads the whole answer, as long as it may be.
async fn exchange(
    client: &reqwest::Client,
    limits: Limits,
    url: Url,
    request: http::Request<Vec<u8>>,
) -> Result<http::Response<Vec<u8>>, FetchError> {
    let (mut parts, body) = request.into_parts();
    // The library says nothing of a body that is empty, and servers refuse a POST that does not
    // (RFC 9110 section 8.6).
    if parts.method == http::Method::POST && body.is_empty() {
        parts.headers.insert(http::header::CONTENT_LENGTH, http::HeaderValue::from_static("0"));
    }
    let sending = client.request(parts.method, url).headers(parts.headers).body(body).send();
    let mut answer = sending.await.map_err(broken)?;
    let announced = answer.content_length().unwrap_or(0);
    if announced > limits.body as u64 {
        return Err(FetchError::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(broken)? {
        if bytes.len() + chunk.len() > limits.body {
            return Err(FetchError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    let mut response = http::Response::new(bytes);
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}

/// [`Http`] to one place alone, which the operator has named: that place may be private, and plain http. Everything
/// else is as in [`GuardedClient`]: no redirect, no cookie, no proxy, a time for the whole request, a body cap.
#[derive(Clone)]
pub struct FixedClient {
    client: reqwest::Client,
    origin: url::Origin,
    limits: Limits,
}

impl fmt::Debug for FixedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FixedClient").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl FixedClient {
    /// A client that asks nobody but the origin of `base`, for so long at most.
    ///
    /// # Errors
    /// [`FetchError::UrlRefused`] for another scheme than http and https; [`FetchError::Broken`] when TLS cannot be
    /// set up.
    #[expect(
        clippy::disallowed_methods,
        reason = "the other client of the house, for what the operator named"
    )]
    pub fn to(base: &Url, total: Duration) -> Result<Self, FetchError> {
        if !matches!(base.scheme(), "http" | "https") {
            return Err(FetchError::UrlRefused("it is neither http nor https".into()));
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(total)
            .timeout(total)
            .user_agent(concat!("poolgate/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| FetchError::Broken(root_cause(&error)))?;
        let limits = Limits { connect: total, total, body: MAX_BODY };
        Ok(Self { client, origin: base.origin(), limits })
    }
}

#[async_trait]
impl Http for FixedClient {
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
        let url = Url::parse(&request.uri().to_string())
            .ok()
            .filter(|url| url.origin() == self.origin)
            .ok_or_else(|| FetchError::UrlRefused("it is of another origin".into()))?;
        tokio::time::timeout(self.limits.total, exchange(&self.client, self.limits, url, request))
            .await
            .unwrap_or(Err(FetchError::TimedOut))
    }
}

#[async_trait]
impl Http for GuardedClient {
    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, FetchError> {
        let url = self.guard.usable(&request.uri().to_string())?;
        // Around everything: a body that drips can hold no request longer than the total.
        tokio::time::timeout(self.limits.total, exchange(&self.client, self.limits, url, request))
            .await
            .unwrap_or(Err(FetchError::TimedOut))
    }
}

/// The address rules.
#[derive(Debug)]
struct Guard {
    networks: Vec<IpNet>,
    dev: bool,
}

impl Guard {
    /// The URL, if it may be asked: https, or in development http to loopback; no user information;
    /// a host that is an address must be an allowed one (names are checked when they are resolved).
    fn usable(&self, text: &str) -> Result<Url, FetchError> {
        let url = Url::parse(text).map_err(|_| FetchError::UrlRefused("not an absolute URL".into()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::UrlRefused("it holds a user name or password".into()));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
            Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
            Some(Host::Domain(_)) => None,
            None => return Err(FetchError::UrlRefused("it has no host".into())),
        };
        match url.scheme() {
            "https" => {}
            "http" if self.dev && is_loopback_host(&url) => {}
            "http" => {
                return Err(FetchError::UrlRefused(
                    "https is required (http only to loopback, with POOLGATE_DEV)".into(),
                ));
            }
            _ => return Err(FetchError::UrlRefused("https is required".into())),
        }
        match literal {
            Some(ip) if !self.allows(ip) => Err(FetchError::AddressRefused(ip.to_string())),
            _ => Ok(url),
        }
    }

    fn allows(&self, ip: IpAddr) -> bool {
        address::is_allowed(ip, &self.networks, self.dev)
    }
}

/// Whether the host of `url` is loopback by its form: a loopback address, `localhost` or a name under it.
pub(crate) fn is_loopback_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(v4)) => v4.is_loopback(),
        Some(Host::Ipv6(v6)) => IpAddr::V6(v6).to_canonical().is_loopback(),
        Some(Host::Domain(name)) => is_localhost(name),
        None => false,
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    last.eq_ignore_ascii_case("localhost")
}

/// Gives the connector only addresses that may be connected to.
struct GuardedResolver {
    guard: Arc<Guard>,
    lookup: Arc<dyn Lookup>,
}

/// Every address of a name is refused.
#[derive(Debug)]
struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the address {} is not allowed", self.0)
    }
}

impl StdError for Refused {}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.guard);
        let name = name.as_str().to_owned();
        let found = self.lookup.lookup(name.clone());
        Box::pin(async move {
            let found = found.await?;
            // Plain http may go to `localhost`: such a name must then really be loopback.
            let only_loopback = is_localhost(&name);
            let allowed: Vec<SocketAddr> = found
                .iter()
                .filter(|ip| guard.allows(**ip) && (!only_loopback || ip.to_canonical().is_loopback()))
                .map(|ip| SocketAddr::new(*ip, 0))
                .collect();
            match (allowed.is_empty(), found.first()) {
                (true, Some(first)) => Err(Refused(format!("{first} of {name}")).into()),
                (true, None) => Err(std::io::Error::other("the name has no address").into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

fn broken(error: reqwest::Error) -> FetchError {
    // Some providers want secrets in the URL: it stands in no text, whatever the error says.
    let error = error.without_url();
    let mut source: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(cause) = source {
        if let Some(refused) = cause.downcast_ref::<Refused>() {
            return FetchError::AddressRefused(refused.0.clone());
        }
        source = cause.source();
    }
    if error.is_timeout() {
        FetchError::TimedOut
    } else if error.is_connect() || error.is_builder() {
        FetchError::Broken(root_cause(&error))
    } else {
        FetchError::BrokeOff
    }
}

/// The innermost error in words: the outer ones hold the URL and say little.
fn root_cause(error: &dyn StdError) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
