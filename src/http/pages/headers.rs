//! Security headers of the hosted pages (`gateway.md` section 8).

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use super::href::harmless;

/// A header's name and value.
pub type Header = (&'static str, String);

/// One source of `form-action`: where this page's form may end after all redirects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormTarget(String);

impl FormTarget {
    /// The source that lets a form end at `address`: its origin, or `myapp:` for an app's own scheme.
    ///
    /// A policy cannot name an IPv6 host (CSP 3, section 2.3.1, `host-part`), so such an address, in
    /// practice `http://[::1]`, becomes any host at its scheme and port. `None` for a scheme that
    /// acts inside the browser, and for a host with characters that would end the directive: URLs
    /// allow `;` and `,` in hosts.
    pub fn of(address: &Url) -> Option<Self> {
        let scheme = address.scheme();
        if !harmless(scheme) {
            return None;
        }
        match (scheme, address.host()) {
            ("http" | "https", Some(Host::Ipv6(_))) => {
                Some(Self(format!("{scheme}://*:{}", address.port_or_known_default()?)))
            }
            ("http" | "https", Some(host)) if is_plain(&host.to_string()) => {
                Some(Self(address.origin().ascii_serialization()))
            }
            ("http" | "https", _) => None,
            _ => Some(Self(format!("{scheme}:"))),
        }
    }

    /// The source for a provider's origin, as the adapter names it. `None` for an opaque origin.
    pub fn of_origin(origin: &url::Origin) -> Option<Self> {
        Url::parse(&origin.ascii_serialization()).ok().as_ref().and_then(Self::of)
    }
}

impl fmt::Display for FormTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How the browser reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Plain HTTP.
    Plain,
    /// TLS, at our listener or at a proxy in front of it.
    Tls,
}

/// The headers of a hosted page, whose forms may end at `'self'` and at `targets`, nowhere else.
/// `host` is the request's host, without or with its port.
pub fn page(targets: &[FormTarget], transport: Transport, host: &str) -> Vec<Header> {
    let mut headers = vec![
        ("content-type", "text/html; charset=utf-8".to_owned()),
        ("content-security-policy", policy(targets)),
        ("cache-control", "no-store".to_owned()),
        ("x-frame-options", "DENY".to_owned()),
    ];
    headers.extend(common(transport, host));
    headers
}

/// The headers of an answer without scripts, styles and forms that pages of `ancestors`, and no others, may frame.
pub fn framed(ancestors: &[FormTarget], transport: Transport, host: &str) -> Vec<Header> {
    let sources = if ancestors.is_empty() { "'none'".to_owned() } else { distinct(ancestors).join(" ") };
    let policy =
        format!("default-src 'none'; form-action 'none'; frame-ancestors {sources}; base-uri 'none'");
    let mut headers = vec![
        ("content-type", "text/html; charset=utf-8".to_owned()),
        ("content-security-policy", policy),
        // Front-Channel Logout 1.0 section 2.
        ("cache-control", "no-cache, no-store".to_owned()),
    ];
    headers.extend(common(transport, host));
    headers
}

/// The headers of a file whose address holds its content's digest: one of [`super::assets`], or an administrator's.
pub fn asset(content_type: &str, transport: Transport, host: &str) -> Vec<Header> {
    let mut headers = vec![
        ("content-type", content_type.to_owned()),
        ("cache-control", "public, max-age=31536000, immutable".to_owned()),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'".to_owned()),
        ("cross-origin-resource-policy", "same-origin".to_owned()),
    ];
    headers.extend(common(transport, host));
    headers
}

/// The headers that every answer carries: no referrer, no type guessing, and HSTS where it is true.
pub fn common(transport: Transport, host: &str) -> Vec<Header> {
    let mut headers =
        vec![("referrer-policy", "no-referrer".to_owned()), ("x-content-type-options", "nosniff".to_owned())];
    if transport == Transport::Tls && !is_local(host) {
        headers.push(("strict-transport-security", "max-age=31536000".to_owned()));
    }
    headers
}

/// What holds for an answer that says nothing else: nobody keeps it, nobody frames it, nothing in it runs.
pub const UNLESS_SAID: [(&str, &str); 2] = [
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
];

fn is_plain(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// Each source once, in order.
fn distinct(targets: &[FormTarget]) -> Vec<String> {
    let mut sources = Vec::new();
    for target in targets {
        let source = target.to_string();
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    sources
}

fn policy(targets: &[FormTarget]) -> String {
    let mut sources = vec!["'self'".to_owned()];
    sources.extend(distinct(targets));
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action {}; \
         frame-ancestors 'none'; base-uri 'none'",
        sources.join(" ")
    )
}

/// A laptop must not be told to use TLS for every other thing that runs on `localhost`.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
