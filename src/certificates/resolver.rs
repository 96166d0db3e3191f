//! Which certificate a browser is shown.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certified_key;
use crate::pool::Certificate;
use crate::registry::{Registry, Versioned};

/// Shows the imported certificate of the custom domain that is asked for, and the listener's own in every other case.
pub struct Resolver {
    own: Arc<CertifiedKey>,
    registry: Arc<Registry>,
    /// By ARN.
    ready: Mutex<BTreeMap<String, Ready>>,
}

struct Ready {
    /// Of the certificate that it was made of.
    version: i64,
    /// What came of it.
    made: Option<Arc<CertifiedKey>>,
}

impl Resolver {
    /// `own` is that of the listener.
    pub fn new(own: CertifiedKey, registry: Arc<Registry>) -> Self {
        Self { own: Arc::new(own), registry, ready: Mutex::default() }
    }

    /// The certificate for this host.
    pub fn for_host(&self, host: Option<&str>) -> Arc<CertifiedKey> {
        let imported = host.and_then(|host| self.imported(host));
        imported.unwrap_or_else(|| Arc::clone(&self.own))
    }

    fn imported(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        let snapshot = self.registry.snapshot();
        let certificate = snapshot.certificate(snapshot.certificate_arn_at_host(host)?)?;
        self.ready_made(certificate)
    }

    /// Made once for each content, also where nothing comes of it.
    fn ready_made(&self, certificate: &Versioned<Certificate>) -> Option<Arc<CertifiedKey>> {
        let arn = &certificate.value.arn;
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = ready.get(arn).filter(|known| known.version == certificate.version) {
            return known.made.clone();
        }
        let made = match certified_key(&certificate.value) {
            Ok(made) => Some(Arc::new(made)),
            Err(error) => {
                tracing::error!(%error, "the imported certificate {arn} cannot be used: the listener's own is shown");
                None
            }
        };
        ready.insert(arn.clone(), Ready { version: certificate.version, made: made.clone() });
        made
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.for_host(hello.server_name()))
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Resolver")
    }
}
